"""From what Azure answered to the package's errors, each with the permission or remedy that its code tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import ClientAuthenticationError

from airflow_provider_netconn.azure.answers import CORRELATION, NotJsonError, body_of, has_failed, problem_of
from airflow_provider_netconn.azure.operations import OPERATION_OF, Operation
from airflow_provider_netconn.azure.retries import TROUBLE, GivenUp
from airflow_provider_netconn.azure.settings import SignIn
from airflow_provider_netconn.azure.steps import Outcome, Request, Send, Steps
from airflow_provider_netconn.azure.troubles import Kind, Trouble, trouble_of
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureError,
    AzureForbiddenError,
    AzureInvalidRequestError,
    AzureLinkedAuthorizationError,
    AzureMalformedAnswerError,
    AzureNoAnswerError,
    AzureNotFoundError,
    AzureOperationFailedError,
    AzureServerError,
    AzureSignInError,
    AzureTenantError,
    AzureThrottledError,
)

_MOST_WORDS: Final = 1000
# "The client 'x' with object id 'y' does not have authorization to perform action 'A' over scope 'S' or ..."
_MISSING: Final = re.compile(r"perform action '([^']+)' over scope '([^']+)'")
# "... however, it does not have permission to perform action(s) 'A' on the linked scope(s) 'S' (respectively) or ..."
_LINKED: Final = re.compile(r"perform action\(?s?\)? '([^']+)' on the linked scope\(s\) '([^']+)'")
_OTHER_TENANT: Final = re.compile(r"tenant '([^']+)' is not authorized to access linked subscription '([^']+)'")
_CLIENT: Final = re.compile(r"The client '([^']+)' with object id '([^']+)'")
_RIGHT_TENANT: Final = re.compile(r"must match (?:the|one of the) tenants? '(https://[^']+/)?([0-9a-f-]{36})")
_SECRETS: Final = re.compile(
    r"(?i)(\bbearer\s+|\beyJ|\bsig=|[?&][stch]=|\bsharedkey\W+|\bpassword\W+|\bsecret\W+)[^\s'\"&,;]{6,}"
)

_REMEDIES: Final[Mapping[str, str]] = {
    "AnotherOperationInProgress": "see the resource's activity log for what holds it, or wait longer",
    "AnotherPeeringAlreadyReferencesRemoteVnet": "the two networks are peered under another name: use or delete that",
    "MissingSubscriptionRegistration": "register the resource provider in the subscription (az provider register)",
    "ReadOnlyDisabledSubscription": "the subscription is disabled: its owner has to enable it",
    "ReferencedResourceNotProvisioned": "see why the resource that it refers to is not in state Succeeded",
    "RemotePeeringIsDisconnected": "write the other side of the peering first, or delete both sides",
    "RequestDisallowedByPolicy": "an Azure Policy forbids it: its owner can exempt the resource",
    "ScopeLocked": "a lock on the resource or above it has to be removed first",
    "SubscriptionNotFound": "check the subscription id, and that the principal has a role in that subscription",
    "VnetAddressSpacesOverlap": "networks with common addresses cannot be peered: change one of them",
}
_SIGN_IN_REMEDIES: Final[Mapping[SignIn, str]] = {
    SignIn.CLIENT_SECRET: "check secret, client and tenant of the connection; a secret expires",
    SignIn.CERTIFICATE: "check certificate, client and tenant of the connection; a certificate expires",
    SignIn.MANAGED_IDENTITY: "it has to run where Azure has given it an identity; check the client id if one is named",
    SignIn.WORKLOAD_IDENTITY: "check client, tenant, token file, and the federated credential of the application",
    SignIn.DEFAULT: "give the connection a client, secret and tenant, or the place where this runs an identity",
}
_BY_STATUS: Final[Mapping[int, type[AzureError]]] = {
    400: AzureInvalidRequestError,
    404: AzureNotFoundError,
    409: AzureConflictError,
    412: AzureConflictError,
    423: AzureConflictError,
    429: AzureThrottledError,
}
_BY_KIND: Final[Mapping[Kind, type[AzureError]]] = {
    Kind.BUSY: AzureConflictError,
    Kind.THROTTLED: AzureThrottledError,
    Kind.SERVER: AzureServerError,
    Kind.UNAVAILABLE: AzureServerError,
    Kind.UNREACHABLE: AzureDeadlineExceededError,
    Kind.NO_ANSWER: AzureDeadlineExceededError,
    Kind.MALFORMED: AzureMalformedAnswerError,
    Kind.NOT_YET: AzureNotFoundError,
}


class ErrorRules:
    """Raises the package's errors for whatever the rules below could not mend.

    :param sign_in: how tokens are had
    """

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    def steps(self, request: Request) -> Steps:
        """Send; raise where the outcome is no good.

        :raises AzureError: of the kind that the outcome is
        """
        outcome: Outcome = yield Send(request)
        if isinstance(outcome.error, ClientAuthenticationError):
            path = unquote(urlsplit(request.http_request.url).path)
            raise sign_in_error(path, outcome.error, self._sign_in) from outcome.error
        error = error_of(request, outcome)
        if error is not None:
            raise error from outcome.error
        return outcome


def error_of(request: Request, outcome: Outcome) -> AzureError | None:
    """The error that an outcome is; None where it is none.

    HEAD is a question whose answer may be 404, and azure-core's clients take it as one.
    """
    operation: Operation | None = request.context.get(OPERATION_OF)
    given_up: GivenUp | None = request.context.get(TROUBLE)
    method = str(request.http_request.method)
    resource = operation.path if operation is not None else urlsplit(request.http_request.url).path
    resource = unquote(resource)
    if outcome.error is not None and operation is not None and given_up is None:
        return _unfinished(resource, operation, outcome.error)
    if outcome.error is not None and not isinstance(outcome.error, SdkError):
        return None
    trouble = given_up.trouble if given_up is not None else trouble_of(outcome)
    if trouble is None:
        return _failed(resource, operation, outcome) if operation is not None else None
    if method == "HEAD" and trouble.status == 404:  # noqa: PLR2004
        return None
    return _error(resource, method, trouble, given_up)


def _error(resource: str, method: str, trouble: Trouble, given_up: GivenUp | None) -> AzureError:
    seen = _clean(trouble.seen)
    about: dict[str, Any] = {
        "code": trouble.code,
        "status": trouble.status,
        "correlation_id": trouble.correlation_id,
        "remedy": _REMEDIES.get(trouble.code, ""),
    }
    if trouble.status in {401, 403} or trouble.code in {"LinkedAuthorizationFailed", "AuthorizationFailed"}:
        return _refused(resource, seen, about)
    if trouble.status is None and not (given_up is not None and given_up.out_of_time):
        about["remedy"] = "" if trouble.kind is not Kind.FINAL else "check address, certificate and CA file"
        kind: type[AzureError] = AzureNoAnswerError
    else:
        kind = _BY_KIND.get(trouble.kind) or _by_status(trouble.status)
    if given_up is None:
        return kind(resource, seen, **about)
    return kind(resource, _told(seen, method, given_up), **about)


def _told(seen: str, method: str, given_up: GivenUp) -> str:
    """What was seen, and what was tried."""
    words = [seen.rstrip(". ")]
    if given_up.tries > 1 or given_up.out_of_time:
        until = ", until the deadline" if given_up.out_of_time else ""
        words.append(f"tried {given_up.tries} times in {given_up.waited_s:.0f} s{until}")
    if given_up.uncertain and given_up.trouble.kind is not Kind.FINAL:
        words.append(f"the {method} may have been carried out all the same")
    return ". ".join(words)


def _by_status(status: int | None) -> type[AzureError]:
    if status is None or status >= 500:  # noqa: PLR2004
        return AzureServerError
    return _BY_STATUS.get(status, AzureInvalidRequestError)


def _refused(resource: str, seen: str, about: dict[str, Any]) -> AzureError:
    """401 and 403: a right is missing, or a token of the right tenant."""
    client = _CLIENT.search(seen)
    who = f"application {client.group(1)} (object id {client.group(2)})" if client else "the principal"
    other = _OTHER_TENANT.search(seen)
    if other:
        about["remedy"] = (
            f"name the tenant of subscription {other.group(2)} among the auxiliary tenants of the connection; the "
            "principal must exist and have a role there"
        )
        return AzureTenantError(resource, seen, **about)
    for pattern, kind in ((_LINKED, AzureLinkedAuthorizationError), (_MISSING, AzureForbiddenError)):
        found = pattern.search(seen)
        if found:
            about["remedy"] = f"give {who} a role with {found.group(1)} at {found.group(2)}"
            return kind(resource, seen, action=found.group(1), scope=found.group(2), **about)
    if about["code"] == "InvalidAuthenticationTokenTenant":
        right = _RIGHT_TENANT.search(seen)
        name = f" {right.group(2)}" if right else ""
        about["remedy"] = f"sign in to the subscription's own tenant{name}: set it in the connection"
        return AzureTenantError(resource, seen, **about)
    if about["status"] == 401:  # noqa: PLR2004
        return AzureSignInError(resource, seen, **about)
    if about["code"] == "LinkedAuthorizationFailed":
        return AzureLinkedAuthorizationError(resource, seen, **about)
    return AzureForbiddenError(resource, seen, **about)


def _failed(resource: str, operation: Operation, outcome: Outcome) -> AzureError | None:
    """The error of an operation that ended ``Failed`` or ``Canceled``."""
    assert outcome.response is not None
    try:
        body = body_of(outcome.response.http_response)
    except NotJsonError:
        return None
    if not has_failed(body):
        return None
    problem = problem_of(body)
    code = problem.code if problem is not None else ""
    seen = problem.message if problem is not None and problem.message else "no reason was given"
    times = f", {operation.repeats + 1} times" if operation.repeats else ""
    method = operation.write.http_request.method
    return AzureOperationFailedError(
        resource,
        f"the {method} was accepted, and its operation ended {body['status']}{times}: {_clean(seen)}",
        code=code,
        remedy=_REMEDIES.get(code, "see the resource's activity log"),
        correlation_id=outcome.headers.get(CORRELATION, ""),
    )


def _unfinished(resource: str, operation: Operation, cause: Exception) -> AzureError:
    method = operation.write.http_request.method
    before = f"; before, it failed {operation.repeats} times, with {operation.failed_with}" if operation.repeats else ""
    return AzureDeadlineExceededError(
        resource,
        f"the {method} was accepted, and {_clean(str(cause))} ({operation.deadline.total_s:.0f} s after it was set)"
        f"{before}",
        remedy="it may still end well, and a retry goes on where it stands: give it more time, or see in the "
        "resource's activity log what holds it up",
    )


def sign_in_error(resource: str, cause: Exception, sign_in: SignIn) -> AzureSignInError:
    """The error that azure-identity's own is: there is no token.

    :param resource: what it was asked for
    :param sign_in: how it is had
    """
    return AzureSignInError(resource, f"no token: {_sign_in_words(cause)}", remedy=_SIGN_IN_REMEDIES[sign_in])


def _sign_in_words(error: Exception) -> str:
    """The first line of what azure-identity says, and of a chain what each of its members says in short.

    The other lines explain how to debug it.
    """
    lines = [line for line in str(error).splitlines() if line.strip()]
    members = [line.strip().partition(". ")[0] for line in lines if line.startswith("\t")]
    first = lines[0].strip().rstrip(".") if lines else type(error).__name__
    return _clean("; ".join([first, *members]))


def _clean(words: str) -> str:
    """A message without what may be a secret, and no longer than one can read."""
    words = _SECRETS.sub(lambda found: f"{found.group(1)}***", words)
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}..."
