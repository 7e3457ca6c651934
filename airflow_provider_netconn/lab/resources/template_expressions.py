"""The language of expressions in ARM templates, as far as azure-cli's own templates and plain ones use it.

Microsoft Learn, "Syntax and expressions in ARM templates": a text in brackets is an expression; ``[[`` begins a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from airflow_provider_netconn.lab.arm.errors import ArmError

Function = Callable[..., Any]

_TOKEN: Final = re.compile(
    r"\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d+)|(?P<name>[A-Za-z_]\w*)|(?P<mark>[()\[\],.]))"
)


def invalid_template(message: str) -> ArmError:
    """400: the template cannot be read."""
    return ArmError(400, "InvalidTemplate", f"Deployment template validation failed: '{message}'.")


def evaluated(value: Any, functions: Mapping[str, Function]) -> Any:
    """A JSON value of a template, with each expression in it replaced by what it gives.

    :param functions: by their names in lower case
    :raises ArmError: 400 InvalidTemplate
    """
    if isinstance(value, dict):
        return {name: evaluated(item, functions) for name, item in value.items()}
    if isinstance(value, list):
        return [evaluated(item, functions) for item in value]
    if not isinstance(value, str) or not value.startswith("[") or not value.endswith("]"):
        return value
    if value.startswith("[["):
        return value[1:]
    return _Reader(value[1:-1], functions).read()


class _Reader:
    """One expression, read and evaluated in one go."""

    def __init__(self, text: str, functions: Mapping[str, Function]) -> None:
        self._text = text
        self._functions = functions
        self._tokens = list(self._scan())
        self._at = 0

    def _scan(self) -> Any:
        at, end = 0, len(self._text.rstrip())
        while at < end:
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise self._unreadable()
            assert found.lastgroup is not None
            yield found.lastgroup, found[found.lastgroup]
            at = found.end()

    def _unreadable(self) -> ArmError:
        return invalid_template(f"the language expression '{self._text}' is not valid")

    def read(self) -> Any:
        value = self._value()
        if self._at != len(self._tokens):
            raise self._unreadable()
        return value

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise self._unreadable()
        self._at += 1
        return self._tokens[self._at - 1]  # type: ignore[no-any-return]

    def _takes(self, mark: str) -> bool:
        is_there = self._tokens[self._at : self._at + 1] == [("mark", mark)]
        self._at += is_there
        return is_there

    def _value(self) -> Any:
        kind, word = self._next()
        if kind == "text":
            value: Any = word.replace("''", "'")
        elif kind == "number":
            value = int(word)
        elif kind == "name":
            value = self._call(word)
        else:
            raise self._unreadable()
        while True:
            if self._takes("."):
                value = self._member(value, self._next()[1])
            elif self._takes("["):
                value = self._member(value, self._value())
                self._expect("]")
            else:
                return value

    def _expect(self, mark: str) -> None:
        if not self._takes(mark):
            raise self._unreadable()

    def _call(self, name: str) -> Any:
        function = self._functions.get(name.casefold())
        if function is None:
            raise invalid_template(f"the template function '{name}' is not one that the lab knows")
        self._expect("(")
        arguments: list[Any] = []
        while not self._takes(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._value())
        try:
            return function(*arguments)
        except TypeError:
            raise invalid_template(f"the template function '{name}' does not take {len(arguments)} arguments") from None

    def _member(self, value: Any, name: Any) -> Any:
        if isinstance(value, dict) and isinstance(name, str):
            for known, item in value.items():
                if known.casefold() == name.casefold():
                    return item
        if isinstance(value, list) and isinstance(name, int) and 0 <= name < len(value):
            return value[name]
        raise invalid_template(f"the language expression property '{name}' does not exist in '{self._text}'")
