"""Both sensors end when a DNS answer or a port changes under them, in each mode, in a real Airflow."""

from __future__ import annotations

import contextlib
import time

import pytest

from testbed.endpoints import ClosedPort, GreetingServer

pytestmark = pytest.mark.timeout(300)

MODES = ("poke", "reschedule", "deferrable")
PRIVATE, PUBLIC = "127.10.0.99", "127.200.0.99"
PATIENCE_S = 90


@pytest.fixture(scope="module")
def waits(airflow, landscape):
    """One run a mode, all at once: each looks at least once in vain, then DNS and port change under it."""
    client = airflow.client
    runs, hosts = {}, {mode: f"{mode}.blob.core.windows.net" for mode in MODES}
    with contextlib.ExitStack() as servers:
        closed = {mode: servers.enter_context(ClosedPort()) for mode in MODES}
        for mode, host in hosts.items():
            landscape.dns.set(host, PUBLIC, ttl=1)
            client.wait_for_dag(f"wait_{mode}")
            client.unpause(f"wait_{mode}")
            conf = {"host": host, "nameserver": landscape.dns.nameserver, "port": closed[mode].port}
            runs[mode] = client.trigger(f"wait_{mode}", conf)
        for mode in MODES:
            for task in ("dns", "port"):
                wait_for_log(client, f"wait_{mode}", runs[mode], task, "Waiting since")
        for mode, host in hosts.items():
            landscape.dns.set(host, PRIVATE, ttl=1)
            closed[mode].stop()
            servers.enter_context(GreetingServer(port=closed[mode].port))
        states = {mode: client.wait(f"wait_{mode}", runs[mode], PATIENCE_S) for mode in MODES}
    for host in hosts.values():
        landscape.dns.remove(host)
    return runs, states


def wait_for_log(client, dag_id, run_id, task_id, text):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, client_errors()):
            if text in client.log(dag_id, run_id, task_id):
                return
        time.sleep(0.5)
    raise AssertionError(f"{dag_id}.{task_id} never logged {text!r}: {client.log(dag_id, run_id, task_id)[-3000:]}")


def client_errors():
    import httpx

    return httpx.HTTPError


@pytest.mark.parametrize("mode", MODES)
def test_dns_changes_under_it(airflow, waits, mode):
    runs, states = waits
    log = airflow.client.log(f"wait_{mode}", runs[mode], "dns")
    assert states[mode] == "success", log
    seen = airflow.client.xcom(f"wait_{mode}", runs[mode], "dns")
    assert seen["addresses"] == [PRIVATE]
    assert seen["verdicts"][0]["path"] == "PRIVATE"
    assert seen["vantage"]["process"] == ("triggerer" if mode == "deferrable" else "worker")
    assert PUBLIC in log
    assert "The wait ends with: " in log


@pytest.mark.parametrize("mode", MODES)
def test_a_port_opens_under_it(airflow, waits, mode):
    runs, states = waits
    log = airflow.client.log(f"wait_{mode}", runs[mode], "port")
    assert states[mode] == "success", log
    seen = airflow.client.xcom(f"wait_{mode}", runs[mode], "port")
    assert seen["verdicts"][0]["outcome"] == "OK"
    assert "CONNECTION_REFUSED" in log
    assert "or the timeout in" in log


@pytest.mark.parametrize("mode", MODES)
def test_a_timeout_fails_or_skips_and_says_why(airflow, mode):
    dag_id = f"timeout_{mode}"
    with ClosedPort() as closed:
        airflow.client.wait_for_dag(dag_id)
        airflow.client.unpause(dag_id)
        run_id = airflow.client.trigger(dag_id, {"port": closed.port})
        airflow.client.wait(dag_id, run_id, PATIENCE_S)
    states = {task["task_id"]: task["state"] for task in airflow.client.task_instances(dag_id, run_id)}
    assert states == {"fails": "failed", "skips": "skipped"}
    for task in states:
        log = airflow.client.log(dag_id, run_id, task)
        assert "timed out" in log
        assert "CONNECTION_REFUSED" in log.partition("Last seen")[2]
    assert "AirflowSensorTimeout" in airflow.client.log(dag_id, run_id, "fails")
