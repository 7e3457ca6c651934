"""Run a script in a network and mount namespace of its own: real addresses, routes and filters, no privileges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from airflow_provider_netconn.evidence import Verdict, from_json

PROJECT = Path(__file__).parents[2]
NAMESPACES = ["unshare", "--net", "--mount", "--propagation", "private"]
TOOLS = ("unshare", "ip", "nft")


@cache
def why_not() -> str | None:
    """Why this machine cannot isolate a network; None where it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_environment()["PATH"]) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian: util-linux, iproute2, nftables)"
    tried = run_isolated("ip link set lo up && nft list ruleset")
    return None if tried.returncode == 0 else f"no network namespace here: {tried.stderr.strip()}"


def run_isolated(script: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a shell script as root of a new network and mount namespace, in a user namespace where we are not root.

    ``$PYTHON`` is this interpreter; the project's root is the working directory.
    """
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return subprocess.run(
        [*NAMESPACES, *user, "--", "sh", "-euc", script],
        cwd=PROJECT,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def verdict_with_system_resolver(
    *, hosts: str, resolv_conf: str, zone: str, target: str, databases: str = "files dns"
) -> Verdict:
    """The verdict on a target where /etc/hosts, /etc/resolv.conf and the nameserver on port 53 are as given.

    :param zone: sets the answers of ``dns``, in Python
    :param databases: where the system looks for hosts, in the order of ``nsswitch.conf``
    """
    if why_not():
        pytest.skip(why_not() or "")
    ran = run_isolated(f"""
ip link set lo up
directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
printf '%b' '{hosts}' > "$directory/hosts"
printf '%b' '{resolv_conf}' > "$directory/resolv.conf"
printf 'hosts: {databases}\\n' > "$directory/nsswitch.conf"
for file in hosts resolv.conf nsswitch.conf; do
  mount --bind "$directory/$file" "$(readlink -f /etc/$file)"
done
$PYTHON - <<'SCRIPT'
import json
from airflow_provider_netconn.checks import CheckOptions, check, parse_target
from airflow_provider_netconn.evidence import Stage, to_json
from testbed.endpoints import DnsServer
with DnsServer(port=53) as dns:
    {zone}
    target = parse_target("{target}")
    report = check([target], CheckOptions(timeout_s=2, retries=0, last_stage=Stage.ADDRESS))
print(json.dumps(to_json(report.verdicts[0])))
SCRIPT
""")
    assert ran.returncode == 0, ran.stderr
    return from_json(Verdict, json.loads(ran.stdout))


def _environment() -> dict[str, str]:
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
    return {
        **kept,
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "PYTHON": sys.executable,
        "PYTHONPATH": str(PROJECT),
    }
