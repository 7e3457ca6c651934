"""What the tests of protocols share: a check that gives its verdict, real servers, and peers that say anything."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

import pytest

from airflow_provider_netconn.checks import CheckOptions, check, parse_target
from airflow_provider_netconn.evidence import Stage, Verdict
from testbed.endpoints import Certificate, CertificateAuthority, TcpServer

BUFFERED = 64 * 1024


@dataclass
class Ground:
    """An authority that the checks trust, and a certificate of it for loopback."""

    authority: CertificateAuthority
    certificate: Certificate
    ca_file: str

    def verdict(self, target, **options) -> Verdict:
        given = {"ca_files": (self.ca_file,), "timeout_s": 5, "retries": 0}
        parsed = parse_target(target, expect_networks=("127.0.0.0/8",))
        return check([parsed], CheckOptions(**{**given, **options})).verdicts[0]


@contextlib.contextmanager
def running(server):
    """A real server while it runs; the test is skipped where this machine lacks it."""
    missing = server.missing()
    if missing:
        pytest.skip(missing)
    with server:
        yield server


def detail(verdict, stage=Stage.PROTOCOL):
    """What a stage saw in full."""
    seen = next((result for result in verdict.stages if result.stage is stage), None)
    assert seen is not None, verdict.evidence
    return seen.detail


class Peer(TcpServer):
    """Says this to whoever connects, and hangs up unless told to stay.

    :param words: what it says; a list is said one by one, each after the client has spoken, beginning with the first
    :param drip_s: time between single bytes
    :param endless: it repeats its last words until the client leaves
    """

    def __init__(self, *words, stay=True, drip_s=None, endless=False, tls=None):
        super().__init__(tls=tls)
        self.words = words
        self.stay = stay
        self.drip_s = drip_s
        self.endless = endless
        self.heard = []

    async def handle(self, reader, writer):
        for position, words in enumerate(self.words):
            if position:
                self.heard.append(await reader.read(65536))
            await self._say(writer, words)
        while self.endless and not writer.is_closing():
            await self._say(writer, self.words[-1])
            # Over TLS, drain() neither waits nor yields.
            while writer.transport.get_write_buffer_size() > BUFFERED and not writer.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)
        if not self.stay:
            writer.write_eof()  # closing at once would, by a reset, take back what was said
        while said := await reader.read(65536):
            self.heard.append(said)

    def heard_within(self, limit_s, words):
        """Whether the client has said these words at last; it learns of them a moment after the client is done."""
        deadline = time.monotonic() + limit_s
        while not b"".join(self.heard).endswith(words) and time.monotonic() < deadline:
            time.sleep(0.01)
        return b"".join(self.heard).endswith(words)

    async def _say(self, writer, words):
        if self.drip_s is None:
            writer.write(words)
            await writer.drain()
            return
        for byte in words:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(self.drip_s)


GARBAGE = {
    "zeros": b"\x00" * 4096,
    "high bytes": b"\xff" * 4096,
    "all bytes": bytes(range(256)) * 16,
    "one line": b"A" * 1_000_000,
    "many lines": b"A\r\n" * 300_000,
    "empty lines": b"\r\n" * 300_000,
}
"""What no probed protocol says."""

GREETINGS = {
    "ssh": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "ftp": b"220 (vsFTPd 3.0.3)\r\n",
    "pop3": b"+OK ready\r\n",
    "imap": b"* OK ready\r\n",
    "mysql": b"J\x00\x00\x00\x0a8.0.36\x00" + b"\x01" * 66,
    "http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "amqp": b"AMQP\x00\x00\x09\x01",
    "redis": b"-ERR unknown command\r\n",
    "rfb": b"RFB 003.008\n",
}
"""How servers of other protocols begin."""
