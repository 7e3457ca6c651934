"""Queries: a table and what is done with its rows, one step after another.

Known are ``where``, ``project``, ``project-away``, ``extend``, ``mv-expand``, ``summarize`` (``count()``, ``make_list``
and none), ``order by``, ``sort by``, ``top``, ``limit``, ``take``, ``distinct`` and ``count``. What is not known is
refused as an invalid query, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_netconn.lab.resources.resource_graph.expressions import (
    Expression,
    Row,
    Words,
    read_expression,
)

Step = Callable[[list[Row]], list[Row]]


def parse(query: str) -> tuple[str, list[Step]]:
    """Read a query.

    :return: the table's name in lower case, ``resources`` where none is named, and the steps
    :raises QueryError: it is none that we know
    """
    words = Words(query)
    table, steps = "resources", []
    if words.next.kind == "name" and words.next.text.casefold() not in STEPS:
        table = words.take().text.casefold()
    elif words.next.kind != "end":
        steps.append(_read_step(words))
    while words.accept("|"):
        steps.append(_read_step(words))
    if words.next.kind != "end":
        raise words.error("expected '|' or the end")
    return table, steps


def _read_step(words: Words) -> Step:
    token = words.next
    name = token.text.casefold()
    if name == "project" and _is_away(words):
        return _read_project_away(words)
    if token.kind != "name" or name not in STEPS:
        raise words.error("unknown operator")
    if name != "project":
        words.take()
    return STEPS[name](words)


def _is_away(words: Words) -> bool:
    words.take()
    if words.accept("-"):
        if words.accept("away") is None:
            raise words.error("expected 'project-away'")
        return True
    return False


def _read_where(words: Words) -> Step:
    condition = read_expression(words)
    return lambda rows: [row for row in rows if condition(row)]


def _read_columns(words: Words) -> list[tuple[str, Expression]]:
    """``name``, ``name = expression``, ``path.to.value`` (named with underscores), separated by commas."""
    columns = []
    while True:
        start = words.next
        if start.kind == "name" and words.following_is("="):
            name = words.take().text
            words.expect("=")
            columns.append((name, read_expression(words)))
        else:
            begin = words.position
            expression = read_expression(words)
            columns.append((_default_name(words.since(begin)), expression))
        if words.accept(",") is None:
            return columns


def _default_name(texts: list[str]) -> str:
    """``properties.a.b`` is called ``properties_a_b``, and so is ``tostring(properties.a.b)``."""
    inner = texts[2:-1] if len(texts) > 3 and texts[1] == "(" else texts
    return "_".join(text.strip("'\"") for text in inner if text not in ".[]()")


def _read_project(words: Words) -> Step:
    columns = _read_columns(words)
    return lambda rows: [{name: expression(row) for name, expression in columns} for row in rows]


def _read_project_away(words: Words) -> Step:
    names = {name.casefold() for name, _ in _read_columns(words)}
    return lambda rows: [{name: value for name, value in row.items() if name.casefold() not in names} for row in rows]


def _read_extend(words: Words) -> Step:
    columns = _read_columns(words)

    def extend(rows: list[Row]) -> list[Row]:
        extended = []
        for row in rows:
            wider = dict(row)
            for name, expression in columns:
                wider[name] = expression(wider)
            extended.append(wider)
        return extended

    return extend


def _read_expand(words: Words) -> Step:
    (name, expression), *more = _read_columns(words)
    if more:
        raise words.error("expected one column")

    def expand(rows: list[Row]) -> list[Row]:
        expanded = []
        for row in rows:
            value = expression(row)
            items = value if isinstance(value, list) and value else [None] if not isinstance(value, list) else []
            expanded += [{**row, name: item} for item in items]
        return expanded

    return expand


def _read_number(words: Words) -> int:
    if words.next.kind != "number":
        raise words.error("expected a number")
    return int(words.take().text)


def _read_limit(words: Words) -> Step:
    number = _read_number(words)
    return lambda rows: rows[:number]


def _read_order(words: Words) -> Step:
    words.expect("by")
    keys: list[tuple[Expression, bool]] = []
    while True:
        expression = read_expression(words)
        # Kusto sorts downwards unless told otherwise.
        keys.append((expression, words.accept("asc", "desc") != "asc"))
        if words.accept(",") is None:
            break

    def order(rows: list[Row]) -> list[Row]:
        ordered = list(rows)
        for expression, downwards in reversed(keys):
            ordered.sort(key=lambda row: _sortable(expression(row)), reverse=downwards)
        return ordered

    return order


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, ""
    if isinstance(value, (int, float)):
        return 1, value
    return 2, str(value)


def _read_top(words: Words) -> Step:
    number = _read_number(words)
    order = _read_order(words)
    return lambda rows: order(rows)[:number]


def _read_distinct(words: Words) -> Step:
    columns = _read_columns(words)
    return _grouped([], columns)


def _read_summarize(words: Words) -> Step:
    totals: list[tuple[str, str, Expression | None]] = []
    while words.next.text.casefold() != "by" and words.next.kind == "name":
        totals.append(_read_total(words))
        if words.accept(",") is None:
            break
    return _grouped(totals, _read_columns(words) if words.accept("by") else [])


def _read_total(words: Words) -> tuple[str, str, Expression | None]:
    name = ""
    if words.following_is("="):
        name = words.take().text
        words.expect("=")
    function = words.accept("count", "make_list", "any", "take_any")
    if function is None:
        raise words.error("expected count(), make_list() or take_any()")
    words.expect("(")
    of = None if words.next.text == ")" else read_expression(words)
    words.expect(")")
    return name or f"{function}_", function, of


def _grouped(totals: list[tuple[str, str, Expression | None]], by: list[tuple[str, Expression]]) -> Step:
    def group(rows: list[Row]) -> list[Row]:
        groups: dict[str, tuple[Row, list[Row]]] = {}
        for row in rows:
            key = {name: expression(row) for name, expression in by}
            groups.setdefault(repr(key), (key, []))[1].append(row)
        if not by and not groups:
            groups[""] = ({}, [])
        return [
            {**key, **{name: _total(function, of, members) for name, function, of in totals}}
            for key, members in groups.values()
        ]

    return group


def _total(function: str, of: Expression | None, rows: list[Row]) -> Any:
    if function == "count":
        return len(rows)
    values = [of(row) for row in rows] if of is not None else []
    return values if function == "make_list" else next(iter(values), None)


def _read_count(words: Words) -> Step:
    return lambda rows: [{"Count": len(rows)}]


STEPS: dict[str, Callable[[Words], Step]] = {
    "where": _read_where,
    "project": _read_project,
    "extend": _read_extend,
    "mv-expand": _read_expand,
    "mvexpand": _read_expand,
    "limit": _read_limit,
    "take": _read_limit,
    "order": _read_order,
    "sort": _read_order,
    "top": _read_top,
    "distinct": _read_distinct,
    "summarize": _read_summarize,
    "count": _read_count,
}
