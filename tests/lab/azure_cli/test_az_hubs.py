"""Hubs and their connections: azure-cli's own commands for them are an extension, so ``az resource`` manages them."""

from __future__ import annotations

import pytest

PLATFORM = "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/connectivity/providers/Microsoft.Network"
NETWORK = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network/providers/Microsoft.Network"
    "/virtualNetworks/data"
)
HUB = f"{PLATFORM}/virtualHubs/hub"
CONNECTION = f"{HUB}/hubVirtualNetworkConnections/to-data"
CONNECT = f"""resource create --id {CONNECTION} --properties '{{"remoteVirtualNetwork": {{"id": "{NETWORK}"}}}}'"""


@pytest.fixture
def platform(az):
    az("account set --subscription platform")
    yield az
    az("account set --subscription production")


def test_hub_is_made_shown_and_deleted(platform):
    wan = f"{PLATFORM}/virtualWans/backbone"
    made = platform(
        "resource create -g connectivity -n second --resource-type Microsoft.Network/virtualHubs --properties "
        f"""'{{"virtualWan": {{"id": "{wan}"}}, "addressPrefix": "10.31.0.0/23"}}'"""
    )
    assert made["properties"]["provisioningState"] == "Succeeded"
    hubs = "resource list -g connectivity --resource-type Microsoft.Network/virtualHubs --query [].name"
    assert sorted(platform(hubs)) == ["hub", "second"]
    platform("resource delete -g connectivity -n second --resource-type Microsoft.Network/virtualHubs")
    assert platform(hubs) == ["hub"]


def test_network_is_connected_and_disconnected(platform):
    assert platform(CONNECT)["properties"]["remoteVirtualNetwork"]["id"] == NETWORK
    show = f"resource show --ids {CONNECTION} --query properties.provisioningState"
    assert platform(show) == "Succeeded"
    changed = platform(f"resource update --ids {CONNECTION} --set properties.enableInternetSecurity=true")
    assert changed["properties"]["enableInternetSecurity"] is True
    listing = f"rest --url {HUB}/hubVirtualNetworkConnections?api-version=2024-05-01 --query value[].name"
    assert platform(listing) == ["to-data"]
    platform(f"resource delete --ids {CONNECTION}")
    assert platform(listing) == []
    assert "NotFound" in platform.refused(show)


def test_network_has_one_hub(platform):
    platform(CONNECT)
    assert "AlreadyConnected" in platform.refused(CONNECT.replace("to-data", "again"))
