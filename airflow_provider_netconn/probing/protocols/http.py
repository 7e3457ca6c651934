"""HTTP/1.1 (RFC 9112): one GET; any answer that is HTTP proves that the service was reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_netconn.evidence import Finding, StageResult, Target, bracketed
from airflow_provider_netconn.probing.protocols.results import SHOWN_BYTES, failed, seen, shown, unexpected
from airflow_provider_netconn.probing.registry import protocol_named, register
from airflow_provider_netconn.probing.streams import Stream

MAX_HEADER_BYTES = 64 * 1024
MAX_INFORMATIONAL = 10
STATUS_LINE_START = b"HTTP/"
# A gateway answered for a service that did not (RFC 9110, 15.6.3 to 15.6.5).
GATEWAY_STATUSES = frozenset({502, 503, 504})
# Kept where present: they name the software, the redirect, and Azure's own reason; none of them carries a secret.
KEPT_HEADERS = ("server", "via", "x-ms-error-code", "x-ms-request-id")


class NotHttpError(Exception):
    """The peer answered with something else than HTTP.

    :param received: its first bytes
    :param problem: what is wrong, where they alone do not show it
    """

    def __init__(self, received: bytes, problem: str = "") -> None:
        first = f"first bytes {received!r}"
        super().__init__(f"{problem} ({first})" if problem else first)
        self.received = received
        self.problem = problem


class ClosedError(Exception):
    """The peer ended the stream before its answer was complete."""


@register("http", default_port=80, over_http_proxy=True)
@register("https", default_port=443, tls=True, over_http_proxy=True)
async def probe_http(stream: Stream, target: Target) -> StageResult:
    """Ask for the target's path; 502, 503 and 504 fail, as a gateway's word that the service behind it is away."""
    return await request(stream, target, target.http_path)


async def request(
    stream: Stream, target: Target, request_target: str, more_headers: Sequence[tuple[str, str]] = ()
) -> StageResult:
    """GET that request target (a path, or an absolute URL towards a proxy) and judge the answer."""
    headers = [("host", host_header(target)), ("user-agent", "netconn"), ("accept", "*/*"), ("connection", "close")]
    try:
        status, answer = await exchange(stream, "GET", request_target, [*headers, *more_headers])
    except NotHttpError as error:
        return unexpected("an HTTP response", error.received, error.problem)
    except ClosedError:
        return failed(Finding.CLOSED, expected="an HTTP response")
    kept = {name: answer[name] for name in KEPT_HEADERS if name in answer}
    if "location" in answer:
        kept["location"] = without_query(answer["location"])
    # A field may have thousands of letters, and any sign but NUL and the ends of lines.
    detail: dict[str, Any] = {"status": status} | {name: shown(value.encode()) for name, value in kept.items()}
    if status in GATEWAY_STATUSES:
        return failed(Finding.GATEWAY_ERROR, **detail)
    return seen(Finding.GREETED, **detail)


async def exchange(
    stream: Stream, method: str, request_target: str, headers: list[tuple[str, str]]
) -> tuple[int, dict[str, str]]:
    """Send one request without a body; give the final status and the headers (names in lower case).

    :raises NotHttpError: with the first bytes that were seen
    :raises ClosedError: the stream ended first
    """
    import h11  # not needed to import an operator

    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
    await stream.send(connection.send(h11.Request(method=method, target=request_target, headers=headers)) or b"")
    first = b""
    for _ in range(MAX_INFORMATIONAL):
        try:
            while (event := connection.next_event()) is h11.NEED_DATA:
                received = await stream.receive()
                first = (first + received)[:SHOWN_BYTES]
                if not received:
                    raise ClosedError
                if not STATUS_LINE_START.startswith(first[: len(STATUS_LINE_START)]):
                    raise NotHttpError(first)  # h11 itself would wait for the end of the headers
                connection.receive_data(received)
        except h11.RemoteProtocolError as error:
            raise NotHttpError(first, str(error)) from None
        if isinstance(event, h11.Response):
            return event.status_code, {
                name.decode("ascii"): value.decode("ascii", "replace") for name, value in event.headers
            }
        if not isinstance(event, h11.InformationalResponse):
            raise ClosedError
    raise NotHttpError(first, f"more than {MAX_INFORMATIONAL} informational responses")


def host_header(target: Target) -> str:
    """Host and port as the Host field wants them (RFC 9110, 7.2): without the protocol's own port."""
    usual = protocol_named(target.protocol).default_port
    return bracketed(target.host) if target.port == usual else target.authority


def without_query(url: str) -> str:
    """The URL without user information, query and fragment, which may hold tokens."""
    try:
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return "(not a URL)"
