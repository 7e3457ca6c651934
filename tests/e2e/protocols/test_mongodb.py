"""MongoDB's protocol against SecantusDB, which MongoDB's own driver takes for a server, and against others.

MongoDB's server has no package in Debian, PyPI or npm.
"""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_netconn.evidence import Outcome, Stage
from airflow_provider_netconn.probing.protocols.mongodb import NotBsonError, parse_document
from testbed.servers.secantus import SecantusServer
from tests.e2e.protocols.hostile import FOREIGN, WORDLESS, assert_drips, assert_is_foreign, assert_is_wordless
from tests.e2e.protocols.peers import Peer, detail, running

REQUEST_ID = 0x6E657463
bson = pytest.importorskip("bson", reason="pymongo not installed")


@pytest.fixture(scope="module")
def server():
    with running(SecantusServer(replica_set=True)) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def tls_server(ground):
    with running(SecantusServer(certificate=ground.certificate)) as running_server:
        yield running_server


def mongodb(server, **fields):
    return {"host": "127.0.0.1", "port": server.port, "protocol": "mongodb", **fields}


def reply(document, *, answers=REQUEST_ID, operation=1, length=None):
    body = struct.pack("<iqii", 8, 0, 0, 1) + (document if isinstance(document, bytes) else bson.encode(document))
    return struct.pack("<iiii", 16 + len(body) if length is None else length, 9, answers, operation) + body


def test_a_server_says_hello(ground, server):
    verdict = ground.verdict(mongodb(server))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert detail(verdict)["max_wire_version"] >= 21
    assert detail(verdict)["replica_set"] == "secantus"
    assert detail(verdict)["hosts"] == [f"127.0.0.1:{server.port}"]


def test_the_server_is_one_to_mongodbs_own_driver(ground, server):
    import pymongo

    with pymongo.MongoClient("127.0.0.1", server.port, directConnection=True, timeoutMS=10_000) as client:
        hello = client.admin.command("hello")
    assert hello["maxWireVersion"] == detail(ground.verdict(mongodb(server)))["max_wire_version"]


def test_a_server_with_tls(ground, tls_server):
    verdict = ground.verdict(mongodb(tls_server, protocol="mongodb+tls"))
    assert (verdict.outcome, verdict.cause) == (Outcome.OK, None), verdict.evidence
    assert [result.stage for result in verdict.stages[-2:]] == [Stage.TLS, Stage.PROTOCOL]


def test_a_client_without_tls_at_a_server_with(ground, tls_server):
    verdict = ground.verdict(mongodb(tls_server))
    assert verdict.cause in ("TLS_REQUIRED", "CLOSED_WITHOUT_ANSWER"), verdict.evidence


def test_the_request_is_what_drivers_send(ground):
    """Read by MongoDB's own BSON library."""
    with Peer(b"", reply({"ok": 1.0})) as peer:
        ground.verdict(mongodb(peer))
        (request,) = peer.heard
    length, request_id, answers, operation = struct.unpack_from("<iiii", request)
    assert (length, request_id, answers, operation) == (len(request), REQUEST_ID, 0, 2004)
    flags, collection, rest = request[16:20], *request[20:].split(b"\0", 1)
    assert (flags, collection) == (bytes(4), b"admin.$cmd")
    assert struct.unpack_from("<ii", rest) == (0, -1)
    assert bson.decode(rest[8:]) == {"isMaster": 1, "helloOk": True}


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        ({"ismaster": True, "maxWireVersion": 6, "ok": 1.0}, {"max_wire_version": 6}),
        ({"msg": "isdbgrid", "maxWireVersion": 25, "ok": 1}, {"max_wire_version": 25, "router": True}),
        (
            {"setName": "globaldb", "hosts": ["a:1", "b:2"], "maxWireVersion": bson.Int64(21), "ok": 1.0},
            {"max_wire_version": 21, "replica_set": "globaldb", "hosts": ["a:1", "b:2"]},
        ),
        (
            {"hosts": [f"{n}:1" for n in range(50)], "ok": 1.0},
            {"max_wire_version": None, "hosts": [f"{n}:1" for n in range(8)]},
        ),
    ],
)
def test_what_a_server_may_say_of_itself(ground, document, seen):
    with Peer(b"", reply(document)) as peer:
        verdict = ground.verdict(mongodb(peer))
    assert verdict.outcome is Outcome.OK, verdict.evidence
    assert detail(verdict) == seen


@pytest.mark.parametrize("value", ["\x1b[31m" + "x" * 50_000, float("nan"), float("inf"), 2**62, {"a": "\n"}, None])
def test_what_is_no_version_and_no_code_is_not_shown(ground, value):
    with Peer(b"", reply({"maxWireVersion": value, "ok": 1.0})) as peer:
        assert detail(ground.verdict(mongodb(peer))) == {"max_wire_version": None}
    with Peer(b"", reply({"code": value, "errmsg": "no", "ok": 0.0})) as peer:
        assert detail(ground.verdict(mongodb(peer))) == {"error": None, "said": "no"}


def test_a_server_that_does_not_answer_hello_cannot_serve(ground):
    with Peer(b"", reply({"ok": 0.0, "errmsg": "shutting down", "code": 91})) as peer:
        verdict = ground.verdict(mongodb(peer))
    assert verdict.cause == "SERVICE_UNAVAILABLE", verdict.evidence
    assert detail(verdict) == {"error": 91, "said": "shutting down"}


@pytest.mark.parametrize(
    "words",
    [
        reply({"ok": 1.0}, answers=1),
        reply({"ok": 1.0}, operation=2013),
        reply({"ok": 1.0}, length=20),
        reply({"ok": 1.0}, length=2**31 - 1),
        reply({"ok": 1.0}, length=-1),
        reply(b"\x05\0\0\0\x01"),
        reply(b"\xff\xff\xff\x7f\0"),
        reply(b"\x0c\0\0\0\x7fa\0aaaa\0"),
    ],
)
def test_what_only_resembles_a_reply(ground, words):
    assert_is_foreign(ground, "mongodb", words)


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_another_protocol_is_shown(ground, name):
    assert_is_foreign(ground, "mongodb", FOREIGN[name])


def test_a_dripping_reply_ends_with_the_limit(ground):
    assert_drips(ground, "mongodb", reply({"ok": 1.0}, length=1000)[:20])


@pytest.mark.parametrize("make", WORDLESS)
def test_a_peer_without_a_word(ground, make):
    assert_is_wordless(ground, "mongodb", make)


# --- the reader of documents ---------------------------------------------------------------------------------------

_VALUES = st.one_of(
    st.booleans(), st.none(), st.text(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary()
)
_KEYS = st.text().filter(lambda key: "\0" not in key)
_DOCUMENTS = st.dictionaries(_KEYS, st.one_of(_VALUES, st.lists(_VALUES, max_size=4)), max_size=6)


@given(_DOCUMENTS)
def test_documents_are_read_as_mongodbs_own_library_reads_them(document):
    def kept(value):
        if isinstance(value, list):
            return {str(index): kept(item) for index, item in enumerate(value)}
        return None if isinstance(value, bytes) else value

    assert parse_document(bson.encode(document)) == {key: kept(value) for key, value in document.items()}


@given(
    st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda data: (len(data) + 5).to_bytes(4, "little") + data + b"\0")
)
def test_any_bytes_are_a_document_or_none(data):
    try:
        parse_document(data)
    except NotBsonError:
        return


@given(_DOCUMENTS, st.integers(0, 400), st.integers(0, 255))
def test_a_broken_document_is_a_document_or_none(document, position, byte):
    data = bytearray(bson.encode(document))
    data[position % len(data)] = byte
    try:
        parse_document(bytes(data))
    except NotBsonError:
        return


def test_a_deep_document_is_none():
    document = {}
    for _ in range(100):
        document = {"a": document}
    with pytest.raises(NotBsonError):
        parse_document(bson.encode(document))


@pytest.mark.parametrize(
    "data",
    [
        b"\x0f\0\0\0\x02a\0\xff\0\0\0aa\0\0",
        b"\x0f\0\0\0\x02a\0\xff\xff\xff\xffaa\0\0",
        b"\x0a\0\0\0\x10a\0\1\0\0",
        b"\x09\0\0\0\x07a\0x\0",
        b"\x0c\0\0\0\x03a\0\x06\0\0\0\0",
        b"\x07\0\0\0\x0aa\0",
        b"\x04\0\0\0",
        b"",
    ],
)
def test_an_element_that_goes_beyond_its_document(data):
    with pytest.raises(NotBsonError):
        parse_document(data)


def test_a_document_of_many_elements_is_read_at_once():
    names = b"".join(b"\x0a%x\0" % number for number in range(9000))
    started = time.perf_counter()
    assert len(parse_document((len(names) + 5).to_bytes(4, "little") + names + b"\0")) == 9000
    assert time.perf_counter() - started < 0.5
