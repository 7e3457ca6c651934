"""Run a script in a network and mount namespace of its own: real addresses, routes and filters, no privileges."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

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


def _environment() -> dict[str, str]:
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
    return {
        **kept,
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "PYTHON": sys.executable,
        "PYTHONPATH": str(PROJECT),
    }
