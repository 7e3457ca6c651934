"""The fixture ``azure_lab_isolated``, in a run of pytest of its own, as users have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.isolated import why_not
from tests.lab.packets.changes import ENDPOINT_ADDRESS, LANDSCAPE
from tests.lab.packets.isolated_lab import WITHOUT_AZURITE

CONFTEST = f"""
import pytest

@pytest.fixture(scope="session")
def azure_lab_seed():
    return {str(LANDSCAPE)!r}
"""

TESTS = f"""
import subprocess, sys
import pytest
from azure.mgmt.network import NetworkManagementClient

DIAL = "import socket; socket.create_connection(({ENDPOINT_ADDRESS!r}, 443), timeout=1).close(); print('open')"

def dial(lab, place):
    return lab.run(place, sys.executable, "-c", DIAL)

def test_packets_fail_as_told(azure_lab_isolated):
    lab = azure_lab_isolated
    assert dial(lab, "data").stdout == "open\\n"
    number = lab.fault("packets-refuse", path={ENDPOINT_ADDRESS!r})
    with pytest.raises(subprocess.CalledProcessError) as refused:
        dial(lab, "data")
    assert "ConnectionRefusedError" in refused.value.__notes__[0]
    lab.remove_fault(number)
    assert dial(lab, "data").stdout == "open\\n"
    assert lab.packets("data")[{ENDPOINT_ADDRESS!r}] > 2
    lab.fault("packets-drop")
    open("pid", "w").write(str(lab.state["pid"]))

def test_the_next_test_has_it_clean_and_azures_clients(azure_lab_isolated):
    assert dial(azure_lab_isolated, "data").stdout == "open\\n"
    assert azure_lab_isolated.run("spoke", "false", check=False).returncode == 1
    with azure_lab_isolated.client(NetworkManagementClient) as client:
        names = {{network.name for network in client.virtual_networks.list_all()}}
    assert names == {{"data", "spoke", "twin"}}
"""


@pytest.mark.timeout(180)
def test_programs_run_in_the_lab_of_the_fixture(tmp_path):
    if why_not():
        pytest.skip(why_not())
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error::ResourceWarning"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=WITHOUT_AZURITE, capture_output=True, text=True, check=False, timeout=150
    )
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()
