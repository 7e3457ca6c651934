"""Runs azure-cli: in a shell to sign it in, and then command by command."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ROOT / ".venv-azure-cli" / "bin"
SERVER = Path(__file__).with_name("serve_commands.py")
PATIENCE_S = 60
VARIABLES = ("AZURE_CONFIG_DIR", "REQUESTS_CA_BUNDLE", "AZURE_CORE_INSTANCE_DISCOVERY", "AZURE_CORE_COLLECT_TELEMETRY")


class RefusedError(AssertionError):
    """A command of azure-cli failed.

    :param status: its exit status
    :param errors: what it wrote to standard error
    """

    def __init__(self, command: str, status: int, errors: str) -> None:
        super().__init__(f"az {command}: exit status {status}: {errors}")
        self.status = status
        self.errors = errors


class AzureCli:
    """Runs commands as one types them behind ``az``; see ``serve_commands.py`` for how they are run."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [PROGRAMS / "python", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment() | variables,
        )

    def __call__(self, command: str) -> Any:
        """Run a command; gives the JSON it prints, None where it prints nothing.

        :raises RefusedError: it failed
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(shlex.split(command)) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        if told["status"]:
            raise RefusedError(command, told["status"], told["errors"])
        return json.loads(told["output"]) if told["output"].strip() else None

    def refused(self, command: str) -> str:
        """Run a command that has to fail; gives what it said."""
        with pytest.raises(RefusedError) as refused:
            self(command)
        return refused.value.errors

    def stop(self) -> None:
        self._process.communicate(timeout=PATIENCE_S)
        assert self._process.returncode == 0


def clean_environment() -> dict[str, str]:
    """Ours without what is not azure-cli's. It may write bytecode: compiling it takes longer than a command."""
    foreign = ("AZURE_", "PYTHON", "VIRTUAL_ENV", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}


def run_recipe(commands: list[str], home: Path) -> dict[str, str]:
    """Run the commands by which azure-cli is signed in, in a shell, and give the variables that they export."""
    script = "\n".join(["set -eu", *commands, f"env > {shlex.quote(str(home / 'variables'))}"])
    ran = subprocess.run(
        ["sh", "-c", script],
        cwd=home,
        env=clean_environment() | {"TMPDIR": str(home), "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    exported = dict(line.partition("=")[::2] for line in (home / "variables").read_text().splitlines())
    return {name: exported[name] for name in VARIABLES}
