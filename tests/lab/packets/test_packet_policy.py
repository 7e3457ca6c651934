"""Who may reach what, as a function of the control plane's state: no packet is sent here."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.landscape import landscape_of
from airflow_provider_netconn.lab.packets.machines import place_machine
from airflow_provider_netconn.lab.packets.places import INTERNET, RESOLVER_ADDRESS, places
from airflow_provider_netconn.lab.packets.policy import ICMP, TCP, Action, Target, decide, policy
from tests.lab.packets.changes import (
    ENDPOINT_ADDRESS,
    NETWORK,
    connect,
    connect_branch,
    connect_site,
    connect_to_hub,
    deny,
    network,
    peering,
    put_on_subnet,
    route,
    set_connection,
)

PUBLIC_ADDRESS = "198.19.7.7"


def endpoint():
    return Target(place=network("data"), address=ENDPOINT_ADDRESS, ports=(443,))


def seen(landscape, source, target=None, port=443, protocol=TCP):
    machine = place_machine(landscape.plane, source, number=1)
    return decide(landscape.plane, machine, target or endpoint(), protocol, port)


def test_a_machine_reaches_an_endpoint_of_its_own_network(landscape):
    assert seen(landscape, "data").action is Action.PASS


def test_without_a_peering_there_is_no_way(landscape):
    assert seen(landscape, "spoke").action is Action.DROP


def test_one_side_of_a_peering_is_not_enough(landscape):
    landscape.put(*peering("spoke", "data"))
    assert seen(landscape, "spoke").action is Action.DROP


def test_a_peering_lets_through_until_one_side_is_removed(landscape):
    connect(landscape)
    assert seen(landscape, "spoke").action is Action.PASS
    landscape.delete(peering("data", "spoke")[0])
    assert seen(landscape, "spoke").action is Action.DROP


def test_a_side_that_forbids_access_closes_the_way(landscape):
    connect(landscape, allowVirtualNetworkAccess=False)
    assert seen(landscape, "spoke").action is Action.DROP


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_an_endpoint_that_is_not_approved_takes_nothing(landscape, status):
    if status == "Pending":
        connection = next(
            one
            for one in landscape.plane.store
            if one.kind.type.endswith("/storageAccounts/privateEndpointConnections")
        )
        connection.properties["privateLinkServiceConnectionState"]["status"] = status
    else:
        set_connection(landscape, status)
    decision = seen(landscape, "data")
    assert decision.action is Action.DROP
    assert status in decision.reason


def test_a_security_group_denies_new_connections_and_says_by_which_rule(landscape):
    deny(landscape, direction="Outbound", port=443, subnet="data/machines")
    decision = seen(landscape, "data")
    assert decision.action is Action.DROP_NEW
    assert "deny-443" in decision.reason
    assert seen(landscape, "data", port=444).action is Action.PASS


def test_a_group_on_the_endpoints_subnet_holds_only_with_network_policies(landscape):
    deny(landscape, direction="Inbound", port=443, subnet="data/endpoints")
    assert seen(landscape, "data").action is Action.PASS
    put_on_subnet(landscape, "data/endpoints", privateEndpointNetworkPolicies="NetworkSecurityGroupEnabled")
    assert seen(landscape, "data").action is Action.DROP_NEW


def test_a_route_to_nowhere_drops(landscape):
    route(landscape, f"{ENDPOINT_ADDRESS}/32", "None", "data/machines")
    decision = seen(landscape, "data")
    assert decision.action is Action.DROP
    assert "UserDefinedRoute" in decision.reason


def test_a_route_can_close_the_internet_alone(landscape):
    public = Target(place=INTERNET, address=PUBLIC_ADDRESS, ports=(443,))
    assert seen(landscape, "data", public).action is Action.PASS
    route(landscape, "0.0.0.0/0", "None", "data/machines")
    assert seen(landscape, "data", public).action is Action.DROP
    assert seen(landscape, "data").action is Action.PASS


def test_a_hub_connects_once_its_routing_is_provisioned(landscape):
    connect_to_hub(landscape, "data")
    assert seen(landscape, "spoke").action is Action.DROP
    connect_to_hub(landscape, "spoke")
    decision = seen(landscape, "spoke")
    assert decision.action is Action.DROP
    assert "routingState is Provisioning" in decision.reason
    landscape.local.clock.advance(3600)
    assert seen(landscape, "spoke").action is Action.PASS


def test_a_site_needs_a_vpn_connection(landscape):
    decision = seen(landscape, "office")
    assert decision.action is Action.DROP
    assert "no gateway" in decision.reason


def test_a_connected_vpn_connection_opens_the_way_from_a_site_and_to_it(landscape):
    at_office = Target(place=f"{NETWORK}/localNetworkGateways/office", address="192.168.100.254")
    assert seen(landscape, "data", at_office, port=5432).action is Action.DROP
    connect_site(landscape)
    assert seen(landscape, "office").action is Action.PASS
    assert seen(landscape, "data", at_office, port=5432).action is Action.PASS
    deny(landscape, direction="Outbound", port=5432, subnet="data/machines")
    assert seen(landscape, "data", at_office, port=5432).action is Action.DROP_NEW


def test_a_vpn_connection_whose_device_is_down_is_told_by_its_status(landscape):
    connect_site(landscape, device="down")
    decision = seen(landscape, "office")
    assert (decision.action, decision.reason) == (
        Action.DROP,
        "VPN connection office: connectionStatus is NotConnected",
    )


def test_a_peer_reaches_the_site_by_the_gateway_that_it_may_use(landscape):
    connect_site(landscape)
    at_office = Target(place=f"{NETWORK}/localNetworkGateways/office", address="192.168.100.254")
    connect(landscape)
    assert seen(landscape, "spoke", at_office).action is Action.DROP
    landscape.put(*peering("data", "spoke", allowGatewayTransit=True))
    landscape.put(*peering("spoke", "data", useRemoteGateways=True))
    assert seen(landscape, "spoke", at_office).action is Action.PASS


def test_a_hub_leads_from_its_networks_to_a_branch_and_back(landscape):
    connect_to_hub(landscape, "data")
    connect_branch(landscape)
    landscape.local.clock.advance(3600)
    at_branch = Target(place=f"{NETWORK}/vpnSites/branch", address="192.168.200.254")
    assert seen(landscape, "branch").action is Action.PASS
    assert seen(landscape, "data", at_branch).action is Action.PASS
    assert seen(landscape, "spoke", at_branch).action is Action.DROP
    tunnel = next(one for one in landscape_of(landscape.plane).ways if one.kind == "VPN connection")
    assert (tunnel.source.rpartition("/")[2], tunnel.state, tunnel.works) == ("hub", "Connected", True)
    connect_branch(landscape, device="down")
    assert seen(landscape, "branch").reason == "VPN connection branch: connectionStatus is NotConnected"


def test_the_internet_reaches_public_addresses_alone(landscape):
    assert seen(landscape, "internet").action is Action.DROP
    public = Target(place=INTERNET, address=PUBLIC_ADDRESS, ports=(443,))
    assert seen(landscape, "internet", public).action is Action.PASS


def test_each_network_has_its_own_resolver_whatever_its_rules(landscape):
    deny(landscape, direction="Outbound", port=53, subnet="data/machines")
    own = Target(place=network("data"), address=RESOLVER_ADDRESS, ports=(53,))
    other = Target(place=network("spoke"), address=RESOLVER_ADDRESS, ports=(53,))
    assert seen(landscape, "data", own, port=53).action is Action.PASS
    assert seen(landscape, "data", other, port=53).action is Action.DROP


def test_machines_reach_each_other_on_the_ports_that_groups_leave(landscape):
    connect(landscape)
    deny(landscape, direction="Inbound", port="8000-8080", subnet="data/machines")
    source = place_machine(landscape.plane, "spoke", number=1)
    data = place_machine(landscape.plane, "data", number=2)
    target = Target(place=data.place, address=data.address, protocols=(TCP, ICMP))
    told = policy(landscape.plane, [source], [target])
    spans = {(one.protocol, one.first_port, one.last_port): one.decision.action for one in told}
    assert spans == {
        (TCP, 0, 7999): Action.PASS,
        (TCP, 8000, 8080): Action.DROP_NEW,
        (TCP, 8081, 65535): Action.PASS,
        (ICMP, 0, 65535): Action.PASS,
    }


def test_networks_that_overlap_do_not_reach_into_each_other(landscape):
    assert seen(landscape, "twin").action is Action.DROP


def test_a_machine_takes_the_last_address_of_the_first_subnet_for_machines(landscape):
    machine = place_machine(landscape.plane, "data", number=1)
    assert machine.subnet.endswith("/subnets/machines")
    assert machine.address == "10.1.0.254"
    assert place_machine(landscape.plane, "data", number=2, taken=["10.1.0.254"]).address == "10.1.0.253"
    assert place_machine(landscape.plane, "DATA/Endpoints", number=3).address == "10.1.1.254"
    assert place_machine(landscape.plane, "office", number=4).public_address == "203.0.113.10"


@pytest.mark.parametrize("name", ["nowhere", "data/nothing", "office/subnet", "internet/x"])
def test_a_place_that_is_not_there_is_told_with_those_that_are(landscape, name):
    with pytest.raises(LabError, match=name):
        place_machine(landscape.plane, name, number=1)


def test_places_are_the_internet_networks_and_sites(landscape):
    assert [place.name for place in places(landscape.plane)] == ["internet", "data", "spoke", "twin", "office"]


def test_public_addresses_are_told_apart_where_a_rule_or_route_does(landscape):
    machine = place_machine(landscape.plane, "data", number=1)
    addresses = ["198.19.7.7", "198.19.7.8", "198.19.9.9"]
    targets = [Target(place=INTERNET, address=address, ports=(443,)) for address in addresses]
    route(landscape, "198.19.7.7/32", "None", "data/machines")
    told = policy(landscape.plane, [machine], targets)
    assert [one.decision for one in told] == [decide(landscape.plane, machine, one, TCP, 443) for one in targets]
    assert [one.decision.action for one in told] == [Action.DROP, Action.PASS, Action.PASS]
