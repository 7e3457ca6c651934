"""Many targets over helper processes: Python computes on one core, and a thousand handshakes are much to compute.

A helper is a new interpreter (``helper.py``). It gets its targets over its standard input, hands back the verdicts
as they come, and ends when that input does: whatever becomes of this process, no helper outlives it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from airflow_provider_netconn.evidence import Target, Verdict, from_bytes, to_bytes
from airflow_provider_netconn.probing.options import CheckOptions

TARGETS_A_HELPER: Final = 1000
"""A helper takes about half a second to start, and some 50 MB: fewer targets are not worth it."""
MAX_HELPERS: Final = 4
LENGTH_BYTES: Final = 4
"""Each message is preceded by its length, in so many bytes, the highest first."""
Told = list[tuple[int, Verdict]]
"""What a helper answers: the verdicts that have come by then, each with its target's position in the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a helper is to do."""

    targets: tuple[Target, ...]
    options: CheckOptions


def helpers_for(targets: int) -> int:
    """How many helpers a check of so many targets is worth on this machine; none where it would be one."""
    if not sys.executable:
        return 0
    count = min(len(os.sched_getaffinity(0)), MAX_HELPERS, targets // TARGETS_A_HELPER)
    return count if count > 1 else 0


async def spread(
    targets: Sequence[Target], options: CheckOptions, helpers: int, on_verdict: Callable[[int, Verdict], None]
) -> None:
    """Have so many helpers check the targets, each its part, with its part of the concurrency.

    :param on_verdict: called with each target's position and verdict, as they come. What a helper that breaks off
        leaves undone is never heard of: it is for the caller to do.
    """
    share = replace(options, concurrency=max(1, options.concurrency // helpers))
    async with asyncio.TaskGroup() as group:
        for first in range(helpers):
            positions = range(first, len(targets), helpers)
            order = Order(targets=tuple(targets[position] for position in positions), options=share)
            group.create_task(_help(order, positions, on_verdict))


async def _help(order: Order, positions: Sequence[int], on_verdict: Callable[[int, Verdict], None]) -> None:
    helper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "airflow_provider_netconn.checks.helper"),
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,  # an interrupt from the keyboard is this process's to handle
    )
    try:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _converse(helper, order, positions, on_verdict)
    finally:
        with suppress(ProcessLookupError):
            helper.kill()
        await helper.wait()


async def _converse(
    helper: Process, order: Order, positions: Sequence[int], on_verdict: Callable[[int, Verdict], None]
) -> None:
    assert helper.stdin is not None
    assert helper.stdout is not None
    message = to_bytes(order)
    helper.stdin.write(len(message).to_bytes(LENGTH_BYTES) + message)
    await helper.stdin.drain()
    awaited = len(positions)
    while awaited:
        length = int.from_bytes(await helper.stdout.readexactly(LENGTH_BYTES))
        told = from_bytes(Told, await helper.stdout.readexactly(length))
        for index, verdict in told:
            on_verdict(positions[index], verdict)
        awaited -= len(told)
