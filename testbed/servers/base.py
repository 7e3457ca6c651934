"""What all real servers share: a temporary folder, a configuration of their own, a free port, a start and a stop."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from testbed.processes import ProcessGroup, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

SEARCH_PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
"""Debian keeps servers in folders that are not on a user's PATH."""
_START_ATTEMPTS = 3
_POLL_S = 0.05
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


class ServerDidNotStartError(RuntimeError):
    """The server ended, or did not get ready in time; the message ends with its log."""


class ServerProcess:
    """A real server as a private instance, apart from any that the system runs.

    A subclass names what it runs and writes its configuration::

        class RedisServer(ServerProcess):
            name = "redis-server"
            package = "redis-server"
            programs = ("redis-server",)

            def configure(self) -> list[str]:
                return [self.program("redis-server"), "--port", str(self.port), "--dir", str(self.folder)]

    Used as a context manager it is ready on entering; on leaving, it, its descendants and its folder are gone.

    :param host: the loopback address that it listens on
    """

    name: ClassVar[str]
    """How messages and the log file call it."""
    package: ClassVar[str]
    """The Debian package that has it."""
    programs: ClassVar[tuple[str, ...]]
    """The programs it runs, by name or absolute path."""
    user: ClassVar[str | None] = None
    """The account it runs under where we are root; the folder is given to that account. None keeps ours."""
    start_limit_s: ClassVar[float] = 30.0

    folder: Path
    """Its folder, from the start until the stop."""

    def __init__(self, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self._group: ProcessGroup | None = None

    @classmethod
    def missing(cls) -> str | None:
        """Why this machine cannot run it; None where it can."""
        absent = [program for program in cls.programs if shutil.which(program, path=SEARCH_PATH) is None]
        return f"{', '.join(absent)} not installed (Debian: {cls.package})" if absent else None

    @classmethod
    def program(cls, name: str) -> str:
        """The absolute path of a program."""
        found = shutil.which(name, path=SEARCH_PATH)
        if found is None:
            raise FileNotFoundError(f"{name} is not installed (Debian: {cls.package})")
        return found

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    def configure(self) -> Sequence[str]:
        """Write the configuration into :attr:`folder`; give the command, which must stay in the foreground."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What its environment has beyond the bare one (PATH, HOME, LC_ALL)."""
        return {}

    def is_ready(self) -> bool:
        """Whether it serves: here, whether it accepts connections."""
        return accepts(self.host, self.port)

    def free_port(self) -> int:
        """A port that is free now, for a second listener."""
        return free_port(self.host)

    def connection(self) -> socket.socket:
        """A connection to it, as any client makes one."""
        return socket.create_connection(self.address, timeout=5)

    def log(self) -> str:
        """All that it has said so far."""
        path = self.folder / f"{self.name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> Self:
        """Start it and wait until it is ready.

        :raises ServerDidNotStartError: with the end of its log
        """
        for attempt in range(_START_ATTEMPTS):
            self.port = free_port(self.host)
            try:
                self._start_once()
            except ServerDidNotStartError:
                self.stop()
                # Somebody else may have taken a port before the server did.
                if attempt == _START_ATTEMPTS - 1:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                break
        return self

    def stop(self) -> None:
        """End it with all its descendants and remove its folder; may be called twice."""
        if self._group is not None:
            self._group.stop()
            self._group = None
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _start_once(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"testbed-{self.name}-"))
        command = [*self._as_user(), *self.configure()]
        self._give_to_user()
        kept = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
        bare = {**kept, "PATH": SEARCH_PATH, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        self._group = ProcessGroup(environment={**bare, **self.environment()}, folder=self.folder)
        process = self._group.start(self.name, command)
        deadline = time.monotonic() + self.start_limit_s
        while not self.is_ready():
            if process.poll() is not None:
                raise ServerDidNotStartError(f"{self.name} ended with {process.poll()}:\n{process.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerDidNotStartError(
                    f"{self.name} was not ready within {self.start_limit_s:g} s:\n{process.log_tail()}"
                )
            time.sleep(_POLL_S)

    def _as_user(self) -> list[str]:
        if self.user is None or os.geteuid() != 0:
            return []
        group = pwd.getpwnam(self.user).pw_gid
        return [self.program("setpriv"), f"--reuid={self.user}", f"--regid={group}", "--init-groups", "--"]

    def _give_to_user(self) -> None:
        if self.user is None or os.geteuid() != 0:
            return
        for path in (self.folder, *self.folder.rglob("*")):
            shutil.chown(path, self.user)


def accepts(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
