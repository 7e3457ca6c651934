"""Many checks in one process: whether sockets, tasks, threads and memory are the same after many as after a few."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.ground import CLOSED_PORT, TCP_PORT, TLS_PORT, ZONE
from tests.benchmarks.own_check import targets_of

ROUND = 500
MEMORY_TOLERANCE_MB = 4.0
"""The allocator has an arena for each of some threads, which fill in the first thousands of checks."""
MAX_THREADS = 1 + min(32, (os.cpu_count() or 1) + 4)
"""This one, and those of the loop's executor, which it makes when it wants and keeps."""


@dataclass(frozen=True, slots=True)
class State:
    """What a process holds on to."""

    sockets: int
    tasks: int
    threads: int
    memory_mb: float

    @classmethod
    def now(cls) -> State:
        """The state of this process and of the running loop, without the task that asks."""
        gc.collect()
        links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            sockets=sum(link.startswith("socket:") for link in links),
            tasks=len(asyncio.all_tasks()) - 1,
            threads=threading.active_count(),
            memory_mb=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        )


def soak(folder: Path, checks: int) -> bool:
    """Run so many checks, by rounds, on one loop; print and hold the last state against the first round's."""
    states, seconds = asyncio.run(_rounds(folder, max(checks // ROUND, 2)))
    print(f"\nsoak: {checks} checks in rounds of {ROUND}, in one process, {seconds:.0f} s")
    shown = sorted({0, len(states) // 10, len(states) // 2, len(states) - 1})
    for name, state in ((f"after {(number + 1) * ROUND}", states[number]) for number in shown):
        print(f"  {name:12} sockets {state.sockets}, tasks {state.tasks}, threads {state.threads}, "
              f"memory {state.memory_mb:.1f} MB")  # fmt: skip
    first, last = states[0], states[-1]
    same = (first.sockets, first.tasks) == (last.sockets, last.tasks)
    held = same and last.threads <= MAX_THREADS and last.memory_mb <= first.memory_mb + MEMORY_TOLERANCE_MB
    print(f"  {'the same' if held else 'NOT the same'} (memory within {MEMORY_TOLERANCE_MB:g} MB)", flush=True)
    return held


async def _rounds(folder: Path, rounds: int) -> tuple[list[State], float]:
    from airflow_provider_netconn.checks import CheckOptions, run_check

    options = CheckOptions(ca_files=(str(folder / "ca.pem"),), retries=0, concurrency=100)
    started = time.monotonic()
    states = []
    for number in range(rounds):
        lines = [_line(number * ROUND + index) for index in range(ROUND)]
        report = await run_check(targets_of(lines), options)
        if {verdict.as_expected for verdict in report.verdicts} != {True, False}:
            raise RuntimeError("the targets are not what they were made to be")
        del report
        states.append(State.now())
    return states, time.monotonic() - started


def _line(number: int) -> str:
    """Whole checks, plain ones, and two kinds that fail: no name, nobody there."""
    return (
        f"https://t{number}.{ZONE}:{TLS_PORT}/",
        f"127.0.0.1:{TCP_PORT}",
        f"https://t{number}.{ZONE}:{TCP_PORT}/",
        f"127.0.0.1:{CLOSED_PORT}",
        f"tls://wrong-{number}.nowhere.{ZONE}:{TLS_PORT}",
    )[number % 5]
