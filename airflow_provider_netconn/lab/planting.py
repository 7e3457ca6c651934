"""A seed made real: principals in the directory, resources through the control plane's own handling."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from typing import Final

from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse, Caller
from airflow_provider_netconn.lab.authorization import RoleBasedAccess
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import (
    Application,
    ClientSecret,
    Directory,
    FederatedCredential,
    Principal,
    PrincipalKind,
    ServicePrincipalType,
    Tenant,
)
from airflow_provider_netconn.lab.errors import SeedError
from airflow_provider_netconn.lab.identity.tokens import Tokens
from airflow_provider_netconn.lab.resources.builtin_roles import BUILT_IN_ROLES
from airflow_provider_netconn.lab.resources.subscriptions import make_subscription
from airflow_provider_netconn.lab.seed import PrincipalSeed, ResourceSeed, RoleSeed, Seed

AGE_S: Final = 30 * 86_400.0
"""How old what was seeded is: delays of new principals and grants are over."""

LAB_ISSUER: Final = "lab"
"""In a seed, the issuer of federated tokens that the lab itself is."""

_ROLE_VERSION: Final = "2022-04-01"


class SeedingAccess(RoleBasedAccess):
    """Role-based access that lets everything pass while a seed is planted, and nothing more than roles say later."""

    def __init__(self, directory: Directory, tokens: Tokens, audiences: Collection[str]) -> None:
        super().__init__(directory, tokens, audiences)
        self.is_seeding = False

    def allows(self, caller: Caller, action: str, scope: str) -> bool:
        return self.is_seeding or super().allows(caller, action, scope)


def plant_directory(directory: Directory, seed: Seed, clock: Clock, *, issuer: str) -> None:
    """Put a seed's tenants and principals into an empty directory.

    :param issuer: URL of the issuer that the seed calls :data:`LAB_ISSUER`
    :raises SeedError: an id stands for two principals
    """
    for tenant in seed.tenants:
        directory.add_tenant(Tenant(tenant_id=tenant.id, domain=tenant.domain, display_name=tenant.name))
    created_at = clock.now() - AGE_S
    for principal in seed.principals:
        if directory.principal(principal.object_id) is not None:
            raise SeedError(principal.place, f"object_id {principal.object_id} stands for another one too")
        try:
            _plant_principal(directory, seed, principal, created_at, issuer)
        except ValueError as error:
            raise SeedError(principal.place, str(error)) from None
    for principal in seed.principals:
        if principal.members:
            members = [seed.principal(name).object_id for name in principal.members]
            directory.set_members(principal.object_id, members)


def _plant_principal(
    directory: Directory, seed: Seed, principal: PrincipalSeed, created_at: float, issuer: str
) -> None:
    if principal.kind == "ServicePrincipal":
        assert principal.app_id is not None
        secrets = [ClientSecret(value=principal.client_secret)] if principal.client_secret else []
        trusted = [
            FederatedCredential(
                issuer=issuer if credential.issuer == LAB_ISSUER else credential.issuer,
                subject=credential.subject,
                audience=credential.audience,
            )
            for credential in principal.federated
        ]
        directory.add_application(
            Application(
                app_id=principal.app_id,
                object_id=str(uuid.uuid5(uuid.NAMESPACE_OID, principal.app_id)),
                tenant_id=seed.tenant(principal.tenant).id,
                display_name=principal.name,
                multi_tenant=bool(principal.also_in),
            ),
            *secrets,
            *trusted,
        )
    for tenant, object_id in {principal.tenant: principal.object_id, **principal.also_in}.items():
        directory.add(_principal(principal, seed.tenant(tenant).id, object_id, created_at))


def _principal(seed: PrincipalSeed, tenant_id: str, object_id: str, created_at: float) -> Principal:
    is_identity = seed.kind == "ManagedIdentity"
    return Principal(
        object_id=object_id,
        tenant_id=tenant_id,
        kind=PrincipalKind.SERVICE_PRINCIPAL if is_identity else PrincipalKind(seed.kind),
        display_name=seed.name,
        app_id=seed.app_id,
        user_principal_name=seed.user_principal_name,
        service_principal_type=ServicePrincipalType.MANAGED_IDENTITY if is_identity else None,
        resource_id=seed.resource_id,
        graph_permissions=seed.graph_permissions,
        created_at=created_at,
    )


def plant_control_plane(plane: ControlPlane, access: SeedingAccess, seed: Seed) -> None:
    """Make a seed's subscriptions, resources and role assignments.

    :param plane: empty
    :raises SeedError: the control plane refuses one of them; with its words
    """
    planter = _Planter(plane, seed)
    time_scale, plane.time_scale, access.is_seeding = plane.time_scale, 0.0, True
    try:
        for subscription in seed.subscriptions:
            make_subscription(plane, subscription.id, seed.tenant(subscription.tenant).id, subscription.name)
        for resource in seed.resources:
            planter.put(resource)
        for role in seed.roles:
            planter.put(planter.assignment(role))
    finally:
        plane.time_scale, access.is_seeding = time_scale, False
    for made in plane.store:
        made.created_at -= AGE_S
        made.changed_at -= AGE_S


class _Planter:
    def __init__(self, plane: ControlPlane, seed: Seed) -> None:
        self._plane = plane
        self._seed = seed
        self._tenants = {subscription.id: seed.tenant(subscription.tenant).id for subscription in seed.subscriptions}

    def put(self, resource: ResourceSeed) -> None:
        """PUT a resource, and see it there and done.

        :raises SeedError: it was refused, or its operation failed
        """
        answer = self._send("PUT", resource)
        self._plane.operations.advance()
        if answer.status < 300:
            answer = self._send("GET", resource)
        if answer.status >= 300:
            raise SeedError(resource.place, f"the control plane refuses it: {_words(answer)}", "mend it as Azure asks")
        state = str((answer.body.get("properties") or {}).get("provisioningState", "Succeeded"))
        if state in {"Failed", "Canceled"}:
            raise SeedError(resource.place, f"it was accepted and then ended {state}", "mend it as Azure asks")

    def assignment(self, role: RoleSeed) -> ResourceSeed:
        """A role assignment as a PUT makes it.

        :raises SeedError: there is no built-in role of that name, or the principal is not in that tenant
        """
        found = next((known for known in BUILT_IN_ROLES if known.name.casefold() == role.role.casefold()), None)
        if found is None:
            known_names = ", ".join(known.name for known in BUILT_IN_ROLES)
            raise SeedError(role.place, f"{role.role!r} is no built-in role", f"known are {known_names}")
        subscription = role.scope.split("/")[2] if role.scope.startswith("/subscriptions/") else ""
        principal = self._seed.principal(role.principal)
        object_id = self._object_id(principal, self._tenants.get(subscription, ""))
        kind = "ServicePrincipal" if principal.kind == "ManagedIdentity" else principal.kind
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{role.scope}|{object_id}|{found.role_id}")
        definition = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{found.role_id}"
        properties = {"roleDefinitionId": definition, "principalId": object_id, "principalType": kind}
        return ResourceSeed(
            place=role.place,
            id=f"{role.scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
            api_version=_ROLE_VERSION,
            body={"properties": properties},
        )

    def _object_id(self, principal: PrincipalSeed, tenant_id: str) -> str:
        """The principal as that tenant knows it."""
        for tenant, object_id in principal.also_in.items():
            if self._seed.tenant(tenant).id == tenant_id:
                return object_id
        return principal.object_id

    def _send(self, method: str, resource: ResourceSeed) -> ArmResponse:
        """Send a request as somebody who is known in every tenant."""
        subscription = resource.id.split("/")[2]
        callers = [Caller(tenant_id=tenant.id, object_id=str(uuid.UUID(int=0))) for tenant in self._seed.tenants]
        home = self._tenants.get(subscription, callers[0].tenant_id)
        caller = Caller(tenant_id=home, object_id=str(uuid.UUID(int=0)), auxiliary=tuple(callers))
        return self._plane.handle(
            ArmRequest(
                method=method,
                path=resource.id,
                query={"api-version": resource.api_version},
                content=json.dumps(resource.body).encode() if method == "PUT" else b"",
                caller=caller,
            )
        )


def _words(answer: ArmResponse) -> str:
    error = answer.body.get("error", answer.body) if isinstance(answer.body, dict) else {}
    return f"{answer.status} {error.get('code')}: {error.get('message')}"
