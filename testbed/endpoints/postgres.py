"""A PostgreSQL server as far as its front door: SSLRequest and the handshake that follows it.

PostgreSQL documentation, 55.2.10 "SSL Session Encryption".
"""

from __future__ import annotations

import asyncio
import ssl

from testbed.endpoints.base import TcpServer

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class PostgresEndpoint(TcpServer):
    """Offers TLS to who asks for it, and hears no more; whoever asks for anything else is hung up on.

    :param certificate: the TLS context
    """

    def __init__(self, certificate: ssl.SSLContext, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self.certificate = certificate

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
            return
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        # A ClientHello that arrives before the upgrade would be read as plain data and lost.
        transport.pause_reading()
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(self.certificate)
        while await reader.read(65536):
            pass
