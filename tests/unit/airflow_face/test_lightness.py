"""What Airflow imports of this provider in every process stays light, and is what Airflow takes."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

import airflow_provider_netconn
from airflow_provider_netconn.provider_info import get_provider_info

PACKAGE = Path(airflow_provider_netconn.__file__).parent
FACE = [
    f"{PACKAGE.name}.{path.relative_to(PACKAGE).with_suffix('').as_posix().replace('/', '.')}"
    for room in ("operators", "sensors", "triggers", "hooks", "dag_factory.py")
    for path in sorted((PACKAGE / room).rglob("*.py") if not room.endswith(".py") else [PACKAGE / room])
    if path.name != "__init__.py"
]
HEAVY = ("azure", "aiohttp", "dns", "cryptography", "jinja2_not_ours", "rich_not_ours")


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print('\\n' + json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", FACE)
def test_importing_it_imports_no_sdk_no_aiohttp_and_no_dnspython(module):
    # What Airflow itself imports, with this provider or without, is not ours to answer for.
    base = modules_after(
        "import airflow.providers.common.compat.sdk as sdk, airflow.triggers.base; sdk.BaseSensorOperator"
    )
    added = modules_after(f"import {module}") - base
    assert not {name for name in added if name.partition(".")[0] in {"azure", "aiohttp", "dns", "cryptography"}}
    probing = (
        f"{PACKAGE.name}.{room}" for room in ("probing", "checks", "diagnosis", "report", "azure", "connections")
    )
    assert not added.intersection(probing)


@pytest.mark.parametrize("module", FACE)
def test_nothing_of_azure_aiohttp_or_dnspython_is_there_at_all(module):
    assert not {
        name for name in modules_after(f"import {module}") if name.partition(".")[0] in {"azure", "aiohttp", "dns"}
    }


def test_the_provider_info_imports_nothing_of_airflow():
    added = modules_after("import airflow_provider_netconn.provider_info")
    assert not {name for name in added if name.partition(".")[0] == "airflow"}


def test_the_provider_info_is_what_airflow_takes():
    import airflow
    from jsonschema import validate

    info = get_provider_info()
    for name in ("provider_info.schema.json", "provider.yaml.schema.json"):
        schema = Path(airflow.__path__[0]) / name
        if schema.exists() and name.startswith("provider_info"):
            validate(info, json.loads(schema.read_text()))
    distribution = importlib.metadata.distribution(info["package-name"])
    assert info["versions"] == [distribution.version]
    (entry,) = distribution.entry_points.select(group="apache_airflow_provider")
    assert entry.load() is get_provider_info


def test_every_operator_and_sensor_is_covered():
    found = {
        f"{value.__module__}"
        for name in FACE
        for value in vars(__import__(name, fromlist=["x"])).values()
        if isinstance(value, type) and issubclass(value, BaseOperator) and value.__module__.startswith(PACKAGE.name)
    }
    assert {
        f"{PACKAGE.name}.{name}" for name in ("operators.connectivity_check", "sensors.dns", "sensors.reachability")
    } <= found
