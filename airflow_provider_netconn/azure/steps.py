"""Policies as state machines: rules that say what to do next, and two thin loops that do it.

A rule is a generator. It yields steps (send, wait, get a token), is sent what came of each, and returns the outcome. So
one rule serves azure-core's pipelines with and without an event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from azure.core.exceptions import AzureError as SdkError
from azure.core.exceptions import ServiceResponseError, ServiceResponseTimeoutError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, HTTPPolicy

from airflow_provider_netconn.azure.settled import settled

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

Request = PipelineRequest[Any]
Response = PipelineResponse[Any, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of sending: a response with its body read, or the error that came instead."""

    response: Response | None = None
    error: Exception | None = None

    @property
    def status(self) -> int | None:
        """HTTP status; None without a response."""
        return None if self.response is None else int(self.response.http_response.status_code)

    @property
    def headers(self) -> Any:
        """Headers, their names without case; empty without a response."""
        return {} if self.response is None else self.response.http_response.headers


@dataclass(frozen=True, slots=True)
class Send:
    """Hand a request to the next policy; comes back as an :class:`Outcome`.

    :param limit_s: for all of it, in seconds; None leaves it to the policies below
    """

    request: Request
    limit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GetToken:
    """Get a token for Resource Manager; comes back as an ``AccessToken``.

    :param tenant_id: another tenant than the credential's own
    :param claims: a claims challenge to answer
    :param refused: the token that Azure called expired: not that one again
    """

    tenant_id: str = ""
    claims: str = ""
    refused: str = field(default="", repr=False)


Step = Send | Wait | GetToken
Steps = Generator[Step, Any, Outcome]


class Rules(Protocol):
    """What a policy does with a request."""

    def steps(self, request: Request) -> Steps:
        """The steps for one request; returns the outcome that goes to the policy above."""


class AsyncTokens(Protocol):
    """Hands out tokens, on an event loop."""

    async def get(self, order: GetToken) -> AccessToken:
        """The token of an order."""


class Tokens(Protocol):
    """Hands out tokens, without an event loop."""

    def get(self, order: GetToken) -> AccessToken:
        """The token of an order."""


class AsyncRulesPolicy(AsyncHTTPPolicy[Any, Any]):
    """Rules as a policy for pipelines on an event loop.

    :param tokens: where rules ask for tokens
    """

    def __init__(self, rules: Rules, tokens: AsyncTokens | None = None) -> None:
        self._rules = rules
        self._tokens = tokens

    async def send(self, request: Request) -> Response:
        """Do what the rules say."""
        steps = self._rules.steps(request)
        reply: Any = None
        try:
            while True:
                reply = await self._do(steps.send(reply))
        except StopIteration as end:
            return _settled(end.value)

    async def _do(self, step: Step) -> Any:
        if isinstance(step, Wait):
            return await asyncio.sleep(step.seconds)
        if isinstance(step, GetToken):
            assert self._tokens is not None
            return await self._tokens.get(step)
        try:
            async with asyncio.timeout(step.limit_s):
                response = await _read_async(await self.next.send(step.request))
        except SdkError as error:
            return Outcome(error=error)
        except TimeoutError as error:
            return Outcome(error=_no_answer(step.limit_s, error))
        except OSError as error:
            return Outcome(error=ServiceResponseError(str(error), error=error))
        return Outcome(response=response)


class RulesPolicy(HTTPPolicy[Any, Any]):
    """Rules as a policy for pipelines without an event loop; its limits are those of single reads.

    :param tokens: where rules ask for tokens
    """

    def __init__(self, rules: Rules, tokens: Tokens | None = None) -> None:
        super().__init__()
        self._rules = rules
        self._tokens = tokens

    def send(self, request: Request) -> Response:
        """Do what the rules say."""
        steps = self._rules.steps(request)
        reply: Any = None
        try:
            while True:
                reply = self._do(steps.send(reply))
        except StopIteration as end:
            return _settled(end.value)

    def _do(self, step: Step) -> Any:
        if isinstance(step, Wait):
            return time.sleep(step.seconds)
        if isinstance(step, GetToken):
            assert self._tokens is not None
            return self._tokens.get(step)
        if step.limit_s is not None:
            step.request.context.options["read_timeout"] = step.limit_s
        try:
            response = self.next.send(step.request)
            if not getattr(response.http_response, "is_stream_consumed", True):
                response.http_response.read()
        except SdkError as error:
            return Outcome(error=error)
        except OSError as error:
            return Outcome(error=ServiceResponseError(str(error), error=error))
        return Outcome(response=response)


async def _read_async(response: Response) -> Response:
    """Read the body, of the clients' responses that are streams too: what is in it decides."""
    answer = response.http_response
    if not hasattr(answer, "is_stream_consumed"):  # of the older kind, which azure-mgmt-authorization still asks for
        await answer.load_body()
    elif not answer.is_stream_consumed and not await answer.read():
        # The clients read streams once more, which azure-core refuses where there was nothing to read.
        return settled(response, answer.status_code, None, answer.headers)
    return response


def _no_answer(limit_s: float | None, error: Exception) -> SdkError:
    return ServiceResponseTimeoutError(f"no answer within {limit_s or 0:.0f} s", error=error)


def _settled(outcome: Outcome) -> Response:
    if outcome.error is not None:
        raise outcome.error
    assert outcome.response is not None
    return outcome.response
