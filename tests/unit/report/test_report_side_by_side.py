from __future__ import annotations

import re
from dataclasses import replace

from airflow_provider_netconn.report import render_side_by_side
from tests.unit.report.sample_report import sample_report
from tests.unit.report.test_report_html import HOSTILE, Reader, hostile_report


def test_each_target_has_its_verdict_of_before_and_of_after_in_one_row():
    before = sample_report()
    mended = replace(before.verdicts[0], headline="MENDED", as_expected=True, cause=None, remedy=None)
    page = render_side_by_side(before, replace(before, verdicts=(mended,)))
    body = page.partition("<main>")[2]
    first = body.index(before.verdicts[0].headline)
    assert first < body.index("MENDED") < body.index(before.verdicts[1].target)
    assert f"{before.verdicts[1].target} was not checked" in body
    each = re.findall(r'<p class="which">(\w+)</p>', body)
    assert each == ["Before", "After"] * len(before.verdicts)


def test_it_runs_nothing_and_fetches_nothing_whatever_a_target_is_called():
    page = Reader(render_side_by_side(hostile_report(), hostile_report()))
    assert page.count("script") == page.count("img") == 0
    assert HOSTILE.partition(" &")[0] in page.text
