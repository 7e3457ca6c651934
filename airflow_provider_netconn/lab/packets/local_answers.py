"""What DNS answers carry where the lab is on loopback: the addresses at which it serves what is there."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.packets.places import INTERNET, places
from airflow_provider_netconn.lab.resources.learned_routes import learned_routes
from airflow_provider_netconn.lab.resources.network_paths import neighbours

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.packets.addresses import LoopbackAddresses


class LocalAnswers:
    """Shows each IPv4 address as the one in 127/8 that stands for it; nobody listens there where nobody is there.

    IPv6 addresses are shown as they are: the lab serves none.

    :param serve: has all be served that is there now; whoever gets an answer can go there at once
    """

    def __init__(self, plane: ControlPlane, addresses: LoopbackAddresses, serve: Callable[[], None]) -> None:
        self._plane = plane
        self._addresses = addresses
        self._serve = serve
        self._seen = -1
        self._places: dict[tuple[str, str], str] = {}

    def shown(self, address: str, network_id: str | None) -> str:
        """See :class:`.names.addresses.Addresses`."""
        if ipaddress.ip_address(address).version == 6:
            return address
        self._serve()
        return self._addresses.local_address(self._place_of(address, network_id or ""), address)

    def _place_of(self, address: str, network_id: str) -> str:
        """The place that an address is meant in; what was found is kept until a resource changes."""
        if self._seen != self._plane.store.changes:
            self._seen, self._places = self._plane.store.changes, {}
        key = (address, network_id)
        if key not in self._places:
            self._places[key] = self._find(ipaddress.ip_address(address), network_id)
        return self._places[key]

    def _find(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, network_id: str) -> str:
        having = [
            place.key
            for place in places(self._plane)
            if any(address in ipaddress.ip_network(prefix) for prefix in place.prefixes)
        ]
        # Where networks overlap, the one that the asker reaches is meant.
        return next((one for one in self._in_reach(network_id) if one in having), next(iter(having), INTERNET))

    def _in_reach(self, network_id: str) -> Iterator[str]:
        network = self._plane.store.find(network_id) if network_id else None
        if network is not None:
            yield from (one.path.key for one in neighbours(self._plane, network))
            yield from (one.network.path.key for one in learned_routes(self._plane, network) if one.network is not None)
