"""``az network private-endpoint`` and, on the service's side, ``az network private-endpoint-connection``."""

from __future__ import annotations

import pytest

DATA = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/data/providers"
LAKE = f"{DATA}/Microsoft.Storage/storageAccounts/contosolake"
VAULT = f"{DATA}/Microsoft.KeyVault/vaults/contoso-vault"
CREATE = (
    "network private-endpoint create -g network -n lake --vnet-name data --subnet endpoints --connection-name lake "
    f"--private-connection-resource-id {LAKE} --group-id blob"
)
ASK = f"{CREATE} --manual-request true --request-message 'for Airflow'"
CONNECTIONS = f"network private-endpoint-connection list --id {LAKE}"
STATE = "properties.privateLinkServiceConnectionState"
SHOW = "network private-endpoint show -g network -n lake"
ASKED = f"{SHOW} --query manualPrivateLinkServiceConnections[0].privateLinkServiceConnectionState.status"


@pytest.fixture
def asked(az):
    """The id of a connection that waits for approval."""
    az(ASK)
    (connection,) = az(CONNECTIONS)
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Pending"
    return connection["id"]


def test_endpoint_of_the_owner_is_approved_and_has_addresses(az):
    made = az(CREATE)
    assert made["privateLinkServiceConnections"][0]["privateLinkServiceConnectionState"]["status"] == "Approved"
    (name,) = az(f"{SHOW} --query customDnsConfigs")
    assert name == {"fqdn": "contosolake.blob.core.windows.net", "ipAddresses": ["10.20.1.4"]}
    assert az("network private-endpoint list -g network --query [].name") == ["lake"]
    az("network private-endpoint delete -g network -n lake")
    assert az("network private-endpoint list -g network") == []
    assert az(CONNECTIONS) == []


def test_owner_of_the_service_rejects(az, asked):
    az(f"network private-endpoint-connection reject --id {asked} --description no")
    assert az(ASKED) == "Rejected"
    shown = az(f"network private-endpoint-connection show --id {asked} --query {STATE}")
    assert (shown["status"], shown["description"]) == ("Rejected", "no")
    again = az.refused(f"network private-endpoint-connection approve --id {asked}")
    assert "InvalidValuesForRequestParameters" in again  # storage keeps a rejection, as recorded


def test_owner_of_the_service_deletes(az, asked):
    az(f"network private-endpoint-connection delete --id {asked} --yes")
    assert az(ASKED) == "Disconnected"
    assert az(CONNECTIONS) == []


def test_owner_of_the_service_approves(az):
    az(ASK.replace(LAKE, VAULT).replace("--group-id blob", "--group-id vault"))
    assert az(ASKED) == "Pending"
    vault = "-g data --type Microsoft.KeyVault/vaults --resource-name contoso-vault -n lake"
    shown = az(f"network private-endpoint-connection show {vault} --query {STATE}")
    assert (shown["status"], shown["description"]) == ("Pending", "for Airflow")
    az(f"network private-endpoint-connection approve {vault} --description welcome")
    shown = az(f"network private-endpoint-connection show {vault} --query {STATE}")
    assert (shown["status"], shown["description"]) == ("Approved", "welcome")
    assert az(ASKED) == "Approved"


def test_services_tell_what_can_be_linked(az):
    groups = f"network private-link-resource list --id {VAULT} --query [].properties.groupId"
    assert az(groups) == ["vault"]


def test_zone_group_registers_the_endpoint_and_takes_it_out(az):
    az(CREATE)
    az("network private-dns zone create -g network -n privatelink.blob.core.windows.net")
    group = "network private-endpoint dns-zone-group {} -g network --endpoint-name lake"
    az(f"{group.format('create')} -n default --private-dns-zone privatelink.blob.core.windows.net --zone-name blob")
    records = "network private-dns record-set a list -g network -z privatelink.blob.core.windows.net"
    (record,) = az(records)
    assert (record["name"], record["aRecords"]) == ("contosolake", [{"ipv4Address": "10.20.1.4"}])
    shown = az(f"{group.format('show')} -n default")
    assert shown["privateDnsZoneConfigs"][0]["recordSets"][0]["ipAddresses"] == ["10.20.1.4"]
    assert [found["name"] for found in az(group.format("list"))] == ["default"]
    az(f"{group.format('delete')} -n default")
    assert az(records) == []
