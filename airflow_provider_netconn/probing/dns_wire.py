"""Bytes to and from a nameserver, over UDP and TCP; and how much of an answer dnspython is given to read.

Names in an answer may point at others. So 64 KB can name millions of labels, over which dnspython would sit for half a
minute, and all other targets with it: the compression bomb. What no ordinary answer needs is not even begun.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

from airflow_provider_netconn.probing.dns_short import KINDS

MAX_LABELS: Final = 30_000
"""Labels of all names of an answer, pointers followed: thousands of addresses have no more."""

_HEADER: Final = struct.Struct("!HHHHHH")  # RFC 1035, 4.1.1
_RECORD: Final = struct.Struct("!HHIH")  # RFC 1035, 4.1.3, after the name
_TRUNCATED: Final = 0x0200
_POINTER: Final = 0xC0
_MAX_DATAGRAM: Final = 65535
_MAX_LABELS_OF_A_NAME: Final = 127
# CNAME, DNAME and RRSIG, the records with one name in them that an answer about addresses may have.
_ONE_NAME: Final = {5: 0, 39: 0, 46: 18}
"""Record types, and where the name begins in them."""


class BombError(Exception):
    """An answer with more names in it than any nameserver would need."""


async def ask_by_udp(server: tuple[str, int], question: bytes) -> bytes:
    """The first datagram that comes back; raises ``OSError``. There is no time limit here."""
    loop = asyncio.get_running_loop()
    with socket.socket(_family(server), socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(server)
        await loop.sock_sendall(sock, question)
        return await loop.sock_recv(sock, _MAX_DATAGRAM)


async def ask_by_tcp(server: tuple[str, int], question: bytes) -> bytes:
    """The answer by its length (RFC 1035, 4.2.2); raises ``OSError`` and ``EOFError``. There is no time limit here."""
    loop = asyncio.get_running_loop()
    with socket.socket(_family(server), socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, server)
        await loop.sock_sendall(sock, len(question).to_bytes(2) + question)
        return await _exactly(sock, int.from_bytes(await _exactly(sock, 2)))


async def _exactly(sock: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        chunk = await asyncio.get_running_loop().sock_recv(sock, count - len(received))
        if not chunk:
            raise EOFError("the nameserver closed the connection within its answer")
        received += chunk
    return bytes(received)


def _family(server: tuple[str, int]) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in server[0] else socket.AF_INET


def worth_reading(message: bytes) -> bytes:
    """The answer without the sections that nobody asks about; of a truncated one, the head and the question alone.

    :raises BombError: its names are too many
    :raises IndexError, struct.error: it ends too soon
    """
    ident, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
    if flags & _TRUNCATED:
        questions, answers = min(questions, 1), 0
    at, labels = _HEADER.size, 0
    for _ in range(questions):
        at, count = _past_name(message, at)
        at, labels = at + 4, _sum(labels, count)
    for _ in range(answers):
        at, count = _past_name(message, at)
        code, _, _, length = _RECORD.unpack_from(message, at)
        at += _RECORD.size
        labels = _sum(labels, count + _labels_in(message, code, at, length))
        at += length
    return _HEADER.pack(ident, flags, questions, answers, 0, 0) + message[_HEADER.size : at]


def _sum(labels: int, more: int) -> int:
    if labels + more > MAX_LABELS:
        raise BombError(f"an answer with more than {MAX_LABELS} labels in its names")
    return labels + more


def _labels_in(message: bytes, code: int, at: int, length: int) -> int:
    """How many labels the names within a record may have at most."""
    if code in KINDS.values():
        return 0
    if code in _ONE_NAME:
        return _past_name(message, at + _ONE_NAME[code])[1]
    return length // 2 * _MAX_LABELS_OF_A_NAME  # a pointer has two bytes


def _past_name(message: bytes, at: int) -> tuple[int, int]:
    """Where the name at that place ends, and how many labels it has; a name that is too long counts to its limit."""
    end, labels = 0, 0
    while (length := message[at]) and labels <= _MAX_LABELS_OF_A_NAME:
        labels += 1  # a pointer counts as well, so that a loop of them ends
        if length >= _POINTER:
            end = end or at + 2
            at = (length & ~_POINTER) << 8 | message[at + 1]
        else:
            at += 1 + length
    return end or at + 1, labels
