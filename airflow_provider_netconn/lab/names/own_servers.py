"""DNS servers of the landscape that are none of Azure's: on premises, or a machine in a network.

They stand in the seed, since the control plane knows of their addresses alone: as a network's DNS server or a rule's
target. One answers from its records, forwards what it is told to, and asks public DNS for the rest.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.names.values import NOERROR, NXDOMAIN, Answer, Question, Record, is_within

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.yaml_document import Document

SECTION: Final = "dns_servers"
PORT: Final = 53
KEYS: Final = ("name", "address", "port", "network", "zones", "records", "forwards")
_RECORD_KEYS: Final = ("name", "type", "ttl", "values")
_TYPES: Final = ("A", "AAAA", "CNAME", "MX", "PTR", "SRV", "TXT")
_TTL_S: Final = 300

Target = tuple[str, int]
"""Address and port of a DNS server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """A conditional forwarder.

    :param domain: in lower case, without a dot at the end; empty: every name
    :param targets: asked in this order
    """

    domain: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """A DNS server.

    :param name: how the seed calls it
    :param address: where networks, rules and other servers ask it
    :param network: id of the network that it is in, whose 168.63.129.16 it may forward to; None: in none
    :param zones: domains of which it has all names; in lower case
    :param records: what it has
    :param forwards: the longest domain first
    """

    name: str
    address: str
    port: int = PORT
    network: str | None = None
    zones: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    forwards: tuple[Forward, ...] = ()

    def answer(self, question: Question) -> Answer | None:
        """What its own records say; None: nothing, ask another."""
        name = question.key
        of_name = [record for record in self.records if record.name.lower() == name]
        wanted = [one for one in of_name if one.type == question.type] or [
            one for one in of_name if one.type == "CNAME"
        ]
        if wanted:
            return Answer(NOERROR, tuple(Record(question.name, one.type, one.ttl_s, one.data) for one in wanted))
        zone = max((zone for zone in self.zones if is_within(name, zone)), key=len, default=None)
        if zone is None:
            return Answer(NOERROR) if of_name else None
        is_there = any(is_within(record.name.lower(), name) for record in self.records) or name == zone
        authority = Record(zone, "SOA", _TTL_S, f"{self.name}.{zone}. hostmaster.{zone}. 1 3600 600 86400 {_TTL_S}")
        return Answer(NOERROR if is_there else NXDOMAIN, authority=(authority,))

    def targets_for(self, name: str) -> tuple[Target, ...]:
        """Whom it asks for a name; nobody: public DNS."""
        return next((forward.targets for forward in self.forwards if is_within(name, forward.domain)), ())


def read_servers(
    document: Document,
    entries: Iterator[tuple[str, dict[str, Any]]],
    resolved: Callable[[Any, str], Any],
) -> tuple[OwnServer, ...]:
    """The DNS servers of a seed.

    :param entries: the section's, each with its path
    :param resolved: puts ids where a value refers to something by ``ref:``
    :raises SeedError: naming file, line, key and mend
    """
    servers: dict[Target, OwnServer] = {}
    for path, entry in entries:
        server = _server(document, path, entry, resolved)
        place = (server.address, server.port)
        if place in servers:
            raise document.error(f"{path}.address", f"{server.address} is {servers[place].name}'s", "give each its own")
        servers[place] = server
    return tuple(servers.values())


def _server(document: Document, path: str, entry: Mapping[str, Any], resolved: Callable[[Any, str], Any]) -> OwnServer:
    network = entry.get("network")
    zones = document.sequence(entry.get("zones"), f"{path}.zones")
    forwards = document.sequence(entry.get("forwards"), f"{path}.forwards")
    found = [_forward(document, f"{path}.forwards[{index}]", item) for index, item in enumerate(forwards)]
    return OwnServer(
        name=entry["name"],
        address=_address(document, f"{path}.address", entry.get("address")),
        port=_port(document, f"{path}.port", entry.get("port", PORT)),
        network=None if network is None else document.text(resolved(network, f"{path}.network"), f"{path}.network"),
        zones=tuple(_domain(document.text(zone, f"{path}.zones[{index}]")) for index, zone in enumerate(zones)),
        records=tuple(_records(document, f"{path}.records", entry.get("records"))),
        forwards=tuple(sorted(found, key=lambda one: -len(one.domain.split(".")) if one.domain else 0)),
    )


def _records(document: Document, path: str, value: Any) -> Iterator[Record]:
    for index, item in enumerate(document.sequence(value, path)):
        place = f"{path}[{index}]"
        given = document.mapping(item, place)
        document.check_keys(given, place, _RECORD_KEYS)
        name = document.text(given.get("name"), f"{place}.name").removesuffix(".")
        record_type = document.choice(given.get("type", "A"), f"{place}.type", _TYPES, "a record type")
        ttl_s = given.get("ttl", _TTL_S)
        if isinstance(ttl_s, bool) or not isinstance(ttl_s, int) or ttl_s < 0:
            raise document.error(f"{place}.ttl", f"{ttl_s!r} is no TTL", "write seconds, 0 or more")
        values = document.sequence(given.get("values"), f"{place}.values")
        if not values:
            raise document.error(place, "values is missing", "write values: [192.168.0.10]")
        for number, data in enumerate(values):
            at = f"{place}.values[{number}]"
            yield Record(name, record_type, ttl_s, _data(document, at, record_type, data))


def _data(document: Document, path: str, record_type: str, value: Any) -> str:
    """The data of a record as a zone file has it, with all names whole."""
    import dns.exception
    import dns.name
    import dns.rdata

    text = document.text(value, path)
    try:
        return dns.rdata.from_text("IN", record_type, text, origin=dns.name.root, relativize=False).to_text()
    except (dns.exception.DNSException, ValueError):
        raise document.error(
            path, f"{text!r} is no data of a {record_type} record", "write it as in a zone file"
        ) from None


def _forward(document: Document, path: str, item: Any) -> Forward:
    given = document.mapping(item, path)
    document.check_keys(given, path, ("domain", "to"))
    targets = document.sequence(given.get("to"), f"{path}.to")
    if not targets:
        raise document.error(path, "to is missing", "write to: [10.0.0.4], or with a port [10.0.0.4:5353]")
    return Forward(
        domain=_domain(document.text(given.get("domain"), f"{path}.domain")),
        targets=tuple(_target(document, f"{path}.to[{index}]", target) for index, target in enumerate(targets)),
    )


def _target(document: Document, path: str, value: Any) -> Target:
    address, _, port = document.text(value, path).partition(":")
    return _address(document, path, address), _port(document, path, int(port) if port.isdecimal() else port or PORT)


def _domain(text: str) -> str:
    return text.lower().removesuffix(".")


def _address(document: Document, path: str, value: Any) -> str:
    text = document.text(value, path)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise document.error(path, f"{value!r} is no address", "write one such as 192.168.0.53") from None


def _port(document: Document, path: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise document.error(path, f"{value!r} is no port", "write a number from 1 to 65535")
    return value
