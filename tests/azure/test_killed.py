"""Each operator killed (SIGKILL) behind a request, with its supervisor, and then retried: the same end, nothing twice.

What is deferred may die in the triggerer, and then another one takes over. By default they die behind each write, and
deferred in some stories; with ``NETCONN_KILLS=all`` behind each request, sign-in and reads included, and deferred in
all of them (``make kills``).
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.azure.allowlist_story import ALLOWLIST, check_allowlist
from tests.azure.fault_stories import STORIES, Stage
from tests.azure.killed import DAG_ID, FORKED_FROM, TRIGGERER, WORKER, Job, Kill, run
from tests.azure.story_dags import story_of, write_story_dags
from tests.azure.tasks import CONN_ID, connection_of, run_to_the_end, signed_in  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.usefixtures("signed_in"),
    pytest.mark.timeout(3600 if os.environ.get("NETCONN_KILLS") else 600),
]
ALL = os.environ.get("NETCONN_KILLS") == "all"
MOST_REQUESTS = 200
TICK_S = 0.01
SLOW, FAST = 0.1, 10
"""How long operations take, beside Azure's; and how fast time runs until somebody is killed."""
LOOKS = 12
"""So many requests the next one makes at most before it has looked: it signs in, sees to its rights, and looks."""
SLOW_S = 3
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
    *([pytest.param(ALLOWLIST, False, id=f"{ALLOWLIST}, worker")] if ALL else []),  # which writes nothing
]


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """What a retry in this process needs; else the first one would come late."""
    for name in FORKED_FROM:
        importlib.import_module(name)


@pytest.mark.parametrize(("story", "deferrable"), CASES)
def test_a_retry_ends_where_the_killed_run_would_have(azure_lab, tmp_path, story, deferrable):
    stage = Stage(azure_lab)
    environment = {f"AIRFLOW_CONN_{CONN_ID.upper()}": connection_of(azure_lab)}
    killed = Counter()
    for number in range(1, MOST_REQUESTS):
        azure_lab.change_settings(time_scale=0)
        scene = {**STORIES, ALLOWLIST: check_allowlist}[story](stage, f"k{number}")
        azure_lab.change_settings(time_scale=SLOW)
        folder = tmp_path / str(number)
        write_story_dags(folder, [story_of(DAG_ID, scene.task(deferrable=deferrable, timeout_s=60))])
        kill = Kill(after=number, counter=folder / "requests", writes_only=not ALL)
        with time_flies(azure_lab, until_killed=kill):
            dead = run(Job(folder=folder, environment=environment, kill=kill))
            if dead == WORKER:
                run_to_the_end(scene.task(deferrable=deferrable, timeout_s=60))
        assert scene.state() == "right", f"{dead} killed after {number}"
        assert scene.count() <= 1, f"{dead} killed after {number}"
        assert made_twice(azure_lab, scene.label) == [], f"{dead} killed after {number}"
        killed[dead] += 1
        if not dead:
            break
    print(f"{story}: killed {killed[WORKER]} times with the supervisor, {killed[TRIGGERER]} times in the triggerer")
    assert killed[WORKER] >= CHANGES.get(story, 1)
    assert killed[TRIGGERER] >= (1 if ALL and deferrable and story in CHANGES else 0)


@contextmanager
def time_flies(lab, *, until_killed):
    """Have the lab's time run fast, and as ours for a while after the kill: who comes next finds things under way."""
    kill, over = until_killed, threading.Event()

    def run_on():
        while not (kill.is_due() or over.wait(TICK_S)):
            lab.advance(FAST * TICK_S)
        answered, end = lab.local.journal.count() + LOOKS, time.monotonic() + SLOW_S
        while lab.local.journal.count() < answered and time.monotonic() < end and not over.wait(TICK_S):
            continue
        while not over.wait(TICK_S):
            lab.advance(FAST * TICK_S)

    clock = threading.Thread(target=run_on)
    clock.start()
    try:
        yield
    finally:
        over.set()
        clock.join()


def made_twice(lab, label):
    """Paths at which the label's things were created more than once, of this scene and no other."""
    created = Counter(
        one.path.casefold()
        for one in lab.journal(service="arm", method="PUT", status="201")
        if any(part.endswith(label) for part in one.path.split("/"))
    )
    return [path for path, times in created.items() if times > 1]
