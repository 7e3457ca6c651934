"""Run everything that guards the project, or the named parts; then say what failed and what was skipped.

Run with the environment's Python, as the Makefile does: ``.venv/bin/python scripts/run_checks.py [PART...]``. All parts
run, also after one has failed. A part whose tool is missing is skipped; with ``NETCONN_REQUIRE_ALL=1`` that fails.
``PYTEST_ARGS`` holds further arguments for pytest. Without any, tests run in several processes (testbed/parallel.py).
"""

# ruff: noqa: S603, T201 - a tool of the command line, which runs the project's own tools

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Most tests wait for something more than they compute. In the order of their names the slow folders come first.
IN_PARALLEL = "--numprocesses 4 --no-loadscope-reorder"
TOOLS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the checks.

    :param command: the first word is a tool of the environment
    :param streams: show its output as it comes, and not only where it fails
    """

    name: str
    command: tuple[str, ...]
    streams: bool = False


PARTS = (
    Part(name="format", command=("ruff", "format", "--check", ".")),
    Part(name="lint", command=("ruff", "check", ".")),
    Part(name="types", command=("mypy", "-p", "airflow_provider_netconn", "-p", "testbed")),
    Part(name="imports", command=("lint-imports",)),
    Part(
        name="causes", command=("python", "-m", "airflow_provider_netconn.diagnosis.docs", "--check", "docs/causes.md")
    ),
    Part(name="docs", command=("sphinx-build", "-W", "-n", "-q", "-b", "html", "docs", "docs/_build/html")),
    Part(
        name="tests",
        command=("pytest", "-rs", "--durations=25", *shlex.split(os.environ.get("PYTEST_ARGS") or IN_PARALLEL)),
        streams=True,
    ),
)


def main(names: list[str]) -> int:
    """Run the named parts, or all; gives the exit status."""
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        print(f"unknown: {', '.join(unknown)}; the parts are {', '.join(part.name for part in PARTS)}", file=sys.stderr)
        return 2
    results = [(part, *run(part)) for part in PARTS if not names or part.name in names]
    print("\nSummary")
    for part, result, seconds in results:
        print(f"  {part.name:8} {result:8} {seconds:6.1f} s")
    passed = {"passed"} if os.environ.get("NETCONN_REQUIRE_ALL", "") not in {"", "0"} else {"passed", "skipped"}
    return 0 if all(result in passed for _, result, _ in results) else 1


def run(part: Part) -> tuple[str, float]:
    """Run one part; gives its result and how long it took, in seconds."""
    started = time.monotonic()
    program = shutil.which(part.command[0], path=str(TOOLS))
    print(f"== {part.name}: {shlex.join(part.command)}", flush=True)
    if program is None:
        print(f"skipped: {part.command[0]} is not installed in {TOOLS}")
        return "skipped", 0.0
    done = subprocess.run(
        [program, *part.command[1:]],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=None if part.streams else subprocess.PIPE,
        stderr=None if part.streams else subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode and done.stdout:
        print(done.stdout)
    return "failed" if done.returncode else "passed", time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
