"""Scenes of the stage ``tls``."""

from __future__ import annotations

from functools import partial

from airflow_provider_netconn.evidence import Outcome, Path
from testbed.endpoints import (
    CertificateAuthority,
    GreetingServer,
    HandshakeRefuser,
    HttpServer,
    Refusal,
    SilentServer,
    self_signed,
)
from testbed.servers.postgres import PostgresServer
from tests.e2e.causes.ground import ORDERS, ORDERS_PRIVATELINK, SHORT_S
from tests.e2e.causes.scenes.scene import induces
from tests.e2e.protocols.peers import running


def _with_certificate(issue, ground):
    with SilentServer(tls=issue(ground.authority).server_context()) as server:
        ground.dns.set("db.example.net", "127.0.0.1")
        verdict = ground.verdict(f"tls://db.example.net:{server.port}")
    assert verdict.stages[-1].detail["chain"], "the chain was read by a second look"
    return verdict


for _cause, _issue in {
    "CERTIFICATE_EXPIRED": lambda authority: authority.expired("db.example.net"),
    "CERTIFICATE_NOT_YET_VALID": lambda authority: authority.not_yet_valid("db.example.net"),
    "CERTIFICATE_WRONG_NAME": lambda authority: authority.issue("other.example.net"),
    "CERTIFICATE_SELF_SIGNED": lambda _authority: self_signed("db.example.net"),
    "CERTIFICATE_ISSUER_UNKNOWN": lambda _authority: CertificateAuthority("Stranger").issue("db.example.net"),
    "CERTIFICATE_INVALID": lambda authority: authority.for_clients("db.example.net"),
}.items():
    induces(_cause, Path.PRIVATE, Outcome.MISCONFIGURED, "certificate")(partial(_with_certificate, _issue))


@induces("TLS_INTERCEPTED", Path.PRIVATE, Outcome.MISCONFIGURED)
def a_foreign_issuer_for_an_azure_name(ground):
    certificate = CertificateAuthority("Corporate inspection").issue("*.blob.core.windows.net")
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS, "127.0.0.1")
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
    assert "Corporate inspection" in verdict.explanation
    return verdict


@induces("PRIVATELINK_NAME_NOT_IN_CERTIFICATE", Path.PRIVATE, Outcome.MISCONFIGURED)
def the_privatelink_name_in_place_of_the_public_one(ground):
    certificate = ground.authority.issue("*.blob.core.windows.net")
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS_PRIVATELINK, "127.0.0.1")
        return ground.verdict(f"https://{ORDERS_PRIVATELINK}:{server.port}")


def _of_peer(make, ground, **options):
    with make() as server:
        return ground.verdict(f"https://127.0.0.1:{server.port}", **options)


for _name, _make, _cause, _outcome in (
    ("greets in the clear", lambda: GreetingServer(b"220 ready\r\n"), "TLS_NOT_SPOKEN", Outcome.MISCONFIGURED),
    ("closes", lambda: HandshakeRefuser(Refusal.CLOSE), "TLS_CLOSED", Outcome.BLOCKED),
    ("resets", lambda: HandshakeRefuser(Refusal.RESET), "TLS_CLOSED", Outcome.BLOCKED),
    ("alerts", lambda: HandshakeRefuser(Refusal.ALERT), "TLS_HANDSHAKE_FAILED", Outcome.BLOCKED),
):
    induces(_cause, Path.PRIVATE, _outcome, _name)(partial(_of_peer, _make))


@induces("TLS_NO_ANSWER", Path.PRIVATE, Outcome.UNREACHABLE)
def a_peer_that_stays_silent(ground):
    return _of_peer(SilentServer, ground, timeout_s=SHORT_S)


@induces("TLS_NOT_OFFERED", Path.PRIVATE, Outcome.MISCONFIGURED)
def a_postgres_without_tls_that_is_asked_for_it(ground):
    with running(PostgresServer()) as server:
        target = {"host": "127.0.0.1", "port": server.port, "protocol": "postgres", "tls": "no-verify"}
        return ground.verdict(target)
