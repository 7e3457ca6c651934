"""The report as JSON, with a published schema, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from airflow_provider_netconn import evidence
from airflow_provider_netconn.errors import InvalidInputError
from airflow_provider_netconn.evidence import REPORT_SCHEMA_VERSION, Report, from_json, to_json

_MAJOR: Final = REPORT_SCHEMA_VERSION.split(".")[0]
MAX_DEPTH: Final = 100
"""How deep a report's values may lie: many times what is written, and no more than every format can go down."""
_PARAM: Final = re.compile(r"^:param (\w+): (.*(?:\n +.*)*)", re.MULTILINE)
_ROLE: Final = re.compile(r":\w+:`~?([^`]*)`")


def render(report: Report) -> str:
    """The report as JSON text, indented by two; its shape is :func:`report_schema`, times are ISO 8601."""
    return json.dumps(to_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read(text: str | bytes) -> Report:
    """The report that :func:`render` wrote.

    Keys that a later minor version added are ignored.

    :raises InvalidInputError: it is no JSON, has another major ``schema_version``, or names the first field that
        does not fit
    """
    import msgspec  # not needed to import an operator

    remedy = "give a report that netconn wrote as JSON"
    try:
        data = msgspec.json.decode(text)  # strict, as json.loads() is not: no NaN, no half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("report", f"is no JSON: {error}", remedy) from error
    if _is_deeper_than(MAX_DEPTH, data):
        raise InvalidInputError("report", f"is nested more than {MAX_DEPTH} deep", remedy)
    version = data.get("schema_version") if isinstance(data, dict) else None
    if not isinstance(version, str):
        raise InvalidInputError("report", "has no schema_version", remedy)
    if version.split(".")[0] != _MAJOR:
        seen = f"{version!r} is not {_MAJOR}.x"
        raise InvalidInputError("schema_version", seen, "read it with the version of netconn that wrote it")
    try:
        return from_json(Report, data)
    except ValueError as error:
        raise InvalidInputError("report", str(error), remedy) from error


def _is_deeper_than(limit: int, data: Any) -> bool:
    level = [data]
    for _ in range(limit):
        level = [child for value in level for child in _children(value)]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a report, as a plain JSON object.

    It describes what is written: every property is present. A reader should accept properties and findings that it does
    not know, which a later minor version may add, and refuse another major ``schema_version``.
    """
    import msgspec  # not needed to import an operator

    (root,), parts = msgspec.json.schema_components(
        [Report], schema_hook=_schema_of_time, ref_template="#/$defs/{name}"
    )
    for name, part in parts.items():
        _describe(part, getattr(evidence, name).__doc__ or "")
    parts["Report"]["properties"]["schema_version"] = {
        **parts["Report"]["properties"]["schema_version"],
        "pattern": rf"^{_MAJOR}\.[0-9]+$",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"netconn report {REPORT_SCHEMA_VERSION}",
        **root,
        "$defs": dict(sorted(parts.items())),
    }


def _schema_of_time(kind: type) -> dict[str, Any]:
    if not issubclass(kind, datetime):
        raise NotImplementedError  # what msgspec asks of a hook that does not know a type
    return {"type": "string", "format": "date-time"}


def _describe(part: dict[str, Any], docstring: str) -> None:
    """Take the descriptions of a type and its fields from its docstring, and require every field."""
    text = "\n".join(line.strip() if not line.startswith("     ") else line for line in docstring.splitlines())
    summary = _plain(text.split(":param", 1)[0])
    if "properties" not in part:  # an enum
        part["description"] = summary
        return
    part["description"] = summary
    part["required"] = list(part["properties"])
    for match in _PARAM.finditer(text):
        field, meaning = match.groups()
        # A default is the reader's affair; what is written always has the field.
        part["properties"][field]["description"] = _plain(meaning)
    for schema in part["properties"].values():
        schema.pop("default", None)


def _plain(text: str) -> str:
    """The docstring's text on one line, without the markup of Sphinx."""
    return " ".join(_ROLE.sub(r"\1", text).replace("``", "").split())
