"""What tests of several folders share that takes its time to start."""

from __future__ import annotations

import pytest

from tests.e2e.azurite import AzuriteMissingError, install, running


@pytest.fixture(scope="session")
def azurite(request, tmp_path_factory):
    """An emulated blob storage, empty at first."""
    try:
        program = install(request.config.cache.mkdir("azurite"))
    except AzuriteMissingError as error:
        pytest.skip(str(error))
    with running(program, tmp_path_factory.mktemp("azurite")) as service:
        yield service
