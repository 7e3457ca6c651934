"""A pytest plugin: how tests are spread over worker processes (``pytest -n 4``).

A worker is given whole files, so that the servers of a file start once. Folders whose files share something that starts
slower, such as a real Airflow, are given as a whole.
"""

from __future__ import annotations

from typing import Any

import pytest

WHOLE_FOLDERS = ("tests/airflow/",)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Tell pytest-xdist to keep together what belongs together."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Together(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    return Together(config, log)


def together(nodeid: str) -> str:
    """:return: the same text for all tests that one worker has to run"""
    file = nodeid.partition("::")[0]
    return next((folder for folder in WHOLE_FOLDERS if file.startswith(folder)), file)
