"""Triggers go through JSON and back, yield one event, and end when they are told to."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_netconn import checks
from airflow_provider_netconn.checks import CheckOptions, run_check
from airflow_provider_netconn.evidence import Expectation, Report, Target, from_json, to_json
from airflow_provider_netconn.triggers.check import ConnectivityCheckTrigger, VerdictTrigger, earliest_resume, report_of
from testbed.endpoints import CertificateAuthority, HttpServer, SilentServer


def arguments(server, protocol="plain", **options):
    target = Target(host=server.host, port=server.port, protocol=protocol, expect=Expectation.ANY)
    return {"targets": [to_json(target)], "options": to_json(CheckOptions(**({"retries": 0} | options)))}


def round_trip(trigger):
    classpath, kwargs = trigger.serialize()
    assert classpath == f"airflow_provider_netconn.triggers.check.{type(trigger).__name__}"
    again = type(trigger)(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == (classpath, kwargs)
    return again


@pytest.fixture
def silent():
    with SilentServer() as server:
        yield server


@pytest.fixture
def tls_web():
    with HttpServer(tls=CertificateAuthority().issue("web.example.net").server_context()) as server:
        yield server


async def only_event(trigger):
    events = [event.payload async for event in trigger.run()]
    assert len(events) == 1
    assert json.loads(json.dumps(events[0])) == events[0]
    return events[0]


async def test_a_check_yields_its_report(web):
    trigger = ConnectivityCheckTrigger(**arguments(web), task_queue="private", broken_connections=("x: none",))
    event = await only_event(round_trip(trigger))
    report = from_json(Report, event["report"])
    assert report.verdicts[0].as_expected
    assert (report.vantage.process, report.vantage.queue) == ("triggerer", "private")
    assert event["broken_connections"] == ["x: none"]
    assert report_of(event) == report


async def test_what_breaks_becomes_an_event_with_the_reason(web):
    trigger = ConnectivityCheckTrigger(targets=[{"host": "no port"}], options={})
    assert "port" in (await only_event(trigger))["error"]
    trigger = ConnectivityCheckTrigger(**arguments(web, ca_files=("/nowhere/ca.pem",)))
    assert "/nowhere/ca.pem" in (await only_event(trigger))["error"]


async def test_a_wait_ends_when_the_port_opens(closed, web, dns):
    dns.set("late.example.net", "127.0.0.1")
    target = Target(host="late.example.net", port=web.port, expect_networks=("127.0.0.0/8",))
    options = CheckOptions(nameserver=dns.nameserver, retries=0)
    dns.remove("late.example.net")
    trigger = VerdictTrigger(targets=[to_json(target)], options=to_json(options), poll_interval_s=0.05)
    waiting = asyncio.create_task(only_event(round_trip(trigger)))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    dns.set("late.example.net", "127.0.0.1")
    event = await asyncio.wait_for(waiting, 10)
    assert event["timed_out"] is False
    assert report_of(event).verdicts[0].as_expected


async def test_a_wait_gives_up_at_its_deadline_with_the_last_verdict(closed):
    deadline = datetime.now(UTC) + timedelta(seconds=0.6)
    trigger = VerdictTrigger(**arguments(closed), poll_interval_s=60, deadline=deadline.isoformat())
    event = await asyncio.wait_for(only_event(round_trip(trigger)), 10)
    assert event["timed_out"] is True
    assert report_of(event).verdicts[0].cause == "CONNECTION_REFUSED"
    assert datetime.now(UTC) >= deadline


async def test_a_deadline_that_has_passed_allows_one_look(web):
    trigger = VerdictTrigger(**arguments(web), deadline="2020-01-01T00:00:00+00:00")
    assert (await only_event(trigger))["timed_out"] is False


async def test_no_event_is_sent_before_the_task_may_be_resumed(web):
    moment = datetime.now(UTC) + timedelta(seconds=1)
    await only_event(round_trip(ConnectivityCheckTrigger(**arguments(web), not_before=moment.isoformat())))
    assert datetime.now(UTC) >= moment


def test_a_task_is_resumed_only_when_airflow_has_seen_the_end_of_its_first_process(monkeypatch):
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "7")
    assert datetime.fromisoformat(earliest_resume()) > datetime.now(UTC) + timedelta(seconds=7 + 2.5)
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "0")
    assert datetime.fromisoformat(earliest_resume()) <= datetime.now(UTC)


async def test_a_wait_can_be_cancelled_while_it_sleeps(closed):
    trigger = VerdictTrigger(**arguments(closed), poll_interval_s=600)
    waiting = asyncio.create_task(only_event(trigger))
    await asyncio.sleep(0.5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 2)


async def test_a_check_can_be_cancelled_and_leaves_no_connection_and_no_thread(silent):
    trigger = ConnectivityCheckTrigger(**arguments(silent, protocol="http"))
    checking = asyncio.create_task(only_event(trigger))
    while not silent.accepted:  # noqa: ASYNC110 - the server counts in a thread of its own
        await asyncio.sleep(0.01)
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(checking, 4)
    for thread in threading.enumerate():
        if thread.name == "netconn-check":
            thread.join(1)
            assert not thread.is_alive()


async def test_a_check_runs_beside_the_loop_of_all_triggers(tls_web, monkeypatch):
    """TLS handshakes of hundreds of targets would hold a loop up; the triggerer's own must stay free for the others."""
    threads = set()

    async def watched(*args, **kwargs):
        threads.add(threading.get_ident())
        return await run_check(*args, **kwargs)

    monkeypatch.setattr(checks, "run_check", watched)
    await only_event(ConnectivityCheckTrigger(**arguments(tls_web, protocol="https")))
    assert threads
    assert threading.get_ident() not in threads
