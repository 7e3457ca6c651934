"""TDS 7.x (MS-TDS), as SQL Server and Azure SQL speak it: PRELOGIN, then TLS inside of TDS packets."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any, Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target, TlsUse
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import CHUNK, Stream

EXPECTED: Final = "a TDS prelogin response"
NO_PRELOGIN: Final = "a message of TDS that is none"
TABULAR_RESULT: Final = 0x04
PRELOGIN: Final = 0x12
END_OF_MESSAGE: Final = 0x01
ERROR_TOKEN: Final = 0xAA
HEADER: Final = struct.Struct(">BBHHBB")
"""Type, status, length with the header itself, SPID, packet id, window (MS-TDS 2.2.3.1)."""
MAX_MESSAGE_BYTES = 4096
MAX_PACKET_BYTES = 4096
"""The size of a packet before a login has agreed on another (MS-TDS 2.2.3.1.3)."""
CLIENT_VERSION: Final = bytes([9, 0, 0, 0, 0, 0])


class Option(IntEnum):
    """The tokens of PRELOGIN that matter here (MS-TDS 2.2.6.5)."""

    VERSION = 0x00
    ENCRYPTION = 0x01
    INSTANCE = 0x02
    THREAD = 0x03
    MARS = 0x04
    TERMINATOR = 0xFF


class Encryption(IntEnum):
    """What a side says about encryption (MS-TDS 2.2.6.5)."""

    OFF = 0x00
    ON = 0x01
    NOT_SUPPORTED = 0x02
    REQUIRED = 0x03


class NotTdsError(Exception):
    """The peer answered in another protocol; carries its first bytes, and what is wrong where they do not show it."""

    def __init__(self, received: bytes, problem: str = "") -> None:
        super().__init__(received)
        self.received = received
        self.problem = problem


class TlsInTds(Stream):
    """TLS records in PRELOGIN packets, as long as the handshake lasts (MS-TDS 3.2.5.2); nothing of ours follows it.

    :param below: the stream that carries the packets, which this stream owns
    """

    def __init__(self, below: Stream) -> None:
        self._below = below
        self._left = 0

    async def send(self, data: bytes) -> None:
        room = MAX_PACKET_BYTES - HEADER.size
        pieces = [data[start : start + room] for start in range(0, len(data), room)]
        for number, piece in enumerate(pieces, start=1):
            await self._below.send(_packet(piece, number=number, last=number == len(pieces)))

    async def receive(self, limit: int = CHUNK) -> bytes:
        while not self._left:
            header = await self._below.receive(1)
            if not header:
                return b""
            header += await self._below.exactly(HEADER.size - 1)
            kind, _, length, *_ = HEADER.unpack(header)
            if kind not in (PRELOGIN, TABULAR_RESULT) or length < HEADER.size:
                return header[:limit]  # not TDS: let TLS say that these are no records
            self._left = length - HEADER.size
        received = await self._below.receive(min(limit, self._left))
        self._left -= len(received)
        return received

    def close(self) -> None:
        self._below.close()


@register("tds", default_port=1433, starts_tls=True, tls_layer=TlsInTds, verifies=False)
async def probe_tds(stream: Stream, target: Target) -> StageResult:
    """Exchange PRELOGIN messages (MS-TDS 2.2.6.5) and read what the server says about encryption.

    Certificates are not verified by default: FreeTDS does not, and with it neither does pymssql, Airflow's client.
    Microsoft's ODBC driver has verified since version 18; a target of such a client says ``tls: verify``.
    """
    wanted = Encryption.NOT_SUPPORTED if target.tls is TlsUse.OFF else Encryption.ON
    await stream.send(_packet(_prelogin(wanted)))
    try:
        message = await _message(stream)
        if message[:1] == bytes([ERROR_TOKEN]):
            return _error(message)
        options = _options(message)
    except NotTdsError as error:
        return unexpected(EXPECTED, error.received, error.problem)
    # The highest bit speaks of client certificates.
    answer = options[Option.ENCRYPTION][0] & 0x7F
    detail: dict[str, Any] = {
        "version": _version(options[Option.VERSION]),
        "encryption": Encryption(answer).name.lower().replace("_", " ") if answer in list(Encryption) else answer,
    }
    if target.tls is TlsUse.OFF and answer in (Encryption.ON, Encryption.REQUIRED):
        return failed(Finding.TLS_REQUIRED, **detail, said="encryption is required")
    return seen(Finding.GREETED, **detail, offers_tls=answer != Encryption.NOT_SUPPORTED)


def _packet(payload: bytes, *, number: int = 1, last: bool = True) -> bytes:
    status = END_OF_MESSAGE if last else 0
    return HEADER.pack(PRELOGIN, status, HEADER.size + len(payload), 0, number & 0xFF, 0) + payload


def _prelogin(encryption: Encryption) -> bytes:
    """The client's message: option headers (token, offset, length), a terminator, then the options' data."""
    options = {
        Option.VERSION: CLIENT_VERSION,
        Option.ENCRYPTION: bytes([encryption]),
        Option.INSTANCE: b"\0",
        Option.THREAD: bytes(4),
        Option.MARS: b"\0",
    }
    headers, data = b"", b""
    for token, value in options.items():
        headers += struct.pack(">BHH", token, 5 * len(options) + 1 + len(data), len(value))
        data += value
    return headers + bytes([Option.TERMINATOR]) + data


async def _message(stream: Stream) -> bytes:
    """The data of the packets up to the last of a message; not a byte beyond it."""
    message = b""
    while True:
        header = await stream.exactly(HEADER.size)
        kind, status, length, *_ = HEADER.unpack(header)
        if kind not in (TABULAR_RESULT, PRELOGIN) or not HEADER.size < length <= MAX_PACKET_BYTES:
            raise NotTdsError(message + header)
        message += await stream.exactly(length - HEADER.size)
        if status & END_OF_MESSAGE:
            return message
        if len(message) > MAX_MESSAGE_BYTES:
            raise NotTdsError(message, "a message of TDS without end")


def _options(message: bytes) -> dict[int, bytes]:
    """The options by token, with those that every server gives."""
    options: dict[int, bytes] = {}
    position = 0
    while position < len(message) and message[position] != Option.TERMINATOR:
        header = message[position : position + 5]
        if len(header) < 5:  # noqa: PLR2004  token, offset, length
            raise NotTdsError(message, NO_PRELOGIN)
        token, offset, length = struct.unpack(">BHH", header)
        options[token] = message[offset : offset + length]
        position += 5
    if len(options.get(Option.VERSION, b"")) != len(CLIENT_VERSION) or not options.get(Option.ENCRYPTION):
        raise NotTdsError(message, NO_PRELOGIN)
    return options


def _version(data: bytes) -> str:
    major, minor, build = struct.unpack_from(">BBH", data)
    return f"{major}.{minor}.{build}"


def _error(message: bytes) -> StageResult:
    """An error in place of an answer (MS-TDS 2.2.7.10): its number, and its text in UTF-16."""
    try:
        number, characters = struct.unpack_from("<xxxixxH", message)
    except struct.error:
        return unexpected(EXPECTED, message, NO_PRELOGIN)
    text = message[11 : 11 + 2 * characters].decode("utf-16-le", "replace")
    return failed(Finding.SERVICE_UNAVAILABLE, error=number, said=shown(text.encode()))
