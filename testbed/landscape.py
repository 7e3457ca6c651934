"""A small Azure landscape on loopback addresses: names, private zones, servers; some of it broken, each in its own way.

``127.10.0.0/16`` plays the private network, ``127.200.0.0/16`` the public internet. All names are served by a local DNS
server only, so nothing asks or reaches the real ones.
"""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from testbed.endpoints import (
    CertificateAuthority,
    ClosedPort,
    DnsFault,
    DnsServer,
    DroppingPort,
    Endpoint,
    GreetingServer,
    HttpServer,
)
from testbed.endpoints.postgres import PostgresEndpoint
from testbed.endpoints.tds import TdsServer

PRIVATE_NETWORK = "127.10.0.0/16"
_PORT_ATTEMPTS = 20
_SECRET = "canary-7f3a-never-show-this"

Serve = Callable[[CertificateAuthority, str, int], Endpoint]
"""Makes the endpoint of a site, not yet started, from the authority, an address and a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a check must say of a target of the landscape.

    :param target: how the verdict calls the target
    """

    target: str
    story: str
    path: str
    outcome: str
    headline: str
    cause: str | None


def differences(verdicts: list[dict[str, Any]], expected: tuple[Expected, ...]) -> list[str]:
    """Where the verdicts are not what the landscape says they must be, a line each."""
    found = {verdict["target"]: verdict for verdict in verdicts}
    lines = [f"{target}: not in the landscape" for target in found.keys() - {site.target for site in expected}]
    for site in expected:
        verdict = found.get(site.target)
        if verdict is None:
            lines.append(f"{site.target} ({site.story}): no verdict")
            continue
        must = {"path": site.path, "outcome": site.outcome, "headline": site.headline, "cause": site.cause}
        lines += [
            f"{site.target} ({site.story}): {name} is {verdict[name]}, must be {value}"
            for name, value in must.items()
            if verdict[name] != value
        ]
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """One name of the landscape, what answers there and what a check must make of it.

    :param story: what is up with it, for a reader of the demo
    :param host: the name that clients use
    :param port: the port it would like; another one where that is taken
    :param verdict: path, outcome, headline and cause that a check must give
    :param aliases: the names that CNAME records lead through
    :param addresses: addresses of the last name, each with an endpoint
    :param rcode: what the last name answers in place of addresses
    :param fault: what is wrong with the DNS answer
    :param serve: makes the endpoint; None where nothing is ever dialled
    :param target: how the target is written in the YAML file, ``{host}`` and ``{port}`` to be filled in
    :param further: further keys of the target, which make it a mapping
    :param conn_id: the Airflow connection that holds it, in place of a line in the YAML file
    :param connection: makes that connection, as an object of Airflow's JSON form, from host and port
    """

    story: str
    host: str
    port: int
    verdict: tuple[str, str, str, str | None]
    aliases: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    rcode: str = "NOERROR"
    fault: DnsFault | None = None
    serve: Serve | None = None
    target: str = "https://{host}:{port}"
    further: Mapping[str, Any] | None = None
    conn_id: str | None = None
    connection: Callable[[str, int], dict[str, Any]] | None = None

    @property
    def last_name(self) -> str:
        """The name at the end of the chain."""
        return self.aliases[-1] if self.aliases else self.host


def _https(
    *names: str, status: int = 200, tls: Callable[[CertificateAuthority], ssl.SSLContext] | None = None
) -> Serve:
    """An HTTPS server with a good certificate for these names, unless told otherwise."""

    def serve(authority: CertificateAuthority, address: str, port: int) -> Endpoint:
        context = tls(authority) if tls else authority.issue(*names).server_context()
        return HttpServer(status=status, host=address, port=port, tls=context)

    return serve


def _postgres(*names: str) -> Serve:
    def serve(authority: CertificateAuthority, address: str, port: int) -> Endpoint:
        return PostgresEndpoint(authority.issue(*names).server_context(), host=address, port=port)

    return serve


def _sql_server(*names: str) -> Serve:
    def serve(authority: CertificateAuthority, address: str, port: int) -> Endpoint:
        return TdsServer(certificate=authority.issue(*names).server_context(), host=address, port=port)

    return serve


def _plain(kind: Callable[..., Endpoint]) -> Serve:
    return lambda _authority, address, port: kind(host=address, port=port)


def _of_type(conn_type: str, fields: Callable[[str, int], dict[str, Any]]) -> Callable[[str, int], dict[str, Any]]:
    return lambda host, port: {"conn_type": conn_type, **fields(host, port)}


def _wasb(host: str, port: int) -> dict[str, Any]:
    extra = {"tenant_id": "11111111-2222-3333-4444-555555555555", "proxies": {}}
    login = "66666666-7777-8888-9999-000000000000"
    return {"host": f"https://{host}:{port}", "login": login, "password": _SECRET, "extra": extra}


def _wasb_connection_string(host: str, port: int) -> dict[str, Any]:
    account = host.partition(".")[0]
    parts = ("DefaultEndpointsProtocol=https", f"AccountName={account}", f"AccountKey={_SECRET}")
    return {"extra": {"connection_string": ";".join((*parts, f"BlobEndpoint=https://{host}:{port}"))}}


def _database(host: str, port: int) -> dict[str, Any]:
    return {"host": host, "port": port, "login": "airflow", "password": _SECRET, "schema": "warehouse"}


def _web(host: str, port: int) -> dict[str, Any]:
    return {"host": host, "port": port, "schema": "https", "login": "airflow", "password": _SECRET}


_GOOD = (
    _Site(
        story="a storage account by its private endpoint",
        host="orderslake.blob.core.windows.net",
        port=8443,
        verdict=("PRIVATE", "OK", "PRIVATE", None),
        aliases=("orderslake.privatelink.blob.core.windows.net",),
        addresses=("127.10.0.4",),
        serve=_https("*.blob.core.windows.net", status=403),
        conn_id="orders_lake",
        connection=_of_type("wasb", _wasb),
    ),
    _Site(
        story="a PostgreSQL server by its private endpoint",
        host="warehouse.postgres.database.azure.com",
        port=5432,
        verdict=("PRIVATE", "OK", "PRIVATE", None),
        aliases=("warehouse.privatelink.postgres.database.azure.com",),
        addresses=("127.10.0.5",),
        serve=_postgres("*.postgres.database.azure.com"),
        conn_id="warehouse",
        connection=_of_type("postgres", _database),
    ),
    _Site(
        story="a web application by its private endpoint",
        host="reports.azurewebsites.net",
        port=8443,
        verdict=("PRIVATE", "OK", "PRIVATE", None),
        aliases=("reports.privatelink.azurewebsites.net",),
        addresses=("127.10.0.6",),
        serve=_https("*.azurewebsites.net"),
        conn_id="reports_api",
        connection=_of_type("http", _web),
    ),
    _Site(
        story="a private service whose certificate ends in a few days",
        host="vault-prod.vault.azure.net",
        port=8443,
        verdict=("PRIVATE", "OK", "PRIVATE", "CERTIFICATE_EXPIRES_SOON"),
        aliases=("vault-prod.privatelink.vaultcore.azure.net",),
        addresses=("127.10.0.7",),
        serve=_https(tls=lambda authority: authority.expiring("*.vault.azure.net").server_context()),
    ),
    _Site(
        story="a partner's server on the internet, where any path will do",
        host="sftp.partner.example.com",
        port=2222,
        verdict=("PUBLIC", "OK", "OK", None),
        addresses=("127.200.0.4",),
        serve=_plain(GreetingServer),
        target="sftp.partner",
        further={"protocol": "plain", "expect": "any"},
    ),
)

_ASTRAY = (
    _Site(
        story="has a private endpoint, but its private zone is not linked here",
        host="sqlprod.database.windows.net",
        port=1433,
        verdict=("PUBLIC", "OK", "PUBLIC", "PRIVATE_ZONE_NOT_USED"),
        aliases=("sqlprod.privatelink.database.windows.net", "dataslice4.westeurope.database.windows.net"),
        addresses=("127.200.0.5",),
        serve=_sql_server("*.database.windows.net"),
        conn_id="sql_prod",
        connection=_of_type("mssql", _database),
    ),
    _Site(
        story="a storage account that nobody gave a private endpoint",
        host="archive.blob.core.windows.net",
        port=8443,
        verdict=("PUBLIC", "OK", "PUBLIC", "NO_PRIVATE_ENDPOINT"),
        aliases=("blob.ams23prdstr02a.store.core.windows.net",),
        addresses=("127.200.0.6",),
        serve=_https("*.blob.core.windows.net", status=403),
        conn_id="archive_lake",
        connection=_of_type("wasb", _wasb_connection_string),
    ),
    _Site(
        story="a stray public record beside the private one",
        host="catalog.documents.azure.com",
        port=8443,
        verdict=("MIXED", "OK", "MIXED", "ADDRESSES_MIXED"),
        aliases=("catalog.privatelink.documents.azure.com",),
        addresses=("127.10.0.8", "127.200.0.8"),
        serve=_https("*.documents.azure.com"),
    ),
)

_NAMES = (
    _Site(
        story="its private zone is linked and lacks the record",
        host="orders-kv.vault.azure.net",
        port=443,
        verdict=("UNKNOWN", "MISCONFIGURED", "MISCONFIGURED", "PRIVATE_ZONE_RECORD_MISSING"),
        aliases=("orders-kv.privatelink.vaultcore.azure.net",),
        rcode="NXDOMAIN",
    ),
    _Site(
        story="a name that does not exist",
        host="legacy-db.corp.internal",
        port=5432,
        verdict=("UNKNOWN", "MISCONFIGURED", "MISCONFIGURED", "NAME_NOT_FOUND"),
        rcode="NXDOMAIN",
        target="{host}:{port}",
    ),
    _Site(
        story="the forwarder behind the nameserver is away",
        host="mainframe.corp.internal",
        port=3270,
        verdict=("UNKNOWN", "UNREACHABLE", "UNREACHABLE", "DNS_SERVER_FAILED"),
        rcode="SERVFAIL",
        conn_id="mainframe",
        connection=_of_type("generic", _database),
    ),
    _Site(
        story="the nameserver never answers for it",
        host="ledger.corp.internal",
        port=1521,
        verdict=("UNKNOWN", "UNREACHABLE", "UNREACHABLE", "DNS_TIMED_OUT"),
        fault=DnsFault.SILENT,
        target="{host}:{port}",
    ),
)

_CONNECTS = (
    _Site(
        story="nothing listens on that port",
        host="kafka.corp.internal",
        port=9092,
        verdict=("PRIVATE", "UNREACHABLE", "UNREACHABLE", "CONNECTION_REFUSED"),
        addresses=("127.10.0.10",),
        serve=_plain(ClosedPort),
        conn_id="kafka",
        connection=_of_type("generic", _database),
    ),
    _Site(
        story="a firewall on the way drops the packets",
        host="cache.redis.cache.windows.net",
        port=6380,
        verdict=("PRIVATE", "UNREACHABLE", "UNREACHABLE", "PRIVATE_PATH_DROPPED"),
        aliases=("cache.privatelink.redis.cache.windows.net",),
        addresses=("127.10.0.11",),
        serve=_plain(DroppingPort),
        target="tls://{host}:{port}",
    ),
    _Site(
        story="a gateway whose backend is away",
        host="gateway.azure-api.net",
        port=8443,
        verdict=("PRIVATE", "UNREACHABLE", "UNREACHABLE", "GATEWAY_ERROR"),
        aliases=("gateway.privatelink.azure-api.net",),
        addresses=("127.10.0.12",),
        serve=_https("*.azure-api.net", status=503),
    ),
)

_CERTIFICATES = (
    _Site(
        story="an expired certificate",
        host="search.corp.internal",
        port=8443,
        verdict=("PRIVATE", "MISCONFIGURED", "MISCONFIGURED", "CERTIFICATE_EXPIRED"),
        addresses=("127.10.0.13",),
        serve=_https(tls=lambda authority: authority.expired("search.corp.internal").server_context()),
    ),
    _Site(
        story="the privatelink name is used, which the certificate does not carry",
        host="orderslake.privatelink.dfs.core.windows.net",
        port=8443,
        verdict=("PRIVATE", "MISCONFIGURED", "MISCONFIGURED", "PRIVATELINK_NAME_NOT_IN_CERTIFICATE"),
        addresses=("127.10.0.14",),
        serve=_https("*.dfs.core.windows.net"),
    ),
    _Site(
        story="another service answers under this name",
        host="jobs.corp.internal",
        port=8443,
        verdict=("PRIVATE", "MISCONFIGURED", "MISCONFIGURED", "CERTIFICATE_WRONG_NAME"),
        addresses=("127.10.0.15",),
        serve=_https("intranet.corp.internal"),
    ),
    _Site(
        story="a proxy intercepts TLS on the way to Azure",
        host="images.azurecr.io",
        port=8443,
        verdict=("PRIVATE", "MISCONFIGURED", "MISCONFIGURED", "TLS_INTERCEPTED"),
        aliases=("images.privatelink.azurecr.io",),
        addresses=("127.10.0.16",),
        serve=_https(tls=lambda _: CertificateAuthority("Corporate Proxy").issue("images.azurecr.io").server_context()),
    ),
    _Site(
        story="the port does not speak TLS",
        host="metrics.corp.internal",
        port=9443,
        verdict=("PRIVATE", "MISCONFIGURED", "MISCONFIGURED", "TLS_NOT_SPOKEN"),
        addresses=("127.10.0.17",),
        serve=_plain(GreetingServer),
    ),
)

_SITES = (*_GOOD, *_ASTRAY, *_NAMES, *_CONNECTS, *_CERTIFICATES)


class Landscape:
    """The landscape, up while the context lasts.

    :param folder: where the CA certificate and the configuration of the check are written; made if need be

    Once started: ``dns`` is the DNS server, ``expected`` what a check must say of each target in the order of the
    report, ``config_file`` the YAML file for the check, ``ca_file`` the authority to trust, ``connections`` the Airflow
    connections by id, as objects of Airflow's JSON form, and ``secrets`` what must appear nowhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dns = DnsServer()
        self.ca_file = folder / "ca.pem"
        self.config_file = folder / "netconn.yaml"
        self.connections: dict[str, dict[str, Any]] = {}
        self.expected: tuple[Expected, ...] = ()
        self.secrets = (_SECRET,)
        self._running = contextlib.ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """The Airflow connections as environment variables."""
        return {f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(fields) for conn_id, fields in self.connections.items()}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as running:
            authority = CertificateAuthority("Landscape")
            running.enter_context(self.dns)
            ports = [self._open(site, authority, running) for site in _SITES]
            self._write(authority, ports)
            self._running = running.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.close()

    def _open(self, site: _Site, authority: CertificateAuthority, running: contextlib.ExitStack) -> int:
        """Open the site's endpoints and publish its name; gives the port."""
        port = self._serve(site, authority, running)
        for name, alias in zip((site.host, *site.aliases), site.aliases, strict=False):
            self.dns.set(name, alias=alias)
        self.dns.set(site.last_name, *site.addresses, rcode=site.rcode, fault=site.fault)
        return port

    def _serve(self, site: _Site, authority: CertificateAuthority, running: contextlib.ExitStack) -> int:
        if site.serve is None:
            return site.port
        # The usual port where it is free, else any that is free at all addresses of the site.
        for attempt in range(_PORT_ATTEMPTS):
            with contextlib.ExitStack() as opened:
                port = 0 if attempt else site.port
                try:
                    for address in site.addresses:
                        port = opened.enter_context(site.serve(authority, address, port)).port
                except OSError:
                    if attempt == _PORT_ATTEMPTS - 1:
                        raise
                    continue
                running.push(opened.pop_all())
                return port
        raise AssertionError("unreachable")

    def _write(self, authority: CertificateAuthority, ports: list[int]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        authority.write_pem(self.ca_file)
        targets: list[str | dict[str, Any]] = []
        named: list[Expected] = []
        self.connections = {}
        for site, port in zip(_SITES, ports, strict=True):
            if site.conn_id and site.connection:
                self.connections[site.conn_id] = site.connection(site.host, port)
                continue
            name = site.target.format(host=site.host, port=port)
            targets.append({"name": name, "host": site.host, "port": port, **site.further} if site.further else name)
            named.append(_expected(site, name))
        # A report lists the targets of the file first, then the connections.
        self.expected = (*named, *(_expected(site, site.conn_id) for site in _SITES if site.conn_id))
        config = {
            "defaults": {"expect": "private", "expect_networks": [PRIVATE_NETWORK]},
            "options": {
                "nameserver": self.dns.nameserver,
                "ca_files": [str(self.ca_file)],
                "timeout_s": 2,
                "deadline_s": 10,
                "retries": 1,
                "concurrency": 100,
                "use_proxy": False,
            },
            "connections": list(self.connections),
            "targets": targets,
        }
        self.config_file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def _expected(site: _Site, target: str) -> Expected:
    path, outcome, headline, cause = site.verdict
    return Expected(target=target, story=site.story, path=path, outcome=outcome, headline=headline, cause=cause)
