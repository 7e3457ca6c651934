"""Who a caller is to a service, by its address: firewalls treat callers from within Azure in their own way."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.packets.machines import public_address, subnet_with
from airflow_provider_netconn.lab.packets.places import INTERNET, PlaceKind, find_place, places
from airflow_provider_netconn.lab.packets.service_endpoints import has_service_endpoint
from airflow_provider_netconn.lab.resources.network_references import SUBNETS
from airflow_provider_netconn.lab.resources.public_addresses import POOLS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

OUTSIDE: Final = "198.51.100.10"
"""The address of a caller from nowhere in particular: out of TEST-NET-2 (RFC 5737), outside of Azure."""
_AZURE: Final = POOLS["IPv4"]
"""What the lab's Azure has of public addresses."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who a caller is to a service.

    :param address: the address that the service sees
    :param region: the Azure region that the caller is in, in lower case; empty: it is outside Azure
    :param subnet: id of its subnet, where it comes by a service endpoint; else empty
    """

    address: str
    region: str = ""
    subnet: str = ""


class Origins:
    """Tells who callers are; what was found about regions is kept until a resource changes.

    :param meaning: place and address that one in 127/8 stands for; None: it stands for none
    """

    def __init__(self, plane: ControlPlane, meaning: Callable[[str], tuple[str, str] | None]) -> None:
        self._plane = plane
        self._meaning = meaning
        self._seen = -1
        self._regions: dict[str, str] = {}

    def of(self, peer: str, resource: Resource | None) -> Origin:
        """:return: who comes to a resource from the address of a socket: from one that stands for another, that one"""
        meaning = self._meaning(peer)
        if meaning is None:
            is_here = peer.startswith("127.") or peer == "::1"
            return self._public(OUTSIDE if is_here else peer)
        place, address = meaning
        network = None if place == INTERNET else find_place(self._plane, place)
        if network is None or network.kind is not PlaceKind.NETWORK:
            return self._public(address)
        subnet = subnet_with(self._plane, network.id, address)
        if subnet is None or resource is None or not has_service_endpoint(subnet, resource):
            return self._public(public_address(self._plane, network, subnet))
        found = self._plane.store.find(network.id)
        return Origin(address, region="" if found is None else found.region, subnet=subnet.id)

    def _public(self, address: str) -> Origin:
        return Origin(address, region=self.region_of(address))

    def region_of(self, address: str) -> str:
        """:return: the region of the network that a public address is of, in lower case; empty: none of the lab's"""
        found = ipaddress.ip_address(address)
        if found.version == 6 or found not in _AZURE:
            return ""
        store = self._plane.store
        if self._seen != store.changes:
            self._seen, self._regions = store.changes, self._read()
        return self._regions.get(address, "")

    def _read(self) -> dict[str, str]:
        regions: dict[str, str] = {}
        for place in places(self._plane):
            network = self._plane.store.find(place.id) if place.kind is PlaceKind.NETWORK else None
            if network is not None:
                for subnet in (None, *self._plane.store.children(network.path, SUBNETS)):
                    regions.setdefault(public_address(self._plane, place, subnet), network.region)
        return regions
