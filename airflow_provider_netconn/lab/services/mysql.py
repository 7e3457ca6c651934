"""Servers of MySQL on the wire, as far as the login: greeting, TLS, the firewall, the password.

MySQL's documentation, "Connection Phase" (Protocol::Handshake, SSLRequest, HandshakeResponse41, ERR_Packet); Microsoft
Learn, "Connect to Azure Database for MySQL with encrypted connections" (3159 without TLS) and "Troubleshoot connection
errors" (9000). The lab has no MySQL: who logs in is told so.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.services.values import Call, Stream

_VERSION: Final = b"8.0.40-azure\0"
_PLUGIN: Final = b"mysql_native_password\0"
_SSL: Final = 0x0800
_CAPABILITIES: Final = 0x0001 | 0x0004 | 0x0008 | 0x0200 | _SSL | 0x2000 | 0x8000 | 0x80000
"""LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH."""
_SSL_REQUEST_LENGTH: Final = 32
LONGEST_PACKET: Final = 65536


async def serve_mysql(call: Call, stream: Stream) -> None:
    """Serve one connection, which begins in the clear."""
    resource = call.resource
    refusal = call.admission().refusal
    if resource is None or (refusal is not None and not refusal.code):
        return
    if refusal is not None:
        await stream.send(_packet(0, _error(int(refusal.code), refusal.message)))
        return
    challenge = bytes(1 + secrets.randbelow(127) for _ in range(20))
    await stream.send(_packet(0, _greeting(challenge)))
    number, packet = await _read_packet(stream)
    if len(packet) != _SSL_REQUEST_LENGTH or not struct.unpack_from("<I", packet)[0] & _SSL:
        message = "Connections using insecure transport are prohibited while --require_secure_transport=ON."
        await stream.send(_packet(number + 1, _error(3159, message, "HY000")))
        return
    await stream.start_tls(call.context())
    number, packet = await _read_packet(stream)
    user, _, rest = packet[32:].partition(b"\0")
    given = rest[1 : 1 + rest[0]] if rest else b""
    name, properties = user.decode("utf-8", "replace"), resource.properties
    password = str(properties.get("administratorLoginPassword") or "")
    if name == properties.get("administratorLogin") and given == proof(password, challenge):
        error = _error(1105, "The lab has no MySQL server behind this endpoint; this login got through.", "HY000")
    else:
        using = "YES" if given else "NO"
        error = _error(1045, f"Access denied for user '{name}'@'{call.caller}' (using password: {using})", "28000")
    await stream.send(_packet(number + 1, error))


def proof(password: str, challenge: bytes) -> bytes:
    """:return: what a client that knows a password answers to a challenge (mysql_native_password)"""
    once = hashlib.sha1(password.encode()).digest()  # noqa: S324 - as the protocol has it
    twice = hashlib.sha1(challenge + hashlib.sha1(once).digest()).digest()  # noqa: S324
    return bytes(left ^ right for left, right in zip(once, twice, strict=True))


def _greeting(challenge: bytes) -> bytes:
    low, high = _CAPABILITIES & 0xFFFF, _CAPABILITIES >> 16
    return (
        b"\x0a" + _VERSION + struct.pack("<I", 1 + secrets.randbelow(2**20)) + challenge[:8] + b"\0"
        + struct.pack("<HBHHB", low, 45, 2, high, 21) + bytes(10) + challenge[8:] + b"\0" + _PLUGIN
    )  # fmt: skip


def _error(code: int, message: str, state: str = "") -> bytes:
    """An ERR packet; before the capabilities are known it has no SQL state."""
    return b"\xff" + struct.pack("<H", code) + (f"#{state}" if state else "").encode() + message.encode()


def _packet(number: int, payload: bytes) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


async def _read_packet(stream: Stream) -> tuple[int, bytes]:
    head = await stream.reader.readexactly(4)
    length = int.from_bytes(head[:3], "little")
    if length > LONGEST_PACKET:
        raise ConnectionError("no packet of a login")
    return head[3], await stream.reader.readexactly(length)
