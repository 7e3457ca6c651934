"""Each subject for a short while, as ``make fuzz`` does for longer; and what the fuzzer finds is told."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from tests.fuzz.campaign import ROOT, fuzz, is_possible, subject_names
from tests.fuzz.planted import WORD

SECONDS = 2
# Always the same inputs, as far as the time goes: what fails here fails again.
SEED = 1
FEWEST_INPUTS = 20
needs_the_fuzzer = pytest.mark.skipif(not is_possible(), reason="atheris has wheels for Linux on x86-64 alone")


@pytest.mark.parametrize("name", subject_names())
def test_the_seeds_hold(name):
    subject = importlib.import_module(f"tests.fuzz.subjects.{name}")
    for seed in (*subject.SEEDS, b"", b"\0", bytes(range(256))):
        subject.holds(seed)


@needs_the_fuzzer
@pytest.mark.parametrize("name", subject_names())
def test_any_bytes_hold(name, tmp_path):
    outcome = fuzz(name, SECONDS, tmp_path, seed=SEED)
    assert not outcome.finding, outcome.finding
    assert outcome.executions > FEWEST_INPUTS


@needs_the_fuzzer
def test_a_finding_is_told_and_kept(tmp_path):
    outcome = fuzz("planted", 60, tmp_path, seed=SEED, package="tests.fuzz")
    assert "RuntimeError: found it" in outcome.finding
    assert outcome.input_file is not None
    assert outcome.input_file.read_bytes().startswith(WORD)


def test_what_is_no_subject_is_named():
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no subject: nonsense" in done.stderr
