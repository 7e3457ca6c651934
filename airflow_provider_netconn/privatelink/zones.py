"""Which Private Link zone a name belongs to, and which zones a resource type needs.

A host name is looked up label by label from its right end in a tree of all zones and forwarders, so that a look-up
costs as many steps as the name has labels, however long the table is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_netconn.errors import InvalidInputError
from airflow_provider_netconn.privatelink.table import (
    MARKER_LABELS,
    PARAMETER,
    Cloud,
    ZonePair,
    ZoneRow,
    is_within,
    public_form,
    zone_table,
)
from airflow_provider_netconn.target import is_address

if TYPE_CHECKING:
    from airflow_provider_netconn.evidence import JsonObject, NameFacts

# These parameters stand for the resource's own name: the table spells them out where its label has a fixed part.
_RESOURCE_PARAMETERS = frozenset({"cachename", "workspaceName"})
# What a parameter may be, where the table's notes narrow it; any label otherwise.
_PARAMETER_VALUES = {"partitionId": "[0-9]+"}
_ANY_LABEL = "*"


class MatchedBy(StrEnum):
    """Which side of a row a host name lies on."""

    FORWARDER = "forwarder"
    ZONE = "zone"


class ZoneMatch(NamedTuple):
    """A host name found in the table.

    :param row: the row
    :param pair: the templates of the public and the private suffix
    :param by: whether the host is a public name (``forwarder``) or a private one (``zone``)
    :param suffix: the part of the host that matched, in lower case
    :param zone: the private DNS zone in which the host's record belongs, parameters filled in; None where the table
        names no zone for this forwarder
    :param parameters: value of each parameter of the table, read from the host
    """

    row: ZoneRow
    pair: ZonePair
    by: MatchedBy
    suffix: str
    zone: str | None
    parameters: Mapping[str, str]

    @property
    def zone_position(self) -> int:
        """Place of the zone among the row's: at 0 the service owns such names, further on it needs them as well."""
        zones = self.row.private_dns_zones
        return zones.index(self.pair.zone) if self.pair.zone in zones else len(zones)

    @property
    def mirrors_zone(self) -> bool:
        """Whether the private name is the public one with ``privatelink`` put in, as for all but a few services."""
        return self.zone is not None and is_within(public_form(self.suffix), public_form(self.zone))


class _Pattern(NamedTuple):
    """One suffix of the table, ready to be compared to the labels of a host."""

    row: ZoneRow
    pair: ZonePair
    by: MatchedBy
    order: tuple[int, int, int]

    def match(self, host: list[str], depth: int) -> ZoneMatch | None:
        """The match of a host of which the last ``depth`` labels have this pattern's shape."""
        template = (self.pair.public if self.by is MatchedBy.FORWARDER else self.pair.zone or "").split(".")
        rest, labels = host[: len(host) - depth], host[len(host) - depth :]
        if not rest and not _names_the_resource(template[0]):
            return None
        if self.by is MatchedBy.FORWARDER and any(label in MARKER_LABELS for label in rest):
            return None
        if self.row.only_names and ".".join(rest) not in self.row.only_names:
            return None
        values: dict[str, str] = {}
        for written, label in zip(template, labels, strict=True):
            if "{" not in written:  # the tree has compared it already
                continue
            found = _label_pattern(written).fullmatch(label)
            if found is None:
                return None
            values |= found.groupdict()
        zone = None if self.pair.zone is None else _filled(records_zone(self.pair.zone), values)
        suffix = ".".join(labels)
        return ZoneMatch(row=self.row, pair=self.pair, by=self.by, suffix=suffix, zone=zone, parameters=values)


def _names_the_resource(label: str) -> bool:
    return any(name in _RESOURCE_PARAMETERS for name in PARAMETER.findall(label))


@cache
def _label_pattern(label: str) -> re.Pattern[str]:
    """The labels that a template's label stands for; a parameter is never ``privatelink`` itself."""
    parts = PARAMETER.split(label)
    names = parts[1::2]
    parts[::2] = [re.escape(fixed) for fixed in parts[::2]]
    parts[1::2] = [f"(?P<{name}>{_PARAMETER_VALUES.get(name, '.+')})" for name in names]
    barred = f"(?!(?:{'|'.join(MARKER_LABELS)})$)" if names else ""
    return re.compile(barred + "".join(parts))


def _filled(template: str, values: Mapping[str, str]) -> str:
    return PARAMETER.sub(lambda found: values[found[1]], template)


class _Node:
    """A place in the tree of suffixes: what hangs beneath it, by label, and what ends here."""

    __slots__ = ("children", "patterns")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.patterns: list[_Pattern] = []

    def below(self, label: str) -> _Node | None:
        # A fixed label beats a parameter: `agentsvc.azure-automation.net` is no region of Azure Automation.
        return self.children.get(label) or self.children.get(_ANY_LABEL)


@cache
def _rows_by_end() -> Mapping[str, list[tuple[int, ZoneRow]]]:
    """The rows by the last two labels of their suffixes, which are never parameters; each with its number."""
    by_end: dict[str, list[tuple[int, ZoneRow]]] = {}
    for number, row in enumerate(zone_rows()):
        for end in set(map(_end, row.private_dns_zones + row.public_dns_forwarders)):
            by_end.setdefault(end, []).append((number, row))
    return by_end


def _end(name: str) -> str:
    return ".".join(name.rsplit(".", 2)[-2:])


@cache
def _tree(end: str) -> _Node:
    """The tree of the suffixes of one end: few processes meet with names of more than one or two."""
    root = _Node()
    for number, row in _rows_by_end()[end]:
        for suffix, pair, by in _suffixes(row):
            node = root
            labels = suffix.split(".")
            for label in reversed(labels):
                node = node.children.setdefault(_ANY_LABEL if PARAMETER.search(label) else label, _Node())
            position = row.private_dns_zones.index(pair.zone) if pair.zone else len(row.private_dns_zones)
            node.patterns.append(_Pattern(row, pair, by, (-len(labels), position, number)))
    return root


def _suffixes(row: ZoneRow) -> Iterator[tuple[str, ZonePair, MatchedBy]]:
    pairs = row.pairs
    for pair in pairs:
        yield pair.public, pair, MatchedBy.FORWARDER
    for zone in row.private_dns_zones:
        pair = next((pair for pair in pairs if pair.zone == zone), ZonePair(public=public_form(zone), zone=zone))
        yield zone, pair, MatchedBy.ZONE


def zone_rows() -> tuple[ZoneRow, ...]:
    """All rows of the table, in published order; read from the package when first asked for."""
    return zone_table().rows


def records_zone(zone: str) -> str:
    """The zone in which the records of a zone of the table are kept.

    It is the zone itself, but for a few that must not be created: their records belong in the zone above, as
    ``<registry>.<region>.data`` in ``privatelink.azurecr.io``. Takes and gives the table's spelling, with parameters.
    """
    return zone_table().records_in_parent.get(zone, zone)


def zones_for_host(host: str) -> tuple[ZoneMatch, ...]:
    """All rows that a host name belongs to, the most specific suffix first, owners of the zone before other users.

    Upper case and a trailing dot make no difference. An address matches nothing, nor does the name of a zone or
    forwarder itself (``blob.core.windows.net``): it is no resource's name.
    """
    if is_address(host):
        return ()
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if not all(labels) or _end(name) not in _rows_by_end():
        return ()
    found: list[tuple[tuple[int, int, int], ZoneMatch]] = []
    node: _Node | None = _tree(_end(name))
    is_suffix_itself = True
    for depth, label in enumerate(reversed(labels), start=1):
        assert node is not None
        is_suffix_itself = is_suffix_itself and label in node.children
        node = node.below(label)
        if node is None:
            break
        for pattern in node.patterns:
            match = pattern.match(labels, depth)
            if match is not None:
                found.append((pattern.order, match))
    if node is not None and node.patterns and is_suffix_itself:
        return ()
    return tuple(match for _, match in sorted(found, key=lambda pair: pair[0]))


def zones_for_resource_type(
    resource_type: str, group_id: str | None = None, cloud: Cloud | str | None = None
) -> tuple[ZoneRow, ...]:
    """The rows of a resource type, such as ``Microsoft.Storage/storageAccounts``; case makes no difference.

    :param group_id: only rows with this group id (sub-resource), such as ``blob``
    :param cloud: only rows of this cloud, such as ``Government``; empty where the type is not offered there
    :raises InvalidInputError: the type, the type's group id, or the cloud is not in the table
    """
    by_type = _rows_by_type()
    rows = by_type.get(resource_type.strip().lower())
    if rows is None:
        known = {name.lower(): name for row in zone_rows() for name in row.resource_types}
        raise _unknown("resource_type", resource_type, known)
    if group_id is not None:
        groups = {name.lower(): name for row in rows for name in row.subresources}
        if group_id.lower() not in groups:
            raise _unknown("group_id", group_id, groups)
        rows = tuple(row for row in rows if group_id.lower() in {name.lower() for name in row.subresources})
    if cloud is not None:
        clouds = {name.lower(): name.value for name in Cloud}
        if cloud.lower() not in clouds:
            raise _unknown("cloud", cloud, clouds)
        rows = tuple(row for row in rows if row.cloud == clouds[cloud.lower()])
    return rows


@cache
def _rows_by_type() -> Mapping[str, tuple[ZoneRow, ...]]:
    by_type: dict[str, tuple[ZoneRow, ...]] = {}
    for row in zone_rows():
        for name in row.resource_types:
            by_type[name.lower()] = (*by_type.get(name.lower(), ()), row)
    return by_type


def _unknown(field_name: str, value: str, known: Mapping[str, str]) -> InvalidInputError:
    """The error of a value that the table does not have; ``known`` maps lower case to the table's spelling."""
    import difflib  # wanted for errors alone

    few = 6
    near = difflib.get_close_matches(value.strip().lower(), known, n=3, cutoff=0.5)
    names = [known[name] for name in (near or (sorted(known) if len(known) <= few else []))]
    remedy = f"did you mean {' or '.join(names)}?" if near else f"known are {', '.join(names)}" if names else ""
    return InvalidInputError(
        field_name,
        f"{value!r} is not in the Private Link table",
        remedy or "write one such as Microsoft.Storage/storageAccounts",
    )


def name_facts(host: str) -> NameFacts:
    """What the table says of a host name; nothing for an address or a name that is none of Azure's.

    Only the most specific suffix counts, and of the services that use a zone only those to whom the names belong:
    ``x.blob.core.windows.net`` is a storage account's, though Data Explorer and Backup need that zone as well.
    """
    from airflow_provider_netconn.evidence import NameFacts  # not loaded for a look-up of a connection

    matches = zones_for_host(host)
    if not matches:
        return NameFacts()
    labels = matches[0].suffix.count(".")
    nearest = [match for match in matches if match.suffix.count(".") == labels]
    # A few published rows pair a forwarder with another suffix's zone (some are misprints); they count only where no
    # row has the plain one.
    nearest = [match for match in nearest if match.mirrors_zone] or nearest
    owned = min(match.zone_position for match in nearest)
    return NameFacts(
        services=tuple(dict.fromkeys(match.row.service for match in nearest if match.zone_position == owned)),
        zones=tuple(dict.fromkeys(match.zone for match in nearest if match.zone is not None)),
        is_privatelink_name=any(match.by is MatchedBy.ZONE for match in nearest),
    )


def describe(found: ZoneMatch | ZoneRow) -> JsonObject:
    """A match or row as plain JSON.

    A row gives ``cloud``, ``category``, ``service``, ``resource_types``, ``group_ids``, ``zones``, ``forwarders``,
    ``zone_parameters``, ``notes`` and ``source``; ``zones`` are those to create, so without zones that belong in
    another. A match adds ``zone`` (null where not known), ``matched_by``, ``matched_suffix`` and ``parameters``.
    """
    row = found.row if isinstance(found, ZoneMatch) else found
    plain = {
        "cloud": row.cloud.value,
        "category": row.category,
        "service": row.service,
        "resource_types": list(row.resource_types),
        "group_ids": list(row.subresources),
        "zones": list(dict.fromkeys(records_zone(zone) for zone in row.private_dns_zones)),
        "forwarders": list(row.public_dns_forwarders),
        "zone_parameters": list(row.zone_parameters),
        "notes": row.notes,
        "source": row.source,
    }
    if isinstance(found, ZoneRow):
        return plain
    return plain | {
        "zone": found.zone,
        "matched_by": found.by.value,
        "matched_suffix": found.suffix,
        "parameters": dict(found.parameters),
    }
