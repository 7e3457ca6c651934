"""``make demo``: a real Airflow checks a landscape of good and broken endpoints, and the verdicts are held against it.

Run as ``python -m testbed.demo [--keep] [--deferrable]``. Everything it starts ends with it. Its state, the reports
included, lies in ``.demo/`` until the next demo.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from testbed.airflow import Airflow, AirflowStartError
from testbed.landscape import Expected, Landscape

ROOT = Path(__file__).resolve().parent.parent
DAG_ID = "connectivity_check"
TASK_ID = "check"
_RUN_LIMIT_S = 120.0
_PIPE_WIDTH = 140
_COLOURS = {"PRIVATE": "green", "OK": "green", "PUBLIC": "red", "MIXED": "red"}
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class DemoFailedError(Exception):
    """The demo did not go as it should; the message says how."""


class Demo:
    """One demo.

    :param folder: where its state lies; wiped first
    :param deferrable: probe in the triggerer
    :param keep: leave all up, in the foreground, until Ctrl-C
    """

    def __init__(self, folder: Path, *, deferrable: bool, keep: bool) -> None:
        self.folder = folder
        self.deferrable = deferrable
        self.keep = keep
        self.html_report = folder / "report.html"
        self.json_report = folder / "report.json"
        # In a pipe there is no width to ask for, and the table needs some.
        self._console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
        self._started = time.monotonic()

    def run(self) -> None:
        """Run it; everything is stopped on return, and on any exception too.

        :raises DemoFailedError: a verdict or the run's end is not what the landscape says it must be
        """
        with self._cleaned_folder():
            self._say("Opening local endpoints, good ones and broken ones")
            with Landscape(self.folder / "landscape") as landscape:
                self._say(
                    f"{len(landscape.expected)} targets, {len(landscape.connections)} of them Airflow connections"
                )
                airflow = Airflow(
                    self.folder / "airflow",
                    dags_folder=ROOT / "dags",
                    environment=landscape.environment,
                    progress=lambda line: self._say(f"Airflow: {line}"),
                )
                try:
                    airflow.start()
                    problems = self._check(airflow, landscape)
                    if self.keep:
                        self._stay(airflow)
                finally:
                    self._say("Stopping everything")
                    orphans = airflow.stop()
        problems += [f"a process got away and was killed: {orphan}" for orphan in orphans]
        if problems:
            raise DemoFailedError("\n".join(problems))
        self._say("All verdicts are as the landscape says they must be")

    def _check(self, airflow: Airflow, landscape: Landscape) -> list[str]:
        """Run the DAG, show what it found; gives what is not as it must be."""
        client = airflow.client
        self._say(f"Waiting for Airflow to read the DAG {DAG_ID}")
        client.wait_for_dag(DAG_ID)
        client.unpause(DAG_ID)
        configuration = {
            "config": str(landscape.config_file),
            "report_path": json.dumps([str(self.html_report), str(self.json_report)]),
            "deferrable": self.deferrable,
        }
        run_id = client.trigger(DAG_ID, configuration)
        self._say(f"Triggered {DAG_ID}, run {run_id}")
        state = client.wait(DAG_ID, run_id, _RUN_LIMIT_S, lambda tasks: self._say(f"Tasks: {_states(tasks)}"))
        if not self.json_report.exists():
            log = client.log(DAG_ID, run_id, TASK_ID)
            raise DemoFailedError(f"The run is {state} and wrote no report. The task's log:\n{log}")
        verdicts = json.loads(self.json_report.read_text(encoding="utf-8"))["verdicts"]
        self._show(verdicts)
        summary = client.xcom(DAG_ID, run_id, TASK_ID)
        unexpected = f"{summary['unexpected_total']} of {summary['total']} targets are not as expected"
        self._say(f"The run is {state}: {unexpected}, each with its cause and remedy")
        self._console.print(f"\n  Report: [bold]{self.html_report}[/bold]\n          {self.json_report}\n")
        # The DAG's task fails on every verdict that is not as expected, and the landscape has some.
        problems = [] if state == "failed" else [f"the run must fail on its broken targets, and is {state}"]
        if summary["total"] != len(landscape.expected):
            problems.append(f"XCom counts {summary['total']} targets; the landscape has {len(landscape.expected)}")
        return problems + differences(verdicts, landscape.expected)

    def _show(self, verdicts: list[dict[str, Any]]) -> None:
        table = Table(title="\nVerdicts", title_justify="left", show_lines=True)
        table.add_column("Target", overflow="fold", ratio=3)
        for name in ("Verdict", "Path", "Outcome"):
            table.add_column(name, no_wrap=True)
        table.add_column("Cause and remedy", ratio=5)
        for verdict in verdicts:
            colour = _COLOURS.get(verdict["headline"], "yellow")
            reason = Text(verdict["cause"] or "", style="bold", overflow="fold")
            if verdict["remedy"]:
                reason.append(f"\n{verdict['remedy']}", style="not bold")
            headline = Text(verdict["headline"], style=colour)
            table.add_row(Text(verdict["target"]), headline, verdict["path"], verdict["outcome"], reason)
        self._console.print(table)

    def _stay(self, airflow: Airflow) -> None:
        self._console.print(f"  Airflow: [bold]{airflow.url}[/bold]")
        self._console.print(f"  Login:   {airflow.username} / {airflow.password}", markup=False)
        self._console.print("  Ctrl-C stops Airflow and all endpoints.\n")
        with contextlib.suppress(KeyboardInterrupt):
            while airflow.ended() is None:
                time.sleep(0.5)
            raise DemoFailedError(f"Airflow ended by itself: {airflow.ended()}\n{airflow.log_tails()}")

    def _say(self, line: str) -> None:
        elapsed = time.monotonic() - self._started
        self._console.print(f"[dim]{elapsed:6.1f} s[/dim]  {escape(line)}", soft_wrap=True)

    @contextlib.contextmanager
    def _cleaned_folder(self) -> Iterator[None]:
        """The folder, empty but for the lock that keeps a second demo out while this one lasts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoFailedError(f"Another demo is running in {self.folder}; stop it first.") from None
            for entry in self.folder.iterdir():
                if entry.name != "lock":
                    shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            yield


def differences(verdicts: list[dict[str, Any]], expected: tuple[Expected, ...]) -> list[str]:
    """Where the verdicts are not what the landscape says they must be, a line each."""
    found = {verdict["target"]: verdict for verdict in verdicts}
    lines = [f"{target}: not in the landscape" for target in found.keys() - {site.target for site in expected}]
    for site in expected:
        verdict = found.get(site.target)
        if verdict is None:
            lines.append(f"{site.target} ({site.story}): no verdict")
            continue
        must = {"path": site.path, "outcome": site.outcome, "headline": site.headline, "cause": site.cause}
        lines += [
            f"{site.target} ({site.story}): {name} is {verdict[name]}, must be {value}"
            for name, value in must.items()
            if verdict[name] != value
        ]
    return lines


def _states(tasks: dict[str, str]) -> str:
    return ", ".join(f"{task} {state}" for task, state in tasks.items())


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run the demo as the command line and ``KEEP`` ask for; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m testbed.demo", description=__doc__)
    keep = os.environ.get("KEEP", "") not in {"", "0"}
    parser.add_argument("--keep", action="store_true", default=keep, help="leave Airflow up until Ctrl-C (or KEEP=1)")
    parser.add_argument("--deferrable", action="store_true", help="probe in the triggerer instead of a worker")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".demo", help="where its state lies (default: %(default)s)"
    )
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        Demo(given.folder.absolute(), deferrable=given.deferrable, keep=given.keep).run()
    except KeyboardInterrupt:
        print("Interrupted; everything is stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (DemoFailedError, AirflowStartError, TimeoutError) as error:
        print(f"The demo failed:\n{error}", file=sys.stderr)
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
