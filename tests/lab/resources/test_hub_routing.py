"""What else hubs and gateways have: BGP peers, route maps, IP configurations, NAT rules, captures and scripts."""

from __future__ import annotations

import json

import pytest

from tests.lab.arm.planes import send as send_plain
from tests.lab.oracles import SWAGGER, check_answer
from tests.lab.resources.network_landscape import code
from tests.lab.status_landscape import HUB, NET, SUBJECTS, N, Subject, ask, full, landscape, make, of, ref
from tests.lab.status_landscape import settle as settle_plane

PEER = f"{N}/virtualHubs/bgpConnections"
MAP = f"{N}/virtualHubs/routeMaps"
RULE = f"{N}/vpnGateways/natRules"


@pytest.fixture
def plane():
    return landscape()


def send(plane, method, subject, body=None, below=""):
    answer = ask(plane, method, subject, body, below)
    if SWAGGER.is_dir():
        check_answer(method, full(subject.path) + below, answer.status, answer.body)
    return answer


def shown(plane, subject):
    return send(plane, "GET", subject).body["properties"]


def result(plane, answer):
    """What an accepted action ends with."""
    settle_plane(plane)
    path, _, query = answer.headers["Location"].removeprefix("https://management.lab").partition("?")
    return send_plain(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&")))


@pytest.mark.parametrize(
    "name",
    [
        PEER,
        MAP,
        f"{N}/virtualHubs/ipConfigurations",
        RULE,
        f"{N}/networkWatchers/flowLogs",
        f"{N}/networkWatchers/packetCaptures",
        f"{N}/networkWatchers/connectionMonitors",
    ],
)
def test_each_is_made_read_listed_and_removed_with_the_shape_of_the_openapi(plane, name):
    subject = make(plane, name)
    assert shown(plane, subject)["provisioningState"] == "Succeeded"
    collection = Subject(subject.path.rpartition("/")[0], None)
    assert [one["id"] for one in send(plane, "GET", collection).body["value"]] == [full(subject.path)]
    assert send(plane, "DELETE", subject).status == 202
    settle_plane(plane)
    assert code(send(plane, "GET", subject)) == (404, "NotFound")
    assert send(plane, "DELETE", subject).status == 204


def test_a_hub_tells_its_parts_by_their_ids(plane):
    for name in (PEER, MAP, f"{N}/virtualHubs/ipConfigurations"):
        make(plane, name)
    hub = shown(plane, SUBJECTS["microsoft.network/virtualhubs"])
    assert hub["bgpConnections"] == [ref(f"{HUB}/bgpConnections/peer")]
    assert hub["routeMaps"] == [ref(f"{HUB}/routeMaps/map")]
    assert hub["ipConfigurations"] == [ref(f"{HUB}/ipConfigurations/one")]


def test_a_peer_is_told_of_the_hub_and_its_networks(plane):
    peer = make(plane, PEER)
    assert shown(plane, peer)["connectionState"] == "Unknown"
    told = result(plane, send(plane, "POST", peer, below="/advertisedRoutes")).body["value"]
    assert {one["network"] for one in told} == {"10.5.0.0/16", "10.20.0.0/16"}
    assert {(one["nextHop"], one["asPath"]) for one in told} == {("10.5.0.68", "65515"), ("10.5.0.69", "65515")}
    assert result(plane, send(plane, "POST", peer, below="/learnedRoutes")).body == {"value": []}


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        (PEER, of(peerIp="10.0.0.10"), "MissingRequiredParameter"),
        (PEER, of(peerAsn=65000, peerIp="10.0.0"), "InvalidIPAddress"),
        (PEER, of(peerAsn=4294967296, peerIp="10.0.0.10"), "InvalidRequestFormat"),
        (f"{N}/virtualHubs/ipConfigurations", of(), "MissingRequiredParameter"),
        (
            f"{N}/virtualHubs/ipConfigurations",
            of(subnet=ref(f"{NET}/subnets/apps")),
            "InvalidSubnetNameForVirtualHubIpConfiguration",
        ),
        (MAP, of(rules=[{"matchCriteria": []}]), "MissingRequiredParameter"),
        (MAP, of(rules=[{"name": "a", "actions": [{"type": "Explode"}]}]), "InvalidRequestFormat"),
        (RULE, of(internalMappings=[{"addressSpace": "10.4.0.0/24"}]), "NatRuleMappingsMissing"),
        (
            RULE,
            of(
                internalMappings=[{"addressSpace": "10.4.0.0/24"}],
                externalMappings=[{"addressSpace": "10.5.0.0/25"}],
            ),
            "NatRuleMappingsDifferInSize",
        ),
    ],
)
def test_what_cannot_be(plane, name, body, expected):
    subject = make(plane, name)
    assert code(send(plane, "PUT", subject, body)) == (400, expected)
    other = Subject(subject.path + "2", None)
    assert code(send(plane, "PUT", other, body)) == (400, expected)


def test_no_two_peers_have_one_address(plane):
    peer = make(plane, PEER)
    assert code(send(plane, "PUT", Subject(f"{peer.path}2", None), peer.body)) == (400, "BgpPeerIpAlreadyInUse")


def test_a_route_map_in_use_stays_and_tells_who_uses_it(plane):
    route_map, connection = make(plane, MAP), make(plane, f"{N}/virtualHubs/hubVirtualNetworkConnections")
    body = of(**connection.body["properties"], routingConfiguration={"inboundRouteMap": ref(route_map.path)})
    assert send(plane, "PUT", connection, body).status == 200
    settle_plane(plane)
    assert shown(plane, route_map)["associatedInboundConnections"] == [full(connection.path)]
    assert shown(plane, route_map)["associatedOutboundConnections"] == []
    assert code(send(plane, "DELETE", route_map)) == (400, "InUseRouteMapCannotBeDeleted")


def test_a_nat_rule_in_use_stays_and_tells_which_links_use_it(plane):
    rule, connection = make(plane, RULE), make(plane, f"{N}/vpnGateways/vpnConnections")
    body = json.loads(json.dumps(connection.body))
    body["properties"]["vpnLinkConnections"][0]["properties"]["egressNatRules"] = [ref(rule.path)]
    assert send(plane, "PUT", connection, body).status == 200
    settle_plane(plane)
    assert shown(plane, rule)["egressVpnSiteLinkConnections"] == [ref(f"{connection.path}/vpnLinkConnections/link")]
    assert shown(plane, rule)["ingressVpnSiteLinkConnections"] == []
    assert code(send(plane, "DELETE", rule)) == (400, "InUseNatRuleCannotBeDeleted")


@pytest.mark.parametrize("name", [f"{N}/vpnGateways", f"{N}/virtualNetworkGateways"])
def test_a_gateways_body_carries_its_nat_rules(plane, name):
    gateway = make(plane, name)
    rule = {"name": "rule", "properties": SUBJECTS[RULE.casefold()].body["properties"]}
    body = {**gateway.body, "properties": {**gateway.body["properties"], "natRules": [rule]}}
    assert send(plane, "PUT", gateway, body).status == 200
    settle_plane(plane)
    assert [one["name"] for one in shown(plane, gateway)["natRules"]] == ["rule"]
    rule_itself = Subject(f"{gateway.path}/natRules/rule", None)
    assert shown(plane, rule_itself)["mode"] == "EgressSnat"
    body["properties"]["natRules"] = []
    assert send(plane, "PUT", gateway, body).status == 200
    assert send(plane, "GET", rule_itself).status == 404


@pytest.mark.parametrize(
    "name",
    [f"{N}/connections", f"{N}/virtualNetworkGateways", f"{N}/vpnGateways", f"{N}/vpnGateways/vpnConnections"],
)
def test_captures_start_and_stop(plane, name):
    subject = make(plane, name)
    actions = ("startpacketcapture", "stoppacketcapture") if "vpnGateways" in name else (
        "startPacketCapture", "stopPacketCapture"
    )  # fmt: skip
    for action, body in zip(actions, (None, {"sasUrl": "https://blob.test/?sig=CANARY"}), strict=True):
        answer = send(plane, "POST", subject, body, f"/{action}")
        assert answer.status == 202
        assert json.loads(result(plane, answer).body) == {"Status": "Successful", "Data": None}
    assert send(plane, "POST", subject, {"filter": "x"}, f"/{actions[0]}").status == 400


def test_a_connection_tells_its_associations_and_a_devices_script(plane):
    connection = make(plane, f"{N}/connections")
    answer = send(plane, "POST", connection, below="/getikesas")
    assert json.loads(result(plane, answer).body)["Status"] == "Successful"
    device = {"vendor": "Cisco", "deviceFamily": "ISR", "firmwareVersion": "15.1"}
    script = send(plane, "POST", connection, device, "/vpndeviceconfigurationscript")
    assert script.status == 200
    assert "Cisco ISR 15.1" in script.body
    assert "CANARY" not in script.body
    assert send(plane, "POST", connection, {"vendor": "Cisco"}, "/vpndeviceconfigurationscript").status == 400
    link = make(plane, f"{N}/vpnGateways/vpnConnections")
    below = "/vpnLinkConnections/link/getikesas"
    assert send(plane, "POST", link, below=below).status == 202


def test_a_wan_writes_no_configuration_but_says_that_it_did(plane):
    site = make(plane, f"{N}/vpnSites")
    wan = make(plane, f"{N}/virtualWans")
    body = {"vpnSites": [full(site.path)], "outputBlobSasUrl": "https://blob.test/?sig=CANARY"}
    assert send(plane, "POST", wan, body, "/vpnConfiguration").status == 202
    body["vpnSites"] = [full(f"{site.path}2")]
    assert code(send(plane, "POST", wan, body, "/vpnConfiguration")) == (400, "InvalidResourceReference")
    providers = send(plane, "GET", wan, below="/supportedSecurityProviders").body["supportedProviders"]
    assert [one["name"] for one in providers] == ["AzureFirewall"]
