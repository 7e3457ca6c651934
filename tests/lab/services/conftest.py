from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest


@pytest.fixture
def names(azure_lab, monkeypatch):
    """Has Python resolve the services' names to where the lab serves them; its key ``by`` takes a private endpoint."""
    chosen = {"by": None}
    real = socket.getaddrinfo

    def found(host, port, *more, **options):
        name = host.decode() if isinstance(host, bytes) else host
        for one in azure_lab.endpoints() if isinstance(name, str) and name.count(".") >= 2 else ():
            if name in one["hosts"] and str(one["port"]) == str(port) and one["private_endpoint"] == chosen["by"]:
                place = (one["local_address"], one["local_port"])
                return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]
        return real(host, port, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return chosen


@pytest.fixture(scope="session")
def azurite():
    """Azurite where the lab would look for it, without having it installed; else the test is skipped."""
    cached = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "netconn"
    there = os.environ.get("NETCONN_LAB_AZURITE") or shutil.which("azurite") or next(cached.glob("azurite-*"), None)
    if not there and not (os.environ.get("CI") and shutil.which("npm")):
        pytest.skip("there is no Azurite on this machine; NETCONN_LAB_AZURITE names one")
