"""DNS answers in bytes: the short way and dnspython each read them or raise their own errors, and never differ."""

from __future__ import annotations

import struct

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset

from airflow_provider_netconn.probing.dns_short import KINDS, DoubtError, Found, read_answer
from airflow_provider_netconn.probing.dns_wire import BombError, worth_reading

NAME = "orders.example.net"
LINK = "orders.privatelink.example.net"
RAW, IPV6 = 1, 2
"""Bits of the first byte: the header and the question are in the data as well; the question was for AAAA."""


def _question(kind: str) -> bytes:
    return dns.message.make_query(NAME, kind).to_wire()[12:]


def _answer(kind: str, *records: tuple[str, str, str], rcode: int = 0) -> bytes:
    response = dns.message.make_response(dns.message.make_query(NAME, kind, id=77), recursion_available=True)
    response.set_rcode(dns.rcode.Rcode(rcode))
    response.answer = [dns.rrset.from_text(owner, 60, "IN", rdtype, text) for owner, rdtype, text in records]
    return response.to_wire()


def _without_question(kind: str, *records: tuple[str, str, str]) -> bytes:
    return bytes([IPV6 if kind == "AAAA" else 0, len(records)]) + _answer(kind, *records)[12 + len(_question(kind)) :]


_CHAIN = ((f"{NAME}.", "CNAME", f"{LINK}."), (f"{LINK}.", "A", "10.0.0.4"))
SEEDS = (
    _without_question("A", (f"{NAME}.", "A", "10.0.0.4")),
    _without_question("AAAA", (f"{NAME}.", "AAAA", "fd00::4")),
    _without_question("A", *_CHAIN),
    _without_question("A", (f"{NAME}.", "CNAME", f"{NAME}.")),
    bytes([RAW, 0]) + _answer("A", *_CHAIN),
    bytes([RAW, 0]) + _answer("A", rcode=dns.rcode.NXDOMAIN),
    bytes([RAW | IPV6, 0]) + _answer("AAAA"),
    # Names that point at each other, one byte further each: the longest that so few bytes can name.
    bytes([0, 255]) + b"".join(b"\1a" + struct.pack("!H", 0xC01E + at) for at in range(0, 200, 4)),
)


def holds(data: bytes) -> None:
    """Read the answer both ways. Without RAW, the second byte is how many records follow."""
    if len(data) < 2:
        return
    kind = "AAAA" if data[0] & IPV6 else "A"
    question = _question(kind)
    message = data[2:]
    if not data[0] & RAW:
        message = struct.pack("!HHHHHH", 77, 0x8180, 1, data[1], 0, 0) + question + message
    seen = _by_dnspython(message, kind)
    try:
        found = read_answer(message, question, NAME, KINDS[kind])
    except (DoubtError, IndexError, struct.error):
        return  # which leaves it to dnspython
    assert found == seen
    assert len(found[1]) <= len(message)


def _by_dnspython(message: bytes, kind: str) -> Found | None:
    """What its resolver makes of it: parse, then follow the aliases; None where that is an error."""
    try:
        response = dns.message.from_wire(worth_reading(message), raise_on_truncation=True)
        query = dns.message.make_query(NAME, kind, id=response.id)
        if response.rcode() != dns.rcode.NOERROR or not query.is_response(response):
            return None
        answer = dns.resolver.Answer(
            dns.name.from_text(NAME), dns.rdatatype.from_text(kind), dns.rdataclass.IN, response
        )
    except (dns.exception.DNSException, BombError, IndexError, struct.error):
        return None
    aliases = [record.target for rrset in answer.chaining_result.cnames for record in rrset]
    records = [(record.address, answer.rrset.ttl) for record in answer.rrset or ()]
    return tuple(alias.to_text(omit_final_dot=True).lower() for alias in aliases), tuple(records)
