"""What of Astronomer's peering role the operator needs: all of it works, and of what is missing it says which."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.errors import AzureConflictError, AzureForbiddenError, AzureOperationFailedError
from airflow_provider_netconn.operators.virtual_network_peering import (
    VirtualNetworkPeeringDeleteOperator,
    VirtualNetworkPeeringOperator,
)
from tests.azure.tasks import CONN_ID, run_to_the_end, signed_in  # noqa: F401 - a fixture

NETWORKS = "Microsoft.Network/virtualNetworks"
WRITE, READ = f"{NETWORKS}/virtualNetworkPeerings/write", f"{NETWORKS}/virtualNetworkPeerings/read"
PEER, DELETE = f"{NETWORKS}/peer/action", f"{NETWORKS}/virtualNetworkPeerings/delete"
ASTRONOMERS_ROLE = (
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    f"{NETWORKS}/read",
    f"{NETWORKS}/write",
    PEER,
    READ,
    WRITE,
    "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections/read",
)
NEEDED = (PEER, WRITE)
CONNECTED = ("Connected", "FullyInSync")


@pytest.fixture
def as_role(azure_lab, signed_in):  # noqa: F811 - the fixture
    """Sign in as a principal who may do just these actions in the subscription."""

    def sign_in(*actions):
        scope = f"/subscriptions/{azure_lab.subscription_id}"
        role = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-00000000cc01"
        permissions = [{"actions": list(actions), "notActions": [], "dataActions": [], "notDataActions": []}]
        properties = {"roleName": "peering", "type": "CustomRole", "permissions": permissions}
        azure_lab.put(role, {"properties": {**properties, "assignableScopes": [scope]}})
        assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000cc02"
        principal = {"principalId": azure_lab.principal("airflow").object_id, "principalType": "ServicePrincipal"}
        azure_lab.put(assignment, {"properties": {"roleDefinitionId": role, **principal}})
        signed_in("airflow")

    return sign_in


def peer(local, remote, kind=VirtualNetworkPeeringOperator, **arguments):
    defaults = {
        "task_id": "peer",
        "azure_conn_id": CONN_ID,
        "deferrable": False,
        "timeout_s": 60,
        "poll_interval_s": 0.05,
    }
    networks = {"virtual_network_id": local.id, "remote_virtual_network_id": remote.id}
    return run_to_the_end(kind(**{**defaults, **networks, **arguments}))


def writes(lab):
    return [one for one in lab.journal(service="arm") if one.method in {"PUT", "DELETE"} and one.status < 300]


@pytest.mark.parametrize("deferrable", [False, True])
def test_with_exactly_astronomers_peering_role_it_works(azure_lab, as_role, deferrable):
    hub, data = azure_lab.networks("hub", "data")
    as_role(*ASTRONOMERS_ROLE)
    peer(hub, data, deferrable=deferrable)
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED


@pytest.mark.parametrize("preflight", [True, False])
@pytest.mark.parametrize("missing", NEEDED)
def test_a_needed_action_that_is_missing_is_named(azure_lab, as_role, missing, preflight):
    hub, data = azure_lab.networks("hub", "data")
    as_role(*(action for action in ASTRONOMERS_ROLE if action != missing))
    with pytest.raises(AzureForbiddenError) as raised:
        peer(hub, data, preflight=preflight)
    assert raised.value.action == missing
    assert missing in str(raised.value)
    assert writes(azure_lab) == []


@pytest.mark.parametrize("missing", [action for action in ASTRONOMERS_ROLE if action not in NEEDED])
def test_without_any_of_the_other_actions_it_works(azure_lab, as_role, missing):
    hub, data = azure_lab.networks("hub", "data")
    as_role(*(action for action in ASTRONOMERS_ROLE if action != missing))
    peer(hub, data)
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED


def test_what_may_not_be_read_is_written_unseen_and_told(azure_lab, as_role):
    hub, data = azure_lab.networks("hub", "data")
    as_role(*NEEDED)
    seen = peer(hub, data)
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED
    assert (seen["local"]["status"], seen["remote"]["status"]) == ("not_visible", "connected")
    assert READ in seen["local"]["not_visible"]
    assert len(writes(azure_lab)) == 2


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_side_that_may_not_be_read_cannot_be_waited_for_and_the_error_says_what_is_missing(
    azure_lab, as_role, deferrable
):
    hub, data = azure_lab.networks("hub", "data")
    as_role(*NEEDED)
    with pytest.raises(AzureConflictError, match=f"{READ} is missing at {hub.id}"):
        peer(hub, data, sides="local", deferrable=deferrable)
    assert azure_lab.peering(hub.to(data))[0] == "Initiated"
    assert peer(hub, data, sides="local", until="initiated")["local"]["status"] == "initiated"


def test_an_unseen_write_whose_operation_fails_is_told(azure_lab, as_role):
    hub, data = azure_lab.networks("hub", "data")
    as_role(*NEEDED)
    azure_lab.fault("operation-fails:VnetAddressSpacesOverlap", path="**/to-data", times=10)
    with pytest.raises(AzureOperationFailedError, match="VnetAddressSpacesOverlap"):
        peer(hub, data, deferrable=True)


def test_deleting_needs_the_action_that_the_role_does_not_have(azure_lab, as_role):
    hub, data = azure_lab.networks("hub", "data")
    as_role(*ASTRONOMERS_ROLE)
    peer(hub, data)
    with pytest.raises(AzureForbiddenError) as raised:
        peer(hub, data, kind=VirtualNetworkPeeringDeleteOperator)
    assert raised.value.action == DELETE
    as_role(DELETE)
    peer(hub, data, kind=VirtualNetworkPeeringDeleteOperator)
    assert azure_lab.peering(hub.to(data)) is azure_lab.peering(data.to(hub)) is None


def test_nothing_is_written_where_a_right_is_missing_on_the_other_side_only(azure_lab, as_role, signed_in):  # noqa: F811
    hub, data = azure_lab.networks("hub", "data")
    role = f"/subscriptions/{azure_lab.subscription_id}/providers/Microsoft.Authorization/roleDefinitions"
    properties = {
        "roleDefinitionId": f"{role}/4d97b98b-1d4f-4787-a291-c67834d212e7",
        "principalId": azure_lab.principal("airflow").object_id,
        "principalType": "ServicePrincipal",
    }
    name = "00000000-0000-4000-8000-00000000cc03"
    azure_lab.put(f"{hub.id}/providers/Microsoft.Authorization/roleAssignments/{name}", {"properties": properties})
    signed_in("airflow")
    with pytest.raises(AzureForbiddenError) as raised:
        peer(hub, data)
    assert WRITE in str(raised.value)
    assert PEER in str(raised.value)
    assert raised.value.scope == data.id
    assert writes(azure_lab) == []
