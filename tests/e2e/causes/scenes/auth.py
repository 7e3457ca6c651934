"""Scenes of the stage ``auth``: storage accounts that refuse, by HTTPS, in the words of Azure's REST reference.

https://learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes
"""

from __future__ import annotations

import contextlib
from functools import partial

import pytest

from airflow_provider_netconn.evidence import Outcome, Path
from testbed.endpoints import ClosedPort, EntraServer, HttpServer, SilentServer
from testbed.endpoints.entra import REFUSED_SECRET
from tests.e2e.azurite import ACCOUNT
from tests.e2e.causes.ground import CANARY, KEY
from tests.e2e.causes.scenes.scene import induces

TENANT = "11111111-2222-3333-4444-555555555555"
SAS = f"sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2099-01-01T00:00:00Z&sig={CANARY}"


@contextlib.contextmanager
def _account(ground, status=200, code=""):
    """A storage account that answers everything in one way; gives its address and itself."""
    pytest.importorskip("azure.storage.blob")
    headers = {"Content-Type": "application/xml", "Server": "Windows-Azure-Blob/1.0"}
    body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>No.</Message></Error>'
    certificate = ground.authority.issue("127.0.0.1").server_context()
    headers |= {"x-ms-error-code": code} if code else {}
    with HttpServer(status=status, headers=headers, body=body.encode(), tls=certificate) as server:
        yield f"https://{server.host}:{server.port}/{ACCOUNT}"
        assert server.requests, "the account was never asked"


def _with_key(ground, url):
    return ground.verdict_on_connection(
        "wasb", host=url, login=ACCOUNT, password=KEY, extra={"connection_verify": ground.ca_file}
    )


def _with_sas(ground, url):
    extra = {"sas_token": SAS, "connection_verify": ground.ca_file}
    return ground.verdict_on_connection("wasb", host=url, login=ACCOUNT, extra=extra)


def _without_credentials(ground, url):
    # An account without a key or SAS in its connection string: its client asks without saying who it is.
    extra = {"connection_string": f"BlobEndpoint={url}", "connection_verify": ground.ca_file}
    return ground.verdict_on_connection("wasb", extra=extra)


def _with_secret(ground, url, authority, limit_s=60):
    extra = {
        "tenant_id": TENANT,
        "connection_verify": ground.ca_file,
        "client_secret_auth_config": {
            "authority": authority,
            "connection_verify": ground.ca_file,
            "disable_instance_discovery": True,  # or the public authorities would be asked for this one
        },
    }
    return ground.verdict_on_connection("wasb", host=url, login="app", password=CANARY, extra=extra, limit_s=limit_s)


def _refused(status, code, sign_in, ground):
    with _account(ground, status, code) as url:
        verdict = sign_in(ground, url)
    assert code in verdict.explanation
    return verdict


for _status, _code, _sign_in, _cause, _outcome in (
    (403, "AuthorizationFailure", _with_key, "ACCOUNT_FIREWALL", Outcome.BLOCKED),
    (403, "AuthorizationSourceIPMismatch", _with_sas, "ACCOUNT_FIREWALL", Outcome.BLOCKED),
    (409, "PublicAccessNotPermitted", _without_credentials, "PUBLIC_ACCESS_OFF", Outcome.BLOCKED),
    (403, "AuthorizationResourceTypeMismatch", _with_sas, "PERMISSION_MISSING", Outcome.AUTH_FAILED),
    (403, "KeyBasedAuthenticationNotPermitted", _with_key, "KEYS_NOT_ALLOWED", Outcome.AUTH_FAILED),
    (403, "AuthenticationFailed", _with_sas, "CREDENTIALS_REFUSED", Outcome.AUTH_FAILED),
):
    induces(_cause, Path.PRIVATE, _outcome, _code)(partial(_refused, _status, _code, _sign_in))


@induces("SIGN_IN_FAILED", Path.PRIVATE, Outcome.UNKNOWN)
def an_account_with_an_error_of_its_own(ground):
    with _account(ground, 500, "InternalError") as url:
        return _with_key(ground, url)


@induces("CREDENTIALS_REFUSED", Path.PRIVATE, Outcome.AUTH_FAILED)
def a_wrong_key_for_azurite(ground):
    return _with_key(ground, ground.fixture("azurite").url)


@contextlib.contextmanager
def _entra(ground, refuses=None):
    with EntraServer(ground.authority.issue("127.0.0.1").server_context(), refuses=refuses) as server:
        yield server.url
        assert "POST" in {request.method for request in server.requests}, "no token was asked for"


@induces("PERMISSION_MISSING", Path.PRIVATE, Outcome.AUTH_FAILED)
def an_identity_without_a_role_on_the_account(ground):
    with _entra(ground) as authority, _account(ground, 403, "AuthorizationPermissionMismatch") as url:
        return _with_secret(ground, url, authority)


@induces("NO_TOKEN", Path.PRIVATE, Outcome.AUTH_FAILED)
def a_secret_that_entra_refuses(ground):
    with _entra(ground, REFUSED_SECRET) as authority, _account(ground) as url:
        verdict = _with_secret(ground, url, authority)
    assert REFUSED_SECRET in verdict.explanation
    return verdict


@induces("NO_TOKEN", Path.PRIVATE, Outcome.AUTH_FAILED)
def a_machine_without_an_identity(ground):
    # Only a credential that asks no other host: whether this machine has an identity is not for a test to say.
    ground.environment.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    with _account(ground) as url:
        return ground.verdict_on_connection("wasb", host=url, extra={"connection_verify": ground.ca_file})


@induces("SIGN_IN_UNREACHABLE", Path.PRIVATE, Outcome.UNREACHABLE)
def an_entra_that_cannot_be_reached(ground):
    with ClosedPort() as port, _account(ground) as url:
        return _with_secret(ground, url, f"https://127.0.0.1:{port.port}")


@induces("SIGN_IN_TIMED_OUT", Path.PRIVATE, Outcome.UNREACHABLE)
def an_entra_that_stays_silent(ground):
    with SilentServer() as silent, _account(ground) as url:
        return _with_secret(ground, url, f"https://127.0.0.1:{silent.port}", limit_s=5)
