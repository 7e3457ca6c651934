"""Ports of the isolated lab, forwarded to the outside: who listens was made outside, who dials is inside."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.packets.addresses import Endpoint
from airflow_provider_netconn.lab.serving import listening_socket

_CHUNK: Final = 65_536
_EXAMPLE: Final = "write it as in 8080:10.20.0.254:8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A port of this machine that leads into the lab.

    :param port: on the loopback address of the machine that the lab runs on
    :param target: what it leads to; an address of the landscape
    """

    port: int
    target: Endpoint

    @classmethod
    def read(cls, text: str, own_address: str | None = None) -> Self:
        """Read ``HOSTPORT:ADDRESS:PORT``.

        :param own_address: what ``HOSTPORT:PORT`` leads to; None: an address has to be given
        :raises LabError: it is none
        """
        parts = text.split(":")
        if len(parts) == 2 and own_address is not None:
            parts.insert(1, own_address)
        if len(parts) != 3 or not all(part.isdecimal() and 0 < int(part) < 65536 for part in (parts[0], parts[2])):
            raise LabError(f"--publish: {text!r} is no pair of ports; {_EXAMPLE}")
        try:
            address = str(ipaddress.IPv4Address(parts[1]))
        except ValueError:
            raise LabError(f"--publish: {parts[1]!r} is no IPv4 address; {_EXAMPLE}") from None
        return cls(port=int(parts[0]), target=Endpoint(address, int(parts[2])))


class Publishing:
    """Forwards connections until it is closed.

    :param publications: each gets a socket that listens on 127.0.0.1 at once, in the network of whoever makes this
    :raises LabError: one of the ports is taken
    """

    def __init__(self, publications: Iterable[Publication]) -> None:
        self._open: list[tuple[Publication, socket.socket]] = []
        self._servers: list[asyncio.Server] = []
        try:
            for one in publications:
                self._open.append((one, listening_socket("127.0.0.1", one.port)))
        except BaseException:
            self.close()
            raise

    async def start(self, reach: Callable[[Endpoint], Endpoint] = lambda target: target) -> None:
        """Forward from now on, in the network of the calling thread.

        :param reach: where a target is dialled
        """
        for one, listener in self._open:
            visit = partial(_forward, one.target, reach)
            self._servers.append(await asyncio.start_server(visit, sock=listener))

    def close(self) -> None:
        """Accept nothing more."""
        for server in self._servers:
            server.close()
        for _, listener in self._open:
            listener.close()


async def _forward(
    target: Endpoint,
    reach: Callable[[Endpoint], Endpoint],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        place = reach(target)
        other_reader, other_writer = await asyncio.open_connection(place.address, place.port)
    except OSError:
        writer.transport.abort()  # as refused, as far as somebody in between can say so
        return
    await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))
    for one in (writer, other_writer):
        one.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, to its end; the other may go on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
