"""Wait until a private endpoint is approved, rejected, asked for or cut off, from either side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.sensors.azure_base import AzureStateSensor
from airflow_provider_netconn.templated import as_bool, as_text, as_texts

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.watching import Watch


class PrivateEndpointSensor(AzureStateSensor):
    """Waits until a private endpoint's connection has a status, and fails at once where it never will.

    By ``endpoint_id`` alone it looks at the endpoint. With ``target_id`` it looks from the owner's side, at the
    connections on the resource that endpoints lead to: an endpoint in a foreign subscription is seen there and nowhere
    else. Then say whose request is meant by at least one of ``endpoint_id``, ``requester_subscription_ids`` and
    ``request_message``; all that is given must hold. Where several are meant, old ones that were rejected do not count
    beside a newer one.

    :param endpoint_id: id of the private endpoint
    :param target_id: id of the resource that the endpoint leads to, to look from its owner's side
    :param requester_subscription_ids: endpoints in one of these subscriptions are meant
    :param request_message: requests with exactly this message are meant
    :param target_status: ``Pending`` (it is asked for), ``Approved`` (default), ``Rejected``, or ``Disconnected``: its
        owner removed the connection, or the endpoint is gone
    :param read_alone: with ``endpoint_id`` alone: read the endpoint itself, where the list of all endpoints in its
        subscription may not be read, which all who wait there share
    """

    template_fields: Sequence[str] = (
        *AzureStateSensor.template_fields,
        "endpoint_id",
        "target_id",
        "requester_subscription_ids",
        "request_message",
        "target_status",
        "read_alone",
    )

    def __init__(
        self,
        *,
        endpoint_id: str | None = None,
        target_id: str | None = None,
        requester_subscription_ids: Sequence[str] | str | None = None,
        request_message: str | None = None,
        target_status: str = "Approved",
        read_alone: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.endpoint_id = endpoint_id
        self.target_id = target_id
        self.requester_subscription_ids = requester_subscription_ids
        self.request_message = request_message
        self.target_status = target_status
        self.read_alone = read_alone

    def resource_id(self) -> str:
        """The resource from the owner's side, else the endpoint."""
        from airflow_provider_netconn.azure.resource_ids import ResourceId

        given = as_text("target_id", self.target_id) or as_text("endpoint_id", self.endpoint_id)
        if given is None:
            raise InvalidOptionError("endpoint_id, target_id", "none of them is given", "give one, or both")
        return ResourceId.parse(given, "endpoint_id, target_id").text

    def watch(self) -> Watch:
        """The endpoint, or the connections on the resource."""
        status = (as_text("target_status", self.target_status) or "").capitalize()
        endpoint_id = as_text("endpoint_id", self.endpoint_id) or ""
        subscription_ids = as_texts("requester_subscription_ids", self.requester_subscription_ids)
        message = as_text("request_message", self.request_message) or ""
        target_id = as_text("target_id", self.target_id)
        if target_id is None:
            if subscription_ids or message:
                seen = "it is needed to look for requests by requester or message"
                raise InvalidOptionError("target_id", seen, "give the id of the resource that they lead to")
            from airflow_provider_netconn.azure.private_endpoint_status import PrivateEndpointStatusWatch

            return PrivateEndpointStatusWatch(
                endpoint_id=endpoint_id or self.resource_id(),
                target_status=status,
                read_alone=as_bool("read_alone", self.read_alone),
            )
        from airflow_provider_netconn.azure.private_endpoint_connection_state import (
            PrivateEndpointConnectionWatch,
            RequestFilter,
        )

        requests = RequestFilter(endpoint_id=endpoint_id, subscription_ids=subscription_ids, request_message=message)
        return PrivateEndpointConnectionWatch(target_id=target_id, requests=requests, target_status=status)

    def facts(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Of the endpoint: its status, addresses and names; from the owner's side: each connection that is meant."""
        if "seen" in state:
            return dict(state["seen"])
        return {"target_id": state["target_id"], "connections": state["connections"]}
