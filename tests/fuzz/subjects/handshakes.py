"""What a server says in a TLS handshake: garbage, or a real server's words with bytes changed; a finding of TLS."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import ssl

from airflow_provider_netconn.evidence import Finding, StageResult, to_json
from airflow_provider_netconn.probing.streams import SocketStream, Stream
from airflow_provider_netconn.probing.tls import TlsContexts, handshake
from testbed.endpoints import CertificateAuthority
from tests.fuzz.peer import run

NAME = "web.example.net"
TIMEOUT_S = 0.1
FINDINGS = {
    Finding.VERIFIED,
    Finding.UNVERIFIED,
    Finding.EXPIRED,
    Finding.NOT_YET_VALID,
    Finding.WRONG_NAME,
    Finding.SELF_SIGNED,
    Finding.UNKNOWN_ISSUER,
    Finding.CERTIFICATE_INVALID,
    Finding.NOT_TLS,
    Finding.TLS_REFUSED,
    Finding.CLOSED,
    Finding.RESET,
    Finding.NO_ANSWER,
}
MOST_KEPT = 20_000
SPOKEN, TLS_1_2, VERIFIES = 1, 2, 4
"""Bits of the first byte: the data changes what a real server says (two bytes of place and one to change it with, each
time) and else is all that is said; that server speaks TLS 1.2; the client verifies."""

SEEDS = (
    bytes([0]) + b"220 ready\r\n",
    bytes([0]) + bytes([0x15, 3, 3, 0, 2, 2, 0x28]),
    bytes([0]) + bytes([22, 3, 3, 0, 4, 0, 0, 0, 0]) * 3,
    bytes([SPOKEN]),
    bytes([SPOKEN | VERIFIES]),
    bytes([SPOKEN | TLS_1_2]) + bytes([0, 10, 1]),
    bytes([SPOKEN | TLS_1_2 | VERIFIES]) + bytes([1, 0, 128]),
)


@functools.cache
def _contexts() -> TlsContexts:
    return TlsContexts()


@functools.cache
def _server(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = CertificateAuthority().issue(NAME).server_context()
    context.maximum_version = version
    return context


def holds(data: bytes) -> None:
    """Shake hands with a server that says this; it is left to hang up, to wait, or to say the same to a second look."""
    if not data:
        return
    result = run(_shaken(data[0], data[1:]))
    assert result.finding in FINDINGS, result
    assert len(json.dumps(to_json(result))) < MOST_KEPT, result
    assert str(result.detail.get("problem", "")).isprintable(), result


async def _shaken(how: int, said: bytes) -> StageResult:
    async with asyncio.TaskGroup() as servers:

        async def dial() -> Stream:
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.setblocking(False)
            servers.create_task(_spoil(theirs, how, said) if how & SPOKEN else _say(theirs, said))
            return SocketStream(ours)

        result, tls = await handshake(
            await dial(), NAME, _contexts(), dial, timeout_s=TIMEOUT_S, verify=bool(how & VERIFIES)
        )
        if tls is not None:
            tls.close()
    return result


async def _say(sock: socket.socket, said: bytes) -> None:
    with sock, contextlib.suppress(OSError):
        await asyncio.get_running_loop().sock_sendall(sock, said)


async def _spoil(sock: socket.socket, how: int, changes: bytes) -> None:
    """A real server, of whose words some bytes are changed on their way."""
    changed = {int.from_bytes(changes[at : at + 2]): changes[at + 2] for at in range(0, len(changes) - 2, 3)}
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    version = ssl.TLSVersion.TLSv1_2 if how & TLS_1_2 else ssl.TLSVersion.TLSv1_3
    tls = _server(version).wrap_bio(incoming, outgoing, server_side=True)
    loop, said, done = asyncio.get_running_loop(), 0, False
    with sock, contextlib.suppress(OSError):
        while received := await loop.sock_recv(sock, 65536):
            incoming.write(received)
            if not done:
                with contextlib.suppress(ssl.SSLWantReadError):
                    try:
                        tls.do_handshake()
                    finally:
                        words = outgoing.read()
                        spoilt = bytes(byte ^ changed.get(said + at, 0) for at, byte in enumerate(words))
                        said += len(words)
                        await loop.sock_sendall(sock, spoilt)
                    done = True
