from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import jsonschema
import pytest

from airflow_provider_netconn import evidence
from airflow_provider_netconn.errors import InvalidInputError
from airflow_provider_netconn.report import read, render, report_schema, schema
from tests.unit.report.sample_report import sample_report

PUBLISHED = Path(__file__).parents[3] / "docs" / "report-schema.json"


def test_report_goes_through_json_and_back_unchanged() -> None:
    report = sample_report()
    assert read(render(report, "json")) == report
    assert read(render(report, "json").encode()) == report


def test_json_is_indented_and_keeps_the_order_of_the_targets() -> None:
    text = render(sample_report(), "json")
    assert '\n  "netconn_version": "0.1.0"' in text
    assert [one["target"] for one in json.loads(text)["verdicts"]][:3] == [
        "wasb_orders",
        "wasb_invoices",
        "wasb_archive",
    ]


def test_rendered_report_fits_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(report_schema(), format_checker=jsonschema.FormatChecker())
    validator.check_schema(report_schema())
    assert not [*validator.iter_errors(json.loads(render(sample_report(), "json")))]
    assert not [*validator.iter_errors(json.loads(render(replace(sample_report(), verdicts=()), "json")))]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema_version"], "2.0"),
        (["verdicts", 0, "path"], "SIDEWAYS"),
        (["verdicts", 0, "stages", 0, "ok"], "yes"),
        (["verdicts", 0, "remedy"], None),
        (["vantage"], {}),
    ],
)
def test_schema_refuses_what_is_not_a_report(path: list[str | int], value: object) -> None:
    data = json.loads(render(sample_report(), "json"))
    place = data
    for key in path[:-1]:
        place = place[key]
    if path[-1] == "remedy":
        del place["remedy"]
    else:
        place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, report_schema())


def test_schema_lets_a_later_minor_version_add_properties() -> None:
    data = json.loads(render(sample_report(), "json"))
    data["schema_version"] = "1.7"
    data["verdicts"][0]["mood"] = "good"
    jsonschema.validate(data, report_schema())
    assert read(json.dumps(data)).verdicts == sample_report().verdicts


def test_schema_describes_every_documented_field_and_names_no_place_of_its_own() -> None:
    made = report_schema()
    assert "$id" not in made
    assert made["title"] == "netconn report 1.1"
    assert {*made["$defs"]["Verdict"]["required"]} == {field.name for field in fields(evidence.Verdict)}
    vantage = made["$defs"]["Vantage"]["properties"]
    assert vantage["queue"]["description"] == "the Airflow queue of the task"
    assert vantage["no_proxy"]["description"] == "the environment's exceptions from these proxies"
    assert made["$defs"]["StageResult"]["description"].startswith("What one stage saw.")
    assert ":param" not in json.dumps(made)
    assert "``" not in json.dumps(made)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "report: is no JSON"),
        ("[" * 100_000, "report: is no JSON"),
        ('{"schema_version": NaN}', "report: is no JSON"),
        (r'{"schema_version": "\ud800"}', "report: is no JSON"),
        (b'{"schema_version": "\xff"}', "report: is no JSON"),
        ("[" * 500 + "]" * 500, "report: is nested more than 100 deep"),
        ("[]", "report: has no schema_version"),
        ('{"schema_version": 1}', "report: has no schema_version"),
        ('{"schema_version": "2.0"}', "schema_version: '2.0' is not 1.x"),
        ('{"schema_version": "1.0"}', "report: Object missing required field"),
    ],
)
def test_what_is_no_report_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message.replace("(", r"\(")):
        read(text)


def test_field_that_does_not_fit_is_named() -> None:
    data = json.loads(render(sample_report(), "json"))
    data["verdicts"][3]["outcome"] = "SOSO"
    with pytest.raises(InvalidInputError, match=r"\$\.verdicts\[3\]\.outcome"):
        read(json.dumps(data))


def test_published_schema_is_in_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.main(["--check", str(PUBLISHED)]) == 0, capsys.readouterr().err


def test_schema_command_writes_checks_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "schema.json"
    assert schema.main(["--check", str(file)]) == 1
    assert schema.main(["--write", str(file)]) == 0
    assert schema.main(["--check", str(file)]) == 0
    file.write_text(file.read_text().replace("netconn report", "another report"))
    assert schema.main(["--check", str(file)]) == 1
    assert "--write" in capsys.readouterr().err
    assert schema.main(["--write", str(tmp_path)]) == 2
    assert schema.main([]) == 0
    assert json.loads(capsys.readouterr().out) == report_schema()
