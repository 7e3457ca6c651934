"""Operators that tests made, written as DAG files for processes that know nothing of the tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

_DAG_FILE = Path(__file__).with_name("story_dag.py")


def arguments_of(operator: BaseOperator) -> dict[str, Any]:
    """What the operator was made with: all of it may be a template."""
    return {name: getattr(operator, name) for name in type(operator).template_fields}


def story_of(dag_id: str, operator: BaseOperator, *, retries: int = 0) -> dict[str, Any]:
    """A DAG of that operator alone, for :func:`write_story_dags`; its task is ``task``."""
    kind = type(operator)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return {"dag_id": dag_id, "operator": name, "arguments": arguments_of(operator), "retries": retries}


def write_story_dags(folder: Path, stories: Iterable[Mapping[str, Any]]) -> Path:
    """Write the DAG file of the stories into a folder of its own; gives the file."""
    folder.mkdir(parents=True)
    (folder / "stories.json").write_text(json.dumps(list(stories)), encoding="utf-8")
    return Path(shutil.copy(_DAG_FILE, folder))
