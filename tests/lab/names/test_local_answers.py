"""On loopback DNS can answer with the addresses of this machine at which the lab serves: clients get there by them."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import dns.resolver
import pytest

from airflow_provider_netconn.lab.local_azure import LocalAzure
from airflow_provider_netconn.lab.packets.addresses import LoopbackAddresses
from airflow_provider_netconn.lab.packets.local_answers import LocalAnswers
from airflow_provider_netconn.lab.settings import Answers, SettingError, Settings
from airflow_provider_netconn.lab.up import _carried
from tests.lab.services.reaching import GROUP, STORAGE, change, connect_privately

NETCONN = [sys.executable, "-m", "airflow_provider_netconn.lab"]
BLOB_HOST = "contosolake.blob.core.windows.net"
VAULT_HOST = "contoso-vault.vault.azure.net"
EVENTS_HOST = "contoso-events.servicebus.windows.net"
NETWORKS = f"{GROUP.replace('/data', '/network')}/providers/Microsoft.Network/virtualNetworks"
ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"


@contextlib.contextmanager
def names_from(resolver):
    """Has this process look names up where a resolver does, and nowhere else."""
    dns.resolver.override_system_resolver(resolver)
    try:
        yield
    finally:
        dns.resolver.restore_system_resolver()


def status_of(lab, url):
    """What an ordinary HTTP client gets that dials what the name leads to, TLS verified."""
    context = ssl.create_default_context(cafile=lab.ca_file)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


@pytest.fixture
def local(azure_lab):
    azure_lab.change_settings(answers="local")
    return azure_lab


def test_a_client_gets_to_a_service_by_the_answer(local, azure_lab_network):
    with names_from(azure_lab_network.resolver()):
        assert status_of(local, f"https://{VAULT_HOST}:20443/healthstatus") == 200
        assert status_of(local, "https://management.azure.com:20443/metadata/endpoints?api-version=2022-09-01") == 200
        context = ssl.create_default_context(cafile=local.ca_file)
        # A true port from 1024 on is the same here.
        with socket.create_connection((EVENTS_HOST, 5671), timeout=10) as raw:
            context.wrap_socket(raw, server_hostname=EVENTS_HOST).close()


def test_the_view_of_a_network_leads_to_its_private_endpoint(local, azure_lab_network):
    connect_privately(local, STORAGE, "blob")
    change(local, STORAGE, {"publicNetworkAccess": "Disabled"})
    local.put(ZONE, {"location": "global"})
    local.put(f"{ZONE}/A/contosolake", {"properties": {"ttl": 10, "aRecords": [{"ipv4Address": "10.20.1.4"}]}})
    link = {"virtualNetwork": {"id": f"{NETWORKS}/data"}, "registrationEnabled": False}
    local.put(f"{ZONE}/virtualNetworkLinks/data", {"location": "global", "properties": link})
    url = f"https://{BLOB_HOST}:20443/?comp=list"
    with names_from(azure_lab_network.resolver(f"{NETWORKS}/data")):
        assert status_of(local, url) == 409  # PublicAccessNotPermitted: let in, without a key
    with names_from(azure_lab_network.resolver()):
        assert status_of(local, url) == 403


def test_answers_are_as_in_azure_unless_asked_for_and_after_a_reset(local, azure_lab_network):
    def answered():
        return azure_lab_network.resolver().resolve(BLOB_HOST)[0].address

    assert answered() == local.endpoint(BLOB_HOST)[0]
    local.reset()
    assert answered().startswith("198.19.")


def test_where_networks_overlap_the_one_that_the_asker_reaches_is_meant(local):
    def network(name, prefix):
        path = f"{NETWORKS}/{name}"
        local.put(path, {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": [prefix]}}})
        return path.lower()

    first, second, near = (
        network("one", "10.77.0.0/24"),
        network("two", "10.77.0.0/24"),
        network("near", "10.78.0.0/24"),
    )
    for here, there in ((near, second), (second, near)):
        peering = {"remoteVirtualNetwork": {"id": there}, "allowVirtualNetworkAccess": True}
        local.put(f"{here}/virtualNetworkPeerings/to-{there.rpartition('/')[2]}", {"properties": peering})
    addresses = LoopbackAddresses("127.9.0.0/16")
    answers = LocalAnswers(local.local.plane, addresses, local.local.services.refresh)

    def meant(asker):
        return addresses.meaning(local._call(lambda: answers.shown("10.77.0.4", asker)))

    assert meant(first) == (first, "10.77.0.4")
    assert meant(second) == (second, "10.77.0.4")
    assert meant(near) == (second, "10.77.0.4")
    local.delete(f"{second}/virtualNetworkPeerings/to-near")
    assert meant(near) == (first, "10.77.0.4")


def test_addresses_of_nobody_s_are_shown_too_and_those_of_ipv6_as_they_are(local):
    addresses = LoopbackAddresses("127.9.0.0/16")
    answers = LocalAnswers(local.local.plane, addresses, local.local.services.refresh)
    assert addresses.meaning(local._call(lambda: answers.shown("203.0.113.9", None))) == ("internet", "203.0.113.9")
    assert answers.shown("fd00::4", None) == "fd00::4"


def test_an_isolated_lab_has_no_addresses_on_this_machine():
    lab = LocalAzure()
    try:
        lab.isolation = object()
        with pytest.raises(SettingError, match="an isolated lab has the addresses of its landscape"):
            lab.change_settings(Settings(answers="local"))
    finally:
        lab.close()
    with pytest.raises(SettingError, match="answers: 'both' is neither landscape nor local"):
        Settings(answers="both")


@pytest.mark.parametrize(
    ("given", "isolated", "bind", "carried"),
    [
        (None, False, "127.0.0.1", Answers.LOCAL),
        (None, False, "::1", Answers.LOCAL),
        (None, False, "0.0.0.0", Answers.LANDSCAPE),
        (None, True, "127.0.0.1", Answers.LANDSCAPE),
        ("local", False, "0.0.0.0", Answers.LOCAL),
    ],
)
def test_only_a_lab_that_is_on_loopback_alone_answers_so_by_itself(given, isolated, bind, carried):
    assert _carried(given, isolated=isolated, bind=bind) is carried


@pytest.mark.parametrize(("words", "carried"), [((), Answers.LOCAL), (("--answers", "landscape"), Answers.LANDSCAPE)])
def test_a_lab_of_the_command_line_answers_so_that_clients_get_there(tmp_path, words, carried):
    place = tmp_path / "lab.json"

    def lab(*command):
        ran = [*NETCONN, command[0], "--state", str(place), *command[1:]]
        return subprocess.run(ran, capture_output=True, text=True, check=True, timeout=60).stdout

    lab("up", "--detach", *words)
    try:
        assert f"answers={carried}" in lab("set")
        state = json.loads(place.read_text())
        (blob,) = [one for one in state["endpoints"] if BLOB_HOST in one["hosts"]]
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [state["dns"]["public"]["address"]], state["dns"]["public"]["port"]
        (answer,) = resolver.resolve(BLOB_HOST)
        assert answer.address == blob["local_address" if carried is Answers.LOCAL else "address"]
        assert "answers=landscape" in lab("set", "answers=landscape")
        assert resolver.resolve(BLOB_HOST)[0].address == blob["address"]
        assert f"answers={carried}" in (lab("reset"), lab("set"))[1]
    finally:
        lab("down")
