"""Whatever a client sends, sign-in, Graph and the Astro API answer it: no request ends in an exception."""

from __future__ import annotations

import asyncio
import base64
import json

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.lab.astro.application import RateLimit
from airflow_provider_netconn.lab.astro.application import application as astro_application
from airflow_provider_netconn.lab.astro.state import AstroState
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Principal, PrincipalKind
from airflow_provider_netconn.lab.graph.application import application as graph_application
from airflow_provider_netconn.lab.identity.application import application as authority_application
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Tokens
from tests.lab.identity.conftest import AIRFLOW, CONTOSO, OTHER, SCOPE, make_directory

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
NESTED = "[" * 20_000


def ask(app, method, path, **request):
    """The answer to one request; an exception in the application is raised here."""

    async def sent():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://lab.example", trust_env=False) as client:
            return await client.request(method, path, **request)

    answer = asyncio.run(sent())
    assert answer.status_code < 500
    return answer


class Services:
    def __init__(self):
        clock, resources = Clock(), Resources()
        directory = make_directory(clock)
        tokens = Tokens(directory, resources, clock)
        self.authority = authority_application(directory, tokens, resources, clock)
        self.graph = graph_application(directory, tokens, resources, clock)
        self.astro_state = AstroState(clock)
        self.organization = self.astro_state.load({"organization": {"name": "o"}, "tokens": [{"value": "t"}]}).id
        self.astro = astro_application(self.astro_state, clock, rate_limit=RateLimit(clock, None))
        caller = directory.add(
            Principal(
                object_id="eeeeeeee-0000-4000-8000-000000000001",
                tenant_id=CONTOSO.tenant_id,
                kind=PrincipalKind.SERVICE_PRINCIPAL,
                display_name="caller",
                app_id="eeeeeeee-0000-4000-8000-0000000000aa",
                graph_permissions=("Application.ReadWrite.All", "Directory.Read.All"),
            )
        )
        self.headers = {"Authorization": f"Bearer {tokens.issue(caller, audience='https://graph.microsoft.com')}"}


@pytest.fixture(scope="module")
def services():
    return Services()


def assertion(claims, header):
    parts = [json.dumps(header), json.dumps(claims), "signature"]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)


@RELAXED
@given(
    claims=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat"]), JSON, max_size=6),
    header=st.dictionaries(st.sampled_from(["alg", "kid", "x5t", "x5t#S256", "typ", "crit", "b64"]), JSON, max_size=4),
)
@example(claims={"iss": AIRFLOW.app_id, "sub": AIRFLOW.app_id, "exp": 1e300}, header={"alg": "RS256", "x5t": "AAAA"})
@example(claims={"iss": AIRFLOW.app_id, "sub": AIRFLOW.app_id, "exp": 10**999}, header={"alg": "RS256", "x5t": "AAAA"})
@example(claims={"iss": AIRFLOW.app_id, "sub": AIRFLOW.app_id, "aud": 5}, header={"alg": "RS256", "x5t": "AAAA"})
@example(claims={"iss": AIRFLOW.app_id}, header={"alg": "RS256", "x5t": 7})
@example(claims={"iss": AIRFLOW.app_id}, header={"alg": "RS256", "kid": "no hex"})
def test_any_assertion_is_answered(services, claims, header):
    claims = {"iss": AIRFLOW.app_id, "sub": AIRFLOW.app_id, **claims}
    form = {
        "grant_type": "client_credentials",
        "client_id": AIRFLOW.app_id,
        "scope": SCOPE,
        "client_assertion": assertion(claims, {"alg": "RS256", **header}),
    }
    answer = ask(services.authority, "POST", f"/{CONTOSO.tenant_id}/oauth2/v2.0/token", data=form)
    assert answer.json()["error_codes"]


@RELAXED
@given(body=st.binary(max_size=200), authorization=st.text(st.characters(codec="latin-1", exclude_categories=["C"])))
@example(body=b"%ff=%fe&grant_type=\xff", authorization="Basic AAAA")
@example(body=b"a=b&" * 30_000, authorization="")
def test_any_form_is_answered(services, body, authorization):
    headers = {"Authorization": authorization.strip().encode("latin-1"), "client-request-id": "no id"}
    answer = ask(services.authority, "POST", "/x/oauth2/v2.0/token", content=body, headers=headers)
    assert answer.json()["error_codes"]


@RELAXED
@given(
    path=st.sampled_from(
        [
            "/servicePrincipals",
            "/applications",
            f"/applications/{OTHER.object_id}/addPassword",
            f"/applications/{OTHER.object_id}/removePassword",
            "/directoryObjects/getByIds",
        ]
    ),
    body=st.dictionaries(
        st.sampled_from(["appId", "displayName", "identifierUris", "keyId", "passwordCredential", "ids", "types"]),
        JSON,
        max_size=7,
    ),
)
@example(path="/directoryObjects/getByIds", body={"ids": ["x"], "types": 5})
@example(path="/applications", body={"displayName": "x", "identifierUris": 5})
@example(path=f"/applications/{OTHER.object_id}/addPassword", body={"passwordCredential": "x"})
@example(
    path=f"/applications/{OTHER.object_id}/addPassword",
    body={"passwordCredential": {"endDateTime": "0001-01-01T00:00:00+14:00"}},
)
def test_any_body_is_answered_by_graph(services, path, body):
    content = json.dumps(body).encode()
    ask(services.graph, "POST", f"/v1.0{path}", content=content, headers=services.headers)


@RELAXED
@given(
    query=st.dictionaries(
        st.sampled_from(["$filter", "$select", "$top", "$skiptoken", "$count", "$x"]), st.text(max_size=30), max_size=4
    )
)
@example(query={"$skiptoken": "LTU="})
@example(query={"$top": "²"})
@example(query={"$filter": "accountEnabled/any(x:x eq 'a')"})
@example(query={"$filter": "displayName/any(x:x eq 'a')"})
def test_any_query_is_answered_by_graph(services, query):
    ask(services.graph, "GET", "/v1.0/servicePrincipals", params=query, headers=services.headers)


@RELAXED
@given(
    query=st.dictionaries(
        st.sampled_from(["limit", "offset", "sorts", "names", "provider", "isLookUpOnly"]),
        st.text(max_size=20),
        max_size=4,
    )
)
def test_any_query_is_answered_by_the_astro_api(services, query):
    path = f"/v1/organizations/{services.organization}/clusters"
    ask(services.astro, "GET", path, params=query, headers={"Authorization": "Bearer t"})


@pytest.mark.parametrize("token", ["a.b", NESTED, f"{base64.urlsafe_b64encode(NESTED.encode()).decode()}.e30.x"])
def test_any_bearer_token_is_answered(services, token):
    headers = {"Authorization": f"Bearer {token}"}
    assert ask(services.graph, "GET", "/v1.0/me", headers=headers).status_code == 401
    path = f"/v1/organizations/{services.organization}"
    assert ask(services.astro, "GET", path, headers=headers).status_code == 401


def test_a_deeply_nested_assertion_is_answered(services):
    nested = base64.urlsafe_b64encode(NESTED.encode()).decode()
    form = {
        "grant_type": "client_credentials",
        "client_id": AIRFLOW.app_id,
        "scope": SCOPE,
        "client_assertion": f"{nested}.{nested}.x",
    }
    answer = ask(services.authority, "POST", f"/{CONTOSO.tenant_id}/oauth2/v2.0/token", data=form)
    assert answer.json()["error_codes"] == [50027]
