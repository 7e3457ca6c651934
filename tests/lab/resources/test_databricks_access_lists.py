"""Access lists of Databricks workspaces, by the workspaces' own API."""

from __future__ import annotations

import asyncio
import json

import pytest

from airflow_provider_netconn.lab.resources.databricks_application import databricks_application
from airflow_provider_netconn.lab.resources.firewall_rules import admits
from tests.lab.arm.planes import OWNER, Owners
from tests.lab.resources.service_landscape import make, services_plane

OFFICE, STRANGER = "203.0.113.7", "198.51.100.7"
LISTS, CONF = "/api/2.0/ip-access-lists", "/api/2.0/workspace-conf"


class Workspace:
    """One workspace and its API, called from an address."""

    def __init__(self, **options):
        self.plane = services_plane(**options)
        self.resource = make(self.plane, "Microsoft.Databricks/workspaces", name="work")
        self.host = self.resource.facts["workspaceUrl"]
        self.application = databricks_application(self.plane, lambda token: OWNER if token == "good" else None)

    def call(self, method, path, body=None, *, host=None, token="good", address=OFFICE):
        path, _, query = path.partition("?")
        headers = [(b"host", (host or f"{self.host}:443").encode()), (b"x-forwarded-for", address.encode())]
        if token:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers}
        sent = []

        async def receive():
            content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            return {"type": "http.request", "body": content}

        async def send(message):
            sent.append(message)

        asyncio.run(self.application(scope, receive, send))
        content = sent[1]["body"]
        return sent[0]["status"], json.loads(content) if content else None

    def add(self, label, list_type, *addresses, **options):
        return self.call(
            "POST", LISTS, {"label": label, "list_type": list_type, "ip_addresses": list(addresses)}, **options
        )

    def enable(self, value="true", **options):
        return self.call("PATCH", CONF, {"enableIpAccessLists": value}, **options)

    def admits(self, address):
        return admits(self.plane, self.resource, address).allowed


@pytest.fixture
def workspace():
    return Workspace()


def test_lists_have_no_effect_until_the_feature_is_enabled(workspace):
    status, body = workspace.add("office", "ALLOW", "203.0.113.0/24")
    assert (status, body["ip_access_list"]["address_count"], body["ip_access_list"]["enabled"]) == (200, 1, True)
    assert workspace.admits(STRANGER)
    assert workspace.call("GET", f"{CONF}?keys=enableIpAccessLists") == (200, {"enableIpAccessLists": "false"})
    assert workspace.enable() == (204, None)
    assert (workspace.admits(OFFICE), workspace.admits(STRANGER)) == (True, False)
    status, body = workspace.call("GET", LISTS, address=STRANGER)
    number = workspace.resource.facts["workspaceId"]
    assert status == 403
    assert body["message"] == f"Source IP address: {STRANGER} is blocked by Databricks IP ACL for workspace: {number}"


def test_a_block_list_beats_an_allow_list(workspace):
    workspace.add("office", "ALLOW", "203.0.113.0/24")
    workspace.add("guest", "BLOCK", "203.0.113.99")
    workspace.enable()
    assert (workspace.admits(OFFICE), workspace.admits("203.0.113.99")) == (True, False)


def test_block_lists_alone_let_all_others_in(workspace):
    workspace.add("bad", "BLOCK", STRANGER)
    workspace.enable()
    assert (workspace.admits(OFFICE), workspace.admits(STRANGER)) == (True, False)


@pytest.mark.parametrize(("list_type", "address"), [("ALLOW", STRANGER), ("BLOCK", "203.0.113.0/24")])
def test_nobody_locks_himself_out(workspace, list_type, address):
    status, body = workspace.add("mine", list_type, address)
    assert (status, body["error_code"]) == (400, "INVALID_STATE")
    assert OFFICE in body["message"]
    assert workspace.call("GET", LISTS) == (200, {"ip_access_lists": []})


def test_nobody_locks_himself_out_by_enabling(workspace):
    workspace.add("theirs", "ALLOW", STRANGER, address=STRANGER)
    assert workspace.enable()[1]["error_code"] == "INVALID_STATE"


def test_a_thousand_addresses_over_all_lists(workspace):
    addresses = [f"20.0.{at // 250}.{at % 250}" for at in range(999)]
    assert workspace.add("many", "ALLOW", OFFICE, *addresses)[0] == 200
    assert workspace.add("one more", "BLOCK", STRANGER)[1]["error_code"] == "QUOTA_EXCEEDED"


def test_a_list_is_read_changed_replaced_and_deleted(workspace):
    _, body = workspace.add("office", "ALLOW", OFFICE)
    place = f"{LISTS}/{body['ip_access_list']['list_id']}"
    _, body = workspace.call("PATCH", place, {"enabled": False})
    assert (body["ip_access_list"]["enabled"], body["ip_access_list"]["ip_addresses"]) == (False, [OFFICE])
    new = {"label": "block", "list_type": "BLOCK", "ip_addresses": [STRANGER], "enabled": True}
    _, body = workspace.call("PUT", place, new)
    assert (body["ip_access_list"]["label"], body["ip_access_list"]["list_type"]) == ("block", "BLOCK")
    assert workspace.call("GET", place)[1] == body
    assert workspace.call("DELETE", place) == (200, {})
    assert workspace.call("GET", place)[1]["error_code"] == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize(
    "body",
    [
        {"list_type": "ALLOW", "ip_addresses": [OFFICE]},
        {"label": "x", "list_type": "PERHAPS", "ip_addresses": [OFFICE]},
        {"label": "x", "list_type": "ALLOW", "ip_addresses": ["2001:db8::1"]},
        {"label": "x", "list_type": "ALLOW", "ip_addresses": "1.2.3.4"},
        {"label": "x", "list_type": "ALLOW", "ip_addresses": [OFFICE], "enabled": "yes"},
    ],
)
def test_a_list_that_is_none_is_refused(workspace, body):
    status, answer = workspace.call("POST", LISTS, body)
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("body", [b"{", b"[]", b"7"])
def test_a_body_that_is_no_object_is_refused(workspace, body):
    assert workspace.call("POST", LISTS, body)[1]["error_code"] == "MALFORMED_REQUEST"


def test_a_workspace_is_found_by_host_or_path(workspace):
    assert workspace.call("GET", LISTS)[0] == 200
    assert workspace.call("GET", f"/{workspace.host}{LISTS}", host="127.0.0.1:8443")[0] == 200
    assert workspace.call("GET", LISTS, host="127.0.0.1:8443")[0] == 404


def test_an_address_that_is_none_is_refused(workspace):
    assert workspace.call("GET", LISTS, address="here")[0] == 400


@pytest.mark.parametrize(("token", "status"), [("", 401), ("bad", 403)])
def test_a_caller_needs_a_token(workspace, token, status):
    assert workspace.call("GET", LISTS, token=token)[0] == status


def test_a_caller_has_to_be_an_administrator():
    workspace = Workspace(access=Owners(["Microsoft.Databricks/workspaces/assignWorkspaceAdmin/action"]))
    assert workspace.call("GET", LISTS)[1]["error_code"] == "PERMISSION_DENIED"


def test_a_change_takes_minutes():
    workspace = Workspace(time_scale=1.0)
    workspace.plane.clock.advance(3600)
    workspace.add("office", "ALLOW", OFFICE)
    workspace.enable()
    assert workspace.admits(STRANGER)
    workspace.plane.clock.advance(200)
    assert not workspace.admits(STRANGER)


def test_resource_manager_shows_nothing_of_it(workspace):
    workspace.add("office", "ALLOW", OFFICE)
    shown = workspace.resource.kind.render_properties
    look = type("Look", (), {"api_version": "2024-05-01", "query": {}})()
    assert "ipAccessLists" not in shown(workspace.plane, workspace.resource, look)
