"""Expressions of the query language: columns and paths, literals, comparisons, functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Expression = Callable[[Row], Any]

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>@?'(?:[^'\\]|\\.)*'|@?"(?:[^"\\]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<name>mv-expand|!?in~|![A-Za-z]+|[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator>=~|!~|==|!=|<=|>=|[|()\[\],.<>=*+-])
    )""",
    re.VERBOSE,
)


class QueryError(ValueError):
    """A query that cannot be read.

    :param position: of the character where reading ended
    :param token: what stands there
    """

    def __init__(self, message: str, position: int, token: str) -> None:
        super().__init__(message)
        self.position = position
        self.token = token


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a query: its kind (``string``, ``number``, ``name``, ``operator``, ``end``), text and position."""

    kind: str
    text: str
    position: int


def tokenize(query: str) -> list[Token]:
    """:return: the words of a query, without comments; raises :class:`QueryError` for a character that starts none"""
    text = re.sub(r"//[^\n]*", lambda comment: " " * len(comment.group()), query)
    tokens, position = [], 0
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if match is None:
            raise QueryError("unexpected character", position, text[position:].strip()[0])
        kind = match.lastgroup or ""
        tokens.append(Token(kind, match.group(kind), match.start(kind)))
        position = match.end()
    return [*tokens, Token("end", "<EOF>", len(query))]


class Words:
    """A query's words, read one after another."""

    def __init__(self, query: str) -> None:
        self._tokens = tokenize(query)
        self._at = 0

    @property
    def next(self) -> Token:
        """The word that comes."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """:return: the word that came, and go on to the next"""
        token = self.next
        self._at += token.kind != "end"
        return token

    def accept(self, *texts: str) -> str | None:
        """:return: the word in lower case, taken, if it is one of these; else None"""
        token = self.next
        if token.kind in {"name", "operator"} and token.text.casefold() in texts:
            return self.take().text.casefold()
        return None

    @property
    def position(self) -> int:
        """How many words were taken."""
        return self._at

    def since(self, position: int) -> list[str]:
        """:return: the texts of the words taken since then"""
        return [token.text for token in self._tokens[position : self._at]]

    def following_is(self, text: str) -> bool:
        """:return: whether the word after the one that comes is this"""
        return self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].text == text

    def expect(self, text: str) -> None:
        """:raises QueryError: another word comes"""
        if self.accept(text) is None:
            raise self.error(f"expected '{text}'")

    def error(self, message: str) -> QueryError:
        """:return: an error at the word that comes"""
        return QueryError(message, self.next.position, self.next.text)


def read_expression(words: Words) -> Expression:
    """Read ``a or b``, the loosest that there is.

    :raises QueryError: it is none that we know
    """
    parts = [_read_and(words)]
    while words.accept("or"):
        parts.append(_read_and(words))
    return parts[0] if len(parts) == 1 else lambda row: any(bool(part(row)) for part in parts)


def _read_and(words: Words) -> Expression:
    parts = [_read_comparison(words)]
    while words.accept("and"):
        parts.append(_read_comparison(words))
    return parts[0] if len(parts) == 1 else lambda row: all(bool(part(row)) for part in parts)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, separators=(",", ":"))
    return str(value)


def _fold(value: Any) -> str:
    return _text(value).casefold()


def _has(text: Any, word: Any) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(_fold(word))}(?![a-z0-9])", _fold(text)) is not None


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def comparison(left: Any, right: Any) -> bool:
        return isinstance(left, type(right)) and compare(left, right)

    return comparison


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right if not isinstance(right, str) else _text(left) == right,
    "!=": lambda left, right: left != right if not isinstance(right, str) else _text(left) != right,
    "=~": lambda left, right: _fold(left) == _fold(right),
    "!~": lambda left, right: _fold(left) != _fold(right),
    "contains": lambda left, right: _fold(right) in _fold(left),
    "!contains": lambda left, right: _fold(right) not in _fold(left),
    "startswith": lambda left, right: _fold(left).startswith(_fold(right)),
    "endswith": lambda left, right: _fold(left).endswith(_fold(right)),
    "has": _has,
    "<": _ordered(lambda left, right: left < right),
    ">": _ordered(lambda left, right: left > right),
    "<=": _ordered(lambda left, right: left <= right),
    ">=": _ordered(lambda left, right: left >= right),
}

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "tolower": lambda value: _text(value).lower(),
    "toupper": lambda value: _text(value).upper(),
    "tostring": _text,
    "toint": lambda value: int(value) if _text(value).lstrip("-").isdigit() else None,
    "tobool": lambda value: _fold(value) == "true",
    "isnotempty": lambda value: value not in (None, "", [], {}),
    "isempty": lambda value: value in (None, "", [], {}),
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "array_length": lambda value: len(value) if isinstance(value, list) else None,
    "strlen": lambda value: len(_text(value)),
    "strcat": lambda *values: "".join(_text(value) for value in values),
    "split": lambda value, separator: _text(value).split(separator),
    "coalesce": lambda *values: next((value for value in values if value not in (None, "")), None),
    "iff": lambda condition, then, otherwise: then if condition else otherwise,
    "not": lambda value: not value,
}


def _read_comparison(words: Words) -> Expression:
    left = _read_value(words)
    operator = words.accept(*COMPARISONS)
    if operator is not None:
        right = _read_value(words)
        compare = COMPARISONS[operator]
        return lambda row: compare(left(row), right(row))
    listed = words.accept("in", "in~", "!in", "!in~")
    if listed is not None:
        values = _read_list(words)
        folded, wanted = listed.endswith("~"), not listed.startswith("!")
        return lambda row: _is_in(left(row), [value(row) for value in values], folded=folded) is wanted
    return left


def _is_in(value: Any, values: list[Any], *, folded: bool) -> bool:
    if folded:
        return _fold(value) in {_fold(other) for other in values}
    return value in values


def _read_list(words: Words) -> list[Expression]:
    words.expect("(")
    values: list[Expression] = []
    if words.accept(")"):
        return values
    while True:
        values.append(read_expression(words))
        if words.accept(")"):
            return values
        words.expect(",")


def _read_value(words: Words) -> Expression:
    token = words.next
    if words.accept("("):
        inner = read_expression(words)
        words.expect(")")
        return _read_path(words, inner)
    if token.kind == "string":
        text = _unquote(words.take().text)
        return lambda row: text
    if token.kind == "number":
        number = words.take().text
        value: float = float(number) if "." in number else int(number)
        return lambda row: value
    if token.kind != "name":
        raise words.error("expected a column, a value or a function")
    name = words.take().text
    if name.casefold() in {"true", "false"}:
        return lambda row: name.casefold() == "true"
    if words.next.text == "(":
        return _read_path(words, _call(words, name))
    return _read_path(words, lambda row: _member(row, name))


def _call(words: Words, name: str) -> Expression:
    function = FUNCTIONS.get(name.casefold())
    if function is None:
        raise words.error(f"unknown function '{name}'")
    arguments = _read_list(words)
    return lambda row: function(*(argument(row) for argument in arguments))


def _read_path(words: Words, root: Expression) -> Expression:
    """What follows a value: ``.name``, ``['name']``, ``[0]``."""
    expression = root
    while True:
        if words.accept("."):
            name = words.take().text
            expression = _step(expression, name)
        elif words.accept("["):
            token = words.take()
            key: str | int = int(token.text) if token.kind == "number" else _unquote(token.text)
            words.expect("]")
            expression = _step(expression, key)
        else:
            return expression


def _step(expression: Expression, key: str | int) -> Expression:
    return lambda row: _member(expression(row), key)


def _member(value: Any, key: str | int) -> Any:
    if isinstance(value, dict):
        if key in value:
            return value[key]
        return next((item for name, item in value.items() if name.casefold() == str(key).casefold()), None)
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if key < len(value) else None
    return None


def _unquote(text: str) -> str:
    if text.startswith("@"):
        return text[2:-1]
    return re.sub(r"\\(.)", r"\1", text[1:-1])
