"""Children that stand in their parent's body: the subnets of a network, the rules of a security group.

A PUT of the parent that carries the list makes, changes and removes children so that they come out as listed; one that
leaves it out leaves them alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Write
from airflow_provider_netconn.lab.arm.schema import read_body
from airflow_provider_netconn.lab.arm.store import Resource

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.kinds import ResourceKind
    from airflow_provider_netconn.lab.arm.operations import Operation


def take(write: Write, kind: ResourceKind) -> None:
    """Move the children out of the parent's body into writes of their own.

    :raises ArmError: 400, one of them has no name, or does not have the shape of its type
    """
    children: list[Write] = []
    dropped: list[Resource] = []
    for name, segment in kind.embeds.items():
        items = write.properties.pop(name, None)
        if items is None:
            continue
        taken = [child for item in items if not _is_derived(child := _child(write, segment, item, name))]
        kept = {child.path.key for child in taken}
        present = write.plane.store.children(write.path, f"{kind.type}/{segment}")
        dropped += [resource for resource in present if resource.path.key not in kept]
        children += taken
    write.embedded, write.dropped = tuple(children), tuple(dropped)


def prepare(write: Write) -> None:
    """Let each child's kind refuse or complete it, in the light of all others.

    :raises ArmError: the refusal
    """
    for child in write.embedded:
        kind = write.plane.kind(child.path.type)
        assert kind is not None
        action = f"{kind.type}/write"
        for linked, linked_id in kind.linked_permissions(child):
            write.plane.authorize_linked(write.request, action, child.path, linked, linked_id)
        kind.prepare(child)
    for resource in write.dropped:
        resource.kind.check_delete(write.plane, write.request, resource)


def keep(write: Write, operation: Operation | None) -> None:
    """Put the children into the store, and take those out that the body leaves out.

    :param operation: the parent's, which the children share
    """
    plane = write.plane
    for resource in write.dropped:
        plane.store.remove(resource)
        resource.kind.removed(plane, resource)
    for child in write.embedded:
        resource = _kept(child)
        resource.operation = operation
        resource.kind.stored(child, resource)
        if operation is None:
            resource.kind.settled(plane, resource)


def settle(write: Write) -> None:
    """Tell the children that provisioning has ended well."""
    for child in write.embedded:
        resource = write.plane.store.find(child.path)
        if resource is not None:
            resource.touch(write.plane.clock.now())
            resource.kind.settled(write.plane, resource)


def _is_derived(child: Write) -> bool:
    kind = child.plane.kind(child.path.type)
    return kind is not None and kind.is_derived(child.plane, child.path)


def _child(write: Write, segment: str, item: Any, place: str) -> Write:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name:
        raise ArmError(
            400,
            "InvalidRequestFormat",
            "Cannot parse the request.",
            details=({"code": "MissingRequiredParameter", "message": f"An item of 'properties.{place}' has no name."},),
        )
    path = write.path.child(segment, name)
    kind = write.plane.kind(path.type)
    assert kind is not None, path.type
    kind.check_name(path)
    existing = write.plane.store.find(path)
    body = read_body(
        kind.whole_shape,
        {"properties": {}, **{name: value for name, value in item.items() if value is not None}},
        kind.refusals,
        f"properties.{place}[{name}]",
    )
    return Write(
        plane=write.plane,
        request=replace(write.request),
        path=path,
        existing=existing,
        body=body,
        facts=dict(existing.facts) if existing is not None else {},
        given=item,
        parent_write=write,
    )


def _kept(child: Write) -> Resource:
    now = child.plane.clock.now()
    if child.existing is not None:
        child.existing.body, child.existing.facts = child.body, child.facts
        child.plane.store.changed(child.existing)
        child.existing.touch(now)
        return child.existing
    kind = child.plane.kind(child.path.type)
    assert kind is not None
    resource = Resource(
        path=child.path,
        kind=kind,
        body=child.body,
        facts=child.facts,
        created_at=now,
        changed_at=now,
        state=kind.settled_state,
    )
    child.plane.store.add(resource)
    return resource
