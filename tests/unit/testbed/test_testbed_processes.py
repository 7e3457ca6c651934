"""Processes of the testbed leave nothing behind: not those that hide, not when their starter is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from testbed.processes import ProcessGroup, free_port

ROOT = Path(__file__).parents[3]

# Sleeps, ignores SIGTERM, left its session, lost its parent, and overwrote what /proc shows of its environment.
HIDING = """
import os, signal, time, setproctitle
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        setproctitle.setproctitle("hiding " + "x" * 4000)
        print("hidden", os.getpid(), flush=True)
        time.sleep(300)
    os._exit(0)
time.sleep(300)
"""


@pytest.fixture
def group(tmp_path):
    running = ProcessGroup(environment=os.environ, folder=tmp_path)
    yield running
    running.stop()


def python(script):
    return [sys.executable, "-c", textwrap.dedent(script)]


def wait_until(condition, limit_s=10.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def hidden_pid(log):
    wait_until(lambda: log.exists() and "hidden" in log.read_text())
    return int(log.read_text().split()[1])


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_output_and_exit_status_are_the_commands(group):
    process = group.start("speaks", python("import sys; print('said'); sys.exit(3)"))
    assert process.wait(10) == 3
    assert process.log_tail() == "said"
    assert group.ended() is process


def test_a_command_that_dies_of_a_signal_says_so_as_a_shell_does(group):
    process = group.start("dies", python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert process.wait(10) == 128 + signal.SIGKILL


def test_a_command_may_end_in_order(group):
    script = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("bye")))
        print("up", flush=True)
        time.sleep(300)
    """
    process = group.start("orderly", python(script))
    wait_until(lambda: process.log_tail() == "up")
    assert group.stop() == []
    assert process.log_tail() == "up\nbye"


def test_stop_ends_what_hides(group, tmp_path):
    group.start("hides", python(HIDING))
    hidden = hidden_pid(tmp_path / "hides.log")
    assert hidden in group.living()
    assert group.stop() == []
    assert group.living() == {}
    assert not is_alive(hidden)


def test_what_outlives_its_supervisor_is_hunted_down_and_named(group, tmp_path):
    process = group.start("hides", python(HIDING))
    hidden = hidden_pid(tmp_path / "hides.log")
    os.kill(process.pid, signal.SIGKILL)
    orphans = group.stop()
    assert any(orphan.startswith(f"{hidden} ") for orphan in orphans)
    assert not is_alive(hidden)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_the_death_of_the_starter(tmp_path, death):
    script = f"""
        import os, pathlib, time
        from testbed.processes import ProcessGroup
        group = ProcessGroup(environment=os.environ, folder=pathlib.Path({str(tmp_path)!r}))
        group.start("hides", [{sys.executable!r}, "-c", {HIDING!r}])
        time.sleep(300)
    """
    with subprocess.Popen(python(script), cwd=ROOT) as starter:
        try:
            hidden = hidden_pid(tmp_path / "hides.log")
        finally:
            starter.send_signal(death)
    wait_until(lambda: not is_alive(hidden))
    wait_until(lambda: not any(str(tmp_path) in command for command in command_lines()))


def command_lines():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                yield (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue


def test_processes_of_another_group_are_left_alone(group, tmp_path):
    other = ProcessGroup(environment=os.environ, folder=tmp_path)
    process = other.start("other", python("import time; time.sleep(300)"))
    group.stop()
    assert process.poll() is None
    assert other.stop() == []


def test_a_free_port_is_free():
    port = free_port()
    assert 1024 < port < 65536
