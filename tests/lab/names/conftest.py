"""One lab with the landscape of the cases for all tests of names that only ask."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.testing import AzureLab
from tests.lab.names import landscape


@pytest.fixture(scope="session")
def named():
    lab = AzureLab(landscape.SEED)
    try:
        landscape.complete(lab)
        yield lab
    finally:
        lab.stop()


@pytest.fixture
def changing():
    """A lab of the test's own, to change."""
    lab = AzureLab(landscape.SEED)
    try:
        landscape.complete(lab)
        yield lab
    finally:
        lab.stop()
