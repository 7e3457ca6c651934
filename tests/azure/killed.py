"""A task under a supervisor, as an executor's worker runs it, and kill -9 for both behind a request to Azure.

The supervisor, the task's process and the trigger's process are real. The API server that the supervisor reports to is
played here (:class:`_ApiServer`): it starts a task, keeps what a task that defers said, and resumes it.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import uuid
from dataclasses import dataclass
from pathlib import Path

FORKED_FROM = (
    "aiohttp",
    "azure.identity.aio",
    "azure.mgmt.network.aio",
    "airflow.executors.local_executor",
    "airflow.dag_processing.dagbag",
    "airflow.dag_processing.bundles.local",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow_provider_netconn.azure.pipeline",
    "airflow_provider_netconn.azure.arm",
    "airflow_provider_netconn.azure.polling",
    "tests.azure.fault_stories",
)
"""What the processes' parent has loaded; itself it runs nothing, and has no thread."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(list(FORKED_FROM))
LIMIT_S = 120
WORKER, TRIGGERER = "worker", "triggerer"
WRITES = {"PUT", "PATCH", "DELETE"}
BUNDLE, DAG_FILE, DAG_ID, TASK_ID = "stories", "story_dag.py", "story", "task"


@dataclass(frozen=True, kw_only=True)
class Kill:
    """When to kill: so many requests are sent and answered; who sent the last one has not seen its answer.

    :param counter: a file that grows by a byte with each request of the task and its triggers, whichever process it is
    :param writes_only: count only what changes something
    """

    after: int
    counter: Path
    writes_only: bool

    def is_due(self):
        """Whether so many were."""
        return self.counter.exists() and self.counter.stat().st_size >= self.after


@dataclass(frozen=True, kw_only=True)
class Job:
    """A task to run: the DAG ``story`` in ``story_dag.py`` of a folder.

    :param environment: what the worker's differs in from ours: the connection
    """

    folder: Path
    environment: dict[str, str]
    kill: Kill | None = None


def run(job):
    """Run the task in a worker of its own until it has ended, its triggers too; gives who was killed.

    :return: ``worker``: the task and its supervisor were; ``triggerer``: a trigger was, and another triggerer took
        over; empty: nobody
    """
    logs = job.folder / "logs"
    worker = PROCESSES.Process(target=_work, args=(job,))
    worker.start()
    worker.join(LIMIT_S)
    if worker.exitcode == -signal.SIGKILL and job.kill:
        return WORKER
    if worker.exitcode != 0:
        worker.kill()
        told = "\n".join(file.read_text(errors="replace") for file in sorted(logs.rglob("*.log")))
        raise AssertionError(f"the worker ended with {worker.exitcode}\n{told[-6000:]}")
    return TRIGGERER if (job.folder / "triggerer-killed").exists() else ""


# -- in the worker's process ---------------------------------------------------------------------------


def _work(job):
    from airflow.sdk.execution_time import supervisor

    os.environ.update(job.environment)
    bundle = {"name": BUNDLE, "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
    bundles = json.dumps([{**bundle, "kwargs": {"path": str(job.folder)}}])
    os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = bundles
    os.environ["AIRFLOW__LOGGING__BASE_LOG_FOLDER"] = str(job.folder / "logs")
    os.environ["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"] = "0"
    supervisor.MIN_HEARTBEAT_INTERVAL = 0.5  # read when it was loaded; it notices the task's end by that pause
    if job.kill:
        _die_with_a_request(job.kill)
    server = _ApiServer()
    while server.state != "success":
        _supervise(server)
        if server.state == "deferred":
            server.event = _event(server.deferred, job)
        elif server.state != "success":
            raise SystemExit(f"the task ended {server.state}")


class _ApiServer:
    """As much of Airflow's Execution API as a single task asks of it."""

    def __init__(self):
        self.task_id = uuid.uuid4()
        self.state = "queued"
        self.deferred = None
        self.event = None
        self.xcoms = {}

    def answer(self, request):
        import httpx

        path, body = request.url.path, json.loads(request.content or "null")
        if "/xcoms/" in path:
            return self._xcom(request.method, path.rpartition("/")[2], body)
        if path.endswith(f"/{self.task_id}/run"):
            self.state = "running"
            return httpx.Response(200, json=self._context())
        if path.endswith(f"/{self.task_id}/state"):
            self.state, self.deferred = body["state"], body if body["state"] == "deferred" else None
        return httpx.Response(200, json={"ok": True})

    def _xcom(self, method, key, value):
        import httpx

        if method == "POST":
            self.xcoms[key] = value
            return httpx.Response(201, json={"message": "set"})
        if method == "GET" and key in self.xcoms:
            return httpx.Response(200, json={"key": key, "value": self.xcoms[key]})
        return httpx.Response(404, json={"detail": {"reason": "not_found", "message": "no such XCom"}})

    def _context(self):
        now = "2024-01-01T00:00:00Z"
        run = {"dag_id": DAG_ID, "run_id": "run", "run_type": "manual", "state": "running", "conf": {}}
        run |= {"logical_date": None, "data_interval_start": None, "data_interval_end": None, "run_after": now}
        run |= {"start_date": now, "end_date": None, "consumed_asset_events": [], "partition_key": None}
        resumed = {}
        if self.deferred:
            kwargs = {**(self.deferred["next_kwargs"] or {}), "event": self.event}
            resumed = {"next_method": self.deferred["next_method"], "next_kwargs": kwargs}
        return {"dag_run": run, "max_tries": 0, **resumed}


def _supervise(server):
    """Run the task in a process of its own, and see it through, as ``LocalExecutor`` does in its worker."""
    import httpx
    from airflow.sdk.api.client import Client
    from airflow.sdk.api.datamodels._generated import BundleInfo, TaskInstance
    from airflow.sdk.execution_time.supervisor import supervise_task

    task = TaskInstance(
        id=server.task_id, dag_id=DAG_ID, task_id=TASK_ID, run_id="run", try_number=1, dag_version_id=uuid.uuid4()
    )
    client = Client(base_url=None, token="", dry_run=True, transport=httpx.MockTransport(server.answer))
    bundle = BundleInfo(name=BUNDLE)
    supervise_task(ti=task, bundle_info=bundle, dag_rel_path=DAG_FILE, token="", client=client, log_path="task.log")


def _event(deferred, job):
    """What the trigger of a deferred task tells, in a process of its own; another one's where that one is killed."""
    for _ in range(2):
        ours, its = multiprocessing.Pipe(duplex=False)
        triggerer = multiprocessing.get_context("fork").Process(target=_trigger, args=(deferred, its))
        triggerer.start()
        its.close()
        try:
            return ours.recv()
        except EOFError:
            triggerer.join()
            if triggerer.exitcode != -signal.SIGKILL:
                raise SystemExit(f"the triggerer ended with {triggerer.exitcode}") from None
            (job.folder / "triggerer-killed").touch()
        finally:
            triggerer.join()
    raise SystemExit("a triggerer was killed twice")


def _trigger(deferred, pipe):
    from airflow.sdk._shared.module_loading import import_string
    from airflow.sdk.serde import deserialize

    _TAKEN_ALONG.clear()
    trigger = import_string(deferred["classpath"])(**deserialize(deferred["trigger_kwargs"]))

    async def first():
        async for event in trigger.run():
            return event.payload
        return None

    pipe.send(json.loads(json.dumps(asyncio.run(first()))))


_TAKEN_ALONG = []
"""Whom a killed process takes along: a task its supervisor, a trigger nobody."""


def _die_with_a_request(kill):
    """Have the processes that are forked from here count requests; who sends the last one is killed.

    A task takes its supervisor, which is this process, along.
    """
    import aiohttp

    _TAKEN_ALONG.append(os.getpid())
    send = aiohttp.ClientSession._request

    async def counted(session, method, *arguments, **options):
        answer = await send(session, method, *arguments, **options)
        if method in WRITES or not kill.writes_only:
            with kill.counter.open("ab", buffering=0) as counter:
                counter.write(b".")
                sent = counter.tell()
            if sent == kill.after:
                for process in (*_TAKEN_ALONG, os.getpid()):
                    os.kill(process, signal.SIGKILL)
        return answer

    aiohttp.ClientSession._request = counted
