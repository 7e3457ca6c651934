"""Who listens, with which certificate, and what faults make of it."""

import ssl
import time

import pytest

from airflow_provider_netconn.lab.services.table import service_row
from tests.lab.services.reaching import (
    GROUP,
    STORAGE,
    VAULT,
    caller_address,
    change,
    connect_privately,
    curl,
    tls,
)

BLOB_HOST = "contosolake.blob.core.windows.net"
VAULT_HOST = "contoso-vault.vault.azure.net"
COSMOS = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/contoso-graph"


def names_in(lab, host, port=443, **how):
    """The names in the certificate that is shown to a client."""
    with tls(lab, host, port, **how) as connection:
        return [value for kind, value in connection.getpeercert()["subjectAltName"]]


class TestCertificates:
    @pytest.mark.parametrize(
        ("host", "port", "expected"),
        [
            (BLOB_HOST, 443, ["*.blob.core.windows.net"]),
            ("contosolake.dfs.core.windows.net", 443, ["*.dfs.core.windows.net"]),
            (
                VAULT_HOST,
                443,
                ["*.vault.azure.net", "vault.azure.net", "*.vaultcore.azure.net", "vaultcore.azure.net"],
            ),
            ("contosoimages.azurecr.io", 443, ["*.azurecr.io"]),
            ("contosoimages.westeurope.data.azurecr.io", 443, ["*.westeurope.data.azurecr.io"]),
            ("contoso-events.servicebus.windows.net", 5671, ["*.servicebus.windows.net"]),
        ],
    )
    def test_they_carry_the_public_names(self, azure_lab, host, port, expected):
        assert names_in(azure_lab, host, port) == expected

    def test_a_private_endpoint_shows_the_same_one(self, azure_lab):
        endpoint = connect_privately(azure_lab, STORAGE, "blob")
        assert names_in(azure_lab, BLOB_HOST, private_endpoint=endpoint) == ["*.blob.core.windows.net"]

    def test_the_privatelink_name_is_in_none(self, azure_lab):
        privatelink = {
            BLOB_HOST: "contosolake.privatelink.blob.core.windows.net",
            VAULT_HOST: "contoso-vault.privatelink.vaultcore.azure.net",
            "contosoimages.azurecr.io": "contosoimages.privatelink.azurecr.io",
        }
        for host, name in privatelink.items():
            with (
                pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
                tls(azure_lab, host, name=name),
            ):
                pass

    def test_only_a_private_cluster_carries_its_own_name(self):
        row = service_row("Microsoft.ContainerService/managedClusters", "management")
        assert row.names("k-12.privatelink.westeurope.azmk8s.io") == ("k-12.privatelink.westeurope.azmk8s.io",)
        assert row.names("k-12.westeurope.azmk8s.io") == (
            "k-12.westeurope.azmk8s.io",
            "k-12.privatelink.westeurope.azmk8s.io",
        )


class TestFaults:
    def test_a_proxy_shows_its_own_certificate_once(self, azure_lab):
        fault = azure_lab.fault("intercepted", host="contoso-vault.*")
        with (
            pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"),
            tls(azure_lab, VAULT_HOST),
        ):
            pass
        assert fault.applied == 1
        with tls(azure_lab, VAULT_HOST):
            pass

    def test_what_a_proxy_shows_is_for_the_name_and_of_another_authority(self, azure_lab):
        from cryptography import x509

        azure_lab.fault("intercepted", host=VAULT_HOST)
        with tls(azure_lab, VAULT_HOST, verify=False) as connection:
            shown = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
        assert "Contoso Web Proxy" in shown.issuer.rfc4514_string()
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [VAULT_HOST]

    def test_an_expired_certificate_is_otherwise_right(self, azure_lab):
        azure_lab.fault("expired-certificate", path="vaults/contoso-vault")
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"), tls(azure_lab, VAULT_HOST):
            pass

    def test_a_service_that_hangs_does_not_even_greet(self, azure_lab):
        azure_lab.fault("service-hangs", host=VAULT_HOST)
        with pytest.raises(ConnectionError, match="timed out"):
            curl(azure_lab, f"https://{VAULT_HOST}/healthstatus", "--max-time", "0.5")

    def test_a_slow_one_answers_late(self, azure_lab):
        azure_lab.fault("service-hangs:0.4", host=VAULT_HOST)
        began = time.monotonic()
        assert curl(azure_lab, f"https://{VAULT_HOST}/healthstatus")[0] == 200
        assert time.monotonic() - began > 0.4

    @pytest.mark.parametrize("fault", ["service-closes", "service-resets"])
    def test_a_closed_door(self, azure_lab, fault):
        azure_lab.fault(fault, host=VAULT_HOST)
        with pytest.raises(OSError), tls(azure_lab, VAULT_HOST):  # noqa: PT011 - which error depends on the moment
            pass
        with tls(azure_lab, VAULT_HOST):
            pass

    def test_a_service_of_another_name_is_not_met(self, azure_lab):
        azure_lab.fault("service-resets", host=VAULT_HOST)
        with tls(azure_lab, BLOB_HOST):
            pass


class TestPrivateEndpoints:
    def test_one_that_is_rejected_leads_nowhere(self, azure_lab):
        endpoint = connect_privately(azure_lab, VAULT, "vault")
        url = f"https://{VAULT_HOST}/healthstatus"
        assert curl(azure_lab, url, private_endpoint=endpoint)[0] == 200
        (connection,) = azure_lab.get(VAULT)["properties"]["privateEndpointConnections"]
        state = {"privateLinkServiceConnectionState": {"status": "Rejected", "description": "no"}}
        azure_lab.request("PUT", connection["id"], {"properties": state})
        with pytest.raises(ConnectionError):
            curl(azure_lab, url, private_endpoint=endpoint)
        (served,) = [one for one in azure_lab.endpoints() if one["private_endpoint"]]
        assert served["state"] == "Rejected"

    def test_its_door_closes_with_it(self, azure_lab):
        endpoint = connect_privately(azure_lab, VAULT, "vault")
        assert [one["address"] for one in azure_lab.endpoints() if one["private_endpoint"]] == ["10.20.1.4"]
        azure_lab.delete(endpoint)
        assert not [one for one in azure_lab.endpoints() if one["private_endpoint"]]


class TestFirstAnswers:
    def test_a_registry_challenges(self, azure_lab):
        status, headers, body = curl(azure_lab, "https://contosoimages.azurecr.io/v2/")
        assert status == 401
        assert headers["www-authenticate"] == (
            'Bearer realm="https://contosoimages.azurecr.io/oauth2/token",service="contosoimages.azurecr.io"'
        )
        assert headers["docker-distribution-api-version"] == "registry/2.0"
        assert '"UNAUTHORIZED"' in body

    def test_a_registry_refuses_in_its_words(self, azure_lab):
        registry = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/contosoimages"
        change(azure_lab, registry, {"publicNetworkAccess": "Disabled"})
        status, _, body = curl(azure_lab, "https://contosoimages.azurecr.io/v2/")
        assert status == 403
        assert '"DENIED"' in body

    def test_cosmos_wants_authorization_and_keeps_others_out(self, azure_lab):
        locations = [{"locationName": "westeurope", "failoverPriority": 0}]
        rules = [{"ipAddressOrRange": "203.0.113.7"}]
        properties = {"databaseAccountOfferType": "Standard", "locations": locations, "ipRules": rules}
        azure_lab.put(COSMOS, {"location": "westeurope", "kind": "GlobalDocumentDB", "properties": properties})
        url = "https://contoso-graph.documents.azure.com/"
        status, _, body = curl(azure_lab, url)
        assert status == 403
        assert "blocked" in body
        status, headers, body = curl(azure_lab, url, "--interface", caller_address(azure_lab, "203.0.113.7"))
        assert status == 401
        assert "Required Header authorization is missing" in body
        assert headers["x-ms-activity-id"] in body

    def test_a_host_that_is_not_there_is_a_bad_request(self, azure_lab):
        assert curl(azure_lab, f"https://{BLOB_HOST}/", "-H", "Host: other.blob.core.windows.net")[0] == 400

    def test_databricks_is_found_by_its_own_name(self, azure_lab):
        workspace = f"{GROUP}/providers/Microsoft.Databricks/workspaces/contoso-lakehouse"
        made = azure_lab.put(workspace, {"location": "westeurope", "sku": {"name": "premium"}, "properties": {}})
        token = azure_lab.token(audience="2ff814a6-3304-4ab8-85cb-cd0e6f879c1d")
        url = f"https://{made['properties']['workspaceUrl']}/api/2.0/ip-access-lists"
        status, _, body = curl(azure_lab, url, "-H", f"Authorization: Bearer {token}")
        assert (status, body) == (200, '{"ip_access_lists": []}')


def test_a_clean_lab_is_there_at_once_and_opens_no_more_doors_each_time(azure_lab):
    azure_lab.endpoints()
    before = len(azure_lab.local.services._doors)
    began = time.monotonic()
    azure_lab.reset()
    azure_lab.endpoints()
    assert time.monotonic() - began < 0.5
    assert len(azure_lab.local.services._doors) == before


def test_names_lead_to_where_services_are(azure_lab, azure_lab_network):
    (served,) = [one for one in azure_lab.endpoints() if BLOB_HOST in one["hosts"]]
    (answer,) = azure_lab_network.resolver().resolve(BLOB_HOST)
    assert answer.address == served["address"]
