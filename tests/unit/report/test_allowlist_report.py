"""The report on allowlists in its forms: what is said, and that nothing in it is taken for markup."""

from __future__ import annotations

import json

import pytest

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.report.allowlist import allowlist_lines, render_allowlist

HOSTILE = "<img src=x onerror=alert(1)>|`*"
DOCUMENT = {
    "kind": "external-ip-allowlist",
    "netconn_version": "0.1.0",
    "checked_at": "2026-01-02T03:04:05+00:00",
    "addresses": ["203.0.113.7"],
    "sources": ["given"],
    "caller_region": "westeurope",
    "notes": [HOSTILE],
    "counts": {"ALLOWED": 1, "BLOCKED": 1},
    "resources": [
        {
            "resource_id": f"/subscriptions/x/{name}",
            "name": name,
            "service": "Storage",
            "location": "westeurope",
            "admission": admission,
            "addresses": [{"address": "203.0.113.7", "admission": admission, "rules": [], "why": HOSTILE}],
            "findings": [{"code": "NEAR_LIMIT", "text": "399 of at most 400 rules are used", "remedy": "join them"}],
            "rules_used": 399,
            "rules_limit": 400,
            "error": "",
            "remedy": remedy,
        }
        for name, admission, remedy in (("open", "ALLOWED", ""), ("shut", "BLOCKED", "have it admitted"))
    ],
}


def test_lines_tell_what_is_wrong_first():
    lines = allowlist_lines(DOCUMENT)
    assert lines[0] == "1 of 2 services admit 203.0.113.7"
    assert lines[1] == "BLOCKED shut (Storage)"
    assert "         To mend it: have it admitted" in lines
    assert lines.index("ALLOWED open (Storage)") > lines.index("         To mend it: have it admitted")


@pytest.mark.parametrize("format_name", ["markdown", "html"])
def test_nothing_in_it_is_taken_for_markup(format_name):
    text = render_allowlist(DOCUMENT, format_name)
    assert "<img" not in text
    assert "&lt;img" in text
    assert text.rindex("shut") < text.rindex("ALLOWED")
    assert "399 of at most 400 rules are used; join them" in text
    assert "westeurope" in text


def test_a_row_of_markdown_stays_a_row():
    rows = [line for line in render_allowlist(DOCUMENT, "markdown").splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}


def test_the_page_asks_nothing_of_the_network_and_runs_no_script():
    page = render_allowlist(DOCUMENT, "html")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "http://" not in page


def test_json_is_the_document():
    assert json.loads(render_allowlist(DOCUMENT, "json")) == DOCUMENT


def test_other_formats_are_refused():
    with pytest.raises(InvalidOptionError, match="this report is not written as junit"):
        render_allowlist(DOCUMENT, "junit")
