"""MongoDB's wire protocol: the hello that every driver begins with, in the form that every server takes.

That is the legacy one, ``isMaster`` as OP_QUERY: servers from before OP_MSG know no other, later ones keep it for just
this greeting, and so do Azure Cosmos DB's two services for MongoDB.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

EXPECTED: Final = "a MongoDB reply"
OP_REPLY: Final = 1
OP_QUERY: Final = 2004
REQUEST_ID: Final = 0x6E65_7463
MAX_REPLY_BYTES = 64 * 1024
MAX_HOSTS = 8
HEADER: Final = struct.Struct("<iiii")
"""Length of the whole message, request id, the request that it answers, operation."""
_REPLY_HEAD: Final = struct.Struct("<iqii")
"""Flags, cursor, starting position, number of documents."""
_HELLO: Final = b"\x10isMaster\0\x01\0\0\0" + b"\x08helloOk\0\x01"
_QUERY: Final = (
    struct.pack("<i", 0)
    + b"admin.$cmd\0"
    + struct.pack("<ii", 0, -1)
    + struct.pack("<i", 4 + len(_HELLO) + 1)
    + _HELLO
    + b"\0"
)
"""Flags, collection, nothing to skip, one document to return, and the document itself."""


class NotBsonError(Exception):
    """These bytes are no document that this reader understands."""


@register("mongodb", default_port=27017)
@register("mongodb+tls", default_port=27017, tls=True)
async def probe_mongodb(stream: Stream, _target: Target) -> StageResult:
    """Say hello (MongoDB specifications, "MongoDB Handshake"; wire protocol reference, "OP_QUERY", "OP_REPLY")."""
    await stream.send(HEADER.pack(HEADER.size + len(_QUERY), REQUEST_ID, 0, OP_QUERY) + _QUERY)
    header = await stream.exactly(HEADER.size)
    length, _, answers, operation = HEADER.unpack(header)
    least = HEADER.size + _REPLY_HEAD.size + 5
    if (answers, operation) != (REQUEST_ID, OP_REPLY) or not least <= length <= MAX_REPLY_BYTES:
        return unexpected(EXPECTED, header)
    reply = await stream.exactly(length - HEADER.size)
    try:
        document = parse_document(reply[_REPLY_HEAD.size :])
    except NotBsonError:
        return unexpected(EXPECTED, header + reply)
    return _judge(document)


def _judge(document: dict[str, Any]) -> StageResult:
    """What the server says of itself; drivers go on to the hosts that it names, which is worth a look."""
    said = str(document.get("errmsg", document.get("$err", "no reason")))
    if document.get("ok") != 1:
        return failed(Finding.SERVICE_UNAVAILABLE, error=_number(document.get("code")), said=shown(said.encode()))
    detail: dict[str, Any] = {"max_wire_version": _number(document.get("maxWireVersion"))}
    if document.get("msg") == "isdbgrid":
        detail["router"] = True
    if isinstance(document.get("setName"), str):
        detail["replica_set"] = shown(document["setName"].encode())
    hosts = document.get("hosts")
    if isinstance(hosts, dict):  # an array is a document whose keys are numbers
        detail["hosts"] = [shown(str(host).encode()) for host in list(hosts.values())[:MAX_HOSTS]]
    return seen(Finding.GREETED, **detail)


def _number(value: Any) -> int | None:
    """A whole number, which a server may well send as a double; anything else in its place is not shown."""
    return int(value) if isinstance(value, int | float) and abs(value) <= _MAX_NUMBER else None


def parse_document(data: bytes, depth: int = 0) -> dict[str, Any]:
    """A BSON document (bsonspec.org, version 1.1) at the beginning of the data.

    Numbers, texts, booleans, arrays and documents have their values, everything else is None. Arrays are given as
    documents.

    :raises NotBsonError: it is cut off, too deep, or has a type that no greeting has
    """
    length = int.from_bytes(data[:4], "little")
    if not 5 <= length <= len(data) or data[length - 1] or depth > _MAX_DEPTH:  # noqa: PLR2004  length, and the NUL
        raise NotBsonError
    end = length - 1
    elements, position = {}, 4
    while position < end:
        name_end = data.find(b"\0", position + 1, end)
        if name_end < 0:
            raise NotBsonError
        name = data[position + 1 : name_end].decode("utf-8", "replace")
        size, elements[name] = _value(data, name_end + 1, data[position], depth)
        position = name_end + 1 + size
        if position > end:
            raise NotBsonError
    return elements


_MAX_DEPTH: Final = 8
_MAX_NUMBER: Final = 2**31 - 1
_FIXED: Final[dict[int, struct.Struct]] = {
    0x01: struct.Struct("<d"),
    0x08: struct.Struct("<?"),
    0x10: struct.Struct("<i"),
    0x12: struct.Struct("<q"),
}
# ObjectId, date, null, timestamp, decimal.
_SKIPPED: Final = {0x07: 12, 0x09: 8, 0x0A: 0, 0x11: 8, 0x13: 16}


def _value(data: bytes, position: int, kind: int, depth: int) -> tuple[int, Any]:
    """The size and the value of an element of that kind, of which the size may be more than there is."""
    try:
        if kind in _FIXED:
            return _FIXED[kind].size, _FIXED[kind].unpack_from(data, position)[0]
        if kind in _SKIPPED:
            return _SKIPPED[kind], None
        (length,) = struct.unpack_from("<i", data, position)
    except struct.error:
        raise NotBsonError from None
    if length < 0:
        raise NotBsonError
    match kind:
        case 0x02:  # the length counts the NUL at the end
            return 4 + length, data[position + 4 : position + 3 + length].decode("utf-8", "replace")
        case 0x03 | 0x04:
            return length, parse_document(data[position : position + length], depth + 1)
        case 0x05:
            return 5 + length, None
        case _:
            raise NotBsonError
