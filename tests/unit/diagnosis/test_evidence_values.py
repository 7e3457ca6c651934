"""The values that travel are frozen, valid when made, and go through JSON and back unchanged."""

from __future__ import annotations

import dataclasses
import json

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.evidence import (
    Evidence,
    Expectation,
    Finding,
    NameFacts,
    Outcome,
    Path,
    ProbeResult,
    Report,
    Stage,
    StageResult,
    Target,
    TlsUse,
    Vantage,
    Verdict,
    from_bytes,
    from_json,
    to_json,
)

texts = st.text(max_size=20)
optional = st.none() | texts
seconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z][a-z0-9]{0,9}){1,3}", fullmatch=True)
addresses = st.ip_addresses().map(str)
networks = st.sampled_from(["10.0.0.0/8", "fd00::/8", "0.0.0.0/0", "127.0.0.1/32"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
details = st.dictionaries(texts, json_values, max_size=4)
times = st.datetimes(
    min_value=pendulum.datetime(1970, 1, 1).naive(), max_value=pendulum.datetime(2200, 1, 1).naive()
).map(lambda moment: pendulum.instance(moment, tz="UTC"))
targets = st.builds(
    Target,
    host=names | addresses,
    port=st.integers(1, 65535),
    protocol=st.sampled_from(["plain", "https"]),
    name=texts,
    conn_id=optional,
    conn_type=optional,
    dial=st.none() | names | addresses,
    http_path=st.sampled_from(["/", "/a%20b?c=d"]),
    tls=st.none() | st.sampled_from(list(TlsUse)),
    expect=st.sampled_from(list(Expectation)),
    expect_networks=st.lists(networks, max_size=2).map(tuple),
    expect_addresses=st.lists(addresses, max_size=2).map(tuple),
)
stages = st.builds(
    StageResult,
    stage=st.sampled_from(list(Stage)),
    ok=st.booleans(),
    finding=st.sampled_from(list(Finding)),
    duration_s=seconds,
    detail=details,
)
stage_lists = st.lists(stages, max_size=3).map(tuple)
probes = st.builds(ProbeResult, target=targets, stages=stage_lists, started_at=times, duration_s=seconds)
facts = st.builds(
    NameFacts,
    services=st.lists(texts, max_size=2).map(tuple),
    zones=st.lists(names, max_size=2).map(tuple),
    is_privatelink_name=st.booleans(),
)
verdicts = st.builds(
    Verdict,
    target=texts,
    path=st.sampled_from(list(Path)),
    outcome=st.sampled_from(list(Outcome)),
    headline=texts,
    as_expected=st.booleans(),
    cause=optional,
    explanation=texts,
    remedy=optional,
    failed_stage=st.none() | st.sampled_from(list(Stage)),
    evidence=st.lists(texts, max_size=3).map(tuple),
    endpoint=targets,
    stages=stage_lists,
    started_at=times,
    duration_s=seconds,
)
vantages = st.builds(
    Vantage,
    hostname=texts,
    resolvers=st.lists(addresses, max_size=2).map(tuple),
    proxies=st.dictionaries(texts, texts, max_size=2),
    no_proxy=texts,
    process=texts,
    queue=optional,
    astro_deployment=optional,
    astro_namespace=optional,
)
reports = st.builds(
    Report,
    netconn_version=texts,
    started_at=times,
    duration_s=seconds,
    vantage=vantages,
    verdicts=st.lists(verdicts, max_size=2).map(tuple),
)
values = st.one_of(
    targets, stages, probes, facts, st.builds(Evidence, probe=probes, name=facts), verdicts, vantages, reports
)


@settings(max_examples=400, deadline=None)
@given(values)
def test_a_value_goes_through_json_text_and_back_unchanged(value):
    text = json.dumps(to_json(value))
    assert from_json(type(value), json.loads(text)) == value


@settings(max_examples=50, deadline=None)
@given(values)
def test_a_value_cannot_be_changed(value):
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_a_time_keeps_its_moment_whatever_its_zone():
    probe = ProbeResult(
        target=Target(host="h", port=1),
        stages=(),
        started_at=pendulum.datetime(2026, 3, 29, 2, 30, tz="Europe/Vienna"),
        duration_s=1.0,
    )
    data = to_json(probe)
    assert data["started_at"].endswith("Z")
    assert from_json(ProbeResult, data).started_at == probe.started_at


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"port": 0}, "port"),
        ({"port": "1"}, "port"),
        ({"host": "a b"}, "host"),
        ({"host": None}, "host"),
        ({"expect": "sideways"}, "expect"),
        ({"expect_networks": ["10.0.0.1/8"]}, "expect_networks"),
        ({"expect_addresses": ["x"]}, "expect_addresses"),
        ({"dial": "a b"}, "dial"),
        ({"http_path": "x"}, "http_path"),
    ],
)
def test_a_value_that_is_not_valid_is_refused_by_the_field(change, named):
    data = to_json(Target(host="h", port=1)) | change
    with pytest.raises(ValueError, match=named):
        from_json(Target, data)


@pytest.mark.parametrize(
    "moment",
    [
        "soon", "", 5, None, "2026-13-01T00:00:00Z", "now", "12:00",
        "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(moment):
    probe = ProbeResult(target=Target(host="h", port=1), stages=(), started_at=pendulum.now("UTC"), duration_s=1.0)
    with pytest.raises(ValueError, match=r"started_at|time"):
        from_json(ProbeResult, to_json(probe) | {"started_at": moment})


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x81\xa4name\xa1\xff", b"\x81\xa4name" + b"\x91" * 5000])
def test_bytes_of_no_value_are_refused(data):
    with pytest.raises(ValueError, match=r".+"):
        from_bytes(Vantage, data)


@pytest.mark.parametrize("data", [None, 5, "x", [], {}, {"stages": 1}])
def test_what_is_no_report_is_refused(data):
    with pytest.raises(ValueError, match=r".+"):
        from_json(Report, data)


def test_counts_name_the_most_frequent_headline_first():
    from airflow_provider_netconn.diagnosis import diagnose

    def verdict(finding, ok):
        stage = StageResult(stage=Stage.RESOLVE, ok=ok, finding=finding)
        target = Target(host="h", port=1, expect=Expectation.ANY)
        probe = ProbeResult(target=target, stages=(stage,), started_at=pendulum.now("UTC"), duration_s=0.0)
        return diagnose(Evidence(probe=probe))

    good, bad = verdict(Finding.RESOLVED, True), verdict(Finding.NXDOMAIN, False)
    report = Report(
        netconn_version="1",
        started_at=pendulum.now("UTC"),
        duration_s=1.0,
        vantage=Vantage(hostname="h"),
        verdicts=(good, bad, bad),
    )
    assert list(report.counts().items()) == [("MISCONFIGURED", 2), ("OK", 1)]
    assert report.unexpected == (bad, bad)


@pytest.mark.parametrize(
    ("field", "value"),
    [("host", "::1%\r\nX: y"), ("host", "::1%"), ("dial", "::1%a b"), ("http_path", "/a b"), ("http_path", "x")],
)
def test_a_target_takes_nothing_that_could_break_out_of_its_line(field, value):
    with pytest.raises(ValueError, match=field):
        Target(**{"host": "db.example.net", "port": 1} | {field: value})
