"""Approve, reject or remove private endpoint connections, as the owner of the resource that they lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import AzureConflictError, InvalidOptionError
from airflow_provider_netconn.operators.azure_base import AzureOperator
from airflow_provider_netconn.templated import as_text, as_texts

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_netconn.azure.private_endpoint_connection import (
        PrivateEndpointConnectionState,
        PrivateEndpointConnectionWatch,
        RequestFilter,
    )
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.watching import ResourceState

_STATUS_BY_ACTION: Final = {"approve": "Approved", "reject": "Rejected", "remove": "Removed"}


class PrivateEndpointConnectionOperator(AzureOperator):
    """Decides about requests of private endpoints for a resource, as its owner; the endpoints need not be visible.

    It acts on the requests that are meant, and on no others: say whose they are by at least one of ``endpoint_id``,
    ``requester_subscription_ids`` and ``request_message``. All that is given must hold of a request. What is as wanted
    already is left alone.

    :param target_id: id of the resource that the endpoints lead to, such as a storage account's
    :param action: ``approve``, ``reject`` or ``remove``; to reject or remove what was approved cuts it off
    :param endpoint_id: the request of this private endpoint is meant
    :param requester_subscription_ids: requests of endpoints in one of these subscriptions are meant
    :param request_message: requests with exactly this message are meant
    :param description: words to the decision, which the requester sees; by default the request's message stays. Where
        ``request_message`` is given, it is kept behind them: a later run knows the request by it
    """

    template_fields: Sequence[str] = (
        *AzureOperator.template_fields,
        "target_id",
        "action",
        "endpoint_id",
        "requester_subscription_ids",
        "request_message",
        "description",
    )

    def __init__(
        self,
        *,
        target_id: str,
        action: str,
        endpoint_id: str | None = None,
        requester_subscription_ids: Sequence[str] | str | None = None,
        request_message: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target_id = target_id
        self.action = action
        self.endpoint_id = endpoint_id
        self.requester_subscription_ids = requester_subscription_ids
        self.request_message = request_message
        self.description = description
        if all(one is None or one in ("", []) for one in (endpoint_id, requester_subscription_ids, request_message)):
            raise InvalidOptionError(
                "endpoint_id, requester_subscription_ids, request_message", "none of them is given",
                "say whose request is meant by at least one of them; whatever happens to be pending is never taken",
            )  # fmt: skip

    def resource_id(self) -> str:
        """The resource that the endpoints lead to."""
        from airflow_provider_netconn.azure.private_endpoint_connection_types import connection_type
        from airflow_provider_netconn.azure.resource_ids import ResourceId

        target_id = as_text("target_id", self.target_id) or ""
        connection_type(target_id)
        return ResourceId.parse(target_id).text

    def needed_actions(self) -> Mapping[str, Sequence[str]]:
        """Reading connections, and writing or deleting them."""
        from airflow_provider_netconn.azure.private_endpoint_connection import needed_actions

        return needed_actions(self.resource_id(), remove=self._status == "Removed")

    async def ensure(self, azure: AzureSession, *, wait: bool) -> PrivateEndpointConnectionState:
        """Decide about what is meant."""
        from airflow_provider_netconn.azure.private_endpoint_connection import (
            ConnectionDecision,
            delete_private_endpoint_connection,
            ensure_private_endpoint_connection,
        )

        if self._status == "Removed":
            return await delete_private_endpoint_connection(azure, self.resource_id(), self._requests(), wait=wait)
        wanted = ConnectionDecision(
            target_id=self.resource_id(),
            requests=self._requests(),
            status=self._status,
            description=as_text("description", self.description) or "",
        )
        return await ensure_private_endpoint_connection(azure, wanted, wait=wait)

    def watch(self, state: ResourceState) -> PrivateEndpointConnectionWatch:  # noqa: ARG002
        """The connections that are meant."""
        from airflow_provider_netconn.azure.private_endpoint_connection import PrivateEndpointConnectionWatch

        return PrivateEndpointConnectionWatch(
            target_id=self.resource_id(), requests=self._requests(), target_status=self._status
        )

    def facts(self, state: ResourceState) -> dict[str, Any]:
        """The resource, and each connection that is meant with its status."""
        plain = state.to_json()
        return {"target_id": plain["target_id"], "connections": plain["connections"]}

    def execute(self, context: Context) -> dict[str, Any]:
        """Decide; returns the facts.

        :raises InvalidInputError: an argument is not usable, nobody's request is meant, or resources of this type have
            no API for it; nothing was asked of Azure
        :raises AzureNotFoundError: no request to the resource is meant
        :raises AzureError: the service refused it, or did not end it in time
        """
        self._check_arguments()
        return super().execute(context)

    def _check_arguments(self) -> None:
        from airflow_provider_netconn.azure.private_endpoint_connection_types import connection_type

        connection_type(self.resource_id()).check(remove=self._status == "Removed")
        self._requests()

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Go on where the wait ended; raises what :meth:`execute` raises."""
        from airflow_provider_netconn.azure.private_endpoint_connection import PrivateEndpointConnectionState

        # What failed is done once more, to see why. What others decided meanwhile is not taken back.
        if event and event.get("hopeless") and not PrivateEndpointConnectionState.from_json(event["state"]).has_failed:
            raise AzureConflictError(self.resource_id(), str(event["hopeless"]))
        return super().execute_complete(context, event)

    @property
    def _status(self) -> str:
        action = (as_text("action", self.action) or "").lower()
        if action not in _STATUS_BY_ACTION:
            raise InvalidOptionError("action", f"{self.action!r} is none", f"write {', '.join(_STATUS_BY_ACTION)}")
        return _STATUS_BY_ACTION[action]

    def _requests(self) -> RequestFilter:
        from airflow_provider_netconn.azure.private_endpoint_connection import RequestFilter

        return RequestFilter(
            endpoint_id=as_text("endpoint_id", self.endpoint_id) or "",
            subscription_ids=as_texts("requester_subscription_ids", self.requester_subscription_ids),
            request_message=as_text("request_message", self.request_message) or "",
        )
