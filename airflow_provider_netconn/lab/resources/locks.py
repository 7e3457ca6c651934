"""Management locks, on a resource, a group or a subscription: :mod:`..arm.locks` enforces them.

Answers as recorded: 201, 200, and 204 for the delete of one that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath, parse_path
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.locks import LOCKS
from airflow_provider_netconn.lab.arm.operations import Answer
from airflow_provider_netconn.lab.arm.reads import not_found
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Choice, Items, Object, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.authorization import covers

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane


class Locks(ResourceKind):
    """Locks. Whoever may not write them cannot get around them: it is an owner's right, not a contributor's."""

    type = LOCKS
    api_versions = ("2015-01-01", "2015-05-01-preview", "2015-06-01", "2016-09-01", "2017-04-01", "2020-05-01")
    name_pattern = r"[^<>%&:\\?/\x00-\x1f]{1,260}"
    etag_in_body = False
    shows_state = False
    created = Answer(status=201)
    updated = Answer(status=200)
    deleted = Answer(status=200)
    properties = Object(
        properties={
            "level": Choice(values=("NotSpecified", "CanNotDelete", "ReadOnly"), required=True),
            "notes": Text(longest=512),
            "owners": Items(of=Object(properties={"applicationId": Text()})),
        }
    )

    def prepare(self, write: Write) -> None:
        if write.plane.find(write.path.scope) is None:
            raise not_found(write.plane, parse_path(write.path.scope))

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return [lock for lock in plane.store.of_type(LOCKS) if covers(path.scope, lock.path.scope)]

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        if "atscope()" not in request.query.get("$filter", "").casefold():
            return resources
        asked_at = request.path.rpartition("/providers/")[0].casefold()
        return [lock for lock in resources if lock.path.scope.casefold() == asked_at]

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        return ArmError(404, "LockNotFound", f"The lock '{path.name}' could not be found.")

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render(plane, resource, look)
        return {name: shown[name] for name in ("properties", "id", "type", "name")}


KINDS = (Locks(),)
