"""What these tests share: a context to execute in, connections of the environment, and servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from testbed.endpoints import ClosedPort, DnsServer, HttpServer


class FakeTaskInstance:
    """Keeps what is pushed to XCom."""

    def __init__(self) -> None:
        self.start_date = datetime.now(UTC)
        self.xcoms = {}

    def xcom_push(self, key, value):
        self.xcoms[key] = json.loads(json.dumps(value))

    def get_first_reschedule_date(self, context):
        return None


@pytest.fixture
def context():
    return {"ti": FakeTaskInstance()}


@pytest.fixture(autouse=True)
def resumed_at_once(monkeypatch):
    """No Airflow runs here that would notice late that a process has ended."""
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "0")


@pytest.fixture
def connection(monkeypatch):
    """Make an Airflow connection of the given fields in the environment; returns its id."""

    def make(conn_id, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        return conn_id

    return make


@pytest.fixture
def web():
    with HttpServer() as server:
        yield server


@pytest.fixture
def closed():
    with ClosedPort() as port:
        yield port


@pytest.fixture
def dns():
    with DnsServer() as server:
        yield server


@pytest.fixture
def task_log(caplog, capsys):
    """What the task has logged so far: Airflow 2 logs through ``logging``, Airflow 3 prints unless a task runs."""
    seen = []

    def text():
        seen.append(capsys.readouterr().out + caplog.text)
        return "".join(seen)

    return text
