"""Connections of virtual hubs: made, adopted, changed, waited for, deleted; also by who may write and not read."""

from __future__ import annotations

import uuid

import pytest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.virtual_hub import delete_hub_connection, ensure_hub_connection
from airflow_provider_netconn.azure.virtual_hub_state import (
    HubConnection,
    HubConnectionState,
    HubConnectionWatch,
    StaticRoute,
)
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureForbiddenError,
    AzureNotFoundError,
    InvalidOptionError,
)
from airflow_provider_netconn.operators.virtual_hub import (
    VirtualHubConnectionDeleteOperator,
    VirtualHubConnectionOperator,
)
from airflow_provider_netconn.sensors.virtual_hub import VirtualHubConnectionSensor
from tests.azure.tasks import CONN_ID, context, run_to_the_end, signed_in  # noqa: F401 - a fixture

PLATFORM = "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/connectivity/providers"
CUSTOMER = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network/providers"
HUB = f"{PLATFORM}/Microsoft.Network/virtualHubs/hub"
NETWORK = f"{CUSTOMER}/Microsoft.Network/virtualNetworks/data"
CONNECTION = f"{HUB}/hubVirtualNetworkConnections/to-data"
VERSION = "2024-05-01"
BUDGET_S = 60


async def run(open_session, function, wanted, principal=None, **options):
    async with open_session(principal) as azure:
        with deadline(BUDGET_S):
            return await function(azure, wanted, **options)


def connections(lab):
    return lab.get(f"{HUB}/hubVirtualNetworkConnections", api_version=VERSION)["value"]


def writes(lab):
    return [entry for entry in lab.journal() if entry.method == "PUT" and "hubvirtualnetwork" in entry.path.lower()]


def arguments(**more):
    return {
        "task_id": "hub",
        "azure_conn_id": CONN_ID,
        "virtual_hub_id": HUB,
        "virtual_network_id": NETWORK,
        "timeout_s": BUDGET_S,
        "poll_interval_s": 0.3,
        **more,
    }


async def test_a_connection_is_made_once_and_the_hubs_routing_waited_for(azure_lab, open_session):
    wanted = HubConnection(hub_id=HUB, network_id=NETWORK, enable_internet_security=True)
    state = await run(open_session, ensure_hub_connection, wanted)
    assert (state.settled, state.provisioning_state, state.routing_state) == (True, "Succeeded", "Provisioned")
    (made,) = connections(azure_lab)
    assert made["properties"]["enableInternetSecurity"] is True
    again = await run(open_session, ensure_hub_connection, wanted)
    assert again.settled
    assert len(writes(azure_lab)) == 1


async def test_what_is_there_is_adopted_and_only_what_differs_is_changed(azure_lab, open_session):
    before = {"remoteVirtualNetwork": {"id": NETWORK.upper()}, "enableInternetSecurity": True}
    azure_lab.put(f"{HUB}/hubVirtualNetworkConnections/mine", {"properties": before}, api_version=VERSION)
    route = StaticRoute(name="firewall", prefixes=("0.0.0.0/0",), next_hop="10.20.0.4")
    wanted = HubConnection(hub_id=HUB, network_id=NETWORK, static_routes=(route,), propagated_labels=("prod",))
    state = await run(open_session, ensure_hub_connection, wanted)
    assert state.connection_id.endswith("/mine")
    (one,) = connections(azure_lab)
    routing = one["properties"]["routingConfiguration"]
    assert routing["vnetRoutes"]["staticRoutes"] == [route.body()]
    assert routing["propagatedRouteTables"]["labels"] == ["prod"]
    assert one["properties"]["enableInternetSecurity"] is True


async def test_without_waiting_it_begins_and_goes_on_when_called_again(azure_lab, open_session):
    azure_lab.change_settings(time_scale=0.2)
    wanted = HubConnection(hub_id=HUB, network_id=NETWORK)
    begun = await run(open_session, ensure_hub_connection, wanted, wait=False)
    assert not begun.settled
    azure_lab.advance(600)
    assert (await run(open_session, ensure_hub_connection, wanted, wait=False)).settled
    assert len(writes(azure_lab)) == 1


async def test_it_is_deleted_by_its_network_or_its_name_and_that_twice(azure_lab, open_session):
    wanted = HubConnection(hub_id=HUB, network_id=NETWORK)
    await run(open_session, ensure_hub_connection, wanted)
    for one in (wanted, HubConnection(hub_id=HUB, name="to-data")):
        assert (await run(open_session, delete_hub_connection, one)).settled
        assert connections(azure_lab) == []


async def test_a_hub_that_is_not_there_is_told_before_anything_is_written(azure_lab, open_session):
    with pytest.raises(AzureNotFoundError, match="no such hub"):
        await run(open_session, ensure_hub_connection, HubConnection(hub_id=f"{HUB}-x", network_id=NETWORK))
    assert writes(azure_lab) == []


def grant(lab, *actions, in_network=True):
    """Let ``reader`` do these alone in the hub's subscription, besides what a reader may in the network's."""
    subscription = HUB.partition("/resourceGroups")[0]
    role = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
    permissions = [{"actions": list(actions), "notActions": [], "dataActions": [], "notDataActions": []}]
    definition = {"roleName": "hubs", "assignableScopes": [subscription], "permissions": permissions}
    lab.put(role, {"properties": definition}, api_version="2022-04-01")
    there = NETWORK.partition("/resourceGroups")[0]
    more = [(there, network_contributor(NETWORK))] if in_network else []
    for scope, definition_id in ((subscription, role), *more):
        assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        principal = {"principalId": lab.principal("reader").object_id, "principalType": "ServicePrincipal"}
        lab.put(assignment, {"properties": {"roleDefinitionId": definition_id, **principal}}, api_version="2022-04-01")


def network_contributor(scope):
    subscription = scope.partition("/resourceGroups")[0]
    return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/4d97b98b-1d4f-4787-a291-c67834d212e7"


WRITE = "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections/write"
READ_HUB = "Microsoft.Network/virtualHubs/read"


async def test_who_may_write_and_not_read_watches_the_hub(azure_lab, open_session):
    grant(azure_lab, WRITE, READ_HUB)
    state = await run(open_session, ensure_hub_connection, HubConnection(hub_id=HUB, network_id=NETWORK), "reader")
    assert state.settled
    assert state.not_visible
    assert (state.provisioning_state, state.routing_state) == ("", "Provisioned")
    assert [one["properties"]["provisioningState"] for one in connections(azure_lab)] == ["Succeeded"]


def test_values_go_through_json():
    route = StaticRoute(name="r", prefixes=("10.0.0.0/8",), next_hop="10.20.0.4")
    wanted = HubConnection(hub_id=HUB, network_id=NETWORK, static_routes=(route,), propagated_labels=("a",))
    watch = HubConnectionWatch(wanted=wanted, absent=True)
    assert HubConnectionWatch.from_json(watch.to_json()) == watch
    state = HubConnectionState(connection_id=CONNECTION, routing_state="Failed")
    assert HubConnectionState.from_json(state.to_json()) == state
    assert "routingState is Failed" in state.hopeless


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"hub_id": NETWORK, "network_id": NETWORK}, "hub_id"),
        ({"hub_id": HUB}, "virtual_network_id"),
        ({"hub_id": HUB, "network_id": "data"}, "virtual_network_id"),
    ],
)
def test_ids_that_are_none_are_named(given, seen):
    with pytest.raises(InvalidOptionError) as refused:
        HubConnection(**given)
    assert refused.value.field == seen


# -- as tasks -----------------------------------------------------------------------------------------


def test_operator_and_sensor_in_the_triggerer_and_out_of_it(azure_lab, signed_in):  # noqa: F811
    done = run_to_the_end(VirtualHubConnectionOperator(**arguments(deferrable=True, firewall_next_hop="10.20.0.4")))
    assert (done["provisioning_state"], done["routing_state"]) == ("Succeeded", "Provisioned")
    given = {"task_id": "s", "azure_conn_id": CONN_ID, "virtual_hub_id": HUB, "virtual_network_id": NETWORK}
    for deferrable in (True, False):
        seen = run_to_the_end(
            VirtualHubConnectionSensor(**given, deferrable=deferrable, timeout=BUDGET_S, poke_interval=0.3)
        )
        assert seen["connection_id"] == CONNECTION
    gone = run_to_the_end(VirtualHubConnectionDeleteOperator(**arguments(deferrable=True)))
    assert gone["provisioning_state"] == ""
    assert connections(azure_lab) == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_sensor_of_who_may_read_nothing_there_says_so(azure_lab, signed_in, deferrable):  # noqa: F811
    signed_in("reader")
    given = {"task_id": "s", "azure_conn_id": CONN_ID, "virtual_hub_id": HUB, "virtual_network_id": NETWORK}
    with pytest.raises(AzureConflictError, match="neither the connection nor the hub may be read"):
        run_to_the_end(VirtualHubConnectionSensor(**given, deferrable=deferrable, timeout=BUDGET_S))


def test_preflight_names_each_action_that_is_missing_before_anything_is_written(azure_lab, signed_in):  # noqa: F811
    grant(azure_lab, READ_HUB, "Microsoft.Authorization/permissions/read", in_network=False)
    signed_in("reader")
    with pytest.raises(AzureForbiddenError) as refused:
        VirtualHubConnectionOperator(**arguments()).execute(context())
    assert WRITE in str(refused.value)
    assert "virtualNetworks/peer/action" in str(refused.value)
    assert writes(azure_lab) == []


def test_routes_are_checked_before_anything_is_asked(azure_lab, signed_in):  # noqa: F811
    for routes in ([{"name": "r"}], [{"name": "r", "prefixes": ["10.0.0.0/8"], "next_hop": "there"}]):
        with pytest.raises(InvalidOptionError, match="static_routes"):
            VirtualHubConnectionOperator(**arguments(static_routes=routes)).execute(context())
    assert [entry for entry in azure_lab.journal() if entry.service == "arm"] == []
