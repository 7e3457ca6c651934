"""PUT, PATCH and DELETE: refuse, keep, let the operation run, answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm import embedded, reads
from airflow_provider_netconn.lab.arm.errors import (
    ArmError,
    another_operation_in_progress,
    invalid_request_content,
    method_not_allowed,
    parent_not_found,
)
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Operation, Shown
from airflow_provider_netconn.lab.arm.regions import read_region
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import read_body
from airflow_provider_netconn.lab.arm.store import Resource

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.kinds import ResourceKind

ENVELOPE_MEMBERS = frozenset(
    "id name type etag location tags properties kind sku plan identity managedBy managedByExtended zones systemData "
    "scale extendedLocation placement".casefold().split()
)
"""Top-level members that Resource Manager itself lets through to a provider."""


def put(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> ArmResponse:
    """Create a resource or replace it."""
    kind.check_name(path)
    existing = _existing(plane, request, kind, path)
    given = request.json_object()
    write = _write_of(plane, request, kind, path, existing, given)
    return perform(kind, write)


def patch(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> ArmResponse:
    """Change part of a resource."""
    if kind.patch is Patch.NONE:
        raise method_not_allowed("PATCH", kind.type)
    existing = _existing(plane, request, kind, path)
    if existing is None:
        raise kind.not_found(plane, path)
    given = request.json_object()
    write = _write_of(plane, request, kind, path, existing, kind.merge(existing, given))
    write.given = given
    if kind.patch is Patch.TAGS:
        write.body["properties"] = (
            existing.properties
        )  # What the service itself put there would not be read from a body.
        write.answer = kind.patched
        return _keep(kind, write)
    return perform(kind, write)


def delete(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> ArmResponse:
    """Remove a resource and all below it."""
    plane.check_group(path)
    resource = kind.find(plane, path)
    if resource is None:
        return kind.delete_missing(plane, path)
    failed = _failed_condition(request, kind, path, resource)
    if failed is not None:
        raise failed
    if resource.is_being_deleted:
        assert resource.operation is not None
        return ArmResponse(202, None, plane.follow_headers(resource.operation))
    kind.check_delete(plane, request, resource)
    return remove(plane, request, resource)


def remove(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """Let a resource go, as its kind does; what could refuse it has been asked."""
    kind = resource.kind
    answer = kind.deleted
    look = reads.look_of(request)

    is_there = _presence(plane, resource)

    def gone() -> None:
        if not is_there():
            return
        for descendant in list(plane.store.descendants(resource.path)):
            forget(plane, descendant)
        forget(plane, resource)

    if answer.is_synchronous:
        shown = kind.render(plane, resource, look) if answer.shown is Shown.RESOURCE else None
        gone()
        return ArmResponse(answer.status, kind.deleted_body(shown))
    operation = _operation(plane, request, resource, answer)
    operation.on_end = gone
    operation.error = kind.delete_failure(plane, resource)
    operation.on_failure = _failing(plane, resource)
    _supersede(resource)
    resource.operation = operation
    plane.start(operation)
    return _answer(plane, kind, resource, answer, operation, look)


def forget(plane: ControlPlane, resource: Resource) -> None:
    """Take a resource out of the store, and tell its kind and those of the resources that refer to it."""
    plane.store.remove(resource)
    resource.kind.removed(plane, resource)
    for referrer in plane.store.referrers(resource.path):
        referrer.kind.reference_removed(plane, referrer, resource)


def act(
    plane: ControlPlane, request: ArmRequest, resource: Resource, answer: Answer, result: Callable[[], Any]
) -> ArmResponse:
    """Accept an action on a resource that takes its time, such as ``effectiveRouteTable``.

    :param answer: how the POST is answered
    :param result: gives the body that ``Location`` answers at the end
    """
    operation = _operation(plane, request, resource, answer)
    operation.result = result
    plane.start(operation)
    return ArmResponse(answer.status, None, plane.follow_headers(operation))


def perform(kind: ResourceKind, write: Write) -> ArmResponse:
    """Carry a write through: what its kind refuses is refused before anything changes."""
    plane, request, existing = write.plane, write.request, write.existing
    action = f"{kind.type}/write"
    for linked, linked_id in kind.linked_permissions(write):
        plane.authorize_linked(request, action, write.path, linked, linked_id)
    if existing is not None and existing.is_busy:
        if existing.is_being_deleted:
            assert existing.operation is not None
            raise another_operation_in_progress(existing.id, existing.operation.id)
        kind.refuse_while_busy(plane, existing)
    embedded.take(write, kind)
    kind.prepare(write)
    embedded.prepare(write)
    return _keep(kind, write)


def _keep(kind: ResourceKind, write: Write) -> ArmResponse:
    plane, request, existing = write.plane, write.request, write.existing
    answer = write.answer or _usual_answer(kind, write)
    now = plane.clock.now()
    if write.error is not None:
        return _accept_and_fail(kind, write, answer)
    if existing is None:
        resource = Resource(
            path=write.path,
            kind=kind,
            body=write.body,
            facts=write.facts,
            created_at=now,
            changed_at=now,
            state=kind.settled_state,
        )
        plane.store.add(resource)
    else:
        resource = existing
        if not answer.deferred:
            resource.body, resource.facts = write.body, write.facts
            plane.store.changed(resource)
        resource.touch(now)
    if answer.is_synchronous:
        resource.state = kind.settled_state
        embedded.keep(write, None)
        kind.stored(write, resource)
        kind.settled(plane, resource)
        return _answer(plane, kind, resource, answer, None, reads.look_of(request))
    operation = _operation(plane, request, resource, answer)
    operation.on_end = _ending(kind, write, resource, answer)
    operation.on_failure = _failing(plane, resource)
    _supersede(resource)
    resource.operation = operation
    if not answer.deferred:
        embedded.keep(write, operation)
        kind.stored(write, resource)
    plane.start(operation)
    return _answer(plane, kind, resource, answer, operation, reads.look_of(request))


def _usual_answer(kind: ResourceKind, write: Write) -> Answer:
    if write.request.method == "PATCH":
        return kind.patched
    if write.existing is None:
        return kind.created
    if kind.rests_unchanged and _changes_nothing(write) and all(map(_changes_nothing, write.embedded)):
        return replace(kind.updated, state=kind.settled_state)
    return kind.updated


def _changes_nothing(write: Write) -> bool:
    existing = write.existing
    return (
        existing is not None
        and not write.dropped
        and existing.provisioning_state == existing.kind.settled_state
        and (existing.body, existing.facts) == (write.body, write.facts)
    )


def _accept_and_fail(kind: ResourceKind, write: Write, answer: Answer) -> ArmResponse:
    """Private DNS accepts a conditional create and refuses it only at the end: nothing changes."""
    plane = write.plane
    ghost = write.existing or Resource(
        path=write.path,
        kind=kind,
        body=write.body,
        facts=write.facts,
        created_at=plane.clock.now(),
        changed_at=plane.clock.now(),
    )
    operation = _operation(plane, write.request, ghost, answer)
    operation.error = write.error
    plane.start(operation)
    return _answer(plane, kind, ghost, answer, operation, reads.look_of(write.request))


def _presence(plane: ControlPlane, resource: Resource) -> Callable[[], bool]:
    """:return: tells later whether the resource is still there: what it hangs on can go while an operation runs"""
    was_stored = plane.store.find(resource.path) is resource
    return lambda: not was_stored or plane.store.find(resource.path) is resource


def _ending(kind: ResourceKind, write: Write, resource: Resource, answer: Answer) -> Any:
    is_there = _presence(write.plane, resource)

    def end() -> None:
        if not is_there():
            return
        if answer.deferred:
            resource.body, resource.facts = write.body, write.facts
            write.plane.store.changed(resource)
            embedded.keep(write, None)
            kind.stored(write, resource)
        resource.state = kind.settled_state
        resource.touch(write.plane.clock.now())
        kind.settled(write.plane, resource)
        embedded.settle(write)

    return end


def _failing(plane: ControlPlane, resource: Resource) -> Any:
    def fail() -> None:
        resource.state = "Failed"
        resource.touch(plane.clock.now())

    return fail


def _supersede(resource: Resource) -> None:
    """The newer write takes over: the older operation ends as canceled."""
    if resource.is_busy and resource.operation is not None:
        resource.operation.cancel(
            ArmError(
                409,
                "CanceledAndSupersededDueToAnotherOperation",
                f"Operation was canceled and superseded by another operation on {resource.id}.",
            )
        )


def _operation(plane: ControlPlane, request: ArmRequest, resource: Resource, answer: Answer) -> Operation:
    now = plane.clock.now()
    return Operation(
        method=request.method,
        target=resource.path,
        region=_operation_region(plane, resource),
        answer=answer,
        polling=resource.kind.polling,
        api_version=request.api_version,
        starts_at=now,
        ends_at=now + answer.duration_s * plane.time_scale,
        on_end=lambda: None,
        on_failure=lambda: None,
    )


def _operation_region(plane: ControlPlane, resource: Resource) -> str:
    """A child has no location of its own: its operations run where its parent is."""
    path: ArmPath | None = resource.path
    while path is not None:
        found = plane.store.find(path) or (resource if path is resource.path else None)
        if found is not None and found.region:
            return found.region
        path = path.parent
    return "eastus"


def _answer(
    plane: ControlPlane, kind: ResourceKind, resource: Resource, answer: Answer, operation: Operation | None, look: Look
) -> ArmResponse:
    headers = plane.follow_headers(operation) if operation is not None else {}
    if kind.etag_in_body and answer.shown is Shown.RESOURCE:
        headers["ETag"] = kind.etag_quoted.format(resource.etag)
    if answer.names_resource:
        # With its api-version, as clients that take any Location for an operation's ask there without adding one.
        headers["Location"] = f"{plane.base_url()}{resource.id}?api-version={look.api_version}"
    body: Any = None
    if answer.shown is Shown.RESOURCE and not (operation is not None and operation.method == "DELETE"):
        body = kind.render(plane, resource, look)
    elif answer.shown is Shown.EMPTY_OBJECT:
        body = {}
    elif answer.shown is Shown.OPERATION and operation is not None:
        body = kind.operation_body(plane, operation)
    return ArmResponse(answer.status, body, headers)


def _existing(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> Resource | None:
    """What is there already; the group and the parent have to be, and the etags have to fit."""
    plane.check_group(path)
    parent = path.parent
    if parent is not None and parent.type != "Microsoft.Resources/subscriptions":
        parent_kind = plane.kind(parent.type)
        if parent_kind is None or parent_kind.find(plane, parent) is None:
            raise parent_not_found(kind.type, parent.text.rpartition("/providers/")[2], "/".join(path.names))
    existing = kind.find(plane, path)
    failed = _failed_condition(request, kind, path, existing)
    if failed is not None and not kind.conditions_fail_late:
        raise failed
    return existing


def _failed_condition(
    request: ArmRequest, kind: ResourceKind, path: ArmPath, existing: Resource | None
) -> ArmError | None:
    wanted = request.headers.get("if-match", "")
    if wanted and (existing is None or (wanted != "*" and _bare(wanted) != existing.etag)):
        return kind.precondition_failed(path, exists=False)
    if request.headers.get("if-none-match") == "*" and existing is not None:
        return kind.precondition_failed(path, exists=True)
    return None


def _bare(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _write_of(
    plane: ControlPlane,
    request: ArmRequest,
    kind: ResourceKind,
    path: ArmPath,
    existing: Resource | None,
    given: dict[str, Any],
) -> Write:
    for member in given:
        if member.casefold() not in ENVELOPE_MEMBERS:
            raise invalid_request_content(
                f"Could not find member '{member}' on object of type 'ResourceDefinition'. Path '{member}', line 1, "
                "position 1."
            )
    named = {name: value for name, value in given.items() if value is not None}
    body = read_body(kind.whole_shape, {"properties": {}, **named}, kind.refusals)
    _read_location(kind, body, existing, path)
    return Write(
        plane=plane,
        request=request,
        path=path,
        existing=existing,
        body=body,
        facts=dict(existing.facts) if existing is not None else {},
        given=given,
        error=_failed_condition(request, kind, path, existing),
    )


def _read_location(kind: ResourceKind, body: dict[str, Any], existing: Resource | None, path: ArmPath) -> None:
    if not kind.tracked:
        return
    location = body.get("location") or kind.default_location or (existing.region if existing is not None else "")
    if not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    region = read_region(location, kind.type)
    if existing is not None and region != existing.region:
        raise ArmError(
            409,
            "InvalidResourceLocation",
            f"The resource '{path.name}' already exists in location '{existing.region}' in resource group "
            f"'{path.group}'. A resource with the same name cannot be created in location '{region}'. Please select a "
            "new resource name.",
        )
    body["location"] = region


def write_collection(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> ArmResponse:
    """PUT on a whole list, where a type has it (SQL replaces all of a server's firewall rules so)."""
    handler = kind.replace_all
    if request.method != "PUT" or handler is None:
        raise method_not_allowed(request.method, kind.type)
    return handler(plane, request, path)
