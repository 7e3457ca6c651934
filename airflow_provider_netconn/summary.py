"""A check in small: what operators and sensors put into XCom (plain JSON, free of secrets) and into the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.evidence import Stage

if TYPE_CHECKING:
    from airflow_provider_netconn.evidence import Report, Vantage, Verdict

MAX_LISTED: Final = 20
"""How many unexpected verdicts are listed; the report has them all."""


def summarise(report: Report, locations: Sequence[str] = (), broken_connections: Sequence[str] = ()) -> dict[str, Any]:
    """The summary of a report.

    :param locations: where the report was written, without credentials
    :param broken_connections: what is wrong with connections that could not be checked
    :return: ``total`` and ``as_expected`` (numbers), ``counts`` (by headline), ``unexpected`` (at most
        :data:`MAX_LISTED` objects with target, headline, path, outcome, cause, remedy), ``unexpected_total``,
        ``broken_connections`` and ``reports`` (lists of text), ``vantage``, ``started_at`` (ISO 8601), ``duration_s``
    """
    unexpected = report.unexpected
    return {
        "total": len(report.verdicts),
        "as_expected": len(report.verdicts) - len(unexpected),
        "counts": report.counts(),
        "unexpected": [_in_small(verdict) for verdict in unexpected[:MAX_LISTED]],
        "unexpected_total": len(unexpected),
        "broken_connections": list(broken_connections)[:MAX_LISTED],
        "reports": list(locations),
        "vantage": _vantage(report.vantage),
        "started_at": report.started_at.isoformat(),
        "duration_s": round(report.duration_s, 3),
    }


def _in_small(verdict: Verdict) -> dict[str, str | None]:
    return {
        "target": verdict.target,
        "headline": verdict.headline,
        "path": str(verdict.path.value),
        "outcome": str(verdict.outcome.value),
        "cause": verdict.cause,
        "remedy": verdict.remedy,
    }


def _vantage(vantage: Vantage) -> dict[str, Any]:
    return {
        "hostname": vantage.hostname,
        "process": vantage.process,
        "queue": vantage.queue,
        "astro_deployment": vantage.astro_deployment,
        "astro_namespace": vantage.astro_namespace,
        "resolvers": list(vantage.resolvers),
        "proxies": dict(vantage.proxies),
    }


def facts(report: Report) -> dict[str, Any]:
    """What a sensor saw last: ``verdicts`` in small, ``addresses`` that were seen (each once), and ``vantage``."""
    addresses = [address for verdict in report.verdicts for address in addresses_of(verdict)]
    return {
        "verdicts": [_in_small(verdict) for verdict in report.verdicts],
        "addresses": list(dict.fromkeys(addresses)),
        "vantage": _vantage(report.vantage),
        "started_at": report.started_at.isoformat(),
    }


def addresses_of(verdict: Verdict) -> tuple[str, ...]:
    """The addresses that the target's name resolved to; empty where it did not."""
    resolve = next((stage for stage in verdict.stages if stage.stage is Stage.RESOLVE), None)
    return tuple(resolve.detail.get("addresses", ())) if resolve else ()


def verdict_line(verdict: Verdict) -> str:
    """A verdict on one line of the log; for what went wrong with its cause, what was seen and what mends it."""
    from airflow_provider_netconn.report import wording

    line = f"{verdict.target}: {verdict.headline} (path {verdict.path.value}, outcome {verdict.outcome.value})"
    if not verdict.as_expected:
        line += f"; {verdict.cause}: {verdict.explanation}" if verdict.cause else f"; {verdict.explanation}"
        line += f" To mend it: {verdict.remedy}" if verdict.remedy else ""
    return wording.one_line(line)


def progress_line(verdict: Verdict, done: int, total: int) -> str:
    """The line for the log as a verdict comes: how far the check is, and the verdict."""
    return f"[{done}/{total}] {verdict_line(verdict)}"


def wait_line(report: Report, *, awaited: str, waited_s: float, left_s: float | None) -> str:
    """The line for the log of one look of a sensor: what was seen, since when it waits, and what ends the wait.

    :param awaited: what is waited for, in words
    :param waited_s: seconds since the wait began
    :param left_s: seconds until the wait times out; None where that is not known
    """
    seen = " | ".join(verdict_line(verdict) for verdict in report.unexpected)
    limit = "" if left_s is None else f", or the timeout in {max(left_s, 0):.0f} s"
    return f"Waiting since {waited_s:.0f} s. Seen: {seen} The wait ends with: {awaited}{limit}."
