"""What travels in this room: who calls, by which door, and how a connection is taken over."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.resources.firewall_rules import Admission, Firewalled, admits

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.packets.listeners import Listener
    from airflow_provider_netconn.lab.services.origins import Origin


@dataclass(slots=True, kw_only=True)
class Call:
    """A connection that came through a door.

    :param plane: the control plane, whose state decides
    :param listener: what was dialled; where several share an address, what the name in the handshake chose
    :param origin: who calls, as the service sees it
    :param context: gives the TLS context to answer with, for protocols that begin in the clear
    :param server_name: the name in the TLS handshake; empty where there was none
    """

    plane: ControlPlane
    listener: Listener
    origin: Origin
    context: Callable[[], ssl.SSLContext]
    server_name: str = ""

    @property
    def caller(self) -> str:
        """The caller's IP address, as the service sees it."""
        return self.origin.address

    @property
    def is_private(self) -> bool:
        """Whether it came by a private endpoint."""
        return bool(self.listener.endpoint_id)

    @property
    def resource(self) -> Resource | None:
        """What is behind the door; None: it has gone meanwhile."""
        return self.plane.store.find(self.listener.resource_id)

    @property
    def host(self) -> str:
        """The public name at which the service is reached by this door."""
        return self.listener.hosts[0] if self.listener.hosts else ""

    def admission(self) -> Admission:
        """Whether the service's firewall lets the caller in now; by a private endpoint none is asked."""
        resource = self.resource
        if resource is None or self.is_private or not isinstance(resource.kind, Firewalled):
            return Admission(allowed=True, rule="")
        origin = self.origin
        return admits(self.plane, resource, origin.address, region=origin.region, subnet=origin.subnet)


class Stream:
    """A connection as a protocol of our own reads and writes it; in the clear until :meth:`start_tls`.

    :param transport: whose it is from now on
    :param hold: what came meanwhile
    """

    def __init__(self, transport: asyncio.Transport, hold: Hold) -> None:
        self._take(transport, hold)

    def _take(self, transport: asyncio.Transport, hold: Hold) -> None:
        self.transport = transport
        self.reader = asyncio.StreamReader(loop=asyncio.get_running_loop())
        self.reader.set_transport(transport)
        self._flow = _Flow(self.reader)
        hold.pass_on(transport, self._flow)

    async def send(self, data: bytes) -> None:
        """Write, and wait until the client takes it.

        :raises ConnectionResetError: the client has left
        """
        self.transport.write(data)
        await self._flow.writable.wait()
        if self._flow.is_gone:
            raise ConnectionResetError("the client left")

    async def start_tls(self, context: ssl.SSLContext) -> str:
        """Answer a handshake, and go on under TLS.

        :return: the name in the handshake; empty where there was none
        :raises OSError: the handshake failed
        """
        self._take(*await start_tls(self.transport, context))
        return server_name_of(self.transport)


class _Flow(asyncio.Protocol):
    """Fills a reader, and tells when writing should wait."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.is_gone = False
        self.writable = asyncio.Event()
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self._reader.feed_data(data)

    def eof_received(self) -> bool:
        self._reader.feed_eof()
        return False

    def connection_lost(self, failure: Exception | None) -> None:
        self.is_gone = True
        self.writable.set()
        if failure is None:
            self._reader.feed_eof()
        else:
            self._reader.set_exception(failure)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class Hold(asyncio.Protocol):
    """Keeps what a connection brings until somebody takes it over."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._at_end = False
        self._failure: Exception | None = None
        self.gone = asyncio.Event()
        """Set when the connection is no more."""

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self._kept += data

    def eof_received(self) -> bool:
        """Keep that nothing more will come; the connection closes."""
        self._at_end = True
        return False

    def connection_lost(self, failure: Exception | None) -> None:
        """Keep that it is gone."""
        self._failure = failure
        self.gone.set()

    def pass_on(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        """Let a protocol have what was kept, and what comes from now on; it knows its transport already."""
        transport.set_protocol(protocol)
        if self._kept:
            protocol.data_received(bytes(self._kept))
        if self.gone.is_set():
            protocol.connection_lost(self._failure)
        elif self._at_end:
            protocol.eof_received()
        elif not transport.is_reading():
            transport.resume_reading()


_HANDSHAKE_LIMIT_S: Final = 10.0


async def start_tls(transport: asyncio.Transport, context: ssl.SSLContext) -> tuple[asyncio.Transport, Hold]:
    """Answer a client's handshake.

    :raises OSError: it failed, or the client left
    """
    hold = Hold()
    loop = asyncio.get_running_loop()
    found = await loop.start_tls(transport, hold, context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_LIMIT_S)
    if found is None:
        raise ConnectionResetError("the client left during the handshake")
    return found, hold


SERVER_NAME: Final = "netconn_server_name"
"""Attribute of a connection's TLS object: the name that the client asked for."""


def server_name_of(transport: asyncio.BaseTransport) -> str:
    """:return: the name in the handshake of a transport with TLS; empty where there was none"""
    return str(getattr(transport.get_extra_info("ssl_object"), SERVER_NAME, None) or "")
