"""What probing sees of real servers, good and broken; all of them, and every packet, on loopback."""

from __future__ import annotations

import asyncio
import base64
import datetime
import functools
import socket

import dns.asyncresolver
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from airflow_provider_netconn.diagnosis import diagnose
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Evidence, Finding, Stage, Target, TlsUse, to_json
from airflow_provider_netconn.probing.engine import Prober
from airflow_provider_netconn.probing.options import CheckOptions
from airflow_provider_netconn.probing.targets import parse_target
from testbed.endpoints import (
    Certificate,
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
    TcpServer,
    self_signed,
)

NAME = "web.example.net"
CANARY = "hunter2canary"


@pytest.fixture(autouse=True)
def system_answers(monkeypatch):
    """What this system's resolver answers, so that no question leaves the machine: by name, its addresses."""
    answers = {"localhost": ("127.0.0.1",)}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name in answers:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in answers[name]]
        flags = {**kwargs, "flags": socket.AI_NUMERICHOST}
        return real(host, port, *args[:3], **flags)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def ca_file(certificates, tmp_path):
    return str(certificates.write_pem(tmp_path / "ca.pem"))


async def probe(target, **options):
    parsed = target if isinstance(target, Target) else parse_target(target)
    async with Prober(CheckOptions(**{"timeout_s": 5, "retries": 0} | options)) as prober:
        result = await prober.probe(parsed)
    verdict = diagnose(Evidence(probe=result))
    said = [verdict.explanation, verdict.remedy or "", *verdict.evidence]
    assert not any("None" in line or "{" in line for line in said), said
    return result


async def stage_of(stage, target, **options):
    result = await probe(target, **options)
    seen = result.stage(stage)
    assert seen is not None, result.stages
    return seen


async def eventually(holds):
    """Wait until it holds; a server learns of a client's steps a moment later."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  the server lives on another thread
            await asyncio.sleep(0.01)


class Script(TcpServer):
    """Sends these bytes to whoever connects, at once or after the request, and hangs up unless told to stay."""

    def __init__(self, data, *, stay=False, drip_s=None, tls=None):
        super().__init__(tls=tls)
        self.data = data
        self.stay = stay
        self.drip_s = drip_s

    async def handle(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if self.drip_s is None:
            writer.write(self.data)
            await writer.drain()
        else:
            for byte in self.data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(self.drip_s)
        if self.stay:
            await reader.read()


# --- resolve -------------------------------------------------------------------------------------------------------


@pytest.fixture
def resolved(dns_server):
    async def resolve(name=NAME, **options):
        options = {"nameserver": dns_server.nameserver, "last_stage": Stage.RESOLVE, "timeout_s": 5} | options
        return await stage_of(Stage.RESOLVE, f"{name}:443", **options)

    return resolve


async def test_every_address_of_both_kinds_is_seen_with_its_ttl(dns_server, resolved):
    dns_server.set(NAME, "127.0.0.2", "127.0.0.3", "::1", ttl=37)
    result = await resolved()
    assert {(a["address"], a["ttl"], a["type"]) for a in result.detail["dns"]["answers"]} == {
        ("127.0.0.2", 37, "A"),
        ("127.0.0.3", 37, "A"),
        ("::1", 37, "AAAA"),
    }


async def test_the_alias_chain_is_seen_in_order(dns_server, resolved):
    dns_server.set(NAME, alias="A.example.net")
    dns_server.set("a.example.net", alias="b.privatelink.example.net")
    dns_server.set("b.privatelink.example.net", "127.0.0.2")
    result = await resolved()
    assert result.detail["dns"]["chain"] == ["a.example.net", "b.privatelink.example.net"]


async def test_the_server_that_answered_is_named(dns_server, resolved):
    dns_server.set(NAME, "127.0.0.2")
    assert (await resolved()).detail["dns"]["server"] == dns_server.nameserver


async def test_an_ipv6_nameserver_answers_and_is_named(resolved):
    with DnsServer(host="::1") as server:
        server.set(NAME, "127.0.0.2")
        result = await resolved(nameserver=server.nameserver)
    assert (result.finding, result.detail["dns"]["server"]) == (Finding.RESOLVED, server.nameserver)


async def test_a_truncated_answer_is_asked_again_over_tcp(dns_server, resolved):
    dns_server.set(NAME, "127.0.0.2", fault=DnsFault.TRUNCATED)
    assert (await resolved()).detail["addresses"] == ["127.0.0.2"]
    assert dns_server.count(NAME, "tcp") > 0


async def test_more_addresses_than_fit_a_datagram_are_all_seen(dns_server, resolved):
    addresses = [f"127.0.{i}.{j}" for i in range(2) for j in range(1, 101)]
    dns_server.set(NAME, *addresses)
    assert set((await resolved()).detail["addresses"]) == set(addresses)


@pytest.mark.parametrize(
    ("entry", "finding"),
    [
        ({"rcode": "NXDOMAIN"}, Finding.NXDOMAIN),
        ({}, Finding.NODATA),
        ({"rcode": "SERVFAIL"}, Finding.SERVFAIL),
        ({"rcode": "REFUSED"}, Finding.DNS_REFUSED),
        ({"rcode": "FORMERR"}, Finding.DNS_MALFORMED),
        ({"alias": NAME}, Finding.DNS_MALFORMED),
        ({"alias": "loop.example.net"}, Finding.DNS_MALFORMED),
        ({"fault": DnsFault.SILENT}, Finding.DNS_TIMED_OUT),
        ({"fault": DnsFault.MALFORMED}, Finding.DNS_MALFORMED),
    ],
)
async def test_what_keeps_a_name_from_resolving_is_told_apart(dns_server, resolved, entry, finding):
    dns_server.set("loop.example.net", alias=NAME)
    dns_server.set(NAME, **entry)
    limit = 1 if "fault" in entry else 5
    assert (await resolved(timeout_s=limit)).finding is finding


@pytest.mark.parametrize("entry", [{"rcode": "NXDOMAIN"}, {}, {"rcode": "SERVFAIL"}, {"fault": DnsFault.SILENT}])
async def test_the_server_that_failed_is_named(dns_server, resolved, entry):
    dns_server.set(NAME, **entry)
    result = await resolved(timeout_s=1)
    assert result.detail["dns"]["server"] == dns_server.nameserver


async def test_a_port_where_no_nameserver_listens_is_unreachable(resolved):
    with ClosedPort() as closed:
        result = await resolved(nameserver=f"127.0.0.1:{closed.port}", timeout_s=3)
    assert result.finding in (Finding.DNS_UNREACHABLE, Finding.DNS_TIMED_OUT)


async def test_a_chain_that_ends_in_nothing_is_kept(dns_server, resolved):
    dns_server.set(NAME, alias="orders.privatelink.blob.core.windows.net")
    result = await resolved()
    assert (result.finding, result.detail["dns"]["chain"]) == (
        Finding.NXDOMAIN,
        ["orders.privatelink.blob.core.windows.net"],
    )


async def test_one_kind_of_address_is_enough_where_the_other_fails(resolved):
    class NoIpv6(DnsServer):
        async def answer(self, wire, transport):
            answer = await super().answer(wire, transport)
            return None if b"\x00\x1c\x00\x01" in wire[12:] else answer

    with NoIpv6() as server:
        server.set(NAME, "127.0.0.2")
        result = await resolved(nameserver=server.nameserver, timeout_s=1)
    assert (result.finding, result.detail["addresses"]) == (Finding.RESOLVED, ["127.0.0.2"])


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Give this system search domains and ndots, as resolv.conf has them."""

    def write(ndots=1):
        configuration = tmp_path / "resolv.conf"
        configuration.write_text(f"nameserver 127.0.0.1\nsearch corp.example other.example\noptions ndots:{ndots}\n")
        own = functools.partial(dns.asyncresolver.Resolver, filename=str(configuration))
        monkeypatch.setattr(dns.asyncresolver, "Resolver", own)

    return write


@pytest.mark.parametrize(
    ("name", "ndots", "asked_first"),
    [
        ("web", 1, "web.corp.example"),
        ("web.sub", 1, "web.sub"),
        ("web.sub", 5, "web.sub.corp.example"),
        ("web.sub.", 5, "web.sub"),
    ],
)
async def test_search_domains_and_ndots_of_the_system_count(dns_server, resolved, search, name, ndots, asked_first):
    search(ndots)
    await resolved(name)
    assert dns_server.queries[0].name == asked_first


async def test_the_question_that_was_answered_is_named_with_its_search_domain(dns_server, resolved, search):
    search()
    dns_server.set("web.other.example", "127.0.0.2")
    assert (await resolved("web")).detail["dns"]["question"] == "web.other.example"


async def test_a_given_nameserver_is_dialled_and_the_hosts_file_stands_beside_it(dns_server, resolved):
    dns_server.set("localhost", "127.0.0.9")
    detail = (await resolved("localhost")).detail
    assert (detail["addresses"], detail["system"]["addresses"], detail["disagree"]) == (
        ["127.0.0.9"],
        ["127.0.0.1"],
        True,
    )


async def test_without_a_given_nameserver_the_systems_answer_is_dialled(
    dns_server, system_answers, monkeypatch, tmp_path
):
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.1\n")

    class OnOurPort(dns.asyncresolver.Resolver):
        def __init__(self):
            super().__init__(filename=str(configuration))
            self.port = dns_server.port

    monkeypatch.setattr(dns.asyncresolver, "Resolver", OnOurPort)
    dns_server.set(NAME, "127.0.0.9")
    system_answers[NAME] = ("127.0.0.1", "127.0.0.2")
    result = await stage_of(Stage.RESOLVE, f"{NAME}:443", last_stage=Stage.RESOLVE)
    assert (result.detail["addresses"], result.detail["source"]) == (["127.0.0.1", "127.0.0.2"], "system")
    del system_answers[NAME]
    result = await stage_of(Stage.RESOLVE, f"{NAME}:443", last_stage=Stage.RESOLVE)
    assert result.finding is Finding.NOT_RESOLVED


async def test_an_address_is_not_looked_up(dns_server, resolved):
    result = await resolved("127.0.0.1")
    assert (result.finding, dns_server.queries) == (Finding.LITERAL, [])


# --- connect -------------------------------------------------------------------------------------------------------


async def test_every_address_is_tried_and_the_first_that_answers_is_used(dns_server):
    with HttpServer(host="127.0.0.3") as web, ClosedPort(host="127.0.0.2", port=web.port):
        dns_server.set(NAME, "127.0.0.2", "127.0.0.3")
        result = await stage_of(Stage.CONNECT, f"{NAME}:{web.port}", nameserver=dns_server.nameserver)
    assert result.finding is Finding.PARTLY_CONNECTED
    assert result.detail["used"] == "127.0.0.3"
    assert {a["address"]: (a["finding"], a["errno"]) for a in result.detail["addresses"]} == {
        "127.0.0.2": ("refused", "ECONNREFUSED"),
        "127.0.0.3": ("connected", None),
    }


async def test_every_address_is_connected_to_once_and_left(dns_server):
    with SilentServer(host="127.0.0.2") as one, SilentServer(host="127.0.0.3", port=one.port) as other:
        dns_server.set(NAME, "127.0.0.2", "127.0.0.3")
        await probe(f"{NAME}:{one.port}", nameserver=dns_server.nameserver)
        await eventually(lambda: (one.accepted, other.accepted) == (1, 1))
        await eventually(lambda: (one.open_connections, other.open_connections) == (0, 0))


async def test_a_drop_times_out_and_ipv6_connects():
    with DroppingPort() as dropping:
        dropped = await stage_of(Stage.CONNECT, f"127.0.0.1:{dropping.port}", timeout_s=0.3)
    with SilentServer(host="::1") as server:
        connected = await stage_of(Stage.CONNECT, f"[::1]:{server.port}")
    assert (dropped.finding, connected.finding) == (Finding.TIMED_OUT, Finding.CONNECTED)


async def test_a_refused_connection_keeps_its_errno():
    with ClosedPort() as closed:
        result = await stage_of(Stage.CONNECT, f"127.0.0.1:{closed.port}")
    assert (result.finding, result.detail["addresses"][0]["errno"]) == (Finding.REFUSED, "ECONNREFUSED")


# --- tls -----------------------------------------------------------------------------------------------------------


def https(server, name=NAME, **fields):
    """A target of that name whose packets go to the server."""
    return Target(host=name, port=server.port, protocol="https", dial=server.host, **fields)


async def test_one_name_is_dialled_and_another_verified(certificates, ca_file):
    with HttpServer(tls=certificates.issue(NAME).server_context()) as web:
        result = await stage_of(Stage.TLS, https(web), ca_files=(ca_file,))
    assert (result.finding, result.detail["server_name"], result.detail["names"]) == (Finding.VERIFIED, NAME, [NAME])


async def test_a_name_with_a_final_dot_is_verified_without_it(certificates, ca_file):
    with HttpServer(tls=certificates.issue(NAME).server_context()) as web:
        result = await stage_of(Stage.TLS, https(web, f"{NAME}."), ca_files=(ca_file,))
    assert result.finding is Finding.VERIFIED


async def test_an_address_is_verified_as_one(certificates, ca_file):
    with HttpServer(host="::1", tls=certificates.issue("::1", "127.0.0.1").server_context()) as web:
        result = await stage_of(Stage.TLS, f"https://[::1]:{web.port}", ca_files=(ca_file,))
    assert (result.finding, result.detail["names"]) == (Finding.VERIFIED, ["::1", "127.0.0.1"])


async def test_protocol_chain_and_days_left_are_seen(certificates, ca_file):
    certificate = certificates.expiring(NAME, "*.example.net", days=5)
    with HttpServer(tls=certificate.server_context()) as web:
        detail = (await stage_of(Stage.TLS, https(web), ca_files=(ca_file,))).detail
    assert detail["protocol"].startswith("TLSv1.")
    assert detail["days_left"] in (4, 5)
    assert detail["names"] == [NAME, "*.example.net"]
    assert detail["name_covered"]
    assert "Testbed" in detail["issuer"]


async def test_the_whole_chain_that_the_server_sent_is_read(certificates, ca_file):
    with HttpServer(tls=certificates.issue(NAME, intermediate=True).server_context()) as web:
        detail = (await stage_of(Stage.TLS, https(web), ca_files=(ca_file,))).detail
    assert len(detail["chain"]) == 2
    assert detail["chain"][0]["issuer"] == detail["chain"][1]["subject"]


def incomplete(certificates):
    """A certificate of an intermediate authority that the server does not send along."""
    certificate = certificates.issue(NAME, intermediate=True)
    leaf = x509.load_pem_x509_certificates(certificate.chain_pem)[0]
    return Certificate(chain_pem=leaf.public_bytes(Encoding.PEM), key_pem=certificate.key_pem)


@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (lambda ca: ca.expired(NAME), Finding.EXPIRED),
        (lambda ca: ca.not_yet_valid(NAME), Finding.NOT_YET_VALID),
        (lambda ca: ca.issue("other.example.net"), Finding.WRONG_NAME),
        (lambda ca: ca.issue("*.net"), Finding.WRONG_NAME),
        (lambda _: self_signed(NAME), Finding.SELF_SIGNED),
        (lambda _: CertificateAuthority("Other").issue(NAME), Finding.UNKNOWN_ISSUER),
        (lambda _: CertificateAuthority("Other").issue(NAME, intermediate=True), Finding.UNKNOWN_ISSUER),
        (incomplete, Finding.UNKNOWN_ISSUER),
    ],
)
async def test_a_certificate_that_does_not_verify_is_told_apart_and_shown(certificates, ca_file, make, finding):
    with HttpServer(tls=make(certificates).server_context()) as web:
        result = await stage_of(Stage.TLS, https(web), ca_files=(ca_file,))
    assert (result.ok, result.finding) == (False, finding)
    assert result.detail["chain"]


async def test_a_file_of_authorities_may_hold_several_and_come_with_others(certificates, tmp_path):
    other = CertificateAuthority("Other")
    both, third = tmp_path / "both.pem", tmp_path / "third.pem"
    both.write_bytes(CertificateAuthority("Third").pem + other.pem)
    certificates.write_pem(third)
    with HttpServer(tls=other.issue(NAME).server_context()) as web:
        result = await stage_of(Stage.TLS, https(web), ca_files=(str(third), str(both)))
    assert result.finding is Finding.VERIFIED


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nx\n"])
async def test_a_file_without_authorities_is_a_bad_option(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidOptionError, match=r"^ca_files: .*ca\.pem: .*; give a PEM file of certificates$"):
        await probe("127.0.0.1:1", ca_files=(str(file),))


@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (GreetingServer, Finding.NOT_TLS),
        (functools.partial(GreetingServer, b"HTTP/1.1 400 Bad Request\r\n\r\n"), Finding.NOT_TLS),
        (HandshakeRefuser, Finding.CLOSED),
        (functools.partial(HandshakeRefuser, Refusal.RESET), Finding.RESET),
        (functools.partial(HandshakeRefuser, Refusal.ALERT), Finding.TLS_REFUSED),
        (SilentServer, Finding.NO_ANSWER),
    ],
)
async def test_a_handshake_that_comes_to_nothing_is_told_apart(make, finding):
    with make() as server:
        result = await stage_of(Stage.TLS, https(server), timeout_s=0.5 if make is SilentServer else 5)
    assert (result.ok, result.finding) == (False, finding)


class OnceOnly(TcpServer):
    """Serves TLS to the first connection; what the next ones meet is silence."""

    async def handle(self, reader, writer):
        if self.accepted == 1:
            await writer.start_tls(self.context)
        await reader.read()


async def test_a_failed_look_at_a_bad_certificate_does_not_hide_what_was_bad(certificates, ca_file):
    with OnceOnly() as server:
        server.context = certificates.expired(NAME).server_context()
        result = await stage_of(Stage.TLS, https(server), ca_files=(ca_file,), timeout_s=1)
    assert result.finding is Finding.EXPIRED
    assert "look_failed" in result.detail


def with_a_doubled_extension(name):
    """A certificate that breaks RFC 5280, 4.2: one extension twice. OpenSSL serves it; parsers differ."""
    now = datetime.datetime.now(datetime.UTC)
    key = ed25519.Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Odd")])
    oids = [x509.ObjectIdentifier(f"1.3.6.1.4.1.99999.{number}") for number in (1, 2)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    for oid in oids:
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, b"\x05\x00"), critical=False)
    good = builder.sign(key, None)
    first, second = (bytes.fromhex("2b06010401868d1f0" + str(number)) for number in (1, 2))
    signed = good.tbs_certificate_bytes.replace(second, first)
    der = good.public_bytes(Encoding.DER).replace(good.tbs_certificate_bytes, signed)[:-64] + key.sign(signed)
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    return Certificate(chain_pem=pem, key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


async def test_a_certificate_that_cannot_be_read_is_still_a_certificate_that_fails():
    with HttpServer(tls=with_a_doubled_extension(NAME).server_context()) as web:
        result = await stage_of(Stage.TLS, https(web))
    assert result.finding in (Finding.SELF_SIGNED, Finding.CERTIFICATE_INVALID)


async def test_a_client_that_does_not_verify_goes_on(certificates):
    with HttpServer(tls=certificates.expired("other.example.net").server_context()) as web:
        result = await probe(https(web, tls=TlsUse.NO_VERIFY))
    assert [(stage.stage, stage.finding) for stage in result.stages[-2:]] == [
        (Stage.TLS, Finding.UNVERIFIED),
        (Stage.PROTOCOL, Finding.GREETED),
    ]


# --- http ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 500, 501])
async def test_any_answer_of_the_service_itself_is_a_greeting(status):
    with HttpServer(status=status, body=b"") as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert (result.ok, result.finding, result.detail["status"]) == (True, Finding.GREETED, status)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateways_word_is_a_gateway_error(status):
    with HttpServer(status=status) as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert (result.ok, result.finding, result.detail["status"]) == (False, Finding.GATEWAY_ERROR, status)


async def test_the_request_names_host_and_path_as_a_client_would():
    with HttpServer(host="::1") as web:
        await probe(f"http://[::1]:{web.port}/a%20b?sig=dropped")
    (request,) = web.requests
    assert (request.method, request.target, request.headers["host"]) == ("GET", "/a%20b", f"[::1]:{web.port}")


async def test_a_redirect_is_shown_without_what_may_be_a_token():
    location = f"https://user:{CANARY}@login.example.net/authorize?state={CANARY}#{CANARY}"
    with HttpServer(status=302, headers={"Location": location, "Set-Cookie": CANARY, "Server": "Kestrel"}) as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert result.detail == {"status": 302, "server": "Kestrel", "location": "https://login.example.net/authorize"}


@pytest.mark.parametrize("location", ["https://[", "//[::1", "\xe9", "x" * 5000, "?sig=" + CANARY])
async def test_a_redirect_to_nowhere_is_no_crash(location):
    with HttpServer(status=302, headers={"Location": location}) as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert result.finding is Finding.GREETED
    assert CANARY not in str(result.detail)


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.0 200\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 404 x\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 099 Odd\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 abc\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/x 200 OK\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000, Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000, Finding.NOT_THIS_PROTOCOL),
        (b"\x00" * 1000, Finding.NOT_THIS_PROTOCOL),
        (b"\xff\xfe\x00garbage\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"220 smtp.example.net ESMTP\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"\x15\x03\x03\x00\x02\x02\x28", Finding.TLS_REQUIRED),
        (b"", Finding.CLOSED),
        (b"HTTP/1.1 20", Finding.CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Finding.CLOSED),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Finding.CLOSED),
    ],
)
async def test_whatever_comes_back_is_judged(data, finding):
    with Script(data) as server:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{server.port}")
    assert result.finding is finding
    assert len(str(to_json(result))) < 10_000


@pytest.mark.parametrize(
    "server",
    [
        SilentServer(),
        Script(b"", stay=True),
        Script(b"HTTP/1.1 200 OK\r\n", stay=True),
        Script(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 500, drip_s=0.05),
    ],
)
async def test_a_service_that_never_ends_its_answer_does_not_answer(server):
    with server:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{server.port}", timeout_s=0.5)
    assert result.finding is Finding.NO_ANSWER


async def test_an_answer_in_single_bytes_is_read():
    with Script(b"HTTP/1.1 204 No Content\r\n\r\n", drip_s=0.001) as server:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{server.port}")
    assert result.detail["status"] == 204


@pytest.mark.parametrize("reset", [False, True])
async def test_a_service_that_hangs_up_has_closed(reset):
    with ClosingServer(reset=reset) as server:
        result = (await probe(f"http://127.0.0.1:{server.port}")).stages[-1]
    # A request that meets a closed socket is answered by a reset, so which of the two comes is a race.
    assert (result.ok, result.finding in (Finding.CLOSED, Finding.RESET)) == (False, True), result


# --- proxies -------------------------------------------------------------------------------------------------------


@pytest.fixture
def through(monkeypatch, certificates, ca_file):
    """Probe a target through a proxy; gives the result of the proxy stage."""

    async def run(url, target=f"https://{NAME}", **options):
        for scheme in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(scheme, url)
        given = {"dial": "127.0.0.99"} | (target if isinstance(target, dict) else {"url": target})
        return await stage_of(Stage.PROXY, given, **{"ca_files": (ca_file,), "last_stage": Stage.PROXY} | options)

    return run


@pytest.fixture
def web(certificates):
    with HttpServer(tls=certificates.issue(NAME).server_context()) as server:
        yield server


async def test_the_way_through_the_proxy_is_checked_to_its_end(through, web):
    with HttpProxy(routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(proxy.url)
    assert (result.ok, result.finding, result.detail["stage"], result.detail["via"]["status"]) == (
        True,
        Finding.THROUGH_PROXY,
        "protocol",
        200,
    )


async def test_a_plain_request_goes_to_the_proxy_as_a_whole_url(through):
    with HttpServer() as plain, HttpProxy(routes={f"{NAME}:80": plain.address}) as proxy:
        result = await through(proxy.url, f"http://{NAME}/x")
    assert (result.finding, proxy.asked) == (Finding.THROUGH_PROXY, [f"http://{NAME}:80/x"])


@pytest.mark.parametrize(
    ("manner", "finding"),
    [
        (ProxyManner.FORBIDS, Finding.PROXY_REFUSED),
        (ProxyManner.DEMANDS_LOGIN, Finding.PROXY_AUTHENTICATION_REQUIRED),
        (ProxyManner.NOT_A_PROXY, Finding.PROXY_REFUSED),
        (ProxyManner.SPEAKS_OTHER, Finding.NOT_A_PROXY),
        (ProxyManner.SILENT, Finding.PROXY_UNREACHABLE),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_told_apart(through, manner, finding):
    with HttpProxy(manner) as proxy:
        result = await through(proxy.url, timeout_s=0.5 if manner is ProxyManner.SILENT else 5)
    assert (result.ok, result.finding) == (False, finding)


async def test_a_plain_request_meets_the_proxys_demand_for_credentials(through):
    with HttpProxy(ProxyManner.DEMANDS_LOGIN) as proxy:
        result = await through(proxy.url, f"http://{NAME}/")
    assert result.finding is Finding.PROXY_AUTHENTICATION_REQUIRED


@pytest.mark.parametrize("password", [CANARY, "p:%40/ü" + CANARY])
async def test_credentials_of_the_proxy_url_open_the_tunnel_and_are_not_shown(through, web, password):
    from urllib.parse import quote

    login = f"user:{password}"
    with HttpProxy(ProxyManner.DEMANDS_LOGIN, credentials=login, routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(f"http://user:{quote(password, safe='')}@127.0.0.1:{proxy.port}")
    assert result.finding is Finding.THROUGH_PROXY
    assert CANARY not in str(to_json(result))


async def test_a_proxy_that_is_away_is_unreachable(through):
    with ClosedPort() as closed:
        result = await through(f"http://127.0.0.1:{closed.port}")
    assert (result.finding, result.detail["problem"]) == (Finding.PROXY_UNREACHABLE, "refused")


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://127.0.0.1:port", "http://127.0.0.1:0"])
async def test_a_proxy_setting_that_is_no_url_is_unreachable(through, url):
    assert (await through(url, timeout_s=2)).finding is Finding.PROXY_UNREACHABLE


async def test_a_proxy_is_found_by_name(through, web, dns_server):
    dns_server.set("proxy.example.net", "127.0.0.1")
    with HttpProxy(routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(f"http://proxy.example.net:{proxy.port}", nameserver=dns_server.nameserver)
    assert result.finding is Finding.THROUGH_PROXY


async def test_a_proxy_whose_name_does_not_resolve_is_unreachable(through, dns_server):
    result = await through("http://proxy.example.net:3128", nameserver=dns_server.nameserver)
    assert (result.finding, "nxdomain" in result.detail["problem"]) == (Finding.PROXY_UNREACHABLE, True)


async def test_a_target_behind_the_proxy_that_is_away_is_refused_by_the_proxy(through):
    with ClosedPort() as closed, HttpProxy(routes={f"{NAME}:443": closed.address}) as proxy:
        result = await through(proxy.url)
    assert (result.finding, result.detail["via"]["status"]) == (Finding.PROXY_REFUSED, 502)


async def test_an_intercepting_proxy_is_seen_by_its_issuer(through):
    interceptor = CertificateAuthority("Corporate Inspection")
    with (
        HttpServer(tls=interceptor.issue(NAME).server_context()) as fake,
        HttpProxy(routes={f"{NAME}:443": fake.address}) as proxy,
    ):
        result = await through(proxy.url)
    assert (result.finding, result.detail["stage"]) == (Finding.UNKNOWN_ISSUER, "tls")
    assert "Corporate Inspection" in result.detail["via"]["issuer"]


async def test_a_proxy_that_opens_one_tunnel_alone_does_not_hide_a_bad_certificate(through, certificates):
    class OneTunnel(HttpProxy):
        async def handle(self, reader, writer):
            if self.accepted > 1:
                self.manner = ProxyManner.FORBIDS
            await super().handle(reader, writer)

    with (
        HttpServer(tls=certificates.expired(NAME).server_context()) as bad,
        OneTunnel(routes={f"{NAME}:443": bad.address}) as proxy,
    ):
        result = await through(proxy.url)
    assert result.finding is Finding.EXPIRED


@pytest.mark.parametrize("silent_in", ["tls", "protocol"])
async def test_a_silent_target_behind_a_working_proxy_is_not_the_proxys_silence(through, certificates, silent_in):
    context = certificates.issue(NAME).server_context() if silent_in == "protocol" else None
    with SilentServer(tls=context) as silent, HttpProxy(routes={f"{NAME}:443": silent.address}) as proxy:
        result = await through(proxy.url, timeout_s=1)
    assert (result.finding, result.detail["stage"]) == (Finding.NO_ANSWER, silent_in)


async def test_a_target_that_hangs_up_behind_a_working_proxy_is_not_the_proxys_absence(through, certificates):
    context = certificates.issue(NAME).server_context()
    with ClosingServer(tls=context, reset=True) as closing, HttpProxy(routes={f"{NAME}:443": closing.address}) as proxy:
        result = await through(proxy.url)
    assert result.finding in (Finding.CLOSED, Finding.RESET)


async def test_a_proxy_may_itself_speak_tls(through, web, certificates):
    context = certificates.issue("127.0.0.1").server_context()
    with HttpProxy(tls=context, routes={f"{NAME}:443": web.address}) as proxy:
        result = await through(proxy.url)
    assert result.finding is Finding.THROUGH_PROXY


async def test_of_a_proxy_that_is_not_http_nothing_is_claimed(through):
    result = await through("socks5://127.0.0.1:1080")
    assert (result.finding, "socks5" in result.detail["error"]) == (Finding.PROBE_ERROR, True)
