"""What an address and port of the landscape are on this machine: an address in 127/8 and a high port.

The same (place, address, port) is the same for the lab's life, whoever asks and whatever happened between. One lab has
its own part of 127/8, so that several labs on a machine do not take each other's.
"""

from __future__ import annotations

import ipaddress
import random
import socket
from dataclasses import dataclass
from typing import Final, Protocol

LOOPBACK: Final = ipaddress.IPv4Network("127.0.0.0/8")
LOWEST_PORT: Final = 1024
"""From here on a port can be listened on without privileges."""
_SHIFT: Final = 20_000
_NETWORK_BITS: Final = 16
_CLAIM_PORT: Final = 20_000
"""UDP port that a lab holds on the last address of its part of 127/8, as long as the part is its own."""


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

    :param network: the part, such as a /16; by default one of 250 that no other lab of this machine has
    :raises ValueError: it is no part of 127/8
    :raises RuntimeError: other labs have all 250
    """

    def __init__(self, network: str | None = None) -> None:
        self._claim: socket.socket | None = None
        chosen = self._claimed() if network is None else ipaddress.IPv4Network(network)
        if not chosen.subnet_of(LOOPBACK):
            raise ValueError(f"{chosen} is no part of {LOOPBACK}")
        self.network: Final = chosen
        self._given: dict[tuple[str, str], str] = {}
        self._meaning: dict[str, tuple[str, str]] = {}

    def _claimed(self) -> ipaddress.IPv4Network:
        """A part of 127/8 that no other lab has: a socket holds it, and that ends with the process, however it ends."""
        # Not 127.0: that is where other programs are. 127.255 has the broadcast address.
        for number in random.sample(range(1, 251), 250):
            network = ipaddress.IPv4Network(f"127.{number}.0.0/{_NETWORK_BITS}")
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                claim.bind((str(network[-1]), _CLAIM_PORT))
            except OSError:
                claim.close()
                continue
            self._claim = claim
            return network
        raise RuntimeError(f"no part of {LOOPBACK} is left for this lab: others have them all; end some")

    def close(self) -> None:
        """Leave the part of 127/8 to other labs; may be called twice."""
        if self._claim is not None:
            self._claim.close()

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
