"""A helper process: checks the targets of one order, as :mod:`airflow_provider_netconn.checks.spread` has it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from typing import Final

from airflow_provider_netconn.checks.run import judge
from airflow_provider_netconn.checks.spread import LENGTH_BYTES, Order, Told
from airflow_provider_netconn.evidence import ProbeResult, from_bytes, to_bytes
from airflow_provider_netconn.probing.engine import Prober

GARBAGE_AFTER: Final = 10_000
"""New objects between two searches for garbage that refers to itself. There is little of it, and Python's own 700 has
one twentieth of all computing go into the search."""


def main() -> None:
    """Read an order from standard input, write the verdicts to standard output, and end without any delay."""
    order = from_bytes(Order, sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(LENGTH_BYTES))))
    gc.freeze()  # modules and targets, which stay to the end
    gc.set_threshold(GARBAGE_AFTER)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_check(order))
    os._exit(0)  # no waiting for a getaddrinfo that hangs


def _end_with_parent() -> None:
    """Nothing follows the order, so the input ends when the parent closes it or is no more."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


async def _check(order: Order) -> None:
    loop = asyncio.get_running_loop()
    told: Told = []

    def tell(index: int, probe: ProbeResult) -> None:
        if not told:
            loop.call_soon(flush)  # what ends at one time goes out at one time
        told.append((index, judge(probe)))

    def flush() -> None:
        if told:
            message = to_bytes(told)
            sys.stdout.buffer.write(len(message).to_bytes(LENGTH_BYTES) + message)
            sys.stdout.buffer.flush()
            told.clear()

    async with Prober(order.options) as prober:
        await prober.probe_all(order.targets, tell)
    flush()


if __name__ == "__main__":
    main()
