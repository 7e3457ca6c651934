"""Each operator killed (SIGKILL) after a request, and then retried: the same end, and nothing made twice.

What is deferred dies with its trigger: worker and triggerer are one process here. By default the process dies after
each of its writes, and deferred in some stories; with ``NETCONN_KILLS=all`` after each request, sign-in and reads
included, and deferred in all of them (``make kills``).
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.azure.fault_stories import STORIES, Stage
from tests.azure.killed import run_and_kill
from tests.azure.tasks import CONN_ID, connection_of, run_to_the_end, signed_in  # noqa: F401 - a fixture

pytestmark = [pytest.mark.usefixtures("signed_in"), pytest.mark.timeout(600)]
ALL = os.environ.get("NETCONN_KILLS") == "all"
MOST_REQUESTS = 200
CHANGES = {
    "peering": 2,
    "peering, deleted": 2,
    "hub connection": 1,
    "hub connection, deleted": 1,
    "private endpoint": 4,
    "private endpoint, deleted": 1,
}
"""How many writes a story takes at least, where it is known."""
DEFERRED = STORIES if ALL else ("peering", "hub connection", "private endpoint")
CASES = [
    *(pytest.param(story, False, id=f"{story}, worker") for story in STORIES),
    *(pytest.param(story, True, id=f"{story}, triggerer") for story in DEFERRED),
]


@pytest.mark.parametrize(("story", "deferrable"), CASES)
def test_a_retry_ends_where_the_killed_run_would_have(azure_lab, story, deferrable):
    stage = Stage(azure_lab)
    connection = (f"AIRFLOW_CONN_{CONN_ID.upper()}", connection_of(azure_lab))
    died = 0
    for number in range(1, MOST_REQUESTS):
        azure_lab.change_settings(time_scale=0)
        scene = STORIES[story](stage, f"k{number}")
        azure_lab.change_settings(time_scale=0.01)  # so that operations are under way when the process dies
        task = scene.task(deferrable=deferrable, timeout_s=60)
        was_killed = run_and_kill(task, connection, after=number, writes_only=not ALL)
        run_to_the_end(scene.task(deferrable=deferrable, timeout_s=60))
        assert scene.state() == "right", f"killed after {number}"
        assert scene.count() <= 1, f"killed after {number}"
        assert made_twice(azure_lab, scene.label) == [], f"killed after {number}"
        died += was_killed
        if not was_killed:
            break
    assert died >= CHANGES.get(story, 1)


def made_twice(lab, label):
    """Paths at which the label's things were created more than once, of this scene and no other."""
    created = Counter(
        one.path.casefold()
        for one in lab.journal(service="arm", method="PUT", status="201")
        if any(part.endswith(label) for part in one.path.split("/"))
    )
    return [path for path, times in created.items() if times > 1]
