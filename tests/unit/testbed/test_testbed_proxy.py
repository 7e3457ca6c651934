"""The testbed's proxy tunnels, forwards, refuses, and remembers what it was asked."""

from __future__ import annotations

import http.client
import socket
import ssl

import httpx
import pytest

from testbed.endpoints import CertificateAuthority, GreetingServer, HttpProxy, HttpServer, ProxyManner


def test_a_tunnel_leads_to_the_route_of_the_name():
    authority = CertificateAuthority()
    context = ssl.create_default_context(cadata=authority.pem.decode())
    tls = authority.issue("web.example.net").server_context()
    with HttpServer(tls=tls) as web, HttpProxy(routes={"web.example.net:443": web.address}) as proxy:
        with httpx.Client(proxy=proxy.url, verify=context, trust_env=False) as client:
            assert client.get("https://web.example.net/").text == "ok\n"
        assert proxy.asked == ["web.example.net:443"]


def test_a_plain_request_is_forwarded_without_the_proxy_credentials():
    with HttpServer() as web, HttpProxy(routes={"web.example.net:80": web.address}) as proxy:
        url = proxy.url.replace("//", "//user:password@")
        with httpx.Client(proxy=url, trust_env=False) as client:
            assert client.get("http://web.example.net/x").status_code == 200
        assert proxy.asked == ["http://web.example.net/x"]
        assert "proxy-authorization" not in web.requests[0].headers


@pytest.mark.parametrize(
    ("manner", "status"),
    [(ProxyManner.FORBIDS, 403), (ProxyManner.DEMANDS_LOGIN, 407), (ProxyManner.NOT_A_PROXY, 405)],
)
def test_a_tunnel_is_refused_in_that_manner(manner, status):
    with HttpProxy(manner) as proxy:
        client = http.client.HTTPConnection(*proxy.address, timeout=2)
        client.set_tunnel("web.example.net", 443)
        with pytest.raises(OSError, match=f"Tunnel connection failed: {status}"):
            client.connect()
        client.close()


def test_the_right_login_is_let_through():
    with GreetingServer(b"hello") as server, HttpProxy(ProxyManner.DEMANDS_LOGIN, credentials="u:p") as proxy:
        with socket.create_connection(proxy.address, timeout=2) as stream:
            stream.sendall(
                f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\n\r\n".encode()
            )
            received = b""
            while not received.endswith(b"hello"):
                received += stream.recv(100)
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_name_without_a_route_is_not_looked_up():
    with HttpProxy() as proxy:
        client = http.client.HTTPConnection(*proxy.address, timeout=2)
        client.set_tunnel("example.net", 443)
        with pytest.raises(OSError, match="Tunnel connection failed: 502"):
            client.connect()
        client.close()
