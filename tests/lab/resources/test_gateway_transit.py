"""One network's gateways, used by its peers: who may, what is shown, and where packets go."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.resources import vpn_connections, vpn_gateways
from tests.lab.arm.planes import make_plane, put
from tests.lab.resources.network_landscape import KINDS as NETWORK_KINDS
from tests.lab.resources.network_landscape import code, full, nic, result_of, send, vnet

KINDS = [*NETWORK_KINDS, *vpn_gateways.KINDS, *vpn_connections.KINDS]
HUB, SPOKE, OTHER = (f"Microsoft.Network/virtualNetworks/{name}" for name in ("hub", "spoke", "other"))
TO_HUB, TO_SPOKE = f"{SPOKE}/virtualNetworkPeerings/hub", f"{HUB}/virtualNetworkPeerings/spoke"
GATEWAY = "Microsoft.Network/virtualNetworkGateways/gw"


def to(network, **more):
    return {"properties": {"remoteVirtualNetwork": {"id": full(network)}, **more}}


def add_gateway(plane, network, name="gw"):
    address = f"Microsoft.Network/publicIPAddresses/{name}"
    put(plane, address, {"location": "eastus", "sku": {"name": "Standard"}})
    configuration = {
        "subnet": {"id": full(f"{network}/subnets/GatewaySubnet")},
        "publicIPAddress": {"id": full(address)},
    }
    properties = {
        "gatewayType": "Vpn",
        "sku": {"name": "VpnGw1", "tier": "VpnGw1"},
        "ipConfigurations": [{"name": "default", "properties": configuration}],
    }
    body = {"location": "eastus", "properties": properties}
    return send(plane, "PUT", f"Microsoft.Network/virtualNetworkGateways/{name}", body)


@pytest.fixture
def plane():
    plane = make_plane(KINDS)
    for at, network in enumerate((HUB, SPOKE, OTHER)):
        subnets = {"GatewaySubnet": {"addressPrefix": f"10.{at}.0.0/27"}, "apps": {"addressPrefix": f"10.{at}.1.0/24"}}
        put(plane, network, vnet(f"10.{at}.0.0/16", subnets=subnets))
    assert add_gateway(plane, HUB).status == 201
    return plane


def test_a_peer_that_uses_the_gateways_names_them(plane):
    put(plane, TO_SPOKE, to(SPOKE, allowGatewayTransit=True))
    shown = put(plane, TO_HUB, to(HUB, useRemoteGateways=True))["properties"]
    assert shown["peeringState"] == "Connected"
    assert shown["remoteGateways"] == [{"id": full(GATEWAY)}]
    assert "remoteGateways" not in put(plane, TO_HUB, to(HUB))["properties"]


def test_the_other_side_has_to_allow_it(plane):
    put(plane, TO_SPOKE, to(SPOKE))
    refused = send(plane, "PUT", TO_HUB, to(HUB, useRemoteGateways=True))
    assert code(refused) == (400, "RemotePeeringDoesNotAllowGatewayTransit")
    put(plane, TO_SPOKE, to(SPOKE, allowGatewayTransit=True))
    put(plane, TO_HUB, to(HUB, useRemoteGateways=True))
    refused = send(plane, "PUT", TO_SPOKE, to(SPOKE))
    assert code(refused) == (400, "AllowGatewayTransitCannotBeDisabled")


def test_only_one_peer_lends_its_gateways(plane):
    assert add_gateway(plane, OTHER, "gw2").status == 201
    put(plane, TO_HUB, to(HUB, useRemoteGateways=True))
    path = f"{SPOKE}/virtualNetworkPeerings/other"
    assert code(send(plane, "PUT", path, to(OTHER, useRemoteGateways=True))) == (
        400,
        "AnotherPeeringAlreadyUsesRemoteGateways",
    )
    assert send(plane, "PUT", path, to(OTHER)).status == 201


def test_a_network_with_gateways_uses_no_others(plane):
    assert add_gateway(plane, OTHER, "gw2").status == 201
    refused = send(plane, "PUT", f"{HUB}/virtualNetworkPeerings/other", to(OTHER, useRemoteGateways=True))
    assert code(refused) == (400, "VnetWithGatewaysCannotUseRemoteGateways")


def test_gateways_in_the_making_are_waited_for_unless_told_otherwise():
    plane = make_plane(KINDS, time_scale=1.0)
    for at, network in enumerate((HUB, SPOKE)):
        subnets = {"GatewaySubnet": {"addressPrefix": f"10.{at}.0.0/27"}}
        send(plane, "PUT", network, vnet(f"10.{at}.0.0/16", subnets=subnets))
    send(plane, "PUT", "Microsoft.Network/publicIPAddresses/gw", {"location": "eastus", "sku": {"name": "Standard"}})
    plane.clock.advance(60)
    assert add_gateway(plane, HUB).status == 201
    wanted = to(HUB, useRemoteGateways=True)
    assert code(send(plane, "PUT", TO_HUB, wanted)) == (400, "ReferencedResourceNotProvisioned")
    assert send(plane, "PUT", TO_HUB, to(HUB, useRemoteGateways=True, doNotVerifyRemoteGateways=True)).status == 201


def test_packets_for_a_site_go_by_the_lent_gateway(plane):
    site = "Microsoft.Network/localNetworkGateways/site"
    space = {"localNetworkAddressSpace": {"addressPrefixes": ["192.168.0.0/20"]}, "gatewayIpAddress": "203.0.113.7"}
    put(plane, site, {"location": "eastus", "properties": space})
    ends = {"virtualNetworkGateway1": {"id": full(GATEWAY)}, "localNetworkGateway2": {"id": full(site)}}
    body = {"location": "eastus", "properties": {"connectionType": "IPsec", "sharedKey": "CANARY", **ends}}
    put(plane, "Microsoft.Network/connections/site", body)
    put(plane, "Microsoft.Network/networkInterfaces/card", nic(f"{SPOKE}/subnets/apps"))

    def hops():
        answer = send(plane, "POST", "Microsoft.Network/networkInterfaces/card/effectiveRouteTable")
        routes = result_of(plane, answer)
        return [route["nextHopType"] for route in routes if route["addressPrefix"] == ["192.168.0.0/20"]]

    put(plane, TO_SPOKE, to(SPOKE, allowGatewayTransit=True))
    put(plane, TO_HUB, to(HUB))
    assert hops() == []
    put(plane, TO_HUB, to(HUB, useRemoteGateways=True))
    assert hops() == ["VirtualNetworkGateway"]
    table = "Microsoft.Network/routeTables/table"
    put(plane, table, {"location": "eastus", "properties": {"disableBgpRoutePropagation": True}})
    tied = {"addressPrefix": "10.1.1.0/24", "routeTable": {"id": full(table)}}
    put(plane, f"{SPOKE}/subnets/apps", {"properties": tied})
    assert hops() == []
