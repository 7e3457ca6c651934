"""Key vaults, with Azure's own client."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.lab.services.reaching import CALLER, VAULT, change, connect_privately, curl, error_of

SecretClient = pytest.importorskip("azure.keyvault.secrets").SecretClient

HOST = "contoso-vault.vault.azure.net"
URL = f"https://{HOST}"
ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


def grant(lab, principal, role):
    role_id = f"/providers/Microsoft.Authorization/roleDefinitions/{role}"
    body = {"roleDefinitionId": role_id, "principalId": lab.principal(principal).object_id}
    body["principalType"] = "ServicePrincipal"
    name = f"{role[:-2]}{'01' if principal == 'airflow' else '02'}"
    lab.put(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/{name}", {"properties": body})


def client(lab, principal=None):
    return SecretClient(URL, lab.credential(principal), connection_verify=lab.ca_file, retry_total=0)


@pytest.mark.usefixtures("names")
class TestSecrets:
    def test_they_are_kept_with_their_versions(self, azure_lab):
        grant(azure_lab, "automation", ADMINISTRATOR)
        with client(azure_lab) as vault:
            first = vault.set_secret("db-password", "one", tags={"of": "orders"})
            second = vault.set_secret("db-password", "two", content_type="text/plain")
            assert vault.get_secret("db-password").value == "two"
            assert vault.get_secret("db-password", first.properties.version).value == "one"
            assert first.properties.version != second.properties.version
            assert [secret.name for secret in vault.list_properties_of_secrets()] == ["db-password"]
            assert len(list(vault.list_properties_of_secret_versions("db-password"))) == 2
            with pytest.raises(ResourceNotFoundError, match="was not found in this key vault"):
                vault.get_secret("other")

    def test_a_role_lets_read_and_no_more(self, azure_lab):
        grant(azure_lab, "automation", ADMINISTRATOR)
        with client(azure_lab) as vault:
            vault.set_secret("a", "1")
        with client(azure_lab, "airflow") as task:
            with pytest.raises(HttpResponseError) as refused:
                task.get_secret("a")
            assert refused.value.status_code == 403
            assert refused.value.error.innererror["code"] == "ForbiddenByRbac"
            grant(azure_lab, "airflow", SECRETS_USER)
            assert task.get_secret("a").value == "1"
            with pytest.raises(HttpResponseError):
                task.set_secret("a", "2")

    def test_who_is_kept_out_is_told_why(self, azure_lab, names):
        grant(azure_lab, "automation", ADMINISTRATOR)
        endpoint = connect_privately(azure_lab, VAULT, "vault")
        change(azure_lab, VAULT, {"networkAcls": {"defaultAction": "Deny", "ipRules": []}})
        assert _refusal(azure_lab) == "ForbiddenByFirewall"
        change(azure_lab, VAULT, {"publicNetworkAccess": "Disabled"})
        assert _refusal(azure_lab) == "ForbiddenByConnection"
        names["by"] = endpoint
        with client(azure_lab) as vault:
            assert vault.set_secret("a", "1").value == "1"

    def test_a_reset_vault_is_empty(self, azure_lab):
        grant(azure_lab, "automation", ADMINISTRATOR)
        with client(azure_lab) as vault:
            vault.set_secret("a", "1")
        azure_lab.reset()
        grant(azure_lab, "automation", ADMINISTRATOR)
        with client(azure_lab) as vault:
            assert list(vault.list_properties_of_secrets()) == []


def _refusal(lab):
    with client(lab) as vault, pytest.raises(HttpResponseError) as refused:
        vault.get_secret("a")
    assert refused.value.status_code == 403
    return refused.value.error.innererror["code"]


def test_it_challenges_with_its_tenants_authority(azure_lab):
    status, headers, body = curl(azure_lab, f"{URL}/secrets?api-version=7.4")
    assert status == 401
    authority = f"{azure_lab.authority_url}/{azure_lab.tenant_id}"
    assert headers["www-authenticate"] == f'Bearer authorization="{authority}", resource="https://vault.azure.net"'
    assert error_of(body)["code"] == "Unauthorized"


def test_its_health_tells_the_callers_address_to_anybody(azure_lab):
    change(azure_lab, VAULT, {"publicNetworkAccess": "Disabled"})
    status, headers, _ = curl(azure_lab, f"{URL}/healthstatus", "-H", "Host: 10.20.1.4")
    assert status == 200
    assert f"addr={CALLER};" in headers["x-ms-keyvault-network-info"]


def test_the_journal_knows_no_secret(azure_lab):
    grant(azure_lab, "automation", ADMINISTRATOR)
    token = azure_lab.token(audience="https://vault.azure.net")
    url = f"{URL}/secrets/a?api-version=7.4"
    done = curl(
        azure_lab, url, "-X", "PUT", "-H", f"Authorization: Bearer {token}", "-d", '{"value": "hush-hush-hush"}'
    )
    assert done[0] == 200
    (entry,) = azure_lab.journal(service="data")
    assert "hush" not in repr(entry)
