"""Where a name's private addresses are known from: told beforehand, or asked of a nameserver that has the zone."""

from __future__ import annotations

import functools
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from airflow_provider_netconn.errors import InvalidOptionError, PrivateResolutionError
from airflow_provider_netconn.evidence import bracketed, is_address
from airflow_provider_netconn.probing.options import parse_nameserver
from airflow_provider_netconn.resolution.names import comparable

if TYPE_CHECKING:
    import dns.resolver


class AddressSource(Protocol):
    """Knows the private addresses of names."""

    def addresses(self, name: str) -> tuple[str, ...]:
        """The addresses of a name; none where it has none here.

        :raises PrivateResolutionError: they could not be asked for
        """

    def __str__(self) -> str:
        """What it is, for a log line."""


@dataclass(frozen=True, slots=True)
class GivenAddresses:
    """Addresses told beforehand, such as those of a private endpoint.

    :param known: the addresses of each name, names as :func:`~.names.comparable` gives them
    """

    known: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, given: Mapping[str, str | Sequence[str]]) -> GivenAddresses:
        """From what a person wrote: an address, or a list of them, for each name.

        :raises InvalidOptionError: a name is none, or an address is none
        """
        known: dict[str, tuple[str, ...]] = {}
        for written, text in given.items():
            name = comparable(written)
            where = f"addresses[{written}]"
            if name is None:
                raise InvalidOptionError(where, "this is no host name", "write the public name that is dialled")
            texts = (text,) if isinstance(text, str) else tuple(text)
            if not texts:
                raise InvalidOptionError(where, "there is no address", "write one such as 10.1.0.5")
            for one in texts:
                if not isinstance(one, str) or not is_address(one):
                    raise InvalidOptionError(where, f"{one!r} is no IP address", "write one such as 10.1.0.5")
            known[name] = texts
        return cls(known)

    def addresses(self, name: str) -> tuple[str, ...]:
        """As told."""
        return self.known.get(name, ())

    def __str__(self) -> str:
        return "given"


@dataclass(frozen=True, slots=True)
class Nameserver:
    """A nameserver that knows the private zone: a private resolver's inbound endpoint, or one that holds it.

    It is asked for the name in the private zone, which both know, and for the public name where there is no such.
    Answers are kept for their TTL.

    :param address: of the nameserver
    :param port: its port
    :param timeout_s: limit of all tries for one name, in seconds
    """

    address: str
    port: int
    timeout_s: float
    _lazily: dict[str, dns.resolver.Resolver] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def read(cls, text: str, timeout_s: float) -> Nameserver:
        """From ``IP``, ``IP:PORT`` or ``[IPV6]:PORT``.

        :raises InvalidOptionError: it is none of these
        """
        address, port = parse_nameserver(text)
        return cls(address, port, timeout_s)

    def addresses(self, name: str) -> tuple[str, ...]:
        """What the nameserver answers, IPv4 first.

        :raises PrivateResolutionError: it does not answer, or only with a failure
        """
        for asked in names_to_ask(name):
            for kind in ("A", "AAAA"):
                if found := self._ask(asked, kind):
                    return found
        return ()

    def __str__(self) -> str:
        return f"nameserver {bracketed(self.address)}:{self.port}"

    def _ask(self, name: str, kind: str) -> tuple[str, ...]:
        import dns.exception
        import dns.resolver

        try:
            answer = self._resolver().resolve(name, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return ()
        except dns.exception.DNSException as error:
            seen = "did not answer" if isinstance(error, dns.exception.Timeout) else f"failed: {error}"
            raise PrivateResolutionError(socket.EAI_AGAIN, f"{self} {seen} when asked for {name}") from error
        return tuple(str(record) for record in answer.rrset or ())

    def _resolver(self) -> dns.resolver.Resolver:
        """Made when first needed, and by two threads at once rather than behind a lock, which a fork might keep."""
        import dns.resolver

        made = self._lazily.get("resolver")
        if made is None:
            made = dns.resolver.Resolver(configure=False)
            made.nameservers, made.port = [self.address], self.port
            made.lifetime = self.timeout_s
            made.cache = dns.resolver.LRUCache()
            self._lazily["resolver"] = made
        return made


@functools.lru_cache(maxsize=1024)
def names_to_ask(name: str) -> tuple[str, ...]:
    """The names by which a private zone may know a public name: in each zone that the table has for it, or itself."""
    from airflow_provider_netconn.privatelink import zones_for_host

    private = [
        f"{name.removesuffix(match.suffix)}{match.zone}"
        for match in zones_for_host(name)
        if match.zone is not None and match.mirrors_zone
    ]
    return tuple(dict.fromkeys(private)) or (name,)
