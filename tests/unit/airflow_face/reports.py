"""Small made-up verdicts and reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_provider_netconn.evidence import (
    Finding,
    Outcome,
    Path,
    Report,
    Stage,
    StageResult,
    Target,
    Vantage,
    Verdict,
)

STARTED = datetime(2025, 3, 1, 6, 0, 0, 250_000, tzinfo=UTC)


def make_verdict(name: str, *, as_expected: bool = True, **fields) -> Verdict:
    stages = (
        StageResult(
            stage=Stage.RESOLVE,
            ok=True,
            finding=Finding.RESOLVED,
            duration_s=0.25,
            detail={"name": f"{name}.example.net", "addresses": ["10.0.0.4"]},
        ),
        StageResult(
            stage=Stage.CONNECT,
            ok=as_expected,
            finding=Finding.CONNECTED if as_expected else Finding.REFUSED,
            duration_s=0.5,
        ),
    )
    defaults = {
        "target": name,
        "path": Path.PRIVATE,
        "outcome": Outcome.OK,
        "headline": "PRIVATE",
        "cause": None,
        "explanation": f"seen {name}",
        "remedy": None if as_expected else f"mend {name}",
        "failed_stage": None if as_expected else Stage.CONNECT,
        "evidence": (),
        "endpoint": Target(host=f"{name}.example.net", port=5432, name=name),
        "stages": stages,
        "started_at": STARTED + timedelta(seconds=1),
        "duration_s": 0.75,
    }
    return Verdict(as_expected=as_expected, **(defaults | fields))


def make_report(*verdicts: Verdict) -> Report:
    return Report(
        netconn_version="0.1.0",
        started_at=STARTED,
        duration_s=2.0,
        vantage=Vantage(hostname="worker-1", process="worker", queue="private"),
        verdicts=verdicts,
    )
