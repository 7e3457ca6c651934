"""A connection to a hub shows in the network as a peering that belongs to the hub, and holds the network."""

from __future__ import annotations

import re

import pytest

from airflow_provider_netconn.lab.resources.catalogue import resource_kinds
from airflow_provider_netconn.lab.resources.generic import generic_kind
from tests.lab.arm.planes import make_plane, put, send
from tests.lab.resources.network_landscape import code, full
from tests.lab.resources.network_landscape import send as send_checked

N = "Microsoft.Network"
NET, FAR = f"{N}/virtualNetworks/spoke", f"{N}/virtualNetworks/far"
HUB = f"{N}/virtualHubs/hub"
CONNECTION = f"{HUB}/hubVirtualNetworkConnections/to-spoke"
TO_NET = {"properties": {"remoteVirtualNetwork": {"id": full(NET)}}}
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def network(prefix, **more):
    return {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": [prefix]}, **more}}


@pytest.fixture
def plane():
    plane = make_plane(resource_kinds(), fallback=generic_kind)
    put(plane, NET, network("10.0.0.0/16"))
    put(plane, FAR, network("10.9.0.0/16"))
    put(plane, f"{N}/virtualWans/wan", {"location": "eastus"})
    hub = {"addressPrefix": "10.5.0.0/16", "virtualWan": {"id": full(f"{N}/virtualWans/wan")}}
    put(plane, HUB, {"location": "eastus", "properties": hub})
    put(plane, CONNECTION, TO_NET)
    return plane


def peerings(plane):
    return send_checked(plane, "GET", f"{NET}/virtualNetworkPeerings").body["value"]


def test_the_connected_network_lists_a_peering_with_the_hubs_own_network(plane):
    [shown] = peerings(plane)
    assert re.fullmatch(f"RemoteVnetToHubPeering_{GUID}", shown["name"])
    properties = shown["properties"]
    assert (properties["peeringState"], properties["peeringSyncLevel"]) == ("Connected", "FullyInSync")
    assert (properties["useRemoteGateways"], properties["allowForwardedTraffic"]) == (True, False)
    assert properties["remoteAddressSpace"] == {"addressPrefixes": ["10.5.0.0/16"]}
    assert re.search(rf"/resourceGroups/RG_hub_{GUID}/.*/HV_hub_{GUID}$", properties["remoteVirtualNetwork"]["id"])
    assert send_checked(plane, "GET", shown["id"]).body == shown
    assert send_checked(plane, "GET", NET).body["properties"]["virtualNetworkPeerings"] == [shown]
    assert plane.store.find(shown["id"]) is None


def test_it_goes_with_the_connection(plane):
    [shown] = peerings(plane)
    assert send(plane, "DELETE", CONNECTION).status == 202
    plane.operations.advance()
    assert peerings(plane) == []
    assert send(plane, "GET", shown["id"]).status == 404


def test_nobody_changes_it_but_the_hub(plane):
    [shown] = peerings(plane)
    refused = (400, "VirtualHubPeeringCannotBeModified")
    assert code(send(plane, "PUT", shown["id"], {"properties": shown["properties"]})) == refused
    assert code(send(plane, "DELETE", shown["id"])) == refused


def test_a_network_is_written_back_as_it_was_read(plane):
    shown = send(plane, "GET", NET).body
    shown["tags"] = {"a": "b"}
    again = put(plane, NET, shown)
    assert [one["name"] for one in again["properties"]["virtualNetworkPeerings"]] == [peerings(plane)[0]["name"]]
    assert plane.store.children(full(NET), f"{N}/virtualNetworks/virtualNetworkPeerings") == []


def test_other_peerings_stand_beside_it(plane):
    put(plane, f"{NET}/virtualNetworkPeerings/a", {"properties": {"remoteVirtualNetwork": {"id": full(FAR)}}})
    names = [one["name"].partition("_")[0] for one in peerings(plane)]
    assert sorted(names) == ["RemoteVnetToHubPeering", "a"]
    assert send(plane, "GET", f"{FAR}/virtualNetworkPeerings").body["value"] == []


def test_a_network_at_a_hub_cannot_be_deleted(plane):
    assert code(send(plane, "DELETE", NET)) == (400, "InUseVirtualNetworkCannotBeDeleted")
    send(plane, "DELETE", CONNECTION)
    plane.operations.advance()
    assert send(plane, "DELETE", NET).status == 202
