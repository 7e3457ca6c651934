"""Who may reach what, and why not: read from the control plane's state, as a pure function of it.

The way of a packet is :mod:`airflow_provider_netconn.lab.resources.network_paths`'s, which Network Watcher's answers
come from too; here it is asked for each pair of a machine and what it could dial. What nobody here says passes is
dropped, as Azure drops it: without a word (Microsoft Learn, "Network security groups"; "Virtual network traffic
routing", next hop None).
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.packets.machines import interface_of, subnet_with
from airflow_provider_netconn.lab.packets.places import INTERNET, METADATA_ADDRESS, RESOLVER_ADDRESS, places
from airflow_provider_netconn.lab.resources.learned_routes import TUNNEL_UP, LearnedRoute, learned_routes
from airflow_provider_netconn.lab.resources.network_interfaces import network_of
from airflow_provider_netconn.lab.resources.network_paths import (
    GUARDED,
    REACHABLE,
    Hop,
    Issue,
    Path,
    interface_at,
    is_within,
    neighbours,
    next_hop,
    trace,
    verdict,
)
from airflow_provider_netconn.lab.resources.network_references import VIRTUAL_NETWORKS, id_of
from airflow_provider_netconn.lab.resources.network_security_groups import LAST_PORT, RULES, Flow, read_ports
from airflow_provider_netconn.lab.resources.private_link import APPROVED, status_of
from airflow_provider_netconn.lab.resources.route_tables import ROUTES
from airflow_provider_netconn.lab.resources.virtual_wans import VIRTUAL_HUBS, routing_state

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.packets.machines import Machine

PROVISIONED: Final = "Provisioned"
EPHEMERAL_PORT: Final = 49_152
"""Source port by which rules are asked: the first that clients take (RFC 6335, section 6)."""

TCP, UDP, ICMP = "Tcp", "Udp", "Icmp"


class Action(StrEnum):
    """What becomes of packets."""

    PASS = "pass"
    DROP = "drop"
    """None gets through, of old connections neither: there is no way."""
    DROP_NEW = "drop-new"
    """No new connection comes about; those that there are live on, as behind a changed security group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a flow.

    :param reason: why it does not pass, in Azure's words; empty where it does
    """

    action: Action
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a machine could dial.

    :param place: id of the place in which the address has its meaning
    :param ports: those that are served; none: a machine, of which every port can be dialled
    """

    place: str
    address: str
    protocols: tuple[str, ...] = (TCP,)
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of packets from a machine to some ports of an address.

    :param machine: the sender
    :param target: whom it dials
    :param protocol: ``Tcp``, ``Udp`` or ``Icmp``, which has no ports
    """

    machine: Machine
    target: Target
    protocol: str
    first_port: int
    last_port: int
    decision: Decision


PASS: Final = Decision(action=Action.PASS)


def policy(plane: ControlPlane, machines: Iterable[Machine], targets: Iterable[Target]) -> tuple[Verdict, ...]:
    """:return: what becomes of packets from each machine to each target that it may mean by an address; all that is
    not in it is dropped"""
    every = tuple(targets)
    decider = _Decider(plane)
    return tuple(one for machine in machines for target in every for one in _verdicts(decider, machine, target))


class _Decider:
    """Decides for one moment. Public addresses that no prefix of the landscape tells apart are treated alike, so that
    thousands of services do not take thousands of looks.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self.cuts = _cuts(plane)
        self._plane = plane
        self._prefixes = _prefixes(plane)
        self._decided: dict[tuple[Any, ...], Decision] = {}
        self._classes: dict[str, tuple[Any, ...]] = {}

    def decide(self, machine: Machine, target: Target, protocol: str, port: int) -> Decision:
        if target.place != INTERNET:
            return decide(self._plane, machine, target, protocol, port)
        key = (machine.device, protocol, port, self._class_of(target.address))
        if key not in self._decided:
            self._decided[key] = decide(self._plane, machine, target, protocol, port)
        return self._decided[key]

    def _class_of(self, text: str) -> tuple[Any, ...]:
        """What is the same for addresses that are treated alike."""
        if text not in self._classes:
            address = ipaddress.IPv4Address(text)
            is_platform = text if text in {RESOLVER_ADDRESS, METADATA_ADDRESS} else None
            self._classes[text] = (is_platform, *(prefix for prefix in self._prefixes if address in prefix))
        return self._classes[text]


def _prefixes(plane: ControlPlane) -> list[ipaddress.IPv4Network]:
    """All prefixes that routes, rules, networks and sites name."""
    texts = [prefix for place in places(plane) for prefix in place.prefixes]
    texts += [str(route.properties["addressPrefix"]) for route in plane.store.of_type(ROUTES)]
    for rule in plane.store.of_type(RULES):
        texts += [str(rule.properties.get("destinationAddressPrefix") or "")]
        texts += rule.properties["destinationAddressPrefixes"]
    found = set()
    for text in texts:
        with contextlib.suppress(ValueError):  # a service tag, or IPv6
            found.add(ipaddress.IPv4Network(text, strict=False))
    return sorted(found)


def _verdicts(decider: _Decider, machine: Machine, target: Target) -> Iterator[Verdict]:
    cuts = decider.cuts
    if target.place == machine.place and target.address == machine.address:
        return
    for protocol in target.protocols:
        spans = [(port, port) for port in target.ports] or [
            (first, after - 1) for first, after in zip(cuts, [*cuts[1:], LAST_PORT + 1], strict=True)
        ]
        for first, last in spans if protocol != ICMP else [(0, LAST_PORT)]:
            decision = decider.decide(machine, target, protocol, first)
            yield Verdict(
                machine=machine,
                target=target,
                protocol=protocol,
                first_port=first,
                last_port=last,
                decision=decision,
            )


def _cuts(plane: ControlPlane) -> list[int]:
    """The ports at which any security rule's range begins, or has just ended: between two of them all are treated
    alike."""
    found = {0}
    for rule in plane.store.of_type(RULES):
        for text in (rule.properties.get("destinationPortRange"), *rule.properties["destinationPortRanges"]):
            span = read_ports(text) if text else None
            if span is not None:
                found.update(port for port in (span[0], span[1] + 1) if port <= LAST_PORT)
    return sorted(found)


def decide(plane: ControlPlane, machine: Machine, target: Target, protocol: str, port: int) -> Decision:
    """:return: what becomes of a flow from a machine to a port of a target"""
    if target.address in {RESOLVER_ADDRESS, METADATA_ADDRESS}:
        # They are there whatever the routes and groups say (Learn, "What is IP address 168.63.129.16?").
        is_own = target.address == METADATA_ADDRESS or target.place.casefold() == machine.place.casefold()
        return PASS if is_own else _dropped("every network has a resolver of its own")
    if machine.place == INTERNET:
        return PASS if target.place == INTERNET else _dropped("the internet has no way to a private address")
    home = plane.store.find(machine.place)
    subnet = plane.store.find(machine.subnet) if machine.subnet else home
    if home is None or subnet is None:
        return _dropped("the place that the machine was in is gone")
    flow = Flow(
        inbound=False,
        protocol=protocol,
        source=machine.address,
        destination=target.address,
        source_port=0 if protocol == ICMP else EPHEMERAL_PORT,
        destination_port=0 if protocol == ICMP else port,
    )
    if home.kind.type != VIRTUAL_NETWORKS:
        return _from_site(plane, home, target, flow)
    return _from_network(plane, interface_of(plane, machine.place, subnet, machine.address), target, flow)


# -- from a virtual network ------------------------------------------------------------------------


def _from_network(plane: ControlPlane, interface: Resource, target: Target, flow: Flow) -> Decision:
    path = trace(plane, interface, interface, flow)
    for hop in path.hops:
        hub = plane.store.find(hop.resource_id) if hop.type == "VirtualNetworkGateway" else None
        if hub is not None and hub.kind.type == VIRTUAL_HUBS and routing_state(plane, hub) != PROVISIONED:
            return _dropped(f"virtual hub {hub.path.name}: routingState is {routing_state(plane, hub)}")
    if _is_at_nobody(path):
        return _to_subnet(plane, _last_interface(plane, path, interface), target, flow)
    if path.status != REACHABLE:
        return _stopped(path)
    if path.hops[-1].type == "Internet":
        return PASS if target.place == INTERNET else _dropped("no route but that to the internet")
    if path.hops[-1].type == "OnPremises":
        return PASS
    network = plane.store.find(target.place)
    arrived = None if network is None else interface_at(plane, [network], target.address)
    return PASS if arrived is None else _back(plane, arrived, flow)


def _to_subnet(plane: ControlPlane, last: Resource, target: Target, flow: Flow) -> Decision:
    """To an address that is served though no interface of the control plane has it: a machine's, a DNS server's."""
    if not _is_delivered(plane, network_of(plane, last), target):
        return _dropped("no virtual network with that address is in reach")
    subnet = subnet_with(plane, target.place, target.address)
    if subnet is None:
        return PASS  # a DNS server of the seed: only its address is known
    arrived = interface_of(plane, target.place, subnet, target.address)
    entering = verdict(plane, arrived, _entering(flow))
    return _back(plane, arrived, flow) if entering.allowed else _denied("inbound", entering.rule)


def _is_delivered(plane: ControlPlane, network: Resource, target: Target) -> bool:
    """Whether what leaves one network for an address gets to the network of the target."""
    wanted = target.place.casefold()
    near = any(one.path.key == wanted for one in neighbours(plane, network))
    return near or any(
        route.network is not None and route.network.path.key == wanted and is_within(route.prefix, target.address)
        for route in learned_routes(plane, network)
    )


def _back(plane: ControlPlane, arrived: Resource, flow: Flow) -> Decision:
    """Whether answers find the way back; those of private endpoints do not go by route tables."""
    hop = next_hop(plane, arrived, flow.source)
    is_endpoint = "privateEndpoint" in arrived.facts
    if hop.type in {"Internet", "None"} and not (hop.is_user_route and is_endpoint):
        return _dropped(f"no way back: the next hop to {flow.source} is {hop.type}")
    return PASS


def _last_interface(plane: ControlPlane, path: Path, first: Resource) -> Resource:
    """The interface that a packet left by last: its sender's, or an appliance's."""
    seen = [plane.store.find(hop.resource_id) for hop in path.hops if hop.type == "VirtualAppliance"]
    return next((one for one in reversed(seen) if one is not None), first)


def _is_at_nobody(path: Path) -> bool:
    last = path.hops[-1]
    return last.type == "VirtualNetwork" and not last.resource_id and path.status != REACHABLE


# -- from a site behind a VPN device ---------------------------------------------------------------


def _from_site(plane: ControlPlane, site: Resource, target: Target, flow: Flow) -> Decision:
    if target.place == INTERNET:
        return PASS
    network = plane.store.find(target.place)
    if network is None or network.kind.type != VIRTUAL_NETWORKS:
        return PASS if target.place.casefold() == site.path.key else _dropped("sites do not reach each other")
    routes = [
        route
        for route in learned_routes(plane, network)
        if route.network is None and is_within(route.prefix, flow.source) and _leads_to(route, site)
    ]
    if not routes:
        return _dropped("no gateway connects the site with the network")
    for route in routes:
        if route.tunnel == TUNNEL_UP and _is_ready(plane, route):
            return _into(plane, network, target, flow)
    return _dropped(f"VPN connection {routes[0].connection.path.name}: connectionStatus is {routes[0].tunnel}")


def _leads_to(route: LearnedRoute, site: Resource) -> bool:
    named = [id_of(route.connection.properties.get(name)) for name in ("localNetworkGateway2", "remoteVpnSite")]
    return site.path.key in (one.rstrip("/").casefold() for one in named)


def _is_ready(plane: ControlPlane, route: LearnedRoute) -> bool:
    return route.gateway.kind.type != VIRTUAL_HUBS or routing_state(plane, route.gateway) == PROVISIONED


def _into(plane: ControlPlane, network: Resource, target: Target, flow: Flow) -> Decision:
    """Into a network by its gateway."""
    interface = interface_at(plane, [network], target.address)
    subnet = subnet_with(plane, target.place, target.address)
    endpoint = plane.store.find(id_of(interface.facts.get("privateEndpoint"))) if interface is not None else None
    if endpoint is not None:
        status = status_of(plane, endpoint)
        if status != APPROVED:
            return _dropped(f"private endpoint {endpoint.path.name}: the connection is {status}")
        if subnet is None or subnet.properties.get("privateEndpointNetworkPolicies") not in GUARDED:
            return PASS
    if subnet is None:
        return PASS
    arrived = interface or interface_of(plane, target.place, subnet, target.address)
    entering = verdict(plane, arrived, _entering(flow))
    return PASS if entering.allowed else _denied("inbound", entering.rule)


# -- words -----------------------------------------------------------------------------------------


def _entering(flow: Flow) -> Flow:
    return Flow(
        inbound=True,
        protocol=flow.protocol,
        source=flow.source,
        destination=flow.destination,
        source_port=flow.source_port,
        destination_port=flow.destination_port,
    )


def _dropped(reason: str) -> Decision:
    return Decision(action=Action.DROP, reason=reason)


def _denied(direction: str, rule: str) -> Decision:
    return Decision(action=Action.DROP_NEW, reason=f"{direction} rule {rule}")


def _stopped(path: Path) -> Decision:
    """Why a way ends before its destination."""
    last: Hop = path.hops[-1]
    if not last.issues:
        return _dropped(f"nobody knows what lies behind {last.resource_id.rpartition('/')[2] or last.type}")
    issue: Issue = last.issues[-1]
    if issue.type == "NetworkSecurityRule":
        return _denied(issue.origin.lower(), issue.context["RuleName"])
    words = ", ".join(f"{name} {value.rpartition('/')[2]}" for name, value in issue.context.items())
    return _dropped(f"{issue.type} at {last.resource_id.rpartition('/')[2] or last.type}: {words or 'no route'}")
