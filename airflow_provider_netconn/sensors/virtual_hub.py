"""Wait for a virtual network's connection to a virtual hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.sensors.azure_base import AzureStateSensor
from airflow_provider_netconn.templated import as_text

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.virtual_hub_state import HubConnection, HubConnectionWatch


class VirtualHubConnectionSensor(AzureStateSensor):
    """Waits until a virtual network is connected to a virtual hub, and the hub's routing is provisioned.

    It changes nothing. Every argument below may be a template.

    :param virtual_hub_id: the hub
    :param virtual_network_id: the network whose connection is meant, whatever its name
    :param connection_name: instead of the network: the connection's name
    """

    template_fields: Sequence[str] = (
        *AzureStateSensor.template_fields,
        "virtual_hub_id",
        "virtual_network_id",
        "connection_name",
    )

    def __init__(
        self,
        *,
        virtual_hub_id: str,
        virtual_network_id: str = "",
        connection_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.virtual_hub_id = virtual_hub_id
        self.virtual_network_id = virtual_network_id
        self.connection_name = connection_name

    def resource_id(self) -> str:
        """The connection, by the name that a new one gets."""
        return self._wanted().id

    def watch(self) -> HubConnectionWatch:
        """The hub's connections, and the hub. Where connections may not be read, the hub alone decides."""
        from airflow_provider_netconn.azure.virtual_hub_state import HubConnectionWatch

        return HubConnectionWatch(wanted=self._wanted())

    def _wanted(self) -> HubConnection:
        from airflow_provider_netconn.azure.virtual_hub_state import HubConnection

        return HubConnection(
            hub_id=as_text("virtual_hub_id", self.virtual_hub_id) or "",
            network_id=as_text("virtual_network_id", self.virtual_network_id) or "",
            name=as_text("connection_name", self.connection_name) or "",
        )
