"""AMQP 0-9-1 and 1.0 against RabbitMQ with and without its plugin for 1.0, and against peers that say anything."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.evidence import Finding, Outcome, Stage
from testbed.endpoints import ClosingServer, SilentServer
from testbed.servers.rabbitmq import RabbitMqServer
from tests.e2e.protocols.peers import GARBAGE, GREETINGS, Peer, detail, running

HEADER_091 = b"AMQP\x00\x00\x09\x01"
HEADER_10 = b"AMQP\x00\x01\x00\x00"
HEADER_10_TLS = b"AMQP\x02\x01\x00\x00"
HEADER_10_SASL = b"AMQP\x03\x01\x00\x00"


@pytest.fixture(scope="module")
def only_091():
    with running(RabbitMqServer()) as server:
        yield server


@pytest.fixture(scope="module")
def both(ground):
    with running(RabbitMqServer("rabbitmq_amqp1_0", certificate=ground.certificate)) as server:
        yield server


def test_rabbitmq_says_what_it_is(ground, only_091):
    verdict = ground.verdict(f"amqp://127.0.0.1:{only_091.port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    seen = detail(verdict)
    assert (seen["versions"], seen["product"]) == (["0-9-1"], "RabbitMQ")
    assert seen["version"][0].isdigit()
    assert "PLAIN" in seen["mechanisms"]


def test_rabbitmq_without_the_plugin_speaks_another_version(ground, only_091):
    verdict = ground.verdict(f"amqp10://127.0.0.1:{only_091.port}")
    assert (verdict.cause, verdict.outcome) == ("AMQP_VERSION_MISMATCH", Outcome.MISCONFIGURED), verdict.evidence
    assert "speaks AMQP 0-9-1, not AMQP 1.0" in verdict.explanation
    assert "rabbitmq_amqp1_0" in verdict.remedy
    assert detail(verdict)["versions"] == ["0-9-1"]


def test_rabbitmq_with_the_plugin_speaks_both(ground, both):
    newer = ground.verdict(f"amqp10://127.0.0.1:{both.port}")
    older = ground.verdict(f"amqp://127.0.0.1:{both.port}")
    assert (newer.outcome, older.outcome) == (Outcome.OK, Outcome.OK), newer.evidence + older.evidence
    assert detail(newer)["versions"] == ["1.0"]
    assert "PLAIN" in detail(newer)["mechanisms"]


@pytest.mark.parametrize("protocol", ["amqps", "amqps10"])
def test_both_versions_within_tls(ground, both, protocol):
    verdict = ground.verdict(f"{protocol}://127.0.0.1:{both.tls_port}")
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert [result.stage for result in verdict.stages][-2:] == [Stage.TLS, Stage.PROTOCOL]


@pytest.mark.parametrize("protocol", ["amqp", "amqp10", "redis", "http"])
def test_the_port_for_tls_asked_in_the_clear_wants_tls(ground, both, protocol):
    verdict = ground.verdict(f"{protocol}://127.0.0.1:{both.tls_port}")
    assert (verdict.cause, verdict.outcome) == ("TLS_REQUIRED", Outcome.MISCONFIGURED), verdict.evidence


# --- peers ---------------------------------------------------------------------------------------------------------


def long_text(text):
    return len(text).to_bytes(4) + text


def method_frame(payload, end=b"\xce"):
    return b"\x01\x00\x00" + len(payload).to_bytes(4) + payload + end


def start(table=b"", mechanisms=b"PLAIN EXTERNAL"):
    return b"\x00\x0a\x00\x0a\x00\x09" + long_text(table) + long_text(mechanisms) + long_text(b"en_US")


PRODUCT = b"\x07productS" + long_text(b"Broker")
VERSION = b"\x07versionS" + long_text(b"1.2")
OTHERS = (
    b"\x01at\x01\x01bb\x01\x01cs\x00\x01\x01dI\x00\x00\x00\x01\x01el" + bytes(8) + b"\x01fD" + bytes(5) + b"\x01gV"
    b"\x01hF" + long_text(b"\x01xt\x01") + b"\x01iA" + long_text(b"t\x01") + b"\x01jx" + long_text(b"\x00\xff")
)
CLOSE = b"\x00\x0a\x00\x32\x01\x40\x11CONNECTION_FORCED\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("table", "known"),
    [
        (b"", {}),
        (PRODUCT + VERSION, {"product": "Broker", "version": "1.2"}),
        (PRODUCT + OTHERS + VERSION, {"product": "Broker", "version": "1.2"}),
        (PRODUCT + b"\x01z?whatever" + VERSION, {"product": "Broker"}),
        (b"\x07productS" + long_text(b"\xff\x00" * 5000), {"product": "\ufffd " * 149 + "\ufffd"}),
    ],
)
def test_the_servers_properties_are_read_as_far_as_they_can_be(ground, table, known):
    with Peer(b"", method_frame(start(table))) as peer:
        verdict = ground.verdict(f"amqp://127.0.0.1:{peer.port}")
    assert verdict.outcome is Outcome.OK, verdict.evidence
    assert detail(verdict) == {"versions": ["0-9-1"], **known, "mechanisms": ["PLAIN", "EXTERNAL"]}
    assert peer.heard[0] == HEADER_091


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (HEADER_10, Finding.OTHER_VERSION),
        (HEADER_10_SASL, Finding.OTHER_VERSION),
        (b"AMQP\x01\x01\x00\x0a", Finding.OTHER_VERSION),
        (b"AMQP\x09\x09\x09\x09", Finding.OTHER_VERSION),
        (method_frame(CLOSE), Finding.CLIENT_REFUSED),
        (b"AMQP", Finding.NOT_THIS_PROTOCOL),
        (b"AM", Finding.NOT_THIS_PROTOCOL),
        (b"\x01\x00\x00", Finding.NOT_THIS_PROTOCOL),
        (method_frame(start(), end=b"\x00"), Finding.NOT_THIS_PROTOCOL),
        (method_frame(b"\x00\x0a"), Finding.NOT_THIS_PROTOCOL),
        (method_frame(b"\x00\x14\x00\x0a"), Finding.NOT_THIS_PROTOCOL),
        (method_frame(b"\x00\x0a\x00\x0a\x00\x09\xff\xff\xff\xff"), Finding.NOT_THIS_PROTOCOL),
        (method_frame(start(b"\x07prod")), Finding.NOT_THIS_PROTOCOL),
        (b"\x01\x00\x00\xff\xff\xff\xff" + b"x" * 100_000, Finding.NOT_THIS_PROTOCOL),
        (method_frame(start())[:-10], Finding.CLOSED),
    ],
)
def test_every_answer_of_091_has_its_meaning(ground, answer, finding):
    with Peer(b"", answer, stay=False) as peer:
        verdict = ground.verdict(f"amqp://127.0.0.1:{peer.port}")
    assert verdict.stages[-1].finding is finding, verdict.evidence


def sasl_frame(body, offset=2, kind=1):
    return (8 + len(body)).to_bytes(4) + bytes([offset, kind, 0, 0]) + body


MECHANISMS = b"\x00\x53\x40"
ONE_SYMBOL = MECHANISMS + b"\xc0\x09\x01\xa3\x05PLAIN"
SMALL_ARRAY = MECHANISMS + b"\xc0\x12\x01\xe0\x0f\x02\xa3\x05PLAIN\x08EXTERNAL"
LARGE_ARRAY = (
    b"\x00\x80\x00\x00\x00\x00\x00\x00\x00\x40\xd0\x00\x00\x00\x1d\x00\x00\x00\x01\xf0\x00\x00\x00\x14\x00\x00\x00\x02"
    b"\xb3\x00\x00\x00\x05PLAIN\x00\x00\x00\x08EXTERNAL"
)


@pytest.mark.parametrize(
    ("frame", "mechanisms"),
    [
        (sasl_frame(ONE_SYMBOL), ["PLAIN"]),
        (sasl_frame(SMALL_ARRAY), ["PLAIN", "EXTERNAL"]),
        (sasl_frame(LARGE_ARRAY), ["PLAIN", "EXTERNAL"]),
        (sasl_frame(b"\x00" * 4 + ONE_SYMBOL, offset=3), ["PLAIN"]),
    ],
)
def test_the_mechanisms_are_read_in_every_form(ground, frame, mechanisms):
    with Peer(b"", HEADER_10_SASL + frame) as peer:
        verdict = ground.verdict(f"amqp10://127.0.0.1:{peer.port}")
    assert verdict.outcome is Outcome.OK, verdict.evidence
    assert detail(verdict) == {"versions": ["1.0"], "mechanisms": mechanisms}
    assert peer.heard[0] == HEADER_10_SASL


def test_as_many_mechanisms_are_kept_as_a_person_reads(ground):
    symbols = b"\x01A" * 10_000
    array = b"\xf0" + (len(symbols) + 5).to_bytes(4) + (10_000).to_bytes(4) + b"\xa3" + symbols
    body = MECHANISMS + b"\xd0" + (len(array) + 4).to_bytes(4) + b"\x00\x00\x00\x01" + array
    with Peer(b"", HEADER_10_SASL + sasl_frame(body)) as peer:
        verdict = ground.verdict(f"amqp10://127.0.0.1:{peer.port}")
    assert detail(verdict)["mechanisms"] == ["A"] * 50


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (HEADER_10, Finding.GREETED),
        (HEADER_10_TLS, Finding.TLS_REQUIRED),
        (HEADER_091, Finding.OTHER_VERSION),
        (HEADER_10_SASL, Finding.CLOSED),
        (HEADER_10_SASL + sasl_frame(ONE_SYMBOL)[:-3], Finding.CLOSED),
        (HEADER_10_SASL + sasl_frame(ONE_SYMBOL, kind=0), Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + sasl_frame(ONE_SYMBOL, offset=0), Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + sasl_frame(ONE_SYMBOL, offset=255), Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + b"\xff\xff\xff\xff\x02\x01\x00\x00", Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + sasl_frame(b""), Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + sasl_frame(b"\x00\x53\x44" + ONE_SYMBOL[3:]), Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + sasl_frame(MECHANISMS + b"\x45"), Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + sasl_frame(MECHANISMS + b"\xc0\xff\xff\xa3\xffPLAIN"), Finding.NOT_THIS_PROTOCOL),
        (HEADER_10_SASL + sasl_frame(MECHANISMS + b"\xc0\x05\x01\xe0\x05\xff\xa3\x01A"), Finding.NOT_THIS_PROTOCOL),
        (method_frame(start()), Finding.NOT_THIS_PROTOCOL),
    ],
)
def test_every_answer_of_10_has_its_meaning(ground, answer, finding):
    with Peer(b"", answer, stay=False) as peer:
        verdict = ground.verdict(f"amqp10://127.0.0.1:{peer.port}")
    assert verdict.stages[-1].finding is finding, verdict.evidence


@pytest.mark.parametrize("words", [*GARBAGE.values(), *(GREETINGS[name] for name in sorted({*GREETINGS} - {"amqp"}))])
@pytest.mark.parametrize("protocol", ["amqp", "amqp10"])
def test_what_is_no_amqp_is_told_at_once(ground, words, protocol):
    with Peer(words) as peer:
        verdict = ground.verdict(f"{protocol}://127.0.0.1:{peer.port}", timeout_s=20)
    assert verdict.duration_s < 10
    assert (verdict.cause, verdict.outcome) == ("NOT_THIS_PROTOCOL", Outcome.MISCONFIGURED), verdict.evidence


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [("amqp", method_frame(start(PRODUCT))), ("amqp10", HEADER_10_SASL + sasl_frame(SMALL_ARRAY))],
)
def test_a_slow_answer_is_read_and_one_too_slow_is_not_finished(ground, protocol, answer):
    with Peer(answer, drip_s=0.002) as peer:
        assert ground.verdict(f"{protocol}://127.0.0.1:{peer.port}").outcome is Outcome.OK
    with Peer(answer, drip_s=0.2) as peer:
        verdict = ground.verdict(f"{protocol}://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert verdict.cause == "ANSWER_NOT_FINISHED", verdict.evidence


@pytest.mark.parametrize("protocol", ["amqp", "amqp10"])
@pytest.mark.parametrize("make", [SilentServer, ClosingServer])
def test_a_peer_without_a_word(ground, make, protocol):
    with make() as peer:
        verdict = ground.verdict(f"{protocol}://127.0.0.1:{peer.port}", timeout_s=0.5)
    assert verdict.cause in ("NO_ANSWER", "CLOSED_WITHOUT_ANSWER")
