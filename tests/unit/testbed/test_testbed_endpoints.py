"""The testbed's TCP, TLS and HTTP endpoints are good or broken as they claim."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time

import pytest

from testbed.endpoints import (
    CertificateAuthority,
    ClosedPort,
    ClosingServer,
    DroppingPort,
    Endpoint,
    EntraServer,
    GreetingServer,
    HandshakeRefuser,
    HttpServer,
    Refusal,
    SilentServer,
    self_signed,
)


@pytest.fixture(scope="module")
def authority():
    return CertificateAuthority()


def connect(endpoint, timeout=2.0):
    return socket.create_connection(endpoint.address, timeout=timeout)


def handshake(endpoint, name, authority=None):
    context = ssl.create_default_context(cadata=authority.pem.decode() if authority else None)
    with connect(endpoint) as raw, context.wrap_socket(raw, server_hostname=name) as stream:
        return stream.getpeercert()


def verify_code(endpoint, name, authority=None):
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        handshake(endpoint, name, authority)
    return caught.value.verify_code


# X509_V_ERR_* of OpenSSL
NOT_YET_VALID, EXPIRED, SELF_SIGNED, UNKNOWN_ISSUER, INVALID_PURPOSE, WRONG_NAME = 9, 10, 18, 20, 26, 62


def test_a_good_chain_is_verified_by_its_authority(authority):
    certificate = authority.issue("db.example.net", "*.apps.example.net", "127.0.0.1", intermediate=True)
    with SilentServer(tls=certificate.server_context()) as server:
        names = handshake(server, "x.apps.example.net", authority)["subjectAltName"]
    assert ("DNS", "db.example.net") in names


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda authority: authority.expired("db.example.net"), EXPIRED),
        (lambda authority: authority.not_yet_valid("db.example.net"), NOT_YET_VALID),
        (lambda authority: authority.issue("other.example.net"), WRONG_NAME),
        (lambda authority: self_signed("db.example.net"), SELF_SIGNED),
        (lambda authority: CertificateAuthority("Interceptor").issue("db.example.net"), UNKNOWN_ISSUER),
        (lambda authority: authority.for_clients("db.example.net"), INVALID_PURPOSE),
    ],
)
def test_each_broken_certificate_fails_for_its_own_reason(authority, make, code):
    with SilentServer(tls=make(authority).server_context()) as server:
        assert verify_code(server, "db.example.net", authority) == code


def test_an_expiring_certificate_is_still_valid(authority):
    with SilentServer(tls=authority.expiring("db.example.net", days=5).server_context()) as server:
        ends = ssl.cert_time_to_seconds(handshake(server, "db.example.net", authority)["notAfter"])
    assert 4 < (ends - time.time()) / 86400 <= 5


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal.CLOSE, (ssl.SSLEOFError, ssl.SSLZeroReturnError)),
        (Refusal.RESET, ConnectionResetError),
        (Refusal.ALERT, ssl.SSLError),
    ],
)
def test_a_handshake_is_refused_in_that_manner(refusal, error):
    with HandshakeRefuser(refusal) as server, pytest.raises(error) as caught:
        handshake(server, "db.example.net")
    assert ("ALERT" in str(caught.value)) == (refusal is Refusal.ALERT)


def test_a_hanging_handshake_times_out():
    with SilentServer() as server, connect(server, timeout=0.3) as raw, pytest.raises(TimeoutError):
        ssl.create_default_context().wrap_socket(raw, server_hostname="db.example.net")


def test_plain_text_is_not_tls():
    with GreetingServer() as server, pytest.raises(ssl.SSLError, match=r"WRONG_VERSION_NUMBER|RECORD_LAYER"):
        handshake(server, "db.example.net")


def test_greets_and_counts_connections():
    with GreetingServer(b"SSH-2.0-testbed\r\n") as server:
        with connect(server) as stream:
            assert stream.recv(100) == b"SSH-2.0-testbed\r\n"
            assert (server.accepted, server.open_connections) == (1, 1)
        wait_until(lambda: server.open_connections == 0)


def test_closes_at_once_in_order_or_with_a_reset():
    with ClosingServer() as server, connect(server) as stream:
        assert stream.recv(1) == b""
    # The reset may overtake the end of connect().
    with ClosingServer(reset=True) as server, pytest.raises(ConnectionResetError), connect(server) as stream:
        stream.recv(1)


def test_a_closed_port_refuses_and_may_open_later():
    with ClosedPort() as closed, pytest.raises(ConnectionRefusedError):
        connect(closed)
    with GreetingServer(port=closed.port) as server, connect(server) as stream:
        assert stream.recv(3) == b"220"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.10.0.7"])
def test_a_dropping_port_times_out_for_everyone(host):
    with DroppingPort(host=host) as port:
        attempts = [threading.Thread(target=expect_timeout, args=(port, outcomes := [])) for _ in range(20)]
        for attempt in attempts:
            attempt.start()
        for attempt in attempts:
            attempt.join()
    assert outcomes == []


def expect_timeout(port, outcomes):
    try:
        connect(port, timeout=1.5).close()  # beyond the first retransmission of a SYN, at 1 s
        outcomes.append("connected")
    except TimeoutError:
        pass
    except OSError as error:
        outcomes.append(error)


def test_a_dropping_port_stays_full_after_many_attempts_and_opens_again_when_stopped():
    with DroppingPort() as port:
        for _ in range(10):
            with pytest.raises(TimeoutError):
                connect(port, timeout=0.1)
    with pytest.raises(ConnectionRefusedError):
        connect(port)
    with GreetingServer(port=port.port) as server:
        connect(server).close()


def test_http_answers_as_told_even_when_told_anew(authority):
    tls = authority.issue("web.example.net", "127.0.0.1").server_context()
    with HttpServer(status=403, headers={"X-Ms-Error-Code": "AuthorizationFailure"}, body=b"no", tls=tls) as server:
        client = http.client.HTTPSConnection(
            *server.address, timeout=2, context=ssl.create_default_context(cadata=authority.pem.decode())
        )
        client.request("GET", "/path?x=1", headers={"Host": "web.example.net"})
        answer = client.getresponse()
        assert (answer.status, answer.headers["x-ms-error-code"], answer.read()) == (403, "AuthorizationFailure", b"no")
        server.status = 503
        client.request("HEAD", "/")
        assert client.getresponse().status == 503
        client.close()
    assert [(r.method, r.target) for r in server.requests] == [("GET", "/path?x=1"), ("HEAD", "/")]
    assert server.requests[0].headers["host"] == "web.example.net"


def test_stop_closes_open_connections_and_frees_the_port():
    threads = {thread.name for thread in threading.enumerate()}
    server = SilentServer().start()
    with connect(server) as stream:
        server.stop()
        server.stop()
        with contextlib.suppress(ConnectionResetError):  # an orderly end is as good
            assert stream.recv(1) == b""
    SilentServer(port=server.port).start().stop()
    assert {thread.name for thread in threading.enumerate()} <= threads


def test_stop_ends_a_handshake_that_hangs(authority):
    with SilentServer(tls=authority.issue("db.example.net").server_context()) as server:
        stream = connect(server)
        wait_until(lambda: server.open_connections == 1)
    with stream, contextlib.suppress(ConnectionResetError):
        assert stream.recv(1) == b""


def test_an_address_off_this_machine_is_refused():
    with pytest.raises(ValueError, match="loopback"):
        Endpoint(host="192.0.2.1")


def wait_until(condition, limit_s=3.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("refuses", "status", "word"), [(None, 200, "access_token"), ("AADSTS7000215", 401, "error")])
def test_entra_says_where_tokens_are_given_and_gives_one_or_refuses(authority, refuses, status, word):
    context = ssl.create_default_context(cadata=authority.pem.decode())
    with EntraServer(authority.issue("127.0.0.1").server_context(), refuses=refuses) as server:
        client = http.client.HTTPSConnection(*server.address, timeout=5, context=context)
        client.request("GET", "/tenant/v2.0/.well-known/openid-configuration")
        place = json.loads(client.getresponse().read())["token_endpoint"]
        client.request("POST", place.removeprefix(server.url), body="grant_type=client_credentials")
        answer = client.getresponse()
        said = json.loads(answer.read())
        client.close()
    assert place == f"{server.url}/tenant/oauth2/v2.0/token"
    assert (answer.status, word in said) == (status, True)
    assert refuses is None or refuses in said["error_description"]
