"""What a connection's test looks for is what the operators look for before their first write."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.azure.permissions import NEEDED_ACTIONS
from airflow_provider_netconn.operators.private_endpoint import PrivateEndpointDeleteOperator, PrivateEndpointOperator
from airflow_provider_netconn.operators.virtual_hub import (
    VirtualHubConnectionDeleteOperator,
    VirtualHubConnectionOperator,
)
from airflow_provider_netconn.operators.virtual_network_peering import (
    VirtualNetworkPeeringDeleteOperator,
    VirtualNetworkPeeringOperator,
)

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
PEERING = {
    "virtual_network_id": f"{NETWORK}/virtualNetworks/a",
    "remote_virtual_network_id": f"{NETWORK}/virtualNetworks/b",
}
HUB = {"virtual_hub_id": f"{NETWORK}/virtualHubs/hub", "virtual_network_id": f"{NETWORK}/virtualNetworks/a"}
ENDPOINT = {"endpoint_id": f"{NETWORK}/privateEndpoints/e"}
TARGET = {
    "target_id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/s",
    "subnet_id": f"{NETWORK}/virtualNetworks/a/subnets/s",
    "group_id": "blob",
    "manual": True,
    "create_dns_zones": True,
    "replace": True,
}
OPERATORS = [
    (VirtualNetworkPeeringOperator, PEERING, {"peerings"}),
    (VirtualNetworkPeeringDeleteOperator, PEERING, {"peerings"}),
    (VirtualHubConnectionOperator, HUB, {"hub connections"}),
    (VirtualHubConnectionDeleteOperator, HUB, {"hub connections"}),
    (PrivateEndpointOperator, ENDPOINT | TARGET, {"private endpoints", "private DNS"}),
    (PrivateEndpointDeleteOperator, ENDPOINT, {"private endpoints"}),
]


@pytest.mark.parametrize(("kind", "arguments", "tasks"), OPERATORS, ids=[kind.__name__ for kind, *_ in OPERATORS])
def test_all_that_an_operator_needs_is_looked_for(kind, arguments, tasks):
    needed = {one for actions in kind(task_id="t", **arguments).needed_actions().values() for one in actions}
    listed = {action for task in tasks for action in NEEDED_ACTIONS[task]}
    assert needed
    assert needed - listed == set()
