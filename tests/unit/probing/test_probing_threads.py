"""The threads that ask the system for names: as many as it takes, used again, and none of them for long."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from airflow_provider_netconn.probing import resolve


@pytest.fixture(autouse=True)
def idle():
    """The inboxes of idle threads; those of other tests have ended."""
    eventually(lambda: not resolve._idle)
    return resolve._idle


def eventually(condition, within_s=20):
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_thread_is_used_again(idle):
    seen = []
    for number in range(5):
        resolve._in_thread(lambda: seen.append(threading.get_ident()))
        eventually(lambda wanted=number + 1: len(seen) == wanted and len(idle) == 1)
    assert len(set(seen)) == 1


def test_one_that_hangs_keeps_no_other_waiting(idle):
    hanging, done = threading.Event(), threading.Event()
    resolve._in_thread(hanging.wait)
    resolve._in_thread(done.set)
    assert done.wait(20)
    hanging.set()
    eventually(lambda: len(idle) == 2)


def test_an_idle_thread_ends(idle, monkeypatch):
    monkeypatch.setattr(resolve, "IDLE_S", 0.05)
    before = len(list(Path("/proc/self/task").iterdir()))
    resolve._in_thread(lambda: None)
    eventually(lambda: idle)
    eventually(lambda: not idle)
    eventually(lambda: len(list(Path("/proc/self/task").iterdir())) <= before)


def test_nothing_is_lost_where_a_thread_is_taken_as_it_ends(idle, monkeypatch):
    monkeypatch.setattr(resolve, "IDLE_S", 0.0)
    done = []
    for number in range(2000):
        resolve._in_thread(lambda number=number: done.append(number))
    eventually(lambda: len(done) == 2000)
    assert sorted(done) == list(range(2000))


def test_a_fork_takes_no_idle_thread_for_its_own():
    done = threading.Event()
    resolve._in_thread(done.set)
    assert done.wait(20)
    eventually(lambda: resolve._idle)
    child = os.fork()
    if child == 0:
        again = threading.Event()
        resolve._in_thread(again.set)
        os._exit(0 if again.wait(10) else 1)
    assert os.waitpid(child, 0)[1] == 0
