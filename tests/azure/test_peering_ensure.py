"""Peerings that are brought about on the lab: made, adopted, updated, synced, repaired, and nothing done twice."""

from __future__ import annotations

import asyncio
import threading

import pytest

from airflow_provider_netconn.azure.blocking import BlockingSession
from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.peering import delete_peering, ensure_peering
from airflow_provider_netconn.azure.peering_state import (
    Goal,
    Move,
    PeeringSide,
    PeeringState,
    PeeringStatus,
    Sides,
    WantedPeering,
)
from airflow_provider_netconn.azure.session import AzureSession
from airflow_provider_netconn.errors import (
    AzureDeadlineExceededError,
    AzureInvalidRequestError,
    AzureNotFoundError,
    AzureOperationFailedError,
)
from tests.azure.conftest import settings_of

CONNECTED = ("Connected", "FullyInSync")


def wanted(local, remote, *, sides=Sides.BOTH, goal=Goal.CONNECTED, there=(), **here):
    """A peering of two networks; what follows are options of the local side."""
    return WantedPeering(
        local=PeeringSide(network_id=local.id, **here),
        remote=PeeringSide(network_id=remote.id, **dict(there)),
        sides=sides,
        goal=goal,
    )


def writes(lab):
    """What was written of peerings: method, network, name of the peering."""
    found = [one for one in lab.journal(service="arm") if one.method in {"PUT", "DELETE"}]
    return [(one.method, one.path.split("/")[8], one.path.split("/")[-1]) for one in found]


def put(lab, peering, **changes):
    lab.put(peering.id, {"properties": {**peering.body["properties"], **changes}})


async def test_both_sides_are_made_and_read_back_as_written(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    options = {"allow_virtual_network_access": False, "allow_forwarded_traffic": True, "allow_gateway_transit": True}
    there = {"do_not_verify_remote_gateways": True, "allow_forwarded_traffic": False}
    async with open_session() as azure:
        state = await ensure_peering(azure, wanted(hub, data, there=there, **options))
        operations = (await azure.network()).virtual_network_peerings
        local = await operations.get("test-networks", "hub", "to-data")
        remote = await operations.get("test-networks", "data", "to-hub")
    assert (state.settled, state.move, state.local.status) == (True, Move.NOBODY, PeeringStatus.CONNECTED)
    assert state.remote.peering_id == data.to(hub).id
    assert {name: getattr(local.properties, name) for name in options} == options
    assert {name: getattr(remote.properties, name) for name in there} == there
    assert local.properties.remote_virtual_network.id == data.id
    assert (local.properties.peering_state, local.properties.peering_sync_level) == CONNECTED
    assert writes(azure_lab) == [("PUT", "hub", "to-data"), ("PUT", "data", "to-hub")]


async def test_what_is_as_wanted_is_not_written_again(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        first = await ensure_peering(azure, wanted(hub, data, allow_forwarded_traffic=True))
        before = len(writes(azure_lab))
        again = await ensure_peering(azure, wanted(hub, data, allow_forwarded_traffic=True))
    assert again == first
    assert len(writes(azure_lab)) == before == 2


async def test_one_side_is_made_and_the_other_owners_move_is_told(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        state = await ensure_peering(azure, wanted(hub, data, sides=Sides.LOCAL), wait=False)
        assert (state.settled, state.hopeless, state.move) == (False, "", Move.REMOTE)
        assert "the owner of data has to make the other side" in state.line
        enough = await ensure_peering(azure, wanted(hub, data, sides=Sides.LOCAL, goal=Goal.INITIATED))
        assert (enough.settled, enough.local.status) == (True, PeeringStatus.INITIATED)
        azure_lab.put(data.to(hub).id, data.to(hub).body)
        state = await ensure_peering(azure, wanted(hub, data, sides=Sides.LOCAL))
    assert state.settled
    assert "on both sides" in state.line
    assert writes(azure_lab) == [("PUT", "hub", "to-data")]


async def test_the_wait_for_the_other_owner_ends_at_the_deadline_saying_whose_move_it_is(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        with deadline(1), pytest.raises(AzureDeadlineExceededError, match="the owner of data has to make") as raised:
            await ensure_peering(azure, wanted(hub, data, sides=Sides.LOCAL))
    assert raised.value.resource == hub.to(data).id


async def test_a_peering_of_another_name_is_adopted(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    old = hub.to(data).id.replace("to-data", "made-by-hand")
    azure_lab.put(old, hub.to(data).body)
    async with open_session() as azure:
        state = await ensure_peering(azure, wanted(hub, data, name="mine"))
    assert state.local.peering_id == old
    assert writes(azure_lab) == [("PUT", "data", "to-hub")]


async def test_only_what_is_named_changes(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    put(azure_lab, hub.to(data), allowGatewayTransit=True, allowForwardedTraffic=True)
    put(azure_lab, data.to(hub))
    async with open_session() as azure:
        state = await ensure_peering(azure, wanted(hub, data, allow_virtual_network_access=False))
    assert state.settled
    found = azure_lab.get(hub.to(data).id)["properties"]
    assert found["allowVirtualNetworkAccess"] is False
    assert found["allowGatewayTransit"] is True
    assert found["allowForwardedTraffic"] is True
    assert writes(azure_lab) == [("PUT", "hub", "to-data")]


async def test_a_name_that_leads_elsewhere_is_told_before_anything_is_written(azure_lab, open_session):
    hub, data, other = azure_lab.networks("hub", "data", "other")
    azure_lab.put(data.to(other).id.replace("to-other", "to-hub"), data.to(other).body)
    async with open_session() as azure:
        state = await ensure_peering(azure, wanted(hub, data))
    assert "has a peering to-hub already" in state.hopeless
    assert other.id in state.hopeless
    assert writes(azure_lab) == []


@pytest.mark.parametrize(("changed", "synced"), [("hub", "data"), ("data", "hub")])
async def test_the_side_that_has_not_taken_the_new_address_space_is_synced(azure_lab, open_session, changed, synced):
    networks = dict(zip(("hub", "data"), azure_lab.networks("hub", "data"), strict=True))
    hub, data = networks.values()
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        grow(azure_lab, networks[changed], "10.200.0.0/24")
        assert azure_lab.peering(hub.to(data))[1] in {"LocalNotInSync", "RemoteNotInSync"}
        before = len(writes(azure_lab))
        state = await ensure_peering(azure, wanted(hub, data))
    assert state.settled
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED
    assert writes(azure_lab)[before:] == [("PUT", synced, f"to-{changed}")]


def grow(lab, network, prefix):
    lab.put(
        network.id,
        {
            "location": "westeurope",
            "properties": {
                "addressSpace": {"addressPrefixes": [network.address_prefix, prefix]},
                "virtualNetworkPeerings": lab.get(network.id)["properties"]["virtualNetworkPeerings"],
            },
        },
    )


async def test_both_sides_are_synced_where_both_networks_have_grown(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        grow(azure_lab, hub, "10.200.0.0/24")
        grow(azure_lab, data, "10.201.0.0/24")
        assert azure_lab.peering(hub.to(data))[1] == "LocalAndRemoteNotInSync"
        assert (await ensure_peering(azure, wanted(hub, data))).settled
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED


async def test_the_other_owners_sync_is_told_where_only_one_side_is_ours(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        grow(azure_lab, hub, "10.200.0.0/24")
        before = len(writes(azure_lab))
        state = await ensure_peering(azure, wanted(hub, data, sides=Sides.LOCAL), wait=False)
    assert (state.local.status, state.move) == (PeeringStatus.OUT_OF_SYNC, Move.REMOTE)
    assert "the owner of data has to sync its side: the address space of hub has changed" in state.line
    assert len(writes(azure_lab)) == before


@pytest.mark.parametrize("deleted", ["hub", "data"])
async def test_a_disconnected_survivor_is_written_before_the_side_that_is_gone(azure_lab, open_session, deleted):
    hub, data = azure_lab.networks("hub", "data")
    sides = {"hub": hub.to(data), "data": data.to(hub)}
    survivor = "data" if deleted == "hub" else "hub"
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        azure_lab.delete(sides[deleted].id)
        assert azure_lab.peering(sides[survivor])[0] == "Disconnected"
        before = len(writes(azure_lab))
        state = await ensure_peering(azure, wanted(hub, data))
    assert state.settled
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED
    assert [network for _, network, _ in writes(azure_lab)[before:]] == [survivor, deleted]


async def test_a_network_that_was_deleted_and_made_again_is_peered_again(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        azure_lab.delete(data.id)
        space = {"addressSpace": {"addressPrefixes": ["10.201.0.0/24"]}}
        azure_lab.put(data.id, {"location": "westeurope", "properties": space})
        assert azure_lab.peering(hub.to(data))[0] == "Disconnected"
        assert (await ensure_peering(azure, wanted(hub, data))).settled
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED
    taken = azure_lab.get(hub.to(data).id)["properties"]["remoteAddressSpace"]
    assert taken == space["addressSpace"]


async def test_a_disconnected_side_of_another_owner_is_waited_for_and_not_run_into(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        azure_lab.delete(hub.to(data).id)
        before = len(writes(azure_lab))
        state = await ensure_peering(azure, wanted(hub, data, sides=Sides.LOCAL), wait=False)
    assert (state.local.status, state.remote.status) == (PeeringStatus.ABSENT, PeeringStatus.DISCONNECTED)
    assert "the owner of data has to update or delete its Disconnected side first" in state.line
    assert len(writes(azure_lab)) == before


async def test_gateways_are_lent_before_they_are_used_and_given_back_before_they_are_withheld(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    gateway_in(azure_lab, hub)
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        before = len(writes(azure_lab))
        lend = wanted(data, hub, use_remote_gateways=True, there={"allow_gateway_transit": True})
        assert (await ensure_peering(azure, lend)).settled
        stop = wanted(hub, data, allow_gateway_transit=False, there={"use_remote_gateways": False})
        assert (await ensure_peering(azure, stop)).settled
    assert [network for _, network, _ in writes(azure_lab)[before:]] == ["hub", "data", "data", "hub"]


def gateway_in(lab, network):
    group = network.id.partition("/providers/")[0]
    first = network.address_prefix.rpartition(".")[0]
    subnet = f"{network.id}/subnets/GatewaySubnet"
    address = f"{group}/providers/Microsoft.Network/publicIPAddresses/gateway"
    lab.put(subnet, {"properties": {"addressPrefix": f"{first}.0/27"}})
    lab.put(
        address,
        {"location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}},
    )
    lab.put(
        f"{group}/providers/Microsoft.Network/virtualNetworkGateways/gateway",
        {
            "location": "westeurope",
            "properties": {
                "gatewayType": "Vpn",
                "vpnType": "RouteBased",
                "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
                "ipConfigurations": [
                    {
                        "name": "default",
                        "properties": {"subnet": {"id": subnet}, "publicIPAddress": {"id": address}},
                    }
                ],
            },
        },
    )


async def test_only_some_subnets_are_peered(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    for network, name in ((hub, "left"), (data, "right")):
        prefix = network.address_prefix.replace(".0/24", ".0/25")
        azure_lab.put(f"{network.id}/subnets/{name}", {"properties": {"addressPrefix": prefix}})
    peering = WantedPeering(
        local=PeeringSide(network_id=hub.id),
        remote=PeeringSide(network_id=data.id),
        local_subnet_names=("Left",),
        remote_subnet_names=("right",),
    )
    async with open_session() as azure:
        assert (await ensure_peering(azure, peering)).settled
        before = len(writes(azure_lab))
        assert (await ensure_peering(azure, peering)).settled
        operations = (await azure.network()).virtual_network_peerings
        remote = (await operations.get("test-networks", "data", "to-hub")).properties
    assert (remote.peer_complete_vnets, remote.local_subnet_names, remote.remote_subnet_names) == (
        False,
        ["right"],
        ["Left"],
    )
    assert len(writes(azure_lab)) == before


# -- without waiting, and after a run that ended early ------------------------------------------------


async def test_without_waiting_each_call_begins_what_is_next(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.change_settings(time_scale=1.0)
    async with open_session() as azure:
        state = await ensure_peering(azure, wanted(hub, data), wait=False)
        assert (state.move, state.local.provisioning_state, state.remote.status) == (
            Move.AZURE,
            "Updating",
            PeeringStatus.ABSENT,
        )
        assert await ensure_peering(azure, wanted(hub, data), wait=False) == state
        azure_lab.advance(60)
        state = await ensure_peering(azure, wanted(hub, data), wait=False)
        assert (state.move, state.local.status) == (Move.AZURE, PeeringStatus.CONNECTED)
        azure_lab.advance(60)
        state = await ensure_peering(azure, wanted(hub, data), wait=False)
    assert state.settled
    assert writes(azure_lab) == [("PUT", "hub", "to-data"), ("PUT", "data", "to-hub")]


async def test_a_write_that_is_not_in_lists_yet_is_not_done_again(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.fault("not-found-after-put:3", path="**/virtualNetworkPeerings/*")
    async with open_session() as azure:
        assert (await ensure_peering(azure, wanted(hub, data))).settled
    assert writes(azure_lab) == [("PUT", "hub", "to-data"), ("PUT", "data", "to-hub")]


async def test_what_was_written_is_read_by_its_id_for_lists_may_lag_behind(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
    asked = [(one.method, one.path) for one in azure_lab.journal(service="arm")]
    made = asked.index(("PUT", hub.to(data).id))
    assert ("GET", f"{hub.id}/virtualNetworkPeerings") not in asked[made:]
    assert ("GET", hub.to(data).id) in asked[made:]


async def test_a_repetition_that_fails_again_says_why_also_without_waiting(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.fault("operation-fails:VnetAddressSpacesOverlap", path="**/to-data", times=10)
    async with open_session() as azure:
        with pytest.raises(AzureOperationFailedError, match="VnetAddressSpacesOverlap"):
            await ensure_peering(azure, wanted(hub, data), wait=False)
    assert writes(azure_lab) == [("PUT", "hub", "to-data")] * 2


async def test_what_takes_another_identity_has_ended_when_the_call_returns(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.put(hub.to(data).id, hub.to(data).body)
    azure_lab.change_settings(time_scale=0.1)
    async with open_session() as azure, open_session() as other:
        await ensure_peering(azure, wanted(hub, data), wait=False, remote=other)
    assert azure_lab.get(data.to(hub).id)["properties"]["provisioningState"] == "Succeeded"


async def test_what_failed_before_is_written_again(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.fault("operation-fails:VnetAddressSpacesOverlap", path="**/to-data", times=1)
    async with open_session() as azure:
        begun = await ensure_peering(azure, wanted(hub, data, sides=Sides.LOCAL), wait=False)
        state = await ensure_peering(azure, wanted(hub, data))
    assert begun.local.status is PeeringStatus.INITIATED
    assert state.settled
    assert azure_lab.get(hub.to(data).id)["properties"]["provisioningState"] == "Succeeded"


# -- deleting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sides", [Sides.BOTH, Sides.LOCAL])
async def test_the_sides_that_are_ours_are_deleted_and_then_nothing(azure_lab, open_session, sides):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        before = len(writes(azure_lab))
        state = await delete_peering(azure, wanted(hub, data, sides=sides))
        count = len(writes(azure_lab)) - before
        again = await delete_peering(azure, wanted(hub, data, sides=sides))
    assert state.settled
    assert again.settled
    assert azure_lab.peering(hub.to(data)) is None
    assert (azure_lab.peering(data.to(hub)) is None) is (sides is Sides.BOTH)
    assert count == len(writes(azure_lab)) - before == len(state_sides(sides))


def state_sides(sides):
    return ("local", "remote") if sides is Sides.BOTH else ("local",)


async def test_deleting_without_waiting_is_carried_on_later(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    async with open_session() as azure:
        await ensure_peering(azure, wanted(hub, data))
        azure_lab.change_settings(time_scale=1.0)
        states = [await delete_peering(azure, wanted(hub, data), wait=False)]
        while not states[-1].settled:
            azure_lab.advance(60)
            states.append(await delete_peering(azure, wanted(hub, data), wait=False))
    assert states[0].move is Move.AZURE
    assert azure_lab.peering(hub.to(data)) is azure_lab.peering(data.to(hub)) is None
    assert [one for one in writes(azure_lab) if one[0] == "DELETE"] == [
        ("DELETE", "hub", "to-data"),
        ("DELETE", "data", "to-hub"),
    ]


async def test_a_peering_whose_network_is_gone_is_deleted_already(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.delete(hub.id)
    async with open_session() as azure:
        assert (await delete_peering(azure, wanted(hub, data))).settled
        with pytest.raises(AzureNotFoundError, match="virtualNetworks/hub"):
            await ensure_peering(azure, wanted(hub, data))


# -- refusals, rivals, and values ---------------------------------------------------------------------


async def test_networks_with_common_addresses_are_refused_with_the_reason(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    overlapping = {"addressSpace": {"addressPrefixes": [hub.address_prefix]}}
    azure_lab.put(data.id, {"location": "westeurope", "properties": overlapping})
    async with open_session() as azure:
        with pytest.raises(AzureInvalidRequestError, match="networks with common addresses cannot be peered"):
            await ensure_peering(azure, wanted(hub, data))


def test_tasks_of_one_process_write_the_peerings_of_a_network_one_after_another(azure_lab):
    hub, *spokes = azure_lab.networks("hub", "one", "two", "three", "four")
    azure_lab.change_settings(time_scale=0.02)
    states = {}

    def task(spoke):
        with deadline(60), BlockingSession(AzureSession(settings_of(azure_lab))) as azure:
            states[spoke.name] = azure.run(ensure_peering, wanted(hub, spoke))

    threads = [threading.Thread(target=task, args=(spoke,)) for spoke in spokes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [states[spoke.name].settled for spoke in spokes] == [True] * 4
    assert [one.status for one in azure_lab.journal(service="arm") if one.method == "PUT"] == [201] * 8


async def test_another_process_at_work_on_the_network_is_waited_for(azure_lab, open_session):
    hub, data, other = azure_lab.networks("hub", "data", "other")
    azure_lab.change_settings(time_scale=0.2)
    async with open_session() as azure, open_session() as rival:
        poller = await (await rival.network()).virtual_network_peerings.begin_create_or_update(
            "test-networks", "hub", "to-other", hub.to(other).body
        )
        with deadline(60):
            state, _ = await asyncio.gather(ensure_peering(azure, wanted(hub, data)), poller.result())
    assert state.settled
    assert 409 in [one.status for one in azure_lab.journal(service="arm")] or 429 in [
        one.status for one in azure_lab.journal(service="arm")
    ]


async def test_values_survive_json(azure_lab, open_session):
    hub, data = azure_lab.networks("hub", "data")
    peering = wanted(hub, data, allow_forwarded_traffic=True)
    assert WantedPeering.from_json(peering.to_json()) == peering
    async with open_session() as azure:
        state = await ensure_peering(azure, peering)
    assert PeeringState.from_json(state.to_json()) == state
