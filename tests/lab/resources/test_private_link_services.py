"""Private link services: alias, visibility, automatic approval, addresses, and what hangs on a region."""

from __future__ import annotations

import json

import pytest

from tests.lab import oracles
from tests.lab.arm import planes
from tests.lab.arm.planes import GROUP, OTHER_SUBSCRIPTION, SUBSCRIPTION, Owners
from tests.lab.resources.endpoint_landscape import (
    ENDPOINT,
    NETWORK,
    NETWORK_BODY,
    SERVICES_SUBNET,
    SUBNET,
    code,
    endpoint,
    full,
    make_plane,
    put,
    send,
    settle,
    state_of,
)

SERVICE = "Microsoft.Network/privateLinkServices/broker"
FRONTEND = f"{GROUP}/providers/Microsoft.Network/loadBalancers/lb/frontendIPConfigurations/front"
CONSUMER = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/consumer"
AWAY = f"{CONSUMER}/providers/{ENDPOINT}"
LOCATIONS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/locations/eastus"


def service(*, subnet=SERVICES_SUBNET, names=("nat",), **more):
    configs = [{"name": name, "properties": {"subnet": {"id": subnet}}} for name in names]
    properties = {"loadBalancerFrontendIpConfigurations": [{"id": FRONTEND}], "ipConfigurations": configs, **more}
    return {"location": "eastus", "properties": properties}


def away(plane, target, **more):
    """An endpoint of the other subscription, in its own network."""
    network = f"{CONSUMER}/providers/{NETWORK}"
    if plane.find(CONSUMER) is None:
        planes.send(plane, "PUT", CONSUMER, {"location": "eastus"}, version="2021-04-01")
        put(plane, network, NETWORK_BODY)
    return endpoint(target, [], subnet=f"{network}/subnets/endpoints", **more)


@pytest.fixture
def plane():
    return make_plane()


def alias_of(plane):
    return send(plane, "GET", SERVICE).body["properties"]["alias"]


def test_a_service_has_an_alias_and_addresses(plane):
    first = send(plane, "PUT", SERVICE, service(names=("one", "two")))
    assert first.status == 201
    settle(plane)
    shown = send(plane, "GET", SERVICE).body["properties"]
    name, guid, rest = shown["alias"].split(".", 2)
    assert (name, len(guid), rest) == ("broker", 36, "eastus.azure.privatelinkservice")
    addresses = [config["properties"]["privateIPAddress"] for config in shown["ipConfigurations"]]
    assert addresses == ["10.0.1.4", "10.0.1.5"]
    interface = send(plane, "GET", shown["networkInterfaces"][0]["id"])
    configurations = interface.body["properties"]["ipConfigurations"]
    assert [one["properties"]["privateIPAddress"] for one in configurations] == addresses
    again = put(plane, SERVICE, service(names=("one", "two"), enableProxyProtocol=True))["properties"]
    assert again["alias"] == shown["alias"]
    assert [config["properties"]["privateIPAddress"] for config in again["ipConfigurations"]] == addresses


def test_policies_of_the_subnet_must_be_off(plane):
    refused = send(plane, "PUT", SERVICE, service(subnet=SUBNET))
    assert code(refused) == (400, "PrivateLinkServiceCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled")
    elsewhere = {**service(), "location": "westus"}
    assert code(send(plane, "PUT", SERVICE, elsewhere)) == (400, "InvalidResourceReference")


def test_its_own_subscription_is_approved_by_itself(plane):
    plane = make_plane(
        access=Owners(denied={"Microsoft.Network/privateLinkServices/PrivateEndpointConnectionsApproval/action"})
    )
    put(plane, SERVICE, service())
    shown = put(plane, ENDPOINT, endpoint(SERVICE, []))["properties"]
    assert state_of(plane) == ("Approved", "Auto Approved")
    assert shown["customDnsConfigs"] == []
    [one] = send(plane, "GET", SERVICE).body["properties"]["privateEndpointConnections"]
    assert one["properties"]["linkIdentifier"].isdigit()
    assert one["properties"]["privateEndpointLocation"] == "eastus"
    by_hand = put(plane, f"{ENDPOINT}2", endpoint(SERVICE, [], manual=True))["properties"]
    assert by_hand["provisioningState"] == "Succeeded"
    assert state_of(plane, f"{ENDPOINT}2") == ("Pending", "")


@pytest.mark.parametrize(
    ("visibility", "approval", "manual", "expected"),
    [
        ([OTHER_SUBSCRIPTION], [], False, "Pending"),
        ([OTHER_SUBSCRIPTION], [OTHER_SUBSCRIPTION], False, "Approved"),
        (["*"], [OTHER_SUBSCRIPTION], True, "Approved"),
        (["*"], [], True, "Pending"),
        ([], [], True, None),
        ([SUBSCRIPTION], [], False, None),
    ],
)
def test_by_its_alias_another_subscription_asks(visibility, approval, manual, expected):
    denied = {"Microsoft.Network/privateLinkServices/read"} if expected is None else set()
    plane = make_plane(access=Owners(denied=denied))
    sets = {"visibility": {"subscriptions": visibility}, "autoApproval": {"subscriptions": approval}}
    assert send(plane, "PUT", SERVICE, service(**sets)).status == 201
    settle(plane)
    alias = plane.find(full(SERVICE)).facts["alias"]
    answer = send(plane, "PUT", AWAY, away(plane, f"/{alias}", manual=manual) | {})
    assert answer.status == 400  # an alias has no leading slash
    body = json.loads(json.dumps(away(plane, SERVICE, manual=manual)).replace(full(SERVICE), alias))
    answer = send(plane, "PUT", AWAY, body)
    if expected is None:
        assert code(answer) == (400, "InvalidResourceReference")
        return
    assert answer.status == 201
    settle(plane)
    assert state_of(plane, AWAY)[0] == expected
    place = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    shown = send(plane, "GET", AWAY).body["properties"][place][0]["properties"]
    assert shown["privateLinkServiceId"] == alias


def test_by_its_id_another_subscription_needs_the_right_to_approve():
    approval = "Microsoft.Network/privateLinkServices/PrivateEndpointConnectionsApproval/action"
    plane = make_plane(access=Owners(denied={approval}))
    put(plane, SERVICE, service(visibility={"subscriptions": ["*"]}))
    refused = send(plane, "PUT", AWAY, away(plane, SERVICE))
    assert code(refused) == (403, "LinkedAuthorizationFailed")
    assert approval in refused.body["error"]["message"]


def test_a_service_with_connections_stays(plane):
    put(plane, SERVICE, service())
    put(plane, ENDPOINT, endpoint(SERVICE, []))
    refused = send(plane, "DELETE", SERVICE)
    assert code(refused) == (400, "PrivateLinkServiceWithPrivateEndpointConnectionsCannotBeDeleted")
    [one] = send(plane, "GET", f"{SERVICE}/privateEndpointConnections").body["value"]
    removed = send(plane, "DELETE", one["id"])
    assert removed.status == 202
    assert set(removed.headers) >= {"Azure-AsyncOperation", "Location"}
    settle(plane)
    assert state_of(plane)[0] == "Disconnected"
    assert send(plane, "DELETE", SERVICE).status == 202
    settle(plane)
    assert [one.id for one in plane.store.of_type("Microsoft.Network/networkInterfaces")] == [
        send(plane, "GET", ENDPOINT).body["properties"]["networkInterfaces"][0]["id"]
    ]


def test_the_owner_rejects_and_takes_it_back(plane):
    put(plane, SERVICE, service())
    put(plane, ENDPOINT, endpoint(SERVICE, []))
    [one] = send(plane, "GET", f"{SERVICE}/privateEndpointConnections").body["value"]
    for status in ("Rejected", "Approved"):
        one["properties"]["privateLinkServiceConnectionState"] = {"status": status, "description": status}
        answer = send(plane, "PUT", one["id"], one)
        assert (answer.status, answer.body["properties"]["provisioningState"]) == (200, "Updating")
        settle(plane)
        assert state_of(plane) == (status, status)


def test_who_sees_a_service_is_told_by_its_alias(plane):
    put(plane, SERVICE, service())
    for alias, visible in ((alias_of(plane), True), ("broker.x.eastus.azure.privatelinkservice", False)):
        answer = send(
            plane, "POST", f"{LOCATIONS}/checkPrivateLinkServiceVisibility", {"privateLinkServiceAlias": alias}
        )
        assert answer.status == 202
        path, _, query = answer.headers["Location"].removeprefix("https://management.lab").partition("?")
        settle(plane)
        result = send(plane, "GET", path, query=dict(pair.split("=", 1) for pair in query.split("&")))
        assert result.body == {"visible": visible}
    assert send(plane, "POST", f"{LOCATIONS}/checkPrivateLinkServiceVisibility", {}).status == 400


def test_what_a_region_offers(plane):
    put(plane, SERVICE, service(autoApproval={"subscriptions": [OTHER_SUBSCRIPTION]}))
    types = send(plane, "GET", f"{LOCATIONS}/availablePrivateEndpointTypes").body["value"]
    assert {"Microsoft.Storage/storageAccounts", "Microsoft.Sql/servers"} <= {one["resourceName"] for one in types}
    assert len(types) >= 91
    for subscription, expected in ((OTHER_SUBSCRIPTION, [full(SERVICE)]), (SUBSCRIPTION, [])):
        path = LOCATIONS.replace(SUBSCRIPTION, subscription)
        listed = send(plane, "GET", f"{path}/autoApprovedPrivateLinkServices").body["value"]
        assert [one["privateLinkService"] for one in listed] == expected
    in_group = f"{GROUP}/providers/Microsoft.Network/locations/eastus/availablePrivateEndpointTypes"
    assert len(send(plane, "GET", in_group).body["value"]) == len(types)
    assert send(plane, "GET", f"{LOCATIONS}x/availablePrivateEndpointTypes").status == 400


@oracles.needs_shared
@pytest.mark.parametrize(
    "file",
    [*oracles.examples("network", "PrivateLinkServiceCreate"), *oracles.examples("network", "PrivateEndpointCreate*")],
)
def test_azures_own_examples_are_accepted(plane, file):
    _, body = oracles.example_body(file)
    subnets = {
        "vnetlb/subnets/subnetlb": "services",
        "myVnet/subnets/mySubnet": "static" if "ipConfigurations" in str(body) else "endpoints",
    }
    network = {**NETWORK_BODY, "location": body["location"]}
    network["properties"] = {
        **network["properties"],
        "subnets": [
            *network["properties"]["subnets"],
            {"name": "static", "properties": {"addressPrefix": "192.168.0.0/24"}},
        ],
    }
    if body["location"] != "eastus":
        send(plane, "DELETE", NETWORK)
        settle(plane)
    put(plane, NETWORK, network)
    text = json.dumps(body).replace("/subscriptions/subid/", "/subscriptions/subId/")
    for place, subnet in subnets.items():
        text = text.replace(
            f"/subscriptions/subId/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/{place}",
            f"{full(NETWORK)}/subnets/{subnet}",
        )
    target = f"{full(SERVICE)}-of-example"
    text = text.replace(
        "/subscriptions/subId/resourceGroups/rg1/providers/Microsoft.Network/privateLinkServices/testPls", target
    )
    if file.stem.startswith("PrivateEndpoint"):
        put(plane, target, {**service(), "location": body["location"]})
        put(plane, ENDPOINT, json.loads(text))
        assert state_of(plane)[0] in {"Approved", "Pending"}
    else:
        put(plane, SERVICE, json.loads(text))
