"""The firewall of a service's public endpoint, in the same words for all services."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from airflow_provider_netconn.errors import InvalidOptionError

Address = IPv4Address | IPv6Address

AZURE_SERVICES: Final = "0.0.0.0"  # noqa: S104 - nothing binds to it
"""Several firewalls have this address stand for whatever comes from within Azure."""
_ANY_PREFIX: Final = 1


class PublicAccess(StrEnum):
    """Whether a service has a public endpoint at all."""

    ON = "on"
    OFF = "off"
    PERIMETER = "perimeter"
    """A network security perimeter decides, and not the service's own firewall."""
    UNKNOWN = "unknown"
    """A setting that we have no word for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRange:
    """Addresses from one to another, both included.

    :param text: as it was written
    :raises InvalidOptionError: the ends are of two IP versions, or the wrong way round
    """

    first: Address
    last: Address
    text: str

    def __post_init__(self) -> None:
        if self.first.version != self.last.version or int(self.first) > int(self.last):
            raise InvalidOptionError("addresses", f"{self.text!r} is no range", "write the lower address first")

    @classmethod
    def parse(cls, text: str, field: str = "addresses") -> AddressRange:
        """The range of an address or of a network in CIDR form; bits behind the prefix do not matter.

        :param field: what the author of a wrong one calls it
        :raises InvalidOptionError: it is neither
        """
        try:
            network = ip_network(text.strip(), strict=False)
        except ValueError:
            raise InvalidOptionError(
                field, f"{text!r} is no IP address or network", "write 203.0.113.7 or 203.0.113.0/28"
            ) from None
        return cls(first=network[0], last=network[-1], text=text.strip())

    @classmethod
    def between(cls, first: str, last: str) -> AddressRange:
        """The range between two addresses.

        :raises ValueError: that is none
        """
        text = first if first == last else f"{first}-{last}"
        return cls(first=ip_address(first), last=ip_address(last), text=text)

    def overlaps(self, other: AddressRange) -> bool:
        """Whether the two have an address in common."""
        same_version = self.first.version == other.first.version
        return same_version and int(self.first) <= int(other.last) and int(other.first) <= int(self.last)

    @property
    def is_any(self) -> bool:
        """Whether this admits half the internet or more: ``0.0.0.0/0``, or ``0.0.0.0/1``."""
        width: int = int(self.last) - int(self.first) + 1
        return width >= 1 << (self.first.max_prefixlen - _ANY_PREFIX)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRule:
    """One line of a firewall.

    :param name: the rule's name, or its addresses where it has none
    :param range: the addresses that it is about; None: not an address but what ``about`` says
    :param allow: whether it lets in or keeps out
    :param azure: it stands for whatever comes from within Azure, anybody's
    :param about: what decides besides or instead of the address, such as a service tag or a header
    """

    name: str
    range: AddressRange | None = None
    allow: bool = True
    azure: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """A service's firewall as it is configured.

    :param resource_id: of the service
    :param service: its name, such as ``Storage``
    :param location: the Azure region it lies in
    :param public_access: whether there is a public endpoint
    :param public_setting: how Azure words that
    :param restricted: whether an address that no rule is about is kept out
    :param rules: the first that is about an address decides
    :param subnets: ids of subnets that get in by a service endpoint
    :param same_region_blind: rules have no effect on callers in the service's own region
    :param limit: most rules; None where no page tells
    :param used: how many of them there are
    :param delay: how long a changed rule takes to hold, in words; empty: no page tells
    :param unread: rules that we cannot read, as they are written
    :param notes: what else is to be known of it
    :param also: the firewalls of its other sites
    """

    resource_id: str
    service: str
    location: str = ""
    public_access: PublicAccess = PublicAccess.ON
    public_setting: str = ""
    restricted: bool = True
    rules: tuple[FirewallRule, ...] = ()
    subnets: tuple[str, ...] = ()
    same_region_blind: bool = False
    limit: int | None = None
    used: int = 0
    delay: str = ""
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    also: tuple[Firewall, ...] = ()
