"""Every cause of the catalogue, induced on real sockets and seen named."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from airflow_provider_netconn.checks import CheckOptions, check, parse_target
from airflow_provider_netconn.evidence import Expectation, Outcome, Path, Stage, Verdict
from testbed.endpoints import (
    CertificateAuthority,
    ClosedPort,
    ClosingServer,
    DnsFault,
    DnsServer,
    DroppingPort,
    GreetingServer,
    HandshakeRefuser,
    HttpProxy,
    HttpServer,
    ProxyManner,
    Refusal,
    SilentServer,
    self_signed,
)

LOOPBACK = ("127.0.0.0/16",)
"""The private side of these tests; the rest of 127/8 stands for the public side."""

ORDERS = "orders.blob.core.windows.net"
ORDERS_PRIVATELINK = "orders.privatelink.blob.core.windows.net"


@dataclass
class Ground:
    """A nameserver and an authority to test on."""

    dns: DnsServer
    authority: CertificateAuthority
    ca_file: str

    def verdict(self, target, *, expect=Expectation.PRIVATE, networks=LOOPBACK, **options) -> Verdict:
        given = {"nameserver": self.dns.nameserver, "ca_files": (self.ca_file,), "timeout_s": 0.6, "retries": 0}
        parsed = parse_target(target, expect=expect, expect_networks=networks)
        report = check([parsed], CheckOptions(**{**given, **options}))
        return report.verdicts[0]


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    authority = CertificateAuthority()
    ca_file = authority.write_pem(tmp_path_factory.mktemp("authority") / "ca.pem")
    with DnsServer() as dns:
        yield Ground(dns=dns, authority=authority, ca_file=str(ca_file))


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def assert_cause(verdict: Verdict, cause: str | None, path: Path, outcome: Outcome) -> None:
    assert (verdict.cause, verdict.path, verdict.outcome) == (cause, path, outcome), verdict.evidence
    if cause is not None:
        assert verdict.remedy
        assert "{" not in verdict.remedy + verdict.explanation


# --- resolve -------------------------------------------------------------------------------------------------------


def test_nxdomain_is_a_name_not_found(ground):
    verdict = ground.verdict("missing.example.net:80")
    assert_cause(verdict, "NAME_NOT_FOUND", Path.UNKNOWN, Outcome.MISCONFIGURED)


def test_nxdomain_behind_a_privatelink_alias_is_a_missing_record(ground):
    ground.dns.set(ORDERS, alias=ORDERS_PRIVATELINK)
    verdict = ground.verdict(f"https://{ORDERS}")
    assert_cause(verdict, "PRIVATE_ZONE_RECORD_MISSING", Path.UNKNOWN, Outcome.MISCONFIGURED)
    assert "privatelink.blob.core.windows.net" in verdict.remedy


def test_an_empty_answer_is_a_name_without_address(ground):
    ground.dns.set("empty.example.net")
    assert_cause(ground.verdict("empty.example.net:80"), "NAME_HAS_NO_ADDRESS", Path.UNKNOWN, Outcome.MISCONFIGURED)


@pytest.mark.parametrize(
    ("rcode", "cause", "outcome"),
    [("SERVFAIL", "DNS_SERVER_FAILED", Outcome.UNREACHABLE), ("REFUSED", "DNS_REFUSED", Outcome.BLOCKED)],
)
def test_an_rcode_names_its_cause(ground, rcode, cause, outcome):
    ground.dns.set("rcode.example.net", rcode=rcode)
    assert_cause(ground.verdict("rcode.example.net:80"), cause, Path.UNKNOWN, outcome)


def test_a_silent_nameserver_times_out(ground):
    ground.dns.set("silent.example.net", fault=DnsFault.SILENT)
    assert_cause(ground.verdict("silent.example.net:80"), "DNS_TIMED_OUT", Path.UNKNOWN, Outcome.UNREACHABLE)


def test_a_port_without_nameserver_is_unreachable(ground):
    # A truncated answer over UDP makes the client come back over TCP, where nobody listens: the network's refusal.
    with DnsServer(tcp=False) as dns:
        dns.set("truncated.example.net", "127.0.0.1", fault=DnsFault.TRUNCATED)
        verdict = ground.verdict("truncated.example.net:80", nameserver=dns.nameserver)
    assert_cause(verdict, "DNS_UNREACHABLE", Path.UNKNOWN, Outcome.UNREACHABLE)


def test_garbage_is_a_malformed_answer(ground):
    ground.dns.set("garbage.example.net", fault=DnsFault.MALFORMED)
    verdict = ground.verdict("garbage.example.net:80")
    assert verdict.cause in ("DNS_ANSWER_MALFORMED", "DNS_TIMED_OUT"), verdict.evidence


# --- address -------------------------------------------------------------------------------------------------------


def test_private_and_public_addresses_are_mixed(ground):
    with HttpServer() as server:
        ground.dns.set("mixed.example.net", "127.0.0.1", "127.200.0.4")
        verdict = ground.verdict(f"http://mixed.example.net:{server.port}")
    assert verdict.cause == "ADDRESSES_MIXED"
    assert verdict.path is Path.MIXED
    assert verdict.headline == "MIXED"


def test_a_public_answer_behind_a_privatelink_alias_is_a_zone_not_used(ground):
    certificate = ground.authority.issue("*.blob.core.windows.net")
    with HttpServer(host="127.200.0.5", tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS, alias=ORDERS_PRIVATELINK)
        ground.dns.set(ORDERS_PRIVATELINK, "127.200.0.5")
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
    assert_cause(verdict, "PRIVATE_ZONE_NOT_USED", Path.PUBLIC, Outcome.OK)
    assert not verdict.as_expected
    assert verdict.headline == "PUBLIC"
    assert verdict.failed_stage is Stage.ADDRESS


def test_a_public_answer_of_an_azure_name_without_alias_has_no_endpoint(ground):
    with HttpServer(host="127.200.0.6") as server:
        ground.dns.set("lake.dfs.core.windows.net", "127.200.0.6")
        verdict = ground.verdict(f"http://lake.dfs.core.windows.net:{server.port}")
    assert_cause(verdict, "NO_PRIVATE_ENDPOINT", Path.PUBLIC, Outcome.OK)


def test_loopback_is_named_as_such(ground):
    with HttpServer(host="127.200.0.7") as server:
        ground.dns.set("local.example.net", "127.200.0.7")
        named = ground.verdict(f"http://local.example.net:{server.port}")
        unnamed = ground.verdict(f"http://local.example.net:{server.port}", networks=())
    assert_cause(named, "ADDRESS_LOOPBACK", Path.PUBLIC, Outcome.OK)
    assert_cause(unnamed, "ADDRESS_LOOPBACK", Path.UNKNOWN, Outcome.OK)
    assert (named.headline, unnamed.headline) == ("PUBLIC", "UNKNOWN")


@pytest.mark.parametrize(
    ("address", "cause"),
    [("10.9.0.4", "ADDRESS_OUTSIDE_EXPECTED_NETWORKS"), ("20.60.1.4", "ADDRESS_PUBLIC")],
)
def test_addresses_outside_the_expected_networks(ground, address, cause):
    ground.dns.set("outside.example.net", address)
    # Stops at the address: nothing must be sent to such an address from a test.
    verdict = ground.verdict("outside.example.net:443", last_stage=Stage.ADDRESS)
    assert_cause(verdict, cause, Path.PUBLIC, Outcome.OK)


def test_a_private_answer_where_a_public_one_is_expected(ground):
    with HttpServer() as server:
        ground.dns.set("public.example.net", "127.0.0.1")
        verdict = ground.verdict(f"http://public.example.net:{server.port}", expect=Expectation.PUBLIC)
    assert_cause(verdict, "ADDRESS_NOT_PUBLIC", Path.PRIVATE, Outcome.OK)
    assert verdict.headline == "PRIVATE"
    assert not verdict.as_expected


def test_another_private_address_than_the_exact_one(ground):
    with HttpServer() as server:
        ground.dns.set("exact.example.net", "127.0.0.1")
        target = {"url": f"http://exact.example.net:{server.port}", "expect_addresses": ["127.0.0.9"]}
        verdict = ground.verdict(target)
    assert_cause(verdict, "ADDRESS_NOT_THE_EXPECTED_ONE", Path.PRIVATE, Outcome.MISCONFIGURED)


# --- connect -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "cause"), [("127.0.0.1", "PRIVATE_PATH_DROPPED"), ("127.200.0.8", None)])
def test_a_drop_on_the_private_path(ground, host, cause):
    with DroppingPort(host=host) as port:
        ground.dns.set("dropped.example.net", host)
        verdict = ground.verdict(f"dropped.example.net:{port.port}")
        anyway = ground.verdict(f"dropped.example.net:{port.port}", expect=Expectation.ANY)
    assert verdict.outcome is Outcome.UNREACHABLE
    if cause:
        assert_cause(verdict, cause, Path.PRIVATE, Outcome.UNREACHABLE)
    else:  # where a private path is expected the address comes first; the drop decides where any path will do
        assert_cause(verdict, "ADDRESS_LOOPBACK", Path.PUBLIC, Outcome.UNREACHABLE)
        assert_cause(anyway, "PUBLIC_PATH_DROPPED", Path.PUBLIC, Outcome.UNREACHABLE)


def test_a_closed_port_refuses(ground):
    with ClosedPort() as port:
        verdict = ground.verdict(f"127.0.0.1:{port.port}")
    assert_cause(verdict, "CONNECTION_REFUSED", Path.PRIVATE, Outcome.UNREACHABLE)
    assert verdict.headline == "UNREACHABLE"


# --- tls -----------------------------------------------------------------------------------------------------------

TLS_CASES = {
    "CERTIFICATE_EXPIRED": lambda authority: authority.expired("db.example.net"),
    "CERTIFICATE_NOT_YET_VALID": lambda authority: authority.not_yet_valid("db.example.net"),
    "CERTIFICATE_WRONG_NAME": lambda authority: authority.issue("other.example.net"),
    "CERTIFICATE_SELF_SIGNED": lambda _authority: self_signed("db.example.net"),
    "CERTIFICATE_ISSUER_UNKNOWN": lambda _authority: CertificateAuthority("Stranger").issue("db.example.net"),
}


@pytest.mark.parametrize("cause", TLS_CASES)
def test_a_bad_certificate_is_named(ground, cause):
    certificate = TLS_CASES[cause](ground.authority)
    with SilentServer(tls=certificate.server_context()) as server:
        ground.dns.set("db.example.net", "127.0.0.1")
        verdict = ground.verdict(f"tls://db.example.net:{server.port}")
    assert_cause(verdict, cause, Path.PRIVATE, Outcome.MISCONFIGURED)
    assert verdict.stages[-1].detail["chain"], "the chain was read by a second look"


def test_a_foreign_issuer_for_an_azure_name_is_an_interception(ground):
    certificate = CertificateAuthority("Corporate inspection").issue("*.blob.core.windows.net")
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS, "127.0.0.1")
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
    assert_cause(verdict, "TLS_INTERCEPTED", Path.PRIVATE, Outcome.MISCONFIGURED)
    assert "Corporate inspection" in verdict.explanation


def test_the_privatelink_name_is_not_in_azures_certificate(ground):
    certificate = ground.authority.issue("*.blob.core.windows.net")
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS_PRIVATELINK, "127.0.0.1")
        verdict = ground.verdict(f"https://{ORDERS_PRIVATELINK}:{server.port}")
    assert_cause(verdict, "PRIVATELINK_NAME_NOT_IN_CERTIFICATE", Path.PRIVATE, Outcome.MISCONFIGURED)


@pytest.mark.parametrize(
    ("make", "cause", "outcome"),
    [
        (lambda: GreetingServer(b"220 ready\r\n"), "TLS_NOT_SPOKEN", Outcome.MISCONFIGURED),
        (lambda: HandshakeRefuser(Refusal.CLOSE), "TLS_CLOSED", Outcome.BLOCKED),
        (lambda: HandshakeRefuser(Refusal.RESET), "TLS_CLOSED", Outcome.BLOCKED),
        (lambda: HandshakeRefuser(Refusal.ALERT), "TLS_HANDSHAKE_FAILED", Outcome.BLOCKED),
        (SilentServer, "TLS_NO_ANSWER", Outcome.UNREACHABLE),
    ],
)
def test_a_handshake_that_fails_before_the_certificate(ground, make, cause, outcome):
    with make() as server:
        verdict = ground.verdict(f"https://127.0.0.1:{server.port}")
    assert_cause(verdict, cause, Path.PRIVATE, outcome)


# --- protocol ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "cause", "outcome"),
    [
        (lambda: HttpServer(status=503), "GATEWAY_ERROR", Outcome.UNREACHABLE),
        (lambda: GreetingServer(b"SSH-2.0-OpenSSH_9.2\r\n"), "NOT_THIS_PROTOCOL", Outcome.MISCONFIGURED),
        (ClosingServer, "CLOSED_WITHOUT_ANSWER", Outcome.BLOCKED),
        (SilentServer, "NO_ANSWER", Outcome.UNREACHABLE),
    ],
)
def test_an_http_service_that_does_not_serve(ground, make, cause, outcome):
    with make() as server:
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert_cause(verdict, cause, Path.PRIVATE, outcome)


def test_a_reset_is_never_an_unreachable_host(ground):
    """Whether the reset comes while connecting or at the first bytes is the kernel's race; both say: hung up."""
    with ClosingServer(reset=True) as server:
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert verdict.cause in ("CONNECTION_RESET", "CLOSED_WITHOUT_ANSWER")
    assert verdict.outcome is Outcome.BLOCKED


def test_a_refused_login_is_no_network_failure(ground):
    with HttpServer(status=401, headers={"www-authenticate": "Bearer"}) as server:
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert_cause(verdict, None, Path.PRIVATE, Outcome.OK)


# --- proxy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manner", "cause", "outcome"),
    [
        (ProxyManner.FORBIDS, "PROXY_REFUSED", Outcome.BLOCKED),
        (ProxyManner.DEMANDS_LOGIN, "PROXY_AUTHENTICATION_REQUIRED", Outcome.BLOCKED),
        (ProxyManner.NOT_A_PROXY, "PROXY_REFUSED", Outcome.BLOCKED),
        (ProxyManner.SPEAKS_OTHER, "NOT_A_PROXY", Outcome.MISCONFIGURED),
        (ProxyManner.WORKS, "PROXY_IN_USE", Outcome.OK),
    ],
)
def test_a_proxy_that_a_client_would_use_decides(ground, monkeypatch, manner, cause, outcome):
    certificate = ground.authority.issue("*.blob.core.windows.net")
    with HttpServer(tls=certificate.server_context()) as server, HttpProxy(manner) as proxy:
        ground.dns.set(ORDERS, "127.0.0.1")
        proxy.routes[f"{ORDERS}:{server.port}"] = server.address
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
        assert proxy.asked == ([f"{ORDERS}:{server.port}"] if manner is not ProxyManner.SPEAKS_OTHER else [])
    assert_cause(verdict, cause, Path.UNKNOWN, outcome)
    assert [result.ok for result in verdict.stages if result.stage is Stage.PROTOCOL] == [True], "the direct way works"


def test_a_proxy_that_is_away(ground, monkeypatch):
    with HttpServer() as server, ClosedPort() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port.port}")
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert_cause(verdict, "PROXY_UNREACHABLE", Path.UNKNOWN, Outcome.UNREACHABLE)


def test_a_proxy_that_intercepts_fails_in_the_tunnel(ground, monkeypatch):
    real = ground.authority.issue("*.blob.core.windows.net")
    forged = CertificateAuthority("Corporate inspection").issue("*.blob.core.windows.net")
    with (
        HttpServer(tls=real.server_context()) as server,
        HttpServer(tls=forged.server_context()) as inspector,
        HttpProxy() as proxy,
    ):
        ground.dns.set(ORDERS, "127.0.0.1")
        proxy.routes[f"{ORDERS}:{server.port}"] = inspector.address
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
    assert_cause(verdict, "FAILED_THROUGH_PROXY", Path.UNKNOWN, Outcome.MISCONFIGURED)
    assert "Corporate inspection" in verdict.explanation


def test_no_proxy_keeps_a_client_on_the_direct_way(ground, monkeypatch):
    with HttpServer() as server, ClosedPort() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        verdict = ground.verdict(f"http://127.0.0.1:{server.port}")
    assert_cause(verdict, None, Path.PRIVATE, Outcome.OK)


# --- the engine and warnings ---------------------------------------------------------------------------------------


def test_the_deadline_ends_a_probe(ground):
    with DroppingPort() as port:
        verdict = ground.verdict(f"127.0.0.1:{port.port}", timeout_s=30, deadline_s=0.4)
    assert_cause(verdict, "DEADLINE_EXCEEDED", Path.PRIVATE, Outcome.UNREACHABLE)


def test_some_addresses_that_fail_are_a_warning(ground):
    with HttpServer(host="127.0.0.2") as server:
        ground.dns.set("half.example.net", "127.0.0.2", "127.0.0.3")
        verdict = ground.verdict(f"http://half.example.net:{server.port}")
    assert_cause(verdict, "SOME_ADDRESSES_FAIL", Path.PRIVATE, Outcome.OK)
    assert verdict.as_expected


def test_a_certificate_that_expires_soon_is_a_warning(ground):
    certificate = ground.authority.expiring("soon.example.net")
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set("soon.example.net", "127.0.0.1")
        verdict = ground.verdict(f"https://soon.example.net:{server.port}")
    assert_cause(verdict, "CERTIFICATE_EXPIRES_SOON", Path.PRIVATE, Outcome.OK)
    assert verdict.as_expected


def test_all_well_has_no_cause(ground):
    certificate = ground.authority.issue("*.blob.core.windows.net", intermediate=True)
    with HttpServer(tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS, alias=ORDERS_PRIVATELINK)
        ground.dns.set(ORDERS_PRIVATELINK, "127.0.0.1", ttl=10)
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
    assert_cause(verdict, None, Path.PRIVATE, Outcome.OK)
    assert verdict.as_expected
    assert verdict.headline == "PRIVATE"
    assert [result.stage.value for result in verdict.stages] == ["resolve", "address", "connect", "tls", "protocol"]
