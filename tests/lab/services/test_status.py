"""What ``netconn lab`` and the state file tell of endpoints and of the landscape."""

import json
import ssl
import subprocess
import sys
import time
import urllib.request

import pytest

from airflow_provider_netconn.lab.admin_client import AdminClient
from tests.lab.services.reaching import STORAGE

NETCONN = [sys.executable, "-m", "airflow_provider_netconn.lab"]


def lab(place, *words):
    command = [*NETCONN, words[0], "--state", str(place), *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "lab.json"
    lab(path, "up", "--detach", "--speed", "instant")
    yield path
    lab(path, "down")


def ask(state, method, path):
    request = urllib.request.Request(f"{state['arm_url']}{path}", method=method)
    request.add_header("Authorization", f"Bearer {state['token']}")
    context = ssl.create_default_context(cafile=state["ca_file"])
    with urllib.request.urlopen(request, context=context) as answer:
        return answer.status


def test_it_tells_what_is_served_and_follows(place, tmp_path):
    state = json.loads(place.read_text())
    told = lab(place, "status")
    assert "contosolake        storageAccounts, open" in told
    (blob,) = [one for one in state["endpoints"] if "contosolake.blob.core.windows.net" in one["hosts"]]
    assert blob["resource"] == STORAGE
    assert (blob["port"], blob["local_port"], blob["state"]) == (443, 20443, None)
    assert f"here {blob['local_address']} port 20443" in told
    assert AdminClient(state).ask("GET", "/endpoints")["endpoints"] == state["endpoints"]
    assert json.loads(lab(place, "status", "--json"))["endpoints"] == state["endpoints"]
    assert ask(state, "DELETE", f"{STORAGE}?api-version=2023-01-01") in {200, 202}
    deadline = time.monotonic() + 5
    while "contosolake" in place.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "contosolake" not in place.read_text()


def test_it_draws_the_landscape(place, tmp_path):
    assert lab(place, "status", "--picture", "-").startswith("flowchart LR\n")
    lab(place, "status", "--picture", str(tmp_path / "landscape.md"))
    assert (tmp_path / "landscape.md").read_text().startswith("```mermaid\nflowchart LR\n")
    lab(place, "status", "--picture", str(tmp_path / "landscape.mmd"))
    assert (tmp_path / "landscape.mmd").read_text().startswith("flowchart LR\n")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        lab(place, "status", "--picture", str(tmp_path / "landscape.svg"))
    assert "what is drawn is Mermaid's text, no .svg" in refused.value.stderr
    with pytest.raises(subprocess.CalledProcessError) as refused:
        lab(place, "status", "--picture", str(tmp_path / "none" / "x.mmd"))
    assert refused.value.returncode == 2
    assert "cannot be written" in refused.value.stderr
