"""One isolated lab with Azurite and PostgreSQL for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from airflow_provider_netconn.lab.services import azurite
from tests.e2e.isolated import why_not
from tests.e2e.private_names.private_lab import PrivateLab


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    if why_not():
        pytest.skip(why_not())
    azurite.have_installed()
    if azurite._installed() is None:
        pytest.skip("there is no Azurite, and npm cannot install it")
    if not (shutil.which("postgres") or list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))):
        pytest.skip("postgres is not installed")
    running = PrivateLab(tmp_path_factory.mktemp("private_names"))
    yield running
    running.stop()
