"""Connect virtual networks to a virtual hub, and take the connections away again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.operators.azure_base import AzureOperator
from airflow_provider_netconn.templated import NOT_GIVEN, as_bool, as_items, as_networks, as_text, as_texts

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.virtual_hub_state import (
        HubConnection,
        HubConnectionState,
        HubConnectionWatch,
        StaticRoute,
    )

DEFAULT_ROUTE = "0.0.0.0/0"


class _HubConnectionOperator(AzureOperator):
    """What making and deleting share: which hub, which network, which name."""

    template_fields: Sequence[str] = (
        *AzureOperator.template_fields,
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

    def wanted(self, **routing: Any) -> HubConnection:
        """The connection, from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """
        from airflow_provider_netconn.azure.virtual_hub_state import HubConnection

        return HubConnection(
            hub_id=as_text("virtual_hub_id", self.virtual_hub_id) or "",
            network_id=as_text("virtual_network_id", self.virtual_network_id) or "",
            name=as_text("connection_name", self.connection_name) or "",
            **routing,
        )

    def resource_id(self) -> str:
        """The connection, by the name that a new one gets."""
        return self.wanted().id


class VirtualHubConnectionOperator(_HubConnectionOperator):
    """Connects a virtual network to a virtual hub, and ends when the hub's routing is provisioned too.

    It adopts a connection of the network whatever its name, and changes what differs. An option that is not given stays
    as it is, and is Azure's default in a new connection. Where the principal may write connections and not read them,
    as Astronomer's application may, the connection is written as wanted and the hub is watched instead. Every argument
    below may be a template.

    :param virtual_hub_id: the hub
    :param virtual_network_id: the network, which may lie in another subscription or tenant
    :param connection_name: of a new connection; by default ``to-`` and the network's name
    :param enable_internet_security: the hub's default route reaches the network
    :param associated_route_table_id: the hub route table by which the network's packets go
    :param propagated_route_table_ids: hub route tables that learn the network's routes
    :param propagated_labels: likewise, by labels
    :param static_routes: routes into the network by way of one of its machines: mappings with ``name``, ``prefixes``
        and ``next_hop``
    :param firewall_next_hop: address of a firewall in the network through which ``firewall_prefixes`` go: a static
        route of the name ``firewall``
    :param firewall_prefixes: by default all of IPv4
    """

    template_fields: Sequence[str] = (
        *_HubConnectionOperator.template_fields,
        "enable_internet_security",
        "associated_route_table_id",
        "propagated_route_table_ids",
        "propagated_labels",
        "static_routes",
        "firewall_next_hop",
        "firewall_prefixes",
    )

    def __init__(
        self,
        *,
        enable_internet_security: bool | str | None = None,
        associated_route_table_id: str | None = None,
        propagated_route_table_ids: Sequence[str] | str | None = None,
        propagated_labels: Sequence[str] | str | None = None,
        static_routes: Sequence[Mapping[str, Any]] | str | None = None,
        firewall_next_hop: str | None = None,
        firewall_prefixes: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.enable_internet_security = enable_internet_security
        self.associated_route_table_id = associated_route_table_id
        self.propagated_route_table_ids = propagated_route_table_ids
        self.propagated_labels = propagated_labels
        self.static_routes = static_routes
        self.firewall_next_hop = firewall_next_hop
        self.firewall_prefixes = firewall_prefixes

    def wanted(self, **_: Any) -> HubConnection:
        """The connection with its routing, from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """
        security = self.enable_internet_security
        return super().wanted(
            enable_internet_security=(None if security in NOT_GIVEN else as_bool("enable_internet_security", security)),
            associated_route_table_id=as_text("associated_route_table_id", self.associated_route_table_id) or "",
            propagated_route_table_ids=as_texts("propagated_route_table_ids", self.propagated_route_table_ids),
            propagated_labels=as_texts("propagated_labels", self.propagated_labels),
            static_routes=self._routes(),
        )

    def _routes(self) -> tuple[StaticRoute, ...]:
        from airflow_provider_netconn.azure.virtual_hub_state import StaticRoute

        routes = [_route(number, one) for number, one in enumerate(as_items("static_routes", self.static_routes))]
        firewall = as_text("firewall_next_hop", self.firewall_next_hop)
        if firewall:
            prefixes = as_networks("firewall_prefixes", self.firewall_prefixes) or (DEFAULT_ROUTE,)
            routes.append(StaticRoute(name="firewall", prefixes=prefixes, next_hop=firewall))
        return tuple(routes)

    def needed_actions(self) -> Mapping[str, Sequence[str]]:
        """To read the hub and write its connection, and of the network to be connected."""
        return self.wanted().needed_actions()

    async def ensure(self, azure: AzureSession, *, wait: bool) -> HubConnectionState:
        """Write what is not as wanted: see :func:`airflow_provider_netconn.azure.virtual_hub.ensure_hub_connection`."""
        from airflow_provider_netconn.azure.virtual_hub import ensure_hub_connection

        return await ensure_hub_connection(azure, self.wanted(), wait=wait)

    def watch(self, state: HubConnectionState) -> HubConnectionWatch:  # type: ignore[override]
        """The hub's connections, and the hub."""
        from airflow_provider_netconn.azure.virtual_hub_state import HubConnectionWatch

        return HubConnectionWatch(wanted=self.wanted(), written=state.written)


class VirtualHubConnectionDeleteOperator(_HubConnectionOperator):
    """Deletes the connection of a virtual network to a virtual hub; done where there is none.

    Every argument below may be a template.

    :param virtual_hub_id: the hub
    :param virtual_network_id: the network whose connection is meant, whatever its name
    :param connection_name: instead of the network: the connection's name
    """

    def needed_actions(self) -> Mapping[str, Sequence[str]]:
        """To read the hub and delete its connection."""
        return self.wanted().needed_actions(delete=True)

    async def ensure(self, azure: AzureSession, *, wait: bool) -> HubConnectionState:
        """Delete it: see :func:`airflow_provider_netconn.azure.virtual_hub.delete_hub_connection`."""
        from airflow_provider_netconn.azure.virtual_hub import delete_hub_connection

        return await delete_hub_connection(azure, self.wanted(), wait=wait)

    def watch(self, state: HubConnectionState) -> HubConnectionWatch:  # type: ignore[override]
        """The hub's connections."""
        from airflow_provider_netconn.azure.virtual_hub_state import HubConnectionWatch

        return HubConnectionWatch(wanted=self.wanted(), absent=True, written=state.written)


def _route(number: int, given: Any) -> StaticRoute:
    from airflow_provider_netconn.azure.virtual_hub_state import StaticRoute

    field = f"static_routes[{number}]"
    if not isinstance(given, Mapping) or set(given) != {"name", "prefixes", "next_hop"}:
        raise InvalidOptionError(field, f"{given!r} is no route", "write a mapping of name, prefixes and next_hop")
    return StaticRoute(
        name=as_text(f"{field}.name", given["name"]) or "",
        prefixes=as_networks(f"{field}.prefixes", given["prefixes"]),
        next_hop=as_text(f"{field}.next_hop", given["next_hop"]) or "",
    )
