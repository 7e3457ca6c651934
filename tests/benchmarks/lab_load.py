"""The lab under load: how soon it is ready, how many requests it answers on one core, what many resources take."""

from __future__ import annotations

import asyncio
import json
import os
import random
import ssl
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp

RATE_GOAL, MEMORY_GOAL_MB, READY_GOAL_S, CLEAN_GOAL_MS = 200, 300, 3.0, 50
CONNECTIONS = 8
START_LIMIT_S = 30
NETWORK = "Microsoft.Network"
VERSIONS = {"resourceGroups": "2021-04-01", "roleAssignments": "2022-04-01"}
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
SCOPED_ASSIGNMENTS = 100
"""Assignments that the enforcement has to look past."""


@dataclass
class Lab:
    """A lab in a process of its own.

    :param state: what its state file tells
    :param ready_s: how long it took from its start to its state file
    """

    process: subprocess.Popen[bytes]
    state: dict[str, Any]
    ready_s: float

    @property
    def memory_mb(self) -> float:
        """Resident memory, in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_s(self) -> float:
        """Processor time so far, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(folder: Path) -> Iterator[Lab]:
    """A lab, on one core where there are several, until the block ends."""
    state = folder / f"state-{uuid.uuid4().hex[:8]}.json"
    command = [sys.executable, "-m", "airflow_provider_netconn.lab", "up", "--state", str(state), "--speed", "instant"]
    cores = sorted(os.sched_getaffinity(0))
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, cores[:1])
    try:
        while not state.exists():
            if process.poll() is not None or time.perf_counter() - began > START_LIMIT_S:
                raise RuntimeError("the lab did not start")
            time.sleep(0.01)
        yield Lab(process, json.loads(state.read_text()), time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait()


@dataclass
class Client:
    """Sends requests over connections that it keeps.

    :param tokens: by principal
    """

    session: aiohttp.ClientSession
    lab: Lab
    tokens: dict[str, str]
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    async def send(self, method: str, path: str, body: Any = None, *, who: str = "automation") -> int:
        """Send one request; gives the answer's status."""
        parts = path.split("/")
        version = VERSIONS.get(parts[-2] if len(parts) % 2 else parts[-1], "2024-05-01")
        began = time.perf_counter()
        async with self.session.request(
            method,
            f"{self.lab.state['arm_url']}{path}",
            params={"api-version": version},
            json=body,
            headers={"Authorization": f"Bearer {self.tokens[who]}"},
        ) as answer:
            await answer.read()
        self.latencies_s.append(time.perf_counter() - began)
        self.statuses[answer.status] += 1
        return answer.status

    @property
    def group(self) -> str:
        """The resource group in which all happens."""
        return f"/subscriptions/{self.lab.state['subscription_id']}/resourceGroups/load"

    def network(self, name: object) -> str:
        """The id of a network."""
        return f"{self.group}/providers/{NETWORK}/virtualNetworks/load-{name}"


def network_body(number: int, **tags: str) -> dict[str, Any]:
    """A network of its own range, with two subnets."""
    prefix = f"10.{number // 256 % 256}.{number % 256}"
    subnets = [
        {"name": name, "properties": {"addressPrefix": f"{prefix}.{start}/26"}} for name, start in (("a", 0), ("b", 64))
    ]
    properties = {"addressSpace": {"addressPrefixes": [f"{prefix}.0/24"]}, "subnets": subnets}
    return {"location": "westeurope", "tags": tags, "properties": properties}


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Run on the cores that the lab is not on."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


async def _connected(lab: Lab) -> Client:
    trust = ssl.create_default_context(cafile=lab.state["ca_file"])
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=trust)
    session = aiohttp.ClientSession(connector=connector)
    tokens = {name: await _token(session, lab, name) for name in ("automation", "airflow", "reader")}
    client = Client(session, lab, tokens)
    await client.send("PUT", client.group, {"location": "westeurope"})
    principals = {one["name"]: one["object_id"] for one in lab.state["principals"]}
    roles = f"/subscriptions/{lab.state['subscription_id']}/providers/Microsoft.Authorization/roleDefinitions"
    for number in range(SCOPED_ASSIGNMENTS):
        await client.send("PUT", client.network(number), network_body(number))
    scopes = [(client.group, CONTRIBUTOR), *((client.network(number), READER) for number in range(SCOPED_ASSIGNMENTS))]
    for scope, role in scopes:
        properties = {"roleDefinitionId": f"{roles}/{role}", "principalId": principals["airflow"]}
        place = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        await client.send("PUT", place, {"properties": properties})
    assert set(client.statuses) <= {200, 201}, client.statuses
    return client


async def _token(session: aiohttp.ClientSession, lab: Lab, name: str) -> str:
    who = next(one for one in lab.state["principals"] if one["name"] == name)
    form = {
        "grant_type": "client_credentials",
        "client_id": who["app_id"],
        "client_secret": who["client_secret"],
        "scope": "https://management.azure.com/.default",
    }
    async with session.post(f"{lab.state['authority_url']}/{who['tenant_id']}/oauth2/v2.0/token", data=form) as answer:
        return str((await answer.json())["access_token"])


async def _mixed(client: Client, seconds: float) -> None:
    """What tests and tools do: reads, lists, creates, changes, deletes, polls; some of it without the right to."""
    client.statuses.clear()
    client.latencies_s.clear()
    until = time.perf_counter() + seconds

    async def work(lane: int) -> None:
        dice, made = random.Random(lane), 0
        while time.perf_counter() < until:
            name = f"{lane}-{dice.randrange(made)}" if made else dice.randrange(SCOPED_ASSIGNMENTS)
            roll = dice.random()
            who = "automation" if roll * 100 % 2 < 1 else "airflow"
            if roll < 0.45:
                await client.send("GET", client.network(name), who=who)
            elif roll < 0.55:
                await client.send("GET", f"{client.network(name)}/subnets", who=who)
            elif roll < 0.75:
                await client.send("PUT", client.network(f"{lane}-{made}"), network_body(lane * 256 + made), who=who)
                made += 1
            elif roll < 0.87:
                await client.send("PATCH", client.network(name), {"tags": {"at": str(roll)}}, who=who)
            elif roll < 0.95:
                await client.send("DELETE", client.network(f"{lane}-{made - 1}"), who=who)
                made = max(0, made - 1)
            else:
                await client.send("PUT", client.network(name), network_body(1), who="reader")

    await asyncio.gather(*(work(lane) for lane in range(1, CONNECTIONS + 1)))


async def _measured(lab: Lab, seconds: float, many: int) -> None:
    client = await _connected(lab)
    async with client.session:
        await _mixed(client, seconds / 4)  # what is imported or made once, is now
        await _report(client, seconds, f"{CONNECTIONS} connections")
        before = lab.memory_mb
        await _fill(client, many)
        print(f"  memory: {before:.0f} MB; with {many} resources more {lab.memory_mb:.0f} MB "
              f"(goal: under {MEMORY_GOAL_MB})", flush=True)  # fmt: skip
        await _report(client, seconds, f"with {many} resources")


async def _report(client: Client, seconds: float, words: str) -> None:
    cpu, began = client.lab.cpu_s, time.perf_counter()
    await _mixed(client, seconds)
    cpu, took = client.lab.cpu_s - cpu, time.perf_counter() - began
    count = client.statuses.total()
    worst = quantiles(client.latencies_s, n=100)[98] * 1000
    print(f"  requests, {words}: {count / took:.0f} a second on one core (goal: {RATE_GOAL}); "
          f"{cpu / count * 1000:.2f} ms of processor each; latency median {median(client.latencies_s) * 1000:.1f} ms, "
          f"99 % {worst:.1f} ms; answers {dict(sorted(client.statuses.items()))}", flush=True)  # fmt: skip


async def _fill(client: Client, many: int) -> None:
    """Each network is three resources: itself and two subnets."""
    numbers = iter(range(many // 3))

    async def work() -> None:
        for number in numbers:
            await client.send("PUT", client.network(f"many-{number}"), network_body(number))

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


def _clean(runs: int) -> float:
    """Median time that a test's clean lab takes after the first, in milliseconds."""
    from airflow_provider_netconn.lab.testing import AzureLab

    lab = AzureLab()
    try:
        times = []
        for _ in range(runs):
            lab.networks("hub", "data")
            began = time.perf_counter()
            lab.reset()
            times.append(time.perf_counter() - began)
    finally:
        lab.stop()
    return median(times) * 1000


def load(folder: Path, runs: int, *, seconds: float, many: int) -> None:
    """Measure a lab in a process of its own, and print what it did."""
    print("\nlab:")
    starts = []
    for _ in range(runs):
        with running(folder) as lab:
            starts.append(lab.ready_s)
    print(f"  ready after {median(starts):.2f} s (goal: {READY_GOAL_S:g})")
    print(f"  a clean lab for a test in {_clean(20):.1f} ms (goal: {CLEAN_GOAL_MS})", flush=True)
    with running(folder) as lab, _elsewhere():
        asyncio.run(_measured(lab, seconds, many))
