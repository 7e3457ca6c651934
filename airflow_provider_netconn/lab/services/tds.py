"""The gateway of Azure SQL, as far as the login: it routes by the server's name, asks the firewall, knows the password.

MS-TDS 2.2.6.4 (LOGIN7), 2.2.6.5 (PRELOGIN), 2.2.7.10 (ERROR); Microsoft Learn, "Azure SQL Database and Azure Synapse
Analytics connectivity architecture", "Private endpoint overview" (login by another name than the public one fails),
"Troubleshoot common connection issues" (40532, 40613, 40615, 47073, 18456). The lab has no SQL Server: who gets that
far is told that the database is not available, 40613.
"""

from __future__ import annotations

import ssl
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.resources.firewall_rules import Wire

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.services.values import Call, Stream

PRELOGIN, LOGIN7, RESPONSE = 0x12, 0x10, 0x04
_LAST: Final = 0x01
_VERSION: Final = bytes([12, 0, 0x08, 0x98, 0, 0])
"""12.0.2200, the version that Azure SQL has kept."""
_ENCRYPT_NOT_SUPPORTED, _ENCRYPT_ON, _ENCRYPT_REQUIRED = 2, 1, 3
_CHUNK: Final = 4088
LONGEST_MESSAGE: Final = 65536


@dataclass(frozen=True, slots=True)
class Login:
    """What a LOGIN7 tells.

    :param server: the name that the client dialled
    """

    user: str
    password: str
    server: str
    database: str


async def serve_tds(call: Call, stream: Stream) -> None:
    """Serve one connection, which begins in the clear; Azure takes no login without TLS."""
    plain = _Plain(stream)
    kind, message = await _read_message(plain)
    asked = _options_of(message).get(1, b"\2")[0] if kind == PRELOGIN else _ENCRYPT_NOT_SUPPORTED
    if kind != PRELOGIN:
        return
    answer = _ENCRYPT_ON if asked == _ENCRYPT_ON else _ENCRYPT_REQUIRED
    await stream.send(_frame(RESPONSE, _prelogin_response(answer)))
    if asked == _ENCRYPT_NOT_SUPPORTED:
        return
    context = call.context()
    # TDS 7 ends there: TLS 1.3 would send tickets behind the handshake, where clients expect no packet of PRELOGIN.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = _Session(context, stream)
    await session.accept()
    kind, message = await _read_message(session)
    resource = call.resource
    if kind != LOGIN7 or resource is None:
        return
    number, text = refusal_of(call, resource, read_login(message))
    await session.send(_frame(RESPONSE, _error(number, text, resource.path.name)))


def refusal_of(call: Call, resource: Resource, login: Login) -> tuple[int, str]:
    """:return: number and text of the error that a login ends with"""
    hosts = [host.lower() for host in call.listener.hosts]
    name = login.server.removeprefix("tcp:").partition(",")[0].partition("\\")[0].lower()
    routed = name in hosts or login.user.lower().endswith(tuple(f"@{host.partition('.')[0]}" for host in hosts))
    if not routed:
        return 40532, f'Cannot open server "{name}" requested by the login. The login failed.'
    refusal = call.admission().refusal
    if refusal is not None and refusal.wire is Wire.TDS:
        return int(refusal.code), refusal.message
    properties = resource.properties
    user = login.user.partition("@")[0]
    expected = (properties.get("administratorLogin"), properties.get("administratorLoginPassword"))
    expected = expected if expected[0] else (properties.get("sqlAdministratorLogin"), None)
    if (user, login.password) != expected:
        return 18456, f"Login failed for user '{user or '<token-identified principal>'}'."
    database = login.database or "master"
    return 40613, (
        f"Database '{database}' on server '{resource.path.name}' is not currently available. Please retry the "
        "connection later. If the problem persists, contact customer support, and provide them the session tracing ID "
        "of '00000000-0000-0000-0000-000000000000'."
    )


def read_login(message: bytes) -> Login:
    """Read a LOGIN7.

    :raises ConnectionError: it is none
    """
    try:
        values = []
        for place in (40, 44, 52, 68):
            offset, length = struct.unpack_from("<HH", message, place)
            values.append(message[offset : offset + 2 * length])
        # Each octet of the password has its halves swapped and is changed by 0xA5.
        clear = bytes(((octet ^ 0xA5) >> 4 | (octet ^ 0xA5) << 4) & 0xFF for octet in values[1])
        user, password, server, database = (
            value.decode("utf-16-le") for value in (values[0], clear, values[2], values[3])
        )
    except (struct.error, UnicodeDecodeError):
        raise ConnectionError("no LOGIN7") from None
    return Login(user, password, server, database)


class _Plain:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def readexactly(self, count: int) -> bytes:
        return await self._stream.reader.readexactly(count)


class _Session:
    """TLS as its server; its records travel in PRELOGIN packets during the handshake, and bare after it."""

    def __init__(self, context: ssl.SSLContext, stream: Stream) -> None:
        self._from_client, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._from_client, self._to_client, server_side=True)
        self._stream = stream
        self._plain = _Plain(stream)

    async def accept(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._send_wrapped()
                _, records = await _read_message(self._plain)
                self._from_client.write(records)
        await self._send_wrapped()

    async def _send_wrapped(self) -> None:
        while records := self._to_client.read(_CHUNK):
            await self._stream.send(_frame(PRELOGIN, records, last=not self._to_client.pending))

    async def readexactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                data += self._tls.read(count - len(data))
            except ssl.SSLWantReadError:
                received = await self._stream.reader.read(65536)
                if not received:
                    raise EOFError from None
                self._from_client.write(received)
        return data

    async def send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._stream.send(self._to_client.read())


async def _read_message(source: _Plain | _Session) -> tuple[int, bytes]:
    message = b""
    while True:
        kind, status, length = struct.unpack(">BBH4x", await source.readexactly(8))
        message += await source.readexactly(max(length - 8, 0))
        if status & _LAST:
            return kind, message
        if len(message) > LONGEST_MESSAGE:
            raise ConnectionError("a message without end")


def _frame(kind: int, data: bytes, *, last: bool = True) -> bytes:
    return struct.pack(">BBHHBB", kind, _LAST if last else 0, 8 + len(data), 0, 1, 0) + data


def _options_of(message: bytes) -> dict[int, bytes]:
    options, at = {}, 0
    try:
        while message[at] != 0xFF:
            token, offset, length = struct.unpack_from(">BHH", message, at)
            options[token] = message[offset : offset + length]
            at += 5
    except (IndexError, struct.error):
        raise ConnectionError("no PRELOGIN") from None
    return options


def _prelogin_response(encryption: int) -> bytes:
    values = [(0, _VERSION), (1, bytes([encryption])), (2, b"\0"), (3, b""), (4, b"\0")]
    offset, headers, data = 5 * len(values) + 1, b"", b""
    for token, value in values:
        headers += struct.pack(">BHH", token, offset + len(data), len(value))
        data += value
    return headers + b"\xff" + data


def _error(number: int, text: str, server: str) -> bytes:
    """An ERROR token and a DONE token."""
    body = struct.pack("<IBBH", number, 1, 14, len(text)) + text.encode("utf-16-le")
    body += bytes([len(server)]) + server.encode("utf-16-le") + bytes([0]) + struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body + b"\xfd" + struct.pack("<HHQ", 2, 0, 0)
