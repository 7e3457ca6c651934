"""A tenant, its applications, and the authority served over TLS."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from airflow_provider_netconn.lab.certificates import Authority as CertificateAuthority
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import (
    Application,
    ClientCertificate,
    ClientSecret,
    Directory,
    FederatedCredential,
    Principal,
    PrincipalKind,
    ServicePrincipalType,
    Tenant,
)
from airflow_provider_netconn.lab.identity import application, managed_identity
from airflow_provider_netconn.lab.identity.federation import FederatedIssuer, Federation, service_account_subject
from airflow_provider_netconn.lab.identity.managed_identity import AssignedIdentities
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Tokens
from tests.lab.running import Service, served

MANAGEMENT = "https://management.azure.com"
SCOPE = f"{MANAGEMENT}/.default"
SECRET = "canary-secret~of.the_application"
IDENTITY_HEADER = "canary-identity-header"

CONTOSO = Tenant(
    tenant_id="11111111-1111-4111-8111-111111111111", domain="contoso.onmicrosoft.com", display_name="Contoso"
)
FABRIKAM = Tenant(
    tenant_id="22222222-2222-4222-8222-222222222222", domain="fabrikam.onmicrosoft.com", display_name="Fabrikam"
)
AIRFLOW = Application(
    app_id="aaaaaaaa-0000-4000-8000-000000000001",
    object_id="aaaaaaaa-0000-4000-8000-0000000000ff",
    tenant_id=CONTOSO.tenant_id,
    display_name="airflow",
    multi_tenant=True,
)
OTHER = Application(
    app_id="aaaaaaaa-0000-4000-8000-000000000002",
    object_id="aaaaaaaa-0000-4000-8000-0000000000fe",
    tenant_id=CONTOSO.tenant_id,
    display_name="other",
    identifier_uris=("api://orders",),
    access_token_version=2,
)
AIRFLOW_OBJECT = "bbbbbbbb-0000-4000-8000-000000000001"
OWN_IDENTITY = "cccccccc-0000-4000-8000-000000000001"
SHARED_IDENTITY = "cccccccc-0000-4000-8000-000000000002"
SUBJECT = service_account_subject("airflow", "worker")


def make_certificate(*, days=30):
    """A self-signed certificate and its key, as a client has them: PEM of both, and PEM of the public part."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "airflow")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return private + public, public


@dataclass
class Lab:
    """What a test has at hand."""

    clock: Clock
    directory: Directory
    resources: Resources
    tokens: Tokens
    federation: Federation
    identities: AssignedIdentities
    certificate: str
    ca_file: str = ""
    authority: str = ""
    machine: str = ""
    issuer: FederatedIssuer | None = field(default=None)


def make_directory(clock):
    directory = Directory(clock)
    directory.add_tenant(CONTOSO)
    directory.add_tenant(FABRIKAM)
    directory.add_application(AIRFLOW, ClientSecret(value=SECRET))
    directory.add_application(OTHER)
    directory.consent(AIRFLOW.app_id, CONTOSO.tenant_id, object_id=AIRFLOW_OBJECT)
    directory.consent(OTHER.app_id, CONTOSO.tenant_id)
    for object_id, app_id, name in (
        (OWN_IDENTITY, "dddddddd-0000-4000-8000-000000000001", "vm1"),
        (SHARED_IDENTITY, "dddddddd-0000-4000-8000-000000000002", "shared"),
    ):
        directory.add(
            Principal(
                object_id=object_id,
                tenant_id=CONTOSO.tenant_id,
                kind=PrincipalKind.SERVICE_PRINCIPAL,
                display_name=name,
                app_id=app_id,
                service_principal_type=ServicePrincipalType.MANAGED_IDENTITY,
                resource_id=f"/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/identities/{name}",
            )
        )
    return directory


@pytest.fixture(scope="module")
def served_lab(tmp_path_factory):
    clock = Clock()
    directory = make_directory(clock)
    resources = Resources()
    tokens = Tokens(directory, resources, clock)
    federation = Federation()
    certificate, public = make_certificate()
    directory.add_credential(AIRFLOW.app_id, ClientCertificate(pem=public))
    identities = AssignedIdentities()
    lab = Lab(clock, directory, resources, tokens, federation, identities, certificate)
    authority = CertificateAuthority()
    lab.ca_file = str(authority.write_ca_file(tmp_path_factory.mktemp("ca") / "ca.pem"))
    with served(
        Service(
            name="authority",
            application=application.application(directory, tokens, resources, clock, federation=federation),
            tls=authority.server_context("127.0.0.1", "localhost"),
        ),
        Service(
            name="machine",
            application=managed_identity.application(
                directory, tokens, resources, clock, identities=identities, identity_header=IDENTITY_HEADER
            ),
        ),
    ) as addresses:
        lab.authority = f"https://localhost:{addresses['authority'][1]}"
        lab.machine = f"http://127.0.0.1:{addresses['machine'][1]}"
        lab.issuer = federation.add(FederatedIssuer(f"{lab.authority}/{CONTOSO.tenant_id}/cluster", clock))
        trust = FederatedCredential(issuer=lab.issuer.url, subject=SUBJECT)
        directory.add_credential(AIRFLOW.app_id, trust)
        yield lab


@pytest.fixture
def lab(served_lab):
    """The lab as it was made: the clock and token lifetime are set back, and the machine has its own identity."""
    served_lab.clock.reset()
    served_lab.tokens.lifetime_s = 3599
    served_lab.identities.system_assigned = OWN_IDENTITY
    served_lab.identities.user_assigned = (SHARED_IDENTITY,)
    return served_lab


@pytest.fixture
def claims_of(lab):
    """Verify a token as Resource Manager does."""
    return lambda token: lab.tokens.verify(token, lab.resources.management)
