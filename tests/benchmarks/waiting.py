"""Many private endpoints waiting in one triggerer: what it asks of Azure, what it notices when, and what it costs."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).resolve().parents[2]
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers"
STORE = f"{GROUP}/Microsoft.Storage/storageAccounts/waitedstore"
INTERVAL_S = 5.0
GOALS = {"late_s": INTERVAL_S + 1, "held_s": 0.1, "memory_mb": 100}
_LIMIT_S = 120
_LAB = (sys.executable, "-m", "airflow_provider_netconn.cli", "lab")


@dataclass(frozen=True, kw_only=True)
class Waited:
    """What one run has shown.

    :param reads_a_minute: of the list of endpoints
    :param late_s: the longest time from an approval to its event, in seconds
    :param held_s: the longest time for which the loop was held, in seconds
    :param memory_mb: over an idle triggerer
    """

    many: int
    reads_a_minute: float
    late_s: float
    held_s: float
    memory_mb: float


def seed(many: int) -> dict[str, Any]:
    """A landscape of endpoints that ask one storage account's owner."""
    connection = {"privateLinkServiceId": "ref:storage_accounts/waitedstore", "groupIds": ["blob"]}
    return {
        "tenants": [{"name": "t", "id": "00000000-0000-4000-8000-0000000000aa", "domain": "contoso.onmicrosoft.com"}],
        "subscriptions": [{"name": "s", "id": SUBSCRIPTION, "tenant": "t"}],
        "principals": [
            {
                "name": "owner",
                "object_id": "00000000-0000-4000-8000-0000000000b2",
                "app_id": "00000000-0000-4000-8000-0000000000c2",
            }
        ],
        "groups": [{"name": "g", "subscription": "s", "location": "westeurope"}],
        "roles": [{"principal": "owner", "role": "Owner", "scope": "ref:subscriptions/s"}],
        "networks": [
            {
                "name": "net",
                "group": "g",
                "properties": {
                    "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
                    "subnets": [{"name": "endpoints", "properties": {"addressPrefix": "10.1.0.0/17"}}],
                },
            }
        ],
        "storage_accounts": [
            {
                "name": "waitedstore",
                "group": "g",
                "kind": "StorageV2",
                "sku": {"name": "Standard_LRS"},
                "properties": {},
            }
        ],
        "private_endpoints": [
            {
                "name": f"e{number}",
                "group": "g",
                "properties": {
                    "subnet": {"id": "ref:networks/net/subnets/endpoints"},
                    "manualPrivateLinkServiceConnections": [{"name": f"e{number}", "properties": connection}],
                },
            }
            for number in range(many)
        ],
    }


@contextmanager
def lab_with(folder: Path, many: int) -> Iterator[dict[str, Any]]:
    """A lab of so many waiting endpoints; gives its state."""
    folder.mkdir(parents=True)
    state, landscape = folder / "lab.json", folder / "seed.yaml"
    landscape.write_text(yaml.safe_dump(seed(many)))
    words = ["up", "--state", str(state), "--seed", str(landscape), "--speed", "instant", "--detach"]
    subprocess.run([*_LAB, *words], check=True, capture_output=True, env={**os.environ, "NETCONN_LAB_AZURITE": "none"})
    try:
        yield json.loads(state.read_text())
    finally:
        subprocess.run([*_LAB, "down", "--state", str(state)], check=False, capture_output=True)


def wait_for(folder: Path, many: int, *, rounds: int = 2) -> Waited:
    """Have so many triggers wait, approve some endpoints, and see when that is noticed."""
    with lab_with(folder / f"lab-{many}", many) as lab, _http(lab) as http, _runner(lab) as runner:
        idle_mb = _next(runner, "idle")["memory_mb"]
        for number in range(many):
            _send(runner, json.dumps(_arguments(number)))
        time.sleep(2 * INTERVAL_S + many / 100)
        _send(runner, "reset")
        connections = _connections(lab, http)
        began, before = time.monotonic(), _reads(lab, http)
        late = []
        for number in range(rounds):
            _approve(lab, http, connections, f"e{number}")
            approved = time.monotonic()
            seen = _next(runner, "event")
            assert seen["event"]["state"]["status"] == "Approved", seen
            late.append(seen["at"] - approved)
        time.sleep(max(0.0, began + 4 * INTERVAL_S - time.monotonic()))  # too short a time tells no rate
        minutes, reads = (time.monotonic() - began) / 60, _reads(lab, http) - before
        _send(runner, "end")
        end = _next(runner, "end")
    return Waited(
        many=many, reads_a_minute=reads / minutes, late_s=max(late),
        held_s=end["held_s"], memory_mb=end["memory_mb"] - idle_mb,
    )  # fmt: skip


def waiting(folder: Path, many: int) -> bool:
    """Print figures for a few and for many; gives whether the goals are met."""
    print(f"\nWaiting for private endpoints in one triggerer, an interval of {INTERVAL_S:g} s")
    runs = [wait_for(folder, count, rounds=6) for count in (10, many)]
    for run in runs:
        print(
            f"  {run.many:5} waiting: {run.reads_a_minute:5.1f} reads of the list a minute; an approval noticed after "
            f"{run.late_s:.1f} s at most (goal {GOALS['late_s']:g}); loop held for {run.held_s * 1000:.0f} ms at most "
            f"(goal {GOALS['held_s'] * 1000:g}); {run.memory_mb:.0f} MB over an idle triggerer "
            f"(goal {GOALS['memory_mb']})"
        )
    few, most = runs
    return (
        most.reads_a_minute <= few.reads_a_minute * 1.5
        and most.late_s <= GOALS["late_s"]
        and most.held_s <= GOALS["held_s"]
        and most.memory_mb <= GOALS["memory_mb"]
    )


def _arguments(number: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    endpoint = f"{GROUP}/Microsoft.Network/privateEndpoints/e{number}"
    return {
        "azure_conn_id": "azure_waiting",
        "watch": {"kind": "private_endpoint", "endpoint_id": endpoint},
        "poll_interval_s": INTERVAL_S,
        "since": now.isoformat(),
        "deadline": (now + timedelta(hours=1)).isoformat(),
    }


@contextmanager
def _runner(lab: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    (owner,) = lab["principals"]
    extra = {"tenantId": owner["tenant_id"], "subscriptionId": SUBSCRIPTION}
    extra |= {name: lab[name] for name in ("arm_url", "authority_url", "ca_file")}
    fields = {"conn_type": "azure_network", "login": owner["app_id"], "password": owner["client_secret"]}
    environment = {**os.environ, "AIRFLOW_CONN_AZURE_WAITING": json.dumps({**fields, "extra": extra})}
    environment |= {"PYTHONPATH": str(ROOT), "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "tests.benchmarks.waiting_runner"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        try:
            yield runner
        finally:
            runner.kill()


def _send(runner: subprocess.Popen[str], line: str) -> None:
    assert runner.stdin is not None
    runner.stdin.write(f"{line}\n")
    runner.stdin.flush()


def _next(runner: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    assert runner.stdout is not None
    for line in runner.stdout:
        if line.startswith("{"):
            told: dict[str, Any] = json.loads(line)
            if told["kind"] == kind:
                return told
            if told["kind"] in {"failed", "event"}:
                raise AssertionError(line)
    raise AssertionError(f"the runner has ended without {kind}")


@contextmanager
def _http(lab: dict[str, Any]) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=lab["ca_file"])
    with httpx.Client(verify=trust, trust_env=False, timeout=_LIMIT_S) as client:
        yield client


def _connections(lab: dict[str, Any], http: httpx.Client) -> list[dict[str, Any]]:
    return list(_arm(lab, http, "GET", f"{STORE}/privateEndpointConnections")["value"])


def _approve(lab: dict[str, Any], http: httpx.Client, connections: list[dict[str, Any]], name: str) -> None:
    found = next(one for one in connections if one["properties"]["privateEndpoint"]["id"].lower().endswith(f"/{name}"))
    state = {"status": "Approved", "description": "welcome"}
    changed = {**found, "properties": {**found["properties"], "privateLinkServiceConnectionState": state}}
    _arm(lab, http, "PUT", found["id"], json=changed)


def _arm(lab: dict[str, Any], http: httpx.Client, method: str, path: str, **more: Any) -> dict[str, Any]:
    answer = http.request(
        method,
        f"{lab['arm_url']}{path}",
        params={"api-version": "2023-05-01"},
        headers={"Authorization": f"Bearer {lab['token']}"},
        **more,
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _reads(lab: dict[str, Any], http: httpx.Client) -> int:
    """How often the list of endpoints was read, each with all its pages."""
    answer = http.get(
        f"{lab['admin_url']}/journal",
        params={"method": "GET", "path": "*/privateEndpoints"},
        headers={"Authorization": f"Bearer {lab['admin_token']}"},
    )
    answer.raise_for_status()
    found = answer.json()
    entries = found["entries"] if isinstance(found, dict) else found
    return sum("skiptoken" not in json.dumps(one).lower() for one in entries)
