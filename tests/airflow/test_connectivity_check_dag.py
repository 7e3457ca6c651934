"""The example DAG, run by a real Airflow against the landscape: in a worker, and deferred to the triggerer."""

from __future__ import annotations

import json

import pytest

from testbed.landscape import differences

DAG_ID = "connectivity_check"
RUN_LIMIT_S = 90


@pytest.fixture(scope="module", params=[False, True], ids=["in a worker", "in the triggerer"])
def run(request, airflow, landscape, tmp_path_factory):
    """One run of the DAG: its state, report, summary and log."""
    report_path = tmp_path_factory.mktemp("reports") / "report.json"
    client = airflow.client
    client.wait_for_dag(DAG_ID)
    client.unpause(DAG_ID)
    seen = []
    conf = {
        "config": str(landscape.config_file),
        "report_path": str(report_path),
        "deferrable": request.param,
    }
    run_id = client.trigger(DAG_ID, conf)
    state = client.wait(DAG_ID, run_id, RUN_LIMIT_S, lambda tasks: seen.append(tasks.get("check")))
    assert report_path.exists(), client.log(DAG_ID, run_id, "check")
    return {
        "state": state,
        "states": seen,
        "deferrable": request.param,
        "report": json.loads(report_path.read_text()),
        "summary": client.xcom(DAG_ID, run_id, "check"),
        "log": client.log(DAG_ID, run_id, "check"),
    }


def test_each_target_gets_the_verdict_that_the_landscape_says(run, landscape):
    assert differences(run["report"]["verdicts"], landscape.expected) == []


def test_it_fails_on_what_is_not_as_expected_and_leaves_a_summary(run, landscape):
    assert run["state"] == "failed"
    assert run["summary"]["total"] == len(landscape.expected)
    assert 0 < run["summary"]["as_expected"] < run["summary"]["total"]


def test_the_probes_run_where_they_should(run):
    where = "triggerer" if run["deferrable"] else "worker"
    assert run["report"]["vantage"]["process"] == where
    assert run["summary"]["vantage"]["process"] == where
    assert ("deferred" in run["states"]) == run["deferrable"]


def test_no_secret_of_a_connection_shows_anywhere(run, landscape):
    shown = json.dumps(run["report"]) + json.dumps(run["summary"]) + run["log"]
    assert "orderslake.blob.core.windows.net" in shown
    for secret in landscape.secrets:
        assert secret not in shown
