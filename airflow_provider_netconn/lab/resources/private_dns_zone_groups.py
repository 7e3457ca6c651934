"""Private DNS zone groups: which private DNS zones an endpoint keeps its records in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import MalformedPathError, parse_path
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.schema import Anything, Items, Object, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.private_link_records import (
    RECORD_TTL_S,
    ZONE_CONFIGS,
    ZONE_GROUPS,
    ZONES,
    own_records,
    remove_records,
    write_records,
    zone_of,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

MOST_ZONES = 5
"""Zones in a group (Microsoft Learn, "Azure Private Endpoint private DNS zone values")."""

DURATION_S = 3.0

CONFIG = Object(
    properties={
        "id": Anything(read_only=True),
        "name": Text(longest=80),
        "type": Anything(read_only=True),
        "etag": Anything(read_only=True),
        "properties": Object(
            properties={
                "privateDnsZoneId": Text(required=True),
                "recordSets": Anything(read_only=True),
                "provisioningState": Anything(read_only=True),
            },
            required=True,
        ),
    }
)


class PrivateDnsZoneGroups(ResourceKind):
    """An endpoint's zone group: one at most, with up to five zones."""

    type = ZONE_GROUPS
    api_versions = tuple(version for version in NETWORK_VERSIONS if version >= "2020-03-01")
    properties = Object(properties={ZONE_CONFIGS: Items(of=CONFIG, most=MOST_ZONES, default=[])})
    created = created(DURATION_S)
    updated = updated(DURATION_S)
    deleted = deleted(DURATION_S)
    polling = NETWORK_POLLING

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        return [(f"{ZONES}/join/action", zone_of(config)) for config in write.properties[ZONE_CONFIGS]]

    def prepare(self, write: Write) -> None:
        if write.siblings():
            raise ArmError(
                400,
                "MoreThanOnePrivateDnsZoneGroupPerPrivateEndpointNotAllowed",
                f"Cannot create more than one private dns zone groups in the private endpoint {_endpoint_id(write)}.",
                details=(),
            )
        for config in write.properties[ZONE_CONFIGS]:
            config.setdefault("name", zone_of(config).rpartition("/")[2].replace(".", "-"))
        _refuse_doubles(write)
        wrong = [zone_of(config) for config in write.properties[ZONE_CONFIGS] if not _is_zone(write, zone_of(config))]
        if wrong:
            raise ArmError(
                400,
                "InvalidPrivateDnsZoneIds",
                f"Private Dns Zone group {write.path.text} has invalid private dns zone ids {','.join(wrong)}.",
                details=(),
            )
        if write.existing is not None:
            kept = {zone_of(config).casefold() for config in write.properties[ZONE_CONFIGS]}
            before = (zone_of(config) for config in write.existing.properties[ZONE_CONFIGS])
            write.facts["dropped"] = [zone for zone in before if zone.casefold() not in kept]

    def settled(self, plane: ControlPlane, resource: Resource) -> None:
        endpoint = _endpoint(plane, resource)
        for zone in resource.facts.pop("dropped", ()):
            remove_records(plane, endpoint, zone)
        write_records(plane, endpoint)

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        endpoint = _endpoint(plane, resource)
        for config in resource.properties[ZONE_CONFIGS]:
            remove_records(plane, endpoint, zone_of(config))

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        endpoint = _endpoint(plane, resource)
        configs = [
            self._render_config(plane, resource, endpoint, config) for config in resource.properties[ZONE_CONFIGS]
        ]
        return {"provisioningState": resource.provisioning_state, ZONE_CONFIGS: configs}

    def _render_config(
        self, plane: ControlPlane, resource: Resource, endpoint: Resource, config: dict[str, Any]
    ) -> dict[str, Any]:
        zone = plane.store.find(zone_of(config))
        records = own_records(plane, endpoint, zone) if zone is not None else []
        return {
            "name": config["name"],
            "id": f"{resource.id}/{ZONE_CONFIGS}/{config['name']}",
            "etag": self.etag_quoted.format(resource.etag),
            "properties": {
                "provisioningState": resource.provisioning_state,
                "privateDnsZoneId": zone_of(config),
                "recordSets": [_record_set(record) for record in records],
            },
            "type": f"{self.type}/{ZONE_CONFIGS}",
        }


def _record_set(record: Resource) -> dict[str, Any]:
    zone = record.path.parent
    assert zone is not None
    return {
        "recordType": "A",
        "recordSetName": record.path.name,
        "fqdn": f"{record.path.name}.{zone.name}",
        "ttl": RECORD_TTL_S,
        "ipAddresses": [entry["ipv4Address"] for entry in record.properties["aRecords"]],
        "provisioningState": "Succeeded",
    }


def _endpoint(plane: ControlPlane, group: Resource) -> Resource:
    assert group.path.parent is not None
    endpoint = plane.store.find(group.path.parent)
    assert endpoint is not None, group.id
    return endpoint


def _endpoint_id(write: Write) -> str:
    return write.path.parent.text if write.path.parent is not None else ""


def _is_zone(write: Write, zone_id: str) -> bool:
    try:
        path = parse_path(zone_id)
    except MalformedPathError:
        return False
    zone = write.plane.store.find(path)
    return path.type.casefold() == ZONES.casefold() and zone is not None and not zone.is_being_deleted


def _refuse_doubles(write: Write) -> None:
    names = [config["name"].casefold() for config in write.properties[ZONE_CONFIGS]]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        detail = {
            "code": "DuplicateResourceName",
            "message": f"Resource {write.path.text} has two child resources with the same name ({double}).",
        }
        raise ArmError(400, "InvalidRequestFormat", "Cannot parse the request.", details=(detail,))


KINDS = (PrivateDnsZoneGroups(),)
