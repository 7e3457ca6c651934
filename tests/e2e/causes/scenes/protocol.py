"""Scenes of the stage ``protocol``; ``tests/e2e/protocols`` has each protocol against its own servers."""

from __future__ import annotations

from functools import partial

from airflow_provider_netconn.evidence import Outcome, Path
from testbed.endpoints import ClosingServer, GreetingServer, HttpServer, SilentServer
from testbed.servers.redis import RedisServer
from tests.e2e.causes.ground import SHORT_S
from tests.e2e.causes.scenes.scene import induces
from tests.e2e.protocols.peers import Peer, running

ALERT = b"\x15\x03\x03\x00\x02\x02\x46"
"""A TLS record with a fatal alert, protocol_version (RFC 8446, section 6)."""


def _of_peer(protocol, make, ground, **options):
    with make() as server:
        return ground.verdict(f"{protocol}://127.0.0.1:{server.port}", **options)


for _cause, _outcome, _protocol, _make in (
    ("GATEWAY_ERROR", Outcome.UNREACHABLE, "http", lambda: HttpServer(status=503)),
    ("SERVICE_REFUSES_CLIENT", Outcome.BLOCKED, "smtp", lambda: GreetingServer(b"554 not from there\r\n")),
    ("SERVICE_UNAVAILABLE", Outcome.UNREACHABLE, "smtp", lambda: GreetingServer(b"421 try again later\r\n")),
    ("AMQP_VERSION_MISMATCH", Outcome.MISCONFIGURED, "amqp10", lambda: Peer(b"", b"AMQP\x00\x00\x09\x01", stay=False)),
    ("PROTOCOL_VERSION_MISMATCH", Outcome.MISCONFIGURED, "ssh", lambda: GreetingServer(b"SSH-1.5-1.2.27\r\n")),
    ("TLS_REQUIRED", Outcome.MISCONFIGURED, "amqp", lambda: Peer(b"", ALERT)),
    ("NOT_THIS_PROTOCOL", Outcome.MISCONFIGURED, "http", lambda: GreetingServer(b"SSH-2.0-OpenSSH_9.2\r\n")),
    ("CLOSED_WITHOUT_ANSWER", Outcome.BLOCKED, "http", ClosingServer),
):
    induces(_cause, Path.PRIVATE, _outcome, _protocol)(partial(_of_peer, _protocol, _make))


@induces("ANSWER_NOT_FINISHED", Path.PRIVATE, Outcome.UNREACHABLE)
def half_a_status_line_and_then_silence(ground):
    return _of_peer("http", lambda: GreetingServer(b"HTTP/1.1 20"), ground, timeout_s=SHORT_S)


@induces("NO_ANSWER", Path.PRIVATE, Outcome.UNREACHABLE)
def silence(ground):
    return _of_peer("http", SilentServer, ground, timeout_s=SHORT_S)


@induces("SERVICE_UNAVAILABLE", Path.PRIVATE, Outcome.UNREACHABLE)
def a_redis_replica_without_its_master(ground):
    with running(RedisServer("replicaof 127.0.0.1 1", "replica-serve-stale-data no")) as server:
        verdict = ground.verdict(f"redis://127.0.0.1:{server.port}")
    assert "MASTERDOWN" in verdict.explanation
    return verdict
