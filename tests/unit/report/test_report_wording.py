from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_netconn.evidence import Target, Vantage
from airflow_provider_netconn.report import wording
from tests.unit.report.sample_report import sample_report


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.00042, "0.4 ms"),
        (0.0123, "12 ms"),
        (3.017, "3.02 s"),
        (125.2, "2 min 5 s"),
        (119.9, "2 min 0 s"),
    ],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_times_are_in_utc() -> None:
    moment = datetime(2025, 3, 1, 7, 30, 5, 999, tzinfo=timezone(timedelta(hours=1, minutes=30)))
    assert wording.utc(moment) == "2025-03-01T06:00:05Z"


@pytest.mark.parametrize(
    ("wrong", "total", "text"),
    [
        (0, 0, "No targets were checked"),
        (0, 1, "The one target is as expected"),
        (1, 1, "The one target is not as expected"),
        (0, 3, "All 3 targets are as expected"),
        (1, 3, "1 of 3 targets is not as expected"),
        (2, 3, "2 of 3 targets are not as expected"),
        (3, 3, "None of 3 targets is as expected"),
    ],
)
def test_summary(wrong: int, total: int, text: str) -> None:
    report = sample_report()
    good, bad = report.verdicts[0], report.verdicts[1]
    assert wording.summary(replace(report, verdicts=(good,) * (total - wrong) + (bad,) * wrong)) == text


def test_unexpected_come_first_then_what_has_a_remedy_each_in_the_order_given() -> None:
    names = [verdict.target for verdict in wording.unexpected_first(sample_report())]
    assert names[:3] == ["wasb_invoices", "sql_dw", "lake"]
    assert names[6:8] == ["wasb_archive", "wasb_orders"]


def test_vantage_leaves_out_what_does_not_apply() -> None:
    assert wording.vantage_rows(Vantage(hostname="laptop")) == (("Host", "laptop"), ("Process", "cli"))


def test_address_shows_brackets_and_what_is_dialled() -> None:
    assert wording.address_of(Target(host="fd00::4", port=443)) == "[fd00::4]:443"
    assert wording.address_of(Target(host="a.example", port=22, dial="10.0.0.4")) == "a.example:22, dialled at 10.0.0.4"
