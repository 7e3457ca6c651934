"""The authority, asked as the protocol has it: documents, keys, tokens, and each refusal in Entra's words."""

from __future__ import annotations

import base64
import logging
import re
import ssl
import time
import uuid

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from airflow_provider_netconn.lab.directory import Application, ClientCertificate, ClientSecret, FederatedCredential
from airflow_provider_netconn.lab.identity.federation import FederatedIssuer, Federation, IssuerUnreachableError
from tests.lab.identity.conftest import (
    AIRFLOW,
    AIRFLOW_OBJECT,
    CONTOSO,
    FABRIKAM,
    OTHER,
    SCOPE,
    SECRET,
    SHARED_IDENTITY,
    SUBJECT,
    make_certificate,
)

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = {"grant_type": "client_credentials", "client_id": AIRFLOW.app_id, "scope": SCOPE}


@pytest.fixture
def http(lab):
    with httpx.Client(
        base_url=lab.authority, verify=ssl.create_default_context(cafile=lab.ca_file), trust_env=False
    ) as client:
        yield client


@pytest.fixture
def ask(http):
    def post(tenant=CONTOSO.tenant_id, path="oauth2/v2.0/token", headers=None, **changes):
        form = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
        return http.post(f"/{tenant}/{path}", data=form, headers=headers)

    return post


@pytest.fixture
def refused(ask):
    """The number, word and status of a refusal, and the words themselves; its envelope is Entra's."""

    def post(**given):
        answer = ask(**given)
        body = answer.json()
        (code,) = body["error_codes"]
        words = re.fullmatch(
            rf"AADSTS{code}: (.*) Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']} "
            rf"Timestamp: {body['timestamp']}",
            body["error_description"],
        )
        assert words, body
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])
        assert body["error_uri"].endswith(f"/error?code={code}")
        assert answer.headers["cache-control"] == "no-store, no-cache"
        assert "canary" not in answer.text
        return code, body["error"], answer.status_code, words[1]

    return post


def own_assertion(lab, pem=None, **changes):
    """What a client with a certificate sends; ``changes`` to claims, or to the header by ``header_`` names."""
    pem = (pem or lab.certificate).encode()
    begin = pem.index(b"-----BEGIN CERTIFICATE")
    thumbprint = x509.load_pem_x509_certificate(pem[begin:]).fingerprint(hashes.SHA256())
    header = {"x5t#S256": base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()}
    now = int(time.time())
    claims = {
        "aud": f"{lab.authority}/{CONTOSO.tenant_id}/oauth2/v2.0/token",
        "iss": AIRFLOW.app_id,
        "sub": AIRFLOW.app_id,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 600,
        **{name: value for name, value in changes.items() if not name.startswith("header_")},
    }
    header |= {name.removeprefix("header_"): value for name, value in changes.items() if name.startswith("header_")}
    header = {name: value for name, value in header.items() if value is not None}
    return {"client_assertion_type": ASSERTION, "client_assertion": jwt.encode(claims, pem, "RS256", headers=header)}


def federated(token):
    return {"client_assertion_type": ASSERTION, "client_assertion": token}


# Documents


def test_the_discovery_document_names_what_there_is(lab, http):
    for name in (CONTOSO.tenant_id, CONTOSO.domain):
        document = http.get(f"/{name}/v2.0/.well-known/openid-configuration").json()
        assert document["issuer"] == f"{lab.authority}/{CONTOSO.tenant_id}/v2.0"
        assert document["token_endpoint"] == f"{lab.authority}/{CONTOSO.tenant_id}/oauth2/v2.0/token"
        assert http.get(document["jwks_uri"]).json()["keys"] == lab.tokens.public_keys()
    older = http.get(f"/{CONTOSO.tenant_id}/.well-known/openid-configuration").json()
    assert older["issuer"] == f"https://sts.windows.net/{CONTOSO.tenant_id}/"
    assert older["token_endpoint"] == f"{lab.authority}/{CONTOSO.tenant_id}/oauth2/token"


def test_documents_of_no_tenant_in_particular(lab, http):
    document = http.get("/common/v2.0/.well-known/openid-configuration").json()
    assert document["issuer"] == f"{lab.authority}/{{tenantid}}/v2.0"
    assert http.get("/common/discovery/v2.0/keys").json()["keys"] == lab.tokens.public_keys()


def test_an_unknown_tenant_has_no_documents(http):
    answer = http.get("/nobody.onmicrosoft.com/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (
        400,
        "invalid_tenant",
        [90002],
    )


def test_the_authority_says_that_it_is_one(lab, http):
    mine = f"{lab.authority}/{CONTOSO.tenant_id}/oauth2/v2.0/authorize"
    path = "/common/discovery/instance"
    answer = http.get(path, params={"authorization_endpoint": mine, "api-version": "1.1"}).json()
    assert answer["tenant_discovery_endpoint"] == (
        f"{lab.authority}/{CONTOSO.tenant_id}/v2.0/.well-known/openid-configuration"
    )
    foreign = http.get(path, params={"authorization_endpoint": "https://login.example.net/x/authorize"})
    assert (foreign.status_code, foreign.json()["error"]) == (400, "invalid_instance")


# Tokens


def test_a_secret_signs_in(ask, claims_of):
    answer = ask(client_secret=SECRET)
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3599, 3599)
    assert answer.headers["cache-control"] == "no-store, no-cache"
    assert claims_of(body["access_token"]).object_id == AIRFLOW_OBJECT


def test_a_secret_in_the_header_signs_in(http, claims_of):
    form = {"grant_type": "client_credentials", "scope": SCOPE}
    answer = http.post(f"/{CONTOSO.tenant_id}/oauth2/v2.0/token", data=form, auth=(AIRFLOW.app_id, SECRET))
    assert claims_of(answer.json()["access_token"]).object_id == AIRFLOW_OBJECT


def test_the_first_endpoint_takes_a_resource_and_answers_in_text(lab, ask, claims_of):
    before = int(lab.clock.now())
    body = ask(path="oauth2/token", scope=None, resource="https://management.core.windows.net/", client_secret=SECRET)
    body = body.json()
    assert claims_of(body["access_token"]).audience == body["resource"] == "https://management.core.windows.net/"
    assert body["expires_in"] == "3599"
    assert before + 3599 <= int(body["expires_on"]) <= before + 3605


def test_the_correlation_id_is_the_clients(ask):
    given = str(uuid.uuid4())
    answer = ask(client_secret="no", headers={"client-request-id": given})
    assert (answer.json()["correlation_id"], answer.headers["client-request-id"]) == (given, given)


def test_a_set_lifetime_is_told_and_kept(lab, ask, claims_of):
    lab.tokens.lifetime_s = 30
    body = ask(client_secret=SECRET).json()
    assert body["expires_in"] == 30
    assert claims_of(body["access_token"]).expires_at == pytest.approx(lab.clock.now() + 30, abs=5)


def test_an_application_of_the_tenant_is_a_resource(lab, ask):
    body = ask(client_secret=SECRET, scope="api://orders/.default").json()
    assert lab.tokens.verify(body["access_token"], ["api://orders"]).object_id == AIRFLOW_OBJECT


def test_one_application_is_another_principal_in_each_tenant(lab, ask, claims_of):
    principal = lab.directory.consent(AIRFLOW.app_id, FABRIKAM.tenant_id)
    try:
        claims = claims_of(ask(tenant=FABRIKAM.domain, client_secret=SECRET).json()["access_token"])
    finally:
        lab.directory.remove(principal.object_id)
    assert (claims.tenant_id, claims.object_id) == (FABRIKAM.tenant_id, principal.object_id)
    assert principal.object_id != AIRFLOW_OBJECT


@pytest.mark.parametrize("thumbprint", ["x5t", "kid"])
def test_older_ways_of_naming_a_certificate_are_taken(lab, ask, claims_of, thumbprint):
    public = ClientCertificate(pem=lab.certificate)
    named = base64.urlsafe_b64encode(public.sha1).decode() if thumbprint == "x5t" else public.sha1.hex().upper()
    body = ask(**own_assertion(lab, **{"header_x5t#S256": None, f"header_{thumbprint}": named})).json()
    assert claims_of(body["access_token"]).object_id == AIRFLOW_OBJECT


@pytest.mark.parametrize("audience", ["v2.0", "oauth2/token", "oauth2/v2.0/token", ""])
def test_an_assertion_may_name_the_tenant_in_several_ways(lab, ask, claims_of, audience):
    body = ask(**own_assertion(lab, aud=f"{lab.authority}/{CONTOSO.tenant_id}/{audience}")).json()
    assert claims_of(body["access_token"]).object_id == AIRFLOW_OBJECT


# Refusals


def test_parameters_that_lack_are_named(refused):
    for name in ("grant_type", "client_id", "scope"):
        code, error, status, words = refused(**{name: None}, client_secret=SECRET)
        assert (code, error, status) == (900144, "invalid_request", 400)
        assert f"'{name}'" in words


def test_another_grant_is_not_supported(refused):
    assert refused(grant_type="password")[:3] == (70003, "unsupported_grant_type", 400)


def test_a_client_without_any_proof_is_refused(refused):
    assert refused()[:3] == (7000216, "invalid_client", 401)


def test_a_wrong_secret_is_refused_and_not_repeated(refused):
    code, error, status, words = refused(client_secret="canary-not-it")
    assert (code, error, status) == (7000215, "invalid_client", 401)
    assert words.startswith("Invalid client secret provided. Ensure the secret being sent in the request is the client")
    assert words.endswith(f"for a secret added to app '{AIRFLOW.app_id}'.")


def test_an_expired_secret_is_told_from_a_wrong_one(lab, refused, ask):
    lab.directory.add_credential(AIRFLOW.app_id, ClientSecret(value="canary-old", expires_at=lab.clock.now() + 60))
    assert ask(client_secret="canary-old").status_code == 200
    lab.clock.advance(60)
    code, error, status, words = refused(client_secret="canary-old")
    assert (code, error, status) == (7000222, "invalid_client", 401)
    assert f"The provided client secret keys for app '{AIRFLOW.app_id}' are expired." in words


def test_an_unknown_application_is_refused(refused):
    unknown = str(uuid.uuid4())
    code, error, status, words = refused(client_id=unknown, client_secret=SECRET)
    assert (code, error, status) == (700016, "unauthorized_client", 400)
    assert words.startswith(f"Application with identifier '{unknown}' was not found in the directory 'Contoso'.")


def test_an_application_without_a_principal_at_home_is_refused(lab, refused):
    lab.directory.add_application(
        Application(app_id="bare", object_id="bare-object", tenant_id=CONTOSO.tenant_id, display_name="bare"),
        ClientSecret(value=SECRET),
    )
    assert refused(client_id="bare", client_secret=SECRET)[0] == 7000229


def test_an_unknown_tenant_is_refused(refused):
    code, error, status, words = refused(tenant="nobody.example", client_secret=SECRET)
    assert (code, error, status) == (90002, "invalid_request", 400)
    assert words.startswith("Tenant 'nobody.example' not found.")


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_an_application_must_name_its_tenant(refused, tenant):
    assert refused(tenant=tenant, client_secret=SECRET)[:3] == (50059, "invalid_request", 400)


@pytest.mark.parametrize("scope", ["https://management.azure.com/user_impersonation", "User.Read", "/.default"])
def test_an_application_asks_for_default_alone(refused, scope):
    assert refused(scope=scope, client_secret=SECRET)[:3] == (1002012, "invalid_scope", 400)


def test_one_token_is_for_one_resource(refused):
    scope = f"{SCOPE} https://graph.microsoft.com/.default"
    assert refused(scope=scope, client_secret=SECRET)[:3] == (28000, "invalid_scope", 400)


def test_an_unknown_resource_is_refused(refused):
    code, error, status, words = refused(scope="https://nothing.example/.default", client_secret=SECRET)
    assert (code, error, status) == (500011, "invalid_resource", 400)
    assert words.startswith("The resource principal named https://nothing.example was not found in the tenant named")


def test_the_token_endpoint_wants_a_post(http):
    answer = http.get(f"/{CONTOSO.tenant_id}/oauth2/v2.0/token")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900561])


# Certificates


def test_a_certificate_that_is_not_registered_is_refused(lab, refused):
    pem, _ = make_certificate()
    code, error, status, words = refused(**own_assertion(lab, pem))
    assert (code, error, status) == (700027, "invalid_client", 401)
    assert "The key was not found., Thumbprint of key used by client: '" in words


def test_another_key_under_a_registered_thumbprint_is_refused(lab, refused):
    pem, _ = make_certificate()
    thumbprint = base64.urlsafe_b64encode(ClientCertificate(pem=lab.certificate).sha256).decode()
    code, _, status, words = refused(**own_assertion(lab, pem, **{"header_x5t#S256": thumbprint}))
    assert (code, status) == (700027, 401)
    assert "invalid signature" in words


def test_an_expired_certificate_is_refused(lab, refused):
    pem, public = make_certificate(days=1)
    lab.directory.add_credential(AIRFLOW.app_id, ClientCertificate(pem=public))
    lab.clock.advance(2 * 86_400)
    now = int(lab.clock.now())
    code, _, _, words = refused(**own_assertion(lab, pem, nbf=now, exp=now + 600))
    assert code == 700027
    assert "The key used is expired." in words


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": 1}, 700024),
        ({"nbf": 9_999_999_999}, 700024),
        ({"aud": "https://login.example.net/token"}, 700023),
        ({"sub": OTHER.app_id}, 700021),
        ({"header_x5t#S256": None}, 5002723),
    ],
)
def test_an_assertion_that_does_not_fit_is_refused(lab, refused, changes, expected):
    code, error, status, _ = refused(**own_assertion(lab, **changes))
    assert (code, error, status) == (expected, "invalid_client", 401)


@pytest.mark.parametrize("assertion", ["canary", "a.b.c"])
def test_an_assertion_that_is_no_token_is_refused(refused, assertion):
    assert refused(client_assertion=assertion)[:3] == (50027, "invalid_request", 400)


# Federation


def test_the_labs_issuer_publishes_its_key(lab, http):
    document = http.get(f"{lab.issuer.url}.well-known/openid-configuration").json()
    assert document["issuer"] == lab.issuer.url
    (key,) = http.get(document["jwks_uri"]).json()["keys"]
    jwt.decode(
        lab.issuer.mint(SUBJECT), jwt.PyJWK(key).key, algorithms=["RS256"], audience="api://AzureADTokenExchange"
    )


@pytest.mark.parametrize(
    ("subject", "audience", "expected"),
    [
        ("system:serviceaccount:airflow:Worker", "api://AzureADTokenExchange", 700213),
        (SUBJECT, "https://elsewhere", 700212),
    ],
)
def test_a_federated_token_must_match_to_the_letter(lab, refused, subject, audience, expected):
    code, error, status, _ = refused(**federated(lab.issuer.mint(subject, audience=audience)))
    assert (code, error, status) == (expected, "invalid_client", 401)


def test_a_wrong_subject_is_named_as_entra_names_it(lab, refused):
    words = refused(**federated(lab.issuer.mint("system:serviceaccount:a:b")))[3]
    assert words.startswith(
        "No matching federated identity record found for presented assertion subject 'system:serviceaccount:a:b'."
    )


def test_an_issuer_that_nobody_registered_is_not_even_asked(lab, refused):
    stranger = FederatedIssuer("https://127.0.0.1:1/x", lab.clock)
    assert refused(**federated(stranger.mint(SUBJECT)))[:3] == (700211, "invalid_client", 401)


def test_a_registered_issuer_that_does_not_answer_is_told(lab, refused):
    gone = FederatedIssuer("https://127.0.0.1:1/gone", lab.clock)
    lab.directory.add_credential(AIRFLOW.app_id, FederatedCredential(issuer=gone.url, subject=SUBJECT))
    assert refused(**federated(gone.mint(SUBJECT)))[:3] == (50166, "invalid_request", 400)


def test_another_key_under_the_issuers_name_is_refused(lab, refused):
    forger = FederatedIssuer(lab.issuer.url, lab.clock)
    assert refused(**federated(forger.mint(SUBJECT)))[:2] == (50013, "invalid_client")


def test_an_expired_federated_token_is_refused(lab, refused):
    token = lab.issuer.mint(SUBJECT, lifetime_s=60)
    lab.clock.advance(60 + 301)
    assert refused(**federated(token))[:2] == (700024, "invalid_client")


def test_an_application_without_federation_is_told_so(lab, refused):
    assert refused(client_id=OTHER.app_id, **federated(lab.issuer.mint(SUBJECT)))[:2] == (70025, "invalid_client")


def test_a_managed_identity_takes_a_federated_token(lab, ask, claims_of):
    client_id = lab.directory.principal(SHARED_IDENTITY).app_id
    lab.directory.add_credential(client_id, FederatedCredential(issuer=lab.issuer.url, subject=SUBJECT))
    body = ask(client_id=client_id, **federated(lab.issuer.mint(SUBJECT))).json()
    assert claims_of(body["access_token"]).object_id == SHARED_IDENTITY


def test_a_token_file_is_its_owners_alone(lab, tmp_path):
    file = lab.issuer.write_token_file(tmp_path / "token", SUBJECT)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["token"]


# Secrets


def test_secrets_are_in_no_log_and_no_repr(lab, ask, caplog):
    with caplog.at_level(logging.DEBUG):
        ask(client_secret=SECRET)
        ask(client_secret="canary-wrong")
        ask(**own_assertion(lab))
    assert "canary" not in caplog.text
    assert "canary" not in repr(lab.directory.credentials(AIRFLOW.app_id))


async def test_keys_of_an_issuer_elsewhere_are_read_by_https(lab):
    elsewhere = Federation(ca_file=lab.ca_file)
    assert await elsewhere.public_keys(lab.issuer.url) == lab.issuer.public_keys()


@pytest.mark.parametrize("url", ["{}/nobody.example/", "http://127.0.0.1:1/", "{}/common/discovery/v2.0/keys"])
async def test_what_is_no_issuer_is_told(lab, url):
    with pytest.raises(IssuerUnreachableError):
        await Federation(ca_file=lab.ca_file).public_keys(url.format(lab.authority))


async def test_an_issuer_whose_certificate_nobody_vouches_for_is_not_read(lab, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(IssuerUnreachableError, match="certificate"):
        await Federation().public_keys(lab.issuer.url)
