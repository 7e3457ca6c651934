"""One check by netconn, measured from within: a new process each time, as an Airflow task is one.

``python -m tests.benchmarks.own_check CA_FILE`` reads one target a line from standard input and prints figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

NETWORK = "127.0.0.0/8"


def targets_of(lines: Sequence[str]) -> list[Any]:
    """The lines as targets of which all is expected to be well."""
    from airflow_provider_netconn.checks import parse_target

    return [parse_target(line, expect_networks=(NETWORK,)) for line in lines]


def cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main(ca_file: str, lines: list[str]) -> dict[str, Any]:
    """Check; the start-up is told apart by a check of a single target for each process that shares the work."""
    from airflow_provider_netconn.checks import CheckOptions, run_check
    from airflow_provider_netconn.checks.spread import helpers_for

    options = CheckOptions(ca_files=(ca_file,))
    targets = targets_of(lines)
    helpers = helpers_for(len(targets))
    asyncio.run(run_check(targets[:1], options))  # imports, caches
    before = cpu_s()
    asyncio.run(run_check(targets[: max(helpers, 1)], options, helpers=helpers))
    start_up_cpu_s = cpu_s() - before
    before, started = cpu_s(), time.perf_counter()
    report = asyncio.run(run_check(targets, options, helpers=helpers))
    total_s, total_cpu_s = time.perf_counter() - started, cpu_s() - before
    first = min(verdict.started_at for verdict in report.verdicts)
    return {
        "succeeded": sum(verdict.as_expected for verdict in report.verdicts),
        "total_s": total_s,
        "wall_s": report.duration_s - (first - report.started_at).total_seconds(),
        "total_cpu_s": total_cpu_s,
        "cpu_s": total_cpu_s - start_up_cpu_s,
        "helpers": helpers,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.stdin.read().splitlines())))
