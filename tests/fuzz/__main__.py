"""Fuzz: ``python -m tests.fuzz [--seconds N] [subject ...]``. Exits with 1 where something did not hold."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.campaign import ROOT, fuzz, is_possible, subject_names


def main() -> int:
    """Run the subjects one after the other; gives the exit status."""
    names = subject_names()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="subject", help=f"one of {', '.join(names)}; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="how long each is fuzzed (%(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".fuzz", help="keeps inputs and findings (%(default)s)")
    given = parser.parse_args()
    if unknown := set(given.subjects) - set(names):
        parser.error(f"no subject: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if not is_possible():
        parser.error("atheris is not installed; its wheels are for Linux on x86-64")
    broken = 0
    for name in given.subjects or names:
        outcome = fuzz(name, given.seconds, given.folder.resolve())
        print(f"{name:14} {outcome.executions:>9,} inputs: {'BROKEN' if outcome.finding else 'holds'}", flush=True)
        if outcome.finding:
            broken += 1
            print(f"{outcome.finding}\n{name}: the input is {outcome.input_file}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
