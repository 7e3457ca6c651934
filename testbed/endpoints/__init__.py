"""Real servers on loopback addresses, good ones and broken ones.

Each is a context manager that serves from a background thread, so sync and async tests use it alike::

    with DnsServer() as dns, HttpServer() as web:
        dns.set("web.example.net", web.host)

Attributes such as ``HttpServer.status`` may be changed while the server runs.
"""

from testbed.endpoints.base import Endpoint, TcpServer
from testbed.endpoints.certificates import Certificate, CertificateAuthority, self_signed
from testbed.endpoints.dns import DnsFault, DnsQuery, DnsServer
from testbed.endpoints.entra import EntraServer
from testbed.endpoints.http import HttpRequest, HttpServer
from testbed.endpoints.proxy import HttpProxy, ProxyManner
from testbed.endpoints.tcp import (
    ClosedPort,
    ClosingServer,
    DroppingPort,
    GreetingServer,
    HandshakeRefuser,
    Refusal,
    SilentServer,
)

__all__ = [
    "Certificate",
    "CertificateAuthority",
    "ClosedPort",
    "ClosingServer",
    "DnsFault",
    "DnsQuery",
    "DnsServer",
    "DroppingPort",
    "Endpoint",
    "EntraServer",
    "GreetingServer",
    "HandshakeRefuser",
    "HttpProxy",
    "HttpRequest",
    "HttpServer",
    "ProxyManner",
    "Refusal",
    "SilentServer",
    "TcpServer",
    "self_signed",
]
