"""Several applications in one process: where they listen, what they serve, how they end."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import httpx
import pytest

from airflow_provider_netconn.lab.asgi import answer_json
from airflow_provider_netconn.lab.background import Background
from airflow_provider_netconn.lab.certificates import Authority
from airflow_provider_netconn.lab.serving import ListenError, Servers, Service, listening_socket


async def tell_path(scope, receive, send):
    await answer_json(send, 200, {"path": scope["path"], "scheme": scope["scheme"]})


def test_each_service_has_its_own_socket_and_its_own_tls(lab_authority):
    servers = Servers(
        [
            Service(name="safe", application=tell_path, tls=lab_authority.server_context("127.0.0.1", "localhost")),
            Service(name="plain", application=tell_path),
            Service(name="six", application=tell_path, host="::1"),
        ]
    )
    background = Background(servers)
    trust = ssl.create_default_context(cadata=lab_authority.certificate_pem.decode())
    try:
        _, safe = servers.addresses["safe"]
        assert httpx.get(f"https://localhost:{safe}/a", verify=trust).json() == {"path": "/a", "scheme": "https"}
        assert httpx.get(f"http://127.0.0.1:{servers.addresses['plain'][1]}/b").json()["scheme"] == "http"
        assert httpx.get(f"http://[::1]:{servers.addresses['six'][1]}/c").json()["path"] == "/c"
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(f"https://127.0.0.1:{safe}/")
    finally:
        background.stop()


def test_port_that_is_taken_is_told_with_its_number():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1 port {port}: Address already in use; give another port"):
            Servers([Service(name="a", application=tell_path, port=port)])


def test_nothing_listens_after_one_service_could_not():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = socket.create_server(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        services = [
            Service(name="first", application=tell_path, port=port),
            Service(name="second", application=tell_path, port=taken.getsockname()[1]),
        ]
        with pytest.raises(ListenError):
            Servers(services)
        socket.create_server(("127.0.0.1", port)).close()


def test_stopping_finishes_what_is_being_answered_and_waits_for_no_idle_client(lab_authority):
    begun = threading.Event()

    async def slow(scope, receive, send):
        import asyncio

        begun.set()
        await asyncio.sleep(0.5)
        await answer_json(send, 200, "finished")

    service = Service(name="slow", application=slow, tls=lab_authority.server_context("127.0.0.1"))
    servers = Servers([service])
    background = Background(servers)
    url = f"https://127.0.0.1:{servers.addresses['slow'][1]}/"
    trust = ssl.create_default_context(cadata=lab_authority.certificate_pem.decode())
    answers = []
    with httpx.Client(verify=trust) as client:
        client.get(url)  # keeps its connection
        begun.clear()
        thread = threading.Thread(target=lambda: answers.append(httpx.get(url, verify=trust).json()))
        thread.start()
        assert begun.wait(5)
        started = time.monotonic()
        background.stop()
        thread.join()
        assert time.monotonic() - started < 1.5
    assert answers == ["finished"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, verify=trust)


def test_who_trusts_one_lab_trusts_no_other(lab_authority):
    servers = Servers([Service(name="a", application=tell_path, tls=lab_authority.server_context("127.0.0.1"))])
    background = Background(servers)
    other = ssl.create_default_context(cadata=Authority().certificate_pem.decode())
    try:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(f"https://127.0.0.1:{servers.addresses['a'][1]}/", verify=other)
    finally:
        background.stop()


def test_ca_file_is_written_for_its_owner_alone_to_change(lab_authority, tmp_path):
    path = tmp_path / "ca.pem"
    path.symlink_to(tmp_path / "elsewhere")
    lab_authority.write_ca_file(path)
    assert path.read_bytes() == lab_authority.certificate_pem
    assert path.stat().st_mode & 0o777 == 0o644
    assert not (tmp_path / "elsewhere").exists()
    assert b"PRIVATE" not in path.read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["ca.pem"]


def test_answers_are_sent_at_once():
    with listening_socket("127.0.0.1") as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP  # by which asyncio knows to turn Nagle's algorithm off
