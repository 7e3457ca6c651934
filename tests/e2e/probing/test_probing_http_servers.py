"""What the HTTP probe makes of real answers. All of it, and every packet, on loopback."""

from __future__ import annotations

from functools import partial

import pytest

from airflow_provider_netconn.evidence import Finding, Stage, to_json
from testbed.endpoints import (
    ClosingServer,
    HttpServer,
    SilentServer,
)
from tests.e2e.probing.seen import CANARY, Script, probe, stage_of


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 500, 501])
async def test_any_answer_of_the_service_itself_is_a_greeting(status):
    with HttpServer(status=status, body=b"") as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert (result.ok, result.finding, result.detail["status"]) == (True, Finding.GREETED, status)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateways_word_is_a_gateway_error(status):
    with HttpServer(status=status) as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert (result.ok, result.finding, result.detail["status"]) == (False, Finding.GATEWAY_ERROR, status)


async def test_the_request_names_host_and_path_as_a_client_would():
    with HttpServer(host="::1") as web:
        await probe(f"http://[::1]:{web.port}/a%20b?sig=dropped")
    (request,) = web.requests
    assert (request.method, request.target, request.headers["host"]) == ("GET", "/a%20b", f"[::1]:{web.port}")


async def test_a_redirect_is_shown_without_what_may_be_a_token():
    location = f"https://user:{CANARY}@login.example.net/authorize?state={CANARY}#{CANARY}"
    with HttpServer(status=302, headers={"Location": location, "Set-Cookie": CANARY, "Server": "Kestrel"}) as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert result.detail == {"status": 302, "server": "Kestrel", "location": "https://login.example.net/authorize"}


async def test_fields_are_shown_in_few_printable_letters():
    data = b"HTTP/1.1 302 Found\r\nServer: \x1b[31m" + b"x" * 50_000 + b"\r\nLocation: http://h/\x1b[31m\r\n\r\n"
    with Script(data) as server:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{server.port}")
    assert result.finding is Finding.GREETED
    assert all(text.isprintable() and len(text) < 1000 for text in (result.detail["server"], result.detail["location"]))


@pytest.mark.parametrize("location", ["https://[", "//[::1", "\xe9", "x" * 5000, "?sig=" + CANARY])
async def test_a_redirect_to_nowhere_is_no_crash(location):
    with HttpServer(status=302, headers={"Location": location}) as web:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{web.port}")
    assert result.finding is Finding.GREETED
    assert CANARY not in str(result.detail)


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.0 200\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 404 x\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Finding.GREETED),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 099 Odd\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 abc\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/x 200 OK\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000, Finding.NOT_THIS_PROTOCOL),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000, Finding.NOT_THIS_PROTOCOL),
        (b"\x00" * 1000, Finding.NOT_THIS_PROTOCOL),
        (b"\xff\xfe\x00garbage\r\n\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"220 smtp.example.net ESMTP\r\n", Finding.NOT_THIS_PROTOCOL),
        (b"\x15\x03\x03\x00\x02\x02\x28", Finding.TLS_REQUIRED),
        (b"", Finding.CLOSED),
        (b"HTTP/1.1 20", Finding.CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Finding.CLOSED),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Finding.CLOSED),
    ],
)
async def test_whatever_comes_back_is_judged(data, finding):
    with Script(data) as server:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{server.port}")
    assert result.finding is finding
    assert len(str(to_json(result))) < 10_000


@pytest.mark.parametrize(
    "serve",
    [
        SilentServer,
        partial(Script, b"", stay=True),
        partial(Script, b"HTTP/1.1 200 OK\r\n", stay=True),
        partial(Script, b"HTTP/1.1 200 OK\r\nx: " + b"y" * 500, drip_s=0.05),
    ],
)
async def test_a_service_that_never_ends_its_answer_does_not_answer(serve):
    with serve() as server:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{server.port}", timeout_s=0.5)
    assert result.finding is Finding.NO_ANSWER


async def test_an_answer_in_single_bytes_is_read():
    with Script(b"HTTP/1.1 204 No Content\r\n\r\n", drip_s=0.001) as server:
        result = await stage_of(Stage.PROTOCOL, f"http://127.0.0.1:{server.port}")
    assert result.detail["status"] == 204


@pytest.mark.parametrize("reset", [False, True])
async def test_a_service_that_hangs_up_has_closed(reset):
    with ClosingServer(reset=reset) as server:
        result = (await probe(f"http://127.0.0.1:{server.port}")).stages[-1]
    # A request that meets a closed socket is answered by a reset, so which of the two comes is a race.
    assert (result.ok, result.finding in (Finding.CLOSED, Finding.RESET)) == (False, True), result
