"""The catalogue of faults: what each does to a request, with the answers as Azure words them.

Wording and shape of Resource Manager's refusals are those of public reports of the same errors: hashicorp/terraform
7986 (429 ``RetryableError``), hashicorp/terraform-provider-azurerm 19146 (429 without ``Retry-After``), Azure/bicep
5132 (``AnotherOperationInProgress``), webdevops/azure-metrics-exporter 36 (``SubscriptionRequestsThrottled``); and of
Microsoft Learn, "Troubleshoot common Azure deployment errors".
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from airflow_provider_netconn.lab.errors import FaultError


class Meets(StrEnum):
    """What a fault can hit; each effect is for one of these."""

    REQUEST = "request"
    OPERATION = "operation"
    """Of Resource Manager."""
    CONNECTION = "connection"
    """To a service behind a resource."""
    QUERY = "query"
    """To a DNS server."""
    PACKETS = "packets"
    """Of the isolated lab: all of them, as long as the fault stands."""


class Effect:
    """What happens to what a fault hits."""

    meets: ClassVar[Meets] = Meets.REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Effect):
    """The request is answered with an error and does nothing.

    :param retry_after_s: ``Retry-After`` in seconds; None sends none
    :param details: nested errors, each with ``code`` and ``message``
    """

    status: int
    code: str
    message: str
    retry_after_s: int | None = None
    details: tuple[Mapping[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class ExpireToken(Effect):
    """The request is answered as if its token had expired five minutes ago."""


@dataclass(frozen=True, slots=True)
class ResetConnection(Effect):
    """The client's connection is reset (TCP RST), without an answer.

    :param after_the_change: the request is carried out first
    """

    after_the_change: bool


@dataclass(frozen=True, slots=True)
class Hang(Effect):
    """Nothing is answered until the client leaves.

    :param seconds: after so long the request is carried out and answered after all; None for never
    """

    seconds: float | None


@dataclass(frozen=True, slots=True)
class CutBody(Effect):
    """The request is carried out, and its answer's body ends in the middle; the HTTP around it is whole."""


@dataclass(frozen=True, slots=True)
class HideAfterPut(Effect):
    """The request is carried out; the next reads of the same path find nothing.

    :param reads: how many
    """

    reads: int


@dataclass(frozen=True, slots=True)
class FailOperation(Effect):
    """The request is accepted, and the operation that it begins ends ``Failed``."""

    meets: ClassVar[Meets] = Meets.OPERATION
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NeverEndOperation(Effect):
    """The request is accepted, and the operation that it begins stays ``InProgress``.

    :param seconds: after so long it ends after all, as it would have; None for never
    """

    meets: ClassVar[Meets] = Meets.OPERATION
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ShowCertificate(Effect):
    """The service shows another certificate than its own.

    :param shown: ``expired`` or ``intercepted``
    """

    meets: ClassVar[Meets] = Meets.CONNECTION
    shown: str


@dataclass(frozen=True, slots=True)
class StallService(Effect):
    """The service takes the connection and says nothing, not even TLS's greeting.

    :param seconds: after so long it serves after all; None for never
    """

    meets: ClassVar[Meets] = Meets.CONNECTION
    seconds: float | None


@dataclass(frozen=True, slots=True)
class CloseConnection(Effect):
    """The service closes the connection as soon as it is made.

    :param reset: with RST
    """

    meets: ClassVar[Meets] = Meets.CONNECTION
    reset: bool


class NameEffect(Effect):
    """What happens to a DNS query that a fault hits."""

    meets: ClassVar[Meets] = Meets.QUERY


@dataclass(frozen=True, slots=True)
class AnswerCode(NameEffect):
    """The query is answered with a response code and nothing else."""

    rcode: int


@dataclass(frozen=True, slots=True)
class NoAnswer(NameEffect):
    """The query is never answered."""


@dataclass(frozen=True, slots=True)
class AnswerWith(NameEffect):
    """The query is answered with another address than the true one; of the other version, with none."""

    address: str


@dataclass(frozen=True, slots=True)
class AnswerStale(NameEffect):
    """The query is answered as it was when it was last answered before, whatever has changed since."""


@dataclass(frozen=True, slots=True)
class AnswerLate(NameEffect):
    """The query is answered truly, after a while.

    :param seconds: how long
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class AnswerTruncated(NameEffect):
    """The query over UDP is answered with nothing but that the answer is too long, so that the client asks over TCP."""


@dataclass(frozen=True, slots=True)
class BlockPackets(Effect):
    """Packets do not get through.

    :param how: ``drop``, ``refuse`` or ``prohibit``
    """

    meets: ClassVar[Meets] = Meets.PACKETS
    how: str


@dataclass(frozen=True, slots=True)
class DelayPackets(Effect):
    """Packets get through late.

    :param seconds: by how much, each
    """

    meets: ClassVar[Meets] = Meets.PACKETS
    seconds: float


Maker = Callable[[str], Effect]


def effect_named(
    fault: str, *, retry_after_s: int | None = None, code: str | None = None, message: str | None = None
) -> Effect:
    """What a fault of the catalogue does.

    :param fault: its name, with its argument behind a colon where it has one
    :param retry_after_s: instead of its own; likewise code and message
    :raises FaultError: there is none of that name, it cannot take that argument, or has no such part to replace
    """
    name, _, argument = fault.partition(":")
    make = CATALOGUE.get(name)
    if make is None:
        near = difflib.get_close_matches(name, CATALOGUE, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"the faults are {', '.join(CATALOGUE)}"
        raise FaultError("fault", f"{name!r} is no fault", mend)
    effect = make(argument)
    for part, value in {"retry_after_s": retry_after_s, "code": code, "message": message}.items():
        if value is None:
            continue
        if not hasattr(effect, part):
            raise FaultError(part, f"{name!r} has none", f"leave {part} out")
        effect = dataclasses.replace(effect, **{part: value})  # type: ignore[type-var]
    return effect


def catalogue_lines() -> list[tuple[str, str]]:
    """Each fault's name and what it does, for the help and the docs."""
    return [(name, inspect.getdoc(make) or "") for name, make in CATALOGUE.items()]


def _throttled(argument: str) -> Effect:
    """429 `SubscriptionRequestsThrottled` with `Retry-After`; the argument is its seconds (1)"""
    seconds = _whole(argument or "1", "throttled:5")
    return dataclasses.replace(_THROTTLED, retry_after_s=seconds, message=_throttled_message(seconds))


def _throttled_without_retry_after(argument: str) -> Effect:
    """429 `TooManyRequests` without `Retry-After`"""
    _no(argument)
    return dataclasses.replace(_THROTTLED, code="TooManyRequests", message="The request is being throttled.")


def _retryable(argument: str) -> Effect:
    """429 that is no throttling: `RetryableError` around `ReferencedResourceNotProvisioned`"""
    _no(argument)
    nested = {"code": "ReferencedResourceNotProvisioned", "message": _NOT_PROVISIONED}
    return Refuse(status=429, code="RetryableError", message="A retryable error occurred.", details=(nested,))


def _retryable_due_to_another_operation(argument: str) -> Effect:
    """429 that is no throttling: `RetryableErrorDueToAnotherOperation`"""
    _no(argument)
    message = (
        "Operation PutSubnetOperation (3f1f0f3e-2f04-4c44-9c0b-6a4f8d0d9e10) is updating resource. "
        "The call can be retried in 10 seconds."
    )
    return Refuse(status=429, code="RetryableErrorDueToAnotherOperation", message=message, details=())


def _another_operation(argument: str) -> Effect:
    """409 `AnotherOperationInProgress`, without `Retry-After`"""
    _no(argument)
    message = (
        "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: "
        "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Network"
        "/locations/westeurope/operations/3f1f0f3e-2f04-4c44-9c0b-6a4f8d0d9e10?api-version=2024-05-01."
    )
    return Refuse(status=409, code="AnotherOperationInProgress", message=message, details=())


def _not_provisioned(argument: str) -> Effect:
    """400 `ReferencedResourceNotProvisioned`, without `Retry-After`"""
    _no(argument)
    return Refuse(status=400, code="ReferencedResourceNotProvisioned", message=_NOT_PROVISIONED, details=())


def _server_error(argument: str) -> Effect:
    """500, or 502, 503 or 504 as the argument says"""
    status = _whole(argument or "500", "server-error:503")
    if status not in _SERVER_ERRORS:
        raise FaultError("fault", f"{status} is no such error", f"write one of {', '.join(map(str, _SERVER_ERRORS))}")
    code, message = _SERVER_ERRORS[status]
    return Refuse(status=status, code=code, message=message)


def _reset_before(argument: str) -> Effect:
    """the connection is reset (TCP RST); the request was not carried out"""
    _no(argument)
    return ResetConnection(after_the_change=False)


def _reset_after(argument: str) -> Effect:
    """the request is carried out, then the connection is reset without an answer"""
    _no(argument)
    return ResetConnection(after_the_change=True)


def _hang(argument: str) -> Effect:
    """no answer until the client leaves; with an argument, a late one after that many seconds"""
    return Hang(_seconds(argument, "hang"))


def _service_hangs(argument: str) -> Effect:
    """a service takes the connection and says nothing; with an argument, for that many seconds"""
    return StallService(_seconds(argument, "service-hangs"))


def _service_closes(argument: str) -> Effect:
    """a service closes the connection as soon as it is made"""
    _no(argument)
    return CloseConnection(reset=False)


def _service_resets(argument: str) -> Effect:
    """a service resets the connection (TCP RST) as soon as it is made"""
    _no(argument)
    return CloseConnection(reset=True)


def _expired_certificate(argument: str) -> Effect:
    """a service shows a certificate that ended yesterday"""
    _no(argument)
    return ShowCertificate("expired")


def _intercepted(argument: str) -> Effect:
    """a service shows a certificate that a proxy on the way made, under an authority that nobody knows"""
    _no(argument)
    return ShowCertificate("intercepted")


def _seconds(argument: str, fault: str) -> float | None:
    """:return: how long, in seconds; None for ever"""
    mend = f"write {fault}, or {fault}:2.5"
    try:
        seconds = float(argument) if argument else None
    except ValueError:
        raise FaultError("fault", f"{argument!r} is no number of seconds", mend) from None
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise FaultError("fault", f"{argument!r} is no waiting time", mend)
    return seconds


def _malformed(argument: str) -> Effect:
    """the request is carried out; the answer's JSON ends in the middle"""
    _no(argument)
    return CutBody()


def _expired_token(argument: str) -> Effect:
    """401 `ExpiredAuthenticationToken`"""
    _no(argument)
    return ExpireToken()


def _operation_fails(argument: str) -> Effect:
    """accepted, then the operation ends `Failed`; the argument is the code (`InternalServerError`)"""
    code = argument or "InternalServerError"
    return FailOperation(code, _FAILED_OPERATIONS.get(code, f"The operation failed: {code}."))


def _operation_never_ends(argument: str) -> Effect:
    """accepted, then the operation stays `InProgress`; with an argument, for that many seconds"""
    return NeverEndOperation(_seconds(argument, "operation-never-ends"))


def _not_found_after_put(argument: str) -> Effect:
    """a PUT is carried out; the next GETs of the same path (2, or the argument) answer 404 `ResourceNotFound`"""
    reads = _whole(argument or "2", "not-found-after-put:3")
    if reads < 1:
        raise FaultError("fault", f"{reads} reads are none", "write 1 or more")
    return HideAfterPut(reads)


def _packets_drop(argument: str) -> Effect:
    """isolated lab: packets vanish"""
    _no(argument)
    return BlockPackets("drop")


def _packets_refuse(argument: str) -> Effect:
    """isolated lab: TCP connections are refused (RST), other packets answered with ICMP's port unreachable"""
    _no(argument)
    return BlockPackets("refuse")


def _packets_prohibit(argument: str) -> Effect:
    """isolated lab: packets are answered with ICMP's "administratively prohibited" """
    _no(argument)
    return BlockPackets("prohibit")


def _packets_delay(argument: str) -> Effect:
    """isolated lab: packets are late by the argument's seconds (0.2), one way"""
    seconds = _seconds(argument or "0.2", "packets-delay")
    assert seconds is not None
    return DelayPackets(seconds)


def _dns_servfail(argument: str) -> Effect:
    """DNS: SERVFAIL"""
    _no(argument)
    return AnswerCode(2)


def _dns_refused(argument: str) -> Effect:
    """DNS: REFUSED"""
    _no(argument)
    return AnswerCode(5)


def _dns_nxdomain(argument: str) -> Effect:
    """DNS: NXDOMAIN, though the name may be there"""
    _no(argument)
    return AnswerCode(3)


def _dns_timeout(argument: str) -> Effect:
    """DNS: no answer"""
    _no(argument)
    return NoAnswer()


def _dns_address(argument: str) -> Effect:
    """DNS: a wrong address: the argument (203.0.113.9)"""
    try:
        return AnswerWith(str(ipaddress.ip_address(argument or "203.0.113.9")))
    except ValueError:
        raise FaultError("fault", f"{argument!r} is no address", "write it as in dns-address:203.0.113.9") from None


def _dns_stale(argument: str) -> Effect:
    """DNS: the answer that was last given before, whatever has changed since"""
    _no(argument)
    return AnswerStale()


def _dns_late(argument: str) -> Effect:
    """DNS: the true answer, late by the argument's seconds (5)"""
    try:
        seconds = float(argument or "5")
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise FaultError("fault", f"{argument!r} is no waiting time", "write it as in dns-late:2.5")
    return AnswerLate(seconds)


def _dns_truncated(argument: str) -> Effect:
    """DNS: over UDP nothing but the mark that the answer is too long (TC)"""
    _no(argument)
    return AnswerTruncated()


def _throttled_message(seconds: int) -> str:
    return (
        "Number of requests for subscription and operation exceeded the backend storage limit. "
        f"Please try again after '{seconds}' seconds."
    )


def _whole(argument: str, example: str) -> int:
    if not argument.isdecimal():
        raise FaultError("fault", f"{argument!r} is no whole number", f"write it as in {example}")
    return int(argument)


def _no(argument: str) -> None:
    if argument:
        raise FaultError(
            "fault", f"this fault takes no argument, and was given {argument!r}", "leave out the colon too"
        )


_NOT_PROVISIONED: Final = (
    "Cannot proceed with operation because a resource used by this resource is not in Succeeded state. Resource is in "
    "Updating state and the last operation that updated/is updating the resource is PutSubnetOperation."
)
_THROTTLED: Final = Refuse(status=429, code="SubscriptionRequestsThrottled", message="")
_SERVER_ERRORS: Final = {
    500: (
        "InternalServerError",
        "Encountered internal server error. Diagnostic information: none, a fault was asked for.",
    ),
    502: ("BadGateway", "The gateway received an invalid response from the resource provider."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable. Please try again later."),
    504: (
        "GatewayTimeout",
        "The gateway did not receive a response from the resource provider within the specified time period.",
    ),
}
_FAILED_OPERATIONS: Final = {
    "InternalServerError": "An error occurred.",
    "RetryableError": "A retryable error occurred.",
    "StorageAccountOperationInProgress": (
        "An operation is currently performing on this storage account that requires exclusive access."
    ),
}

CATALOGUE: Final[Mapping[str, Maker]] = {
    "throttled": _throttled,
    "throttled-without-retry-after": _throttled_without_retry_after,
    "retryable-error": _retryable,
    "retryable-error-due-to-another-operation": _retryable_due_to_another_operation,
    "another-operation": _another_operation,
    "not-provisioned": _not_provisioned,
    "server-error": _server_error,
    "reset-before": _reset_before,
    "reset-after": _reset_after,
    "hang": _hang,
    "malformed": _malformed,
    "expired-token": _expired_token,
    "operation-fails": _operation_fails,
    "operation-never-ends": _operation_never_ends,
    "not-found-after-put": _not_found_after_put,
    "packets-drop": _packets_drop,
    "packets-refuse": _packets_refuse,
    "packets-prohibit": _packets_prohibit,
    "packets-delay": _packets_delay,
    "dns-servfail": _dns_servfail,
    "dns-refused": _dns_refused,
    "dns-nxdomain": _dns_nxdomain,
    "dns-timeout": _dns_timeout,
    "dns-address": _dns_address,
    "dns-stale": _dns_stale,
    "dns-late": _dns_late,
    "dns-truncated": _dns_truncated,
    "intercepted": _intercepted,
    "expired-certificate": _expired_certificate,
    "service-hangs": _service_hangs,
    "service-closes": _service_closes,
    "service-resets": _service_resets,
}
