"""Azurite, Microsoft's emulator of Azure Storage, behind the lab's storage accounts: one process for all of them.

It is looked for where ``$NETCONN_LAB_AZURITE`` says, on the PATH, and in the user's cache; where it is in none of these
and npm is there, npm installs it into the cache, when the first request comes. ``NETCONN_LAB_AZURITE=none`` goes
without.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from airflow_provider_netconn.lab.services.processes import Program, ProgramError, find_program, run_to_end

ENVIRONMENT: Final = "NETCONN_LAB_AZURITE"
VERSION: Final = "3.35.0"
SERVICES: Final = ("blob", "queue", "table")
INSTALL_LIMIT_S: Final = 300.0
START_LIMIT_S: Final = 60.0
_LISTENS: Final = re.compile(
    r"Azurite (\w+) service (?:is )?successfully listen\w+ (?:at|on) http://127\.0\.0\.1:(\d+)"
)
_READ: Final = "netconn: accounts read"
_ACCOUNTS: Final = Path(__file__).with_name("azurite_accounts.cjs")


class Azurite:
    """The emulator, started when it is first asked for."""

    def __init__(self) -> None:
        self.ports: Mapping[str, int] = {}
        """Where it listens on 127.0.0.1: by service."""
        self._lock = asyncio.Lock()
        self._program: Program | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._accounts = ""
        self.missing = ""
        """Why there is none; empty while that is not known."""

    async def serve(self, accounts: Mapping[str, tuple[str, ...]]) -> bool:
        """See it running, and knowing accounts.

        :param accounts: their keys by their names
        :return: whether it does; else :attr:`missing` says why not
        """
        line = ";".join(f"{name}:{':'.join(keys)}" for name, keys in sorted(accounts.items()))
        async with self._lock:
            if self._program is not None and self._program.has_ended:
                await self._stop()
            if self._program is None and not self.missing:
                try:
                    await self._start()
                except ProgramError as error:
                    self.missing = str(error)
                    await self._stop()
            if self._program is not None and line != self._accounts:
                self._program.tell(line)
                await self._wait_for(self._program, _READ)
                self._accounts = line
            return self._program is not None

    async def stop(self) -> None:
        """End it, with all that it holds."""
        async with self._lock:
            await self._stop()

    async def _start(self) -> None:
        script = await _script()
        node = find_program("node")
        if node is None:
            raise ProgramError("there is no node on this machine, which Azurite needs")
        self._folder = tempfile.TemporaryDirectory(prefix="netconn-lab-azurite-")
        options = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        for service in SERVICES:
            options += [f"--{service}Host", "127.0.0.1", f"--{service}Port", "0"]
        self._program = await Program.start_reading(
            "Azurite", [node, "--require", str(_ACCOUNTS), str(script), *options], folder=Path(self._folder.name)
        )
        ports: dict[str, int] = {}
        while len(ports) < len(SERVICES):
            found = await self._wait_for(self._program, "listening")
            match = _LISTENS.search(found)
            if match is not None:
                ports[match[1].lower()] = int(match[2])
        self.ports = ports

    async def _stop(self) -> None:
        program, self._program, self._accounts = self._program, None, ""
        if program is not None:
            await program.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @staticmethod
    async def _wait_for(program: Program, wanted: str) -> str:
        """:return: the next line with something in it
        :raises ProgramError: it ended, or said nothing of the kind for long
        """
        said = []
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while True:
                    said.append(await program.line())
                    if wanted in said[-1]:
                        return said[-1]
        except TimeoutError:
            raise ProgramError(f"Azurite was not ready after {START_LIMIT_S:g} s; it said {said[-3:]}") from None
        except ProgramError as error:
            raise ProgramError(f"{error}; it said {said[-3:]}") from None


async def _script() -> Path:
    """Azurite's main script; installed where it has to be, and can.

    :raises ProgramError: there is none
    """
    found = _installed()
    if found is not None:
        return found
    command = _installation()
    await run_to_end(command, folder=_prefix(), limit_s=INSTALL_LIMIT_S)
    return _cached().resolve()


def have_installed() -> None:
    """See Azurite on this machine, if it can be had: for a lab that will not reach the registry of npm later."""
    with contextlib.suppress(ProgramError, OSError, subprocess.SubprocessError):
        if _installed() is None:
            command = _installation()
            sys.stderr.write("netconn lab: npm installs Azurite; that takes a minute, the first time\n")
            subprocess.run(command, capture_output=True, timeout=INSTALL_LIMIT_S, check=True)  # noqa: S603


def _installation() -> list[str]:
    """:return: the command that installs Azurite into the cache, whose folder is there then
    :raises ProgramError: there is no npm
    """
    npm = find_program("npm")
    if npm is None:
        raise ProgramError("there is neither Azurite on this machine nor npm, which could install it")
    with contextlib.suppress(OSError):
        _prefix().mkdir(parents=True, exist_ok=True)
    options = ["--no-save", "--no-audit", "--no-fund", "--prefix", str(_prefix())]
    return [npm, "install", *options, f"azurite@{VERSION}"]


def _installed() -> Path | None:
    """:return: the script, where it is installed already
    :raises ProgramError: none is wanted, or it is not where it is said to be
    """
    named = os.environ.get(ENVIRONMENT)
    if named == "none":
        raise ProgramError(f"{ENVIRONMENT} is none")
    for candidate in (named, find_program("azurite"), str(_cached())):
        if candidate and Path(candidate).exists():
            return Path(candidate).resolve()
    if named:
        raise ProgramError(f"{ENVIRONMENT} names {named}, which is not there")
    return None


def _prefix() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return folder / "netconn" / f"azurite-{VERSION}"


def _cached() -> Path:
    return _prefix() / "node_modules" / ".bin" / "azurite"
