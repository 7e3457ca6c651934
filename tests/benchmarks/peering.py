"""A peering on both sides, by the operator and by azure-cli, turn about on one lab: how long each takes.

As a program it is the task's process: it runs the operator on the networks that it is told, and prints its times.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from airflow_provider_netconn.lab import environment
from tests.benchmarks import lab_load
from tests.lab.azure_cli.running_az import PROGRAMS, clean_environment, run_recipe

GOAL = 0.25
CONN_ID = "azure_benchmark"
GROUP = "peerings"


def compare(folder: Path, runs: int) -> None:
    """Measure both, and print what they took."""
    print("\npeering, both sides:")
    if not (PROGRAMS / "az").exists():
        print("  not measured: there is no azure-cli; make it with: sh scripts/bootstrap_environment.sh azure-cli")
        return
    with lab_load.running(folder) as lab:
        networks = _networks(lab, 2 * runs + 1)
        variables = run_recipe(environment.azure_cli(lab.state), folder)
        az_environment = clean_environment() | variables
        _by_operator(lab.state, networks[-1])  # what is compiled and cached once, is now
        _az("version", az_environment)
        ours, theirs, starts = [], [], []
        for number in range(runs):
            ours.append(_by_operator(lab.state, networks[2 * number]))
            theirs.append(_by_azure_cli(networks[2 * number + 1], az_environment))
            starts.append(_az("version", az_environment))
    _report(ours, theirs, median(starts))


def _report(ours: list[dict[str, float]], theirs: list[list[float]], start_s: float) -> None:
    first, again, process = (median(run[name] for run in ours) for name in ("first_s", "again_s", "process_s"))
    total = median(sum(run) for run in theirs)
    count = len(theirs[0])
    print(f"  az: {total:.2f} s in {count} processes; of that {count} starts of {start_s:.2f} s each (az version)")
    print(
        f"  the operator's execute: {first:.2f} s, the SDK's import included: {first / total:.2f} of az (goal: {GOAL})"
    )
    print(f"    a second one in the same process: {again:.2f} s, {again / total:.2f} of az", flush=True)
    if total > count * start_s:
        net = total - count * start_s
        print(f"    az without its starts: {net:.2f} s; the second execute is {again / net:.2f} of that")
    print(
        f"  a whole process with it, Airflow's import included: {process:.2f} s, {process / total:.2f} of az",
        flush=True,
    )


def _networks(lab: lab_load.Lab, pairs: int) -> list[tuple[str, str, str, str]]:
    """Pairs of networks for each turn: two for the operator's two executes, or one for azure-cli."""
    from airflow_provider_netconn.azure.blocking import BlockingSession
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.settings import AzureSettings, SignIn

    who = next(one for one in lab.state["principals"] if one["name"] == lab.state["owner"])
    settings = AzureSettings(
        sign_in=SignIn.CLIENT_SECRET, tenant_id=who["tenant_id"], client_id=who["app_id"],
        client_secret=who["client_secret"], arm_url=lab.state["arm_url"], authority_url=lab.state["authority_url"],
        ca_file=lab.state["ca_file"],
    )  # fmt: skip
    group = f"/subscriptions/{lab.state['subscription_id']}/resourceGroups/{GROUP}"
    ids = [f"{group}/providers/Microsoft.Network/virtualNetworks/n{number}" for number in range(4 * pairs)]

    async def make(azure: AzureSession) -> None:
        await azure.arm.put(group, {"location": "westeurope"}, api_version="2021-04-01")
        for number, network in enumerate(ids):
            space = {"addressSpace": {"addressPrefixes": [f"10.{number // 256}.{number % 256}.0/24"]}}
            await azure.arm.put(network, {"location": "westeurope", "properties": space}, api_version="2024-05-01")

    with BlockingSession(AzureSession(settings)) as azure:
        azure.run(make)
    return [tuple(ids[4 * pair : 4 * pair + 4]) for pair in range(pairs)]  # type: ignore[misc]


# -- by azure-cli -------------------------------------------------------------------------------------


def _by_azure_cli(networks: tuple[str, ...], variables: Mapping[str, str]) -> list[float]:
    """Make one side, make the other, and see that the first is Connected: what the operator does; gives each time."""
    here, there = networks[:2]
    names = [network.rpartition("/")[2] for network in (here, there)]
    create = "network vnet peering create -g {} -n to-{} --vnet-name {} --remote-vnet {} --allow-vnet-access"
    show = f"network vnet peering show -g {GROUP} -n to-{names[1]} --vnet-name {names[0]} --query peeringState -o tsv"
    return [
        _az(create.format(GROUP, names[1], names[0], there), variables),
        _az(create.format(GROUP, names[0], names[1], here), variables),
        _az(show, variables, expected="Connected"),
    ]


def _az(command: str, variables: Mapping[str, str], expected: str = "") -> float:
    began = time.perf_counter()
    ran = subprocess.run(
        [str(PROGRAMS / "az"), *shlex.split(command)], env=dict(variables), capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - began
    if ran.returncode or (expected and ran.stdout.strip() != expected):
        raise RuntimeError(f"az {command}: {ran.stdout} {ran.stderr}")
    return took


# -- by the operator ----------------------------------------------------------------------------------


def _by_operator(state: Mapping[str, Any], networks: tuple[str, ...]) -> dict[str, float]:
    """A process that runs the operator twice, each time on two networks of its own; gives its times."""
    who = next(one for one in state["principals"] if one["name"] == state["owner"])
    extra = {name: state[name] for name in ("arm_url", "authority_url", "ca_file")}
    extra |= {"tenantId": who["tenant_id"], "subscriptionId": state["subscription_id"]}
    connection = {
        "conn_type": "azure_network",
        "login": who["app_id"],
        "password": who["client_secret"],
        "extra": extra,
    }
    variables = {**os.environ, f"AIRFLOW_CONN_{CONN_ID.upper()}": json.dumps(connection)}
    began = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.peering", *networks]
    ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if ran.returncode:
        raise RuntimeError(f"the operator's process failed: {ran.stderr[-2000:]}")
    times: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return {**times, "process_s": took - times["again_s"]}


class _TaskInstance:
    def xcom_push(self, key: str, value: Any) -> None:
        """Nobody reads it."""


def _task(networks: list[str]) -> None:
    from airflow_provider_netconn.operators.virtual_network_peering import VirtualNetworkPeeringOperator

    times = {}
    for name, (here, there) in (("first_s", networks[:2]), ("again_s", networks[2:])):
        operator = VirtualNetworkPeeringOperator(
            task_id=name,
            azure_conn_id=CONN_ID,
            virtual_network_id=here,
            remote_virtual_network_id=there,
            deferrable=False,
        )
        began = time.perf_counter()
        seen = operator.execute({"ti": _TaskInstance()})  # type: ignore[typeddict-item]
        times[name] = time.perf_counter() - began
        assert (seen["local"]["status"], seen["remote"]["status"]) == ("connected", "connected"), seen
    print(json.dumps(times))


if __name__ == "__main__":
    _task(sys.argv[1:])
