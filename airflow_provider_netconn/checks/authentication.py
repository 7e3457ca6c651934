"""The stage ``auth`` on top of a report: sign in where the network lets one, and judge anew.

How a connection signs in is the Airflow face's business; this room is handed a function that does it. It blocks, so it
runs on the worker that calls this, never on a triggerer's loop.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from airflow_provider_netconn.checks.run import OnVerdict, judge
from airflow_provider_netconn.evidence import Outcome, ProbeResult, Report, StageResult, Verdict

SignIn = Callable[[str, str], StageResult]
"""Signs in with the connection of that id and type; a refusal is a result."""

AT_A_TIME = 4
"""Each sign-in is a process that loads a provider: a worker has memory for a few."""


def authenticated(report: Report, sign_in: SignIn, on_verdict: OnVerdict | None = None) -> Report:
    """The report with the stage ``auth`` for every connection that is reached; each signs in once.

    A target that is not reached keeps its verdict: the first failing stage decides, and a network failure is no failure
    to sign in. Nor is a target without connection touched.

    :param sign_in: called with connection id and type, several at a time, each from a thread
    :param on_verdict: progress: each new verdict, how many connections are done, and how many there are
    """
    reached = {
        verdict.endpoint.conn_id: verdict.endpoint.conn_type or ""
        for verdict in report.verdicts
        if verdict.endpoint.conn_id and verdict.outcome is Outcome.OK
    }
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="sign-in") as pool:
        results = dict(zip(reached, pool.map(sign_in, reached, reached.values()), strict=True))
    verdicts = tuple(_with_stage(verdict, results.get(verdict.endpoint.conn_id or "")) for verdict in report.verdicts)
    changed = [verdict for verdict, before in zip(verdicts, report.verdicts, strict=True) if verdict is not before]
    for done, verdict in enumerate(changed, start=1):
        if on_verdict is not None:
            on_verdict(verdict, done, len(changed))
    spent_s = max((result.duration_s for result in results.values()), default=0.0)
    return replace(report, verdicts=verdicts, duration_s=round(report.duration_s + spent_s, 3))


def _with_stage(verdict: Verdict, result: StageResult | None) -> Verdict:
    if result is None or verdict.outcome is not Outcome.OK:
        return verdict
    probe = ProbeResult(
        target=verdict.endpoint,
        stages=(*verdict.stages, result),
        started_at=verdict.started_at,
        duration_s=round(verdict.duration_s + result.duration_s, 6),
    )
    return judge(probe)
