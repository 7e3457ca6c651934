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
    """A connected, non-blocking socket, which this stream owns.

    Sending and receiving are the loop's ``sock_sendall`` and ``sock_recv``, for a peer that mostly takes at once what
    is sent, and mostly lets wait for what is received. So the loop watches the socket from the first wait until nobody
    waits any more, and not anew for each. uvloop's watch ends with the first error, behind which there may be words
    that the peer had sent before: hence a look into the socket comes before each further wait.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._watching: asyncio.AbstractEventLoop | None = None
        self._awaited: asyncio.Future[bytes] | None = None
        self._limit = CHUNK

    async def send(self, data: bytes) -> None:
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        if sent < len(data):
            await asyncio.get_running_loop().sock_sendall(self._socket, memoryview(data)[sent:])

    async def receive(self, limit: int = CHUNK) -> bytes:
        if self._watching is None:
            received = await self._wait(limit)
        else:
            try:
                received = self._socket.recv(limit)
            except (BlockingIOError, InterruptedError):
                received = await self._wait(limit)
            else:
                await asyncio.sleep(0)  # a peer that goes on talking must not keep the loop from all others
        if len(self.heard) < HEARD_BYTES:
            self.heard = (self.heard + received)[:HEARD_BYTES]
        return received

    async def _wait(self, limit: int) -> bytes:
        loop = asyncio.get_running_loop()
        self._awaited, self._limit = loop.create_future(), limit
        if self._watching is None:
            loop.add_reader(self._socket.fileno(), self._take)
            self._watching = loop
        return await self._awaited

    def close(self) -> None:
        self._unwatch()
        self._socket.close()

    def _take(self) -> None:
        """There is something to receive; what nobody waits for stays in the socket."""
        if self._awaited is None or self._awaited.done():
            self._unwatch()
            return
        try:
            self._awaited.set_result(self._socket.recv(self._limit))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._awaited.set_exception(error)

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.remove_reader(self._socket.fileno())
            self._watching = None


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
