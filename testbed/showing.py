"""What demonstrations share: a folder that is theirs alone, lines with the time, and verdicts as a table."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from testbed.airflow import AirflowStartError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
_PIPE_WIDTH = 140
_COLOURS = {"PRIVATE": "green", "OK": "green", "PUBLIC": "red", "MIXED": "red"}


class DemoFailedError(Exception):
    """The demo did not go as it should; the message says how."""


class Stage:
    """Where a demo speaks.

    :param started: when it began, by the monotonic clock that all processes of this machine share, in seconds
    """

    def __init__(self, started: float | None = None) -> None:
        self.started = time.monotonic() if started is None else started
        # In a pipe there is no width to ask for, and tables need some.
        self.console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self.started

    def say(self, line: str) -> None:
        """Say a line, with the time since the demo began."""
        self.console.print(f"[dim]{self.elapsed_s:6.1f} s[/dim]  {escape(line)}", soft_wrap=True)

    def show(self, title: str, verdicts: list[Mapping[str, Any]]) -> None:
        """Show verdicts of a JSON report as a table."""
        table = Table(title=f"\n{title}", title_justify="left", show_lines=True)
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
        self.console.print(table)


@contextlib.contextmanager
def cleaned_folder(folder: Path) -> Iterator[None]:
    """The folder, empty but for the lock that keeps a second demo out while this one lasts.

    :raises DemoFailedError: another demo runs in it
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailedError(f"Another demo is running in {folder}; stop it first.") from None
        for entry in folder.iterdir():
            if entry.name != "lock":
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        yield


def ending_well(run: Callable[[], int]) -> int:
    """Run a demo; gives its exit status, with a message where it did not go well."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    # Whatever asks a demo to end has it end as Ctrl-C does.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        return run()
    except KeyboardInterrupt:
        print("Interrupted; everything is stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (DemoFailedError, AirflowStartError, TimeoutError) as error:
        print(f"The demo failed:\n{error}", file=sys.stderr)
        return EXIT_FAILED
