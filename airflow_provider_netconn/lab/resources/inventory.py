"""What there is over all types: the resources of a group or subscription, and the providers with their types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.subscriptions import RESOURCE_MANAGER_VERSIONS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

CONDITION = re.compile(r"(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)


def top_level(plane: ControlPlane, scope: str) -> list[Resource]:
    """:return: the resources of a group or a subscription that are no children of others"""
    groups = [scope]
    if scope.count("/") == 2:
        groups = [group.id for group in plane.store.children(scope, "Microsoft.Resources/subscriptions/resourceGroups")]
    return [
        resource
        for group in groups
        for resource in plane.store.children(group)
        if resource.path.parent is None and resource.kind.tracked
    ]


def summary(resource: Resource) -> dict[str, Any]:
    """:return: a resource as these lists show it: without its properties"""
    shown: dict[str, Any] = {"id": resource.id, "name": resource.path.name, "type": resource.kind.type}
    for name in ("kind", "location", "tags", "sku", "identity", "managedBy", "zones"):
        if name in resource.body:
            shown[name] = resource.body[name]
    return shown


class GroupResources(ResourceKind):
    """``GET {group}/resources``, with ``$filter`` by type, name, location or tag."""

    type = "Microsoft.Resources/subscriptions/resourceGroups/resources"
    api_versions = RESOURCE_MANAGER_VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return top_level(plane, path.parent.text if path.parent is not None else "")

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        wanted = {name.casefold(): value for name, value in CONDITION.findall(request.query.get("$filter", ""))}
        return [resource for resource in resources if _fits(resource, wanted)]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = summary(resource)
        if "provisioningstate" in look.query.get("$expand", "").casefold():
            shown["provisioningState"] = resource.provisioning_state
        return shown


class SubscriptionResources(GroupResources):
    """``GET {subscription}/resources``: the same over all groups."""

    type = "Microsoft.Resources/subscriptions/resources"


def _fits(resource: Resource, wanted: dict[str, str]) -> bool:
    tags = resource.body.get("tags") or {}
    if "tagname" in wanted and (
        wanted["tagname"] not in tags or tags[wanted["tagname"]] != wanted.get("tagvalue", tags[wanted["tagname"]])
    ):
        return False
    seen = {
        "resourcetype": resource.kind.type,
        "name": resource.path.name,
        "location": resource.region,
        "resourcegroup": resource.path.group or "",
    }
    return all(seen[name].casefold() == value.casefold() for name, value in wanted.items() if name in seen)


def _register(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    look = Look(api_version=request.api_version, query=request.query)
    return ArmResponse(200, resource.kind.render(plane, resource, look))


class Providers(ResourceKind):
    """``GET {subscription}/providers``: namespaces, their types and api-versions, by which clients choose one.

    Registering a provider is accepted and changes nothing: all are registered in the lab's subscriptions.
    """

    type = "Microsoft.Resources/subscriptions/providers"
    api_versions = RESOURCE_MANAGER_VERSIONS
    methods = frozenset({"GET"})
    actions: ClassVar = {"register": _register}

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        namespaces = sorted({kind.type.partition("/")[0] for kind in plane.kinds})
        return [_provider(self, path.child_of_list(namespace)) for namespace in namespaces]

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        for kind in plane.kinds:
            namespace = kind.type.partition("/")[0]
            if namespace.casefold() == path.name.casefold():
                return _provider(self, ArmPath(path.scope, path.namespace, path.types, (*path.names[:-1], namespace)))
        return None

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        return ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{path.name}' is invalid.")

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        namespace = resource.path.name
        return {
            "id": resource.id,
            "namespace": namespace,
            "registrationPolicy": "RegistrationRequired",
            "registrationState": "Registered",
            "resourceTypes": [
                {
                    "resourceType": kind.type.partition("/")[2],
                    "locations": [],
                    "apiVersions": sorted(kind.api_versions, reverse=True),
                    "capabilities": "SupportsTags, SupportsLocation" if kind.tracked else "None",
                }
                for kind in plane.kinds
                if kind.type.partition("/")[0].casefold() == namespace.casefold()
            ],
        }


class TenantProviders(Providers):
    """``GET /providers``: the same, of no subscription."""

    type = "Microsoft.Resources/providers"


def _provider(kind: ResourceKind, path: ArmPath) -> Resource:
    return Resource(path=path, kind=kind, body={"properties": {}}, created_at=0, changed_at=0)


KINDS = (GroupResources(), SubscriptionResources(), Providers(), TenantProviders())
