"""Run inside of a network of its own: check by this process, by helpers on uvloop, and by helpers without it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from airflow_provider_netconn.checks import CheckOptions, parse_target, run_check
from testbed.endpoints import (
    CertificateAuthority,
    ClosedPort,
    DnsServer,
    GreetingServer,
    HandshakeRefuser,
    HttpServer,
    Refusal,
    SilentServer,
    self_signed,
)
from tests.e2e.causes.in_network import PORT
from tests.e2e.causes.scenes.connect import IN_NETWORK

NETWORKS = ("10.9.0.0/16", "10.99.0.0/16", "127.0.0.0/8", "::1/128")
HELPERS = 2


def at(server):
    """Host and port."""
    return f"{server.host}:{server.port}"


def servers(stack):
    """All that a probe may meet, as targets."""
    authority = CertificateAuthority()
    shown = (authority.issue("127.0.0.1"), authority.expired("127.0.0.1"), authority.issue("other.example.net"))
    secure = [HttpServer(tls=one.server_context()) for one in (*shown, self_signed("127.0.0.1"))]
    refusing = [HandshakeRefuser(refusal) for refusal in Refusal]
    others = [SilentServer(), ClosedPort(), GreetingServer()]
    web = HttpServer()
    for server in (*secure, *refusing, *others, web):
        stack.enter_context(server)
    stack.enter_context(GreetingServer(port=PORT))
    yield f"http://{at(web)}/"
    yield from (f"https://{at(server)}/" for server in (*secure, *refusing, *others, web))
    yield from (f"postgres://{at(server)}" for server in others)
    for manner in ("in_the_handshake", "in_packets_of_tds"):
        command = [sys.executable, "-m", "tests.e2e.probing.flood", manner]
        flood = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(flood.kill)
        assert flood.stdout is not None
        address = f"127.0.0.1:{int(flood.stdout.readline())}"
        yield f"tds://{address}" if manner == "in_packets_of_tds" else f"tls://{address}"
    yield from ("https://there.example.net:443/", "https://nowhere.example.net/", "https://broken.example.net/")
    yield from (target for target, *_ in IN_NETWORK)
    authority.write_pem(Path("ca.pem"))


def verdicts(targets, helpers):
    """What is said of each target, and which loops the helpers had."""
    loops = set()

    def look(*_):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        helping = [child for child in children if b"checks.helper" in Path(f"/proc/{child}/cmdline").read_bytes()]
        loops.update(
            "uvloop" if "/uvloop/" in Path(f"/proc/{child}/maps").read_text() else "asyncio" for child in helping
        )

    options = CheckOptions(timeout_s=1.5, retries=0, ca_files=("ca.pem",), use_proxy=False)
    report = asyncio.run(run_check(targets, options, helpers=helpers, on_verdict=look))
    said = [
        [verdict.target, verdict.cause, [[result.stage, result.finding] for result in verdict.stages]]
        for verdict in report.verdicts
    ]
    return {"loops": sorted(loops), "said": said}


def main():
    """Print what is said in each of the three ways."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        dns = stack.enter_context(DnsServer(port=53))
        dns.set("there.example.net", "127.0.0.1", "127.0.0.2")
        os.chdir(folder)
        targets = [parse_target(target, expect_networks=NETWORKS) for target in servers(stack)]
        ways = {"here": verdicts(targets, 0), "uvloop": verdicts(targets, HELPERS)}
        Path("uvloop.py").write_text("raise ImportError('as if it were not installed')\n")
        sys.path.insert(0, folder)  # helpers get it as theirs
        print(json.dumps(ways | {"asyncio": verdicts(targets, HELPERS)}))


if __name__ == "__main__":
    main()
