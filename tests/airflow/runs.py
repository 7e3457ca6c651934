"""Runs of DAGs in a real Airflow, as tests look at them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import httpx

from testbed.airflow_client import AirflowClient

RUN_LIMIT_S = 240


@dataclass
class Run:
    """One run of a DAG."""

    client: AirflowClient
    dag_id: str
    run_id: str

    def state(self):
        return self.client.wait(self.dag_id, self.run_id, RUN_LIMIT_S)

    def facts(self, task_id):
        return self.client.xcom(self.dag_id, self.run_id, task_id)

    def log(self, task_id, try_number=1):
        return self.client.log(self.dag_id, self.run_id, task_id, try_number)

    def logs(self):
        """Of all tasks that ran, for a failure's message."""
        tasks = [one["task_id"] for one in self.client.task_instances(self.dag_id, self.run_id)]
        found = []
        for task_id in tasks:
            with contextlib.suppress(httpx.HTTPError):
                found.append(f"--- {task_id} ---\n{self.log(task_id)[-3000:]}")
        return "\n".join(found)

    def wait_until_deferred(self, task_id):
        """Wait until a task is in the triggerer."""
        end = time.monotonic() + RUN_LIMIT_S
        while time.monotonic() < end:
            states = {one["task_id"]: one["state"] for one in self.client.task_instances(self.dag_id, self.run_id)}
            if states.get(task_id) == "deferred":
                return
            assert states.get(task_id) not in {"failed", "success"}, self.logs()
            time.sleep(0.5)
        raise AssertionError(f"{task_id} was never deferred: {states}\n{self.logs()}")
