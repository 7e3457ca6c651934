"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time

import httpx
import pytest

from airflow_provider_netconn.lab.testing import AzureLab, RequestRefusedError
from tests.lab.handling.seeds import GROUP, SMALL

CONFTEST = """
import pytest
@pytest.fixture(scope="session")
def azure_lab_seed():
    return "small.yaml"
"""


@pytest.fixture
def run_pytest(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "conftest.py").write_text(CONFTEST)

    def run(test, *words):
        (tmp_path / "test_it.py").write_text(test)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "error::ResourceWarning",
            *words,
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    path = tmp_path_factory.mktemp("seed") / "small.yaml"
    path.write_text(SMALL)
    lab = AzureLab(path)
    yield lab
    lab.stop()


def test_loading_the_plugin_imports_nothing_of_the_lab(run_pytest):
    ran = run_pytest(
        "import sys\n"
        "def test_it():\n"
        "    loaded = [name for name in sys.modules if name.startswith('airflow_provider_netconn')]\n"
        "    assert set(loaded) <= {'airflow_provider_netconn', 'airflow_provider_netconn.lab',\n"
        "                           'airflow_provider_netconn.lab.pytest_plugin'}, loaded\n"
        "    assert 'airflow_provider_netconn.lab.pytest_plugin' in loaded\n"
        "    assert not {'uvicorn', 'starlette', 'trustme', 'azure', 'airflow'} & set(sys.modules)\n",
        "-p",
        "no:asyncio",
    )
    assert ran.returncode == 0, ran.stdout


def test_each_test_gets_a_clean_lab(run_pytest):
    ran = run_pytest(
        f"GROUP = {GROUP!r}\n"
        "def test_first(azure_lab):\n"
        "    azure_lab.put(GROUP + '-more', {'location': 'westeurope'})\n"
        "    azure_lab.fault('throttled', share=1.0)\n"
        "    azure_lab.advance(500)\n"
        "def test_second(azure_lab):\n"
        "    assert azure_lab.get(GROUP + '-more') is None\n"
        "    assert azure_lab.get(GROUP)['location'] == 'northeurope'\n"
        "    assert azure_lab.journal() == []\n"
        "    assert azure_lab.local.faults.all() == []\n"
    )
    assert ran.returncode == 0, ran.stdout


def test_lab_whose_seed_is_bad_fails_the_test_with_its_place(run_pytest, tmp_path):
    (tmp_path / "small.yaml").write_text("tenants: 3")
    ran = run_pytest("def test_it(azure_lab):\n    pass\n")
    assert ran.returncode == 1
    assert "small.yaml:1: tenants: 3 is no list" in ran.stdout


def test_clean_lab_takes_less_than_fifty_milliseconds(lab):
    lab.put(f"{GROUP}-more", {"location": "westeurope"})
    durations = []
    for _ in range(20):
        started = time.perf_counter()
        lab.reset()
        durations.append(time.perf_counter() - started)
    assert sorted(durations)[10] < 0.05


def test_azure_identity_signs_in_and_azures_own_client_reads(lab):
    from azure.mgmt.network import NetworkManagementClient

    lab.reset()
    with lab.client(NetworkManagementClient) as client:
        assert list(client.virtual_networks.list("data")) == []
    assert lab.journal(service="arm")[0].principal == lab.principal().object_id
    token_requests = lab.journal(service="authority", method="POST")
    assert [entry.status for entry in token_requests] == [200]
    assert token_requests[0].body["client_secret"] == "***"


def test_fault_tells_how_often_it_hit(lab):
    lab.reset()
    fault = lab.fault("server-error:503", path="resourceGroups/data", times=2)
    trust = ssl.create_default_context(cafile=lab.ca_file)
    for _ in range(3):
        httpx.get(f"{lab.arm_url}{GROUP}", verify=trust)
    assert (fault.applied, fault.left) == (2, 0)
    assert [entry.status for entry in lab.journal()] == [503, 503, 401]
    assert len(lab.journal(faulty=True)) == 2


def test_short_way_tells_a_refusal_in_azures_words(lab):
    with pytest.raises(RequestRefusedError, match="403 AuthorizationFailed") as refused:
        lab.request("PUT", GROUP, {"location": "northeurope"}, principal="reader")
    assert (refused.value.status, refused.value.code) == (403, "AuthorizationFailed")


def test_environment_is_what_netconn_lab_env_prints(lab):
    assert lab.environment("reader")["AZURE_CLIENT_ID"] == lab.principal("reader").app_id
    assert lab.environment()["AZURE_AUTHORITY_HOST"] == f"{lab.authority_url}/"


def test_networks_do_not_overlap_and_peer_as_azures_do(lab):
    lab.reset()
    hub, data = lab.networks("hub", "data")
    assert lab.peering(hub.to(data)) is None
    lab.put(hub.to(data).id, hub.to(data).body)
    assert lab.peering(hub.to(data)) == ("Initiated", "RemoteNotInSync")
    lab.put(data.to(hub).id, data.to(hub).body)
    assert lab.peering(hub.to(data)) == ("Connected", "FullyInSync")
    lab.reset()
    assert lab.get(hub.id) is None


def test_example_of_the_docs_holds(lab):
    from azure.mgmt.network import NetworkManagementClient

    lab.reset()
    hub, data = lab.networks("hub", "data")
    throttled = lab.fault("throttled:1", method="PUT", path="virtualNetworkPeerings/*")
    with lab.client(NetworkManagementClient) as client:
        client.virtual_network_peerings.begin_create_or_update(
            "test-networks", hub.name, "to-data", hub.to(data).body
        ).result()
    assert throttled.applied == 1
    assert lab.peering(hub.to(data)) == ("Initiated", "RemoteNotInSync")
    assert [entry.status for entry in lab.journal(method="PUT")] == [429, 201]


def test_no_secret_of_the_lab_is_in_its_journal(lab):
    lab.reset()
    trust = ssl.create_default_context(cafile=lab.ca_file)
    token = lab.credential().get_token("https://management.azure.com/.default").token
    bearer = {"Authorization": f"Bearer {token}", "x-ms-authorization-auxiliary": f"Bearer {lab.token('astronomer')}"}
    httpx.get(f"{lab.arm_url}{GROUP}", params={"api-version": "2021-04-01"}, headers=bearer, verify=trust)
    astro = lab.state()["astro"]["tokens"][0]["token"]
    httpx.get(f"{lab.astro_url}/v1/organizations", headers={"Authorization": f"Bearer {astro}"}, verify=trust)
    headers = {"Metadata": "true"}
    query = {"api-version": "2018-02-01", "resource": "https://management.azure.com/"}
    managed = httpx.get(f"{lab.managed_identity_url}/metadata/identity/oauth2/token", params=query, headers=headers)
    written = json.dumps([entry.to_json() for entry in lab.journal()])
    assert {entry.service for entry in lab.journal()} == {"arm", "authority", "astro", "managed_identity"}
    for secret in (token, lab.principal().client_secret, astro, managed.json()["access_token"], "eyJ"):
        assert secret not in written


def test_operation_of_azures_own_client_fails_as_a_fault_says(lab):
    from azure.core.exceptions import HttpResponseError
    from azure.mgmt.network import NetworkManagementClient

    lab.reset()
    hub, data = lab.networks("hub", "data")
    lab.fault("operation-fails:RetryableError", path="virtualNetworkPeerings/*")
    with lab.client(NetworkManagementClient) as client:
        peerings = client.virtual_network_peerings
        place = (hub.id.split("/")[4], hub.name, hub.to(data).name)
        with pytest.raises(HttpResponseError, match="A retryable error occurred"):
            peerings.begin_create_or_update(*place, hub.to(data).body).result()
        peerings.begin_create_or_update(*place, hub.to(data).body).result()
    assert lab.peering(hub.to(data)) == ("Initiated", "RemoteNotInSync")
    (hit,) = lab.journal(faulty=True)
    assert (hit.method, hit.status, hit.fault) == ("PUT", 201, "operation-fails:RetryableError")
