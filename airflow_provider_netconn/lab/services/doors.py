"""A door: one listening socket, the faults that meet who comes through it, and the handshake behind it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.effects import CloseConnection, ShowCertificate, StallService
from airflow_provider_netconn.lab.resources.private_link import APPROVED, status_of
from airflow_provider_netconn.lab.services.certificates import Certificates, Shown
from airflow_provider_netconn.lab.services.table import service_row
from airflow_provider_netconn.lab.services.values import Call, Hold, Stream, server_name_of, start_tls
from airflow_provider_netconn.lab.serving import reset

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.effects import Effect
    from airflow_provider_netconn.lab.faults import FaultBook
    from airflow_provider_netconn.lab.packets.listeners import Listener
    from airflow_provider_netconn.lab.services.origins import Origins

_LOG: Final = logging.getLogger("netconn.lab")
_LEFT: Final = (ConnectionError, EOFError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError)
"""How a connection ends that the client ended."""

StreamServer = Callable[[Call, Stream], Awaitable[None]]
"""Speaks a protocol on a connection until either side ends it."""


class Doors:
    """What all doors share.

    :param origins: tells who callers are
    :param http: makes the protocol that speaks HTTP on a connection
    :param behind_tls: protocols that begin with the handshake, besides ``https``
    :param in_the_clear: protocols that begin without one
    """

    def __init__(
        self,
        plane: ControlPlane,
        faults: FaultBook,
        certificates: Certificates,
        *,
        origins: Origins,
        http: Callable[[Call], asyncio.Protocol],
        behind_tls: Mapping[str, StreamServer],
        in_the_clear: Mapping[str, StreamServer],
    ) -> None:
        self.plane = plane
        self.faults = faults
        self.certificates = certificates
        self.origins = origins
        self.http = http
        self.behind_tls = behind_tls
        self.in_the_clear = in_the_clear


class Door:
    """One listening socket; it accepts nothing before :meth:`open`, though callers wait in its queue.

    :param listeners: what is behind it; several where they share an address and port
    """

    def __init__(self, shared: Doors, listener: socket.socket, listeners: tuple[Listener, ...]) -> None:
        self.listeners = listeners
        self._shared = shared
        self._socket = listener
        self._server: asyncio.Server | None = None
        self._contexts: dict[tuple[Shown, tuple[Listener, ...]], ssl.SSLContext] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections from now on; a door that was closed meanwhile stays so."""
        if self._socket.fileno() < 0:
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(partial(_Visitor, self), sock=self._socket)

    async def close(self) -> None:
        """Accept nothing more, and end every connection that is no HTTP."""
        if self._server is not None:
            self._server.close()
        self._socket.close()
        connections = tuple(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def receive(self, transport: asyncio.Transport, hold: Hold) -> None:
        """Take a new connection."""
        transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._told(transport, hold))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _told(self, transport: asyncio.Transport, hold: Hold) -> None:
        """Serve a connection; what goes wrong in it ends it, and nothing else."""
        try:
            await self._serve(transport, hold)
        except _LEFT:
            transport.abort()
        except asyncio.CancelledError:
            transport.abort()
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the other connections go on
            _LOG.exception("a service failed: %s", self.listeners[0])
            transport.abort()

    async def _serve(self, transport: asyncio.Transport, hold: Hold) -> None:
        shared, first = self._shared, self.listeners[0]
        shared.plane.operations.advance()
        if not _is_reachable(shared.plane, first):
            # On loopback nothing drops packets on the way, as Azure does for an endpoint that is not approved.
            reset(transport)
            return
        hosts = [host for listener in self.listeners for host in listener.hosts]
        fault = shared.faults.take_connection(first.resource_id, hosts)
        shown = await self._meet(None if fault is None else fault.effect, transport, hold)
        if transport.is_closing():
            return
        resource = shared.plane.store.find(first.resource_id)
        origin = shared.origins.of(str(transport.get_extra_info("peername")[0]), resource)
        context = partial(self._context, shown)
        call = Call(plane=shared.plane, listener=first, origin=origin, context=context)
        protocol = _protocol_of(shared.plane, first)
        if protocol in shared.in_the_clear:
            await _speak(shared.in_the_clear[protocol], call, Stream(transport, hold))
            return
        secured, hold = await start_tls(transport, context())
        self._choose(call, server_name_of(secured))
        protocol = _protocol_of(shared.plane, call.listener)
        if protocol in shared.behind_tls:
            await _speak(shared.behind_tls[protocol], call, Stream(secured, hold))
            return
        http = shared.http(call)
        http.connection_made(secured)
        hold.pass_on(secured, http)

    def _choose(self, call: Call, name: str) -> None:
        call.server_name = name
        for listener in self.listeners:
            if name.lower() in (host.lower() for host in listener.hosts):
                call.listener = listener

    def _context(self, shown: Shown) -> ssl.SSLContext:
        key = (shown, self.listeners)
        if key not in self._contexts:
            self._contexts[key] = self._shared.certificates.context(self.listeners, shown)
        return self._contexts[key]

    @staticmethod
    async def _meet(effect: Effect | None, transport: asyncio.Transport, hold: Hold) -> Shown:
        """What a fault does before anything is said; the certificate to show then."""
        match effect:
            case ShowCertificate(shown=shown):
                return Shown(shown)
            case CloseConnection(reset=with_reset):
                reset(transport) if with_reset else transport.close()
            case StallService(seconds=seconds):
                if seconds is not None:
                    await asyncio.sleep(seconds)
                    return Shown.OWN
                transport.resume_reading()  # else nobody would notice that the client left
                await hold.gone.wait()
        return Shown.OWN


class _Visitor(Hold):
    """A connection that nobody has looked at yet."""

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._door.receive(transport, self)


async def _speak(server: StreamServer, call: Call, stream: Stream) -> None:
    """Have a protocol spoken, and close the connection when that ends."""
    try:
        await server(call, stream)
    finally:
        stream.transport.close()


def _protocol_of(plane: ControlPlane, listener: Listener) -> str:
    resource = plane.store.find(listener.resource_id)
    return service_row("" if resource is None else resource.kind.type, listener.group_id).protocol(listener.port)


def _is_reachable(plane: ControlPlane, listener: Listener) -> bool:
    """Whether there is still something behind the door: a private endpoint leads somewhere while it is approved."""
    if plane.store.find(listener.resource_id) is None:
        return False
    if not listener.endpoint_id:
        return True
    endpoint = plane.store.find(listener.endpoint_id)
    return endpoint is not None and status_of(plane, endpoint) == APPROVED
