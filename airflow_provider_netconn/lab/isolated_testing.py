"""An isolated lab for tests: a process of its own, in whose networks programs run and packets get through or do not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from airflow_provider_netconn.lab import environment
from airflow_provider_netconn.lab.admin_client import AdminClient
from airflow_provider_netconn.lab.clients import LabClients
from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.state import read_state

_LAB: Final = (sys.executable, "-m", "airflow_provider_netconn.lab")
_START_LIMIT_S: Final = 300.0
"""Azurite may have to be installed first."""


class IsolatedAzureLab(LabClients):
    """A running isolated lab, as tests use it: ``netconn lab up --isolated`` and the commands beside it.

    :param seed: a YAML file, or the name of a landscape that comes with the lab; None for the default one
    :param options: further words for ``up``, such as ``--publish``, ``8080:10.20.0.254:8080``
    :param variables: environment variables of the lab, besides our own
    :raises LabError: it did not start; this machine may not let it have a network of its own
    """

    def __init__(
        self, seed: str | Path | None = None, *, options: Iterable[str] = (), variables: Mapping[str, str] | None = None
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="netconn-lab-")
        self.state_file = Path(self._folder.name) / "lab.json"
        seeded = ["--seed", str(seed)] if seed is not None else []
        try:
            self._command("up", "--isolated", "--detach", "--speed", "instant", *seeded, *options, variables=variables)
            self.state = read_state(self.state_file)
        except BaseException:
            self._folder.cleanup()
            raise
        self.ca_file = str(self.state["ca_file"])
        self._admin = AdminClient(self.state)

    def _command(self, command: str, *words: str, variables: Mapping[str, str] | None = None) -> None:
        done = subprocess.run(  # noqa: S603 - this very program
            [*_LAB, command, "--state", str(self.state_file), *words],
            env={**os.environ, **(variables or {})},
            capture_output=True,
            text=True,
            timeout=_START_LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise LabError(done.stderr.strip().removeprefix("netconn lab: ") or f"{command} ended {done.returncode}")

    def stop(self) -> None:
        """End the lab, and every program inside; may be called twice."""
        if self.state_file.exists():
            self._command("down")
        self._folder.cleanup()

    def reset(self) -> None:
        """Return to the seed: no fault, an empty journal, the machine's time."""
        self.ask("POST", "/reset")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the admin API, which the commands use as well.

        :raises LabError: it refuses, in its words
        """
        return self._admin.ask(method, path, body)

    # -- where it is, and as whom to ask it ------------------------------------------------------

    @property
    def arm_url(self) -> str:
        """Resource Manager; from outside, and from inside as well."""
        return str(self.state["arm_url"])

    @property
    def authority_url(self) -> str:
        """Entra ID; the authority of a tenant is this and its id."""
        return str(self.state["authority_url"])

    @property
    def subscription_id(self) -> str:
        """The first subscription of the owner's tenant."""
        return str(self.state["subscription_id"])

    def application(self, principal: str | None) -> tuple[str, str, str]:
        """Tenant, application id and secret of an application of the seed; by default the owner."""
        wanted = principal or self.state["owner"]
        for one in self.state["principals"]:
            if one["name"] == wanted and one["client_secret"]:
                return one["tenant_id"], one["app_id"], one["client_secret"]
        raise LabError(f"principal {wanted!r}: the seed has no application of that name with a secret")

    def environment(self, principal: str | None = None) -> dict[str, str]:
        """Environment variables for clients outside; programs inside have them by themselves."""
        return environment.variables(self.state, principal)

    # -- inside ----------------------------------------------------------------------------------

    def start(
        self, place: str | None, *command: str, publish: Iterable[str] = (), **options: Any
    ) -> subprocess.Popen[str]:
        """Start a program inside.

        :param place: where: see ``netconn lab exec --as``
        :param publish: ports of this machine that lead to the program's: ``HOSTPORT:PORT``
        :param options: for ``subprocess.Popen``; unless told otherwise its output is piped
        """
        words = ["--as", place] if place is not None else []
        words += [word for one in publish for word in ("--publish", one)]
        piped: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        inside = [*_LAB, "exec", "--state", str(self.state_file), *words, "--", *command]
        return subprocess.Popen(inside, text=True, **piped)  # noqa: S603 - what the test wants to run

    def run(
        self, place: str | None, *command: str, check: bool = True, timeout_s: float = 60, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end.

        :param check: whether an exit status other than 0 is an error
        :raises subprocess.CalledProcessError: then; what it said is in its notes
        :raises subprocess.TimeoutExpired: it took longer; it has been ended
        """
        with self.start(place, *command, **options) as program:
            try:
                said, errors = program.communicate(timeout=timeout_s)
            except BaseException:
                program.kill()
                raise
        if check and program.returncode:
            failure = subprocess.CalledProcessError(program.returncode, command, said, errors)
            failure.add_note(errors or "")
            raise failure
        return subprocess.CompletedProcess(command, program.returncode, said, errors)

    def machine(self, place: str | None = None) -> dict[str, Any]:
        """The machine that programs at a place run on: its ``address``, ``public_address``, ``place``, ``subnet``."""
        found: dict[str, Any] = self.ask("POST", "/machines", {"as": place} if place is not None else {})
        return found

    def packets(self, place: str | None = None) -> dict[str, int]:
        """How many packets programs at a place have sent, by the address that they were for."""
        machine, sent = self.machine(place)["address"], dict[str, int]()
        for one in self.ask("GET", "/packets")["seen"]:
            if one["from"] == machine:
                sent[one["to"]] = sent.get(one["to"], 0) + one["packets"]
        return sent

    def fault(self, fault: str, **rule: Any) -> int:
        """Have requests, names, connections or packets fail until :meth:`remove_fault` or a reset.

        :param fault: of the catalogue, such as ``packets-drop``
        :param rule: the other parts of :class:`~airflow_provider_netconn.lab.faults.FaultRule`
        :return: its number
        :raises LabError: there is no such fault, or this machine cannot do it
        """
        return int(self.ask("POST", "/faults", {"fault": fault, **rule})["id"])

    def remove_fault(self, number: int) -> None:
        """Have what was told fail no more.

        :raises LabError: there is none of that number
        """
        self.ask("DELETE", f"/faults/{number}")
