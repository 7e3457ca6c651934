"""User-assigned identities: principals of the directory, with tokens of other issuers that stand for theirs."""

from __future__ import annotations

import uuid

import pytest

from airflow_provider_netconn.lab.directory import Principal, PrincipalKind, ServicePrincipalType
from tests.lab.arm.planes import GROUP, SUBSCRIPTION, TENANT, put, send
from tests.lab.resources.network_landscape import code, full
from tests.lab.status_landscape import landscape

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/worker"
CREDENTIAL = f"{IDENTITY}/federatedIdentityCredentials/cluster"
VERSION = "2023-01-31"
TRUST = {"issuer": "https://issuer.test/", "subject": "system:serviceaccount:a:b", "audiences": ["api://exchange"]}
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
def plane():
    return landscape()


@pytest.fixture
def identity(plane):
    return put(plane, IDENTITY, {"location": "eastus", "tags": {"a": "b"}}, version=VERSION)


def trust(plane, name="cluster", **changes):
    path = f"{IDENTITY}/federatedIdentityCredentials/{name}"
    return send(plane, "PUT", path, {"properties": {**TRUST, **changes}}, version=VERSION)


def trusted(plane, identity):
    return plane.access.directory.credentials(identity["properties"]["clientId"])


def test_an_identity_is_a_principal_that_roles_can_be_given_to(plane, identity):
    properties = identity["properties"]
    assert properties["tenantId"] == TENANT
    principal = plane.access.directory.principal(properties["principalId"])
    assert (principal.app_id, principal.display_name) == (properties["clientId"], "worker")
    assert principal.service_principal_type is ServicePrincipalType.MANAGED_IDENTITY
    assert principal.resource_id == full(IDENTITY)
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    body = {"properties": {"roleDefinitionId": role, "principalId": properties["principalId"]}}
    path = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    assigned = send(plane, "PUT", path, body, version="2022-04-01")
    assert (assigned.status, assigned.body["properties"]["principalType"]) == (201, "ServicePrincipal")


def test_a_new_identity_is_told_where_it_is(plane):
    answer = send(plane, "PUT", IDENTITY, {"location": "eastus"}, version=VERSION)
    assert (answer.status, full(IDENTITY) in answer.headers["Location"]) == (201, True)
    again = send(plane, "PUT", IDENTITY, {"location": "eastus"}, version=VERSION)
    assert (again.status, again.body["properties"]) == (200, answer.body["properties"])
    assert "Location" not in again.headers


def test_its_principal_goes_with_it(plane, identity):
    trust(plane)
    assert send(plane, "DELETE", IDENTITY, version=VERSION).status == 200
    assert plane.access.directory.principal(identity["properties"]["principalId"]) is None
    assert trusted(plane, identity) == ()
    assert send(plane, "DELETE", IDENTITY, version=VERSION).status == 204


def test_an_identity_of_the_seed_is_taken_up(plane):
    seeded = plane.access.directory.add(
        Principal(
            object_id=str(uuid.uuid4()),
            tenant_id=TENANT,
            kind=PrincipalKind.SERVICE_PRINCIPAL,
            display_name="worker",
            app_id=str(uuid.uuid4()),
            service_principal_type=ServicePrincipalType.MANAGED_IDENTITY,
            resource_id=full(IDENTITY).upper(),
        )
    )
    shown = put(plane, IDENTITY, {"location": "eastus"}, version=VERSION)["properties"]
    assert (shown["principalId"], shown["clientId"]) == (seeded.object_id, seeded.app_id)


def test_federated_credentials_are_what_the_directory_trusts(plane, identity):
    answer = trust(plane)
    assert (answer.status, full(CREDENTIAL) in answer.headers["Location"]) == (201, True)
    [credential] = trusted(plane, identity)
    assert (credential.issuer, credential.subject, credential.audience) == (*list(TRUST.values())[:2], "api://exchange")
    assert trust(plane, subject="system:serviceaccount:a:c").status == 200
    [credential] = trusted(plane, identity)
    assert credential.subject == "system:serviceaccount:a:c"
    listed = send(plane, "GET", f"{IDENTITY}/federatedIdentityCredentials", version=VERSION).body["value"]
    assert [one["name"] for one in listed] == ["cluster"]
    assert send(plane, "DELETE", CREDENTIAL, version=VERSION).status == 200
    assert trusted(plane, identity) == ()


def test_credentials_that_cannot_be(plane, identity):
    assert trust(plane).status == 201
    assert trust(plane, "twin").status == 409
    assert trust(plane, "bare", audiences=[]).status == 400
    assert trust(plane, "plain", issuer="no address").status == 400
    for number in range(19):
        assert trust(plane, f"more{number}", subject=str(number)).status == 201
    assert code(trust(plane, "last", subject="last")) == (400, "FederatedIdentityCredentialsLimitExceeded")


def test_an_identity_tells_what_it_is_assigned_to(plane, identity):
    storage = "Microsoft.Storage/storageAccounts/assigned1"
    assigned = {"type": "UserAssigned", "userAssignedIdentities": {full(IDENTITY): {}}}
    body = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "identity": assigned}
    shown = put(plane, storage, body, version="2023-05-01")
    [known] = shown["identity"]["userAssignedIdentities"].values()
    assert known == {name: identity["properties"][name] for name in ("principalId", "clientId")}
    answer = send(plane, "POST", f"{IDENTITY}/listAssociatedResources", version="2021-09-30-preview")
    assert (answer.status, answer.body["totalCount"]) == (200, 1)
    assert answer.body["value"][0]["id"] == full(storage)
