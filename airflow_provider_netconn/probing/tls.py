"""The TLS stage: shake hands as a client would, dialling one name or address and verifying another.

Where verification fails, a second handshake that verifies nothing reads the chain, so that the verdict can say whose
certificate it was.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import Finding, Stage, StageResult, is_address
from airflow_provider_netconn.probing.protocols.results import printable
from airflow_provider_netconn.probing.streams import Stream, TlsStream

if TYPE_CHECKING:
    from cryptography import x509

Dial = Callable[[], Awaitable[Stream]]
"""Gives a new connection to the same peer; raises ``OSError``."""

MAX_NAMES = 100
"""How many of a certificate's names are shown; it may have thousands."""
MAX_LINKS = 20
"""How many certificates of a chain are read; OpenSSL takes hundreds."""
_ENCODING_DER = 2  # PY_SSL_ENCODING_DER of CPython's Modules/_ssl/cert.c
# X509_V_ERR_* of <openssl/x509_vfy.h>
_VERIFY_CODES = {
    9: Finding.NOT_YET_VALID,
    10: Finding.EXPIRED,
    18: Finding.SELF_SIGNED,
    19: Finding.UNKNOWN_ISSUER,
    20: Finding.UNKNOWN_ISSUER,
    21: Finding.UNKNOWN_ISSUER,
    2: Finding.UNKNOWN_ISSUER,
    62: Finding.WRONG_NAME,
    64: Finding.WRONG_NAME,
}
# Reasons of OpenSSL for bytes that are no TLS record at all.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE",
            "PACKET_LENGTH_TOO_LONG", "BAD_RECORD_TYPE", "UNEXPECTED_MESSAGE", "INVALID_SESSION_ID")  # fmt: skip


class TlsContexts:
    """The two ways to verify: as a client does, and not at all. Loading the authorities takes some 20 ms.

    :param ca_files: PEM files of further authorities
    :raises InvalidOptionError: naming the file that is missing or holds no certificate
    """

    def __init__(self, ca_files: Sequence[str] = ()) -> None:
        self.verifying = ssl.create_default_context()
        for ca_file in ca_files:
            try:
                self.verifying.load_verify_locations(cafile=ca_file)
            except (OSError, ssl.SSLError) as error:
                raise InvalidOptionError(
                    "ca_files", f"{ca_file}: {error.strerror or error}", "give a PEM file of certificates"
                ) from None
        self.looking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the same, but for the authorities
        self.looking.check_hostname = False
        self.looking.verify_mode = ssl.CERT_NONE


async def handshake(
    stream: Stream, server_name: str, contexts: TlsContexts, dial: Dial, *, timeout_s: float, verify: bool = True
) -> tuple[StageResult, TlsStream | None]:
    """Shake hands on the stream, verifying the server's name.

    :param stream: a connected stream; closed here unless the handshake succeeds on it
    :param dial: gives another connection for the look at a certificate that failed
    :param timeout_s: limit of the handshake and the look together, in seconds
    :param verify: whether the client verifies; where it does not, the certificate is described and not judged
    :return: the result, and the stream to talk on
    """
    server_name = server_name.removesuffix(".")  # no certificate and no SNI has the final dot (RFC 6066, section 3)
    until = asyncio.get_running_loop().time() + timeout_s
    # A client that does not verify is not held to it: a second connection for a look counts as an error with MySQL.
    tls = TlsStream(stream, contexts.verifying if verify else contexts.looking, server_name)
    try:
        async with asyncio.timeout_at(until):
            await tls.handshake()
    except ssl.SSLCertVerificationError as error:
        tls.close()
        return await _look(error, server_name, contexts, dial, until), None
    except (OSError, EOFError) as error:  # ssl.SSLError is an OSError
        tls.close()
        return _failed(error, server_name, timeout_s), None
    except BaseException:
        tls.close()
        raise
    finding = Finding.VERIFIED if verify else Finding.UNVERIFIED
    return StageResult(stage=Stage.TLS, ok=True, finding=finding, detail=_describe(tls, server_name)), tls


async def _look(
    error: ssl.SSLCertVerificationError, server_name: str, contexts: TlsContexts, dial: Dial, until: float
) -> StageResult:
    """Read the chain that failed; that look itself may fail, which leaves the detail shorter and the finding as is."""
    finding = _VERIFY_CODES.get(error.verify_code, Finding.CERTIFICATE_INVALID)
    detail: dict[str, Any] = {"server_name": server_name, "problem": error.verify_message}
    try:
        async with asyncio.timeout_at(until):
            with closing(TlsStream(await dial(), contexts.looking, server_name)) as tls:
                await tls.handshake()
                detail = _describe(tls, server_name) | detail
    except (OSError, EOFError) as look_error:
        detail["look_failed"] = f"{type(look_error).__name__}: {look_error}"
    return StageResult(stage=Stage.TLS, ok=False, finding=finding, detail=detail)


def _failed(error: OSError | EOFError, server_name: str, timeout_s: float) -> StageResult:
    """A handshake that ended without a verdict on the certificate."""
    problem = f"{type(error).__name__}: {error}"
    match error:
        case EOFError() | ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            finding, problem = Finding.CLOSED, "the peer closed the connection during the handshake"
        case ssl.SSLError():
            problem = error.reason or str(error)
            finding = Finding.NOT_TLS if problem in _NOT_TLS else Finding.TLS_REFUSED
        case ConnectionResetError() | BrokenPipeError():
            finding = Finding.RESET
        case TimeoutError():
            finding, problem = Finding.NO_ANSWER, f"no answer within {timeout_s:g} s"
        case _:
            finding = Finding.CLOSED
    detail: dict[str, Any] = {"server_name": server_name, "problem": problem}
    if finding is Finding.NO_ANSWER:
        detail["timeout_s"] = timeout_s
    return StageResult(stage=Stage.TLS, ok=False, finding=finding, detail=detail)


def _describe(tls: TlsStream, server_name: str) -> dict[str, Any]:
    """Protocol and chain of a finished handshake."""
    detail: dict[str, Any] = {"server_name": server_name, "protocol": tls.tls.version()}
    try:
        chain = [_certificate(der) for der in _chain(tls)[:MAX_LINKS]]
    except ValueError as error:  # OpenSSL takes certificates that cryptography does not
        return detail | {"unreadable": printable(str(error))}
    if not chain:
        return detail
    leaf = chain[0]
    return detail | {
        "names": list(leaf.names[:MAX_NAMES]),
        "name_covered": covers(leaf.names, server_name),
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "not_before": leaf.not_before,
        "not_after": leaf.not_after,
        "days_left": (leaf.ends_at - datetime.now(UTC)).days,
        "chain": [{"subject": link.subject, "issuer": link.issuer, "not_after": link.not_after} for link in chain],
    }


def _chain(tls: TlsStream) -> list[bytes]:
    """The certificates as the peer sent them, DER."""
    # Public since Python 3.13; 3.10 to 3.12 have the same below, on the object that SSLObject wraps.
    if hasattr(tls.tls, "get_unverified_chain"):
        return list(tls.tls.get_unverified_chain())
    inner: Any = tls.tls
    return [link.public_bytes(_ENCODING_DER) for link in inner._sslobj.get_unverified_chain()]


_address = functools.lru_cache(maxsize=1024)(ipaddress.ip_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Certificate:
    """What a verdict says of one certificate: its texts are a stranger's, so they are cut and made printable."""

    names: tuple[str, ...]
    subject: str
    issuer: str
    not_before: str
    not_after: str
    ends_at: datetime


@functools.lru_cache(maxsize=256)
def _certificate(der: bytes) -> _Certificate:
    """Read a certificate. Many targets show the same one, or at least the same issuer's: each is read once.

    :raises ValueError: it is none that cryptography can read
    """
    from cryptography import x509

    try:
        return _read(x509.load_der_x509_certificate(der))
    except (x509.InvalidVersion, TypeError) as error:  # TypeError: a name of a kind that such a name cannot have
        raise ValueError(str(error)) from None


def _read(certificate: x509.Certificate) -> _Certificate:
    return _Certificate(
        names=tuple(map(printable, _subject_alternative_names(certificate))),
        subject=printable(certificate.subject.rfc4514_string()),
        issuer=printable(certificate.issuer.rfc4514_string()),
        not_before=certificate.not_valid_before_utc.isoformat(),
        not_after=certificate.not_valid_after_utc.isoformat(),
        ends_at=certificate.not_valid_after_utc,
    )


def _subject_alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return ()
    return (
        *names.get_values_for_type(x509.DNSName),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def covers(names: Sequence[str], server_name: str) -> bool:
    """Whether a certificate's names cover a server name: a wildcard stands for one leftmost label (RFC 9525, 6.3)."""
    if is_address(server_name):
        wanted = _address(server_name)
        return any(is_address(name) and _address(name) == wanted for name in names)
    wanted_name = server_name.lower().removesuffix(".")
    _, dot, parent = wanted_name.partition(".")
    covering = {wanted_name, f"*.{parent}"} if dot else {wanted_name}
    return any(name.lower() in covering for name in names)
