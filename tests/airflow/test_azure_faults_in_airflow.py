"""Each Azure operator under a fault of the control plane, run by a real scheduler, deferred in a real triggerer.

All run at once. What every fault does to every write is told by ``tests/azure/test_operator_faults.py``, in plain
processes.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.airflow.runs import RUN_LIMIT_S, Run
from tests.azure.allowlist_story import ALLOWLIST, check_allowlist
from tests.azure.fault_stories import STORIES, Scene, Stage
from tests.azure.story_dags import story_of, write_story_dags
from tests.azure.tasks import CONN_ID, connection_of

pytestmark = pytest.mark.timeout(400)

STUCK_TIMEOUT_S = 15
LATE_S = 15
"""How late the triggerer's last look may be, on a busy machine; a limit that is not kept lasts five minutes more."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One operator under one fault.

    :param story: what it does
    :param path: the pattern of the paths that are hit; ``LABEL`` stands for the scene's label
    :param times: so many requests are hit
    """

    story: str
    fault: str
    method: str
    path: str
    times: int = 1
    timeout_s: float = 120
    retries: int = 0


CASES = {
    "reset behind the write": Case(
        story="peering", fault="reset-after", method="PUT", path="*/virtualNetworks/one-LABEL/virtualNetworkPeerings/*"
    ),
    "failed, then retried": Case(
        story="peering",
        fault="operation-fails:VnetAddressSpacesOverlap",
        method="PUT",
        path="*/virtualNetworks/other-LABEL/virtualNetworkPeerings/*",
        times=2,  # deferred, an operation that failed is tried once more
        retries=1,
    ),
    "another operation": Case(
        story="peering, deleted", fault="another-operation", method="DELETE", path="*/virtualNetworkPeerings/*-LABEL"
    ),
    "operation fails": Case(
        story="hub connection",
        fault="operation-fails:RetryableError",
        method="PUT",
        path="*/virtualHubs/hub-LABEL/hubVirtualNetworkConnections/*",
    ),
    "unavailable": Case(
        story="hub connection, deleted",
        fault="server-error:503",
        method="DELETE",
        path="*/virtualHubs/hub-LABEL/hubVirtualNetworkConnections/*",
    ),
    "not found behind the write": Case(
        story="private endpoint", fault="not-found-after-put", method="PUT", path="*/privateEndpoints/pe-LABEL"
    ),
    "stuck": Case(
        story="private endpoint, deleted",
        fault="operation-never-ends",
        method="DELETE",
        path="*/privateEndpoints/pe-LABEL",
        timeout_s=STUCK_TIMEOUT_S,
    ),
    "throttled": Case(
        story="approval at Storage",
        fault="throttled:3",
        method="PUT",
        path="*/storageAccounts/ownLABEL/privateEndpointConnections/*",
    ),
    "killed": Case(
        story="peering",
        fault="hang",
        method="PUT",
        path="*/virtualNetworks/other-LABEL/virtualNetworkPeerings/*",
        retries=1,
    ),
    "token expired": Case(story=ALLOWLIST, fault="expired-token", method="GET", path="*/vaults/vault-LABEL*"),
}


@dataclass(frozen=True, kw_only=True)
class Played:
    """A case under way.

    :param hit: the fault in the lab
    """

    case: Case
    scene: Scene
    hit: object
    run: Run

    def requests(self, lab, **query):
        """What clients sent about the scene's own things."""
        entries = lab.journal(service="arm", **query)
        return [one for one in entries if any(part.endswith(self.scene.label) for part in one.path.split("/"))]


@pytest.fixture(scope="module")
def lab(azure_lab_session):
    """A lab whose operations take some time, so that tasks wait in the triggerer."""
    azure_lab_session.reset()
    return azure_lab_session


@pytest.fixture(scope="module")
def played(airflow, lab):
    """The cases by name, all of them started."""
    stage = Stage(lab)
    stories = {**STORIES, ALLOWLIST: check_allowlist}
    scenes = {name: stories[case.story](stage, f"f{number}x") for number, (name, case) in enumerate(CASES.items())}
    write_story_dags(
        airflow.dags_folder / "faults",
        [
            story_of(
                dag_id(name),
                scenes[name].task(deferrable=True, poll_interval_s=1, timeout_s=case.timeout_s),
                retries=case.retries,
            )
            for name, case in CASES.items()
        ],
    )
    lab.change_settings(time_scale=0.2)
    client = airflow.client
    client.set_connection(CONN_ID, json.loads(connection_of(lab)))
    under_way = {}
    for name, case in CASES.items():
        scene = scenes[name]
        hit = lab.fault(case.fault, method=case.method, path=case.path.replace("LABEL", scene.label), times=case.times)
        client.wait_for_dag(dag_id(name))
        client.unpause(dag_id(name))
        run = Run(client, dag_id(name), client.trigger(dag_id(name)))
        under_way[name] = Played(case=case, scene=scene, hit=hit, run=run)
    return under_way


def dag_id(name):
    return "fault_" + name.replace(" ", "_").replace(",", "")


def test_a_task_that_is_killed_with_its_supervisor_is_missed_and_retried(airflow, played):
    one = played["killed"]
    end = time.monotonic() + RUN_LIMIT_S
    while one.hit.applied == 0:  # its first side is written, and it waits for an answer to the second one
        assert time.monotonic() < end, one.run.logs()
        time.sleep(0.1)
    (task,) = one.run.client.task_instances(one.run.dag_id, one.run.run_id)
    titles = airflow.living_processes()
    (process,) = (process for process, title in titles.items() if title == f"airflow worker -- {task['id']}")
    supervisor = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    assert titles[supervisor].startswith("airflow worker -- LocalExecutor")
    for killed in (supervisor, process):
        os.kill(killed, signal.SIGKILL)
    # What comes of it is seen below, with the others.


ENDS_WELL = [name for name in CASES if name not in {"killed", "stuck"}] + ["killed"]
DEFERS = [name for name in ENDS_WELL if name not in {"failed, then retried", "killed", "throttled", "token expired"}]


@pytest.mark.parametrize("name", ENDS_WELL)
def test_a_fault_that_passes_leaves_one_resource_as_wanted(played, lab, name):
    one = played[name]
    assert one.run.state() == "success", one.run.logs()
    assert one.hit.applied == one.case.times
    assert one.scene.state() == "right"
    assert one.scene.count() <= 1
    assert made_twice(one, lab) == []


def made_twice(one, lab):
    """Paths at which things of the case were created more than once."""
    created = Counter(entry.path.casefold() for entry in one.requests(lab, method="PUT", status="201"))
    return [path for path, times in created.items() if times > 1]


@pytest.mark.parametrize("name", DEFERS)
def test_it_waited_in_the_triggerer(played, name):
    one = played[name]
    assert one.run.state() == "success", one.run.logs()
    assert "Waiting in the triggerer" in one.run.log("task")


def test_throttling_is_waited_for_as_long_as_it_says(played, lab):
    one = played["throttled"]
    assert one.run.state() == "success", one.run.logs()
    first, second = one.requests(lab, method="PUT")
    assert (first.status, second.status) == (429, 200)
    assert second.time - first.time >= 3


def test_what_no_retry_of_a_request_mends_is_a_clear_error_and_the_retry_of_the_task_ends_right(played):
    one = played["failed, then retried"]
    assert one.run.state() == "success", one.run.logs()
    assert "VnetAddressSpacesOverlap" in one.run.log("task", 1)


def test_the_log_of_what_was_killed_breaks_off_and_another_try_goes_on(played):
    one = played["killed"]
    assert one.run.state() == "success", one.run.logs()
    (task,) = one.run.client.task_instances(one.run.dag_id, one.run.run_id)
    assert task["try_number"] == 2
    assert "other-" in one.run.log("task", 2)


def test_an_operation_that_never_ends_is_a_clear_error_by_the_deadline(played, lab):
    one = played["stuck"]
    assert one.run.state() == "failed"
    log = one.run.log("task")
    assert "AzureDeadlineExceededError" in log
    assert f"privateEndpoints/pe-{one.scene.label}: " in log
    assert f"not settled {STUCK_TIMEOUT_S} s after the start" in log
    asked = [entry.time for entry in one.requests(lab)]
    assert max(asked) - min(asked) < STUCK_TIMEOUT_S + LATE_S
    assert one.scene.count() <= 1
    assert len(one.requests(lab, method="DELETE")) == 1
