"""``privateLinkResources``: the groups of a resource that endpoints can ask for, with their members and zones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.private_link import Group, LinkType, groups_of, link_types

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

NAMED_OTHERWISE = {
    "microsoft.sql/servers": "plr",
    "microsoft.sql/managedinstances": "plr",
    "microsoft.web/sites": "site",
    "microsoft.web/sites/slots": "site",
}
"""Names of the resources where they are not their group's id, as in the services' specifications."""


class PrivateLinkResources(ResourceKind):
    """The groups of the resources of one type, derived from what the type is known to offer."""

    methods = frozenset({"GET"})
    etag_in_body = False
    shows_state = False

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        owner = _owner(plane, path)
        return [] if owner is None else [self._one(plane, owner, group) for group in groups_of(owner)]

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        wanted = path.name.casefold()
        return next((one for one in self.members(plane, path) if one.path.name.casefold() == wanted), None)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return dict(resource.facts)

    def _one(self, plane: ControlPlane, owner: Resource, group: Group) -> Resource:
        now = plane.clock.now()
        facts = {
            "groupId": group.id,
            "requiredMembers": [member.name for member in group.members],
            "requiredZoneNames": list(group.zones),
        }
        name = NAMED_OTHERWISE.get(owner.kind.type.casefold(), group.id)
        path = owner.path.child("privateLinkResources", name)
        return Resource(path=path, kind=self, body={"properties": {}}, facts=facts, created_at=now, changed_at=now)


def _owner(plane: ControlPlane, path: ArmPath) -> Resource | None:
    parent = path.parent
    kind = plane.kind(parent.type) if parent is not None else None
    return None if kind is None or parent is None else kind.find(plane, parent)


def resources_kind(link: LinkType) -> PrivateLinkResources:
    """:return: the kind of the groups of resources of a type"""

    class Resources(PrivateLinkResources):
        type = f"{link.type}/privateLinkResources"
        api_versions = link.versions

    return Resources()


KINDS = tuple(
    resources_kind(link) for link in link_types().values() if link.type != "Microsoft.Network/privateLinkServices"
)
