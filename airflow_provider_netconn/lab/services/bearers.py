"""Whom a bearer token on the data plane speaks for, and what its roles let it do there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.requests import Caller
from airflow_provider_netconn.lab.identity.tokens import TokenError

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.authorization import RoleBasedAccess
    from airflow_provider_netconn.lab.identity.tokens import Tokens


class Bearers:
    """Reads tokens as a resource does, and looks callers' roles up.

    :param access: knows the role assignments
    :param authority: gives the URL of the lab's authority, without a tenant
    """

    def __init__(self, tokens: Tokens, access: RoleBasedAccess, authority: Callable[[], str]) -> None:
        self._tokens = tokens
        self._access = access
        self._authority = authority

    def caller(self, authorization: str, audiences: Collection[str], tenant_id: str | None = None) -> Caller | None:
        """Read a header.

        :param authorization: the whole header
        :param audiences: names of the service
        :param tenant_id: the only tenant whose tokens it takes
        :return: who it is; None: there is no token, or none that is valid here
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.casefold() != "bearer":
            return None
        try:
            claims = self._tokens.verify(token.strip(), audiences)
        except TokenError:
            return None
        if tenant_id is not None and claims.tenant_id != tenant_id:
            return None
        return Caller(tenant_id=claims.tenant_id, object_id=claims.object_id, app_id=claims.app_id or "", auxiliary=())

    def may(self, caller: Caller, action: str, scope: str) -> bool:
        """:return: whether one of the caller's roles at a scope has an action among its actions"""
        return self._access.allows(caller, action, scope)

    def may_with_data(self, caller: Caller, action: str, scope: str) -> bool:
        """:return: whether one of the caller's roles at a scope has an action among its data actions"""
        return self._access.allows_data(caller, action, scope)

    def authority(self, tenant_id: str) -> str:
        """:return: the URL of a tenant's authority"""
        return f"{self._authority()}/{tenant_id}"
