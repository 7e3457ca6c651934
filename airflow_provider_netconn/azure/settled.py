"""Answers that the pipeline knows without being told: of a write whose answer was lost, of an operation repeated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.utils import case_insensitive_dict


def settled(
    request: PipelineRequest[Any] | PipelineResponse[Any, Any], status: int, body: Any, headers: Any = None
) -> PipelineResponse[Any, Any]:
    """An answer to a request, with its body in memory.

    :param request: the request, or another response to it
    :param body: as JSON; bytes as they are; None for an empty one
    :param headers: by default those of JSON
    """
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    kind = _AsyncAnswer if isinstance(request.context.transport, AsyncHttpTransport) else _SyncAnswer
    answer = kind(request.http_request, status, content, headers or {"Content-Type": "application/json"})
    return PipelineResponse(request.http_request, answer, request.context)


class _Answer:
    """As much of azure-core's responses as pipelines, pollers and generated clients ask of one that was read."""

    is_closed = True
    is_stream_consumed = True
    encoding = "utf-8"

    def __init__(self, request: Any, status: int, content: bytes, headers: Any) -> None:
        self.request = request
        self.url = request.url
        self.status_code = status
        self.reason = "OK"
        self.headers = case_insensitive_dict(headers)
        self.content_type = self.headers.get("Content-Type")
        self.content = content

    def text(self, encoding: str | None = None) -> str:
        return self.content.decode(encoding or self.encoding)

    def json(self) -> Any:
        return json.loads(self.content)


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
