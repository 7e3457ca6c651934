"""An HTTP proxy: CONNECT tunnels and requests in absolute form (RFC 9110, section 9.3.6; RFC 9112, section 3.2.2)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from testbed.endpoints.base import TcpServer
from testbed.endpoints.http import HttpRequest, read_request, response_head

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping


class ProxyManner(Enum):
    """How the proxy treats what is asked of it."""

    WORKS = "works"
    FORBIDS = "forbids"
    """403 to everything."""
    DEMANDS_LOGIN = "demands login"
    """407 unless the proxy's credentials are given."""
    NOT_A_PROXY = "not a proxy"
    """A web server that does not know CONNECT: 405, and 404 to the rest."""
    SPEAKS_OTHER = "speaks other"
    """Not HTTP at all."""
    SILENT = "silent"


class HttpProxy(TcpServer):
    """A forward proxy that remembers what was asked through it.

    :param manner: how it treats requests
    :param routes: where to connect to for ``host:port`` as asked; what is not listed is dialled as it is, and only on
        loopback
    :param credentials: ``user:password``, asked for by ``ProxyManner.DEMANDS_LOGIN``
    """

    def __init__(
        self,
        manner: ProxyManner = ProxyManner.WORKS,
        *,
        routes: Mapping[str, tuple[str, int]] | None = None,
        credentials: str = "user:password",
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.manner = manner
        self.routes = dict(routes or {})
        self.credentials = credentials
        self.requests: list[HttpRequest] = []

    @property
    def url(self) -> str:
        """What a client writes into HTTPS_PROXY; without credentials."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def asked(self) -> list[str]:
        """What was asked for, in order: ``host:port`` of a tunnel, the URL of a request in absolute form."""
        return [request.target for request in self.requests]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request; a tunnel lasts until either side leaves."""
        if self.manner is ProxyManner.SPEAKS_OTHER:
            writer.write(b"220 this is no proxy\r\n")
            await writer.drain()
            await reader.read()
            return
        request = await read_request(reader)
        self.requests.append(request)
        if self.manner is ProxyManner.SILENT:
            await reader.read()
        elif (refusal := self._refusal(request)) is not None:
            writer.write(refusal)
            await writer.drain()
        elif request.method == "CONNECT":
            await self._tunnel(request, reader, writer)
        else:
            await self._forward(request, reader, writer)

    def _refusal(self, request: HttpRequest) -> bytes | None:
        end = {"Content-Length": "0", "Connection": "close"}
        if self.manner is ProxyManner.FORBIDS:
            return response_head(403, end)
        if self.manner is ProxyManner.NOT_A_PROXY:
            return response_head(405 if request.method == "CONNECT" else 404, end)
        if self.manner is ProxyManner.DEMANDS_LOGIN:
            login = "Basic " + base64.b64encode(self.credentials.encode()).decode()
            if request.headers.get("proxy-authorization") != login:
                return response_head(407, {"Proxy-Authenticate": 'Basic realm="testbed"'} | end)
        return None

    async def _tunnel(self, request: HttpRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await self._dial(request.target, writer)
        if upstream is not None:
            writer.write(response_head(200, {}))
            await _join((reader, writer), upstream)

    async def _forward(self, request: HttpRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(request.target)
        upstream = await self._dial(f"{url.hostname}:{url.port or 80}", writer)
        if upstream is None:
            return
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        headers = {name: value for name, value in request.headers.items() if not name.startswith("proxy-")}
        lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        upstream[1].write("\r\n".join(lines).encode("latin-1"))
        await _join((reader, writer), upstream)

    async def _dial(
        self, authority: str, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        host, _, port = authority.rpartition(":")
        address = self.routes.get(authority, (host.strip("[]"), int(port)))
        # Only literal loopback addresses: the testbed neither asks a resolver nor leaves the machine.
        if address[0].startswith("127.") or address[0] == "::1":
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(*address)
        writer.write(response_head(502, {"Content-Length": "0", "Connection": "close"}))
        await writer.drain()
        return None


async def _join(
    left: tuple[asyncio.StreamReader, asyncio.StreamWriter], right: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Copy both ways until either side ends; closes the right one."""
    copies = [asyncio.create_task(_copy(left[0], right[1])), asyncio.create_task(_copy(right[0], left[1]))]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # First, as this task may be cancelled while it waits below.
        right[1].close()
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
