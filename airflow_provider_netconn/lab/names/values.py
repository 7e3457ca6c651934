"""Questions to DNS and answers to them, without a wire format. Names have no dot at their end, unless they are data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
"""Response codes (RFC 1035, section 4.1.1)."""


@dataclass(frozen=True, slots=True)
class View:
    """From where names are looked up. Without arguments: from the internet.

    :param network: id of a virtual network: as its machines resolve, by its own DNS servers where it names some
    :param server: name of a DNS server that is none of Azure's: as it answers
    :param at_azure: as 168.63.129.16 answers in the network, whatever DNS servers the network names
    """

    network: str | None = None
    server: str | None = None
    at_azure: bool = False


PUBLIC: Final = View()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    :param name: in the asker's spelling
    :param type: ``A`` and so on
    """

    name: str
    type: str

    @property
    def key(self) -> str:
        """The name as it is compared: without regard to case (RFC 4343)."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Record:
    """A resource record of class IN.

    :param ttl_s: seconds
    :param data: as in a zone file: ``10.0.0.4``, ``www.contoso.com.``
    :param is_foreign: whether it comes from a real server, outside the landscape
    """

    name: str
    type: str
    ttl_s: int
    data: str
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    :param rcode: the response code; None where nobody answers
    :param records: the answer section, aliases in their order
    :param authority: the start of authority of a negative answer
    :param note: why there is none, for people; sent as an extended error (RFC 8914)
    """

    rcode: int | None
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    note: str = ""


NOBODY: Final = Answer(None)
"""No answer will ever come."""


def failure(note: str) -> Answer:
    """:return: SERVFAIL, and why"""
    return Answer(SERVFAIL, note=note)


def is_within(name: str, domain: str) -> bool:
    """:return: whether a name is a domain or lies below it; both in lower case, without a dot at the end"""
    return not domain or name == domain or name.endswith(f".{domain}")


def ancestors(name: str) -> list[str]:
    """:return: the names above a name, the nearest first, without the root"""
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels))]
