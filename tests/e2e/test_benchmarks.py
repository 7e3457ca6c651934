"""The benchmarks run through, on few targets; how fast they are is for docs/performance.md and no matter here."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.benchmarks import ground, waiting
from tests.e2e.isolated import PROJECT, why_not


def benchmarked(*arguments: str) -> str:
    if missing := ground.missing_tools():
        pytest.skip(f"not installed: {', '.join(missing)} (Debian)")
    if why_not():
        pytest.skip(why_not() or "")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_every_kind_of_check_is_held_beside_the_exporter():
    told = benchmarked("--targets", "50", "--runs", "1", "side-by-side")
    ratios = re.findall(r"ratio: rate [\d.]+ \(goal \d: (?:not )?met\), per CPU second [\d.]+", told)
    assert len(ratios) == 3, told


def test_dripping_targets_hold_up_no_other_in_one_process():
    told = benchmarked("--many", "1000", "scale")
    assert re.search(r"the other 980 were done in .* until then 0 of those that drip had ended.*\(held\)", told), told
    assert "PRIVATE 588, MISCONFIGURED 196, UNREACHABLE 196, BLOCKED 20" in told


def test_the_lab_answers_under_load_and_refuses_only_whom_it_should():
    told = benchmarked("--runs", "1", "--seconds", "1", "--resources", "300", "lab")
    answers = re.findall(r"answers \{(.*)\}", told)
    assert len(answers) == 2, told
    assert all(set(re.findall(r"(\d{3}):", one)) <= {"200", "201", "202", "204", "403"} for one in answers), told
    assert len(re.findall(r"/s, +\d+ per second of the core", told)) == 4, told


def test_a_peering_by_the_operator_is_held_beside_azure_cli():
    told = benchmarked("--runs", "1", "peering")
    if "not measured" in told:
        pytest.skip("there is no azure-cli; make it with: sh scripts/bootstrap_environment.sh azure-cli")
    assert re.search(r"the operator's execute: [\d.]+ s, .*: [\d.]+ of az \(goal: 0.25\)", told), told


def test_many_endpoints_wait_in_airflows_own_runner_with_one_read_for_all(tmp_path):
    seen = waiting.wait_for(tmp_path, 60, rounds=1)  # which waits for the event of an approval
    reads_if_each_asked = 60 * 60 / waiting.INTERVAL_S
    assert 0 < seen.reads_a_minute < reads_if_each_asked / 10
