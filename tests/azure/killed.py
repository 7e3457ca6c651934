"""A task in a process of its own that is killed, as kill -9 does, after a request that Azure has carried out."""

from __future__ import annotations

import multiprocessing
import os
import signal

FORKED_FROM = (
    "aiohttp",
    "azure.identity.aio",
    "airflow_provider_netconn.azure.pipeline",
    "airflow_provider_netconn.azure.arm",
    "azure.mgmt.network.aio",
    "tests.azure.fault_stories",
)
"""What the processes' parent has loaded; itself it runs nothing, and has no thread."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(list(FORKED_FROM))


def arguments_of(operator):
    """What the operator was made with: all of it may be a template."""
    return {name: getattr(operator, name) for name in type(operator).template_fields}


def run_and_kill(operator, connection, *, after, writes_only):
    """Run an operator, its triggers too, in a process of its own that dies with its nth request; gives whether it died.

    :param connection: name and value of the variable that holds it
    :param after: so many requests are sent and answered; then the process is gone, before it has seen the last answer
    :param writes_only: count only what changes something
    """
    kind = type(operator)
    process = PROCESSES.Process(target=_run, args=(kind, arguments_of(operator), connection, after, writes_only))
    process.start()
    process.join(120)
    if process.exitcode not in {0, -signal.SIGKILL}:
        process.kill()
        raise AssertionError(f"the task's process ended with {process.exitcode}")
    return process.exitcode == -signal.SIGKILL


def _run(kind, arguments, connection, after, writes_only):
    from tests.azure.tasks import run_to_the_end

    os.environ[connection[0]] = connection[1]
    os.environ["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"] = "0"
    _die(after, writes_only)
    run_to_the_end(kind(task_id="killed", **arguments))


def _die(after, writes_only):
    import aiohttp

    send, sent = aiohttp.ClientSession._request, 0

    async def counted(session, method, *arguments, **options):
        nonlocal sent
        answer = await send(session, method, *arguments, **options)
        if not writes_only or method in {"PUT", "PATCH", "DELETE"}:
            sent += 1
        if sent >= after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    aiohttp.ClientSession._request = counted
