"""Waiting on Azure: one read an interval however many wait, and nobody fails by a poll that did."""

from __future__ import annotations

import asyncio
import importlib
import json
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_netconn.azure.polling import polled_here, polls_closed, principal_key, read_scope, shared_polls
from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointWatch, Until
from airflow_provider_netconn.azure.session import AzureSession
from airflow_provider_netconn.azure.watching import WATCHES, Scope, watch_of
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.triggers.azure import AzureStateTrigger
from tests.azure.conftest import settings_of

LAKE = "resourceGroups/data/providers/Microsoft.Storage/storageAccounts/contosolake"
VERSION = "2024-05-01"
PATIENCE_S = 30


def endpoints(lab):
    return f"/subscriptions/{lab.subscription_id}/resourceGroups/network/providers/Microsoft.Network/privateEndpoints"


def request_endpoint(lab, name):
    """An endpoint that waits for its owner; gives its id."""
    network = f"/subscriptions/{lab.subscription_id}/resourceGroups/network/providers/Microsoft.Network"
    connection = {
        "privateLinkServiceId": f"/subscriptions/{lab.subscription_id}/{LAKE}",
        "groupIds": ["blob"],
        "requestMessage": "a test",
    }
    body = {
        "location": "westeurope",
        "properties": {
            "subnet": {"id": f"{network}/virtualNetworks/data/subnets/endpoints"},
            "manualPrivateLinkServiceConnections": [{"name": name, "properties": connection}],
        },
    }
    lab.put(f"{endpoints(lab)}/{name}", body, api_version=VERSION)
    return f"{endpoints(lab)}/{name}"


def approve_all(lab, status="Approved"):
    path = f"/subscriptions/{lab.subscription_id}/{LAKE}/privateEndpointConnections"
    for one in lab.get(path, api_version="2023-05-01")["value"]:
        state = {"status": status, "description": "a test"}
        changed = {**one, "properties": {**one["properties"], "privateLinkServiceConnectionState": state}}
        lab.put(one["id"], changed, api_version="2023-05-01")


def scope_of(lab):
    path = f"/subscriptions/{lab.subscription_id}/providers/Microsoft.Network/privateEndpoints"
    return Scope(path=path, api_version=VERSION)


def reads_of(lab):
    return [entry for entry in lab.journal() if entry.method == "GET" and entry.path.endswith("/privateEndpoints")]


def trigger_of(watch, *, patience_s=PATIENCE_S, interval_s=0.3):
    now = datetime.now(UTC)
    given = AzureStateTrigger(
        azure_conn_id="azure_test",
        watch=watch.to_json(),
        poll_interval_s=interval_s,
        since=now.isoformat(),
        deadline=(now + timedelta(seconds=patience_s)).isoformat(),
    )
    _, arguments = given.serialize()
    return AzureStateTrigger(**json.loads(json.dumps(arguments)))


async def only_event(trigger):
    (event,) = [event.payload async for event in trigger.run()]
    assert json.loads(json.dumps(event)) == event
    return event


@pytest.fixture(autouse=True)
async def nothing_is_left():
    """When the last waiter has gone, so have session, pollers and their tasks."""
    yield
    await polls_closed()
    assert polled_here() == ()
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("netconn")] == []


async def test_many_waiters_on_one_list_cost_one_read_an_interval(azure_lab):
    request_endpoint(azure_lab, "one")
    scope, told = scope_of(azure_lab), []

    async def wait():
        async with shared_polls(AzureSession(settings_of(azure_lab)), [scope], 0.4) as polls:
            async for seen in polls:
                told.append(seen[scope])
                if polls._seen[scope] >= 3:
                    return

    await asyncio.gather(*(wait() for _ in range(50)))
    assert len(told) == 150
    assert len(reads_of(azure_lab)) <= 4
    assert all(endpoint.endswith("/privateendpoints/one") for seen in told for endpoint in seen.resources)


async def test_who_comes_later_is_told_at_once_what_was_read_last(azure_lab):
    scope = scope_of(azure_lab)
    async with shared_polls(AzureSession(settings_of(azure_lab)), [scope], 60) as first:
        await anext(aiter(first))
        async with (
            asyncio.timeout(5),
            shared_polls(AzureSession(settings_of(azure_lab)), [scope], 60) as second,
        ):
            await anext(aiter(second))
    assert len(reads_of(azure_lab)) == 1


async def test_other_principals_have_polls_of_their_own(azure_lab):
    settings = settings_of(azure_lab)
    assert principal_key(settings) == principal_key(settings_of(azure_lab, subscription_id="another"))
    assert principal_key(settings) != principal_key(settings_of(azure_lab, "reader"))
    assert settings.client_secret not in principal_key(settings)


async def test_a_poll_that_fails_fails_nobody(azure_lab):
    scope = scope_of(azure_lab)
    azure_lab.fault("server-error:500", path="*/privateEndpoints", times=6)
    async with (
        asyncio.timeout(PATIENCE_S),
        shared_polls(AzureSession(settings_of(azure_lab)), [scope], 0.2) as polls,
    ):
        await anext(aiter(polls))
        assert polls.error is None


async def test_each_waiter_is_told_once_in_its_own_log_why_a_poll_failed(azure_lab, caplog, monkeypatch):
    scope, waiter, told = scope_of(azure_lab), ContextVar("waiter"), []

    def note(record):
        if record.getMessage().startswith("Looking again"):
            told.append(waiter.get())
        return True

    monkeypatch.setattr(caplog.handler, "filters", [note])
    azure_lab.fault("server-error:500", path="*/privateEndpoints", times=14)  # two polls and a part of the third

    async def wait(name):
        waiter.set(name)
        async with shared_polls(AzureSession(settings_of(azure_lab)), [scope], 0.2) as polls:
            await anext(aiter(polls))

    async with asyncio.timeout(3 * PATIENCE_S):
        await asyncio.gather(*(asyncio.create_task(wait(name)) for name in ("one", "other")))
    assert sorted(told) == ["one", "other"]


async def test_what_may_not_be_read_is_not_visible_and_what_is_not_there_is_empty(azure_lab, open_session):
    async with open_session("reader") as azure:
        hub = "resourceGroups/connectivity/providers/Microsoft.Network/virtualHubs/hub"
        for subscription in ("00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000011"):
            scope = Scope(path=f"/subscriptions/{subscription}/{hub}", api_version=VERSION)
            seen = await read_scope(azure, scope)
            assert (seen.resources, bool(seen.not_visible)) == ({}, True), subscription
        missing = Scope(path=f"{endpoints(azure_lab)}/none", api_version=VERSION)
        seen = await read_scope(azure, missing)
        assert (seen.resources, seen.not_visible) == ({}, "")


async def test_the_trigger_tells_of_an_approval_that_comes_while_it_waits(azure_lab, connect):
    connect()
    watch = PrivateEndpointWatch(endpoint_id=request_endpoint(azure_lab, "one"))
    waiting = asyncio.create_task(only_event(trigger_of(watch)))
    await asyncio.sleep(1)
    assert not waiting.done()
    await asyncio.to_thread(approve_all, azure_lab)
    event = await waiting
    assert event["state"]["status"] == "Approved"
    assert "timed_out" not in event


async def test_the_trigger_tells_at_once_that_waiting_is_hopeless(azure_lab, connect):
    connect()
    watch = PrivateEndpointWatch(endpoint_id=request_endpoint(azure_lab, "one"))
    await asyncio.to_thread(approve_all, azure_lab, "Rejected")
    event = await only_event(trigger_of(watch))
    assert event["state"]["status"] == "Rejected"
    assert event["hopeless"]


async def test_what_came_about_just_before_the_deadline_counts(azure_lab, connect):
    connect()
    watch = PrivateEndpointWatch(endpoint_id=request_endpoint(azure_lab, "one"))
    waiting = asyncio.create_task(only_event(trigger_of(watch, patience_s=3, interval_s=60)))
    await asyncio.sleep(1.5)
    await asyncio.to_thread(approve_all, azure_lab)
    event = await waiting
    assert event["state"]["status"] == "Approved"
    assert "timed_out" not in event


async def test_at_the_deadline_the_event_says_what_was_seen_last(azure_lab, connect):
    connect()
    watch = PrivateEndpointWatch(endpoint_id=request_endpoint(azure_lab, "one"))
    event = await only_event(trigger_of(watch, patience_s=1))
    assert event["timed_out"]
    assert "Pending" in event["line"]


async def test_where_nothing_could_be_seen_the_event_says_why(azure_lab, connect):
    connect(password="wrong-CANARY-secret")
    watch = PrivateEndpointWatch(endpoint_id=request_endpoint(azure_lab, "one"))
    event = await only_event(trigger_of(watch, patience_s=2))
    assert "secret" in event["error"]
    assert "CANARY" not in json.dumps(event)


async def test_a_trigger_that_is_cancelled_ends_at_once(azure_lab, connect):
    connect()
    watch = PrivateEndpointWatch(endpoint_id=request_endpoint(azure_lab, "one"), until=Until.APPROVED)
    waiting = asyncio.create_task(only_event(trigger_of(watch)))
    await asyncio.sleep(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("place", WATCHES.values(), ids=WATCHES)
def test_each_kind_of_watch_is_where_the_table_says(place):
    module, _, name = place.partition(":")
    found = getattr(importlib.import_module(module), name)
    assert {"scopes", "awaited", "look", "to_json", "from_json"} <= set(dir(found))


def test_an_unknown_kind_of_watch_is_refused():
    with pytest.raises(InvalidOptionError, match="nothing that can be waited for"):
        watch_of({"kind": "weather"})
