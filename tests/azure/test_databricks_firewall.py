"""Access lists of a Databricks workspace, read from the workspace's own API on the local Azure."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from airflow_provider_netconn.azure.firewall.evaluation import Admission, FindingCode
from airflow_provider_netconn.azure.firewall.reading import read_firewall
from airflow_provider_netconn.errors import AzureForbiddenError, AzureNoAnswerError
from testbed.endpoints.proxy import HttpProxy
from tests.azure.firewall_landscape import DATABRICKS, FRIEND, STRANGER, lab_admits, make_service
from tests.azure.test_reading_firewalls import codes, judged
from tests.lab.services.reaching import CALLER, curl

LISTS = "/api/2.0/ip-access-lists"


def lab_hosts(lab):
    """The lab's own hosts, which are reached without a proxy."""
    return ",".join(urlsplit(url).hostname for url in (lab.arm_url, lab.authority_url))


class Workspace:
    """A workspace of the lab, with its own API."""

    def __init__(self, lab):
        self._lab = lab
        self.id = make_service(lab, DATABRICKS)
        self.host = lab.get(self.id)["properties"]["workspaceUrl"]

    def call(self, method, path, body):
        token = self._lab.token(audience="2ff814a6-3304-4ab8-85cb-cd0e6f879c1d")
        options = ["--noproxy", "*", "-X", method, "-H", f"Authorization: Bearer {token}", "-d", json.dumps(body)]
        status, _, answer = curl(self._lab, f"https://{self.host}{path}", *options)
        assert status < 300, answer

    def add(self, label, list_type, *addresses):
        self.call("POST", LISTS, {"label": label, "list_type": list_type, "ip_addresses": list(addresses)})

    def enable(self):
        self.call("PATCH", "/api/2.0/workspace-conf", {"enableIpAccessLists": "true"})


@pytest.fixture
def workspace(azure_lab):
    return Workspace(azure_lab)


@pytest.fixture
def read(azure_lab, open_session, workspace, monkeypatch):
    """Reads the workspace's firewall, through a proxy that knows where the lab serves the workspace's name."""
    with HttpProxy(routes={f"{workspace.host}:443": azure_lab.endpoint(workspace.host)}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", lab_hosts(azure_lab))

        async def ask(principal):
            async with open_session(principal) as azure:
                return await read_firewall(azure, workspace.id)

        yield lambda principal=None: asyncio.run(ask(principal))
        assert set(proxy.asked) <= {f"{workspace.host}:443"}


def test_lists_have_effect_once_they_are_enabled(azure_lab, workspace, read):
    workspace.add("office", "ALLOW", "203.0.113.0/24", CALLER)
    workspace.add("guest", "BLOCK", "203.0.113.99")
    idle = read()
    assert judged(idle, STRANGER).admission is Admission.ALLOWED
    assert codes(judged(idle, STRANGER)) == {FindingCode.NOT_RESTRICTED, FindingCode.NOTE}
    assert idle.notes == ("there are 2 access lists without effect: enableIpAccessLists is not true",)
    workspace.enable()
    firewall = read()
    friend, stranger, guest = judged(firewall, FRIEND, STRANGER, "203.0.113.99").addresses
    assert [one.admission.value for one in (friend, stranger, guest)] == ["ALLOWED", "BLOCKED", "BLOCKED"]
    assert (friend.rules, guest.rules) == (("office",), ("guest",))
    assert [lab_admits(azure_lab, workspace.id, one) for one in (FRIEND, STRANGER, "203.0.113.99")] == [
        True,
        False,
        False,
    ]
    assert (firewall.used, firewall.limit) == (3, 1000)


def test_who_is_no_administrator_is_told_what_it_takes(workspace, read):
    with pytest.raises(AzureForbiddenError, match=r"Only workspace admins .* takes a workspace administrator"):
        read("reader")


def test_a_workspace_that_cannot_be_reached_is_an_error_that_says_so(azure_lab, workspace, open_session, monkeypatch):
    from airflow_provider_netconn.azure.deadlines import deadline

    async def ask():
        with deadline(3):
            async with open_session() as azure:
                return await read_firewall(azure, workspace.id)

    with HttpProxy(routes={f"{workspace.host}:443": ("127.0.0.1", 9)}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", lab_hosts(azure_lab))
        with pytest.raises(AzureNoAnswerError, match="no answer from the workspace"):
            asyncio.run(ask())
