"""Tasks reach a storage account and a database over the private path, by a resolver that knows public answers alone."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.private_names.blob_by_hook import TEXT
from tests.e2e.private_names.private_lab import (
    BLOB_ADDRESS,
    BLOB_HOST,
    NAMESERVER,
    PASSWORD,
    POSTGRES_ADDRESS,
    POSTGRES_HOST,
)

DAGS = Path(__file__).resolve().parents[3] / "dags"

HOOK = "tests.e2e.private_names.blob_by_hook"


def test_the_providers_own_hook_writes_and_reads_a_blob_where_the_zone_is_linked(lab):
    before = lab.packets("data")
    assert lab.run_module("data", HOOK, **lab.connections) == TEXT
    sent = lab.packets("data")
    assert sent[BLOB_ADDRESS] > before.get(BLOB_ADDRESS, 0)
    assert not [address for address in sent if address.startswith("198.19.")]


BACKEND = "airflow_provider_netconn.secrets.private_link.PrivateLinkSecretsBackend"


@pytest.fixture(scope="module")
def pins(lab, tmp_path_factory):
    """What ``netconn connections pin`` has seen where tasks run."""
    file = tmp_path_factory.mktemp("pins") / "pins.json"
    given = [f"{name}={value}" for name, value in lab.connections.items()]
    command = ["connections", "pin", "wasb_lake", "postgres_orders", "--pins", str(file), "--json"]
    cli = [sys.executable, "-m", "airflow_provider_netconn.cli", *command]
    seen = {one["name"]: one for one in json.loads(lab.run("tasks", "env", *given, *cli).stdout)}
    assert (seen[POSTGRES_HOST]["addresses"], seen[POSTGRES_HOST]["private"]) == ([POSTGRES_ADDRESS], True)
    assert not seen[BLOB_HOST]["private"]
    return file


def run_dag(lab, folder, **environment):
    """One run of the example DAG, unchanged, in a real Airflow where tasks run."""
    dags = folder / "dags"
    dags.mkdir()
    shutil.copy(DAGS / "private_link_names.py", dags)
    given = json.dumps({**lab.connections, **environment})
    return lab.run_module("tasks", "tests.e2e.private_names.airflow_inside", folder / "airflow", dags, given)


@pytest.mark.timeout(300)
def test_with_the_backend_alone_both_hooks_go_the_private_path(lab, pins, tmp_path):
    before, public = lab.packets("tasks"), lab.public_packets("tasks")
    options = {"names": "verified", "pins": str(pins), "private_resolution": {"nameserver": NAMESERVER}}
    seen = run_dag(
        lab,
        tmp_path,
        AIRFLOW__SECRETS__BACKEND=BACKEND,
        AIRFLOW__SECRETS__BACKEND_KWARGS=json.dumps(options),
    )
    assert seen["states"] == {"read_blob": "success", "query_database": "success"}, seen["logs"]
    assert seen["returned"] == {"read_blob": TEXT, "query_database": "keeper"}
    sent = lab.packets("tasks")
    for address in (BLOB_ADDRESS, POSTGRES_ADDRESS):
        assert sent[address] > before.get(address, 0)
    assert lab.public_packets("tasks") == public
    said = json.dumps(seen)
    assert lab.account_key not in said
    assert PASSWORD not in said


@pytest.mark.timeout(300)
def test_without_it_the_same_run_goes_public(lab, pins, tmp_path):
    before = lab.public_packets("tasks")
    run_dag(lab, tmp_path)
    assert lab.public_packets("tasks") > before
