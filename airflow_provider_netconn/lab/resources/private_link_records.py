"""The A records that a private endpoint's DNS zone group keeps in private DNS zones.

A group writes them once the connection is approved, and takes them along when it, or the endpoint, goes (Microsoft
Learn, "Private endpoint DNS integration": private DNS zone group). Each carries in its metadata whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_netconn.lab.arm import writes
from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.resources.private_link import APPROVED, status_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

RECORD_TTL_S = 10
"""Of the records that endpoints write, in seconds."""

ZONES = "Microsoft.Network/privateDnsZones"
ZONE_GROUPS = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
ZONE_CONFIGS = "privateDnsZoneConfigs"
API_VERSION = "2020-06-01"
"""Of private DNS, with which the records are written."""


def write_records(plane: ControlPlane, endpoint: Resource) -> None:
    """Write the records of an endpoint's zone group, if its connection is approved and both are provisioned."""
    if endpoint.is_busy or status_of(plane, endpoint) != APPROVED:
        return
    for group in plane.store.children(endpoint.path, ZONE_GROUPS):
        if group.is_busy:
            continue
        for config in group.properties[ZONE_CONFIGS]:
            zone = plane.store.find(zone_of(config))
            if zone is None:
                continue
            for record, addresses in wanted_records(endpoint, zone.path.name):
                # A zone that takes no records, such as one whose group is being deleted, goes without.
                with suppress(ArmError):
                    _write(plane, endpoint, zone, record, addresses)


def remove_records(plane: ControlPlane, endpoint: Resource, zone_id: str) -> None:
    """Take an endpoint's records out of a zone; records of the same name that are not its own stay."""
    zone = plane.store.find(zone_id)
    if zone is not None:
        for record in own_records(plane, endpoint, zone):
            plane.store.remove(record)
            record.kind.removed(plane, record)


def own_records(plane: ControlPlane, endpoint: Resource, zone: Resource) -> list[Resource]:
    """:return: the records in a zone that an endpoint wrote"""
    found = (plane.store.find(zone.path.child("A", name)) for name, _ in wanted_records(endpoint, zone.path.name))
    creator = _creator(endpoint)
    return [
        record
        for record in found
        if record is not None and (record.properties.get("metadata") or {}).get("creator") == creator
    ]


def wanted_records(endpoint: Resource, zone_name: str) -> Iterator[tuple[str, list[str]]]:
    """:return: names of the records that an endpoint has in a zone of that name, and their addresses

    A zone that is none of the target's privatelink zones gets none, as recorded.
    """
    addresses: dict[str, list[str]] = {}
    for member in endpoint.facts["members"]:
        for _, zone, record in member["hosts"]:
            if zone.casefold() == zone_name.casefold():
                addresses.setdefault(record, []).append(member["address"])
    yield from addresses.items()


def zone_of(config: Mapping[str, Any]) -> str:
    """:return: the id of the zone of one entry of ``privateDnsZoneConfigs``"""
    return str(config["properties"].get("privateDnsZoneId") or "")


def _write(plane: ControlPlane, endpoint: Resource, zone: Resource, record: str, addresses: list[str]) -> None:
    path = zone.path.child("A", record)
    kind = plane.kind(path.type)
    assert kind is not None
    properties = {
        "ttl": RECORD_TTL_S,
        "metadata": {"creator": _creator(endpoint)},
        "aRecords": [{"ipv4Address": address} for address in addresses],
    }
    request = ArmRequest(
        method="PUT",
        path=path.text,
        query={"api-version": API_VERSION},
        content=msgspec.json.encode({"properties": properties}),
    )
    writes.put(plane, request, kind, path)


def _creator(endpoint: Resource) -> str:
    return f"created by private endpoint {endpoint.path.name} with resource guid {endpoint.facts['resourceGuid']}"
