"""PostgreSQL against its own server and PgBouncer, and against peers that only resemble one."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome, Stage
from testbed.servers.pgbouncer import PgBouncerServer
from testbed.servers.postgres import PostgresServer
from tests.e2e.protocols.hostile import FOREIGN, WORDLESS, assert_drips, assert_is_foreign, assert_is_wordless
from tests.e2e.protocols.peers import Peer, detail, running


@pytest.fixture(scope="module")
def server(ground):
    with running(PostgresServer(certificate=ground.certificate)) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def plain_server():
    with running(PostgresServer()) as running_server:
        yield running_server


def postgres(server, **fields):
    return {"host": "127.0.0.1", "port": server.port, "protocol": "postgres", **fields}


def error(code, text):
    fields = b"SFATAL\0" + b"".join(f"{field}\0".encode() for field in (f"C{code}", f"M{text}", "RX")) + b"\0"
    return b"E" + struct.pack(">I", 4 + len(fields)) + fields


def stages(verdict):
    return [(result.stage, result.finding) for result in verdict.stages[-2:]]


@pytest.mark.parametrize(
    ("tls", "finding"),
    [(None, Finding.UNVERIFIED), ("verify", Finding.VERIFIED), ("no-verify", Finding.UNVERIFIED)],
)
def test_tls_starts_within_the_protocol(ground, server, tls, finding):
    verdict = ground.verdict(postgres(server, **({"tls": tls} if tls else {})))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert stages(verdict) == [(Stage.PROTOCOL, Finding.GREETED), (Stage.TLS, finding)]


def test_a_client_that_only_encrypts_takes_any_certificate(ground, server):
    verdict = ground.verdict(postgres(server), ca_files=())
    assert (verdict.outcome, stages(verdict)[1]) == (Outcome.OK, (Stage.TLS, Finding.UNVERIFIED)), verdict.evidence
    verifying = ground.verdict(postgres(server, tls="verify"), ca_files=())
    assert verifying.cause == "CERTIFICATE_ISSUER_UNKNOWN", verifying.evidence


def test_the_server_logs_nothing_but_the_connection(ground, server):
    before = len(server.log())
    ground.verdict(postgres(server))
    ground.verdict(postgres(server, tls="off"))
    lines = server.log()[before:].splitlines()
    assert lines
    assert all("connection received" in line for line in lines)


def test_without_tls_the_server_says_how_to_log_in(ground, server):
    verdict = ground.verdict(postgres(server, tls="off"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert verdict.stages[-1].stage is Stage.PROTOCOL
    assert detail(verdict)["authentication"] == ["SCRAM-SHA-256"]


def test_a_server_without_tls(ground, plain_server):
    verdict = ground.verdict(postgres(plain_server))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, "CONNECTION_NOT_ENCRYPTED"), verdict.evidence
    assert detail(verdict) == {"authentication": ["SCRAM-SHA-256"], "offers_tls": False}
    demanding = ground.verdict(postgres(plain_server, tls="no-verify"))
    assert demanding.cause == "TLS_NOT_OFFERED", demanding.evidence


@pytest.mark.parametrize(("method", "name"), [("md5", "MD5"), ("password", "password in the clear"), ("trust", "none")])
def test_the_method_of_the_login_is_named(ground, method, name):
    settings = ("password_encryption = md5",)
    with running(PostgresServer(access=f"host all all all {method}", settings=settings)) as server:
        verdict = ground.verdict(postgres(server))
    assert detail(verdict)["authentication"] == [name]


@pytest.mark.parametrize("access", ["host all all 10.0.0.0/8 scram-sha-256", "host all all all reject"])
def test_a_server_that_admits_no_stranger_is_a_warning(ground, access):
    with running(PostgresServer(access=access)) as server:
        verdict = ground.verdict(postgres(server, tls="off"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, "STRANGERS_REFUSED"), verdict.evidence
    assert "pg_hba.conf" in verdict.explanation
    assert detail(verdict)["sqlstate"] == "28000"


def test_a_full_server_cannot_serve(ground):
    settings = ("max_connections = 2", "superuser_reserved_connections = 0", "max_wal_senders = 0")
    with running(PostgresServer(settings=settings)) as server, ExitStack() as held:
        for _ in range(8):
            client = held.enter_context(socket.create_connection(server.address, timeout=5))
            client.sendall(struct.pack(">II", 16, 3 << 16) + b"user\0x\0\0")
            client.recv(1)
        verdict = ground.verdict(postgres(server, tls="off"))
    assert (verdict.cause, verdict.outcome) == ("SERVICE_UNAVAILABLE", Outcome.UNREACHABLE), verdict.evidence
    assert detail(verdict)["sqlstate"] == "53300"


@pytest.mark.parametrize("tls", [None, "off"])
def test_pgbouncer(ground, plain_server, tls):
    with running(PgBouncerServer(plain_server.address, certificate=ground.certificate)) as bouncer:
        verdict = ground.verdict(postgres(bouncer, **({"tls": tls} if tls else {})))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence


def test_bytes_after_the_consent_are_not_swallowed(ground):
    """What stands in the clear behind the consent is somebody else's (CVE-2021-23222): it breaks the handshake."""
    with Peer(b"", b"Sinjected") as peer:
        verdict = ground.verdict(postgres(peer))
    assert verdict.cause == "TLS_NOT_SPOKEN", verdict.evidence


@pytest.mark.parametrize(
    ("words", "cause", "said"),
    [
        (b"Ecould not fork new process for connection\n\0", "SERVICE_UNAVAILABLE", "could not fork"),
        (error("57P03", "starting up"), "SERVICE_UNAVAILABLE", "starting up"),
        (error("08P01", "no TLS"), None, "no TLS"),
    ],
)
def test_an_error_in_place_of_an_answer(ground, words, cause, said):
    with Peer(b"", words) as peer:
        verdict = ground.verdict(postgres(peer, tls="off"))
    assert verdict.cause == cause, verdict.evidence
    assert said in detail(verdict)["said"]


# An S is all that a server says who consents, and so that of SSH goes for one.
@pytest.mark.parametrize("name", sorted(set(FOREIGN) - {"ssh"}))
def test_another_protocol_is_shown(ground, name):
    assert_is_foreign(ground, "postgres", FOREIGN[name])


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_another_protocol_is_shown_without_tls(ground, name):
    assert_is_foreign(ground, "postgres", FOREIGN[name], tls="off")


def test_ssh_does_not_go_on_to_speak_tls(ground):
    with Peer(FOREIGN["ssh"]) as peer:
        assert ground.verdict(postgres(peer)).cause == "TLS_NOT_SPOKEN"


def test_an_error_without_end_ends(ground):
    with Peer(b"E", b"x" * 100, endless=True) as peer:
        assert ground.verdict(postgres(peer)).cause == "NOT_THIS_PROTOCOL"


@pytest.mark.parametrize("words", [b"E\0\0\x10\0S", b"Etext "])
def test_a_dripping_error_ends_with_the_limit(ground, words):
    assert_drips(ground, "postgres", words)


@pytest.mark.parametrize("make", WORDLESS)
def test_a_peer_without_a_word(ground, make):
    assert_is_wordless(ground, "postgres", make)
