"""A nameserver's bytes over real sockets, UDP and TCP: one of the findings of names, in few words."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rrset

from airflow_provider_netconn.evidence import Finding, is_address
from airflow_provider_netconn.probing.dns_lookup import DnsAnswer, DnsClient
from tests.fuzz.peer import run

NAME = "orders.example.net"
TIMEOUT_S = 0.2
FINDINGS = {
    Finding.RESOLVED,
    Finding.NXDOMAIN,
    Finding.NODATA,
    Finding.SERVFAIL,
    Finding.DNS_REFUSED,
    Finding.DNS_TIMED_OUT,
    Finding.DNS_UNREACHABLE,
    Finding.DNS_MALFORMED,
}
MOST_KEPT = 20_000


def _answer(*records: tuple[str, str, str], rcode: int = 0, flags: int = 0) -> bytes:
    response = dns.message.make_response(dns.message.make_query(NAME, "A"), recursion_available=True)
    response.set_rcode(dns.rcode.Rcode(rcode))
    response.flags |= flags
    response.answer = [dns.rrset.from_text(owner, 60, "IN", rdtype, text) for owner, rdtype, text in records]
    return response.to_wire()[2:]


# What follows the number of the question, over UDP; and behind "TCP" what is sent over TCP, with its length before it.
TCP = b"TCP"
SEEDS = (
    _answer((f"{NAME}.", "A", "10.0.0.4")),
    _answer((f"{NAME}.", "CNAME", "a.example.net."), ("a.example.net.", "A", "10.0.0.4")),
    _answer(rcode=dns.rcode.NXDOMAIN),
    _answer(rcode=dns.rcode.SERVFAIL),
    _answer(flags=dns.flags.TC) + TCP + _answer((f"{NAME}.", "A", "10.0.0.4")),
)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, said: bytes) -> None:
        self.said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data[:2] + self.said, addr)


def holds(data: bytes) -> None:
    """Look a name up at a server that answers every question with the same bytes, behind the question's number."""
    answer = run(_looked_up(*data.split(TCP, 1)))
    assert answer.finding in FINDINGS, answer
    assert (answer.finding is Finding.RESOLVED) == bool(answer.answers), answer
    assert all(is_address(address) for address in answer.addresses), answer
    shown = [answer.question, answer.rcode or "", *answer.chain, *answer.errors]
    assert all(text.isprintable() for text in shown), answer
    assert len(json.dumps(shown)) < MOST_KEPT, answer


async def _looked_up(by_udp: bytes, by_tcp: bytes = b"") -> DnsAnswer:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError), contextlib.closing(writer):
            query = await reader.readexactly(4)
            writer.write(struct.pack("!H", len(by_tcp) + 2) + query[2:] + by_tcp)

    loop = asyncio.get_running_loop()
    udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(by_udp), local_addr=("127.0.0.1", 0))
    port = udp.get_extra_info("sockname")[1]
    tcp = None
    try:
        # Somebody else may have the same port in TCP: then it is as if this one did not serve TCP.
        with contextlib.suppress(OSError):
            tcp = await asyncio.start_server(serve, "127.0.0.1", port)
        client = DnsClient(nameserver=("127.0.0.1", port))
        client.load()
        async with asyncio.timeout(TIMEOUT_S * 100):
            return await client.addresses(NAME, TIMEOUT_S)
    finally:
        udp.close()
        if tcp is not None:
            tcp.close()
            await tcp.wait_closed()
