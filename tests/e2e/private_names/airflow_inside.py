"""A real Airflow inside the lab: runs the example DAG once and tells what became of it, as JSON.

Arguments: a folder for its state, the folder of the DAG, and its environment as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from testbed.airflow import Airflow

DAG = "private_link_names"
TASKS = {"read_blob", "query_database"}
START_LIMIT_S, RUN_LIMIT_S = 90, 60


def main(home: str, dags_folder: str, environment: str) -> dict[str, Any]:
    with Airflow(
        Path(home), dags_folder=Path(dags_folder), environment=json.loads(environment), start_limit_s=START_LIMIT_S
    ) as airflow:
        client = airflow.client
        client.wait_for_dag(DAG)
        client.unpause(DAG)
        run = client.trigger(DAG)
        client.wait(DAG, run, RUN_LIMIT_S)
        states = {one["task_id"]: one["state"] for one in client.task_instances(DAG, run)}
        logs = {task: client.log(DAG, run, task) for task in TASKS}
        said = {task: client.xcom(DAG, run, task) for task in TASKS if states[task] == "success"}
        return {"states": states, "logs": logs, "returned": said, "all_logs": airflow.log_tails(400)}


if __name__ == "__main__":
    result = main(*sys.argv[1:])
    print(json.dumps(result))
