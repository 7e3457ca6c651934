"""The table of Private Link zones, as Microsoft publishes it: 184 rows for three clouds, read from ``zones.json``.

Each row of the file carries its source. What the file adds to the published table is marked here: ``only_names``
and ``records_in_parent``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

PARAMETER = re.compile(r"\{(\w+)\}")
"""A parameter in a zone or forwarder, such as ``{regionName}``; it never spans a dot."""

MARKER_LABELS = frozenset({"privatelink", "privatelink-global"})
"""The labels that tell a private zone from its public form; ``privatelink-global`` is Azure Virtual Desktop's."""


class Cloud(StrEnum):
    """An Azure cloud, as the table spells it."""

    COMMERCIAL = "Commercial"
    GOVERNMENT = "Government"
    CHINA = "China"


class ZonePair(NamedTuple):
    """A public forwarder and the private zone that holds the records of its names, as templates with parameters.

    :param public: suffix of the public names
    :param zone: suffix of the private names; None where the table names no zone for this forwarder
    """

    public: str
    zone: str | None


class ZoneRow(NamedTuple):
    """One row: what a service's private endpoints are called.

    :param cloud: the Azure cloud
    :param category: heading of the published table, such as ``Storage``
    :param service: name of the service, such as ``Storage account``
    :param resource_types: resource types that the endpoint may point to
    :param subresources: group ids of the private endpoint, such as ``blob``
    :param private_dns_zones: templates of the private zones, such as ``privatelink.{regionName}.kusto.windows.net``
    :param public_dns_forwarders: templates of the public suffixes that a DNS forwarder must send to Azure
    :param zone_parameters: names of the parameters in the zones
    :param notes: caveats of the published table, in a few words
    :param source: where the row was read
    :param only_names: the only names that exist beneath the forwarder; empty where a resource brings its own.
        Resource Manager has the one name ``management``: without this every name under ``azure.com`` would be its own
        (learn.microsoft.com/azure/azure-resource-manager/management/create-private-link-access-portal)
    """

    cloud: Cloud
    category: str
    service: str
    resource_types: tuple[str, ...]
    subresources: tuple[str, ...]
    private_dns_zones: tuple[str, ...]
    public_dns_forwarders: tuple[str, ...]
    zone_parameters: tuple[str, ...] = ()
    notes: str = ""
    source: str = ""
    only_names: tuple[str, ...] = ()

    @property
    def pairs(self) -> tuple[ZonePair, ...]:
        """Each public suffix with its zone; a forwarder that is itself a private zone of the row has no pair."""
        paired = [
            (forwarder, self._zone_of(forwarder, position))
            for position, forwarder in enumerate(self.public_dns_forwarders)
            if forwarder not in self.private_dns_zones
        ]
        return tuple(ZonePair(public=_narrowed(forwarder, zone), zone=zone) for forwarder, zone in paired)

    def _zone_of(self, forwarder: str, position: int) -> str | None:
        # The published lists run in parallel wherever they are of equal length; elsewhere the names must tell.
        zones = self.private_dns_zones
        if len(zones) == 1:
            return zones[0]
        if len(zones) == len(self.public_dns_forwarders):
            return zones[position]
        covering = [zone for zone in zones if is_within(forwarder, public_form(zone))]
        return max(covering, key=len, default=None)


@cache
def public_form(zone: str) -> str:
    """The zone without its ``privatelink`` label: the suffix of the public names it stands for."""
    return ".".join(label for label in zone.split(".") if label not in MARKER_LABELS)


def is_within(name: str, suffix: str) -> bool:
    """Whether the name is the suffix or lies beneath it, on a label boundary."""
    return name == suffix or name.endswith(f".{suffix}")


def _narrowed(forwarder: str, zone: str | None) -> str:
    # Some forwarders are wider than their zone (Event Grid's ts, Container Apps' region): only the names that the
    # zone can hold are its own.
    if zone is not None and is_within(public_form(zone), forwarder):
        return public_form(zone)
    return forwarder


class ZoneTable(NamedTuple):
    """The whole table.

    :param rows: all rows, in published order
    :param records_in_parent: zone templates that must not be created, and the zone that takes their records instead
        (footnotes 1 and 3 of the published table, and the Government table's)
    """

    rows: tuple[ZoneRow, ...]
    records_in_parent: Mapping[str, str]


@cache
def zone_table() -> ZoneTable:
    """The table, read once when first asked for."""
    data = json.loads(resources.files(__package__).joinpath("zones.json").read_text(encoding="utf-8"))
    rows = tuple(_row(entry, data["sources"]) for entry in data["rows"])
    return ZoneTable(rows=rows, records_in_parent=data["records_in_parent"])


def _row(entry: Mapping[str, Any], sources: list[str]) -> ZoneRow:
    lists = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
    return ZoneRow(**{**entry, **lists, "cloud": Cloud(entry["cloud"]), "source": sources[entry["source"]]})
