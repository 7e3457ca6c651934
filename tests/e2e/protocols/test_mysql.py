"""MySQL's protocol against MariaDB, and against peers that only resemble a server."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import ExitStack, contextmanager

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome, Stage
from testbed.endpoints.relay import Relay
from testbed.servers.mariadb import MariaDbServer
from tests.e2e.protocols.hostile import FOREIGN, WORDLESS, assert_drips, assert_is_foreign, assert_is_wordless
from tests.e2e.protocols.peers import Peer, detail, running

WORKER = "127.0.0.2"
"""An address with a name, as only such hosts are counted and blocked; MariaDB exempts 127.0.0.1."""
MAX_ERRORS = 3
CLIENT_SSL = 0x800


@pytest.fixture(scope="module")
def server(ground):
    with running(MariaDbServer("--skip-name-resolve", certificate=ground.certificate)) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def counting_server(ground):
    if os.geteuid():
        pytest.skip("a server with an /etc/hosts of its own needs root")
    settings = [f"--max-connect-errors={MAX_ERRORS}"]
    hosts = f"127.0.0.1 localhost\n{WORKER} worker.example.net\n"
    with running(MariaDbServer(*settings, certificate=ground.certificate, hosts=hosts)) as running_server:
        running_server.query("CREATE USER etl@'worker.example.net'")
        yield running_server


def mysql(server, **fields):
    return {"host": "127.0.0.1", "port": server.port, "protocol": "mysql", **fields}


@contextmanager
def setting(server, name, value):
    """A global variable of the server while it is set."""
    before = server.query(f"SELECT @@GLOBAL.{name}")
    server.query(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        server.query(f"SET GLOBAL {name} = {before}")


def greeting(*, version=b"8.0.36", capabilities=CLIENT_SSL, plugin=b"caching_sha2_password"):
    """A greeting of MySQL 8, after the protocol's documentation."""
    flags = capabilities | 0x0008_8200
    payload = b"\x0a" + version + b"\0" + struct.pack("<I8sx", 7, b"a" * 8)
    payload += struct.pack("<HBHHB10x", flags & 0xFFFF, 255, 2, flags >> 16, 21) + b"b" * 12 + b"\0" + plugin + b"\0"
    return packet(0, payload)


def packet(number, payload):
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def error(code, text, state=b""):
    return packet(0, b"\xff" + struct.pack("<H", code) + state + text)


@pytest.mark.parametrize(
    ("tls", "finding"),
    [(None, Finding.UNVERIFIED), ("verify", Finding.VERIFIED), ("no-verify", Finding.UNVERIFIED)],
)
def test_tls_starts_within_the_protocol(ground, server, tls, finding):
    verdict = ground.verdict(mysql(server, **({"tls": tls} if tls else {})))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert [result.finding for result in verdict.stages[-2:]] == [Finding.GREETED, finding]
    assert detail(verdict)["version"].startswith("10.") or detail(verdict)["version"].startswith("11.")
    assert "MariaDB" in detail(verdict)["version"]
    assert detail(verdict)["authentication"] == "mysql_native_password"


def test_a_client_that_only_encrypts_takes_any_certificate(ground, server):
    verdict = ground.verdict(mysql(server), ca_files=())
    assert (verdict.outcome, verdict.stages[-1].finding) == (Outcome.OK, Finding.UNVERIFIED), verdict.evidence
    verifying = ground.verdict(mysql(server, tls="verify"), ca_files=())
    assert verifying.cause == "CERTIFICATE_ISSUER_UNKNOWN", verifying.evidence


def test_without_tls(ground, server):
    verdict = ground.verdict(mysql(server, tls="off"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert verdict.stages[-1].stage is Stage.PROTOCOL


def test_a_server_without_tls(ground):
    with running(MariaDbServer("--skip-ssl")) as server:
        verdict = ground.verdict(mysql(server))
        demanding = ground.verdict(mysql(server, tls="no-verify"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, "CONNECTION_NOT_ENCRYPTED"), verdict.evidence
    assert demanding.cause == "TLS_NOT_OFFERED", demanding.evidence


def test_a_server_that_demands_tls_does_not_say_so(ground, server):
    """It refuses a login in the clear in the words for a wrong password."""
    with setting(server, "require_secure_transport", "ON"):
        verdict = ground.verdict(mysql(server, tls="off"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence


def test_a_full_server_cannot_serve(ground, server):
    with setting(server, "max_connections", 10), ExitStack() as held:
        for _ in range(12):
            client = held.enter_context(socket.create_connection(server.address, timeout=5))
            client.recv(4)
        verdict = ground.verdict(mysql(server))
    assert (verdict.cause, verdict.outcome) == ("SERVICE_UNAVAILABLE", Outcome.UNREACHABLE), verdict.evidence
    assert detail(verdict)["error"] == 1040
    assert "Too many connections" in verdict.explanation


def test_a_host_without_a_user_is_refused(ground, server):
    server.query("RENAME USER root@'127.0.0.1' TO root@'10.0.0.1'")
    try:
        verdict = ground.verdict(mysql(server))
    finally:
        server.query("RENAME USER root@'10.0.0.1' TO root@'127.0.0.1'")
    assert (verdict.cause, verdict.outcome) == ("SERVICE_REFUSES_CLIENT", Outcome.BLOCKED), verdict.evidence
    assert detail(verdict)["error"] == 1130
    assert "is not allowed to connect" in verdict.explanation


def connect_errors(server):
    columns = "SUM_CONNECT_ERRORS, COUNT_HOST_BLOCKED_ERRORS"
    return server.query(f"SELECT {columns} FROM performance_schema.host_cache WHERE IP = '{WORKER}'")


@pytest.mark.parametrize(("tls", "trusted"), [(None, True), (None, False), ("verify", True), ("off", True)])
def test_probes_are_not_held_against_the_host(ground, counting_server, tls, trusted):
    """A connection that just ends is a broken handshake to the server, which blocks a host with too many of them."""
    counting_server.query("FLUSH HOSTS")
    with Relay(counting_server.address, source=WORKER) as relay:
        target, trust = mysql(relay, **({"tls": tls} if tls else {})), {} if trusted else {"ca_files": ()}
        verdicts = [ground.verdict(target, **trust) for _ in range(2 * MAX_ERRORS)]
    assert {verdict.outcome for verdict in verdicts} == {Outcome.OK}, verdicts[-1].evidence
    assert connect_errors(counting_server) == "0\t0"


def test_a_blocked_host_is_refused(ground, counting_server):
    counting_server.query("FLUSH HOSTS")
    with Relay(counting_server.address, source=WORKER) as relay:
        for _ in range(MAX_ERRORS + 1):
            with socket.create_connection(relay.address, timeout=5) as client:
                client.recv(4)
            # The next would find the server still at the last one's end.
            counting_server.query("SELECT SLEEP(0.05)")
        verdict = ground.verdict(mysql(relay))
    assert (verdict.cause, verdict.outcome) == ("SERVICE_REFUSES_CLIENT", Outcome.BLOCKED), verdict.evidence
    assert detail(verdict)["error"] == 1129
    assert "FLUSH HOSTS" in verdict.remedy


def test_mysql_8_greets(ground):
    with Peer(greeting(capabilities=0), b"\x01\0\0\x02\xfe") as peer:
        verdict = ground.verdict(mysql(peer))
    assert verdict.outcome is Outcome.OK, verdict.evidence
    assert detail(verdict) == {"version": "8.0.36", "authentication": "caching_sha2_password", "offers_tls": False}


@pytest.mark.parametrize(
    ("code", "cause"),
    [(1040, "SERVICE_UNAVAILABLE"), (1129, "SERVICE_REFUSES_CLIENT"), (1130, "SERVICE_REFUSES_CLIENT"),
     (1053, "SERVICE_UNAVAILABLE"), (9999, "SERVICE_UNAVAILABLE")],
)  # fmt: skip
@pytest.mark.parametrize("state", [b"", b"#08004"])
def test_an_error_in_place_of_the_greeting(ground, code, cause, state):
    with Peer(error(code, b"No, \xff\x1b[2J.", state)) as peer:
        verdict = ground.verdict(mysql(peer))
    assert verdict.cause == cause, verdict.evidence
    assert detail(verdict) == {"error": code, "said": "No, \ufffd [2J."}


def test_bytes_after_the_greeting_are_not_swallowed(ground):
    with Peer(greeting() + b"injected") as peer:
        assert ground.verdict(mysql(peer)).cause == "TLS_NOT_SPOKEN"


@pytest.mark.parametrize(
    "words",
    [
        packet(0, b"\x09" + b"3.21\0" + bytes(40)),
        packet(0, b"\x0a" + b"x" * 100),
        packet(0, b"\x0a8\0" + bytes(30)),
        packet(1, b"\x0a8.0\0" + bytes(60)),
        packet(0, b"\x0a" * 5000),
    ],
)
def test_what_only_resembles_a_greeting(ground, words):
    assert_is_foreign(ground, "mysql", words)


@pytest.mark.parametrize("name", sorted(set(FOREIGN) - {"mysql"}))
def test_another_protocol_is_shown(ground, name):
    assert_is_foreign(ground, "mysql", FOREIGN[name])


def test_a_dripping_greeting_ends_with_the_limit(ground):
    assert_drips(ground, "mysql", b"\x40\x01\0\0\x0a8.0")


@pytest.mark.parametrize("make", WORDLESS)
def test_a_peer_without_a_word(ground, make):
    assert_is_wordless(ground, "mysql", make)
