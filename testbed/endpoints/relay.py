"""A relay in front of another server: it ends TLS, or comes from another address."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from testbed.endpoints.base import TcpServer

if TYPE_CHECKING:
    import ssl


class Relay(TcpServer):
    """Hands every connection on to another server.

    :param to: host and port of that server
    :param source: the loopback address that connections to it come from
    :param tls: serve TLS with this context, and speak to the other server in the clear
    """

    def __init__(
        self,
        to: tuple[str, int],
        *,
        source: str | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.to = to
        self.source = source

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy both ways until one side ends."""
        local = (self.source, 0) if self.source else None
        server_reader, server_writer = await asyncio.open_connection(*self.to, local_addr=local)
        copies = [
            asyncio.ensure_future(_copy(reader, server_writer)),
            asyncio.ensure_future(_copy(server_reader, writer)),
        ]
        try:
            await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for copy in copies:
                copy.cancel()
            await asyncio.gather(*copies, return_exceptions=True)
            server_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
