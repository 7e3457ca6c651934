"""The directory of Entra ID: tenants, applications and their credentials, and the principals of each tenant.

An application is registered once, in its home tenant, and has one application id everywhere. In each tenant that
consented to it, it is represented by a service principal with an object id of that tenant's own (Microsoft Learn,
"Application and service principal objects in Microsoft Entra ID").
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from airflow_provider_netconn.lab.clock import Clock

TOKEN_EXCHANGE_AUDIENCE: Final = "api://AzureADTokenExchange"
"""The audience that a federated token bears by default (Microsoft Learn, "Workload identity federation")."""


class PrincipalKind(StrEnum):
    """What a principal is, spelled as ``principalType`` of a role assignment."""

    USER = "User"
    GROUP = "Group"
    SERVICE_PRINCIPAL = "ServicePrincipal"


class ServicePrincipalType(StrEnum):
    """What a service principal stands for, spelled as Graph's ``servicePrincipalType``."""

    APPLICATION = "Application"
    MANAGED_IDENTITY = "ManagedIdentity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One Entra tenant.

    :param tenant_id: its GUID, lower case
    :param domain: its initial domain, such as ``contoso.onmicrosoft.com``; it too names the tenant in URLs
    """

    tenant_id: str
    domain: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone who can be given a role: a user, a group, or an application or managed identity in one tenant.

    :param object_id: GUID; unique over all tenants
    :param app_id: application (client) id of a service principal; None for users and groups
    :param user_principal_name: of a user, such as ``ann@contoso.onmicrosoft.com``
    :param service_principal_type: None for users and groups
    :param resource_id: ARM id of the managed identity, or of the resource whose system-assigned identity it is
    :param graph_permissions: application permissions of Microsoft Graph granted to it, such as
        ``Application.Read.All``; its tokens for Graph carry them as ``roles``
    :param created_at: when it was made, in seconds since the epoch; None lets :meth:`Directory.add` say now. Resource
        Manager does not know of a principal at once
    """

    object_id: str
    tenant_id: str
    kind: PrincipalKind
    display_name: str
    app_id: str | None = None
    user_principal_name: str | None = None
    service_principal_type: ServicePrincipalType | None = None
    resource_id: str | None = None
    graph_permissions: tuple[str, ...] = ()
    created_at: float | None = None

    def __post_init__(self) -> None:
        if (self.kind is PrincipalKind.SERVICE_PRINCIPAL) != (self.app_id is not None):
            raise ValueError(f"app_id: {self.display_name!r} needs one exactly when it is a service principal")
        if self.kind is PrincipalKind.USER and not self.user_principal_name:
            raise ValueError(f"user_principal_name: the user {self.display_name!r} needs one")
        if self.app_id is not None and self.service_principal_type is None:
            object.__setattr__(self, "service_principal_type", ServicePrincipalType.APPLICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The registration of an application, in its home tenant.

    :param object_id: GUID of the registration itself, which is not that of any service principal
    :param tenant_id: the home tenant
    :param identifier_uris: names under which tokens for it may be asked, besides ``app_id`` and ``api://{app_id}``
    :param multi_tenant: whether other tenants may consent to it
    :param access_token_version: 1 or 2: the form of the tokens that are issued for it as a resource
    """

    app_id: str
    object_id: str
    tenant_id: str
    display_name: str
    identifier_uris: tuple[str, ...] = ()
    multi_tenant: bool = False
    access_token_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A password of an application.

    :param expires_at: seconds since the epoch; None for a secret that does not expire in the lab's time
    """

    value: str = field(repr=False)
    expires_at: float | None = None
    key_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    display_name: str = ""


@dataclass(frozen=True, kw_only=True)  # without slots, for what is computed once and kept
class ClientCertificate:
    """A certificate of an application; the private key is the client's own.

    :param pem: the certificate in PEM; a private key beside it is not looked at
    :raises ValueError: it holds no certificate
    """

    pem: str = field(repr=False)
    key_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        begin = self.pem.find("-----BEGIN CERTIFICATE-----")
        if begin < 0:
            raise ValueError("pem: holds no certificate; give the public part in PEM")
        object.__setattr__(self, "pem", self.pem[begin:].partition("-----END CERTIFICATE-----")[0])
        object.__setattr__(self, "pem", f"{self.pem}-----END CERTIFICATE-----\n")
        self.certificate  # noqa: B018 - a broken one is refused here, and not at the first sign-in

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The certificate as ``cryptography`` has it."""
        return x509.load_pem_x509_certificate(self.pem.encode("ascii"))

    @cached_property
    def sha1(self) -> bytes:
        """The SHA-1 thumbprint, which a client sends as ``x5t`` (RFC 7515, 4.1.7)."""
        return self.certificate.fingerprint(hashes.SHA1())  # noqa: S303 - the name of a key, and no proof

    @cached_property
    def sha256(self) -> bytes:
        """The SHA-256 thumbprint, which a client sends as ``x5t#S256`` (RFC 7515, 4.1.8)."""
        return self.certificate.fingerprint(hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedCredential:
    """Trust in another issuer's tokens: who bears one of this issuer, subject and audience is the application.

    :param issuer: URL of an OpenID Connect issuer, compared to the letter
    :param subject: such as ``system:serviceaccount:airflow:worker``, compared to the letter
    """

    issuer: str
    subject: str
    audience: str = TOKEN_EXCHANGE_AUDIENCE
    name: str = field(default_factory=lambda: str(uuid.uuid4()))


Credential = ClientSecret | ClientCertificate | FederatedCredential


class Directory:
    """All tenants, applications and principals of one lab. Ids are compared without case.

    It may be read and changed while the lab serves, also from another thread: each look-up and each change is one step.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tenants: dict[str, Tenant] = {}
        self._applications: dict[str, Application] = {}
        self._principals: dict[str, Principal] = {}
        self._credentials: dict[str, tuple[Credential, ...]] = {}
        self._members: dict[str, frozenset[str]] = {}

    def clear(self) -> None:
        """Forget everything: the lab begins anew."""
        for kept in (self._tenants, self._applications, self._principals, self._credentials, self._members):
            kept.clear()

    # Tenants

    def add_tenant(self, tenant: Tenant) -> Tenant:
        """Add a tenant, or replace the one of this id."""
        self._tenants[tenant.tenant_id.lower()] = tenant
        return tenant

    def tenants(self) -> tuple[Tenant, ...]:
        """All tenants, oldest first."""
        return tuple(self._tenants.values())

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of that id or domain."""
        wanted = name.lower()
        by_id = self._tenants.get(wanted)
        return by_id or next((tenant for tenant in self.tenants() if tenant.domain.lower() == wanted), None)

    # Applications and what they sign in with

    def add_application(self, application: Application, *credentials: Credential) -> Application:
        """Register an application, or replace the registration of this application id.

        :param credentials: added to what it already signs in with
        """
        self._applications[application.app_id.lower()] = application
        for credential in credentials:
            self.add_credential(application.app_id, credential)
        return application

    def applications(self) -> tuple[Application, ...]:
        """All registrations, oldest first."""
        return tuple(self._applications.values())

    def application(self, app_id: str) -> Application | None:
        """The registration of that application id; managed identities have none."""
        return self._applications.get(app_id.lower())

    def application_named(self, name: str) -> Application | None:
        """The registration that is a resource of that name: its id, ``api://`` and its id, or an identifier URI."""
        by_id = self.application(name.removeprefix("api://"))
        return by_id or next((one for one in self.applications() if name in one.identifier_uris), None)

    def remove_application(self, app_id: str) -> None:
        """Remove a registration with its credentials and its service principals in all tenants, if it is there."""
        self._applications.pop(app_id.lower(), None)
        self._credentials.pop(app_id.lower(), None)
        for principal in self.principals():
            if principal.app_id is not None and principal.app_id.lower() == app_id.lower():
                self.remove(principal.object_id)

    def add_credential(self, app_id: str, credential: Credential) -> None:
        """Let an application sign in with this too. A managed identity takes federated credentials in the same way."""
        self._credentials[app_id.lower()] = (*self.credentials(app_id), credential)

    def credentials(self, app_id: str) -> tuple[Credential, ...]:
        """What the application signs in with."""
        return self._credentials.get(app_id.lower(), ())

    def remove_credential(self, app_id: str, credential: Credential) -> None:
        """Take a credential away, if it is there."""
        left = tuple(one for one in self.credentials(app_id) if one != credential)
        self._credentials[app_id.lower()] = left

    # Principals

    def add(self, principal: Principal) -> Principal:
        """Add a principal, or replace the one of this object id.

        :return: the principal, with ``created_at`` filled in
        :raises ValueError: its tenant is unknown, or its application already has another principal in that tenant
        """
        if self.tenant(principal.tenant_id) is None:
            raise ValueError(f"tenant_id: no tenant {principal.tenant_id}; add the tenant first")
        if principal.app_id is not None:
            other = self.service_principal(principal.tenant_id, principal.app_id)
            if other is not None and other.object_id.lower() != principal.object_id.lower():
                raise ValueError(f"app_id: {principal.app_id} has the principal {other.object_id} in this tenant")
        if principal.created_at is None:
            principal = replace(principal, created_at=self._clock.now())
        self._principals[principal.object_id.lower()] = principal
        return principal

    def consent(self, app_id: str, tenant: str, *, object_id: str | None = None) -> Principal:
        """Let a tenant have an application: make its service principal there.

        :param tenant: id or domain
        :param object_id: of the new principal; a random one by default
        :raises ValueError: the application or tenant is unknown, the application is for its home tenant only, or the
            tenant has it already
        """
        application, consenting = self.application(app_id), self.tenant(tenant)
        if application is None or consenting is None:
            raise ValueError(f"no application {app_id}, or no tenant {tenant}")
        if not application.multi_tenant and application.tenant_id.lower() != consenting.tenant_id.lower():
            raise ValueError(f"application {app_id} is for its home tenant only; set multi_tenant")
        if self.service_principal(consenting.tenant_id, app_id) is not None:
            raise ValueError(f"application {app_id} has a service principal in {consenting.domain}")
        return self.add(
            Principal(
                object_id=object_id or str(uuid.uuid4()),
                tenant_id=consenting.tenant_id,
                kind=PrincipalKind.SERVICE_PRINCIPAL,
                display_name=application.display_name,
                app_id=application.app_id,
            )
        )

    def principals(self, tenant_id: str | None = None, kind: PrincipalKind | None = None) -> tuple[Principal, ...]:
        """The principals of that tenant and kind, or of all, oldest first."""
        return tuple(
            principal
            for principal in tuple(self._principals.values())
            if (tenant_id is None or principal.tenant_id.lower() == tenant_id.lower())
            and (kind is None or principal.kind is kind)
        )

    def principal(self, object_id: str) -> Principal | None:
        """The principal of that object id."""
        return self._principals.get(object_id.lower())

    def service_principal(self, tenant_id: str, app_id: str) -> Principal | None:
        """The service principal, also a managed identity's, that stands for that application id in that tenant."""
        wanted = (tenant_id.lower(), app_id.lower())
        for principal in tuple(self._principals.values()):
            if principal.app_id and (principal.tenant_id.lower(), principal.app_id.lower()) == wanted:
                return principal
        return None

    def remove(self, object_id: str) -> None:
        """Remove a principal, if it is there. Tokens that it holds stay valid until they expire, as Entra's do."""
        self._principals.pop(object_id.lower(), None)
        self._members.pop(object_id.lower(), None)

    # Groups

    def set_members(self, group_id: str, members: Iterable[str]) -> None:
        """Say who is in a group: object ids of users, service principals and other groups."""
        self._members[group_id.lower()] = frozenset(member.lower() for member in members)

    def members(self, group_id: str) -> frozenset[str]:
        """Object ids, in lower case, of who is in that group itself."""
        return self._members.get(group_id.lower(), frozenset())

    def groups_of(self, object_id: str) -> frozenset[str]:
        """Object ids, in lower case, of the groups that a principal is in, also by way of other groups."""
        found: set[str] = set()
        seeking = {object_id.lower()}
        while seeking:
            holders = {group for group, members in tuple(self._members.items()) if members & seeking}
            seeking = holders - found
            found |= holders
        return frozenset(found)
