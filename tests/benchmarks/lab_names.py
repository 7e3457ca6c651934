"""The lab's DNS servers: queries a second on one core, over UDP, from a process of its own.

``python -m tests.benchmarks.lab_names`` measures this alone; it needs nothing but the package.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import dns.message

GOAL_PER_S = 1_000
QUERIES = 5_000
OUTSTANDING = 50
NAMES = {
    "a name by its private endpoint's zone": ("hub", "storageaccounta.blob.core.windows.net"),
    "a public name, two aliases": ("lone", "storageaccounta.blob.core.windows.net"),
    "by a rule and an inbound endpoint": ("spoke", "fabrikam.vault.azure.net"),
    "no such name": ("hub", "partner.privatelink.blob.core.windows.net"),
}
_SERVE = """
import os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from airflow_provider_netconn.lab.testing import AzureLab
from tests.lab.names import landscape
lab = AzureLab(landscape.SEED)
landscape.complete(lab)
print(*(f"{name}={port}" for name in ("hub", "lone", "spoke")
        for port in (lab.name_server(landscape.network_id(name))[1],)), flush=True)
sys.stdin.read()
lab.stop()
"""


def queries(runs: int) -> None:
    """Print how many queries a second the lab answers on one core."""
    with _served() as (process, ports):
        print(f"\nDNS of the lab, one core, {QUERIES} queries over UDP, median of {runs} (goal {GOAL_PER_S}/s)")
        for what, (network, name) in NAMES.items():
            rates, costs = zip(*(_measured(process, ports[network], name) for _ in range(runs)), strict=True)
            # What others do on the machine takes from the rate, and not from what an answer costs.
            on_one_core = 1000 / median(costs)
            verdict = "met" if on_one_core >= GOAL_PER_S else "not met"
            told = f"{median(rates):6.0f}/s, {on_one_core:6.0f} per second of the core"
            print(f"  {what:40} {told} ({verdict})", flush=True)


@contextmanager
def _served() -> Iterator[tuple[int, dict[str, int]]]:
    """A lab on one core; its process and the ports of its networks' servers."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the lab did not start")
        yield process.pid, {name: int(port) for name, _, port in (word.partition("=") for word in line.split())}
        process.communicate()


def _measured(process: int, port: int, name: str) -> tuple[float, float]:
    """:return: answers a second, and milliseconds of the lab's CPU time for each"""
    wire = bytearray(dns.message.make_query(name, "A", use_edns=0).to_wire())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        before, started = _cpu_s(process), time.perf_counter()
        sent = received = 0
        while received < QUERIES:
            while sent < QUERIES and sent - received < OUTSTANDING:
                wire[:2] = (sent & 0xFFFF).to_bytes(2)
                client.send(wire)
                sent += 1
            if not select.select([client], [], [], 5)[0]:
                raise RuntimeError(f"{sent - received} queries are not answered")
            while received < sent:
                try:
                    client.recv(4096)
                except BlockingIOError:
                    break
                received += 1
        took = time.perf_counter() - started
        return QUERIES / took, (_cpu_s(process) - before) / QUERIES * 1000


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    queries(3)
