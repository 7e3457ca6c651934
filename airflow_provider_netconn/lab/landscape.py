"""The landscape of a lab for people: networks and what joins them, endpoints, zones; as tables and as a picture.

Read from the control plane's state, and nothing else: the same state gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.packets.places import PlaceKind, places
from airflow_provider_netconn.lab.resources.firewall_rules import Firewalled, effective_firewall
from airflow_provider_netconn.lab.resources.learned_routes import TUNNEL_UP, network_of_gateway
from airflow_provider_netconn.lab.resources.network_references import PEERINGS, VIRTUAL_NETWORKS, id_of
from airflow_provider_netconn.lab.resources.peerings import CONNECTED, remote_of, space_of, sync_level
from airflow_provider_netconn.lab.resources.private_dns_names import ZONE_LINKS, ZONES
from airflow_provider_netconn.lab.resources.private_dns_registration import link_state
from airflow_provider_netconn.lab.resources.private_link import APPROVED, PRIVATE_ENDPOINTS, status_of
from airflow_provider_netconn.lab.resources.virtual_wans import HUB_CONNECTIONS, VIRTUAL_HUBS
from airflow_provider_netconn.lab.resources.vpn_connections import connection_status, device_status
from airflow_provider_netconn.lab.resources.vpn_gateways import CONNECTIONS
from airflow_provider_netconn.lab.resources.vpn_sites import VPN_CONNECTIONS, VPN_GATEWAYS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something that others lead to: a network, a hub, a site behind a VPN device, a service, a zone.

    :param id: of the resource
    :param kind: ``network``, ``hub``, ``site``, ``service`` or ``zone``
    :param name: the resource's
    :param detail: address prefixes, the type of a service, whether its public endpoint is open
    """

    id: str
    kind: str
    name: str
    detail: str = ""

    @property
    def key(self) -> str:
        """The id without case."""
        return self.id.casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Something that leads from one place to another.

    :param kind: ``peering``, ``hub connection``, ``VPN connection``, ``private endpoint`` or ``zone link``
    :param name: the resource's
    :param source: id of the place that it begins at
    :param target: id of where it leads; there may be nothing
    :param state: in Azure's word, such as ``Connected`` or ``Pending``
    :param works: whether that state lets anything through
    :param detail: addresses of an endpoint and its group, the other side's state of a peering
    """

    kind: str
    name: str
    source: str
    target: str
    state: str
    works: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Landscape:
    """What there is, in the order of the store."""

    places: tuple[Place, ...]
    ways: tuple[Way, ...]


def landscape_of(plane: ControlPlane) -> Landscape:
    """:return: the landscape as the control plane has it now"""
    return Landscape(tuple(_places(plane)), tuple(_ways(plane)))


def _places(plane: ControlPlane) -> Iterator[Place]:
    for network in plane.store.of_type(VIRTUAL_NETWORKS):
        prefixes = ", ".join(space_of(network.properties))
        yield Place(id=network.id, kind="network", name=network.path.name, detail=prefixes)
    for hub in plane.store.of_type(VIRTUAL_HUBS):
        prefix = str(hub.properties.get("addressPrefix") or "")
        yield Place(id=hub.id, kind="hub", name=hub.path.name, detail=prefix)
    for site in places(plane):
        if site.kind is PlaceKind.SITE:
            yield Place(id=site.id, kind="site", name=site.name, detail=", ".join(site.prefixes))
    for resource in plane.store:
        if isinstance(resource.kind, Firewalled):
            firewall = effective_firewall(plane, resource)
            public = "public access off" if not firewall.public else "restricted" if firewall.restricted else "open"
            kind = resource.kind.type.partition("/")[2]
            yield Place(id=resource.id, kind="service", name=resource.path.name, detail=f"{kind}, {public}")
    for zone in plane.store.of_type(ZONES):
        yield Place(id=zone.id, kind="zone", name=zone.path.name)


def _ways(plane: ControlPlane) -> Iterator[Way]:
    for peering in plane.store.of_type(PEERINGS):
        state = str(peering.facts["peeringState"])
        level = sync_level(plane, peering)
        yield _way("peering", peering, remote_of(peering), state, state == CONNECTED, level)
    for connection in plane.store.of_type(HUB_CONNECTIONS):
        state = connection.provisioning_state
        network = id_of(connection.properties.get("remoteVirtualNetwork"))
        yield _way("hub connection", connection, network, state, state == "Succeeded")
    yield from _tunnels(plane)
    for endpoint in plane.store.of_type(PRIVATE_ENDPOINTS):
        state = status_of(plane, endpoint)
        members = endpoint.facts.get("members", ())
        group = next((str(member["group"]) for member in members), "")
        addresses = ", ".join(str(member["address"]) for member in members)
        yield Way(
            kind="private endpoint",
            name=endpoint.path.name,
            source=id_of(endpoint.properties["subnet"]).rpartition("/subnets/")[0],
            target=str(endpoint.facts.get("target") or ""),
            state=state,
            works=state == APPROVED,
            detail=" ".join(word for word in (group, addresses) if word),
        )
    for link in plane.store.of_type(ZONE_LINKS):
        state = str(link_state(plane, link))
        registers = "registers machines" if link.properties.get("registrationEnabled") else ""
        network = id_of(link.properties.get("virtualNetwork"))
        yield _way("zone link", link, network, state, state == "Completed", registers)


def _tunnels(plane: ControlPlane) -> Iterator[Way]:
    """VPN connections, from the network or the hub that the gateway is in."""
    for connection in plane.store.of_type(CONNECTIONS):
        ends = [id_of(connection.properties.get(f"virtualNetworkGateway{number}")) for number in (1, 2)]
        near, far = (network_of_gateway(plane, plane.find(end)) if end else None for end in ends)
        target = id_of(connection.properties.get("localNetworkGateway2")) or (ends[1] if far is None else far.id)
        status = connection_status(plane, connection)
        yield _tunnel(connection, ends[0] if near is None else near.id, target, status)
    for gateway in plane.store.of_type(VPN_GATEWAYS):
        for connection in plane.store.children(gateway.path, VPN_CONNECTIONS):
            site = id_of(connection.properties.get("remoteVpnSite"))
            status = device_status(plane, plane.find(site), connection.changed_at)
            yield _tunnel(connection, id_of(gateway.properties.get("virtualHub")), site, status)


def _tunnel(connection: Resource, source: str, target: str, status: str) -> Way:
    return Way(
        kind="VPN connection",
        name=connection.path.name,
        source=source,
        target=target,
        state=status,
        works=status == TUNNEL_UP,
    )


def _way(kind: str, resource: Resource, target: str, state: str, works: bool, detail: str = "") -> Way:
    parent = resource.path.parent
    source = "" if parent is None else parent.text
    return Way(
        kind=kind, name=resource.path.name, source=source, target=target, state=state, works=works, detail=detail
    )


# -- as tables ---------------------------------------------------------------------------------------


def tables(landscape: Landscape) -> str:
    """:return: the landscape as plain text: the places, then the ways, each kind under its own heading"""
    parts = []
    for kind in dict.fromkeys(place.kind for place in landscape.places):
        rows = [(place.name, place.detail) for place in landscape.places if place.kind == kind]
        parts.append(_table(f"{kind}s", ("name", ""), rows))
    names = {place.key: place.name for place in landscape.places}
    for kind in dict.fromkeys(way.kind for way in landscape.ways):
        found = [
            (way.name, _name(names, way.source), _name(names, way.target), way.state, way.detail)
            for way in landscape.ways
            if way.kind == kind
        ]
        parts.append(_table(f"{kind}s", ("name", "from", "to", "state", ""), found))
    return "\n\n".join(parts)


def _table(heading: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    every = [columns, *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]
    return "\n".join([heading, *(f"  {line}" for line in lines)])


def _name(names: dict[str, str], place: str) -> str:
    """The name of a place; the last part of its id where there is nothing of that id."""
    return names.get(place.casefold()) or f"{place.rpartition('/')[2]} (gone)"


# -- as a picture ------------------------------------------------------------------------------------

_SHAPES: Final = {
    "network": '["{}"]',
    "hub": '[["{}"]]',
    "site": '(["{}"])',
    "service": '[("{}")]',
    "zone": '{{{{"{}"}}}}',
    "gone": '>"{}"]',
}
_ARROWS: Final = {True: "-->", False: "-.->"}


def mermaid(landscape: Landscape) -> str:
    """:return: the landscape as a Mermaid flowchart; what lets nothing through is dashed

    A peering whose two sides are there is one line; sites, services and zones that nothing leads to are left out.
    """
    ways = list(_joined(landscape.ways))
    reached = {key.casefold() for way in ways for key in (way.source, way.target)}
    drawn = [place for place in landscape.places if place.kind in {"network", "hub"} or place.key in reached]
    names = {place.key: f"n{number}" for number, place in enumerate(drawn, 1)}
    lines = ["flowchart LR"]
    for place in drawn:
        label = "<br/>".join(_escaped(text) for text in (place.name, place.detail) if text)
        lines.append(f"    {names[place.key]}{_SHAPES[place.kind].format(label)}")
    for way in ways:
        for key in (way.source, way.target):
            if key.casefold() not in names:
                names[key.casefold()] = f"n{len(names) + 1}"
                lines.append(f"    {names[key.casefold()]}{_SHAPES['gone'].format(_escaped(_name({}, key)))}")
        label = "<br/>".join(_escaped(text) for text in (f"{way.kind} {way.name}", way.state, way.detail) if text)
        arrow = _ARROWS[way.works] if way.kind != "zone link" else {True: "---", False: "-.-"}[way.works]
        lines.append(f'    {names[way.source.casefold()]} {arrow}|"{label}"| {names[way.target.casefold()]}')
    return "\n".join(lines) + "\n"


def _joined(ways: Iterable[Way]) -> Iterator[Way]:
    """The ways, both sides of a peering as one; it works where both do."""
    pairs: dict[frozenset[str], list[Way]] = {}
    for way in ways:
        ends = frozenset({way.source.casefold(), way.target.casefold()})
        if way.kind == "peering":
            pairs.setdefault(ends, []).append(way)
        else:
            yield way
    for sides in pairs.values():
        first = sides[0]
        states = dict.fromkeys(side.state for side in sides)
        yield Way(
            kind="peering",
            name=" / ".join(side.name for side in sides),
            source=first.source,
            target=first.target,
            state=" / ".join(states),
            works=len(sides) == 2 and all(side.works for side in sides),
            detail=" / ".join(dict.fromkeys(side.detail for side in sides)),
        )


def _escaped(text: str) -> str:
    """Text as it stands within quotes (Mermaid, "Flowcharts: entity codes to escape characters")."""
    return "".join(f"#{ord(letter)};" if letter in '"<>#;|`' else letter for letter in text)
