"""azure-identity's own credentials, as users have them, sign in to the lab; only addresses and trust are set."""

from __future__ import annotations

import azure.identity
import azure.identity.aio
import pytest
from azure.core.exceptions import ClientAuthenticationError

from tests.lab.identity.conftest import (
    AIRFLOW,
    AIRFLOW_OBJECT,
    CONTOSO,
    FABRIKAM,
    IDENTITY_HEADER,
    OWN_IDENTITY,
    SCOPE,
    SECRET,
    SHARED_IDENTITY,
    SUBJECT,
)

_VARIABLES = (
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "AZURE_TOKEN_CREDENTIALS",
    "CURL_CA_BUNDLE",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
)


@pytest.fixture(autouse=True)
def environment(lab, monkeypatch):
    """What a user sets: where the authority is, and whom to trust."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", lab.authority)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", lab.ca_file)
    monkeypatch.setenv("SSL_CERT_FILE", lab.ca_file)
    return monkeypatch


def options_of(lab, module):
    """aiohttp reads ``SSL_CERT_FILE`` when it is imported, and another test may have imported it before this one."""
    trust = {"connection_verify": lab.ca_file} if module is azure.identity.aio else {}
    return {"disable_instance_discovery": True, **trust}


def client_secret(lab, _path, module):
    return module.ClientSecretCredential(CONTOSO.tenant_id, AIRFLOW.app_id, SECRET, **options_of(lab, module))


def certificate(lab, path, module):
    file = path / "client.pem"
    file.write_text(lab.certificate)
    return module.CertificateCredential(
        CONTOSO.tenant_id, AIRFLOW.app_id, certificate_path=str(file), **options_of(lab, module)
    )


def workload_identity(lab, path, module):
    file = lab.issuer.write_token_file(path / "token", SUBJECT)
    return module.WorkloadIdentityCredential(
        tenant_id=CONTOSO.tenant_id,
        client_id=AIRFLOW.app_id,
        token_file_path=str(file),
        **options_of(lab, module),
    )


KINDS = pytest.mark.parametrize("kind", [client_secret, certificate, workload_identity])


@KINDS
def test_an_application_signs_in(lab, tmp_path, claims_of, kind):
    with kind(lab, tmp_path, azure.identity) as credential:
        token = credential.get_token(SCOPE)
    claims = claims_of(token.token)
    assert (claims.tenant_id, claims.object_id, claims.app_id) == (CONTOSO.tenant_id, AIRFLOW_OBJECT, AIRFLOW.app_id)
    assert abs(token.expires_on - claims.expires_at) < 5


@KINDS
async def test_an_application_signs_in_asynchronously(lab, tmp_path, claims_of, kind):
    async with kind(lab, tmp_path, azure.identity.aio) as credential:
        token = await credential.get_token(SCOPE)
    assert claims_of(token.token).object_id == AIRFLOW_OBJECT


@pytest.mark.parametrize("tenant", [CONTOSO.domain, CONTOSO.tenant_id.upper()])
def test_the_tenant_may_be_named_by_domain_and_in_any_case(tenant, claims_of):
    with azure.identity.ClientSecretCredential(
        tenant, AIRFLOW.app_id, SECRET, disable_instance_discovery=True
    ) as credential:
        assert claims_of(credential.get_token(SCOPE).token).tenant_id == CONTOSO.tenant_id


def test_the_environment_alone_is_enough(lab, environment, claims_of):
    environment.setenv("AZURE_TENANT_ID", CONTOSO.tenant_id)
    environment.setenv("AZURE_CLIENT_ID", AIRFLOW.app_id)
    environment.setenv("AZURE_CLIENT_SECRET", SECRET)
    for kind in (azure.identity.EnvironmentCredential, azure.identity.DefaultAzureCredential):
        with kind(disable_instance_discovery=True) as credential:
            assert claims_of(credential.get_token(SCOPE).token).object_id == AIRFLOW_OBJECT


def test_the_default_chain_finds_a_workload_identity(lab, environment, tmp_path, claims_of):
    environment.setenv("AZURE_TENANT_ID", CONTOSO.tenant_id)
    environment.setenv("AZURE_CLIENT_ID", AIRFLOW.app_id)
    environment.setenv("AZURE_FEDERATED_TOKEN_FILE", str(lab.issuer.write_token_file(tmp_path / "token", SUBJECT)))
    with azure.identity.DefaultAzureCredential(disable_instance_discovery=True) as credential:
        assert claims_of(credential.get_token(SCOPE).token).object_id == AIRFLOW_OBJECT


def test_the_default_chain_finds_a_managed_identity(lab, environment, claims_of):
    environment.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", lab.machine)
    with azure.identity.DefaultAzureCredential() as credential:
        assert claims_of(credential.get_token(SCOPE).token).object_id == OWN_IDENTITY


def places(lab, environment, place):
    if place == "machine":
        environment.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", lab.machine)
    else:
        environment.setenv("IDENTITY_ENDPOINT", f"{lab.machine}/msi/token")
        environment.setenv("IDENTITY_HEADER", IDENTITY_HEADER)


PLACES = pytest.mark.parametrize("place", ["machine", "app service"])


@PLACES
def test_a_managed_identity_signs_in(lab, environment, claims_of, place):
    places(lab, environment, place)
    with azure.identity.ManagedIdentityCredential() as credential:
        token = credential.get_token(SCOPE)
    assert claims_of(token.token).object_id == OWN_IDENTITY
    assert token.expires_on > lab.clock.now() + 80_000


@PLACES
async def test_a_managed_identity_signs_in_asynchronously(lab, environment, claims_of, place):
    places(lab, environment, place)
    async with azure.identity.aio.ManagedIdentityCredential() as credential:
        token = await credential.get_token(SCOPE)
    assert claims_of(token.token).object_id == OWN_IDENTITY


@PLACES
@pytest.mark.parametrize("choice", ["client_id", "object_id", "resource_id"])
def test_a_shared_identity_is_chosen(lab, environment, claims_of, place, choice):
    places(lab, environment, place)
    principal = lab.directory.principal(SHARED_IDENTITY)
    given = {
        "client_id": {"client_id": principal.app_id},
        "object_id": {"identity_config": {"object_id": principal.object_id}},
        "resource_id": {"identity_config": {"resource_id": principal.resource_id}},
    }[choice]
    with azure.identity.ManagedIdentityCredential(**given) as credential:
        assert claims_of(credential.get_token(SCOPE).token).object_id == SHARED_IDENTITY


def test_an_identity_that_is_not_assigned_is_unavailable(lab, environment):
    places(lab, environment, "machine")
    with (
        azure.identity.ManagedIdentityCredential(client_id=AIRFLOW.app_id) as credential,
        pytest.raises(azure.identity.CredentialUnavailableError, match="Identity not found"),
    ):
        credential.get_token(SCOPE)


def test_a_wrong_secret_is_told_as_entra_tells_it():
    with (
        azure.identity.ClientSecretCredential(
            CONTOSO.tenant_id, AIRFLOW.app_id, "canary-wrong", disable_instance_discovery=True
        ) as credential,
        pytest.raises(ClientAuthenticationError) as caught,
    ):
        credential.get_token(SCOPE)
    assert "AADSTS7000215: Invalid client secret provided." in str(caught.value)
    assert "canary-wrong" not in str(caught.value)


def test_an_unknown_tenant_has_no_authority():
    credential = azure.identity.ClientSecretCredential(
        "33333333-3333-4333-8333-333333333333", AIRFLOW.app_id, SECRET, disable_instance_discovery=True
    )
    with credential, pytest.raises(ClientAuthenticationError, match="double check your tenant name or GUID"):
        credential.get_token(SCOPE)


def test_an_application_without_consent_is_told_as_entra_tells_it():
    credential = azure.identity.ClientSecretCredential(
        FABRIKAM.tenant_id, AIRFLOW.app_id, SECRET, disable_instance_discovery=True
    )
    with credential, pytest.raises(ClientAuthenticationError, match=r"AADSTS700016.*directory 'Fabrikam'"):
        credential.get_token(SCOPE)
