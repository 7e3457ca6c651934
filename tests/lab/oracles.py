"""Azure's own OpenAPI and example requests, as an oracle of shapes: they lie beside the repository, not in it.

Tests that need them carry :data:`needs_shared`: without them they are skipped, and under ``NETCONN_REQUIRE_ALL`` fail.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from referencing import Registry
from referencing import Resource as SchemaDocument
from referencing.jsonschema import DRAFT4

SHARED = (Path(__file__).parents[3] / "shared").resolve()
SWAGGER = SHARED / "azure-spec" / "swagger"
EXAMPLES = SHARED / "azure-spec" / "examples"
SCENARIOS = SHARED / "arm-replay" / "scenarios"

needs_shared = pytest.mark.skipif(not SWAGGER.is_dir(), reason="Azure's OpenAPI is not beside the repository")

VERBS = ("get", "put", "patch", "post", "delete", "head")


@dataclass(frozen=True)
class SwaggerOperation:
    """One operation of the OpenAPI.

    :param id: such as ``PrivateEndpoints_Get``
    :param file: URI of its document
    :param pattern: matches its paths
    :param template: its path, with parameters
    :param method: upper case
    :param body: the operation's JSON
    """

    id: str
    file: str
    pattern: re.Pattern[str]
    template: str
    method: str
    body: dict[str, Any]

    @property
    def literal(self) -> int:
        """How many characters of the path are fixed: the most specific path counts."""
        return len(re.sub(r"\{\w+\}", "", self.template))


@cache
def operations() -> tuple[SwaggerOperation, ...]:
    """:return: all operations, the most specific path first"""
    found = []
    for uri, document in _documents().items():
        for place in ("paths", "x-ms-paths"):
            for template, item in document.get(place, {}).items():
                for method in VERBS:
                    if method in item:
                        found.append(_operation(uri, template, method, item[method]))
    return tuple(sorted(found, key=lambda operation: -operation.literal))


def operation_of(method: str, path: str) -> SwaggerOperation | None:
    """:return: the operation of a request; None: the OpenAPI beside us has none"""
    return next((op for op in operations() if op.method == method and op.pattern.fullmatch(path)), None)


def check_answer(method: str, path: str, status: int, body: Any) -> bool:
    """Validate an answer.

    :param path: without query
    :return: whether the OpenAPI has the operation, so that something was checked
    :raises AssertionError: the status is none of the operation's, or the body does not have its shape
    """
    operation = operation_of(method, path)
    if operation is None:
        return False
    responses = operation.body["responses"]
    response = responses.get(str(status)) or (responses.get("default") if status >= 400 else None)
    assert response is not None, f"{operation.id} never answers {status}"
    schema = response.get("schema")
    if schema is None:
        assert body is None or status >= 400 or status == 202, f"{operation.id} answers {status} without a body: {body}"
        return True
    if body is not None:
        validator = Draft4Validator(_absolute(schema, operation.file), registry=_registry())
        errors = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]
        assert not errors, f"{operation.id} {status}: {errors}"
    return True


def examples(folder: str, name: str = "*") -> list[Any]:
    """:return: pytest parameters, one for each example file below ``folder`` of that name: its path"""
    files = sorted((EXAMPLES / folder).rglob(f"{name}.json")) if EXAMPLES.is_dir() else []
    return [pytest.param(file, id=str(file.relative_to(EXAMPLES))) for file in files] or [
        pytest.param(None, marks=needs_shared, id="examples")
    ]


def example_body(file: Path) -> tuple[dict[str, Any], Any]:
    """:return: the parameters of an example and its request's body, or None where it has none

    The parameter of the body is any that is an object; some services nest it in another ``properties``.
    """
    parameters: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["parameters"]
    bodies = [value for value in parameters.values() if isinstance(value, dict)]
    return parameters, bodies[-1] if bodies else None


def _operation(uri: str, template: str, method: str, body: dict[str, Any]) -> SwaggerOperation:
    parameters = re.sub(r"\\\{(\w+)\\\}", lambda found: "[^/]+" if found[1] != "scope" else ".*", re.escape(template))
    # A scope is an id of its own, with its slashes.
    return SwaggerOperation(
        id=body["operationId"],
        file=uri,
        pattern=re.compile(parameters.replace("/.*", ".*", 1), re.IGNORECASE),
        template=template,
        method=method.upper(),
        body=body,
    )


@cache
def _documents() -> dict[str, dict[str, Any]]:
    return {path.as_uri(): json.loads(path.read_text(encoding="utf-8")) for path in sorted(SWAGGER.rglob("*.json"))}


@cache
def _registry() -> Registry[Any]:
    pairs = (
        (uri, SchemaDocument(contents=_absolute(document, uri), specification=DRAFT4))
        for uri, document in _documents().items()
    )
    return Registry().with_resources(pairs)


def _absolute(value: Any, uri: str) -> Any:
    """A copy whose references are absolute; one to a document that is not here stands for anything."""
    if isinstance(value, list):
        return [_absolute(item, uri) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        target, _, fragment = reference.partition("#")
        file = (Path(uri.removeprefix("file://")).parent / target).resolve().as_uri() if target else uri
        found = _pointed_at(_documents().get(file), fragment)
        return {} if found is None else {"$ref": f"{file}#{fragment}"}
    return {name: _absolute(item, uri) for name, item in value.items()}


def _pointed_at(document: Any, fragment: str) -> Any:
    for part in fragment.strip("/").split("/"):
        document = document.get(part) if isinstance(document, dict) else None
    return document
