"""Azurite, Microsoft's emulator of Azure Storage, from its npm package; listens on loopback alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VERSION = "3.35.0"
ACCOUNT = "devstoreaccount1"
# The emulator's own published key, the same everywhere:
# https://learn.microsoft.com/en-us/azure/storage/common/storage-connect-azurite
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
INSTALL_PATIENCE_S = 300.0
START_PATIENCE_S = 30.0


class AzuriteMissingError(RuntimeError):
    """It cannot be had on this machine; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Azurite:
    """A running blob service."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """The account's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """As the emulator's documentation writes it."""
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.url};"


def install(folder: Path) -> Path:
    """The program, installed into the folder unless it is there.

    :raises AzuriteMissingError: there is no npm, or it cannot install
    """
    program = folder / "node_modules" / ".bin" / "azurite-blob"
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise AzuriteMissingError("there is no npm and node on this machine, which Azurite needs")
    command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder), f"azurite@{VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        raise AzuriteMissingError("npm did not install Azurite in time") from None
    if done.returncode or not program.exists():
        raise AzuriteMissingError(f"npm could not install Azurite: {done.stderr.strip()[-300:]}")
    return program


@contextlib.contextmanager
def running(program: Path, folder: Path) -> Iterator[Azurite]:
    """Azurite on a free port, with its data in memory; ended with all its processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "azurite.log"
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    options += ["--skipApiVersionCheck", "--disableTelemetry"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield Azurite(port=port, log=log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Azurite ended at once: {log.read_text()[-2000:]}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError(f"Azurite did not listen in time: {log.read_text()[-2000:]}")
