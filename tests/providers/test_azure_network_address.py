"""The connection type of this package: its row says whom ``AzureNetworkHook`` asks."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook
from tests.providers.conftest import places
from tests.providers.dialling import first_look_up

EXTRA = {"tenantId": "11111111-2222-3333-4444-555555555555", "subscriptionId": "s"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"cloud_environment": "AzureChinaCloud"},
        {"arm_url": "https://orders.privatelink.azure.com"},
        {"arm_url": "https://arm.example.net:8443/", "cloud_environment": "AzureUSGovernment"},
    ],
)
def test_the_hook_asks_for_the_address_of_the_table(more, connection, signed_in):
    fields = {"login": "app", "password": "x", "host": "not.read", "extra": EXTRA | more}
    conn_id = connection("azure_network", **fields)

    def dial():
        next(iter(AzureNetworkHook(conn_id, timeout_s=2).get_conn().virtual_networks.list_all()))

    assert [first_look_up(dial)] == places("azure_network", **fields)
