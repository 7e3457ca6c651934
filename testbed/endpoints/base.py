"""What all endpoints share: a background event loop, an address, a start and a stop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine
    from types import TracebackType

T = TypeVar("T")
_START_LIMIT_S = 15
_TURNS = 5


class _BackgroundLoop:
    """One thread with an event loop for all endpoints of the process; it ends with the last of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def acquire(self) -> asyncio.AbstractEventLoop:
        """The running loop; it stays until :meth:`release`."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="testbed-endpoints", daemon=True)
                self._thread.start()
            self._users += 1
            return self._loop

    def release(self) -> None:
        """Undo one :meth:`acquire`."""
        with self._lock:
            self._users -= 1
            if self._users or self._loop is None or self._thread is None:
                return
            # On its own thread: the caller's may be running a loop of an asynchronous test.
            asyncio.run_coroutine_threadsafe(self._loop.shutdown_default_executor(), self._loop).result(_START_LIMIT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None


_background = _BackgroundLoop()


class Endpoint:
    """Something at a loopback address and port. With port 0 it takes a free one when it starts.

    :param host: an IPv4 or IPv6 loopback address
    :param port: TCP port (for DNS also UDP)
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"host: {host!r} is no loopback address; the testbed stays on this machine")
        self.host = host
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    def start(self) -> Self:
        """Open the endpoint; ``OSError`` where the port is taken."""
        self._loop = _background.acquire()
        try:
            self._run(self._open())
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close the endpoint and every connection to it; may be called twice."""
        if self._loop is None:
            return
        try:
            self._run(self._close())
        finally:
            self._loop = None
            _background.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def _open(self) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_LIMIT_S)


class TcpServer(Endpoint):
    """A TCP server; subclasses say in :meth:`handle` how it speaks.

    :param tls: serve TLS with this context; None serves in the clear
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(host=host, port=port)
        self.tls = tls
        self.accepted = 0
        """How many connections were accepted so far."""
        self._closing = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._transports: list[asyncio.Transport] = []

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return sum(map(_is_open, self._transports))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; it is closed on return."""
        raise NotImplementedError

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._on_connect, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._closing = True
        if self._server is not None:
            # asyncio loses a connection accepted just before close(): stop accepting, let those come in, then close.
            for listener in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
            await _turns()
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in self._transports:
            transport.abort()
        await _turns()

    def _on_connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        if self._closing:
            transport.abort()
            return
        if self.tls is not None:
            # A ClientHello that arrives before the upgrade would be read as plain data and lost.
            transport.pause_reading()
        self.accepted += 1
        self._transports = [transport, *filter(_is_open, self._transports)]
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A peer that goes away in the middle is everyday business for a server under test.
            with contextlib.suppress(OSError, EOFError):
                if self.tls is not None:
                    await writer.start_tls(self.tls)
                await self.handle(reader, writer)
        finally:
            writer.close()


def _is_open(transport: asyncio.Transport) -> bool:
    # is_closing() is true already while the last octets are being sent.
    return bool(transport.get_extra_info("socket").fileno() != -1)


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
