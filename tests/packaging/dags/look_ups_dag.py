"""Look up three connections, each kept elsewhere, and note the host of each, or why there is none."""

import os
from datetime import UTC, datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, BaseHook, task

with DAG("look_ups", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):

    @task
    def look_up(conn_id: str) -> None:
        try:
            seen = str(BaseHook.get_connection(conn_id).host)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is to be seen
            seen = f"{type(error).__name__}: {error}"
        (Path(os.environ["NETCONN_SEEN"]) / conn_id).write_text(seen)

    for where in ("wrapped", "environment", "database"):
        look_up.override(task_id=where)(where)
