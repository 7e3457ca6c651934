"""The stage auth comes on top of a report: for what is reached, once a connection, and judged like any other stage."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.checks import CheckOptions, authenticated, check
from airflow_provider_netconn.evidence import Expectation, Finding, Outcome, Stage, StageResult, Target
from testbed.endpoints import ClosedPort, HttpServer


@pytest.fixture
def report():
    """Two targets of one connection and one without, which are reached, and one connection that is not."""
    with HttpServer() as web, ClosedPort() as closed:
        targets = [
            target(web.port, "lake"),
            target(web.port, "lake", http_path="/other"),
            target(closed.port, "warehouse"),
            target(web.port, None),
        ]
        yield check(targets, CheckOptions(retries=0))


def target(port, conn_id, **fields):
    return Target(
        host="127.0.0.1",
        port=port,
        protocol="http",
        conn_id=conn_id,
        conn_type="wasb" if conn_id else None,
        expect=Expectation.ANY,
        **fields,
    )


def signs_in(finding, asked):
    def sign_in(conn_id, conn_type):
        asked.append((conn_id, conn_type))
        ok = finding in (Finding.SIGNED_IN, Finding.NOT_CHECKED)
        return StageResult(stage=Stage.AUTH, ok=ok, finding=finding, duration_s=0.25)

    return sign_in


def test_each_reached_connection_signs_in_once(report):
    asked = []
    after = authenticated(report, signs_in(Finding.SIGNED_IN, asked))
    assert asked == [("lake", "wasb")]
    assert [verdict.stages[-1].stage is Stage.AUTH for verdict in after.verdicts] == [True, True, False, False]
    assert [verdict.as_expected for verdict in after.verdicts] == [True, True, False, True]
    assert after.duration_s == pytest.approx(report.duration_s + 0.25, abs=0.002)


def test_a_refusal_is_a_failure_to_sign_in_and_nothing_else(report):
    after = authenticated(report, signs_in(Finding.CREDENTIALS_REFUSED, []))
    refused, _, unreached, without = after.verdicts
    assert (refused.outcome, refused.cause, refused.failed_stage) == (
        Outcome.AUTH_FAILED,
        "CREDENTIALS_REFUSED",
        Stage.AUTH,
    )
    assert (unreached, without) == report.verdicts[2:], "a network failure stays one"


def test_what_cannot_be_checked_is_said_and_is_no_failure(report):
    verdict = authenticated(report, signs_in(Finding.NOT_CHECKED, [])).verdicts[0]
    assert (verdict.cause, verdict.as_expected) == ("SIGN_IN_NOT_CHECKED", True)


def test_progress_counts_the_verdicts_that_changed(report):
    seen = []
    authenticated(report, signs_in(Finding.SIGNED_IN, []), lambda _verdict, done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
