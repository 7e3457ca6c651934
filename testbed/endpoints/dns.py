"""A DNS server over UDP and TCP whose answers can be changed while it runs."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from dataclasses import dataclass
from enum import Enum

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from testbed.endpoints.base import Endpoint, TcpServer

_MAX_CHAIN = 16
_MAX_TCP_SIZE = 65535
_PLAIN_UDP_SIZE = 512
_PORT_ATTEMPTS = 20
_TRANSIENT_RCODES = frozenset({dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR, dns.rcode.NOTIMP})


class DnsFault(Enum):
    """What goes wrong with the answer of a name."""

    SILENT = "silent"
    """No answer at all: the client times out."""
    TRUNCATED = "truncated"
    """Over UDP an empty answer with the TC bit; over TCP the full one."""
    MALFORMED = "malformed"
    """The right id, then octets that are no DNS message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsQuery:
    """One question that was asked."""

    name: str
    rdtype: str
    transport: str
    """``udp`` or ``tcp``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    addresses: tuple[str, ...] = ()
    alias: dns.name.Name | None = None
    ttl: int = 60
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    fault: DnsFault | None = None
    delay_s: float = 0.0


class DnsServer(Endpoint):
    """Answers as a recursive resolver does: it follows its own aliases and puts the whole chain into the answer.

    A name it does not know is NXDOMAIN; one without addresses of the asked kind is NODATA. Where a chain of aliases
    ends in an unknown name, the answer holds the chain and the rcode is NXDOMAIN: so answers Azure when a linked
    private zone lacks the record. What is too long for UDP is truncated.

    :param default_rcode: the answer to names it does not know
    :param tcp: whether it answers over TCP; if not, the TCP port refuses
    """

    def __init__(
        self, *, default_rcode: str = "NXDOMAIN", tcp: bool = True, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(host=host, port=port)
        self._default = _Entry(rcode=dns.rcode.from_text(default_rcode))
        self._serves_tcp = tcp
        self._entries: dict[dns.name.Name, _Entry] = {}
        self._queries: list[DnsQuery] = []
        self._lock = threading.Lock()
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: _DnsTcpServer | None = None
        self._pending: set[asyncio.Task[None]] = set()

    @property
    def nameserver(self) -> str:
        """``IP:PORT``, or ``[IPV6]:PORT``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def set(
        self,
        name: str,
        *addresses: str,
        alias: str | None = None,
        ttl: int = 60,
        rcode: str = "NOERROR",
        fault: DnsFault | None = None,
        delay_s: float = 0.0,
    ) -> None:
        """Say what the name answers from now on, in place of all that was said before.

        :param addresses: IPv4 and IPv6 addresses; none, and neither alias nor rcode, means NODATA
        :param alias: the name that a CNAME points to
        :param ttl: TTL of the records, in seconds
        :param rcode: such as ``NXDOMAIN``, ``SERVFAIL``, ``REFUSED``
        :param fault: what goes wrong; that of the last name of a chain counts
        :param delay_s: how long the answer takes; that of the last name of a chain counts
        """
        for address in addresses:
            ipaddress.ip_address(address)
        entry = _Entry(
            addresses=addresses,
            alias=dns.name.from_text(alias) if alias else None,
            ttl=ttl,
            rcode=dns.rcode.from_text(rcode),
            fault=fault,
            delay_s=delay_s,
        )
        with self._lock:
            self._entries[_key(name)] = entry

    def remove(self, name: str) -> None:
        """Forget the name: from now on the answer is the default one, NXDOMAIN."""
        with self._lock:
            self._entries.pop(_key(name), None)

    @property
    def queries(self) -> list[DnsQuery]:
        """All questions so far, in order."""
        with self._lock:
            return list(self._queries)

    def count(self, name: str, transport: str | None = None) -> int:
        """How often the name was asked for, of any record type, over that transport (``udp``, ``tcp``) or over both."""
        wanted = _key(name)
        return sum(_key(q.name) == wanted and transport in {None, q.transport} for q in self.queries)

    async def _open(self) -> None:
        for attempt in range(_PORT_ATTEMPTS):
            try:
                await self._open_on(self.port)
            except OSError:
                await self._close()
                # A free UDP port may be taken in TCP: try another, unless the caller asked for this one.
                if self.port or attempt == _PORT_ATTEMPTS - 1:
                    raise
            else:
                return

    async def _open_on(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _UdpProtocol(self), local_addr=(self.host, port), family=family
        )
        port = self._udp.get_extra_info("sockname")[1]
        if self._serves_tcp:
            self._tcp = _DnsTcpServer(self, host=self.host, port=port)
            await self._tcp._open()
        self.port = port

    async def _close(self) -> None:
        for task in list(self._pending):
            task.cancel()
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            await self._tcp._close()
        self._udp = self._tcp = None
        await asyncio.sleep(0)

    def answer_udp(self, wire: bytes, client: tuple[str, int]) -> None:
        """Answer a datagram, when the answer is due."""
        task = asyncio.get_running_loop().create_task(self._answer_udp(wire, client))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _answer_udp(self, wire: bytes, client: tuple[str, int]) -> None:
        answer = await self.answer(wire, "udp")
        if answer is not None and self._udp is not None:
            self._udp.sendto(answer, client)

    async def answer(self, wire: bytes, transport: str) -> bytes | None:
        """The answer to a query in wire form; None where there shall be none."""
        try:
            query = dns.message.from_wire(wire)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        asked = DnsQuery(
            name=question.name.to_text(omit_final_dot=True),
            rdtype=dns.rdatatype.to_text(question.rdtype),
            transport=transport,
        )
        with self._lock:
            self._queries.append(asked)
            response, last = self._respond(query)
        await asyncio.sleep(last.delay_s)
        if last.fault is DnsFault.SILENT:
            return None
        if last.fault is DnsFault.MALFORMED:
            return response.to_wire()[:12] + b"\xff" * 7
        if transport == "tcp":
            return response.to_wire(max_size=_MAX_TCP_SIZE)
        try:
            if last.fault is not DnsFault.TRUNCATED:
                return response.to_wire(max_size=query.payload or _PLAIN_UDP_SIZE)
        except dns.exception.TooBig:
            pass
        return _truncated(query).to_wire()

    def _respond(self, query: dns.message.Message) -> tuple[dns.message.Message, _Entry]:
        """The response, and the entry at the end of the chain."""
        question = query.question[0]
        response = dns.message.make_response(query, recursion_available=True)
        name = question.name
        for _ in range(_MAX_CHAIN):
            entry = self._entries.get(_fold(name), self._default)
            # A name with an rcode of its own is not followed further.
            if entry.alias is None or entry.rcode is not dns.rcode.NOERROR:
                break
            response.answer.append(_rrset(name, entry.ttl, dns.rdatatype.CNAME, entry.alias.to_text()))
            name = entry.alias
        response.set_rcode(entry.rcode)
        if entry.rcode in _TRANSIENT_RCODES:
            response.answer.clear()
        elif entry.rcode == dns.rcode.NOERROR:
            kind = 6 if question.rdtype == dns.rdatatype.AAAA else 4
            values = [a for a in entry.addresses if ipaddress.ip_address(a).version == kind]
            if values and question.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}:
                response.answer.append(_rrset(name, entry.ttl, question.rdtype, *values))
        return response, entry


class _DnsTcpServer(TcpServer):
    """DNS over TCP: messages with their length before them (RFC 1035, section 4.2.2)."""

    def __init__(self, server: DnsServer, *, host: str, port: int) -> None:
        super().__init__(host=host, port=port)
        self._server_of_names = server

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer queries until the peer leaves."""
        while True:
            length = int.from_bytes(await reader.readexactly(2))
            answer = await self._server_of_names.answer(await reader.readexactly(length), "tcp")
            if answer is not None:
                writer.write(len(answer).to_bytes(2) + answer)
                await writer.drain()


class _UdpProtocol(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.answer_udp(data, addr)


def _key(name: str) -> dns.name.Name:
    return _fold(dns.name.from_text(name))


def _fold(name: dns.name.Name) -> dns.name.Name:
    return name.canonicalize()


def _rrset(name: dns.name.Name, ttl: int, rdtype: dns.rdatatype.RdataType, *values: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(name, ttl, dns.rdataclass.IN, rdtype, *values)


def _truncated(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.TC
    return response
