"""Microsoft Graph, asked over HTTP: who is in a tenant, by which filter, and who may see it."""

from __future__ import annotations

import uuid

import httpx
import pytest

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Application, ClientSecret, Principal, PrincipalKind
from airflow_provider_netconn.lab.graph import application
from airflow_provider_netconn.lab.graph.filters import FilterError, parse_filter
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Tokens
from tests.lab.identity.conftest import (
    AIRFLOW,
    AIRFLOW_OBJECT,
    CONTOSO,
    FABRIKAM,
    MANAGEMENT,
    OTHER,
    OWN_IDENTITY,
    make_directory,
)
from tests.lab.running import Service, served

GRAPH = "https://graph.microsoft.com"
CALLER = "eeeeeeee-0000-4000-8000-000000000001"
ANN = "eeeeeeee-0000-4000-8000-000000000002"
TEAM = "eeeeeeee-0000-4000-8000-000000000003"
NOBODY = "eeeeeeee-0000-4000-8000-0000000000ff"
ASTRONOMER = "a67e6057-7138-4f78-bbaf-fd9db7b8aab0"
ALL = ("Application.ReadWrite.All", "Directory.Read.All")


class Graph:
    def __init__(self):
        self.clock = Clock()
        self.directory = make_directory(self.clock)
        self.directory.add_application(
            Application(
                app_id=ASTRONOMER,
                object_id=str(uuid.uuid4()),
                tenant_id=FABRIKAM.tenant_id,
                display_name="Astronomer",
                multi_tenant=True,
            )
        )
        self.directory.add(
            Principal(
                object_id=ANN,
                tenant_id=CONTOSO.tenant_id,
                kind=PrincipalKind.USER,
                display_name="Ann O'Hara",
                user_principal_name="ann@contoso.onmicrosoft.com",
            )
        )
        self.directory.add(
            Principal(
                object_id=TEAM, tenant_id=CONTOSO.tenant_id, kind=PrincipalKind.GROUP, display_name="Data engineers"
            )
        )
        self.resources = Resources()
        self.tokens = Tokens(self.directory, self.resources, self.clock)
        self.url = ""

    def may(self, *permissions):
        """Headers of an application with these permissions."""
        caller = Principal(
            object_id=CALLER,
            tenant_id=CONTOSO.tenant_id,
            kind=PrincipalKind.SERVICE_PRINCIPAL,
            display_name="caller",
            app_id="eeeeeeee-0000-4000-8000-0000000000aa",
            graph_permissions=permissions,
        )
        return self.bearer(self.directory.add(caller))

    def bearer(self, principal, **more):
        token = self.tokens.issue(principal, **{"audience": GRAPH, **more})
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def graph():
    made = Graph()
    app = application.application(made.directory, made.tokens, made.resources, made.clock)
    with served(Service(name="graph", application=app)) as addresses:
        made.url = f"http://127.0.0.1:{addresses['graph'][1]}/v1.0"
        with httpx.Client(base_url=made.url, trust_env=False, headers=made.may(*ALL)) as made.http:
            yield made


@pytest.fixture
def find(graph):
    def names(path, text, **options):
        answer = graph.http.get(path, params={"$filter": text, **options})
        assert answer.status_code == 200, answer.text
        return [one["displayName"] for one in answer.json()["value"]]

    return names


def refusal(answer):
    error = answer.json()["error"]
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
    assert answer.headers["request-id"] == error["innerError"]["request-id"]
    return answer.status_code, error["code"], error["message"]


# Reading


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"appId eq '{AIRFLOW.app_id}'", ["airflow"]),
        (f"id eq '{AIRFLOW_OBJECT}'", ["airflow"]),
        (f"servicePrincipalNames/any(c:c eq '{AIRFLOW.app_id.upper()}')", ["airflow"]),
        ("servicePrincipalNames/any(x:x eq 'api://orders')", ["other"]),
        ("displayName eq 'AIRFLOW'", ["airflow"]),
        ("startswith(displayName,'air')", ["airflow"]),
        ("startswith(displayName,'a') or displayName eq 'other'", ["airflow", "other"]),
        ("displayName in ('vm1', 'shared')", ["vm1", "shared"]),
        ("servicePrincipalType eq 'ManagedIdentity' and not (displayName eq 'vm1')", ["shared"]),
        ("accountEnabled eq false", []),
        (f"appId eq '{NOBODY}'", []),
    ],
)
def test_service_principals_are_found(find, text, found):
    assert find("/servicePrincipals", text) == found


def test_users_and_groups_are_found(find, graph):
    assert find("/users", "userPrincipalName eq 'Ann@contoso.onmicrosoft.com'") == ["Ann O'Hara"]
    assert find("/users", "displayName eq 'Ann O''Hara'") == ["Ann O'Hara"]
    assert find("/groups", "displayName eq 'Data engineers' and mailNickname eq 'Dataengineers'") == ["Data engineers"]
    assert graph.http.get("/users/ann@contoso.onmicrosoft.com").json()["id"] == ANN


def test_a_service_principal_is_shown_by_either_id(graph):
    by_object = graph.http.get(f"/servicePrincipals/{AIRFLOW_OBJECT}").json()
    by_app = graph.http.get(f"/servicePrincipals(appId='{AIRFLOW.app_id}')").json()
    assert by_object == by_app
    assert (by_app["id"], by_app["appId"]) == (AIRFLOW_OBJECT, AIRFLOW.app_id)
    assert by_app["appOwnerOrganizationId"] == CONTOSO.tenant_id
    assert by_app["@odata.context"] == f"{graph.url}/$metadata#servicePrincipals/$entity"


def test_a_managed_identity_names_its_resource(graph):
    shown = graph.http.get(f"/servicePrincipals/{OWN_IDENTITY}").json()
    resource = graph.directory.principal(OWN_IDENTITY).resource_id
    assert (shown["servicePrincipalType"], shown["alternativeNames"]) == (
        "ManagedIdentity",
        ["isExplicit=True", resource],
    )


def test_only_the_tokens_tenant_is_seen(graph, find):
    foreign = graph.directory.consent(AIRFLOW.app_id, FABRIKAM.tenant_id)
    assert find("/servicePrincipals", f"appId eq '{AIRFLOW.app_id}'") == ["airflow"]
    assert graph.http.get(f"/servicePrincipals/{foreign.object_id}").status_code == 404
    assert graph.http.post("/directoryObjects/getByIds", json={"ids": [foreign.object_id]}).json()["value"] == []
    registration = graph.directory.application(ASTRONOMER)
    assert graph.http.get(f"/applications/{registration.object_id}").status_code == 404
    assert find("/applications", "displayName eq 'Astronomer' or displayName eq 'other'") == ["other"]


def test_selected_properties_alone(graph):
    shown = graph.http.get(f"/servicePrincipals/{AIRFLOW_OBJECT}", params={"$select": "id,appId"}).json()
    assert set(shown) == {"@odata.context", "id", "appId"}
    listed = graph.http.get("/servicePrincipals", params={"$select": "id"}).json()["value"]
    assert all(set(one) == {"id"} for one in listed)


def test_a_list_comes_in_pages(graph):
    url, seen = f"{graph.url}/servicePrincipals?$top=2&$select=id&$count=true", []
    while url:
        page = graph.http.get(url).json()
        assert len(page["value"]) <= 2
        assert page["@odata.count"] == 5
        seen += [one["id"] for one in page["value"]]
        url = page.get("@odata.nextLink")
    assert len(seen) == len(set(seen)) == 5
    assert "@odata.nextLink" not in graph.http.get("/servicePrincipals?$top=5").json()


def test_objects_are_told_by_their_ids_and_kinds(graph):
    ids = [AIRFLOW_OBJECT, ANN, TEAM, NOBODY]
    every = graph.http.post("/directoryObjects/getByIds", json={"ids": ids}).json()["value"]
    assert [(one["id"], one["@odata.type"]) for one in every] == [
        (AIRFLOW_OBJECT, "#microsoft.graph.servicePrincipal"),
        (ANN, "#microsoft.graph.user"),
        (TEAM, "#microsoft.graph.group"),
    ]
    users = graph.http.post("/directoryObjects/getByIds", json={"ids": ids, "types": ["user"]}).json()["value"]
    assert [one["id"] for one in users] == [ANN]


def test_what_the_caller_may_not_read_is_an_id_alone(graph):
    headers = graph.may("Application.Read.All")
    shown = graph.http.post("/directoryObjects/getByIds", json={"ids": [AIRFLOW_OBJECT, ANN]}, headers=headers)
    names = {one["id"]: one["displayName"] for one in shown.json()["value"]}
    assert names == {AIRFLOW_OBJECT: "airflow", ANN: None}


def test_a_user_is_me_and_reads_the_directory(graph):
    headers = graph.bearer(graph.directory.principal(ANN))
    assert graph.http.get("/me", headers=headers).json()["id"] == ANN
    assert graph.http.get("/groups", headers=headers).status_code == 200


def test_an_application_is_not_me(graph):
    assert refusal(graph.http.get("/me"))[:2] == (400, "BadRequest")


# Changing


def test_a_tenant_takes_another_tenants_application_once(graph):
    made = graph.http.post("/servicePrincipals", json={"appId": ASTRONOMER})
    assert made.status_code == 201
    assert made.json()["appOwnerOrganizationId"] == FABRIKAM.tenant_id
    assert graph.directory.service_principal(CONTOSO.tenant_id, ASTRONOMER).object_id == made.json()["id"]
    again = graph.http.post("/servicePrincipals", json={"appId": ASTRONOMER})
    assert refusal(again)[:2] == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert graph.http.delete(f"/servicePrincipals/{made.json()['id']}").status_code == 204
    assert graph.directory.service_principal(CONTOSO.tenant_id, ASTRONOMER) is None


def test_an_application_that_is_not_there_has_no_principal(graph):
    status, code, message = refusal(graph.http.post("/servicePrincipals", json={"appId": NOBODY}))
    assert (status, code) == (400, "Request_BadRequest")
    assert "does not reference a valid application object" in message


def test_a_principal_of_a_foreign_application_needs_the_wider_permission(graph):
    headers = graph.may("Application.ReadWrite.OwnedBy")
    answer = graph.http.post("/servicePrincipals", json={"appId": ASTRONOMER}, headers=headers)
    assert refusal(answer)[:2] == (403, "Authorization_RequestDenied")


def test_a_new_application_signs_in_with_the_secret_that_was_told_once(graph):
    made = graph.http.post("/applications", json={"displayName": "new"}).json()
    url = f"/applications/{made['id']}"
    told = graph.http.post(f"{url}/addPassword", json={"passwordCredential": {"displayName": "first"}}).json()
    (kept,) = graph.directory.credentials(made["appId"])
    assert isinstance(kept, ClientSecret)
    assert told["secretText"] == kept.value
    shown = graph.http.get(url)
    assert told["secretText"] not in shown.text
    assert shown.json()["passwordCredentials"][0]["keyId"] == told["keyId"]
    assert graph.http.post(f"{url}/removePassword", json={"keyId": told["keyId"]}).status_code == 204
    assert graph.directory.credentials(made["appId"]) == ()
    assert graph.http.delete(url).status_code == 204
    assert graph.http.get(url).status_code == 404


# Refusals


def test_each_collection_has_its_permissions(graph):
    headers = graph.may("User.Read.All")
    assert graph.http.get("/users", headers=headers).status_code == 200
    for path in ("/groups", "/servicePrincipals", "/applications", f"/servicePrincipals(appId='{AIRFLOW.app_id}')"):
        assert refusal(graph.http.get(path, headers=headers)) == (
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )


@pytest.mark.parametrize("permissions", [(), ("Application.Read.All", "Directory.ReadWrite.All")])
def test_reading_is_no_writing(graph, permissions):
    headers = graph.may(*permissions)
    for path, body in (
        ("/servicePrincipals", {"appId": OTHER.app_id}),
        ("/applications", {"displayName": "x"}),
        (f"/applications/{OTHER.object_id}/addPassword", {}),
        (f"/applications/{OTHER.object_id}/removePassword", {"keyId": "x"}),
    ):
        assert graph.http.post(path, json=body, headers=headers).status_code == 403
    assert graph.http.delete(f"/servicePrincipals/{AIRFLOW_OBJECT}", headers=headers).status_code == 403
    assert graph.http.delete(f"/applications/{OTHER.object_id}", headers=headers).status_code == 403


def test_tokens_that_are_not_accepted(graph):
    principal = graph.directory.principal(AIRFLOW_OBJECT)
    cases = {
        "Access token is empty.": {"Authorization": ""},
        "Access token validation failure. Invalid audience.": graph.bearer(principal, audience=MANAGEMENT),
        "Lifetime validation failed, the token is expired.": graph.bearer(principal, lifetime_s=0),
    }
    for words, headers in cases.items():
        answer = graph.http.get("/servicePrincipals", headers=headers)
        assert refusal(answer) == (401, "InvalidAuthenticationToken", words)
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    malformed = graph.http.get("/servicePrincipals", headers={"Authorization": "Bearer canary"})
    assert refusal(malformed)[2].startswith("IDX14100")
    assert "canary" not in malformed.text


def test_a_caller_who_was_removed_is_not_known(graph):
    graph.directory.remove(CALLER)
    assert refusal(graph.http.get("/servicePrincipals"))[:2] == (401, "Authorization_IdentityNotFound")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/servicePrincipals/{NOBODY}", 404, "Request_ResourceNotFound"),
        (f"/servicePrincipals(appId='{NOBODY}')", 404, "Request_ResourceNotFound"),
        (f"/servicePrincipals/{ANN}", 404, "Request_ResourceNotFound"),
        (f"/users/{AIRFLOW_OBJECT}", 404, "Request_ResourceNotFound"),
        ("/users/nobody@contoso.onmicrosoft.com", 404, "Request_ResourceNotFound"),
        (f"/directoryObjects/{NOBODY}", 404, "Request_ResourceNotFound"),
        ("/servicePrincipals/nobody", 400, "Request_BadRequest"),
        ("/nothing", 400, "BadRequest"),
        ("/servicePrincipals?$top=0", 400, "Request_BadRequest"),
        ("/servicePrincipals?$top=1000", 400, "Request_BadRequest"),
        ("/servicePrincipals?$skiptoken=x", 400, "Request_BadRequest"),
        ("/servicePrincipals?$select=canary", 400, "Request_BadRequest"),
        ("/servicePrincipals?$filter=appId", 400, "Request_BadRequest"),
        ("/servicePrincipals?$expand=owners", 400, "Request_UnsupportedQuery"),
    ],
)
def test_what_is_wrong_or_not_there(graph, path, status, code):
    assert refusal(graph.http.get(path))[:2] == (status, code)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(graph, body):
    assert refusal(graph.http.post("/servicePrincipals", content=body))[:2] == (400, "BadRequest")


def test_a_method_that_is_not_there_is_refused(graph):
    assert refusal(graph.http.put("/servicePrincipals", json={}))[0] == 405


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a eq",
        "a eq b",
        "a gt 'x'",
        "a eq 'x",
        "(a eq 'x'",
        "a eq 'x' or",
        "a/any(c:d eq 'x')",
        "(" * 3000,
        "'x'",
    ],
)
def test_what_is_no_filter_is_told(text):
    with pytest.raises(FilterError):
        parse_filter(text)
