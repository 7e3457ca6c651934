"""Private endpoints: approval by right or by hand, addresses, names, refusals, what becomes of them."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.arm.requests import Caller
from airflow_provider_netconn.lab.resources.subscriptions import make_subscription
from tests.lab.arm import planes
from tests.lab.arm.planes import GROUP, OTHER_SUBSCRIPTION, OTHER_TENANT, OWNER, Owners
from tests.lab.resources.endpoint_landscape import (
    ENDPOINT,
    NETWORK,
    REGISTRY,
    SERVICES_SUBNET,
    STORAGE,
    SUBNET,
    VAULT,
    change,
    code,
    connections_on,
    endpoint,
    full,
    make_plane,
    make_target,
    put,
    send,
    settle,
    state_of,
)

V = "2023-05-01"
APPROVAL = "Microsoft.Storage/storageAccounts/PrivateEndpointConnectionsApproval/action"
COSMOS = "Microsoft.DocumentDB/databaseAccounts/orders-cosmos"


@pytest.fixture
def plane():
    plane = make_plane()
    make_target(plane, STORAGE)
    return plane


def addresses(plane, path=ENDPOINT):
    interface = send(plane, "GET", path).body["properties"]["networkInterfaces"][0]["id"]
    configurations = send(plane, "GET", interface).body["properties"]["ipConfigurations"]
    return [one["properties"]["privateIPAddress"] for one in configurations]


def test_who_may_approve_is_approved_at_once(plane):
    first = send(plane, "PUT", ENDPOINT, endpoint(STORAGE))
    assert first.status == 201
    assert set(first.headers) >= {"Azure-AsyncOperation"}
    assert "Location" not in first.headers
    properties = first.body["properties"]
    one = properties["privateLinkServiceConnections"][0]
    assert one["properties"]["privateLinkServiceConnectionState"] == {
        "status": "Approved",
        "description": "Auto Approved",
        "actionsRequired": "None",
    }
    assert (properties["customDnsConfigs"], properties["provisioningState"]) == ([], "Updating")
    settle(plane)
    shown = send(plane, "GET", ENDPOINT).body["properties"]
    assert shown["customDnsConfigs"] == [{"fqdn": "orders.blob.core.windows.net", "ipAddresses": ["10.0.0.4"]}]
    assert state_of(plane) == ("Approved", "Auto-Approved")


def test_who_may_not_approve_is_refused_and_nothing_is_left():
    plane = make_plane(access=Owners(denied={APPROVAL}))
    make_target(plane, STORAGE)
    refused = send(plane, "PUT", ENDPOINT, endpoint(STORAGE))
    assert code(refused) == (403, "LinkedAuthorizationFailed")
    assert APPROVAL in refused.body["error"]["message"]
    assert send(plane, "GET", ENDPOINT).status == 404
    assert connections_on(plane, STORAGE, V) == []
    assert send(plane, "PUT", ENDPOINT, endpoint(STORAGE, manual=True)).status == 201


def test_joining_a_subnet_is_a_right_of_its_own():
    plane = make_plane(access=Owners(denied={"Microsoft.Network/virtualNetworks/subnets/join/action"}))
    make_target(plane, STORAGE)
    assert code(send(plane, "PUT", ENDPOINT, endpoint(STORAGE, manual=True))) == (403, "LinkedAuthorizationFailed")


def test_a_manual_connection_waits_with_an_address_and_without_names(plane):
    first = send(plane, "PUT", ENDPOINT, endpoint(STORAGE, manual=True)).body["properties"]
    state = first["manualPrivateLinkServiceConnections"][0]["properties"]["privateLinkServiceConnectionState"]
    assert (state["status"], state["description"]) == ("Pending", "Awaiting Approval")
    settle(plane)
    shown = send(plane, "GET", ENDPOINT).body["properties"]
    assert (shown["provisioningState"], shown["customDnsConfigs"]) == ("Succeeded", [])
    assert state_of(plane) == ("Pending", "")
    assert addresses(plane) == ["10.0.0.4"]
    assert change(plane, STORAGE, "Rejected", V).status == 200
    assert addresses(plane) == ["10.0.0.4"]


def test_the_request_message_reaches_the_owner(plane):
    put(plane, ENDPOINT, endpoint(STORAGE, manual=True, message="Airflow of team orders"))
    state = connections_on(plane, STORAGE, V)[0]["properties"]["privateLinkServiceConnectionState"]
    assert (state["status"], state["description"]) == ("Pending", "Airflow of team orders")
    assert change(plane, STORAGE, "Approved", V, description="welcome").status == 200
    assert state_of(plane) == ("Approved", "welcome")
    assert send(plane, "GET", ENDPOINT).body["properties"]["customDnsConfigs"]


@pytest.mark.parametrize("removal", ["connection", "target"])
def test_without_its_connection_an_endpoint_is_disconnected_for_good(plane, removal):
    put(plane, ENDPOINT, endpoint(STORAGE))
    path = connections_on(plane, STORAGE, V)[0]["id"] if removal == "connection" else STORAGE
    assert send(plane, "DELETE", path, version=V).status == 200
    assert state_of(plane)[0] == "Disconnected"
    assert send(plane, "GET", ENDPOINT).body["properties"]["customDnsConfigs"] == []
    if removal == "target":
        make_target(plane, STORAGE)
        assert state_of(plane)[0] == "Disconnected"
    again = send(plane, "PUT", ENDPOINT, endpoint(STORAGE))
    assert code(again) == (400, "PrivateEndpointCannotBeUpdatedInDisconnectedState")
    assert send(plane, "DELETE", ENDPOINT).status == 202
    settle(plane)
    put(plane, ENDPOINT, endpoint(STORAGE))
    assert state_of(plane)[0] == "Approved"


def test_a_deleted_endpoint_takes_its_connection_and_interface_with_it(plane):
    interface = put(plane, ENDPOINT, endpoint(STORAGE))["properties"]["networkInterfaces"][0]["id"]
    answer = send(plane, "DELETE", ENDPOINT)
    assert answer.status == 202
    assert {"Azure-AsyncOperation", "Location"} <= set(answer.headers)
    settle(plane)
    assert send(plane, "GET", ENDPOINT).status == 404
    assert connections_on(plane, STORAGE, V) == []
    assert send(plane, "GET", interface).status == 404
    assert send(plane, "DELETE", ENDPOINT).status == 204


def test_each_member_has_an_address_of_its_own(plane):
    make_target(plane, COSMOS)
    make_target(plane, REGISTRY)
    cosmos = put(plane, ENDPOINT, endpoint(COSMOS, ["Sql"]))["properties"]
    assert cosmos["customDnsConfigs"] == [
        {"fqdn": "orders-cosmos.documents.azure.com", "ipAddresses": ["10.0.0.4"]},
        {"fqdn": "orders-cosmos-westus.documents.azure.com", "ipAddresses": ["10.0.0.5"]},
    ]
    registry = put(plane, f"{ENDPOINT}2", endpoint(REGISTRY, ["registry"]))["properties"]
    assert {config["fqdn"]: config["ipAddresses"] for config in registry["customDnsConfigs"]} == {
        "ordersacr.westus.data.azurecr.io": ["10.0.0.6"],
        "ordersacr.azurecr.io": ["10.0.0.7"],
    }


def static(address, member="blob", group="blob"):
    return {"name": f"c-{member}", "properties": {"groupId": group, "memberName": member, "privateIPAddress": address}}


def test_a_static_address_is_taken_once(plane):
    put(plane, ENDPOINT, endpoint(STORAGE, ipConfigurations=[static("10.0.0.77")], customNetworkInterfaceName="pe-nic"))
    assert addresses(plane) == ["10.0.0.77"]
    assert send(plane, "GET", "Microsoft.Network/networkInterfaces/pe-nic").status == 200
    other = f"{ENDPOINT}2"
    for address, expected in (
        ("10.0.0.77", "PrivateIPAddressIsAllocated"),
        ("10.9.9.9", "PrivateIPAddressNotInSubnet"),
        ("10.0.0.2", "PrivateIPAddressInReservedRange"),
    ):
        refused = send(plane, "PUT", other, endpoint(STORAGE, ipConfigurations=[static(address)]))
        assert code(refused) == (400, expected)
    missing = send(plane, "PUT", other, endpoint(STORAGE, ipConfigurations=[static("10.0.0.9", "sites", "")]))
    assert code(missing) == (400, "PrivateEndpointIpConfigurationMissingMemberNamesRequiredByFps")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (endpoint(STORAGE, ["blobs"]), "BadRequest"),
        (endpoint(STORAGE, ["blob_secondary"]), "BadRequest"),
        (endpoint(STORAGE, []), "MissingParameterOnPrivateLinkServiceConnection"),
        (endpoint(STORAGE, ["blob", "file"]), "OnlyOneGroupIdPermitted"),
        (endpoint(f"{STORAGE}x"), "InvalidResourceReference"),
        (endpoint("/nowhere"), "LinkedInvalidPropertyId"),
        (endpoint("x.0.eastus.azure.privatelinkservice", []), "InvalidResourceReference"),
        (endpoint(NETWORK, ["any"]), "BadRequest"),
        (endpoint(STORAGE, location="westus"), "InvalidResourceReference"),
        (endpoint(STORAGE, subnet=f"{SUBNET}x"), "InvalidResourceReference"),
        (endpoint(STORAGE, message="x" * 141), "InvalidRequestFormat"),
        ({"location": "eastus", "properties": {"subnet": {"id": SUBNET}}}, "InvalidRequestFormat"),
        ({"location": "eastus", "properties": endpoint(STORAGE)["properties"] | {"subnet": None}}, None),
        (
            {"location": "eastus", "properties": {**endpoint(STORAGE)["properties"], "zones": []}},
            "InvalidRequestFormat",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(plane, body, expected):
    refused = send(plane, "PUT", ENDPOINT, body)
    assert refused.status == 400, refused.body
    assert expected in {None, refused.body["error"]["code"]}
    assert send(plane, "GET", ENDPOINT).status == 404
    assert connections_on(plane, STORAGE, V) == []


def test_what_an_endpoint_is_connected_to_stays(plane):
    make_target(plane, VAULT)
    put(plane, ENDPOINT, endpoint(STORAGE))
    refused = send(plane, "PUT", ENDPOINT, endpoint(STORAGE, ["file"]))
    assert code(refused) == (400, "CannotChangePrivateLinkConnectionOnPrivateEndpoint")
    for body in (endpoint(VAULT, ["vault"]), endpoint(STORAGE, manual=True), endpoint(STORAGE, name="other")):
        assert code(send(plane, "PUT", ENDPOINT, body))[1] == "CannotChangePrivateLinkConnectionOnPrivateEndpoint"
    moved = send(plane, "PUT", ENDPOINT, endpoint(STORAGE, subnet=SERVICES_SUBNET))
    assert code(moved) == (400, "CannotChangeSubnetOnExistingPrivateEndpoint")
    before = send(plane, "GET", ENDPOINT).body
    again = send(plane, "PUT", ENDPOINT, {**before, "tags": {"team": "orders"}})
    assert (again.status, again.body["tags"]) == (200, {"team": "orders"})
    assert again.body["properties"]["networkInterfaces"] == before["properties"]["networkInterfaces"]
    assert len(connections_on(plane, STORAGE, V)) == 1


def test_a_delegated_subnet_takes_no_endpoint(plane):
    delegation = {"name": "d", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}
    body = {"properties": {"addressPrefix": "10.0.7.0/24", "delegations": [delegation]}}
    put(plane, f"{NETWORK}/subnets/web", body)
    refused = send(plane, "PUT", ENDPOINT, endpoint(STORAGE, subnet=f"{full(NETWORK)}/subnets/web"))
    assert code(refused) == (400, "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated")


def test_a_target_of_another_subscription(plane):
    group = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/data"
    planes.send(plane, "PUT", group, {"location": "eastus"}, version="2021-04-01")
    target = f"{group}/providers/Microsoft.Sql/servers/orders-sql"
    make_target(plane, target)
    put(plane, ENDPOINT, endpoint(target, ["sqlServer"]))
    assert state_of(plane)[0] == "Approved"
    shown = connections_on(plane, target, "2021-11-01")[0]
    assert shown["id"].startswith(target)
    assert shown["properties"]["privateEndpoint"]["id"] == full(ENDPOINT)


def test_a_target_of_another_tenant_is_approved_with_a_token_for_it_and_waits_without(plane):
    foreign = "00000000-0000-4000-8000-000000000009"
    make_subscription(plane, foreign, OTHER_TENANT, "the vendor's")
    there = Caller(tenant_id=OTHER_TENANT, object_id="00000000-0000-4000-8000-0000000000b9")
    group = f"/subscriptions/{foreign}/resourceGroups/vendor"
    planes.send(plane, "PUT", group, {"location": "eastus"}, version="2021-04-01", caller=there)
    target = f"{group}/providers/Microsoft.Sql/servers/vendor-sql"
    body = {"location": "eastus", "properties": {}}
    assert planes.send(plane, "PUT", target, body, version="2021-11-01", caller=there).status == 201
    wanted = endpoint(target, ["sqlServer"])
    assert code(send(plane, "PUT", ENDPOINT, wanted)) == (403, "LinkedAuthorizationFailed")
    put(plane, ENDPOINT, endpoint(target, ["sqlServer"], manual=True))
    assert state_of(plane)[0] == "Pending"
    both = Caller(tenant_id=OWNER.tenant_id, object_id=OWNER.object_id, auxiliary=(there,))
    assert send(plane, "PUT", f"{ENDPOINT}2", wanted, caller=both).status == 201
    assert state_of(plane, f"{ENDPOINT}2")[0] == "Approved"


def test_the_subnet_knows_the_endpoint(plane):
    put(plane, ENDPOINT, endpoint(STORAGE))
    shown = send(plane, "GET", f"{NETWORK}/subnets/endpoints").body["properties"]
    assert [one["id"].casefold() for one in shown["privateEndpoints"]] == [full(ENDPOINT).casefold()]
    assert len(shown["ipConfigurations"]) == 1
    assert send(plane, "DELETE", f"{NETWORK}/subnets/endpoints").status == 400


def test_a_full_subnet_takes_no_more(plane):
    body = {"properties": {"addressPrefix": "10.0.8.0/29"}}
    put(plane, f"{NETWORK}/subnets/small", body)
    small = f"{full(NETWORK)}/subnets/small"
    for number in range(3):
        put(plane, f"{ENDPOINT}{number}", endpoint(STORAGE, subnet=small))
    assert code(send(plane, "PUT", ENDPOINT, endpoint(STORAGE, subnet=small))) == (400, "SubnetIsFull")


def test_a_group_takes_its_endpoints_away_from_their_targets(plane):
    group = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/consumer"
    planes.send(plane, "PUT", group, {"location": "eastus"}, version="2021-04-01")
    path = f"{group}/providers/{ENDPOINT}"
    put(plane, path, endpoint(STORAGE))
    assert len(connections_on(plane, STORAGE, V)) == 1
    planes.send(plane, "DELETE", group, version="2021-04-01")
    settle(plane)
    assert connections_on(plane, STORAGE, V) == []
    assert planes.send(plane, "GET", f"{GROUP}/providers/{STORAGE}", version=V).status == 200
