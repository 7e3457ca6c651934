"""VPN: local gateways, gateways of networks and hubs, connections, their states and shared keys."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.resources import (
    hub_connections,
    peerings,
    public_addresses,
    subscriptions,
    virtual_networks,
    virtual_wans,
    vpn_connections,
    vpn_gateways,
    vpn_sites,
)
from tests.lab.arm.planes import GROUP, make_plane, put, send
from tests.lab.oracles import check_answer, needs_shared

MODULES = (
    subscriptions,
    virtual_networks,
    peerings,
    public_addresses,
    virtual_wans,
    hub_connections,
    vpn_gateways,
    vpn_connections,
    vpn_sites,
)
ID = f"{GROUP}/providers/"
N = "Microsoft.Network/"
NETWORK, ADDRESS, GATEWAY, LOCAL = (
    f"{N}virtualNetworks/net",
    f"{N}publicIPAddresses/ip",
    f"{N}virtualNetworkGateways/gw",
    f"{N}localNetworkGateways/site",
)
CONNECTION = f"{N}connections/to-site"
KEY = "c4n4ry-key"
POLICY = {
    "saLifeTimeSeconds": 3600,
    "saDataSizeKilobytes": 102400000,
    "ipsecEncryption": "AES256",
    "ipsecIntegrity": "SHA256",
    "ikeEncryption": "AES256",
    "ikeIntegrity": "SHA256",
    "dhGroup": "DHGroup14",
    "pfsGroup": "PFS2048",
}


def here(**properties):
    return {"location": "westus", "properties": properties}


def link(path):
    return {"id": ID + path}


def gateway(network=NETWORK, address=ADDRESS, **more):
    configuration = {"subnet": link(f"{network}/subnets/GatewaySubnet"), "publicIPAddress": link(address)}
    return here(
        gatewayType="Vpn",
        sku={"name": "VpnGw1"},
        ipConfigurations=[{"name": "default", "properties": configuration}],
        **more,
    )


def network(prefix="10.11.0.0/16", subnet="10.11.255.0/27", name="GatewaySubnet"):
    subnets = [{"name": name, "properties": {"addressPrefix": subnet}}]
    return here(addressSpace={"addressPrefixes": [prefix]}, subnets=subnets)


def site(**tags):
    body = here(gatewayIpAddress="203.0.113.9", localNetworkAddressSpace={"addressPrefixes": ["192.168.100.0/24"]})
    return {**body, "tags": {name.replace("_", "-"): value for name, value in tags.items()}}


def ipsec(**more):
    ends = {"virtualNetworkGateway1": link(GATEWAY), "localNetworkGateway2": link(LOCAL)}
    return here(**{"connectionType": "IPsec", "sharedKey": KEY, **ends, **more})


@pytest.fixture
def plane():
    plane = make_plane([kind for module in MODULES for kind in module.KINDS])
    put(plane, NETWORK, network())
    put(plane, ADDRESS, {**here(publicIPAllocationMethod="Static"), "sku": {"name": "Standard"}})
    put(plane, GATEWAY, gateway())
    put(plane, LOCAL, site())
    return plane


def code(answer):
    return answer.status, answer.body["error"]["code"]


def status(plane, path=CONNECTION):
    return send(plane, "GET", path).body["properties"]["connectionStatus"]


def follow(plane, answer, header="Location"):
    path, _, query = answer.headers[header].removeprefix("https://management.lab").partition("?")
    return send(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&")))


def test_a_connection_shows_its_key_and_no_state_without_a_peer(plane):
    shown = put(plane, CONNECTION, ipsec())["properties"]
    assert (shown["sharedKey"], shown["connectionStatus"]) == (KEY, "Unknown")
    assert shown["connectionProtocol"] == "IKEv2"


@pytest.mark.parametrize(("device", "expected"), [("up", "Connected"), ("down", "NotConnected"), ("odd", "Unknown")])
def test_the_device_decides_whether_it_connects(plane, device, expected):
    put(plane, LOCAL, site(lab_device=device))
    put(plane, CONNECTION, ipsec())
    assert status(plane) == expected


def test_a_tunnel_takes_its_time(plane):
    put(plane, LOCAL, site(lab_device="up"))
    put(plane, CONNECTION, ipsec())
    plane.time_scale = 1
    send(plane, "PUT", CONNECTION, ipsec(routingWeight=5))
    assert status(plane) == "Unknown"
    plane.clock.advance(11)
    assert status(plane) == "Connecting"
    plane.clock.advance(11)
    assert status(plane) == "Connected"


def test_two_networks_need_both_connections_and_one_key(plane):
    other_net, other_ip, other = f"{NETWORK}2", f"{ADDRESS}2", f"{GATEWAY}2"
    put(plane, other_net, network("10.12.0.0/16", "10.12.255.0/27"))
    put(plane, other_ip, {**here(publicIPAllocationMethod="Static"), "sku": {"name": "Standard"}})
    put(plane, other, gateway(other_net, other_ip))

    def between(one, two, key=KEY):
        ends = {"virtualNetworkGateway1": link(one), "virtualNetworkGateway2": link(two)}
        return here(connectionType="Vnet2Vnet", sharedKey=key, **ends)

    there, back = f"{N}connections/there", f"{N}connections/back"
    put(plane, there, between(GATEWAY, other))
    assert status(plane, there) == "NotConnected"
    put(plane, back, between(other, GATEWAY, "another"))
    assert status(plane, there) == "NotConnected"
    put(plane, back, between(other, GATEWAY))
    assert [status(plane, path) for path in (there, back)] == ["Connected", "Connected"]
    listed = send(plane, "GET", f"{other}/connections").body["value"]
    assert {one["name"] for one in listed} == {"there", "back"}


def test_the_shared_key_can_be_reset_and_set(plane):
    put(plane, CONNECTION, ipsec())
    reset = send(plane, "POST", f"{CONNECTION}/sharedkey/reset", {"keyLength": 128})
    assert reset.status == 202
    assert follow(plane, reset).status == 200
    key = send(plane, "GET", f"{CONNECTION}/sharedkey").body["value"]
    assert len(key) == 128
    answer = send(plane, "PUT", f"{CONNECTION}/sharedkey", {"value": "a1b2c3"})
    assert (answer.status, "Azure-AsyncOperation" in answer.headers) == (200, True)
    assert send(plane, "GET", f"{CONNECTION}/sharedkey").body == {"value": "a1b2c3"}
    assert put(plane, CONNECTION, ipsec(sharedKey=None))["properties"]["sharedKey"] == "a1b2c3"
    assert send(plane, "GET", f"{CONNECTION}x/sharedkey").status == 404


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (here(connectionType="IPsec"), "MissingRequiredParameter"),
        (ipsec(localNetworkGateway2=None), "ConnectionPropertyRequired"),
        (ipsec(localNetworkGateway2=link(f"{LOCAL}x")), "InvalidResourceReference"),
        (ipsec(connectionType="Carrier pigeon"), "InvalidRequestFormat"),
        (
            ipsec(ipsecPolicies=[{name: value for name, value in POLICY.items() if name != "pfsGroup"}]),
            "MissingRequiredParameter",
        ),
        (ipsec(sharedKey="with blank"), "InvalidRequestFormat"),
    ],
)
def test_a_connection_that_cannot_be(plane, body, expected):
    answer = send(plane, "PUT", CONNECTION, body)
    assert code(answer) == (400, expected)
    assert KEY not in str(answer.body)


def test_ipsec_policies_come_back_as_given(plane):
    assert put(plane, CONNECTION, ipsec(ipsecPolicies=[POLICY]))["properties"]["ipsecPolicies"] == [POLICY]


def test_a_gateway_lives_in_the_gateway_subnet(plane):
    other = f"{NETWORK}2"
    put(plane, other, network("10.12.0.0/16", "10.12.0.0/24", "default"))
    body = gateway(other)
    body["properties"]["ipConfigurations"][0]["properties"]["subnet"] = link(f"{other}/subnets/default")
    assert code(send(plane, "PUT", f"{GATEWAY}2", body)) == (400, "InvalidSubnetNameForGateway")
    assert code(send(plane, "DELETE", f"{NETWORK}/subnets/GatewaySubnet")) == (400, "InUseSubnetCannotBeDeleted")


def test_gateways_in_use_stay(plane):
    put(plane, CONNECTION, ipsec())
    assert code(send(plane, "DELETE", GATEWAY)) == (400, "InUseVirtualNetworkGatewayCannotBeDeleted")
    assert code(send(plane, "DELETE", LOCAL)) == (400, "InUseLocalNetworkGatewayCannotBeDeleted")
    send(plane, "DELETE", CONNECTION)
    plane.operations.advance()
    for path in (GATEWAY, LOCAL):
        assert send(plane, "DELETE", path).status == 202


def test_a_local_gateway_needs_an_address_or_a_name(plane):
    body = here(localNetworkAddressSpace={"addressPrefixes": ["192.168.0.0/24"]})
    assert code(send(plane, "PUT", f"{LOCAL}2", body)) == (400, "LocalNetworkGatewayMustHaveIpAddressOrFqdn")
    body["properties"]["fqdn"] = "vpn.example.com"
    assert put(plane, f"{LOCAL}2", body)["properties"]["fqdn"] == "vpn.example.com"


def test_a_put_that_changes_nothing_says_so_from_the_start(plane):
    again = send(plane, "PUT", LOCAL, site())
    assert (again.status, "Azure-AsyncOperation" in again.headers) == (200, True)
    assert again.body["properties"]["provisioningState"] == "Succeeded"
    changed = send(plane, "PUT", LOCAL, site(changed="yes"))
    assert changed.body["properties"]["provisioningState"] == "Updating"


WAN, HUB = f"{N}virtualWans/wan", f"{N}virtualHubs/hub"
SITE, HUB_GATEWAY = f"{N}vpnSites/office", f"{N}vpnGateways/hub-gw"
HUB_CONNECTION = f"{HUB_GATEWAY}/vpnConnections/to-office"


@pytest.fixture
def wan(plane):
    put(plane, WAN, here())
    put(plane, HUB, here(virtualWan=link(WAN), addressPrefix="10.5.0.0/16"))
    links = [{"name": "fibre", "properties": {"ipAddress": "203.0.113.77"}}]
    put(plane, SITE, here(virtualWan=link(WAN), vpnSiteLinks=links, addressSpace={"addressPrefixes": ["10.77.0.0/16"]}))
    put(plane, HUB_GATEWAY, here(virtualHub=link(HUB)))
    return plane


def to_office(**more):
    properties = {"vpnSiteLink": link(f"{SITE}/vpnSiteLinks/fibre"), "sharedKey": KEY}
    links = [{"name": "first", "properties": properties}]
    return {"properties": {"remoteVpnSite": link(SITE), "vpnLinkConnections": links, **more}}


def test_a_hub_connects_to_a_site(wan):
    shown = put(wan, HUB_CONNECTION, to_office())
    assert shown["properties"]["connectionStatus"] == "Unknown"
    assert KEY not in str(shown)
    table = shown["properties"]["routingConfiguration"]["associatedRouteTable"]["id"]
    assert table == f"{ID}{HUB}/hubRouteTables/defaultRouteTable"
    links = send(wan, "GET", f"{HUB_CONNECTION}/vpnLinkConnections").body["value"]
    assert [one["name"] for one in links] == ["first"]
    assert send(wan, "GET", HUB).body["properties"]["vpnGateway"] == link(HUB_GATEWAY)
    assert send(wan, "GET", WAN).body["properties"]["vpnSites"] == [link(SITE)]
    assert code(send(wan, "DELETE", SITE)) == (400, "InUseVpnSiteCannotBeDeleted")


def test_a_link_keeps_its_key_to_itself(wan):
    put(wan, HUB_CONNECTION, to_office())
    key = f"{HUB_CONNECTION}/vpnLinkConnections/first/sharedKeys/default"
    assert send(wan, "GET", key).body["properties"]["sharedKeyLength"] == len(KEY)
    assert KEY not in str(send(wan, "GET", key).body)
    answer = send(wan, "PUT", key, {"properties": {"sharedKey": "another"}})
    assert answer.status == 200
    wan.operations.advance()
    assert send(wan, "POST", f"{key}/listSharedKey").body["properties"]["sharedKey"] == "another"
    assert len(send(wan, "GET", key.rpartition("/")[0]).body["value"]) == 1


def test_a_connection_to_a_link_that_the_site_does_not_have(wan):
    body = to_office()
    body["properties"]["vpnLinkConnections"][0]["properties"]["vpnSiteLink"] = link(f"{SITE}/vpnSiteLinks/none")
    assert code(send(wan, "PUT", HUB_CONNECTION, body)) == (400, "InvalidResourceReference")


def test_one_gateway_to_a_hub(wan):
    assert code(send(wan, "PUT", f"{HUB_GATEWAY}2", here(virtualHub=link(HUB)))) == (
        400,
        "VirtualHubHasVpnGatewayAlready",
    )


@needs_shared
def test_answers_have_the_shape_of_the_openapi(wan):
    put(wan, CONNECTION, ipsec(ipsecPolicies=[POLICY]))
    put(wan, HUB_CONNECTION, to_office())
    paths = [GATEWAY, LOCAL, CONNECTION, SITE, HUB_GATEWAY, HUB_CONNECTION]
    paths += [f"{SITE}/vpnSiteLinks/fibre", f"{HUB_CONNECTION}/vpnLinkConnections/first"]
    for path in paths:
        for asked in (path, path.rpartition("/")[0]):
            assert check_answer("GET", ID + asked, 200, send(wan, "GET", asked).body)
    assert check_answer("GET", f"{ID}{CONNECTION}/sharedkey", 200, send(wan, "GET", f"{CONNECTION}/sharedkey").body)
