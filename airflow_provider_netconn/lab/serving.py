"""Several ASGI applications in one process and one loop, each on a socket of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import ssl
import struct
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, cast

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from airflow_provider_netconn.lab.errors import LabError

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.asgi import Application, Receive, Scope, Send

RESET: Final = "netconn.reset"
"""ASGI extension of all requests served here: ``scope["extensions"][RESET]["reset"]()`` resets the connection."""

CONNECTION: Final = "netconn.connection"
"""ASGI extension of requests on connections that :class:`HttpConnections` was given: what is known of these."""

_KEEP_ALIVE_S: Final = 120
_STOP_LIMIT_S: Final = 2
_BACKLOG: Final = 2048


@dataclass(frozen=True, kw_only=True)
class Service:
    """One application and where it is served.

    :param name: how messages and the journal call it
    :param tls: context for TLS; None serves in the clear
    :param host: address to listen on
    :param port: TCP port; 0 takes a free one
    """

    name: str
    application: Application
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0


class ListenError(LabError):
    """A service cannot listen where it should."""


def listening_socket(host: str, port: int = 0) -> socket.socket:
    """A socket that accepts connections from now on.

    :param host: an address, loopback or not; never a name
    :raises ListenError: the address is not one of this machine's, or the port is taken
    """
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    # Named, or asyncio would not know the connections for TCP and leave Nagle's algorithm on: 40 ms for each answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        mend = "give another port, or end who has it" if port else "give an address of this machine"
        raise ListenError(f"cannot listen on {host} port {port or '(any)'}: {error.strerror}; {mend}") from None
    return listener


class Servers:
    """Runs services until they are stopped; an asynchronous context.

    :param services: what to serve; every socket listens as soon as the object is made
    :raises ListenError: one of them cannot listen
    """

    def __init__(self, services: Iterable[Service]) -> None:
        self._servers: list[_Server] = []
        self._running: list[asyncio.Task[None]] = []
        self.addresses: dict[str, tuple[str, int]] = {}
        """Host and port of each service, by its name."""
        try:
            for service in services:
                listener = listening_socket(service.host, service.port)
                self._servers.append(_Server(service, listener))
                self.addresses[service.name] = (service.host, listener.getsockname()[1])
        except BaseException:
            self.close()
            raise

    async def __aenter__(self) -> Self:
        """Serve; returns when every service answers."""
        self._running = [asyncio.create_task(server.serve_socket()) for server in self._servers]
        for server in self._servers:
            await server.ready.wait()
        return self

    async def also_serve(self, name: str, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Serve one of the services on a further socket, until all end.

        :param listener: it listens; it may be of another network namespace
        :param tls: instead of the service's own context, where that has one
        """
        server = next(one for one in self._servers if one.name == name)
        await server.also_serve(listener, tls)

    async def __aexit__(self, *_: object) -> None:
        """Finish what is being answered, for two seconds at most, and close everything."""
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._running, return_exceptions=True)
        self.close()

    def close(self) -> None:
        """Close the sockets, also where nothing was ever served."""
        for server in self._servers:
            server.listener.close()


class _Server(uvicorn.Server):
    """One of several servers of a process: signals are none of its business, and it says when it is ready."""

    def __init__(self, service: Service, listener: socket.socket) -> None:
        config = _config(service.application)
        config.ssl = service.tls  # uvicorn itself would read a file
        super().__init__(config)
        self.name = service.name
        self.listener = listener
        self.ready = asyncio.Event()

    async def serve_socket(self) -> None:
        await self.serve(sockets=[self.listener])

    async def also_serve(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        def protocol() -> asyncio.Protocol:
            made = _ResettableProtocol(config=self.config, server_state=self.server_state, app_state={})
            return cast("asyncio.Protocol", made)

        own = self.config.ssl
        context = None if own is None else tls or own
        self.servers.append(await asyncio.get_running_loop().create_server(protocol, sock=listener, ssl=context))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, finish the requests that are being answered, for two seconds at most, close the rest.

        uvicorn's own would wait for clients that keep a connection for later and don't answer TLS's farewell.
        """
        for server in self.servers:
            server.close()
        requests = tuple(self.server_state.tasks)
        if requests:
            await asyncio.wait(requests, timeout=_STOP_LIMIT_S)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # so that the transports close before the loop may

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _config(application: Application, **more: Any) -> uvicorn.Config:
    config = uvicorn.Config(
        application,
        interface="asgi3",
        http=_ResettableProtocol,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        **more,
    )
    config.load()
    return config


class HttpConnections:
    """Speaks HTTP on connections that somebody else accepted.

    :param application: answers the requests
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        # What a service says of itself and of the time is the application's, not uvicorn's.
        self._config = _config(application, date_header=False)
        self._state = ServerState()

    def protocol(self, note: Any) -> asyncio.Protocol:
        """A protocol for one connection.

        :param note: what the application finds in its scope's extensions, under :data:`CONNECTION`
        """
        made: asyncio.Protocol = _NotedProtocol(config=self._config, server_state=self._state, app_state={})
        made.note = note  # type: ignore[attr-defined]
        return made

    async def stop(self) -> None:
        """End what is being answered, and close every connection."""
        requests = tuple(self._state.tasks)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        for connection in tuple(self._state.connections):
            connection.transport.abort()


class _ResettableProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # httptools' or h11's, found at run time
    """uvicorn's HTTP protocol, whose requests can reset their connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        application: Application = self.app

        async def resettable(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[RESET] = {"reset": lambda: reset(transport)}
            await application(scope, receive, send)

        self.app: Application = resettable


class _NotedProtocol(_ResettableProtocol):
    """The same, telling the application something about the connection."""

    note: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        application: Application = self.app

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[CONNECTION] = self.note
            await application(scope, receive, send)

        self.app = noted
        super().connection_made(transport)


def reset(transport: Any) -> None:
    """End the connection with RST: its socket lingers for no time, so closing it discards instead of finishing."""
    handle = os.dup(transport.get_extra_info("socket").fileno())  # uvloop's own object takes no options
    with socket.socket(fileno=handle) as duplicate:
        duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
