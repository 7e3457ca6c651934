"""MySQL and MariaDB (client/server protocol 4.1): the greeting, then the request for TLS.

A server counts a connection that ends before the login as a broken handshake, and blocks a host for good after
``max_connect_errors`` of them in a row (100 by default; error 1129). So a probe never just leaves: it ends with a
complete, well-formed login of a user who does not exist, which the server refuses and does not count. Measured with
MariaDB 10.11, ``performance_schema.host_cache``. What is still counted is a TLS handshake that fails, as where the
certificate does not verify; an accepted login of any client of that host sets the count back.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target, TlsUse
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

EXPECTED: Final = "a MySQL greeting"
STRANGER: Final = b"netconn"
"""The user of the login that ends a visit: absurd as a user, and plain to whoever reads the server's log."""
PROTOCOL_VERSION: Final = 10
ERROR: Final = 0xFF
MAX_GREETING_BYTES = 4096
MAX_PACKET_BYTES = 1 << 24
UTF8MB4: Final = 45

CLIENT_PROTOCOL_41: Final = 0x0000_0200
CLIENT_SSL: Final = 0x0000_0800
CLIENT_RESERVED2: Final = 0x0000_8000  # secure connection: a one-byte length before the password
CLIENT_PLUGIN_AUTH: Final = 0x0008_0000
OUR_CAPABILITIES: Final = CLIENT_PROTOCOL_41 | CLIENT_RESERVED2 | CLIENT_PLUGIN_AUTH

# ER_HOST_IS_BLOCKED, ER_HOST_NOT_PRIVILEGED; what else a server says in place of a greeting is that it cannot serve.
_REFUSED: Final = frozenset({1129, 1130})
# After the version: thread (4), scramble (8), filler (1), lower flags, collation (1), status (2), upper flags, length
# of the scramble, reserved (10).
_FIXED_PART: Final = struct.Struct("<13xH3xHB10x")
# What MariaDB puts before its version, for old replicas' sake.
_MARIADB_PREFIX: Final = b"5.5.5-"


class NotMysqlError(Exception):
    """The peer's first bytes are no packet of a MySQL server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a server says first ("Protocol::HandshakeV10")."""

    version: str
    capabilities: int
    authentication: str

    @classmethod
    def parse(cls, payload: bytes) -> Greeting:
        """Read the payload of the packet.

        :raises NotMysqlError: it is no greeting of protocol version 10
        """
        version, end, rest = payload[1:].partition(b"\0")
        if payload[0] != PROTOCOL_VERSION or not end or len(rest) < _FIXED_PART.size:
            raise NotMysqlError
        lower, upper, scramble_length = _FIXED_PART.unpack_from(rest)
        # The second part of the scramble has at least 13 bytes, the last of which is NUL; the plugin's name follows.
        plugin = rest[_FIXED_PART.size + max(13, scramble_length - 8) :].partition(b"\0")[0]
        return cls(
            version=shown(version.removeprefix(_MARIADB_PREFIX)),
            capabilities=lower | upper << 16,
            authentication=shown(plugin),
        )


async def _log_in(stream: Stream, sequence: int, capabilities: int) -> None:
    """Name a user who does not exist ("Protocol::HandshakeResponse41") and hear the refusal, which says nothing more.

    Even a server that demands TLS says so to nobody but a user who has logged in.
    """
    login = _client_part(capabilities) + STRANGER + b"\0" + b"\0" + b"mysql_native_password\0"
    await stream.send(_packet(sequence, login))
    header = await stream.exactly(4)
    await stream.exactly(min(int.from_bytes(header[:3], "little"), MAX_GREETING_BYTES))


async def _leave(stream: Stream) -> None:
    """End the handshake that TLS has interrupted; its next packet has the number 2."""
    await _log_in(stream, 2, OUR_CAPABILITIES | CLIENT_SSL)


@register("mysql", default_port=3306, starts_tls=True, verifies=False, farewell=_leave)
async def probe_mysql(stream: Stream, target: Target) -> StageResult:
    """Read the greeting (MySQL internals, "Connection Phase") and ask for TLS where it is offered and wanted.

    Certificates are not verified by default: the clients' ``ssl-mode`` is ``PREFERRED``.
    """
    first = b""
    try:
        first = await stream.exactly(4)
        length = int.from_bytes(first[:3], "little")
        if first[3] != 0 or not 1 <= length <= MAX_GREETING_BYTES:
            return unexpected(EXPECTED, first + await stream.receive())
        payload = await stream.exactly(length)
        if payload[0] == ERROR:
            return _refusal(payload)
        greeting = Greeting.parse(payload)
    except NotMysqlError:
        return unexpected(EXPECTED, first + payload)
    offers_tls = bool(greeting.capabilities & CLIENT_SSL)
    detail: dict[str, Any] = {"version": greeting.version, "authentication": greeting.authentication}
    if offers_tls and target.tls is not TlsUse.OFF:
        await stream.send(_packet(1, _client_part(OUR_CAPABILITIES | CLIENT_SSL)))
        return seen(Finding.GREETED, **detail, offers_tls=True)
    await _log_in(stream, 1, OUR_CAPABILITIES)
    return seen(Finding.GREETED, **detail, offers_tls=offers_tls)


def _refusal(payload: bytes) -> StageResult:
    """An error packet ("ERR_Packet"), of which the SQLSTATE is optional before the client has said what it can."""
    code = int.from_bytes(payload[1:3], "little")
    text = payload[9:] if payload[3:4] == b"#" else payload[3:]
    finding = Finding.CLIENT_REFUSED if code in _REFUSED else Finding.SERVICE_UNAVAILABLE
    return failed(finding, error=code, said=shown(text))


def _client_part(capabilities: int) -> bytes:
    """The beginning of a login, which alone is the request for TLS ("Protocol::SSLRequest")."""
    return struct.pack("<IIB23x", capabilities, MAX_PACKET_BYTES, UTF8MB4)


def _packet(sequence: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload
