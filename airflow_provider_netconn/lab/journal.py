"""What was asked of the lab: every request, without its secrets, in a memory that does not grow."""

from __future__ import annotations

import base64
import dataclasses
import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_netconn.lab.patterns import matches

CAPACITY: Final = 10_000
MAX_BODY_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request. What it holds is masked already (:mod:`airflow_provider_netconn.lab.masking`).

    :param number: counts all requests of this lab, from 1; a reset does not restart it
    :param time: when it came, in seconds since the epoch by the lab's clock
    :param service: which service was asked: ``arm``, ``authority``, ``managed_identity``, ``graph``, ``astro``
    :param path: decoded, without the query
    :param principal: object id of the caller: to Resource Manager as verified, elsewhere as its token claims; None
        without a token that has one
    :param status: what was answered; None where no answer was given: the connection was reset, or the client left
    :param duration_s: until the last octet of the answer
    :param correlation_id: ``x-ms-correlation-request-id`` of the answer, or else of the request
    :param fault: the fault that was applied, as the list of faults names it; None where none was
    :param body: what was sent: a JSON value, a form's fields, or a text where it was long or no JSON; None without one
    """

    number: int
    time: float
    service: str
    method: str
    path: str
    query: str
    principal: str | None
    status: int | None
    duration_s: float
    correlation_id: str | None
    fault: str | None
    body: Any

    def to_json(self) -> dict[str, Any]:
        """Plain values, as the admin API gives them."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which entries are meant; what is None does not matter.

    :param method: ``PUT``, ``get``
    :param path: a pattern, see :func:`airflow_provider_netconn.lab.patterns.compiled`
    :param status: a status, ``409``, or a class of them, ``4xx``; ``none`` where no answer was given
    :param since: seconds since the epoch by the lab's clock; entries of that moment count
    :param service: which service was asked
    :param faulty: only requests to which a fault was applied, or only the others
    """

    method: str | None = None
    path: str | None = None
    status: str | None = None
    since: float | None = None
    service: str | None = None
    faulty: bool | None = None

    def selects(self, entry: Entry) -> bool:
        """:return: whether the entry is one of those meant"""
        return (
            (self.method is None or entry.method == self.method.upper())
            and (self.service is None or entry.service == self.service)
            and (self.since is None or entry.time >= self.since)
            and (self.faulty is None or (entry.fault is not None) == self.faulty)
            and (self.status is None or _is_status(self.status, entry.status))
            and (self.path is None or matches(self.path, entry.path))
        )


class Journal:
    """The last requests. It may be read from other threads while requests come.

    :param capacity: how many are kept; older ones are forgotten
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._lock = threading.Lock()
        self._count = 0

    def add(self, **values: Any) -> Entry:
        """Write a request down.

        :param values: the fields of :class:`Entry` but for its number; a long body is cut
        """
        with self._lock:
            self._count += 1
            entry = Entry(number=self._count, **{**values, "body": _bounded(values["body"])})
            self._entries.append(entry)
        return entry

    def entries(self, query: Query | None = None) -> list[Entry]:
        """The requests that are meant, oldest first, in the order in which they were answered."""
        with self._lock:
            kept = list(self._entries)
        return kept if query is None else [entry for entry in kept if query.selects(entry)]

    def count(self, query: Query | None = None) -> int:
        """How many requests are meant, of those that are kept."""
        return len(self.entries(query))

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._entries.clear()


def claimed_principal(authorization: str | None) -> str | None:
    """The object id in a bearer token, unverified: the entry tells who was claimed to ask, its status the rest."""
    scheme, _, token = (authorization or "").partition(" ")
    parts = token.split(".")
    if scheme.casefold() != "bearer" or len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    found = claims.get("oid") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else None


def to_json(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries as the admin API gives them."""
    return [entry.to_json() for entry in entries]


def _is_status(wanted: str, status: int | None) -> bool:
    if status is None:
        return wanted.casefold() == "none"
    return str(status) == wanted or f"{status // 100}xx" == wanted.casefold()


def _bounded(body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return body if len(text) <= MAX_BODY_CHARACTERS else f"{text[:MAX_BODY_CHARACTERS]}... ({len(text)} characters)"
