"""Changes of the control plane show in the next answer; networks that come and go take their servers with them."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time

import dns.message
import dns.query
import pytest

from airflow_provider_netconn.lab.errors import LabError
from tests.lab.names import landscape
from tests.lab.names.asking import addresses, ask, place

BLOB = "storageaccounta.blob.core.windows.net"
ZONE = f"{landscape.NETWORK}/privateDnsZones/privatelink.blob.core.windows.net"
ENDPOINT = f"{landscape.NETWORK}/privateEndpoints/a"
ACCOUNT = f"{landscape.GROUP}/providers/Microsoft.Storage/storageAccounts/storageaccounta"


def is_public(found):
    return len(found) == 1 and found[0].startswith("198.1")


def connection_of(lab, account=ACCOUNT):
    listed = lab.request("GET", f"{account}/privateEndpointConnections", api_version="2023-05-01")
    return listed["value"][0]


def decide(lab, connection, status):
    connection["properties"]["privateLinkServiceConnectionState"]["status"] = status
    lab.request("PUT", connection["id"], {"properties": connection["properties"]}, api_version="2023-05-01")


def test_unlinking_the_zone_makes_the_name_public_and_linking_it_private_again(changing):
    assert addresses(changing, "hub", BLOB) == ["10.110.1.4"]
    changing.delete(f"{ZONE}/virtualNetworkLinks/hub")
    assert is_public(addresses(changing, "hub", BLOB))
    landscape.link(changing, ZONE, "hub")
    assert addresses(changing, "hub", BLOB) == ["10.110.1.4"]


def test_rejecting_the_connection_takes_the_alias_away(changing):
    decide(changing, connection_of(changing), "Rejected")
    found = ask(changing, "hub", f"{BLOB} A")
    assert not any("privatelink" in record[1] for record in found)
    assert is_public(addresses(changing, "hub", BLOB))


def test_approving_a_waiting_connection_makes_alias_and_record(changing):
    account = ACCOUNT.replace("storageaccounta", "waiting")
    assert is_public(addresses(changing, "hub", "waiting.blob.core.windows.net"))
    decide(changing, connection_of(changing, account), "Approved")
    found = addresses(changing, "hub", "waiting.blob.core.windows.net")
    assert len(found) == 1
    assert found[0].startswith("10.110.1.")


def test_a_changed_record_shows_at_once(changing):
    path = f"{landscape.NETWORK}/privateDnsZones/contoso.com/A/www"
    changing.put(path, {"properties": {"ttl": 3600, "aRecords": [{"ipv4Address": "10.10.1.77"}]}})
    assert addresses(changing, "hub", "www.contoso.com") == ["10.10.1.77"]
    changing.delete(path)
    assert addresses(changing, "hub", "www.contoso.com") == ["10.10.1.99"]  # the wildcard's


def test_falling_back_is_turned_on_and_off(changing):
    assert addresses(changing, "hub", "partner.blob.core.windows.net") == "NXDOMAIN"
    landscape.link(changing, ZONE, "hub", resolutionPolicy="NxDomainRedirect")
    assert is_public(addresses(changing, "hub", "partner.blob.core.windows.net"))
    landscape.link(changing, ZONE, "hub", resolutionPolicy="Default")
    assert addresses(changing, "hub", "partner.blob.core.windows.net") == "NXDOMAIN"


def test_a_disabled_rule_is_ignored(changing):
    path = f"{landscape.NETWORK}/dnsForwardingRulesets/spoke/forwardingRules/OnPremises"
    assert addresses(changing, "spoke", "db.onprem.contoso.com") == ["192.168.0.20"]
    body = landscape.rule("onprem.contoso.com.", ["192.168.0.53"], forwardingRuleState="Disabled")
    changing.put(path, body)
    assert addresses(changing, "spoke", "db.onprem.contoso.com") == "NXDOMAIN"  # the rule for contoso.com holds


def test_a_network_s_dns_servers_change(changing):
    network = landscape.network_id("lone")
    assert is_public(addresses(changing, "lone", BLOB))
    body = changing.get(network)
    body["properties"]["dhcpOptions"] = {"dnsServers": ["10.110.0.4"]}
    changing.put(network, {"location": body["location"], "properties": body["properties"]})
    assert addresses(changing, "lone", BLOB) == ["10.110.1.4"]


def test_a_deleted_machine_is_no_longer_registered(changing):
    assert addresses(changing, "machines", "vnetavm1.corp.contoso.com") == ["10.118.0.11"]
    machine = f"{landscape.GROUP}/providers/Microsoft.Compute/virtualMachines/vnetavm1"
    changing.delete(machine, api_version="2024-03-01")
    assert addresses(changing, "machines", "vnetavm1.corp.contoso.com") == "NXDOMAIN"


def test_a_new_account_has_a_name_and_a_deleted_one_none(changing):
    path = f"{landscape.GROUP}/providers/Microsoft.Storage/storageAccounts/newcomer"
    assert addresses(changing, "internet", "newcomer.blob.core.windows.net") == "NXDOMAIN"
    changing.put(path, {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
    first = addresses(changing, "internet", "newcomer.blob.core.windows.net")
    assert is_public(first)
    assert addresses(changing, "hub", "newcomer.blob.core.windows.net") == first  # the same from everywhere
    changing.delete(path)
    assert addresses(changing, "internet", "newcomer.blob.core.windows.net") == "NXDOMAIN"


def test_an_account_that_is_changed_has_other_names(changing):
    path = f"{landscape.GROUP}/providers/Microsoft.Storage/storageAccounts/plain"
    assert addresses(changing, "internet", "plain-secondary.blob.core.windows.net") == "NXDOMAIN"
    changing.request("PATCH", path, {"sku": {"name": "Standard_RAGRS"}})
    assert is_public(addresses(changing, "internet", "plain-secondary.blob.core.windows.net"))


def test_services_are_found_by_their_public_addresses(changing):
    names = changing.local.names.public
    found = {host.name: host for host in names.hosts()}
    host = found["storageaccounta.blob.core.windows.net"]
    assert host.resource_id == ACCOUNT
    assert host.group_id == "blob"
    assert [host.address] == addresses(changing, "internet", host.name)
    assert names.at(host.address).fqdn == host.name
    assert names.at("198.19.1.1") is None
    assert len({host.address for host in found.values()}) == len(found)


def test_platform_names_have_addresses(changing):
    assert addresses(changing, "hub", "management.azure.com") == addresses(changing, "internet", "management.azure.com")
    assert is_public(addresses(changing, "lone", "login.microsoftonline.com"))


def test_networks_come_and_go_with_their_servers(changing):
    (network,) = changing.networks("comer")
    host, port = changing.name_server(network)
    query = dns.message.make_query("plain.blob.core.windows.net", "A")
    assert dns.query.udp(query, host, port=port, timeout=5).answer
    assert changing.state()["dns"]["networks"][network.id] == {"address": host, "port": port}
    changing.delete(network.id)
    assert network.id not in changing.state()["dns"]["networks"]
    with pytest.raises(LabError, match="there is no"):
        changing.name_server(network)
    with pytest.raises((OSError, dns.exception.Timeout)):
        dns.query.tcp(query, host, port=port, timeout=0.5)


def test_a_reset_keeps_the_places_of_the_seed_s_networks(changing):
    before = place(changing, "hub")
    changing.reset()
    assert place(changing, "hub") == before
    assert is_public(addresses(changing, "hub", BLOB))  # what was made besides the seed is gone


def test_many_networks_do_not_take_all_file_handles(changing):
    from airflow_provider_netconn.lab.names.views import MOST_BY_THEMSELVES

    networks = changing.networks(*(f"n{number}" for number in range(MOST_BY_THEMSELVES + 5)))
    assert len(changing.state()["dns"]["networks"]) == MOST_BY_THEMSELVES
    host, port = changing.name_server(networks[-1])  # served as soon as it is asked for
    answer = dns.query.udp(dns.message.make_query("plain.blob.core.windows.net", "A"), host, port=port, timeout=5)
    assert answer.answer


def test_the_state_file_follows_networks(tmp_path):
    state_file = tmp_path / "lab.json"
    words = ["up", "--state", str(state_file), "--seed", str(landscape.SEED), "--answers", "landscape"]
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_netconn.lab", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        while "ready" not in (line := process.stdout.readline()):
            assert line, "the lab did not start"
        state = wait_for(state_file, lambda state: "dns" in state)
        assert set(state["dns"]["servers"]) == {"on-premises", "contoso"}
        hub = state["dns"]["networks"][landscape.network_id("hub")]
        query = dns.message.make_query("www.contoso.com", "A")
        answer = dns.query.tcp(query, hub["address"], port=hub["port"], timeout=5)
        assert {rdata.to_text() for rdata in answer.answer[0]} == {"10.10.1.5", "10.10.1.10"}

        shown = subprocess.run(
            [sys.executable, "-m", "airflow_provider_netconn.lab", "status", "--state", str(state_file)],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert f"dns hub                {hub['address']} port {hub['port']}" in shown

        network = landscape.network_id("later")
        put_network(state, network)
        wait_for(state_file, lambda state: network in state["dns"]["networks"])
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert not state_file.exists()


def wait_for(path, is_there):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if path.exists() and is_there(state := json.loads(path.read_text())):
            return state
        time.sleep(0.05)
    raise AssertionError(f"{path} has not changed as it should")


def put_network(state, network):
    import httpx

    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.200.0.0/16"]}}}
    answer = httpx.put(
        f"{state['arm_url']}{network}?api-version=2024-03-01",
        json=body,
        headers={"Authorization": f"Bearer {state['token']}"},
        verify=ssl.create_default_context(cafile=state["ca_file"]),
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
