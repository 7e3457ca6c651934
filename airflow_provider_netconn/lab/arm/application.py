"""The control plane on the web: an ASGI application over :class:`~.engine.ControlPlane`."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.arm.errors import missing_api_version
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes; Resource Manager's own limit for a request (Microsoft Learn, "Azure subscription and service limits")."""

PUBLIC_PATHS = "/metadata/endpoints"


class ArmApplication:
    """Takes requests to Resource Manager from a web server.

    :param plane: what answers them
    :param metadata: gives, for an api-version, the body of ``/metadata/endpoints``, by which clients learn of a cloud's
        other endpoints
    """

    def __init__(self, plane: ControlPlane, metadata: Callable[[str], Any]) -> None:
        self._plane = plane
        self._metadata = metadata

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        content = await _read(receive)
        if content is None:
            response = ArmResponse(413, {"error": {"code": "RequestEntityTooLarge", "message": "The limit is 4 MB."}})
        elif scope["path"] == PUBLIC_PATHS:
            response = self._describe(request_of(scope, content).api_version)
        else:
            request = request_of(scope, content)
            response = self._plane.handle(request)
            scope["netconn.caller"] = request.caller
        headers = {**self._common_headers(scope), **response.headers}
        body = b"" if scope["method"] == "HEAD" else response.content
        if body:
            headers["Content-Type"] = "application/json; charset=utf-8"
        if response.status not in {204, 304}:
            headers["Content-Length"] = str(len(body))
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    def _describe(self, api_version: str) -> ArmResponse:
        if not api_version:
            return ArmResponse(400, missing_api_version().body)
        return ArmResponse(200, self._metadata(api_version))

    def _common_headers(self, scope: Scope) -> dict[str, str]:
        sent = {name.lower(): value for name, value in scope["headers"]}
        request_id = str(uuid.uuid4())
        correlation = sent.get(b"x-ms-correlation-request-id", b"").decode("latin-1") or request_id
        headers = {
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
            "Expires": "-1",
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": correlation,
            "x-ms-routing-request-id": f"LAB:{request_id}",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
        }
        if b"x-ms-client-request-id" in sent and sent.get(b"x-ms-return-client-request-id", b"").lower() == b"true":
            headers["x-ms-client-request-id"] = sent[b"x-ms-client-request-id"].decode("latin-1")
        return headers


def request_of(scope: Scope, content: bytes) -> ArmRequest:
    """:return: the request that an ASGI scope and a body make; query names are in lower case"""
    query = scope.get("query_string", b"").decode("latin-1")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return ArmRequest(
        method=scope["method"].upper(),
        path=scope["path"].replace("//", "/"),
        query={name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)},
        headers=headers,
        content=content,
    )


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None if it is larger than Azure takes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= LARGEST_BODY else None
