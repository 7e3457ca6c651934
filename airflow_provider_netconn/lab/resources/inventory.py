"""What there is over all types: the resources of a group or subscription, and the providers with their types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import RESOURCES, ArmPath
from airflow_provider_netconn.lab.arm.kinds import CollectionHandler, Look, ResourceKind
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.subscriptions import RESOURCE_MANAGER_VERSIONS, conditions, fits_tag

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane


def top_level(plane: ControlPlane, scope: str) -> list[Resource]:
    """:return: the resources of a group or a subscription that are no children of others"""
    groups = [scope]
    if scope.count("/") == 2:
        groups = [group.id for group in plane.store.children(scope, "Microsoft.Resources/subscriptions/resourceGroups")]
    return [
        resource
        for group in groups
        for resource in plane.store.children(group)
        if resource.path.parent is None and (resource.kind.tracked or "location" in resource.body)
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
        wanted = conditions(request)
        return [resource for resource in resources if fits_tag(resource, wanted) and _fits(resource, wanted)]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = summary(resource)
        if "provisioningstate" in look.query.get("$expand", "").casefold():
            shown["provisioningState"] = resource.provisioning_state
        return shown


class SubscriptionResources(GroupResources):
    """``GET {subscription}/resources``: the same over all groups."""

    type = "Microsoft.Resources/subscriptions/resources"


def _fits(resource: Resource, wanted: dict[str, str]) -> bool:
    seen = {
        "resourcetype": resource.kind.type,
        "name": resource.path.name,
        "location": resource.region,
        "resourcegroup": resource.path.group or "",
    }
    return all(seen[name].casefold() == value.casefold() for name, value in wanted.items() if name in seen)


class Providers(ResourceKind):
    """``GET {subscription}/providers``: namespaces, their types and api-versions, by which clients choose one.

    All are registered in the lab's subscriptions.
    """

    type = "Microsoft.Resources/subscriptions/providers"
    api_versions = RESOURCE_MANAGER_VERSIONS
    methods = frozenset({"GET"})

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


class Registration(ResourceKind):
    """``POST {subscription}/providers/{namespace}/register``, and ``unregister``: accepted, and changes nothing.

    A kind of this type is made for each namespace, as the action that it needs is the namespace's.
    """

    api_versions = RESOURCE_MANAGER_VERSIONS
    methods = frozenset()
    listed = False

    def collection_action(self, path: ArmPath) -> CollectionHandler | None:
        return _register if not path.names else None


REGISTRATIONS = frozenset({"register", "unregister"})


def _register(plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
    kind = plane.kind(Providers.type)
    assert kind is not None
    wanted = ArmPath("", RESOURCES, ("subscriptions", "providers"), (path.subscription or "", path.namespace))
    provider = kind.find(plane, wanted)
    if provider is None:
        raise kind.not_found(plane, wanted)
    return ArmResponse(200, kind.render(plane, provider, Look(api_version=request.api_version, query={})))


def _provider(kind: ResourceKind, path: ArmPath) -> Resource:
    return Resource(path=path, kind=kind, body={"properties": {}}, created_at=0, changed_at=0)


KINDS = (GroupResources(), SubscriptionResources(), Providers(), TenantProviders())
