"""A check as metrics (Airflow's Stats) and spans (OpenTelemetry); free of secrets: names, findings and times only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn import __version__

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from airflow_provider_netconn.evidence import Report, StageResult, Verdict

VERDICTS: Final = "netconn.check.verdicts"
"""Counter of verdicts, with the tags headline, path, outcome and cause (``none`` where there is none)."""
DURATION: Final = "netconn.check.duration"
"""Timing of a whole check."""
UNEXPECTED: Final = "netconn.check.unexpected"
"""Gauge: how many verdicts of the last check were not as expected."""


def emit(report: Report, tags: Mapping[str, str] | None = None) -> None:
    """Send the report's metrics and spans to wherever Airflow is configured to send them, which may be nowhere.

    Spans nest under the current one (in a task: the task's), with the times at which things were seen: one for the
    check, one for each target, one for each stage.

    :param tags: further tags for metrics and attributes for the check's span, such as ``dag_id``
    """
    _emit_metrics(report, dict(tags or {}))
    _emit_spans(report, dict(tags or {}))


def _emit_metrics(report: Report, tags: dict[str, str]) -> None:
    from airflow.providers.common.compat.sdk import Stats

    for verdict in report.verdicts:
        Stats.incr(
            VERDICTS,
            tags=tags
            | {
                "headline": verdict.headline,
                "path": verdict.path.value,
                "outcome": verdict.outcome.value,
                "cause": verdict.cause or "none",
            },
        )
    Stats.timing(DURATION, timedelta(seconds=report.duration_s), tags=tags)
    Stats.gauge(UNEXPECTED, len(report.unexpected), tags=tags)


def _emit_spans(report: Report, tags: dict[str, str]) -> None:
    from opentelemetry import trace

    tracer = trace.get_tracer("airflow_provider_netconn", __version__)
    start = _nanoseconds(report.started_at)
    attributes: dict[str, str | int] = {f"airflow.{name}": value for name, value in tags.items()}
    attributes |= {
        "netconn.targets": len(report.verdicts),
        "netconn.unexpected": len(report.unexpected),
        "netconn.vantage.hostname": report.vantage.hostname,
        "netconn.vantage.process": report.vantage.process,
    }
    span = tracer.start_span("netconn.check", start_time=start, attributes=attributes)
    if span.is_recording():
        for verdict in report.verdicts:
            _emit_target(tracer, span, verdict)
    span.end(start + _duration(report.duration_s))


def _emit_target(tracer: Tracer, parent: Span, verdict: Verdict) -> None:
    from opentelemetry.trace import Status, StatusCode, set_span_in_context

    start = _nanoseconds(verdict.started_at)
    span = tracer.start_span(
        f"netconn.target {verdict.target}",
        context=set_span_in_context(parent),
        start_time=start,
        attributes={
            "server.address": verdict.endpoint.host,
            "server.port": verdict.endpoint.port,
            "netconn.protocol": verdict.endpoint.protocol,
            "netconn.headline": verdict.headline,
            "netconn.path": verdict.path.value,
            "netconn.outcome": verdict.outcome.value,
            "netconn.cause": verdict.cause or "none",
        },
    )
    if not verdict.as_expected:
        span.set_status(Status(StatusCode.ERROR, verdict.cause or verdict.headline))
    at = start
    for stage in verdict.stages:
        end = at + _duration(stage.duration_s)
        _emit_stage(tracer, span, stage, at, end)
        at = end
    span.end(start + _duration(verdict.duration_s))


def _emit_stage(tracer: Tracer, parent: Span, stage: StageResult, start: int, end: int) -> None:
    from opentelemetry.trace import Status, StatusCode, set_span_in_context

    span = tracer.start_span(
        f"netconn.stage {stage.stage.value}",
        context=set_span_in_context(parent),
        start_time=start,
        attributes={"netconn.stage": stage.stage.value, "netconn.finding": stage.finding.value},
    )
    if not stage.ok:
        span.set_status(Status(StatusCode.ERROR, stage.finding.value))
    span.end(end)


def _nanoseconds(moment: datetime) -> int:
    """Nanoseconds since the epoch; by way of whole microseconds, since a float holds no nanoseconds."""
    return int(moment.timestamp() * 1_000_000) * 1_000


def _duration(seconds: float) -> int:
    return max(int(seconds * 1_000_000_000), 0)
