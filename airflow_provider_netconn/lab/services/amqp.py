"""Service Bus, Event Hubs and their kin over AMQP 1.0: the connection opens, or is closed to who is kept out.

OASIS AMQP 1.0, parts 2 (transport) and 5 (SASL); Microsoft Learn, "AMQP 1.0 in Azure Service Bus protocol guide"
(mechanisms, ports) and "IP firewall rules for Service Bus" (rejected as unauthorized). The lab has no broker: who gets
in is told so when it wants to begin a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.services.http_answers import request_id

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.services.values import Call, Stream

AMQP, TLS, SASL = b"AMQP\x00\x01\x00\x00", b"AMQP\x02\x01\x00\x00", b"AMQP\x03\x01\x00\x00"
MECHANISMS: Final = ("MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL")
UNAUTHORIZED, NOT_IMPLEMENTED = "amqp:unauthorized-access", "amqp:not-implemented"
LONGEST_FRAME: Final = 65536
CLOSE_LIMIT_S: Final = 5.0
_OPEN, _CLOSE, _ERROR = 0x10, 0x18, 0x1D
_SASL_MECHANISMS, _SASL_OUTCOME = 0x40, 0x44
_NULL: Final = b"\x40"


async def serve_amqp(call: Call, stream: Stream) -> None:
    """Serve one connection, which is under TLS already."""
    header = await stream.reader.readexactly(8)
    if header == SASL:
        symbols = b"".join(bytes([len(name)]) + name.encode() for name in MECHANISMS)
        array = b"\xe0" + bytes([len(symbols) + 2, len(MECHANISMS)]) + b"\xa3" + symbols
        await stream.send(SASL + _frame(1, _performative(_SASL_MECHANISMS, array)))
        await _read_frame(stream)
        await stream.send(_frame(1, _performative(_SASL_OUTCOME, b"\x50\x00")))
        header = await stream.reader.readexactly(8)
    if header != AMQP:
        await stream.send(SASL)
        return
    await stream.send(AMQP)
    await _read_frame(stream)
    container = _string(request_id().replace("-", ""))
    await stream.send(_frame(0, _performative(_OPEN, container, _NULL, b"\x70\x00\x01\x00\x00", b"\x60\x13\x87")))
    admission = call.admission()
    if admission.refusal is not None:
        await _close(stream, UNAUTHORIZED, admission.refusal.message)
        return
    while not await _read_frame(stream):
        pass  # empty frames keep a connection alive
    resource = call.resource
    kind = "?" if resource is None else resource.kind.type
    await _close(stream, NOT_IMPLEMENTED, f"The lab has no broker behind {kind}: this connection got through.")


async def serve_amqp_upgrade(call: Call, stream: Stream) -> None:
    """Serve one connection on the port that begins in the clear, and goes on under TLS at once (part 5, 5.2.1)."""
    header = await stream.reader.readexactly(8)
    await stream.send(TLS)
    if header == TLS:
        await stream.start_tls(call.context())
        await serve_amqp(call, stream)


async def _close(stream: Stream, condition: str, description: str) -> None:
    """Close with an error, and give the client time to read it and close its own side."""
    symbol = b"\xa3" + bytes([len(condition)]) + condition.encode()
    await stream.send(_frame(0, _performative(_CLOSE, _performative(_ERROR, symbol, _string(description), _NULL))))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_LIMIT_S):
            while not (await _read_frame(stream)).startswith(bytes([0, 0x53, _CLOSE])):
                pass


async def _read_frame(stream: Stream) -> bytes:
    """:return: the body of the next frame"""
    size, offset = struct.unpack(">IB3x", await stream.reader.readexactly(8))
    if not 8 <= size <= LONGEST_FRAME or not 8 <= offset * 4 <= size:
        raise ConnectionError("no frame of AMQP")
    return (await stream.reader.readexactly(size - 8))[offset * 4 - 8 :]


def _frame(kind: int, body: bytes) -> bytes:
    return struct.pack(">IBBH", 8 + len(body), 2, kind, 0) + body


def _performative(code: int, *fields: bytes) -> bytes:
    inner = b"".join(fields)
    return bytes([0, 0x53, code]) + b"\xd0" + struct.pack(">II", 4 + len(inner), len(fields)) + inner


def _string(text: str) -> bytes:
    return b"\xb1" + struct.pack(">I", len(text.encode())) + text.encode()
