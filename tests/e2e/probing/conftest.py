"""What all tests of probing have: a system resolver and proxies of the tests' own, and authorities."""

from __future__ import annotations

import socket

import pytest

from tests.both_loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook


@pytest.fixture(autouse=True)
def system_answers(monkeypatch):
    """What this system's resolver answers, so that no question leaves the machine: by name, its addresses."""
    answers = {"localhost": ("127.0.0.1",)}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name in answers:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in answers[name]]
        flags = {**kwargs, "flags": socket.AI_NUMERICHOST}
        return real(host, port, *args[:3], **flags)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def ca_file(certificates, tmp_path):
    return str(certificates.write_pem(tmp_path / "ca.pem"))
