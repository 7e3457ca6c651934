"""Octets passed on, both ways, until either side has no more."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.services.values import Stream

_CHUNK = 65536


async def relay(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Join a client's connection to one to a server of the lab's; the latter is closed in the end."""
    both = (
        asyncio.ensure_future(_to_server(stream, writer)),
        asyncio.ensure_future(_to_client(reader, stream)),
    )
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        writer.close()
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def _to_server(stream: Stream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await stream.reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def _to_client(reader: asyncio.StreamReader, stream: Stream) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            await stream.send(data)
