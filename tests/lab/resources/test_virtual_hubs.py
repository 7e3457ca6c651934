"""Virtual WANs, hubs and their connections: routing that lags, defaults, route tables, refusals."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.resources import (
    hub_connections,
    peerings,
    subscriptions,
    virtual_networks,
    virtual_wans,
)
from tests.lab.arm.planes import GROUP, Owners, make_plane, put, send
from tests.lab.oracles import check_answer, needs_shared

KINDS = [*subscriptions.KINDS, *virtual_networks.KINDS, *peerings.KINDS, *virtual_wans.KINDS, *hub_connections.KINDS]
ID = f"{GROUP}/providers/"
WAN, HUB, NETWORK = (
    "Microsoft.Network/virtualWans/wan",
    "Microsoft.Network/virtualHubs/hub",
    "Microsoft.Network/virtualNetworks/spoke",
)
CONNECTION = f"{HUB}/hubVirtualNetworkConnections/to-spoke"
DEFAULT_TABLE = f"{ID}{HUB}/hubRouteTables/defaultRouteTable"


def network(prefix):
    return {"location": "westus", "properties": {"addressSpace": {"addressPrefixes": [prefix]}}}


def hub(prefix="10.5.0.0/16", **more):
    return {"location": "westus", "properties": {"addressPrefix": prefix, "virtualWan": {"id": ID + WAN}, **more}}


def to(target=NETWORK, **more):
    return {"properties": {"remoteVirtualNetwork": {"id": ID + target}, **more}}


def build(**options):
    plane = make_plane(KINDS, **options)
    put(plane, WAN, {"location": "westus"})
    put(plane, NETWORK, network("10.0.0.0/16"))
    return plane


@pytest.fixture
def plane():
    plane = build()
    put(plane, HUB, hub())
    return plane


def code(answer):
    return answer.status, answer.body["error"]["code"]


def routing(plane):
    return send(plane, "GET", HUB).body["properties"]["routingState"]


def test_a_hub_is_there_before_its_routing_is():
    plane = build()
    first = send(plane, "PUT", HUB, hub())
    assert (first.status, first.body["properties"]["routingState"]) == (201, "None")
    plane.operations.advance()
    shown = send(plane, "GET", HUB).body["properties"]
    assert (shown["provisioningState"], shown["routingState"]) == ("Succeeded", "Provisioning")
    plane.clock.advance(1)
    assert routing(plane) == "Provisioned"
    put(plane, HUB, hub(hubRoutingPreference="aspath"))
    shown = send(plane, "GET", HUB).body["properties"]
    assert (shown["routingState"], shown["hubRoutingPreference"]) == ("Provisioned", "ASPath")


def test_a_connection_has_the_recorded_defaults(plane):
    answer = send(plane, "PUT", CONNECTION, to())
    assert answer.status == 201
    assert "Azure-AsyncOperation" in answer.headers
    shown = answer.body["properties"]
    assert shown["allowHubToRemoteVnetTransit"] is True
    assert shown["allowRemoteVnetToUseHubVnetGateways"] is False
    assert shown["routingConfiguration"]["associatedRouteTable"]["id"] == DEFAULT_TABLE
    assert shown["routingConfiguration"]["propagatedRouteTables"] == {"labels": [], "ids": [{"id": DEFAULT_TABLE}]}


def test_a_route_table_tells_its_connections(plane):
    put(plane, CONNECTION, to())
    shown = send(plane, "GET", DEFAULT_TABLE).body["properties"]
    assert shown["associatedConnections"] == shown["propagatingConnections"] == [ID + CONNECTION]
    assert send(plane, "GET", f"{HUB}/hubRouteTables/noneRouteTable").body["properties"]["associatedConnections"] == []
    put(plane, CONNECTION, to(routingConfiguration={"propagatedRouteTables": {"labels": ["none"], "ids": []}}))
    shown = send(plane, "GET", f"{HUB}/hubRouteTables/noneRouteTable").body["properties"]
    assert shown["propagatingConnections"] == [ID + CONNECTION]


def test_a_firewall_is_the_next_hop_of_a_static_route(plane):
    route = {"name": "through-firewall", "addressPrefixes": ["10.99.0.0/16"], "nextHopIpAddress": "10.0.0.4"}
    body = to(routingConfiguration={"vnetRoutes": {"staticRoutes": [route]}})
    shown = put(plane, CONNECTION, body)["properties"]["routingConfiguration"]["vnetRoutes"]
    assert shown["staticRoutes"] == [route]
    accepted = send(plane, "POST", f"{HUB}/effectiveRoutes")
    assert accepted.status == 202
    path, _, query = accepted.headers["Location"].removeprefix("https://management.lab").partition("?")
    routes = send(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&"))).body["value"]
    assert [one["addressPrefixes"] for one in routes] == [["10.0.0.0/16"], ["10.99.0.0/16"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"properties": {}}, "MissingRequiredParameter"),
        (to("Microsoft.Network/virtualNetworks/none"), "InvalidResourceReference"),
        (to("Microsoft.Network/virtualWans/wan"), "InvalidResourceReference"),
        (to(routingConfiguration={"associatedRouteTable": {"id": DEFAULT_TABLE + "x"}}), "InvalidResourceReference"),
        (to(routingConfiguration={"routes": []}), "InvalidRequestFormat"),
    ],
)
def test_a_connection_that_cannot_be(plane, body, expected):
    assert code(send(plane, "PUT", CONNECTION, body)) == (400, expected)
    assert send(plane, "GET", CONNECTION).status == 404


def test_a_network_hangs_on_one_hub(plane):
    put(plane, CONNECTION, to())
    put(plane, f"{HUB}2", hub("10.6.0.0/16"))
    second = send(plane, "PUT", f"{HUB}2/hubVirtualNetworkConnections/to-spoke", to())
    assert code(second) == (400, "VirtualNetworkAlreadyConnectedToVirtualHub")


def test_address_spaces_at_a_hub_do_not_overlap(plane):
    put(plane, CONNECTION, to())
    for name, prefix in (("twin", "10.0.128.0/17"), ("inside", "10.5.1.0/24")):
        put(plane, f"Microsoft.Network/virtualNetworks/{name}", network(prefix))
        answer = send(
            plane, "PUT", f"{HUB}/hubVirtualNetworkConnections/{name}", to(f"Microsoft.Network/virtualNetworks/{name}")
        )
        assert code(answer) == (400, "VnetAddressSpaceOverlapsWithVirtualHub")
    assert code(send(plane, "PUT", f"{HUB}2", hub("10.5.0.0/17"))) == (400, "VirtualHubAddressPrefixOverlaps")
    assert code(send(plane, "PUT", f"{HUB}2", hub("10.7.0.0/25"))) == (400, "VirtualHubAddressPrefixTooSmall")


def test_a_connection_needs_the_right_to_peer_the_network():
    plane = build(access=Owners())
    put(plane, HUB, hub())
    plane.access.denied.add("microsoft.network/virtualnetworks/peer/action")
    assert code(send(plane, "PUT", CONNECTION, to())) == (403, "LinkedAuthorizationFailed")


def test_what_is_in_use_stays(plane):
    put(plane, CONNECTION, to())
    assert code(send(plane, "DELETE", HUB)) == (400, "InUseVirtualHubCannotBeDeleted")
    assert code(send(plane, "DELETE", WAN)) == (400, "InUseVirtualWanCannotBeDeleted")
    assert code(send(plane, "DELETE", DEFAULT_TABLE)) == (400, "HubRouteTableCannotBeDeleted")
    for path in (CONNECTION, HUB, WAN):
        assert send(plane, "DELETE", path).status == 202
        plane.operations.advance()
        assert send(plane, "GET", path).status == 404
    assert send(plane, "GET", DEFAULT_TABLE).status == 404


@needs_shared
def test_answers_have_the_shape_of_the_openapi(plane):
    put(plane, CONNECTION, to())
    for path in (WAN, HUB, CONNECTION, f"{HUB}/hubRouteTables/defaultRouteTable"):
        assert check_answer("GET", ID + path, 200, send(plane, "GET", path).body)
        collection = path.rpartition("/")[0]
        assert check_answer("GET", ID + collection, 200, send(plane, "GET", collection).body)
    again = send(plane, "PUT", HUB, hub())
    assert check_answer("PUT", ID + HUB, again.status, again.body)
