"""A helper process: checks the targets of one order, as :mod:`airflow_provider_netconn.checks.spread` has it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from airflow_provider_netconn.checks.run import judge
from airflow_provider_netconn.checks.spread import LENGTH_BYTES, Order
from airflow_provider_netconn.evidence import ProbeResult, from_bytes, to_bytes
from airflow_provider_netconn.probing.engine import Prober


def main() -> None:
    """Read an order from standard input, write the verdicts to standard output, and end without any delay."""
    order = from_bytes(Order, sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(LENGTH_BYTES))))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_check(order))
    os._exit(0)  # no waiting for a getaddrinfo that hangs


def _end_with_parent() -> None:
    """Nothing follows the order, so the input ends when the parent closes it or is no more."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


async def _check(order: Order) -> None:
    loop, told = asyncio.get_running_loop(), bytearray()

    def tell(index: int, probe: ProbeResult) -> None:
        if not told:
            loop.call_soon(flush)  # what ends at one time goes out at one time
        message = to_bytes((index, judge(probe)))
        told.extend(len(message).to_bytes(LENGTH_BYTES) + message)

    def flush() -> None:
        sys.stdout.buffer.write(told)
        sys.stdout.buffer.flush()
        told.clear()

    async with Prober(order.options) as prober:
        await prober.probe_all(order.targets, tell)
    flush()


if __name__ == "__main__":
    main()
