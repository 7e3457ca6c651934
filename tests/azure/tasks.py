"""Tasks on the local Azure without an Airflow: their connection, their context, their waits in the triggerer."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

CONN_ID = "azure_lab"


class TaskInstance:
    """Keeps what is pushed to XCom."""

    def __init__(self):
        self.start_date = datetime.now(UTC)
        self.xcoms = {}

    def xcom_push(self, key, value):
        self.xcoms[key] = json.loads(json.dumps(value))

    def get_first_reschedule_date(self, context):
        return None


def context():
    """What a task is executed in."""
    return {"ti": TaskInstance()}


def connection_of(lab, principal=None):
    """The connection by which tasks sign in at the lab, as an environment variable has it."""
    chosen = lab.principal(principal)
    extra = {
        "tenantId": lab.local.seed.tenant(chosen.tenant).id,
        "subscriptionId": lab.subscription_id,
        "arm_url": lab.arm_url,
        "authority_url": lab.authority_url,
        "ca_file": lab.ca_file,
    }
    fields = {"conn_type": "azure_network", "login": chosen.app_id, "password": chosen.client_secret, "extra": extra}
    return json.dumps(fields)


@pytest.fixture
def signed_in(azure_lab, monkeypatch):
    """Has tasks sign in at the lab: ``signed_in("reader")``; the owner at first."""

    def sign_in(principal=None):
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", connection_of(azure_lab, principal))

    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "0")
    sign_in()
    return sign_in


def run_to_the_end(task, meanwhile=()):
    """Execute a task, and wait in its triggers as often as it defers; returns what goes to XCom.

    :param meanwhile: called, one each, while it is deferred
    """
    given, todo = context(), list(meanwhile)
    result = _deferred_or_done(lambda: task.execute(given))
    while isinstance(result, TaskDeferred):
        json.dumps(result.trigger.serialize())
        event = asyncio.run(_event(result.trigger, todo.pop(0) if todo else None))
        method = result.method_name
        result = _deferred_or_done(lambda: task.resume_execution(method, {"event": event}, given))  # noqa: B023
    return json.loads(json.dumps(result))


def _deferred_or_done(call):
    try:
        return call()
    except TaskDeferred as deferred:
        return deferred


async def _event(trigger, meanwhile):
    _, arguments = trigger.serialize()
    waiting = asyncio.create_task(_first(type(trigger)(**json.loads(json.dumps(arguments)))))
    if meanwhile is not None:
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await asyncio.to_thread(meanwhile)
    event = await waiting
    # The last one who waits has the polls ended, which goes on behind it.
    await asyncio.wait_for(asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()})), 10)
    return event


async def _first(trigger):
    async for event in trigger.run():
        return json.loads(json.dumps(event.payload))
    return None
