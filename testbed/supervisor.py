"""Runs one command and leaves nothing of it behind, whatever happens to whoever started it.

Run by path with any Python, without imports from this project: ``python supervisor.py COMMAND...``. It ends the
command, and all that the command started, as soon as its standard input ends (the starter closed it, or died, be it of
SIGKILL) or a signal asks it to. Processes that left the command's group or session are found as well: as a
"child subreaper" (prctl(2)) the supervisor inherits every orphan among its descendants.

Its exit status is the command's, 128 + N where signal N ended it, and 0 where the supervisor was asked to end it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND_GRACE_S = 3.0
"""How long the command may take to end in order after SIGTERM, ending its children itself."""
REST_GRACE_S = 2.0
"""How long what it left may take to end after SIGTERM; what is left then gets SIGKILL."""
_KILL_LIMIT_S = 10.0
_INTERVAL_S = 0.05
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def main(command: list[str]) -> int:
    """Run the command to its end, or to ours."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    asked: list[int] = []
    signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: asked.append(number))
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_supervisor,  # noqa: PLW1509 - this process has one thread
    )
    while child.poll() is None and not asked:
        readable, _, _ = select.select([sys.stdin, wake_reader], [], [], 1.0)
        if wake_reader in readable:
            os.read(wake_reader, 4096)
        if sys.stdin in readable and not os.read(sys.stdin.fileno(), 4096):
            asked.append(0)
        _reap(child)
    end_descendants(child)
    if asked:
        return 0
    code = child.returncode
    return code if code >= 0 else 128 - code


def _die_with_supervisor() -> None:
    # Of use where the supervisor itself is killed with SIGKILL.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def end_descendants(child: subprocess.Popen[bytes]) -> None:
    """End all our descendants: the command by SIGTERM, then what it left by SIGTERM, then what is left by SIGKILL."""
    told: set[int] = set()
    started = time.monotonic()
    while left := descendants(os.getpid()):
        waited = time.monotonic() - started
        if waited > COMMAND_GRACE_S + REST_GRACE_S + _KILL_LIMIT_S:
            return
        # A command that is told together with its workers may wait for these in vain: Airflow's scheduler does.
        alone = child.poll() is None and waited < COMMAND_GRACE_S
        for process in {child.pid} if alone else left:
            if waited > COMMAND_GRACE_S + REST_GRACE_S:
                _send(process, signal.SIGKILL)
            elif process not in told:
                told.add(process)
                _send(process, signal.SIGTERM)
        time.sleep(_INTERVAL_S)
        _reap(child)


def descendants(root: int) -> set[int]:
    """The living processes below that one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name, in brackets, may hold anything; state and parent follow it (proc(5)).
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(entry.name))
    found: set[int] = set()
    new = [root]
    while new:
        new = [child for parent in new for child in children.get(parent, [])]
        found.update(new)
    return found


def _send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _reap(child: subprocess.Popen[bytes]) -> None:
    """Collect ended children: the orphans that came to us; the command itself is left to ``Popen``."""
    try:
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == child.pid:
                child.poll()
            else:
                os.waitpid(ended.si_pid, 0)
    except ChildProcessError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
