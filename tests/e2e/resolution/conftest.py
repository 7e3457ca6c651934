"""A server behind a private address, which only a nameserver of the private zone tells."""

from __future__ import annotations

import socket
import ssl
import sys

import pytest

from airflow_provider_netconn.resolution import private_resolution, process
from airflow_provider_netconn.resolution.libraries import LibraryChanges
from testbed.endpoints import CertificateAuthority, DnsServer, HttpServer
from tests.both_loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook

NAME = "acct.blob.core.windows.net"
ZONE_NAME = "acct.privatelink.blob.core.windows.net"
NETWORKS = ("127.0.0.0/8",)
PRIVATE = "127.0.0.1"


@pytest.fixture
def zone():
    """A nameserver that holds the private zone, and no public name."""
    with DnsServer() as server:
        server.set(ZONE_NAME, PRIVATE)
        yield server


@pytest.fixture(scope="session")
def authority():
    return CertificateAuthority()


@pytest.fixture
def server(authority):
    """HTTPS at the private address, with a certificate for the public name alone."""
    with HttpServer(body=b"private\n", tls=authority.issue(NAME).server_context()) as running:
        yield running


@pytest.fixture
def trust(authority):
    return ssl.create_default_context(cadata=authority.pem.decode())


@pytest.fixture
def resolution(zone):
    return private_resolution(NAME, nameserver=zone.nameserver, expect_networks=NETWORKS)


def resolver_now():
    """All that a resolution may replace, as it is."""
    import _socket

    places = [
        (module, name) for module in (_socket, socket) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
    ]
    seen = [vars(module)[name] for module, name in places]
    seen += [vars(socket.socket).get(name) for name in ("connect", "connect_ex")]
    for module, kind, names in (
        ("uvloop", "Loop", ("getaddrinfo", "create_connection")),
        ("aiohttp.resolver", "AsyncResolver", ("resolve", "_resolve_with_query")),
    ):
        seen += [vars(getattr(sys.modules[module], kind)).get(name) for name in names]
    return [*seen, *(finder for finder in sys.meta_path if isinstance(finder, LibraryChanges))]


@pytest.fixture(autouse=True)
def nothing_leaks():
    import aiohttp.resolver  # noqa: F401
    import uvloop  # noqa: F401

    before = resolver_now()
    yield
    assert resolver_now() == before
    assert process.private_addresses(NAME) == ()
