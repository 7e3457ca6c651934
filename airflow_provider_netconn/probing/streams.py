"""Bytes to and from a peer: a socket, or TLS over any other stream. Streams know no protocol and no time limit.

Own code instead of asyncio's transports, since a probe must close at once: an asyncio TLS transport holds its socket
for up to 30 s after a cancelled handshake, waiting for the peer's ``close_notify``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

CHUNK = 16 * 1024
HEARD_BYTES = 60
READS_IN_A_ROW = 16


class Stream(ABC):
    """A connected peer. ``receive`` returns ``b""`` at the end of the stream; both raise ``OSError``."""

    heard: bytes = b""
    """The first bytes that were received: what the peer began to say, should it come to no end."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Send all the bytes."""

    @abstractmethod
    async def receive(self, limit: int = CHUNK) -> bytes:
        """Receive at least one byte and at most ``limit``; ``b""`` when the peer has ended the stream."""

    @abstractmethod
    def close(self) -> None:
        """Close the socket below, now, without any farewell."""

    async def end(self) -> None:  # noqa: B027  most have no way to say so
        """Tell the peer that nothing more will be sent, where this kind of stream can say so."""

    async def exactly(self, count: int) -> bytes:
        """Receive so many bytes, and not one more; ``EOFError`` where the peer ends the stream before."""
        received = b""
        while len(received) < count:
            chunk = await self.receive(min(CHUNK, count - len(received)))
            if not chunk:
                raise EOFError
            received += chunk
        return received

    async def lines(self, limit: int, max_length: int = 1024) -> AsyncIterator[bytes]:
        """Up to ``limit`` lines without their ends, each cut at ``max_length`` bytes; what is unfinished comes last.

        A line that is too long is given as soon as so much of it is there; its rest is dropped.
        """
        buffer, seen, dropping = b"", 0, False
        while seen < limit:
            line, newline, rest = buffer.partition(b"\n")
            if newline or len(line) > max_length:
                if not dropping:
                    seen += 1
                    yield line.removesuffix(b"\r")[:max_length]
                buffer, dropping = rest, not newline
                continue
            chunk = await self.receive()
            if not chunk:
                if buffer and not dropping:
                    yield buffer
                return
            buffer += chunk


class SocketStream(Stream):
    """A connected, non-blocking socket, which this stream owns."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._reads = 0

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def receive(self, limit: int = CHUNK) -> bytes:
        self._reads += 1
        if self._reads % READS_IN_A_ROW == 0:
            # What has arrived already is read without a turn of the loop. A peer that always has more to say would keep
            # the loop from all other targets, and from the time limit that is to end this.
            await asyncio.sleep(0)
        received = await asyncio.get_running_loop().sock_recv(self._socket, limit)
        if len(self.heard) < HEARD_BYTES:
            self.heard = (self.heard + received)[:HEARD_BYTES]
        return received

    def close(self) -> None:
        self._socket.close()


class TlsStream(Stream):
    """TLS (RFC 8446) as a client over another stream, which this stream owns.

    :param below: the stream that carries the records
    :param context: how to verify
    :param server_name: the name for SNI and verification, or an address to verify
    """

    def __init__(self, below: Stream, context: ssl.SSLContext, server_name: str) -> None:
        self._below = below
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    async def handshake(self) -> None:
        """Shake hands; raises ``ssl.SSLError``, or ``EOFError`` where the peer hung up."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                await self._feed()
            except ssl.SSLError:
                with contextlib.suppress(OSError):  # the alert is a courtesy; the reason is in the error
                    await self._flush()
                raise
        await self._flush()

    async def send(self, data: bytes) -> None:
        self.tls.write(data)  # a memory buffer takes all of it
        await self._flush()

    async def receive(self, limit: int = CHUNK) -> bytes:
        while True:
            try:
                received = self.tls.read(limit)
                if len(self.heard) < HEARD_BYTES:
                    self.heard = (self.heard + received)[:HEARD_BYTES]
                return received  # noqa: TRY300
            except ssl.SSLWantReadError:
                await self._flush()
                try:
                    await self._feed()
                except EOFError:
                    return b""
            except ssl.SSLZeroReturnError:
                return b""

    def close(self) -> None:
        self._below.close()

    async def end(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):  # it would wait for the peer's close_notify
            self.tls.unwrap()
        await self._flush()

    async def _flush(self) -> None:
        if pending := self._outgoing.read():
            await self._below.send(pending)

    async def _feed(self) -> None:
        received = await self._below.receive()
        if not received:
            raise EOFError
        self._incoming.write(received)
