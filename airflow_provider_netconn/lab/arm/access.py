"""Who may do what: the question the engine asks before each request; :mod:`..resources.authorization` answers it."""

from __future__ import annotations

from typing import Protocol

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.requests import ArmRequest, Caller


class AccessControl(Protocol):
    """Authentication and authorization of requests."""

    def authenticate(self, request: ArmRequest) -> Caller:
        """Read the token, and the auxiliary ones.

        :raises ArmError: 401, there is none or it is not valid
        """

    def allows(self, caller: Caller, action: str, scope: str) -> bool:
        """:return: whether the caller's roles allow an action, such as ``Microsoft.Network/virtualNetworks/read``,
        at a scope: a resource id, a group, a subscription"""

    def reaches(self, caller: Caller, scope: str) -> bool:
        """:return: whether the caller has any role at a scope or at something in it"""

    def name_of(self, caller: Caller) -> str:
        """:return: the caller as Azure's messages name it: the application's id, or the user's principal name"""


def authorization_failed(name: str, caller: Caller, action: str, scope: str) -> ArmError:
    """403, the caller lacks an action."""
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{name}' with object id '{caller.object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )


def linked_authorization_failed(
    name: str, caller: Caller, action: str, scope: str, linked: str, linked_scope: str
) -> ArmError:
    """403, the caller may write the resource but lacks an action on another one that it refers to."""
    return ArmError(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{name}' with object id '{caller.object_id}' has permission to perform action '{action}' on scope "
        f"'{scope}'; however, it does not have permission to perform action(s) '{linked}' on the linked scope(s) "
        f"'{linked_scope}' (respectively) or the linked scope(s) are invalid.",
    )


def linked_tenant_unauthorized(caller: Caller, linked_scope: str, tenant_id: str) -> ArmError:
    """403, a resource referred to lies in a tenant for which the request carries no token.

    Microsoft Learn, "Authenticate requests across tenants": the header ``x-ms-authorization-auxiliary`` carries one.
    """
    return ArmError(
        403,
        "LinkedAuthorizationFailed",
        f"The client has permission to perform action on the resource, however the current tenant "
        f"'{caller.tenant_id}' is not authorized to access linked subscription "
        f"'{linked_scope.split('/')[2]}' of tenant '{tenant_id}'.",
    )
