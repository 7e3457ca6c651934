"""AMQP 0-9-1 and AMQP 1.0: two protocols of one name, on the same ports.

Both begin with a header of eight bytes, and a peer that does not like the client's sends its own and hangs up (AMQP
0-9-1 specification, 4.2.2; OASIS AMQP 1.0 part 2, 2.2), so that either learns what the other speaks.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

HEADER_START = b"AMQP"
HEADER_LENGTH = 8
HEADER_091 = b"AMQP\x00\x00\x09\x01"
HEADER_10 = b"AMQP\x00\x01\x00\x00"
HEADER_10_TLS = b"AMQP\x02\x01\x00\x00"
HEADER_10_SASL = b"AMQP\x03\x01\x00\x00"
VERSIONS: Final = {
    HEADER_091: "0-9-1",
    HEADER_10: "1.0",
    HEADER_10_SASL: "1.0",
    HEADER_10_TLS: "1.0",
    b"AMQP\x01\x01\x00\x0a": "0-10",
    b"AMQP\x01\x01\x00\x09": "0-9",
    b"AMQP\x01\x01\x09\x01": "0-9",
    b"AMQP\x01\x01\x08\x00": "0-8",
}
"""Headers and what speaks whoever sends them; the earlier versions are those that brokers of today still name."""

# Frames before the limit is negotiated: 4 KiB in 0-9-1, 512 bytes in 1.0. Brokers with many properties send more.
MAX_FRAME = 64 * 1024
METHOD_FRAME = 1
FRAME_END = 0xCE
CONNECTION_START = (10, 10)
CONNECTION_CLOSE = (10, 50)
# Of the server's properties: what it is. None of them is a secret, and clients get them before any login.
KEPT_PROPERTIES: Final = ("product", "version", "platform", "cluster_name")
MAX_PROPERTIES = 100

SASL_FRAME = 1
SASL_MECHANISMS = 0x40
MAX_MECHANISMS = 50


class MalformedError(Exception):
    """A frame that is none of the protocol."""


@register("amqp", default_port=5672)
@register("amqps", default_port=5671, tls=True)
async def probe_amqp(stream: Stream, _target: Target) -> StageResult:
    """Open AMQP 0-9-1, as RabbitMQ's clients do, and read connection.start (section 1.4.2.1 of the reference).

    The detail has the ``versions`` that the peer showed, its ``product``, ``version`` and the login ``mechanisms``.
    """
    await stream.send(HEADER_091)
    first = await _first_bytes(stream)
    if first.startswith(HEADER_START):
        return _other_version("AMQP 0-9-1", first)
    if first[:1] != bytes([METHOD_FRAME]) or len(first) < HEADER_LENGTH:
        return _not_amqp(first)
    try:
        return _opening(await _method(stream, first))
    except MalformedError:
        return _not_amqp(first)


@register("amqp10", default_port=5672)
@register("amqps10", default_port=5671, tls=True)
async def probe_amqp10(stream: Stream, _target: Target) -> StageResult:
    """Open AMQP 1.0 with SASL, as the clients of Azure Service Bus and Event Hubs do (OASIS AMQP 1.0 part 5, 5.3).

    The detail has the ``versions`` that the peer showed, and the login ``mechanisms``; a peer that takes no SASL has
    none.
    """
    await stream.send(HEADER_10_SASL)
    first = await _first_bytes(stream)
    if first == HEADER_10:
        return seen(Finding.GREETED, versions=["1.0"], mechanisms=[])
    if first == HEADER_10_TLS:
        return failed(Finding.TLS_REQUIRED, versions=["1.0"], said="the AMQP header that asks for TLS")
    if first != HEADER_10_SASL:
        return _other_version("AMQP 1.0", first) if first.startswith(HEADER_START) else _not_amqp(first)
    head = await stream.exactly(HEADER_LENGTH)
    try:
        return seen(Finding.GREETED, versions=["1.0"], mechanisms=_sasl_mechanisms(await _sasl_body(stream, head)))
    except MalformedError:
        return _not_amqp(first + head)


async def _first_bytes(stream: Stream) -> bytes:
    """The eight bytes that tell what the peer is; less where no peer of the protocol begins so, or it hung up."""
    received = b""
    while len(received) < HEADER_LENGTH:
        chunk = await stream.receive(HEADER_LENGTH - len(received))
        received += chunk
        if not chunk or not (HEADER_START.startswith(received[:4]) or received[0] == METHOD_FRAME):
            break
    return received


def _not_amqp(first: bytes) -> StageResult:
    expected = "an AMQP header or frame"
    return unexpected(expected, first) if first else failed(Finding.CLOSED, expected=expected)


def _other_version(expected: str, header: bytes) -> StageResult:
    if len(header) < HEADER_LENGTH:
        return _not_amqp(header)
    version = VERSIONS.get(header)
    spoken = f"AMQP {version}" if version else f"AMQP of another version (header {header[4:].hex(' ')})"
    return failed(Finding.OTHER_VERSION, expected=expected, seen=spoken, versions=[version] if version else [])


async def _method(stream: Stream, first: bytes) -> Fields:
    """The payload of a method frame: type, channel, size, payload and a mark at the end (0-9-1, 4.2.3)."""
    size = int.from_bytes(first[3:7])
    if size > MAX_FRAME:
        raise MalformedError
    frame = first[7:] + await stream.exactly(size)
    if frame[size] != FRAME_END:
        raise MalformedError
    return Fields(frame[:size])


def _opening(method: Fields) -> StageResult:
    """The first method of a 0-9-1 connection."""
    identifier = method.number(2), method.number(2)
    if identifier == CONNECTION_CLOSE:
        code, said = method.number(2), method.take(method.number(1))
        return failed(Finding.CLIENT_REFUSED, said=f"{code} {shown(said)}".strip())
    if identifier != CONNECTION_START:
        raise MalformedError
    method.take(2)  # major and minor version: 0 and 9, also of a peer of 0-9-1
    properties = _properties(method.take(method.number(4)))
    mechanisms = shown(method.take(method.number(4))).split()[:MAX_MECHANISMS]
    kept = {name: properties[name] for name in KEPT_PROPERTIES if name in properties}
    return seen(Finding.GREETED, versions=["0-9-1"], **kept, mechanisms=mechanisms)


class Fields:
    """Fields of a frame, read one after the other; :class:`MalformedError` where it ends too soon."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self._position + count
        if end > len(self._data):
            raise MalformedError
        taken, self._position = self._data[self._position : end], end
        return taken

    def number(self, width: int) -> int:
        """The next unsigned number of so many bytes."""
        return int.from_bytes(self.take(width))

    @property
    def left(self) -> bool:
        """Whether there is more."""
        return self._position < len(self._data)


# Widths of values by type (AMQP 0-9-1, 4.2.1, in the reading of RabbitMQ's errata, which all brokers follow).
_WIDTHS: Final = {
    b"t": 1, b"b": 1, b"B": 1, b"U": 2, b"s": 2, b"u": 2, b"I": 4, b"i": 4, b"f": 4, b"D": 5, b"L": 8, b"l": 8,
    b"d": 8, b"T": 8, b"V": 0,
}  # fmt: skip
_SIZED: Final = frozenset({b"S", b"x", b"A", b"F"})
"""Types whose value begins with its length in four bytes."""


def _properties(table: bytes) -> dict[str, str]:
    """The text fields of a field table; what stands behind a value of an unknown type cannot be read and is left."""
    fields, found = Fields(table), dict[str, str]()
    for _ in range(MAX_PROPERTIES):
        if not fields.left:
            break
        name, kind = shown(fields.take(fields.number(1))), fields.take(1)
        if kind in _SIZED:
            value = fields.take(fields.number(4))
            if kind == b"S":
                found[name] = shown(value)
        elif kind in _WIDTHS:
            fields.take(_WIDTHS[kind])
        else:
            break
    return found


# Constructors of AMQP 1.0 types (part 1, 1.6): code to the width of the size, and of the count behind it.
_LISTS: Final = {0xC0: 1, 0xD0: 4}
_ARRAYS: Final = {0xE0: 1, 0xF0: 4}
_SYMBOLS: Final = {0xA3: 1, 0xB3: 4}


async def _sasl_body(stream: Stream, head: bytes) -> bytes:
    """The body of a SASL frame: its size, the body's offset in words of four bytes, type, two bytes (part 5, 5.3)."""
    size, offset, kind = int.from_bytes(head[:4]), head[4] * 4, head[5]
    if not HEADER_LENGTH <= offset <= size <= MAX_FRAME or kind != SASL_FRAME:
        raise MalformedError
    return (await stream.exactly(size - HEADER_LENGTH))[offset - HEADER_LENGTH :]


def _sasl_mechanisms(body: bytes) -> list[str]:
    """The mechanisms of a sasl-mechanisms frame (part 5, 5.3.3.1): one symbol, or an array of them."""
    fields = Fields(body)
    descriptor = fields.take(2)
    code = fields.number(8) if descriptor == b"\x00\x80" else fields.number(1) if descriptor == b"\x00\x53" else None
    if code != SASL_MECHANISMS:
        raise MalformedError
    width = _width(_LISTS, fields.number(1))
    fields.take(2 * width)  # size and count of the list, of which the mechanisms are the one field
    constructor = fields.number(1)
    if constructor in _SYMBOLS:
        return [shown(fields.take(fields.number(_SYMBOLS[constructor])))]
    width = _width(_ARRAYS, constructor)
    fields.take(width)
    count = fields.number(width)
    symbol_width = _width(_SYMBOLS, fields.number(1))
    return [shown(fields.take(fields.number(symbol_width))) for _ in range(min(count, MAX_MECHANISMS))]


def _width(constructors: dict[int, int], code: int) -> int:
    if code not in constructors:
        raise MalformedError
    return constructors[code]
