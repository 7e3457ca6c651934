"""Drives the exporter as its users do, over HTTP, as hard as suits it best; a process of its own, so that what the
driving costs is not counted as the exporter's.

``python -m tests.benchmarks.exporter_client MODULE CONNECTIONS`` reads one target a line from standard input and prints
how many probes succeeded, and the seconds that they took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import quote

from tests.benchmarks.ground import EXPORTER_PORT


async def drive(module: str, targets: list[str], connections: int) -> int:
    """Have the exporter probe the targets over so many kept connections; gives how many probes succeeded."""
    left = iter(targets)
    succeeded = 0

    async def work() -> None:
        nonlocal succeeded
        reader, writer = await asyncio.open_connection("127.0.0.1", EXPORTER_PORT)
        for target in left:
            path = f"/probe?module={module}&target={quote(target, safe='')}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: exporter\r\n\r\n".encode())
            body = await _body(reader)
            succeeded += b"probe_success 1" in body
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return succeeded


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length:" in head:
        return await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


if __name__ == "__main__":
    lines = sys.stdin.read().splitlines()
    started = time.perf_counter()
    count = asyncio.run(drive(sys.argv[1], lines, int(sys.argv[2])))
    print(json.dumps({"succeeded": count, "wall_s": time.perf_counter() - started}))
