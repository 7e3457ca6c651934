"""Private endpoints: an interface in a subnet, connected to a resource if its owner, or the caller's right, allows it.

Refusals are worded as Azure's: those of an endpoint that exists already and of static addresses after Microsoft Learn's
"Azure Database for PostgreSQL: add private endpoint connections", the others as seen in public issues.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import MalformedPathError, parse_path, same
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.locks import lock_refusal
from airflow_provider_netconn.lab.arm.schema import Address, Anything, Choice, Items, Object, Shape, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.network_references import (
    SUBNETS,
    Link,
    id_of,
    referenced,
    require_provisioned,
)
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.private_endpoint_connections import connect
from airflow_provider_netconn.lab.resources.private_endpoint_interfaces import add_interface, remove_interface
from airflow_provider_netconn.lab.resources.private_link import (
    APPROVAL,
    APPROVED,
    DISCONNECTED,
    PENDING,
    PRIVATE_ENDPOINTS,
    PRIVATE_LINK_SERVICES,
    STATE,
    Group,
    Member,
    connection_of,
    find_group,
    groups_of,
    link_type,
    status_of,
)
from airflow_provider_netconn.lab.resources.private_link_records import write_records
from airflow_provider_netconn.lab.resources.private_link_services import (
    ALIAS_SUFFIX,
    EXTENDED_LOCATION,
    find_by_alias,
    is_in,
    is_visible,
)
from airflow_provider_netconn.lab.resources.subnet_addresses import allocate

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

AUTOMATIC, MANUAL = "privateLinkServiceConnections", "manualPrivateLinkServiceConnections"

FIRST_WORDS = {APPROVED: "Auto Approved", PENDING: "Awaiting Approval"}
"""The state's description while the endpoint is made, as recorded; then it is the target's."""

DURATION_S = 15.0

CONNECTION = Object(
    properties={
        "id": Anything(read_only=True),
        "name": Text(longest=80),
        "type": Anything(read_only=True),
        "etag": Anything(read_only=True),
        "properties": Object(
            properties={
                "privateLinkServiceId": Text(required=True),
                "groupIds": Items(of=Text(), default=[]),
                "requestMessage": Text(longest=140),
                STATE: Anything(read_only=True),
                "provisioningState": Anything(read_only=True),
                "approvalReference": Text(),
            },
            required=True,
        ),
    }
)

IP_CONFIGURATION = Object(
    properties={
        "id": Anything(read_only=True),
        "name": Text(required=True),
        "type": Anything(read_only=True),
        "etag": Anything(read_only=True),
        "properties": Object(
            properties={
                "groupId": Text(default=""),
                "memberName": Text(default=""),
                "privateIPAddress": Address(required=True),
            },
            required=True,
        ),
    }
)


class PrivateEndpoints(ResourceKind):
    """A private endpoint. Its connection's state is read from its target; what is its own are addresses and names."""

    type = PRIVATE_ENDPOINTS
    api_versions = tuple(version for version in NETWORK_VERSIONS if version >= "2019-04-01")
    tracked = True
    envelope: ClassVar[dict[str, Shape]] = {"extendedLocation": EXTENDED_LOCATION}
    properties = Object(
        properties={
            "subnet": Link(type=SUBNETS, required=True),
            AUTOMATIC: Items(of=CONNECTION, default=[]),
            MANUAL: Items(of=CONNECTION, default=[]),
            "ipConfigurations": Items(of=IP_CONFIGURATION, default=[]),
            "customNetworkInterfaceName": Text(default="", longest=80),
            "applicationSecurityGroups": Items(of=Object(properties={"id": Text(required=True)}, open=True)),
            "ipVersionType": Choice(values=("IPv4", "IPv6", "DualStack")),
            "billingSku": Text(),
            **{
                name: Anything(read_only=True)
                for name in ("provisioningState", "resourceGuid", "networkInterfaces", "customDnsConfigs")
            },
        }
    )
    created = created(DURATION_S)
    updated = updated(DURATION_S)
    deleted = deleted(DURATION_S)
    polling = NETWORK_POLLING

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        yield f"{SUBNETS}/join/action", id_of(write.properties["subnet"])
        for connection in write.properties[AUTOMATIC]:
            target_id = connection["properties"]["privateLinkServiceId"]
            target = _find_target(write.plane, target_id)
            if target is not None and not is_alias(target_id) and not _approves_by_itself(write, target):
                yield f"{target.kind.type}/{APPROVAL}", target.id

    def prepare(self, write: Write) -> None:
        connection, place = _only_connection(write)
        connection.setdefault("name", write.path.name)
        if write.existing is not None:
            _refuse_changes(write, write.existing, connection, place)
            return
        subnet = _subnet(write)
        target = _target(write, connection, place)
        group = _group(write, connection, place, target)
        members = _addresses(write, subnet, group)
        guid = str(uuid.uuid4())
        write.facts |= {
            "resourceGuid": guid,
            "groupIds": list(connection["properties"]["groupIds"]),
            "members": members,
            "target": target.id,
        }

    def stored(self, write: Write, resource: Resource) -> None:
        if "connection" in resource.facts:
            return
        connection, place = _only_connection(write)
        target = write.plane.store.find(resource.facts["target"])
        assert target is not None
        connect(write.plane, resource, target, connection["name"], _first_state(write, connection, place, target))
        name = resource.properties["customNetworkInterfaceName"] or f"{resource.path.name}.nic.{uuid.uuid4()}"
        add_interface(write.plane, resource, name, _interface_configurations(resource))

    def settled(self, plane: ControlPlane, resource: Resource) -> None:
        write_records(plane, resource)

    def delete_failure(self, plane: ControlPlane, resource: Resource) -> ArmError | None:
        """A lock on the target holds the endpoint too: what it has there would have to be deleted (users' reports)."""
        target = plane.store.find(resource.facts["target"])
        if target is None:
            return None
        proxy = f"{resource.path.name}.{resource.facts['resourceGuid']}"
        locked = lock_refusal(plane, "DELETE", target.path.child("privateEndpointConnectionProxies", proxy))
        return None if locked is None else _call_failed(target, locked.message, locked.status, locked.code)

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        connection = connection_of(plane, resource)
        if connection is not None:
            plane.store.remove(connection)
            connection.kind.removed(plane, connection)
        remove_interface(plane, resource)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        kept = resource.properties
        interface = resource.facts.get("interface")
        shown: dict[str, Any] = {
            "provisioningState": resource.provisioning_state,
            "resourceGuid": resource.facts["resourceGuid"],
        }
        for place in (AUTOMATIC, MANUAL):
            shown[place] = [self._render_connection(plane, resource, place, item) for item in kept[place]]
        shown["customNetworkInterfaceName"] = kept["customNetworkInterfaceName"]
        shown["subnet"] = dict(kept["subnet"])
        shown["ipConfigurations"] = [
            {
                "name": item["name"],
                "id": f"{resource.id}/ipConfigurations/{item['name']}",
                "etag": self.etag_quoted.format(resource.etag),
                "type": f"{self.type}/ipConfigurations",
                "properties": dict(item["properties"]),
            }
            for item in kept["ipConfigurations"]
        ]
        shown["networkInterfaces"] = [{"id": interface}] if interface else []
        shown["customDnsConfigs"] = _custom_dns_configs(plane, resource)
        for name in ("applicationSecurityGroups", "ipVersionType", "billingSku"):
            if name in kept:
                shown[name] = kept[name]
        return shown

    def _render_connection(
        self, plane: ControlPlane, resource: Resource, place: str, item: Mapping[str, Any]
    ) -> dict[str, Any]:
        properties = {"provisioningState": "Succeeded", **item["properties"]}
        properties[STATE] = {
            "status": status_of(plane, resource),
            "description": _description(plane, resource),
            "actionsRequired": "None",
        }
        return {
            "name": item["name"],
            "id": f"{resource.id}/{place}/{item['name']}",
            "etag": self.etag_quoted.format(resource.etag),
            "properties": properties,
            "type": f"{self.type}/{place}",
        }


def is_alias(target_id: str) -> bool:
    """:return: whether a ``privateLinkServiceId`` is the alias of a private link service instead of an id"""
    return target_id.casefold().endswith(ALIAS_SUFFIX)


def _find_target(plane: ControlPlane, target_id: str) -> Resource | None:
    return find_by_alias(plane, target_id) if is_alias(target_id) else plane.find(target_id)


def _only_connection(write: Write) -> tuple[dict[str, Any], str]:
    found = [(item, place) for place in (AUTOMATIC, MANUAL) for item in write.properties[place]]
    if len(found) != 1:
        raise ArmError(
            400,
            "InvalidRequestFormat",
            "Cannot parse the request.",
            details=(
                {
                    "code": "OnlyOnePrivateLinkServiceConnectionPermitted",
                    "message": f"Private endpoint {write.path.text} has {len(found)} private link service connections; "
                    "it has to have exactly one.",
                },
            ),
        )
    return found[0]


def _refuse_changes(write: Write, existing: Resource, connection: Mapping[str, Any], place: str) -> None:
    """What an endpoint cannot change: its connection, its subnet, and all once it is disconnected."""
    if status_of(write.plane, existing) == DISCONNECTED:
        raise ArmError(
            400,
            "PrivateEndpointCannotBeUpdatedInDisconnectedState",
            f"Private endpoint {existing.id} cannot be updated in disconnected state. Please delete and recreate it.",
            details=(),
        )
    before, after = existing.properties["subnet"]["id"], write.properties["subnet"]["id"]
    if not same(before, after):
        raise ArmError(
            400,
            "CannotChangeSubnetOnExistingPrivateEndpoint",
            f"Cannot change the subnet in which the network interface for private endpoint {existing.id} is created. "
            f"Current subnet: '{before}.' Requested subnet: '{after}.'",
            details=(),
        )
    kept = next(iter(existing.properties[place]), None)
    if kept is None or _identity(kept) != _identity(connection):
        kept, place = next((item, where) for where in (AUTOMATIC, MANUAL) for item in existing.properties[where])
        raise ArmError(
            400,
            "CannotChangePrivateLinkConnectionOnPrivateEndpoint",
            f"Cannot change the private link connection on private endpoint {existing.id}. Please ensure you are not "
            f"updating the details of existing private link connection: '{existing.id}/{place}/{kept['name']}'. That "
            "is not allowed.",
            details=(),
        )


def _identity(connection: Mapping[str, Any]) -> tuple[Any, ...]:
    properties = connection["properties"]
    groups = tuple(sorted(group.casefold() for group in properties["groupIds"]))
    return connection["name"].casefold(), properties["privateLinkServiceId"].rstrip("/").casefold(), groups


def _subnet(write: Write) -> Resource:
    """The endpoint's subnet: in the same region, of a network at rest, not delegated to a service."""
    subnet_id = id_of(write.properties["subnet"])
    subnet = referenced(write.plane, write.path, subnet_id)
    assert subnet.path.parent is not None
    network = referenced(write.plane, write.path, subnet.path.parent.text, write.body["location"])
    require_provisioned(write.plane, write.path, network)
    if subnet.properties.get("delegations"):
        raise ArmError(
            400,
            "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated",
            f"Private endpoint {write.path.text} cannot be created as subnet {subnet.id} is delegated.",
            details=(),
        )
    return subnet


def _target(write: Write, connection: Mapping[str, Any], place: str) -> Resource:
    """What the connection points to.

    :raises ArmError: 400, there is none, it takes no endpoints, or the subscription may not see it
    """
    target_id = connection["properties"]["privateLinkServiceId"]
    target = _find_target(write.plane, target_id)
    if target is None or target.is_being_deleted or _is_hidden(write, target, place):
        if not is_alias(target_id):
            _check_id(write, connection, place, target_id)
        raise ArmError(
            400,
            "InvalidResourceReference",
            f"Resource {target_id} referenced by resource {write.path.text} was not found. Please make sure that the "
            "referenced resource exists, and that both resources are in the same region.",
            details=(),
        )
    if link_type(target.kind.type) is None:
        raise _call_failed(target, "Private endpoints to resources of this type are not supported")
    return target


def _check_id(write: Write, connection: Mapping[str, Any], place: str, target_id: str) -> None:
    try:
        is_id = target_id.startswith("/") and parse_path(target_id).is_resource
    except MalformedPathError:
        is_id = False
    if not is_id:
        raise ArmError(
            400,
            "LinkedInvalidPropertyId",
            f"Property id '{target_id}' at path 'properties.{place}[0].properties.privateLinkServiceId' is invalid. "
            "Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or "
            "'/providers/{resourceProviderNamespace}/'.",
        )


def _is_hidden(write: Write, target: Resource, place: str) -> bool:
    """A private link service hides from subscriptions it is not visible to, unless the caller has rights on it."""
    if target.kind.type != PRIVATE_LINK_SERVICES or is_visible(target, write.path.subscription):
        return False
    if place == AUTOMATIC and not is_alias(write.properties[place][0]["properties"]["privateLinkServiceId"]):
        return False
    caller = write.request.caller
    tenant = write.plane.tenant_of(target.id)
    there = caller.for_tenant(tenant) if caller is not None and tenant is not None else None
    return there is None or not write.plane.access.allows(there, f"{PRIVATE_LINK_SERVICES}/read", target.id)


def _approves_by_itself(write: Write, target: Resource) -> bool:
    """A private link service approves its own subscription's connections, and those of ``autoApproval``."""
    if target.kind.type != PRIVATE_LINK_SERVICES:
        return False
    own = (target.path.subscription or "").casefold() == (write.path.subscription or "").casefold()
    return own or is_in(target, "autoApproval", write.path.subscription)


def _first_state(write: Write, connection: Mapping[str, Any], place: str, target: Resource) -> dict[str, str]:
    """The state that a new connection has on the target's side."""
    link = link_type(target.kind.type)
    assert link is not None
    message = connection["properties"].get("requestMessage")
    if place == AUTOMATIC:
        # By id the caller has the right to approve, or does not get here; an alias gives no such right.
        approved = _approves_by_itself(write, target) or not is_alias(connection["properties"]["privateLinkServiceId"])
    else:
        approved = target.kind.type == PRIVATE_LINK_SERVICES and is_in(target, "autoApproval", write.path.subscription)
    if approved:
        return {"status": APPROVED, **({"description": link.automatic} if link.automatic else {})}
    return {"status": PENDING, **({"description": message} if message else {})}


def _group(write: Write, connection: Mapping[str, Any], place: str, target: Resource) -> Group:
    """The group that the connection asks for.

    :raises ArmError: 400, it names none, more than one, or one that the target does not have
    """
    asked = connection["properties"]["groupIds"]
    if target.kind.type == PRIVATE_LINK_SERVICES:
        static = len(write.properties["ipConfigurations"]) or 1
        return Group("", tuple(Member("", ()) for _ in range(static)), ())
    connection_id = f"{write.path.text}/{place}/{connection['name']}"
    if not asked:
        raise ArmError(
            400,
            "MissingParameterOnPrivateLinkServiceConnection",
            f"Private link service connection {connection_id} is missing required parameter 'group Id'.",
            details=(),
        )
    if len(asked) > 1:
        raise ArmError(
            400,
            "OnlyOneGroupIdPermitted",
            f"Private link service connection {connection_id} has the following group Ids: {', '.join(asked)}. Only "
            f"one group Id is permitted when connecting to a first-party resource ({target.id}).",
            details=(),
        )
    if not groups_of(target):
        return Group(asked[0], (Member(asked[0], ()),), ())
    group = find_group(target, asked[0])
    if group is None:
        raise _call_failed(target, "Invalid groupId")
    return group


def _call_failed(target: Resource, message: str, status: int = 400, code: str = "BadRequest") -> ArmError:
    return ArmError(status, code, f"Call to {target.kind.type} failed. Error message: {message}", details=())


def _addresses(write: Write, subnet: Resource, group: Group) -> list[dict[str, Any]]:
    """An address for each member of the group: the one asked for, else the next free one.

    :return: for each its ``group``, ``member``, ``address`` and ``hosts``: name, zone and record
    """
    static = [item["properties"] for item in write.properties["ipConfigurations"]]
    asked = _asked_for(write, static, group) if static else [None] * len(group.members)
    taken: list[str] = []
    members = []
    for member, wanted in zip(group.members, asked, strict=True):
        address = allocate(write.plane, subnet, wanted, taken=taken)
        taken.append(address)
        members.append(
            {
                "group": group.id,
                "member": member.name,
                "address": address,
                "static": wanted is not None,
                "hosts": [[host.fqdn, host.zone, host.record] for host in member.hosts],
            }
        )
    return members


def _asked_for(write: Write, static: list[dict[str, Any]], group: Group) -> list[str]:
    """The static addresses in the order of the members; each member has to have one."""
    if not group.id:
        return [item["privateIPAddress"] for item in static]
    by_member = {
        item["memberName"].casefold(): item["privateIPAddress"]
        for item in static
        if item["groupId"].casefold() == group.id.casefold()
    }
    missing = [member.name for member in group.members if member.name.casefold() not in by_member]
    if missing:
        given = ", ".join(
            f"[PrivateIPAddress: {item['privateIPAddress']}, GroupId: {item['groupId']}, MemberName: "
            f"{item['memberName']}]"
            for item in static
        )
        wanted = ", ".join(f"[GroupId: {group.id}, MemberName: {name}]" for name in missing)
        raise ArmError(
            400,
            "PrivateEndpointIpConfigurationMissingMemberNamesRequiredByFps",
            f"Private Endpoint {write.path.text} contains static ipconfigurations: {given} and its missing these "
            f"membernames/groupids requested by Private Link service {wanted}. Private Endpoint needs to be "
            "reconfigured with missing memberNames.",
            details=(),
        )
    return [by_member[member.name.casefold()] for member in group.members]


def _interface_configurations(endpoint: Resource) -> list[dict[str, Any]]:
    return [
        {
            "privateIPAddress": member["address"],
            "privateIPAllocationMethod": "Static" if member["static"] else "Dynamic",
            "subnet": dict(endpoint.properties["subnet"]),
            "privateLinkConnectionProperties": {
                "groupId": member["group"],
                "requiredMemberName": member["member"],
                "fqdns": [host[0] for host in member["hosts"]],
            },
        }
        for member in endpoint.facts["members"]
    ]


def _is_new(endpoint: Resource) -> bool:
    """Whether the endpoint is still being made."""
    operation = endpoint.operation
    return operation is not None and operation.is_running and operation.answer == PrivateEndpoints.created


def _description(plane: ControlPlane, endpoint: Resource) -> str:
    status = status_of(plane, endpoint)
    if _is_new(endpoint) and status in FIRST_WORDS:
        return FIRST_WORDS[status]
    connection = connection_of(plane, endpoint)
    return "" if connection is None else str(connection.properties[STATE].get("description") or "")


def _custom_dns_configs(plane: ControlPlane, endpoint: Resource) -> list[dict[str, Any]]:
    """The public names at the endpoint's addresses; none before the connection is approved and all is done."""
    if _is_new(endpoint) or status_of(plane, endpoint) != APPROVED:
        return []
    return [
        {"fqdn": host[0], "ipAddresses": [member["address"]]}
        for member in endpoint.facts["members"]
        for host in member["hosts"]
    ]


KINDS = (PrivateEndpoints(),)
