"""The sensors end when DNS or a port changes under them, in each mode, and say at a timeout what they last saw."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, TaskDeferred
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_netconn.errors import InvalidInputError, InvalidTargetError, NetconnError
from airflow_provider_netconn.sensors.base import VerdictSensor
from airflow_provider_netconn.sensors.dns import PrivateDnsResolutionSensor
from airflow_provider_netconn.sensors.reachability import ReachabilitySensor
from testbed.endpoints import HttpServer

NAME = "orders.blob.core.windows.net"
LOOPBACK = "127.0.0.0/8"


@pytest.fixture
def private_dns(dns):
    """Makes a sensor for NAME that asks the test's nameserver."""

    def make(**arguments):
        arguments = {"poke_interval": 0.05, "timeout": 30, "nameserver": dns.nameserver} | arguments
        return PrivateDnsResolutionSensor(task_id="wait", host=NAME, **arguments)

    return make


async def run_deferred(sensor, context):
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context)
    classpath, arguments = deferred.value.trigger.serialize()
    assert classpath == "airflow_provider_netconn.triggers.check.VerdictTrigger"
    assert deferred.value.timeout.total_seconds() > sensor.timeout
    trigger = type(deferred.value.trigger)(**json.loads(json.dumps(arguments)))
    (event,) = [event async for event in trigger.run()]
    return sensor.resume_execution(deferred.value.method_name, {"event": event.payload}, context)


def change_soon(change) -> threading.Timer:
    timer = threading.Timer(0.6, change)
    timer.start()
    return timer


def test_dns_poke_ends_when_the_answer_becomes_private(private_dns, dns, context, task_log):
    dns.set(NAME, "20.60.1.2")
    timer = change_soon(lambda: dns.set(NAME, "10.20.0.4"))
    seen = private_dns().execute(context)
    timer.join()
    assert seen["addresses"] == ["10.20.0.4"]
    assert seen["verdicts"][0]["path"] == "PRIVATE"
    assert json.loads(json.dumps(seen)) == seen
    assert "20.60.1.2" in task_log()
    assert f"{NAME} resolving to addresses in 10.0.0.0/8" in task_log()


async def test_dns_deferred_ends_when_the_answer_becomes_private(private_dns, dns, context):
    dns.set(NAME, "20.60.1.2")
    timer = change_soon(lambda: dns.set(NAME, "10.20.0.4"))
    seen = await run_deferred(private_dns(deferrable=True), context)
    timer.join()
    assert seen["addresses"] == ["10.20.0.4"]
    assert seen["vantage"]["process"] == "triggerer"


@pytest.mark.parametrize(
    ("arguments", "addresses", "done"),
    [
        ({}, ["10.20.0.4"], True),
        ({}, ["10.20.0.4", "20.60.1.2"], False),
        ({}, [], False),
        ({"expect_networks": "10.20.0.0/24"}, ["10.20.0.4"], True),
        ({"expect_networks": ["10.30.0.0/24"]}, ["10.20.0.4"], False),
        ({"expect_networks": '["127.0.0.0/8"]'}, ["127.0.0.4"], True),
        ({"addresses": "10.20.0.4"}, ["10.20.0.4"], True),
        ({"addresses": ["10.20.0.4"]}, ["10.20.0.5"], False),
        ({"addresses": ["10.20.0.4"]}, ["10.20.0.4", "10.20.0.5"], False),
        ({"addresses": ["10.20.0.4", "10.20.0.5"]}, ["10.20.0.4"], False),
    ],
)
def test_which_answers_end_the_wait(private_dns, dns, context, arguments, addresses, done):
    dns.set(NAME, *addresses)
    assert bool(private_dns(**arguments).poke(context)) is done


def test_a_port_that_nobody_listens_on_does_not_keep_dns_waiting(private_dns, dns, context):
    dns.set(NAME, "127.0.0.77")
    assert private_dns(expect_networks=LOOPBACK).poke(context)


def test_reachability_poke_ends_when_the_port_opens(closed, context, task_log):
    address = f"{closed.host}:{closed.port}"
    port = closed.port
    closed.stop()
    late = HttpServer(port=port)
    timer = change_soon(late.start)
    sensor = ReachabilitySensor(task_id="wait", target=address, poke_interval=0.05, timeout=30)
    try:
        seen = sensor.execute(context)
    finally:
        timer.join()
        late.stop()
    assert seen["verdicts"][0]["outcome"] == "OK"
    assert "CONNECTION_REFUSED" in task_log()
    assert "answering" in task_log()


@pytest.mark.parametrize(
    "form",
    [
        lambda web: {"target": f"http://{web.host}:{web.port}/"},
        lambda web: {"target": {"host": web.host, "port": web.port, "protocol": "http"}},
        lambda web: {"host": web.host, "port": str(web.port), "protocol": "http"},
        lambda web: {"host": web.host, "port": web.port, "protocol": "None", "target": ""},
        lambda web: {"conn_id": "web"},
    ],
)
def test_a_target_in_each_form(web, connection, context, form):
    connection("web", conn_type="http", host=web.host, port=web.port)
    assert ReachabilitySensor(task_id="wait", **form(web)).poke(context)


def test_the_path_counts_where_one_is_expected(web, context):
    address = f"{web.host}:{web.port}"
    private = ReachabilitySensor(task_id="wait", target=address, expect="private", expect_networks="10.0.0.0/8")
    assert not private.poke(context)
    assert ReachabilitySensor(task_id="wait", target=address, expect="private", expect_networks=LOOPBACK).poke(context)


@pytest.mark.parametrize("form", [{}, {"target": "h:1", "host": "h"}, {"host": "", "conn_id": None}])
def test_not_exactly_one_target_is_bad_input(context, form):
    with pytest.raises(InvalidTargetError, match="target, host, conn_id"):
        ReachabilitySensor(task_id="wait", **form).execute(context)


@pytest.mark.parametrize(
    "arguments", [{"expect_networks": "10.0.0.1/8"}, {"addresses": "ten"}, {"nameserver": "dns.example"}]
)
@pytest.mark.parametrize("deferrable", [False, True])
def test_bad_input_fails_at_once_and_is_named(private_dns, context, arguments, deferrable):
    with pytest.raises(InvalidInputError, match=next(iter(arguments))):
        private_dns(**arguments, deferrable=deferrable).execute(context)


@pytest.mark.parametrize(
    "mode",
    [
        "poke",
        # Airflow 2 looks into its database for the first look; tests/airflow has the real thing.
        *(["reschedule"] if AIRFLOW_V_3_0_PLUS else []),
    ],
)
def test_a_timeout_names_the_cause_and_the_mend(private_dns, dns, context, mode):
    dns.set(NAME, "20.60.1.2")
    with pytest.raises(AirflowSensorTimeout, match=r"20\.60\.1\.2.*To mend it") as caught:
        private_dns(timeout=0, mode=mode).execute(context)
    assert "timed out" in str(caught.value)


async def test_a_deferred_timeout_names_the_cause_and_the_mend(private_dns, dns, context):
    dns.set(NAME, "20.60.1.2")
    with pytest.raises(AirflowSensorTimeout, match=r"20\.60\.1\.2.*To mend it"):
        await run_deferred(private_dns(timeout=0.3, deferrable=True), context)


def test_soft_fail_skips_with_the_reason(private_dns, dns, context, task_log):
    dns.set(NAME, "20.60.1.2")
    with pytest.raises(AirflowSkipException, match=r"20\.60\.1\.2"):
        private_dns(timeout=0, soft_fail=True).execute(context)
    with pytest.raises(AirflowSkipException):
        asyncio.run(run_deferred(private_dns(timeout=0.3, soft_fail=True, deferrable=True), context))
    assert "20.60.1.2" in task_log().partition("timed out")[2]


def test_a_trigger_that_broke_off_is_no_timeout(private_dns, context):
    with pytest.raises(NetconnError, match="broke off"):
        private_dns(soft_fail=True).resume_execution("execute_complete", {"event": {"error": "boom"}}, context)


@pytest.mark.parametrize("sensor", [PrivateDnsResolutionSensor, ReachabilitySensor])
def test_every_argument_of_its_own_may_be_a_template(sensor):
    own = {name for kind in (sensor, VerdictSensor) for name in inspect.signature(kind).parameters} - {"kwargs"}
    assert own == set(sensor.template_fields)
