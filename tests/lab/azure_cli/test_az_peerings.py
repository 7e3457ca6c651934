"""``az network vnet peering``: both sides, what happens to the other, and another tenant."""

from __future__ import annotations

import pytest

HUB = "network vnet create -g network -n hub --address-prefixes 10.50.0.0/16"
THERE = "network vnet peering create -g network -n to-hub --vnet-name data --remote-vnet hub --allow-vnet-access"
BACK = "network vnet peering create -g network -n to-data --vnet-name hub --remote-vnet data --allow-vnet-access"
SHOW = "network vnet peering show -g network -n to-hub --vnet-name data --query [peeringState,peeringSyncLevel]"
CUSTOMER = "/subscriptions/00000000-0000-4000-8000-000000000001"


@pytest.fixture
def hub(az):
    az(HUB)


def test_each_side_is_made_and_both_become_connected(az, hub):
    assert az(THERE)["peeringState"] == "Initiated"
    assert az(SHOW) == ["Initiated", "RemoteNotInSync"]
    assert az(BACK)["peeringState"] == "Connected"
    assert az(SHOW) == ["Connected", "FullyInSync"]
    assert az("network vnet peering list -g network --vnet-name data --query [].name") == ["to-hub"]


def test_changed_address_space_is_synchronised(az, hub):
    az(THERE)
    az(BACK)
    az("network vnet update -g network -n hub --address-prefixes 10.50.0.0/16 10.51.0.0/16")
    assert az(SHOW) == ["Connected", "LocalNotInSync"]
    synced = az("network vnet peering sync -g network -n to-hub --vnet-name data")
    assert synced["remoteAddressSpace"]["addressPrefixes"] == ["10.50.0.0/16", "10.51.0.0/16"]
    assert az(SHOW) == ["Connected", "FullyInSync"]


def test_side_is_changed_and_deleted(az, hub):
    az(THERE)
    az(BACK)
    changed = az("network vnet peering update -g network -n to-hub --vnet-name data --set allowForwardedTraffic=true")
    assert changed["allowForwardedTraffic"] is True
    az("network vnet peering delete -g network -n to-data --vnet-name hub")
    assert az(SHOW)[0] == "Disconnected"


def test_refusals_are_told_with_their_code(az):
    missing = az.refused("network vnet peering show -g network -n none --vnet-name data")
    assert "(NotFound)" in missing
    itself = "network vnet peering create -g network -n self --vnet-name data --remote-vnet data"
    assert "(CannotPeerVirtualNetworkWithItself)" in az.refused(itself)


def test_network_of_another_tenant_is_peered_by_who_is_signed_in_to_both(azure_lab, sign_in):
    remote = f"{CUSTOMER}/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/data"
    there = (
        "network vnet peering create -g astro-cluster -n to-customer --vnet-name astro-cluster --remote-vnet " + remote
    )
    grant(azure_lab)
    with sign_in("astronomer") as az:
        assert "not found" in az.refused(there)  # azure-cli itself knows of no tenant that has this subscription
        application, tenant = azure_lab.principal("astronomer"), azure_lab.tenant_id
        secret = f"--username {application.app_id} --password {application.client_secret}"
        az(f"login --service-principal {secret} --tenant {tenant}")
        az("account set --subscription astro-hosting")
        assert az(there)["peeringState"] == "Initiated"


def grant(azure_lab):
    """Let Astronomer's application, as the customer's tenant knows it, peer the customer's networks."""
    role = f"{CUSTOMER}/providers/Microsoft.Authorization/roleDefinitions/4d97b98b-1d4f-4787-a291-c67834d212e7"
    azure_lab.put(
        f"{CUSTOMER}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000aaaa",
        {
            "properties": {
                "roleDefinitionId": role,
                "principalId": "00000000-0000-4000-8000-0000000000b6",
                "principalType": "ServicePrincipal",
            }
        },
    )
