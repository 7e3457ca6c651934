"""Locks: what they forbid, to whom, and how they come and go."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.resources.catalogue import resource_kinds
from airflow_provider_netconn.lab.resources.generic import generic_kind
from tests.lab.arm.planes import GROUP, SUBSCRIPTION, make_plane, put, send
from tests.lab.resources.network_landscape import NET, SUBNET, code, full, vnet

VERSION = "2016-09-01"
LOCKS = "/providers/Microsoft.Authorization/locks"
SUBSCRIBED = f"/subscriptions/{SUBSCRIPTION}"
STORAGE = "Microsoft.Storage/storageAccounts/locked1"


@pytest.fixture
def plane():
    plane = make_plane(resource_kinds(), fallback=generic_kind)
    put(plane, NET, vnet("10.0.0.0/16", subnets={"apps": {"addressPrefix": "10.0.1.0/24"}}))
    return plane


def lock(plane, scope, level="CanNotDelete", name="lock", **more):
    return send(plane, "PUT", f"{scope}{LOCKS}/{name}", {"properties": {"level": level, **more}}, version=VERSION)


def unlock(plane, scope, name="lock"):
    return send(plane, "DELETE", f"{scope}{LOCKS}/{name}", version=VERSION)


@pytest.mark.parametrize("scope", [SUBSCRIBED, GROUP, full(NET)])
def test_what_is_locked_cannot_be_deleted_nor_what_is_below(plane, scope):
    assert lock(plane, scope).status == 201
    for path in (SUBNET, NET):
        refused = send(plane, "DELETE", path)
        assert code(refused) == (409, "ScopeLocked")
        assert f"The scope '{full(path)}' cannot perform delete operation" in refused.body["error"]["message"]
        assert f"'{scope}'" in refused.body["error"]["message"]
    assert put(plane, NET, {**vnet("10.0.0.0/16"), "tags": {"a": "b"}})["tags"] == {"a": "b"}
    assert unlock(plane, scope).status == 200
    assert send(plane, "DELETE", NET).status == 202


def test_a_lock_on_something_holds_the_group_around_it(plane):
    lock(plane, full(SUBNET))
    assert code(send(plane, "DELETE", NET)) == (409, "ScopeLocked")
    assert code(send(plane, "DELETE", GROUP, version="2021-04-01")) == (409, "ScopeLocked")
    other = f"{SUBSCRIBED}/resourceGroups/rg2"
    send(plane, "PUT", other, {"location": "eastus"}, version="2021-04-01")
    assert send(plane, "DELETE", other, version="2021-04-01").status == 202


def test_what_is_read_only_cannot_be_changed_and_tells_no_keys(plane):
    body = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    put(plane, STORAGE, body, version="2023-05-01")
    lock(plane, GROUP, "ReadOnly")
    for method, path, given in (
        ("PUT", STORAGE, body),
        ("PATCH", STORAGE, {"tags": {}}),
        ("DELETE", STORAGE, None),
        ("POST", f"{STORAGE}/listKeys", None),
        ("PUT", "Microsoft.Storage/storageAccounts/fresh1", body),
    ):
        assert code(send(plane, method, path, given, version="2023-05-01")) == (409, "ScopeLocked"), method
    assert send(plane, "GET", STORAGE, version="2023-05-01").status == 200
    assert lock(plane, full(STORAGE), name="another").status == 201
    assert unlock(plane, GROUP).status == 200
    assert send(plane, "PATCH", STORAGE, {"tags": {}}, version="2023-05-01").status == 200


def test_a_lock_of_no_level_locks_nothing(plane):
    assert lock(plane, GROUP, "NotSpecified").status == 201
    assert send(plane, "DELETE", NET).status == 202


def test_a_neighbour_of_a_like_name_is_free(plane):
    put(plane, f"{NET}2", vnet("10.1.0.0/16"))
    lock(plane, full(NET))
    assert send(plane, "DELETE", f"{NET}2").status == 202


def test_locks_are_read_listed_and_changed(plane):
    made = lock(plane, full(NET), notes="keep", owners=[{"applicationId": "app"}])
    shown = send(plane, "GET", f"{NET}{LOCKS}/lock", version=VERSION).body
    assert shown == made.body
    assert shown == {
        "id": f"{full(NET)}{LOCKS}/lock",
        "name": "lock",
        "type": "Microsoft.Authorization/locks",
        "properties": {"level": "CanNotDelete", "notes": "keep", "owners": [{"applicationId": "app"}]},
    }
    lock(plane, GROUP, name="above")
    listed = [one["name"] for one in send(plane, "GET", f"{GROUP}{LOCKS}", version=VERSION).body["value"]]
    assert sorted(listed) == ["above", "lock"]
    query = {"$filter": "atScope()"}
    here = send(plane, "GET", f"{GROUP}{LOCKS}", version=VERSION, query=query).body["value"]
    assert [one["name"] for one in here] == ["above"]
    everywhere = send(plane, "GET", f"{SUBSCRIBED}{LOCKS}", version=VERSION).body["value"]
    assert len(everywhere) == 2
    again = lock(plane, full(NET), "readonly")
    assert (again.status, again.body["properties"]) == (200, {"level": "ReadOnly"})
    assert unlock(plane, full(NET), "none").status == 204
    assert code(send(plane, "GET", f"{NET}{LOCKS}/none", version=VERSION)) == (404, "LockNotFound")


def test_a_lock_that_cannot_be(plane):
    assert lock(plane, GROUP, "Sometimes").status == 400
    assert send(plane, "PUT", f"{GROUP}{LOCKS}/lock", {"properties": {}}, version=VERSION).status == 400
    assert lock(plane, f"{full(NET)}x").status == 404
    assert lock(plane, f"{SUBSCRIBED}/resourceGroups/none").status == 404


def test_a_lock_goes_with_what_it_is_on(plane):
    lock(plane, full(NET), "NotSpecified")
    send(plane, "DELETE", NET)
    plane.operations.advance()
    assert send(plane, "GET", f"{GROUP}{LOCKS}", version=VERSION).body["value"] == []


def test_a_lock_on_its_target_holds_an_endpoint(plane):
    put(
        plane,
        STORAGE,
        {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
        version="2023-05-01",
    )
    target = {"privateLinkServiceId": full(STORAGE), "groupIds": ["blob"]}
    connections = [{"name": "conn", "properties": target}]
    endpoint = "Microsoft.Network/privateEndpoints/pe"
    body = {"subnet": {"id": full(SUBNET)}, "privateLinkServiceConnections": connections}
    put(plane, endpoint, {"location": "eastus", "properties": body})
    lock(plane, full(STORAGE))
    accepted = send(plane, "DELETE", endpoint)
    assert accepted.status == 202
    plane.operations.advance()
    path, _, query = accepted.headers["Azure-AsyncOperation"].removeprefix("https://management.lab").partition("?")
    ended = send(plane, "GET", path, query=dict(part.split("=", 1) for part in query.split("&"))).body
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "ScopeLocked")
    assert ended["error"]["message"].startswith("Call to Microsoft.Storage/storageAccounts failed. Error message: The")
    assert send(plane, "GET", endpoint).body["properties"]["provisioningState"] == "Failed"
    unlock(plane, full(STORAGE))
    send(plane, "DELETE", endpoint)
    plane.operations.advance()
    assert send(plane, "GET", endpoint).status == 404
