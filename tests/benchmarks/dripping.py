"""A server that says one byte of an answer now and then and comes to no end; a process of its own.

``python -m tests.benchmarks.dripping PORT`` serves until it is ended.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

PAUSE_S = 1.0
_ANSWER = b"HTTP/1.1 200 OK\r\nx-drip: " + b"." * 1000


async def _drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        for number in itertools.count():
            writer.write(_ANSWER[number % len(_ANSWER) :][:1])
            await writer.drain()
            await asyncio.sleep(PAUSE_S)
    except ConnectionError:
        writer.close()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_drip, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
