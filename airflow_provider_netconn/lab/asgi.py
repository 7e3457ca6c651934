"""ASGI's types (https://asgi.readthedocs.io/en/latest/specs/www.html), and a request that is read as a whole."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


async def read_body(receive: Receive) -> bytes | None:
    """:return: the request's whole body; None where the client left before it was complete"""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives a body that was read already, and then whatever the client does next."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def answer(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Send a whole answer; its length is added to the headers."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def answer_json(send: Send, status: int, value: Any, headers: Iterable[tuple[str, str]] = ()) -> None:
    """Send a value as JSON."""
    body = json.dumps(value).encode()
    await answer(send, status, [("Content-Type", "application/json; charset=utf-8"), *headers], body)


def header(scope: Scope, name: str) -> str | None:
    """:return: a request's header; None where it has none of that name"""
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for given, value in scope["headers"] if given == wanted), None)
