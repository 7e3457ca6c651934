"""What a look-up of a connection through ``PrivateLinkSecretsBackend`` costs over the backend that it wraps.

Each figure is one process's: ``python -m tests.benchmarks.look_up`` prints one as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
GOALS_MS = {"warm": 0.2, "cold": 20.0}
TIMES = 2000


def figures() -> dict[str, float]:
    """Milliseconds of a look-up: the first of this process, and one of many, each over the wrapped backend's."""
    from airflow.secrets.environment_variables import EnvironmentVariablesBackend

    from airflow_provider_netconn.secrets import chain
    from airflow_provider_netconn.secrets.private_link import PrivateLinkSecretsBackend

    wrapped = EnvironmentVariablesBackend()
    chain.others = lambda own: (wrapped,)  # type: ignore[assignment] # nobody else has been loaded here
    backend = PrivateLinkSecretsBackend(names="privatelink")
    wrapped.get_connection("orders")  # what that one costs in a cold process is not ours
    began = time.perf_counter()
    assert backend.get_connection("orders").host == "orders.privatelink.postgres.database.azure.com"
    cold = time.perf_counter() - began
    return {"cold": cold * 1000, "warm": _each(backend) - _each(wrapped)}


def _each(backend: object) -> float:
    began = time.perf_counter()
    for _ in range(TIMES):
        backend.get_connection("orders")  # type: ignore[attr-defined]
    return (time.perf_counter() - began) / TIMES * 1000


def look_ups(runs: int) -> None:
    """Print the medians of several processes."""
    fields = {"conn_type": "postgres", "host": "orders.postgres.database.azure.com", "password": "x"}
    environment = {**os.environ, "AIRFLOW_CONN_ORDERS": json.dumps(fields), "PYTHONPATH": str(ROOT)}
    seen = [
        json.loads(
            subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.look_up"],
                cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
            ).stdout.splitlines()[-1]
        )
        for _ in range(max(runs, 3))
    ]  # fmt: skip
    print("\na connection through the secrets backend, over the wrapped backend:")
    for name, words in (("warm", "a look-up"), ("cold", "the first one of a process")):
        cost = median(one[name] for one in seen)
        print(
            f"  {words:28} {cost:7.3f} ms (goal {GOALS_MS[name]:g}: {'met' if cost <= GOALS_MS[name] else 'not met'})"
        )


if __name__ == "__main__":
    print(json.dumps(figures()))
