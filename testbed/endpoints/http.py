"""An HTTP server that answers as told and remembers what it was asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from testbed.endpoints.base import TcpServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request's head; the names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]


async def read_request(reader: asyncio.StreamReader) -> HttpRequest:
    """Read one request's head; ``EOFError`` where the peer left, ``ValueError`` where this is no HTTP."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _version = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return HttpRequest(method=method, target=target, headers={name.lower(): value.strip() for name, _, value in pairs})


def response_head(status: int, headers: Mapping[str, str]) -> bytes:
    """A response's head; a status that the registry lacks gets an empty reason."""
    reason = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class HttpServer(TcpServer):
    """An HTTP/1.1 server, HTTPS with ``tls``: the same answer to every request; what is no HTTP gets a 400.

    :param status: status of every answer
    :param headers: further headers of every answer
    :param body: body of every answer
    :param delay_s: how long it thinks before each answer
    """

    def __init__(
        self,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"ok\n",
        delay_s: float = 0.0,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.status = status
        self.headers = dict(headers or {})
        self.body = body
        self.delay_s = delay_s
        self.requests: list[HttpRequest] = []

    def respond(self, _request: HttpRequest) -> tuple[int, Mapping[str, str], bytes]:
        """Status, further headers and body of the answer to a request."""
        return self.status, self.headers, self.body

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the peer leaves or asks to close."""
        while True:
            try:
                request = await read_request(reader)
            except (ValueError, asyncio.LimitOverrunError):
                writer.write(response_head(400, {"Content-Length": "0", "Connection": "close"}))
                await writer.drain()
                return
            self.requests.append(request)
            await reader.readexactly(int(request.headers.get("content-length", "0")))
            await asyncio.sleep(self.delay_s)
            status, headers, body = self.respond(request)
            writer.write(response_head(status, {"Content-Length": str(len(body))} | dict(headers)))
            writer.write(b"" if request.method == "HEAD" else body)
            await writer.drain()
            if request.headers.get("connection", "").lower() == "close":
                return
