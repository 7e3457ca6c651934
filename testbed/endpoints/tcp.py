"""TCP endpoints without a protocol: they greet, keep silent, hang up, refuse or drop."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from enum import Enum
from typing import TYPE_CHECKING

from testbed.endpoints.base import Endpoint, TcpServer

if TYPE_CHECKING:
    import ssl

_FILL_ATTEMPTS = 16
_FILL_TIMEOUT_S = 0.25
_HANDSHAKE_FAILURE_ALERT = bytes([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])
"""A TLS record with a fatal alert, handshake_failure (RFC 8446, section 6)."""


class GreetingServer(TcpServer):
    """Sends a greeting at once and keeps the connection open. Without ``tls``: what a TLS client finds is not TLS."""

    def __init__(
        self,
        greeting: bytes = b"220 ready\r\n",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.greeting = greeting

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet, then wait for the peer to leave."""
        writer.write(self.greeting)
        await writer.drain()
        await _until_closed(reader)


class SilentServer(TcpServer):
    """Accepts and never says a word: to a TLS client without ``tls`` a hanging handshake, with ``tls`` TLS only."""

    async def handle(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        """Wait for the peer to leave."""
        await _until_closed(reader)


class ClosingServer(TcpServer):
    """Closes every connection at once.

    :param reset: with a TCP reset instead of an orderly end
    """

    def __init__(
        self, *, reset: bool = False, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.reset = reset

    async def handle(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hang up."""
        if self.reset:
            _reset_on_close(writer)


class Refusal(Enum):
    """How a TLS handshake is refused."""

    CLOSE = "close"
    RESET = "reset"
    ALERT = "alert"


class HandshakeRefuser(TcpServer):
    """Reads the ClientHello and refuses: by an orderly close, a TCP reset or a TLS alert."""

    def __init__(self, refusal: Refusal = Refusal.CLOSE, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self.refusal = refusal

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the first record, refuse."""
        header = await reader.readexactly(5)
        await reader.readexactly(int.from_bytes(header[3:5]))
        if self.refusal is Refusal.RESET:
            _reset_on_close(writer)
        elif self.refusal is Refusal.ALERT:
            writer.write(_HANDSHAKE_FAILURE_ALERT)
            await writer.drain()


class ClosedPort(Endpoint):
    """A port that refuses: bound, so that nobody else takes it, and not listening."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self._socket: socket.socket | None = None

    async def _open(self) -> None:
        self._socket = socket.socket(_family(self.host))
        # Lets a server take this very port right after stop().
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((self.host, self.port))
        self.port = self._socket.getsockname()[1]

    async def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class DroppingPort(Endpoint):
    """A port that drops every SYN, as a firewall does: a connect to it times out. It needs no privileges.

    Linux drops a SYN while the listener's accept queue is full. The queue of a backlog of 0 holds one connection; ours
    fills it and nobody ever accepts it.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self._sockets: list[socket.socket] = []

    async def _open(self) -> None:
        listener = socket.socket(_family(self.host))
        self._sockets.append(listener)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        listener.listen(0)
        self.port = listener.getsockname()[1]
        await asyncio.to_thread(self._fill)

    def _fill(self) -> None:
        for _ in range(_FILL_ATTEMPTS):
            client = socket.socket(_family(self.host))
            self._sockets.append(client)
            client.setblocking(False)
            client.connect_ex((self.host, self.port))
            _, connected, _ = select.select([], [client], [], _FILL_TIMEOUT_S)
            if not connected:
                return
        raise OSError(f"{self.host}:{self.port} does not drop: the accept queue took {_FILL_ATTEMPTS} connections")

    async def _close(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    # A linger time of zero makes close() send RST.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _until_closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass
