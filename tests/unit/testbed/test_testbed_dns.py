"""The testbed's DNS server answers as a resolver does, with the faults it is told to have."""

from __future__ import annotations

import socket
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from testbed.endpoints import DnsFault, DnsServer

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def dns_server():
    with DnsServer() as server:
        yield server


def ask(server, name, rdtype="A", *, transport=dns.query.udp, edns=False, timeout=2):
    query = dns.message.make_query(name, rdtype, use_edns=edns)
    return transport(query, server.host, port=server.port, timeout=timeout)


def values(response):
    """Kind and value of each record; sorted within a set, whose order dnspython shuffles."""
    kinds = [(dns.rdatatype.to_text(rrset.rdtype), rrset) for rrset in response.answer]
    return [(kind, value) for kind, rrset in kinds for value in sorted(item.to_text() for item in rrset)]


@pytest.mark.parametrize("transport", [dns.query.udp, dns.query.tcp])
def test_gives_addresses_of_the_asked_kind_with_their_ttl(dns_server, transport):
    dns_server.set("Db.Example.net", "10.0.0.4", "10.0.0.5", "fd00::4", ttl=17)
    response = ask(dns_server, "db.example.net", transport=transport)
    assert values(response) == [("A", "10.0.0.4"), ("A", "10.0.0.5")]
    assert response.answer[0].ttl == 17
    assert values(ask(dns_server, "db.example.net", "AAAA", transport=transport)) == [("AAAA", "fd00::4")]
    assert dns_server.count("db.example.net", "udp" if transport is dns.query.udp else "tcp") == 2
    assert dns_server.count("db.example.net") == 2


def test_an_answer_changes_while_it_runs(dns_server):
    dns_server.set("db.example.net", "127.200.0.4")
    assert values(ask(dns_server, "db.example.net")) == [("A", "127.200.0.4")]
    dns_server.set("db.example.net", alias="db.private.example.net")
    dns_server.set("db.private.example.net", "127.10.0.4")
    assert values(ask(dns_server, "db.example.net")) == [("CNAME", "db.private.example.net."), ("A", "127.10.0.4")]
    dns_server.remove("db.example.net")
    assert ask(dns_server, "db.example.net").rcode() == dns.rcode.NXDOMAIN


def test_a_chain_that_ends_nowhere_is_nxdomain_with_the_chain_in_the_answer(dns_server):
    dns_server.set("acct.blob.example.net", alias="acct.privatelink.blob.example.net")
    response = ask(dns_server, "acct.blob.example.net")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert values(response) == [("CNAME", "acct.privatelink.blob.example.net.")]


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED"])
def test_answers_with_that_rcode(dns_server, rcode):
    dns_server.set("db.example.net", rcode=rcode)
    response = ask(dns_server, "db.example.net")
    assert (response.rcode(), response.answer) == (dns.rcode.from_text(rcode), [])


def test_a_name_without_addresses_is_nodata(dns_server):
    dns_server.set("db.example.net")
    response = ask(dns_server, "db.example.net")
    assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, [])


def test_an_unknown_name_gets_the_default_rcode():
    with DnsServer(default_rcode="REFUSED") as server:
        assert ask(server, "other.example.net").rcode() == dns.rcode.REFUSED


def test_silent_means_that_the_client_times_out(dns_server):
    dns_server.set("db.example.net", fault=DnsFault.SILENT)
    with pytest.raises(dns.exception.Timeout):
        ask(dns_server, "db.example.net", timeout=0.3)
    with pytest.raises(dns.exception.Timeout):
        ask(dns_server, "db.example.net", transport=dns.query.tcp, timeout=0.3)


def test_truncated_over_udp_is_whole_over_tcp(dns_server):
    dns_server.set("db.example.net", "10.0.0.4", fault=DnsFault.TRUNCATED)
    response = ask(dns_server, "db.example.net")
    assert response.flags & dns.flags.TC
    assert response.answer == []
    assert values(ask(dns_server, "db.example.net", transport=dns.query.tcp)) == [("A", "10.0.0.4")]
    assert (dns_server.count("db.example.net", "udp"), dns_server.count("db.example.net", "tcp")) == (1, 1)


def test_what_is_too_long_for_udp_is_truncated_unless_edns_allows_it(dns_server):
    dns_server.set("db.example.net", *(f"10.0.1.{number}" for number in range(60)))
    assert ask(dns_server, "db.example.net").flags & dns.flags.TC
    assert len(values(ask(dns_server, "db.example.net", edns=True))) == 60


def test_without_tcp_the_tcp_port_refuses():
    with DnsServer(tcp=False) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, timeout=1)


def test_malformed_is_no_dns_message(dns_server):
    dns_server.set("db.example.net", "10.0.0.4", fault=DnsFault.MALFORMED)
    with pytest.raises(dns.exception.DNSException):
        ask(dns_server, "db.example.net", timeout=1)


def test_a_delay_holds_up_only_that_name(dns_server):
    dns_server.set("slow.example.net", "10.0.0.4", delay_s=0.4)
    dns_server.set("fast.example.net", "10.0.0.5")
    started = time.monotonic()
    ask(dns_server, "fast.example.net")
    assert time.monotonic() - started < 0.3
    ask(dns_server, "slow.example.net")
    assert time.monotonic() - started >= 0.4


def test_queries_tell_name_type_and_transport(dns_server):
    ask(dns_server, "db.example.net", "AAAA")
    (query,) = dns_server.queries
    assert (query.name, query.rdtype, query.transport) == ("db.example.net", "AAAA", "udp")


def test_a_taken_port_is_an_error_and_not_another_port(dns_server):
    with pytest.raises(OSError, match="in use"), DnsServer(port=dns_server.port):
        pass
