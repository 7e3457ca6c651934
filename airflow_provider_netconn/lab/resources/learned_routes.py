"""What a network learns of the world behind gateways: its own, those of peers that it may use, and a virtual hub.

Microsoft Learn, "Virtual network traffic routing" (routes that gateways propagate), "Configure VPN gateway transit for
virtual network peering" and "About virtual hub routing" (association and propagation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.identifiers import parse_path
from airflow_provider_netconn.lab.resources import hub_connections, peerings
from airflow_provider_netconn.lab.resources.network_references import PEERINGS, id_of
from airflow_provider_netconn.lab.resources.virtual_wans import HUB_CONNECTIONS
from airflow_provider_netconn.lab.resources.vpn_connections import connection_status, device_status
from airflow_provider_netconn.lab.resources.vpn_gateways import connections_of
from airflow_provider_netconn.lab.resources.vpn_sites import VPN_CONNECTIONS, VPN_GATEWAYS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

TUNNEL_UP = "Connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRoute:
    """A route that a gateway propagates into a network.

    :param prefix: where to
    :param gateway: the network's gateway, or the hub
    :param connection: of that gateway or hub, by which it goes on
    :param network: the network at the other end; None: a place outside Azure
    :param tunnel: ``connectionStatus`` of the VPN tunnel on the way; ``Connected`` where there is none
    """

    prefix: str
    gateway: Resource
    connection: Resource
    network: Resource | None
    tunnel: str


def learned_routes(plane: ControlPlane, network: Resource) -> Iterator[LearnedRoute]:
    """:return: what gateways propagate into a network"""
    for gateway in _usable_gateways(plane, network):
        yield from _from_gateway(plane, gateway)
    connection = hub_connections.connection_of(plane, network.path)
    if connection is not None and not connection.is_busy:
        yield from _from_hub(plane, connection)


def prefixes_behind_gateways(plane: ControlPlane, network: Resource) -> list[str]:
    """:return: where these routes lead, each prefix once"""
    return list(dict.fromkeys(route.prefix for route in learned_routes(plane, network)))


def _usable_gateways(plane: ControlPlane, network: Resource) -> Iterator[Resource]:
    yield from peerings.gateways_of(plane, network.path)
    for peering in plane.store.children(network.path, PEERINGS):
        other = peerings.counterpart(plane, peering)
        if (
            peering.facts["peeringState"] == peerings.CONNECTED
            and peering.properties["useRemoteGateways"]
            and other is not None
            and other.properties["allowGatewayTransit"]
        ):
            yield from peerings.gateways_of(plane, parse_path(peerings.remote_of(peering)))


def _from_gateway(plane: ControlPlane, gateway: Resource) -> Iterator[LearnedRoute]:
    for connection in connections_of(plane, gateway):
        ends = [id_of(connection.properties.get(f"virtualNetworkGateway{end}")).casefold() for end in (1, 2)]
        if ends[0] != gateway.path.key:
            continue  # the other gateway's: this one has a connection of its own
        device = plane.find(id_of(connection.properties.get("localNetworkGateway2")))
        network = network_of_gateway(plane, plane.find(ends[1])) if ends[1] else None
        if device is not None:
            prefixes = (device.properties.get("localNetworkAddressSpace") or {}).get("addressPrefixes", [])
        else:
            prefixes = peerings.space_of(network.properties) if network is not None else []
        status = connection_status(plane, connection)
        for prefix in prefixes:
            yield LearnedRoute(prefix=prefix, gateway=gateway, connection=connection, network=network, tunnel=status)


def network_of_gateway(plane: ControlPlane, gateway: Resource | None) -> Resource | None:
    """:return: the virtual network that a gateway is in; None where the gateway or its subnet is not there"""
    for configuration in gateway.properties.get("ipConfigurations", ()) if gateway is not None else ():
        subnet = plane.find(id_of(configuration["properties"].get("subnet")))
        if subnet is not None and subnet.path.parent is not None:
            return plane.store.find(subnet.path.parent)
    return None


def _from_hub(plane: ControlPlane, connection: Resource) -> Iterator[LearnedRoute]:
    """What a hub tells a network: that which propagates to the route table that the connection is associated with."""
    hub = plane.store.find(connection.path.parent) if connection.path.parent is not None else None
    table = plane.find(id_of(connection.properties["routingConfiguration"]["associatedRouteTable"]))
    if hub is None or table is None:
        return
    for other in hub_connections.propagating(table, plane.store.children(hub.path, HUB_CONNECTIONS)):
        network = plane.find(id_of(other.properties["remoteVirtualNetwork"]))
        if other is connection or network is None or other.is_busy:
            continue
        static = other.properties["routingConfiguration"]["vnetRoutes"]["staticRoutes"]
        behind = [prefix for route in static for prefix in route["addressPrefixes"]]
        for prefix in (*peerings.space_of(network.properties), *behind):
            yield LearnedRoute(prefix=prefix, gateway=hub, connection=other, network=network, tunnel=TUNNEL_UP)
    yield from _from_sites(plane, hub, table)


def _from_sites(plane: ControlPlane, hub: Resource, table: Resource) -> Iterator[LearnedRoute]:
    for gateway in plane.store.referrers(hub.path, VPN_GATEWAYS):
        connections = plane.store.children(gateway.path, VPN_CONNECTIONS)
        for connection in hub_connections.propagating(table, connections):
            site = plane.find(id_of(connection.properties["remoteVpnSite"]))
            if site is None:
                continue
            status = device_status(plane, site, connection.changed_at)
            for prefix in (site.properties.get("addressSpace") or {}).get("addressPrefixes", []):
                yield LearnedRoute(prefix=prefix, gateway=hub, connection=connection, network=None, tunnel=status)
