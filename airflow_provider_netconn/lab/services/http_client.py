"""A request handed on to a server of the lab's own on this machine, and its answer handed back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import h11

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.services.http_answers import Exchange

_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"})
_CHUNK: Final = 65536


@dataclass(slots=True, kw_only=True)
class Request:
    """A request that was read as a whole.

    :param path: percent-encoded, as it came
    :param query: as it came
    :param parameters: the same, names in lower case
    :param headers: by name in lower case
    """

    method: str
    path: str
    query: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def target(self) -> str:
        """What stands in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(slots=True)
class Answered:
    """An answer that was read as a whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def ask(port: int, request: Request) -> Answered:
    """Ask a server on 127.0.0.1.

    :raises OSError: it does not answer
    """
    connection = h11.Connection(h11.CLIENT)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        kept = [(name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP]
        if request.body or request.method in {"PUT", "POST", "MERGE", "PATCH"}:
            kept = [(name, value) for name, value in kept if name != "content-length"]
            kept.append(("content-length", str(len(request.body))))
        head = h11.Request(method=request.method, target=request.target, headers=[*kept, ("connection", "close")])
        writer.write(connection.send(head) or b"")
        writer.write((connection.send(h11.Data(data=request.body)) or b"") if request.body else b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return await _answer(connection, reader)
    except h11.ProtocolError as error:
        raise OSError(f"the server behind the lab's front: {error}") from None
    finally:
        writer.close()


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Answered:
    found = Answered(0, [], b"")
    parts = []
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            found.status = event.status_code
            found.headers = [(name.decode(), value.decode("latin-1")) for name, value in event.headers]
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            found.body = b"".join(parts)
            return found


async def hand_back(exchange: Exchange, answered: Answered, instead: Iterable[tuple[str, str]] = ()) -> None:
    """Answer an exchange as a server of the lab's own did.

    :param instead: headers in place of its own of the same names
    """
    replaced = dict(instead)
    headers = [
        (name, value)
        for name, value in answered.headers
        if name.lower() not in _HOP_BY_HOP and name.lower() not in replaced
    ]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in (*headers, *replaced.items())]
    if not any(name == b"content-length" for name, _ in raw) and answered.status >= 200 and answered.status != 204:
        raw.append((b"content-length", str(len(answered.body)).encode()))
    await exchange.send({"type": "http.response.start", "status": answered.status, "headers": raw})
    await exchange.send({"type": "http.response.body", "body": answered.body, "more_body": False})
