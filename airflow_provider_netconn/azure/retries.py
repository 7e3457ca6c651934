"""Trying again: what azure-core's retry policy does not survive, and never longer than the caller waits.

The rules repeat a request that may be repeated, after pauses that grow or that the answer asks for. Two cases need more
than repeating. A write whose answer was lost may have been carried out: it is repeated, which ARM's PUT, PATCH and
DELETE allow, and where the repetition is refused (412 of its own etag, a state that cannot be set twice) a look decides
whether the resource is as wanted already. And what was written just now may not be visible yet: 404 is no answer then.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from azure.core.exceptions import ServiceResponseTimeoutError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from airflow_provider_netconn.azure.answers import NotJsonError, body_of, contains
from airflow_provider_netconn.azure.deadlines import Deadline, current_deadline
from airflow_provider_netconn.azure.settled import settled
from airflow_provider_netconn.azure.steps import Outcome, Request, Send, Steps, Wait
from airflow_provider_netconn.azure.throttling import ThrottleBook
from airflow_provider_netconn.azure.troubles import PATIENCE, UNCERTAIN, Kind, Trouble, trouble_of

log = logging.getLogger("airflow_provider_netconn.azure")

DEADLINE: Final = "netconn_deadline"
"""In a request's context: the deadline of the operation that it polls."""
TROUBLE: Final = "netconn_trouble"
"""In a request's context, when the rules have given up: the :class:`GivenUp`."""
REPEATABLE: Final = "netconn_repeatable"
"""An option of a POST: repeating it does no harm."""
BUSY_CODES: Final = "netconn_busy_codes"
"""An option of a request: further codes that mean "not now"."""

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_VISIBLE_AFTER_S: Final = 60.0
_MOST_WRITES: Final = 1000
_SHORTEST_TRY_S: Final = 5.0
_WRITES: Final = frozenset({"PUT", "PATCH", "DELETE", "POST"})
_CONDITIONS: Final = ("If-Match", "If-None-Match")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """Why the rules try no more.

    :param trouble: the last one that tells something
    :param tries: how often the request was sent
    :param waited_s: since the first time
    :param out_of_time: the deadline is the reason
    :param uncertain: it was a write, and may have been carried out
    """

    trouble: Trouble
    tries: int
    waited_s: float
    out_of_time: bool
    uncertain: bool


class RecentWrites:
    """What was written in the last minute, by the paths of requests; for any threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, method: str, path: str) -> None:
        """Note a write that was accepted."""
        with self._lock:
            self._at.pop(path.casefold(), None)
            if method in {"PUT", "PATCH"}:
                self._at[path.casefold()] = self._now()
                while len(self._at) > _MOST_WRITES:
                    self._at.popitem(last=False)

    def visible_in_s(self, path: str) -> float:
        """For how long a 404 for this path may mean that a write is not visible yet; of it, or of what it lies in."""
        key, now = path.casefold(), self._now()
        with self._lock:
            found = [at for one, at in self._at.items() if key == one or key.startswith(f"{one}/")]
        return max(0.0, max(found) + _VISIBLE_AFTER_S - now) if found else 0.0


@dataclass(slots=True)
class _Attempts:
    """One request, and what has come of it so far."""

    request: Request
    deadline: Deadline
    repeatable: bool
    busy_codes: frozenset[str]
    begun: float = field(default_factory=time.monotonic)
    tries: int = 0
    met: dict[Kind, int] = field(default_factory=dict)
    uncertain: bool = False
    last: bool = False
    before: Trouble | None = None

    @property
    def method(self) -> str:
        return str(self.request.http_request.method)

    @property
    def path(self) -> str:
        return str(urlsplit(self.request.http_request.url).path)


class RetryRules:
    """The rules for all requests of a session.

    :param book: who is throttled
    :param timeout_s: for a request and its repetitions where the caller has set no deadline
    :param request_timeout_s: for an answer to one request
    """

    def __init__(self, book: ThrottleBook, *, timeout_s: float, request_timeout_s: float) -> None:
        self._book = book
        self._timeout_s = timeout_s
        self._request_timeout_s = request_timeout_s
        self._writes = RecentWrites()

    def steps(self, request: Request) -> Steps:
        """Send until it is answered, refused for good, or the deadline has come."""
        attempts = self._begin(request)
        if not attempts.deadline.left_s:
            late = Trouble(kind=Kind.UNREACHABLE, seen="the deadline had come before the request was sent")
            return self._given_up(attempts, late, Outcome(error=ServiceResponseTimeoutError(late.seen)))
        while True:
            yield from self._pause_for_others(attempts)
            attempts.tries += 1
            outcome: Outcome = yield Send(request, self._limit_s(attempts))
            trouble = self._judge(attempts, outcome)
            if trouble is None:
                if attempts.method in _WRITES:
                    self._writes.note(attempts.method, attempts.path)
                return outcome
            pause_s = self._pause_s(attempts, trouble)
            if pause_s is None:
                return (yield from self._give_up(attempts, trouble, outcome))
            log.info(
                "%s %s: %s; again in %.1f s (try %d, %.0f s left)",
                attempts.method, attempts.path, trouble.headline, pause_s, attempts.tries, attempts.deadline.left_s,
            )  # fmt: skip
            attempts.before = trouble
            yield Wait(pause_s)

    def _begin(self, request: Request) -> _Attempts:
        options = request.context.options
        repeatable = bool(options.pop(REPEATABLE, False)) or request.http_request.method != "POST"
        chosen = current_deadline() or request.context.get(DEADLINE) or Deadline.after(self._timeout_s)
        return _Attempts(
            request=request,
            deadline=chosen.earlier(request.context.get(DEADLINE)),
            repeatable=repeatable,
            busy_codes=frozenset(options.pop(BUSY_CODES, ())),
        )

    def _pause_for_others(self, attempts: _Attempts) -> Any:
        wanted_s = self._book.pause_s(attempts.method, attempts.request.http_request.url)
        pause_s = attempts.deadline.pause_s(wanted_s) if wanted_s else None
        if pause_s:
            log.info("%s %s: few requests left; waiting %.1f s", attempts.method, attempts.path, pause_s)
            yield Wait(pause_s)

    def _limit_s(self, attempts: _Attempts) -> float:
        """How long this try may take: never all of the time that is left, as long as another one is possible."""
        left_s = attempts.deadline.left_s
        return max(0.05, min(self._request_timeout_s, max(left_s / 2, min(left_s, _SHORTEST_TRY_S))))

    def _judge(self, attempts: _Attempts, outcome: Outcome) -> Trouble | None:
        is_poll = attempts.method == "GET" and DEADLINE in attempts.request.context
        trouble = trouble_of(outcome, is_poll=is_poll, busy_codes=attempts.busy_codes)
        if outcome.response is not None:
            asked_s = trouble.retry_after_s if trouble is not None and trouble.kind is Kind.THROTTLED else None
            self._book.note(attempts.method, attempts.request.http_request.url, outcome.headers, asked_s)
        if trouble is None:
            return None
        not_found = trouble.status == 404 and attempts.method != "DELETE"  # noqa: PLR2004
        if not_found and self._writes.visible_in_s(attempts.path):
            return Trouble(kind=Kind.NOT_YET, seen=trouble.seen, code=trouble.code, status=404)
        return trouble

    def _pause_s(self, attempts: _Attempts, trouble: Trouble) -> float | None:
        """How long to wait before the next try; None for no further one."""
        kind = trouble.kind
        attempts.met[kind] = attempts.met.get(kind, 0) + 1
        attempts.uncertain = attempts.uncertain or (kind in UNCERTAIN and attempts.method in _WRITES)
        most = PATIENCE[kind]
        if attempts.last or (most is not None and attempts.met[kind] >= most):
            return None
        if not attempts.repeatable and kind in UNCERTAIN:
            return None
        wanted_s = trouble.retry_after_s
        if wanted_s is None:
            longest_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempts.met[kind] - 1, 10))
            wanted_s = longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads tries, and is no secret
        pause_s = attempts.deadline.pause_s(wanted_s)
        attempts.last = pause_s is not None and pause_s < wanted_s
        return pause_s

    def _give_up(self, attempts: _Attempts, trouble: Trouble, outcome: Outcome) -> Steps:
        if attempts.uncertain and trouble.kind is Kind.FINAL:
            found = yield from self._decide(attempts, trouble)
            if found is not None:
                self._writes.note(attempts.method, attempts.path)
                return found
        return self._given_up(attempts, trouble, outcome)

    def _given_up(self, attempts: _Attempts, trouble: Trouble, outcome: Outcome) -> Outcome:
        if attempts.last and trouble.status is None and attempts.before is not None:
            trouble = attempts.before  # the last try had little time; that it got no answer in it tells nothing
        attempts.request.context[TROUBLE] = GivenUp(
            trouble=trouble,
            tries=attempts.tries,
            waited_s=time.monotonic() - attempts.begun,
            out_of_time=trouble.kind is not Kind.FINAL and PATIENCE[trouble.kind] is None and attempts.repeatable,
            uncertain=attempts.uncertain,
        )
        return outcome

    def _decide(self, attempts: _Attempts, trouble: Trouble) -> Steps | Any:
        """A repetition was refused: was it done the first time? Gives the answer that was lost, or None."""
        sent = attempts.request.http_request
        if attempts.method == "DELETE":
            gone = trouble.status == 404  # noqa: PLR2004
            return Outcome(response=settled(attempts.request, 204, None)) if gone else None
        if attempts.method not in {"PUT", "PATCH"}:
            return None
        look = look_at(attempts.request)
        outcome: Outcome = yield Send(look, self._limit_s(attempts))
        if outcome.response is None or outcome.status != 200:  # noqa: PLR2004
            return None
        try:
            wanted = json.loads(sent.content or b"null")
            seen = body_of(outcome.response.http_response)
        except (NotJsonError, ValueError, TypeError):
            return None
        if not isinstance(wanted, dict) or not contains(seen, wanted):
            return None
        log.info("%s %s: the answer was lost; the resource is as wanted", attempts.method, attempts.path)
        return Outcome(response=settled(attempts.request, 200, seen))


def look_at(request: Request) -> Request:
    """A GET of what a request writes."""
    parts = urlsplit(request.http_request.url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name.casefold() == "api-version"]
    look = HttpRequest("GET", urlunsplit(parts._replace(query=urlencode(kept))))
    return following(request, look)


def repetition(request: Request) -> Request:
    """The same write once more, without its conditions: it was accepted, so the etag has changed by itself."""
    sent = request.http_request
    headers = {name: value for name, value in sent.headers.items() if name.casefold() not in _DROPPED}
    return following(request, HttpRequest(sent.method, sent.url, headers=headers, content=sent.content))


_DROPPED: Final = frozenset({"authorization", "content-length", *(name.casefold() for name in _CONDITIONS)})


def following(request: Request, sent: HttpRequest) -> Request:
    """A request of our own that goes the same way as one of the caller's, under the same client request id."""
    name = "x-ms-client-request-id"
    if name in request.http_request.headers:
        sent.headers.setdefault(name, request.http_request.headers[name])
    return PipelineRequest(sent, PipelineContext(request.context.transport))
