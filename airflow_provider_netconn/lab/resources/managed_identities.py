"""User-assigned managed identities: principals of the lab's directory, and the tokens that they trust.

Recorded: a new one is answered 201 with a ``Location`` that names it. Microsoft Learn, "Manage user-assigned managed
identities" and "Configure a user-assigned managed identity to trust an external identity provider" (at most 20
credentials, issuer and subject once).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import same
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Items, Object, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.directory import (
    Directory,
    FederatedCredential,
    Principal,
    PrincipalKind,
    ServicePrincipalType,
)
from airflow_provider_netconn.lab.resources.authorization import access_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"

VERSIONS = (
    "2015-08-31-preview", "2018-11-30", "2021-09-30-preview", "2022-01-31-preview", "2023-01-31",
    "2023-07-31-preview", "2024-11-30", "2025-01-31-preview", "2025-05-31-preview",
)  # fmt: skip

FIRST_WITH_ISOLATION = "2024-11-30"

MOST_CREDENTIALS = 20


def _directory(plane: ControlPlane) -> Directory:
    return access_of(plane).directory


def _associated(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """Which resources an identity is assigned to."""
    found = [user for user in plane.store if _is_assigned(user, resource)]
    shown = []
    for user in found:
        subscription = plane.store.find("/".join(user.id.split("/")[:3]))
        assert subscription is not None
        shown.append(
            {
                "id": user.id,
                "name": user.path.name,
                "type": user.kind.type.casefold(),
                "resourceGroup": user.path.group,
                "subscriptionId": user.path.subscription,
                "subscriptionDisplayName": subscription.body["displayName"],
            }
        )
    return ArmResponse(200, {"totalCount": len(shown), "value": shown})


def _is_assigned(user: Resource, identity: Resource) -> bool:
    asked = user.body.get("identity")
    assigned = asked.get("userAssignedIdentities") if isinstance(asked, dict) else None
    return isinstance(assigned, dict) and any(same(one, identity.id) for one in assigned)


class UserAssignedIdentities(ResourceKind):
    """Identities. One that the seed has already, by its resource id, is taken up instead of being made."""

    type = IDENTITIES
    api_versions = VERSIONS
    tracked = True
    patch = Patch.TAGS
    name_pattern = r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}"
    etag_in_body = False
    shows_state = False
    created = Answer(status=201, names_resource=True)
    updated = Answer(status=200)
    deleted = Answer(status=200)
    actions: ClassVar = {"listassociatedresources": _associated}
    properties = Object(
        properties={
            "isolationScope": Choice(values=("None", "Regional")),
            **{name: Anything(read_only=True) for name in ("tenantId", "principalId", "clientId")},
        }
    )

    def prepare(self, write: Write) -> None:
        if write.existing is not None:
            return
        seeded = next(
            (one for one in _directory(write.plane).principals() if same(one.resource_id or "", write.path.text)), None
        )
        write.facts["tenantId"] = write.plane.tenant_of(write.path.text)
        write.facts["principalId"] = str(uuid.uuid4()) if seeded is None else seeded.object_id
        write.facts["clientId"] = str(uuid.uuid4()) if seeded is None else seeded.app_id

    def stored(self, write: Write, resource: Resource) -> None:
        directory = _directory(write.plane)
        if directory.principal(resource.facts["principalId"]) is None:
            directory.add(
                Principal(
                    object_id=resource.facts["principalId"],
                    tenant_id=resource.facts["tenantId"],
                    kind=PrincipalKind.SERVICE_PRINCIPAL,
                    display_name=resource.path.name,
                    app_id=resource.facts["clientId"],
                    service_principal_type=ServicePrincipalType.MANAGED_IDENTITY,
                    resource_id=resource.id,
                )
            )

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        _directory(plane).remove(resource.facts["principalId"])

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        if look.api_version < FIRST_WITH_ISOLATION:
            shown.pop("isolationScope", None)
        return shown


class FederatedCredentials(ResourceKind):
    """The tokens of other issuers that are as good as an identity's own."""

    type = f"{IDENTITIES}/federatedIdentityCredentials"
    api_versions = VERSIONS[3:]
    name_pattern = r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}"
    etag_in_body = False
    shows_state = False
    created = Answer(status=201, names_resource=True)
    updated = Answer(status=200)
    deleted = Answer(status=200)
    properties = Object(
        properties={
            "issuer": Text(required=True, shortest=1, longest=600, pattern=r"https?://.+"),
            "subject": Text(required=True, shortest=1, longest=600),
            "audiences": Items(of=Text(shortest=1, longest=600), required=True, fewest=1, most=1),
        }
    )

    def prepare(self, write: Write) -> None:
        siblings = write.siblings()
        if write.existing is None and len(siblings) >= MOST_CREDENTIALS:
            raise ArmError(
                400,
                "FederatedIdentityCredentialsLimitExceeded",
                f"There cannot be more than {MOST_CREDENTIALS} federated identity credentials on a managed identity.",
            )
        wanted = (write.properties["issuer"], write.properties["subject"])
        if any((other["issuer"], other["subject"]) == wanted for other in siblings.values()):
            raise ArmError(409, "Conflict", "Issuer and subject combination already exists for this Managed Identity.")

    def stored(self, write: Write, resource: Resource) -> None:
        _forget(write.plane, resource)
        properties = resource.properties
        trusted = FederatedCredential(
            issuer=properties["issuer"],
            subject=properties["subject"],
            audience=properties["audiences"][0],
            name=resource.path.name,
        )
        _directory(write.plane).add_credential(_identity_of(write.plane, resource).facts["clientId"], trusted)

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        _forget(plane, resource)


def _identity_of(plane: ControlPlane, credential: Resource) -> Resource:
    assert credential.path.parent is not None
    identity = plane.store.find(credential.path.parent)
    assert identity is not None
    return identity


def _forget(plane: ControlPlane, credential: Resource) -> None:
    """Trust a credential's issuer no more, as it was written last."""
    directory, app_id = _directory(plane), _identity_of(plane, credential).facts["clientId"]
    for trusted in directory.credentials(app_id):
        if isinstance(trusted, FederatedCredential) and trusted.name.casefold() == credential.path.name.casefold():
            directory.remove_credential(app_id, trusted)


KINDS = (UserAssignedIdentities(), FederatedCredentials())
