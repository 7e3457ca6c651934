"""Run a subject in a process of its own for a while, and tell what came of it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import subjects

ROOT = Path(__file__).resolve().parents[2]
MEMORY_LIMIT_MB = 1024
INPUT_LIMIT_S = 20
"""What one input may take. The slowest takes a tenth of a second; the rest is for a machine with much else to do."""
MAX_INPUT_BYTES = 8192
START_LIMIT_S = 120
"""What a process may take beyond its time, for imports and its end."""
_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_SHOWN_LINES = 60


@dataclass(frozen=True)
class Outcome:
    """What came of one subject.

    :param executions: how many inputs were tried
    :param finding: what the process said of the input that broke something; empty where none did
    :param input_file: that input
    """

    subject: str
    executions: int
    finding: str = ""
    input_file: Path | None = None


def subject_names() -> list[str]:
    """All subjects."""
    return sorted(module.name for module in pkgutil.iter_modules(subjects.__path__))


def is_possible() -> bool:
    """Whether this machine has the fuzzer: its wheels are for Linux on x86-64 alone."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(
    name: str, seconds: int, folder: Path, *, seed: int | None = None, package: str = subjects.__name__
) -> Outcome:
    """Fuzz one subject.

    :param folder: keeps the inputs that reached something new, to go on from, and those that broke something
    :param seed: of the fuzzer's chance; None leaves it to chance
    :param package: where the subject's module is
    """
    corpus = folder / "corpus" / name
    findings = folder / "findings" / name
    for each in (corpus, findings):
        each.mkdir(parents=True, exist_ok=True)
    module = f"{package}.{name}"
    for given in importlib.import_module(module).SEEDS:
        (corpus / hashlib.sha256(given).hexdigest()[:16]).write_bytes(given)
    before = set(findings.iterdir())
    arguments = [
        str(corpus),
        f"-max_total_time={seconds}",
        f"-timeout={INPUT_LIMIT_S}",
        f"-rss_limit_mb={MEMORY_LIMIT_MB}",
        f"-max_len={MAX_INPUT_BYTES}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
        *([f"-seed={seed}"] if seed is not None else []),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.one", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds + START_LIMIT_S,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    executed = _EXECUTIONS.search(said)
    return Outcome(
        subject=name,
        executions=int(executed[1]) if executed else 0,
        finding="\n".join(said.splitlines()[-_SHOWN_LINES:]) if done.returncode else "",
        input_file=next(iter(set(findings.iterdir()) - before), None),
    )
