"""The check in a real Airflow: mapped, fed by params, on broken input; and no secret of a connection left anywhere."""

from __future__ import annotations

import json
import sqlite3
import time

import pytest

pytestmark = pytest.mark.timeout(300)

DAG_ID = "connectivity_check"
RUN_LIMIT_S = 120
CANARIES = {
    "password": "canary-password-51c2",
    "extra": "canary-extra-51c2",
    "key": "Y2FuYXJ5LWtleS01MWMy",
    "signature": "canary-signature-51c2",
}
BROKEN = {
    "wasb_without_endpoint": {
        "conn_type": "wasb",
        "password": CANARIES["password"],
        "extra": json.dumps({"connection_string": f"AccountKey={CANARIES['key']}==;BlobEndpoint=https://["}),
    },
    "database_with_a_secret_in_the_host": {
        "conn_type": "postgres",
        "host": f"user:{CANARIES['password']}@db.corp.internal",
        "password": CANARIES["password"],
    },
    "empty": {"conn_type": "http", "login": "user", "password": CANARIES["password"]},
}
GOOD = {
    "lake_by_sas": {
        "conn_type": "wasb",
        "host": "https://orderslake.blob.core.windows.net:1",
        "password": CANARIES["password"],
        "extra": json.dumps({"sas_token": f"sv=2024&sig={CANARIES['signature']}", "client_secret": CANARIES["extra"]}),
    },
    "broker": {
        "conn_type": "generic",
        "host": "kafka.corp.internal",
        "port": 9092,
        "login": "user",
        "password": CANARIES["password"],
        "extra": json.dumps({"sasl.password": CANARIES["extra"]}),
    },
}


@pytest.fixture(scope="module")
def connections(airflow):
    """Connections of the metadata database, whose every secret is a canary."""
    for conn_id, fields in (BROKEN | GOOD).items():
        airflow.client._request("POST", "/connections", json={"connection_id": conn_id} | fields)


def run(airflow, dag_id, conf):
    client = airflow.client
    client.wait_for_dag(dag_id)
    client.unpause(dag_id)
    run_id = client.trigger(dag_id, conf)
    return run_id, client.wait(dag_id, run_id, RUN_LIMIT_S)


@pytest.mark.parametrize("deferrable", [False, True], ids=["in a worker", "in the triggerer"])
def test_all_as_expected_is_a_success_and_each_verdict_is_logged(airflow, landscape, tmp_path, deferrable):
    config = tmp_path / "netconn.yaml"
    options = {"nameserver": landscape.dns.nameserver, "ca_files": [str(landscape.ca_file)]}
    config.write_text(json.dumps({"defaults": {"expect_networks": ["127.10.0.0/16"]}, "options": options}))
    conf = {"config": str(config), "conn_ids": ["orders_lake", "reports_api"], "deferrable": deferrable}
    run_id, state = run(airflow, DAG_ID, conf)
    log = airflow.client.log(DAG_ID, run_id, "check")
    assert state == "success", log
    summary = airflow.client.xcom(DAG_ID, run_id, "check")
    assert (summary["total"], summary["counts"]) == (2, {"PRIVATE": 2})
    assert summary["vantage"]["queue"] == "default"
    assert "[1/2] " in log
    assert "[2/2] " in log
    assert "All 2 targets are as expected" in log


@pytest.mark.parametrize("where", ["worker", "deferrable"])
def test_it_works_mapped(airflow, landscape, where):
    dag_id = f"mapped_{where}"
    conf = {"nameserver": landscape.dns.nameserver, "ca_files": [str(landscape.ca_file)]}
    run_id, state = run(airflow, dag_id, conf)
    states = {task["map_index"]: task["state"] for task in airflow.client.task_instances(dag_id, run_id)}
    assert states == {0: "success", 1: "failed"}, airflow.client.log(dag_id, run_id, "check", map_index=0)
    assert state == "failed"
    assert airflow.client.xcom(dag_id, run_id, "check", map_index=0)["counts"] == {"PRIVATE": 1}
    assert airflow.client.xcom(dag_id, run_id, "check", map_index=1)["counts"] == {"PRIVATE": 1, "PUBLIC": 1}


def test_bad_input_fails_before_anything_runs_and_is_named(airflow):
    conf = {"targets": ["db.corp.internal", {"host": "x", "prot": 1}], "report_path": "report.pdf"}
    run_id, state = run(airflow, DAG_ID, conf)
    log = airflow.client.log(DAG_ID, run_id, "check")
    assert state == "failed"
    for part in ("targets[0]", "targets[1].prot", "report_path"):
        assert part in log


@pytest.mark.parametrize("deferrable", [False, True], ids=["in a worker", "in the triggerer"])
def test_no_secret_of_a_connection_is_left_anywhere(airflow, landscape, connections, tmp_path, deferrable):
    reports = [str(tmp_path / f"report.{kind}") for kind in ("json", "html", "md", "xml")]
    conf = {
        "conn_ids": [*BROKEN, *GOOD, "no_such_connection"],
        "config": str(landscape.config_file),
        "report_path": json.dumps(reports),
        "deferrable": deferrable,
    }
    run_id, state = run(airflow, DAG_ID, conf)
    log = airflow.client.log(DAG_ID, run_id, "check")
    assert state == "failed"
    summary = airflow.client.xcom(DAG_ID, run_id, "check")
    verdicts = json.loads((tmp_path / "report.json").read_text())["verdicts"]
    assert {"lake_by_sas", "broker"} <= {verdict["target"] for verdict in verdicts}
    assert summary["reports"] == reports
    assert len(summary["broken_connections"]) == len(BROKEN) + 1
    for conn_id in (*BROKEN, "no_such_connection"):
        assert conn_id in log
    time.sleep(2)  # the triggerer and the scheduler write their own logs a little later
    assert places_of(("kafka.corp.internal",), airflow.home, tmp_path), "the search finds nothing at all"
    assert places_of((*CANARIES.values(), *landscape.secrets), airflow.home, tmp_path) == []


def places_of(secrets, home, *folders):
    """Where any of the secrets stands: in files of the folders, in cells of Airflow's database but its connections."""
    found = []
    for folder in (home, *folders):
        for file in folder.rglob("*"):
            if file.is_file() and not file.name.startswith("airflow.db"):
                content = file.read_bytes()
                found += [f"{file}: {secret}" for secret in secrets if secret.encode() in content]
    database = sqlite3.connect(f"file:{home / 'airflow.db'}?mode=ro", uri=True)
    tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
    for table in set(tables) - {"connection"}:
        for row in database.execute(f'select * from "{table}"'):
            found += [f"table {table}: {secret}" for secret in secrets if secret in str(row)]
    database.close()
    return found
