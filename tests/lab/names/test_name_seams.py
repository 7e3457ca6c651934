"""The seams to the rooms beside: which addresses answers carry, where servers listen; and what the seed may say."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.errors import SeedError
from airflow_provider_netconn.lab.faults import FaultBook
from airflow_provider_netconn.lab.names.addresses import AsTheyAre
from airflow_provider_netconn.lab.names.own_servers import OwnServer
from airflow_provider_netconn.lab.names.public_names import PublicNames
from airflow_provider_netconn.lab.names.resolution import Resolver
from airflow_provider_netconn.lab.names.values import NOBODY, NOERROR, PUBLIC, Answer, Question, Record, View
from airflow_provider_netconn.lab.names.views import Views
from airflow_provider_netconn.lab.seed import read_seed
from tests.lab.handling.seeds import SMALL
from tests.lab.names import landscape
from tests.lab.names.asking import addresses


class Shown:
    """Shows addresses as some of 127/8, and remembers who asked."""

    def __init__(self):
        self.asked = set()

    def shown(self, address, network_id):
        self.asked.add((address, network_id))
        return "127.5." + ".".join(address.split(".")[2:])


def resolver(lab, **options):
    local = lab.local
    parts = {"public": local.names.public, "servers": local.seed.dns_servers, "addresses": AsTheyAre(), **options}
    parts.setdefault("exchange", never)
    return Resolver(local.plane, **parts)


async def never(target, question):
    raise AssertionError(f"{target} lies in the landscape, and is asked for {question}")


def test_answers_carry_the_addresses_shown_to_the_asker_s_network(named):
    shown = Shown()
    found = asyncio.run(
        resolver(named, addresses=shown).resolve(
            View(network=landscape.network_id("spoke")), Question("fabrikam.vault.azure.net", "A")
        )
    )
    assert found.records[-1].data == "127.5.1.5"
    assert shown.asked == {("10.110.1.5", landscape.network_id("spoke"))}


def test_what_a_real_server_answers_is_passed_on_as_it_is(named):
    asked = []

    async def exchange(target, question):
        asked.append(target)
        return Answer(NOERROR, (Record(question.name, "A", 5, "192.0.2.1", is_foreign=True),))

    servers = [OwnServer(name="s", address="192.168.0.1", forwards=())]
    outside = resolver(named, addresses=Shown(), exchange=exchange, servers=servers)
    question = Question("x.real.example", "A")
    found = asyncio.run(outside._ask([("203.0.113.5", 53)], question, walk(), None))
    assert found.records[0].data == "192.0.2.1"
    assert asked == [("203.0.113.5", 53)]


def walk():
    from airflow_provider_netconn.lab.names.resolution import _Walk

    return _Walk()


@pytest.mark.parametrize("address", ["10.115.0.99", "192.168.77.1", "198.18.5.5", "198.19.5.5", "168.63.129.16"])
def test_addresses_of_the_landscape_are_never_asked_outside(named, address):
    found = asyncio.run(resolver(named)._ask([(address, 53)], Question("x.example", "A"), walk(), None))
    assert found == NOBODY


def test_azure_s_view_is_there_for_networks_with_servers_of_their_own(named):
    host, port = named._call(
        lambda: named.local.names.address(View(network=landscape.network_id("by-nobody"), at_azure=True))
    )
    import dns.message
    import dns.query

    query = dns.message.make_query("plain.blob.core.windows.net", "A")
    assert dns.query.udp(query, host, port=port, timeout=5).answer
    assert addresses(named, "by-nobody", "plain.blob.core.windows.net", limit_s=0.3) == "nothing"


def test_servers_listen_where_they_are_told_to(named):
    async def where():
        views = Views(
            named.local.plane,
            servers=(),
            addresses=AsTheyAre(),
            faults=FaultBook(),
            clock=Clock(),
            where=lambda view: ("127.0.0.3" if view == PUBLIC else "127.0.0.4", 0),
        )
        async with views:
            places = views.directory()
        return places["public"]["address"], {place["address"] for place in places["networks"].values()}

    assert asyncio.run(where()) == ("127.0.0.3", {"127.0.0.4"})


def test_addresses_of_names_do_not_change_while_the_lab_lives(named):
    names = PublicNames(named.local.plane)
    first = {name: names.address_of(name) for name in (f"a{number}.blob.core.windows.net" for number in range(500))}
    assert len(set(first.values())) == 500
    assert {name: names.address_of(name.upper()) for name in first} == first


@pytest.mark.parametrize(("entry", "says"), [
    ("{name: s}", "dns_servers\\[0\\].address: nothing is no text"),
    ("{name: s, address: here}", "'here' is no address"),
    ("{name: s, address: 10.0.0.4, port: 0}", "0 is no port"),
    ("{name: s, address: 10.0.0.4, record: []}", "unknown key; did you mean 'records'"),
    ("{name: s, address: 10.0.0.4, records: [{name: a.b}]}", "values is missing"),
    ("{name: s, address: 10.0.0.4, records: [{name: a.b, type: B, values: [x]}]}", "'B' is not a record type"),
    ("{name: s, address: 10.0.0.4, records: [{name: a.b, values: [x]}]}", "'x' is no data of a A record"),
    ("{name: s, address: 10.0.0.4, records: [{name: a.b, ttl: -1, values: [10.0.0.1]}]}", "-1 is no TTL"),
    ("{name: s, address: 10.0.0.4, records: [{name: a.b, type: MX, values: [mail]}]}", "'mail' is no data of a MX"),
    ("{name: s, address: 10.0.0.4, forwards: [{domain: a.b}]}", "to is missing"),
    ("{name: s, address: 10.0.0.4, forwards: [{domain: a.b, to: ['10.0.0.1:x']}]}", "'x' is no port"),
])  # fmt: skip
def test_a_server_of_the_seed_that_makes_no_sense_is_refused_with_its_place(entry, says):
    with pytest.raises(SeedError, match=f"seed.yaml:\\d+: dns_servers.*{says.split(': ')[-1]}"):
        read_seed("seed.yaml", f"{SMALL}\ndns_servers:\n  - {entry}\n")


def test_two_servers_at_one_address_are_refused():
    entries = "  - {name: a, address: 10.0.0.4}\n  - {name: b, address: 10.0.0.4}\n"
    with pytest.raises(SeedError, match=r"10\.0\.0\.4 is a's"):
        read_seed("seed.yaml", f"{SMALL}\ndns_servers:\n{entries}")
