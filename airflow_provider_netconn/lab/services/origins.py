"""Where in Azure a caller is, by its address: firewalls treat callers from within Azure in their own way."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.packets.machines import public_address
from airflow_provider_netconn.lab.packets.places import PlaceKind, places
from airflow_provider_netconn.lab.resources.network_references import SUBNETS
from airflow_provider_netconn.lab.resources.public_addresses import POOLS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

_AZURE: Final = POOLS["IPv4"]
"""What the lab's Azure has of public addresses."""


class Origins:
    """Looks regions up; what was found is kept until a resource changes."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._seen = -1
        self._regions: dict[str, str] = {}

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
