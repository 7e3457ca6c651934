"""A SQL Server as far as its front door: PRELOGIN, TLS inside of TDS packets, LOGIN7, and a refused login.

Written after MS-TDS alone, and apart from the probe's code. Real clients (FreeTDS, pymssql, pytds) come as far as with
a real server, which has no package in Debian or PyPI.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from enum import IntEnum

from testbed.endpoints.base import TcpServer

_PRELOGIN, _LOGIN7, _RESPONSE = 0x12, 0x10, 0x04
_LAST = 0x01
_VERSION = bytes([16, 0, 0x10, 0x87, 0, 0])
"""SQL Server 2022, 16.0.4231."""
_CHUNK = 4088


class TdsEncryption(IntEnum):
    """What the server is set to: the values of the ENCRYPTION option of PRELOGIN."""

    OFF = 0
    """Encrypts where the client asks for it, and the login in any case."""
    ON = 1
    """Forces encryption, as Azure SQL does."""
    NOT_SUPPORTED = 2


class TdsServer(TcpServer):
    """Talks to TDS clients until their login, which it refuses with error 18456.

    :param encryption: what it is set to
    :param certificate: the TLS context; not needed where encryption is not supported
    """

    def __init__(
        self,
        encryption: TdsEncryption = TdsEncryption.ON,
        *,
        certificate: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self.encryption = encryption
        self.certificate = certificate
        self.asked: list[int] = []
        """The ENCRYPTION option of each client."""
        self.handshakes = 0
        """How many TLS handshakes were completed."""
        self.logins: list[str] = []
        """The user of each LOGIN7."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        kind, message = await _read_message(reader)
        if kind != _PRELOGIN:
            return
        asked = _options_of(message)[1][0]
        self.asked.append(asked)
        answer = _answer(self.encryption, asked)
        writer.write(_frame(_RESPONSE, _prelogin_response(answer)))
        await writer.drain()
        if answer == TdsEncryption.NOT_SUPPORTED:
            await self._refuse_login(reader, writer, None)
        elif asked != TdsEncryption.NOT_SUPPORTED:
            assert self.certificate is not None
            session = _TlsSession(self.certificate, reader, writer)
            await session.accept()
            self.handshakes += 1
            await self._refuse_login(reader, writer, session, login_only=answer == TdsEncryption.OFF)

    async def _refuse_login(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        session: _TlsSession | None,
        *,
        login_only: bool = False,
    ) -> None:
        kind, login = await _read_message(session or reader)
        if kind != _LOGIN7:
            return
        (offset, length) = struct.unpack_from("<HH", login, 40)
        self.logins.append(login[offset : offset + 2 * length].decode("utf-16-le"))
        refusal = _frame(_RESPONSE, _login_failed(self.logins[-1]))
        if session is None or login_only:
            writer.write(refusal)
        else:
            session.write(refusal)
        await writer.drain()


class _TlsSession:
    """TLS as a server; its records travel in PRELOGIN packets during the handshake and bare after it."""

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._from_client, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._from_client, self._to_client, server_side=True)
        self._reader, self._writer = reader, writer

    async def accept(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._send_wrapped()
                _, records = await _read_message(self._reader)
                self._from_client.write(records)
        await self._send_wrapped()

    async def _send_wrapped(self) -> None:
        while records := self._to_client.read(_CHUNK):
            self._writer.write(_frame(_PRELOGIN, records, last=not self._to_client.pending))
        await self._writer.drain()

    async def readexactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                data += self._tls.read(count - len(data))
            except ssl.SSLWantReadError:
                received = await self._reader.read(65536)
                if not received:
                    raise EOFError from None
                self._from_client.write(received)
        return data

    def write(self, data: bytes) -> None:
        self._tls.write(data)
        self._writer.write(self._to_client.read())


async def _read_message(source: asyncio.StreamReader | _TlsSession) -> tuple[int, bytes]:
    message = b""
    while True:
        kind, status, length = struct.unpack(">BBH4x", await source.readexactly(8))
        message += await source.readexactly(length - 8)
        if status & _LAST:
            return kind, message


def _frame(kind: int, data: bytes, *, last: bool = True) -> bytes:
    return struct.pack(">BBHHBB", kind, _LAST if last else 0, 8 + len(data), 0, 1, 0) + data


def _options_of(message: bytes) -> dict[int, bytes]:
    options, at = {}, 0
    while message[at] != 0xFF:
        token, offset, length = struct.unpack_from(">BHH", message, at)
        options[token] = message[offset : offset + length]
        at += 5
    return options


def _answer(setting: TdsEncryption, asked: int) -> int:
    """The table of MS-TDS 2.2.6.5: how the two sides' settings meet."""
    if setting is TdsEncryption.NOT_SUPPORTED:
        return 2
    if setting is TdsEncryption.ON:
        return 1 if asked == 1 else 3
    return asked


def _prelogin_response(encryption: int) -> bytes:
    values = [(0, _VERSION), (1, bytes([encryption])), (2, b"\0"), (3, b""), (4, b"\0")]
    offset, headers, data = 5 * len(values) + 1, b"", b""
    for token, value in values:
        headers += struct.pack(">BHH", token, offset + len(data), len(value))
        data += value
    return headers + b"\xff" + data


def _login_failed(user: str) -> bytes:
    """An ERROR token and a DONE token."""
    text = f"Login failed for user '{user}'."
    body = struct.pack("<IBBH", 18456, 1, 14, len(text)) + text.encode("utf-16-le")
    body += bytes([4]) + "peer".encode("utf-16-le") + bytes([0]) + struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body + b"\xfd" + struct.pack("<HHQ", 2, 0, 0)
