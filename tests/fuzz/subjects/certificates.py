"""Certificates of a stranger: what is kept of one is short and printable, or it is one that cannot be read."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

# What reads one is private: by way of a handshake it would take a server that signs whatever it shows.
from airflow_provider_netconn.probing.tls import _certificate, covers
from testbed.endpoints import CertificateAuthority, self_signed


def _der(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.split(b"-----END")[0].splitlines()[1:]))


SEEDS = (
    _der(CertificateAuthority().issue("web.example.net", "*.example.net", "10.0.0.4", "fd00::4").chain_pem),
    _der(self_signed("web.example.net").chain_pem),
    _der(CertificateAuthority().pem),
)


def holds(data: bytes) -> None:
    """Read a certificate in DER."""
    try:
        seen = _certificate(data)
    except ValueError:
        return
    covers(seen.names, "web.example.net")
    covers(seen.names, "10.0.0.4")
    for written in (seen.not_before, seen.not_after):
        assert datetime.fromisoformat(written).tzinfo is UTC
    for text in (*seen.names, seen.subject, seen.issuer):
        assert text.isprintable(), repr(text)
        assert len(text) < 2000, text
