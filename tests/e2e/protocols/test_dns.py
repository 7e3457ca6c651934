"""The resolve stage against Unbound."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.evidence import Outcome, Path, Stage
from testbed.servers.unbound import UnboundServer
from tests.e2e.protocols.peers import detail, running

MANY = [f'local-data: "many.example.net. 30 IN A 127.0.{number // 200}.{number % 200 + 1}"' for number in range(300)]
ZONES = (
    "local-zone: example.net. static",
    'local-data: "orders.example.net. 30 IN A 127.0.0.1"',
    'local-data: "orders.example.net. 30 IN AAAA ::1"',
    'local-data: "empty.example.net. 30 IN TXT nothing"',
    "local-zone: refused.example.org. refuse",
    "local-zone: privatelink.blob.core.windows.net. static",
    *MANY,
)


@pytest.fixture(scope="module")
def server():
    with running(UnboundServer(*ZONES)) as running_server:
        yield running_server


def resolved(ground, server, name):
    verdict = ground.verdict(f"{name}:443", nameserver=server.nameserver, last_stage=Stage.ADDRESS)
    return verdict, detail(verdict, Stage.RESOLVE)


def test_addresses_of_both_kinds_come_with_their_ttl(ground, server):
    verdict, seen = resolved(ground, server, "orders.example.net")
    assert (verdict.outcome, verdict.path) == (Outcome.OK, Path.MIXED), verdict.evidence
    assert {(answer["address"], answer["type"], answer["ttl"]) for answer in seen["dns"]["answers"]} == {
        ("127.0.0.1", "A", 30),
        ("::1", "AAAA", 30),
    }


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("missing.example.net", "NAME_NOT_FOUND"),
        ("empty.example.net", "NAME_HAS_NO_ADDRESS"),
        ("x.refused.example.org", "DNS_REFUSED"),
        ("orders.privatelink.blob.core.windows.net", "PRIVATE_ZONE_RECORD_MISSING"),
    ],
)
def test_what_keeps_a_name_from_resolving_is_told_apart(ground, server, name, cause):
    verdict, _ = resolved(ground, server, name)
    assert verdict.cause == cause, verdict.evidence


def test_an_answer_too_long_for_a_datagram_comes_whole_over_tcp(ground, server):
    _, seen = resolved(ground, server, "many.example.net")
    assert len(seen["addresses"]) == len(MANY)
