"""Long-running operations: followed to their end, begun again where that helps, and left when the time is over.

The SDK's pollers stay as they are: they poll the URL that they were given, and these rules see to what comes back.
Where an operation ended with a code that says "again", the write is sent again, and the old URL leads to the new
operation from then on.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from azure.core.exceptions import ServiceResponseTimeoutError
from azure.core.rest import HttpRequest

from airflow_provider_netconn.azure.answers import (
    LOCATION,
    OPERATION,
    RETRY_AFTER,
    NotJsonError,
    Problem,
    body_of,
    has_failed,
    problem_of,
    retry_after_s,
    state_of,
)
from airflow_provider_netconn.azure.deadlines import Deadline, current_deadline
from airflow_provider_netconn.azure.retries import DEADLINE, following, repetition
from airflow_provider_netconn.azure.settled import settled
from airflow_provider_netconn.azure.steps import Outcome, Request, Send, Steps, Wait
from airflow_provider_netconn.azure.troubles import BUSY_CODES, FLAKY_CODES

log = logging.getLogger("airflow_provider_netconn.azure")

OPERATION_OF: Final = "netconn_operation"
"""In a request's context, where it polls an operation: the :class:`Operation`."""

_MOST_OPERATIONS: Final = 1000
_MOST_FLAKY: Final = 3
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0
_DONE: Final = frozenset({"succeeded", "failed", "canceled"})


@dataclass(slots=True)
class Operation:
    """A long-running operation, through all its repetitions.

    :param write: the request that began it
    :param monitors: where it is polled now, by the header that told so; empty where it ended with its first answer
    :param deadline: when it is left alone
    """

    write: Request
    monitors: dict[str, str]
    deadline: Deadline
    begun: float = field(default_factory=time.monotonic)
    repeats: int = 0
    flaky: int = 0
    polls: int = 0
    failed_with: str = ""
    state: str = "InProgress"

    @property
    def path(self) -> str:
        """The path of the resource that it changes."""
        return str(urlsplit(self.write.http_request.url).path)


class OperationRules:
    """The rules for all operations of a session.

    :param timeout_s: how long an operation may take where the caller has set no deadline
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._operations: OrderedDict[str, tuple[Operation, str]] = OrderedDict()
        self._lock = threading.Lock()

    def steps(self, request: Request) -> Steps:
        """Send; what polls an operation that began here is followed through its repetitions."""
        method, url = request.http_request.method, request.http_request.url
        found = self._operations.get(url) if method == "GET" else None
        if found is not None:
            return (yield from self._poll(request, *found))
        outcome: Outcome = yield Send(request)
        if method in {"PUT", "PATCH", "DELETE", "POST"} and outcome.status in {200, 201, 202}:
            self._begin(request, outcome)
        return outcome

    def _begin(self, request: Request, outcome: Outcome) -> None:
        monitors = _monitors(outcome)
        chosen = current_deadline() or Deadline.after(self._timeout_s)
        operation = Operation(write=request, monitors=monitors, deadline=chosen)
        with self._lock:
            # A poller chooses for itself which of the two it follows, and may ask the other one for the result.
            for header, url in monitors.items():
                self._operations[url] = (operation, header)
            while len(self._operations) > _MOST_OPERATIONS:
                self._operations.popitem(last=False)

    def _poll(self, request: Request, operation: Operation, header: str) -> Steps:
        request.context[OPERATION_OF] = operation
        while True:
            operation.polls += 1
            outcome = yield from self._look(request, operation, header)
            problem = _failure(outcome)
            if problem is None or not self._may_repeat(operation, problem):
                break
            operation.repeats += 1
            operation.failed_with = problem.code
            pause_s = operation.deadline.pause_s(_pause_s(operation.repeats))
            if pause_s is None:
                break
            log.info(
                "%s %s: the operation ended with %s; again in %.1f s",
                operation.write.http_request.method, operation.path, problem.code, pause_s,
            )  # fmt: skip
            yield Wait(pause_s)
            again = repetition(operation.write)
            again.context[DEADLINE] = operation.deadline
            outcome = yield Send(again)
            if outcome.status is None or outcome.status >= 400:  # noqa: PLR2004
                break
            operation.monitors = _monitors(outcome)
            if not operation.monitors:
                operation.state = "Succeeded"
                return Outcome(response=settled(request, 200, {"status": "Succeeded"}))
        return self._paced(operation, header, outcome)

    def _look(self, request: Request, operation: Operation, header: str) -> Steps:
        now_at = operation.monitors.get(header, request.http_request.url)
        poll = request if now_at == request.http_request.url else following(request, HttpRequest("GET", now_at))
        poll.context[DEADLINE] = operation.deadline
        outcome: Outcome = yield Send(poll)
        return outcome

    def _may_repeat(self, operation: Operation, problem: Problem) -> bool:
        if operation.write.http_request.method == "POST":
            return False
        if problem.codes & BUSY_CODES:
            return True
        operation.flaky += 1
        return bool(problem.codes & FLAKY_CODES) and operation.flaky <= _MOST_FLAKY

    def _paced(self, operation: Operation, header: str, outcome: Outcome) -> Outcome:
        """The answer, with word for the poller when to look again; or the error that there is no time for that."""
        operation.state = _state(outcome, header)
        if not operation.state or operation.state.casefold() in _DONE:
            return outcome
        wanted_s = retry_after_s(outcome.headers)
        pause_s = operation.deadline.pause_s(_pause_s(operation.polls) if wanted_s is None else wanted_s)
        if pause_s is None:
            return Outcome(error=ServiceResponseTimeoutError(f"the operation is {operation.state} at the deadline"))
        outcome.headers[RETRY_AFTER] = f"{max(pause_s, 0.01):.3f}"
        return outcome


def _monitors(outcome: Outcome) -> dict[str, str]:
    """Where an operation is polled, by header; empty where nothing is under way."""
    found = {name: str(outcome.headers[name]) for name in (OPERATION, LOCATION) if outcome.headers.get(name)}
    # Without the former, ``Location`` means an operation only where the request was accepted and no more.
    return found if OPERATION in found or outcome.status == 202 else {}  # noqa: PLR2004


def _failure(outcome: Outcome) -> Problem | None:
    """How an operation failed; None where it has not, or does not say so in a way that can be read."""
    if outcome.response is None:
        return None
    try:
        body = body_of(outcome.response.http_response)
    except NotJsonError:
        return None
    if (outcome.status or 0) >= 400 or has_failed(body):  # noqa: PLR2004
        return problem_of(body)
    return None


def _state(outcome: Outcome, header: str) -> str:
    """How the operation stands; empty where the outcome does not tell."""
    if outcome.response is None or (outcome.status or 0) >= 400:  # noqa: PLR2004
        return ""
    if header == LOCATION:
        return "InProgress" if outcome.status == 202 else "Succeeded"  # noqa: PLR2004
    try:
        return state_of(body_of(outcome.response.http_response))
    except NotJsonError:
        return ""


def _pause_s(times: int) -> float:
    longest_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(times - 1, 10))
    return float(longest_s * random.uniform(0.7, 1.0))  # noqa: S311 - spreads requests, and is no secret
