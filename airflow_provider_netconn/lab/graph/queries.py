"""What requests to Graph have in common: filters, pages, selected properties and bodies.

Microsoft Learn, "Customize Microsoft Graph responses with query parameters" and "Paging Microsoft Graph data".
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from airflow_provider_netconn.lab.graph import errors
from airflow_provider_netconn.lab.graph.errors import GraphError
from airflow_provider_netconn.lab.graph.filters import FilterError, parse_filter

PAGE: Final = 100
MAX_PAGE: Final = 999
MAX_BODY_BYTES: Final = 1_000_000
_KNOWN_OPTIONS: Final = {"$filter", "$select", "$top", "$skiptoken", "$count"}


def context(request: Request, name: str) -> str:
    """The address of the metadata of a collection."""
    return f"{str(request.base_url).rstrip('/')}/v1.0/$metadata#{name}"


def page(request: Request, name: str, objects: Iterable[dict[str, Any]]) -> Response:
    """One page of those of a collection's objects that ``$filter`` asks for, and the link to the next.

    :raises GraphError: an option of the query is wrong, or none that the lab's Graph has
    """
    query = request.query_params
    if unknown := sorted(option for option in query if option.startswith("$") and option not in _KNOWN_OPTIONS):
        raise errors.unsupported_query(f"The query option '{unknown[0]}' is not supported here.")
    found = list(objects)
    if text := query.get("$filter"):
        try:
            fits = parse_filter(text)
        except FilterError as error:
            raise errors.bad_request(f"Invalid filter clause: {error}") from None
        found = [one for one in found if fits(one)]
    size, start = _size(query.get("$top")), _start(query.get("$skiptoken"))
    body: dict[str, Any] = {"@odata.context": context(request, name)}
    if query.get("$count") == "true":
        body["@odata.count"] = len(found)
    if start + size < len(found):
        token = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        following = urlencode({**query, "$skiptoken": token}, safe="$")
        body["@odata.nextLink"] = f"{str(request.base_url).rstrip('/')}/v1.0/{name}?{following}"
    body["value"] = [selected(request, one) for one in found[start : start + size]]
    return JSONResponse(body)


def _size(text: str | None) -> int:
    if text is None:
        return PAGE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PAGE:
        raise errors.bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and {MAX_PAGE} inclusive.")
    return int(text)


def _start(token: str | None) -> int:
    try:
        return max(0, int(base64.urlsafe_b64decode(token))) if token else 0
    except (ValueError, binascii.Error):
        raise errors.bad_request("The skip token is invalid.") from None


def selected(request: Request, shown: dict[str, Any]) -> dict[str, Any]:
    """The properties that ``$select`` asks for.

    :raises GraphError: there is none of that name
    """
    names = [name for name in request.query_params.get("$select", "").split(",") if name]
    if not names or "*" in names:
        return shown
    if unknown := next((name for name in names if name not in shown), None):
        raise errors.bad_request(f"Could not find a property named '{unknown}'.")
    return {name: shown[name] for name in names}


async def read_body(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    :raises GraphError: it is none, or too large
    """
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MAX_BODY_BYTES:
            raise errors.bad_request("The request body is too large.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise GraphError(400, "BadRequest", "Unable to read JSON request payload.")
    return body


def required_text(body: Mapping[str, Any], name: str) -> str:
    """A property that must be there, and be text.

    :raises GraphError: it is not
    """
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise errors.bad_request(f"A value is required for property '{name}' of resource.")
    return value


def time_of(text: Any, default: float) -> float:
    """A time in ISO 8601 as seconds since the epoch; the default for None.

    :raises GraphError: it is no time
    """
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(str(text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise errors.bad_request(f"Invalid value '{text}' for property 'endDateTime'.") from None
