"""What the resolve stage sees of a real nameserver, good and broken. All of it, and every packet, on loopback."""

from __future__ import annotations

import functools

import dns.asyncresolver
import pytest

from airflow_provider_netconn.evidence import Finding, Stage
from testbed.endpoints import (
    ClosedPort,
    DnsFault,
    DnsServer,
)
from tests.e2e.probing.seen import NAME, stage_of


@pytest.fixture
def resolved(dns_server):
    async def resolve(name=NAME, **options):
        options = {"nameserver": dns_server.nameserver, "last_stage": Stage.RESOLVE, "timeout_s": 5} | options
        return await stage_of(Stage.RESOLVE, f"{name}:443", **options)

    return resolve


async def test_every_address_of_both_kinds_is_seen_with_its_ttl(dns_server, resolved):
    dns_server.set(NAME, "127.0.0.2", "127.0.0.3", "::1", ttl=37)
    result = await resolved()
    assert {(a["address"], a["ttl"], a["type"]) for a in result.detail["dns"]["answers"]} == {
        ("127.0.0.2", 37, "A"),
        ("127.0.0.3", 37, "A"),
        ("::1", 37, "AAAA"),
    }


async def test_the_alias_chain_is_seen_in_order(dns_server, resolved):
    dns_server.set(NAME, alias="A.example.net")
    dns_server.set("a.example.net", alias="b.privatelink.example.net")
    dns_server.set("b.privatelink.example.net", "127.0.0.2")
    result = await resolved()
    assert result.detail["dns"]["chain"] == ["a.example.net", "b.privatelink.example.net"]


async def test_the_server_that_answered_is_named(dns_server, resolved):
    dns_server.set(NAME, "127.0.0.2")
    assert (await resolved()).detail["dns"]["server"] == dns_server.nameserver


async def test_an_ipv6_nameserver_answers_and_is_named(resolved):
    with DnsServer(host="::1") as server:
        server.set(NAME, "127.0.0.2")
        result = await resolved(nameserver=server.nameserver)
    assert (result.finding, result.detail["dns"]["server"]) == (Finding.RESOLVED, server.nameserver)


async def test_a_truncated_answer_is_asked_again_over_tcp(dns_server, resolved):
    dns_server.set(NAME, "127.0.0.2", fault=DnsFault.TRUNCATED)
    assert (await resolved()).detail["addresses"] == ["127.0.0.2"]
    assert dns_server.count(NAME, "tcp") > 0


async def test_more_addresses_than_fit_a_datagram_are_all_seen(dns_server, resolved):
    addresses = [f"127.0.{i}.{j}" for i in range(2) for j in range(1, 101)]
    dns_server.set(NAME, *addresses)
    assert set((await resolved()).detail["addresses"]) == set(addresses)


@pytest.mark.parametrize(
    ("entry", "finding"),
    [
        ({"rcode": "NXDOMAIN"}, Finding.NXDOMAIN),
        ({}, Finding.NODATA),
        ({"rcode": "SERVFAIL"}, Finding.SERVFAIL),
        ({"rcode": "REFUSED"}, Finding.DNS_REFUSED),
        ({"rcode": "FORMERR"}, Finding.DNS_MALFORMED),
        ({"alias": NAME}, Finding.DNS_MALFORMED),
        ({"alias": "loop.example.net"}, Finding.DNS_MALFORMED),
        ({"fault": DnsFault.SILENT}, Finding.DNS_TIMED_OUT),
        ({"fault": DnsFault.MALFORMED}, Finding.DNS_MALFORMED),
    ],
)
async def test_what_keeps_a_name_from_resolving_is_told_apart(dns_server, resolved, entry, finding):
    dns_server.set("loop.example.net", alias=NAME)
    dns_server.set(NAME, **entry)
    limit = 1 if "fault" in entry else 5
    assert (await resolved(timeout_s=limit)).finding is finding


@pytest.mark.parametrize("entry", [{"rcode": "NXDOMAIN"}, {}, {"rcode": "SERVFAIL"}, {"fault": DnsFault.SILENT}])
async def test_the_server_that_failed_is_named(dns_server, resolved, entry):
    dns_server.set(NAME, **entry)
    result = await resolved(timeout_s=1)
    assert result.detail["dns"]["server"] == dns_server.nameserver


async def test_a_port_where_no_nameserver_listens_is_unreachable(resolved):
    with ClosedPort() as closed:
        result = await resolved(nameserver=f"127.0.0.1:{closed.port}", timeout_s=3)
    assert result.finding in (Finding.DNS_UNREACHABLE, Finding.DNS_TIMED_OUT)


async def test_a_chain_that_ends_in_nothing_is_kept(dns_server, resolved):
    dns_server.set(NAME, alias="orders.privatelink.blob.core.windows.net")
    result = await resolved()
    assert (result.finding, result.detail["dns"]["chain"]) == (
        Finding.NXDOMAIN,
        ["orders.privatelink.blob.core.windows.net"],
    )


async def test_one_kind_of_address_is_enough_where_the_other_fails(resolved):
    class NoIpv6(DnsServer):
        async def answer(self, wire, transport):
            answer = await super().answer(wire, transport)
            return None if b"\x00\x1c\x00\x01" in wire[12:] else answer

    with NoIpv6() as server:
        server.set(NAME, "127.0.0.2")
        result = await resolved(nameserver=server.nameserver, timeout_s=1)
    assert (result.finding, result.detail["addresses"]) == (Finding.RESOLVED, ["127.0.0.2"])


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Give this system search domains and ndots, as resolv.conf has them."""

    def write(ndots=1):
        configuration = tmp_path / "resolv.conf"
        configuration.write_text(f"nameserver 127.0.0.1\nsearch corp.example other.example\noptions ndots:{ndots}\n")
        own = functools.partial(dns.asyncresolver.Resolver, filename=str(configuration))
        monkeypatch.setattr(dns.asyncresolver, "Resolver", own)

    return write


@pytest.mark.parametrize(
    ("name", "ndots", "asked_first"),
    [
        ("web", 1, "web.corp.example"),
        ("web.sub", 1, "web.sub"),
        ("web.sub", 5, "web.sub.corp.example"),
        ("web.sub.", 5, "web.sub"),
    ],
)
async def test_search_domains_and_ndots_of_the_system_count(dns_server, resolved, search, name, ndots, asked_first):
    search(ndots)
    await resolved(name)
    assert dns_server.queries[0].name == asked_first


async def test_the_question_that_was_answered_is_named_with_its_search_domain(dns_server, resolved, search):
    search()
    dns_server.set("web.other.example", "127.0.0.2")
    assert (await resolved("web")).detail["dns"]["question"] == "web.other.example"


async def test_a_given_nameserver_is_dialled_and_the_hosts_file_stands_beside_it(dns_server, resolved):
    dns_server.set("localhost", "127.0.0.9")
    detail = (await resolved("localhost")).detail
    assert (detail["addresses"], detail["system"]["addresses"], detail["disagree"]) == (
        ["127.0.0.9"],
        ["127.0.0.1"],
        True,
    )


async def test_without_a_given_nameserver_the_systems_answer_is_dialled(
    dns_server, system_answers, monkeypatch, tmp_path
):
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.1\n")

    class OnOurPort(dns.asyncresolver.Resolver):
        def __init__(self):
            super().__init__(filename=str(configuration))
            self.port = dns_server.port

    monkeypatch.setattr(dns.asyncresolver, "Resolver", OnOurPort)
    dns_server.set(NAME, "127.0.0.9")
    system_answers[NAME] = ("127.0.0.1", "127.0.0.2")
    result = await stage_of(Stage.RESOLVE, f"{NAME}:443", last_stage=Stage.RESOLVE)
    assert (result.detail["addresses"], result.detail["source"]) == (["127.0.0.1", "127.0.0.2"], "system")
    del system_answers[NAME]
    result = await stage_of(Stage.RESOLVE, f"{NAME}:443", last_stage=Stage.RESOLVE)
    assert result.finding is Finding.NOT_RESOLVED


async def test_an_address_is_not_looked_up(dns_server, resolved):
    result = await resolved("127.0.0.1")
    assert (result.finding, dns_server.queries) == (Finding.LITERAL, [])
