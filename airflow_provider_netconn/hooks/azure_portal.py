"""The link from a task to the page of its resource in Azure's portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context

    from airflow_provider_netconn.azure.settings import AzureSettings

_KEY: Final = "azure_portal"


class AzurePortalLink(BaseOperatorLink):
    """The resource's page in Azure's portal, of the cloud and tenant that the connection names."""

    name = "Azure Portal"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002
        """The page; empty before the task has begun."""
        return str(XCom.get_value(ti_key=ti_key, key=_KEY) or "")


def remember_portal_page(context: Context, settings: AzureSettings, resource_id: str) -> None:
    """Keep the page for the link: only the running task knows its rendered arguments and its connection."""
    tenant = f"@{settings.tenant_id}/" if settings.tenant_id else ""
    context["ti"].xcom_push(key=_KEY, value=f"{settings.cloud.portal_url}/#{tenant}resource{resource_id}")
