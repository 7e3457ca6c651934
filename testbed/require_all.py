"""A pytest plugin: with ``NETCONN_REQUIRE_ALL=1`` a skip is a failure.

So a machine that is meant to have everything (CI) cannot lose a test in silence. An expected failure stays one.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

VARIABLE = "NETCONN_REQUIRE_ALL"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test into a failure."""
    report = yield
    if _all_required() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = _message(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure."""
    report = yield
    if _all_required() and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = _message(report.longrepr)
    return report


def _all_required() -> bool:
    return os.environ.get(VARIABLE, "") not in {"", "0"}


def _message(skip: object) -> str:
    # pytest describes a skip as path, line and reason.
    reason = f"{skip[0]}:{skip[1]}: {skip[2]}" if isinstance(skip, tuple) else str(skip)
    return f"{VARIABLE} is set, so this must not be skipped: {reason}"
