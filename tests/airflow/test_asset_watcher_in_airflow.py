"""The example DAG that a private endpoint's approval starts, watched by a real triggerer on the local Azure."""

from __future__ import annotations

import json
import time

import pytest

from tests.airflow.runs import Run
from tests.azure.tasks import connection_of
from tests.azure.test_shared_polling import VERSION, approve_all, reads_of, request_endpoint

pytestmark = pytest.mark.timeout(400)

DAG_ID = "private_endpoint_events"
CHECKED = "warehouse"
INTERVAL_S = 1
LIMIT_S = 120


@pytest.fixture(scope="module")
def lab(azure_lab_session):
    azure_lab_session.reset()
    return azure_lab_session


@pytest.fixture(scope="module")
def endpoint(lab):
    """The one that the example watches; its owner has not decided yet."""
    return request_endpoint(lab, "orders")


@pytest.fixture(scope="module")
def example(airflow):
    """The example's file in Airflow."""
    return airflow.dags_folder / f"{DAG_ID}.py"


@pytest.fixture(scope="module")
def client(airflow, lab, endpoint, example):
    """An Airflow with the example, which checks a connection, and looks more often than once a minute."""
    airflow.client.set_connection("azure_default", json.loads(connection_of(lab)))
    text = example.read_text(encoding="utf-8")
    assert endpoint.endswith("/resourceGroups/network/providers/Microsoft.Network/privateEndpoints/orders")
    for given, ours in {
        "PrivateEndpointEventTrigger(endpoint_id=ENDPOINT)":
            f"PrivateEndpointEventTrigger(endpoint_id=ENDPOINT, poll_interval_s={INTERVAL_S})",
        'Param([], type="array"': f'Param(["{CHECKED}"], type="array"',
    }.items():  # fmt: skip
        assert text.count(given) == 1
        text = text.replace(given, ours)
    example.write_text(text, encoding="utf-8")
    return airflow.client


def test_it_runs_when_the_endpoint_is_approved_and_when_that_ends_and_at_no_other_time(client, lab, endpoint, example):
    client.wait_for_dag(DAG_ID)
    assert reads_of(lab) == []  # paused, it watches nothing
    client.unpause(DAG_ID)
    looked_often(lab)
    assert (events(client), runs(client)) == (0, [])

    approve_all(lab)
    approved = next_run(client, 0)
    assert (approved["previous_status"], approved["status"]) == ("Pending", "Approved")
    assert approved["endpoint_id"] == endpoint
    assert approved["target_id"].endswith("/storageAccounts/contosolake")
    assert approved["addresses"]

    tagged = {**lab.get(endpoint, api_version=VERSION), "tags": {"team": "data"}}
    lab.put(endpoint, tagged, api_version=VERSION)  # a change that is not about approval
    looked_often(lab)
    assert (events(client), len(runs(client))) == (1, 1)

    client.pause(DAG_ID)
    example.touch()  # Airflow drops and takes up watchers when it reads the file
    looked_no_more(lab)
    lab.delete(endpoint, api_version=VERSION)  # while nobody looks
    client.unpause(DAG_ID)
    example.touch()
    gone = next_run(client, 1)
    assert (gone["previous_status"], gone["status"]) == ("Approved", "")

    looked_often(lab)
    assert (events(client), len(runs(client))) == (2, 2)

    request_endpoint(lab, "orders")
    approve_all(lab)
    assert next_run(client, 2)["status"] == "Approved"


def events(client):
    """How many the triggerer told of the asset."""
    return client.get("/assets/events")["total_entries"]


def runs(client):
    """The ids of its runs, the oldest first."""
    found = client.get(f"/dags/{DAG_ID}/dagRuns", order_by="run_after")["dag_runs"]
    assert {one["run_type"] for one in found} <= {"asset_triggered"}
    return [one["dag_run_id"] for one in found]


def next_run(client, number):
    """What started the run of that number, counted from 0; waits until it has ended."""
    end = time.monotonic() + LIMIT_S
    while len(runs(client)) <= number:
        assert time.monotonic() < end, "no event started the DAG"
        time.sleep(0.5)
    run = Run(client, DAG_ID, runs(client)[number])
    run.state()  # the check finds what it finds: nobody has made that connection private
    (event,) = run.facts("what_happened")
    assert run.facts("check")["total"] == 1
    return event


def looked_often(lab, times=6):
    """Wait until the triggerer has looked so often that what was there before has been seen, and told of."""
    wanted = len(reads_of(lab)) + times
    end = time.monotonic() + LIMIT_S
    while len(reads_of(lab)) < wanted:
        assert time.monotonic() < end, "the triggerer does not look"
        time.sleep(0.2)


def looked_no_more(lab, quiet_s=5 * INTERVAL_S):
    """Wait until the triggerer has stopped to look."""
    end = time.monotonic() + LIMIT_S
    seen, since = len(reads_of(lab)), time.monotonic()
    while time.monotonic() < since + quiet_s:
        assert time.monotonic() < end, "the triggerer goes on looking"
        time.sleep(0.2)
        if len(reads_of(lab)) != seen:
            seen, since = len(reads_of(lab)), time.monotonic()
