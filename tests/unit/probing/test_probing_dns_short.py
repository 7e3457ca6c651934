"""The short way to an address: ordinary answers are read as dnspython reads them, and all others are left to it."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_netconn.evidence import Finding
from airflow_provider_netconn.probing.dns_lookup import DnsClient
from airflow_provider_netconn.probing.dns_short import KINDS, DoubtError, Doubtful, look, read_answer

NAME = "orders.example.net"
LINK = "orders.privatelink.example.net"
DOUBTS = (DoubtError, IndexError, struct.error)


def answer(*records, kind="A", rcode="NOERROR", authority=(), flags=0):
    """A response to the question for NAME, as dnspython writes it."""
    response = dns.message.make_response(dns.message.make_query(NAME, kind, id=77))
    response.set_rcode(dns.rcode.from_text(rcode))
    response.flags |= flags
    response.answer = [dns.rrset.from_text(*record) for record in records]
    response.authority = [dns.rrset.from_text(*record) for record in authority]
    return response.to_wire()


def question(kind="A"):
    return dns.message.make_query(NAME, kind).to_wire()[12:]


def read(message, kind="A"):
    return read_answer(message, question(kind), NAME, KINDS[kind])


SOA = ("example.net.", 60, "IN", "SOA", "ns.example.net. host.example.net. 1 2 3 4 5")


@pytest.mark.parametrize(
    ("message", "kind", "found"),
    [
        (answer((f"{NAME}.", 37, "IN", "A", "10.0.0.4", "10.0.0.5")), "A", ((), (("10.0.0.4", 37), ("10.0.0.5", 37)))),
        (answer((f"{NAME}.", 5, "IN", "AAAA", "fd00::4"), kind="AAAA"), "AAAA", ((), (("fd00::4", 5),))),
        (
            answer((f"{NAME}.", 60, "IN", "CNAME", f"{LINK.upper()}."), (f"{LINK}.", 9, "IN", "A", "10.0.0.4")),
            "A",
            ((LINK,), (("10.0.0.4", 9),)),
        ),
        (answer((f"{NAME}.", 60, "IN", "CNAME", f"{LINK}."), authority=[SOA]), "A", ((LINK,), ())),
        (answer(authority=[SOA], kind="AAAA"), "AAAA", ((), ())),
        (answer((f"{NAME}.", 1, "IN", "A", "10.0.0.4"), flags=dns.flags.AA), "A", ((), (("10.0.0.4", 1),))),
    ],
    ids=["two addresses", "IPv6", "alias", "alias to nothing", "no record", "authoritative"],
)
def test_an_ordinary_answer_is_read(message, kind, found):
    chain, records = read(message, kind)
    assert (chain, tuple(sorted(records))) == found  # dnspython writes them in any order


@pytest.mark.parametrize(
    "message",
    [
        answer(rcode="NXDOMAIN"),
        answer(rcode="SERVFAIL"),
        answer((f"{NAME}.", 1, "IN", "A", "10.0.0.4"), flags=dns.flags.TC),
        answer(("other.example.net.", 1, "IN", "A", "10.0.0.4")),
        answer((f"{NAME}.", 1, "IN", "A", "10.0.0.4"), (f"{LINK}.", 1, "IN", "A", "10.0.0.5")),
        answer((f"{NAME}.", 1, "IN", "TXT", "hello")),
        answer((f"{NAME}.", 1, "IN", "CNAME", f"{NAME}.")),
        answer((f"{NAME}.", 1, "IN", "CNAME", f"{LINK}."), (f"{LINK}.", 1, "IN", "CNAME", f"{NAME}.")),
        answer((f"{NAME}.", 1, "IN", "CNAME", f"{LINK}."), (f"{NAME}.", 1, "IN", "A", "10.0.0.4")),
        answer((f"{NAME}.", 1, "IN", "A", "10.0.0.4")) + b"\0",
        answer((f"{NAME}.", 1, "IN", "A", "10.0.0.4"))[:-1],
        answer((f"{NAME}.", 1, "IN", "AAAA", "fd00::4"), kind="AAAA"),
        answer((f"{NAME}.", 1, "IN", "CNAME", r"a\.b.example.net.")),
        b"",
        b"\0" * 11,
    ],
)
def test_anything_out_of_the_ordinary_is_doubted(message):
    with pytest.raises(DOUBTS):
        read(message)


def test_a_name_that_points_at_itself_is_doubted():
    header = struct.pack("!HHHHHH", 77, 0x8180, 1, 1, 0, 0)
    at = len(header + question())
    record = struct.pack("!HHHIH", 0xC000 | at, 1, 1, 60, 4) + bytes(4)
    with pytest.raises(DoubtError):
        read(header + question() + record)


@given(st.binary(max_size=600))
def test_no_bytes_lead_to_anything_but_an_answer_or_a_doubt(tail):
    for head in (b"", struct.pack("!HHHHHH", 77, 0x8180, 1, 3, 1, 1) + question()):
        with suppress(DOUBTS):
            read(head + tail)


@given(st.data())
def test_a_flipped_byte_is_doubted_or_read_as_dnspython_reads_it(data):
    message = bytearray(
        answer((f"{NAME}.", 60, "IN", "CNAME", f"{LINK}."), (f"{LINK}.", 9, "IN", "A", "10.0.0.4", "10.0.0.5"))
    )
    place = data.draw(st.integers(2, len(message) - 1))
    message[place] = data.draw(st.integers(0, 255))
    try:
        chain, records = read(bytes(message))
    except DOUBTS:
        return
    parsed = dns.message.from_wire(bytes(message))
    seen = {
        (record.address, rrset.ttl) for rrset in parsed.answer if rrset.rdtype == dns.rdatatype.A for record in rrset
    }
    assert set(records) == seen
    assert len(chain) == sum(rrset.rdtype == dns.rdatatype.CNAME for rrset in parsed.answer)


@contextmanager
def server(*replies):
    """A UDP server that answers each datagram with what these functions make of it; None stays silent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        asked = []

        def serve():
            with suppress(OSError):  # closed: nobody asks any more
                for reply in replies:
                    message, peer = sock.recvfrom(4096)
                    asked.append(message)
                    if (said := reply(message)) is not None:
                        sock.sendto(said, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sock.getsockname(), asked


def answering(message):
    query = dns.message.from_wire(message)
    response = dns.message.make_response(query)
    if query.question[0].rdtype == dns.rdatatype.A:
        response.answer = [dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "10.0.0.4")]
    return response.to_wire()


def missing(message):
    response = dns.message.make_response(dns.message.from_wire(message))
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


def misnumbered(message):
    said = bytearray(answering(message))
    said[0] ^= 0xFF
    return bytes(said)


async def test_both_kinds_are_asked_for_once():
    with server(answering, answering) as (address, asked):
        found = await look(address, NAME, 5)
    assert found == {"A": ((), (("10.0.0.4", 60),)), "AAAA": ((), ())}
    assert {dns.message.from_wire(message).question[0].to_text() for message in asked} == {
        f"{NAME}. IN A",
        f"{NAME}. IN AAAA",
    }
    assert len({message[:2] for message in asked}) == 2


async def test_an_answer_out_of_the_ordinary_is_handed_back_as_it_came():
    with server(missing, answering) as (address, asked):
        found = await look(address, NAME, 5)
    assert found["A"] == Doubtful(int.from_bytes(asked[0][:2]), missing(asked[0]))
    assert found["AAAA"] == ((), ())


async def test_an_answer_to_another_question_ends_the_short_way():
    with server(misnumbered, answering) as (address, _):
        assert await look(address, NAME, 5) == {}


@pytest.mark.parametrize("name", ["a b.example.net", "é.example.net", "", "a..b", f"{'a' * 64}.net"])
async def test_a_name_that_is_not_ordinary_is_not_asked_for(name):
    assert await look(("127.0.0.1", 9), name, 5) == {}


async def test_silence_is_asked_again():
    def silent(_message):
        return None

    with server(silent, silent, answering, answering) as ((host, port), _):
        client = DnsClient(nameserver=(host, port))
        client.load()
        found = await client.addresses(NAME, 5)
    assert (found.finding, found.addresses) == (Finding.RESOLVED, ("10.0.0.4",))


async def test_a_name_that_is_missing_is_asked_for_no_more_than_once_of_each_kind():
    with server(missing, missing) as ((host, port), asked):
        client = DnsClient(nameserver=(host, port))
        client.load()
        found = await client.addresses(f"{NAME}.", 5)
    assert (found.finding, len(asked)) == (Finding.NXDOMAIN, 2)
