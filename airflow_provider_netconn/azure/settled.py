"""Answers that the pipeline knows without being told: of a write whose answer was lost, of an operation repeated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.utils import case_insensitive_dict

from airflow_provider_netconn.azure.steps import Outcome, Request


def settled(request: Request, status: int, body: Any) -> Outcome:
    """An answer to a request, with a JSON body.

    :param body: None for an empty one
    """
    content = b"" if body is None else json.dumps(body).encode()
    kind = _AsyncAnswer if isinstance(request.context.transport, AsyncHttpTransport) else _SyncAnswer
    response = kind(request.http_request, status, content)
    return Outcome(response=PipelineResponse(request.http_request, response, request.context))


class _Answer:
    """As much of azure-core's responses as pipelines, pollers and generated clients ask of one that was read."""

    is_closed = True
    is_stream_consumed = True
    content_type = "application/json"
    encoding = "utf-8"

    def __init__(self, request: Any, status: int, content: bytes) -> None:
        self.request = request
        self.url = request.url
        self.status_code = status
        self.reason = "OK"
        self.headers = case_insensitive_dict({"Content-Type": self.content_type})
        self.content = content

    def text(self, encoding: str | None = None) -> str:
        return self.content.decode(encoding or self.encoding)

    def json(self) -> Any:
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """Never: these answers are good ones."""


class _AsyncAnswer(_Answer):
    async def read(self) -> bytes:
        return self.content

    async def iter_bytes(self, **_: Any) -> AsyncIterator[bytes]:
        yield self.content

    iter_raw = iter_bytes

    async def close(self) -> None:
        """Nothing is open."""


class _SyncAnswer(_Answer):
    def read(self) -> bytes:
        return self.content

    def iter_bytes(self, **_: Any) -> Iterator[bytes]:
        yield self.content

    iter_raw = iter_bytes

    def close(self) -> None:
        """Nothing is open."""
