"""An isolated lab as users start one, and probes that run inside it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time

import httpx

from tests.lab.packets.changes import LANDSCAPE

NETCONN = [sys.executable, "-m", "airflow_provider_netconn.cli", "lab"]
VERSIONS = {
    "microsoft.network/privatednszones": "2024-06-01",
    "microsoft.network": "2024-05-01",
    "microsoft.storage": "2023-05-01",
}
PATIENCE_S = 1.0
"""How long a probe waits for an answer; whoever answers does so within milliseconds."""

PROBE = """
import errno, json, socket, sys, time
def dial(address, port, patience):
    began = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout=patience):
            seen = "open"
    except TimeoutError:
        seen = "silence"
    except OSError as error:
        seen = errno.errorcode.get(error.errno, str(error))
    return seen, time.monotonic() - began
targets = json.loads(sys.argv[1])
print(json.dumps([dial(address, port, float(sys.argv[2])) for address, port in targets]))
"""


WITHOUT_AZURITE = {**os.environ, "NETCONN_LAB_AZURITE": "none"}
"""Storage is not what these tests are about, and to install it takes half a minute."""


class IsolatedLab:
    """A process ``netconn lab up --isolated``, and what tests ask of it.

    :param seed: its landscape; None for the one that comes with the lab
    """

    def __init__(self, folder, *words, seed=LANDSCAPE):
        self.path = folder / "lab.json"
        seeded = ["--seed", str(seed)] if seed else []
        self.lab("up", "--isolated", "--speed", "instant", "--detach", *seeded, *words)
        self.state = json.loads(self.path.read_text())
        self._http = httpx.Client(
            verify=ssl.create_default_context(cafile=self.state["ca_file"]), trust_env=False, timeout=20
        )

    def lab(self, command, *words, check=True, **options):
        """Run a command of the lab to its end."""
        options.setdefault("env", WITHOUT_AZURITE)
        ran = subprocess.run(
            [*NETCONN, command, "--state", str(self.path), *words],
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            **options,
        )
        assert ran.returncode == 0 or not check, (words, ran.returncode, ran.stdout, ran.stderr)
        return ran

    def start(self, place, *command, publish=(), **options):
        """Start a program inside."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        published = [word for one in publish for word in ("--publish", one)]
        words = ["exec", "--state", str(self.path), "--as", place, *published, "--", *command]
        return subprocess.Popen([*NETCONN, *words], **options)

    def run(self, place, *command, check=True, **options):
        """Run a program inside to its end."""
        return self.lab("exec", "--as", place, "--", *command, check=check, **options)

    def python(self, place, script, *arguments):
        """What a Python script prints inside."""
        return self.run(place, sys.executable, "-c", script, *map(str, arguments)).stdout

    def dial(self, place, *targets, patience_s=PATIENCE_S):
        """What a program sees that dials: ``open``, ``silence``, or the name of an error."""
        return [seen for seen, _ in self.dial_timed(place, *targets, patience_s=patience_s)]

    def dial_timed(self, place, *targets, patience_s=PATIENCE_S):
        """Likewise, with the seconds that it took."""
        return json.loads(self.python(place, PROBE, json.dumps(targets), patience_s))

    # -- the control plane -----------------------------------------------------------------------

    def put(self, path, body):
        self._ask("PUT", path, body)
        self._settle(path)

    def delete(self, path):
        self._ask("DELETE", path)

    def get(self, path):
        return self._ask("GET", path).json()

    def _ask(self, method, path, body=None):
        version = next(VERSIONS[name] for name in VERSIONS if f"/providers/{name}" in path.lower())
        answer = self._http.request(
            method,
            f"{self.state['arm_url']}{path}",
            params={"api-version": version},
            headers={"authorization": f"Bearer {self.state['token']}"},
            json=body,
        )
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer

    def _settle(self, path):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            properties = self.get(path).get("properties", {})
            if properties.get("provisioningState") in {None, "Succeeded", "Ready"}:
                return
        raise AssertionError(f"{path} has not settled")

    def admin(self, method, path, body=None):
        answer = self._http.request(
            method,
            f"{self.state['admin_url']}{path}",
            headers={"authorization": f"Bearer {self.state['admin_token']}"},
            json=body,
        )
        assert answer.status_code < 300, (path, answer.text)
        return answer.json() if answer.content else None

    def reset(self):
        self.admin("POST", "/reset")

    def verdict(self, place, address, port):
        """Action and reason of the lab's policy."""
        machine = self.admin("POST", "/machines", {"as": place})
        (found,) = [
            one
            for one in self.admin("GET", "/packets")["verdicts"]
            if one["from"] == machine["address"]
            and one["to"] == address
            and one["protocol"] == "tcp"
            and one["ports"][0] <= port <= one["ports"][1]
        ]
        return found["action"], found["reason"]

    def stop(self):
        self._http.close()
        if self.path.exists():
            self.lab("down", check=False)
