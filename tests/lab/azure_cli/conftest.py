"""azure-cli from PyPI, unmodified, in an environment of its own, signed in to the lab as its owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_provider_netconn.lab import environment
from tests.lab.azure_cli.running_az import PROGRAMS, AzureCli, run_recipe


@pytest.fixture(scope="session")
def azure_cli_programs() -> Path:
    """The folder that ``az`` is in."""
    if not (PROGRAMS / "az").exists():
        pytest.skip("there is no azure-cli; make it with: sh scripts/bootstrap_environment.sh azure-cli")
    return PROGRAMS


@pytest.fixture(scope="session")
def sign_in(azure_cli_programs, azure_lab_session, tmp_path_factory):
    """A way to sign azure-cli in as a principal of the seed, with settings of its own."""

    @contextmanager
    def signed_in(principal: str | None = None) -> Iterator[AzureCli]:
        commands = environment.azure_cli(azure_lab_session.state(), principal)
        az = AzureCli(run_recipe(commands, tmp_path_factory.mktemp("azure-cli")))
        try:
            yield az
        finally:
            az.stop()

    return signed_in


@pytest.fixture(scope="session")
def signed_in_owner(azure_lab_session, sign_in):
    azure_lab_session.reset()
    with sign_in() as az:
        yield az


@pytest.fixture
def az(signed_in_owner, azure_lab) -> AzureCli:
    """azure-cli, signed in as the owner; the lab is clean again."""
    return signed_in_owner
