"""The endpoints of managed identities, asked without a library: what they refuse, and how."""

from __future__ import annotations

import httpx
import pytest

from tests.lab.identity.conftest import CONTOSO, IDENTITY_HEADER, MANAGEMENT, OWN_IDENTITY, SHARED_IDENTITY

QUERY = {"api-version": "2018-02-01", "resource": MANAGEMENT}


@pytest.fixture
def http(lab):
    with httpx.Client(base_url=lab.machine, trust_env=False) as client:
        yield client


@pytest.fixture
def machine(http):
    def get(headers=None, **changes):
        query = {name: value for name, value in {**QUERY, **changes}.items() if value is not None}
        return http.get("/metadata/identity/oauth2/token", params=query, headers=headers or {"Metadata": "true"})

    return get


@pytest.fixture
def app_service(http):
    def get(header=IDENTITY_HEADER, **changes):
        query = {"api-version": "2019-08-01", "resource": MANAGEMENT, **changes}
        return http.get("/msi/token", params=query, headers={"X-IDENTITY-HEADER": header})

    return get


def test_a_token_comes_with_text_for_numbers(lab, machine, claims_of):
    body = machine().json()
    claims = claims_of(body["access_token"])
    assert claims.object_id == OWN_IDENTITY
    assert set(body) == {
        "access_token",
        "client_id",
        "expires_in",
        "expires_on",
        "ext_expires_in",
        "not_before",
        "resource",
        "token_type",
    }
    assert all(isinstance(value, str) for value in body.values())
    assert int(body["expires_on"]) == claims.expires_at


def test_a_machine_without_its_own_identity_uses_the_only_one(lab, machine, claims_of):
    lab.identities.system_assigned = None
    assert claims_of(machine().json()["access_token"]).object_id == SHARED_IDENTITY


def test_several_identities_want_a_choice(lab, machine):
    lab.identities.system_assigned, lab.identities.user_assigned = None, (OWN_IDENTITY, SHARED_IDENTITY)
    answer = machine()
    assert answer.status_code == 400
    assert answer.json()["error_description"].startswith("Multiple user assigned identities exist")


def test_no_identity_at_all(lab, machine):
    lab.identities.system_assigned, lab.identities.user_assigned = None, ()
    assert machine().json() == {"error": "invalid_request", "error_description": "Identity not found"}


@pytest.mark.parametrize(
    ("headers", "changes", "words"),
    [
        ({"Accept": "*/*"}, {}, "Required metadata header not specified"),
        ({"Metadata": "true", "X-Forwarded-For": "10.0.0.1"}, {}, "X-Forwarded-For header is not allowed"),
        (None, {"resource": None}, "Required audience parameter not specified"),
        (None, {"api-version": None}, "Required query variable 'api-version' is missing or not supported"),
        (None, {"api-version": "2017-01-01"}, "Required query variable 'api-version' is missing or not supported"),
        (None, {"client_id": CONTOSO.tenant_id}, "Identity not found"),
    ],
)
def test_what_the_machine_refuses(machine, headers, changes, words):
    answer = machine(headers, **changes)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "error_description": words}


def test_an_unknown_resource_is_entras_refusal(machine):
    body = machine(resource="https://nothing.example").json()
    assert body["error"] == "invalid_resource"
    assert body["error_description"].startswith("AADSTS500011: The resource principal named https://nothing.example")


def test_the_machine_describes_itself(http):
    answer = http.get("/metadata/instance", params={"api-version": "2021-02-01"}, headers={"Metadata": "true"})
    assert answer.json()["compute"]["azEnvironment"] == "AzurePublicCloud"
    assert http.get("/metadata/instance", headers={"Metadata": "true"}).status_code == 400
    assert http.get("/metadata/instance", params={"api-version": "2021-02-01"}).status_code == 400


def test_app_service_answers(app_service, claims_of):
    body = app_service().json()
    assert set(body) == {"access_token", "client_id", "expires_on", "resource", "token_type"}
    assert claims_of(body["access_token"]).object_id == OWN_IDENTITY


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"header": "wrong"}, 401),
        ({"header": ""}, 401),
        ({"api-version": "2017-09-01"}, 400),
        ({"resource": ""}, 400),
        ({"resource": "https://nothing.example"}, 500),
        ({"client_id": CONTOSO.tenant_id}, 400),
    ],
)
def test_what_app_service_refuses(app_service, given, status):
    answer = app_service(**given)
    assert answer.status_code == answer.json()["statusCode"] == status
    assert IDENTITY_HEADER not in answer.text
