"""A private endpoint's approval, and its end, as events for an asset watcher."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from airflow.providers.common.compat.triggers import BaseEventTrigger

from airflow_provider_netconn.azure import polling
from airflow_provider_netconn.azure.polling import polled_here
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.triggers.azure_events import PrivateEndpointEventTrigger
from tests.azure.endpoints import take_roles
from tests.azure.test_shared_polling import VERSION, approve_all, endpoints, nothing_is_left, reads_of, request_endpoint

__all__ = ["nothing_is_left"]

LIMIT_S = 30
INTERVAL_S = 0.2
ENDPOINT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/one"


def trigger_of(endpoint_id, **arguments):
    """A trigger as the triggerer makes it: from what was written to the database."""
    given = PrivateEndpointEventTrigger(
        endpoint_id=endpoint_id, azure_conn_id="azure_test", poll_interval_s=INTERVAL_S, **arguments
    )
    _, written = given.serialize()
    return PrivateEndpointEventTrigger(**json.loads(json.dumps(written)))


@asynccontextmanager
async def watching(trigger, store=None):
    """The queue of its events, while it runs; it must still run at the end.

    :param store: what the triggerer gives it to keep things in
    """
    queue = asyncio.Queue()
    trigger.asset_state_store = store

    async def run():
        async for event in trigger.run():
            await queue.put(event.payload)

    running = asyncio.create_task(run())
    try:
        yield queue
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def next_of(queue):
    async with asyncio.timeout(LIMIT_S):
        event = await queue.get()
    assert json.loads(json.dumps(event)) == event
    return event


async def further_reads(lab, count=3):
    """So many more reads were made: what was there before them has been seen."""
    wanted = len(reads_of(lab)) + count
    async with asyncio.timeout(LIMIT_S):
        while len(reads_of(lab)) < wanted:  # noqa: ASYNC110 - the lab has no event of it
            await asyncio.sleep(0.1)


async def test_it_tells_of_an_approval_and_of_its_end_and_goes_on(azure_lab, connect):
    connect()
    endpoint = request_endpoint(azure_lab, "one")
    async with watching(trigger_of(endpoint)) as events:
        await further_reads(azure_lab)
        assert events.empty()
        await asyncio.to_thread(approve_all, azure_lab)
        approved = await next_of(events)
        await asyncio.to_thread(approve_all, azure_lab, "Rejected")
        rejected = await next_of(events)
        await further_reads(azure_lab)
        assert events.empty()
    assert (approved["previous_status"], approved["status"]) == ("Pending", "Approved")
    assert (rejected["previous_status"], rejected["status"]) == ("Approved", "Rejected")
    assert approved["endpoint_id"] == endpoint
    assert approved["target_id"].endswith("/storageAccounts/contosolake")
    assert approved["addresses"]


async def test_a_change_that_is_not_about_approved_is_no_event(azure_lab, connect):
    connect()
    async with watching(trigger_of(request_endpoint(azure_lab, "one"))) as events:
        await further_reads(azure_lab)
        await asyncio.to_thread(approve_all, azure_lab, "Rejected")
        await further_reads(azure_lab)
        assert events.empty()


async def test_an_approved_endpoint_that_is_deleted_has_fallen_out_of_approved(azure_lab, connect):
    connect()
    endpoint = request_endpoint(azure_lab, "one")
    approve_all(azure_lab)
    async with watching(trigger_of(endpoint)) as events:
        await further_reads(azure_lab)
        await asyncio.to_thread(azure_lab.delete, endpoint, api_version=VERSION)
        gone = await next_of(events)
    assert (gone["previous_status"], gone["status"]) == ("Approved", "")


async def test_what_is_seen_first_is_an_event_if_asked_for(azure_lab, connect):
    connect()
    endpoint = request_endpoint(azure_lab, "one")
    approve_all(azure_lab)
    async with watching(trigger_of(endpoint, report_first=True)) as events:
        first = await next_of(events)
        await further_reads(azure_lab)
        assert events.empty()
    assert (first["previous_status"], first["status"]) == (None, "Approved")


async def test_an_endpoint_that_is_not_there_yet_is_waited_for(azure_lab, connect):
    connect()
    async with watching(trigger_of(f"{endpoints(azure_lab)}/one")) as events:
        await further_reads(azure_lab)
        await asyncio.to_thread(request_endpoint, azure_lab, "one")
        await asyncio.to_thread(approve_all, azure_lab)
        assert (await next_of(events))["status"] == "Approved"


async def test_polls_that_fail_are_no_event_and_end_nothing(azure_lab, connect, caplog, monkeypatch):
    monkeypatch.setattr(polling, "_READ_LIMIT_S", 1.0)
    connect()
    endpoint = request_endpoint(azure_lab, "one")
    approve_all(azure_lab)
    async with watching(trigger_of(endpoint)) as events:
        await further_reads(azure_lab)
        azure_lab.fault("server-error:500", path="*/privateEndpoints", times=4)
        await further_reads(azure_lab, 6)
        assert "Looking again later" in caplog.text
        assert events.empty()
        await asyncio.to_thread(approve_all, azure_lab, "Rejected")
        assert (await next_of(events))["status"] == "Rejected"


class AssetStateStore:
    """Keeps what triggers have it keep, as the triggerer's does."""

    def __init__(self, broken=False):
        self.kept = {}
        self.broken = broken

    async def aget(self, key):
        await self._go()
        return self.kept.get(key)

    async def aset(self, key, value):
        await self._go()
        self.kept[key] = json.loads(json.dumps(value))

    async def _go(self):
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("the API server is away")


async def test_what_changed_while_no_triggerer_looked_is_an_event_of_the_next_one(azure_lab, connect):
    connect()
    endpoint, store = request_endpoint(azure_lab, "one"), AssetStateStore()
    async with watching(trigger_of(endpoint), store) as events:
        await further_reads(azure_lab)
    await asyncio.to_thread(approve_all, azure_lab)
    async with watching(trigger_of(endpoint, report_first=True), store) as events:
        approved = await next_of(events)
        await further_reads(azure_lab)
    assert (approved["previous_status"], approved["status"]) == ("Pending", "Approved")
    async with watching(trigger_of(endpoint, report_first=True), store) as events:
        await further_reads(azure_lab)
        assert events.empty()


async def test_watchers_of_one_asset_do_not_take_each_others_memory(azure_lab, connect):
    connect()
    store = AssetStateStore()
    one, other = request_endpoint(azure_lab, "one"), f"{endpoints(azure_lab)}/two"
    async with watching(trigger_of(one), store), watching(trigger_of(other), store):
        await further_reads(azure_lab)
    assert sorted(store.kept.values()) == ["", "Pending"]


async def test_it_watches_on_where_nothing_can_be_kept(azure_lab, connect):
    connect()
    endpoint = request_endpoint(azure_lab, "one")
    async with watching(trigger_of(endpoint), AssetStateStore(broken=True)) as events:
        await further_reads(azure_lab)
        await asyncio.to_thread(approve_all, azure_lab)
        assert (await next_of(events))["status"] == "Approved"


async def test_an_endpoint_that_may_not_be_read_any_more_has_not_fallen_out_of_approved(azure_lab, connect):
    connect("reader")
    endpoint = request_endpoint(azure_lab, "one")
    approve_all(azure_lab)
    async with watching(trigger_of(endpoint)) as events:
        await further_reads(azure_lab)
        await asyncio.to_thread(take_roles, azure_lab, "reader")
        await further_reads(azure_lab, 4)
        assert reads_of(azure_lab)[-1].status == 403
        assert events.empty()


async def test_a_connection_that_is_made_later_is_found(azure_lab, connect, monkeypatch):
    endpoint = request_endpoint(azure_lab, "one")
    monkeypatch.delenv("AIRFLOW_CONN_AZURE_TEST", raising=False)
    async with watching(trigger_of(endpoint, report_first=True)) as events:
        await asyncio.sleep(3 * INTERVAL_S)
        assert events.empty()
        connect()
        assert (await next_of(events))["status"] == "Pending"


async def test_the_endpoint_alone_is_read_where_that_is_asked_for(azure_lab, connect):
    connect()
    endpoint = request_endpoint(azure_lab, "one")
    async with watching(trigger_of(endpoint, report_first=True, read_alone=True)) as events:
        assert (await next_of(events))["status"] == "Pending"
    assert reads_of(azure_lab) == []


async def test_many_watchers_share_one_list(azure_lab, connect):
    connect()
    endpoint = request_endpoint(azure_lab, "one")
    async with (
        watching(trigger_of(endpoint, report_first=True)) as one,
        watching(trigger_of(f"{endpoints(azure_lab)}/two", report_first=True)) as other,
    ):
        assert (await next_of(one))["status"] == "Pending"
        assert (await next_of(other))["status"] == ""
        assert len(polled_here()) == 1


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"endpoint_id": "orders"}, "endpoint_id"), ({"endpoint_id": ENDPOINT, "poll_interval_s": 0}, "poll_interval_s")],
)
def test_a_wrong_argument_is_told_to_the_author_of_the_dag(arguments, name):
    with pytest.raises(InvalidOptionError, match=name):
        PrivateEndpointEventTrigger(**arguments)


def test_an_asset_watcher_takes_it_and_airflow_finds_it_again():
    sdk = pytest.importorskip("airflow.sdk", reason="Airflow 2 has no asset watchers")
    from airflow.serialization.encoders import encode_trigger

    trigger = PrivateEndpointEventTrigger(endpoint_id=ENDPOINT)
    watcher = sdk.AssetWatcher(name="approval", trigger=trigger)
    written = json.loads(json.dumps(encode_trigger(watcher.trigger)))
    assert written["classpath"].endswith("triggers.azure_events.PrivateEndpointEventTrigger")
    again = PrivateEndpointEventTrigger(**written["kwargs"])
    assert isinstance(again, BaseEventTrigger)
    assert again.serialize() == trigger.serialize()
