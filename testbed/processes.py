"""Processes that leave nothing behind: each runs under a supervisor, and all carry a mark by which they are found."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

MARK = "NETCONN_TESTBED"
"""Environment variable that all processes of one :class:`ProcessGroup` have in common, and nobody else."""
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_STOP_LIMIT_S = 25.0
_KILL_LIMIT_S = 5.0


class SupervisedProcess:
    """A command under ``supervisor.py``, which ends it and all its descendants when this process asks or dies.

    :param name: how messages call it
    :param log: file that gets its output, standard error included
    """

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            # A session of its own: Ctrl-C at the terminal reaches us alone, and we end it in order.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def wait(self, limit_s: float) -> int:
        """The exit status when it has ended by itself; ``subprocess.TimeoutExpired`` past the limit."""
        return self._process.wait(limit_s)

    def ask_to_end(self) -> None:
        """Ask it to end; returns at once."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """End it and all its descendants."""
        self.ask_to_end()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self, lines: int = 30) -> str:
        """The end of its output."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class ProcessGroup:
    """Processes that are started and ended together.

    :param environment: environment of all of them
    :param folder: folder in which they run and where their output goes, as ``NAME.log``
    """

    def __init__(self, *, environment: Mapping[str, str], folder: Path) -> None:
        self._mark = uuid.uuid4().hex
        # setproctitle, which Airflow uses, otherwise overwrites what /proc shows of the environment, our mark included.
        self._environment = {**environment, MARK: self._mark, "SPT_NOENV": "1"}
        self._folder = folder
        self.processes: list[SupervisedProcess] = []

    def start(self, name: str, command: Sequence[str]) -> SupervisedProcess:
        """Start one more process."""
        process = SupervisedProcess(
            name, command, environment=self._environment, log=self._folder / f"{name}.log", folder=self._folder
        )
        self.processes.append(process)
        return process

    def ended(self) -> SupervisedProcess | None:
        """A process that has ended by itself; None while all run."""
        return next((process for process in self.processes if process.poll() is not None), None)

    def stop(self) -> list[str]:
        """End all processes and their descendants.

        :return: what got away from its supervisor and had to be hunted down, normally nothing: ``PID command line``
        """
        for process in self.processes:
            process.ask_to_end()
        for process in self.processes:
            process.stop()
        self.processes.clear()
        return self._end_orphans()

    def living(self) -> dict[int, str]:
        """All living processes with this group's mark, with their command lines."""
        return {process: _command_line(process) for process in _all_processes() if self._is_marked(process)}

    def _is_marked(self, process: int) -> bool:
        try:
            environment = Path(f"/proc/{process}/environ").read_bytes()
            state = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state not in "ZX" and f"{MARK}={self._mark}".encode() in environment.split(b"\0")

    def _end_orphans(self) -> list[str]:
        orphans: dict[int, str] = {}
        deadline = time.monotonic() + _KILL_LIMIT_S
        while (living := self.living()) and time.monotonic() < deadline:
            orphans.update(living)
            for process in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)
        return [f"{process} {command}" for process, command in sorted(orphans.items())]


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free now; somebody else may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command_line(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "(gone)"
    return b" ".join(words).decode(errors="replace").strip()
