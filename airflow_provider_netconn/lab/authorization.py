"""Enforcement: each request's caller is read from its token, and each action is looked up in the caller's roles.

A role assignment takes effect a settable time after it was made, and holds at its scope and below it; an action is
allowed where one role of the caller's lists it among its ``actions`` and not among its ``notActions`` (Microsoft Learn,
"Understand Azure role definitions").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.requests import ArmRequest, Caller
from airflow_provider_netconn.lab.identity.tokens import Claims, TokenError, TokenFault
from airflow_provider_netconn.lab.resources.builtin_roles import BY_ID

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.directory import Directory
    from airflow_provider_netconn.lab.identity.tokens import Tokens

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
AUXILIARY = "x-ms-authorization-auxiliary"
MOST_AUXILIARY = 3
"""Tokens in the header at most (Microsoft Learn, "Authenticate requests across tenants")."""


class RoleBasedAccess:
    """Azure role-based access control over the lab's own role assignments.

    :param directory: who there is
    :param tokens: reads the callers' tokens
    :param audiences: the names of Resource Manager that a token may be for; may grow later, by the lab's own URL
    """

    def __init__(self, directory: Directory, tokens: Tokens, audiences: Collection[str]) -> None:
        self.directory = directory
        self.replication_delay_s = 0.0
        """How long a new assignment does not work yet, in seconds of the lab's time."""
        self.principal_delay_s = 0.0
        """How long Resource Manager does not know of a new principal, in seconds of the lab's time."""
        self._tokens = tokens
        self._audiences = audiences
        self._plane: ControlPlane | None = None
        self._held: dict[str, dict[str, list[Resource]]] = {}
        """Principal -> scope -> assignments, as of :attr:`_version`."""
        self._version = (-1, -1)

    def attach(self, plane: ControlPlane) -> None:
        """Say which control plane holds the assignments; before the first request."""
        self._plane = plane

    # -- who ------------------------------------------------------------------------------------

    def authenticate(self, request: ArmRequest) -> Caller:
        """Read the caller from ``Authorization`` and ``x-ms-authorization-auxiliary``.

        :raises ArmError: 401, a token is missing or not valid
        """
        claims = self._verify(request.headers.get("authorization", ""))
        auxiliary = request.headers.get(AUXILIARY, "")
        others = [part.strip() for part in auxiliary.replace(";", ",").split(",") if part.strip()]
        if len(others) > MOST_AUXILIARY:
            raise _unauthorized(
                "InvalidAuxiliaryTokens",
                f"Authentication failed: at most {MOST_AUXILIARY} auxiliary tokens are allowed.",
            )
        return _caller(claims, tuple(_caller(self._verify(other)) for other in others))

    def _verify(self, header: str) -> Claims:
        scheme, _, token = header.partition(" ")
        if scheme.casefold() != "bearer" or not token:
            raise _unauthorized(
                "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing or invalid."
            )
        try:
            return self._tokens.verify(token.strip(), self._audiences)
        except TokenError as error:
            raise _token_refused(error) from None

    def name_of(self, caller: Caller) -> str:
        """:return: the application's id, or the user's principal name"""
        principal = self.directory.principal(caller.object_id)
        if principal is not None and principal.user_principal_name:
            return principal.user_principal_name
        return caller.app_id or caller.object_id

    # -- what -----------------------------------------------------------------------------------

    def allows(self, caller: Caller, action: str, scope: str) -> bool:
        """:return: whether one of the caller's roles at the scope allows the action"""
        return any(grants(permission, action) for permission in self.permissions(caller, scope))

    def reaches(self, caller: Caller, scope: str) -> bool:
        """:return: whether the caller has a role at the scope, around it or within it"""
        return any(
            (covers(assignment.path.scope, scope) or covers(scope, assignment.path.scope))
            and self._is_effective(assignment)
            for by_scope in self._assignments(caller)
            for assignments in by_scope.values()
            for assignment in assignments
        )

    def allows_data(self, caller: Caller, action: str, scope: str) -> bool:
        """:return: whether one of the caller's roles at the scope allows an action on the data plane"""
        return any(
            grants(permission, action, "dataActions", "notDataActions")
            for permission in self.permissions(caller, scope)
        )

    def permissions(self, caller: Caller, scope: str) -> Iterator[Mapping[str, Any]]:
        """:return: the permissions of all roles that the caller has at a scope, as role definitions list them"""
        assert self._plane is not None
        around = list(itertools.accumulate(scope.rstrip("/").casefold().split("/"), "{}/{}".format))
        for by_scope in self._assignments(caller):
            for assignment in (one for place in around for one in by_scope.get(place, ())):
                definition = definition_of(self._plane, assignment.properties["roleDefinitionId"])
                if definition is not None and self._is_effective(assignment):
                    yield from definition["permissions"]

    def _is_effective(self, assignment: Resource) -> bool:
        assert self._plane is not None
        return assignment.created_at + self.replication_delay_s <= self._plane.clock.now()

    def _assignments(self, caller: Caller) -> Iterator[dict[str, list[Resource]]]:
        """The assignments of the caller and of each of its groups, by scope in lower case."""
        assert self._plane is not None
        version = self._plane.store.version_of(ASSIGNMENTS)
        if self._version != version:
            self._held, self._version = {}, version
            for assignment in self._plane.store.of_type(ASSIGNMENTS):
                principal = str(assignment.properties["principalId"]).casefold()
                place = assignment.path.scope.rstrip("/").casefold()
                self._held.setdefault(principal, {}).setdefault(place, []).append(assignment)
        for object_id in (caller.object_id.casefold(), *self.directory.groups_of(caller.object_id)):
            if object_id in self._held:
                yield self._held[object_id]


def definition_of(plane: ControlPlane, role_definition_id: str) -> dict[str, Any] | None:
    """Look a role up.

    :param role_definition_id: its id at any scope: roles are one to a tenant, by their GUID
    :return: the ``properties`` of the definition, or None: there is none
    """
    role_id = role_definition_id.rstrip("/").rpartition("/")[2].casefold()
    if role_id in BY_ID:
        return {"permissions": BY_ID[role_id].permissions, "roleName": BY_ID[role_id].name, "type": "BuiltInRole"}
    custom = custom_definition(plane, role_id)
    return None if custom is None else custom.properties


def custom_definition(plane: ControlPlane, role_id: str) -> Resource | None:
    """:return: the custom role of a GUID, wherever it was made"""
    for resource in plane.store.of_type(DEFINITIONS):
        if resource.path.name.casefold() == role_id.casefold():
            return resource
    return None


def covers(scope: str, target: str) -> bool:
    """:return: whether a resource id lies at a scope or below it; ``""`` and ``/`` are the tenant's root"""
    bare, wanted = scope.rstrip("/").casefold(), target.rstrip("/").casefold()
    return wanted == bare or wanted.startswith(f"{bare}/")


def grants(permission: Mapping[str, Any], action: str, allowed: str = "actions", excepted: str = "notActions") -> bool:
    """:return: whether a permission of a role definition allows an action"""
    return any(matches(pattern, action) for pattern in permission.get(allowed) or ()) and not any(
        matches(pattern, action) for pattern in permission.get(excepted) or ()
    )


@lru_cache(maxsize=65536)
def matches(pattern: str, action: str) -> bool:
    """:return: whether an action is of a pattern such as ``Microsoft.Network/*/read``; case does not matter"""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None


def _caller(claims: Claims, auxiliary: tuple[Caller, ...] = ()) -> Caller:
    return Caller(
        tenant_id=claims.tenant_id, object_id=claims.object_id, app_id=claims.app_id or "", auxiliary=auxiliary
    )


def _unauthorized(code: str, message: str) -> ArmError:
    challenge = 'Bearer authorization_uri="https://login.windows.net/", error="invalid_token"'
    return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})


def _token_refused(error: TokenError) -> ArmError:
    if error.reason is TokenFault.EXPIRED:
        return _unauthorized(
            "ExpiredAuthenticationToken", f"The access token expiry UTC time has passed: {error}. Get a new one."
        )
    if error.reason is TokenFault.AUDIENCE:
        return _unauthorized(
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource: {error}.",
        )
    return _unauthorized("InvalidAuthenticationToken", f"The access token is invalid: {error}.")
