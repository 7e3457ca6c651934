"""What the connect stage sees of real ports. All of it, and every packet, on loopback."""

from __future__ import annotations

from airflow_provider_netconn.evidence import Finding, Stage
from testbed.endpoints import (
    ClosedPort,
    DroppingPort,
    HttpServer,
    SilentServer,
)
from tests.e2e.probing.seen import NAME, eventually, probe, stage_of


async def test_every_address_is_tried_and_the_first_that_answers_is_used(dns_server):
    with HttpServer(host="127.0.0.3") as web, ClosedPort(host="127.0.0.2", port=web.port):
        dns_server.set(NAME, "127.0.0.2", "127.0.0.3")
        result = await stage_of(Stage.CONNECT, f"{NAME}:{web.port}", nameserver=dns_server.nameserver)
    assert result.finding is Finding.PARTLY_CONNECTED
    assert result.detail["used"] == "127.0.0.3"
    assert {a["address"]: (a["finding"], a["errno"]) for a in result.detail["addresses"]} == {
        "127.0.0.2": ("refused", "ECONNREFUSED"),
        "127.0.0.3": ("connected", None),
    }


async def test_every_address_is_connected_to_once_and_left(dns_server):
    with SilentServer(host="127.0.0.2") as one, SilentServer(host="127.0.0.3", port=one.port) as other:
        dns_server.set(NAME, "127.0.0.2", "127.0.0.3")
        await probe(f"{NAME}:{one.port}", nameserver=dns_server.nameserver)
        await eventually(lambda: (one.accepted, other.accepted) == (1, 1))
        await eventually(lambda: (one.open_connections, other.open_connections) == (0, 0))


async def test_a_drop_times_out_and_ipv6_connects():
    with DroppingPort() as dropping:
        dropped = await stage_of(Stage.CONNECT, f"127.0.0.1:{dropping.port}", timeout_s=0.3)
    with SilentServer(host="::1") as server:
        connected = await stage_of(Stage.CONNECT, f"[::1]:{server.port}")
    assert (dropped.finding, connected.finding) == (Finding.TIMED_OUT, Finding.CONNECTED)


async def test_a_refused_connection_keeps_its_errno():
    with ClosedPort() as closed:
        result = await stage_of(Stage.CONNECT, f"127.0.0.1:{closed.port}")
    assert (result.finding, result.detail["addresses"][0]["errno"]) == (Finding.REFUSED, "ECONNREFUSED")


async def test_of_thousands_of_addresses_the_first_few_are_dialled(dns_server):
    dns_server.set(NAME, *(f"127.{a}.{b}.1" for a in range(10) for b in range(1, 201)))
    with SilentServer(host="127.0.1.1") as server:
        result = await probe(f"{NAME}:{server.port}", nameserver=dns_server.nameserver)
    resolved, connected = result.stage(Stage.RESOLVE), result.stage(Stage.CONNECT)
    assert len(resolved.detail["addresses"]) == 2000
    assert [attempt["address"] for attempt in connected.detail["addresses"]] == resolved.detail["addresses"][:16]
    assert connected.detail["not_dialled"] == 1984
