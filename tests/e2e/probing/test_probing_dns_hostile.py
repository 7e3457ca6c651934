"""Nameservers that lie, ramble and never end, over real sockets: each is a clear finding within the stage's limit."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import socket
import struct

import dns.flags
import dns.message
import dns.rrset
import pytest

from airflow_provider_netconn.evidence import Finding, Stage
from testbed.endpoints import DnsServer, TcpServer
from tests.e2e.probing.seen import NAME, probe

TIMEOUT_S = 1.0
PATIENCE_S = 10.0
"""For answers that take a while to be written: thousands of records, by a server in this very process."""
LATE = 3
"""How many times its limit a stage may take on a machine that has much else to do."""
KEPT_CHARACTERS = 4000


async def resolved(nameserver, timeout_s=TIMEOUT_S):
    """The resolve stage's result, which came in time."""
    result = await probe(f"{NAME}:443", nameserver=nameserver, last_stage=Stage.RESOLVE, timeout_s=timeout_s)
    assert result.duration_s < LATE * timeout_s
    (stage,) = result.stages
    return stage


class Answering(DnsServer):
    """Answers with what a function makes of the query, over UDP and TCP.

    :param make: given the query, and whether it came by UDP
    """

    def __init__(self, make, **how):
        super().__init__(**how)
        self.make = make

    async def answer(self, wire, transport):
        return self.make(dns.message.from_wire(wire), transport == "udp")


def truncated(query):
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return response.to_wire()


def by_tcp(make):
    """Over UDP the answer is truncated, over TCP it is that one."""
    return lambda query, udp: truncated(query) if udp else make(query)


def answer(query, *records):
    response = dns.message.make_response(query, recursion_available=True)
    response.answer = [dns.rrset.from_text(owner, 60, "IN", kind, text) for owner, kind, text in records]
    return response


def raw(query, records):
    """A response of that many records, written byte by byte."""
    question = query.to_wire()[12:]
    return struct.pack("!HHHHHH", query.id, 0x8180, 1, len(records), 0, 0) + question + b"".join(records)


def bomb(query):
    """64 KB of aliases from a name of 126 labels to another: more than a million labels to read."""
    at = 12 + len(query.to_wire()[12:])
    first = b"\1a" * 126 + b"\0" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(4)
    count = (65000 - at - len(first)) // 14
    aliases = [
        struct.pack("!HHHIHH", 0xC000 | at, 5, 1, 60, 2, 0xC000 | (at + 2 * (number % 100))) for number in range(count)
    ]
    return raw(query, [first, *aliases])


def pointing_at_itself(query):
    at = 12 + len(query.to_wire()[12:])
    return raw(query, [struct.pack("!HHHIH", 0xC000 | at, 1, 1, 60, 4) + bytes(4)])


def pointing_at_each_other(query):
    at = 12 + len(query.to_wire()[12:])
    return raw(query, [struct.pack("!HH", 0xC000 | (at + 2), 0xC000 | at) + struct.pack("!HHIH", 1, 1, 60, 4)])


def of_another_number(query):
    query.id ^= 0xFFFF
    return answer(query, (f"{NAME}.", "A", "127.0.0.2")).to_wire()


def to_another_question(query):
    other = dns.message.make_query("other.example.net", "A", id=query.id)
    return answer(other, ("other.example.net.", "A", "127.0.0.2")).to_wire()


def of_too_long_a_chain(query):
    names = [f"{NAME}.", *(f"n{number}.example.net." for number in range(2000))]
    chain = [(owner, "CNAME", alias) for owner, alias in itertools.pairwise(names)]
    return answer(query, *chain, (names[-1], "A", "127.0.0.2")).to_wire()


def of_counts_without_records(query):
    return struct.pack("!HHHHHH", query.id, 0x8180, 65535, 65535, 65535, 65535)


def echoed(query):
    return query.to_wire()


def of_one_byte(_query):
    return b"\0"


BROKEN = [
    bomb,
    pointing_at_itself,
    pointing_at_each_other,
    of_another_number,
    to_another_question,
    of_counts_without_records,
    echoed,
    of_one_byte,
]


@pytest.mark.parametrize("make", BROKEN)
async def test_an_answer_that_is_none_is_malformed(make):
    with Answering(lambda query, _: make(query)) as server:
        stage = await resolved(server.nameserver)
    assert (stage.ok, stage.finding) == (False, Finding.DNS_MALFORMED)
    assert len(str(stage.detail)) < KEPT_CHARACTERS


@pytest.mark.parametrize("make", [*BROKEN, of_too_long_a_chain, truncated])
async def test_an_answer_over_tcp_that_is_none_is_malformed(make):
    with Answering(by_tcp(make)) as server:
        stage = await resolved(server.nameserver, PATIENCE_S)
    assert (stage.ok, stage.finding) == (False, Finding.DNS_MALFORMED)
    assert len(str(stage.detail)) < KEPT_CHARACTERS


async def test_a_bomb_behind_the_answer_is_not_touched():
    def make(query, udp):
        if udp:
            return truncated(query)
        response = answer(query, (f"{NAME}.", "A", "127.0.0.2")).to_wire()
        return response[:6] + struct.pack("!HHH", 1, 0, 4000) + response[12:] + bomb(query)[12 + len(response) :]

    with Answering(make) as server:
        stage = await resolved(server.nameserver)
    assert stage.detail["addresses"] == ["127.0.0.2"]


async def test_an_address_of_a_kind_that_was_not_asked_for_does_not_count():
    with Answering(lambda query, _: answer(query, (f"{NAME}.", "A", "127.0.0.2")).to_wire()) as server:
        stage = await resolved(server.nameserver)
    assert [(each["address"], each["type"]) for each in stage.detail["dns"]["answers"]] == [("127.0.0.2", "A")]


@pytest.mark.parametrize("number", [3, 15617])
async def test_an_address_of_another_class_than_the_internets_is_none(number):
    def make(query, _):
        address = struct.pack("!HHHIH", 0xC00C, 1, number, 60, 5) + b"\1a\0" + bytes(2)
        return raw(query, [address])

    with Answering(make) as server:
        stage = await resolved(server.nameserver)
    assert (stage.finding, stage.detail["dns"]["answers"]) == (Finding.NODATA, [])


async def test_an_answer_of_thousands_of_addresses_is_read():
    addresses = [f"127.{a}.{b}.1" for a in range(16) for b in range(250)]

    def make(query):
        kind = query.question[0].rdtype.name
        return answer(query, *((f"{NAME}.", "A", address) for address in addresses if kind == "A")).to_wire()

    with Answering(by_tcp(make)) as server:
        stage = await resolved(server.nameserver, PATIENCE_S)
    assert set(stage.detail["addresses"]) == set(addresses)


async def test_an_answer_from_elsewhere_does_not_count():
    """A lie comes first, from another port; the word of the server that was asked counts."""

    class Outrun(DnsServer):
        async def _answer_udp(self, wire, client):
            lie = answer(dns.message.from_wire(wire), (f"{NAME}.", "A", "127.0.0.66")).to_wire()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
                elsewhere.sendto(lie, client)
            await asyncio.sleep(0.05)
            await super()._answer_udp(wire, client)

    with Outrun() as server:
        server.set(NAME, "127.0.0.2")
        stage = await resolved(server.nameserver)
    assert stage.detail["addresses"] == ["127.0.0.2"]


class Tcp(TcpServer):
    """The TCP side of a nameserver, in bytes.

    :param words: after the query
    :param drip_s: time between them; None says all at once
    :param manner: what comes then: ``hangs up``, ``stays``, or ``again`` for ever
    """

    def __init__(self, words, *, drip_s=None, manner="hangs up", port=0):
        super().__init__(port=port)
        self.words = words
        self.drip_s = drip_s
        self.manner = manner

    async def handle(self, reader, writer):
        await reader.read(512)
        pieces = [bytes([byte]) for byte in self.words] if self.drip_s is not None else [self.words]
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(self.drip_s or 0)
        while self.manner == "again":
            writer.write(self.words * 1000)
            await writer.drain()
        if self.manner == "stays":
            await reader.read()


def both_sides(running, words, how):
    """A nameserver over UDP and TCP; a port that is free in one may be taken in the other."""
    while True:
        server = running.enter_context(Answering(lambda query, _: truncated(query), tcp=False))
        try:
            running.enter_context(Tcp(words, port=server.port, **how))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return server


@pytest.mark.parametrize(
    ("words", "how", "finding"),
    [
        (b"", {}, Finding.DNS_MALFORMED),
        (b"", {"manner": "stays"}, Finding.DNS_TIMED_OUT),
        (b"\xff", {}, Finding.DNS_MALFORMED),
        (b"\xff\xffshort", {}, Finding.DNS_MALFORMED),
        (b"\xff\xffshort", {"manner": "stays"}, Finding.DNS_TIMED_OUT),
        (b"\xff\xff" + b"x" * 1000, {"drip_s": 0.05, "manner": "stays"}, Finding.DNS_TIMED_OUT),
        (b"\0\0", {"manner": "again"}, Finding.DNS_MALFORMED),
        (b"\xff\xff" + b"x" * 4000, {"manner": "again"}, Finding.DNS_MALFORMED),
    ],
    ids=["closes", "silent", "half a length", "too short", "never ends", "drips", "empty again and again", "endless"],
)
async def test_a_tcp_side_that_breaks_off_or_never_ends(words, how, finding):
    with contextlib.ExitStack() as running:
        stage = await resolved(both_sides(running, words, how).nameserver)
    assert (stage.ok, stage.finding) == (False, finding), stage.detail
