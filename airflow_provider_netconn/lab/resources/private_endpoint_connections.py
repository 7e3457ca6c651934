"""Private endpoint connections: what a target's owner sees of the endpoints that point to it, on every resource type.

A connection is made and removed with its endpoint; its owner approves, rejects or removes it. Its state is kept here
alone: the endpoint shows what it finds here, and ``Disconnected`` where it finds nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError, method_not_allowed
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import (
    Answer,
    Follow,
    Operation,
    Polling,
    Shown,
    named_operation,
    provider_polling,
)
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Object, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.private_link import (
    APPROVED,
    CONNECTIONS,
    DISCONNECTED,
    PENDING,
    REJECTED,
    STATE,
    LinkType,
    endpoint_of,
    link_type,
    link_types,
)
from airflow_provider_netconn.lab.resources.private_link_records import write_records

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

DURATION_S = 5.0
"""How long a status change or a removal takes where it is not done at once, in seconds."""

FOLLOW = {"both": Follow.BOTH, "async": Follow.ASYNC_OPERATION, "location": Follow.LOCATION, "": Follow.NOTHING}
SHOWN = {
    "resource": Shown.RESOURCE,
    "disconnected": Shown.RESOURCE,
    "operation": Shown.OPERATION,
    "enqueued": Shown.OPERATION,
    "": Shown.NOTHING,
}

PROPERTIES = Object(
    properties={
        STATE: Object(
            properties={
                "status": Choice(values=(PENDING, APPROVED, REJECTED), required=True),
                "description": Text(),
                "actionsRequired": Text(),
                "actionRequired": Text(),
            },
            required=True,
        ),
        **{
            name: Anything(read_only=True)
            for name in (
                "privateEndpoint provisioningState groupId groupIds linkIdentifier linkId privateEndpointLocation "
                "ipAddresses connectionState memberName"
            ).split()
        },
    }
)


class PrivateEndpointConnections(ResourceKind):
    """The connections on the resources of one type; what is special about the type comes from its :class:`LinkType`."""

    link: LinkType
    name_pattern = r"[^/?#%]{1,160}"
    properties = PROPERTIES
    # Recorded of Service Bus, Storage and others: a body that cannot be read is the service's own BadRequest.
    refusals = Refusals(malformed="BadRequest", missing="BadRequest", invalid="BadRequest")

    def prepare(self, write: Write) -> None:
        existing = write.existing
        if existing is None:
            raise self.not_found(write.plane, write.path)
        if write.request.method == "PATCH" and (self.link.patch or {}).get("tags"):
            write.properties[STATE] = existing.properties[STATE]
            return
        before = str(existing.properties[STATE]["status"])
        write.error = _refused(self.link.transitions, before, str(write.properties[STATE]["status"]))
        state = {name: value for name, value in write.properties[STATE].items() if name in {"status", "description"}}
        write.properties[STATE] = state

    def stored(self, write: Write, resource: Resource) -> None:
        endpoint = endpoint_of(write.plane, resource)
        if endpoint is not None:
            write_records(write.plane, endpoint)

    def delete_missing(self, plane: ControlPlane, path: ArmPath) -> ArmResponse:
        if self.link.missing_delete == 404:
            raise self.not_found(plane, path)
        return super().delete_missing(plane, path)

    def deleted_body(self, shown: dict[str, Any] | None) -> Any:
        if shown is not None:
            shown["properties"][STATE]["status"] = DISCONNECTED
        return shown

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        if request.api_version <= self.link.listed_after:
            raise method_not_allowed(request.method, self.type)
        return resources

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        kept = resource.properties[STATE]
        state = {"status": kept["status"]}
        if "description" in kept or self.link.empty_description:
            state["description"] = kept.get("description", "")
        if self.link.action:
            state[self.link.action] = "None"
        shown: dict[str, Any] = {}
        if self.link.settled and resource.provisioning_state:
            shown["provisioningState"] = resource.provisioning_state
        shown["privateEndpoint"] = dict(resource.facts["privateEndpoint"])
        if self.link.group_ids and resource.facts["groupIds"]:
            groups = resource.facts["groupIds"]
            shown[self.link.group_ids] = groups[0] if self.link.group_ids == "groupId" else list(groups)
        shown[STATE] = state
        if self.link.link:
            shown["linkIdentifier"] = resource.facts["linkIdentifier"]
            if look.api_version >= "2022-01-01":
                shown["privateEndpointLocation"] = resource.facts["privateEndpointLocation"]
        return shown

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        entry = (self.link.delete if operation.method == "DELETE" else self.link.put) or {}
        if entry.get("shown") == "resource":
            resource = plane.store.find(operation.target)
            look = Look(api_version=operation.api_version, query={})
            return None if resource is None else self.render(plane, resource, look)
        if entry.get("shown") == "enqueued":
            return {"status": "Enqueued"}
        verb = "Drop" if operation.method == "DELETE" else "Upsert"
        return named_operation(operation, f"{verb}{self.link.operation}")


def connect(
    plane: ControlPlane, endpoint: Resource, target: Resource, connection_name: str, state: Mapping[str, str]
) -> None:
    """Make the connection of a new endpoint on its target; the endpoint's facts name it from then on.

    :param endpoint: its ``facts`` carry ``groupIds``
    :param connection_name: what the endpoint calls it
    :param state: ``status``, and ``description`` where there is one
    """
    link = link_type(target.kind.type)
    assert link is not None
    kind = plane.kind(link.connections_type)
    assert isinstance(kind, PrivateEndpointConnections)
    identifier = uuid.uuid4()
    name = link.name.format(
        resource=target.path.name,
        endpoint=endpoint.path.name,
        connection=connection_name,
        guid=identifier,
        hex=identifier.hex,
    )
    path = target.path.child(CONNECTIONS, name)
    if plane.store.find(path) is not None:
        # Where the service takes a name that others can have too, the next one is told apart.
        path = target.path.child(CONNECTIONS, f"{name}.{identifier}")
    now = plane.clock.now()
    connection = Resource(
        path=path,
        kind=kind,
        body={"properties": {STATE: dict(state)}},
        facts={
            "privateEndpoint": {"id": endpoint.id},
            "groupIds": list(endpoint.facts["groupIds"]),
            "linkIdentifier": str(identifier.int % 2**29),
            "privateEndpointLocation": endpoint.region,
        },
        created_at=now,
        changed_at=now,
        state=kind.settled_state,
    )
    plane.store.add(connection)
    endpoint.facts["connection"] = connection.id
    plane.store.changed(endpoint)


def shown_on(plane: ControlPlane, resource: Resource, look: Look) -> list[dict[str, Any]]:
    """:return: ``properties.privateEndpointConnections`` of a resource: what it shows of the connections on it"""
    path = resource.path.children(CONNECTIONS)
    kind = plane.kind(path.type)
    return [] if kind is None else [kind.render(plane, one, look) for one in kind.members(plane, path)]


def _refused(transitions: str, before: str, after: str) -> ArmError | None:
    """Whether a service lets a status change through.

    :param transitions: what is known of the service; nothing: it lets all through
    :return: what the accepted change fails with at its end, or None
    :raises ArmError: 400, as recorded of the service
    """
    changes_to_approved = after == APPROVED and before != PENDING
    if transitions == "storage" and (changes_to_approved or after in {PENDING, before}):
        raise ArmError(
            400,
            "InvalidValuesForRequestParameters",
            f"Values for request parameters are invalid: {STATE}.status.",
        )
    if transitions == "pending only" and before != PENDING:
        raise ArmError(
            400,
            "PrivateEndpointConnectionStatusNotPending",
            "The private endpoint connection cannot be approved or rejected because its status is not Pending.",
        )
    if transitions == "through pending" and (before, after) == (REJECTED, APPROVED):
        raise ArmError(400, "OperationNotAllowed", "A rejected private endpoint connection cannot be approved.")
    if transitions == "rejected is final" and (before, after) == (REJECTED, APPROVED):
        raise ArmError(400, "BadRequest", "Approving rejected private endpoint connections is not supported.")
    if transitions == "rejected fails late" and (before, after) == (REJECTED, APPROVED):
        return ArmError(500, "InternalServerError", "An unexpected error occured while processing the request.")
    return None


def _answer(entry: Mapping[str, Any] | None, shown: str, running: str) -> Answer:
    if entry is None:
        return Answer(status=200)
    follow = FOLLOW[entry.get("follow") or ""]
    return Answer(
        status=entry["status"],
        follow=follow,
        shown=SHOWN[entry.get("shown", shown)],
        state=entry.get("state", running),
        duration_s=DURATION_S if follow is not Follow.NOTHING else 0.0,
        deferred=entry.get("deferred", False),
        final_status=entry.get("final"),
    )


def _deleted(entry: Mapping[str, Any] | None) -> Answer:
    answer = _answer(entry, "", "Deleting")
    # The removed connection as the body of an accepted removal is this kind's own; the engine shows none.
    return answer if answer.is_synchronous or answer.shown is Shown.NOTHING else replace(answer, shown=Shown.OPERATION)


def _polling(link: LinkType) -> Polling:
    namespace = link.type.partition("/")[0]
    if not link.poll:
        return provider_polling(namespace)
    return provider_polling(namespace, running_status=link.poll["status"], running=link.poll["running"])


def connections_kind(link_of: LinkType) -> PrivateEndpointConnections:
    """:return: the kind of the connections on resources of a type"""
    verbs = {"GET": {}, "PUT": link_of.put, "PATCH": link_of.patch, "DELETE": link_of.delete}

    class Connections(PrivateEndpointConnections):
        link = link_of
        type = link_of.connections_type
        shown_type = link_of.shown_type or None
        api_versions = link_of.versions
        listed = link_of.listed
        methods = frozenset(verb for verb, answer in verbs.items() if answer is not None)
        patch = Patch.NONE if link_of.patch is None else Patch.MERGE
        tags = bool((link_of.patch or {}).get("tags"))
        etag_in_body = link_of.etag
        settled_state = link_of.settled
        created = updated = _answer(link_of.put, "resource", "Updating")
        patched = _answer(link_of.patch, "resource", "Updating")
        deleted = _deleted(link_of.delete)
        polling = _polling(link_of)

    return Connections()


KINDS = tuple(connections_kind(link) for link in link_types().values())
