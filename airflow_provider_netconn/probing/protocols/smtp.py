"""SMTP (RFC 5321) with STARTTLS (RFC 3207), and with TLS from the first byte (RFC 8314)."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target, TlsUse
from airflow_provider_netconn.probing.protocols.results import failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

EXPECTED_GREETING = "an SMTP greeting"
EXPECTED_REPLY = "an SMTP reply"
MAX_LINES = 100
MAX_LINE_LENGTH = 2048  # RFC 5321, 4.5.3.1.5, says 512; servers with long banners exist
# Nobody's name and nobody's address: the host behind a client is its own affair (RFC 5321, 4.1.3 and 4.1.4).
HELLO_NAME = b"[127.0.0.1]"
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)

READY = 220
COMPLETED = 250
UNAVAILABLE: Final = range(400, 500)
# The server knows no EHLO and may know HELO (RFC 5321, 4.1.4).
EHLO_UNKNOWN: Final = frozenset({500, 502, 504})
REFUSES: Final = frozenset({550, 554, 521})


class NotSmtpError(Exception):
    """The peer sent what is no reply; ``received`` are its bytes."""

    def __init__(self, received: bytes) -> None:
        super().__init__()
        self.received = received


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, of one line or more (RFC 5321, 4.2)."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def said(self) -> str:
        """The code and the first words."""
        return f"{self.code} {shown(self.lines[0])}".strip()


class Conversation:
    """Commands and replies on a stream; keeps what came beyond the last reply."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.unread = b""

    async def command(self, command: bytes) -> Reply:
        """Send a command and read its reply."""
        await self._stream.send(command + b"\r\n")
        return await self.reply()

    async def reply(self) -> Reply:
        """Read one reply.

        :raises NotSmtpError: on anything else, and beyond :data:`MAX_LINES`
        :raises EOFError: the peer ended the stream before
        """
        lines: list[bytes] = []
        while len(lines) < MAX_LINES:
            line = await self._line()
            parsed = _LINE.fullmatch(line)
            if parsed is None:
                raise NotSmtpError(line)
            lines.append(parsed[3] or b"")
            if parsed[2] != b"-":
                return Reply(int(parsed[1]), tuple(lines))
        raise NotSmtpError(line)

    async def _line(self) -> bytes:
        while b"\n" not in self.unread:
            # No reply begins so: whoever sends it need not be waited for.
            if len(self.unread) > MAX_LINE_LENGTH or not (self.unread[:1] or b"2").isdigit():
                raise NotSmtpError(self.unread)
            received = await self._stream.receive()
            if not received:
                if self.unread:
                    raise NotSmtpError(self.unread)
                raise EOFError("the peer ended the stream before its reply")
            self.unread += received
        line, _, self.unread = self.unread.partition(b"\n")
        return line.removesuffix(b"\r")

    async def leave(self) -> None:
        """Say QUIT; whether it arrives does not matter any more."""
        with contextlib.suppress(OSError):
            await say_quit(self._stream)


async def say_quit(stream: Stream) -> None:
    """End the session (RFC 5321, 4.1.1.10), so that the server need not log a lost connection."""
    await stream.send(b"QUIT\r\n")


@register("smtps", default_port=465, tls=True)
async def probe_smtps(stream: Stream, _target: Target) -> StageResult:
    """Read the greeting within TLS (RFC 8314, 3.3)."""
    conversation = Conversation(stream)
    try:
        greeting = await conversation.reply()
    except NotSmtpError as error:
        return unexpected(EXPECTED_GREETING, error.received)
    if greeting.code != READY:
        return _turned_away(greeting)
    await conversation.leave()
    return seen(Finding.GREETED, greeting=greeting.said)


@register("smtp", default_port=25, starts_tls=True, farewell=say_quit)
async def probe_smtp(stream: Stream, target: Target) -> StageResult:
    """Read the greeting, say EHLO and, where the server offers it and the target does not forbid it, STARTTLS.

    Where the detail says ``offers_tls``, the server's next bytes are those of the handshake.
    """
    conversation = Conversation(stream)
    try:
        greeting = await conversation.reply()
        if greeting.code != READY:
            return _turned_away(greeting)
        return await _say_hello(conversation, target, greeting)
    except NotSmtpError as error:
        return unexpected(EXPECTED_REPLY, error.received)


async def _say_hello(conversation: Conversation, target: Target, greeting: Reply) -> StageResult:
    hello = await conversation.command(b"EHLO " + HELLO_NAME)
    extensions = {line.upper() for line in hello.lines[1:]} if hello.code == COMPLETED else set()
    if hello.code in EHLO_UNKNOWN:
        hello = await conversation.command(b"HELO " + HELLO_NAME)
    if hello.code != COMPLETED:
        # An FTP server greets with 220 as well, and knows neither (RFC 959, 5.4).
        known = hello.code in UNAVAILABLE or hello.code in REFUSES
        return _turned_away(hello) if known else unexpected("an SMTP reply to EHLO", hello.said.encode())
    detail: dict[str, Any] = {"greeting": greeting.said, "offers_tls": b"STARTTLS" in extensions}
    if detail["offers_tls"] and target.tls is not TlsUse.OFF:
        return await _start_tls(conversation, detail)
    await conversation.leave()
    return seen(Finding.GREETED, **detail)


async def _start_tls(conversation: Conversation, detail: dict[str, Any]) -> StageResult:
    answer = await conversation.command(b"STARTTLS")
    if answer.code != READY:  # 454: TLS is not available now (RFC 3207, 4)
        await conversation.leave()
        return seen(Finding.GREETED, **{**detail, "offers_tls": False, "said": answer.said})
    if conversation.unread:
        # The client speaks first in TLS: what stands here was slipped in by someone in between (RFC 3207, 6).
        return unexpected("nothing between the answer to STARTTLS and the handshake", conversation.unread)
    return seen(Finding.GREETED, **detail)


def _turned_away(reply: Reply) -> StageResult:
    """A refusal in place of a greeting (RFC 5321, 3.1 and 4.3.2; RFC 7504), or an answer to EHLO."""
    if reply.code in UNAVAILABLE:
        return failed(Finding.SERVICE_UNAVAILABLE, said=reply.said)
    if reply.code in REFUSES:
        return failed(Finding.CLIENT_REFUSED, said=reply.said)
    return unexpected(EXPECTED_GREETING, reply.said.encode())
