"""Role definitions, role assignments, and the list of what the caller may do."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, timestamp
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Items, Object, Reference, Refusals, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.authorization import (
    ASSIGNMENTS,
    DEFINITIONS,
    RoleBasedAccess,
    covers,
    custom_definition,
    definition_of,
)
from airflow_provider_netconn.lab.resources.builtin_roles import BUILT_IN_ROLES, BY_ID

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

VERSIONS = (
    "2015-05-01-preview", "2015-06-01", "2015-07-01", "2016-07-01", "2017-10-01-preview", "2018-01-01-preview",
    "2018-07-01-preview", "2018-09-01-preview", "2020-03-01-preview", "2020-04-01-preview", "2020-08-01-preview",
    "2020-10-01-preview", "2021-04-01-preview", "2022-04-01", "2022-05-01-preview", "2022-08-01-preview",
    "2026-01-01-preview",
)  # fmt: skip
GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
REFUSALS = Refusals(malformed="BadRequestFormat", missing="BadRequestFormat", invalid="BadRequestFormat")


def access_of(plane: ControlPlane) -> RoleBasedAccess:
    """:return: the control plane's access control, which is role-based wherever these types are served"""
    return cast("RoleBasedAccess", plane.access)


class RoleDefinitions(ResourceKind):
    """Built-in roles, which are read from a table, and custom ones."""

    type = DEFINITIONS
    api_versions = VERSIONS
    refusals = REFUSALS
    etag_in_body = False
    shows_state = False
    created = updated = Answer(status=201)  # recorded: an update answers 201 too
    properties = Object(
        properties={
            "roleName": Text(required=True, shortest=1, longest=512),
            "description": Text(default=""),
            "type": Text(default="CustomRole"),
            "permissions": Items(
                required=True,
                fewest=1,
                of=Object(
                    properties={
                        name: Items(of=Text(shortest=1), default=[])
                        for name in ("actions", "notActions", "dataActions", "notDataActions")
                    }
                    | {"condition": Text(), "conditionVersion": Text()}
                ),
            ),
            "assignableScopes": Items(of=Text(shortest=1), required=True, fewest=1),
            **{name: Anything(read_only=True) for name in ("createdBy", "createdOn", "updatedBy", "updatedOn")},
        }
    )

    def check_name(self, path: ArmPath) -> None:
        if not GUID.fullmatch(path.name):
            raise ArmError(400, "InvalidRoleDefinitionId", f"The role definition ID '{path.name}' is not valid.")

    def prepare(self, write: Write) -> None:
        role_id = write.path.name.casefold()
        if role_id in BY_ID:
            raise ArmError(400, "RoleDefinitionUpdateNotPermitted", f"The built-in role '{role_id}' can't be changed.")
        name = write.properties["roleName"].casefold()
        for other in write.plane.store.of_type(DEFINITIONS):
            if other.properties["roleName"].casefold() == name and other.path.name.casefold() != role_id:
                raise _name_taken(write.properties["roleName"], other.path.name)
        if any(role.name.casefold() == name for role in BUILT_IN_ROLES):
            raise _name_taken(
                write.properties["roleName"], next(r.role_id for r in BUILT_IN_ROLES if r.name.casefold() == name)
            )
        write.properties["type"] = "CustomRole"
        write.facts.update(_changed_by(write))

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        for assignment in plane.store.of_type(ASSIGNMENTS):
            used = assignment.properties["roleDefinitionId"].rpartition("/")[2]
            if used.casefold() == resource.path.name.casefold():
                raise ArmError(
                    400,
                    "RoleDefinitionHasAssignments",
                    f"There are existing role assignments referencing role (code: RoleDefinitionHasAssignments): "
                    f"'{resource.path.name}'.",
                )

    def deleted_body(self, shown: dict[str, Any] | None) -> Any:
        return shown

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        role = BY_ID.get(path.name.casefold())
        if role is None:
            return custom_definition(plane, path.name)
        return self._built_in(plane, path.scope, role.role_id)

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        custom = [
            resource
            for resource in plane.store.of_type(DEFINITIONS)
            if any(
                covers(scope, path.scope) or covers(path.scope, scope)
                for scope in resource.properties["assignableScopes"]
            )
        ]
        return [*(self._built_in(plane, path.scope, role.role_id) for role in BUILT_IN_ROLES), *custom]

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        wanted = _filters(request)
        name, kind = wanted.get("rolename"), wanted.get("type")
        return [
            resource
            for resource in resources
            if (name is None or resource.properties["roleName"].casefold() == name.casefold())
            and (kind is None or resource.properties["type"].casefold() == kind.casefold())
        ]

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        return ArmError(
            404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{path.name}' does not exist."
        )

    def _built_in(self, plane: ControlPlane, scope: str, role_id: str) -> Resource:
        role = BY_ID[role_id]
        subscription = "/".join(scope.split("/")[:3])
        return Resource(
            path=ArmPath(subscription, "Microsoft.Authorization", ("roleDefinitions",), (role.role_id,)),
            kind=self,
            body={
                "properties": {
                    "roleName": role.name,
                    "type": "BuiltInRole",
                    "description": role.description,
                    "assignableScopes": ["/"],
                    "permissions": role.permissions,
                }
            },
            facts={
                "createdOn": "2015-02-02T21:55:09.8806423Z",
                "updatedOn": "2023-07-10T15:10:53.8947440Z",
                "createdBy": None,
                "updatedBy": None,
            },
            etag="",
            created_at=0,
            changed_at=0,
        )


class RoleAssignments(ResourceKind):
    """Who has which role where."""

    type = ASSIGNMENTS
    api_versions = VERSIONS
    refusals = REFUSALS
    etag_in_body = False
    shows_state = False
    created = updated = Answer(status=201)  # recorded: an update answers 201 too
    properties = Object(
        properties={
            "roleDefinitionId": Reference(required=True),
            "principalId": Text(required=True),
            "principalType": Choice(values=("User", "Group", "ServicePrincipal", "ForeignGroup", "Device"), open=False),
            "description": Text(),
            "condition": Text(),
            "conditionVersion": Text(),
            "delegatedManagedIdentityResourceId": Text(),
            **{
                name: Anything(read_only=True) for name in ("scope", "createdBy", "createdOn", "updatedBy", "updatedOn")
            },
        }
    )

    def check_name(self, path: ArmPath) -> None:
        if not GUID.fullmatch(path.name):
            raise ArmError(
                400,
                "InvalidRoleAssignmentId",
                f"The role assignment ID '{path.name}' is not valid. The role assignment ID must be a GUID.",
            )

    def prepare(self, write: Write) -> None:
        plane, properties = write.plane, write.properties
        if definition_of(plane, properties["roleDefinitionId"]) is None:
            role_id = properties["roleDefinitionId"].rpartition("/")[2]
            raise ArmError(
                404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role_id}' does not exist."
            )
        self._check_unchanged(write)
        self._check_principal(write)
        self._check_unique(write)
        write.facts.update(_changed_by(write))
        write.facts["scope"] = write.path.scope or "/"
        for name in ("description", "condition", "conditionVersion", "delegatedManagedIdentityResourceId"):
            properties.setdefault(name, None)

    def _check_unchanged(self, write: Write) -> None:
        existing = write.existing
        if existing is None:
            return
        kept = existing.properties
        same_role = kept["roleDefinitionId"].rpartition("/")[2].casefold() == (
            write.properties["roleDefinitionId"].rpartition("/")[2].casefold()
        )
        if kept["principalId"].casefold() != write.properties["principalId"].casefold() or not same_role:
            raise ArmError(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            )

    def _check_principal(self, write: Write) -> None:
        access = access_of(write.plane)
        object_id, given = write.properties["principalId"], write.properties.get("principalType")
        tenant = write.plane.tenant_of(write.path.scope) or ""
        principal = access.directory.principal(object_id)
        known = principal is not None and principal.tenant_id.casefold() == tenant.casefold()
        if principal is not None and given is None:
            known = known and (principal.created_at or 0) + access.principal_delay_s <= write.plane.clock.now()
        if not known or principal is None:
            raise ArmError(
                400,
                "PrincipalNotFound",
                f"Principal {object_id.replace('-', '')} does not exist in the directory {tenant}. Check that you have "
                "the correct principal ID. If you are creating this principal and then immediately assigning a role, "
                "this error might be related to a replication delay. In this case, set the role assignment "
                "principalType property to a value, such as ServicePrincipal, User, or Group.  See "
                "https://aka.ms/docs-principaltype",
            )
        if given is not None and given != principal.kind.value:
            raise ArmError(
                400,
                "UnmatchedPrincipalType",
                f"The PrincipalId '{object_id.replace('-', '')}' has type '{principal.kind.value}' , which is "
                f"different from specified PrinciaplType '{given}'.",
            )
        write.properties["principalType"] = principal.kind.value

    def _check_unique(self, write: Write) -> None:
        def identity(properties: dict[str, Any]) -> tuple[str, str]:
            return properties["principalId"].casefold(), properties["roleDefinitionId"].rpartition("/")[2].casefold()

        for other in write.plane.store.children(write.path.scope, self.type):
            if other.path.key != write.path.key and identity(other.properties) == identity(write.properties):
                raise ArmError(
                    409,
                    "RoleAssignmentExists",
                    "The role assignment already exists. The ID of the existing role assignment is "
                    f"{uuid.UUID(other.path.name).hex}.",
                )

    def deleted_body(self, shown: dict[str, Any] | None) -> Any:
        return shown

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return [
            resource
            for resource in plane.store.of_type(self.type)
            if covers(path.scope, resource.path.scope) or covers(resource.path.scope, path.scope)
        ]

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        wanted = _filters(request)
        asked_at = request.path.rpartition("/providers/")[0]
        if "atscope()" in request.query.get("$filter", "").casefold():
            resources = [resource for resource in resources if covers(resource.path.scope, asked_at)]
        holders = {wanted["principalid"].casefold()} if "principalid" in wanted else None
        if "assignedto" in wanted:
            assigned = wanted["assignedto"].casefold()
            holders = {assigned, *access_of(plane).directory.groups_of(assigned)}
        if holders is None:
            return resources
        return [resource for resource in resources if resource.properties["principalId"].casefold() in holders]

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        return ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{path.name}' is not found.")


class Permissions(ResourceKind):
    """What the caller may do at a scope: one entry for each permission of each of its roles there."""

    type = "Microsoft.Authorization/permissions"
    api_versions = VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        return ()

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        assert request.caller is not None
        scope = request.path.rpartition("/providers/")[0]
        path = ArmPath(scope, "Microsoft.Authorization", ("permissions",), ("",))
        return [
            Resource(path=path, kind=self, body={"properties": dict(permission)}, created_at=0, changed_at=0)
            for permission in access_of(plane).permissions(request.caller, scope)
        ]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        names = ("actions", "notActions", "dataActions", "notDataActions")
        return {name: list(resource.properties.get(name) or ()) for name in names}


class DenyAssignments(ResourceKind):
    """Deny assignments: Azure makes them itself (managed applications, deployment stacks), and the lab makes none."""

    type = "Microsoft.Authorization/denyAssignments"
    api_versions = VERSIONS
    methods = frozenset({"GET"})


def _name_taken(name: str, role_id: str) -> ArmError:
    return ArmError(
        409,
        "RoleDefinitionWithSameNameExists",
        f"A custom role with the same name already exists in this directory. Use a different name. Name: '{name}', "
        f"existing role definition ID: '{role_id}'.",
    )


def _changed_by(write: Write) -> dict[str, Any]:
    assert write.request.caller is not None
    now = timestamp(write.plane.clock.now())
    who = write.request.caller.object_id
    created = write.facts if write.existing is not None else {"createdOn": now, "createdBy": who}
    return {**created, "updatedOn": now, "updatedBy": who}


def _filters(request: ArmRequest) -> dict[str, str]:
    """The conditions of ``$filter`` that these lists know: ``name eq 'value'`` and ``assignedTo('value')``."""
    text = request.query.get("$filter", "")
    found = {name.casefold(): value for name, value in re.findall(r"(\w+)\s+eq\s+'([^']*)'", text)}
    assigned = re.search(r"assignedTo\('([^']*)'\)", text, re.IGNORECASE)
    if assigned:
        found["assignedto"] = assigned.group(1)
    return found


KINDS = (RoleDefinitions(), RoleAssignments(), Permissions(), DenyAssignments())
