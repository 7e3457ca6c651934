"""Whose request it is: the bearer token, those of auxiliary tenants, and a fresh one where Azure says it has expired.

azure-core's own policy answers only claims challenges; after ``ExpiredAuthenticationToken`` it gives up, and the
credential would hand the same token out of its cache again.
"""

from __future__ import annotations

import asyncio
import base64
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from azure.core.exceptions import ClientAuthenticationError

from airflow_provider_netconn.azure.answers import NotJsonError, body_of, problem_of
from airflow_provider_netconn.azure.steps import GetToken, Outcome, Request, Send, Steps
from airflow_provider_netconn.errors import AzureMalformedAnswerError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

AUXILIARY: Final = "x-ms-authorization-auxiliary"
_UNAUTHORIZED: Final = 401
_SPARE_S: Final = 300.0
"""A token that expires sooner is asked for anew, as azure-core does it."""
_EXPIRED: Final = frozenset({"ExpiredAuthenticationToken", "ExpiredToken"})
_WRITES: Final = frozenset({"PUT", "PATCH", "POST", "DELETE"})
_CLAIMS: Final = re.compile(r'error="?insufficient_claims"?.*claims="([^"]+)"|claims="([^"]+)".*insufficient_claims')


class TokenRules:
    """Adds tokens to requests that go to Resource Manager, and to no other host.

    :param resource_manager: its URL
    :param auxiliary_tenants: whose tokens go with writes
    """

    def __init__(self, resource_manager: str, auxiliary_tenants: Sequence[str] = ()) -> None:
        self._host = (urlsplit(resource_manager).hostname or "").casefold()
        self._auxiliary_tenants = tuple(auxiliary_tenants)

    def steps(self, request: Request) -> Steps:
        """Send with a token; after 401 for an expired token, or with a claims challenge, once more with a fresh one."""
        self._check_host(request)
        yield from self._sign(request, GetToken())
        outcome: Outcome = yield Send(request)
        fresh = self._fresh(request, outcome)
        if fresh is None:
            return outcome
        yield from self._sign(request, fresh)
        outcome = yield Send(request)
        return outcome

    def _check_host(self, request: Request) -> None:
        # The polls of an operation go where an answer says: no token for a stranger.
        parts = urlsplit(request.http_request.url)
        host = (parts.hostname or "").casefold()
        if parts.scheme != "https" or (host != self._host and not host.endswith(f".{self._host}")):
            raise AzureMalformedAnswerError(
                f"{parts.scheme}://{host}{parts.path}",
                f"an answer leads to another host than {self._host}, which gets no token",
                remedy="if that is right, name its Resource Manager in the connection (arm_url)",
            )

    def _sign(self, request: Request, order: GetToken) -> Any:
        headers = request.http_request.headers
        token: AccessToken = yield order
        headers["Authorization"] = f"Bearer {token.token}"
        if request.http_request.method in _WRITES and self._auxiliary_tenants:
            others = []
            for tenant in self._auxiliary_tenants:
                token = yield GetToken(tenant_id=tenant)  # of the same credential: made anew, it has these anew too
                others.append(f"Bearer {token.token}")
            headers[AUXILIARY] = ", ".join(others)

    def _fresh(self, request: Request, outcome: Outcome) -> GetToken | None:
        if outcome.status != _UNAUTHORIZED or outcome.response is None:
            return None
        challenge = _CLAIMS.search(outcome.headers.get("WWW-Authenticate", ""))
        if challenge:
            encoded = challenge.group(1) or challenge.group(2)
            claims = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8", "replace")
            return GetToken(claims=claims)
        try:
            problem = problem_of(body_of(outcome.response.http_response))
        except NotJsonError:
            return None
        if problem is None or not problem.codes & _EXPIRED:
            return None
        return GetToken(refused=request.http_request.headers["Authorization"].removeprefix("Bearer "))


class AsyncTokenSource:
    """Hands out a credential's tokens on an event loop. For a fresh one it makes the credential anew: its cache goes.

    :param make: makes the credential
    :param scope: what tokens are for
    """

    def __init__(self, make: Callable[[], Any], scope: str) -> None:
        self._make = make
        self._scope = scope
        self._lock = asyncio.Lock()
        self._kept = _Kept()
        self.credential: Any = None
        """The credential that is in use; None before the first token."""

    async def get(self, order: GetToken) -> AccessToken:
        """The token of an order.

        :raises azure.core.exceptions.ClientAuthenticationError: there is none
        """
        async with self._lock:
            kept = self._kept.token(order)
            if kept is not None:
                return kept
            if self._kept.is_refused(order):
                await self.close()
            with _no_other_errors():
                if self.credential is None:
                    self.credential = self._make()
                return self._kept.keep(order, await self.credential.get_token(self._scope, **_options(order)))

    async def close(self) -> None:
        """Close the credential; it can be used again."""
        self._kept = _Kept()
        credential, self.credential = self.credential, None
        if credential is not None:
            await credential.close()


class TokenSource:
    """The same without an event loop, for any threads."""

    def __init__(self, make: Callable[[], Any], scope: str) -> None:
        self._make = make
        self._scope = scope
        self._lock = threading.Lock()
        self._kept = _Kept()
        self.credential: Any = None
        """The credential that is in use; None before the first token."""

    def get(self, order: GetToken) -> AccessToken:
        """The token of an order."""
        with self._lock:
            kept = self._kept.token(order)
            if kept is not None:
                return kept
            if self._kept.is_refused(order):
                self.close()
            with _no_other_errors():
                if self.credential is None:
                    self.credential = self._make()
                return self._kept.keep(order, self.credential.get_token(self._scope, **_options(order)))

    def close(self) -> None:
        """Close the credential; it can be used again."""
        self._kept = _Kept()
        credential, self.credential = self.credential, None
        if credential is not None:
            credential.close()


class _Kept:
    """The tokens handed out last, by tenant: a credential logs each time that it is asked.

    Many requests meet the same expired one, and the first renews it for all.
    """

    def __init__(self) -> None:
        self._last: dict[str, AccessToken] = {}

    def token(self, order: GetToken) -> AccessToken | None:
        """One that will do; None where the credential has to be asked."""
        last = self._last.get(order.tenant_id)
        if last is None or order.claims or last.token == order.refused:
            return None
        return last if last.expires_on - time.time() > _SPARE_S else None

    def is_refused(self, order: GetToken) -> bool:
        """It is the very one that Azure called expired: the credential's cache has it too."""
        last = self._last.get(order.tenant_id)
        return bool(order.refused) and last is not None and last.token == order.refused

    def keep(self, order: GetToken, token: AccessToken) -> AccessToken:
        self._last[order.tenant_id] = token
        return token


@contextmanager
def _no_other_errors() -> Iterator[None]:
    """A token file that is not there, or a certificate that is none, azure-identity leaves to Python's own errors."""
    try:
        yield
    except (FileNotFoundError, PermissionError, ValueError) as error:
        raise ClientAuthenticationError(message=f"{type(error).__name__}: {error}") from error


def _options(order: GetToken) -> dict[str, str]:
    given = {"tenant_id": order.tenant_id, "claims": order.claims}
    return {name: value for name, value in given.items() if value}
