"""What things are called: the Private Link DNS zones of Azure, and which of them a host name belongs to."""

from __future__ import annotations

from airflow_provider_netconn.privatelink.table import Cloud, ZonePair, ZoneRow
from airflow_provider_netconn.privatelink.zones import (
    MatchedBy,
    ZoneMatch,
    describe,
    name_facts,
    records_zone,
    zone_rows,
    zones_for_host,
    zones_for_resource_type,
)

__all__ = [
    "Cloud",
    "MatchedBy",
    "ZoneMatch",
    "ZonePair",
    "ZoneRow",
    "describe",
    "name_facts",
    "records_zone",
    "zone_rows",
    "zones_for_host",
    "zones_for_resource_type",
]
