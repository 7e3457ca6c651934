"""The example DAGs that work on Azure's control plane, on the local Azure, in a real Airflow with its triggerer.

All run at once. Those that wait for somebody else are deferred by then, and get what they wait for.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.airflow.runs import Run
from tests.azure.endpoints import decide
from tests.azure.firewall_landscape import FRIEND, STRANGER, admit_friends, make_service
from tests.azure.tasks import connection_of

pytestmark = pytest.mark.timeout(400)

CUSTOMER = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups"
VENDOR = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/astro-cluster/providers/Microsoft.Network"
HUB = (
    "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/connectivity/providers/Microsoft.Network"
    "/virtualHubs/hub"
)
NETWORK = f"{CUSTOMER}/network/providers/Microsoft.Network/virtualNetworks/data"
LAKE = f"{CUSTOMER}/data/providers/Microsoft.Storage/storageAccounts/contosolake"
VAULT = f"{CUSTOMER}/data/providers/Microsoft.KeyVault/vaults/contoso-vault"
ENDPOINT = f"{CUSTOMER}/network/providers/Microsoft.Network/privateEndpoints/vault"
MESSAGE = "netconn example 51c2"


@pytest.fixture(scope="module")
def lab(azure_lab_session):
    """A lab whose operations take some time, so that there is something to wait for."""
    azure_lab_session.reset()
    azure_lab_session.change_settings(time_scale=0.2)
    return azure_lab_session


@pytest.fixture(scope="module")
def networks(lab):
    return lab.networks("east", "west", "north", "south")


@pytest.fixture(scope="module")
def runs(airflow, lab, networks, tmp_path_factory):
    """The runs by name, all of them started."""
    client = airflow.client
    connection = json.loads(connection_of(lab))
    client.set_connection("azure_default", connection)
    client.set_connection("astro", astro_connection(lab))
    east, west, north, south = networks
    vault = make_service(lab, "Microsoft.KeyVault/vaults")
    admit_friends(lab, vault, "Microsoft.KeyVault/vaults")
    report = tmp_path_factory.mktemp("reports") / "allowlist.md"
    confs = {
        "allowed": ("external_ip_allowlist", allowlist(vault, FRIEND, report)),
        "blocked": ("external_ip_allowlist", allowlist(vault, STRANGER, None)),
        "of Astro": ("external_ip_allowlist", of_astro(vault, lab)),
        "both sides": ("vnet_peering", {"network": east.id, "remote_network": west.id}),
        "our side": ("vnet_peering", {"network": north.id, "remote_network": south.id, "sides": "local"}),
        "hub": ("virtual_hub_peering", {"hub": HUB, "network": NETWORK, "probe": urlsplit(lab.arm_url).netloc}),
        "endpoint": ("private_endpoint", asked_for(VAULT, "vault")),
        "approval": ("private_endpoint_approval", {"target": LAKE, "message": MESSAGE}),
    }
    started = {}
    for name, (dag_id, conf) in confs.items():
        client.wait_for_dag(dag_id)
        client.unpause(dag_id)
        started[name] = Run(client, dag_id, client.trigger(dag_id, conf))
    return started


def asked_for(target, group_id):
    given = {"endpoint": ENDPOINT, "target": target, "group_id": group_id, "subnet": f"{NETWORK}/subnets/endpoints"}
    return {**given, "ask_owner": True, "message": "for the example", "dns_group": f"{CUSTOMER}/network"}


def allowlist(resource_id, address, report):
    return {"resource_ids": [resource_id], "addresses": [address], "report_path": report and str(report)}


def astro_connection(lab):
    found = lab.environment()
    extra = {"organization_id": found["ASTRO_ORGANIZATION_ID"], "api_url": found["ASTRO_API_URL"]}
    fields = {"conn_type": "http", "password": found["ASTRO_API_TOKEN"]}
    return {**fields, "extra": {**extra, "ca_file": lab.ca_file}}


def of_astro(resource_id, lab):
    deployment = lab.environment()["ASTRO_DEPLOYMENT_ID"]
    return {"resource_ids": [resource_id], "astro_deployment_id": deployment, "astro_conn_id": "astro"}


def test_an_allowlist_that_admits_ends_well_with_its_report(runs):
    run = runs["allowed"]
    assert run.state() == "success", run.logs()
    facts = run.facts("check")
    assert (facts["total"], facts["allowed"]) == (1, 1)
    report = Path(facts["reports"][0]).read_text(encoding="utf-8")
    assert f"1 of 1 service admits {FRIEND}" in report


def test_one_that_does_not_fails_and_its_facts_are_there(runs):
    run = runs["blocked"]
    assert run.state() == "failed"
    assert run.facts("check")["resources"][0]["not_allowed"] == [STRANGER]
    assert f"no rule admits {STRANGER}" in run.log("check")


def test_the_addresses_of_a_deployment_come_from_astro(runs, lab):
    run = runs["of Astro"]
    assert run.state() == "success", run.logs()
    facts = run.facts("check")
    assert facts["addresses"] == ["203.0.113.20", "203.0.113.21"]
    assert (facts["allowed"], facts["caller_region"]) == (1, "westeurope")
    assert lab.environment()["ASTRO_API_TOKEN"] not in run.log("check")


def test_both_sides_of_a_peering_are_made(runs, lab, networks):
    run = runs["both sides"]
    east, west, *_ = networks
    assert run.state() == "success", run.logs()
    assert peering_states(lab, east) == peering_states(lab, west) == [("Connected", "FullyInSync")]
    assert "Waiting in the triggerer" in run.log("peer")


def test_our_side_waits_for_the_owner_of_the_other_one(runs, lab, networks):
    run = runs["our side"]
    *_, north, south = networks
    run.wait_until_deferred("connected")
    assert peering_states(lab, north) == [("Initiated", "RemoteNotInSync")]
    back = south.to(north)
    lab.put(back.id, back.body)
    assert run.state() == "success", run.logs()
    assert peering_states(lab, north) == peering_states(lab, south) == [("Connected", "FullyInSync")]


def test_a_network_is_connected_to_a_hub_that_routes(runs, lab):
    run = runs["hub"]
    assert run.state() == "success", run.logs()
    (made,) = lab.get(f"{HUB}/hubVirtualNetworkConnections", api_version="2024-05-01")["value"]
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert made["properties"]["remoteVirtualNetwork"]["id"] == NETWORK
    assert "Waiting in the triggerer" in run.log("connect")
    assert [one["outcome"] for one in run.facts("reached")["verdicts"]] == ["OK"]


def test_a_request_is_waited_for_and_approved_under_guard(runs, lab):
    run = runs["approval"]
    run.wait_until_deferred("wait_for_request")
    expected, other = request(lab, "expected", MESSAGE), request(lab, "other", "somebody else's")
    assert run.state() == "success", run.logs()
    assert {status_of(lab, one) for one in (expected, other)} == {"Approved", "Pending"}
    assert status_of(lab, expected) == "Approved"


def test_an_endpoint_is_made_with_its_dns_waits_for_its_owner_and_is_deleted(runs, lab):
    run = runs["endpoint"]
    run.wait_until_deferred("make_endpoint")
    while not lab.get(f"{VAULT}/privateEndpointConnections")["value"]:
        time.sleep(0.2)
    decide(lab, "Approved", target=VAULT)
    assert run.state() == "success", run.logs()
    facts = run.facts("make_endpoint")
    assert facts["names"] == {"contoso-vault.vault.azure.net": facts["addresses"]}
    (zone,) = facts["zone_ids"]
    assert lab.get(f"{zone}/A/contoso-vault") is not None
    assert "USD 7.30 to" in run.log("make_endpoint")
    run.client.wait_for_dag("private_endpoint_delete")
    run.client.unpause("private_endpoint_delete")
    end = Run(
        run.client, "private_endpoint_delete", run.client.trigger("private_endpoint_delete", {"endpoint": ENDPOINT})
    )
    assert end.state() == "success", end.logs()
    assert (lab.get(ENDPOINT), lab.get(f"{zone}/A/contoso-vault")) == (None, None)


def peering_states(lab, network):
    found = lab.get(f"{network.id}/virtualNetworkPeerings")["value"]
    return [(one["properties"]["peeringState"], one["properties"]["peeringSyncLevel"]) for one in found]


def request(lab, name, message):
    """The vendor's endpoint to the customer's lake, for its owner to approve; gives its id."""
    endpoint = f"{VENDOR}/privateEndpoints/{name}"
    connection = {"privateLinkServiceId": LAKE, "groupIds": ["blob"], "requestMessage": message}
    properties = {
        "subnet": {"id": f"{VENDOR}/virtualNetworks/astro-cluster/subnets/endpoints"},
        "manualPrivateLinkServiceConnections": [{"name": name, "properties": connection}],
    }
    body = {"location": "westeurope", "properties": properties}
    lab.request("PUT", endpoint, body, principal="vendor-operations")
    return endpoint


def status_of(lab, endpoint):
    found = lab.request("GET", endpoint, principal="vendor-operations")["properties"]
    (connection,) = found["manualPrivateLinkServiceConnections"]
    return connection["properties"]["privateLinkServiceConnectionState"]["status"]
