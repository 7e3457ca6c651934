"""The way of a packet through the lab's networks: routes, security groups, peerings, gateways, hubs, private endpoints.

Nothing is sent: the way is read from the resources, as Network Watcher reads it from Azure's (Microsoft Learn,
"Connection troubleshoot", "Virtual network traffic routing", "Manage network policies for private endpoints"). Of what
lies outside Azure only a VPN tunnel's state is known, and of the internet that it is there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.resources import peerings
from airflow_provider_netconn.lab.resources.learned_routes import TUNNEL_UP, LearnedRoute, learned_routes
from airflow_provider_netconn.lab.resources.network_interfaces import (
    UNROUTED,
    decide_flow,
    effective_routes,
    network_of,
    subnet_of_interface,
)
from airflow_provider_netconn.lab.resources.network_references import (
    INTERFACES,
    PEERINGS,
    SUBNETS,
    id_of,
    referenced,
)
from airflow_provider_netconn.lab.resources.network_security_groups import Decision, Flow, decide
from airflow_provider_netconn.lab.resources.private_link import APPROVED, PRIVATE_ENDPOINTS, status_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.identifiers import ArmPath
    from airflow_provider_netconn.lab.arm.store import Resource

REACHABLE, UNREACHABLE, UNKNOWN = "Reachable", "Unreachable", "Unknown"

MOST_APPLIANCES = 8
"""On a way; more than that are a loop."""

GUARDED = frozenset({"Enabled", "NetworkSecurityGroupEnabled"})
"""``privateEndpointNetworkPolicies`` under which a subnet's security group holds for private endpoints."""

PRECEDENCE = {"User": 0, "VirtualNetworkGateway": 1, "Default": 2}
"""Of routes for the same prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Why a packet does not get on.

    :param origin: ``Local``, ``Inbound`` or ``Outbound``
    :param type: ``NetworkSecurityRule``, ``UserDefinedRoute``, ``DnsResolution`` or ``Platform``
    :param context: such as ``{"RuleName": "DenyAllInBound"}``
    """

    origin: str
    type: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One place on the way.

    :param type: ``Source``, ``VirtualAppliance``, ``VirtualNetworkGateway``, ``VirtualNetwork``, ``PrivateEndpoint``
        or ``Internet``
    :param address: IP address, or the name where the lab knows none
    :param resource_id: of what is there; ``Internet`` for the internet, empty for what is no resource
    :param latency_ms: from the hop before, in milliseconds
    """

    type: str
    address: str
    resource_id: str
    latency_ms: int = 1
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Where a packet gets to.

    :param status: ``Reachable``, ``Unreachable`` or ``Unknown``
    """

    hops: tuple[Hop, ...]
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """Where an interface sends a packet.

    :param type: as in its effective routes: ``VnetLocal``, ``VNetPeering``, ``InterfaceEndpoint``, ``Internet``,
        ``VirtualNetworkGateway``, ``VirtualAppliance`` or ``None``
    :param address: of an appliance
    :param is_user_route: whether a route table says so
    :param route_table: its id, for such a route
    """

    type: str
    address: str = ""
    is_user_route: bool = False
    route_table: str = ""


def next_hop(plane: ControlPlane, interface: Resource | None, destination: str) -> NextHop:
    """:return: the effective route for an address: the longest prefix, and of equals a table's before a learned one

    :param interface: None for a machine that has none: its network is all of the private space
    """
    if interface is None:
        return NextHop(type="VnetLocal" if _within_any(UNROUTED, destination) else "Internet")
    fitting = [
        (ipaddress.ip_network(prefix).prefixlen, -PRECEDENCE[route["source"]], position, route)
        for position, route in enumerate(effective_routes(plane, interface))
        for prefix in route["addressPrefix"]
        if route["state"] == "Active" and is_within(prefix, destination)
    ]
    if not fitting:
        return NextHop(type="None")
    route = max(fitting, key=lambda item: item[:2])[3]
    is_user_route = route["source"] == "User"
    table = id_of(subnet_of_interface(plane, interface).properties.get("routeTable")) if is_user_route else ""
    address = next(iter(route["nextHopIpAddress"]), "")
    return NextHop(type=route["nextHopType"], address=address, is_user_route=is_user_route, route_table=table)


def interface_of(plane: ControlPlane, asking: ArmPath, target_id: str, interface_id: str = "") -> Resource | None:
    """Find the interface by which a machine, or another resource that has one, sends and receives.

    :param asking: whose question it is, for the refusal
    :param interface_id: which of a machine's it is; by default the first
    :return: None for a machine that has none
    :raises ArmError: 400, one of the resources is not there
    """
    target = referenced(plane, asking, target_id)
    if interface_id:
        return referenced(plane, asking, interface_id)
    if target.kind.type == INTERFACES:
        return target
    if target.kind.type == PRIVATE_ENDPOINTS:
        return plane.find(str(target.facts.get("interface", "")))
    profile = target.properties.get("networkProfile")
    items = profile.get("networkInterfaces") or [] if isinstance(profile, dict) else []
    primary = next((item for item in items if (item.get("properties") or {}).get("primary")), items[0] if items else {})
    found = plane.find(id_of(primary)) if id_of(primary) else None
    return found if found is not None and found.kind.type == INTERFACES else None


def verdict(plane: ControlPlane, interface: Resource | None, flow: Flow) -> Decision:
    """:return: what the security groups of an interface do with a flow; those of a machine that has none are taken to
    have default rules alone"""
    if interface is None:
        return decide(plane, None, flow, {"virtualnetwork": UNROUTED})
    return decide_flow(plane, interface, flow)


def address_of(interface: Resource) -> str:
    """:return: the address of an interface's primary configuration"""
    items = interface.properties["ipConfigurations"]
    primary = next((item for item in items if item["properties"].get("primary")), items[0])
    return str(primary["properties"]["privateIPAddress"])


def trace(plane: ControlPlane, start: Resource, source: Resource | None, flow: Flow) -> Path:
    """Follow a packet to where it gets.

    :param start: what sends it, such as a virtual machine
    :param source: the interface that it leaves by; None for a machine without one
    :param flow: the packet, as its sender sees it; ``destination`` is an address
    """
    first = Hop(type="Source", address=flow.source, resource_id=(source or start).id, latency_ms=0)
    return _onward(plane, (first,), source, flow)


def to_the_internet(path: Path, destination: str) -> Path:
    """:return: a way that goes on to the internet, and gets there"""
    return Path(
        hops=(*path.hops, Hop(type="Internet", address=destination, resource_id="Internet", latency_ms=20)),
        status=REACHABLE,
    )


def stopped(hops: tuple[Hop, ...], issue: Issue | None, status: str = UNREACHABLE) -> Path:
    """:return: a way that ends at its last hop"""
    if issue is not None:
        hops = (*hops[:-1], replace(hops[-1], issues=(*hops[-1].issues, issue)))
    return Path(hops=hops, status=status)


def is_within(prefix: str, address: str) -> bool:
    """:return: whether an address is in a prefix; one in a service tag never is"""
    try:
        network = ipaddress.ip_network(prefix)
    except ValueError:
        return False
    parsed = ipaddress.ip_address(address)
    return network.version == parsed.version and parsed in network


def _within_any(prefixes: Iterable[str], address: str) -> bool:
    return any(is_within(prefix, address) for prefix in prefixes)


def _onward(plane: ControlPlane, hops: tuple[Hop, ...], interface: Resource | None, flow: Flow) -> Path:
    """From an interface on."""
    leaving = verdict(plane, interface, flow)
    if not leaving.allowed:
        return stopped(hops, _denied("Outbound", leaving))
    hop = next_hop(plane, interface, flow.destination)
    if hop.type == "Internet":
        return to_the_internet(Path(hops=hops, status=REACHABLE), flow.destination)
    if interface is None:
        here = Hop(type="VirtualNetwork", address=flow.destination, resource_id="")
        return Path(hops=(*hops, here), status=REACHABLE)
    if hop.type == "None":
        kind, context = ("UserDefinedRoute", {"RouteType": "User"}) if hop.is_user_route else ("Platform", {})
        return stopped(hops, Issue(origin="Local", type=kind, context=context))
    return _towards(plane, hops, interface, flow, hop)


def _towards(plane: ControlPlane, hops: tuple[Hop, ...], interface: Resource, flow: Flow, hop: NextHop) -> Path:
    if hop.type == "VirtualAppliance":
        return _through_appliance(plane, hops, interface, flow, hop)
    if hop.type == "VirtualNetworkGateway":
        return _through_gateway(plane, hops, interface, flow)
    return _deliver(plane, hops, neighbours(plane, network_of(plane, interface)), flow)


def _denied(origin: str, decision: Decision) -> Issue:
    name = decision.rule.replace("defaultSecurityRules/", "DefaultRule_").replace("securityRules/", "UserRule_")
    return Issue(origin=origin, type="NetworkSecurityRule", context={"RuleName": name})


def neighbours(plane: ControlPlane, network: Resource) -> list[Resource]:
    """:return: the network and those peered with it, as far as both sides let traffic through"""
    found = [network]
    for peering in plane.store.children(network.path, PEERINGS):
        other = peerings.counterpart(plane, peering)
        remote = plane.store.find(peerings.remote_of(peering))
        sides = [side for side in (peering, other) if side is not None]
        if remote is not None and len(sides) == 2 and all(_is_open(side) for side in sides):
            found.append(remote)
    return found


def _is_open(peering: Resource) -> bool:
    connected = peering.facts["peeringState"] == peerings.CONNECTED
    return connected and bool(peering.properties["allowVirtualNetworkAccess"])


def _deliver(plane: ControlPlane, hops: tuple[Hop, ...], networks: Iterable[Resource], flow: Flow) -> Path:
    """To the interface that has the address, in one of some networks."""
    interface = interface_at(plane, networks, flow.destination)
    if interface is None:
        nobody = Hop(type="VirtualNetwork", address=flow.destination, resource_id="")
        return stopped((*hops, nobody), Issue(origin="Local", type="Platform"))
    endpoint = plane.store.find(id_of(interface.facts.get("privateEndpoint")))
    kind, resource = ("PrivateEndpoint", endpoint) if endpoint is not None else ("VirtualNetwork", interface)
    arrived = (*hops, Hop(type=kind, address=flow.destination, resource_id=resource.id, latency_ms=2))
    if endpoint is not None:
        if status_of(plane, endpoint) != APPROVED:
            context = {"PrivateEndpointConnection": status_of(plane, endpoint)}
            return stopped(arrived, Issue(origin="Inbound", type="Platform", context=context))
        policies = subnet_of_interface(plane, interface).properties.get("privateEndpointNetworkPolicies")
        if policies not in GUARDED:
            return Path(hops=arrived, status=REACHABLE)
    entering = verdict(plane, interface, replace(flow, inbound=True))
    return Path(hops=arrived, status=REACHABLE) if entering.allowed else stopped(arrived, _denied("Inbound", entering))


def interface_at(plane: ControlPlane, networks: Iterable[Resource], address: str) -> Resource | None:
    """:return: the interface that has an address in one of some networks; None: none has"""
    for network in networks:
        for subnet in plane.store.children(network.path, SUBNETS):
            for interface in plane.store.referrers(subnet.path, INTERFACES):
                if any(_has(item, subnet, address) for item in interface.properties["ipConfigurations"]):
                    return interface
    return None


def _has(configuration: dict[str, Any], subnet: Resource, address: str) -> bool:
    properties = configuration["properties"]
    return properties.get("privateIPAddress") == address and id_of(properties["subnet"]).casefold() == subnet.path.key


def _through_appliance(
    plane: ControlPlane, hops: tuple[Hop, ...], interface: Resource, flow: Flow, hop: NextHop
) -> Path:
    appliance = interface_at(plane, neighbours(plane, network_of(plane, interface)), hop.address)
    there = Hop(type="VirtualAppliance", address=hop.address, resource_id=appliance.id if appliance else "")
    seen = [one for one in hops if one.type == "VirtualAppliance"]
    user_route = Issue(origin="Local", type="UserDefinedRoute", context={"RouteType": "User"})
    if appliance is None or len(seen) >= MOST_APPLIANCES or any(one.address == hop.address for one in seen):
        return stopped((*hops, there), user_route)
    entering = verdict(plane, appliance, replace(flow, inbound=True))
    if not entering.allowed:
        return stopped((*hops, there), _denied("Inbound", entering))
    if not appliance.properties["enableIPForwarding"]:
        forwarding = Issue(origin="Local", type="Platform", context={"enableIPForwarding": "false"})
        return stopped((*hops, there), forwarding)
    return _onward(plane, (*hops, there), appliance, flow)


def _through_gateway(plane: ControlPlane, hops: tuple[Hop, ...], interface: Resource, flow: Flow) -> Path:
    route = _learned(plane, network_of(plane, interface), flow.destination)
    if route is None:
        return stopped(hops, Issue(origin="Local", type="UserDefinedRoute", context={"RouteType": "User"}))
    there = (*hops, Hop(type="VirtualNetworkGateway", address="", resource_id=route.gateway.id, latency_ms=2))
    if route.tunnel == "Unknown":
        return stopped(there, None, UNKNOWN)
    if route.tunnel != TUNNEL_UP:
        context = {"connectionStatus": route.tunnel, "connection": route.connection.id}
        return stopped(there, Issue(origin="Outbound", type="Platform", context=context))
    if route.network is not None:
        return _deliver(plane, there, [route.network], flow)
    outside = Hop(type="OnPremises", address=flow.destination, resource_id="", latency_ms=20)
    return Path(hops=(*there, outside), status=REACHABLE)


def _learned(plane: ControlPlane, network: Resource, destination: str) -> LearnedRoute | None:
    routes = [route for route in learned_routes(plane, network) if is_within(route.prefix, destination)]
    return max(routes, key=lambda route: ipaddress.ip_network(route.prefix).prefixlen, default=None)
