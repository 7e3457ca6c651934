"""What the table says of TLS is what the real hook does: in the clear, by TLS whoever answers, or verified.

The servers have certificates of an authority that nobody trusts: a client that verifies ends the handshake.
"""

import contextlib
import json
import socket
import ssl
import threading
import time

import pytest

from airflow_provider_netconn.connections import ConnectionFields, read_targets
from airflow_provider_netconn.evidence import TlsUse
from airflow_provider_netconn.hooks.sign_in import CONN_ID, NotCheckedError, sign_in_of
from testbed.endpoints.postgres import PostgresEndpoint
from testbed.endpoints.tds import TdsEncryption, TdsServer

KEY = "a2V5"
TLS_RECORD = 0x16
PATIENCE_S = 20.0
CLEAR, TRUSTING, VERIFYING = "in the clear", "took the certificate", "refused the certificate"


class Observer:
    """Sees how each client begins, and whether it takes an untrusted certificate; then hangs up."""

    def __init__(self, context: ssl.SSLContext, greeting: bytes = b"") -> None:
        self.context, self.greeting = context, greeting
        self.seen: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> "Observer":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, contextlib.suppress(OSError):
                    client.settimeout(5)
                    self._observe(client)

    def _observe(self, client: socket.socket) -> None:
        first = client.recv(1, socket.MSG_PEEK)
        if not first:
            return
        if first[0] != TLS_RECORD:
            self.seen.append(CLEAR)
            return
        try:
            with self.context.wrap_socket(client, server_side=True) as secured:
                # A client of TLS 1.3 may refuse after its own end of the handshake.
                secured.settimeout(0.5)
                with contextlib.suppress(TimeoutError):
                    secured.recv(1)
                self.seen.append(TRUSTING)
        except ssl.SSLError:
            self.seen.append(VERIFYING)

    def first(self) -> str:
        until = time.monotonic() + PATIENCE_S
        while not self.seen and time.monotonic() < until:
            time.sleep(0.05)
        return self.seen[0]

    def __exit__(self, *_: object) -> None:
        self._listener.close()


def sign_in(monkeypatch, conn_type, fields):
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps({"conn_type": conn_type} | fields))
    monkeypatch.setenv("AIRFLOW__PROVIDERS_ODBC__ALLOW_DRIVER_IN_EXTRA", "True")
    try:
        sign_in_of(conn_type).run()
    except NotCheckedError as error:
        pytest.skip(error.why)
    except Exception:  # noqa: BLE001 - nobody here lets a client in
        pass


def target_of(conn_type, fields):
    fields = {key: value for key, value in fields.items() if key != "password"}
    return read_targets(ConnectionFields(conn_id="orders", conn_type=conn_type, **fields))[0]


URL = "https://localhost:{port}"
CASES = [
    ("http", {"host": URL}),
    ("http", {"host": URL, "extra": {"verify": False}}),
    ("http", {"host": URL, "extra": {"verify_ssl": False}}),
    ("http", {"host": URL, "extra": {"verify": True, "verify_ssl": False}}),
    ("http", {"host": URL, "extra": {"verify": ""}}),
    ("wasb", {"host": "https://127.0.0.1:{port}/x", "login": "x", "password": KEY}),
    (
        "wasb",
        {"host": "https://127.0.0.1:{port}/x", "login": "x", "password": KEY, "extra": {"connection_verify": False}},
    ),
    ("redis", {"host": "localhost", "port": "{port}", "extra": {}}),
    ("redis", {"host": "localhost", "port": "{port}", "extra": {"ssl": True}}),
    ("redis", {"host": "localhost", "port": "{port}", "extra": {"ssl": "false"}}),
    ("redis", {"host": "localhost", "port": "{port}", "extra": {"ssl": True, "ssl_cert_reqs": "none"}}),
    ("redis", {"host": "localhost", "port": "{port}", "extra": {"ssl": True, "ssl_cert_reqs": None}}),
    ("redis", {"host": "localhost", "port": "{port}", "extra": {"ssl": False, "ssl_cert_reqs": "none"}}),
    ("smtp", {"host": "localhost", "port": "{port}"}),
    ("smtp", {"host": "localhost", "port": "{port}", "extra": {"ssl_context": "none", "retry_limit": 0}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"ssl": "false"}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"tls": True}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"ssl": True}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"ssl": "true", "allow_insecure": "true"}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"tls": "true", "allow_insecure": True}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"allow_insecure": "true"}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"tls": True, "tlsAllowInvalidCertificates": True}}),
    ("mongo", {"host": "localhost", "port": "{port}", "extra": {"tls": True, "tlsInsecure": True}}),
    ("kafka", {"extra": {"bootstrap.servers": "127.0.0.1:{port}"}}),
    ("kafka", {"extra": {"bootstrap.servers": "127.0.0.1:{port}", "security.protocol": "ssl"}}),
    (
        "kafka",
        {
            "extra": {
                "bootstrap.servers": "127.0.0.1:{port}",
                "security.protocol": "SSL",
                "enable.ssl.certificate.verification": False,
            }
        },
    ),
    (
        "kafka",
        {
            "extra": {
                "bootstrap.servers": "127.0.0.1:{port}",
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "PLAIN",
                "sasl.username": "u",
                "sasl.password": "p",
            }
        },
    ),
]


@pytest.mark.parametrize(("conn_type", "fields"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)])
def test_client_talks_as_the_table_says(conn_type, fields, certificates, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with Observer(certificates.issue("localhost", "127.0.0.1").server_context()) as server:
        filled = json.loads(
            json.dumps(fields).replace('"{port}"', str(server.port)).replace("{port}", str(server.port))
        )
        if conn_type == "mongo":
            filled["extra"]["serverSelectionTimeoutMS"] = 1500
        target = target_of(conn_type, filled)
        sign_in(monkeypatch, conn_type, filled)
        seen = server.first()
    from airflow_provider_netconn.probing import protocols  # noqa: F401 - registers them
    from airflow_provider_netconn.probing.registry import protocol_named

    if not protocol_named(target.protocol).tls:
        assert seen == CLEAR
    else:
        assert seen == (TRUSTING if target.tls is TlsUse.NO_VERIFY else VERIFYING)


@pytest.mark.parametrize("mode", [None, "disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
def test_postgres_sslmode(mode, certificates, monkeypatch):
    with PostgresEndpoint(certificates.issue("localhost").server_context()) as server:
        extra = {"sslmode": mode, "connect_timeout": 3} if mode else {"connect_timeout": 3}
        if mode in {"verify-ca", "verify-full"}:
            extra["sslrootcert"] = "system" if mode == "verify-full" else "/etc/ssl/certs/ca-certificates.crt"
        fields = {"host": "localhost", "port": server.port, "login": "u", "password": "p", "extra": extra}
        target = target_of("postgres", fields)
        sign_in(monkeypatch, "postgres", fields)
        dialled = server.accepted
    expected = {
        "disable": TlsUse.OFF,
        "require": TlsUse.NO_VERIFY,
        "verify-ca": TlsUse.NO_VERIFY,
        "verify-full": TlsUse.VERIFY,
    }
    assert target.tls is expected.get(mode)
    assert dialled


@pytest.mark.parametrize(
    ("conn_type", "extra", "asks"),
    [
        ("mssql", {"encryption": "off"}, {2}),
        ("mssql", {"encryption": "require"}, {1}),
        ("mssql", {}, {0}),
    ],
)
def test_tds_encryption(conn_type, extra, asks, certificates, monkeypatch):
    context = certificates.issue("localhost").server_context()
    with TdsServer(TdsEncryption.OFF, certificate=context) as server:
        fields = {"host": "127.0.0.1", "port": server.port, "login": "u", "password": "p", "extra": extra}
        sign_in(monkeypatch, conn_type, fields)
        assert set(server.asked) == asks
        expected = {"off": TlsUse.OFF, "require": TlsUse.NO_VERIFY}.get(extra.get("encryption"))
        assert target_of(conn_type, fields).tls is expected
        # Taken without being verified, wherever there was one; the client may be done with it before the server is.
        deadline = time.monotonic() + PATIENCE_S
        while extra.get("encryption") != "off" and not server.handshakes and time.monotonic() < deadline:
            time.sleep(0.01)
        assert bool(server.handshakes) == (extra.get("encryption") != "off")
