"""What servers answer to each protocol's probe: a result in few printable words, of few bytes read."""

from __future__ import annotations

import json
import struct
from typing import Any

import h11  # noqa: F401  imported here to be instrumented
import pendulum

from airflow_provider_netconn.diagnosis import diagnose
from airflow_provider_netconn.evidence import (
    Evidence,
    ProbeResult,
    StageResult,
    Target,
    TlsUse,
    Verdict,
    from_bytes,
    from_json,
    to_bytes,
    to_json,
)
from airflow_provider_netconn.probing.protocols import amqp, mongodb, smtp, ssh, tds
from airflow_provider_netconn.probing.registry import protocol_named, protocol_names
from tests.fuzz.peer import run, with_peer

PROBED = [name for name in protocol_names() if protocol_named(name).probe is not None]
ENDLESS, WITHOUT_TLS = 1, 2
"""Bits of the second byte: the peer goes on with its last words for ever; the client starts no TLS."""
MOST_READ = {
    "ssh": ssh.MAX_LINES * ssh.MAX_LINE_LENGTH * 2,
    "smtp": smtp.MAX_LINES * smtp.MAX_LINE_LENGTH * 64,
    "smtps": smtp.MAX_LINES * smtp.MAX_LINE_LENGTH * 16,
}
MOST_READ_OTHERWISE = 1024 * 1024
MOST_KEPT = 20_000
"""Characters of a detail; the lists of names are the longest."""


def _seed(protocol: str, said: bytes, how: int = 0) -> bytes:
    return bytes([PROBED.index(protocol), how, len(said) & 0xFF]) + said


def _bson(elements: bytes) -> bytes:
    document = elements + b"\0"
    return struct.pack("<i", len(document) + 4) + document


def _mongodb(elements: bytes) -> bytes:
    reply = struct.pack("<iqii", 0, 0, 0, 1) + _bson(elements)
    return mongodb.HEADER.pack(mongodb.HEADER.size + len(reply), 0, mongodb.REQUEST_ID, mongodb.OP_REPLY) + reply


def _tds(message: bytes) -> bytes:
    return tds.HEADER.pack(tds.TABULAR_RESULT, tds.END_OF_MESSAGE, tds.HEADER.size + len(message), 0, 0, 0) + message


def _amqp(method: bytes) -> bytes:
    return struct.pack(">BHI", amqp.METHOD_FRAME, 0, len(method)) + method + bytes([amqp.FRAME_END])


def _sized(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


_OK = b"\x01ok\0" + struct.pack("<d", 1)
_WIRE = b"\x10maxWireVersion\0" + struct.pack("<i", 21)
_HOSTS = b"\x04hosts\0" + _bson(b"\x020\0\4\0\0\0a:1\0")
_SYMBOLS = b"\2\xa3\5PLAIN\5OTHER"
_MECHANISMS = b"\0\x53\x40\xc0\x12\1\xe0" + bytes([len(_SYMBOLS)]) + _SYMBOLS
SEEDS = (
    _seed("http", b"HTTP/1.1 302 Found\r\nServer: x\r\nLocation: https://u:p@h/?q\r\n\r\n"),
    _seed("http", b"HTTP/1.1 100 Continue\r\n\r\n", ENDLESS),
    _seed("ssh", b"welcome\r\nSSH-2.0-OpenSSH_9.2 Debian\r\n"),
    _seed("ssh", b"a\n", ENDLESS),
    _seed("smtp", b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n"),
    _seed("smtp", b"220-x\r\n", ENDLESS),
    _seed("redis", b"-NOAUTH Authentication required.\r\n"),
    _seed("redis", b"-ERR", ENDLESS),
    _seed("postgres", b"E    x", ENDLESS),
    _seed("tds", bytes([4, 0, 0, 9, 0, 0, 0, 0, 1]), ENDLESS),
    _seed("kafka", bytes([0, 0, 0, 16]) + b"netc\0\0\0\0\0\1\0\x12\0\0\0\3"),
    _seed("mongodb", _mongodb(_OK + _WIRE + b"\x02setName\0\2\0\0\0s\0" + _HOSTS)),
    _seed("mongodb", _mongodb(b"\x01ok\0" + bytes(8) + b"\x10code\0\1\0\0\0\x02errmsg\0\3\0\0\0no\0")),
    _seed("mysql", b"J\0\0\0\x0a8.0.36\0" + b"\x01" * 66 + b"\x07\0\0\2\0\0\0\2\0\0\0"),
    _seed("mysql", b"\x10\0\0\0\xff\x6a\x04#HY000blocked"),
    _seed("postgres", b"NR\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"),
    _seed("postgres", b"E\0\0\0\x1fSFATAL\0C28000\0Mno\0RClientAuthentication\0\0", WITHOUT_TLS),
    _seed("tds", _tds(bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 255, 16, 0, 0, 0, 0, 0, 1]))),
    _seed("tds", _tds(struct.pack("<BHiBBH", tds.ERROR_TOKEN, 0, 4060, 1, 1, 2) + "no".encode("utf-16-le"))),
    _seed("amqp", _amqp(b"\0\x0a\0\x0a\0\x09" + _sized(b"\7productS" + _sized(b"x")) + _sized(b"PLAIN EXTERNAL"))),
    _seed("amqp", _amqp(b"\0\x0a\0\x32\1\x40\2no")),
    _seed("amqp10", amqp.HEADER_10_SASL + struct.pack(">IBBH", 8 + len(_MECHANISMS), 2, 1, 0) + _MECHANISMS),
)  # fmt: skip


def holds(data: bytes) -> None:
    """Speak with a peer that says the rest; the third byte is how much of it is said again and again."""
    if len(data) < 3:
        return
    name, how, said = PROBED[data[0] % len(PROBED)], data[1], data[3:]
    target = Target(host="h.example.net", port=1, protocol=name, tls=TlsUse.OFF if how & WITHOUT_TLS else None)
    again = said[-data[2] :] if how & ENDLESS and data[2] else b""
    probe = protocol_named(name).probe
    assert probe is not None
    try:
        result = run(
            with_peer(
                said,
                lambda stream: probe(stream, target),
                most=MOST_READ.get(name, MOST_READ_OTHERWISE),
                again_and_again=again,
            )
        )
    except (EOFError, OSError):  # what the engine takes for an end of the connection
        return
    _may_be_shown(result, target)


def _may_be_shown(result: StageResult, target: Target) -> None:
    detail = to_json(result)["detail"]
    assert len(json.dumps(detail, ensure_ascii=False)) < MOST_KEPT, detail
    assert all(text.isprintable() for text in _texts(detail)), detail
    seen = ProbeResult(target=target, stages=(result,), started_at=pendulum.now("UTC"), duration_s=0.0)
    verdict = diagnose(Evidence(probe=seen))
    assert from_json(Verdict, to_json(verdict)) == verdict
    assert from_bytes(Verdict, to_bytes(verdict)) == verdict


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
