"""The filters of Microsoft Graph: the part of OData's ``$filter`` that clients of directories use.

OData 4.01, part 2, section 5.1.1, and Microsoft Learn, "Use the $filter query parameter to filter a collection of
objects". Text is compared without case, as directories do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Condition = Callable[[Mapping[str, Any]], bool]

MAX_FILTER_LENGTH: Final = 4_000
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+)|(?P<word>[A-Za-z_@][\w.]*(?:/[A-Za-z_]\w*)*)|(?P<sign>[(),:]))"
)
_CONSTANTS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}


class FilterError(ValueError):
    """A filter that is none, or that uses what the lab's Graph does not have."""


def parse_filter(text: str) -> Condition:
    """The condition that a ``$filter`` states of an object.

    Knows ``eq``, ``ne``, ``in``, ``startswith``, ``any`` over lists of text, ``and``, ``or``, ``not`` and brackets.

    :raises FilterError: it is no filter, or uses something else
    """
    if len(text) > MAX_FILTER_LENGTH:
        raise FilterError("the filter is too long")
    parser = _Parser(text)
    try:
        condition = parser.alternatives()
    except RecursionError:
        raise FilterError("the filter is nested too deeply") from None
    parser.end()
    return condition


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def alternatives(self) -> Condition:
        parts = [self._all_of()]
        while self._takes("or"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else lambda one: any(part(one) for part in parts)

    def end(self) -> None:
        if self._peek() is not None:
            raise FilterError(f"unexpected {self._peek()}")

    def _all_of(self) -> Condition:
        parts = [self._term()]
        while self._takes("and"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda one: all(part(one) for part in parts)

    def _term(self) -> Condition:
        if self._takes("not"):
            inner = self._term()
            return lambda one: not inner(one)
        if self._takes("("):
            inner = self.alternatives()
            self._expect(")")
            return inner
        if self._takes("startswith"):
            return self._starts_with()
        name = self._name()
        if name.endswith("/any"):
            return self._any(name.removesuffix("/any"))
        return self._comparison(name)

    def _starts_with(self) -> Condition:
        self._expect("(")
        name = self._name()
        self._expect(",")
        start = self._literal()
        self._expect(")")
        if not isinstance(start, str):
            raise FilterError("startswith compares with text")
        return lambda one: isinstance(one.get(name), str) and one[name].lower().startswith(start.lower())

    def _any(self, name: str) -> Condition:
        self._expect("(")
        variable = self._name()
        self._expect(":")
        if self._name() != variable:
            raise FilterError(f"any compares {variable} itself")
        is_so = _comparison_of(self._name(), self._literal())
        self._expect(")")
        return lambda one: isinstance(one.get(name), list) and any(is_so(value) for value in one[name])

    def _comparison(self, name: str) -> Condition:
        operator = self._name()
        if operator == "in":
            values = self._literals()
            return lambda one: any(_same(one.get(name), value) for value in values)
        is_so = _comparison_of(operator, self._literal())
        return lambda one: is_so(one.get(name))

    def _literals(self) -> list[Any]:
        self._expect("(")
        values = [self._literal()]
        while self._takes(","):
            values.append(self._literal())
        self._expect(")")
        return values

    def _literal(self) -> Any:
        kind, value = self._next()
        if kind == "text":
            return value[1:-1].replace("''", "'")
        if kind == "guid":
            return value
        if kind == "number":
            return int(value)
        if kind == "word" and value in _CONSTANTS:
            return _CONSTANTS[value]
        raise FilterError(f"{value} is no value")

    def _name(self) -> str:
        kind, value = self._next()
        if kind != "word":
            raise FilterError(f"{value} is no name")
        return value

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise FilterError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str | None:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else None

    def _takes(self, value: str) -> bool:
        if self._peek() != value:
            return False
        self._at += 1
        return True

    def _expect(self, value: str) -> None:
        if not self._takes(value):
            raise FilterError(f"{value} is missing")


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise FilterError(f"cannot be read at position {at}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _comparison_of(operator: str, value: Any) -> Callable[[Any], bool]:
    if operator == "eq":
        return lambda seen: _same(seen, value)
    if operator == "ne":
        return lambda seen: not _same(seen, value)
    raise FilterError(f"the operator {operator} is not supported")


def _same(seen: Any, value: Any) -> bool:
    if isinstance(seen, str) and isinstance(value, str):
        return seen.lower() == value.lower()
    return type(seen) is type(value) and bool(seen == value)
