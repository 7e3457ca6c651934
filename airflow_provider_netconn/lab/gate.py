"""Every request to a service passes here: it meets its fault, and is written down without its secrets."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from airflow_provider_netconn.lab.asgi import (
    Application,
    Message,
    Receive,
    Scope,
    Send,
    answer,
    answer_json,
    header,
    read_body,
    replayed,
)
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.effects import (
    CutBody,
    ExpireToken,
    Hang,
    HideAfterPut,
    Refuse,
    ResetConnection,
)
from airflow_provider_netconn.lab.envelopes import envelope, headers, refusal
from airflow_provider_netconn.lab.faults import Fault, FaultBook
from airflow_provider_netconn.lab.journal import Journal, claimed_principal
from airflow_provider_netconn.lab.masking import masked_body, masked_query, masked_text
from airflow_provider_netconn.lab.serving import RESET

_CORRELATION: Final = "x-ms-correlation-request-id"
_LOG: Final = logging.getLogger("netconn.lab")
_CURRENT: ContextVar[_Exchange | None] = ContextVar("netconn_lab_exchange", default=None)


@dataclass(slots=True)
class _Exchange:
    """What becomes of one request."""

    scope: Scope
    began: float
    started: float
    method: str
    path: str
    query: str
    content_type: str
    body: bytes
    claimed_principal: str | None
    correlation_id: str
    status: int | None = None
    fault: str | None = None
    headers: dict[bytes, bytes] = field(default_factory=dict)
    is_written_down: bool = False

    @property
    def principal(self) -> str | None:
        """Who asked: as Resource Manager found, which tells it in the scope, or else as the token claims."""
        caller = self.scope.get("netconn.caller")
        return self.claimed_principal if caller is None else str(caller.object_id)


def note_fault(fault: Fault) -> None:
    """Write a fault that is met behind the gate, such as an operation's, to the request that is being handled."""
    exchange = _CURRENT.get()
    if exchange is not None:
        exchange.fault = fault.rule.fault


class Gate:
    """An ASGI application around a service's own.

    :param service: the name under which faults and journal know it
    :param keeps_bodies: whether the journal tells what was sent; users' data is none of its business
    """

    def __init__(
        self,
        application: Application,
        *,
        service: str,
        faults: FaultBook,
        journal: Journal,
        clock: Clock,
        keeps_bodies: bool = True,
    ) -> None:
        self._keeps_bodies = keeps_bodies
        self._application = application
        self._service = service
        self._faults = faults
        self._journal = journal
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        body = await read_body(receive)
        if body is None:
            return  # the client left before it had asked anything
        exchange = _Exchange(
            scope=scope,
            began=self._clock.now(),
            started=time.perf_counter(),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            content_type=header(scope, "content-type") or "",
            body=body,
            claimed_principal=claimed_principal(header(scope, "authorization")),
            correlation_id=header(scope, _CORRELATION) or str(uuid.uuid4()),
        )
        token = _CURRENT.set(exchange)
        try:
            await self._handle(exchange, scope, replayed(body, receive), self._watched(send, exchange))
        finally:
            _CURRENT.reset(token)
            self._write_down(exchange)

    def _write_down(self, exchange: _Exchange) -> None:
        """Write the request down, once."""
        if exchange.is_written_down:
            return
        exchange.is_written_down = True
        answered = exchange.headers.get(_CORRELATION.encode())
        self._journal.add(
            time=exchange.began,
            service=self._service,
            method=exchange.method,
            path=masked_text(exchange.path),
            query=masked_query(exchange.query),
            principal=exchange.principal,
            status=exchange.status,
            duration_s=time.perf_counter() - exchange.started,
            correlation_id=masked_text(answered.decode("latin-1") if answered else exchange.correlation_id),
            fault=exchange.fault,
            body=masked_body(exchange.body, exchange.content_type, exchange.path) if self._keeps_bodies else None,
        )

    def _watched(self, send: Send, exchange: _Exchange) -> Send:
        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.headers = {name.lower(): value for name, value in message.get("headers", ())}
            elif not message.get("more_body", False):
                self._write_down(exchange)  # before the client knows its answer: it may ask the journal at once
            await send(message)

        return watch

    async def _handle(self, exchange: _Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        hidden = self._faults.take_hidden(exchange.method, exchange.path)
        if hidden is not None:
            exchange.fault = hidden.rule.fault
            await self._refuse(exchange, hidden.effect, send)
            return
        query, host = unquote_plus(exchange.query), (header(scope, "host") or "").partition(":")[0]
        fault = self._faults.take(self._service, exchange.method, exchange.path, query, host)
        if fault is None:
            await self._carry_out(scope, receive, send)
            return
        exchange.fault = fault.rule.fault
        await self._apply(fault, exchange, scope, receive, send)

    async def _apply(self, fault: Fault, exchange: _Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.effect:
            case Refuse() | ExpireToken():
                await self._refuse(exchange, fault.effect, send)
            case ResetConnection(after_the_change=after):
                if after:
                    await self._carry_out(scope, receive, _discard)
                self._write_down(exchange)
                await _reset(scope, receive)
            case Hang(seconds=seconds):
                if not await _client_leaves(receive, seconds):
                    await self._carry_out(scope, replayed(exchange.body, receive), send)
            case CutBody():
                kept = _Kept()
                await self._carry_out(scope, receive, kept)
                await kept.send_cut(send)
            case HideAfterPut():
                await self._carry_out(scope, receive, send)
                if exchange.status is not None and exchange.status < 300:
                    self._faults.hide(fault, exchange.path)

    async def _carry_out(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the service answer; its own failure is answered too, and told in the log."""
        try:
            await self._application(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever it is, a client has to get an answer
            _LOG.exception("%s failed at %s %s", self._service, scope["method"], scope["path"])
            broken = Refuse(status=500, code="InternalServerError", message="The lab itself failed; see its log.")
            await self._send_refusal(broken, str(uuid.uuid4()), send)

    async def _refuse(self, exchange: _Exchange, effect: object, send: Send) -> None:
        assert isinstance(effect, Refuse | ExpireToken | HideAfterPut)
        refused = refusal(effect, exchange.path, self._clock.now())
        await self._send_refusal(refused, exchange.correlation_id, send)

    async def _send_refusal(self, refused: Refuse, correlation_id: str, send: Send) -> None:
        body = envelope(self._service, refused, correlation_id, self._clock.now())
        await answer_json(send, refused.status, body, headers(self._service, refused, correlation_id))


async def _discard(_message: Message) -> None:
    """Send nothing."""


class _Kept:
    """A ``send`` that keeps the answer instead."""

    def __init__(self) -> None:
        self._status = 200
        self._headers: list[tuple[str, str]] = []
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [(name.decode(), value.decode("latin-1")) for name, value in message.get("headers", ())]
        else:
            self._body += message.get("body", b"")

    async def send_cut(self, send: Send) -> None:
        """Send the first half of the body as if it were the whole; an empty one becomes a brace without its other."""
        others = [(name, value) for name, value in self._headers if name.lower() != "content-length"]
        await answer(send, self._status, others, self._body[: (len(self._body) + 1) // 2] or b"{")


async def _client_leaves(receive: Receive, within_s: float | None) -> bool:
    """Wait until the client closes its connection.

    :param within_s: wait no longer than that; None for as long as it takes
    :return: whether it left
    """
    try:
        async with asyncio.timeout(within_s):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _reset(scope: Scope, receive: Receive) -> None:
    scope["extensions"][RESET]["reset"]()
    await _client_leaves(receive, None)  # so that the server knows, and answers nothing by itself
