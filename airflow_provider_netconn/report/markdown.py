"""The report as a short page of Markdown (GitHub's dialect, for its tables)."""

from __future__ import annotations

import re
from typing import Final

from airflow_provider_netconn.evidence import Report, Verdict
from airflow_provider_netconn.report.wording import duration, one_line, summary, unexpected_first, utc, vantage_rows

_COLUMNS: Final = ("Target", "Verdict", "Path", "Outcome", "Cause", "Remedy")
# An underscore within a word, as in wasb_orders, is no mark-up in this dialect and reads better as it is.
_PUNCTUATION: Final = re.compile(r"([\\`*\[\]|~$@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]+")


def render(report: Report) -> str:
    """The report as Markdown: the result, where and when it was checked, and a table with the unexpected first."""
    lines = [
        "# netconn connectivity report",
        "",
        f"**{summary(report)}.** {_counts(report)}".rstrip(),
        "",
        f"Checked {utc(report.started_at)} in {duration(report.duration_s)}, netconn {cell(report.netconn_version)}. "
        + "; ".join(f"{label}: {cell(text)}" for label, text in vantage_rows(report.vantage))
        + ".",
    ]
    if report.verdicts:
        lines += ["", row(_COLUMNS), row(["---"] * len(_COLUMNS))]
        lines += [row(_cells(verdict)) for verdict in unexpected_first(report)]
    return "\n".join(lines) + "\n"


def _counts(report: Report) -> str:
    return ", ".join(f"{count:,} {cell(headline)}" for headline, count in report.counts().items())


def _cells(verdict: Verdict) -> list[str]:
    headline = cell(verdict.headline)
    return [
        cell(verdict.target),
        headline if verdict.as_expected else f"**{headline}**",
        verdict.path.value,
        verdict.outcome.value,
        _code(verdict.cause),
        cell(verdict.remedy or ""),
    ]


def row(cells: list[str] | tuple[str, ...]) -> str:
    """A line of a table, of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def _code(text: str | None) -> str:
    # Within back-ticks nothing can be escaped, so only a plain word goes there.
    return f"`{text}`" if text and _CODE.fullmatch(text) else cell(text or "")


def cell(text: str) -> str:
    """The text on one line with nothing in it that Markdown or HTML would take for its own."""
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _PUNCTUATION.sub(r"\\\1", escaped)
