"""What the TLS stage sees of real handshakes, good and broken. All of it, and every packet, on loopback."""

from __future__ import annotations

import base64
import datetime
import functools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Finding, Stage, Target, TlsUse
from testbed.endpoints import (
    Certificate,
    CertificateAuthority,
    GreetingServer,
    HandshakeRefuser,
    HttpServer,
    Refusal,
    SilentServer,
    TcpServer,
    self_signed,
)
from tests.e2e.probing.seen import NAME, probe, stage_of


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


def altered(before, after):
    """A certificate with some of its bytes replaced by as many others, signed anew. OpenSSL serves it."""
    now = datetime.datetime.now(datetime.UTC)
    key = ed25519.Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Odd")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
    )
    for number in (1, 2):
        oid = x509.ObjectIdentifier(f"1.3.6.1.4.1.99999.{number}")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, b"\x05\x00"), critical=False)
    good = builder.sign(key, None)
    signed = good.tbs_certificate_bytes.replace(before, after)
    der = good.public_bytes(Encoding.DER).replace(good.tbs_certificate_bytes, signed)[:-64] + key.sign(signed)
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    return Certificate(chain_pem=pem, key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # RFC 5280, 4.2: no extension twice.
        (bytes.fromhex("2b06010401868d1f02"), bytes.fromhex("2b06010401868d1f01")),
        # A name is text; this one is a string of bits.
        (b"\x0c\x03Odd", b"\x03\x03\x00dd"),
    ],
    ids=["a doubled extension", "a name of bits"],
)
async def test_a_certificate_that_cannot_be_read_is_still_a_certificate_that_fails(before, after):
    with HttpServer(tls=altered(before, after).server_context()) as web:
        result = await stage_of(Stage.TLS, https(web))
    assert result.finding in (Finding.SELF_SIGNED, Finding.CERTIFICATE_INVALID)


def wordy():
    """A certificate with as many names as OpenSSL will take, and what a terminal obeys in its texts."""
    now = datetime.datetime.now(datetime.UTC)
    key = ed25519.Ed25519PrivateKey.generate()
    escape = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "\x1b[31mred\n", _validate=False)
    subject = x509.Name([escape, *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "u" * 60) for _ in range(50))])
    names = ["\x1b[31mred.example.net", *(f"n{number}.example.net" for number in range(3000)), NAME]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, None)
    )
    return Certificate(
        chain_pem=certificate.public_bytes(Encoding.PEM),
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


async def test_a_certificate_is_shown_in_few_printable_letters():
    with HttpServer(tls=wordy().server_context()) as web:
        detail = (await stage_of(Stage.TLS, https(web))).detail
    assert detail["name_covered"]
    assert detail["names"][:2] == [" [31mred.example.net", "n0.example.net"]
    assert all(text.isprintable() for text in (*detail["names"], detail["subject"], detail["issuer"]))
    assert len(str(detail)) < 6000


async def test_a_chain_without_end_is_shown_by_its_beginning(certificates):
    certificate = certificates.issue(NAME)
    long = Certificate(chain_pem=certificate.chain_pem + certificates.pem * 150, key_pem=certificate.key_pem)
    with HttpServer(tls=long.server_context()) as web:
        detail = (await stage_of(Stage.TLS, https(web))).detail
    assert len(detail["chain"]) == 20


async def test_a_client_that_does_not_verify_goes_on(certificates):
    with HttpServer(tls=certificates.expired("other.example.net").server_context()) as web:
        result = await probe(https(web, tls=TlsUse.NO_VERIFY))
    assert [(stage.stage, stage.finding) for stage in result.stages[-2:]] == [
        (Stage.TLS, Finding.UNVERIFIED),
        (Stage.PROTOCOL, Finding.GREETED),
    ]
