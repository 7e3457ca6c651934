"""What goes to XCom stays small and plain, however much was checked."""

import json

from airflow_provider_netconn.evidence import Outcome
from airflow_provider_netconn.summary import MAX_LISTED, facts, progress_line, summarise, verdict_line, wait_line
from tests.unit.airflow_face.reports import make_report, make_verdict

REFUSED = make_verdict(
    "refused", outcome=Outcome.UNREACHABLE, headline="UNREACHABLE", cause="CONNECTION_REFUSED", as_expected=False
)


def test_the_summary_is_plain_json_and_lists_few_of_many():
    report = make_report(make_verdict("good"), *[REFUSED] * 500)
    summary = summarise(report, ["/tmp/netconn.html"], ["connection lost: there is none"])
    assert json.loads(json.dumps(summary)) == summary
    assert len(json.dumps(summary)) < 10_000
    assert (summary["total"], summary["as_expected"], summary["unexpected_total"]) == (501, 1, 500)
    assert len(summary["unexpected"]) == MAX_LISTED
    assert summary["unexpected"][0] == {
        "target": "refused",
        "headline": "UNREACHABLE",
        "path": "PRIVATE",
        "outcome": "UNREACHABLE",
        "cause": "CONNECTION_REFUSED",
        "remedy": "mend refused",
    }
    assert summary["counts"] == {"UNREACHABLE": 500, "PRIVATE": 1}
    assert summary["vantage"]["queue"] == "private"
    assert summary["reports"] == ["/tmp/netconn.html"]
    assert summary["broken_connections"] == ["connection lost: there is none"]


def test_the_facts_of_a_sensor_have_the_addresses_once():
    seen = facts(make_report(make_verdict("one"), make_verdict("two")))
    assert seen["addresses"] == ["10.0.0.4"]
    assert [verdict["target"] for verdict in seen["verdicts"]] == ["one", "two"]
    assert json.loads(json.dumps(seen)) == seen


def test_a_line_of_what_failed_says_why_and_what_mends_it():
    line = progress_line(REFUSED, 3, 12)
    for part in ("[3/12]", "refused", "UNREACHABLE", "CONNECTION_REFUSED", "seen refused", "mend refused"):
        assert part in line


def test_a_banner_cannot_forge_a_line_of_the_log():
    line = verdict_line(make_verdict("odd", as_expected=False, explanation="seen \x1b[2J\n[2025] INFO - all is well"))
    assert "\n" not in line
    assert "\x1b" not in line


def test_a_wait_says_since_when_for_what_and_until_when():
    line = wait_line(make_report(REFUSED), awaited="db:5432 answering", waited_s=61.4, left_s=3539.0)
    for part in ("since 61 s", "refused", "db:5432 answering", "3539 s"):
        assert part in line
