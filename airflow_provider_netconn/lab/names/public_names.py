"""The names that public DNS has for the lab's resources, and the addresses behind them.

A service's name is an alias of where the service is. Once a private endpoint connection for its group is approved, an
alias in the privatelink zone stands between the two, which private zones can answer instead (Microsoft Learn, "Use
private endpoints for Azure Storage: DNS changes"; "Diagnose private links configuration issues on Azure Key Vault", for
approved connections alone). The privatelink name leads to the public address too.

Public addresses come out of 198.18.0.0/15 (RFC 2544), so that nothing real is ever dialled; each name keeps its own.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.names.values import (
    NOERROR,
    NXDOMAIN,
    Answer,
    Question,
    Record,
    ancestors,
)
from airflow_provider_netconn.lab.resources.network_references import PUBLIC_ADDRESSES
from airflow_provider_netconn.lab.resources.private_link import (
    APPROVED,
    STATE,
    groups_of,
    link_type,
    link_types,
)
from airflow_provider_netconn.lab.resources.public_addresses import configuration_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

TTL_S: Final = 60
"""Of public records and of negative answers, in seconds."""

POOL: Final = ipaddress.IPv4Network("198.19.0.0/17")
"""Of the services: public IP address resources take addresses from the lower end of 198.18.0.0/15, the lab's own
services (:mod:`airflow_provider_netconn.lab.packets.places`) at its upper end."""

AUTHORITY: Final = "ns1-01.azure-dns.com. azuredns-hostmaster.microsoft.com. 1 3600 300 2419200 60"

_HOST: Final = re.compile(r"(?:[a-z]+://)?([a-z0-9-]+(?:\.[a-z0-9-]+){2,})(?::\d+)?/?", re.IGNORECASE)
_WEBSITE: Final = re.compile(r"\.z\d+$")
_STORAGE: Final = re.compile(r"[^.]+(?:\.z\d+)?\.(blob|dfs|file|queue|table|web)\.core\.windows\.net")


@dataclass(frozen=True, slots=True)
class PublicName:
    """A name of a resource.

    :param fqdn: in lower case
    :param owner: the resource
    :param group: the private endpoint's group id that it belongs to; empty: any of the resource's
    :param private: its name in the privatelink zone; empty where there is none
    :param location: the name of where the service is, of which it is an alias; empty: it has the address itself
    """

    fqdn: str
    owner: Resource
    group: str
    private: str
    location: str


@dataclass(frozen=True, slots=True)
class PublicHost:
    """A public name with its address.

    :param group_id: of the sub-resource; empty where it is not known
    """

    name: str
    address: str
    resource_id: str
    group_id: str


class PublicNames:
    """Public DNS, as far as the lab's resources are in it.

    :param platform: further names and their addresses: those of services of the lab itself, such as
        ``management.azure.com``; a resource's name goes before
    """

    def __init__(self, plane: ControlPlane, platform: Mapping[str, str] | None = None) -> None:
        self._plane = plane
        self._platform = dict(platform or {})
        self._types = (*link_types(), PUBLIC_ADDRESSES)
        self._seen = -1
        self._seen_of_types: dict[str, tuple[int, int]] = {}
        self._kept: dict[str, dict[str, tuple[str, tuple[PublicName, ...]]]] = {}
        self._by_name: dict[str, list[PublicName]] = {}
        self._by_private: dict[str, list[PublicName]] = {}
        self._by_location: dict[str, list[PublicName]] = {}
        self._above = Counter(above for name in self._platform for above in ancestors(name))
        self._addresses: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def find(self, name: str) -> PublicName | None:
        """:return: whose public name it is, in any spelling; None: no resource's"""
        self._refresh()
        return next(iter(self._alive(name.lower())), None)

    def all(self) -> list[PublicName]:
        """Every public name there is now; one a name, though several resources may share it."""
        self._refresh()
        return [found[0] for name in self._by_name if (found := self._alive(name))]

    def hosts(self) -> list[PublicHost]:
        """Every service's public name there is now, with its address."""
        return [
            PublicHost(one.fqdn, self.address_of(one.fqdn), one.owner.id, one.group)
            for one in self.all()
            if one.location
        ]

    def address_of(self, name: str) -> str:
        """The public address of a service under a public name; the same as long as the lab lives."""
        key = name.lower()
        if key not in self._addresses:
            first = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4])
            room = POOL.num_addresses - 2
            candidates = (str(POOL[(first + step) % room + 1]) for step in range(room))
            address = next(one for one in candidates if one not in self._names)
            self._addresses[key], self._names[address] = address, key
        return self._addresses[key]

    def at(self, address: str) -> PublicName | None:
        """:return: which service is behind a public address that :meth:`address_of` gave; None: none"""
        return self.find(self._names.get(address, ""))

    def answer(self, question: Question) -> Answer:
        """What public DNS has for a name: one step, an alias is not followed."""
        self._refresh()
        name = question.key
        found = self._alive(name)
        if found:
            return self._of_public_name(question, found)
        for private in self._by_private.get(name, ()):
            if self._is_linked(self._alive(private.fqdn)):
                return _alias(question, private.location)
        for located in self._by_location.get(name, ()):
            if self._alive(located.fqdn):
                return self._of_address(question, self.address_of(located.fqdn))
        if name in self._platform:
            return self._of_address(question, self._platform[name])
        return negative(question, NOERROR if self._above[name] > 0 else NXDOMAIN)

    def _of_public_name(self, question: Question, found: list[PublicName]) -> Answer:
        one = found[0]
        if not one.location:
            return self._of_address(question, self._address_resource(one.owner))
        is_linked = bool(one.private) and self._is_linked(found)
        return _alias(question, one.private if is_linked else one.location)

    def _address_resource(self, resource: Resource) -> str:
        """The address of a public IP address resource; a dynamic one has none until it is used."""
        if resource.properties.get("publicIPAllocationMethod") == "Dynamic":
            return resource.facts["ipAddress"] if configuration_of(self._plane, resource) is not None else ""
        return str(resource.facts["ipAddress"])

    @staticmethod
    def _of_address(question: Question, address: str) -> Answer:
        if address and question.type == ("AAAA" if ":" in address else "A"):
            return Answer(NOERROR, (Record(question.name, question.type, TTL_S, address),))
        return negative(question, NOERROR)

    def _is_linked(self, names: list[PublicName]) -> bool:
        """Whether a private endpoint connection is approved for one of the owners' groups."""
        return any(_has_approved(self._plane, one) for one in names)

    def _alive(self, name: str) -> list[PublicName]:
        """Owners of a public name that are not still being made."""
        return [one for one in self._by_name.get(name, ()) if not _is_being_made(one.owner)]

    # -- the index: brought up to date before each look-up, by what has changed --------------------

    def _refresh(self) -> None:
        store = self._plane.store
        if store.changes == self._seen:
            return
        self._seen = store.changes
        for type_name in self._types:
            changes = store.changes_of(type_name)
            if self._seen_of_types.get(type_name) != changes:
                self._seen_of_types[type_name] = changes
                self._refresh_type(type_name)

    def _refresh_type(self, type_name: str) -> None:
        kept = self._kept.setdefault(type_name, {})
        present = {resource.path.key: resource for resource in self._plane.store.of_type(type_name)}
        for key in [key for key, (etag, _) in kept.items() if key not in present or present[key].etag != etag]:
            for name in kept.pop(key)[1]:
                self._remove(name)
        for key, resource in present.items():
            if key not in kept:
                names = tuple(_names_of(resource))
                kept[key] = (resource.etag, names)
                for name in names:
                    self._add(name)

    def _add(self, name: PublicName) -> None:
        for table, key in self._tables(name):
            table.setdefault(key, []).append(name)
            self._above.update(ancestors(key))

    def _remove(self, name: PublicName) -> None:
        for table, key in self._tables(name):
            table[key].remove(name)
            if not table[key]:
                del table[key]
            self._above.subtract(ancestors(key))

    def _tables(self, name: PublicName) -> list[tuple[dict[str, list[PublicName]], str]]:
        """In which tables a name stands, and under which key."""
        found = ((self._by_name, name.fqdn), (self._by_private, name.private), (self._by_location, name.location))
        return [(table, key) for table, key in found if key]


def negative(question: Question, rcode: int) -> Answer:
    """:return: the answer of public DNS to what it does not have: NXDOMAIN, or a name without such records"""
    zone = ".".join(question.key.split(".")[-2:])
    return Answer(rcode, authority=(Record(zone, "SOA", TTL_S, AUTHORITY),))


def _alias(question: Question, target: str) -> Answer:
    return Answer(NOERROR, (Record(question.name, "CNAME", TTL_S, f"{target}."),))


def _has_approved(plane: ControlPlane, name: PublicName) -> bool:
    link = link_type(name.owner.kind.type)
    if link is None:
        return False
    wanted = name.group.casefold()
    return any(
        connection.properties[STATE]["status"] == APPROVED
        and (not wanted or wanted in [group.casefold() for group in connection.facts["groupIds"]])
        for connection in plane.store.children(name.owner.path, link.connections_type)
    )


def _is_being_made(resource: Resource) -> bool:
    operation = resource.operation
    return resource.is_busy and operation is not None and operation.answer == resource.kind.created


def _names_of(resource: Resource) -> Iterator[PublicName]:
    """The names of a resource: of its groups, and what its own properties say besides."""
    if resource.kind.type == PUBLIC_ADDRESSES:
        label = (resource.properties.get("dnsSettings") or {}).get("domainNameLabel")
        if label:
            yield PublicName(f"{label}.{resource.region}.cloudapp.azure.com".lower(), resource, "", "", "")
        return
    suffixes: dict[str, tuple[str, str]] = {}
    known: set[tuple[str, str]] = set()
    for group in groups_of(resource):
        for host in (host for member in group.members for host in member.hosts):
            fqdn = host.fqdn.lower()
            if (fqdn, group.id) in known:
                continue
            known.add((fqdn, group.id))
            private = f"{host.record}.{host.zone}".removeprefix("@.").lower() if host.zone else ""
            suffixes.setdefault(fqdn.removeprefix(host.record.lower()), (host.zone.lower(), group.id))
            yield PublicName(fqdn, resource, group.id, private, _location(fqdn, resource.region))
    hosts = {fqdn for fqdn, _ in known}
    for fqdn in dict.fromkeys(_hosts_in(resource.facts)):
        fitting = [suffix for suffix in suffixes if suffix and fqdn.endswith(suffix)]
        if fitting and fqdn not in hosts:
            suffix = max(fitting, key=len)
            zone, group_id = suffixes[suffix]
            # A static website's name has a label for its region, which the privatelink name has not.
            record = _WEBSITE.sub("", fqdn.removesuffix(suffix))
            yield PublicName(
                fqdn, resource, group_id, f"{record}.{zone}" if zone else "", _location(fqdn, resource.region)
            )


def _hosts_in(value: Any) -> Iterator[str]:
    """Host names in what a service says of itself: ``primaryEndpoints``, ``workspaceUrl`` and so on."""
    if isinstance(value, str):
        found = _HOST.fullmatch(value)
        if found is not None:
            yield found[1].lower()
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _hosts_in(item)


def _location(fqdn: str, region: str) -> str:
    """Where a service is, in the manner of Azure's own names (the pages above; Learn, "Fallback to internet")."""
    stamp = hashlib.sha256(fqdn.encode()).hexdigest()[:10]
    storage = _STORAGE.fullmatch(fqdn)
    if storage is not None:
        return f"{storage[1]}.{stamp}.store.core.windows.net"
    if fqdn.endswith(".vault.azure.net"):
        return f"data-prod-{stamp}.vaultcore.azure.net"
    return f"{stamp}.{region.lower() or 'global'}.cloudapp.azure.com"
