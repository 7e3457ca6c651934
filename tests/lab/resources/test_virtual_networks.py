"""Networks and subnets: address rules, references, back-references, what is in use; checked against Azure's OpenAPI."""

from __future__ import annotations

import pytest

from tests.lab.arm.planes import SUBSCRIPTION, Owners, make_plane, put
from tests.lab.oracles import example_body, examples
from tests.lab.resources.network_landscape import KINDS, NET, SUBNET, code, full, nic, send, vnet


@pytest.fixture
def plane():
    plane = make_plane(KINDS)
    put(plane, NET, vnet("10.0.0.0/16", subnets={"apps": {"addressPrefix": "10.0.1.0/24"}}))
    return plane


def test_a_network_shows_its_subnets_and_its_guid(plane):
    shown = send(plane, "GET", NET).body
    assert shown["properties"]["provisioningState"] == "Succeeded"
    assert [subnet["name"] for subnet in shown["properties"]["subnets"]] == ["apps"]
    assert shown["properties"]["virtualNetworkPeerings"] == []
    again = send(plane, "PUT", NET, vnet("10.0.0.0/16")).body
    assert again["properties"]["resourceGuid"] == shown["properties"]["resourceGuid"]
    assert len(again["properties"]["subnets"]) == 1, "a body without subnets leaves them alone"


def test_what_a_client_reads_it_may_write_back(plane):
    for path in (NET, SUBNET):
        assert send(plane, "PUT", path, send(plane, "GET", path).body).status == 200


def test_defaults_of_a_subnet(plane):
    shown = send(plane, "GET", SUBNET).body["properties"]
    assert (shown["privateEndpointNetworkPolicies"], shown["privateLinkServiceNetworkPolicies"]) == (
        "Disabled",
        "Enabled",
    )
    assert shown["delegations"] == []
    assert "ipConfigurations" not in shown


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (vnet("10.0.0.0"), "InvalidAddressPrefixFormat"),
        (vnet("10.0.0.1/16"), "InvalidCIDRNotation"),
        (vnet("10.0.0.0/16", "10.0.4.0/24"), "NetcfgInvalidVirtualNetworkSite"),
        (vnet(), "MissingAddressSpace"),
        ({"location": "eastus", "properties": {}}, "MissingRequiredParameter"),
        (vnet("10.0.0.0/16", subnets={"x": {"addressPrefix": "10.1.0.0/24"}}), "NetcfgSubnetRangeOutsideVnet"),
        (vnet("10.0.0.0/16", subnets={"x": {"addressPrefix": "10.0.0.0/30"}}), "NetcfgInvalidSubnet"),
        (vnet("fd00::/48", subnets={"x": {"addressPrefix": "fd00::/63"}}), "NetcfgInvalidSubnet"),
        (vnet("10.0.0.0/16", subnets={"x": {}}), "MissingSubnetAddressPrefix"),
        (
            vnet("10.0.0.0/16", subnets={"x": {"addressPrefix": "10.0.0.0/24"}, "y": {"addressPrefix": "10.0.0.0/25"}}),
            "NetcfgSubnetRangesOverlap",
        ),
        (vnet("10.0.0.0/16", subnets={"x": {"addressPrefix": "10.0.0.0/24", "colour": 1}}), "InvalidRequestFormat"),
    ],
)
def test_a_network_that_does_not_fit_is_not_made(plane, body, expected):
    path = "Microsoft.Network/virtualNetworks/new"
    assert code(send(plane, "PUT", path, body)) == (400, expected)
    assert send(plane, "GET", path).status == 404


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"addressPrefix": "10.0.1.128/25"}, "NetcfgSubnetRangesOverlap"),
        ({"addressPrefix": "10.1.0.0/24"}, "NetcfgSubnetRangeOutsideVnet"),
        (
            {"addressPrefix": "10.0.2.0/24", "routeTable": {"id": full("Microsoft.Network/routeTables/none")}},
            "InvalidResourceReference",
        ),
        (
            {"addressPrefix": "10.0.2.0/24", "networkSecurityGroup": {"id": full("Microsoft.Network/routeTables/t")}},
            "InvalidResourceReference",
        ),
        ({"addressPrefix": "10.0.2.0/24", "privateEndpointNetworkPolicies": "Perhaps"}, "InvalidRequestFormat"),
    ],
)
def test_refusals_of_subnets(plane, properties, expected):
    assert code(send(plane, "PUT", f"{NET}/subnets/more", {"properties": properties})) == (400, expected)


def test_a_space_that_a_subnet_lies_in_cannot_be_taken_away(plane):
    assert code(send(plane, "PUT", NET, vnet("10.9.0.0/16"))) == (400, "NetcfgSubnetRangeOutsideVnet")
    assert send(plane, "PUT", NET, vnet("10.9.0.0/16", "10.0.1.0/24")).status == 200


def test_a_subnet_may_have_several_prefixes(plane):
    body = {"properties": {"addressPrefixes": ["10.0.2.0/28", "10.0.3.0/28"]}}
    shown = send(plane, "PUT", f"{NET}/subnets/two", body).body["properties"]
    assert shown["addressPrefixes"] == ["10.0.2.0/28", "10.0.3.0/28"]
    assert "addressPrefix" not in shown


def test_delegations_and_service_endpoints_are_completed(plane):
    properties = {
        "addressPrefix": "10.0.2.0/24",
        "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Sql/managedInstances"}}],
        "serviceEndpoints": [{"service": "Microsoft.Storage"}],
    }
    shown = put(plane, f"{NET}/subnets/sql", {"properties": properties})["properties"]
    delegation = shown["delegations"][0]
    assert delegation["id"] == full(f"{NET}/subnets/sql/delegations/d")
    assert len(delegation["properties"]["actions"]) == 3
    assert shown["serviceEndpoints"][0]["provisioningState"] == "Succeeded"


def test_back_references_come_upper_cased(plane):
    put(plane, "Microsoft.Network/networkInterfaces/card", nic())
    shown = send(plane, "GET", SUBNET).body["properties"]["ipConfigurations"]
    assert shown == [
        {
            "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG/providers/Microsoft.Network/networkInterfaces/CARD"
            "/ipConfigurations/IPCONFIG1"
        }
    ]


def test_what_is_in_use_stays(plane):
    put(plane, "Microsoft.Network/networkInterfaces/card", nic())
    for path in (SUBNET, NET):
        refused = send(plane, "DELETE", path)
        assert code(refused) == (400, "InUseSubnetCannotBeDeleted"), path
        assert "networkInterfaces/card/ipConfigurations/ipconfig1" in refused.body["error"]["message"]
    assert code(send(plane, "PUT", NET, vnet("10.0.0.0/16", subnets={}))) == (400, "InUseSubnetCannotBeDeleted")
    moved = {"properties": {"addressPrefix": "10.0.7.0/24"}}
    assert code(send(plane, "PUT", SUBNET, moved)) == (400, "InUseSubnetCannotBeUpdated")
    send(plane, "DELETE", "Microsoft.Network/networkInterfaces/card")
    assert send(plane, "PUT", SUBNET, moved).status == 200
    assert send(plane, "DELETE", NET).status == 202
    assert send(plane, "GET", SUBNET).status == 404


def test_usages_count_addresses(plane):
    put(plane, f"{NET}/subnets/GatewaySubnet", {"properties": {"addressPrefix": "10.0.2.0/27"}})
    put(plane, "Microsoft.Network/networkInterfaces/card", nic())
    rows = {row["id"].rpartition("/")[2]: row for row in send(plane, "GET", f"{NET}/usages").body["value"]}
    assert (rows["apps"]["currentValue"], rows["apps"]["limit"]) == (1.0, 251.0)
    assert rows["GatewaySubnet"]["limit"] == -1.0


@pytest.mark.parametrize(
    ("address", "available", "next_one"),
    [("10.0.1.9", True, None), ("10.0.1.4", False, "10.0.1.5"), ("10.0.1.1", False, "10.0.1.5")],
)
def test_an_address_is_available_or_others_are(plane, address, available, next_one):
    put(plane, "Microsoft.Network/networkInterfaces/card", nic())
    answer = send(plane, "GET", f"{NET}/CheckIPAddressAvailability", query={"ipAddress": address})
    assert answer.body["available"] is available
    assert answer.body["availableIPAddresses"][:1] == ([next_one] if next_one else [])


@pytest.mark.parametrize("address", ["10.9.9.9", "nothing"])
def test_an_address_outside_of_all_subnets_is_refused(plane, address):
    answer = send(plane, "GET", f"{NET}/CheckIPAddressAvailability", query={"ipAddress": address})
    assert answer.status == 400


@pytest.mark.parametrize("action", ["PrepareNetworkPolicies", "UnprepareNetworkPolicies"])
def test_network_policies_are_prepared_later(plane, action):
    answer = send(plane, "POST", f"{SUBNET}/{action}", {"serviceName": "Microsoft.Sql/managedInstances"})
    assert (answer.status, answer.body) == (202, None)
    assert "Location" in answer.headers


def test_links_of_services_are_none(plane):
    for name in ("ResourceNavigationLinks", "ServiceAssociationLinks"):
        assert send(plane, "GET", f"{SUBNET}/{name}").body == {"value": []}


def test_two_changes_of_a_network_at_once():
    plane = make_plane(KINDS, time_scale=1.0)
    send(plane, "PUT", NET, vnet("10.0.0.0/16"))
    body = {"properties": {"addressPrefix": "10.0.1.0/24"}}
    assert code(send(plane, "PUT", SUBNET, body)) == (409, "AnotherOperationInProgress")
    plane.clock.advance(10)
    assert send(plane, "PUT", SUBNET, body).status == 201
    other = {"properties": {"addressPrefix": "10.0.2.0/24"}}
    assert code(send(plane, "PUT", f"{NET}/subnets/other", other)) == (409, "AnotherOperationInProgress")
    plane.clock.advance(10)
    assert send(plane, "PUT", f"{NET}/subnets/other", other).status == 201


def test_tying_a_subnet_to_a_group_takes_a_right_on_the_group():
    plane = make_plane(KINDS, access=Owners(denied=["Microsoft.Network/networkSecurityGroups/join/action"]))
    put(plane, "Microsoft.Network/networkSecurityGroups/guard", {"location": "eastus"})
    guard = {"id": full("Microsoft.Network/networkSecurityGroups/guard")}
    body = vnet("10.0.0.0/16", subnets={"apps": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": guard}})
    assert code(send(plane, "PUT", NET, body)) == (403, "LinkedAuthorizationFailed")


def test_addresses_of_interfaces(plane):
    cards = [f"Microsoft.Network/networkInterfaces/card{at}" for at in range(4)]
    first = put(plane, cards[0], nic())["properties"]["ipConfigurations"][0]
    assert first["properties"]["privateIPAddress"] == "10.0.1.4"
    assert first["id"] == full(f"{cards[0]}/ipConfigurations/ipconfig1")
    again = put(plane, cards[0], nic())["properties"]["ipConfigurations"][0]
    assert again["properties"]["privateIPAddress"] == "10.0.1.4"
    for wanted, expected in (
        ("10.0.1.4", "PrivateIPAddressIsAllocated"),
        ("10.0.1.2", "PrivateIPAddressInReservedRange"),
        ("10.0.9.9", "PrivateIPAddressNotInSubnet"),
        (None, "PrivateIPAddressMissing"),
    ):
        static = {"privateIPAllocationMethod": "Static", **({"privateIPAddress": wanted} if wanted else {})}
        assert code(send(plane, "PUT", cards[1], nic(**static))) == (400, expected)
    put(plane, cards[1], nic(privateIPAllocationMethod="Static", privateIPAddress="10.0.1.5"))
    assert put(plane, cards[2], nic())["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] == (
        "10.0.1.6"
    )
    shown = send(plane, "GET", f"{cards[1]}/ipConfigurations/ipconfig1").body
    assert shown["properties"]["privateIPAddress"] == "10.0.1.5"
    assert len(send(plane, "GET", f"{cards[1]}/ipConfigurations").body["value"]) == 1


def test_a_full_subnet_has_no_address_left(plane):
    put(plane, f"{NET}/subnets/tiny", {"properties": {"addressPrefix": "10.0.2.0/29"}})
    for at in range(3):
        put(plane, f"Microsoft.Network/networkInterfaces/card{at}", nic(f"{NET}/subnets/tiny"))
    refused = send(plane, "PUT", "Microsoft.Network/networkInterfaces/more", nic(f"{NET}/subnets/tiny"))
    assert code(refused) == (400, "SubnetIsFull")


def test_an_interface_needs_a_subnet_of_its_region(plane):
    path = "Microsoft.Network/networkInterfaces/card"
    assert code(send(plane, "PUT", path, {**nic(), "location": "westus"})) == (400, "InvalidResourceReference")
    assert code(send(plane, "PUT", path, nic(f"{NET}/subnets/none"))) == (400, "InvalidResourceReference")


def test_a_public_address_is_tied_to_one_interface(plane):
    address = "Microsoft.Network/publicIPAddresses/ip"
    body = {"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    shown = put(plane, address, body)
    assert shown["properties"]["ipAddress"].startswith("198.18.")
    card, other = (nic(publicIPAddress={"id": full(address)}) for _ in range(2))
    put(plane, "Microsoft.Network/networkInterfaces/card", card)
    refused = send(plane, "PUT", "Microsoft.Network/networkInterfaces/other", other)
    assert code(refused) == (400, "PublicIPAddressInUse")
    configuration = send(plane, "GET", address).body["properties"]["ipConfiguration"]["id"]
    assert configuration.endswith("/networkInterfaces/card/ipConfigurations/ipconfig1")
    assert code(send(plane, "DELETE", address)) == (400, "PublicIPAddressCannotBeDeleted")
    send(plane, "DELETE", "Microsoft.Network/networkInterfaces/card")
    assert send(plane, "DELETE", address).status == 202


def test_a_dynamic_address_is_given_when_it_is_used(plane):
    shown = put(plane, "Microsoft.Network/publicIPAddresses/ip", {"location": "eastus"})
    assert shown["properties"]["publicIPAllocationMethod"] == "Dynamic"
    assert "ipAddress" not in shown["properties"]
    card = nic(publicIPAddress={"id": full("Microsoft.Network/publicIPAddresses/ip")})
    put(plane, "Microsoft.Network/networkInterfaces/card", card)
    assert "ipAddress" in send(plane, "GET", "Microsoft.Network/publicIPAddresses/ip").body["properties"]


def test_a_standard_address_is_static(plane):
    body = {"location": "eastus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Dynamic"}}
    refused = send(plane, "PUT", "Microsoft.Network/publicIPAddresses/ip", body)
    assert code(refused) == (400, "StandardSkuPublicIPAddressMustBeStatic")


def test_nat_gateways_know_their_subnets(plane):
    gateway = "Microsoft.Network/natGateways/out"
    address = "Microsoft.Network/publicIPAddresses/ip"
    put(plane, address, {"location": "eastus", "sku": {"name": "Standard"}})
    body = {"location": "eastus", "properties": {"publicIpAddresses": [{"id": full(address)}]}}
    put(plane, gateway, body)
    put(plane, SUBNET, {"properties": {"addressPrefix": "10.0.1.0/24", "natGateway": {"id": full(gateway)}}})
    assert send(plane, "GET", gateway).body["properties"]["subnets"] == [{"id": full(SUBNET)}]
    assert send(plane, "GET", address).body["properties"]["natGateway"] == {"id": full(gateway)}
    assert code(send(plane, "DELETE", gateway)) == (400, "InUseNatGatewayCannotBeDeleted")
    assert code(send(plane, "DELETE", address)) == (400, "PublicIPAddressCannotBeDeleted")


def prepare_example(plane, path):
    """Make what an example takes for granted: its network, and those that it refers to."""
    network = path.split("/virtualNetworks/")[0] + "/virtualNetworks/"
    names = ["Subnet1", "Subnet2", "Subnet4"]
    for at, name in enumerate(("vnet1", "vnet2", "vnetname", "test-vnet")):
        dual = [{"name": sub, "properties": {"addressPrefixes": [f"10.{at}.{nr}.0/24", f"fd00:{at}:0:{nr}::/64"]}}
                for nr, sub in enumerate(names)]  # fmt: skip
        own = dual if name in {"vnet1", "vnet2"} else []
        body = {"addressSpace": {"addressPrefixes": [f"10.{at}.0.0/16", f"fd00:{at}::/48"]}, "subnets": own}
        if name == "vnetname":
            body["addressSpace"]["addressPrefixes"] = ["10.0.0.0/16"]
        if not (name == "test-vnet" and path.endswith("test-vnet")):
            put(plane, network + name, {"location": "eastus", "properties": body})
    put(plane, network.replace("virtualNetworks/", "publicIPAddresses/test-ip"), {"location": "eastus"})
    if "PrepareNetworkPolicies".casefold() in path.casefold():
        prefix = {"properties": {"addressPrefix": "10.3.0.0/24"}}
        put(plane, path.rpartition("/")[0], prefix)


EXAMPLES = [
    example
    for pattern in ("VirtualNetworkCreate*", "VirtualNetworkUpdateTags", "VirtualNetwork*Peering[CS]*", "Subnet[CPU]*")
    for example in examples("network", pattern)
]


@pytest.mark.parametrize("file", EXAMPLES)
def test_azures_own_examples_are_accepted(file):
    parameters, body = example_body(file)
    plane = make_plane(KINDS)
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{parameters['resourceGroupName']}"
    send(plane, "PUT", group, {"location": "eastus"}, version="2021-04-01")
    path = f"{group}/providers/Microsoft.Network/virtualNetworks/{parameters['virtualNetworkName']}"
    method = "PUT"
    if "virtualNetworkPeeringName" in parameters:
        path += f"/virtualNetworkPeerings/{parameters['virtualNetworkPeeringName']}"
    elif "subnetName" in parameters:
        path += f"/subnets/{parameters['subnetName']}"
    for suffix in ("PrepareNetworkPolicies", "UnprepareNetworkPolicies"):
        if file.stem == f"Subnet{suffix}":
            path, method = f"{path}/{suffix}", "POST"
    if file.stem == "VirtualNetworkUpdateTags":
        method = "PATCH"
    prepare_example(plane, path)
    if method == "PATCH":
        put(plane, path, vnet("10.0.0.0/16"))
    text = {"subid": SUBSCRIPTION, "subId": SUBSCRIPTION}
    body = with_subscription(body, text)
    query = {}
    if "Sync" in file.stem:
        query = {"syncRemoteAddressSpace": "true"}
        if "Subnet" in file.stem:
            names = {"localSubnetNames": ["Subnet1"], "remoteSubnetNames": ["Subnet2"]}
            put(plane, path, {"properties": {**body["properties"], **names}})
    answer = send(plane, method, path, body, query=query)
    assert answer.status < 300, answer.body


def with_subscription(value, names):
    """The example with our subscription in its ids."""
    if isinstance(value, dict):
        return {name: with_subscription(item, names) for name, item in value.items()}
    if isinstance(value, list):
        return [with_subscription(item, names) for item in value]
    if isinstance(value, str) and value.startswith("/subscriptions/"):
        parts = value.split("/")
        return "/".join([*parts[:2], names.get(parts[2], parts[2]), *parts[3:]])
    return value


def test_an_interface_of_a_private_endpoint_is_its_own(plane):
    put(plane, "Microsoft.Network/networkInterfaces/card", nic())
    interface = plane.find(full("Microsoft.Network/networkInterfaces/card"))
    interface.facts["privateEndpoint"] = {"id": full("Microsoft.Network/privateEndpoints/pe")}
    configuration = interface.properties["ipConfigurations"][0]["properties"]
    configuration["privateLinkConnectionProperties"] = {"groupId": "blob"}
    tagged = send(plane, "PATCH", "Microsoft.Network/networkInterfaces/card", {"tags": {"a": "b"}}).body
    assert tagged["tags"] == {"a": "b"}
    shown = tagged["properties"]["ipConfigurations"][0]["properties"]
    assert shown["privateLinkConnectionProperties"] == {"groupId": "blob"}
    for method, body in (("PUT", nic()), ("DELETE", None)):
        refused = send(plane, method, "Microsoft.Network/networkInterfaces/card", body)
        assert code(refused) == (400, "OwnedNetworkInterfaceCannotBeModified")
