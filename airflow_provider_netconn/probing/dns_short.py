"""The short way to a name's addresses: one question of each kind over UDP, and answers that leave no doubt.

Nearly all answers are such, and dnspython takes ten times as long over them. Whatever is out of the ordinary in the
least (truncated, another rcode than NOERROR, a name or record that was not asked for, a broken byte) is not judged here
at all, but handed back as it came, for dnspython to make of it what it does; after silence dnspython asks again.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from airflow_provider_netconn.evidence import MAX_NAME_LENGTH
from airflow_provider_netconn.probing.streams import SocketStream

KINDS: Final = {"A": 1, "AAAA": 28}
"""The types that are asked for, by name (RFC 1035, 3.2.2; RFC 3596, 2.1)."""

_CNAME, _INTERNET = 5, 1
_HEADER = struct.Struct("!HHHHHH")  # RFC 1035, 4.1.1
_RECORD = struct.Struct("!HHIH")  # RFC 1035, 4.1.3, after the name
_RECURSION_DESIRED = 0x0100
# Response, opcode QUERY, not truncated, NOERROR; whether it is authoritative and recursion was available is all one.
_SETTLED, _ORDINARY = 0xFA0F, 0x8000
_POINTER = 0xC0
_THE_QUESTION = bytes((_POINTER, _HEADER.size))
"""The pointer that nearly all answers begin with: to the name that was asked for, behind the header."""
_MAX_DATAGRAM = 65535
_MAX_ORDINARY = 512  # RFC 1035, 2.3.4: more needs an extension, for which was not asked
_MAX_TTL = 2**31 - 1  # RFC 2181, section 8
_MAX_CHAIN = 16  # dnspython's own limit
_LABEL = re.compile(rb"[A-Za-z0-9_-]{1,63}")

Record = tuple[str, int]
"""An address and its TTL in seconds."""
Found = tuple[tuple[str, ...], tuple[Record, ...]]
"""The names that CNAME records led through, and the addresses at their end."""


class DoubtError(Exception):
    """Something about an answer is out of the ordinary."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An answer that is not an ordinary one, and the number of the question that it came to."""

    ident: int
    message: bytes


async def look(server: tuple[str, int], name: str, timeout_s: float) -> dict[str, Found | Doubtful]:
    """Ask for the addresses of a name; kinds without an answer are missing from what this gives.

    :param server: address and port
    :param name: as it is to be asked, without search domains
    :param timeout_s: how long to wait for the answers, in seconds
    """
    found: dict[str, Found | Doubtful] = {}
    try:
        question = b"".join(_label(part) for part in name.removesuffix(".").encode("ascii").split(b".")) + b"\0"
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with closing(SocketStream(sock)) as datagrams:
            sock.connect(server)
            async with asyncio.timeout(timeout_s):
                await _ask(datagrams, question, name, found)
    except (DoubtError, OSError, UnicodeError):  # TimeoutError is an OSError
        pass
    return found


async def _ask(datagrams: SocketStream, question: bytes, name: str, found: dict[str, Found | Doubtful]) -> None:
    asked: dict[int, tuple[str, bytes]] = {}
    first = secrets.randbits(16)
    for kind, code in KINDS.items():
        ident = first ^ code  # two questions, two numbers
        asked[ident] = kind, question + struct.pack("!HH", code, _INTERNET)
        await datagrams.send(_HEADER.pack(ident, _RECURSION_DESIRED, 1, 0, 0, 0) + asked[ident][1])
    while asked:
        message = await datagrams.receive(_MAX_DATAGRAM)
        ident = int.from_bytes(message[:2])
        if ident not in asked:
            raise DoubtError
        kind, wanted = asked.pop(ident)
        try:
            found[kind] = read_answer(message, wanted, name, KINDS[kind])
        except (DoubtError, IndexError, struct.error):
            found[kind] = Doubtful(ident, message)


def read_answer(message: bytes, question: bytes, name: str, kind: int) -> Found:
    """The chain and the addresses of an ordinary answer to that question.

    :param question: the question section as it was sent
    :param kind: the type that was asked for
    :raises DoubtError: it is not an ordinary one
    :raises IndexError, struct.error: it ends too soon
    """
    _, flags, questions, answers, authorities, additional = _HEADER.unpack_from(message)
    at = _HEADER.size + len(question)
    if flags & _SETTLED != _ORDINARY or questions != 1 or message[_HEADER.size : at] != question:
        raise DoubtError
    if len(message) > _MAX_ORDINARY:
        raise DoubtError
    asked = name.removesuffix(".").lower()
    aliases: dict[str, str] = {}
    addresses: dict[str, list[Record]] = {}
    for _ in range(answers):
        owner, at = (asked, at + 2) if message[at : at + 2] == _THE_QUESTION else _name(message, at)
        code, internet, ttl, length = _RECORD.unpack_from(message, at)
        at += _RECORD.size
        if internet != _INTERNET or ttl > _MAX_TTL or code not in (kind, _CNAME):
            raise DoubtError
        if code == kind:
            addresses.setdefault(owner, []).append((_address(message[at : at + length], kind), ttl))
        elif owner in aliases:
            raise DoubtError
        else:
            aliases[owner], end = _name(message, at)
            if end != at + length:
                raise DoubtError
        at += length
    for _ in range(authorities + additional):
        at = _past_record(message, at)
    if at != len(message):
        raise DoubtError
    return _follow(asked, aliases, addresses)


def _follow(name: str, aliases: dict[str, str], addresses: dict[str, list[Record]]) -> Found:
    """Walk the CNAME records from the name; every record has to lie on that way, and each be there once."""
    chain = [name]
    while name in aliases:
        name = aliases.pop(name)
        if name in chain or len(chain) > _MAX_CHAIN:
            raise DoubtError
        chain.append(name)
    records = addresses.pop(name, [])
    alike = len({ttl for _, ttl in records}) <= 1 and len({address for address, _ in records}) == len(records)
    if aliases or addresses or not alike:
        raise DoubtError
    return tuple(chain[1:]), tuple(records)


def _label(text: bytes) -> bytes:
    if not _LABEL.fullmatch(text):
        raise DoubtError
    return bytes((len(text),)) + text


def _address(data: bytes, kind: int) -> str:
    try:
        return socket.inet_ntop(socket.AF_INET if kind == KINDS["A"] else socket.AF_INET6, data)
    except ValueError:  # too many bytes, or too few
        raise DoubtError from None


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name at that place in lower case, and where it ends; pointers lead backwards (RFC 1035, 4.1.4)."""
    labels: list[bytes] = []
    end, before = 0, at
    while length := message[at]:
        if length >= _POINTER:
            end = end or at + 2
            at = (length & ~_POINTER) << 8 | message[at + 1]
            if at >= before:
                raise DoubtError
            before = at
            continue
        label = message[at + 1 : at + 1 + length]
        if not _LABEL.fullmatch(label) or len(label) != length:
            raise DoubtError
        labels.append(label)
        at += 1 + length
    name = b".".join(labels).decode("ascii").lower()
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise DoubtError
    return name, end or at + 1


def _past_record(message: bytes, at: int) -> int:
    """Where the record at that place ends; what it says is not asked for."""
    while (length := message[at]) and length < _POINTER:
        at += 1 + length
    at += 2 if length else 1
    return at + _RECORD.size + int(_RECORD.unpack_from(message, at)[-1])
