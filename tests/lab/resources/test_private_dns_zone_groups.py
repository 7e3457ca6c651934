"""Zone groups: the records that an endpoint keeps in private DNS zones, from approval to its end."""

from __future__ import annotations

import pytest

from tests.lab import oracles
from tests.lab.arm import planes
from tests.lab.arm.planes import GROUP, Owners
from tests.lab.resources.endpoint_landscape import (
    ENDPOINT,
    REGISTRY,
    STORAGE,
    change,
    code,
    endpoint,
    full,
    make_plane,
    make_target,
    put,
    send,
    settle,
)

BLOB = "Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
FILE = "Microsoft.Network/privateDnsZones/privatelink.file.core.windows.net"
OTHER = "Microsoft.Network/privateDnsZones/corp.example.com"
ZONE_GROUP = f"{ENDPOINT}/privateDnsZoneGroups/default"
DNS = "2020-06-01"


def zones(*paths, names=None):
    configs = [
        {"name": name, "properties": {"privateDnsZoneId": full(path)}}
        for path, name in zip(paths, names or [f"zone-{number}" for number in range(len(paths))], strict=True)
    ]
    return {"properties": {"privateDnsZoneConfigs": configs}}


@pytest.fixture
def plane():
    plane = make_plane()
    make_target(plane, STORAGE)
    for zone in (BLOB, FILE, OTHER):
        assert send(plane, "PUT", zone, {"location": "global"}, version=DNS).status < 300
    settle(plane)
    return plane


def records(plane, zone=BLOB):
    shown = send(plane, "GET", f"{zone}/A", version=DNS).body["value"]
    return {one["name"]: [entry["ipv4Address"] for entry in one["properties"]["aRecords"]] for one in shown}


def test_an_approved_endpoint_has_its_record(plane):
    put(plane, ENDPOINT, endpoint(STORAGE))
    first = send(plane, "PUT", ZONE_GROUP, zones(BLOB, OTHER))
    assert (first.status, first.body["properties"]["provisioningState"]) == (201, "Updating")
    settle(plane)
    assert records(plane) == {"orders": ["10.0.0.4"]}
    assert records(plane, OTHER) == {}
    configs = send(plane, "GET", ZONE_GROUP).body["properties"]["privateDnsZoneConfigs"]
    [record] = configs[0]["properties"]["recordSets"]
    assert record["fqdn"] == "orders.privatelink.blob.core.windows.net"
    assert record["ipAddresses"] == ["10.0.0.4"]
    assert configs[1]["properties"]["recordSets"] == []
    creator = send(plane, "GET", f"{BLOB}/A/orders", version=DNS).body["properties"]["metadata"]["creator"]
    assert creator.startswith("created by private endpoint pe with resource guid ")


def test_the_record_comes_with_the_approval(plane):
    put(plane, ENDPOINT, endpoint(STORAGE, manual=True))
    put(plane, ZONE_GROUP, zones(BLOB))
    assert records(plane) == {}
    assert change(plane, STORAGE, "Approved", "2023-05-01").status == 200
    assert records(plane) == {"orders": ["10.0.0.4"]}


def test_the_record_comes_when_all_is_provisioned():
    plane = make_plane(time_scale=1.0)
    make_target(plane, STORAGE)
    send(plane, "PUT", BLOB, {"location": "global"}, version=DNS)
    settle(plane)
    send(plane, "PUT", ENDPOINT, endpoint(STORAGE))
    send(plane, "PUT", ZONE_GROUP, zones(BLOB))
    plane.clock.advance(5)
    assert records(plane) == {}
    settle(plane)
    assert records(plane) == {"orders": ["10.0.0.4"]}


def test_all_members_have_records(plane):
    make_target(plane, REGISTRY)
    zone = "Microsoft.Network/privateDnsZones/privatelink.azurecr.io"
    send(plane, "PUT", zone, {"location": "global"}, version=DNS)
    put(plane, ENDPOINT, endpoint(REGISTRY, ["registry"]))
    put(plane, ZONE_GROUP, zones(zone))
    assert records(plane, zone) == {"ordersacr.westus.data": ["10.0.0.4"], "ordersacr": ["10.0.0.5"]}


@pytest.mark.parametrize("gone", ["group", "endpoint", "config"])
def test_records_go_with_what_kept_them_and_nobody_elses_do(plane, gone):
    put(plane, ENDPOINT, endpoint(STORAGE))
    put(plane, ZONE_GROUP, zones(BLOB))
    by_hand = {"properties": {"ttl": 300, "aRecords": [{"ipv4Address": "10.0.0.99"}]}}
    send(plane, "PUT", f"{BLOB}/A/by-hand", by_hand, version=DNS)
    if gone == "config":
        put(plane, ZONE_GROUP, zones(FILE))
    else:
        answer = send(plane, "DELETE", ZONE_GROUP if gone == "group" else ENDPOINT)
        assert answer.status == 202
        settle(plane)
    assert records(plane) == {"by-hand": ["10.0.0.99"]}


def test_a_record_that_another_endpoint_took_over_stays(plane):
    for path in (ENDPOINT, f"{ENDPOINT}2"):
        put(plane, path, endpoint(STORAGE))
        put(plane, f"{path}/privateDnsZoneGroups/default", zones(BLOB))
    assert records(plane) == {"orders": ["10.0.0.5"]}
    send(plane, "DELETE", ENDPOINT)
    settle(plane)
    assert records(plane) == {"orders": ["10.0.0.5"]}


def test_an_endpoint_has_one_group(plane):
    put(plane, ENDPOINT, endpoint(STORAGE))
    put(plane, ZONE_GROUP, zones(BLOB))
    second = send(plane, "PUT", f"{ENDPOINT}/privateDnsZoneGroups/second", zones(BLOB))
    assert code(second) == (400, "MoreThanOnePrivateDnsZoneGroupPerPrivateEndpointNotAllowed")
    assert [one["name"] for one in send(plane, "GET", f"{ENDPOINT}/privateDnsZoneGroups").body["value"]] == ["default"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (zones(f"{BLOB}x"), "InvalidPrivateDnsZoneIds"),
        (zones(STORAGE), "InvalidPrivateDnsZoneIds"),
        (zones("/nowhere"), "InvalidPrivateDnsZoneIds"),
        (zones(BLOB, FILE, names=["one", "ONE"]), "InvalidRequestFormat"),
        (zones(*[BLOB] * 6), "InvalidRequestFormat"),
        ({"properties": {"privateDnsZoneConfigs": [{"name": "x", "properties": {}}]}}, None),
        ({"properties": {"zones": []}}, "InvalidRequestFormat"),
    ],
)
def test_a_group_that_cannot_be_is_refused(plane, body, expected):
    put(plane, ENDPOINT, endpoint(STORAGE))
    refused = send(plane, "PUT", ZONE_GROUP, body)
    assert refused.status == 400
    assert expected in {None, refused.body["error"]["code"]}
    assert send(plane, "GET", ZONE_GROUP).status == 404


def test_a_group_without_its_endpoint(plane):
    assert code(send(plane, "PUT", ZONE_GROUP, zones(BLOB))) == (404, "ParentResourceNotFound")


def test_joining_a_zone_is_a_right_of_its_own():
    plane = make_plane(access=Owners(denied={"Microsoft.Network/privateDnsZones/join/action"}))
    make_target(plane, STORAGE)
    send(plane, "PUT", BLOB, {"location": "global"}, version=DNS)
    settle(plane)
    put(plane, ENDPOINT, endpoint(STORAGE))
    assert code(send(plane, "PUT", ZONE_GROUP, zones(BLOB))) == (403, "LinkedAuthorizationFailed")


def test_a_zone_that_is_on_its_way_out_goes_without():
    plane = make_plane(time_scale=1.0)
    make_target(plane, STORAGE)
    dns = GROUP.replace("/rg", "/dns")
    planes.send(plane, "PUT", dns, {"location": "eastus"}, version="2021-04-01")
    zone = f"{dns}/providers/{BLOB}"
    send(plane, "PUT", zone, {"location": "global"}, version=DNS)
    settle(plane)
    send(plane, "PUT", ENDPOINT, endpoint(STORAGE))
    send(plane, "PUT", ZONE_GROUP, zones(zone))
    plane.clock.advance(14)
    assert planes.send(plane, "DELETE", dns, version="2021-04-01").status == 202
    plane.clock.advance(3)
    shown = send(plane, "GET", ZONE_GROUP).body["properties"]["privateDnsZoneConfigs"]
    assert shown[0]["properties"]["recordSets"] == []
    assert send(plane, "GET", ENDPOINT).body["properties"]["provisioningState"] == "Succeeded"


@oracles.needs_shared
@pytest.mark.parametrize("file", oracles.examples("network", "PrivateEndpointDnsZoneGroupCreate"))
def test_azures_own_example_is_accepted(plane, file):
    _, body = oracles.example_body(file)
    [config] = body["properties"]["privateDnsZoneConfigs"]
    config["properties"]["privateDnsZoneId"] = f"{GROUP}/providers/{BLOB}"
    put(plane, ENDPOINT, endpoint(STORAGE))
    put(plane, ZONE_GROUP, body)
    assert records(plane) == {"orders": ["10.0.0.4"]}
