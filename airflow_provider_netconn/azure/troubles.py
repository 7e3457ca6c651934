"""What is wrong with an outcome, and whether trying again may help: a table, and nothing that waits.

Sources: Microsoft Learn ("Understand how Azure Resource Manager throttles requests", "Track asynchronous Azure
operations", "Troubleshoot common Azure deployment errors"), public reports of the same errors
(hashicorp/terraform-provider-azurerm 19146, hashicorp/terraform 7986, Azure/bicep 5132), and recorded traffic.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from airflow_provider_netconn.azure.answers import (
    CORRELATION,
    NotJsonError,
    Problem,
    body_of,
    problem_of,
    retry_after_s,
)
from airflow_provider_netconn.azure.steps import Outcome

BUSY_CODES: Final = frozenset(
    {
        "AnotherOperationInProgress",
        "CanceledAndSupersededDueToAnotherOperation",
        "ConflictingConcurrentWriteNotAllowed",
        "NamespaceInTransition",
        "OperationInProgress",
        "ReferencedResourceNotProvisioned",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
        "StorageAccountOperationInProgress",
    }
)
"""Codes that say: not now. They come with 400, 409 and 429, with and without ``Retry-After``, and in operations."""

FLAKY_CODES: Final = frozenset(
    {
        "GatewayTimeout",
        "InternalError",
        "InternalServerError",
        "ServerTimeout",
        "ServiceUnavailable",
    }
)
"""Codes with which an operation ends that may go well the next time, and may never."""


class Kind(Enum):
    """How an outcome is wrong, for the question whether to try again."""

    BUSY = "another operation is in progress"
    THROTTLED = "throttled"
    SERVER = "server error"
    UNAVAILABLE = "service unavailable"
    UNREACHABLE = "no connection"
    NO_ANSWER = "no answer"
    MALFORMED = "an answer that is no JSON"
    NOT_YET = "not to be seen yet"
    FINAL = "refused"


PATIENCE: Final[Mapping[Kind, int | None]] = {
    Kind.BUSY: None,
    Kind.THROTTLED: None,
    Kind.SERVER: 6,
    Kind.UNAVAILABLE: None,
    Kind.UNREACHABLE: None,
    Kind.NO_ANSWER: None,
    Kind.MALFORMED: 4,
    Kind.NOT_YET: None,
    Kind.FINAL: 1,
}
"""How often a request is sent at most that meets nothing else; None: until the deadline."""

UNCERTAIN: Final = frozenset({Kind.SERVER, Kind.UNAVAILABLE, Kind.NO_ANSWER, Kind.MALFORMED})
"""After these the request may have been carried out all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with an outcome.

    :param kind: how it is wrong
    :param seen: what was said, or what was seen instead of an answer
    :param code: Azure's code; empty where there is none
    :param status: HTTP status; None without an answer
    :param retry_after_s: what the answer asks to wait; None where it does not
    :param correlation_id: of the answer
    """

    kind: Kind
    seen: str
    code: str = ""
    status: int | None = None
    retry_after_s: float | None = None
    correlation_id: str = ""

    @property
    def headline(self) -> str:
        """Status and code, or what was seen, for a line in a log."""
        return " ".join(str(part) for part in (self.status, self.code) if part) if self.code else self.seen


def trouble_of(outcome: Outcome, *, is_poll: bool = False, busy_codes: Collection[str] = ()) -> Trouble | None:
    """What is wrong with an outcome; None where nothing is.

    :param is_poll: the request polls an operation, whose end the answer may tell by status and code
    :param busy_codes: further codes that say "not now" to this request
    """
    if outcome.response is None:
        return _without_answer(outcome.error)
    response = outcome.response.http_response
    about: dict[str, Any] = {
        "status": response.status_code,
        "retry_after_s": retry_after_s(response.headers),
        "correlation_id": response.headers.get(CORRELATION, ""),
    }
    try:
        body = body_of(response)
    except NotJsonError as error:
        if response.status_code < _FIRST_ERROR:
            # What a good answer asks to wait is meant for the next look at its operation.
            return Trouble(kind=Kind.MALFORMED, seen=f"the answer has {error}", **{**about, "retry_after_s": None})
        # A gateway's page; the status says more.
        kind = _kind(response.status_code, is_poll, about["retry_after_s"])
        return Trouble(kind=kind, seen=f"HTTP status {response.status_code}, {error}", **about)
    if response.status_code < _FIRST_ERROR:
        return None
    problem = problem_of(body) or Problem(code="", message="", codes=frozenset())
    # Of a poll these codes are the answer, and asking again would bring the same one.
    if problem.codes & (BUSY_CODES | frozenset(busy_codes)) and not is_poll:
        kind = Kind.BUSY
    else:
        kind = _kind(response.status_code, is_poll, about["retry_after_s"])
    return Trouble(kind=kind, seen=problem.message or f"HTTP status {response.status_code}", code=problem.code, **about)


def _kind(status: int, is_poll: bool, retry_after_s: float | None) -> Kind:
    """How an answer is wrong, by its status alone."""
    if status in {409, 423, 425} and retry_after_s is not None and not is_poll:
        return Kind.BUSY
    return _BY_STATUS.get(status, Kind.FINAL)


def _without_answer(error: Exception | None) -> Trouble:
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

    seen = f"{type(error).__name__}: {error}"
    if isinstance(error, ClientAuthenticationError):
        return Trouble(kind=Kind.FINAL, seen=seen)
    if isinstance(error, ServiceRequestError):
        causes = _causes(error)
        if causes & _CERTIFICATE:
            return Trouble(kind=Kind.FINAL, seen=str(error))
        # azure-core calls a connection that was reset behind the request a failure to send, too.
        kind = Kind.UNREACHABLE if causes & _NOT_SENT else Kind.NO_ANSWER
        return Trouble(kind=kind, seen=f"{kind.value}: {error}")
    if isinstance(error, ServiceResponseError):
        return Trouble(kind=Kind.NO_ANSWER, seen=str(error))
    return Trouble(kind=Kind.FINAL, seen=seen)


_FIRST_ERROR: Final = 400
_BY_STATUS: Final[Mapping[int, Kind]] = {
    408: Kind.NO_ANSWER,
    429: Kind.THROTTLED,
    500: Kind.SERVER,
    502: Kind.UNAVAILABLE,
    503: Kind.UNAVAILABLE,
    504: Kind.UNAVAILABLE,
}
_NOT_SENT: Final = frozenset({"ClientConnectorError", "ConnectTimeout", "ConnectTimeoutError", "NewConnectionError"})
_CERTIFICATE: Final = frozenset({"ClientConnectorCertificateError", "SSLCertVerificationError", "SSLError"})


def _causes(error: Exception) -> set[str]:
    """Names of the classes of what the transport met; by name, as the transports' libraries may not be loaded."""
    cause = error.__cause__ or getattr(error, "inner_exception", None)
    return {kind.__name__ for kind in type(cause).__mro__}
