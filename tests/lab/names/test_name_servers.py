"""The wire: truncation, EDNS, TCP, what is no query; real servers behind forwarding rules; faults; the journal."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.resolver
import dns.rrset
import pytest

from airflow_provider_netconn.lab.errors import FaultError, LabError
from airflow_provider_netconn.lab.names.servers import sockets
from airflow_provider_netconn.lab.testing import AzureLabNetwork
from tests.lab.names import landscape
from tests.lab.names.asking import addresses, ask, message, place

BLOB = "storageaccounta.blob.core.windows.net"


@pytest.fixture
def faulty(named):
    """The lab of the cases, without faults before and after."""
    named.local.faults.clear()
    yield named
    named.local.faults.clear()


def test_too_long_an_answer_is_cut_over_udp_and_whole_over_tcp(named):
    path = f"{landscape.NETWORK}/privateDnsZones/contoso.com/TXT/long"
    texts = [{"value": [str(number) * 250]} for number in range(8)]
    named.put(path, {"properties": {"ttl": 60, "txtRecords": texts}})
    for options in ({}, {"use_edns": 0, "payload": 4096}, {"use_edns": 0, "payload": 100}):
        cut = message(named, "hub", "long.contoso.com TXT", **options)
        assert cut.flags & dns.flags.TC
        assert not cut.answer
    whole = message(named, "hub", "long.contoso.com TXT", over=dns.query.tcp)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 8
    assert (
        message(named, "hub", "long.contoso.com TXT", over=dns.query.tcp, use_edns=0, payload=512).answer
        == whole.answer
    )


def test_edns_makes_room(named):
    path = f"{landscape.NETWORK}/privateDnsZones/contoso.com/TXT/middle"
    texts = [{"value": [str(number) * 250]} for number in range(3)]
    named.put(path, {"properties": {"ttl": 60, "txtRecords": texts}})
    assert message(named, "hub", "middle.contoso.com TXT").flags & dns.flags.TC
    found = message(named, "hub", "middle.contoso.com TXT", use_edns=0, payload=1232)
    assert len(found.answer[0]) == 3
    assert found.edns == 0


def test_negative_answers_carry_the_start_of_authority(named):
    private = message(named, "hub", "partner.privatelink.blob.core.windows.net A")
    assert private.authority[0].name.to_text() == "privatelink.blob.core.windows.net."
    assert private.authority[0].ttl == 10  # minimumTtl (RFC 2308)
    public = message(named, "internet", "nowhere.example.com A")
    assert public.rcode() == dns.rcode.NXDOMAIN
    assert public.authority[0].rdtype == dns.rdatatype.SOA


def test_a_failure_says_why_to_those_who_can_read_it(named):
    found = message(named, "spoke", "deaf.example A", use_edns=0)
    assert [option.text for option in found.options if isinstance(option, dns.edns.EDEOption)] == [
        "no server of the forwarding rule for deaf.example. answers: 10.111.0.98:53, 10.111.0.99:53"
    ]
    assert not message(named, "spoke", "deaf.example A").options


def test_what_is_no_plain_query_is_refused_as_it_should_be(named):
    host, port = place(named, "hub")

    def rcode(query):
        return dns.query.udp(query, host, port=port, timeout=5).rcode()

    notify = dns.message.make_query("contoso.com", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    assert rcode(notify) == dns.rcode.NOTIMP
    chaos = dns.message.make_query("version.bind", "TXT", rdclass=dns.rdataclass.CH)
    assert rcode(chaos) == dns.rcode.REFUSED
    assert rcode(dns.message.make_query("contoso.com", "ANY")) == dns.rcode.NOTIMP
    newer = dns.message.make_query("www.contoso.com", "A", use_edns=1)
    assert rcode(newer) == dns.rcode.BADVERS
    transfer = dns.message.make_query("contoso.com", "AXFR")
    assert dns.query.tcp(transfer, host, port=port, timeout=5).rcode() == dns.rcode.REFUSED


def test_garbage_does_not_harm(named):
    host, port = place(named, "hub")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        client.connect((host, port))
        client.send(b"\x12\x34\x01\x00\x00\x01" + b"\x00" * 6 + b"\xff\xff")  # a header, and no question
        answer = client.recv(512)
        assert answer[:2] == b"\x12\x34"
        assert answer[3] & 15 == dns.rcode.FORMERR
        for silent in (b"", b"\x00", b"\x12\x34\x81\x00" + b"\x00" * 8):  # the last one is a response
            client.send(silent)
            with pytest.raises(TimeoutError):
                client.recv(512)
    assert addresses(named, "hub", BLOB) == ["10.110.1.4"]


def test_several_queries_in_one_connection(named):
    host, port = place(named, "hub")
    with socket.create_connection((host, port), timeout=5) as connection:
        for name in (BLOB, "www.contoso.com"):
            query = dns.message.make_query(name, "A")
            dns.query.send_tcp(connection, query)
            answer, _ = dns.query.receive_tcp(connection)
            assert query.is_response(answer)
            assert answer.answer


# -- real servers -----------------------------------------------------------------------------------


class RealServer(threading.Thread):
    """A DNS server on loopback, outside the lab: answers what it is told to, over UDP and TCP."""

    def __init__(self, answers, *, silent=False):
        super().__init__(daemon=True)
        self.answers, self.silent, self.asked = answers, silent, []
        self.datagrams, self.stream = sockets("127.0.0.1")
        for one in (self.datagrams, self.stream):
            one.setblocking(True)
        self.port = self.datagrams.getsockname()[1]

    def run(self):
        threading.Thread(target=self.run_tcp, daemon=True).start()
        with contextlib.suppress(OSError):
            while True:
                data, address = self.datagrams.recvfrom(4096)
                if not self.silent:
                    self.datagrams.sendto(self.answer(data).to_wire(max_size=1232, prefer_truncation=True), address)

    def run_tcp(self):
        with contextlib.suppress(OSError, EOFError):
            while True:
                connection, _ = self.stream.accept()
                with connection:
                    query, _ = dns.query.receive_tcp(connection)
                    dns.query.send_tcp(connection, self.answer(query.to_wire()).to_wire(max_size=65535))

    def answer(self, data):
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].to_text())
        answer = dns.message.make_response(query)
        found = self.answers.get(query.question[0].name.to_text(omit_final_dot=True))
        if found is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer.answer = [dns.rrset.from_text(*found)]
        return answer

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.datagrams.close()
        self.stream.close()


def forward(lab, domain, *ports):
    targets = [{"ipAddress": "127.0.0.1", "port": port} for port in ports]
    name = domain.strip(".").replace(".", "-")
    path = f"{landscape.NETWORK}/dnsForwardingRulesets/spoke/forwardingRules/{name}"
    lab.put(path, landscape.rule(domain, targets))


def test_a_rule_leads_to_a_real_server(named):
    answers = {
        "host.real.example": ("host.real.example.", 77, "IN", "A", "192.0.2.7"),
        "away.real.example": ("away.real.example.", 60, "IN", "CNAME", "fabrikam.vault.azure.net."),
        "long.real.example": ("long.real.example.", 60, "IN", "TXT", *(f'"{number:0250}"' for number in range(9))),
    }
    with RealServer(answers) as server:
        forward(named, "real.example.", server.port)
        assert ask(named, "spoke", "host.real.example A") == [("A", "192.0.2.7", 77)]
        assert ask(named, "spoke", "other.real.example A") == ["NXDOMAIN"]
        # An alias that it does not follow is looked up as the network resolves.
        assert addresses(named, "spoke", "away.real.example") == ["10.110.1.5"]
        whole = message(named, "spoke", "long.real.example TXT", over=dns.query.tcp)
        assert len(whole.answer[0]) == 9
        assert addresses(named, "hub", "host.real.example") == "NXDOMAIN"  # not linked to the ruleset
    assert server.asked[0] == "host.real.example. IN A"


def test_the_next_server_is_asked_where_one_is_silent(named):
    answers = {"host.slow.example": ("host.slow.example.", 60, "IN", "A", "192.0.2.8")}
    with RealServer(answers, silent=True) as silent, RealServer(answers) as server:
        forward(named, "slow.example.", silent.port, server.port)
        assert addresses(named, "spoke", "host.slow.example") == ["192.0.2.8"]


def test_waiting_for_a_real_server_holds_up_nobody(named):
    with RealServer({}, silent=True) as silent:
        forward(named, "mute.example.", silent.port)
        waiting = threading.Thread(target=ask, args=(named, "spoke", "host.mute.example A"))
        waiting.start()
        time.sleep(0.1)
        started = time.monotonic()
        assert addresses(named, "spoke", "mail.contoso.com") == ["192.168.0.40"]
        assert time.monotonic() - started < 1
        assert waiting.is_alive()
        waiting.join(10)
        assert ask(named, "spoke", "host.mute.example A") == ["SERVFAIL"]


# -- faults and the journal ---------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "wanted"), [
    ("dns-servfail", ["SERVFAIL"]),
    ("dns-refused", ["REFUSED"]),
    ("dns-nxdomain", ["NXDOMAIN"]),
    ("dns-timeout", ["nothing"]),
    ("dns-address:203.0.113.7", [("A", "203.0.113.7", 10)]),
    ("dns-address:2001:db8::7", ["NODATA"]),
])  # fmt: skip
def test_a_fault_meets_the_queries_that_it_is_about(faulty, fault, wanted):
    told = faulty.fault(fault, path=BLOB, method="A", query="virtualNetworks/hub", times=1)
    assert addresses(faulty, "internet", BLOB)[0].startswith("198.")
    assert ask(faulty, "hub", "www.contoso.com A")[0][0] == "A"
    assert told.applied == 0
    assert ask(faulty, "hub", f"{BLOB} A", limit_s=0.5) == wanted
    assert told.applied == 1
    assert addresses(faulty, "hub", BLOB) == ["10.110.1.4"]


def test_a_late_answer_is_the_true_one(faulty):
    faulty.fault("dns-late:0.4", path=BLOB)
    started = time.monotonic()
    assert addresses(faulty, "hub", BLOB) == ["10.110.1.4"]
    assert time.monotonic() - started >= 0.4


def test_a_truncated_answer_sends_clients_to_tcp(faulty):
    faulty.fault("dns-truncated", path=BLOB, times=2)
    assert message(faulty, "hub", f"{BLOB} A").flags & dns.flags.TC
    assert message(faulty, "hub", f"{BLOB} A", over=dns.query.tcp).answer


def test_a_stale_answer_outlives_the_change(changing):
    assert addresses(changing, "hub", BLOB) == ["10.110.1.4"]
    fault = changing.fault("dns-stale", path=BLOB, share=1.0)
    zone = f"{landscape.NETWORK}/privateDnsZones/privatelink.blob.core.windows.net"
    changing.delete(f"{zone}/virtualNetworkLinks/hub")
    assert addresses(changing, "hub", BLOB) == ["10.110.1.4"]
    assert addresses(changing, "hub", BLOB) == ["10.110.1.4"]
    changing.local.faults.remove(fault.number)
    assert addresses(changing, "hub", BLOB)[0].startswith("198.")


def test_faults_of_requests_and_of_names_do_not_meet(faulty):
    faulty.fault("server-error:503", share=1.0)
    assert addresses(faulty, "hub", BLOB) == ["10.110.1.4"]
    faulty.fault("dns-servfail", share=1.0)
    assert faulty.local.faults.take("arm", "GET", "/subscriptions", "").rule.fault == "server-error:503"
    for rule in ({"service": "arm"}, {"method": "PUT"}):
        with pytest.raises(FaultError):
            faulty.fault("dns-servfail", **rule)
    with pytest.raises(FaultError):
        faulty.fault("server-error:503", service="dns")


def test_queries_are_written_down(faulty):
    faulty.local.names.journal.clear()
    faulty.fault("dns-servfail", path="www.contoso.com")
    ask(faulty, "hub", "www.contoso.com A")
    ask(faulty, "internet", "nowhere.example AAAA")
    first, second = faulty.queries()
    assert (first.method, first.path, first.status, first.fault) == ("A", "www.contoso.com", 2, "dns-servfail")
    assert first.query == landscape.network_id("hub").lower()
    assert (second.method, second.path, second.status, second.query) == ("AAAA", "nowhere.example", 3, "")
    assert faulty.queries(path="*.example") == [second]
    assert not faulty.journal(service="dns")  # those of the other services are by themselves


def test_the_fixture_gives_resolvers(azure_lab, azure_lab_network):
    assert isinstance(azure_lab_network, AzureLabNetwork)
    (network,) = azure_lab.networks("mine")
    answer = azure_lab_network.resolver(network).resolve("contosolake.blob.core.windows.net")
    assert answer.rrset[0].to_text().startswith("198.19.")
    assert azure_lab_network.resolver().resolve("contosolake.blob.core.windows.net").rrset == answer.rrset


def test_the_fixture_has_names_fail_where_it_is_told(azure_lab, azure_lab_network):
    (network,) = azure_lab.networks("mine")
    fault = azure_lab_network.fault("dns-nxdomain", name="*.blob.core.windows.net", network=network)
    assert azure_lab_network.resolver().resolve("contosolake.blob.core.windows.net")
    assert azure_lab_network.resolver(network).resolve("contoso-vault.vault.azure.net")
    with pytest.raises(dns.resolver.NXDOMAIN):
        azure_lab_network.resolver(network).resolve("contosolake.blob.core.windows.net")
    assert fault.applied == 1
    of_connections = azure_lab_network.fault("intercepted", name="contoso-vault.*")
    assert (of_connections.rule.host, of_connections.rule.path) == ("contoso-vault.*", None)
    with pytest.raises(LabError, match="on loopback nothing decides about packets"):
        azure_lab_network.fault("packets-drop")
