"""The landscape can be checked: what it says must be found is what the check finds."""

from __future__ import annotations

import os
import re

import yaml

from testbed.landscape import Landscape, differences


def test_names_lead_to_open_ports_on_loopback_addresses(landscape):
    config = yaml.safe_load(landscape.config_file.read_text())
    assert config["options"]["nameserver"] == landscape.dns.nameserver
    assert len(config["targets"]) + len(config["connections"]) == len(landscape.expected) >= 12
    assert set(landscape.environment) == {f"AIRFLOW_CONN_{name.upper()}" for name in config["connections"]}


def test_two_landscapes_stand_beside_each_other(landscape, tmp_path):
    with Landscape(tmp_path) as second:
        assert len(second.expected) == len(landscape.expected)
        assert re.findall(r":\d+", second.config_file.read_text()) != re.findall(
            r":\d+", landscape.config_file.read_text()
        )


def test_each_way_to_fail_is_there_once(landscape):
    causes = [site.cause for site in landscape.expected if site.cause]
    assert len(causes) == len(set(causes)) >= 10


def test_a_verdict_that_differs_is_told(landscape):
    right = [
        {"target": s.target, "path": s.path, "outcome": s.outcome, "headline": s.headline, "cause": s.cause}
        for s in landscape.expected
    ]
    assert differences(right, landscape.expected) == []
    wrong = [{**right[0], "cause": "OTHER"}, *right[2:], {**right[1], "target": "stranger"}]
    told = differences(wrong, landscape.expected)
    assert len(told) == 3
    assert any(line.startswith("stranger: not in the landscape") for line in told)
    assert any("cause is OTHER" in line for line in told)
    assert any("no verdict" in line for line in told)


def test_a_check_finds_what_the_landscape_says(landscape, monkeypatch):
    """Without Airflow, through the operator's own reading of file and connections."""
    from airflow_provider_netconn.checks import check
    from airflow_provider_netconn.evidence import to_json
    from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
    from airflow_provider_netconn.operators.request import CheckRequest

    for name, value in landscape.environment.items():
        monkeypatch.setitem(os.environ, name, value)
    operator = ConnectivityCheckOperator(task_id="check", config=str(landscape.config_file))
    asked = CheckRequest.read(operator)
    report = check(asked.targets, asked.options, process="worker")
    assert differences(to_json(report)["verdicts"], landscape.expected) == []
    assert [verdict.target for verdict in report.verdicts] == [site.target for site in landscape.expected]
