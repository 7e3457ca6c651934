"""``az network local-gateway``, ``vnet-gateway`` and ``vpn-connection``."""

from __future__ import annotations

import pytest

GATEWAY = "--gateway-type Vpn --vpn-type RouteBased --sku VpnGw2AZ --vpn-gateway-generation Generation2"
CONNECT = "network vpn-connection create -g network -n to-office --vnet-gateway1 gw --local-gateway2 office"
KEY = "network vpn-connection shared-key {} -g network --connection-name to-office"


@pytest.fixture
def gateways(az):
    office = "--gateway-ip-address 203.0.113.77 --address-prefixes 192.168.50.0/24"
    made = az(f"network local-gateway create -g network -n office {office}")
    assert made["localNetworkAddressSpace"]["addressPrefixes"] == ["192.168.50.0/24"]
    az("network public-ip create -g network -n gw-ip --sku Standard --allocation-method Static")
    gateway = az(f"network vnet-gateway create -g network -n gw --vnet data --public-ip-address gw-ip {GATEWAY}")
    assert gateway["vnetGateway"]["provisioningState"] == "Succeeded"


def test_connection_is_made_by_a_template_and_shows_its_state(az, gateways):
    made = az(f"{CONNECT} --shared-key abc123")["resource"]
    assert (made["connectionType"], made["routingWeight"]) == ("IPsec", 10)
    show = "network vpn-connection show -g network -n to-office"
    assert az(f"{show} --query [connectionStatus,provisioningState]") == ["Unknown", "Succeeded"]
    assert az("network vpn-connection list -g network --query [].name") == ["to-office"]
    changed = az("network vpn-connection update -g network -n to-office --routing-weight 25")
    assert changed["routingWeight"] == 25
    az("network vpn-connection delete -g network -n to-office")
    assert "(ResourceNotFound)" in az.refused(show)


def test_shared_key_is_read_set_and_made_anew(az, gateways):
    az(f"{CONNECT} --shared-key abc123")
    assert az(KEY.format("show"))["value"] == "abc123"
    az(KEY.format("update") + " --value other-key")
    assert az(KEY.format("show"))["value"] == "other-key"
    az(KEY.format("reset") + " --key-length 64")
    assert len(az(KEY.format("show"))["value"]) == 64


def test_connection_to_a_gateway_that_is_not_there_is_refused(az, gateways):
    told = az.refused(f"{CONNECT.replace('office', 'none')} --shared-key abc123")
    assert "DeploymentFailed" in told
    assert "InvalidResourceReference" in told


def test_gateways_are_listed_and_deleted(az, gateways):
    assert az("network vnet-gateway list -g network --query [].name") == ["gw"]
    az("network vnet-gateway delete -g network -n gw")
    az("network local-gateway delete -g network -n office")
    assert az("network vnet-gateway list -g network") == []
    assert az("network local-gateway list -g network") == []
