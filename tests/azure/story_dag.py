"""A DAG for each story of ``stories.json`` beside this file; for an Airflow that cannot import the tests."""

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

for story in json.loads(Path(__file__).with_name("stories.json").read_text(encoding="utf-8")):
    with DAG(story["dag_id"], schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC), catchup=False):
        module, _, name = story["operator"].rpartition(".")
        getattr(import_module(module), name)(
            task_id="task", retries=story["retries"], retry_delay=timedelta(seconds=1), **story["arguments"]
        )
