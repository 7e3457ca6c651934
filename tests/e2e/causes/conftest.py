"""The ground of a scene."""

from __future__ import annotations

import pytest

from tests.e2e.causes.ground import Ground


@pytest.fixture
def ground(dns_server, certificates, tmp_path, monkeypatch, request):
    """A ground of the test's own, in an environment without proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return Ground(
        dns=dns_server,
        authority=certificates,
        ca_file=str(certificates.write_pem(tmp_path / "ca.pem")),
        environment=monkeypatch,
        fixture=request.getfixturevalue,
    )
