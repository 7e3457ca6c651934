"""Which write is next and whose move it is, by what is seen of the two sides: no Azure, no lab."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_provider_netconn.azure.peering_moves import differences, judge, next_write
from airflow_provider_netconn.azure.peering_state import (
    Goal,
    Move,
    PeeringSide,
    PeeringState,
    PeeringStatus,
    Sides,
    SideState,
    WantedPeering,
    found_in,
)
from airflow_provider_netconn.azure.peering_watch import PeeringWatch
from airflow_provider_netconn.azure.watching import Snapshot, watch_of

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g"
HUB, DATA = (f"{GROUP}/providers/Microsoft.Network/virtualNetworks/{name}" for name in ("hub", "data"))
WANTED = WantedPeering(local=PeeringSide(network_id=HUB), remote=PeeringSide(network_id=DATA))
ABSENT_HUB, ABSENT_DATA = SideState(network_id=HUB), SideState(network_id=DATA)


def peering(network, other, state="Connected", level="FullyInSync", provisioning="Succeeded", **properties):
    """A peering's JSON as Azure gives it."""
    name = f"to-{other.rpartition('/')[2]}"
    return {
        "id": f"{network}/virtualNetworkPeerings/{name}",
        "name": name,
        "properties": {
            "peeringState": state,
            "peeringSyncLevel": level,
            "provisioningState": provisioning,
            "remoteVirtualNetwork": {"id": other.upper()},
            **properties,
        },
    }


def hub(*states, **properties):
    return SideState.of(peering(HUB, DATA, *states, **properties), HUB)


def data(*states, **properties):
    return SideState.of(peering(DATA, HUB, *states, **properties), DATA)


def hidden(network):
    return SideState(network_id=network, not_visible="403")


INITIATED = ("Initiated", "RemoteNotInSync")
GONE = ("Disconnected", "RemoteNotInSync")
OUTDATED = ("Connected", "LocalNotInSync")
AHEAD = ("Connected", "RemoteNotInSync")
UPDATING = ("Connected", "FullyInSync", "Updating")


@pytest.mark.parametrize(
    ("local", "remote", "side", "kind"),
    [
        (ABSENT_HUB, ABSENT_DATA, "local", "create"),
        (hub(*INITIATED), ABSENT_DATA, "remote", "create"),
        (ABSENT_HUB, data(*INITIATED), "local", "create"),
        (hub(*GONE), ABSENT_DATA, "local", "repair"),
        (ABSENT_HUB, data(*GONE), "remote", "repair"),
        (hub(*OUTDATED), data(*AHEAD), "local", "sync"),
        (hub(*AHEAD), data(*OUTDATED), "remote", "sync"),
        (hub("Connected", "FullyInSync", "Failed"), data(), "local", "failed"),
        (hidden(HUB), hidden(DATA), "local", "unseen"),
        (hub(*INITIATED), hidden(DATA), "remote", "unseen"),
    ],
)
def test_the_next_write_is_that_of_the_side_whose_turn_it_is(local, remote, side, kind):
    write = next_write(WANTED, local, remote)
    assert (write.which, write.kind) == (side, kind)
    assert judge(WANTED, local, remote).move is Move.OURS


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        (hub(), data()),
        (hub(*UPDATING), ABSENT_DATA),
        (ABSENT_HUB, data(*UPDATING)),
        (hub(), hidden(DATA)),
        (hidden(HUB), data()),
    ],
)
def test_nothing_is_written_where_all_is_well_or_azure_is_at_work(local, remote):
    assert next_write(WANTED, local, remote) is None


def test_a_sync_carries_what_is_there_and_asks_for_the_address_space():
    local = hub(*OUTDATED, allowGatewayTransit=True, resourceGuid="x")
    write = next_write(WANTED, local, data(*AHEAD))
    assert write.sync
    assert write.body == {"properties": {"allowGatewayTransit": True, "remoteVirtualNetwork": {"id": DATA}}}
    assert not next_write(WANTED, ABSENT_HUB, ABSENT_DATA).sync


def test_a_remote_side_that_may_not_be_read_is_synced_when_ours_says_that_it_needs_it():
    write = next_write(WANTED, hub(*AHEAD), hidden(DATA))
    assert (write.which, write.kind, write.sync) == ("remote", "unseen", True)


def test_the_writes_of_others_are_never_done():
    for sides, others in ((Sides.LOCAL, {"remote"}), (Sides.NEITHER, {"local", "remote"})):
        wanted = replace(WANTED, sides=sides)
        for local in (ABSENT_HUB, hub(*GONE), hub(*OUTDATED), hub(*INITIATED), hidden(HUB)):
            for remote in (ABSENT_DATA, data(*GONE), data(*OUTDATED), data(*INITIATED), hidden(DATA)):
                write = next_write(wanted, local, remote)
                assert write is None or write.which not in others


def test_no_write_is_done_twice_for_one_reason():
    local, remote = hub(*GONE), ABSENT_DATA
    first = next_write(WANTED, local, remote)
    assert next_write(WANTED, local, remote, {first.key}).key == ("remote", "create")
    assert next_write(WANTED, local, remote, {first.key, ("remote", "create")}) is None
    assert judge(WANTED, local, remote, done={first.key, ("remote", "create")}).move is Move.AZURE


@pytest.mark.parametrize(
    ("local", "remote", "move", "words"),
    [
        (hub(*INITIATED), ABSENT_DATA, Move.REMOTE, "the owner of data has to make the other side"),
        (hub(*INITIATED), hidden(DATA), Move.REMOTE, "the owner of data has to make the other side"),
        (hub(*OUTDATED), data(*AHEAD), Move.LOCAL, "the owner of hub has to sync its side"),
        (hub(*AHEAD), data(*OUTDATED), Move.REMOTE, "the owner of data has to sync its side"),
        (hub(*GONE), ABSENT_DATA, Move.LOCAL, "the owner of hub has to update or delete this side"),
        (ABSENT_HUB, data(*GONE), Move.REMOTE, "the owner of data has to update or delete its Disconnected side"),
        (ABSENT_HUB, ABSENT_DATA, Move.LOCAL, "the owner of hub has to make a peering to data"),
        (hub(*UPDATING), data(), Move.AZURE, "Azure is still at work"),
        (hub(), data(*AHEAD), Move.AZURE, "Azure has yet to bring the side of data in line"),
        (hub("Merging", "FullyInSync"), data(), Move.AZURE, "hub says Merging"),
        (hub(), data(), Move.NOBODY, "on both sides"),
        (hub(), hidden(DATA), Move.NOBODY, "the other one is not visible to us: 403"),
        (hub(), ABSENT_DATA, Move.NOBODY, "the other one is not visible to us: nothing is found there"),
    ],
)
def test_whose_move_it_is_where_none_is_ours(local, remote, move, words):
    state = judge(replace(WANTED, sides=Sides.NEITHER), local, remote)
    assert state.move is move
    assert words in state.line
    assert state.settled is (move is Move.NOBODY)
    assert state.hopeless == ""


def test_what_may_not_be_read_cannot_be_waited_for():
    state = judge(replace(WANTED, sides=Sides.NEITHER), hidden(HUB), ABSENT_DATA)
    assert not state.settled
    assert "virtualNetworkPeerings/read is missing" in state.hopeless


def test_a_state_may_be_chosen_to_fail_on():
    wanted = replace(WANTED, sides=Sides.NEITHER)
    assert judge(wanted, hub(*GONE), ABSENT_DATA).hopeless == ""
    failed = judge(wanted, hub(*GONE), ABSENT_DATA, fail_on=(PeeringStatus.DISCONNECTED,))
    assert failed.hopeless.startswith("it is disconnected")
    assert not failed.settled


@pytest.mark.parametrize(
    ("before", "after", "is_first"),
    [(True, False, True), (False, True, False)],
    ids=["given back first", "used last"],
)
def test_gateways_change_hands_in_order(before, after, is_first):
    wanted = WantedPeering(
        local=PeeringSide(network_id=HUB, allow_gateway_transit=after),
        remote=PeeringSide(network_id=DATA, use_remote_gateways=after),
    )
    local, remote = hub(allowGatewayTransit=before), data(useRemoteGateways=before)
    assert (next_write(wanted, local, remote).which == "remote") is is_first


def test_differences_are_those_that_azure_would_see():
    assert differences({"allowForwardedTraffic": False}, {}) == ()
    assert differences({"allowForwardedTraffic": True}, {}) == ("allowForwardedTraffic",)
    assert differences({"localSubnetNames": ["B", "a"]}, {"localSubnetNames": ["A", "b"]}) == ()
    assert differences({"peerCompleteVnets": False}, {}) == ("peerCompleteVnets",)
    assert differences({"remoteVirtualNetwork": {"id": "x"}}, {}) == ()


def test_absence_is_what_is_wanted_of_our_sides_only():
    both, ours = replace(WANTED, goal=Goal.ABSENT), replace(WANTED, goal=Goal.ABSENT, sides=Sides.LOCAL)
    assert next_write(both, ABSENT_HUB, data(*GONE)).body is None
    assert judge(ours, ABSENT_HUB, data(*GONE)).settled
    assert judge(both, ABSENT_HUB, ABSENT_DATA).settled
    assert not judge(both, hub("Connected", "FullyInSync", "Deleting"), ABSENT_DATA).settled
    assert judge(both, hidden(HUB), ABSENT_DATA, done={("local", "delete")}).settled


def test_a_peering_is_found_by_where_it_leads_in_any_case_and_a_taken_name_is_told():
    other = peering(HUB, f"{GROUP}/providers/Microsoft.Network/virtualNetworks/third")
    assert found_in([other, peering(HUB, DATA)], WANTED, "local").peering_id.endswith("/to-data")
    other["name"] = "TO-DATA"
    side = found_in([other], WANTED, "local")
    assert side.status is PeeringStatus.ABSENT
    state = judge(WANTED, side, ABSENT_DATA)
    assert "third".upper() in state.hopeless.upper()
    assert "give another name" in state.hopeless


def test_a_watch_survives_json_and_looks_at_one_list_for_each_network():
    wanted = WantedPeering(
        local=PeeringSide(network_id=HUB, allow_forwarded_traffic=True),
        remote=PeeringSide(network_id=DATA),
        sides=Sides.NEITHER,
    )
    watch = PeeringWatch(wanted=wanted, fail_on=(PeeringStatus.DISCONNECTED,))
    again = watch_of(json.loads(json.dumps(watch.to_json())))
    assert again == watch
    assert [scope.path for scope in again.scopes] == [f"{net}/virtualNetworkPeerings" for net in (HUB, DATA)]
    ours = peering(HUB, DATA, *GONE)
    seen = {again.scopes[0]: Snapshot(resources={ours["id"].casefold(): ours}), again.scopes[1]: Snapshot()}
    state = again.look(seen)
    assert "it is disconnected" in state.hopeless
    assert PeeringState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_watch_does_not_look_where_it_takes_another_identity():
    watch = PeeringWatch(wanted=WANTED, sees_remote=False)
    assert len(watch.scopes) == 1
    ours = peering(HUB, DATA)
    seen = {watch.scopes[0]: Snapshot(resources={ours["id"].casefold(): ours})}
    assert watch.look(seen).settled
    assert watch.look({watch.scopes[0]: Snapshot(not_visible="403")}).settled  # so that we go on, and tell
