"""PostgreSQL (frontend/backend protocol 3.0): the request for TLS, or the question who is there, without credentials.

A server writes nothing into its log for a client that asks for TLS and leaves. Without TLS the one way to meet its
access rules is to name a user: a name that nobody has, so that the server's log shows at most one line, which says who
asked.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target, TlsUse
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

SSL_REQUEST: Final = struct.pack(">II", 8, 80877103)
PROTOCOL_VERSION: Final = 3 << 16
STRANGER: Final = b"netconn"
"""User and application name of a startup message: absurd as a user, and plain to whoever reads the server's log."""
EXPECTED: Final = "PostgreSQL's answer"
MIN_MESSAGE_BYTES = 8
MAX_MESSAGE_BYTES = 30_000
"""What a message before the session may have, by libpq's own limits."""
MAX_TEXT_BYTES = 1024

_AUTHENTICATION: Final = {
    0: "none",
    2: "Kerberos V5",
    3: "password in the clear",
    5: "MD5",
    7: "GSSAPI",
    9: "SSPI",
    10: "SASL",
}
_SASL: Final = 10
# SQLSTATE (PostgreSQL's appendix A): insufficient resources, too many connections, starting up or shutting down.
_CANNOT_SERVE: Final = ("53", "57P")
_NO_ACCESS: Final = "28000"


class NotPostgresError(Exception):
    """The peer answered in another protocol; carries its first bytes."""

    def __init__(self, received: bytes) -> None:
        super().__init__(received)
        self.received = received


async def _leave(stream: Stream) -> None:
    """End the session in order: what is left unread in a closed socket makes a reset, which the server logs."""
    await stream.end()
    while await stream.receive():
        pass


@register("postgres", default_port=5432, starts_tls=True, verifies=False, farewell=_leave)
async def probe_postgres(stream: Stream, target: Target) -> StageResult:
    """Ask for TLS (PostgreSQL documentation, 55.2.10 "SSL Session Encryption"); without TLS, begin a session.

    Certificates are not verified by default, as libpq's ``sslmode=prefer`` does not.
    """
    try:
        return await (_begin_session(stream) if target.tls is TlsUse.OFF else _ask_for_tls(stream, target))
    except NotPostgresError as error:
        return unexpected(EXPECTED, error.received)


async def _ask_for_tls(stream: Stream, target: Target) -> StageResult:
    await stream.send(SSL_REQUEST)
    # Exactly one byte: more in the same segment was put there by somebody else (CVE-2021-23222), and would spoil the
    # handshake, as it should.
    match await stream.exactly(1):
        case b"S":
            return seen(Finding.GREETED, offers_tls=True)
        case b"N" if target.tls is None:
            session = await _begin_session(stream)  # as a client that only prefers TLS goes on
            return replace(session, detail={**session.detail, "offers_tls": False})
        case b"N":
            return seen(Finding.GREETED, offers_tls=False)
        case b"E":
            return _error(await _fields_of_error(stream))
        case other:
            raise NotPostgresError(other + await stream.receive())


async def _begin_session(stream: Stream) -> StageResult:
    """A startup message (55.7, "StartupMessage") of a user who does not exist, and the server's first answer."""
    parameters = {b"user": STRANGER, b"database": b"postgres", b"application_name": STRANGER}
    body = b"".join(key + b"\0" + value + b"\0" for key, value in parameters.items()) + b"\0"
    await stream.send(struct.pack(">II", len(body) + 8, PROTOCOL_VERSION) + body)
    match await stream.exactly(1):
        case b"R":
            return await _authentication(stream)
        case b"E":
            return _error(await _fields_of_error(stream))
        case other:
            raise NotPostgresError(other + await stream.receive())


async def _authentication(stream: Stream) -> StageResult:
    """The request for a login (55.7, "Authentication..."): how the server would have it."""
    header = await stream.exactly(8)
    length, kind = struct.unpack(">II", header)
    if kind not in _AUTHENTICATION or not MIN_MESSAGE_BYTES <= length <= MAX_MESSAGE_BYTES:
        raise NotPostgresError(b"R" + header)
    methods = [_AUTHENTICATION[kind]]
    if kind == _SASL:
        names = (await stream.exactly(length - 8)).split(b"\0")
        methods = [shown(name) for name in names if name]
    return seen(Finding.GREETED, authentication=methods)


async def _fields_of_error(stream: Stream) -> dict[str, str]:
    """An error's fields by their letters (55.8); a text alone, as before protocol 3.0, becomes the message."""
    header = await stream.exactly(4)
    length = int.from_bytes(header)
    if not MIN_MESSAGE_BYTES <= length <= MAX_MESSAGE_BYTES:
        # A server that cannot even fork says so in the manner of protocol 2.
        text = header
        while b"\0" not in text and len(text) < MAX_TEXT_BYTES and (chunk := await stream.receive(MAX_TEXT_BYTES)):
            text += chunk
        if b"\0" not in text:
            raise NotPostgresError(b"E" + text)
        return {"M": shown(text.partition(b"\0")[0])}
    body = await stream.exactly(length - 4)
    fields = {field[:1].decode("latin-1"): shown(field[1:]) for field in body.split(b"\0") if field}
    if not {"S", "C", "M"} <= fields.keys():
        raise NotPostgresError(b"E" + header + body)
    return fields


def _error(fields: dict[str, str]) -> StageResult:
    """What an error means to a client that has named no user of this server."""
    code = fields.get("C", "")
    detail = {"sqlstate": code, "said": fields["M"]} if code else {"said": fields["M"]}
    if not code or code.startswith(_CANNOT_SERVE):
        return failed(Finding.SERVICE_UNAVAILABLE, **detail)
    # The same SQLSTATE stands for a missing role and for a missing access rule; the server's routine tells them apart
    # in any language. A rule may be for other users than our stranger, so that this is no proof of a refusal.
    if code == _NO_ACCESS and fields.get("R") == "ClientAuthentication":
        return seen(Finding.GREETED, refuses_strangers=True, **detail)
    return seen(Finding.GREETED, **detail)
