"""Many targets over helper processes: Python computes on one core, and a thousand handshakes are much to compute.

A helper is a new interpreter (``helper.py``). Over its standard input it gets the options, and targets whenever it asks
for more, so that all helpers come to their end together; it hands back the verdicts as they come, and ends when its
input does: whatever becomes of this process, no helper outlives it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Final

from airflow_provider_netconn.evidence import Target, Verdict, from_bytes, to_bytes
from airflow_provider_netconn.probing.options import CheckOptions

TARGETS_A_HELPER: Final = 1000
"""A helper takes about half a second to start, and some 50 MB: fewer targets are not worth it."""
MAX_HELPERS: Final = 4
MAX_HANDED_OUT: Final = 64
PARTS: Final = 4
"""A helper is given this part of its share in what is left, and at most ``MAX_HANDED_OUT`` targets, at a time."""
TUNABLES: Final = "glibc.malloc.tcache_count=200"
"""For the GNU C library: how many freed pieces of memory of a size are kept at hand. Handshakes free more than the
usual 7 at a time, and to look for others takes one fiftieth of a handshake."""
GARBAGE_AFTER: Final = 10_000
"""New objects between two searches for garbage that refers to itself. There is little of it, and with Python's own 700
the search takes one twentieth of a helper's time, and two fifths of that of the process that collects the verdicts."""
LENGTH_BYTES: Final = 4
"""Each message is preceded by its length, in so many bytes, the highest first."""
Told = list[tuple[int, Verdict]]
"""What a helper says: the verdicts that have come by then, each with its target's position among those that the helper
was given; an empty list asks for more targets."""
OnVerdict = Callable[[int, Verdict], None]


def helpers_for(targets: int) -> int:
    """How many helpers a check of so many targets is worth on this machine; none where it would be one."""
    if not sys.executable:
        return 0
    count = min(len(os.sched_getaffinity(0)), MAX_HELPERS, targets // TARGETS_A_HELPER)
    return count if count > 1 else 0


@asynccontextmanager
async def started(helpers: int, options: CheckOptions) -> AsyncIterator[list[Process]]:
    """So many helpers, which load what they need while this process does the same; killed on leaving.

    :param options: each helper gets its part of the concurrency
    """
    share = to_bytes(replace(options, concurrency=max(1, options.concurrency // max(1, helpers))))
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_helper(share)) for _ in range(helpers)]


async def spread(targets: Sequence[Target], helpers: Sequence[Process], on_verdict: OnVerdict) -> None:
    """Have the helpers check the targets.

    :param on_verdict: called with each target's position and verdict, as they come. What a helper that breaks off
        leaves undone is never heard of: it is for the caller to do.
    """
    left = deque(range(len(targets)))
    with _garbage_sought_seldom():
        async with asyncio.TaskGroup() as group:
            for helper in helpers:
                group.create_task(_converse(helper, targets, left, len(helpers), on_verdict))


@contextmanager
def _garbage_sought_seldom() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@asynccontextmanager
async def _helper(options: bytes) -> AsyncIterator[Process]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "GLIBC_TUNABLES": ":".join([TUNABLES, *filter(None, [os.environ.get("GLIBC_TUNABLES")])]),  # the last counts
    }
    helper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "airflow_provider_netconn.checks.helper"),
        stdin=PIPE,
        stdout=PIPE,
        env=environment,
        start_new_session=True,  # an interrupt from the keyboard is this process's to handle
    )
    try:
        _write(helper, options)
        yield helper
    finally:
        with suppress(ProcessLookupError):
            helper.kill()
        await helper.wait()


async def _converse(
    helper: Process, targets: Sequence[Target], left: deque[int], helpers: int, on_verdict: OnVerdict
) -> None:
    """Give the helper targets for as long as there are any, and hear it to the end of those.

    :param left: the positions of the targets that no helper has been given yet; all helpers take from it
    """
    assert helper.stdout is not None
    given: list[int] = []
    heard = 0
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while left or heard < len(given):
            length = int.from_bytes(await helper.stdout.readexactly(LENGTH_BYTES))
            told = from_bytes(Told, await helper.stdout.readexactly(length))
            for index, verdict in told:
                on_verdict(given[index], verdict)
            heard += len(told)
            if not told and left:
                more = [left.popleft() for _ in range(_handed_out(len(left), helpers))]
                given += more
                _write(helper, to_bytes([targets[position] for position in more]))


def _handed_out(left: int, helpers: int) -> int:
    """How many of the targets that are left a helper is given next: few of few, so that no helper is left with many."""
    return max(1, min(MAX_HANDED_OUT, left // (PARTS * helpers)))


def _write(helper: Process, message: bytes) -> None:
    assert helper.stdin is not None
    helper.stdin.write(len(message).to_bytes(LENGTH_BYTES) + message)
