"""Asking the lab's DNS servers over the wire, and what they say in a form that is easy to compare."""

from __future__ import annotations

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from tests.lab.names import landscape

LIMIT_S = 5.0
SILENCE_S = 0.5


def place(lab, view):
    """:return: host and port of a view: a network's name, ``internet``, or a server of the seed behind ``@``"""
    if view == "internet":
        return lab.name_server()
    return lab.name_server(server=view[1:]) if view[0] == "@" else lab.name_server(landscape.network_id(view))


def message(lab, view, question, *, limit_s=LIMIT_S, over=dns.query.udp, **options):
    """:return: the answer as dnspython reads it"""
    name, _, record_type = question.partition(" ")
    host, port = place(lab, view)
    return over(dns.message.make_query(name, record_type or "A", **options), host, port=port, timeout=limit_s)


def ask(lab, view, question, **options):
    """:return: type, data and TTL of each record, and how it ends where that is not well"""
    try:
        found = message(lab, view, question, **options)
    except dns.exception.Timeout:
        return ["nothing"]
    records = [
        (dns.rdatatype.to_text(rrset.rdtype), rdata.to_text(), rrset.ttl) for rrset in found.answer for rdata in rrset
    ]
    rcode = dns.rcode.to_text(found.rcode())
    wanted = question.partition(" ")[2] or "A"
    if rcode == "NOERROR" and not any(record[0] == wanted for record in records):
        rcode = "NODATA"
    return records if rcode == "NOERROR" else [*records, rcode]


def addresses(lab, view, name, **options):
    """:return: the addresses of a name, sorted; or how it ends"""
    found = ask(lab, view, f"{name} A", **options)
    return sorted(record[1] for record in found if record[0] == "A") or found[-1]
