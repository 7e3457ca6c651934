"""A check shared with helper processes: the same report, and no process left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_provider_netconn.checks import CheckOptions, check, helper, run_check, spread
from airflow_provider_netconn.errors import InvalidOptionError, InvalidTargetError
from airflow_provider_netconn.evidence import Expectation, Finding, Outcome, Target
from airflow_provider_netconn.probing import registry
from airflow_provider_netconn.probing.registry import register
from testbed.endpoints import ClosedPort, HttpServer, SilentServer

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = CheckOptions(retries=0, use_proxy=False)


def to(server, name, **fields):
    fields = {"protocol": "http", "expect": Expectation.ANY} | fields
    return Target(host=server.host, port=server.port, name=name, **fields)


def helpers_of(parent):
    """The ids of that process's helpers that are no zombies; other tests' servers are children of this process too."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return {int(child) for child in children if running(int(child)) and is_helper(int(child))}


def is_helper(process):
    try:
        return b"airflow_provider_netconn.checks.helper" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def environment_of(process):
    return Path(f"/proc/{process}/environ").read_bytes()


def eventually(condition, within_s=20):
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


async def test_helpers_bring_the_same_verdicts_in_the_same_order():
    with HttpServer() as web, ClosedPort() as closed:
        targets = [to((web, closed)[i % 3 == 2], f"t{i}") for i in range(30)]
        alone = await run_check(targets, OPTIONS)
        shared = await run_check(targets, OPTIONS, helpers=3)
    assert [(v.target, v.outcome, v.cause, v.evidence) for v in shared.verdicts] == [
        (v.target, v.outcome, v.cause, v.evidence) for v in alone.verdicts
    ]
    assert shared.vantage == alone.vantage
    assert [v.endpoint for v in shared.verdicts] == targets


async def test_progress_counts_every_verdict_of_every_helper():
    seen = []
    with ClosedPort() as closed:
        targets = [to(closed, f"t{i}") for i in range(9)]
        await run_check(targets, OPTIONS, helpers=2, on_verdict=lambda _, done, total: seen.append((done, total)))
    assert seen == [(done, 9) for done in range(1, 10)]


async def test_helpers_share_the_concurrency():
    with HttpServer() as web:
        targets = [to(web, f"t{i}") for i in range(8)]
        report = await run_check(targets, CheckOptions(retries=0, concurrency=1, use_proxy=False), helpers=2)
    assert {verdict.outcome for verdict in report.verdicts} == {Outcome.OK}


async def test_garbage_is_sought_seldom_while_verdicts_are_collected():
    before, meanwhile = gc.get_threshold(), []
    with HttpServer() as web:
        await run_check(
            [to(web, "one"), to(web, "other")],
            OPTIONS,
            helpers=2,
            on_verdict=lambda *_: meanwhile.append(gc.get_threshold()),
        )
    assert meanwhile == [(spread.GARBAGE_AFTER, *before[1:])] * 2
    assert gc.get_threshold() == before


@pytest.mark.parametrize("own", [None, "glibc.malloc.perturb=7"], ids=["nothing", "something"])
async def test_what_a_user_has_set_for_the_c_library_stays(monkeypatch, own):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if own:
        monkeypatch.setenv("GLIBC_TUNABLES", own)
    async with spread.started(1, OPTIONS) as (one,):
        await one.stdout.readexactly(spread.LENGTH_BYTES)
        seen = environment_of(one.pid)
    assert re.findall(rb"glibc\.malloc\.\w+=\d+", seen) == [text.encode() for text in (spread.TUNABLES, own) if text]


async def test_what_a_helper_cannot_do_is_done_here(monkeypatch):
    monkeypatch.setattr(registry, "_PROTOCOLS", dict(registry._PROTOCOLS))

    @register("known-only-here", default_port=1)
    async def probe(stream, target):
        raise AssertionError

    with HttpServer() as web:
        targets = [to(web, f"t{i}", protocol="known-only-here") for i in range(4)]
        report = await run_check(targets, OPTIONS, helpers=2)
    assert [verdict.stages[-1].finding for verdict in report.verdicts] == [Finding.PROBE_ERROR] * 4


async def test_a_helper_that_is_killed_takes_no_verdict_with_it():
    killed = []

    def kill_one(*_):
        if not killed:
            killed.append(min(helpers_of(os.getpid())))
            os.kill(killed[0], signal.SIGKILL)

    with HttpServer() as web:
        targets = [to(web, f"t{i}") for i in range(40)]
        options = CheckOptions(retries=0, concurrency=2, use_proxy=False)
        report = await run_check(targets, options, helpers=2, on_verdict=kill_one)
    assert killed
    assert [(v.target, v.outcome) for v in report.verdicts] == [(f"t{i}", Outcome.OK) for i in range(40)]


@pytest.mark.parametrize(
    ("targets", "options", "error"),
    [
        ([Target(host="127.0.0.1", port=1)], CheckOptions(ca_files=("/nowhere.pem",)), InvalidOptionError),
        ([Target(host="127.0.0.1", port=1, protocol="gopher")], OPTIONS, InvalidTargetError),
    ],
)
async def test_bad_input_is_the_same_error_as_without_helpers(targets, options, error):
    with pytest.raises(error):
        await run_check(targets * 4, options, helpers=2)


async def test_no_helper_is_left_when_the_check_is_over():
    with ClosedPort() as closed:
        await run_check([to(closed, f"t{i}") for i in range(4)], OPTIONS, helpers=2)
    assert helpers_of(os.getpid()) == set()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_helper_outlives_its_parent(how):
    with SilentServer() as silent:
        program = f"""
import asyncio
from airflow_provider_netconn.checks import CheckOptions, run_check
from airflow_provider_netconn.evidence import Target
targets = [Target(host={silent.host!r}, port={silent.port}, protocol="http")] * 4
asyncio.run(run_check(targets, CheckOptions(timeout_s=90, deadline_s=90), helpers=2))
"""
        parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: len(helpers_of(parent.pid)) == 2)
            helpers = helpers_of(parent.pid)
            parent.send_signal(how)
            parent.wait(timeout=20)
            eventually(lambda: not any(map(running, helpers)))
        finally:
            parent.kill()
            parent.wait()


async def test_a_helper_that_is_slow_leaves_targets_to_the_others():
    """One target in the first handful holds its helper's only place; all others are done before it ends."""
    done = []
    with HttpServer() as web, SilentServer() as silent:
        targets = [to((silent, web)[i > 0], f"t{i}") for i in range(60)]
        options = CheckOptions(retries=0, concurrency=2, timeout_s=4, use_proxy=False)
        report = await run_check(
            targets, options, helpers=2, on_verdict=lambda verdict, *_: done.append(verdict.target)
        )
    assert [verdict.target for verdict in report.verdicts] == [f"t{i}" for i in range(60)]
    # What the slow one's helper was given before comes after it; that is a quarter of its share, twice.
    assert done.index("t0") >= 60 - 2 * (60 // 8)


async def test_a_check_that_is_cancelled_leaves_no_helper():
    with SilentServer() as silent:
        targets = [to(silent, f"t{i}") for i in range(4)]
        checking = asyncio.create_task(run_check(targets, CheckOptions(timeout_s=90, deadline_s=90), helpers=2))
        await asyncio.to_thread(eventually, lambda: len(helpers_of(os.getpid())) == 2)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking
    assert helpers_of(os.getpid()) == set()


@pytest.mark.parametrize(("left", "handed_out"), [(2000, 64), (513, 64), (400, 50), (16, 2), (15, 1), (1, 1)])
def test_of_few_targets_few_are_handed_out(left, handed_out):
    assert spread._handed_out(left, 2) == handed_out


def test_helpers_probe_on_uvloop_where_it_is_installed(monkeypatch):
    uvloop = pytest.importorskip("uvloop")
    assert helper._quickest_loop() is uvloop.new_event_loop
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert helper._quickest_loop() is None


@pytest.mark.parametrize(
    ("targets", "cores", "helpers"),
    [(1, 8, 0), (1999, 8, 0), (2000, 8, 2), (10_000, 2, 2), (10_000, 64, 4), (10_000, 1, 0)],
)
def test_only_many_targets_on_several_cores_are_shared(monkeypatch, targets, cores, helpers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert spread.helpers_for(targets) == helpers


def test_a_check_of_many_targets_shares_them(monkeypatch):
    monkeypatch.setattr(spread, "TARGETS_A_HELPER", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    helpers = []
    with ClosedPort() as closed:
        targets = [to(closed, f"t{i}") for i in range(4)]
        report = check(targets, OPTIONS, on_verdict=lambda *_: helpers.append(len(helpers_of(os.getpid()))))
    assert max(helpers) > 0
    assert [verdict.target for verdict in report.verdicts] == ["t0", "t1", "t2", "t3"]
