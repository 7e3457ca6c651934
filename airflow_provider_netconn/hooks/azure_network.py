"""From an Airflow connection to Azure's control plane."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_netconn.errors import NetconnError
from airflow_provider_netconn.hooks.azure_connection import azure_settings
from airflow_provider_netconn.hooks.connection_fields import get_connection
from airflow_provider_netconn.provider_info import AZURE_NETWORK

if TYPE_CHECKING:
    from azure.mgmt.network import NetworkManagementClient

    from airflow_provider_netconn.azure.blocking import BlockingSession
    from airflow_provider_netconn.azure.permissions import MissingPermissions
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.settings import AzureSettings

_TEST_LIMIT_S: Final = 30.0
_MOST_SUBSCRIPTIONS: Final = 20


class AzureNetworkHook(BaseHook):
    """Asks Azure's control plane about networks, as what a connection signs in as.

    It takes connections of its own type (``azure_network``) and those of the Azure provider (``azure``) as they are.

    :param azure_conn_id: the Airflow connection
    :param subscription_id: instead of the connection's
    :param timeout_s: for a request with its repetitions, and for an operation, where no deadline is set; in seconds
    """

    conn_name_attr = "azure_conn_id"
    default_conn_name = "azure_default"
    conn_type = str(AZURE_NETWORK["connection-type"])
    hook_name = str(AZURE_NETWORK["hook-name"])

    def __init__(
        self, azure_conn_id: str = default_conn_name, *, subscription_id: str = "", timeout_s: float = 600.0
    ) -> None:
        super().__init__()
        self.azure_conn_id = azure_conn_id
        self.subscription_id = subscription_id
        self.timeout_s = timeout_s

    def settings(self) -> AzureSettings:
        """As whom and where the connection says to ask.

        :raises InvalidInputError: naming what is missing or wrong in the connection; never quoting it
        """
        return azure_settings(get_connection(self.azure_conn_id), subscription_id=self.subscription_id)

    def session(self) -> BlockingSession:
        """A session for code without an event loop: ``with hook.session() as azure``.

        :raises InvalidInputError: as above
        """
        from airflow_provider_netconn.azure.blocking import BlockingSession

        return BlockingSession(self._session(self.settings()))

    async def async_session(self) -> AzureSession:
        """A session for triggers: ``async with await hook.async_session() as azure``.

        :raises InvalidInputError: as above
        """
        if hasattr(BaseHook, "aget_connection"):
            connection = await BaseHook.aget_connection(self.azure_conn_id)
            return self._session(azure_settings(connection, subscription_id=self.subscription_id))
        return self._session(await asyncio.to_thread(self.settings))  # Airflow before 3.1

    def _session(self, settings: AzureSettings) -> AzureSession:
        from airflow_provider_netconn.azure.session import AzureSession

        return AzureSession(settings, timeout_s=self.timeout_s)

    def get_conn(self) -> NetworkManagementClient:
        """A new typed client of the connection's subscription, without an event loop. Close it.

        It tries again as our sessions do; its errors are those of azure-core.

        :raises InvalidInputError: as above
        """
        from azure.mgmt.network import NetworkManagementClient

        from airflow_provider_netconn.azure.pipeline import Limits, pipeline
        from airflow_provider_netconn.azure.throttling import ThrottleBook

        settings = self.settings()
        shared, tokens = pipeline(settings, Limits(timeout_s=self.timeout_s), ThrottleBook())
        return NetworkManagementClient(
            tokens,  # type: ignore[arg-type] # never asked: the pipeline has the tokens
            settings.required_subscription_id,
            base_url=settings.resource_manager,
            pipeline=shared,
        )

    def missing_permissions(self, scope: str, actions: Sequence[str]) -> MissingPermissions:
        """Which of these actions we lack at a scope; "unknown" where Azure does not tell.

        :param scope: id of a resource, group or subscription
        :param actions: such as ``Microsoft.Network/virtualNetworks/peer/action``
        """
        with self.session() as azure:
            return azure.missing_permissions(scope, actions)

    def test_connection(self) -> tuple[bool, str]:
        """Say who we are, which subscriptions we see, and what the package's operators may not do there."""
        from airflow_provider_netconn.azure.deadlines import deadline

        try:
            with deadline(_TEST_LIMIT_S), self.session() as azure:
                return True, azure.run(_describe)
        except (NetconnError, ValueError) as error:
            return False, str(error)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The form's standard fields, for Airflow before 3.2."""
        told = AZURE_NETWORK["ui-field-behaviour"]
        return {name.replace("-", "_"): value for name, value in told.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The form's own fields, for Airflow before 3.2."""
        # Airflow's web server has these where it still asks for widgets, and only there.
        from flask_appbuilder.fieldwidgets import (  # type: ignore[import-not-found,unused-ignore]
            BS3PasswordFieldWidget,
            BS3TextFieldWidget,
        )
        from flask_babel import lazy_gettext  # type: ignore[import-not-found,unused-ignore]
        from wtforms import PasswordField, StringField  # type: ignore[import-untyped,unused-ignore]

        widgets = {}
        for name, field in AZURE_NETWORK["conn-fields"].items():
            is_secret = field["schema"].get("format") == "password"
            kind, widget = (PasswordField, BS3PasswordFieldWidget) if is_secret else (StringField, BS3TextFieldWidget)
            widgets[name] = kind(lazy_gettext(field["label"]), widget=widget())
        return widgets


async def _describe(azure: AzureSession) -> str:
    from airflow_provider_netconn.azure.permissions import NEEDED_ACTIONS

    lines = [f"Signed in as {await azure.identity()}."]
    seen = {one["subscriptionId"]: one.get("displayName", "") async for one in azure.subscriptions()}
    told = [f"{name} ({key})" if name else key for key, name in list(seen.items())[:_MOST_SUBSCRIPTIONS]]
    more = f" and {len(seen) - len(told)} more" if len(seen) > len(told) else ""
    lines.append(f"Subscriptions in sight: {', '.join(told) or 'none'}{more}.")
    chosen = azure.settings.subscription_id
    if not chosen:
        lines.append("The connection names no subscription: operators need one, or full ids.")
        return " ".join(lines)
    scope = f"/subscriptions/{chosen}"
    asked = [action for actions in NEEDED_ACTIONS.values() for action in actions]
    found = await azure.missing_permissions(scope, asked)
    if found.unknown:
        lines.append(f"What is allowed in subscription {chosen} is unknown: {found.unknown}.")
        return " ".join(lines)
    lacking = {
        task: [action for action in actions if action in found.missing] for task, actions in NEEDED_ACTIONS.items()
    }
    told = [f"{task}: {', '.join(actions)}" for task, actions in lacking.items() if actions]
    rights = f"missing for {'; '.join(told)} (a role at a group or resource may allow them there)" if told else "all"
    lines.append(f"Actions that the operators need, in subscription {chosen}: {rights}.")
    return " ".join(lines)
