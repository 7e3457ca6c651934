from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.report import FORMATS, format_for, render
from tests.unit.report.sample_report import sample_report


@pytest.mark.parametrize(
    ("place", "format_name"),
    [
        ("netconn.json", "json"),
        ("/srv/reports/2025-03-01/netconn.html", "html"),
        ("netconn.MD", "markdown"),
        ("junit.xml", "junit"),
        ("out#1/what?.html", "html"),
        ("s3://bucket/reports/netconn.json", "json"),
        ("abfs://conn_id@container/netconn.md", "markdown"),
        ("https://acct.blob.core.windows.net/c/netconn.html?sv=2024&sig=a.b%2Fc.json#top", "html"),
    ],
)
def test_suffix_chooses_the_format(place: str, format_name: str) -> None:
    assert format_for(place) == format_name


@pytest.mark.parametrize("place", ["netconn.pdf", "netconn", "out.html/", ".html.d/netconn", "https://h/c/r?x=.html"])
def test_unknown_suffix_is_refused_naming_the_accepted_ones(place: str) -> None:
    if place == "out.html/":
        assert format_for(place) == "html"  # a trailing slash is for the writer to refuse
        return
    with pytest.raises(InvalidOptionError, match=r"report_path: .*\.html, \.json, \.md, \.xml"):
        format_for(place)


def test_token_of_a_url_is_in_no_message() -> None:
    with pytest.raises(InvalidOptionError) as caught:
        format_for("https://acct.blob.core.windows.net/c/report.csv?sig=CANARY")
    assert "CANARY" not in str(caught.value)
    assert "'.csv'" in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_renders_the_sample_and_a_report_of_nothing(name: str) -> None:
    report = sample_report()
    assert "wasb_invoices" in render(report, name)
    empty = render(replace(report, verdicts=()), name)
    assert empty.endswith("\n") or name == "html"


def test_unknown_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidOptionError, match=r"report_format: 'htm' .*did you mean 'html'"):
        render(sample_report(), "htm")
    with pytest.raises(InvalidOptionError, match="write one of html, json, markdown, junit"):
        render(sample_report(), "pdf")


def test_importing_the_room_imports_no_renderer_library() -> None:
    heavy = "{'jinja2', 'msgspec', 'rich', 'markupsafe', 'airflow'}"
    code = f"import sys, airflow_provider_netconn.report; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
