"""The ground that is measured on: servers on loopback, in a network and mount namespace of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from testbed.endpoints import CertificateAuthority
from tests.e2e.isolated import NAMESPACES, PROJECT

TCP_PORT, TLS_PORT, DNS_PORT, EXPORTER_PORT, CLOSED_PORT, DRIPPING_PORT = 8080, 8443, 53, 9115, 9, 8081
ZONE = "bench.example.net"
TOOLS = {
    "nginx": "nginx-light",
    "unbound": "unbound",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    "unshare": "util-linux",
    "ip": "iproute2",
}
_START_LIMIT_S = 20

_NGINX = """
daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log crit;
events {{ worker_connections 8000; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{tcp} backlog=4096; return 200 "ok"; }}
  server {{
    listen 127.0.0.1:{tls} ssl backlog=4096; return 200 "ok";
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
  }}
}}
"""
_UNBOUND = """
server:
  interface: 127.0.0.1
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  so-rcvbuf: 4m
  num-queries-per-thread: 4096
  module-config: "iterator"
  local-zone: "{zone}." redirect
  local-data: "{zone}. 60 IN A 127.0.0.1"
"""
# The exporter resolves both kinds of address by default, as we do; that stays. Redirects there are none.
_EXPORTER = """
modules:
  tcp: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4}}}}
  tls: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4, tls: true, tls_config: {{ca_file: {ca}}}}}}}
  https: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, tls_config: {{ca_file: {ca}}}}}}}
"""


def missing_tools() -> list[str]:
    """The Debian packages without which nothing can be measured here."""
    return [package for tool, package in TOOLS.items() if shutil.which(tool, path=_path()) is None]


def run_inside(arguments: Sequence[str]) -> int:
    """Run this suite again, in namespaces of its own; gives the exit status."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    foreign = [name for name in os.environ if name.startswith("AIRFLOW") or name.lower().endswith("_proxy")]
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    command = [*NAMESPACES, *user, "--", sys.executable, "-m", "tests.benchmarks", "--inside", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env={**environment, "PATH": _path(), "PYTHONPATH": str(PROJECT)}, check=False
    ).returncode


@contextmanager
def servers(folder: Path) -> Iterator[int]:
    """nginx, unbound and the exporter, up and answering; gives the exporter's process id."""
    authority = CertificateAuthority()
    authority.write_pem(folder / "ca.pem")
    certificate = authority.issue(f"*.{ZONE}", "127.0.0.1")
    files = {
        "chain.pem": certificate.chain_pem.decode(),
        "key.pem": certificate.key_pem.decode(),
        "nginx.conf": _NGINX.format(folder=folder, tcp=TCP_PORT, tls=TLS_PORT),
        "unbound.conf": _UNBOUND.format(folder=folder, zone=ZONE),
        "exporter.yml": _EXPORTER.format(ca=folder / "ca.pem"),
        "resolv.conf": "nameserver 127.0.0.1\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"], check=True)
    commands = (
        ["nginx", "-e", f"{folder}/nginx.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"],
        ["unbound", "-d", "-c", f"{folder}/unbound.conf"],
        ["prometheus-blackbox-exporter", f"--config.file={folder}/exporter.yml", "--log.level=error",
         f"--web.listen-address=127.0.0.1:{EXPORTER_PORT}"],
    )  # fmt: skip
    with ExitStack() as stack:
        started = [stack.enter_context(running(command)) for command in commands]
        for port in (TCP_PORT, TLS_PORT, DNS_PORT, EXPORTER_PORT):
            wait_for(port)
        yield started[-1].pid


def versions() -> list[str]:
    """What is measured, and on what, in lines."""
    import ssl

    cpu = next(
        line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    )
    exporter = _first_line("prometheus-blackbox-exporter", "--version")
    return [
        f"machine: {len(os.sched_getaffinity(0))} cores, {cpu}, Linux {os.uname().release}, "
        f"load {os.getloadavg()[0]:.1f} before",
        f"netconn: Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}",
        f"exporter: {exporter}, {_first_line('nginx', '-v')}, {_first_line('unbound', '-V')}",
    ]


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended on leaving, if it has not ended before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int) -> None:
    """Wait until something listens on the port; ``OSError`` where nothing does for too long."""
    until = time.monotonic() + _START_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _first_line(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.splitlines()[0].split(" (branch")[0]


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"
