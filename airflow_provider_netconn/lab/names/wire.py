"""Questions and answers as octets (RFC 1035, 6891, 8914), by dnspython."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from airflow_provider_netconn.lab.names.values import FORMERR, NOTIMP, REFUSED, Answer, Question, Record

LARGEST_DATAGRAM: Final = 1232
"""Octets of an answer over UDP, where the asker takes so many (DNS flag day 2020)."""

SMALLEST_DATAGRAM: Final = 512
"""And where it does not say (RFC 1035, section 4.2.1)."""

LARGEST_MESSAGE: Final = 65_535
"""Octets over TCP."""

_MOST_RDATA: Final = 4096
_TRANSFERS: Final = frozenset({dns.rdatatype.AXFR, dns.rdatatype.IXFR})


class Query:
    """A query that came in.

    :param content: the whole message
    :raises ValueError: it is none that can be answered at all
    """

    def __init__(self, content: bytes) -> None:
        self.message: dns.message.Message
        self.refusal: int | None = None
        """The response code where it is not for a resolver to answer."""
        try:
            self.message = dns.message.from_wire(content, ignore_trailing=True)
        except dns.exception.DNSException as error:
            self.message = _header_of(content, error)
            self.refusal = FORMERR
        if self.message.flags & dns.flags.QR:
            raise ValueError("a response is no query")
        if self.refusal is None:
            self.refusal = self._refusal()

    def _refusal(self) -> int | None:
        message = self.message
        if message.opcode() != dns.opcode.QUERY:
            return NOTIMP
        if len(message.question) != 1:
            return FORMERR
        if message.edns > 0:
            return int(dns.rcode.BADVERS)
        question = message.question[0]
        if question.rdclass != dns.rdataclass.IN or question.rdtype in _TRANSFERS:
            return REFUSED
        return NOTIMP if question.rdtype == dns.rdatatype.ANY else None

    @property
    def question(self) -> Question:
        """What is asked; only where nothing refuses it."""
        asked = self.message.question[0]
        return Question(asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype))

    def refused(self) -> bytes:
        """:return: the answer that says no more than :attr:`refusal`"""
        assert self.refusal is not None
        return self.answered(Answer(self.refusal), over_tcp=False)

    def answered(self, answer: Answer, *, over_tcp: bool, truncated: bool = False) -> bytes:
        """An answer as it is sent: over UDP no longer than the asker takes, else without records and marked so.

        :param answer: with a response code
        :param truncated: mark it as too long, whatever its length
        """
        assert answer.rcode is not None
        message = self.message
        response = dns.message.make_response(message, recursion_available=True, our_payload=LARGEST_DATAGRAM)
        response.set_rcode(dns.rcode.Rcode(answer.rcode))
        if answer.note and message.edns >= 0:
            options: list[dns.edns.Option] = [dns.edns.EDEOption(dns.edns.EDECode.OTHER, answer.note)]
            response.use_edns(0, payload=LARGEST_DATAGRAM, options=options)
        if truncated:
            return _truncated(response)
        _fill(response.answer, answer.records)
        _fill(response.authority, answer.authority)
        if over_tcp:
            return response.to_wire(max_size=LARGEST_MESSAGE)
        taken = message.payload if message.edns >= 0 else SMALLEST_DATAGRAM
        try:
            return response.to_wire(max_size=max(SMALLEST_DATAGRAM, min(taken, LARGEST_DATAGRAM)))
        except dns.exception.TooBig:
            return _truncated(response)


def _truncated(response: dns.message.Message) -> bytes:
    response.answer.clear()
    response.authority.clear()
    response.flags |= dns.flags.TC
    return response.to_wire()


def _header_of(content: bytes, error: dns.exception.DNSException) -> dns.message.Message:
    """A message with the id of one that cannot be read."""
    if len(content) < 12:
        raise ValueError("too short for a header") from error
    message = dns.message.Message(id=int.from_bytes(content[:2]))
    message.flags = int.from_bytes(content[2:4]) & (dns.flags.QR | dns.flags.RD | 0x7800)
    return message


def _fill(section: list[dns.rrset.RRset], records: tuple[Record, ...]) -> None:
    """Put records into a section; those of one name and type stand together."""
    sets: dict[tuple[str, str], dns.rrset.RRset] = {}
    for record in records:
        key = (record.name, record.type)
        found = sets.get(key)
        if found is None:
            rdata = _rdata(record.type, record.data)
            found = sets[key] = dns.rrset.RRset(_name(record.name), dns.rdataclass.IN, rdata.rdtype)
            section.append(found)
        found.add(_rdata(record.type, record.data), record.ttl_s)


@lru_cache(maxsize=_MOST_RDATA)
def _rdata(record_type: str, data: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text("IN", record_type, data)


@lru_cache(maxsize=_MOST_RDATA)
def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def question_message(question: Question) -> dns.message.QueryMessage:
    """:return: a question as it is sent to another server, recursion desired"""
    return dns.message.make_query(question.name, question.type, use_edns=True, payload=LARGEST_DATAGRAM)


def answer_of(message: dns.message.Message) -> Answer:
    """:return: what another server answered"""
    return Answer(int(message.rcode()), _records_of(message.answer), _records_of(message.authority))


def _records_of(section: list[dns.rrset.RRset]) -> tuple[Record, ...]:
    return tuple(
        Record(
            rrset.name.to_text(omit_final_dot=True),
            dns.rdatatype.to_text(rrset.rdtype),
            int(rrset.ttl),
            rdata.to_text(),
        )
        for rrset in section
        for rdata in rrset
        if rrset.rdclass == dns.rdataclass.IN
    )
