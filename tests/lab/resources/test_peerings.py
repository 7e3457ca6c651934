"""Peerings: both sides' states, sync levels, refusals, permissions, api-versions."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.arm.requests import Caller
from airflow_provider_netconn.lab.resources import peerings, subscriptions, virtual_networks
from airflow_provider_netconn.lab.resources.subscriptions import make_subscription
from tests.lab.arm.planes import GROUP, OTHER_SUBSCRIPTION, OTHER_TENANT, OWNER, Owners, make_plane, put
from tests.lab.resources.network_landscape import code, send, vnet

KINDS = [*subscriptions.KINDS, *virtual_networks.KINDS, *peerings.KINDS]
A, B, C = (f"Microsoft.Network/virtualNetworks/{name}" for name in ("hub", "data", "spare"))
A_TO_B, B_TO_A = f"{A}/virtualNetworkPeerings/to-b", f"{B}/virtualNetworkPeerings/to-a"
SPACES = {A: "10.1.0.0/16", B: "10.2.0.0/16", C: "10.3.0.0/16"}


def to(network, **more):
    target = network if network.startswith("/") else f"{GROUP}/providers/{network}"
    return {"properties": {"remoteVirtualNetwork": {"id": target}, **more}}


def with_peerings(prefix, *items):
    body = vnet(prefix)
    body["properties"]["virtualNetworkPeerings"] = list(items)
    return body


@pytest.fixture
def plane():
    plane = make_plane(KINDS)
    for network, prefix in SPACES.items():
        put(plane, network, vnet(prefix))
    return plane


@pytest.fixture
def pair(plane):
    put(plane, A_TO_B, to(B))
    put(plane, B_TO_A, to(A))
    return plane


def states(plane, *paths, version="2024-03-01"):
    shown = [send(plane, "GET", path, version=version).body["properties"] for path in paths or (A_TO_B, B_TO_A)]
    return [(properties["peeringState"], properties.get("peeringSyncLevel")) for properties in shown]


def test_the_first_side_is_initiated_and_the_second_connects_both(plane):
    first = send(plane, "PUT", A_TO_B, to(B))
    assert first.status == 201
    shown = first.body["properties"]
    assert (shown["peeringState"], shown["peeringSyncLevel"]) == ("Initiated", "RemoteNotInSync")
    assert shown["provisioningState"] == "Updating"
    second = send(plane, "PUT", B_TO_A, to(A)).body["properties"]
    assert (second["peeringState"], second["peeringSyncLevel"]) == ("Connected", "FullyInSync")
    assert states(plane, A_TO_B) == [("Connected", "FullyInSync")]
    assert send(plane, "GET", A_TO_B).body["properties"]["resourceGuid"] == second["resourceGuid"]
    assert (
        second["remoteAddressSpace"] == second["remoteVirtualNetworkAddressSpace"] == {"addressPrefixes": [SPACES[A]]}
    )


def test_the_untouched_side_gets_another_etag(plane):
    before = put(plane, A_TO_B, to(B))["etag"]
    put(plane, B_TO_A, to(A))
    assert send(plane, "GET", A_TO_B).body["etag"] != before


def test_the_survivor_is_disconnected_and_succeeded(pair):
    assert send(pair, "DELETE", B_TO_A).status == 202
    shown = send(pair, "GET", A_TO_B).body["properties"]
    assert (shown["peeringState"], shown["provisioningState"]) == ("Disconnected", "Succeeded")
    assert send(pair, "GET", f"{B}/virtualNetworkPeerings").body == {"value": []}


def test_only_a_put_of_the_survivor_makes_room_for_the_deleted_side(pair):
    send(pair, "DELETE", B_TO_A)
    refused = send(pair, "PUT", B_TO_A, to(A))
    assert code(refused) == (400, "RemotePeeringIsDisconnected")
    assert f"remote peering {GROUP}/providers/{A_TO_B} referencing" in refused.body["error"]["message"]
    again = send(pair, "PUT", A_TO_B, to(B)).body["properties"]
    assert (again["peeringState"], again["peeringSyncLevel"]) == ("Initiated", "RemoteNotInSync")
    put(pair, B_TO_A, to(A))
    assert states(pair) == [("Connected", "FullyInSync")] * 2


def test_deleting_both_sides_is_the_other_way_out(pair):
    send(pair, "DELETE", B_TO_A)
    send(pair, "DELETE", A_TO_B)
    put(pair, B_TO_A, to(A))
    put(pair, A_TO_B, to(B))
    assert states(pair) == [("Connected", "FullyInSync")] * 2


def test_a_network_that_goes_leaves_its_peers_disconnected(pair):
    assert send(pair, "DELETE", B).status == 202
    assert states(pair, A_TO_B) == [("Disconnected", "RemoteNotInSync")]
    assert code(send(pair, "PUT", A_TO_B, to(B))) == (400, "InvalidResourceReference")
    put(pair, B, vnet("10.9.0.0/16"))
    assert states(pair, A_TO_B)[0][0] == "Disconnected"
    assert code(send(pair, "PUT", B_TO_A, to(A))) == (400, "RemotePeeringIsDisconnected")
    put(pair, A_TO_B, to(B))
    put(pair, B_TO_A, to(A))
    assert states(pair) == [("Connected", "FullyInSync")] * 2
    assert send(pair, "GET", A_TO_B).body["properties"]["remoteAddressSpace"] == {"addressPrefixes": ["10.9.0.0/16"]}


def test_a_group_that_goes_takes_its_sides_of_peerings_with_it(plane):
    group = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/rg"
    far = f"{group}/providers/Microsoft.Network/virtualNetworks/far"
    send(plane, "PUT", group, {"location": "westus"}, version="2021-04-01")
    put(plane, far, {**vnet("10.8.0.0/16"), "location": "westus"})
    put(plane, f"{A}/virtualNetworkPeerings/far", to(far))
    put(plane, f"{far}/virtualNetworkPeerings/near", to(A))
    send(plane, "DELETE", group, version="2021-04-01")
    assert states(plane, f"{A}/virtualNetworkPeerings/far") == [("Disconnected", "RemoteNotInSync")]


def test_a_changed_space_has_to_be_taken_over_by_the_other_side(pair):
    put(pair, A, vnet(SPACES[A], "10.11.0.0/16"))
    assert states(pair) == [("Connected", "RemoteNotInSync"), ("Connected", "LocalNotInSync")]
    shown = send(pair, "GET", B_TO_A).body["properties"]
    assert shown["remoteAddressSpace"]["addressPrefixes"] == [SPACES[A]]
    assert shown["remoteVirtualNetworkAddressSpace"]["addressPrefixes"] == [SPACES[A], "10.11.0.0/16"]
    put(pair, A_TO_B, to(B), query={"syncRemoteAddressSpace": "true"})
    assert states(pair) == [("Connected", "RemoteNotInSync"), ("Connected", "LocalNotInSync")]
    put(pair, B_TO_A, to(A))
    assert states(pair)[1] == ("Connected", "LocalNotInSync"), "only a request to synchronize does"
    put(pair, B_TO_A, to(A), query={"syncRemoteAddressSpace": "true"})
    assert states(pair) == [("Connected", "FullyInSync")] * 2


def test_both_sides_may_be_out_of_sync(pair):
    put(pair, A, vnet(SPACES[A], "10.11.0.0/16"))
    put(pair, B, vnet(SPACES[B], "10.12.0.0/16"))
    assert states(pair) == [("Connected", "LocalAndRemoteNotInSync")] * 2
    put(pair, A_TO_B, to(B), query={"syncRemoteAddressSpace": "true"})
    assert states(pair) == [("Connected", "RemoteNotInSync"), ("Connected", "LocalNotInSync")]


def test_a_sync_of_what_is_in_sync_is_a_write_like_any_other(pair):
    answer = send(pair, "PUT", A_TO_B, to(B), query={"syncRemoteAddressSpace": "true"})
    assert (answer.status, answer.body["properties"]["peeringSyncLevel"]) == (200, "FullyInSync")
    assert "Azure-AsyncOperation" in answer.headers


def test_a_networks_own_body_carries_its_peerings_along(pair):
    shown = send(pair, "GET", A).body
    shown["properties"]["addressSpace"]["addressPrefixes"].append("10.11.0.0/16")
    put(pair, A, shown)
    assert states(pair) == [("Connected", "RemoteNotInSync"), ("Connected", "LocalNotInSync")]
    send(pair, "DELETE", B)
    shown = send(pair, "GET", A).body
    assert send(pair, "PUT", A, shown).status == 200, "a peering that leads nowhere is in nobody's way"
    shown["properties"]["virtualNetworkPeerings"] = []
    put(pair, A, shown)
    assert send(pair, "GET", A_TO_B).status == 404


def test_a_peering_may_be_made_with_its_network(plane):
    peering = {"name": "to-b", **to(B)}
    put(plane, "Microsoft.Network/virtualNetworks/dd", with_peerings("10.4.0.0/16", peering))
    path = "Microsoft.Network/virtualNetworks/dd/virtualNetworkPeerings/to-b"
    assert states(plane, path) == [("Initiated", "RemoteNotInSync")]
    put(plane, f"{B}/virtualNetworkPeerings/to-d", to("Microsoft.Network/virtualNetworks/dd"))
    assert states(plane, path) == [("Connected", "FullyInSync")]


def test_dropping_a_side_from_its_networks_body_disconnects_the_other(pair):
    body = with_peerings(SPACES[A], {"name": "renamed", **to(B)})
    assert code(send(pair, "PUT", A, body))[0] == 400
    assert states(pair) == [("Connected", "FullyInSync")] * 2, "a refused write changes nothing"
    put(pair, A, with_peerings(SPACES[A]))
    assert states(pair, B_TO_A) == [("Disconnected", "RemoteNotInSync")]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (f"{A}/virtualNetworkPeerings/other", to(B), "AnotherPeeringAlreadyReferencesRemoteVnet"),
        (f"{A}/virtualNetworkPeerings/self", to(A), "CannotPeerVirtualNetworkWithItself"),
        (f"{A}/virtualNetworkPeerings/none", to("Microsoft.Network/virtualNetworks/none"), "InvalidResourceReference"),
        (f"{A}/virtualNetworkPeerings/no", {"properties": {}}, "MissingRequiredParameter"),
        (f"{A}/virtualNetworkPeerings/x", to("Microsoft.Network/routeTables/t"), "InvalidResourceReference"),
        (f"{A}/virtualNetworkPeerings/x", to("/nothing"), "LinkedInvalidPropertyId"),
        (f"{A}/virtualNetworkPeerings/-x", to(C), "InvalidResourceName"),
        (f"{A}/virtualNetworkPeerings/c", to(C, useRemoteGateways=True), "RemoteVnetHasNoGateways"),
        (A_TO_B, to(C), "RemoteVirtualNetworkCannotBeChanged"),
        (A_TO_B, to(B, allowGatewayTransit="perhaps"), "InvalidRequestFormat"),
    ],
)
def test_refusals(plane, path, body, expected):
    put(plane, A_TO_B, to(B))
    assert code(send(plane, "PUT", path, body)) == (400, expected)
    assert len(send(plane, "GET", f"{A}/virtualNetworkPeerings").body["value"]) == 1


def test_networks_that_overlap_cannot_be_peered(plane):
    put(plane, "Microsoft.Network/virtualNetworks/dd", vnet("10.1.128.0/17"))
    refused = send(plane, "PUT", f"{A}/virtualNetworkPeerings/to-d", to("Microsoft.Network/virtualNetworks/dd"))
    assert code(refused) == (400, "VnetAddressSpacesOverlap")
    assert "Overlapping address prefixes: 10.1.0.0/16, 10.1.128.0/17" in refused.body["error"]["message"]


def test_what_a_peer_is_peered_with_already_must_not_overlap_either(pair):
    put(pair, "Microsoft.Network/virtualNetworks/dd", vnet("10.1.128.0/17"))
    d_to_b = "Microsoft.Network/virtualNetworks/dd/virtualNetworkPeerings/to-b"
    assert code(send(pair, "PUT", d_to_b, to(B))) == (400, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet")
    send(pair, "DELETE", A)
    assert code(send(pair, "PUT", d_to_b, to(B)))[1] == "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", "a leftover"
    send(pair, "DELETE", B_TO_A)
    assert send(pair, "PUT", d_to_b, to(B)).status == 201


def test_a_space_cannot_grow_into_a_peers(pair):
    assert code(send(pair, "PUT", A, vnet(SPACES[A], "10.2.8.0/24"))) == (400, "VnetAddressSpacesOverlap")
    assert states(pair) == [("Connected", "FullyInSync")] * 2


def test_a_network_that_is_being_changed_cannot_be_peered_yet():
    plane = make_plane(KINDS, time_scale=1.0)
    for network in (A, B):
        send(plane, "PUT", network, vnet(SPACES[network]))
    assert code(send(plane, "PUT", A_TO_B, to(B))) == (400, "ReferencedResourceNotProvisioned")
    plane.clock.advance(10)
    assert send(plane, "PUT", A_TO_B, to(B)).status == 201
    assert code(send(plane, "PUT", B_TO_A, to(A))) == (400, "ReferencedResourceNotProvisioned")
    plane.clock.advance(10)
    assert send(plane, "PUT", B_TO_A, to(A)).status == 201


def test_one_change_of_a_networks_peerings_at_a_time():
    plane = make_plane(KINDS, time_scale=1.0)
    for network in (A, B, C):
        send(plane, "PUT", network, vnet(SPACES[network]))
    plane.clock.advance(10)
    send(plane, "PUT", A_TO_B, to(B))
    assert send(plane, "GET", A).body["properties"]["provisioningState"] == "Updating"
    a_to_c = f"{A}/virtualNetworkPeerings/to-c"
    for method, path, body in (
        ("PUT", a_to_c, to(C)),
        ("PUT", A_TO_B, to(B)),
        ("DELETE", A_TO_B, None),
        ("PUT", A, vnet(SPACES[A])),
        ("DELETE", A, None),
        ("PUT", f"{A}/subnets/s", {"properties": {"addressPrefix": "10.1.0.0/24"}}),
    ):
        assert code(send(plane, method, path, body)) == (409, "AnotherOperationInProgress"), (method, path)
    plane.clock.advance(10)
    assert send(plane, "PUT", a_to_c, to(C)).status == 201


def test_the_caller_needs_a_right_on_the_remote_network():
    plane = make_plane(KINDS, access=Owners(denied=["Microsoft.Network/virtualNetworks/peer/action"]))
    for network in (A, B):
        put(plane, network, vnet(SPACES[network]))
    refused = send(plane, "PUT", A_TO_B, to(B))
    assert code(refused) == (403, "LinkedAuthorizationFailed")
    assert "virtualNetworks/peer/action" in refused.body["error"]["message"]


def test_networks_of_two_subscriptions_can_be_peered(plane):
    group = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/rg"
    far = f"{group}/providers/Microsoft.Network/virtualNetworks/far"
    send(plane, "PUT", group, {"location": "westus"}, version="2021-04-01")
    put(plane, far, {**vnet("10.8.0.0/16"), "location": "westus"})
    put(plane, f"{A}/virtualNetworkPeerings/far", to(far))
    put(plane, f"{far}/virtualNetworkPeerings/near", to(A))
    assert states(plane, f"{A}/virtualNetworkPeerings/far") == [("Connected", "FullyInSync")]


def test_another_tenants_network_takes_that_tenants_token(plane):
    subscription = "00000000-0000-4000-8000-000000000009"
    make_subscription(plane, subscription, OTHER_TENANT, "theirs")
    group = f"/subscriptions/{subscription}/resourceGroups/rg"
    far = f"{group}/providers/Microsoft.Network/virtualNetworks/far"
    there = Caller(tenant_id=OTHER_TENANT, object_id=OWNER.object_id)
    send(plane, "PUT", group, {"location": "westus"}, version="2021-04-01", caller=there)
    send(plane, "PUT", far, {**vnet("10.8.0.0/16"), "location": "westus"}, caller=there)
    path = f"{A}/virtualNetworkPeerings/far"
    assert code(send(plane, "PUT", path, to(far))) == (403, "LinkedAuthorizationFailed")
    both = Caller(tenant_id=OWNER.tenant_id, object_id=OWNER.object_id, auxiliary=(there,))
    assert send(plane, "PUT", path, to(far), caller=both).status == 201


def test_older_api_versions_know_less(pair):
    old = send(pair, "GET", A_TO_B, version="2018-08-01").body["properties"]
    assert old["peeringState"] == "Connected"
    assert not {"peeringSyncLevel", "peerCompleteVnets", "remoteVirtualNetworkAddressSpace"} & set(old)
    assert send(pair, "GET", A_TO_B).body["properties"]["peerCompleteVnets"] is True


def subnets(**prefixes):
    return {name: {"addressPrefix": prefix} for name, prefix in prefixes.items()}


def test_subnets_can_be_peered_where_networks_overlap(plane):
    left, right = (f"Microsoft.Network/virtualNetworks/{name}" for name in ("left", "right"))
    put(plane, left, vnet("10.0.0.0/16", "172.16.0.0/16", subnets=subnets(s1="10.0.1.0/24", s3="172.16.3.0/24")))
    put(plane, right, vnet("10.9.0.0/16", "172.16.0.0/16", subnets=subnets(s0="10.9.0.0/24", s3="172.16.3.0/24")))
    path = f"{left}/virtualNetworkPeerings/right"
    some = {"peerCompleteVnets": False, "localSubnetNames": ["s1"], "remoteSubnetNames": ["s0"]}
    assert code(send(plane, "PUT", path, to(right))) == (400, "VnetAddressSpacesOverlap")
    assert code(send(plane, "PUT", path, to(right, peerCompleteVnets=False))) == (400, "SubnetNamesMissing")
    wrong = {**some, "remoteSubnetNames": ["none"]}
    assert code(send(plane, "PUT", path, to(right, **wrong))) == (400, "InvalidResourceReference")
    both = {**some, "localSubnetNames": ["s1", "s3"], "remoteSubnetNames": ["s0", "s3"]}
    assert code(send(plane, "PUT", path, to(right, **both))) == (400, "VnetAddressSpacesOverlap")
    shown = put(plane, path, to(right, **some))["properties"]
    assert shown["remoteAddressSpace"] == {"addressPrefixes": ["10.9.0.0/24"]}
    assert shown["localAddressSpace"] == {"addressPrefixes": ["10.0.1.0/24"]}
    assert (shown["peerCompleteVnets"], shown["enableOnlyIPv6Peering"]) == (False, False)
    kept = put(plane, path, to(right, peerCompleteVnets=False), query={"syncRemoteAddressSpace": "true"})
    assert kept["properties"]["remoteSubnetNames"] == ["s0"]
