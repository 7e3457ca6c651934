"""One exception tree for the whole package.

::

    NetconnError
    ├── InvalidInputError (also ValueError)      what a person wrote is not usable
    │   ├── InvalidTargetError                   a host, port, URL or protocol
    │   ├── InvalidOptionError                   a network, nameserver, time limit, CA file, report path, ...
    │   ├── InvalidConfigError                   a line of a YAML file
    │   └── InvalidConnectionError               an Airflow connection without a usable address
    ├── ReportWriteError                         a report could not be written where it was asked for
    ├── PrivateResolutionError (also gaierror)   a name that must be private has no private address
    ├── AzureError                               Azure said no, or said nothing
    │   ├── AzureSignInError                     no token: a wrong secret, no identity, no such tenant
    │   ├── AzureTenantError                     a token of the wrong tenant, or none for another one
    │   ├── AzureForbiddenError                  a right is missing; says which action, at which scope
    │   │   └── AzureLinkedAuthorizationError    a right is missing on another resource that a write refers to
    │   ├── AzureNotFoundError                   there is no such resource
    │   ├── AzureInvalidRequestError             what was asked for is not valid, or not possible
    │   ├── AzureConflictError                   another operation, or the resource's own state, stands in the way
    │   ├── AzureThrottledError                  too many requests, until the deadline
    │   ├── AzureServerError                     Azure itself failed, more often than we tried again
    │   ├── AzureMalformedAnswerError            an answer that cannot be read
    │   ├── AzureNoAnswerError                   no connection, or one that broke off, and no use in trying again
    │   ├── AzureOperationFailedError            accepted, and then the operation ended Failed or Canceled
    │   └── AzureDeadlineExceededError           no end, or no answer at all, by the caller's deadline
    ├── EgressUnknownError                       no echo service told this machine's own address
    ├── AstroError                               Astro's API said no, or said nothing
    │   ├── AstroForbiddenError                  the token may not see this
    │   └── AstroNotFoundError                   there is no such Deployment or cluster
    └── UnexpectedVerdictError                   a check ended, and its verdicts are not the expected ones

A failure that the network caused is no exception: it is a result (see :mod:`airflow_provider_netconn.evidence`).
"""

from __future__ import annotations

import socket
from typing import Any


class NetconnError(Exception):
    """Root of all errors that this package raises."""


class InvalidInputError(NetconnError, ValueError):
    """Bad input. The message alone says which field, what was given and how to mend it, on one printable line.

    :param field: the path of the field as its author would write it, such as ``targets[1].port``
    :param seen: what is wrong with it
    :param remedy: what to write instead
    """

    def __init__(self, field: str, seen: str, remedy: str = "") -> None:
        self.field = field
        self.seen = seen
        self.remedy = remedy
        message = f"{field}: {seen}" + (f"; {remedy}" if remedy else "")
        # A field may be a key of somebody's file, and hold what a terminal obeys.
        super().__init__("".join(sign if sign.isprintable() else " " for sign in message))


class InvalidTargetError(InvalidInputError):
    """A target that cannot be dialled: its host, port, URL or protocol is not valid."""


class InvalidOptionError(InvalidInputError):
    """An option of a check that is not valid: a CIDR, a nameserver, a time limit, a CA file, a report path."""


class InvalidConfigError(InvalidInputError):
    """A YAML file of targets that is not valid; the field starts with ``file:line``."""


class InvalidConnectionError(InvalidInputError):
    """An Airflow connection in which no usable address was found; names the connection, never its secrets."""


class ReportWriteError(NetconnError):
    """A report could not be written.

    :param location: where it should have gone, without credentials
    :param seen: what happened
    :param remedy: what to do
    """

    def __init__(self, location: str, seen: str, remedy: str = "") -> None:
        self.location = location
        self.seen = seen
        self.remedy = remedy
        super().__init__(f"report {location}: {seen}" + (f"; {remedy}" if remedy else ""))


class PrivateResolutionError(NetconnError, socket.gaierror):
    """A chosen name has no private address, or none that could be asked for, and a public one must not be dialled.

    Made as :class:`socket.gaierror` is, of a code such as ``socket.EAI_FAIL`` and a message, and caught as one: to a
    client the name does not resolve.
    """


class AzureError(NetconnError):
    """What asking Azure's control plane ended with. The message alone says what failed, why, and what to do.

    :param resource: id of the resource that was asked about, or the path of the request
    :param seen: what Azure said, or what was seen instead of an answer
    :param code: Azure's own code, such as ``AnotherOperationInProgress``; empty where there was none
    :param remedy: what to do
    :param status: HTTP status; None where there was no answer
    :param correlation_id: ``x-ms-correlation-request-id``: what Azure's support and the activity log find it by
    """

    def __init__(
        self,
        resource: str,
        seen: str,
        *,
        code: str = "",
        remedy: str = "",
        status: int | None = None,
        correlation_id: str = "",
    ) -> None:
        self.resource = resource
        self.seen = seen
        self.code = code
        self.remedy = remedy
        self.status = status
        self.correlation_id = correlation_id
        parts = [_short(resource), *([code] if code else []), seen.rstrip(". ")]
        message = ": ".join(parts) + (f"; {remedy}" if remedy else "")
        message += f" (correlation id {correlation_id})" if correlation_id else ""
        # Much of it is a server's words, which may hold what a terminal obeys.
        super().__init__("".join(sign if sign.isprintable() else " " for sign in message))


class AzureSignInError(AzureError):
    """No token was given: the secret or certificate is wrong or expired, or there is no identity to be had."""


class AzureTenantError(AzureError):
    """The resource, or one that it refers to, lies in a tenant for which the request carried no token."""


class AzureForbiddenError(AzureError):
    """403: the caller lacks a right, or a policy or lock forbids it.

    :param action: the action that is missing, such as ``Microsoft.Network/virtualNetworks/peer/action``; empty where
        Azure did not say, or where it is no question of rights
    :param scope: where it is missing
    :param details: as for :class:`AzureError`
    """

    def __init__(self, resource: str, seen: str, *, action: str = "", scope: str = "", **details: Any) -> None:
        self.action = action
        self.scope = scope
        super().__init__(resource, seen, **details)


class AzureLinkedAuthorizationError(AzureForbiddenError):
    """403: the caller may write the resource, and lacks a right on another one that the write refers to."""


class AzureNotFoundError(AzureError):
    """404: there is no such resource, group or subscription, as far as the caller may see."""


class AzureInvalidRequestError(AzureError):
    """400 and its like: what was asked for is not valid, or not possible in this state of things."""


class AzureConflictError(AzureError):
    """409 or 412: something else holds, has, or has changed the resource.

    Another operation that passes is waited for until the deadline; then this.
    """


class AzureThrottledError(AzureError):
    """429: too many requests. Waited for until the deadline; then this."""


class AzureServerError(AzureError):
    """5xx: Azure itself failed, more often than it made sense to try again, or until the deadline."""


class AzureMalformedAnswerError(AzureError):
    """An answer that is not what Azure's answers are: JSON that ends in the middle, a page of a proxy."""


class AzureNoAnswerError(AzureError):
    """No connection, or one that broke off, where trying again is no use (a certificate) or may do harm (a POST)."""


class AzureOperationFailedError(AzureError):
    """The request was accepted, and then its operation ended Failed or Canceled."""


class AzureDeadlineExceededError(AzureError):
    """The caller's deadline came before the end of an operation, or before any answer."""


class EgressUnknownError(NetconnError):
    """An echo service told no address.

    :param where: the service, without path and query
    :param seen: what it answered
    """

    def __init__(self, where: str, seen: str) -> None:
        self.where = where
        self.seen = seen
        super().__init__(f"echo service {where}: {seen}; name one that this machine reaches, or give the addresses")


class AstroError(NetconnError):
    """What asking Astro's API ended with. The message alone says what failed, why, and what to do.

    :param resource: path below the Organization, such as ``deployments/ID``
    :param seen: what Astro said, or what was seen instead of an answer
    :param remedy: what to do
    :param status: HTTP status; None where there was no answer
    :param request_id: what Astronomer's support finds the request by
    :param is_passing: another try may succeed
    :param retry_after_s: how long the answer asks to wait before that, in seconds
    """

    def __init__(
        self,
        resource: str,
        seen: str,
        *,
        remedy: str = "",
        status: int | None = None,
        request_id: str = "",
        is_passing: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        self.resource = resource
        self.seen = seen
        self.remedy = remedy
        self.status = status
        self.request_id = request_id
        self.is_passing = is_passing
        self.retry_after_s = retry_after_s
        message = f"Astro API, {resource}: {seen}" + (f"; {remedy}" if remedy else "")
        message += f" (request id {request_id})" if request_id else ""
        super().__init__("".join(sign if sign.isprintable() else " " for sign in message))


class AstroForbiddenError(AstroError):
    """403: the token may not see this."""


class AstroNotFoundError(AstroError):
    """404: there is no such thing in the Organization, as far as the token sees."""


def _short(resource: str) -> str:
    """The part of an id that a reader knows: behind the last provider's namespace, such as ``virtualNetworks/hub``."""
    _, found, behind = resource.rpartition("/providers/")
    return behind.partition("/")[2] or behind if found else resource


class UnexpectedVerdictError(NetconnError):
    """A check ran to its end and found verdicts that it was told to fail on; the message lists them."""
