"""Kafka against the brokers that librdkafka brings for its own tests, and against peers that are none.

No package brings Apache Kafka. librdkafka's mock brokers speak its protocol on real sockets, and are not of our making.
"""

from __future__ import annotations

import struct

import pytest

from airflow_provider_netconn.evidence import Outcome, Stage
from testbed.endpoints.relay import Relay
from tests.e2e.protocols.hostile import FOREIGN, WORDLESS, assert_drips, assert_is_foreign, assert_is_wordless
from tests.e2e.protocols.peers import Peer, detail

CORRELATION_ID = 0x6E657463


@pytest.fixture(scope="module")
def broker():
    """Host and port of a broker."""
    confluent_kafka = pytest.importorskip("confluent_kafka")
    cluster = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (member,) = cluster.list_topics(timeout=10).brokers.values()
    yield member.host, member.port
    cluster.flush(1)


def kafka(port, **fields):
    return {"host": "127.0.0.1", "port": port, "protocol": "kafka", **fields}


def response(*, correlation_id=CORRELATION_ID, error=0, keys=((18, 0, 3), (3, 0, 12)), count=None):
    body = struct.pack(">ihi", correlation_id, error, len(keys) if count is None else count)
    body += b"".join(struct.pack(">hhh", *key) for key in keys)
    return len(body).to_bytes(4) + body


def test_a_broker_says_which_apis_it_has(ground, broker):
    verdict = ground.verdict(kafka(broker[1]))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict)["apis"] > 10


def test_a_broker_behind_tls(ground, broker):
    with Relay(broker, tls=ground.certificate.server_context()) as relay:
        verdict = ground.verdict(kafka(relay.port, protocol="kafka+ssl"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert [result.stage for result in verdict.stages[-2:]] == [Stage.TLS, Stage.PROTOCOL]


def test_a_client_without_tls_at_a_broker_with(ground, broker):
    with Relay(broker, tls=ground.certificate.server_context()) as relay:
        verdict = ground.verdict(kafka(relay.port))
    assert verdict.cause in ("TLS_REQUIRED", "CLOSED_WITHOUT_ANSWER"), verdict.evidence


def test_a_broker_that_answers_with_an_alert_wants_tls(ground):
    with Peer(b"", b"\x15\x03\x03\x00\x02\x02\x46") as peer:
        verdict = ground.verdict(kafka(peer.port))
    assert (verdict.cause, verdict.outcome) == ("TLS_REQUIRED", Outcome.MISCONFIGURED), verdict.evidence


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (response(), {"apis": 2}),
        # What brokers say to a version that they do not know, with and without their own versions (KIP-511).
        (response(error=35, keys=()), {"error": "UNSUPPORTED_VERSION"}),
        (response(error=35, keys=((18, 0, 2),)), {"error": "UNSUPPORTED_VERSION"}),
        (response(error=-1, keys=()), {"error": -1}),
    ],
)
def test_what_a_broker_may_answer(ground, words, seen):
    with Peer(b"", words) as peer:
        verdict = ground.verdict(kafka(peer.port))
        assert peer.heard[0] == bytes.fromhex("00000011 0012 0000 6e657463 0007") + b"netconn"
    assert verdict.outcome is Outcome.OK, verdict.evidence
    assert detail(verdict) == seen


@pytest.mark.parametrize(
    "words",
    [
        response(correlation_id=1),
        response(count=3),
        response(count=-1),
        response(count=2**31 - 1),
        b"\0\0\0\x04" + b"x" * 60,
        b"\0\1\0\1" + b"x" * 60,
        b"\xff\xff\xff\xff" + b"x" * 60,
    ],
)
def test_what_only_resembles_a_response(ground, words):
    assert_is_foreign(ground, "kafka", words)


def test_an_echo_is_no_broker(ground):
    request = bytes.fromhex("00000011 0012 0000 6e657463 0007") + b"netconn"
    assert_is_foreign(ground, "kafka", request)


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_another_protocol_is_shown(ground, name):
    assert_is_foreign(ground, "kafka", FOREIGN[name])


def test_a_dripping_response_ends_with_the_limit(ground):
    assert_drips(ground, "kafka", b"\0\0\1\0netc\0\0")


@pytest.mark.parametrize("make", WORDLESS)
def test_a_peer_without_a_word(ground, make):
    assert_is_wordless(ground, "kafka", make)
