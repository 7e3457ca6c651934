"""The verdicts for a terminal: a table with colour for people, and plain lines for a pipe."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.evidence import Outcome, Report, Verdict
from airflow_provider_netconn.report.wording import address_of, duration, one_line, summary, unexpected_first

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

PLAIN_WIDTH: Final = 80
"""The width, in characters, at which the prose of :func:`plain_table` wraps."""

# A column grows to its longest cell up to this; one longer cell then pushes its own row aside, and is never cut.
_WIDEST_COLUMN: Final = 44


def verdict_table(report: Report) -> Table:
    """The verdicts as a table for :class:`rich.console.Console`, unexpected first; readable from 80 columns up."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=summary(report), title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Target", overflow="fold", ratio=2)
    table.add_column("What to do", overflow="fold", ratio=3)
    table.expand = True
    for verdict in unexpected_first(report):
        # Text, not markup: a target's name may hold '[red]' or an escape sequence.
        mark = "✓" if verdict.as_expected else "✗"
        headline = Text(f"{mark} {one_line(verdict.headline)}", style=_colour(verdict))
        target = Text(one_line(verdict.target))
        if verdict.as_expected and not verdict.remedy:
            table.add_row(headline, target, Text(f"nothing ({duration(verdict.duration_s)})", style="dim"))
            continue
        headline.stylize("bold")
        target.stylize("bold")
        headline.append(f"\n  path {verdict.path.value}\n  {verdict.outcome.value}", style="not bold")
        target.append(f"\n{_address(verdict)}\n{duration(verdict.duration_s)}", style="not bold dim")
        table.add_row(headline, target, _advice(verdict), end_section=True)
    return table


def plain_table(report: Report) -> str:
    """The verdicts as lines of plain text, unexpected first, ending in the summary and a newline.

    One line for each target begins with ``ok`` or ``not ok``, so that ``grep`` finds it; what there
    is to do stands below, indented. No colour, no frame.
    """
    header = ("RESULT", "TARGET", "VERDICT", "PATH", "OUTCOME", "CAUSE")
    verdicts = unexpected_first(report)
    rows = [header, *(_plain_row(verdict) for verdict in verdicts)]
    widths = [min(max(len(row[column]) for row in rows), _WIDEST_COLUMN) for column in range(len(header))]
    lines = []
    for number, row in enumerate(rows):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number and (verdicts[number - 1].remedy or not verdicts[number - 1].as_expected):
            lines += _plain_advice(verdicts[number - 1])
    return "\n".join([*(lines if verdicts else []), f"{summary(report)}.", ""])


def _address(verdict: Verdict) -> str:
    address = address_of(verdict.endpoint)
    return one_line(
        verdict.endpoint.protocol if address in verdict.target else f"{verdict.endpoint.protocol} {address}"
    )


def _advice(verdict: Verdict) -> Text:
    from rich.text import Text

    advice = Text(one_line(verdict.remedy or verdict.explanation))
    if verdict.remedy:
        advice.append(f"\n{one_line(verdict.explanation)}", style="dim")
    if verdict.cause:
        advice.append(f"\n{one_line(verdict.cause)}", style="dim italic")
    return advice


def _plain_row(verdict: Verdict) -> tuple[str, ...]:
    return (
        "ok" if verdict.as_expected else "not ok",
        one_line(verdict.target),
        one_line(verdict.headline),
        verdict.path.value,
        verdict.outcome.value,
        one_line(verdict.cause or ""),
    )


def _plain_advice(verdict: Verdict) -> list[str]:
    lines = []
    for label, text in (("seen", verdict.explanation), ("remedy", verdict.remedy)):
        if text:
            indent = " " * 8
            lines += textwrap.wrap(
                f"{label}: {one_line(text)}",
                width=PLAIN_WIDTH,
                initial_indent=indent,
                subsequent_indent=indent + "  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
    return lines


def _colour(verdict: Verdict) -> str:
    if verdict.as_expected:
        return "green"
    return "yellow" if verdict.outcome is Outcome.UNKNOWN else "red"
