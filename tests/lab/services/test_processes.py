"""What runs behind the services ends with the lab, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAB = """
import sys, time
from airflow_provider_netconn.lab.testing import AzureLab
sys.path.insert(0, {root!r})
from tests.lab.services import reaching, test_databases, test_storage
lab = AzureLab()
if {redis}:
    key = test_databases.cache(lab)["primaryKey"]
    with reaching.tls(lab, test_databases.CACHE_HOST, 6380) as connection:
        connection.sendall(f"AUTH {{key}}\\r\\n".encode())
        assert connection.recv(5) == b"+OK\\r\\n"
if {azurite}:
    import socket
    token = lab.token("automation", audience="https://storage.azure.com")
    bearer = ("-H", f"Authorization: Bearer {{token}}", "-H", "x-ms-version: 2021-12-02")
    assert reaching.curl(lab, test_storage.URL + "/?comp=list", *bearer)[0] == 200
print("ready", flush=True)
if sys.stdin.readline():
    lab.stop()
"""


def running(temporary):
    """Command lines of the processes that work in a folder of the lab's, below a folder for temporary files."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if str(temporary) in str((entry / "cwd").readlink()):
                    found.append((entry / "cmdline").read_bytes().split(b"\0")[0])
            except OSError:
                continue
    return found


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("behind", ["redis", "azurite"])
def test_no_process_and_no_folder_stays(tmp_path, request, behind, end):
    if behind == "azurite":
        request.getfixturevalue("azurite")
    elif not any(Path(folder, "redis-server").exists() for folder in os.environ["PATH"].split(":")):
        pytest.skip("redis-server is not installed")
    script = LAB.format(root=str(Path(__file__).parents[3]), redis=behind == "redis", azurite=behind == "azurite")
    lab = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with lab:
        assert lab.stdout.readline() == "ready\n"
        assert running(tmp_path)
        if end == "kill":
            lab.send_signal(signal.SIGKILL)
        else:
            lab.stdin.write("\n")
            lab.stdin.flush()
        lab.wait(20)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (running(tmp_path) or list(tmp_path.glob("netconn-lab-*-*"))):
        time.sleep(0.05)
    assert running(tmp_path) == []
    assert list(tmp_path.glob("netconn-lab-redis-*")) + list(tmp_path.glob("netconn-lab-azurite-*")) == []
