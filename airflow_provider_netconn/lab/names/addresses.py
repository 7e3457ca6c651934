"""Which address an answer carries: the seam between names and packets.

The landscape has real addresses (10.20.1.4, 198.18.3.7). A lab in a network namespace of its own has them too, and
answers carry them as they are. A lab on loopback has not: there :class:`.packets.local_answers.LocalAnswers` shows each
as one of 127/8, where that is asked for.
"""

from __future__ import annotations

from typing import Protocol


class Addresses(Protocol):
    """Shows addresses of the landscape as those under which they can be reached here."""

    def shown(self, address: str, network_id: str | None) -> str:
        """What stands for an address.

        It is called for each address in an answer of the lab's own, so it has to be quick and always give the same;
        answers of real servers are passed on as they are.

        :param address: IPv4 or IPv6, as the control plane has it
        :param network_id: of the network in which the asker is, since networks may have the same addresses; None: the
            asker is in none
        :return: an address of the same version
        """


class AsTheyAre:
    """Shows every address as itself."""

    def shown(self, address: str, network_id: str | None) -> str:
        """:return: the address"""
        return address
