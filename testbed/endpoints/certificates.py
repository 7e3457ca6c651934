"""Certificates, good and broken, made on the spot."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A server's certificate with its chain, leaf first, and its key; all PEM."""

    chain_pem: bytes
    key_pem: bytes

    def server_context(self) -> ssl.SSLContext:
        """A TLS context that serves this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The ssl module reads certificates from files only.
        with tempfile.TemporaryDirectory(prefix="testbed-") as folder:
            path = Path(folder) / "server.pem"
            path.write_bytes(self.key_pem + self.chain_pem)
            context.load_cert_chain(path)
        return context


class CertificateAuthority:
    """A root authority that issues good and broken certificates; a second one plays an intercepting proxy.

    :param organization: the name that stands in the issuer of its certificates
    """

    def __init__(self, organization: str = "Testbed") -> None:
        self._root = trustme.CA(organization_name=organization, organization_unit_name="Certificates")

    @property
    def pem(self) -> bytes:
        """The authority's own certificate."""
        return self._root.cert_pem.bytes()

    def write_pem(self, path: Path) -> Path:
        """Write the authority's own certificate to that file; gives the path back."""
        path.write_bytes(self.pem)
        return path

    def issue(
        self,
        *names: str,
        starts: datetime.timedelta = -_DAY,
        ends: datetime.timedelta = 90 * _DAY,
        intermediate: bool = False,
    ) -> Certificate:
        """A certificate for these names (host names, wildcards, addresses).

        :param starts: begin of validity, counted from now
        :param ends: end of validity, counted from now
        :param intermediate: issue through an intermediate authority, which the server then sends along
        """
        now = datetime.datetime.now(datetime.UTC)
        issuer = self._root.create_child_ca() if intermediate else self._root
        leaf = issuer.issue_cert(*names, not_before=now + starts, not_after=now + ends)
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return Certificate(chain_pem=chain, key_pem=leaf.private_key_pem.bytes())

    def expired(self, *names: str, days: int = 3) -> Certificate:
        """A certificate that ended some days ago."""
        return self.issue(*names, starts=-90 * _DAY, ends=-days * _DAY)

    def not_yet_valid(self, *names: str, days: int = 3) -> Certificate:
        """A certificate that begins in some days."""
        return self.issue(*names, starts=days * _DAY, ends=90 * _DAY)

    def expiring(self, *names: str, days: int = 5) -> Certificate:
        """A valid certificate that ends in some days."""
        return self.issue(*names, ends=days * _DAY)

    def for_clients(self, *names: str) -> Certificate:
        """A certificate that is good for clients alone, and that a server has no business to show."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A client")])
        root = x509.load_pem_x509_certificate(self.pem)
        root_key = load_pem_private_key(self._root.private_key_pem.bytes(), password=None)
        assert isinstance(root_key, ec.EllipticCurvePrivateKey)
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        unsigned = _unsigned(names, subject=subject, issuer=root.subject, key=key).add_extension(purpose, critical=True)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        return _certificate(unsigned.add_extension(authority, critical=False).sign(root_key, hashes.SHA256()), key)


def self_signed(*names: str) -> Certificate:
    """A certificate that only it itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Self-signed")])
    leaf = _unsigned(names, subject=subject, issuer=subject, key=key).sign(key, hashes.SHA256())
    return _certificate(leaf, key)


def _unsigned(
    names: tuple[str, ...], *, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
    )


def _certificate(leaf: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certificate:
    return Certificate(
        chain_pem=leaf.public_bytes(Encoding.PEM),
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
