"""Many targets in one process: what it takes, and whether those that drip hold up any other.

``python -m tests.benchmarks.scale CA_FILE TARGETS`` is that process; it prints figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks import ground
from tests.benchmarks.ground import CLOSED_PORT, DRIPPING_PORT, TCP_PORT, TLS_PORT, ZONE
from tests.benchmarks.own_check import targets_of

DRIPPING_SHARE = 50
"""One target of so many drips; they come first, and no more of them than this times ten."""
HELD_S = 3600.0
"""The limits of the check: by themselves the dripping targets would outlast all else by far."""


def scale(folder: Path, count: int) -> bool:
    """Check so many targets in one process without helpers; print what it took and whether nobody was held up."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scale", str(folder / "ca.pem"), str(count)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    seen = json.loads(done.stdout)
    held = seen["dripping_ended_before"] == 0
    print(f"\nscale: {count} targets in one process, {seen['dripping']} of them dripping; a thousand at a time")
    print(f"  the other {seen['others']} were done in {seen['others_s']:.1f} s; until then "
          f"{seen['dripping_ended_before']} of those that drip had ended: nobody waits for them "
          f"({'held' if held else 'NOT held'})")  # fmt: skip
    print(f"  memory: loaded {seen['loaded_mb']:.1f} MB, peak {seen['peak_mb']:.1f} MB; with so many verdicts: "
          + ", ".join(f"{number} {memory:.1f} MB" for number, memory in seen["memory_mb"].items()))  # fmt: skip
    print(f"  outcomes: {', '.join(f'{word} {number}' for word, number in seen['outcomes'].items())}", flush=True)
    return held


def main(ca_file: str, count: int) -> dict[str, Any]:
    """Check; the server that drips is ended when all others are done, and not before."""
    from airflow_provider_netconn.checks import CheckOptions, run_check

    options = CheckOptions(ca_files=(ca_file,), timeout_s=HELD_S, deadline_s=HELD_S, retries=0)
    dripping = min(count // DRIPPING_SHARE, DRIPPING_SHARE * 10)
    targets = targets_of([f"http://127.0.0.1:{DRIPPING_PORT}/{number}" for number in range(dripping)])
    targets += targets_of([_line(number) for number in range(count - dripping)])
    asyncio.run(run_check(targets_of([_line(number) for number in range(5)]), options))  # imports, caches
    seen: dict[str, Any] = {"dripping": dripping, "others": count - dripping, "loaded_mb": _memory_mb("VmRSS")}
    ended = {True: 0, False: 0}
    memory: dict[int, float] = {}
    started = time.perf_counter()
    with ExitStack() as stack:
        server = stack.enter_context(
            ground.running([sys.executable, "-m", "tests.benchmarks.dripping", str(DRIPPING_PORT)])
        )
        ground.wait_for(DRIPPING_PORT)

        def keep(verdict: Any, done: int, _: int) -> None:
            ended[verdict.endpoint.port == DRIPPING_PORT] += 1
            if done % max(count // 5, 1) == 0:
                memory[done] = _memory_mb("VmRSS")
            if ended[False] == count - dripping and "others_s" not in seen:
                seen["others_s"] = time.perf_counter() - started
                seen["dripping_ended_before"] = ended[True]
                server.kill()

        report = asyncio.run(run_check(targets, options, on_verdict=keep))
    return seen | {"memory_mb": memory, "peak_mb": _memory_mb("VmHWM"), "outcomes": report.counts()}


def _line(number: int) -> str:
    """Whole checks by name, plain ones, TLS, and two kinds that fail: no TLS there, nobody there."""
    return (
        f"https://t{number}.{ZONE}:{TLS_PORT}/",
        f"127.0.0.1:{TCP_PORT}",
        f"tls://127.0.0.1:{TLS_PORT}",
        f"https://t{number}.{ZONE}:{TCP_PORT}/",
        f"127.0.0.1:{CLOSED_PORT}",
    )[number % 5]


def _memory_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith(field))) / 1024


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
