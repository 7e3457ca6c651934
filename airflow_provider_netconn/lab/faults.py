"""Faults told by rules: which requests, how many of them, and what happens to them instead of what should."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from airflow_provider_netconn.lab.effects import (
    Effect,
    HideAfterPut,
    Meets,
    effect_named,
)
from airflow_provider_netconn.lab.errors import FaultError
from airflow_provider_netconn.lab.patterns import compiled, matches

DNS: Final = "dns"
SERVICES: Final = ("arm", "authority", "managed_identity", "graph", "astro", "data", DNS)
"""Whose requests faults and journal know; ``data`` are the services behind the resources, ``dns`` the DNS servers."""
METHODS: Final = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")
RECORD_TYPES: Final = ("A", "AAAA", "CNAME", "HTTPS", "MX", "NS", "PTR", "SOA", "SRV", "SVCB", "TXT")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Which requests meet which fault. What is None does not matter.

    Of packets, ``path`` is for what they are sent to: the id of a resource or private endpoint, an address, or address
    and port (``10.20.1.4:443``); ``query`` for the place that they come from, by its id in lower case or its name.

    :param fault: a fault of the catalogue, with its argument behind a colon: ``throttled``, ``server-error:503``
    :param method: ``PUT``; of DNS, the type that is asked for: ``A``
    :param path: a pattern, see :func:`airflow_provider_netconn.lab.patterns.compiled`; of DNS, for the name
    :param query: a pattern for the query string, its percent-encoding undone; of DNS, for whom is asked: the id of a
        network in lower case, the name of one of the seed's servers, or nothing for public DNS
    :param service: one of :data:`SERVICES`
    :param host: a pattern for the public name of a service behind a resource
    :param times: so many requests, the next ones; the default is one, or with a share no limit
    :param share: of the requests that match, this part, from 0 to 1, drawn at random
    :param seed: of the random numbers: the same seed hits the same requests
    :param retry_after_s: the answer's ``Retry-After``, in whole seconds
    :param code: another error code than the fault's own
    :param message: another message
    :raises FaultError: naming the parameter
    """

    fault: str
    method: str | None = None
    path: str | None = None
    query: str | None = None
    service: str | None = None
    host: str | None = None
    times: int | None = None
    share: float | None = None
    seed: int = 0
    retry_after_s: int | None = None
    code: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        self._check_types()
        is_of_names = self.effect().meets is Meets.QUERY
        methods, what = (RECORD_TYPES, "record type") if is_of_names else (METHODS, "method")
        if self.method is not None and self.method.upper() not in methods:
            raise FaultError("method", f"{self.method!r} is no {what}", f"write one of {', '.join(methods)}")
        if self.service is not None and self.service not in SERVICES:
            raise FaultError("service", f"{self.service!r} is no service", f"write one of {', '.join(SERVICES)}")
        if self.service is not None and (self.service == DNS) != is_of_names:
            raise FaultError("service", f"{self.fault!r} is no fault of {self.service}", "leave service out")
        if self.effect().meets is Meets.PACKETS:
            self._check_packets()
        if self.times is not None and self.times < 1:
            raise FaultError("times", f"{self.times} requests are none", "write 1 or more; remove the fault to end it")
        if self.share is not None and not 0 < self.share <= 1:
            raise FaultError("share", f"{self.share:g} is no share", "write a number above 0, and 1 at most")
        if self.retry_after_s is not None and self.retry_after_s < 0:
            raise FaultError(
                "retry_after_s", f"{self.retry_after_s} is no waiting time", "write whole seconds, 0 or more"
            )
        for name in ("path", "query", "host"):
            try:
                compiled(getattr(self, name) or "*")
            except ValueError as error:
                raise FaultError(name, str(error), "write a glob, or mend what stands behind 're:'") from None

    def _check_packets(self) -> None:
        """A fault of packets stands until it is removed; it has no requests to choose from."""
        for name in ("method", "service", "times", "share"):
            if getattr(self, name) is not None:
                raise FaultError(name, f"{self.fault!r} hits all packets", f"leave {name} out, and remove it to end it")

    def _check_types(self) -> None:
        for name, types in _TYPES.items():
            value = getattr(self, name)
            if value is None and name not in {"fault", "seed"}:
                continue
            if not isinstance(value, types) or isinstance(value, bool):
                raise FaultError(name, f"{value!r} is no {_KINDS[types[0]]}")

    @classmethod
    def from_json(cls, value: object) -> FaultRule:
        """A rule from what the admin API was sent.

        :raises FaultError: naming the key
        """
        if not isinstance(value, Mapping):
            raise FaultError("fault", "the body is no object", 'send {"fault": "throttled", "path": "..."}')
        unknown = sorted(set(value) - set(_TYPES))
        if unknown:
            raise FaultError(unknown[0], "unknown key", f"known keys are {', '.join(_TYPES)}")
        if "fault" not in value:
            raise FaultError("fault", "is missing", 'send {"fault": "throttled", "path": "..."}')
        return cls(**value)

    def effect(self) -> Effect:
        """What happens to a request that is hit."""
        return effect_named(self.fault, retry_after_s=self.retry_after_s, code=self.code, message=self.message)

    def selects(self, service: str, method: str, path: str, query: str, hosts: Collection[str] = ()) -> bool:
        """:return: whether the rule is about such a request"""
        return (
            (self.service is None or service == self.service)
            and (self.method is None or method == self.method.upper())
            and (self.path is None or matches(self.path, path))
            and (self.query is None or matches(self.query, query))
            and (self.host is None or any(matches(self.host, host) for host in hosts))
        )


_KINDS: Final[Mapping[type, str]] = {str: "text", int: "whole number", float: "number"}
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    field.name: {"times": (int,), "seed": (int,), "retry_after_s": (int,), "share": (float, int)}.get(
        field.name, (str,)
    )
    for field in fields(FaultRule)
}


class Fault:
    """A rule at work.

    :param number: its name among the lab's faults
    """

    def __init__(self, number: int, rule: FaultRule) -> None:
        self.number = number
        self.rule = rule
        self.effect = rule.effect()
        self.matched = 0
        """How many requests the rule was about."""
        self.applied = 0
        """How many of them it hit."""
        self._random = random.Random(rule.seed)  # noqa: S311 - which requests fail is no secret
        stands = rule.share is not None or self.effect.meets is Meets.PACKETS
        self._limit = rule.times if rule.times is not None or stands else 1

    @property
    def left(self) -> int | None:
        """How many more requests it will hit; None where there is no limit."""
        return None if self._limit is None else self._limit - self.applied

    def hits(self, service: str, method: str, path: str, query: str, hosts: Collection[str] = ()) -> bool:
        """:return: whether this request is hit; then it counts as such"""
        if self.left == 0 or not self.rule.selects(service, method, path, query, hosts):
            return False
        if isinstance(self.effect, HideAfterPut) and method != "PUT":
            return False
        self.matched += 1
        if self.rule.share is not None and self._random.random() >= self.rule.share:
            return False
        self.applied += 1
        return True

    def to_json(self) -> dict[str, Any]:
        """As the admin API lists it."""
        given = {field.name: getattr(self.rule, field.name) for field in fields(self.rule)}
        told = {name: value for name, value in given.items() if value is not None and (name, value) != ("seed", 0)}
        return {"id": self.number, **told, "matched": self.matched, "applied": self.applied, "left": self.left}


class FaultBook:
    """The lab's faults. The first rule that hits a request decides; one that is used up is listed until removed.

    It may be asked and changed from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[int, Fault] = {}
        self._numbers = itertools.count(1)
        self._hidden: dict[str, _Hidden] = {}
        self.changes = 0
        """Grows with each fault that comes or goes."""

    def add(self, rule: FaultRule) -> Fault:
        """Add a fault behind the others."""
        with self._lock:
            fault = Fault(next(self._numbers), rule)
            self._faults[fault.number] = fault
            self.changes += 1
        return fault

    def all(self) -> list[Fault]:
        """All faults, in the order in which they are tried."""
        with self._lock:
            return list(self._faults.values())

    def remove(self, number: int) -> bool:
        """Remove one fault, and what it hides.

        :return: whether there was one of that number
        """
        with self._lock:
            self.changes += 1
            self._hidden = {path: hidden for path, hidden in self._hidden.items() if hidden.fault.number != number}
            return self._faults.pop(number, None) is not None

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self.changes += 1
            self._faults.clear()
            self._hidden.clear()

    def take(self, service: str, method: str, path: str, query: str, host: str = "") -> Fault | None:
        """The fault that meets this request, if one does; those of operations are met later (:meth:`take_operation`).

        :param query: with its percent-encoding undone
        :param host: of a service behind a resource
        """
        with self._lock:
            return self._first_hit(Meets.REQUEST, service, method, path, query, (host,))

    def take_operation(self, method: str, path: str) -> Fault | None:
        """The fault that meets the operation which this request to Resource Manager begins, if one does."""
        with self._lock:
            return self._first_hit(Meets.OPERATION, "arm", method, path, "", ())

    def take_connection(self, resource_id: str, hosts: Collection[str]) -> Fault | None:
        """The fault that meets this connection to a service, if one does.

        :param resource_id: what is behind the service; a rule's path is about that
        :param hosts: its public names
        """
        with self._lock:
            return self._first_hit(Meets.CONNECTION, "data", "", resource_id, "", hosts)

    def take_query(self, record_type: str, name: str, asked: str) -> Fault | None:
        """The fault that meets this DNS query, if one does.

        :param asked: whom: the id of a network, the name of one of the seed's servers, or nothing for public DNS
        """
        if not self._faults:
            return None
        with self._lock:
            return self._first_hit(Meets.QUERY, DNS, record_type, name, asked, ())

    def _first_hit(
        self, meets: Meets, service: str, method: str, path: str, query: str, hosts: Collection[str]
    ) -> Fault | None:
        for fault in self._faults.values():
            if fault.effect.meets is meets and fault.hits(service, method, path, query, hosts):
                return fault
        return None

    def hide(self, fault: Fault, path: str) -> None:
        """Have the next reads of what was just made find nothing."""
        assert isinstance(fault.effect, HideAfterPut)
        with self._lock:
            self._hidden[_key(path)] = _Hidden(fault, fault.effect.reads)

    def take_hidden(self, method: str, path: str) -> Fault | None:
        """The fault that hides what this request reads, if one does."""
        with self._lock:
            hidden = self._hidden.get(_key(path)) if method == "GET" else None
            if hidden is None:
                return None
            hidden.reads_left -= 1
            if hidden.reads_left == 0:
                del self._hidden[_key(path)]
            return hidden.fault


@dataclass(slots=True)
class _Hidden:
    fault: Fault
    reads_left: int


def _key(path: str) -> str:
    return path.rstrip("/").casefold()
