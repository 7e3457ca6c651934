"""YAML files: a plan, or an error that names file and line on one printable line."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml  # noqa: F401  imported here to be instrumented

from airflow_provider_netconn.checks.config import CheckPlan, load_plan
from airflow_provider_netconn.errors import InvalidConfigError

SEEDS = (
    b"targets: [db.example.net:5432, 'https://web.example.net/path']\n",
    b"targets:\n  - host: h\n    port: 1\n    protocol: tls\n    expect: any\n    expect_networks: [10.0.0.0/8]\n",
    b"defaults: {expect: public, expect_networks: [10.0.0.0/8], timeout_s: 1.5, retries: 2, concurrency: 3}\n",
    b"options: {nameserver: '10.0.0.10:53', ca_files: [a.pem], deadline_s: 5, use_proxy: off}\nconnections: [a, b]\n",
    b"x: &x {host: h, port: 1}\ntargets: [*x, {<<: *x, port: 2}]\n",
    b"targets: [!!timestamp 2024-01-01, !!int 0x1f, !!float 1:2.5, !!binary aGk=, !!set {a}, !!omap [a: 1]]",
)
_FILE = Path(tempfile.mkdtemp(prefix="netconn-fuzz-")) / "netconn.yaml"


def holds(data: bytes) -> None:
    """Any file is a plan or bad input."""
    _FILE.write_bytes(data)
    try:
        assert isinstance(load_plan(_FILE), CheckPlan)
    except InvalidConfigError as error:
        refusal = str(error)
    else:
        return
    assert "netconn.yaml" in refusal, refusal
    assert refusal.isprintable(), repr(refusal)
