"""Applications of the lab, served for real clients in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from airflow_provider_netconn.lab.serving import Servers, Service

START_LIMIT_S = 10


@contextlib.contextmanager
def served(*services: Service):
    """Serve until the block ends; gives host and port of each service by its name."""
    started, stop = threading.Event(), []
    addresses = {}

    async def serve():
        leave = asyncio.Event()
        async with Servers(services) as servers:
            addresses.update(servers.addresses)
            stop.append((asyncio.get_running_loop(), leave))
            started.set()
            await leave.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="lab", daemon=True)
    thread.start()
    assert started.wait(START_LIMIT_S), "the lab's services did not start"
    try:
        yield addresses
    finally:
        loop, leave = stop[0]
        loop.call_soon_threadsafe(leave.set)
        thread.join(START_LIMIT_S)
    assert not thread.is_alive(), "the lab's services did not stop"
