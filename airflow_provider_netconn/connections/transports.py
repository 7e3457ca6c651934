"""How the clients of a connection talk: in the clear or by TLS, and whether they verify the certificate.

``verify`` stands only where a client checks both the certificate's chain and its name: with ``sslmode=verify-ca`` and
its like a client takes a trusted issuer's certificate under another name, so that is ``no-verify``.
A client that takes TLS where it is offered, and goes on without it elsewhere, is None: the protocol's own default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_netconn.connections.fields import ConnectionFields, Transport
from airflow_provider_netconn.target import TlsUse

_PG_SSLMODES: Final = {
    "disable": TlsUse.OFF,
    "require": TlsUse.NO_VERIFY,
    "verify-ca": TlsUse.NO_VERIFY,
    "verify-full": TlsUse.VERIFY,
}
"""postgresql.org/docs/current/libpq-ssl.html, table "SSL Mode Descriptions"; ``prefer`` and ``allow`` say neither."""

_MYSQL_SSL_MODES: Final = {
    "DISABLED": TlsUse.OFF,
    "REQUIRED": TlsUse.NO_VERIFY,
    "VERIFY_CA": TlsUse.NO_VERIFY,
    "VERIFY_IDENTITY": TlsUse.VERIFY,
}
"""dev.mysql.com/doc/refman/8.4/en/connection-options.html, ``--ssl-mode``; ``PREFERRED`` is the default."""

_NOT_TRUSTED: Final = frozenset({"none", "optional"})


def requests_verify(fields: ConnectionFields) -> Transport:
    """``verify``, or ``verify_ssl`` where that is absent: anything that Python takes for false switches it off."""
    extra = fields.extra
    return _unless_verified(extra.get("verify", extra.get("verify_ssl", True)))


def graph_verify(fields: ConnectionFields) -> Transport:
    """``verify``, which httpx takes as it is."""
    return _unless_verified(fields.extra.get("verify", True))


def azure_core_verify(fields: ConnectionFields) -> Transport:
    """``connection_verify``, which the storage hooks hand to the SDK with all the rest of ``extra``."""
    return _unless_verified(fields.extra.get("connection_verify", True))


def _unless_verified(value: Any) -> Transport:
    return Transport() if value else Transport(tls=TlsUse.NO_VERIFY)


def postgres_sslmode(fields: ConnectionFields) -> Transport:
    """libpq's ``sslmode``."""
    return Transport(tls=_PG_SSLMODES.get(str(fields.extra.get("sslmode"))))


def mysql_ssl(fields: ConnectionFields) -> Transport:
    """``ssl_mode`` and ``ssl`` of mysqlclient; ``ssl_disabled``, ``ssl_verify_...`` of mysql-connector-python."""
    extra = fields.extra
    if extra.get("client") == "mysql-connector-python":
        if extra.get("ssl_disabled"):
            return Transport(tls=TlsUse.OFF)
        if extra.get("ssl_verify_identity"):
            return Transport(tls=TlsUse.VERIFY)
        return Transport(tls=TlsUse.NO_VERIFY if extra.get("ssl_verify_cert") else None)
    mode = _MYSQL_SSL_MODES.get(str(extra.get("ssl_mode")))
    return Transport(tls=mode or (TlsUse.NO_VERIFY if extra.get("ssl") else None))


def freetds_encryption(fields: ConnectionFields) -> Transport:
    """pymssql's ``encryption``; FreeTDS verifies no certificate unless its own configuration file names a CA."""
    modes = {"off": TlsUse.OFF, "require": TlsUse.NO_VERIFY}
    return Transport(tls=modes.get(str(fields.extra.get("encryption"))))


def redis_ssl(fields: ConnectionFields) -> Transport:
    """``ssl``, ``ssl_cert_reqs`` and ``ssl_check_hostname`` as redis-py takes them: TLS verifies unless told not to."""
    extra = fields.extra
    if not extra.get("ssl"):
        return Transport()
    required = extra.get("ssl_cert_reqs", "required")
    trusting = required is None or str(required).lower() in _NOT_TRUSTED or not extra.get("ssl_check_hostname", True)
    return Transport(protocol="rediss", tls=TlsUse.NO_VERIFY if trusting else TlsUse.VERIFY)


def smtp_modes(fields: ConnectionFields) -> Transport:
    """TLS from the start unless ``disable_ssl``; else STARTTLS, without which the hook does not go on, unless
    ``disable_tls``. Whatever Python takes for true counts, the text ``"false"`` too.
    """
    extra = fields.extra
    verified = TlsUse.NO_VERIFY if extra.get("ssl_context") == "none" else TlsUse.VERIFY
    if not extra.get("disable_ssl"):
        return Transport(protocol="smtps", port=465, tls=verified)
    return Transport(protocol="smtp", port=25, tls=TlsUse.OFF if extra.get("disable_tls") else verified)


def _is_true(extra: Mapping[str, Any], key: str) -> bool:
    return str(extra.get(key, False)).lower() == "true"


def mongo_tls(fields: ConnectionFields) -> Transport:
    """``tls`` or ``ssl``, or an option that brings TLS with it in PyMongo; and what switches verification off.

    With ``allow_insecure`` the hook drops ``ssl``, and the client then talks in the clear; ``tls`` it keeps.
    """
    extra = {key.lower(): value for key, value in fields.extra.items()}
    insecure = _is_true(extra, "allow_insecure")
    encrypted = _is_true(extra, "tls") or (_is_true(extra, "ssl") and not insecure) or bool(extra.get("tlscafile"))
    if not encrypted:
        return Transport()
    options = ("tlsallowinvalidcertificates", "tlsallowinvalidhostnames", "tlsinsecure")
    trusting = insecure or any(_is_true(extra, option) for option in options)
    return Transport(protocol="mongodb+tls", tls=TlsUse.NO_VERIFY if trusting else TlsUse.VERIFY)


def kafka_security(fields: ConnectionFields) -> Transport:
    """``security.protocol`` and librdkafka's switches of verification (its CONFIGURATION.md)."""
    extra = fields.extra
    if str(extra.get("security.protocol", "plaintext")).lower() not in {"ssl", "sasl_ssl"}:
        return Transport()
    unverified = str(extra.get("enable.ssl.certificate.verification", True)).lower() in {"false", "0", "f"}
    unnamed = str(extra.get("ssl.endpoint.identification.algorithm", "https")).lower() == "none"
    return Transport(protocol="kafka+ssl", tls=TlsUse.NO_VERIFY if unverified or unnamed else TlsUse.VERIFY)


def service_bus_tls(fields: ConnectionFields) -> Transport:
    """Always TLS, always verified, but to the emulator."""
    emulated = "usedevelopmentemulator=true" in (fields.schema or "").lower().replace(" ", "")
    return Transport(protocol="amqp10" if emulated else "amqps10", tls=None if emulated else TlsUse.VERIFY)
