"""Redis against redis-server, with and without password and TLS, and against peers that only resemble it."""

from __future__ import annotations

import time

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome, Stage
from testbed.endpoints import ClosingServer, SilentServer
from testbed.servers.redis import RedisServer
from tests.e2e.isolated import run_isolated, why_not
from tests.e2e.protocols.peers import GARBAGE, GREETINGS, Peer, detail, running

PING = b"*1\r\n$4\r\nPING\r\n"


@pytest.fixture(scope="module")
def server(ground):
    with running(RedisServer(certificate=ground.certificate)) as running_server:
        yield running_server


def test_redis_answers_in_the_clear(ground, server):
    verdict = ground.verdict(f"redis://127.0.0.1:{server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict) == {"authentication_required": False}


def test_redis_answers_within_tls(ground, server):
    verdict = ground.verdict(f"rediss://127.0.0.1:{server.tls_port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert [result.stage for result in verdict.stages][-2:] == [Stage.TLS, Stage.PROTOCOL]


def test_a_demand_to_log_in_is_an_answer(ground):
    with running(RedisServer("requirepass hunter2")) as server:
        verdict = ground.verdict(f"redis://127.0.0.1:{server.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict) == {"authentication_required": True}


def test_a_user_without_rights_is_an_answer(ground):
    with running(RedisServer("user default on nopass -@all")) as server:
        verdict = ground.verdict(f"redis://127.0.0.1:{server.port}")
    assert verdict.outcome is Outcome.OK, verdict.evidence
    assert detail(verdict) == {"authentication_required": True}


def test_a_replica_without_its_master_does_not_serve(ground):
    settings = ("replicaof 127.0.0.1 1", "replica-serve-stale-data no")
    with running(RedisServer(*settings)) as server:
        verdict = ground.verdict(f"redis://127.0.0.1:{server.port}")
    assert (verdict.cause, verdict.outcome) == ("SERVICE_UNAVAILABLE", Outcome.UNREACHABLE), verdict.evidence
    assert "MASTERDOWN" in verdict.explanation


def test_a_server_with_too_many_clients_refuses(ground):
    with running(RedisServer("maxclients 1")) as server:
        deadline = time.monotonic() + 10
        verdict = None
        # Its own check of readiness may still hold the one place.
        while time.monotonic() < deadline and (verdict is None or verdict.outcome is not Outcome.OK):
            verdict = ground.verdict(f"redis://127.0.0.1:{server.port}")
        with server.connection() as taken:
            taken.sendall(PING)
            assert taken.recv(100) == b"+PONG\r\n"
            verdict = ground.verdict(f"redis://127.0.0.1:{server.port}")
    assert (verdict.cause, verdict.outcome) == ("SERVICE_REFUSES_CLIENT", Outcome.BLOCKED), verdict.evidence
    assert "max number of clients" in verdict.explanation


PROTECTED = """
from airflow_provider_netconn.checks import CheckOptions, check, parse_target
from testbed.servers.redis import RedisServer
with RedisServer(host="10.9.0.4") as server:
    target = parse_target(f"redis://10.9.0.4:{server.port}")
    verdict = check([target], CheckOptions(nameserver="127.0.0.1", retries=0)).verdicts[0]
    print(verdict.cause, verdict.path.value, verdict.outcome.value)
    print(verdict.explanation)
"""


def test_protected_mode_refuses_clients_of_other_hosts():
    """From loopback it admits everyone, so the client needs another address: in a network of its own."""
    if why_not() or RedisServer.missing():
        pytest.skip(why_not() or RedisServer.missing())
    network = "ip link set lo up && ip address add 10.9.0.4/32 dev lo"
    ran = run_isolated(f"{network}\n$PYTHON - <<'END'\n{PROTECTED}\nEND")
    assert ran.stdout.splitlines()[:1] == ["SERVICE_REFUSES_CLIENT PRIVATE BLOCKED"], ran.stdout + ran.stderr
    assert "protected mode" in ran.stdout


def test_tls_meets_redis_in_the_clear_and_the_reverse(ground, server):
    plain = ground.verdict(f"rediss://127.0.0.1:{server.port}", timeout_s=1)
    secure = ground.verdict(f"redis://127.0.0.1:{server.tls_port}", timeout_s=1)
    assert plain.failed_stage is Stage.TLS
    assert secure.failed_stage is Stage.PROTOCOL


@pytest.mark.parametrize(
    ("answer", "finding", "ok"),
    [
        (b"+PONG\r\n", Finding.GREETED, True),
        (b"-NOAUTH Authentication required.\r\n", Finding.GREETED, True),
        (b"-ERR operation not permitted\r\n", Finding.GREETED, True),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", Finding.GREETED, True),
        (b"-LOADING Redis is loading the dataset in memory\r\n", Finding.SERVICE_UNAVAILABLE, False),
        (b"-BUSY Redis is busy running a script.\r\n", Finding.SERVICE_UNAVAILABLE, False),
        (b"-DENIED Redis is running in protected mode\r\n", Finding.CLIENT_REFUSED, False),
        (b"+PING\r\n", Finding.NOT_THIS_PROTOCOL, False),
        (b"+PONG", Finding.NOT_THIS_PROTOCOL, False),
        (b"-\r\n", Finding.NOT_THIS_PROTOCOL, False),
        (b"- ERR\r\n", Finding.NOT_THIS_PROTOCOL, False),
        (b"$4\r\nPONG\r\n", Finding.NOT_THIS_PROTOCOL, False),
        (b"\x15\x03\x03\x00\x02\x02\x28", Finding.TLS_REQUIRED, False),
    ],
)
def test_every_answer_has_its_meaning(ground, answer, finding, ok):
    with Peer(b"", answer, stay=False) as peer:
        verdict = ground.verdict(f"redis://127.0.0.1:{peer.port}")
    assert peer.heard[0] == PING
    assert (verdict.stages[-1].finding, verdict.stages[-1].ok) == (finding, ok), verdict.evidence


@pytest.mark.parametrize("words", [*GARBAGE.values(), *(GREETINGS[name] for name in sorted({*GREETINGS} - {"redis"}))])
@pytest.mark.parametrize("stay", [True, False])
def test_what_is_no_redis_is_told_at_once(ground, words, stay):
    with Peer(words, stay=stay) as peer:
        verdict = ground.verdict(f"redis://127.0.0.1:{peer.port}", timeout_s=20)
    assert verdict.duration_s < 10
    assert (verdict.cause, verdict.outcome) == ("NOT_THIS_PROTOCOL", Outcome.MISCONFIGURED), verdict.evidence


def test_an_endless_line_ends_before_the_limit(ground):
    with Peer(b"-ERR " + b"x" * 1000, endless=True) as peer:
        verdict = ground.verdict(f"redis://127.0.0.1:{peer.port}", timeout_s=20)
    assert verdict.duration_s < 10
    assert verdict.cause == "NOT_THIS_PROTOCOL"
    assert len(str(detail(verdict))) < 1000


def test_a_dripping_answer(ground):
    with Peer(b"+PONG\r\n", drip_s=0.01) as peer:
        assert ground.verdict(f"redis://127.0.0.1:{peer.port}").outcome is Outcome.OK
    with Peer(b"+", drip_s=0.05, endless=True) as peer:
        verdict = ground.verdict(f"redis://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert verdict.cause == "ANSWER_NOT_FINISHED", verdict.evidence


@pytest.mark.parametrize("make", [SilentServer, ClosingServer])
def test_a_peer_without_a_word(ground, make):
    with make() as peer:
        verdict = ground.verdict(f"redis://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert verdict.cause in ("NO_ANSWER", "CLOSED_WITHOUT_ANSWER")
