"""TLS that breaks off within a record, or drips: a finding of the stage it breaks in, within that stage's limit."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from airflow_provider_netconn.evidence import Finding, Stage, Target
from testbed.endpoints import HttpServer, TcpServer
from tests.e2e.probing.seen import NAME, probe

TIMEOUT_S = 1.0
LATE = 4
"""How many times its limit a probe may take on a machine that has much else to do."""


class Relay(TcpServer):
    """Hands a real server's bytes on, up to so many; then hangs up, or goes on byte by byte.

    :param to: the address of the server
    :param most: how many bytes pass
    :param drip_s: time between each of those that follow; None hangs up
    """

    def __init__(self, to, most, *, drip_s=None):
        super().__init__()
        self.to = to
        self.most = most
        self.drip_s = drip_s
        self.passed = 0

    async def handle(self, reader, writer):
        behind, ahead = await asyncio.open_connection(*self.to)
        forward = asyncio.ensure_future(self._forward(reader, ahead))
        try:
            writer.write(await behind.readexactly(self.most))
            await writer.drain()
            while self.drip_s is not None and (byte := await behind.read(1)):
                writer.write(byte)
                await writer.drain()
                await asyncio.sleep(self.drip_s)
        finally:
            forward.cancel()
            ahead.close()

    async def _forward(self, reader, ahead):
        with contextlib.suppress(OSError):
            while heard := await reader.read(65536):
                ahead.write(heard)
                await ahead.drain()


async def probed(relay, ca_file):
    target = Target(host=NAME, port=relay.port, protocol="https", dial=relay.host)
    result = await probe(target, ca_files=(ca_file,), timeout_s=TIMEOUT_S, deadline_s=3 * TIMEOUT_S)
    assert result.duration_s < LATE * TIMEOUT_S
    return result.stages[-1]


@pytest.fixture
def web(certificates):
    with HttpServer(tls=certificates.issue(NAME).server_context()) as server:
        yield server


# Of the server's words the first record is its hello; the certificate follows, and the handshake ends before 1,000.
@pytest.mark.parametrize("most", [1, 4, 60, 300])
async def test_a_handshake_cut_within_a_record_was_closed(web, ca_file, most):
    with Relay(web.address, most) as relay:
        last = await probed(relay, ca_file)
    assert last.stage is Stage.TLS
    # What the client had sent and nobody read makes a reset.
    assert last.finding in (Finding.CLOSED, Finding.RESET)


@pytest.mark.parametrize("most", [0, 4, 300])
async def test_a_handshake_that_drips_does_not_answer(web, ca_file, most):
    with Relay(web.address, most, drip_s=0.05) as relay:
        last = await probed(relay, ca_file)
    assert (last.stage, last.finding) == (Stage.TLS, Finding.NO_ANSWER)


class HalfARecord(TcpServer):
    """Shakes hands, hears the request, and sends the beginning of a record of which the rest never comes.

    :param stays: whether the connection is left open
    """

    def __init__(self, context, *, stays):
        super().__init__()
        self.context = context
        self.stays = stays

    async def handle(self, reader, writer):
        below = writer.transport
        await writer.start_tls(self.context)
        await reader.readuntil(b"\r\n\r\n")
        below.write(bytes([23, 3, 3, 1, 0]) + b"x" * 10)
        if self.stays:
            await reader.read()
        below.close()


@pytest.mark.parametrize(("stays", "findings"), [(False, {Finding.CLOSED, Finding.RESET}), (True, {Finding.NO_ANSWER})])
async def test_an_answer_of_half_a_record_is_none(certificates, ca_file, stays, findings):
    with HalfARecord(certificates.issue(NAME).server_context(), stays=stays) as server:
        last = await probed(server, ca_file)
    assert last.stage is Stage.PROTOCOL
    assert last.finding in findings
