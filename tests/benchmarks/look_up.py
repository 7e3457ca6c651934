"""What a look-up of a connection through ``PrivateLinkSecretsBackend`` costs over the backend that it wraps.

Each figure is one process's: ``python -m tests.benchmarks.look_up`` prints them as JSON. Time of the processor stands
beside time on the clock, which others on the machine lengthen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
GOALS_MS = {"warm": 0.2, "cold": 20.0}
WORDS = {"warm": "a look-up", "cold": "the first one of a process"}
CLOCKS = {"clock": time.perf_counter, "processor": time.process_time}
TIMES = 2000


def figures() -> dict[str, dict[str, float]]:
    """Milliseconds of a look-up by each clock, over the wrapped backend's: the first of this process, one of many."""
    from airflow.secrets.environment_variables import EnvironmentVariablesBackend

    from airflow_provider_netconn.secrets import chain
    from airflow_provider_netconn.secrets.private_link import PrivateLinkSecretsBackend

    wrapped = EnvironmentVariablesBackend()
    chain.others = lambda own: (wrapped,)  # type: ignore[assignment] # nobody else has been loaded here
    backend = PrivateLinkSecretsBackend(names="privatelink")
    wrapped.get_connection("orders")  # what that one costs in a cold process is not ours
    cold, ours, theirs = _cost(backend, 1), _cost(backend, TIMES), _cost(wrapped, TIMES)
    assert backend.get_connection("orders").host == "orders.privatelink.postgres.database.azure.com"
    return {"cold": cold, "warm": {clock: ours[clock] - theirs[clock] for clock in CLOCKS}}


def _cost(backend: object, times: int) -> dict[str, float]:
    """Milliseconds of one of so many look-ups, by each clock."""
    began = {clock: read() for clock, read in CLOCKS.items()}
    for _ in range(times):
        backend.get_connection("orders")  # type: ignore[attr-defined]
    return {clock: (read() - began[clock]) / times * 1000 for clock, read in CLOCKS.items()}


def look_ups(runs: int) -> None:
    """Print the medians of several processes, and the least."""
    fields = {"conn_type": "postgres", "host": "orders.postgres.database.azure.com", "password": "x"}
    environment = {**os.environ, "AIRFLOW_CONN_ORDERS": json.dumps(fields), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="netconn-look-up-") as folder:
        # A package is installed with its bytecode: the first process writes it, and does not count.
        environment |= {"PYTHONPYCACHEPREFIX": folder, "AIRFLOW_HOME": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        _, *seen = [_in_a_process(environment) for _ in range(1 + max(runs, 5))]
    print("\na connection through the secrets backend, over the wrapped backend; median (least) in ms:")
    for name, words in WORDS.items():
        costs = {clock: [one[name][clock] for one in seen] for clock in CLOCKS}
        told = ", ".join(f"{median(cost):.3f} ({min(cost):.3f}) by the {clock}" for clock, cost in costs.items())
        met = "met" if median(costs["clock"]) <= GOALS_MS[name] else "not met"
        print(f"  {words:28} {told}; goal {GOALS_MS[name]:g} by the clock: {met}")


def _in_a_process(environment: dict[str, str]) -> dict[str, dict[str, float]]:
    command = [sys.executable, "-m", "tests.benchmarks.look_up"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(ran.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    print(json.dumps(figures()))
