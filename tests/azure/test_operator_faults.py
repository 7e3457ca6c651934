"""Each write of each operator under each fault of the lab: the right state with one resource, or a clear error in time.

A fault that passes hits one request; one that does not hits all until the task has failed, and then a retry of the task
has to end right. The operators' ``execute`` runs as in a task's process. ``NETCONN_OPERATOR_FAULT_TABLE=FILE`` writes
what was seen as a table, and tries all faults without end; else some of each kind, at each operator's first write.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider_netconn.errors import AzureDeadlineExceededError, AzureError
from tests.azure.fault_stories import STORIES, Stage
from tests.azure.tasks import CONN_ID, connection_of, context
from tests.azure.test_every_fault import ERRORS, PASSING

STUCK = "operation-never-ends"
STUCK_S = 16
"""Longer than the task has time, and shorter than its retry has: Azure's operations do end."""
EVERY = bool(os.environ.get("NETCONN_OPERATOR_FAULT_TABLE"))
LASTING = tuple(ERRORS) if EVERY else (
    "throttled:1", "another-operation", "server-error:500", "reset-after", "malformed", "expired-token",
    "operation-fails:VnetAddressSpacesOverlap", STUCK,
)  # fmt: skip
AT_ONCE_DONE = ("approval at Storage", "removal at Storage")
"""Stories whose writes begin no operation: none can go on."""
pytestmark = pytest.mark.timeout(600)
BUDGET_S = 25
SHORT_BUDGET_S = 8
AT_ONCE = 24
IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|(?<=-)[0-9a-f]{8}$")
WRITES = ("PUT", "PATCH", "DELETE")


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write of a story, as it was seen without a fault.

    :param path: in lower case, with the scene's label in it
    :param number: among those of the story to the same type, from 1
    """

    story: str
    label: str
    method: str
    path: str
    number: int
    is_first: bool

    @property
    def name(self):
        """For a column of the table."""
        subject = self.path.rsplit("/", 2)[-2]
        return f"{self.story}: {self.method} {subject}" + (f" {self.number}" if self.number > 1 else "")

    def pattern(self, label):
        """For the same write in another scene."""
        return f"re:{IDENTIFIER.sub('[0-9a-f-]+', self.path.replace(self.label, label))}$"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of one task under one fault.

    :param error: that it ended with; None where it ended well
    :param applied: how often the fault was
    :param sent: how often the write was
    :param took_s: how long the task ran, in seconds
    :param state: afterwards
    :param count: of the things that it makes, afterwards
    :param after: the state after a retry without the fault; empty where there was none
    :param after_count: how many there were then
    """

    label: str
    error: AzureError | None
    applied: int
    sent: int
    took_s: float
    state: str
    count: int
    after: str = ""
    after_count: int = 0

    @property
    def cell(self):
        """For the table."""
        if self.error is not None:
            return f"`{type(self.error).__name__}`" + (", then a retry ends right" if self.after else "")
        return "done at once" if self.sent <= 1 else f"done, sent {self.sent}x"


class Theatre:
    """Runs scenes under faults, many at once: most of it is waiting."""

    def __init__(self, lab):
        self.lab = lab
        lab.reset()
        self.stage = Stage(lab)
        self.writes = [write for story in STORIES for write in self._writes_of(story)]

    def _writes_of(self, story):
        label = f"plain{list(STORIES).index(story)}x"
        scene = STORIES[story](self.stage, label)
        scene.task(timeout_s=BUDGET_S).execute(context())
        assert scene.state() == "right"
        sent = [one for one in self.lab.journal(service="arm") if one.method in WRITES and label in one.path.casefold()]
        numbers, writes = Counter(), []
        for method, path in dict.fromkeys((one.method, one.path.casefold()) for one in sent):
            numbers[path.rsplit("/", 2)[-2]] += 1
            number = numbers[path.rsplit("/", 2)[-2]]
            writes.append(Write(story=story, label=label, method=method, path=path, number=number, is_first=not writes))
        return writes

    def run(self, act, faults, **options):
        """What comes of each write under each of the faults.

        :param act: a letter, which tells the labels of this run from those of others
        """
        writes = [write for write in self.writes if act == "p" or EVERY or write.is_first]
        pairs = [(write, fault) for write in writes for fault in faults]
        scenes = [STORIES[write.story](self.stage, f"{act}{number:03}x") for number, (write, _) in enumerate(pairs)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = [
                pool.submit(self._play, scene, write, fault, **options)
                for scene, (write, fault) in zip(scenes, pairs, strict=True)
            ]
            return {(write.name, fault): one.result() for (write, fault), one in zip(pairs, asked, strict=True)}

    def _play(self, scene, write, fault, *, budget_s, times=None):
        pattern = write.pattern(scene.label)
        rule = {"method": write.method, "path": pattern, "service": "arm"}
        met = f"{STUCK}:{STUCK_S}" if fault == STUCK else fault
        hit = self.lab.fault(met, **rule, **({} if times is None or ":1000" in fault else {"times": times}))
        error, begun = None, time.monotonic()
        try:
            scene.task(timeout_s=budget_s).execute(context())
        except AzureError as caught:
            error = caught
        took_s = time.monotonic() - begun
        sent = self.lab.journal(service="arm", method=write.method, path=pattern)
        seen = {"label": scene.label, "error": error, "applied": hit.applied, "sent": len(sent), "took_s": took_s}
        seen |= {"state": scene.state(), "count": scene.count()}
        self.lab.local.faults.remove(hit.number)
        if times is not None and error is not None:
            scene.task(timeout_s=BUDGET_S).execute(context())
            seen |= {"after": scene.state(), "after_count": scene.count()}
        return Seen(**seen)


@pytest.fixture(scope="module")
def theatre(azure_lab_session):
    with pytest.MonkeyPatch.context() as patch:
        for chatty in ("azure", "uvicorn"):  # a line for each of ten thousand requests would be kept
            patch.setattr(logging.getLogger(chatty), "level", logging.WARNING)
        patch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", connection_of(azure_lab_session))
        yield Theatre(azure_lab_session)


@pytest.fixture(scope="module")
def table():
    """What was seen, written where that is asked for."""
    seen = {}
    yield seen
    if os.environ.get("NETCONN_OPERATOR_FAULT_TABLE"):
        Path(os.environ["NETCONN_OPERATOR_FAULT_TABLE"]).write_text(rendered(seen["passing"], seen["lasting"]))


@pytest.fixture(scope="module")
def passing(theatre, table):
    table["passing"] = theatre.run("p", PASSING, budget_s=BUDGET_S)
    return table["passing"]


@pytest.fixture(scope="module")
def lasting(theatre, table):
    table["lasting"] = theatre.run("l", LASTING, budget_s=SHORT_BUDGET_S, times=1000)
    return table["lasting"]


def of(seen, story, fault):
    """What came of a story's writes."""
    return {name: one for (name, met), one in seen.items() if name.startswith(f"{story}:") and met == fault}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("story", STORIES)
def test_what_passes_is_survived(passing, story, fault):
    met = of(passing, story, fault)
    assert met
    wrong = {name: seen for name, seen in met.items() if seen.error or seen.state != "right" or seen.count > 1}
    assert not wrong
    if not fault.startswith(("operation-", "not-found-")):  # these are for writes of some kinds only
        assert [seen.applied for seen in met.values()] == [1] * len(met)


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("story", STORIES)
def test_what_does_not_pass_is_a_clear_error_and_a_retry_ends_right(lasting, story, fault):
    met = of(lasting, story, fault)
    assert met
    assert not {name: seen for name, seen in met.items() if seen.count > 1 or seen.after_count > 1}
    assert not {name: seen for name, seen in met.items() if seen.error is None and seen.state != "right"}
    failed = {name: seen for name, seen in met.items() if seen.error is not None}
    assert not {name: seen for name, seen in failed.items() if seen.label not in seen.error.resource.casefold()}
    assert not {name: seen for name, seen in failed.items() if not seen.error.seen}
    assert not {name: seen for name, seen in failed.items() if seen.after != "right"}


@pytest.mark.parametrize("story", STORIES)
def test_an_operation_that_goes_on_is_told_with_what_to_do_in_time_and_adopted_by_a_retry(lasting, story):
    met = {name: seen for name, seen in of(lasting, story, STUCK).items() if seen.applied}
    assert bool(met) == (story not in AT_ONCE_DONE)
    for seen in met.values():
        assert isinstance(seen.error, AzureDeadlineExceededError)
        assert "a retry goes on where it stands" in seen.error.remedy
        assert seen.took_s < STUCK_S - 1
        assert seen.after == "right"


def rendered(passing, lasting):
    """A section for each write, a row for each fault."""
    once = {(name, fault): one for (name, fault), one in passing.items() if one.applied}
    ever = {(name, fault.removesuffix(":1000")): one for (name, fault), one in lasting.items() if one.applied}
    parts = []
    for name in dict.fromkeys(name for name, _ in passing):
        parts.append(f"\n## {name}\n\n| fault | once | without end |\n| --- | --- | --- |")
        for fault in dict.fromkeys((*PASSING, *(fault.removesuffix(":1000") for fault in ERRORS))):
            cells = [seen[name, fault].cell if (name, fault) in seen else "" for seen in (once, ever)]
            if any(cells):
                parts.append(f"| `{fault}` | {cells[0]} | {cells[1]} |")
    return "\n".join(parts) + "\n"
