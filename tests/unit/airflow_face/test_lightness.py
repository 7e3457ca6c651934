"""What Airflow imports of this provider in every process stays light, and is what Airflow takes."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import subprocess
import sys
from pathlib import Path

import airflow
import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from jsonschema import validate

import airflow_provider_netconn
from airflow_provider_netconn.provider_info import get_provider_info

PACKAGE = Path(airflow_provider_netconn.__file__).parent
ROOMS = ("operators", "sensors", "triggers", "hooks")
MODULES = sorted(
    f"{PACKAGE.name}.{room}.{file.stem}"
    for room in ROOMS
    for file in (PACKAGE / room).glob("*.py")
    if file.stem != "__init__"
)
FACE = [*MODULES, f"{PACKAGE.name}.dag_factory", f"{PACKAGE.name}.telemetry"]
HEAVY = {"azure", "aiohttp", "dns"}


def modules_after(*imported: str) -> set[str]:
    """The modules that a new Python has after these imports."""
    lines = [f"import {name}" for name in imported]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((*lines, "import sys, json", "print('\\n' + json.dumps(list(sys.modules)))"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def imported():
    return modules_after(*FACE)


def test_every_operator_sensor_trigger_and_hook_together_import_no_sdk_no_aiohttp_and_no_dnspython(imported):
    assert set(FACE) <= imported
    assert not {name for name in imported if name.partition(".")[0] in HEAVY}


def test_they_import_none_of_the_rooms_that_work(imported):
    rooms = ("probing", "checks", "diagnosis", "report", "azure", "connections", "privatelink")
    assert not imported.intersection(f"{PACKAGE.name}.{room}" for room in rooms)


def test_the_provider_info_imports_nothing_of_airflow():
    found = modules_after(f"{PACKAGE.name}.provider_info")
    assert not {name for name in found if name.partition(".")[0] == "airflow"}


def test_the_provider_info_is_what_airflow_takes():
    info = get_provider_info()
    (schema,) = (folder for base in airflow.__path__ if (folder := Path(base) / "provider_info.schema.json").exists())
    validate(info, json.loads(schema.read_text()))
    distribution = importlib.metadata.distribution(info["package-name"])
    assert info["versions"] == [distribution.version]
    (entry,) = distribution.entry_points.select(group="apache_airflow_provider")
    assert entry.load() is get_provider_info


def test_every_argument_that_an_operator_documents_is_one_that_it_has():
    kinds = [
        value
        for name in MODULES
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type) and issubclass(value, BaseOperator) and value.__module__ == name
    ]
    assert len(kinds) >= 4
    for kind in kinds:
        documented = {
            line.split()[1].rstrip(":") for line in kind.__doc__.splitlines() if line.strip().startswith(":param")
        }
        taken = {name for base in kind.__mro__[:-1] for name in inspect.signature(base).parameters}
        assert documented <= taken, kind
