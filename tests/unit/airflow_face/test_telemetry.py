"""A check becomes metrics with tags and spans with the times at which things were seen."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from airflow.providers.common.compat.sdk import Stats
from opentelemetry import trace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from airflow_provider_netconn.evidence import Outcome
from airflow_provider_netconn.evidence import Path as NetworkPath
from airflow_provider_netconn.telemetry import DURATION, UNEXPECTED, VERDICTS, emit
from tests.unit.airflow_face.reports import STARTED, make_report, make_verdict

REPORT = make_report(
    make_verdict("good"),
    make_verdict("also-good"),
    make_verdict(
        "refused",
        path=NetworkPath.UNKNOWN,
        outcome=Outcome.UNREACHABLE,
        headline="UNREACHABLE",
        cause="CONNECTION_REFUSED",
        as_expected=False,
    ),
)
START_NS = int(STARTED.timestamp() * 1_000_000) * 1_000
SECOND_NS = 1_000_000_000


@pytest.fixture
def exporter(monkeypatch):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def stats(monkeypatch):
    """What was sent to Stats, as (kind, name, value, tags)."""
    sent = []

    def record(kind):
        def take(name, value=1, *args, tags=None, **kwargs):
            sent.append((kind, name, value, tags))

        return take

    for kind in ("incr", "timing", "gauge"):
        monkeypatch.setattr(Stats, kind, record(kind), raising=False)
    return sent


def test_spans_are_one_for_the_check_one_a_target_one_a_stage_at_their_times(exporter, stats):
    tracer = trace.get_tracer("airflow")
    with tracer.start_as_current_span("task") as task:
        emit(REPORT, {"dag_id": "d", "task_id": "check"})
    spans = {span.name: span for span in exporter.get_finished_spans()}
    check = spans["netconn.check"]
    assert check.parent.span_id == task.get_span_context().span_id
    assert (check.start_time, check.end_time) == (START_NS, START_NS + 2 * SECOND_NS)
    assert check.attributes["airflow.dag_id"] == "d"
    assert check.attributes["netconn.unexpected"] == 1
    target = spans["netconn.target refused"]
    assert target.parent.span_id == check.context.span_id
    assert target.start_time == START_NS + SECOND_NS
    assert target.attributes["netconn.cause"] == "CONNECTION_REFUSED"
    assert target.attributes["server.address"] == "refused.example.net"
    assert not target.status.is_ok
    assert spans["netconn.target good"].status.description is None
    within = [span for span in exporter.get_finished_spans() if span.parent is not None]
    stages = [span for span in within if span.parent.span_id == target.context.span_id]
    resolve, connect = sorted(stages, key=lambda span: span.start_time)
    assert (resolve.name, connect.name) == ("netconn.stage resolve", "netconn.stage connect")
    assert (connect.start_time, connect.end_time) == (resolve.end_time, target.start_time + int(0.75 * SECOND_NS))
    assert connect.attributes["netconn.finding"] == "refused"
    assert len(exporter.get_finished_spans()) == 1 + 1 + 3 + 6


def test_metrics_have_tags(stats):
    emit(REPORT, {"dag_id": "d", "task_id": "check"})
    counted = [tags for kind, name, _, tags in stats if (kind, name) == ("incr", VERDICTS)]
    base = {"dag_id": "d", "task_id": "check"}
    assert counted[0] == base | {"headline": "PRIVATE", "path": "PRIVATE", "outcome": "OK", "cause": "none"}
    assert counted[2]["cause"] == "CONNECTION_REFUSED"
    assert [(name, value) for kind, name, value, _ in stats if kind == "gauge"] == [(UNEXPECTED, 1)]
    ((name, duration),) = [(name, value) for kind, name, value, _ in stats if kind == "timing"]
    assert (name, duration.total_seconds()) == (DURATION, 2.0)


class Collector(BaseHTTPRequestHandler):
    """Takes metrics as an OpenTelemetry collector does."""

    received: ClassVar[list] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.received.append(ExportMetricsServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_metrics_reach_a_collector_through_airflows_own_client(tmp_path):
    """In a process of its own, since Airflow reads only once where to send metrics."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW__METRICS__OTEL_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__OTEL_PORT": str(server.server_port),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", _EMIT], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    metrics = {
        metric.name: metric
        for request in Collector.received
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert f"airflow.{DURATION}" in metrics
    points = metrics[f"airflow.{VERDICTS}"].sum.data_points
    tags = [{pair.key: pair.value.string_value for pair in point.attributes} for point in points]
    assert {
        "headline": "UNREACHABLE",
        "path": "UNKNOWN",
        "outcome": "UNREACHABLE",
        "cause": "CONNECTION_REFUSED",
    } in tags
    (gauge,) = metrics[f"airflow.{UNEXPECTED}"].gauge.data_points
    assert max(gauge.as_double, gauge.as_int) == 1


_EMIT = """
from airflow.providers.common.compat.sdk import conf
from airflow_provider_netconn.telemetry import emit
from tests.unit.airflow_face.test_telemetry import REPORT
try:  # Airflow 3 sets metrics up when it starts a task; the providers' way to the class leads here
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
except ImportError:
    pass
emit(REPORT)
from opentelemetry import metrics
metrics.get_meter_provider().force_flush()
"""
