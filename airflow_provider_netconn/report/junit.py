"""The report as JUnit XML, which CI systems show as tests: a test case for each target.

The shape is the one that Jenkins, GitLab and Azure DevOps read:
https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

from datetime import UTC
from xml.etree import ElementTree as ET

from airflow_provider_netconn.evidence import Report, StageResult, Verdict
from airflow_provider_netconn.report.wording import address_of, one_line, printable, unexpected_first, vantage_rows


def render(report: Report) -> str:
    """The report as JUnit XML: one suite ``netconn``, in which every verdict that is not as expected is a failure.

    ``classname`` is the connection's type or else the protocol, ``time`` is in seconds, the vantage is in the
    suite's properties, and a failure's ``type`` is the cause; its text has the remedy first.
    """
    counts = {
        "tests": str(len(report.verdicts)),
        "failures": str(len(report.unexpected)),
        "errors": "0",
        "skipped": "0",
        "time": _seconds(report.duration_s),
    }
    root = ET.Element("testsuites", {"name": "netconn", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "netconn", **counts})
    # The schema of Jenkins takes no zone here; the time is UTC.
    suite.set("timestamp", report.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    suite.set("hostname", one_line(report.vantage.hostname))
    properties = ET.SubElement(suite, "properties")
    rows = (("netconn version", report.netconn_version), *vantage_rows(report.vantage))
    for label, text in rows:
        name = label.lower().replace(" ", "_")
        ET.SubElement(properties, "property", {"name": name, "value": one_line(text)})
    for verdict in unexpected_first(report):
        _add_case(suite, verdict)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_case(suite: ET.Element, verdict: Verdict) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": one_line(verdict.endpoint.conn_type or verdict.endpoint.protocol),
            "name": one_line(verdict.target),
            "time": _seconds(verdict.duration_s),
        },
    )
    if not verdict.as_expected:
        kind = one_line(verdict.cause or verdict.headline)
        message = one_line(f"{verdict.headline}: {verdict.explanation}")
        failure = ET.SubElement(case, "failure", {"type": kind, "message": message})
        failure.text = _failure_text(verdict)
    lines = [_stage_line(stage) for stage in verdict.stages]
    if verdict.as_expected and verdict.remedy:
        lines += [printable(f"{verdict.cause}: {verdict.explanation}"), printable(f"Remedy: {verdict.remedy}")]
    ET.SubElement(case, "system-out").text = "\n".join(lines)


def _stage_line(stage: StageResult) -> str:
    success = "ok" if stage.ok else "not ok"
    return f"{stage.stage.value}: {success}, {stage.finding.value}, {_seconds(stage.duration_s)} s"


def _failure_text(verdict: Verdict) -> str:
    lines = [f"Remedy: {verdict.remedy}"] if verdict.remedy else []
    lines += [
        f"Seen: {verdict.explanation}",
        f"Address: {address_of(verdict.endpoint)}",
        f"Path: {verdict.path.value} (expected: {verdict.endpoint.expect.value})",
        f"Outcome: {verdict.outcome.value}",
    ]
    if verdict.failed_stage:
        lines.append(f"Failed stage: {verdict.failed_stage.value}")
    if verdict.evidence:
        lines += ["Evidence:", *(f"- {line}" for line in verdict.evidence)]
    return printable("\n".join(lines))


def _seconds(value: float) -> str:
    return f"{value:.3f}"
