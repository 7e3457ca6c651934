from __future__ import annotations

from dataclasses import replace

from airflow_provider_netconn.evidence import Report
from airflow_provider_netconn.report import render
from tests.unit.report.sample_report import sample_report


def rows(report: Report) -> list[str]:
    return [line for line in render(report, "markdown").splitlines() if line.startswith("|")]


def test_summary_says_how_many_and_where() -> None:
    text = render(sample_report(), "markdown")
    assert "**6 of 12 targets are not as expected.** 5 PRIVATE, 2 MISCONFIGURED, 2 PUBLIC" in text
    assert "Checked 2025-03-01T06:00:00Z in 5.31 s" in text
    assert "Queue: private-network" in text


def test_table_has_the_unexpected_first_with_cause_and_remedy() -> None:
    table = rows(sample_report())
    assert len(table) == 2 + 12
    assert table[2].startswith(
        "| wasb_invoices | **PUBLIC** | PUBLIC | OK | `ZONE_NOT_LINKED` | Link the private DNS zone"
    )
    assert table[8].startswith("| wasb_archive | PRIVATE | PRIVATE | OK | `CERTIFICATE_EXPIRES_SOON` | Renew")
    assert table[9] == "| wasb_orders | PRIVATE | PRIVATE | OK |  |  |"


def test_cells_are_escaped() -> None:
    report = sample_report()
    hostile = replace(
        report.verdicts[1],
        target="a|b\n| c <script>alert(1)</script> & `x` [l](http://e) *b* \x1b[31m",
        cause="odd`cause|",
        remedy="first\r\nsecond | third_",
    )
    (row,) = rows(replace(report, verdicts=(hostile,)))[2:]
    assert r"a\|b \| c &lt;script&gt;alert(1)&lt;/script&gt; &amp; \`x\` \[l\](http://e) \*b\*" in row
    assert r"odd\`cause\|" in row
    assert r"first second \| third\_ |" in row
    assert "\x1b" not in row
    assert row.replace(r"\|", "").count("|") == 7


def test_report_of_nothing_has_no_table() -> None:
    report = replace(sample_report(), verdicts=())
    assert rows(report) == []
    assert "**No targets were checked.**" in render(report, "markdown")
