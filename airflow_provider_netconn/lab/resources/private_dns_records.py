"""Record sets of private DNS zones: written at once, replaced as a whole, one set for each name and type.

Recorded: 201 and 200 with an etag, refused conditions without the outer ``error``, ``fqdn`` with a dot at its end,
empty sets that show an empty list (a CNAME set shows nothing), types spelled in capitals however they were asked for,
the SOA's ``host`` and ``serialNumber`` that stay as they are. Learn, "Overview of DNS zones and records", for the rules
of CNAME and TXT; the wording of those refusals is not recorded.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError, precondition_failed
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Shown
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Dictionary,
    Items,
    Number,
    Object,
    Refusals,
    Shape,
    ShapeError,
    Text,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.private_dns_names import (
    LABEL,
    LONGEST_NAME,
    MOST_RECORD_SETS,
    MOST_RECORDS,
    PRIVATE_DNS_VERSIONS,
    RECORD_TYPES,
    ZONE_LINKS,
    ZONES,
    AddressOf,
    DomainName,
    bad_request,
    conflict,
)
from airflow_provider_netconn.lab.resources.private_dns_registration import REGISTERED_TTL_S, registered_addresses

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.requests import ArmRequest

APEX = "@"
"""Name of the record sets of the zone's own name."""

RELATIVE_NAME = re.compile(rf"@|(?:\*|{LABEL})(?:\.{LABEL})*")

LONGEST_TTL_S = 2_147_483_647
"""RFC 2181, section 8."""

LONGEST_TEXT = 1024
"""Characters of one TXT record."""

PORT = Number(required=True, lowest=0, highest=65535)

START_OF_AUTHORITY: Mapping[str, Any] = {
    "email": "azureprivatedns-host.microsoft.com",
    "expireTime": 2419200,
    "host": "azureprivatedns.net",
    "minimumTtl": 10,
    "refreshTime": 3600,
    "retryTime": 300,
    "serialNumber": 1,
}
"""Of a new zone (recorded)."""

SOA_TTL_S = 3600

FIXED_IN_SOA = ("host", "serialNumber")
"""What a write of the SOA does not change (recorded)."""


def _check_text(record: Mapping[str, Any], path: str) -> None:
    if sum(map(len, record["value"])) > LONGEST_TEXT:
        raise ShapeError(path, f"A TXT record has at most {LONGEST_TEXT} characters.")


def _records(properties: Mapping[str, Shape], check: Any = None) -> Items:
    return Items(of=Object(properties=properties, check=check), default=[], most=MOST_RECORDS)


SECONDS = Number(lowest=0, highest=LONGEST_TTL_S)

CONTENTS: Mapping[str, tuple[str, Shape]] = {
    "A": ("aRecords", _records({"ipv4Address": AddressOf(version=4, required=True)})),
    "AAAA": ("aaaaRecords", _records({"ipv6Address": AddressOf(version=6, required=True)})),
    "CNAME": ("cnameRecord", Object(properties={"cname": DomainName(required=True)})),
    "MX": ("mxRecords", _records({"preference": PORT, "exchange": DomainName(required=True)})),
    "PTR": ("ptrRecords", _records({"ptrdname": DomainName(required=True)})),
    "SOA": (
        "soaRecord",
        Object(
            properties={
                "host": Text(),
                "email": DomainName(),
                "serialNumber": Number(),
                "refreshTime": SECONDS,
                "retryTime": SECONDS,
                "expireTime": SECONDS,
                "minimumTtl": SECONDS,
            }
        ),
    ),
    "SRV": (
        "srvRecords",
        _records({"priority": PORT, "weight": PORT, "port": PORT, "target": DomainName(required=True)}),
    ),
    "TXT": ("txtRecords", _records({"value": Items(of=Text(longest=255), required=True, fewest=1)}, _check_text)),
}
"""Record type -> the property that its records stand in, and their shape."""


@dataclass(frozen=True, kw_only=True)
class OfAnotherType(Shape):
    """The records of another type than the set's."""

    def read(self, value: Any, path: str) -> Any:
        raise ShapeError(path, "The record set has records of another type than its own.")


@dataclass(frozen=True, kw_only=True)
class RecordRefusals(Refusals):
    """Record sets answer ``BadRequest``, without the outer ``error``, whatever is wrong with the body."""

    def refuse(self, error: ShapeError) -> ArmError:
        return bad_request(f"{error.message} (at '{error.path}')", enveloped=False)


class RecordSets(ResourceKind):
    """The record sets of one type.

    :param record_type: ``A`` and so on
    """

    api_versions = PRIVATE_DNS_VERSIONS
    created = Answer(status=201)
    updated = Answer(status=200)
    patched = Answer(status=200)
    deleted = Answer(status=200, shown=Shown.NOTHING)
    patch = Patch.MERGE
    etag_quoted = "{}"
    shows_state = False
    refusals = RecordRefusals()

    def __init__(self, record_type: str) -> None:
        self.record_type = record_type
        self.type = f"{ZONES}/{record_type}"  # type: ignore[misc]
        self.member, shape = CONTENTS[record_type]
        others = {member: OfAnotherType() for member, _ in CONTENTS.values()}
        self.properties = Object(  # type: ignore[misc]
            properties={
                **others,
                self.member: shape,
                "metadata": Dictionary(of=Text(longest=1024), most=10),
                "ttl": Number(required=True, lowest=0, highest=LONGEST_TTL_S),
                "fqdn": Anything(read_only=True),
                "isAutoRegistered": Anything(read_only=True),
            }
        )

    def check_name(self, path: ArmPath) -> None:
        name = path.name
        if not RELATIVE_NAME.fullmatch(name) or len(fqdn_of(path)) - 1 > LONGEST_NAME:
            raise bad_request(f"The record set name '{name}' is invalid.", enveloped=False)
        if self.record_type == "SOA" and name != APEX:
            raise bad_request(f"A SOA record set has the name '{APEX}'.", enveloped=False)
        if self.record_type == "CNAME" and name == APEX:
            raise bad_request(f"A CNAME record set cannot have the name '{APEX}'.", enveloped=False)

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        error = super().not_found(plane, path)
        if error.code != "NotFound":
            return error
        return ArmError(
            404,
            "NotFound",
            f"The resource record '{path.name}' does not exist in resource group '{path.group}' of subscription "
            f"'{path.subscription}'.",
            enveloped=False,
        )

    def precondition_failed(self, path: ArmPath, *, exists: bool) -> ArmError:
        what = "exists already and hence cannot be created again" if exists else "has been modified (etag mismatch)"
        return precondition_failed(f"The Record set {path.name} {what}.", enveloped=False)

    def prepare(self, write: Write) -> None:
        # Names are kept in lower case and types in upper case, whatever the request's spelling (recorded).
        zone = write.parent
        assert zone is not None
        write.path = zone.path.child(self.record_type, write.path.name.casefold())
        if write.plane.store.find(write.path) is None:
            self._prepare_new(write, zone)
        if self.record_type == "SOA":
            kept = write.existing.properties["soaRecord"] if write.existing is not None else START_OF_AUTHORITY
            fixed = {name: kept[name] for name in FIXED_IN_SOA}
            write.properties["soaRecord"] = {**kept, **write.properties.get("soaRecord", {}), **fixed}

    def _prepare_new(self, write: Write, zone: Resource) -> None:
        """A set that is not stored may be an autoregistered one, over which the new one takes precedence."""
        if write.existing is not None:
            write.existing, write.answer, write.facts = None, self.updated, {}
        others = set(RECORD_TYPES) - {"CNAME"} if self.record_type == "CNAME" else {"CNAME"}
        if any(write.plane.store.find(zone.path.child(other, write.path.name)) for other in others):
            raise conflict(
                f"The record set '{write.path.name}' cannot be created: a CNAME record set cannot have the same name "
                "as another record set of the zone.",
                enveloped=False,
            )
        if len(_written_in(write.plane, zone)) >= MOST_RECORD_SETS:
            raise bad_request(f"The zone '{zone.path.name}' has {MOST_RECORD_SETS} record sets.", enveloped=False)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        if self.record_type == "SOA":
            raise bad_request("The SOA record set of a zone cannot be deleted.", enveloped=False)

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        found = plane.store.find(path)
        zone = plane.store.find(path.parent) if path.parent is not None else None
        if found is None and zone is not None and self.record_type == "A":
            addresses = registered_addresses(plane, zone).get(path.name.casefold())
            return self._registered(zone, path.name.casefold(), addresses) if addresses else None
        return found

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        assert path.parent is not None
        stored = plane.store.children(path.parent, self.type)
        zone = plane.store.find(path.parent)
        return [*stored, *self.registered(plane, zone)] if zone is not None else stored

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        suffix = request.query.get("$recordsetnamesuffix", "").casefold()
        return [one for one in resources if not suffix or f".{one.path.name}".endswith(f".{suffix}")]

    def registered(self, plane: ControlPlane, zone: Resource) -> list[Resource]:
        """:return: the autoregistered record sets of a zone that no written one stands in front of"""
        if self.record_type != "A":
            return []
        return [
            self._registered(zone, name, addresses)
            for name, addresses in registered_addresses(plane, zone).items()
            if plane.store.find(zone.path.child("A", name)) is None
        ]

    def _registered(self, zone: Resource, name: str, addresses: list[str]) -> Resource:
        records = [{"ipv4Address": address} for address in addresses]
        path = zone.path.child("A", name)
        return Resource(
            path=path,
            kind=self,
            body={"properties": {"ttl": REGISTERED_TTL_S, "aRecords": records}},
            facts={"isAutoRegistered": True},
            etag=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{path.key} {addresses}")),
            created_at=zone.created_at,
            changed_at=zone.changed_at,
        )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {
            "fqdn": fqdn_of(resource.path),
            **resource.properties,
            "isAutoRegistered": resource.facts.get("isAutoRegistered", False),
        }


RECORD_SETS = {record_type: RecordSets(record_type) for record_type in RECORD_TYPES}


class AllRecordSets(ResourceKind):
    """The list of the record sets of all types: ``GET {zone}/ALL``."""

    type: ClassVar[str] = f"{ZONES}/ALL"
    api_versions = PRIVATE_DNS_VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        zone = plane.store.find(path.parent) if path.parent is not None else None
        return record_sets_of(plane, zone) if zone is not None else ()

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        return RECORD_SETS["A"].select(plane, request, resources)

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return resource.kind.render(plane, resource, look)


class RecordSetList(AllRecordSets):
    """The same under the name that older clients use: ``GET {zone}/recordsets``."""

    type = f"{ZONES}/recordsets"


def record_sets_of(plane: ControlPlane, zone: Resource) -> list[Resource]:
    """:return: all record sets of a zone, autoregistered ones included"""
    return [*_written_in(plane, zone), *RECORD_SETS["A"].registered(plane, zone)]


def count_record_sets(plane: ControlPlane, zone: Resource) -> int:
    """:return: ``numberOfRecordSets``; the SOA counts"""
    return len(record_sets_of(plane, zone))


def make_start_of_authority(plane: ControlPlane, zone: Resource) -> None:
    """Give a new zone its SOA record set."""
    now = plane.clock.now()
    plane.store.add(
        Resource(
            path=zone.path.child("SOA", APEX),
            kind=RECORD_SETS["SOA"],
            body={"properties": {"ttl": SOA_TTL_S, "soaRecord": dict(START_OF_AUTHORITY)}},
            created_at=now,
            changed_at=now,
        )
    )


def _written_in(plane: ControlPlane, zone: Resource) -> list[Resource]:
    return [one for one in plane.store.children(zone.path) if one.kind.type != ZONE_LINKS]


def fqdn_of(path: ArmPath) -> str:
    """:return: the whole name of a record set, with a dot at its end"""
    zone = path.names[0]
    return f"{zone}." if path.name == APEX else f"{path.name}.{zone}."


KINDS = (*RECORD_SETS.values(), AllRecordSets(), RecordSetList())
