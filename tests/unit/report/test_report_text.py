from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from airflow_provider_netconn.evidence import Report
from airflow_provider_netconn.report import plain_table, verdict_table
from tests.unit.report.sample_report import sample_report


def printed(report: Report, width: int = 80, *, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=colour, color_system="truecolor" if colour else None).print(
        verdict_table(report)
    )
    return out.getvalue()


def test_plain_table_is_one_greppable_line_a_target_and_the_remedy_below() -> None:
    lines = plain_table(sample_report()).splitlines()
    assert lines[0].split() == ["RESULT", "TARGET", "VERDICT", "PATH", "OUTCOME", "CAUSE"]
    assert lines[1].split() == ["not", "ok", "wasb_invoices", "PUBLIC", "PUBLIC", "OK", "ZONE_NOT_LINKED"]
    assert lines[2].startswith("        seen: The name passes")
    assert any(line.startswith("        remedy: Link the private DNS zone") for line in lines)
    assert sum(line.startswith("ok ") for line in lines) == 6
    assert sum(line.startswith("not ok ") for line in lines) == 6
    advised = next(number for number, line in enumerate(lines) if "wasb_archive" in line)
    assert lines[advised].startswith("ok ")
    assert "        remedy: Renew the certificate before 2025-03-10." in lines[advised + 1 : advised + 4]
    assert lines[-1] == "6 of 12 targets are not as expected."


def test_plain_prose_wraps_at_80_columns() -> None:
    prose = [line for line in plain_table(sample_report()).splitlines() if line.startswith("  ")]
    assert prose
    assert max(map(len, prose)) <= 80


def test_plain_table_never_cuts_a_name() -> None:
    report = sample_report()
    name = "https://" + "very-long-" * 12 + "name.example.net"
    assert name in plain_table(replace(report, verdicts=(replace(report.verdicts[0], target=name),)))


def test_plain_table_of_nothing_says_so() -> None:
    assert plain_table(replace(sample_report(), verdicts=())) == "No targets were checked.\n"


def test_table_fits_80_columns_and_names_all() -> None:
    text = printed(sample_report())
    assert max(map(len, text.splitlines())) <= 80
    for word in (
        "wasb_invoices",
        "✗ BLOCKED",
        "✓ PRIVATE",
        "ZONE_NOT_LINKED",
        "path PUBLIC",
        "MISCONFIGURED",
        "partner_sftp",
    ):
        assert word in text
    assert "Renew the certificate" in text
    assert text.index("wasb_invoices") < text.index("wasb_orders")


def test_no_terminal_escape_or_markup_of_a_name_gets_through() -> None:
    report = sample_report()
    hostile = replace(
        report.verdicts[1],
        target="\x1b]0;owned\x07 [red]x[/red] [/]",
        headline="[b]\x9b2J",
        remedy="[link=file:///]\x1b[2J",
        cause="\x1b[1m",
    )
    made = replace(report, verdicts=(hostile,))
    for text in (printed(made, 200), plain_table(made)):
        assert not {"\x1b", "\x07", "\x9b"} & {*text}
        assert "[red]x[/red] [/]" in text
    assert "\x1b]0;" not in printed(made, colour=True)
