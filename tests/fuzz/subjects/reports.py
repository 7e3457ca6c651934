"""Reports read back, as JSON and in the form between our processes: a report that all formats can show, or an error."""

from __future__ import annotations

import json
from dataclasses import replace

from airflow_provider_netconn.errors import InvalidInputError
from airflow_provider_netconn.evidence import Report, from_bytes, to_bytes
from airflow_provider_netconn.report import FORMATS, plain_table, read, render
from tests.unit.report.sample_report import sample_report

_ALL = sample_report().verdicts
_REPORTS = tuple(replace(sample_report(), verdicts=verdicts) for verdicts in (_ALL[:1], _ALL[-1:], ()))
JSON, BYTES = b"j", b"b"
SEEDS = (
    *(JSON + json.dumps(json.loads(render(report, "json"))).encode() for report in _REPORTS),
    *(BYTES + to_bytes(report) for report in _REPORTS),
)


def holds(data: bytes) -> None:
    """Whatever is read as a report can be written, and is then read as the same."""
    if data[:1] == BYTES:
        try:
            written = to_bytes(from_bytes(Report, data[1:]))
        except ValueError:
            return
        assert to_bytes(from_bytes(Report, written)) == written
        return
    try:
        report = read(data[1:])
    except InvalidInputError:
        return
    written = render(report, "json")
    assert render(read(written), "json") == written
    assert all(render(report, name) for name in FORMATS)
    plain_table(report)
