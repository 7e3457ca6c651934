"""Programs dial the private address by the public name, verify that name, and nothing else changes."""

from __future__ import annotations

import asyncio
import http.client
import socket
import subprocess
import sys
import threading
from socket import getaddrinfo as imported_before

import aiohttp
import httpx
import pytest

from airflow_provider_netconn.errors import InvalidOptionError, PrivateResolutionError
from airflow_provider_netconn.resolution import private_resolution
from testbed.endpoints import DnsFault
from tests.e2e.resolution.conftest import NAME, NETWORKS, PRIVATE, ZONE_NAME


def get(port, trust):
    connection = http.client.HTTPSConnection(NAME, port, context=trust, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


def test_the_private_address_is_dialled_and_the_public_name_verified(resolution, server, trust):
    with resolution:
        assert get(server.port, trust) == b"private\n"
        assert httpx.get(f"https://{NAME}:{server.port}", verify=trust, trust_env=False).text == "private\n"
    with pytest.raises(OSError, match=r"Name or service|Temporary failure|No address"):
        get(server.port, trust)


def test_every_call_of_the_socket_module_gives_the_private_address(resolution, server):
    with resolution:
        for host in (NAME, NAME.upper(), f"{NAME}.", NAME.encode()):
            ((family, kind, _, canonical, address),) = socket.getaddrinfo(
                host, 443, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME
            )
            assert (family, kind, canonical, address) == (socket.AF_INET, socket.SOCK_STREAM, NAME, (PRIVATE, 443))
        assert imported_before(NAME, "https", type=socket.SOCK_STREAM)[0][4] == (PRIVATE, 443)
        assert socket.gethostbyname(NAME) == PRIVATE
        assert socket.gethostbyname_ex(NAME) == (NAME, [], [PRIVATE])
        with socket.create_connection((NAME, server.port), timeout=5) as stream:
            assert stream.getpeername() == (PRIVATE, server.port)
        with socket.socket() as stream:
            stream.connect((NAME, server.port))
            assert stream.getpeername() == (PRIVATE, server.port)
        with socket.socket() as stream:
            assert stream.connect_ex((NAME, server.port)) == 0
        with pytest.raises(socket.gaierror, match="only 127"):
            socket.getaddrinfo(NAME, 443, socket.AF_INET6)
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(NAME, 443, flags=socket.AI_NUMERICHOST)
        for dial in (socket.socket.connect, socket.socket.connect_ex):
            with socket.socket(socket.AF_INET6) as stream, pytest.raises(PrivateResolutionError, match="only 127"):
                dial(stream, (NAME, 443))


async def test_loops_and_aiohttp_dial_the_private_address(resolution, server, trust):
    async with resolution:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(NAME, 443, type=socket.SOCK_STREAM)
        assert [address for *_, address in found] == [(PRIVATE, 443)]
        _, writer = await asyncio.open_connection(NAME, server.port, ssl=trust)
        assert writer.get_extra_info("peername")[:2] == (PRIVATE, server.port)
        writer.close()
        await writer.wait_closed()
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver(), ssl=trust)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"https://{NAME}:{server.port}") as answer,
        ):
            assert await answer.text() == "private\n"
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            assert (await client.get(f"https://{NAME}:{server.port}")).text == "private\n"


async def test_a_loop_that_cannot_connect_says_why(resolution, server):
    port = server.port
    server.stop()
    with resolution, pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(NAME, port)


async def test_many_coroutines_at_once_ask_once(resolution, zone):
    loop = asyncio.get_running_loop()
    with resolution:
        await loop.getaddrinfo(NAME, 443)
        await asyncio.gather(*(loop.getaddrinfo(NAME, 443) for _ in range(20)))
    assert zone.count(ZONE_NAME) == 1


def test_other_names_and_addresses_resolve_as_ever(resolution, server):
    hosts = ("localhost", "127.0.0.1", b"localhost", None, "::1")
    before = [socket.getaddrinfo(host, 80) for host in hosts]
    with resolution:
        assert [socket.getaddrinfo(host, 80) for host in hosts] == before
        assert socket.gethostbyname("localhost") == "127.0.0.1"
        with socket.create_connection(("127.0.0.1", server.port), timeout=5):
            pass
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("other.blob.core.windows.net.invalid", 80)
        with pytest.raises(TypeError):
            socket.getaddrinfo(object(), 80)


def test_a_public_address_is_refused(zone):
    zone.set(ZONE_NAME, "127.0.0.1", "20.60.1.1")
    with private_resolution(NAME, nameserver=zone.nameserver, expect_networks=NETWORKS):
        with pytest.raises(PrivateResolutionError, match=r"20\.60\.1\.1 \(public\)") as refused:
            socket.getaddrinfo(NAME, 443)
        assert isinstance(refused.value, socket.gaierror)
        assert refused.value.errno == socket.EAI_FAIL
        with socket.socket() as stream, pytest.raises(PrivateResolutionError):
            stream.connect((NAME, 443))


@pytest.mark.parametrize(
    ("said", "code", "seen"),
    [
        ({"rcode": "NXDOMAIN"}, socket.EAI_FAIL, "no private address"),
        ({}, socket.EAI_FAIL, "no private address"),
        ({"rcode": "SERVFAIL"}, socket.EAI_AGAIN, "failed"),
        ({"fault": DnsFault.SILENT}, socket.EAI_AGAIN, "did not answer"),
    ],
)
def test_what_cannot_be_known_is_refused(zone, said, code, seen):
    zone.set(ZONE_NAME, **said)
    with (
        private_resolution(NAME, nameserver=zone.nameserver, expect_networks=NETWORKS, timeout_s=0.5),
        pytest.raises(PrivateResolutionError, match=seen) as refused,
    ):
        socket.getaddrinfo(NAME, 443)
    assert refused.value.errno == code


def test_without_the_requirement_it_resolves_as_elsewhere_and_says_so_once(zone, caplog):
    zone.set(ZONE_NAME, rcode="NXDOMAIN")
    with private_resolution("localhost", nameserver=zone.nameserver, require_private=False):
        assert socket.gethostbyname("localhost") == "127.0.0.1"
        assert socket.gethostbyname("localhost") == "127.0.0.1"
    (line,) = [record.getMessage() for record in caplog.records]
    assert "localhost resolves as elsewhere" in line


def test_the_newest_of_nested_ones_counts_and_the_order_of_their_ends_does_not():
    outer, inner = (
        private_resolution(addresses={NAME: address}, expect_networks=NETWORKS)
        for address in ("127.0.0.2", "127.0.0.3")
    )
    outer.install()
    inner.install()
    assert socket.gethostbyname(NAME) == "127.0.0.3"
    outer.uninstall()
    assert socket.gethostbyname(NAME) == "127.0.0.3"
    inner.uninstall()


def test_it_holds_in_threads_and_one_may_be_entered_many_times(resolution):
    seen, gate = [], threading.Barrier(8)

    @resolution
    def look():
        gate.wait(5)
        seen.append(socket.gethostbyname(NAME))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [PRIVATE] * 8


def test_an_exception_ends_it(resolution):
    @resolution
    def fail():
        assert socket.gethostbyname(NAME) == PRIVATE
        raise LookupError

    with pytest.raises(LookupError):
        fail()


async def test_it_decorates_coroutine_functions(resolution):
    @resolution
    async def look():
        await asyncio.sleep(0)
        return await asyncio.get_running_loop().getaddrinfo(NAME, 443, type=socket.SOCK_STREAM)

    assert (await look())[0][4] == (PRIVATE, 443)


def test_it_decorates_operator_classes(resolution):
    from airflow.providers.common.compat.sdk import BaseOperator

    class LookOperator(BaseOperator):
        def execute(self, context):
            return socket.gethostbyname(NAME)

        def back(self, context, event=None):
            return socket.gethostbyname(NAME)

    decorated = resolution(LookOperator)
    operator = decorated(task_id="look")
    assert operator.execute({}) == PRIVATE
    assert operator.resume_execution("back", None, {}) == PRIVATE
    assert (operator.task_type, decorated.__module__) == ("LookOperator", LookOperator.__module__)
    assert issubclass(decorated, LookOperator)


class AsyncCallable:
    async def __call__(self):
        return socket.gethostbyname(NAME)


@pytest.mark.parametrize(
    "later",
    [AsyncCallable(), lambda: (socket.gethostbyname(name) for name in [NAME])],
    ids=["coroutine", "generator"],
)
def test_a_function_whose_work_would_run_outside_is_refused(resolution, later):
    with pytest.raises(InvalidOptionError, match="runs later"):
        resolution(later)()


def test_it_ends_though_somebody_put_a_list_of_finders_of_their_own_in_its_place(resolution, monkeypatch):
    finders = list(sys.meta_path)
    with resolution:
        monkeypatch.setattr(sys, "meta_path", finders)
    assert socket.getaddrinfo.__module__ == "socket"


def test_threads_that_choose_names_at_the_same_time_lose_none():
    names = [f"a{number}.blob.core.windows.net" for number in range(400)]
    chosen = private_resolution("first.blob.core.windows.net", nameserver="127.0.0.1:1")
    gate = threading.Barrier(8)

    def choose(part):
        gate.wait(5)
        for name in part:
            chosen.choose(name)

    threads = [threading.Thread(target=choose, args=(names[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(chosen.chooses(name) for name in names)


@pytest.mark.parametrize("unfit", [lambda: (yield), 5, object], ids=["generator", "no-function", "no-operator"])
def test_what_cannot_be_decorated_is_refused(resolution, unfit):
    with pytest.raises(InvalidOptionError, match="private_resolution"):
        resolution(unfit)


@pytest.mark.parametrize(
    ("names", "options", "field"),
    [
        (("a b",), {"nameserver": "10.0.0.4"}, "names[0]"),
        (("10.0.0.1",), {"nameserver": "10.0.0.4"}, "names[0]"),
        ((NAME,), {}, "nameserver"),
        ((NAME,), {"nameserver": "dns.example.net"}, "nameserver"),
        ((NAME,), {"nameserver": "10.0.0.4", "timeout_s": 0}, "timeout_s"),
        ((NAME,), {"nameserver": "10.0.0.4", "expect_networks": ["10.0.0.300/8"]}, "expect_networks[0]"),
        ((NAME,), {"addresses": {NAME: "10.0.0.4"}}, "addresses"),
        ((), {"addresses": {NAME: "20.60.1.1"}}, "addresses"),
        ((), {"addresses": {NAME: "no"}}, f"addresses[{NAME}]"),
        ((), {"addresses": {NAME: []}}, f"addresses[{NAME}]"),
    ],
)
def test_bad_input_is_refused_before_anything_is_done(names, options, field):
    with pytest.raises(InvalidOptionError) as refused:
        private_resolution(*names, **options)
    assert refused.value.field == field


def test_a_suffix_chooses_the_names_beneath_it(zone):
    zone.set("two.privatelink.blob.core.windows.net", "127.0.0.2")
    with private_resolution("*.blob.core.windows.net", nameserver=zone.nameserver, expect_networks=NETWORKS):
        assert socket.gethostbyname(NAME) == PRIVATE
        assert socket.gethostbyname("two.blob.core.windows.net") == "127.0.0.2"


LATER = f"""
import asyncio, socket, sys
from airflow_provider_netconn.resolution import private_resolution
resolution = private_resolution(addresses={{{NAME!r}: {PRIVATE!r}}}, expect_networks=["127.0.0.0/8"]).install()
assert not {{"uvloop", "aiohttp", "dns"}} & set(sys.modules), sorted(sys.modules)
import uvloop, aiohttp.resolver
own = uvloop.Loop.__mro__[1].getaddrinfo
async def look():
    return await asyncio.get_running_loop().getaddrinfo({NAME!r}, 443, type=socket.SOCK_STREAM)
print(uvloop.run(look())[0][4][0])
assert uvloop.Loop.getaddrinfo is not own and hasattr(aiohttp.resolver.AsyncResolver.resolve, "__wrapped__")
resolution.uninstall()
assert uvloop.Loop.getaddrinfo is own and not hasattr(aiohttp.resolver.AsyncResolver.resolve, "__wrapped__")
"""


def test_libraries_that_are_imported_later_are_changed_then():
    ran = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.returncode) == (f"{PRIVATE}\n", 0), ran.stderr
