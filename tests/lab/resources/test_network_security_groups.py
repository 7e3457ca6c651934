"""Security groups, route tables, and what they come to on an interface."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.resources.network_interfaces import decide_flow
from airflow_provider_netconn.lab.resources.network_security_groups import Flow
from tests.lab.arm.planes import make_plane, put
from tests.lab.resources.network_landscape import KINDS, NET, SUBNET, code, full, nic, result_of, send, vnet

GUARD = "Microsoft.Network/networkSecurityGroups/guard"
TABLE = "Microsoft.Network/routeTables/table"
CARD = "Microsoft.Network/networkInterfaces/card"


def rule(priority=100, direction="Inbound", access="Allow", **more):
    return {
        "properties": {
            "protocol": "Tcp",
            "sourcePortRange": "*",
            "destinationPortRange": "443",
            "sourceAddressPrefix": "*",
            "destinationAddressPrefix": "*",
            "access": access,
            "priority": priority,
            "direction": direction,
            **more,
        }
    }


@pytest.fixture
def plane():
    plane = make_plane(KINDS)
    put(plane, GUARD, {"location": "eastus", "properties": {"securityRules": [{"name": "https", **rule()}]}})
    put(plane, NET, vnet("10.0.0.0/16", subnets={"apps": {"addressPrefix": "10.0.1.0/24"}}))
    put(plane, CARD, nic())
    return plane


def tie(plane, name, target):
    put(plane, SUBNET, {"properties": {"addressPrefix": "10.0.1.0/24", name: {"id": full(target)}}})


def test_a_group_has_its_own_rules_and_six_more(plane):
    shown = send(plane, "GET", GUARD).body["properties"]
    assert [item["name"] for item in shown["securityRules"]] == ["https"]
    assert len(shown["defaultSecurityRules"]) == 6
    assert shown["securityRules"][0]["properties"]["destinationPortRanges"] == []
    one = send(plane, "GET", f"{GUARD}/defaultSecurityRules/DenyAllInBound").body
    assert (one["properties"]["priority"], one["properties"]["access"]) == (65500, "Deny")
    assert len(send(plane, "GET", f"{GUARD}/defaultSecurityRules").body["value"]) == 6
    assert send(plane, "PUT", f"{GUARD}/defaultSecurityRules/DenyAllInBound", rule()).status == 405


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rule(), "SecurityRuleConflict"),
        (rule(99), "SecurityRuleInvalidPriority"),
        (rule(200, destinationPortRange="70000"), "SecurityRuleInvalidPortRange"),
        (rule(200, destinationPortRange="90-80"), "SecurityRuleInvalidPortRange"),
        (rule(200, sourceAddressPrefix="10.0.0"), "SecurityRuleInvalidAddressPrefix"),
        (rule(200, protocol="Sctp"), "InvalidRequestFormat"),
        (rule(200, sourceAddressPrefix=None), "MissingRequiredParameter"),
        (
            rule(200, sourceApplicationSecurityGroups=[{"id": full("Microsoft.Network/applicationSecurityGroups/x")}]),
            "InvalidResourceReference",
        ),
    ],
)
def test_refusals_of_rules(plane, body, expected):
    assert code(send(plane, "PUT", f"{GUARD}/securityRules/more", body)) == (400, expected)


def test_rules_of_two_directions_may_have_the_same_priority(plane):
    assert send(plane, "PUT", f"{GUARD}/securityRules/out", rule(direction="Outbound")).status == 201
    assert send(plane, "PUT", f"{GUARD}/securityRules/https", rule()).status == 200


@pytest.mark.parametrize(
    ("name", "target", "refusal", "users"),
    [
        ("networkSecurityGroup", GUARD, "InUseNetworkSecurityGroupCannotBeDeleted", "subnets"),
        ("routeTable", TABLE, "InUseRouteTableCannotBeDeleted", "subnets"),
    ],
)
def test_what_a_subnet_is_tied_to_stays(plane, name, target, refusal, users):
    put(plane, TABLE, {"location": "eastus"})
    tie(plane, name, target)
    assert send(plane, "GET", target).body["properties"][users] == [{"id": full(SUBNET)}]
    assert code(send(plane, "DELETE", target)) == (400, refusal)
    put(plane, SUBNET, {"properties": {"addressPrefix": "10.0.1.0/24"}})
    assert send(plane, "DELETE", target).status == 202


def flow(source="10.0.2.9", destination="10.0.1.4", port=443, *, inbound=True, protocol="Tcp"):
    return Flow(
        inbound=inbound,
        protocol=protocol,
        source=source,
        destination=destination,
        source_port=40000,
        destination_port=port,
    )


def decision(plane, packet):
    found = decide_flow(plane, plane.find(full(CARD)), packet)
    return found.allowed, found.rule


def test_without_a_group_all_passes(plane):
    assert decision(plane, flow(source="203.0.113.9")) == (True, "")


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (flow(source="203.0.113.9"), (True, "securityRules/https")),
        (flow(source="203.0.113.9", port=22), (False, "defaultSecurityRules/DenyAllInBound")),
        (flow(source="203.0.113.9", protocol="Udp"), (False, "defaultSecurityRules/DenyAllInBound")),
        (flow(port=22), (True, "defaultSecurityRules/AllowVnetInBound")),
        (flow(source="168.63.129.16", port=22), (True, "defaultSecurityRules/AllowAzureLoadBalancerInBound")),
        (flow("10.0.1.4", "10.0.2.9", inbound=False), (True, "defaultSecurityRules/AllowVnetOutBound")),
        (flow("10.0.1.4", "203.0.113.9", inbound=False), (True, "defaultSecurityRules/AllowInternetOutBound")),
        (flow("10.0.1.4", "192.168.7.7", inbound=False), (False, "defaultSecurityRules/DenyAllOutBound")),
    ],
)
def test_the_first_rule_that_matches_decides(plane, packet, expected):
    tie(plane, "networkSecurityGroup", GUARD)
    assert decision(plane, packet) == expected


def test_a_connected_peer_counts_as_the_virtual_network(plane):
    tie(plane, "networkSecurityGroup", GUARD)
    far = "Microsoft.Network/virtualNetworks/far"
    put(plane, far, vnet("192.168.0.0/20"))
    packet = flow(source="192.168.7.7", port=22)
    assert not decision(plane, packet)[0]
    for network, remote in ((NET, far), (far, NET)):
        body = {"properties": {"remoteVirtualNetwork": {"id": full(remote)}}}
        put(plane, f"{network}/virtualNetworkPeerings/p", body)
    assert decision(plane, packet) == (True, "defaultSecurityRules/AllowVnetInBound")
    routes = result_of(plane, send(plane, "POST", f"{CARD}/effectiveRouteTable"))
    assert {"VNetPeering"} == {route["nextHopType"] for route in routes if route["addressPrefix"] == ["192.168.0.0/20"]}


def test_both_the_subnets_and_the_interfaces_group_have_to_allow(plane):
    tie(plane, "networkSecurityGroup", GUARD)
    strict = "Microsoft.Network/networkSecurityGroups/strict"
    deny = {"name": "no", **rule(access="Deny", sourceAddressPrefix="203.0.113.0/24")}
    put(plane, strict, {"location": "eastus", "properties": {"securityRules": [deny]}})
    body = nic()
    body["properties"]["networkSecurityGroup"] = {"id": full(strict)}
    put(plane, CARD, body)
    assert decision(plane, flow(source="203.0.113.9")) == (False, "securityRules/no")
    assert decision(plane, flow(source="203.0.112.9")) == (False, "defaultSecurityRules/DenyAllInBound")
    assert send(plane, "GET", strict).body["properties"]["networkInterfaces"] == [{"id": full(CARD)}]
    groups = result_of(plane, send(plane, "POST", f"{CARD}/effectiveNetworkSecurityGroups"))
    assert [next(iter(group["association"])) for group in groups] == ["subnet", "networkInterface"]


def test_a_rule_for_an_application_security_group_is_for_its_members(plane):
    tie(plane, "networkSecurityGroup", GUARD)
    web = "Microsoft.Network/applicationSecurityGroups/web"
    put(plane, web, {"location": "eastus"})
    body = rule(
        90 + 10, access="Deny", destinationAddressPrefix=None, destinationApplicationSecurityGroups=[{"id": full(web)}]
    )
    put(plane, f"{GUARD}/securityRules/https", body)
    assert decision(plane, flow()) == (True, "defaultSecurityRules/AllowVnetInBound")
    put(plane, CARD, nic(applicationSecurityGroups=[{"id": full(web)}]))
    assert decision(plane, flow()) == (False, "securityRules/https")
    assert code(send(plane, "DELETE", web)) == (400, "InUseApplicationSecurityGroupCannotBeDeleted")


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ({"addressPrefix": "10.9.0.0/16", "nextHopType": "VirtualAppliance"}, "InvalidNextHopIpAddress"),
        (
            {"addressPrefix": "10.9.0.0/16", "nextHopType": "Internet", "nextHopIpAddress": "10.0.0.4"},
            "InvalidNextHopIpAddress",
        ),
        ({"addressPrefix": "10.9.0.1/16", "nextHopType": "None"}, "InvalidAddressPrefixFormat"),
        ({"addressPrefix": "0.0.0.0/0", "nextHopType": "None"}, "RouteConflict"),
        ({"addressPrefix": "10.9.0.0/16"}, "MissingRequiredParameter"),
    ],
)
def test_refusals_of_routes(plane, route, expected):
    first = {"name": "all", "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "None"}}
    put(plane, TABLE, {"location": "eastus", "properties": {"routes": [first]}})
    assert code(send(plane, "PUT", f"{TABLE}/routes/more", {"properties": route})) == (400, expected)


def test_a_users_route_overrides_a_default_one(plane):
    through = {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.1.200"}
    put(plane, TABLE, {"location": "eastus"})
    put(plane, f"{TABLE}/routes/all", {"properties": through})
    tie(plane, "routeTable", TABLE)
    routes = result_of(plane, send(plane, "POST", f"{CARD}/effectiveRouteTable"))
    everything = [route for route in routes if route["addressPrefix"] == ["0.0.0.0/0"]]
    assert [(route["source"], route["state"]) for route in everything] == [("Default", "Invalid"), ("User", "Active")]
    assert everything[1]["nextHopIpAddress"] == ["10.0.1.200"]
    assert {"VnetLocal"} == {route["nextHopType"] for route in routes if route["addressPrefix"] == ["10.0.0.0/16"]}
