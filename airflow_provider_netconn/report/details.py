"""What a stage saw in full, as HTML: nested lists of labels and values, and tables where the entries are alike.

End tags that HTML leaves to choice (``dt``, ``dd``, ``li``, ``tr``, ``th``, ``td``) are left out: a report may hold
thousands of these.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.report.wording import duration, printable

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_DEPTH: Final = 6
"""Deeper than this a value is shown as JSON text."""
MAX_TEXT: Final = 2000
"""Longer texts, in characters, are cut, and say by how much."""
_MAX_TABLE_WIDTH: Final = 60  # in characters
_LONG_WORD: Final = re.compile(r"\S{24,}")
_DOT: Final = re.compile(r"(?<=\w)\.(?=\w)")
_KEPT_UPPER: Final = {"dns", "cname", "http", "icmp", "ip", "rcode", "san", "sans", "sni", "tls", "ttl", "url", "alpn"}


def detail_markup(value: Any, depth: int = 0) -> Markup:
    """The value, plain JSON, as safe HTML."""
    from markupsafe import Markup

    if depth > MAX_DEPTH and isinstance(value, (dict, list)):
        return Markup("<code>{}</code>").format(_shown(json.dumps(value, ensure_ascii=False)))
    if isinstance(value, dict) and value:
        return _pairs(value, depth)
    if isinstance(value, list) and value:
        columns = _columns(value)
        if columns:
            return _table(value, columns, depth)
        items = Markup("").join(Markup("<li>{}").format(detail_markup(item, depth + 1)) for item in value)
        return Markup("<ul>{}</ul>").format(items)
    return _scalar(value)


def breakable(text: str) -> Markup:
    """The text, escaped; a long word such as a host name may be broken after its dots."""
    from markupsafe import Markup, escape

    # Escaping first is safe: no character reference has a dot in it.
    return Markup(_LONG_WORD.sub(lambda word: _DOT.sub(".<wbr>", word[0]), escape(printable(text))))  # noqa: S704


def label(key: str) -> str:
    """A key as people read it: ``not_after`` is ``Not after``; the unit of ``duration_s`` stands with the value."""
    words = printable(key).removesuffix("_s").replace("_", " ").split()
    words = [word.upper() if word in _KEPT_UPPER else word for word in words]
    text = " ".join(words)
    return text[:1].upper() + text[1:] or "—"


def _pairs(value: dict[str, Any], depth: int) -> Markup:
    from markupsafe import Markup

    # Plain values first, so that the short answers are not lost below a long list.
    ordered = sorted(value.items(), key=lambda item: isinstance(item[1], (dict, list)) and bool(item[1]))
    pairs = (Markup("<dt>{}<dd>{}").format(label(key), _valued(key, item, depth + 1)) for key, item in ordered)
    return Markup("<dl>{}</dl>").format(Markup("").join(pairs))


def _table(rows: list[dict[str, Any]], columns: list[str], depth: int) -> Markup:
    from markupsafe import Markup

    head = Markup("").join(Markup("<th scope=col>{}").format(label(column)) for column in columns)
    body = Markup("").join(
        Markup("<tr>{}").format(
            Markup("").join(
                Markup("<td>{}").format(_valued(column, row[column], depth) if column in row else "")
                for column in columns
            )
        )
        for row in rows
    )
    # A region that scrolls must be reachable by keyboard (WCAG 2.1.1).
    return Markup('<div class="scroll" tabindex="0"><table><tr>{}{}</table></div>').format(head, body)


def _columns(rows: list[Any]) -> list[str]:
    """The columns of a table of these rows; none where they are no flat objects, or the table would be too wide."""
    widths: dict[str, int] = {}
    for row in rows:
        if not isinstance(row, dict) or any(isinstance(item, (dict, list)) for item in row.values()):
            return []
        for column, item in row.items():
            # A column that is empty throughout tells nothing and costs width on a phone.
            if item is not None:
                widths[column] = max(widths.get(column, len(column)), len(str(item)))
    return list(widths) if sum(widths.values()) <= _MAX_TABLE_WIDTH else []


def _valued(key: str, value: Any, depth: int) -> Markup:
    from markupsafe import escape

    if key.endswith("_s") and isinstance(value, (int, float)) and not isinstance(value, bool):
        return escape(duration(value))
    return detail_markup(value, depth)


def _scalar(value: Any) -> Markup:
    from markupsafe import Markup, escape

    if value is None or value in ("", [], {}):
        return Markup('<span class="none">none</span>')
    if isinstance(value, bool):
        return escape("yes" if value else "no")
    return breakable(_shown(str(value)))


def _shown(text: str) -> str:
    text = printable(text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT:,} more characters)"
