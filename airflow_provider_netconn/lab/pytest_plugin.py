"""Fixtures for pytest: ``azure_lab``, a clean local Azure for each test, ``azure_lab_network``, its names, and
``azure_lab_isolated``, one with packets.

pytest loads this module in every run, so it imports nothing of ours; a lab is started when the first test asks for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.isolated_testing import IsolatedAzureLab
    from airflow_provider_netconn.lab.testing import AzureLab, AzureLabNetwork

Lab = TypeVar("Lab", "AzureLab", "IsolatedAzureLab")


@pytest.fixture(scope="session")
def azure_lab_seed() -> str:
    """The landscape of all labs: override it in a ``conftest.py`` with the path of a YAML file."""
    from airflow_provider_netconn.lab.seed import DEFAULT

    return DEFAULT


@pytest.fixture(scope="session")
def azure_lab_session(azure_lab_seed: str) -> Iterator[AzureLab]:
    """One lab for all tests, as the last one left it. Most tests want ``azure_lab``."""
    with _told_what_to_install():
        from airflow_provider_netconn.lab.testing import AzureLab
    yield from _until_the_end(AzureLab(azure_lab_seed))


@pytest.fixture
def azure_lab(azure_lab_session: AzureLab) -> AzureLab:
    """A local Azure with nothing in it but its seed, whatever other tests did."""
    azure_lab_session.reset()
    return azure_lab_session


@pytest.fixture
def azure_lab_network(azure_lab: AzureLab) -> AzureLabNetwork:
    """What names resolve to in the test's local Azure, from each of its networks."""
    from airflow_provider_netconn.lab.testing import AzureLabNetwork

    return AzureLabNetwork(azure_lab)


@pytest.fixture(scope="session")
def azure_lab_isolated_session(azure_lab_seed: str) -> Iterator[IsolatedAzureLab]:
    """One isolated lab for all tests, as the last one left it. Most tests want ``azure_lab_isolated``."""
    with _told_what_to_install():
        from airflow_provider_netconn.lab.isolated_testing import IsolatedAzureLab
    yield from _until_the_end(IsolatedAzureLab(azure_lab_seed))


@pytest.fixture
def azure_lab_isolated(azure_lab_isolated_session: IsolatedAzureLab) -> IsolatedAzureLab:
    """A local Azure in which packets get through or do not, with nothing in it but its seed."""
    azure_lab_isolated_session.reset()
    return azure_lab_isolated_session


@contextmanager
def _told_what_to_install() -> Iterator[None]:
    """Fail with what to install where the extra of the lab is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("airflow_provider_netconn"):
            raise
        pytest.fail(f"{error.name} is not installed: pip install 'airflow-provider-netconn[lab]'", pytrace=False)


def _until_the_end(lab: Lab) -> Iterator[Lab]:
    try:
        yield lab
    finally:
        lab.stop()
