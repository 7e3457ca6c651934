"""What a private DNS zone answers: its records, wildcards, autoregistered machines (Microsoft Learn, "Overview of
Private DNS zones and records"; RFC 1034, section 4.3.2, and RFC 4592 for what a wildcard stands for).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.names.values import NOERROR, NXDOMAIN, Answer, Question, Record, ancestors
from airflow_provider_netconn.lab.resources.private_dns_names import RECORD_TYPES, ZONE_LINKS
from airflow_provider_netconn.lab.resources.private_dns_records import APEX, CONTENTS, RECORD_SETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

WILDCARD: Final = "*"


class PrivateZones:
    """Answers from private zones."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._seen = -1
        self._seen_of_types: tuple[tuple[int, int], ...] = ()
        self._names: dict[str, _ZoneNames] = {}
        self._fresh: set[str] = set()

    def answer(self, zone: Resource, question: Question) -> Answer:
        """What a zone has for a name in it: one step, an alias is not followed."""
        name = question.key.removesuffix(zone.path.name.lower()).removesuffix(".") or APEX
        if self._has(zone, name):
            return self._of(zone, name, question) or self._negative(zone, NOERROR)
        wildcard = self._wildcard_for(zone, name)
        if wildcard is None:
            return self._negative(zone, NXDOMAIN)
        return self._of(zone, wildcard, question) or self._negative(zone, NOERROR)

    def _of(self, zone: Resource, name: str, question: Question) -> Answer | None:
        for record_type in dict.fromkeys((question.type, "CNAME")):
            kind = RECORD_SETS.get(record_type)
            found = None if kind is None else kind.find(self._plane, zone.path.child(record_type, name))
            records = () if found is None else self._records(found, record_type, question.name)
            if records:
                return Answer(NOERROR, records)
        return None

    def _records(self, record_set: Resource, record_type: str, name: str) -> tuple[Record, ...]:
        content = record_set.properties.get(CONTENTS[record_type][0]) or ()
        values = content if isinstance(content, list) else (content,)
        write = _DATA[record_type]
        ttl_s = int(record_set.properties["ttl"])
        return tuple(Record(name, record_type, ttl_s, write(value)) for value in values if value)

    def _negative(self, zone: Resource, rcode: int) -> Answer:
        apex = self._plane.store.find(zone.path.child("SOA", APEX))
        if apex is None:
            return Answer(rcode)
        records = self._records(apex, "SOA", zone.path.name)
        # A negative answer is kept as long as the lesser of the two says (RFC 2308, section 5).
        ttl_s = min(records[0].ttl_s, int(apex.properties["soaRecord"]["minimumTtl"]))
        return Answer(rcode, authority=(Record(zone.path.name, "SOA", ttl_s, records[0].data),))

    def _has(self, zone: Resource, name: str) -> bool:
        """Whether there is a name: with records of any type, or with names below it."""
        if name == APEX or name in self._names_in(zone):
            return True
        return RECORD_SETS["A"].find(self._plane, zone.path.child("A", name)) is not None

    def _wildcard_for(self, zone: Resource, name: str) -> str | None:
        """The wildcard that stands for a name: the one directly below the closest name above it that there is."""
        names = self._names_in(zone)
        for above in (*ancestors(name), ""):
            if above in names or not above:
                wildcard = f"{WILDCARD}.{above}" if above else WILDCARD
                return wildcard if wildcard in names else None
        return None

    def _names_in(self, zone: Resource) -> Counter[str]:
        """The written names of a zone and all names above them; brought up to date when record sets come or go."""
        store = self._plane.store
        if self._seen != store.version:
            self._seen = store.version
            of_types = tuple(store.version_of(kind.type) for kind in RECORD_SETS.values())
            if of_types != self._seen_of_types:
                self._seen_of_types = of_types
                self._fresh.clear()
                self._names = {key: names for key, names in self._names.items() if store.find(key) is not None}
        names = self._names.setdefault(zone.path.key, _ZoneNames())
        if zone.path.key not in self._fresh:
            self._fresh.add(zone.path.key)
            names.follow(
                {one.path.key: one.path.name for one in store.children(zone.path) if one.kind.type != ZONE_LINKS}
            )
        return names.counts


class _ZoneNames:
    """The names in a zone, each with how many record sets are there or below."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._sets: dict[str, str] = {}

    def follow(self, sets: dict[str, str]) -> None:
        """Take over the record sets of a zone: key -> name."""
        for key in self._sets.keys() - sets.keys():
            for name in _with_ancestors(self._sets[key]):
                self.counts[name] -= 1
                if not self.counts[name]:
                    del self.counts[name]
        for key in sets.keys() - self._sets.keys():
            self.counts.update(_with_ancestors(sets[key]))
        self._sets = sets


def _with_ancestors(name: str) -> list[str]:
    return [name.lower(), *ancestors(name.lower())]


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _quoted(text: str) -> str:
    octets = (chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03d}" for octet in text.encode())
    return f'"{"".join(octets)}"'


def _start_of_authority(value: dict[str, Any]) -> str:
    numbers = ("serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTtl")
    return " ".join((_absolute(value["host"]), _absolute(value["email"]), *(str(value[name]) for name in numbers)))


_DATA: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "A": lambda value: str(value["ipv4Address"]),
    "AAAA": lambda value: str(value["ipv6Address"]),
    "CNAME": lambda value: _absolute(value["cname"]),
    "MX": lambda value: f"{value['preference']} {_absolute(value['exchange'])}",
    "PTR": lambda value: _absolute(value["ptrdname"]),
    "SOA": _start_of_authority,
    "SRV": lambda value: f"{value['priority']} {value['weight']} {value['port']} {_absolute(value['target'])}",
    "TXT": lambda value: " ".join(_quoted(text) for text in value["value"]),
}
assert set(_DATA) == set(RECORD_TYPES)
"""Record type -> one record as a zone file has it."""
