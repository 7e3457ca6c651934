"""Programs that the lab runs behind its services, and that end with it, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

SEARCH_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
"""Debian keeps servers in folders that are not on a user's PATH."""
STOP_LIMIT_S: Final = 5.0
_PROXIES: Final = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})
# The shell lives as long as its standard input is open at our end, which the system closes when the lab dies.
_KEEPER: Final = '"$@" & child=$!; read -r _; kill -INT $child; wait $child; cd / && rm -rf -- "$0"'


class ProgramError(Exception):
    """A program did not start; the message says which, and what it said."""


def find_program(name: str) -> str | None:
    """:return: the absolute path of a program; None: it is not installed"""
    return shutil.which(name, path=SEARCH_PATH)


class Program:
    """A running program.

    :param name: as messages call it
    """

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self._process = process

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
    ) -> Program:
        """Start a program that ends by SIGINT.

        :param command: in the foreground; the program by its absolute path
        :param folder: where it runs; it goes with the program
        """
        return cls(name, await _run(["/bin/sh", "-c", _KEEPER, str(folder), *command], folder, environment or {}))

    @classmethod
    async def start_reading(
        cls, name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
    ) -> Program:
        """Start a program that itself ends with its standard input."""
        return cls(name, await _run(list(command), folder, environment or {}))

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self._process.returncode is not None

    async def line(self) -> str:
        """The next line that it says.

        :raises ProgramError: it ended
        """
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise ProgramError(f"{self.name} ended with {await self._process.wait()}")
        return line.decode("utf-8", "replace").rstrip()

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def stop(self) -> None:
        """End it with all that it started; may be called twice."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._drained()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._drained()

    async def _drained(self) -> None:
        """Wait until it has ended; what it still says is read, so that it can."""
        assert self._process.stdout is not None
        while await self._process.stdout.read(65536):
            pass
        await self._process.wait()


async def run_to_end(command: Sequence[str], *, folder: Path, limit_s: float, said: str = "") -> None:
    """Run a program that ends by itself.

    :param said: what it reads
    :raises ProgramError: it failed, or took longer than that
    """
    process = await _run(list(command), folder, {})
    try:
        async with asyncio.timeout(limit_s):
            answered, _ = await process.communicate(said.encode())
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if isinstance(error, TimeoutError):
            raise ProgramError(f"{command[0]} had not ended after {limit_s:g} s") from None
        raise
    if process.returncode:
        raise ProgramError(
            f"{command[0]} ended with {process.returncode}: {answered.decode('utf-8', 'replace')[-500:]}"
        )


async def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> Process:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    bare = {**kept, "PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8", **environment}
    try:
        return await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=bare, stdin=PIPE, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
    except OSError as error:
        raise ProgramError(f"{command[0]} cannot be run: {error.strerror}") from None
