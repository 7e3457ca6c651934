"""The story of the demo, told where its tasks run: a path that is public, made private by ``dags/private_path.py``.

``python -m testbed.private_path FOLDER PORT STARTED [--keep]`` tells it inside an isolated lab, as the demo calls it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from airflow_provider_netconn.report import read, render_side_by_side
from testbed.airflow import Airflow
from testbed.showing import DemoFailedError, Stage, ending_well

ROOT = Path(__file__).resolve().parent.parent
DAG_ID = "private_path"
ACCOUNT = "contosolake"
_RUN_LIMIT_S = 170.0
_NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
_CUSTOMER = "/subscriptions/00000000-0000-4000-8000-000000000001"
_VENDOR = "/subscriptions/00000000-0000-4000-8000-000000000011"
_WORKERS = f"{_VENDOR}/resourceGroups/astro-cluster/providers/Microsoft.Network/virtualNetworks/astro-cluster"
_DATA = f"{_CUSTOMER}/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/data"
_LAKE = f"{_CUSTOMER}/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
_ASTRONOMER_AT_CUSTOMER = "00000000-0000-4000-8000-0000000000b6"


class PrivatePath:
    """The story: a real Airflow, one run of the DAG, and what the check finds before and after it.

    :param folder: of the demo; the lab's state file lies in it
    :param isolated: whether packets go the way that names lead
    :param port: the port of this machine that is forwarded to the outside; None for a free one on loopback
    """

    def __init__(self, folder: Path, stage: Stage, *, isolated: bool, port: int | None) -> None:
        self._folder = folder
        self._stage = stage
        self._isolated = isolated
        self._port = port
        self._state: Mapping[str, Any] = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        self.page = folder / "report.html"

    def run(self, *, keep: bool) -> None:
        """Tell it; all of Airflow is stopped on return, and on any exception too.

        :raises DemoFailedError: a verdict or the run's end is not what it must be
        """
        self._grant()
        airflow = Airflow(
            self._folder / "airflow",
            dags_folder=ROOT / "dags",
            environment=self._environment(),
            progress=lambda line: self._stage.say(f"Airflow: {line}"),
            published=self._port,
        )
        try:
            airflow.start()
            problems = self._make_private(airflow)
            if keep:
                self._stay(airflow)
        finally:
            self._stage.say("Stopping Airflow")
            orphans = airflow.stop()
        problems += [f"a process got away and was killed: {orphan}" for orphan in orphans]
        if problems:
            raise DemoFailedError("\n".join(problems))
        self._stage.say("The path was public, and is private now")

    def _grant(self) -> None:
        """What the customer does beforehand: let Astronomer's application peer and link their networks."""
        subject = f"{_CUSTOMER}/providers/Microsoft.Authorization"
        body = {
            "roleDefinitionId": f"{subject}/roleDefinitions/{_NETWORK_CONTRIBUTOR}",
            "principalId": _ASTRONOMER_AT_CUSTOMER,
            "principalType": "ServicePrincipal",
        }
        trust = ssl.create_default_context(cafile=self._state["ca_file"])
        answer = httpx.put(
            f"{self._state['arm_url']}{subject}/roleAssignments/00000000-0000-4000-8000-00000000aaaa",
            params={"api-version": "2022-04-01"},
            headers={"Authorization": f"Bearer {self._state['token']}"},
            json={"properties": body},
            verify=trust,
            trust_env=False,
        )
        answer.raise_for_status()

    def _environment(self) -> dict[str, str]:
        """Airflow's connections: Astronomer's into both tenants, the owner's, and the account's."""
        owner, vendor = (self._principal(name) for name in ("automation", "astronomer"))
        lake = {"conn_type": "wasb", "host": f"https://{ACCOUNT}.blob.core.windows.net"}
        here, there = vendor["tenant_id"], owner["tenant_id"]
        return {
            "AIRFLOW_CONN_AZURE_WORKERS": self._azure(vendor, here, _VENDOR, auxiliary_tenants=there),
            "AIRFLOW_CONN_AZURE_DATA": self._azure(vendor, there, _CUSTOMER, auxiliary_tenants=here),
            "AIRFLOW_CONN_AZURE_OWNER": self._azure(owner, there, _CUSTOMER),
            "AIRFLOW_CONN_WASB_LAKE": json.dumps(lake),
        }

    def _principal(self, name: str) -> Mapping[str, Any]:
        # The first of a principal's entries is its home tenant.
        return next(one for one in self._state["principals"] if one["name"] == name)

    def _azure(self, principal: Mapping[str, Any], tenant: str, subscription: str, **further: str) -> str:
        extra = {
            "tenantId": tenant,
            "subscriptionId": subscription.rpartition("/")[2],
            "arm_url": self._state["arm_url"],
            "authority_url": self._state["authority_url"],
            "ca_file": self._state["ca_file"],
            **further,
        }
        return json.dumps(
            {
                "conn_type": "azure_network",
                "login": principal["app_id"],
                "password": principal["client_secret"],
                "extra": extra,
            }
        )

    def _make_private(self, airflow: Airflow) -> list[str]:
        """Run the DAG, show what it found; gives what is not as it must be."""
        client = airflow.client
        self._stage.say(f"Waiting for Airflow to read the DAG {DAG_ID}")
        client.wait_for_dag(DAG_ID)
        client.unpause(DAG_ID)
        run_id = client.trigger(DAG_ID, self._configuration())
        self._stage.say(f"Triggered {DAG_ID}, run {run_id}")
        told: dict[str, str] = {}

        def tell(tasks: dict[str, str]) -> None:
            for task, state in tasks.items():
                if state != told.get(task) and state not in {"None", "scheduled", "queued"}:
                    self._stage.say(f"{task}: {_TOLD.get((task, state), state)}")
                told[task] = state

        state = client.wait(DAG_ID, run_id, _RUN_LIMIT_S, tell)
        reports = [self._folder / f"{name}.json" for name in ("before", "after")]
        if state != "success" or not all(report.exists() for report in reports):
            broken = next((task for task, end in told.items() if end == "failed"), "check_after")
            raise DemoFailedError(f"The run is {state}. The log of {broken}:\n{client.log(DAG_ID, run_id, broken)}")
        before, after = (read(report.read_text(encoding="utf-8")) for report in reports)
        self.page.write_text(render_side_by_side(before, after), encoding="utf-8")
        seen = [json.loads(report.read_text(encoding="utf-8"))["verdicts"] for report in reports]
        for title, verdicts in zip(("Before", "After"), seen, strict=True):
            self._stage.show(title, verdicts)
        self._stage.console.print(f"\n  Side by side: [bold]{self.page}[/bold]\n")
        return self._problems(seen)

    def _configuration(self) -> dict[str, Any]:
        found = {
            "workers_network": _WORKERS,
            "data_network": _DATA,
            "resource": _LAKE,
            "reports": str(self._folder),
        }
        if not self._isolated:
            place = self._state["dns"]["networks"]
            mine = next(one for key, one in place.items() if key.casefold() == _WORKERS.casefold())
            found["nameserver"] = f"{mine['address']}:{mine['port']}"
        return found

    def _problems(self, seen: list[list[Mapping[str, Any]]]) -> list[str]:
        found = [[verdict["path"] for verdict in verdicts] for verdicts in seen]
        problems = [] if found == [["PUBLIC"], ["PRIVATE"]] else [f"the paths must be PUBLIC and PRIVATE; are {found}"]
        outcomes = [verdict["outcome"] for verdict in seen[1]]
        if self._isolated and outcomes != ["OK"]:
            problems.append(f"over the private path the outcome must be OK; is {outcomes}")
        return problems

    def _stay(self, airflow: Airflow) -> None:
        console = self._stage.console
        console.print(f"  Airflow: [bold]{airflow.url}[/bold]")
        console.print(f"  Login:   {airflow.username} / {airflow.password}", markup=False)
        console.print("  Ctrl-C stops Airflow and the lab.\n")
        with contextlib.suppress(KeyboardInterrupt):
            while airflow.ended() is None:
                time.sleep(0.5)
            raise DemoFailedError(f"Airflow ended by itself: {airflow.ended()}\n{airflow.log_tails()}")


_TOLD: Mapping[tuple[str, str], str] = {
    ("check_before", "success"): "the check has found the path as it was",
    ("peer_networks", "success"): "the networks are peered, both sides",
    ("request_endpoint", "success"): "a private endpoint is asked for; its owner has to approve it",
    ("wait_for_approval", "deferred"): "waits for the owner, and holds no worker",
    ("wait_for_approval", "success"): "approved",
    ("approve_endpoint", "success"): "the owner approves what came with the request's own message, and nothing else",
    ("add_names", "success"): "the private zone has the account's name, and the workers' network sees it",
    ("check_after", "success"): "the check has found the path as it is now",
}
"""What the ends of tasks mean in the story."""


def main() -> int:
    """Tell the story inside a lab; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m testbed.private_path", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("started", type=float)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()

    def run() -> int:
        PrivatePath(given.folder, Stage(given.started), isolated=True, port=given.port).run(keep=given.keep)
        return 0

    return ending_well(run)


if __name__ == "__main__":
    sys.exit(main())
