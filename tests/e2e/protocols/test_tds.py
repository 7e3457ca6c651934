"""TDS against a peer that real clients take for a SQL Server, and against peers that do not resemble one.

No package brings a SQL Server. So the peer is written apart from the probe, and FreeTDS and pymssql, which Airflow's
own hook uses, have to get through it to a login: their PRELOGIN, their TLS inside of TDS.
"""

from __future__ import annotations

import os
import shutil
import ssl
import struct
import subprocess

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome, Stage
from testbed.endpoints.tds import TdsEncryption, TdsServer
from tests.e2e.protocols.hostile import FOREIGN, WORDLESS, assert_drips, assert_is_foreign, assert_is_wordless
from tests.e2e.protocols.peers import Peer, detail

LOGIN_FAILED = "Login failed for user 'stranger'"


@pytest.fixture(scope="module")
def certificate(ground):
    """TDS 7 in the manner of SQL Server: TLS 1.2 at most."""
    context = ground.certificate.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def tds(server, **fields):
    return {"host": "127.0.0.1", "port": server.port, "protocol": "tds", **fields}


def tsql(port, encryption, folder):
    """FreeTDS's client: what it says, all in one."""
    if shutil.which("tsql") is None:
        pytest.skip("tsql not installed (Debian: freetds-bin)")
    settings = folder / "freetds.conf"
    settings.write_text(f"[peer]\nhost = 127.0.0.1\nport = {port}\ntds version = 7.4\nencryption = {encryption}\n")
    done = subprocess.run(
        ["tsql", "-S", "peer", "-U", "stranger", "-P", "secret"],
        env={**os.environ, "FREETDSCONF": str(settings)},
        input="",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout + done.stderr


# --- the peer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", TdsEncryption)
@pytest.mark.parametrize("client", ["off", "request", "require"])
def test_freetds_meets_the_peer_as_a_sql_server(certificate, tmp_path, setting, client):
    with TdsServer(setting, certificate=certificate) as server:
        said = tsql(server.port, client, tmp_path)
    impossible = {(TdsEncryption.ON, "off"), (TdsEncryption.NOT_SUPPORTED, "require")}
    assert (LOGIN_FAILED in said) is ((setting, client) not in impossible), said
    encrypts = setting is not TdsEncryption.NOT_SUPPORTED and client != "off"
    assert server.handshakes == int(encrypts)


@pytest.mark.parametrize("options", [{}, {"encryption": "require"}])
def test_pymssql_meets_the_peer_as_a_sql_server(certificate, options):
    pymssql = pytest.importorskip("pymssql")
    with TdsServer(TdsEncryption.ON, certificate=certificate) as server:
        with pytest.raises(pymssql.OperationalError, match="18456"):
            pymssql.connect(
                server="127.0.0.1",
                port=str(server.port),
                user="stranger",
                password="secret",
                login_timeout=10,
                **options,
            )
        assert (server.handshakes, server.logins) == (1, ["stranger"])


# --- the probe -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [TdsEncryption.ON, TdsEncryption.OFF])
@pytest.mark.parametrize(
    ("tls", "finding"),
    [(None, Finding.UNVERIFIED), ("verify", Finding.VERIFIED), ("no-verify", Finding.UNVERIFIED)],
)
def test_tls_starts_within_the_protocol(ground, certificate, setting, tls, finding):
    with TdsServer(setting, certificate=certificate) as server:
        verdict = ground.verdict(tds(server, **({"tls": tls} if tls else {})))
        assert server.handshakes == 1
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict) == {"version": "16.0.4231", "encryption": "on", "offers_tls": True}
    assert verdict.stages[-1].finding is finding


def test_tls_1_3_goes_through_tds_as_well(ground):
    context = ground.certificate.server_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with TdsServer(certificate=context) as server:
        verdict = ground.verdict(tds(server))
    assert detail(verdict, Stage.TLS)["protocol"] == "TLSv1.3", verdict.evidence


def test_a_chain_that_fills_many_packets(ground):
    names = [f"server-{number}.example.net" for number in range(600)]
    context = ground.authority.issue("127.0.0.1", *names, intermediate=True).server_context()
    with TdsServer(certificate=context) as server:
        verdict = ground.verdict(tds(server, tls="verify"))
    assert verdict.stages[-1].finding is Finding.VERIFIED, verdict.evidence


def test_a_client_that_only_encrypts_takes_any_certificate(ground, certificate):
    with TdsServer(certificate=certificate) as server:
        verdict = ground.verdict(tds(server), ca_files=())
        verifying = ground.verdict(tds(server, tls="verify"), ca_files=())
    assert (verdict.outcome, verdict.stages[-1].finding) == (Outcome.OK, Finding.UNVERIFIED), verdict.evidence
    assert verifying.cause == "CERTIFICATE_ISSUER_UNKNOWN", verifying.evidence


def test_a_server_that_demands_encryption(ground, certificate):
    with TdsServer(TdsEncryption.ON, certificate=certificate) as server:
        verdict = ground.verdict(tds(server, tls="off"))
    assert (verdict.cause, verdict.outcome) == ("TLS_REQUIRED", Outcome.MISCONFIGURED), verdict.evidence


def test_a_server_that_encrypts_where_asked_takes_others_too(ground, certificate):
    with TdsServer(TdsEncryption.OFF, certificate=certificate) as server:
        verdict = ground.verdict(tds(server, tls="off"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence


def test_a_server_without_encryption(ground):
    with TdsServer(TdsEncryption.NOT_SUPPORTED) as server:
        verdict = ground.verdict(tds(server))
        demanding = ground.verdict(tds(server, tls="no-verify"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, "CONNECTION_NOT_ENCRYPTED"), verdict.evidence
    assert demanding.cause == "TLS_NOT_OFFERED", demanding.evidence


# --- others --------------------------------------------------------------------------------------------------------


def packet(data, *, kind=4, status=1):
    return struct.pack(">BBHHBB", kind, status, 8 + len(data), 0, 1, 0) + data


def prelogin(encryption=b"\1", version=bytes([12, 0, 0x13, 0x88, 0, 0])):
    headers = struct.pack(">BHHBHHB", 0, 11, len(version), 1, 11 + len(version), len(encryption), 0xFF)
    return headers + version + encryption


def test_an_answer_in_several_packets(ground):
    data = prelogin(b"\2")
    with Peer(b"", packet(data[:7], status=0) + packet(data[7:])) as peer:
        verdict = ground.verdict(tds(peer))
    assert detail(verdict) == {"version": "12.0.5000", "encryption": "not supported", "offers_tls": False}


def test_an_unknown_answer_on_encryption_is_kept(ground):
    with Peer(b"", packet(prelogin(b"\x27"))) as peer:
        assert detail(ground.verdict(tds(peer, tls="off")))["encryption"] == 0x27


def test_an_error_in_place_of_an_answer(ground):
    text = "The server is paused."
    body = struct.pack("<iBBH", 17142, 1, 14, len(text)) + text.encode("utf-16-le")
    with Peer(b"", packet(b"\xaa" + struct.pack("<H", len(body)) + body)) as peer:
        verdict = ground.verdict(tds(peer))
    assert (verdict.cause, detail(verdict)) == ("SERVICE_UNAVAILABLE", {"error": 17142, "said": text})


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x12\x01\x00\x04\x00\x00\x00\x00"])
def test_what_follows_is_not_tls(ground, words):
    with Peer(b"", packet(prelogin()) + words) as peer:
        assert ground.verdict(tds(peer)).cause == "TLS_NOT_SPOKEN"


@pytest.mark.parametrize(
    "words",
    [
        packet(b"\xff"),
        packet(b"\x00\x00"),
        packet(b"\xaa\x00"),
        packet(prelogin(b"")),
        packet(prelogin(version=b"")),
        packet(b"x" * 3000),
    ],
)
def test_what_only_resembles_a_prelogin(ground, words):
    with Peer(b"", words) as peer:
        verdict = ground.verdict(tds(peer))
    assert verdict.cause == "NOT_THIS_PROTOCOL", verdict.evidence
    assert "a message of TDS that is none" in verdict.explanation


@pytest.mark.parametrize("words", [packet(b""), packet(prelogin(), kind=1), packet(b"x" * 5000)])
def test_what_only_resembles_a_packet(ground, words):
    assert_is_foreign(ground, "tds", words)


def test_a_message_without_end_ends(ground):
    with Peer(packet(b"x" * 100, status=0), endless=True) as peer:
        assert ground.verdict(tds(peer)).cause == "NOT_THIS_PROTOCOL"


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_another_protocol_is_shown(ground, name):
    assert_is_foreign(ground, "tds", FOREIGN[name])


def test_a_dripping_answer_ends_with_the_limit(ground):
    assert_drips(ground, "tds", b"\x04\x01\x0f\xff\0\0\0\0")


@pytest.mark.parametrize("make", WORDLESS)
def test_a_peer_without_a_word(ground, make):
    assert_is_wordless(ground, "tds", make)
