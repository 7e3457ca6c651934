"""Netconn and the exporter over the same targets in turn, several times; the medians count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.ground import TCP_PORT, TLS_PORT, ZONE

CONNECTIONS = (10, 30, 100)
"""Of these, the exporter is driven over as many as suit it best."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of check, as each side is told to make it, and what netconn's share of the exporter's figure should be.

    :param target: the target with that number
    """

    name: str
    module: str
    target: Callable[[int], tuple[str, str]]
    rate_goal: float
    cpu_goal: float | None


CASES = (
    Case(name="TCP", module="tcp", target=lambda _: (f"127.0.0.1:{TCP_PORT}",) * 2, rate_goal=2, cpu_goal=None),
    Case(
        name="TLS",
        module="tls",
        target=lambda _: (f"127.0.0.1:{TLS_PORT}", f"tls://127.0.0.1:{TLS_PORT}"),
        rate_goal=1,
        cpu_goal=1,
    ),
    Case(
        name="DNS+TCP+TLS+HTTP",
        module="https",
        target=lambda number: (f"https://t{number}.{ZONE}:{TLS_PORT}/",) * 2,
        rate_goal=1,
        cpu_goal=1,
    ),
)


def compare(folder: Path, exporter: int, count: int, runs: int) -> None:
    """Print rates, CPU time and ratios for every case.

    :param exporter: the exporter's process id
    """
    print(f"\n{count} targets each; medians of {runs} runs; ratios are netconn's figure over the exporter's\n")
    print(f"{'check':18}{'':10}{'checks/s':>10}{'with start':>12}{'CPU ms':>9}{'per CPU s':>11}")
    for case in CASES:
        theirs, ours = zip(*(case.target(number) for number in range(count)), strict=True)
        best = max(CONNECTIONS, key=lambda given: count / _exporter(case, theirs, exporter, given)["wall_s"])
        pairs = [(_exporter(case, theirs, exporter, best), _netconn(folder, ours)) for _ in range(runs)]
        _print_case(case, count, pairs, best)


def _print_case(case: Case, count: int, pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]], best: int) -> None:
    for name, figures in (("exporter", [pair[0] for pair in pairs]), ("netconn", [pair[1] for pair in pairs])):
        wall, cpu, total = (median(run[key] for run in figures) for key in ("wall_s", "cpu_s", "total_s"))
        print(
            f"{case.name if name == 'exporter' else '':18}{name:10}{count / wall:10.0f}{count / total:12.0f}"
            f"{cpu / count * 1000:9.3f}{count / cpu:11.0f}"
        )
    rate = median(theirs["wall_s"] / ours["wall_s"] for theirs, ours in pairs)
    cpu = median(theirs["cpu_s"] / ours["cpu_s"] for theirs, ours in pairs)
    helpers = pairs[0][1]["helpers"]
    print(
        f"{'':18}ratio: rate {rate:.2f} ({_goal(rate, case.rate_goal)}), "
        f"per CPU second {cpu:.2f}{f' ({_goal(cpu, case.cpu_goal)})' if case.cpu_goal else ''}; "
        f"exporter over {best} connections, netconn with {helpers} helpers\n",
        flush=True,
    )


def _goal(ratio: float, goal: float) -> str:
    return f"goal {goal:g}: {'met' if ratio >= goal else 'not met'}"


def _exporter(case: Case, targets: Sequence[str], process: int, connections: int) -> dict[str, Any]:
    before = _cpu_s(process)
    figures = _figures(targets, "tests.benchmarks.exporter_client", case.module, str(connections))
    return figures | {"cpu_s": _cpu_s(process) - before, "total_s": figures["wall_s"]}


def _netconn(folder: Path, targets: Sequence[str]) -> dict[str, Any]:
    return _figures(targets, "tests.benchmarks.own_check", str(folder / "ca.pem"))


def _figures(targets: Sequence[str], module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input="\n".join(targets),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["succeeded"] != len(targets):
        raise RuntimeError(f"{module}: only {figures['succeeded']:.0f} of {len(targets)} checks went well")
    return figures


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
