"""The demo leaves nothing behind however it ends, and Airflow starts although the port it chose is taken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed import airflow as testbed_airflow
from testbed.airflow import Airflow, AirflowStartError
from testbed.endpoints import SilentServer

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 100
END_LIMIT_S = 25


def processes_of(folder):
    """Command lines of the living processes whose command or environment names the folder, but for this one."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name == str(os.getpid()):
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            if str(folder).encode() in command + (entry / "environ").read_bytes():
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found


def wait_until(condition, limit_s, what):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} not within {limit_s} s"
        time.sleep(0.2)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_demo_leaves_nothing_behind_when_it_is_killed(tmp_path, death):
    folder = tmp_path / "demo"
    output = tmp_path / "output"
    command = [sys.executable, "-m", "testbed.demo", "--keep", "--folder", str(folder)]
    with output.open("w") as stream, subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream) as demo:
        try:
            wait_until(lambda: "Triggered" in output.read_text(), START_LIMIT_S, f"a run\n{output.read_text()}")
            assert len(processes_of(folder)) > 5
        finally:
            demo.send_signal(death)
        status = demo.wait(END_LIMIT_S)
    assert status == (-signal.SIGKILL if death is signal.SIGKILL else 130)
    limit_s = END_LIMIT_S if death is signal.SIGKILL else 0
    wait_until(lambda: not processes_of(folder), limit_s, f"the end of {processes_of(folder)}")


@pytest.mark.timeout(180)
def test_airflow_starts_on_another_port_where_the_first_is_taken(tmp_path, monkeypatch):
    said = []
    with SilentServer() as taken:
        ports = iter([taken.port])
        free_port = testbed_airflow.free_port
        monkeypatch.setattr(testbed_airflow, "free_port", lambda host: next(ports, None) or free_port(host))
        dags = tmp_path / "dags"
        dags.mkdir()
        running = Airflow(tmp_path / "home", dags_folder=dags, progress=said.append, start_limit_s=START_LIMIT_S)
        try:
            running.start()
            assert not running.url.endswith(f":{taken.port}")
            assert any("taken" in line for line in said)
            assert running.client.health()["scheduler"] == "healthy"
        finally:
            assert running.stop() == []
    assert processes_of(tmp_path) == {}


def test_an_airflow_that_cannot_start_says_why_and_leaves_nothing_behind(tmp_path):
    broken = {"AIRFLOW__CORE__EXECUTOR": "NoSuchExecutor"}
    with pytest.raises(AirflowStartError, match="NoSuchExecutor"):
        Airflow(tmp_path / "home", dags_folder=tmp_path, environment=broken, start_limit_s=START_LIMIT_S).start()
    assert processes_of(tmp_path) == {}


def test_a_second_demo_beside_the_first_is_refused(tmp_path):
    import fcntl

    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "testbed.demo", "--folder", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Another demo is running" in done.stderr
