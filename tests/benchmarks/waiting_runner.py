"""Airflow's own trigger runner, fed directly; its triggers come as JSON lines on standard input.

Each line is the keyword arguments of an ``AzureStateTrigger``, and ``end`` ends it. It prints JSON lines: ``idle`` with
the memory before the first one, ``event`` with each event, ``end`` with memory and the longest time for which the loop
was held.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

CLASS = "airflow_provider_netconn.triggers.azure.AzureStateTrigger"
SETTLED_S = 3.0


def memory_mb() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:  # noqa: C901 - the runner can be imported here and no sooner
    from airflow.executors.workloads.trigger import RunTrigger
    from airflow.jobs.triggerer_job_runner import TriggerRunner
    from airflow.models.trigger import Trigger

    lines: asyncio.Queue[str] = asyncio.Queue()

    class FedRunner(TriggerRunner):
        """The real runner, but for who feeds it and who is told: a supervisor with a database in Airflow."""

        held_s = 0.0

        async def init_comms(self) -> None:
            loop = asyncio.get_running_loop()
            self.comms_decoder = type("NoSupervisor", (), {"_reader_task": loop.create_future()})()
            reader = asyncio.StreamReader(limit=1 << 24)
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            self._tasks = [loop.create_task(self._listen(reader)), loop.create_task(self._watch())]
            await asyncio.sleep(SETTLED_S)
            say(kind="idle", memory_mb=memory_mb())

        async def _listen(self, reader: asyncio.StreamReader) -> None:
            while line := await reader.readline():
                lines.put_nowait(line.decode().strip())

        async def _watch(self) -> None:
            await asyncio.sleep(SETTLED_S)
            while True:
                before = time.perf_counter()
                await asyncio.sleep(0.005)
                self.held_s = max(self.held_s, time.perf_counter() - before - 0.005)

        async def sync_state_to_supervisor(self, finished_ids: list[int]) -> None:
            del finished_ids
            while self.events:
                entry = self.events.popleft()
                say(kind="event", at=time.monotonic(), event=entry.event.payload)
            while self.failed_triggers:
                say(kind="failed", error=str(self.failed_triggers.popleft()[1]))
            while not lines.empty():
                line = lines.get_nowait()
                if line == "end":
                    self.stop = True
                elif line == "reset":  # importing is not waiting
                    self.held_s = 0.0
                else:
                    self._feed(json.loads(line))

        def _feed(self, arguments: dict[str, Any]) -> None:
            number = len(self.triggers) + len(self.to_create) + int(uuid.uuid4().int % 10**9) * 10_000
            self.to_create.append(
                RunTrigger(
                    id=number,
                    classpath=CLASS,
                    encrypted_kwargs=Trigger.encrypt_kwargs(arguments),
                    ti=None,
                    timeout_after=datetime.now(UTC).replace(year=3000),
                )
            )

    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"
    runner = FedRunner()
    asyncio.run(runner.arun())
    say(kind="end", memory_mb=memory_mb(), held_s=runner.held_s)


if __name__ == "__main__":
    main()
