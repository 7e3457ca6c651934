"""A helper process: checks the targets that it is given, as :mod:`airflow_provider_netconn.checks.spread` has it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable

from airflow_provider_netconn.checks.run import judge
from airflow_provider_netconn.checks.spread import GARBAGE_AFTER, LENGTH_BYTES, Told
from airflow_provider_netconn.errors import NetconnError
from airflow_provider_netconn.evidence import ProbeResult, Target, from_bytes, to_bytes
from airflow_provider_netconn.probing.engine import Prober
from airflow_provider_netconn.probing.options import CheckOptions


def main() -> None:
    """Read options and targets from standard input, and write verdicts to standard output, until the input ends."""
    message = _read()
    if not message:  # the parent has ended by now
        return
    options = from_bytes(CheckOptions, message)
    gc.freeze()  # modules, which stay to the end
    gc.set_threshold(GARBAGE_AFTER)
    try:
        with asyncio.Runner(loop_factory=_quickest_loop()) as runner:
            runner.run(_check(options))
    except* NetconnError:  # the parent meets the same error
        os._exit(1)


def _quickest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop where it is installed; this process is ours, and nobody else's code runs on the loop."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _check(options: CheckOptions) -> None:
    loop = asyncio.get_running_loop()
    inbox: asyncio.Queue[list[Target]] = asyncio.Queue()
    told: Told = []

    async def targets() -> AsyncIterator[Target]:
        _write([])
        while True:
            given = await inbox.get()
            _write([])  # so that more have come by the time these are begun
            for target in given:
                yield target

    def tell(index: int, probe: ProbeResult) -> None:
        if not told:
            loop.call_soon(flush)  # what ends at one time goes out at one time
        told.append((index, judge(probe)))

    def flush() -> None:
        _write(told)
        told.clear()

    def listen() -> None:
        while message := _read():
            loop.call_soon_threadsafe(inbox.put_nowait, from_bytes(list[Target], message))
        os._exit(0)  # the parent has all that it wants, or is no more; no waiting for a getaddrinfo that hangs

    threading.Thread(target=listen, daemon=True).start()
    async with Prober(options) as prober:
        await prober.probe_each(targets(), tell)


def _read() -> bytes:
    """The next message; empty at the end of the input."""
    return _exactly(int.from_bytes(_exactly(LENGTH_BYTES)))


def _exactly(count: int) -> bytes:
    """So many bytes of the input, or fewer at its end. Not by ``sys.stdin``: its lock is no thread's to die with."""
    received = b""
    while len(received) < count and (chunk := os.read(0, count - len(received))):
        received += chunk
    return received


def _write(told: Told) -> None:
    message = to_bytes(told)
    sys.stdout.buffer.write(len(message).to_bytes(LENGTH_BYTES) + message)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
