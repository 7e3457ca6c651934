"""The way in that docs/lab.md tells: ``az`` itself, in a shell, as one types it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_netconn.lab import environment
from tests.lab.azure_cli.running_az import PATIENCE_S, PROGRAMS, ROOT, clean_environment

SECTION = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8").partition("\n## azure-cli\n")[2].partition("\n## ")[0]


def block(language):
    """The lines of the section's one code block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
    return found.splitlines()


@pytest.fixture
def shell(azure_cli_programs, tmp_path):
    """Runs a script where ``az`` and ``netconn`` are commands, and the lab is this test's own."""
    own = {"NETCONN_LAB_STATE": str(tmp_path / "lab.json"), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    programs = clean_environment()["PATH"]
    variables = clean_environment() | own | {"PATH": f"{Path(sys.executable).parent}:{programs}"}

    def run(script):
        ran = subprocess.run(
            ["sh", "-euc", script],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    yield run
    if (tmp_path / "lab.json").exists():
        run("netconn lab down")


def test_commands_of_the_docs_work(shell):
    typed = [line.removeprefix("$ ") for line in block("console")]
    assert [line.split()[0] for line in typed] == ["netconn", "eval", "az", "az", "az", "netconn"]
    shown = shell("\n".join(typed))
    assert "westeurope  3             10.20.0.0/16" in shown
    assert '"peeringState": "Initiated"' in shown


def test_docs_tell_the_commands_that_are_printed(azure_lab):
    printed = [line.partition("  #")[0] for line in environment.azure_cli(azure_lab.state())]
    told = [re.sub(r"\b(?:CA_FILE|ARM_URL|APP_ID|CLIENT_SECRET|TENANT_ID)\b", "VALUE", line) for line in block("sh")]
    patterns = [re.escape(line).replace("VALUE", r"\S+") for line in told]
    assert len(patterns) == len(printed)
    for pattern, line in zip(patterns, printed, strict=True):
        assert re.fullmatch(pattern, line), line


def test_az_is_the_one_of_its_own_environment(azure_cli_programs):
    assert shutil.which("az", path=clean_environment()["PATH"]) == str(PROGRAMS / "az")
