"""The owner's side: the connections on each resource type, each with the verbs and answers of its service."""

from __future__ import annotations

import json
import re

import pytest

from airflow_provider_netconn.lab.arm.kinds import Look
from airflow_provider_netconn.lab.resources.private_link import groups_of, link_types
from tests.lab import oracles
from tests.lab.resources.endpoint_landscape import (
    BODIES,
    ENDPOINT,
    REGISTRY,
    STORAGE,
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

SEARCH = "Microsoft.Search/searchServices/orders"
SQL = "Microsoft.Sql/servers/orders"
COSMOS = "Microsoft.DocumentDB/databaseAccounts/orders"
BUS = "Microsoft.ServiceBus/namespaces/orders"
POSTGRES = "Microsoft.DBforPostgreSQL/flexibleServers/orders"
SINGLE = "Microsoft.DBforMySQL/servers/orders"
BATCH = "Microsoft.Batch/batchAccounts/orders"
VERSIONS = {
    STORAGE: "2023-05-01",
    VAULT: "2023-07-01",
    REGISTRY: "2023-07-01",
    SEARCH: "2023-11-01",
    SQL: "2021-11-01",
    COSMOS: "2024-08-15",
    BUS: "2024-01-01",
    POSTGRES: "2024-08-01",
    SINGLE: "2018-06-01-privatepreview",
    BATCH: "2024-07-01",
}
NAMES = {
    STORAGE: r"orders\.{guid}",
    VAULT: "conn",
    REGISTRY: r"ordersacr\.{hex}",
    SEARCH: r"pe\.{guid}",
    SQL: "pe-{guid}",
    COSMOS: "pe",
    BUS: "{guid}",
    POSTGRES: r"pe\.{guid}",
}
GUID, HEX = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[0-9a-f]{32}"

SHARED_TABLE = oracles.SHARED / "facts" / "arm_status_table.json"

TYPES = [
    pytest.param(link, id=link.type)
    for link in link_types().values()
    if link.type != "Microsoft.Network/privateLinkServices"
]


@pytest.fixture
def plane():
    return make_plane()


def group_of(plane, target):
    groups = groups_of(plane.find(full(target)))
    return [groups[0].id] if groups else ["any"]


def connect(plane, target, *, manual=True, version=None, **more):
    """Make the target and an endpoint to it; the target's api-version."""
    if plane.find(full(target)) is None:
        make_target(plane, target)
    put(plane, more.pop("path", ENDPOINT), endpoint(target, group_of(plane, target), manual=manual, **more))
    return version or VERSIONS[target]


def only(plane, target, version=None):
    return connections_on(plane, target, version or VERSIONS[target])[0]


def state(connection):
    return connection["properties"]["privateLinkServiceConnectionState"]


def target_of(link):
    segments = link.type.split("/")
    path = segments[0]
    for number, segment in enumerate(segments[1:]):
        path += f"/{segment}/name{number}"
    return path


def make_parents(plane, target):
    parts = target.split("/")
    for end in range(3, len(parts) + 1, 2):
        path = "/".join(parts[:end])
        kind = plane.kind(plane.find(full(path)).kind.type if plane.find(full(path)) else path_type(path))
        known = next((BODIES[known] for known in BODIES if path_type(known) == path_type(path)), None)
        make_target(plane, path, *(known or ()))
        assert kind is not None


def path_type(path):
    parts = path.split("/")
    return "/".join([parts[0], *parts[1::2]])


@pytest.mark.parametrize("link", TYPES)
def test_on_every_type_the_owner_decides_and_the_endpoint_knows(plane, link):
    target = target_of(link)
    if link.type == "Microsoft.Storage/storageAccounts":
        target = STORAGE
    make_parents(plane, target)
    put(plane, ENDPOINT, endpoint(target, group_of(plane, target), manual=True))
    resource = plane.find(full(target))
    [shown] = resource.kind.render(plane, resource, look(link))["properties"]["privateEndpointConnections"]
    version = link.versions[-1]
    read = send(plane, "GET", shown["id"], version=version)
    assert read.body["properties"]["privateEndpoint"]["id"] == full(ENDPOINT)
    assert state(read.body)["status"] == "Pending"
    listed = send(plane, "GET", f"{target}/privateEndpointConnections", version=version)
    if link.listed and version > link.listed_after:
        assert [one["id"] for one in listed.body["value"]] == [shown["id"]]
    else:
        assert listed.status == 405
    verb, answer = ("PATCH", link.patch) if link.put is None else ("PUT", link.put)
    body = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved", "description": "yes"}}}
    changed = send(plane, verb, shown["id"], body, version=version)
    if answer is None:
        assert changed.status == 405
        assert state_of(plane)[0] == "Pending"
    else:
        assert changed.status == answer["status"]
        follow = {"both": 2, "async": 1, "location": 1}.get(answer.get("follow"), 0)
        assert len({"Azure-AsyncOperation", "Location"} & set(changed.headers)) == follow
        settle(plane)
        assert state_of(plane) == ("Approved", "yes")
    removed = send(plane, "DELETE", shown["id"], version=version)
    if link.delete is None:
        assert removed.status == 405
    else:
        assert removed.status == link.delete["status"]
        settle(plane)
        assert state_of(plane)[0] == "Disconnected"
        assert send(plane, "GET", shown["id"], version=version).status == 404


def look(link):
    return Look(api_version=link.versions[-1], query={})


@pytest.mark.parametrize(("target", "pattern"), NAMES.items(), ids=[path_type(target) for target in NAMES])
def test_each_service_names_connections_its_own_way(plane, target, pattern):
    connect(plane, target)
    wanted = pattern.replace("{guid}", GUID).replace("{hex}", HEX)
    assert re.fullmatch(wanted, only(plane, target)["name"])


def test_two_endpoints_of_one_name_have_two_connections(plane):
    make_target(plane, VAULT)
    connect(plane, VAULT)
    connect(plane, VAULT, path=f"{ENDPOINT}2")
    names = [one["name"] for one in connections_on(plane, VAULT, VERSIONS[VAULT])]
    assert len(set(names)) == 2


def test_storage_approves_what_is_pending_and_nothing_else(plane):
    version = connect(plane, STORAGE)
    assert state(only(plane, STORAGE)) == {"status": "Pending", "description": "", "actionRequired": "None"}
    assert change(plane, STORAGE, "Approved", version).status == 200
    refused = change(plane, STORAGE, "Approved", version)
    assert code(refused) == (400, "InvalidValuesForRequestParameters")
    assert change(plane, STORAGE, "Rejected", version).status == 200
    assert code(change(plane, STORAGE, "Approved", version)) == (400, "InvalidValuesForRequestParameters")
    assert state_of(plane) == ("Rejected", "")
    assert len(connections_on(plane, STORAGE, version)) == 1


def test_a_vault_takes_a_rejection_back(plane):
    version = connect(plane, VAULT, manual=False)
    assert state(only(plane, VAULT)) == {"status": "Approved", "actionsRequired": "None"}
    for status in ("Rejected", "Approved"):
        answer = change(plane, VAULT, status, version, description=status)
        assert (answer.status, answer.body["properties"]["provisioningState"]) == (200, "Updating")
        assert state(answer.body)["status"] == status
        settle(plane)
    assert state_of(plane) == ("Approved", "Approved")
    removed = send(plane, "DELETE", only(plane, VAULT)["id"], version=version)
    assert (removed.status, set(removed.headers) & {"Azure-AsyncOperation", "Location"}) == (202, {"Location"})


def test_a_registry_shows_the_old_state_until_the_end(plane):
    version = connect(plane, REGISTRY)
    answer = change(plane, REGISTRY, "Approved", version, description="looks good")
    assert (answer.status, state(answer.body)["status"]) == (201, "Pending")
    assert answer.body["properties"]["provisioningState"] == "Updating"
    settle(plane)
    assert state(only(plane, REGISTRY))["description"] == "looks good"
    assert state_of(plane) == ("Approved", "looks good")


def test_polls_of_a_registry_answer_201():
    plane = make_plane(time_scale=1.0)
    make_target(plane, REGISTRY)
    put(plane, ENDPOINT, endpoint(REGISTRY, ["registry"], manual=True))
    url = change(plane, REGISTRY, "Approved", VERSIONS[REGISTRY]).headers["Azure-AsyncOperation"]
    path, _, query = url.removeprefix("https://management.lab").partition("?")
    parts = dict(pair.split("=", 1) for pair in query.split("&"))
    poll = send(plane, "GET", path, query=parts)
    assert (poll.status, poll.body["status"]) == (201, "Updating")
    assert state_of(plane)[0] == "Pending"
    settle(plane)
    assert send(plane, "GET", path, query=parts).status == 200
    assert state_of(plane)[0] == "Approved"


def test_search_goes_from_rejected_through_pending_and_says_disconnected_at_the_end(plane):
    version = connect(plane, SEARCH, manual=False)
    assert state(only(plane, SEARCH))["description"] == "Auto-approved"
    assert change(plane, SEARCH, "Rejected", version).status == 200
    assert code(change(plane, SEARCH, "Approved", version)) == (400, "OperationNotAllowed")
    assert change(plane, SEARCH, "Pending", version).status == 200
    assert change(plane, SEARCH, "Approved", version).status == 200
    removed = send(plane, "DELETE", only(plane, SEARCH)["id"], version=version)
    assert (removed.status, state(removed.body)["status"]) == (200, "Disconnected")
    assert state_of(plane)[0] == "Disconnected"


def test_sql_is_ready_and_names_its_operation(plane):
    version = connect(plane, SQL)
    assert only(plane, SQL)["properties"]["provisioningState"] == "Ready"
    answer = change(plane, SQL, "Approved", version, description="ok")
    assert answer.status == 202
    assert set(answer.body) == {"operation", "startTime"}
    settle(plane)
    assert only(plane, SQL)["properties"]["provisioningState"] == "Ready"


def test_cosmos_is_enqueued_and_a_rejection_is_final(plane):
    version = connect(plane, COSMOS)
    answer = change(plane, COSMOS, "Approved", version)
    assert (answer.status, answer.body) == (202, {"status": "Enqueued"})
    settle(plane)
    assert change(plane, COSMOS, "Approved", version).status == 202
    assert change(plane, COSMOS, "Rejected", version).status == 202
    settle(plane)
    assert code(change(plane, COSMOS, "Approved", version)) == (400, "BadRequest")


def test_service_bus_drops_a_description_that_is_left_out(plane):
    version = connect(plane, BUS, message="please")
    assert only(plane, BUS)["type"] == "Microsoft.ServiceBus/Namespaces/PrivateEndpointConnections"
    assert state(only(plane, BUS)) == {"status": "Pending", "description": "please"}
    answer = change(plane, BUS, "Approved", version)
    assert (answer.status, answer.body["properties"]["provisioningState"]) == (202, "Updating")
    assert "Location" not in answer.headers
    settle(plane)
    assert state(only(plane, BUS)) == {"status": "Approved"}


def test_postgresql_accepts_to_approve_a_rejected_one_and_then_fails():
    plane = make_plane(time_scale=1.0)
    make_target(plane, POSTGRES)
    version = connect(plane, POSTGRES)
    for status in ("Rejected", "Approved"):
        answer = change(plane, POSTGRES, status, version)
        assert answer.status == 202
        settle(plane)
    path, _, query = answer.headers["Azure-AsyncOperation"].removeprefix("https://management.lab").partition("?")
    poll = send(plane, "GET", path, query=dict(pair.split("=", 1) for pair in query.split("&")))
    assert (poll.body["status"], poll.body["error"]["code"]) == ("Failed", "InternalServerError")
    assert state_of(plane)[0] == "Rejected"


def test_single_servers_only_decide_what_is_pending(plane):
    version = connect(plane, SINGLE)
    assert change(plane, SINGLE, "Approved", version).status == 202
    settle(plane)
    refused = change(plane, SINGLE, "Rejected", version)
    assert code(refused) == (400, "PrivateEndpointConnectionStatusNotPending")


def test_batch_is_patched_under_its_etag(plane):
    version = connect(plane, BATCH)
    one = only(plane, BATCH)
    body = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved", "description": "ok"}}}
    assert send(plane, "PUT", one["id"], body, version=version).status == 405
    refused = send(plane, "PATCH", one["id"], body, version=version, headers={"if-match": 'W/"other"'})
    assert code(refused) == (412, "PreconditionFailed")
    answer = send(plane, "PATCH", one["id"], body, version=version, headers={"if-match": one["etag"]})
    assert (answer.status, answer.body["properties"]["provisioningState"]) == (202, "Updating")
    assert set(answer.headers) >= {"Azure-AsyncOperation", "Location"}
    settle(plane)
    assert state_of(plane) == ("Approved", "ok")


def test_a_type_that_older_versions_cannot_list_shows_connections_on_the_resource(plane):
    connect(plane, VAULT, manual=False)
    assert send(plane, "GET", f"{VAULT}/privateEndpointConnections", version="2019-09-01").status == 405
    shown = send(plane, "GET", VAULT, version="2019-09-01").body["properties"]["privateEndpointConnections"]
    assert [state(one)["status"] for one in shown] == ["Approved"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"properties": {}},
        {"properties": {"privateLinkServiceConnectionState": {}}},
        {"properties": {"privateLinkServiceConnectionState": {"status": "Perhaps"}}},
        {"properties": {"privateLinkServiceConnectionState": {"status": "Disconnected"}}},
        {"properties": {"privateLinkServiceConnectionState": "Approved"}},
        {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}, "colour": "red"}},
    ],
)
def test_a_body_that_says_no_state_changes_nothing(plane, body):
    connect(plane, STORAGE)
    refused = send(plane, "PUT", only(plane, STORAGE)["id"], body, version=VERSIONS[STORAGE])
    assert refused.status == 400
    assert state_of(plane) == ("Pending", "")


def test_connections_are_not_made_by_their_owner(plane):
    make_target(plane, STORAGE)
    body = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
    missing = send(plane, "PUT", f"{STORAGE}/privateEndpointConnections/x", body, version=VERSIONS[STORAGE])
    assert missing.status == 404
    assert send(plane, "DELETE", f"{STORAGE}/privateEndpointConnections/x", version=VERSIONS[STORAGE]).status == 204
    assert send(plane, "DELETE", f"{SEARCH}/privateEndpointConnections/x", version=VERSIONS[SEARCH]).status == 404
    unknown = send(plane, "GET", f"{STORAGE}/privateEndpointConnections", version="2030-01-01")
    assert unknown.status == 400


def test_the_groups_of_a_storage_account(plane):
    make_target(plane, STORAGE)
    groups = send(plane, "GET", f"{STORAGE}/privateLinkResources", version=VERSIONS[STORAGE]).body["value"]
    assert [one["name"] for one in groups] == ["blob", "table", "queue", "file", "web", "dfs"]
    assert groups[0]["properties"] == {
        "groupId": "blob",
        "requiredMembers": ["blob"],
        "requiredZoneNames": ["privatelink.blob.core.windows.net"],
    }
    redundant = {"location": "westus", "kind": "StorageV2", "sku": {"name": "Standard_RAGRS"}}
    make_target(plane, f"{STORAGE}2", redundant, VERSIONS[STORAGE])
    groups = send(plane, "GET", f"{STORAGE}2/privateLinkResources", version=VERSIONS[STORAGE]).body["value"]
    assert len(groups) == 11
    one = send(plane, "GET", f"{STORAGE}/privateLinkResources/queue", version=VERSIONS[STORAGE])
    assert one.body["type"] == "Microsoft.Storage/storageAccounts/privateLinkResources"
    assert send(plane, "GET", f"{STORAGE}/privateLinkResources/tape", version=VERSIONS[STORAGE]).status == 404


CHANGES = {
    parameter.id: parameter
    for folder, name in (
        (".", "*rivateEndpointConnection*pdate*"),
        (".", "*utPrivateEndpointConnection"),
        ("search", "UpdatePrivateEndpointConnection"),
        (".", "*rivateEndPointConnectionCreate"),
        (".", "Approve*PrivateEndpointConnection*"),
        ("web", "*ApproveOrReject*"),
        ("eventgrid", "PrivateEndpointConnections_Update"),
        ("machinelearningservices", "PrivateEndpointConnection/createOrUpdate"),
    )
    for parameter in oracles.examples(folder, name)
}


@oracles.needs_shared
@pytest.mark.parametrize("file", CHANGES.values())
def test_azures_own_examples_are_accepted(plane, file):
    parameters, body = oracles.example_body(file)
    answer = json.loads(file.read_text(encoding="utf-8"))["responses"]
    shown = next(one["body"] for one in answer.values() if one.get("body"))
    target_type = shown.get("type", "").rpartition("/")[0]
    if "privateLinkServices" in shown["id"]:
        target_type = "Microsoft.Network/privateLinkServices"
    elif "/slots/" in shown["id"]:
        target_type = "Microsoft.Web/sites/slots"
    elif "Microsoft.DBforMySQL/PrivateLink" in str(file):
        target_type = "Microsoft.DBforMySQL/flexibleServers"
    elif "hostingEnvironments" in shown["id"]:
        target_type = "Microsoft.Web/hostingEnvironments"
    link = link_types()[target_type.casefold()]
    target = STORAGE if link.type == "Microsoft.Storage/storageAccounts" else target_of(link)
    make_parents(plane, target)
    put(plane, ENDPOINT, endpoint(target, group_of(plane, target), manual=True))
    version = parameters["api-version"]
    resource = plane.find(full(target))
    [one] = [child for child in plane.store.children(resource.path) if child.kind.type.endswith("EndpointConnections")]
    verb = "PATCH" if file.stem.endswith("Tags") else "PUT"
    changed = send(plane, verb, one.id, body, version=version)
    assert changed.status < 300, changed.body


RECORDED = SHARED_TABLE.is_file() and [
    row
    for row in json.loads(SHARED_TABLE.read_text(encoding="utf-8"))["rows"]
    if row["type"].endswith("/privateendpointconnections") and "privatelinkservices/" not in row["type"]
]


@oracles.needs_shared
@pytest.mark.parametrize("row", RECORDED or [], ids=lambda row: f"{row['method']} {row['type'].rpartition('/')[0]}")
def test_answers_are_among_those_that_were_recorded(plane, row):
    link = link_types()[row["type"].rpartition("/")[0]]
    target = STORAGE if link.type == "Microsoft.Storage/storageAccounts" else target_of(link)
    make_parents(plane, target)
    put(plane, ENDPOINT, endpoint(target, group_of(plane, target), manual=True))
    resource = plane.find(full(target))
    [one] = [child for child in plane.store.children(resource.path) if child.kind.type.endswith("EndpointConnections")]
    body = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved", "description": "yes"}}}
    given = None if row["method"] == "DELETE" else body
    answer = send(plane, row["method"], one.id, given, version=link.versions[-1])
    shown = answer.body if isinstance(answer.body, dict) else {}
    headers = {name.lower() for name in answer.headers} & {"azure-asyncoperation", "location"}
    seen = (answer.status, headers, shown.get("properties", {}).get("provisioningState"))
    assert seen in [(one["status"], set(one["headers"]), one["provisioningState"]) for one in row["answers"]]
