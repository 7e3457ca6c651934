"""What the provider adds to an Airflow process: memory of a check task, time to import operators and sensors."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.ground import TLS_PORT, ZONE

MEMORY_GOAL_MB, IMPORT_GOAL_MS = 40, 60
MEMORY_TARGETS = (1, 20, 200, 1000)

# What a worker's process for a task has loaded before the task runs, and then a task; the peak of its resident memory.
_TASK = """
import airflow.sdk.execution_time.task_runner, logging, sys
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("measured"):
    {task}
task.execute({{"ti": None}})
print("peak_kb", next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
_BARE = 'task = EmptyOperator(task_id="task")'
_CHECK = """
    from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
    task = ConnectivityCheckOperator(
        task_id="task", targets={targets!r}, ca_files=[{ca!r}], expect="any", fail_on="never"
    )
"""
_IMPORT = """
import airflow.sdk, time
started = time.perf_counter()
import airflow_provider_netconn.operators.connectivity_check
import airflow_provider_netconn.sensors.dns
import airflow_provider_netconn.sensors.reachability
print("ms", (time.perf_counter() - started) * 1000)
"""


def memory(folder: Path, runs: int) -> None:
    """Print the peak memory of a task with the check operator over that of one with an operator that does nothing."""
    bare = _median(partial(_run, _TASK.format(task=_BARE)), runs)
    print(f"\nmemory: peak of a task that does nothing {bare / 1024:.1f} MB; over it, a check of")
    for count in MEMORY_TARGETS:
        targets = [f"https://t{number}.{ZONE}:{TLS_PORT}/" for number in range(count)]
        check = _TASK.format(task=_CHECK.format(targets=targets, ca=str(folder / "ca.pem")).strip())
        over = (_median(partial(_run, check), runs) - bare) / 1024
        print(f"  {count:5} HTTPS targets: {over:6.1f} MB ({_goal(over, MEMORY_GOAL_MB, 'MB')})", flush=True)


def imports(runs: int) -> None:
    """Print what importing every operator and sensor takes over ``airflow.sdk``."""
    milliseconds = _median(partial(_run, _IMPORT), max(runs, 7))
    print(f"\nimport of every operator and sensor over airflow.sdk: {milliseconds:.0f} ms "
          f"({_goal(milliseconds, IMPORT_GOAL_MS, 'ms')})")  # fmt: skip


def _goal(value: float, goal: float, unit: str) -> str:
    return f"goal {goal} {unit}: {'met' if value <= goal else 'not met'}"


def _median(measure: Callable[[], Any], runs: int) -> float:
    return median(float(measure()) for _ in range(runs))


def _run(script: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout.split()[-1]
