from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from airflow_provider_netconn.evidence import Report
from airflow_provider_netconn.report import render
from tests.unit.report.sample_report import sample_report


def suite_of(report: Report) -> ET.Element:
    root = ET.fromstring(render(report, "junit").encode())
    assert root.tag == "testsuites"
    (suite,) = root
    return suite


def test_suite_counts_what_it_holds() -> None:
    suite = suite_of(sample_report())
    assert suite.get("name") == "netconn"
    assert int(suite.get("tests", "")) == len(suite.findall("testcase")) == 12
    assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure")) == 6
    assert (suite.get("errors"), suite.get("skipped"), suite.get("time")) == ("0", "0", "5.310")
    assert suite.get("timestamp") == "2025-03-01T06:00:00"
    assert suite.get("hostname") == "cosmic-orbit-1234-worker-default-7f9c"


def test_elements_come_in_the_order_that_readers_require() -> None:
    suite = suite_of(sample_report())
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 12]
    for case in suite.findall("testcase"):
        assert [child.tag for child in case] in (["failure", "system-out"], ["system-out"])
        assert {*case.keys()} == {"classname", "name", "time"}


def test_failure_has_cause_message_and_remedy_first() -> None:
    case = suite_of(sample_report()).find("testcase[@name='wasb_invoices']")
    assert case is not None
    assert case.get("classname") == "wasb"
    assert case.get("time") == "0.082"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "ZONE_NOT_LINKED"
    assert failure.get("message", "").startswith("PUBLIC: The name passes")
    lines = (failure.text or "").splitlines()
    assert lines[0].startswith("Remedy: Link the private DNS zone")
    assert "- resolve: 203.0.113.41 (TTL 60 s), from 10.0.0.10" in lines
    assert "Path: PUBLIC (expected: private)" in lines


def test_remedy_of_what_is_as_expected_is_in_its_output() -> None:
    case = suite_of(sample_report()).find("testcase[@name='wasb_archive']")
    assert case is not None
    assert case.find("failure") is None
    assert (case.findtext("system-out") or "").splitlines()[-1] == "Remedy: Renew the certificate before 2025-03-10."


def test_class_is_the_connection_type_or_else_the_protocol() -> None:
    suite = suite_of(sample_report())
    classes = {case.get("name"): case.get("classname") for case in suite.findall("testcase")}
    assert classes["sql_dw"] == "mssql"
    assert classes["https://landing.blob.core.windows.net"] == "https"


def test_properties_say_where_it_ran() -> None:
    suite = suite_of(sample_report())
    properties = {one.get("name"): one.get("value") for one in suite.findall("properties/property")}
    assert properties["queue"] == "private-network"
    assert properties["resolvers"] == "10.0.0.10, 168.63.129.16"
    assert properties["netconn_version"] == "0.1.0"


def test_xml_is_valid_whatever_was_seen() -> None:
    report = sample_report()
    hostile = "\x00\x1b[0m\ud800\ufffe ]]> <b attr='\"'> & \u202e\r\n\t end"
    verdict = replace(
        report.verdicts[1],
        target=hostile,
        headline=hostile,
        cause=hostile,
        explanation=hostile,
        remedy=hostile,
        evidence=(hostile,),
    )
    vantage = replace(report.vantage, hostname=hostile, queue=hostile)
    case = suite_of(replace(report, verdicts=(verdict,), vantage=vantage)).find("testcase")
    assert case is not None
    assert "<b attr='\"'> &" in case.get("name", "")
    assert "\ufffd[0m" in case.get("name", "")
