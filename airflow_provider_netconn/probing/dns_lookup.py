"""Ask nameservers for a name's addresses, keeping all that they said: rcode, CNAME chain, every answer, TTL.

dnspython does the asking: search domains, ndots, other servers in turn, TCP where an answer was truncated. Only where
none of that is called for, a shorter way comes first.
"""

from __future__ import annotations

import asyncio
import struct
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.evidence import Finding, bracketed
from airflow_provider_netconn.probing.dns_short import KINDS, Doubtful, Found, look
from airflow_provider_netconn.probing.dns_wire import BombError, ask_by_tcp, ask_by_udp, worth_reading

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.message
    import dns.nameserver
    import dns.resolver

SHORT_WAY_S = 0.5
"""How long an ordinary answer is waited for before dnspython asks again."""
QUERY_TIMEOUT_S = 2.0
"""How long one nameserver is waited for before the next try, as in glibc-like resolvers but shorter."""

MAX_BROKEN_BYTES = 512
"""How much is read of an answer that ends too soon, to say what is wrong with it."""

_EARLY: ContextVar[Doubtful | None] = ContextVar("early", default=None)
"""The answer to dnspython's first question that the short way has already brought."""
_RCODE_FINDINGS = {
    "SERVFAIL": Finding.SERVFAIL,
    "REFUSED": Finding.DNS_REFUSED,
    "NOTAUTH": Finding.DNS_REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswer:
    """What the nameservers said of one name.

    :param finding: RESOLVED, NXDOMAIN, NODATA, SERVFAIL, DNS_REFUSED, DNS_TIMED_OUT, DNS_UNREACHABLE or DNS_MALFORMED
    :param question: the name as it was asked last, with its search domain
    :param rcode: text of the response code; None where no answer came
    :param chain: the names that CNAME records led through, after the question
    :param answers: one object for each address: ``address``, ``ttl`` in seconds, ``type`` A or AAAA
    :param server: the nameserver that answered, ``address:port``
    :param errors: what went wrong, one line for each try
    """

    finding: Finding
    question: str
    rcode: str | None = None
    chain: tuple[str, ...] = ()
    answers: tuple[dict[str, Any], ...] = ()
    server: str | None = None
    errors: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses alone, IPv4 first."""
        return tuple(answer["address"] for answer in self.answers)


@dataclass(slots=True)
class DnsClient:
    """Asks the system's nameservers, or the one given, with the system's search domains and ndots.

    :param nameserver: address and port; None for those of ``/etc/resolv.conf``
    """

    nameserver: tuple[str, int] | None = None
    _resolver: dns.asyncresolver.Resolver | None = field(default=None, init=False)
    _addresses: tuple[str, ...] = field(default=(), init=False)
    _servers: tuple[str, ...] = field(default=(), init=False)

    def load(self) -> None:
        """Import dnspython and read the system's configuration: blocking, so to be run in a thread."""
        import dns.asyncresolver
        import dns.resolver

        try:
            resolver = dns.asyncresolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            resolver = dns.asyncresolver.Resolver(configure=False)
        addresses = [self.nameserver[0]] if self.nameserver else [str(address) for address in resolver.nameservers]
        self._addresses = tuple(addresses)
        resolver.port = self.nameserver[1] if self.nameserver else resolver.port
        resolver.nameservers = [_nameserver(address, resolver.port) for address in addresses]
        self._servers = tuple(_server(address, resolver.port) for address in addresses)
        resolver.timeout = QUERY_TIMEOUT_S
        self._resolver = resolver

    @property
    def servers(self) -> tuple[str, ...]:
        """The nameservers that are asked, as ``address`` or, off port 53, ``address:port``."""
        return (_server(*self.nameserver),) if self.nameserver else self._servers

    async def addresses(self, name: str, timeout_s: float) -> DnsAnswer:
        """Ask for the A and AAAA records of a name, both at once.

        :param timeout_s: limit for all servers and tries together, in seconds
        """
        if not self._loaded().nameservers:
            return DnsAnswer(finding=Finding.DNS_UNREACHABLE, question=name, errors=("no nameserver is configured",))
        until = time.monotonic() + timeout_s
        found = await self._short_way(name, min(SHORT_WAY_S, timeout_s / 2))
        answers = {kind: answer for kind, answer in found.items() if isinstance(answer, DnsAnswer)}
        missing = [kind for kind in KINDS if kind not in answers]
        if missing:
            left_s = until - time.monotonic()
            asked = await asyncio.gather(*(self._ask(name, kind, left_s, found.get(kind)) for kind in missing))
            answers |= dict(zip(missing, asked, strict=True))
        return _merge(*(answers[kind] for kind in KINDS))

    async def _short_way(self, name: str, timeout_s: float) -> dict[str, DnsAnswer | Doubtful]:
        """What the first nameserver answers to a name that is asked for as it stands; empty where that is no way."""
        resolver = self._loaded()
        as_it_stands = name.endswith(".") or name.count(".") >= (1 if resolver.ndots is None else resolver.ndots)
        if not as_it_stands or resolver.rotate or resolver.edns >= 0:
            return {}
        server = (self._addresses[0], resolver.port)
        found = await look(server, name, timeout_s)
        return {
            kind: seen if isinstance(seen, Doubtful) else _ordinary(name, kind, seen, _server(*server))
            for kind, seen in found.items()
        }

    async def _ask(self, name: str, kind: str, timeout_s: float, early: DnsAnswer | Doubtful | None) -> DnsAnswer:
        import dns.resolver

        _EARLY.set(early if isinstance(early, Doubtful) else None)  # gather() gives each of its tasks its own context
        try:
            answer = await self._loaded().resolve(name, kind, search=True, lifetime=timeout_s, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            # dnspython does not say whose answer it was; of one server there is no doubt.
            return _from_nxdomain(error, name, self.servers[0] if len(self.servers) == 1 else None)
        except dns.resolver.NoNameservers as error:
            return _from_errors(error.kwargs.get("errors", ()), name, Finding.DNS_UNREACHABLE)
        except dns.resolver.LifetimeTimeout as error:
            return _from_errors(error.kwargs.get("errors", ()), name, Finding.DNS_TIMED_OUT)
        except dns.resolver.YXDOMAIN as error:
            return DnsAnswer(finding=Finding.DNS_MALFORMED, question=name, rcode="YXDOMAIN", errors=(str(error),))
        except dns.exception.DNSException as error:
            return DnsAnswer(finding=Finding.DNS_MALFORMED, question=name, errors=(_line(error),))
        question = answer.qname.to_text(omit_final_dot=True)
        return _from_response(answer.response, question, kind, _server(answer.nameserver, answer.port))

    def _loaded(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            raise RuntimeError("DnsClient.load() has not run")
        return self._resolver


def _nameserver(address: str, port: int) -> dns.nameserver.Nameserver:
    """A nameserver whose malformed answer counts; dnspython's own waits for a better one until the time is up."""
    import dns.exception
    import dns.message
    import dns.nameserver

    class Nameserver(dns.nameserver.Do53Nameserver):
        async def async_query(
            self, request: dns.message.QueryMessage, timeout: float, *_: Any, max_size: bool = False, **__: Any
        ) -> dns.message.Message:
            if not max_size and (early := _EARLY.get()) is not None:
                _EARLY.set(None)
                request.id = early.ident
                return _read(request, early.message)
            ask = ask_by_tcp if max_size else ask_by_udp
            try:
                async with asyncio.timeout(timeout):
                    message = await ask((self.address, self.port), request.to_wire())
            except TimeoutError:
                raise dns.exception.Timeout(timeout=timeout) from None  # type: ignore[no-untyped-call]
            return _read(request, message)

    return Nameserver(address, port)


def _read(request: dns.message.QueryMessage, answer: bytes) -> dns.message.Message:
    """The answer to that question; raises what dnspython's resolver takes for an answer that is none."""
    import dns.exception
    import dns.message
    import dns.query

    try:
        wire = worth_reading(answer)
    except BombError as error:
        raise dns.exception.FormError(str(error)) from None  # type: ignore[no-untyped-call]
    except (IndexError, struct.error):
        wire = answer[:MAX_BROKEN_BYTES]  # dnspython says best what is wrong with it
    response = dns.message.from_wire(wire, raise_on_truncation=True)
    if not request.is_response(response):
        raise dns.query.BadResponse
    return response


def _ordinary(name: str, kind: str, found: Found, server: str) -> DnsAnswer:
    chain, records = found
    return DnsAnswer(
        finding=Finding.RESOLVED if records else Finding.NODATA,
        question=name.removesuffix("."),
        rcode="NOERROR",
        chain=chain,
        answers=tuple({"address": address, "ttl": ttl, "type": kind} for address, ttl in records),
        server=server,
    )


def _from_response(response: dns.message.Message | None, question: str, kind: str, server: str | None) -> DnsAnswer:
    import dns.rcode

    if response is None:
        return DnsAnswer(finding=Finding.DNS_MALFORMED, question=question, server=server)
    chain, answers = _walk(response, question, kind)
    return DnsAnswer(
        finding=Finding.RESOLVED if answers else Finding.NODATA,
        question=question,
        rcode=dns.rcode.to_text(response.rcode()),
        chain=chain,
        answers=answers,
        server=server,
    )


def _walk(
    response: dns.message.Message, question: str, asked: str
) -> tuple[tuple[str, ...], tuple[dict[str, Any], ...]]:
    """Follow the CNAME records from the question; give the names passed and the addresses of the kind asked for."""
    import dns.rdataclass

    aliases: dict[str, str] = {}
    addresses: dict[str, list[dict[str, Any]]] = {}
    for rrset in response.answer:
        if rrset.rdclass != dns.rdataclass.IN:  # of other classes, a record of this type holds something else
            continue
        owner = _text(rrset.name)
        for record in rrset:
            kind = record.rdtype.name
            if kind == "CNAME":
                aliases[owner] = _text(record.target)
            elif kind == asked:
                addresses.setdefault(owner, []).append({"address": record.address, "ttl": rrset.ttl, "type": kind})
    chain: list[str] = []
    name = question.lower()
    while name in aliases and aliases[name] not in chain:
        name = aliases[name]
        chain.append(name)
    return tuple(chain), tuple(addresses.get(name, ()))


def _from_nxdomain(error: dns.resolver.NXDOMAIN, name: str, server: str | None) -> DnsAnswer:
    """With search domains several names were tried; the chain is the one that led furthest."""
    responses: dict[Any, dns.message.Message | None] = error.kwargs.get("responses", {})
    tried = [(question.to_text(omit_final_dot=True), response) for question, response in responses.items()]
    walked = [(question, _walk(response, question, "")[0]) for question, response in tried if response is not None]
    question, chain = max(walked, key=lambda entry: len(entry[1]), default=(name, ()))
    return DnsAnswer(
        finding=Finding.NXDOMAIN,
        question=question,
        rcode="NXDOMAIN",
        chain=chain,
        server=server,
        errors=tuple(f"{question}: NXDOMAIN" for question, _ in tried),
    )


def _from_errors(errors: Any, name: str, otherwise: Finding) -> DnsAnswer:
    """Tell from dnspython's list of failed tries what kind of failure it was."""
    import dns.rcode

    lines, finding, rcode, last_server = [], otherwise, None, None
    for server, _tcp, port, error, response in errors:
        last_server = _server(str(server).removeprefix("Do53:").partition("@")[0], port)
        lines.append(f"{last_server}: {_line(error)}")
        if response is not None:
            rcode = dns.rcode.to_text(response.rcode())
        finding = _kind_of_failure(rcode, error, finding)
    return DnsAnswer(finding=finding, question=name, rcode=rcode, server=last_server, errors=tuple(lines))


def _kind_of_failure(rcode: str | None, error: Any, before: Finding) -> Finding:
    import dns.exception

    if rcode is not None:
        return _RCODE_FINDINGS.get(rcode, Finding.DNS_MALFORMED)
    if isinstance(error, dns.exception.Timeout):
        return Finding.DNS_TIMED_OUT
    if isinstance(error, dns.exception.DNSException):
        return Finding.DNS_MALFORMED
    return Finding.DNS_UNREACHABLE if isinstance(error, OSError) else before


def _merge(ipv4: DnsAnswer, ipv6: DnsAnswer) -> DnsAnswer:
    """One answer of two: whichever has addresses speaks; a failure speaks before "no such record"."""
    if not ipv6.answers:
        return ipv4 if ipv4.answers or ipv4.finding is not Finding.NODATA else _empty(ipv4, ipv6)
    if not ipv4.answers:
        return ipv6
    return DnsAnswer(
        finding=Finding.RESOLVED,
        question=ipv4.question,
        rcode=ipv4.rcode,
        chain=ipv4.chain,
        answers=ipv4.answers + ipv6.answers,
        server=ipv4.server,
        errors=ipv4.errors + ipv6.errors,
    )


def _empty(ipv4: DnsAnswer, ipv6: DnsAnswer) -> DnsAnswer:
    return ipv4 if ipv6.finding in (Finding.NODATA, Finding.NXDOMAIN) else ipv6


def _text(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower()


def _server(address: str | None, port: int | None) -> str:
    if port in (None, 53):
        return str(address)
    return f"{bracketed(str(address))}:{port}"


def _line(error: Any) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}" if isinstance(error, Exception) and text else text or type(error).__name__
