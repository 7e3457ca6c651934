"""What can be reached by private endpoints: which resource types, which groups and members, and under which names.

How each type's connections are named and answered is in ``private_link_types.json``, with its sources; the zones are
the package's zone table.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.resources import service_versions
from airflow_provider_netconn.lab.resources.network_versions import NETWORK_VERSIONS
from airflow_provider_netconn.privatelink.table import Cloud, ZonePair, is_within, public_form, zone_table

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

CONNECTIONS = "privateEndpointConnections"
PRIVATE_ENDPOINTS = "Microsoft.Network/privateEndpoints"
PRIVATE_LINK_SERVICES = "Microsoft.Network/privateLinkServices"
APPROVAL = "PrivateEndpointConnectionsApproval/action"
"""What one needs on the target for a connection to be approved at once (Microsoft Learn, "Azure RBAC permissions for
Azure Private Link", and each provider's operations)."""

STATE = "privateLinkServiceConnectionState"
PENDING, APPROVED, REJECTED, DISCONNECTED = "Pending", "Approved", "Rejected", "Disconnected"

SECONDARY = "_secondary"
PARAMETER = re.compile(r"\{(\w+)\}")
REGION_PARAMETERS = frozenset({"region", "regionName", "regionCode"})

SERVICE_VERSIONS: Mapping[str, tuple[str, ...]] = {
    "microsoft.cache/redis": service_versions.REDIS_VERSIONS,
    "microsoft.containerregistry/registries": service_versions.CONTAINER_REGISTRY_VERSIONS,
    "microsoft.databricks/workspaces": service_versions.DATABRICKS_VERSIONS,
    "microsoft.dbformysql/flexibleservers": service_versions.MYSQL_VERSIONS,
    "microsoft.dbforpostgresql/flexibleservers": service_versions.POSTGRESQL_VERSIONS,
    "microsoft.documentdb/databaseaccounts": service_versions.COSMOS_VERSIONS,
    "microsoft.eventhub/namespaces": service_versions.EVENT_HUBS_VERSIONS,
    "microsoft.keyvault/managedhsms": service_versions.KEY_VAULT_VERSIONS,
    "microsoft.keyvault/vaults": service_versions.KEY_VAULT_VERSIONS,
    "microsoft.kusto/clusters": service_versions.KUSTO_VERSIONS,
    "microsoft.search/searchservices": service_versions.SEARCH_VERSIONS,
    "microsoft.servicebus/namespaces": service_versions.SERVICE_BUS_VERSIONS,
    "microsoft.sql/managedinstances": service_versions.SQL_VERSIONS,
    "microsoft.sql/servers": service_versions.SQL_VERSIONS,
    "microsoft.storage/storageaccounts": service_versions.STORAGE_VERSIONS,
    "microsoft.synapse/privatelinkhubs": service_versions.SYNAPSE_VERSIONS,
    "microsoft.synapse/workspaces": service_versions.SYNAPSE_VERSIONS,
    "microsoft.web/hostingenvironments": service_versions.WEB_VERSIONS,
    "microsoft.web/sites": service_versions.WEB_VERSIONS,
    "microsoft.web/sites/slots": service_versions.WEB_VERSIONS,
    "microsoft.web/staticsites": service_versions.WEB_VERSIONS,
}
"""Api-versions of the providers whose resources the lab knows well: their connections take them too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkType:
    """A resource type that private endpoints can point to.

    :param type: full type, such as ``Microsoft.Storage/storageAccounts``
    :param versions: api-versions of its connections
    :param put: how a status change is answered; None: there is no PUT
    :param patch: how a PATCH is answered; None: there is none
    :param delete: how a removal is answered; None: the owner cannot remove a connection
    :param listed: whether the connections can be listed
    :param listed_after: api-versions up to this one have no list
    :param name: how a connection is named
    :param settled: ``provisioningState`` at the end; empty: the service shows none
    :param action: what ``actionsRequired`` is called; empty: the service shows none
    :param automatic: description of a connection that was approved at once
    :param empty_description: whether a description that was left out reads as ``""``; else it is not there
    :param transitions: which status changes the service refuses
    :param shown_type: the connections' type as answers spell it
    :param group_ids: ``groupIds`` or ``groupId``, where the service shows it
    :param etag: whether connections have an etag
    :param link: whether they have a ``linkIdentifier``, as the network provider's do
    :param operation: what the body of an accepted change names as its operation
    :param poll: status and word of a poll while the operation runs, where unusual
    :param missing_delete: status of the removal of what is not there
    :param groups: group id -> member -> public names, all with parameters; None: the zone table tells
    :param zones_of: the type whose zones these names belong to, where that is another one
    """

    type: str
    versions: tuple[str, ...]
    put: Mapping[str, Any] | None = None
    patch: Mapping[str, Any] | None = None
    delete: Mapping[str, Any] | None = None
    listed: bool = True
    listed_after: str = ""
    name: str = "{endpoint}.{guid}"
    settled: str = "Succeeded"
    action: str = "actionsRequired"
    automatic: str = "Auto-Approved"
    empty_description: bool = False
    transitions: str = ""
    shown_type: str = ""
    group_ids: str = ""
    etag: bool = False
    link: bool = False
    operation: str = ""
    poll: Mapping[str, Any] = field(default_factory=dict)
    missing_delete: int = 204
    groups: Mapping[str, Mapping[str, list[str]]] | None = None
    zones_of: str = ""

    @property
    def connections_type(self) -> str:
        """The type of the connections on it."""
        return f"{self.type}/{CONNECTIONS}"


@dataclass(frozen=True, slots=True)
class Host:
    """A name that a private endpoint answers for.

    :param fqdn: the public name
    :param zone: the private zone that its record belongs in; empty where the table has none
    :param record: the record's name in that zone
    """

    fqdn: str
    zone: str
    record: str


@dataclass(frozen=True, slots=True)
class Member:
    """Part of a group; each has an address of its own in an endpoint.

    :param name: such as ``registry_data_eastus``
    :param hosts: the names at that address
    """

    name: str
    hosts: tuple[Host, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A sub-resource: what an endpoint asks for by its group id.

    :param id: such as ``blob``
    :param members: what the endpoint gets addresses for
    :param zones: private DNS zones that it needs
    """

    id: str
    members: tuple[Member, ...]
    zones: tuple[str, ...]


@cache
def link_types() -> Mapping[str, LinkType]:
    """:return: all types that private endpoints can point to, by type without case"""
    text = resources.files(__package__).joinpath("private_link_types.json").read_text(encoding="utf-8")
    entries: dict[str, dict[str, Any]] = json.loads(text)["types"]
    found = {}
    for name, entry in entries.items():
        versions = (*entry.pop("versions", NETWORK_VERSIONS), *SERVICE_VERSIONS.get(name.casefold(), ()))
        found[name.casefold()] = LinkType(type=name, versions=tuple(sorted(set(versions))), **entry)
    return found


def link_type(resource_type: str) -> LinkType | None:
    """:return: how a resource type takes private endpoints; None: it takes none"""
    return link_types().get(resource_type.casefold())


def groups_of(resource: Resource) -> tuple[Group, ...]:
    """:return: the groups of a resource that endpoints can ask for, in Azure's order; none where any is taken"""
    kind = link_type(resource.kind.type)
    if kind is None:
        return ()
    templates = _templates(kind.type)
    if not _has_secondary(resource):
        templates = {group: members for group, members in templates.items() if not group.endswith(SECONDARY)}
    values = _values(resource)
    pairs = _pairs(kind.zones_of or kind.type)
    groups = []
    for group, members in templates.items():
        # The zone table names a group's zones; other groups of the type have theirs.
        own = [pair for groups_served, pair in pairs if not groups_served or group.casefold() in groups_served] or [
            pair for _, pair in pairs
        ]
        filled = tuple(
            Member(_fill(member, values), tuple(_host(_fill(host, values), own, values) for host in hosts))
            for member, hosts in members.items()
        )
        zones = dict.fromkeys(_fill(_records_zone(pair.zone), values) for pair in own if pair.zone)
        groups.append(Group(_fill(group, values), filled, tuple(zones)))
    return tuple(groups)


def find_group(resource: Resource, group_id: str) -> Group | None:
    """:return: a resource's group of that id, without case; None: it has no such group"""
    return next((group for group in groups_of(resource) if group.id.casefold() == group_id.casefold()), None)


# -- the state of a connection: one fact, seen from both sides --------------------------------------


def connection_of(plane: ControlPlane, endpoint: Resource) -> Resource | None:
    """:return: the connection on the target's side; None: its owner removed it, or the target is gone"""
    connection_id = endpoint.facts.get("connection")
    return plane.store.find(connection_id) if connection_id else None


def status_of(plane: ControlPlane, endpoint: Resource) -> str:
    """:return: the status of an endpoint's connection: what its target's owner says, else ``Disconnected``"""
    connection = connection_of(plane, endpoint)
    return DISCONNECTED if connection is None else str(connection.properties[STATE]["status"])


def endpoint_of(plane: ControlPlane, connection: Resource) -> Resource | None:
    """:return: the endpoint whose connection it is"""
    return plane.store.find(connection.facts["privateEndpoint"]["id"])


# -- names ------------------------------------------------------------------------------------------


@cache
def _rows(resource_type: str) -> tuple[Any, ...]:
    wanted = resource_type.casefold()
    return tuple(
        row
        for row in zone_table().rows
        if row.cloud == Cloud.COMMERCIAL and wanted in (name.casefold() for name in row.resource_types)
    )


@cache
def _pairs(resource_type: str) -> tuple[tuple[frozenset[str], ZonePair], ...]:
    return tuple(
        (frozenset(group.casefold() for group in row.subresources), pair)
        for row in _rows(resource_type)
        for pair in row.pairs
        if pair.zone is not None
    )


@cache
def _templates(resource_type: str) -> Mapping[str, Mapping[str, list[str]]]:
    """Group -> member -> names; from the zone table where the data file has none: one member, called as its group."""
    kind = link_type(resource_type)
    if kind is not None and kind.groups is not None:
        return kind.groups
    groups: dict[str, dict[str, list[str]]] = {}
    for row in _rows(resource_type):
        for group in row.subresources:
            names = [f"{{name}}.{pair.public}" for pair in row.pairs if pair.zone is not None]
            groups.setdefault(group, {group: []})[group].extend(names)
    return groups


def _has_secondary(resource: Resource) -> bool:
    """Only read-access geo-redundant accounts have secondary endpoints to connect to."""
    sku = resource.body.get("sku")
    return isinstance(sku, dict) and "RA" in str(sku.get("name", "")).upper().partition("_")[2][:2]


def _values(resource: Resource) -> dict[str, str]:
    names = resource.path.names
    guid = str(uuid.uuid5(uuid.NAMESPACE_URL, resource.path.key))
    return {
        "name": names[-1].lower(),
        "cachename": names[-1].lower(),
        "workspaceName": names[-1].lower(),
        "parent": names[0].lower(),
        "guid": guid,
        "hash": hashlib.sha256(resource.path.key.encode()).hexdigest()[:12],
        "partitionId": "1",
        **dict.fromkeys(REGION_PARAMETERS, resource.region or "eastus"),
    }


def _fill(template: str, values: Mapping[str, str]) -> str:
    # What only the service itself knows, such as a cluster's DNS prefix, comes out the same each time.
    return PARAMETER.sub(lambda found: values.get(found[1], values["hash"]), template)


def _records_zone(zone: str) -> str:
    return zone_table().records_in_parent.get(zone, zone)


def _host(fqdn: str, pairs: Iterable[ZonePair], values: Mapping[str, str]) -> Host:
    fitting = [pair for pair in pairs if is_within(fqdn, _fill(pair.public, values))]
    if not fitting:
        return Host(fqdn, "", "")
    pair = max(fitting, key=lambda candidate: len(_fill(candidate.public, values)))
    zone = _fill(_records_zone(pair.zone or ""), values)
    # Mostly the private name is the public one with ``privatelink`` put in; Key Vault's has another suffix.
    suffix = public_form(zone) if is_within(fqdn, public_form(zone)) else _fill(pair.public, values)
    return Host(fqdn, zone, fqdn.removesuffix(suffix).rstrip(".") or "@")
