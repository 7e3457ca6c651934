"""Every way to sign in that settings know, with an event loop and without, at the lab's authority."""

from __future__ import annotations

import gc

import pytest

from airflow_provider_netconn.azure.credentials import async_credential, credential
from airflow_provider_netconn.azure.identity import how_obtained
from airflow_provider_netconn.azure.settings import AzureSettings, SignIn
from tests.lab.identity.conftest import (  # noqa: F401 - fixtures
    AIRFLOW,
    AIRFLOW_OBJECT,
    CONTOSO,
    OWN_IDENTITY,
    SCOPE,
    SECRET,
    SUBJECT,
    claims_of,
    lab,
    served_lab,
)
from tests.lab.identity.test_credentials_of_azure_identity import _VARIABLES


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing of this machine's own."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def client_secret(lab, _path, _environment):  # noqa: F811
    return {"sign_in": SignIn.CLIENT_SECRET, "client_secret": SECRET}


def certificate_file(lab, path, _environment):  # noqa: F811
    file = path / "client.pem"
    file.write_text(lab.certificate)
    return {"sign_in": SignIn.CERTIFICATE, "certificate_path": str(file)}


def certificate_text(lab, _path, _environment):  # noqa: F811
    return {"sign_in": SignIn.CERTIFICATE, "certificate": lab.certificate}


def workload_identity(lab, path, _environment):  # noqa: F811
    return {"sign_in": SignIn.WORKLOAD_IDENTITY, "token_file": str(lab.issuer.write_token_file(path / "t", SUBJECT))}


def default_chain(lab, _path, environment):  # noqa: F811
    environment.setenv("AZURE_TENANT_ID", CONTOSO.tenant_id)
    environment.setenv("AZURE_CLIENT_ID", AIRFLOW.app_id)
    environment.setenv("AZURE_CLIENT_SECRET", SECRET)
    return {"sign_in": SignIn.DEFAULT, "client_id": "", "tenant_id": ""}


def managed_identity(lab, _path, environment):  # noqa: F811
    environment.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", lab.machine)
    return {"sign_in": SignIn.MANAGED_IDENTITY, "client_id": "", "tenant_id": ""}


WAYS = (client_secret, certificate_file, certificate_text, workload_identity, default_chain, managed_identity)


@pytest.fixture(params=WAYS, ids=[way.__name__ for way in WAYS])
def settings(request, lab, tmp_path, environment):  # noqa: F811
    """Settings that sign in one of the ways."""
    given = {"tenant_id": CONTOSO.tenant_id, "client_id": AIRFLOW.app_id}
    given |= {"authority_url": lab.authority, "ca_file": lab.ca_file}
    return AzureSettings(**{**given, **request.param(lab, tmp_path, environment)})


def expected(settings):
    return OWN_IDENTITY if settings.sign_in is SignIn.MANAGED_IDENTITY else AIRFLOW_OBJECT


async def test_on_an_event_loop(settings, claims_of):  # noqa: F811
    async with async_credential(settings) as made:
        token = await made.get_token(SCOPE)
        assert claims_of(token.token).object_id == expected(settings)
        if settings.sign_in is SignIn.DEFAULT:
            told = how_obtained(settings, made)
            assert told == f"default chain: EnvironmentCredential, AZURE_CLIENT_ID={AIRFLOW.app_id} of the environment"


def test_without_an_event_loop(settings, claims_of):  # noqa: F811
    with credential(settings) as made:
        assert claims_of(made.get_token(SCOPE).token).object_id == expected(settings)


async def test_a_chain_that_uses_no_http_leaves_no_session_behind(environment, recwarn):
    environment.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")
    await async_credential(AzureSettings(sign_in=SignIn.DEFAULT)).close()
    gc.collect()
    assert not [one for one in recwarn if one.category is ResourceWarning]


async def test_a_credential_that_cannot_be_made_leaves_no_session_behind(recwarn):
    application = {"tenant_id": CONTOSO.tenant_id, "client_id": AIRFLOW.app_id}
    with pytest.raises(ValueError, match="certificate"):
        async_credential(AzureSettings(sign_in=SignIn.CERTIFICATE, certificate="no PEM", **application))
    gc.collect()
    assert not [one for one in recwarn if one.category is ResourceWarning]
