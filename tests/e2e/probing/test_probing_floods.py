"""Servers that never stop talking: the probe ends within its limits, and keeps next to nothing of what was said."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_netconn.evidence import Finding, Stage, TlsUse, to_json
from airflow_provider_netconn.probing.registry import protocol_named, protocol_names
from airflow_provider_netconn.probing.targets import parse_target
from tests.e2e.probing.seen import probe

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 1.0
LATE = 4
"""How many times its limit a probe may take on a machine that has much else to do. Without a limit it takes forever."""
KEPT_CHARACTERS = 20_000


@contextlib.contextmanager
def flooding(*manner):
    """Gives the port of a server that floods in that manner."""
    command = [sys.executable, "-m", "tests.e2e.probing.flood", *manner]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


async def flooded(port, protocol, tls=None):
    target = parse_target({"host": "127.0.0.1", "port": port, "protocol": protocol} | ({"tls": tls} if tls else {}))
    result = await probe(target, timeout_s=TIMEOUT_S, deadline_s=3 * TIMEOUT_S)
    stages = sum(stage.stage in (Stage.TLS, Stage.PROTOCOL) for stage in result.stages)
    assert result.duration_s < LATE * stages * TIMEOUT_S
    assert len(json.dumps(to_json(result))) < KEPT_CHARACTERS
    return result.stages[-1]


async def test_empty_packets_of_tds_end_with_the_limit():
    with flooding("in_packets_of_tds") as port:
        last = await flooded(port, "tds")
    assert (last.stage, last.finding) == (Stage.TLS, Finding.NO_ANSWER)


async def test_a_handshake_that_begins_again_and_again_ends_with_the_limit():
    with flooding("in_the_handshake") as port:
        last = await flooded(port, "tls")
    assert (last.stage, last.finding) == (Stage.TLS, Finding.NO_ANSWER)


async def test_a_server_that_goes_on_talking_is_left(certificates, tmp_path):
    certificate = certificates.issue("127.0.0.1")
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate.key_pem + certificate.chain_pem)
    with flooding("after_the_handshake", str(pem)) as port:
        last = await flooded(port, "postgres")
    assert (last.stage, last.finding) == (Stage.TLS, Finding.UNVERIFIED)


SPEAKING = [name for name in protocol_names() if protocol_named(name).probe and not protocol_named(name).tls]


@pytest.fixture(scope="module", params=[0, 1, 10, 48, 255])
def one_byte(request):
    with flooding("with_bytes", str(request.param)) as port:
        yield port


@pytest.mark.parametrize("protocol", SPEAKING)
async def test_no_probe_reads_on_and_on(one_byte, protocol):
    assert not (await flooded(one_byte, protocol, tls=TlsUse.OFF.value)).ok
