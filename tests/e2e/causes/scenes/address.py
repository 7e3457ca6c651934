"""Scenes of the stage ``address``."""

from __future__ import annotations

from airflow_provider_netconn.evidence import Expectation, Outcome, Path, Stage
from testbed.endpoints import HttpServer
from tests.e2e.causes.ground import ORDERS, ORDERS_PRIVATELINK
from tests.e2e.causes.scenes.scene import induces


@induces("ADDRESSES_MIXED", Path.MIXED, Outcome.OK)
def a_stray_public_record_beside_the_private_one(ground):
    with HttpServer() as private, HttpServer(host="127.200.0.4", port=private.port):
        ground.dns.set("orders.example.net", "127.0.0.1", "127.200.0.4")
        verdict = ground.verdict(f"http://orders.example.net:{private.port}")
    assert verdict.headline == "MIXED"
    return verdict


@induces("PRIVATE_ZONE_NOT_USED", Path.PUBLIC, Outcome.OK)
def a_public_answer_behind_a_privatelink_alias(ground):
    certificate = ground.authority.issue("*.blob.core.windows.net")
    with HttpServer(host="127.200.0.5", tls=certificate.server_context()) as server:
        ground.dns.set(ORDERS, alias=ORDERS_PRIVATELINK)
        ground.dns.set(ORDERS_PRIVATELINK, "127.200.0.5")
        verdict = ground.verdict(f"https://{ORDERS}:{server.port}")
    assert (verdict.headline, verdict.failed_stage) == ("PUBLIC", Stage.ADDRESS)
    return verdict


@induces("NO_PRIVATE_ENDPOINT", Path.PUBLIC, Outcome.OK)
def a_public_answer_without_a_privatelink_alias(ground):
    with HttpServer(host="127.200.0.6") as server:
        ground.dns.set("lake.dfs.core.windows.net", "127.200.0.6")
        return ground.verdict(f"http://lake.dfs.core.windows.net:{server.port}")


def _of_loopback(ground, networks, headline):
    with HttpServer(host="127.200.0.7") as server:
        ground.dns.set("local.example.net", "127.200.0.7")
        verdict = ground.verdict(f"http://local.example.net:{server.port}", networks=networks)
    assert verdict.headline == headline
    return verdict


@induces("ADDRESS_LOOPBACK", Path.PUBLIC, Outcome.OK)
def loopback_outside_the_expected_networks(ground):
    return _of_loopback(ground, ("10.0.0.0/8",), "PUBLIC")


@induces("ADDRESS_LOOPBACK", Path.UNKNOWN, Outcome.OK)
def loopback_where_no_networks_are_named(ground):
    """A forwarder on this host may take it anywhere."""
    return _of_loopback(ground, (), "UNKNOWN")


def _of_address(ground, address):
    ground.dns.set("outside.example.net", address)
    # Stops at the address: nothing must be sent to such an address from a test.
    return ground.verdict("outside.example.net:443", last_stage=Stage.ADDRESS)


@induces("ADDRESS_OUTSIDE_EXPECTED_NETWORKS", Path.PUBLIC, Outcome.OK)
def an_address_of_another_private_network(ground):
    return _of_address(ground, "10.9.0.4")


@induces("ADDRESS_PUBLIC", Path.PUBLIC, Outcome.OK)
def an_address_of_the_internet(ground):
    return _of_address(ground, "20.60.1.4")


@induces("ADDRESS_NOT_PUBLIC", Path.PRIVATE, Outcome.OK)
def a_private_answer_where_a_public_one_is_expected(ground):
    with HttpServer() as server:
        ground.dns.set("public.example.net", "127.0.0.1")
        verdict = ground.verdict(f"http://public.example.net:{server.port}", expect=Expectation.PUBLIC)
    assert verdict.headline == "PRIVATE"
    return verdict


@induces("ADDRESS_NOT_THE_EXPECTED_ONE", Path.PRIVATE, Outcome.MISCONFIGURED)
def another_private_address_than_the_exact_one(ground):
    with HttpServer() as server:
        ground.dns.set("exact.example.net", "127.0.0.1")
        return ground.verdict(
            {"url": f"http://exact.example.net:{server.port}", "expect_addresses": ["127.0.0.9"]},
        )
