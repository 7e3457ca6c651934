"""Network Watcher: its answers follow from routes, security groups, peerings, hubs, tunnels, endpoints and names."""

from __future__ import annotations

import json

import pytest

from airflow_provider_netconn.lab.resources.catalogue import resource_kinds
from airflow_provider_netconn.lab.resources.generic import generic_kind
from tests.lab.arm.planes import GROUP, SUBSCRIPTION, make_plane, put, send
from tests.lab.oracles import check_answer, example_body, examples, needs_shared

ID = f"{GROUP}/providers/"
N = "Microsoft.Network/"
WATCHER = f"{N}networkWatchers/watcher"
HERE, DATA, FAR = "10.1.0.4", "10.2.0.4", "10.3.0.4"
SITE = "192.168.100.7"
STORE = "Microsoft.Storage/storageAccounts/lake"
ZONE = "privatelink.blob.core.windows.net"


def ref(path):
    return {"id": ID + path}


def machine(plane, network, number):
    """A network 10.<number>.0.0/16 with a machine at .0.4."""
    prefix = f"10.{number}.0.0/16"
    space = {"addressSpace": {"addressPrefixes": [prefix]}}
    subnets = [{"name": "machines", "properties": {"addressPrefix": f"10.{number}.0.0/24"}}]
    put(plane, f"{N}virtualNetworks/{network}", {"location": "eastus", "properties": {**space, "subnets": subnets}})
    configuration = {"subnet": ref(f"{N}virtualNetworks/{network}/subnets/machines")}
    items = [{"name": "one", "properties": configuration}]
    put(plane, f"{N}networkInterfaces/{network}", {"location": "eastus", "properties": {"ipConfigurations": items}})
    profile = {"networkProfile": {"networkInterfaces": [ref(f"{N}networkInterfaces/{network}")]}}
    put(plane, vm(network), {"location": "eastus", "properties": profile})


def vm(name):
    return f"Microsoft.Compute/virtualMachines/{name}"


@pytest.fixture
def plane():
    """Three networks, each with a machine: here, data and far."""
    plane = make_plane(resource_kinds(), fallback=generic_kind)
    put(plane, WATCHER, {"location": "eastus"})
    for number, network in enumerate(("here", "data", "far"), start=1):
        machine(plane, network, number)
    return plane


def ask(plane, action, body, status=200):
    """Ask the watcher; gives the result that ``Location`` ends with."""
    accepted = send(plane, "POST", f"{WATCHER}/{action}", body)
    assert accepted.status == 202, accepted.body
    assert "Azure-AsyncOperation" not in accepted.headers
    path, _, query = accepted.headers["Location"].removeprefix("https://management.lab").partition("?")
    parameters = dict(part.partition("=")[::2] for part in query.split("&"))
    answer = send(plane, "GET", path, query=parameters)
    assert answer.status == status, answer.body
    return answer.body


def check(plane, address=DATA, port=443, source="here", **more):
    destination = {"address": address, "port": port}
    return ask(
        plane, "connectivityCheck", {"source": {"resourceId": ID + vm(source)}, "destination": destination, **more}
    )


def issues(found):
    return [issue for hop in found["hops"] for issue in hop["issues"]]


def peer(plane, one, other, **more):
    for local, remote in ((one, other), (other, one)):
        properties = {"remoteVirtualNetwork": ref(f"{N}virtualNetworks/{remote}"), **more}
        put(plane, f"{N}virtualNetworks/{local}/virtualNetworkPeerings/to-{remote}", {"properties": properties})


def security_group(plane, network, direction, access="Deny", port="443"):
    """A security group with one rule, on the machine's interface."""
    rule = {
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": port,
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*",
        "access": access,
        "priority": 100,
        "direction": direction,
    }
    path = f"{N}networkSecurityGroups/of-{network}"
    rules = [{"name": "only", "properties": rule}]
    put(plane, path, {"location": "eastus", "properties": {"securityRules": rules}})
    shown = send(plane, "GET", f"{N}networkInterfaces/{network}").body
    shown["properties"]["networkSecurityGroup"] = ref(path)
    put(plane, f"{N}networkInterfaces/{network}", shown)


def route(plane, network, prefix, hop, address=None):
    """A route table with one route, on the machine's subnet."""
    properties = {"addressPrefix": prefix, "nextHopType": hop, **({"nextHopIpAddress": address} if address else {})}
    routes = [{"name": "only", "properties": properties}]
    put(plane, f"{N}routeTables/rt", {"location": "eastus", "properties": {"routes": routes}})
    subnet = f"{N}virtualNetworks/{network}/subnets/machines"
    shown = send(plane, "GET", subnet).body
    shown["properties"]["routeTable"] = ref(f"{N}routeTables/rt")
    put(plane, subnet, shown)


def test_a_watcher_is_there_at_once_and_can_be_asked_and_deleted():
    plane = make_plane(resource_kinds(), fallback=generic_kind, time_scale=1)
    made = send(plane, "PUT", WATCHER, {"location": "eastus", "properties": {}})
    assert (made.status, made.body["properties"]["provisioningState"]) == (201, "Succeeded")
    assert "Azure-AsyncOperation" in made.headers
    assert send(plane, "PUT", WATCHER, {"location": "eastus"}).status == 200
    gone = send(plane, "DELETE", WATCHER)
    assert gone.status == 202
    assert {"Azure-AsyncOperation", "Location"} <= set(gone.headers)


def test_a_region_has_one_watcher(plane):
    second = send(plane, "PUT", f"{N}networkWatchers/other", {"location": "East US"})
    assert (second.status, second.body["error"]["code"]) == (400, "NetworkWatcherCountLimitReached")
    assert send(plane, "PUT", f"{N}networkWatchers/other", {"location": "westus"}).status == 201


def test_networks_that_are_not_peered_do_not_reach_each_other(plane):
    found = check(plane)
    assert (found["connectionStatus"], found["probesSent"], found["probesFailed"]) == ("Unreachable", 66, 66)
    assert "avgLatencyInMs" not in found


def test_a_peering_of_both_sides_makes_networks_reach_each_other(plane):
    peer(plane, "here", "data")
    found = check(plane)
    assert (found["connectionStatus"], found["probesFailed"]) == ("Reachable", 0)
    assert [(hop["type"], hop["address"]) for hop in found["hops"]] == [("Source", HERE), ("VirtualNetwork", DATA)]
    source, target = found["hops"]
    assert (source["nextHopIds"], target["previousHopIds"]) == ([target["id"]], [source["id"]])
    assert target["resourceId"] == f"{ID}{N}networkInterfaces/data"


def test_one_side_of_a_peering_is_not_enough(plane):
    properties = {"remoteVirtualNetwork": ref(f"{N}virtualNetworks/data")}
    put(plane, f"{N}virtualNetworks/here/virtualNetworkPeerings/to-data", {"properties": properties})
    assert check(plane)["connectionStatus"] == "Unreachable"


def test_a_peering_that_lost_its_other_side_carries_nothing(plane):
    peer(plane, "here", "data")
    assert send(plane, "DELETE", f"{N}virtualNetworks/data/virtualNetworkPeerings/to-here").status == 202
    assert check(plane)["connectionStatus"] == "Unreachable"


def test_both_sides_of_a_peering_have_to_allow_access(plane):
    peer(plane, "here", "data")
    properties = {"remoteVirtualNetwork": ref(f"{N}virtualNetworks/here"), "allowVirtualNetworkAccess": False}
    put(plane, f"{N}virtualNetworks/data/virtualNetworkPeerings/to-here", {"properties": properties})
    assert check(plane)["connectionStatus"] == "Unreachable"


def test_peering_is_not_transitive(plane):
    peer(plane, "here", "data")
    peer(plane, "data", "far")
    assert check(plane, FAR)["connectionStatus"] == "Unreachable"
    assert check(plane, FAR, source="data")["connectionStatus"] == "Reachable"


@pytest.mark.parametrize(("network", "direction"), [("here", "Outbound"), ("data", "Inbound")])
def test_a_security_rule_that_denies_is_named(plane, network, direction):
    peer(plane, "here", "data")
    security_group(plane, network, direction)
    found = check(plane)
    assert found["connectionStatus"] == "Unreachable"
    assert [(issue["type"], issue["origin"], issue["context"]) for issue in issues(found)] == [
        ("NetworkSecurityRule", direction, [{"key": "RuleName", "value": "UserRule_only"}])
    ]
    assert check(plane, port=22)["connectionStatus"] == "Reachable"


def test_a_route_to_nowhere_is_named(plane):
    peer(plane, "here", "data")
    route(plane, "here", "10.2.0.0/16", "None")
    found = check(plane)
    assert found["connectionStatus"] == "Unreachable"
    assert [issue["type"] for issue in issues(found)] == ["UserDefinedRoute"]


def test_an_appliance_has_to_be_there_and_to_forward(plane):
    peer(plane, "here", "far")
    peer(plane, "far", "data", allowForwardedTraffic=True)
    route(plane, "here", "10.2.0.0/16", "VirtualAppliance", "10.3.0.9")
    assert [issue["type"] for issue in issues(check(plane))] == ["UserDefinedRoute"]
    route(plane, "here", "10.2.0.0/16", "VirtualAppliance", FAR)
    assert [issue["context"] for issue in issues(check(plane))] == [[{"key": "enableIPForwarding", "value": "false"}]]
    shown = send(plane, "GET", f"{N}networkInterfaces/far").body
    shown["properties"]["enableIPForwarding"] = True
    put(plane, f"{N}networkInterfaces/far", shown)
    found = check(plane)
    assert found["connectionStatus"] == "Reachable"
    assert [hop["type"] for hop in found["hops"]] == ["Source", "VirtualAppliance", "VirtualNetwork"]


def test_appliances_that_send_a_packet_in_circles_end_it(plane):
    route(plane, "here", "10.9.0.0/16", "VirtualAppliance", HERE)
    shown = send(plane, "GET", f"{N}networkInterfaces/here").body
    shown["properties"]["enableIPForwarding"] = True
    put(plane, f"{N}networkInterfaces/here", shown)
    assert check(plane, "10.9.0.4")["connectionStatus"] == "Unreachable"


def hub(plane, *networks):
    put(plane, f"{N}virtualWans/wan", {"location": "eastus", "properties": {}})
    body = {"virtualWan": ref(f"{N}virtualWans/wan"), "addressPrefix": "10.100.0.0/23"}
    put(plane, f"{N}virtualHubs/hub", {"location": "eastus", "properties": body})
    for network in networks:
        properties = {"remoteVirtualNetwork": ref(f"{N}virtualNetworks/{network}")}
        put(plane, f"{N}virtualHubs/hub/hubVirtualNetworkConnections/{network}", {"properties": properties})


def test_networks_at_a_hub_reach_each_other_through_it(plane):
    hub(plane, "here")
    assert check(plane)["connectionStatus"] == "Unreachable"
    properties = {"remoteVirtualNetwork": ref(f"{N}virtualNetworks/data")}
    put(plane, f"{N}virtualHubs/hub/hubVirtualNetworkConnections/data", {"properties": properties})
    found = check(plane)
    assert found["connectionStatus"] == "Reachable"
    assert [hop["type"] for hop in found["hops"]] == ["Source", "VirtualNetworkGateway", "VirtualNetwork"]


def test_a_connection_that_propagates_nowhere_is_reached_by_nobody(plane):
    hub(plane, "here")
    nowhere = {"ids": [ref(f"{N}virtualHubs/hub/hubRouteTables/noneRouteTable")]}
    properties = {
        "remoteVirtualNetwork": ref(f"{N}virtualNetworks/data"),
        "routingConfiguration": {"propagatedRouteTables": nowhere},
    }
    put(plane, f"{N}virtualHubs/hub/hubVirtualNetworkConnections/data", {"properties": properties})
    assert check(plane)["connectionStatus"] == "Unreachable"


def vpn(plane, device, prefix="192.168.100.0/24"):
    """A tunnel from the network ``here`` to a site whose device is up, down or of unknown state."""
    put(plane, f"{N}virtualNetworks/here/subnets/GatewaySubnet", {"properties": {"addressPrefix": "10.1.255.0/27"}})
    standard = {"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    put(plane, f"{N}publicIPAddresses/ip", standard)
    configuration = {
        "subnet": ref(f"{N}virtualNetworks/here/subnets/GatewaySubnet"),
        "publicIPAddress": ref(f"{N}publicIPAddresses/ip"),
    }
    properties = {
        "gatewayType": "Vpn",
        "vpnType": "RouteBased",
        "sku": {"name": "VpnGw1", "tier": "VpnGw1"},
        "ipConfigurations": [{"name": "one", "properties": configuration}],
    }
    put(plane, f"{N}virtualNetworkGateways/gw", {"location": "eastus", "properties": properties})
    site = {"localNetworkAddressSpace": {"addressPrefixes": [prefix]}, "gatewayIpAddress": "203.0.113.1"}
    tags = {"lab-device": device} if device else {}
    put(plane, f"{N}localNetworkGateways/site", {"location": "eastus", "tags": tags, "properties": site})
    connection = {
        "connectionType": "IPsec",
        "sharedKey": "c4n4ry",
        "virtualNetworkGateway1": ref(f"{N}virtualNetworkGateways/gw"),
        "localNetworkGateway2": ref(f"{N}localNetworkGateways/site"),
    }
    put(plane, f"{N}connections/tunnel", {"location": "eastus", "properties": connection})


@pytest.mark.parametrize(
    ("device", "status", "code"),
    [("up", "Reachable", "Healthy"), ("down", "Unreachable", "UnHealthy"), ("", "Unknown", "Healthy")],
)
def test_a_site_is_reached_as_its_tunnel_is(plane, device, status, code):
    vpn(plane, device)
    assert check(plane, SITE)["connectionStatus"] == status
    assert check(plane, SITE, source="data")["connectionStatus"] == "Unreachable"
    troubled = {
        "targetResourceId": f"{ID}{N}connections/tunnel",
        "properties": {"storageId": ID + STORE, "storagePath": "https://lake.blob.core.windows.net/log"},
    }
    assert ask(plane, "troubleshoot", troubled)["code"] == code
    query = send(
        plane, "POST", f"{WATCHER}/queryTroubleshootResult", {"targetResourceId": troubled["targetResourceId"]}
    )
    assert (query.status, query.body["code"]) == (200, code)


def test_a_learned_route_wins_over_a_default_one_for_the_same_prefix(plane):
    assert hop(plane, SITE)["nextHopType"] == "None"
    vpn(plane, "up", "192.168.0.0/16")
    assert hop(plane, SITE)["nextHopType"] == "VirtualNetworkGateway"


def test_a_gateway_without_connections_is_unhealthy(plane):
    vpn(plane, "up")
    target = {"targetResourceId": f"{ID}{N}virtualNetworkGateways/gw"}
    assert send(plane, "POST", f"{WATCHER}/queryTroubleshootResult", target).body["code"] == "Healthy"
    send(plane, "DELETE", f"{N}connections/tunnel")
    found = send(plane, "POST", f"{WATCHER}/queryTroubleshootResult", target).body
    assert (found["code"], found["results"][0]["reasonType"]) == ("UnHealthy", "NoConnectionsFoundForGateway")


def endpoint(plane, how="privateLinkServiceConnections"):
    """A private endpoint for blobs in the network ``data``; gives its address."""
    sku = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}
    put(plane, STORE, sku, version="2023-01-01")
    link = {"name": "lake", "properties": {"privateLinkServiceId": ID + STORE, "groupIds": ["blob"]}}
    subnet = ref(f"{N}virtualNetworks/data/subnets/machines")
    put(plane, f"{N}privateEndpoints/lake", {"location": "eastus", "properties": {"subnet": subnet, how: [link]}})
    interfaces = send(plane, "GET", f"{N}networkInterfaces").body["value"]
    owned = next(one for one in interfaces if "privateEndpoint" in one["properties"])
    return owned["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"]


def test_an_endpoint_is_reached_by_its_address_once_it_is_approved(plane):
    peer(plane, "here", "data")
    address = endpoint(plane, "manualPrivateLinkServiceConnections")
    found = check(plane, address)
    assert found["connectionStatus"] == "Unreachable"
    assert issues(found)[0]["context"] == [{"key": "PrivateEndpointConnection", "value": "Pending"}]
    connection = send(plane, "GET", f"{STORE}/privateEndpointConnections", version="2023-01-01").body["value"][0]
    connection["properties"]["privateLinkServiceConnectionState"] = {"status": "Approved", "description": "yes"}
    approved = send(plane, "PUT", connection["id"], {"properties": connection["properties"]}, version="2023-01-01")
    assert approved.status == 200, approved.body
    found = check(plane, address)
    assert (found["connectionStatus"], found["hops"][-1]["type"]) == ("Reachable", "PrivateEndpoint")


def zone(plane, network, address):
    put(plane, f"{N}privateDnsZones/{ZONE}", {"location": "global"}, version="2020-06-01")
    records = {"properties": {"ttl": 10, "aRecords": [{"ipv4Address": address}]}}
    put(plane, f"{N}privateDnsZones/{ZONE}/A/lake", records, version="2020-06-01")
    link = {"registrationEnabled": False, "virtualNetwork": ref(f"{N}virtualNetworks/{network}")}
    link_path = f"{N}privateDnsZones/{ZONE}/virtualNetworkLinks/{network}"
    put(plane, link_path, {"location": "global", "properties": link}, version="2020-06-01")


def test_a_service_is_reached_over_the_internet_until_its_zone_is_linked(plane):
    peer(plane, "here", "data")
    address = endpoint(plane)
    name = "lake.blob.core.windows.net"
    assert [hop["type"] for hop in check(plane, name)["hops"]] == ["Source", "Internet"]
    zone(plane, "here", address)
    found = check(plane, f"https://{name}/container", protocol="Https")
    assert [(hop["type"], hop["address"]) for hop in found["hops"]][-1] == ("PrivateEndpoint", address)
    assert [hop["type"] for hop in check(plane, name, source="far")["hops"]] == ["Source", "Internet"]


def test_a_linked_zone_without_the_record_is_a_failure_of_dns(plane):
    zone(plane, "here", "10.2.0.9")
    send(plane, "DELETE", f"{N}privateDnsZones/{ZONE}/A/lake", version="2020-06-01")
    found = check(plane, f"lake.{ZONE}")
    assert (found["connectionStatus"], issues(found)[0]["type"]) == ("Unreachable", "DnsResolution")


def test_a_resource_is_reached_by_its_id(plane):
    peer(plane, "here", "data")
    body = {"source": {"resourceId": ID + vm("here")}, "destination": {"resourceId": ID + vm("data"), "port": 22}}
    assert ask(plane, "connectivityCheck", body)["hops"][-1]["address"] == DATA


def verify(plane, direction, local, remote, target="here"):
    return ask(
        plane,
        "ipFlowVerify",
        {
            "targetResourceId": ID + vm(target),
            "direction": direction,
            "protocol": "TCP",
            "localIPAddress": local[0],
            "localPort": local[1],
            "remoteIPAddress": remote[0],
            "remotePort": remote[1],
        },
    )


def test_a_flow_is_verified_by_the_rules_of_the_interface(plane):
    out = ("Outbound", (HERE, "*"), ("100.1.2.3", "443"))
    assert verify(plane, *out) == {"access": "Allow"}
    security_group(plane, "here", "Outbound")
    assert verify(plane, *out) == {"access": "Deny", "ruleName": "securityRules/only"}
    inbound = verify(plane, "Inbound", (HERE, "22"), ("100.1.2.3", "*"))
    assert inbound == {"access": "Deny", "ruleName": "defaultSecurityRules/DenyAllInBound"}


def hop(plane, destination):
    body = {"targetResourceId": ID + vm("here"), "sourceIPAddress": HERE, "destinationIPAddress": destination}
    return ask(plane, "nextHop", body)


def test_the_next_hop_is_that_of_the_longest_prefix(plane):
    system = {"routeTableId": "System Route"}
    assert hop(plane, "10.1.0.9") == {"nextHopType": "VirtualNetwork", **system}
    assert hop(plane, "8.8.8.8") == {"nextHopType": "Internet", **system}
    assert hop(plane, DATA) == {"nextHopType": "None", **system}
    peer(plane, "here", "data")
    assert hop(plane, DATA) == {"nextHopType": "VirtualNetworkPeering", **system}
    route(plane, "here", "10.2.0.0/24", "VirtualAppliance", FAR)
    own = {"nextHopType": "VirtualAppliance", "nextHopIpAddress": FAR, "routeTableId": f"{ID}{N}routeTables/rt"}
    assert hop(plane, DATA) == own
    assert hop(plane, "10.2.9.4") == {"nextHopType": "VirtualNetworkPeering", **system}


def test_a_route_of_a_table_wins_over_a_default_one_for_the_same_prefix(plane):
    route(plane, "here", "0.0.0.0/0", "VirtualAppliance", FAR)
    assert hop(plane, "8.8.8.8")["nextHopType"] == "VirtualAppliance"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("connectivityCheck", {"source": {"resourceId": ID + vm("gone")}, "destination": {"address": DATA}}),
        ("connectivityCheck", {"source": {"resourceId": ID + vm("here")}, "destination": {"port": 80}}),
        (
            "connectivityCheck",
            {"source": {"resourceId": ID + vm("here")}, "destination": {"address": DATA, "port": 70000}},
        ),
        ("connectivityCheck", {"destination": {"address": DATA}}),
        ("nextHop", {"targetResourceId": ID + vm("here"), "sourceIPAddress": HERE}),
        ("nextHop", {"targetResourceId": ID + vm("here"), "sourceIPAddress": HERE, "destinationIPAddress": "far"}),
        ("ipFlowVerify", {"targetResourceId": ID + vm("here"), "direction": "Sideways"}),
        ("troubleshoot", {"targetResourceId": ID + vm("here")}),
    ],
)
def test_questions_that_cannot_be_answered_are_refused(plane, action, body):
    assert send(plane, "POST", f"{WATCHER}/{action}", body).status == 400


@needs_shared
@pytest.mark.parametrize("file", examples("network", "NetworkWatcher*"))
def test_every_example_of_azure_is_accepted(file):
    operation = file.stem.removeprefix("NetworkWatcher")
    method, path, status = {
        "Create": ("PUT", "", 201),
        "Get": ("GET", "", 200),
        "Delete": ("DELETE", "", 202),
        "List": ("GET", None, 200),
        "ListAll": ("GET", None, 200),
        "NextHopGet": ("POST", "/nextHop", 202),
        "ConnectivityCheck": ("POST", "/connectivityCheck", 202),
        "IpFlowVerify": ("POST", "/ipFlowVerify", 202),
        "TroubleshootGet": ("POST", "/troubleshoot", 202),
        "TroubleshootResultQuery": ("POST", "/queryTroubleshootResult", 200),
    }[operation]
    plane = make_plane(resource_kinds(), fallback=generic_kind)
    parameters, body = example_body(file)
    body = json.loads(json.dumps(body).replace("/subscriptions/subid", f"/subscriptions/{SUBSCRIPTION}"))
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1"
    for name in ("rg1", "rg2"):
        put(plane, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}", {"location": "eastus"}, version="2021-04-01")
    base = f"{group}/providers/{N}networkWatchers"
    if operation != "Create":
        put(plane, f"{base}/nw1", {"location": "eastus"})
    if body and "location" not in body:
        there = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg2/providers/{vm('vm1')}"
        put(plane, there, {"location": "eastus", "properties": {}})
        if "targetNicResourceId" in body:
            machine(plane, "nic1", 1)
            body["targetNicResourceId"] = f"{ID}{N}networkInterfaces/nic1"
    asked = base if path is None else f"{base}/nw1{path}"
    if operation == "ListAll":
        asked = asked.replace("/resourceGroups/rg1", "")
    answer = send(plane, method, asked, body)
    assert answer.status == status, answer.body
    assert check_answer(method, asked, answer.status, answer.body)
    if answer.status == 202 and method == "POST":
        location, _, query = answer.headers["Location"].removeprefix("https://management.lab").partition("?")
        parameters = dict(part.partition("=")[::2] for part in query.split("&"))
        result = send(plane, "GET", location, query=parameters)
        # Recorded traffic has words that the OpenAPI does not list.
        known = {"Reachable": "Connected", "VirtualNetwork": "VnetLocal"}
        body = {
            name: known.get(value, value) if isinstance(value, str) else value for name, value in result.body.items()
        }
        assert check_answer(method, asked, result.status, body)


def test_a_peer_that_lends_its_gateway_leads_to_the_site(plane):
    vpn(plane, "up")
    peer(plane, "here", "data")
    for local, remote, option in (("here", "data", "allowGatewayTransit"), ("data", "here", "useRemoteGateways")):
        assert check(plane, SITE, source="data")["connectionStatus"] == "Unreachable"
        properties = {"remoteVirtualNetwork": ref(f"{N}virtualNetworks/{remote}"), option: True}
        put(plane, f"{N}virtualNetworks/{local}/virtualNetworkPeerings/to-{remote}", {"properties": properties})
    assert check(plane, SITE, source="data")["connectionStatus"] == "Reachable"
    assert [one["nextHopType"] for one in routes_of(plane, "data") if one["addressPrefix"] == ["192.168.100.0/24"]] == [
        "VirtualNetworkGateway"
    ]


def routes_of(plane, interface):
    answer = send(plane, "POST", f"{N}networkInterfaces/{interface}/effectiveRouteTable")
    path, _, query = answer.headers["Location"].removeprefix("https://management.lab").partition("?")
    parameters = dict(part.partition("=")[::2] for part in query.split("&"))
    return send(plane, "GET", path, query=parameters).body["value"]


def test_a_table_that_does_not_propagate_knows_no_learned_routes(plane):
    hub(plane, "here", "data")
    assert check(plane)["connectionStatus"] == "Reachable"
    route(plane, "here", "10.9.0.0/16", "None")
    table = send(plane, "GET", f"{N}routeTables/rt").body
    table["properties"]["disableBgpRoutePropagation"] = True
    put(plane, f"{N}routeTables/rt", table)
    assert check(plane)["connectionStatus"] == "Unreachable"


def test_names_are_asked_of_the_networks_own_servers(plane):
    """A custom server that is an inbound endpoint answers by the zones of its own network; another is not known."""
    peer(plane, "here", "data")
    address = endpoint(plane)
    zone(plane, "data", address)
    inbound = {"properties": {"addressPrefix": "10.2.9.0/28"}}
    put(plane, f"{N}virtualNetworks/data/subnets/inbound", inbound)
    resolver = {"location": "eastus", "properties": {"virtualNetwork": ref(f"{N}virtualNetworks/data")}}
    put(plane, f"{N}dnsResolvers/resolver", resolver, version="2022-07-01")
    configuration = {"subnet": ref(f"{N}virtualNetworks/data/subnets/inbound")}
    body = {"location": "eastus", "properties": {"ipConfigurations": [configuration]}}
    made = put(plane, f"{N}dnsResolvers/resolver/inboundEndpoints/in", body, version="2022-07-01")
    server = made["properties"]["ipConfigurations"][0]["privateIpAddress"]
    name = "lake.blob.core.windows.net"
    for servers, arrives_at in (([], "Internet"), (["10.99.0.4"], "Internet"), ([server], "PrivateEndpoint")):
        network = send(plane, "GET", f"{N}virtualNetworks/here").body
        network["properties"]["dhcpOptions"] = {"dnsServers": servers}
        put(plane, f"{N}virtualNetworks/here", network)
        assert check(plane, name)["hops"][-1]["type"] == arrives_at


@pytest.mark.parametrize(("policies", "status"), [("Disabled", "Reachable"), ("Enabled", "Unreachable")])
def test_a_security_group_guards_endpoints_where_the_subnet_says_so(plane, policies, status):
    peer(plane, "here", "data")
    address = endpoint(plane)
    security_group(plane, "data", "Inbound")
    subnet = f"{N}virtualNetworks/data/subnets/machines"
    shown = send(plane, "GET", subnet).body
    shown["properties"]["networkSecurityGroup"] = ref(f"{N}networkSecurityGroups/of-data")
    shown["properties"]["privateEndpointNetworkPolicies"] = policies
    put(plane, subnet, shown)
    assert check(plane, address)["connectionStatus"] == status
