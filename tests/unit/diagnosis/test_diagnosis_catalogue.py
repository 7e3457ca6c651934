"""The catalogue is data: stable codes, templates without unknown blanks, and a page that is held in step."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pendulum
import pytest

from airflow_provider_netconn.diagnosis.catalogue import CAUSES
from airflow_provider_netconn.diagnosis.docs import main, render
from airflow_provider_netconn.diagnosis.view import EvidenceView
from airflow_provider_netconn.evidence import Evidence, Finding, ProbeResult, Stage, StageResult, Target

ROOT = Path(__file__).resolve().parents[3]


def facts():
    stage = StageResult(stage=Stage.RESOLVE, ok=False, finding=Finding.NXDOMAIN)
    target = Target(host="h", port=1)
    probe = ProbeResult(target=target, stages=(stage,), started_at=pendulum.datetime(2026, 1, 1), duration_s=0.0)
    return EvidenceView(Evidence(probe=probe)).facts()


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_a_template_has_no_unknown_blank(cause):
    blanks = {name for text in (cause.seen, cause.remedy) for _, name, _, _ in string.Formatter().parse(text) if name}
    assert blanks <= set(facts())


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_a_cause_is_told_in_sentences(cause):
    for text in (cause.meaning, cause.proof, cause.seen, cause.remedy):
        assert re.fullmatch(r"(?s)([A-Z0-9'{]|getaddrinfo).*\.", text), text
        assert "  " not in text


@pytest.mark.parametrize(("code", "cause"), CAUSES.items(), ids=CAUSES)
def test_a_code_is_a_stable_name(code, cause):
    assert re.fullmatch(r"[A-Z]+(_[A-Z0-9]+)*", code)
    assert cause.code == code


def test_no_two_causes_mean_the_same():
    assert len({cause.meaning for cause in CAUSES.values()}) == len(CAUSES)


def test_every_cause_stands_on_the_page_once():
    headings = re.findall(r"^### (\w+)$", render(), flags=re.MULTILINE)
    assert headings == list(CAUSES)


def test_every_section_of_the_page_stands_once():
    titles = re.findall(r"^## (.+)$", render(), flags=re.MULTILINE)
    assert len(titles) == len(set(titles))


def test_no_blank_of_a_template_is_left_on_the_page():
    assert not re.search(r"\{\w+\}", render())


def test_the_page_in_docs_is_in_step():
    assert main(["--check", str(ROOT / "docs" / "causes.md")]) == 0


def test_a_page_that_was_just_written_is_in_step(tmp_path):
    assert main([str(tmp_path / "causes.md")]) == 0
    assert main(["--check", str(tmp_path / "causes.md")]) == 0


@pytest.mark.parametrize("drift", [lambda text: text + " ", lambda text: text.replace("NXDOMAIN", "NODATA"), None])
def test_a_page_out_of_step_is_found_out_and_left_as_it_is(tmp_path, capsys, drift):
    page = tmp_path / "causes.md"
    if drift is not None:
        page.write_text(drift(render()))
    before = page.read_text() if page.exists() else None
    assert main(["--check", str(page)]) == 1
    assert "out of step with the catalogue: run 'make causes'" in capsys.readouterr().err
    assert (page.read_text() if page.exists() else None) == before


def test_the_command_of_ci_runs_as_a_module(tmp_path):
    command = [sys.executable, "-m", "airflow_provider_netconn.diagnosis.docs", "--check", str(tmp_path / "none.md")]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 1
