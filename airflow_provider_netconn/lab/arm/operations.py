"""Long-running operations: accepted now, ended later, followed by ``Azure-AsyncOperation``, ``Location`` or neither.

Which of them a type gives, and how its polls answer, was recorded from live traffic; the URL of a poll is signed, about
4 KB long, and to be used as it is. Operations end when their time has come: there is no task behind them, whoever looks
next (a poll, a read, a write) sees them ended, in the order of their ends.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Flag, StrEnum, auto
from heapq import heappop, heappush
from typing import Any
from urllib.parse import quote

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath

KEPT_OPERATIONS = 20_000
"""How many operations can be asked for; the oldest that ended are forgotten first."""

CERTIFICATE_LENGTH = 3_200
"""Characters of the signer's certificate in a poll's URL, which make it about 4 KB long."""


class Follow(Flag):
    """Which headers a client gets to follow an operation by."""

    NOTHING = 0
    ASYNC_OPERATION = auto()
    LOCATION = auto()
    BOTH = ASYNC_OPERATION | LOCATION


class Shown(StrEnum):
    """What the body of a write's answer is."""

    RESOURCE = "resource"
    EMPTY_OBJECT = "empty object"
    NOTHING = "nothing"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a write is answered.

    :param status: HTTP status of the answer
    :param follow: headers to follow the operation by
    :param shown: the body
    :param state: ``provisioningState`` while the operation runs
    :param duration_s: how long it runs at time scale 1, in seconds; 0 with nothing to follow is a synchronous write
    :param deferred: whether the change shows only when the operation ends, as with registries and Cosmos accounts
    :param final_status: what ``Location`` answers at the end; None: 200, and 204 for a delete
    :param names_resource: whether ``Location`` names the resource itself, of a write that is done at once
    """

    status: int
    follow: Follow = Follow.NOTHING
    shown: Shown = Shown.RESOURCE
    state: str = "Updating"
    duration_s: float = 0.0
    deferred: bool = False
    final_status: int | None = None
    names_resource: bool = False

    @property
    def is_synchronous(self) -> bool:
        """Whether the write is done when it is answered."""
        return self.follow is Follow.NOTHING and self.duration_s == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How a resource provider's polls look. Templates know ``subscription``, ``group``, ``region``, ``resource``
    and ``id``.

    :param async_operation: path of the ``Azure-AsyncOperation`` URL
    :param location: path of the ``Location`` URL
    :param running_status: status of a poll of the former while the operation runs; private DNS answers 202, ACR 201
    :param running: its word while it runs
    :param fresh_headers: whether each poll carries both headers anew
    :param detailed: whether its body tells id, name and times besides the status
    :param signed: whether the URLs carry a signature
    :param location_at_end: whether the last answer at ``Location`` names it once more; Service Bus does
    """

    async_operation: str
    location: str
    running_status: int = 200
    running: str = "InProgress"
    fresh_headers: bool = False
    detailed: bool = False
    signed: bool = True
    location_at_end: bool = False


def provider_polling(
    namespace: str, operations: str = "operations", results: str = "operationResults", **more: Any
) -> Polling:
    """:return: polls as most providers have them, below the region

    :param namespace: the resource provider
    :param operations: segment of the status URL
    :param results: segment of the result URL
    :param more: further parameters of :class:`Polling`
    """
    base = "/subscriptions/{subscription}/providers/" + namespace + "/locations/{region}/"
    return Polling(async_operation=f"{base}{operations}/{{id}}", location=f"{base}{results}/{{id}}", **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFault:
    """A fault told beforehand: the next operation fails, or never ends.

    :param error: what it fails with
    :param late_s: without one, how long it runs at least, in lab seconds; infinite for one that never ends
    """

    error: ArmError | None
    late_s: float = float("inf")


@dataclass(slots=True, kw_only=True)
class Operation:
    """One operation.

    :param method: PUT, PATCH, DELETE or POST
    :param target: what it works on
    :param region: where, for the URL
    :param answer: how the write was answered
    :param polling: how its polls look
    :param api_version: of the request; the URLs carry it
    :param starts_at: lab time, seconds
    :param ends_at: lab time, seconds; infinite for one that never ends
    :param on_end: makes the change, when the operation succeeds
    :param on_failure: what becomes of the resource, when it does not
    :param error: what it fails with
    :param result: gives the body of the final answer at ``Location``
    """

    method: str
    target: ArmPath
    region: str
    answer: Answer
    polling: Polling
    api_version: str
    starts_at: float
    ends_at: float
    on_end: Callable[[], None]
    on_failure: Callable[[], None]
    error: ArmError | None = None
    result: Callable[[], Any] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return not self.status

    def finish(self) -> None:
        """Make its change, or fail."""
        if self.error is None:
            self.status = "Succeeded"
            self.on_end()
        else:
            self.status = "Failed"
            self.on_failure()

    def cancel(self, error: ArmError) -> None:
        """End it because another one takes its place; its own change is not undone."""
        self.status, self.error = "Canceled", error


class Operations:
    """All operations of a lab.

    :param now: the lab's time
    :param base_url: gives the control plane's own URL, such as ``https://localhost:8443``
    """

    def __init__(self, now: Callable[[], float], base_url: Callable[[], str]) -> None:
        self._now = now
        self._base_url = base_url
        self._key = secrets.token_bytes(32)
        self._certificate = secrets.token_urlsafe(CERTIFICATE_LENGTH * 3 // 4)
        self._by_path: dict[str, tuple[Operation, Follow]] = {}
        self._due: list[tuple[float, int, Operation]] = []
        self._started = 0

    def clear(self) -> None:
        """Forget all operations, the running ones too."""
        self._by_path.clear()
        self._due.clear()

    def start(self, operation: Operation) -> None:
        """Let an operation run."""
        for follow in (Follow.ASYNC_OPERATION, Follow.LOCATION):
            self._by_path[self._path(operation, follow).casefold()] = (operation, follow)
        while len(self._by_path) > 2 * KEPT_OPERATIONS:
            oldest = next(iter(self._by_path))
            del self._by_path[oldest]
        self._started += 1
        if operation.ends_at != float("inf"):
            heappush(self._due, (operation.ends_at, self._started, operation))

    def advance(self) -> None:
        """End all operations whose time has come, the earliest first."""
        now = self._now()
        while self._due and self._due[0][0] <= now:
            _, _, operation = heappop(self._due)
            if operation.is_running:
                operation.finish()

    def headers(self, operation: Operation, follow: Follow | None = None) -> dict[str, str]:
        """:return: the headers that a client follows the operation by"""
        follow = operation.answer.follow if follow is None else follow
        headers = {}
        if Follow.ASYNC_OPERATION in follow:
            headers["Azure-AsyncOperation"] = self.url(operation, Follow.ASYNC_OPERATION)
        if Follow.LOCATION in follow:
            headers["Location"] = self.url(operation, Follow.LOCATION)
        return headers

    def url(self, operation: Operation, follow: Follow) -> str:
        """:return: the whole URL of a poll"""
        path = self._path(operation, follow)
        query = f"api-version={operation.api_version}"
        if operation.polling.signed:
            issued = str(int(operation.starts_at * 10_000_000))
            query += f"&t={issued}&c={self._certificate}&s={self._sign(path, issued)}&h={operation.id[:8]}"
        return self._base_url() + quote(path, safe="/") + "?" + query

    def find(self, path: str, query: Mapping[str, str]) -> tuple[Operation, Follow] | None:
        """Look a poll's URL up.

        :param path: as requested
        :param query: as requested
        :return: the operation and which of its URLs it was, or None: no such operation
        :raises ArmError: 401, the URL's signature does not fit
        """
        found = self._by_path.get(path.rstrip("/").casefold())
        if found is None:
            return None
        operation, follow = found
        expected = self._path(operation, follow)
        signature = self._sign(expected, query.get("t", ""))
        if operation.polling.signed and not hmac.compare_digest(signature, query.get("s", "")):
            raise ArmError(
                401, "InvalidAuthenticationToken", "The operation's URL is signed and has to be used as it was given."
            )
        return found

    def status_body(self, operation: Operation) -> dict[str, Any]:
        """:return: the body of ``Azure-AsyncOperation``"""
        body: dict[str, Any] = {"status": operation.status or operation.polling.running}
        if operation.polling.detailed:
            body["id"] = self._path(operation, Follow.ASYNC_OPERATION)
            body["name"] = operation.id
            body["startTime"] = timestamp(operation.starts_at)
            if not operation.is_running:
                body["endTime"] = timestamp(min(operation.ends_at, self._now()))
        if operation.error is not None and not operation.is_running:
            body["error"] = operation.error.body.get("error", operation.error.body)
        return body

    def _path(self, operation: Operation, follow: Follow) -> str:
        polling = operation.polling
        template = polling.async_operation if follow is Follow.ASYNC_OPERATION else polling.location
        return template.format(
            subscription=operation.target.subscription,
            group=operation.target.group,
            region=operation.region,
            resource=operation.target.text,
            id=operation.id,
        )

    def _sign(self, path: str, issued: str) -> str:
        return hmac.new(self._key, f"{path.casefold()}|{issued}".encode(), hashlib.sha512).hexdigest()


def timestamp(seconds: float) -> str:
    """:return: lab time as Azure writes it, such as ``2026-03-01T08:00:00.1234567Z``"""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def named_operation(operation: Operation, name: str) -> dict[str, Any]:
    """:return: the body of an accepted write that names the operation instead of the resource, as databases answer"""
    return {"operation": name, "startTime": timestamp(operation.starts_at)}
