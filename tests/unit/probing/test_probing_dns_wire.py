"""How much of a nameserver's answer is read."""

from __future__ import annotations

import struct
from contextlib import suppress

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_netconn.probing.dns_wire import MAX_LABELS, BombError, worth_reading

NAME = "orders.example.net."


def response(*records, authority=()):
    made = dns.message.make_response(dns.message.make_query(NAME, "A", id=77))
    made.answer = [dns.rrset.from_text(*record) for record in records]
    made.authority = [dns.rrset.from_text(*record) for record in authority]
    return made


ANSWER = response(
    (NAME, 60, "IN", "CNAME", "a.example.net."),
    ("a.example.net.", 60, "IN", "DNAME", "b.example.net."),
    ("a.example.net.", 60, "IN", "TXT", '"words"'),
    ("a.example.net.", 60, "IN", "A", *(f"10.0.{number // 250}.{number % 250}" for number in range(3000))),
    ("a.example.net.", 60, "IN", "AAAA", "fd00::4"),
)


def test_an_ordinary_answer_stays_as_it_is():
    wire = ANSWER.to_wire(max_size=65535)
    assert worth_reading(wire) == wire


def test_only_the_answer_is_read():
    soa = ("example.net.", 60, "IN", "SOA", "ns.example.net. host.example.net. 1 2 3 4 5")
    read = dns.message.from_wire(worth_reading(response((NAME, 60, "IN", "A", "10.0.0.4"), authority=[soa]).to_wire()))
    assert (len(read.answer), read.authority, read.question) == (1, [], ANSWER.question)


def test_of_a_truncated_answer_only_the_head_is_read():
    made = response((NAME, 60, "IN", "A", "10.0.0.4"))
    made.flags |= dns.flags.TC
    assert worth_reading(made.to_wire()[:-2]) == worth_reading(made.to_wire())
    with pytest.raises(dns.message.Truncated):
        dns.message.from_wire(worth_reading(made.to_wire()), raise_on_truncation=True)


def bomb(code, names):
    """One record of that type with pointers to a name of 120 labels."""
    question = response().to_wire()[12:]
    name = b"\1a" * 120 + b"\0"
    data = struct.pack("!H", 0xC000 | (12 + len(question))) * names
    records = name + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(4) + b"\0" + struct.pack("!HHIH", code, 1, 60, len(data))
    return struct.pack("!HHHHHH", 77, 0x8180, 1, 2, 0, 0) + question + records + data


@pytest.mark.parametrize("code", [2, 6, 15, 33, 55, 64, 65280])
def test_pointers_in_a_record_of_any_type_count(code):
    with pytest.raises(BombError, match=f"more than {MAX_LABELS} labels"):
        worth_reading(bomb(code, 1000))


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_come_to_an_end(data, framed):
    head = struct.pack("!HHHHHH", 77, 0x8180, 1, 9, 0, 0) if framed else b""
    with suppress(BombError, IndexError, struct.error):
        assert len(worth_reading(head + data)) <= len(head + data)
