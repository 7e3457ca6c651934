"""The allowlist check as a task on the local Azure and its Astro: one report over all services, and why it fails."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from airflow_provider_netconn.cli import main
from airflow_provider_netconn.errors import (
    EgressUnknownError,
    InvalidConnectionError,
    InvalidOptionError,
    UnexpectedVerdictError,
)
from airflow_provider_netconn.lab.astro.records import Kind
from airflow_provider_netconn.operators.external_ip_allowlist import ExternalIpAllowlistCheckOperator
from testbed.endpoints.http import HttpServer
from testbed.endpoints.proxy import HttpProxy
from tests.astro.test_astro_client import EXTERNAL, change
from tests.azure.firewall_landscape import DATABRICKS, FRIEND, STRANGER, TYPES, admit_friends, make_service
from tests.azure.tasks import CONN_ID, context, signed_in  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("signed_in")
STORAGE, SQL = "Microsoft.Storage/storageAccounts", "Microsoft.Sql/servers"


@pytest.fixture
def admitting(azure_lab):
    """Makes services that admit 203.0.113.0/24; gives their ids."""

    def make(*type_names):
        ids = []
        for type_name in type_names:
            ids.append(make_service(azure_lab, type_name))
            if type_name != DATABRICKS:
                admit_friends(azure_lab, ids[-1], type_name)
        return ids

    return make


@pytest.fixture
def astro(azure_lab, monkeypatch):
    """The connection to the lab's Astro, and what Astro sets in a Deployment."""
    found = azure_lab.environment()
    extra = {
        "organization_id": found["ASTRO_ORGANIZATION_ID"],
        "api_url": found["ASTRO_API_URL"],
        "ca_file": azure_lab.ca_file,
    }
    fields = {"conn_type": "http", "password": found["ASTRO_API_TOKEN"], "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ASTRO", json.dumps(fields))
    monkeypatch.setenv("ASTRO_DEPLOYMENT_ID", found["ASTRO_DEPLOYMENT_ID"])
    return found


def task(**arguments):
    return ExternalIpAllowlistCheckOperator(task_id="check", azure_conn_id=CONN_ID, **arguments)


def failed(**arguments):
    """The facts and the message of a task that fails."""
    given = context()
    with pytest.raises(UnexpectedVerdictError) as raised:
        task(**arguments).execute(given)
    return given["ti"].xcoms["return_value"], str(raised.value)


def test_one_report_over_all_fifteen_services(azure_lab, admitting, tmp_path, monkeypatch):
    ids = admitting(*TYPES, DATABRICKS)
    host = azure_lab.get(ids[-1])["properties"]["workspaceUrl"]
    paths = [str(tmp_path / name) for name in ("report.md", "report.html", "report.json")]
    with HttpProxy(routes={f"{host}:443": azure_lab.endpoint(host)}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", f"127.0.0.1,{urlsplit(azure_lab.arm_url).hostname}")
        facts = task(resource_ids=ids, addresses=[FRIEND], report_path=paths).execute(context())
    assert (facts["total"], facts["allowed"], facts["counts"]) == (15, 15, {"ALLOWED": 15})
    assert facts["reports"] == paths
    rules = {tuple(one["rules"]) for one in facts["resources"] if "Databricks" not in one["resource_id"]}
    assert rules == {("203.0.113.0/24",), ("office",)}
    markdown, page, document = ((tmp_path / path).read_text() for path in paths)
    assert f"**15 of 15 services admit {FRIEND}.**" in markdown
    assert f"15 of 15 services admit {FRIEND}" in page
    assert "default-src" in page
    read = json.loads(document)
    assert {one["service"] for one in read["resources"]} >= {"Storage", "Azure Databricks workspace", "AI Search"}
    assert all(one["name"] in markdown and one["resource_id"] in page for one in read["resources"])


def test_a_stranger_fails_the_task_and_it_says_which_address_and_why(admitting):
    ids = admitting(STORAGE, SQL)
    facts, message = failed(resource_ids=ids, addresses=f"{FRIEND}, {STRANGER}")
    assert facts["counts"] == {"PARTLY": 2}
    assert [one["not_allowed"] for one in facts["resources"]] == [[STRANGER], [STRANGER]]
    assert f"{ids[1]}: PARTLY: no rule admits {STRANGER}. To mend it: have {STRANGER} admitted" in message
    assert "a change takes up to 5 minutes to hold" in message
    _, message = failed(resource_ids=ids[:1], addresses="203.0.112.0/23")
    assert "PARTLY: no rule admits 203.0.112.0-203.0.112.255. To mend it: have 203.0.112.0/23 admitted" in message
    assert task(resource_ids=ids, addresses=[STRANGER], fail_on="never").execute(context())["allowed"] == 0
    assert task(resource_ids=ids, addresses=[STRANGER], fail_on="UNKNOWN").execute(context())["allowed"] == 0


def test_a_firewall_that_cannot_be_read_does_not_hide_the_others(azure_lab, admitting, signed_in):  # noqa: F811
    (service,) = admitting(STORAGE)
    facts, message = failed(resource_ids=[service, f"{service}x"], addresses=[FRIEND])
    assert facts["counts"] == {"ALLOWED": 1, "UNKNOWN": 1}
    assert "there is no such resource, as far as we see" in message
    signed_in("airflow")
    facts, message = failed(resource_ids=[service], addresses=[FRIEND])
    assert "Microsoft.Storage/storageAccounts/read" in message
    assert facts["resources"][0]["admission"] == "UNKNOWN"


class TestFromAstro:
    def test_external_ips_and_region_of_this_deployment(self, azure_lab, admitting, astro):
        far = make_service(azure_lab, STORAGE, name="farstore")
        near = make_service(azure_lab, STORAGE, name="nearstore", location="westeurope")
        for one in (far, near):
            admit_friends(azure_lab, one, STORAGE)
        facts, message = failed(resource_ids=[far, near], astro_deployment_id="this", astro_conn_id="astro")
        assert (tuple(facts["addresses"]), facts["caller_region"]) == (EXTERNAL, "westeurope")
        assert facts["sources"] == ["Astro Deployment orders"]
        assert {one["resource_id"]: one["admission"] for one in facts["resources"]} == {far: "ALLOWED", near: "BLOCKED"}
        assert facts["resources"][0]["findings"] == ["SAME_REGION"]
        assert "use a private endpoint" in message

    def test_a_cluster_by_its_name(self, admitting, astro):
        arguments = {"astro_cluster_id": "contoso-westeurope", "astro_conn_id": "astro"}
        facts = task(resource_ids=admitting(SQL), **arguments).execute(context())
        assert (tuple(facts["addresses"]), facts["allowed"]) == (EXTERNAL, 1)

    def test_remote_execution_leaves_nothing_to_look_for(self, azure_lab, admitting, astro):
        change(azure_lab, Kind.DEPLOYMENT, remoteExecution={"enabled": True})
        arguments = {"astro_deployment_id": "this", "astro_conn_id": "astro"}
        ids = admitting(SQL)
        with pytest.raises(InvalidOptionError, match=r"no address to look for; .* has remote execution"):
            task(resource_ids=ids, **arguments).execute(context())
        facts = task(resource_ids=ids, addresses=[FRIEND], **arguments).execute(context())
        assert (facts["addresses"], facts["allowed"]) == ([FRIEND], 1)
        assert "remote execution" in facts["notes"][0]

    def test_outside_of_a_deployment_this_is_an_error(self, admitting, astro, monkeypatch):
        monkeypatch.delenv("ASTRO_DEPLOYMENT_ID")
        with pytest.raises(InvalidOptionError, match="this runs in no Deployment"):
            task(resource_ids=admitting(SQL), astro_deployment_id="this", astro_conn_id="astro").execute(context())

    def test_a_connection_without_a_token_is_named(self, admitting, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_ASTRO", '{"conn_type": "http"}')
        with pytest.raises(InvalidConnectionError, match=r"connection astro: ASTRO_API_TOKEN: is missing"):
            task(resource_ids=admitting(SQL), astro_deployment_id="x", astro_conn_id="astro").execute(context())


class TestEgress:
    @pytest.mark.parametrize("body", [FRIEND, f'{{"ip": "{FRIEND}"}}', f'{{"origin": "{FRIEND}, 10.0.0.1"}}'])
    def test_the_address_that_the_echo_service_sees(self, admitting, body):
        with HttpServer(body=body.encode()) as server:
            echo = f"http://127.0.0.1:{server.port}/echo"
            facts = task(resource_ids=admitting(SQL), egress=True, echo_url=f"{echo}?key=CANARY").execute(context())
        assert (facts["addresses"], facts["allowed"]) == ([FRIEND], 1)
        assert facts["sources"] == [f"this machine's egress, as {echo} sees it"]

    def test_an_echo_service_that_tells_no_address_is_an_error(self, admitting):
        with HttpServer(body=b"<html>sign in</html>") as server:
            echo = f"http://127.0.0.1:{server.port}/echo?key=CANARY"
            with pytest.raises(EgressUnknownError, match="no address in its answer of 20 bytes") as raised:
                task(resource_ids=admitting(SQL), egress=True, echo_url=echo).execute(context())
        assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resource_ids": []}, "resource_ids: nothing to check"),
        ({"resource_ids": ["/subscriptions/x"]}, r"resource_ids\[0\]: .* is no type whose firewall can be read"),
        ({}, "addresses: no address to look for"),
        ({"addresses": ["203.0.113.999"]}, r"addresses\[0\]: '203.0.113.999' is no IP address or network"),
        ({"addresses": [FRIEND], "fail_on": "always"}, "fail_on: 'always' is no such word here"),
        ({"addresses": [FRIEND], "report_path": "/tmp/x.xml"}, "this report is not written as JUnit XML"),
        ({"addresses": [FRIEND], "timeout_s": "-1"}, "timeout_s: '-1' is no time limit"),
    ],
)
def test_bad_input_is_named_before_azure_is_asked(azure_lab, arguments, message):
    sql = f"/subscriptions/{azure_lab.subscription_id}/resourceGroups/data/providers/{SQL}/contoso-warehouse"
    with pytest.raises(InvalidOptionError, match=message):
        task(**{"resource_ids": [sql], **arguments}).execute(context())
    assert not azure_lab.journal()


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def _airflow(self, monkeypatch, astro):
        for name in ("ASTRO_ORGANIZATION_ID", "ASTRO_API_TOKEN"):
            monkeypatch.setenv(name, astro[name])

    def test_it_prints_and_writes_the_report(self, admitting, capsys, tmp_path):
        ids = admitting(STORAGE, SQL)
        page = tmp_path / "report.html"
        command = ["allowlist", *ids, "--azure-conn-id", CONN_ID, "--html", str(page)]
        assert main([*command, "--address", FRIEND]) == 0
        assert f"2 of 2 services admit {FRIEND}" in capsys.readouterr().out
        assert main([*command, "--address", STRANGER, "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["counts"] == {"BLOCKED": 2}
        assert f"0 of 2 services admit {STRANGER}" in page.read_text()

    def test_bad_input_is_named(self, azure_lab, admitting, capsys):
        command = ["allowlist", *admitting(SQL), "--azure-conn-id", CONN_ID]
        assert main(command) == 2
        assert "no address to look for" in capsys.readouterr().err
