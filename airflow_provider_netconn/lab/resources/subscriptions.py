"""Tenants, subscriptions and resource groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from airflow_provider_netconn.lab.arm.engine import GROUPS, SUBSCRIPTIONS, ControlPlane
from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Polling, Shown
from airflow_provider_netconn.lab.arm.regions import REGIONS
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Object, Text
from airflow_provider_netconn.lab.arm.store import Resource

RESOURCE_MANAGER_VERSIONS = (
    "2014-04-01", "2015-01-01", "2015-11-01", "2016-02-01", "2016-06-01", "2016-07-01", "2016-09-01", "2017-05-10",
    "2018-01-01", "2018-02-01", "2018-05-01", "2019-03-01", "2019-05-01", "2019-05-10", "2019-06-01", "2019-07-01",
    "2019-08-01", "2019-10-01", "2019-11-01", "2020-01-01", "2020-05-01", "2020-06-01", "2020-08-01", "2020-10-01",
    "2021-01-01", "2021-04-01", "2022-01-01", "2022-06-01", "2022-09-01", "2022-12-01", "2023-07-01",
    "2023-07-01-preview", "2024-03-01", "2024-07-01", "2024-11-01", "2025-03-01", "2025-04-01",
)  # fmt: skip


CONDITION = re.compile(r"(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)


def conditions(request: ArmRequest) -> dict[str, str]:
    """:return: what a ``$filter`` such as ``tagName eq 'a' and tagValue eq 'b'`` asks for, names in lower case"""
    return {name.casefold(): value for name, value in CONDITION.findall(request.query.get("$filter", ""))}


def fits_tag(resource: Resource, wanted: Mapping[str, str]) -> bool:
    """:return: whether a resource has the tag that a filter's conditions ask for, if they ask for one"""
    tags, name = resource.body.get("tags") or {}, wanted.get("tagname")
    return name is None or (name in tags and tags[name] == wanted.get("tagvalue", tags[name]))


def make_subscription(plane: ControlPlane, subscription_id: str, tenant_id: str, name: str) -> Resource:
    """Put a subscription into the control plane: they are not made by requests.

    :param subscription_id: its GUID
    :param tenant_id: the tenant it belongs to
    :param name: its display name
    :return: the subscription
    """
    kind = plane.kind(SUBSCRIPTIONS)
    assert kind is not None
    now = plane.clock.now()
    resource = Resource(
        path=ArmPath("", "Microsoft.Resources", ("subscriptions",), (subscription_id,)),
        kind=kind,
        body={"properties": {}, "displayName": name},
        facts={"tenantId": tenant_id},
        created_at=now,
        changed_at=now,
    )
    plane.store.add(resource)
    return resource


class Subscriptions(ResourceKind):
    """Subscriptions: only read, and listed as far as the caller has some right in them."""

    type = SUBSCRIPTIONS
    api_versions = RESOURCE_MANAGER_VERSIONS
    methods = frozenset({"GET"})
    etag_in_body = False

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return plane.store.of_type(self.type)

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        caller = request.caller
        assert caller is not None
        return [
            resource
            for resource in resources
            if resource.facts["tenantId"] == caller.tenant_id and plane.access.reaches(caller, resource.id)
        ]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {
            "id": resource.id,
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": resource.path.name,
            "tenantId": resource.facts["tenantId"],
            "displayName": resource.body["displayName"],
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }


class ResourceGroups(ResourceKind):
    """Resource groups: made at once, deleted with all that is in them."""

    type = GROUPS
    shown_type = "Microsoft.Resources/resourceGroups"
    api_versions = RESOURCE_MANAGER_VERSIONS
    name_pattern = r"[-\w._()]{0,89}[-\w_()]"
    properties = Object(properties={})
    envelope: ClassVar = {"managedBy": Text()}
    tracked = True
    patch = Patch.MERGE
    etag_in_body = False
    created = Answer(status=201)
    updated = Answer(status=200)
    deleted = Answer(
        status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, state="Deleting", duration_s=5, final_status=200
    )
    polling = Polling(
        async_operation="/subscriptions/{subscription}/operationstatuses/{id}",
        location="/subscriptions/{subscription}/operationresults/{id}",
    )

    def check_name(self, path: ArmPath) -> None:
        try:
            super().check_name(path)
        except ArmError:
            raise ArmError(
                400,
                "InvalidResourceGroup",
                f"The provided resource group name '{path.name}' has these invalid characters: the name can only be a "
                "letter, digit, '-', '.', '(', ')' or '_', and not end with '.'.",
            ) from None

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        return [group for group in resources if fits_tag(group, conditions(request))]

    def delete_missing(self, plane: ControlPlane, path: ArmPath) -> ArmResponse:
        raise self.not_found(plane, path)

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        return ArmError(404, "ResourceGroupNotFound", f"Resource group '{path.name}' could not be found.")

    def prepare(self, write: Write) -> None:
        if write.existing is not None and write.existing.is_being_deleted:
            raise ArmError(
                409,
                "ResourceGroupBeingDeleted",
                f"The resource group '{write.path.name}' is in deprovisioning state and cannot perform this operation.",
            )


class Tenants(ResourceKind):
    """The tenants that the caller is in: the token's own."""

    type = "Microsoft.Resources/tenants"
    api_versions = RESOURCE_MANAGER_VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return ()

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        caller = request.caller
        assert caller is not None
        known = {one.tenant_id for one in (caller, *caller.auxiliary)}
        return [
            Resource(
                path=ArmPath("", "Microsoft.Resources", ("tenants",), (tenant_id,)),
                kind=self,
                body={"properties": {}},
                created_at=0,
                changed_at=0,
            )
            for tenant_id in sorted(known)
        ]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {"id": resource.id, "tenantId": resource.path.name, "tenantCategory": "Home"}


class Locations(ResourceKind):
    """The regions that a subscription can use."""

    type = "Microsoft.Resources/subscriptions/locations"
    api_versions = RESOURCE_MANAGER_VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return [
            Resource(path=path.child_of_list(region), kind=self, body={"properties": {}}, created_at=0, changed_at=0)
            for region in sorted(REGIONS - {"global"})
        ]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        name = resource.path.name
        return {"id": resource.id, "name": name, "type": "Region", "displayName": name, "regionalDisplayName": name}


KINDS = (Subscriptions(), ResourceGroups(), Tenants(), Locations())
