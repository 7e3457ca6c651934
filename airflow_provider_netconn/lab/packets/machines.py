"""Machines of the isolated lab: what programs run on, in a subnet, at a site or on the internet.

They are no resources of the control plane: a machine has an address of its subnet, its subnet's security group and
routes, and the public address that such a machine's packets have on the internet.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.packets.places import Place, PlaceKind, find_place, places
from airflow_provider_netconn.lab.resources.network_references import (
    INTERFACES,
    NAT_GATEWAYS,
    PUBLIC_ADDRESSES,
    SUBNETS,
    id_of,
)
from airflow_provider_netconn.lab.resources.subnet_addresses import addresses_in_use, prefixes_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

NOT_FOR_MACHINES: Final = frozenset({"gatewaysubnet", "azurefirewallsubnet", "azurebastionsubnet", "routeserversubnet"})
"""Subnets that only a service may use."""

ON_THE_INTERNET: Final = ipaddress.IPv4Network("198.51.100.0/24")
"""Machines outside of Azure are here (TEST-NET-2, RFC 5737)."""

OUTBOUND: Final = ipaddress.IPv4Network("198.19.252.0/23")
"""Out of this come the addresses of networks that have no NAT gateway (Microsoft Learn, "Default outbound access in
Azure"): one a network, always the same."""


FIRST_MARK: Final = 1000
"""Below are the marks of other things, and the kernel's own routing tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Something that sends and receives packets.

    :param number: tells it from the others of a lab
    :param place: id of the place that it is in
    :param subnet: id of its subnet; empty outside of virtual networks
    :param address: its own, of the subnet or the site
    :param public_address: the one that its packets have on the internet
    :param is_late: it stands for packets of the machine that a fault has held up: they come back by another device
    """

    number: int
    place: str
    subnet: str
    address: str
    public_address: str
    is_late: bool = False

    @property
    def device(self) -> str:
        """The network device by which its packets reach the router."""
        return f"netconn{self.number}{'late' if self.is_late else ''}"

    @property
    def mark(self) -> int:
        """What marks its packets on their way to be held up, and the routing table that sends them there."""
        return FIRST_MARK + self.number


def place_machine(
    plane: ControlPlane, name: str, *, number: int, taken: Collection[str] = (), egress: str | None = None
) -> Machine:
    """Find room for a machine.

    :param name: of a place, or its id; a network's may have a subnet behind a slash: ``data/workloads``
    :param taken: addresses that other machines have
    :param egress: its public address, where the control plane does not know it
    :raises LabError: there is no such place or subnet, or no address is free in it
    """
    place, subnet = _find(plane, name)
    if place.kind is PlaceKind.INTERNET:
        address = _last_free([str(ON_THE_INTERNET)], set(taken), name)
        return Machine(number=number, place=place.id, subnet="", address=address, public_address=address)
    used = set(taken) | (addresses_in_use(plane, subnet) if subnet is not None else set())
    prefixes = place.prefixes if subnet is None else prefixes_of(subnet.properties)
    return Machine(
        number=number,
        place=place.id,
        subnet="" if subnet is None else subnet.id,
        address=_last_free(prefixes, used, name),
        public_address=egress or public_address(plane, place, subnet),
    )


def public_address(plane: ControlPlane, place: Place, subnet: Resource | None) -> str:
    """:return: the address that a machine's packets have on the internet: its NAT gateway's, its site's device's, or
    one that stands for the network"""
    if place.kind is PlaceKind.SITE:
        site = plane.store.find(place.id)
        known = None if site is None else site.properties.get("gatewayIpAddress") or site.properties.get("ipAddress")
        if known:
            return str(known)
    gateway = plane.find(id_of(subnet.properties.get("natGateway"))) if subnet is not None else None
    if gateway is not None and gateway.kind.type == NAT_GATEWAYS:
        for reference in gateway.properties.get("publicIpAddresses", ()):
            address = plane.find(id_of(reference))
            if address is not None and address.kind.type == PUBLIC_ADDRESSES:
                return str(address.facts["ipAddress"])
    digest = int.from_bytes(hashlib.sha256(place.key.encode()).digest()[:4])
    return str(OUTBOUND[1 + digest % (OUTBOUND.num_addresses - 2)])


def interface_of(plane: ControlPlane, place: str, subnet: Resource, address: str) -> Resource:
    """:return: an interface as a machine with an address has it; it is in no store"""
    kind = plane.kind(INTERFACES)
    network = plane.store.find(place)
    assert kind is not None
    assert network is not None
    properties = {"subnet": {"id": subnet.id}, "primary": True, "privateIPAddress": address}
    configurations = [{"name": "0", "properties": properties}]
    return Resource(
        path=ArmPath(network.path.scope, "Microsoft.Network", ("networkInterfaces",), (f"machine-{address}",)),
        kind=kind,
        body={"location": network.region, "properties": {"ipConfigurations": configurations}},
        created_at=0.0,
        changed_at=0.0,
    )


def subnet_with(plane: ControlPlane, place: str, address: str) -> Resource | None:
    """:return: the subnet of a network that an address is in; None: it is in none"""
    wanted = ipaddress.ip_address(address)
    for subnet in plane.store.children(place, SUBNETS):
        if any(wanted in ipaddress.ip_network(prefix) for prefix in prefixes_of(subnet.properties)):
            return subnet
    return None


def _find(plane: ControlPlane, name: str) -> tuple[Place, Resource | None]:
    place, wanted = find_place(plane, name), ""
    if place is None and "/" in name:
        network, _, wanted = name.rstrip("/").rpartition("/")
        place = find_place(plane, network.removesuffix("/subnets"))
    if place is None:
        known = ", ".join(dict.fromkeys(one.name for one in places(plane)))
        raise LabError(f"{name!r} is no place of the lab, or several have that name; write an id, or one of {known}")
    if place.kind is not PlaceKind.NETWORK:
        if wanted:
            raise LabError(f"{name!r}: {place.name} has no subnets; write {place.name}")
        return place, None
    subnets = {subnet.path.name: subnet for subnet in plane.store.children(place.id, SUBNETS)}
    for subnet_name, subnet in subnets.items():
        if subnet_name.casefold() == wanted.casefold() or (
            not wanted and subnet_name.casefold() not in NOT_FOR_MACHINES and _has_version_4(subnet)
        ):
            return place, subnet
    has = f"its subnets are {', '.join(subnets)}" if subnets else "it has no subnet yet"
    raise LabError(f"{name!r}: network {place.name} has no subnet {wanted or 'for machines'}; {has}")


def _has_version_4(subnet: Resource) -> bool:
    return any(ipaddress.ip_network(prefix).version == 4 for prefix in prefixes_of(subnet.properties))


def _last_free(prefixes: Collection[str], used: set[str], name: str) -> str:
    """The highest free address: Azure gives the lowest, so what is made later does not want it."""
    for address in _from_the_end(prefixes):
        if address not in used:
            return address
    raise LabError(f"{name!r}: no IPv4 address is free in {', '.join(prefixes) or 'no prefix at all'}")


def _from_the_end(prefixes: Collection[str]) -> Iterator[str]:
    for prefix in prefixes:
        network = ipaddress.ip_network(prefix)
        if network.version == 4:
            for offset in range(network.num_addresses - 2, 3, -1):
                yield str(network[offset])
