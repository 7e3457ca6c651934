"""DNS servers over UDP and TCP: one view each, and what faults make of its answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.effects import (
    AnswerCode,
    AnswerLate,
    AnswerStale,
    AnswerTruncated,
    AnswerWith,
    NoAnswer,
)
from airflow_provider_netconn.lab.names.values import NOBODY, NOERROR, Answer, Question, Record, View
from airflow_provider_netconn.lab.names.wire import Query
from airflow_provider_netconn.lab.serving import ListenError

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.clock import Clock
    from airflow_provider_netconn.lab.faults import Fault, FaultBook
    from airflow_provider_netconn.lab.journal import Journal
    from airflow_provider_netconn.lab.names.resolution import Resolver

MOST_AT_ONCE: Final = 1000
"""Queries that one server works on; what comes beyond is dropped, as by a full socket."""

MOST_CONNECTIONS: Final = 100
IDLE_LIMIT_S: Final = 10.0
"""A TCP connection without a query is closed (RFC 7766, section 6.2.3)."""

WRONG_TTL_S: Final = 10
_MOST_REMEMBERED: Final = 10_000
_PORT_TRIES: Final = 64
_LOG: Final = logging.getLogger("netconn.lab")


def sockets(host: str, port: int = 0) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on the same port, bound and listening.

    :param port: 0 takes one that is free for both
    :raises ListenError: the address is not one of this machine's, or the port is taken
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(1 if port else _PORT_TRIES):
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        stream = socket.socket(family, socket.SOCK_STREAM)
        try:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            datagrams.bind((host, port))
            stream.bind((host, datagrams.getsockname()[1]))
            stream.listen(MOST_CONNECTIONS)
        except OSError as error:
            datagrams.close()
            stream.close()
            reason = error.strerror
            continue
        for one in (datagrams, stream):
            one.setblocking(False)
        return datagrams, stream
    raise ListenError(f"cannot listen on {host} port {port or '(any)'} for DNS: {reason}; give another address or port")


class NameServer(asyncio.DatagramProtocol):
    """A DNS server that answers as one view does.

    It listens as soon as it is made, and answers once :meth:`start` was called on its loop.

    :param sockets: a UDP and a TCP one, bound by whoever knows in which network namespace and on which address;
        they are closed with it
    """

    def __init__(
        self,
        view: View,
        resolver: Resolver,
        sockets: tuple[socket.socket, socket.socket],
        *,
        faults: FaultBook,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self.view = view
        self.resolver = resolver
        self._sockets = sockets
        self._faults = faults
        self._journal = journal
        self._clock = clock
        self._remembered: OrderedDict[Question, Answer] = OrderedDict()
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False
        self.address: tuple[str, int] = sockets[0].getsockname()[:2]
        """Host and port, of UDP and TCP."""

    def start(self) -> None:
        """Answer from now on; to be called on the loop."""
        self._keep(self._start())

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        datagrams, stream = self._sockets
        await loop.create_datagram_endpoint(lambda: self, sock=datagrams)
        self._server = await asyncio.start_server(self._serve_connection, sock=stream)
        if self._is_closed:
            self._close_transports()

    def close(self) -> None:
        """Answer nothing more, at once; to be called on the loop, or before it was started."""
        self._is_closed = True
        for task in tuple(self._tasks):
            task.cancel()
        self._close_transports()
        for one in self._sockets:
            one.close()

    def _close_transports(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._server is not None:
            self._server.close()

    def forget(self) -> None:
        """Forget the answers that were given, which a fault would give again."""
        self._remembered.clear()

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- UDP and TCP ------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Take note of the socket's transport (asyncio)."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Begin to answer a query (asyncio)."""
        if len(self._tasks) < MOST_AT_ONCE:
            self._keep(self._answer_datagram(data, addr))

    async def _answer_datagram(self, data: bytes, address: Any) -> None:
        answer = await self._answer(data, over_tcp=False)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, address)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the queries of a connection one after the other (RFC 7766)."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while len(self._tasks) <= MOST_CONNECTIONS:
                length = await asyncio.wait_for(reader.readexactly(2), IDLE_LIMIT_S)
                data = await asyncio.wait_for(reader.readexactly(int.from_bytes(length)), IDLE_LIMIT_S)
                answer = await self._answer(data, over_tcp=True)
                if answer is not None:
                    writer.write(len(answer).to_bytes(2) + answer)
                    await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass  # the asker has left, or the server is closed
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if self._is_closed else writer.close()

    # -- answers ----------------------------------------------------------------------------------

    async def _answer(self, data: bytes, *, over_tcp: bool) -> bytes | None:
        """The octets that answer others; None where no answer is to be given."""
        try:
            query = Query(data)
        except ValueError:
            return None
        if query.refusal is not None:
            return query.refused()
        question = query.question
        began, started = self._clock.now(), time.perf_counter()
        network = self.view.network or self.view.server or ""
        fault = self._faults.take_query(question.type, question.name, network)
        try:
            answer = await self._under(fault, question)
        except Exception:  # noqa: BLE001 - whatever it is, the asker is told, and the server goes on
            _LOG.exception("the lab could not resolve %s %s", question.name, question.type)
            answer = Answer(2, note="the lab itself failed; see its log")
        self._journal.add(
            time=began,
            service="dns",
            method=question.type,
            path=question.name,
            query=network,
            principal=None,
            status=answer.rcode,
            duration_s=time.perf_counter() - started,
            correlation_id=None,
            fault=None if fault is None else fault.rule.fault,
            body=None,
        )
        if answer.rcode is None:
            return None
        is_truncated = fault is not None and isinstance(fault.effect, AnswerTruncated) and not over_tcp
        return query.answered(answer, over_tcp=over_tcp, truncated=is_truncated)

    async def _under(self, fault: Fault | None, question: Question) -> Answer:
        """The answer that a fault makes of the true one."""
        effect = None if fault is None else fault.effect
        match effect:
            case NoAnswer():
                return NOBODY
            case AnswerCode(rcode=rcode):
                return Answer(rcode, note="a fault was asked for")
            case AnswerWith(address=address):
                record_type = "AAAA" if ":" in address else "A"
                records = (Record(question.name, record_type, WRONG_TTL_S, address),)
                return Answer(NOERROR, records if question.type == record_type else ())
            case AnswerStale() if question in self._remembered:
                return self._remembered[question]
            case AnswerLate(seconds=seconds):
                await asyncio.sleep(seconds)
        answer = await self.resolver.resolve(self.view, question)
        self._remember(question, answer)
        return answer

    def _remember(self, question: Question, answer: Answer) -> None:
        self._remembered[question] = answer
        self._remembered.move_to_end(question)
        if len(self._remembered) > _MOST_REMEMBERED:
            with contextlib.suppress(KeyError):
                self._remembered.popitem(last=False)
