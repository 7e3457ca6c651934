"""Redis: PING in RESP2, the protocol that every version speaks (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

EXPECTED = "a Redis answer to PING"
PING = b"*1\r\n$4\r\nPING\r\n"
MAX_LENGTH = 4096  # the refusal of protected mode alone has more than 1,000 bytes
# Errors begin with a word in capitals that tells their kind; these are the kinds that PING can meet.
DEMANDS_LOGIN: Final = frozenset({b"NOAUTH", b"NOPERM"})
# It loads its data, has lost its master and may not serve without, or runs a script that holds up all others.
UNAVAILABLE: Final = frozenset({b"LOADING", b"MASTERDOWN", b"BUSY"})
# Protected mode: without a password it serves its own host alone.
REFUSES: Final = frozenset({b"DENIED"})
TOO_MANY = b"ERR max number of clients"


# Clients take 6379 for rediss as well, unless told otherwise; Azure's caches have TLS on 6380, Azure Managed Redis on
# 10000, which both must be written.
@register("redis", default_port=6379)
@register("rediss", default_port=6379, tls=True)
async def probe_redis(stream: Stream, _target: Target) -> StageResult:
    """Send PING. A demand to log in is an answer as good as PONG: the network has done its part.

    The detail has ``authentication_required``; and ``said`` where the answer was an error of another kind.
    """
    await stream.send(PING)
    received = await _first_line(stream)
    line, end, _ = received.partition(b"\r\n")
    if not received:
        return failed(Finding.CLOSED, expected=EXPECTED)
    if line == b"+PONG" and end:
        return seen(Finding.GREETED, authentication_required=False)
    kind = line[1:].partition(b" ")[0]
    if not end or not line.startswith(b"-") or not (kind.isalpha() and kind.isupper()):
        return unexpected(EXPECTED, received)
    return _error(kind, line[1:])


async def _first_line(stream: Stream) -> bytes:
    """What came up to the end of the first line, bounded; less where the peer ends the stream before."""
    received = b""
    while b"\r\n" not in received and len(received) < MAX_LENGTH:
        # A first byte that begins neither a simple string nor an error is no answer to PING: more would not change it.
        if received and received[:1] not in (b"+", b"-"):
            break
        chunk = await stream.receive(MAX_LENGTH - len(received))
        if not chunk:
            break
        received += chunk
    return received


def _error(kind: bytes, error: bytes) -> StageResult:
    said = shown(error)
    if kind in DEMANDS_LOGIN:
        return seen(Finding.GREETED, authentication_required=True)
    if kind in UNAVAILABLE:
        return failed(Finding.SERVICE_UNAVAILABLE, said=said)
    if kind in REFUSES or error.startswith(TOO_MANY):
        return failed(Finding.CLIENT_REFUSED, said=said)
    # Redis all the same, and it serves: MISCONF of a server that cannot save, or the words of a proxy before it.
    return seen(Finding.GREETED, authentication_required=False, said=said)
