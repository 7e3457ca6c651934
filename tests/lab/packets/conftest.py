"""Labs for tests of packets: one in this process that is never served, and one isolated as a process of its own."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.local_azure import LocalAzure
from airflow_provider_netconn.lab.seed import load_seed
from tests.e2e.isolated import why_not
from tests.lab.packets.changes import LANDSCAPE
from tests.lab.packets.isolated_lab import IsolatedLab


class Landscape:
    """A lab without a network, asked on the short way."""

    def __init__(self):
        self.local = LocalAzure(load_seed(LANDSCAPE))
        self.plane = self.local.plane

    def put(self, path, body):
        self._ask("PUT", path, body)
        self.local.plane.operations.advance()

    def delete(self, path):
        self._ask("DELETE", path)
        self.local.plane.operations.advance()

    def get(self, path):
        return self._ask("GET", path)

    def _ask(self, method, path, body=None):
        answer = self.local.request(method, path, body)
        assert answer.status < 300, (path, answer.status, answer.body)
        return answer.body


@pytest.fixture
def landscape():
    made = Landscape()
    yield made
    made.local.close()


@pytest.fixture(scope="session")
def isolated_lab_session(tmp_path_factory):
    if why_not():
        pytest.skip(why_not())
    lab = IsolatedLab(tmp_path_factory.mktemp("isolated"))
    yield lab
    lab.stop()


@pytest.fixture
def lab(isolated_lab_session):
    """An isolated lab with nothing in it but the landscape, and no fault."""
    isolated_lab_session.reset()
    return isolated_lab_session
