"""A peer at the other end of a real socket, of the kind that the engine uses, which says whatever it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from airflow_provider_netconn.probing.streams import CHUNK, SocketStream, Stream

T = TypeVar("T")
_runner = asyncio.Runner()
_ENDLESS = 64 * 1024


class CountedStream(SocketStream):
    """A socket's stream that takes no more than a limit of bytes.

    :param most: more than this shows that whoever reads has no limit of its own
    """

    def __init__(self, sock: socket.socket, most: int) -> None:
        super().__init__(sock)
        self.left = most

    async def receive(self, limit: int = CHUNK) -> bytes:
        received = await super().receive(limit)
        self.left -= len(received)
        assert self.left >= 0, "reads without end"
        return received


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end, and raise what went wrong beside it as well."""
    beside: list[dict[str, Any]] = []
    _runner.get_loop().set_exception_handler(lambda _, context: beside.append(context))
    done = _runner.run(work)
    assert not beside, beside
    return done


async def with_peer(
    said: bytes, listen: Callable[[Stream], Awaitable[T]], *, most: int, again_and_again: bytes = b""
) -> T:
    """Give a stream on which the peer says this, and hangs up or goes on with those words for ever."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    with theirs, contextlib.closing(CountedStream(ours, most)) as stream:
        talking = asyncio.ensure_future(_talk(theirs, said, again_and_again))
        try:
            return await listen(stream)
        finally:
            talking.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await talking


async def _talk(sock: socket.socket, said: bytes, again_and_again: bytes) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, said)
    block = again_and_again * (_ENDLESS // max(len(again_and_again), 1))
    while block:
        await loop.sock_sendall(sock, block)
    sock.shutdown(socket.SHUT_WR)
