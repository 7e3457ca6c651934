"""Tokens: the claims of Entra's, and what a resource refuses."""

from __future__ import annotations

import time

import jwt
import pytest

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Principal, PrincipalKind
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Proof, TokenError, TokenFault, Tokens
from tests.lab.identity.conftest import (
    AIRFLOW,
    AIRFLOW_OBJECT,
    CONTOSO,
    MANAGEMENT,
    OTHER,
    OWN_IDENTITY,
    make_directory,
)


class SetClock(Clock):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def now(self):
        return self.at


@pytest.fixture
def clock():
    return SetClock(1_700_000_000.0)


@pytest.fixture
def directory(clock):
    return make_directory(clock)


@pytest.fixture
def tokens(directory, clock):
    return Tokens(directory, Resources(), clock)


@pytest.fixture
def principal(directory):
    return directory.principal(AIRFLOW_OBJECT)


@pytest.fixture
def fault_of(tokens):
    def fault(token, *audiences):
        with pytest.raises(TokenError) as caught:
            tokens.verify(token, audiences or (MANAGEMENT,))
        assert token is None or not token or token not in str(caught.value)
        return caught.value.reason

    return fault


def claims_in(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_an_applications_token_has_the_claims_of_version_1(tokens, principal):
    claims = claims_in(tokens.issue(principal, audience=f"{MANAGEMENT}/"))
    assert claims.pop("uti")
    assert claims == {
        "aud": f"{MANAGEMENT}/",
        "iss": f"https://sts.windows.net/{CONTOSO.tenant_id}/",
        "idp": f"https://sts.windows.net/{CONTOSO.tenant_id}/",
        "iat": 1_699_999_700,
        "nbf": 1_699_999_700,
        "exp": 1_700_003_599,
        "appid": AIRFLOW.app_id,
        "appidacr": "1",
        "idtyp": "app",
        "oid": AIRFLOW_OBJECT,
        "sub": AIRFLOW_OBJECT,
        "tid": CONTOSO.tenant_id,
        "ver": "1.0",
    }


@pytest.mark.parametrize("name", ["api://orders", OTHER.app_id, f"api://{OTHER.app_id}"])
def test_a_resource_that_asks_for_version_2_gets_it(tokens, principal, name):
    claims = claims_in(tokens.issue(principal, audience=name, proof=Proof.ASSERTION))
    assert (claims["ver"], claims["azp"], claims["azpacr"]) == ("2.0", AIRFLOW.app_id, "2")
    assert claims["iss"] == f"https://login.microsoftonline.com/{CONTOSO.tenant_id}/v2.0"
    assert not {"appid", "appidacr", "idp"} & set(claims)


def test_a_managed_identitys_token_names_its_resource(tokens, directory):
    identity = directory.principal(OWN_IDENTITY)
    assert claims_in(tokens.issue(identity, audience=MANAGEMENT))["xms_mirid"] == identity.resource_id


def test_permissions_are_roles_in_tokens_for_graph_alone(tokens, directory):
    reader = directory.add(
        Principal(
            object_id="e",
            tenant_id=CONTOSO.tenant_id,
            kind=PrincipalKind.SERVICE_PRINCIPAL,
            display_name="reader",
            app_id="f",
            graph_permissions=("Application.Read.All",),
        )
    )
    assert claims_in(tokens.issue(reader, audience="https://graph.microsoft.com"))["roles"] == ["Application.Read.All"]
    assert "roles" not in claims_in(tokens.issue(reader, audience=MANAGEMENT))


def test_a_users_token_says_who(tokens, directory):
    ann = directory.add(
        Principal(
            object_id="a",
            tenant_id=CONTOSO.tenant_id,
            kind=PrincipalKind.USER,
            display_name="Ann",
            user_principal_name="ann@contoso.onmicrosoft.com",
        )
    )
    token = tokens.issue(ann, audience=MANAGEMENT, client_id=AIRFLOW.app_id)
    claims = claims_in(token)
    assert (claims["idtyp"], claims["upn"], claims["scp"]) == ("user", ann.user_principal_name, "user_impersonation")
    assert claims["appid"] == AIRFLOW.app_id
    assert tokens.verify(token, [MANAGEMENT]).is_user


@pytest.mark.parametrize("asked", [MANAGEMENT, f"{MANAGEMENT}/"])
@pytest.mark.parametrize("own", [MANAGEMENT, f"{MANAGEMENT}/"])
def test_a_token_is_accepted_with_and_without_a_slash(tokens, principal, asked, own):
    claims = tokens.verify(tokens.issue(principal, audience=asked), ["https://other", own])
    assert (claims.tenant_id, claims.object_id, claims.app_id) == (CONTOSO.tenant_id, AIRFLOW_OBJECT, AIRFLOW.app_id)
    assert (claims.audience, claims.expires_at, claims.is_user) == (asked, 1_700_003_599, False)


def test_a_token_that_was_accepted_once_still_expires(tokens, principal, clock, fault_of):
    token = tokens.issue(principal, audience=MANAGEMENT, lifetime_s=60)
    tokens.verify(token, [MANAGEMENT])
    clock.at += 59
    tokens.verify(token, [MANAGEMENT])
    clock.at += 1
    assert fault_of(token) is TokenFault.EXPIRED


def test_a_token_that_was_accepted_once_is_refused_elsewhere(tokens, principal, fault_of):
    token = tokens.issue(principal, audience=MANAGEMENT)
    tokens.verify(token, [MANAGEMENT])
    assert fault_of(token, "https://graph.microsoft.com") is TokenFault.AUDIENCE


def test_a_token_of_the_future_is_refused(tokens, principal, clock, fault_of):
    token = tokens.issue(principal, audience=MANAGEMENT)
    clock.at -= 301
    assert fault_of(token) is TokenFault.EXPIRED


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_refused(token, fault_of):
    assert fault_of(token) is TokenFault.MISSING


@pytest.mark.parametrize("token", ["canary", "a.b.c", "é.é.é", "..", "eyJhbGciOiJSUzI1NiJ9.e30.e30"])
def test_what_is_no_token_is_refused(token, fault_of):
    assert fault_of(token) in {TokenFault.MALFORMED, TokenFault.SIGNATURE}


def test_another_keys_token_is_refused(directory, clock, principal, fault_of):
    other = Tokens(directory, Resources(), clock)
    assert fault_of(other.issue(principal, audience=MANAGEMENT)) is TokenFault.SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_a_real_signature_is_refused(tokens, principal, algorithm, fault_of):
    claims = claims_in(tokens.issue(principal, audience=MANAGEMENT))
    key = None if algorithm == "none" else "k" * 32
    assert fault_of(jwt.encode(claims, key, algorithm=algorithm)) is TokenFault.SIGNATURE


def test_a_changed_token_is_refused(tokens, principal, fault_of):
    head, _, signature = tokens.issue(principal, audience=MANAGEMENT).split(".")
    _, claims, _ = tokens.issue(principal, audience=MANAGEMENT, lifetime_s=9999).split(".")
    assert fault_of(f"{head}.{claims}.{signature}") is TokenFault.SIGNATURE


def test_a_kept_key_knows_its_tokens_after_a_restart(directory, clock, principal, tokens):
    token = tokens.issue(principal, audience=MANAGEMENT)
    again = Tokens(directory, Resources(), clock, private_key_pem=tokens.private_key_pem())
    assert again.verify(token, [MANAGEMENT]).object_id == AIRFLOW_OBJECT
    assert again.public_keys() == tokens.public_keys()


def test_the_published_key_verifies_a_token(tokens, principal):
    token = tokens.issue(principal, audience=MANAGEMENT)
    (key,) = [one for one in tokens.public_keys() if one["kid"] == jwt.get_unverified_header(token)["kid"]]
    assert not {"d", "p", "q"} & set(key)
    jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"], audience=MANAGEMENT, options={"verify_exp": False})


def test_known_tokens_are_verified_without_cryptography(tokens, principal):
    token = tokens.issue(principal, audience=MANAGEMENT)
    tokens.verify(token, [MANAGEMENT])
    started = time.process_time()
    for _ in range(2000):
        tokens.verify(token, [MANAGEMENT])
    assert time.process_time() - started < 0.2  # an RSA verification alone takes some 0.05 ms, a decoding 0.1
