"""Recorded Azure traffic, replayed against the lab: every expectation has to hold, timing and wording too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab.oracles import SCENARIOS, SHARED, needs_shared

REPLAY = SHARED / "arm-replay" / "replay.py"
FOUND = sorted(SCENARIOS.glob("*.json")) if SCENARIOS.is_dir() else []


@needs_shared
@pytest.mark.parametrize(
    "scenario", [pytest.param(path, id=path.stem) for path in FOUND] or [pytest.param(None, id="scenarios")]
)
def test_a_recorded_scenario_holds_strictly(azure_lab_session, scenario):
    lab = azure_lab_session
    command = [sys.executable, str(REPLAY), "--base", lab.arm_url, "--token", lab.token(), "--ca", str(lab.ca_file)]
    command += ["--strict", "--poll", "0.02", "--poll-cap", "0.05", str(scenario)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
