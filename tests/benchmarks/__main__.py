"""``python -m tests.benchmarks [--targets N] [--runs N] [PART ...]``, where the parts are those of ``PARTS``; needs
root or user namespaces, and what Debian has of nginx, unbound and prometheus-blackbox-exporter.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import (
    footprint,
    ground,
    lab_load,
    lab_names,
    look_up,
    peering,
    scale,
    side_by_side,
    soak,
    waiting,
)

PARTS = ("side-by-side", "footprint", "lab", "look-up", "peering", "waiting", "scale", "soak")


def main(arguments: list[str]) -> int:
    """Measure; gives the exit status: 1 where a target held up others or the soak finds something left over.

    Whatever the speed, it is 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: the first four)")
    parser.add_argument("--targets", type=int, default=2000, help="targets of each check (default: 2000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median counts (default: 3)")
    parser.add_argument("--many", type=int, default=10_000, help="targets in one process (default: 10000)")
    parser.add_argument("--seconds", type=float, default=10, help="of load on the lab (default: 10)")
    parser.add_argument("--resources", type=int, default=20_000, help="in the lab (default: 20000)")
    parser.add_argument("--checks", type=int, default=50_000, help="checks of the soak (default: 50000)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    parts = given.parts or list(PARTS[:4])
    if unknown := {*parts} - {*PARTS}:
        parser.error(f"unknown: {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
    if missing := ground.missing_tools():
        parser.error(f"not installed: {', '.join(missing)} (Debian)")
    if not given.inside:
        return ground.run_inside(arguments)
    for line in ground.versions():
        print(line)
    return 0 if _measure(parts, given) else 1


def _measure(parts: list[str], given: argparse.Namespace) -> bool:
    held = True
    with tempfile.TemporaryDirectory(prefix="netconn-benchmarks-") as name:
        folder = Path(name)
        with ground.servers(folder) as exporter:
            if "side-by-side" in parts:
                side_by_side.compare(folder, exporter, given.targets, given.runs)
            if "footprint" in parts:
                footprint.memory(folder, given.runs)
                footprint.imports(given.runs)
            if "lab" in parts:
                lab_load.load(folder, given.runs, seconds=given.seconds, many=given.resources)
                lab_names.queries(given.runs)
            if "peering" in parts:
                peering.compare(folder, given.runs)
            if "look-up" in parts:
                look_up.look_ups(given.runs)
            if "waiting" in parts:
                held &= waiting.waiting(folder, 1000)
            if "scale" in parts:
                held &= scale.scale(folder, given.many)
            if "soak" in parts:
                held &= soak.soak(folder, given.checks)
    return held


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
