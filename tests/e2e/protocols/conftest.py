"""The ground that the tests of protocols stand on."""

from __future__ import annotations

import pytest

from tests.e2e.protocols.peers import Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory, certificates):
    """An authority that the checks trust, and a certificate of it for loopback."""
    ca_file = certificates.write_pem(tmp_path_factory.mktemp("authority") / "ca.pem")
    return Ground(authority=certificates, certificate=certificates.issue("127.0.0.1"), ca_file=str(ca_file))
