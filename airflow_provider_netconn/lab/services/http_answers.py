"""What requests to the services are answered, over ASGI: the call that a request came by, and answers word for word."""

from __future__ import annotations

import email.utils
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from airflow_provider_netconn.lab.asgi import Receive, Scope, Send, answer, header
from airflow_provider_netconn.lab.resources.firewall_rules import Refusal, Wire
from airflow_provider_netconn.lab.services.values import Call
from airflow_provider_netconn.lab.serving import CONNECTION, RESET


@dataclass(slots=True)
class Exchange:
    """One request to a service.

    :param call: the connection it came by
    """

    call: Call
    scope: Scope
    receive: Receive
    send: Send

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send) -> Exchange:
        """The exchange of an ASGI request on a connection that a door let in."""
        return cls(cast("Call", scope["extensions"][CONNECTION]), scope, receive, send)

    @property
    def method(self) -> str:
        """In upper case."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """Decoded."""
        return str(self.scope["path"])

    @property
    def host(self) -> str:
        """The host that was asked for, in lower case and without a port."""
        given = self.header("host").lower()
        return given.rpartition(":")[0] if given.rpartition(":")[2].isdecimal() else given

    def header(self, name: str) -> str:
        """:return: a header; empty where there is none of that name"""
        return header(self.scope, name) or ""

    async def answer(
        self, status: int, body: bytes = b"", content_type: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Answer with a body as it is; none of it is sent to ``HEAD``."""
        every = [("Date", email.utils.formatdate(usegmt=True)), *headers]
        if content_type:
            every.append(("Content-Type", content_type))
        await answer(self.send, status, every, body)

    async def answer_json(self, status: int, value: Any, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answer with a value as JSON."""
        await self.answer(status, json.dumps(value).encode(), "application/json; charset=utf-8", headers)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer as the service does who is kept out: in its words, or by a closed connection."""
        if refusal.wire is Wire.CLOSED or refusal.status is None:
            self.scope["extensions"][RESET]["reset"]()
            return
        await self.answer(refusal.status, refusal.body.encode(), refusal.content_type)


def request_id() -> str:
    """:return: an id such as services give each request"""
    return str(uuid.uuid4())
