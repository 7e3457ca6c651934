"""What an address and port of the landscape are on this machine: an address in 127/8 and a high port.

The same (place, address, port) is the same for the lab's life, whoever asks and whatever happened between. One lab has
its own part of 127/8, so that several labs on a machine do not take each other's.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from typing import Final, Protocol

LOOPBACK: Final = ipaddress.IPv4Network("127.0.0.0/8")
LOWEST_PORT: Final = 1024
"""From here on a port can be listened on without privileges."""
_SHIFT: Final = 20_000
_NETWORK_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a socket is: an address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


class Addresses(Protocol):
    """What the addresses of a landscape are on this machine."""

    def local(self, place: str, address: str, port: int) -> Endpoint:
        """Where to listen, so that who dials an address and port in a place gets there; and on loopback, what to dial.

        :param place: id of the place in which the address has its meaning: a network's for a private address,
            :data:`.places.INTERNET` for a public one; without case
        :param address: such as ``10.20.1.4``
        :param port: its true port, for UDP and TCP alike
        """

    def local_address(self, place: str, address: str) -> str:
        """:return: the address in 127/8 that stands for another one in a place"""


class LoopbackAddresses:
    """Addresses in one part of 127/8, given in the order in which they are asked for.

    :param network: the part, a /16 or wider; by default one at random, of which a machine has 250
    :raises ValueError: it is no part of 127/8
    """

    def __init__(self, network: str | None = None) -> None:
        # Not 127.0: that is where other programs are. 127.255 has the broadcast address.
        chosen = ipaddress.IPv4Network(network or f"127.{1 + secrets.randbelow(250)}.0.0/{_NETWORK_BITS}")
        if not chosen.subnet_of(LOOPBACK):
            raise ValueError(f"{chosen} is no part of {LOOPBACK}")
        self.network: Final = chosen
        self._given: dict[tuple[str, str], str] = {}
        self._meaning: dict[str, tuple[str, str]] = {}

    def local(self, place: str, address: str, port: int) -> Endpoint:
        """Where to listen, and on loopback to dial: see :class:`Addresses`."""
        return Endpoint(self.local_address(place, address), local_port(port))

    def local_address(self, place: str, address: str) -> str:
        """:return: the address in 127/8 that stands for another one in a place
        :raises RuntimeError: the lab's part of 127/8 is used up
        """
        key = (place.casefold(), address)
        if key not in self._given:
            number = len(self._given) + 1
            if number >= self.network.num_addresses - 1:
                raise RuntimeError(f"the lab has used up {self.network}; give it a wider network")
            self._given[key] = str(self.network[number])
            self._meaning[self._given[key]] = key
        return self._given[key]

    def meaning(self, local_address: str) -> tuple[str, str] | None:
        """:return: place (without case) and address that one in 127/8 stands for; None: it stands for none"""
        return self._meaning.get(local_address)


def local_port(port: int) -> int:
    """:return: the port that stands for a true one: the same where anybody may listen on it, else 20,000 more"""
    return port if port >= LOWEST_PORT else port + _SHIFT
