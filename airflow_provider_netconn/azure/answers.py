"""Reading Azure's answers: whether they can be read at all, and which error they tell."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

OPERATION: Final = "azure-asyncoperation"
LOCATION: Final = "location"
RETRY_AFTER: Final = "retry-after"
CORRELATION: Final = "x-ms-correlation-request-id"
_FAILED: Final = frozenset({"failed", "canceled"})
_MAX_DEPTH: Final = 5


class NotJsonError(ValueError):
    """A body that should be JSON and is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as Azure tells it.

    :param code: the outermost code
    :param message: what is said to it
    :param codes: all codes, those of nested errors too
    """

    code: str
    message: str
    codes: frozenset[str]


def body_of(response: Any) -> Any:
    """The JSON of a response whose body was read; None where it has none.

    :param response: of any kind that azure-core has
    :raises NotJsonError: the body is no JSON
    """
    content = response.content if hasattr(response, "is_stream_consumed") else response.body()
    if not content or not content.strip():
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"{len(content)} bytes that are no JSON") from error


def problem_of(body: Any) -> Problem | None:
    """The error in a body, with or without the envelope ``error``; None where it tells none.

    Record sets of private DNS answer without the envelope.
    """
    if not isinstance(body, Mapping):
        return None
    error = body.get("error", body)
    if not isinstance(error, Mapping) or not isinstance(error.get("code"), str):
        return None
    nested = [str(detail["message"]) for detail in _nested(error) if detail.get("message")]
    message = ". ".join(dict.fromkeys(text.strip().rstrip(".") for text in (str(error.get("message", "")), *nested)))
    codes = frozenset(str(one["code"]) for one in (error, *_nested(error)) if isinstance(one.get("code"), str))
    return Problem(code=str(error["code"]), message=message.strip(". "), codes=codes)


def _nested(error: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    details = error.get("details")
    inner = [*(details if isinstance(details, list) else []), error.get("innererror")]
    for one in inner:
        if isinstance(one, Mapping) and depth < _MAX_DEPTH:
            yield one
            yield from _nested(one, depth + 1)


def state_of(body: Any) -> str:
    """The status of an operation, or the ``provisioningState`` of a resource; empty where there is neither."""
    if not isinstance(body, Mapping):
        return ""
    properties = body.get("properties")
    found = body.get("status") or (properties.get("provisioningState") if isinstance(properties, Mapping) else None)
    return found if isinstance(found, str) else ""


def has_failed(body: Any) -> bool:
    """Whether this is the status of an operation that ended ``Failed`` or ``Canceled``."""
    return isinstance(body, Mapping) and str(body.get("status", "")).casefold() in _FAILED


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` in seconds, whether it is given as a number or as a date; None where it is neither."""
    for name, unit_s in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), (RETRY_AFTER, 1.0)):
        text = headers.get(name)
        if not text:
            continue
        try:
            return max(0.0, float(text) * unit_s)
        except ValueError:
            date = email.utils.parsedate_tz(text)
            if date is not None:
                return max(0.0, email.utils.mktime_tz(date) - time.time())
    return None


def contains(seen: Any, sent: Any) -> bool:
    """Whether what is there holds all that was sent. Azure adds defaults, and changes the case of words and ids."""
    if isinstance(sent, Mapping):
        return isinstance(seen, Mapping) and all(
            value is None or contains(seen.get(name), value) for name, value in sent.items()
        )
    if isinstance(sent, list):
        return (
            isinstance(seen, list)
            and len(seen) == len(sent)
            and all(contains(one, other) for one, other in zip(seen, sent, strict=True))
        )
    if isinstance(sent, str) and isinstance(seen, str):
        return seen.casefold() == sent.casefold()
    return bool(seen == sent)
