"""What all tests share: an Airflow home of their own, no proxies, and the testbed's servers as fixtures."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from testbed.airflow import Airflow
from testbed.endpoints import CertificateAuthority, DnsServer
from testbed.landscape import Landscape
from testbed.parallel import pytest_xdist_make_scheduler  # noqa: F401 - a hook
from testbed.require_all import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401 - hooks

ROOT = Path(__file__).resolve().parent.parent
AIRFLOW_START_LIMIT_S = 110
HOME_OF_AIRFLOW = pytest.StashKey[str]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Free the tests of this machine's Airflow and proxies, before anything imports Airflow."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so does a shell with what it runs in the background,
        signal.signal(signal.SIGINT, signal.default_int_handler)  # and what is ignored here is ignored by children
    foreign = [name for name in os.environ if name.startswith("AIRFLOW") or name.lower().endswith("_proxy")]
    for name in foreign:
        del os.environ[name]
    home = config.stash[HOME_OF_AIRFLOW] = tempfile.mkdtemp(prefix="netconn-tests-")
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] = "False"


def pytest_unconfigure(config):
    """Remove the home that Airflow had."""
    shutil.rmtree(config.stash[HOME_OF_AIRFLOW], ignore_errors=True)


@pytest.fixture
def dns_server():
    """A DNS server of the test's own, whose answers it sets."""
    with DnsServer() as server:
        yield server


@pytest.fixture(scope="session")
def certificates():
    """A certificate authority that issues good and broken certificates."""
    return CertificateAuthority()


@pytest.fixture(scope="session")
def landscape(tmp_path_factory):
    """The demo's landscape, shared: leave its answers as they are, or set names of your own."""
    with Landscape(tmp_path_factory.mktemp("landscape")) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(tmp_path_factory, landscape):
    """A real Airflow, shared, with the landscape's connections.

    It runs the project's example DAGs and those of ``tests/airflow/dags``; a test may put further files into
    ``airflow.dags_folder``.
    """
    folder = tmp_path_factory.mktemp("airflow")
    dags = folder / "dags"
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    own = ROOT / "tests" / "airflow" / "dags"
    if own.exists():
        shutil.copytree(own, dags, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    environment = {
        **landscape.environment,
        # A task that was killed is missed after a minute, and not after five.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    }
    running = Airflow(folder / "home", dags_folder=dags, environment=environment, start_limit_s=AIRFLOW_START_LIMIT_S)
    running.start()
    try:
        yield running
    finally:
        orphans = running.stop()
    assert orphans == [], "processes got away from their supervisors"
