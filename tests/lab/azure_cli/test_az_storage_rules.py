"""``az storage account``: its firewall, rule by rule."""

from __future__ import annotations

import pytest

RULE = "storage account network-rule {} -g data -n orderslake"
SUBNET = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network/providers/Microsoft.Network"
    "/virtualNetworks/data/subnets/workloads"
)


@pytest.fixture
def account(az):
    made = az("storage account create -g data -n orderslake --sku Standard_LRS --kind StorageV2 -l westeurope")
    assert (made["provisioningState"], made["networkRuleSet"]["defaultAction"]) == ("Succeeded", "Allow")


def addresses(az):
    return [rule["ipAddressOrRange"] for rule in az(RULE.format("list"))["ipRules"]]


def test_addresses_are_added_and_removed(az, account):
    az(RULE.format("add") + " --ip-address 198.51.100.7")
    az(RULE.format("add") + " --ip-address 203.0.113.0/24")
    assert addresses(az) == ["198.51.100.7", "203.0.113.0/24"]
    az(RULE.format("remove") + " --ip-address 198.51.100.7")
    assert addresses(az) == ["203.0.113.0/24"]


@pytest.mark.parametrize("address", ["10.1.2.3", "198.51.100.0/31"])
def test_private_addresses_and_small_ranges_are_refused(az, account, address):
    assert "(InvalidValuesForRequestParameters)" in az.refused(RULE.format("add") + f" --ip-address {address}")
    assert addresses(az) == []


def test_subnet_is_let_in_through_its_service_endpoint(az, account):
    az("network vnet subnet update -g network --vnet-name data -n workloads --service-endpoints Microsoft.Storage")
    az(RULE.format("add") + f" --subnet {SUBNET}")
    (rule,) = az(RULE.format("list"))["virtualNetworkRules"]
    assert (rule["virtualNetworkResourceId"].casefold(), rule["state"]) == (SUBNET.casefold(), "Succeeded")
    az(RULE.format("remove") + f" --subnet {SUBNET}")
    assert az(RULE.format("list"))["virtualNetworkRules"] == []


def test_all_others_are_shut_out(az, account):
    shut = az("storage account update -g data -n orderslake --default-action Deny --bypass None")["networkRuleSet"]
    assert (shut["defaultAction"], shut["bypass"]) == ("Deny", "None")


def test_name_that_is_taken_is_known(az, account):
    check = "storage account check-name -n orderslake --query nameAvailable"
    assert az(check) is False
