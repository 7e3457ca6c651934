"""``netconn lab`` as a user runs it: processes, files, signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from airflow_provider_netconn.lab.state import holding, is_held
from tests.lab.handling.seeds import GROUP, OWNER_ID, SMALL, SUBSCRIPTION, TENANT

READY_S = 3.0
NETCONN = [sys.executable, "-m", "airflow_provider_netconn.cli", "lab"]


@pytest.fixture
def place(tmp_path):
    """Where the state file and all beside it are; whatever still runs there in the end is ended."""
    (tmp_path / "small.yaml").write_text(SMALL)
    path = tmp_path / "state" / "lab.json"
    yield path
    if path.exists():
        subprocess.run([*NETCONN, "down", "--state", path], check=False)


def lab(place, *words, check=True):
    """Run a command of the lab to its end."""
    command = [*NETCONN, words[0], "--state", str(place), *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=check, timeout=30)


def up(place, *words):
    """Start a lab in the foreground and wait until it is ready."""
    seed = place.parent.parent / "small.yaml"
    command = [*NETCONN, "up", "--state", str(place), "--seed", str(seed), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not place.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(process.communicate())
        time.sleep(0.01)
    return process


def ended(process):
    process.communicate(timeout=10)
    return process.returncode


def is_running(pid):
    """Whether the process is there, and more than an entry that nobody has read yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def client_of(state):
    trust = ssl.create_default_context(cafile=state["ca_file"])
    return httpx.Client(verify=trust, headers={"Authorization": f"Bearer {state['token']}"})


def processor_time_s(pid):
    """What a process has taken of a core, in seconds: proc(5), fields 14 and 15 of ``stat``."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_lab_with_the_shipped_landscape_has_little_to_do_before_it_is_ready(place):
    process = up(place, "--seed", "astro")
    taken_s = processor_time_s(process.pid)  # not the time by the clock: others may have the machine
    process.terminate()
    assert ended(process) == 0
    assert taken_s < READY_S


def test_state_file_lets_clients_in(place):
    process = up(place, "--speed", "instant")
    state = json.loads(place.read_text())
    assert place.stat().st_mode & 0o777 == 0o600
    assert (state["tenant_id"], state["subscription_id"], state["pid"]) == (TENANT, SUBSCRIPTION, process.pid)
    assert {"arm_url", "authority_url", "graph_url", "astro_url", "managed_identity_url", "admin_url"} <= set(state)
    owner = next(one for one in state["principals"] if one["object_id"] == OWNER_ID)
    assert owner["client_secret"]
    with client_of(state) as client:
        assert client.get(f"{state['arm_url']}{GROUP}?api-version=2021-04-01").status_code == 200
        form = {
            "grant_type": "client_credentials",
            "client_id": owner["app_id"],
            "client_secret": owner["client_secret"],
            "scope": "https://management.azure.com/.default",
        }
        signed_in = client.post(f"{state['authority_url']}/{TENANT}/oauth2/v2.0/token", data=form)
        assert signed_in.json()["token_type"] == "Bearer"
    lab(place, "down")
    assert ended(process) == 0
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_the_lab_and_leaves_nothing(place, number):
    process = up(place)
    process.send_signal(number)
    assert ended(process) == 0
    assert list(place.parent.iterdir()) == []


def test_second_lab_is_refused_while_the_first_lives(place):
    process = up(place)
    refused = lab(place, "up", "--seed", str(place.parent.parent / "small.yaml"), check=False)
    assert refused.returncode == 1
    assert f"a lab is up already at {place}" in refused.stderr
    assert lab(place, "status").returncode == 0
    process.terminate()
    assert ended(process) == 0


def test_state_of_a_killed_lab_is_replaced(place):
    killed = up(place)
    killed.kill()
    killed.communicate()
    assert place.exists()
    stale = lab(place, "status", check=False)
    assert stale.returncode == 1
    assert "does not answer" in stale.stderr
    place.unlink()
    place.write_text(json.dumps({"pid": os.getpid(), "admin_url": "", "admin_token": "", "ca_file": ""}))
    place.unlink()  # a number that lives again is no living lab: only the lock counts
    process = up(place)
    assert json.loads(place.read_text())["pid"] == process.pid
    process.kill()
    process.communicate()
    lab(place, "down")
    assert list(place.parent.iterdir()) == []


def test_detached_lab_outlives_its_command_until_down(place):
    lab(place, "up", "--detach", "--seed", str(place.parent.parent / "small.yaml"))
    pid = json.loads(place.read_text())["pid"]
    assert is_running(pid)
    assert "up, process" in lab(place, "status").stdout
    lab(place, "down")
    deadline = time.monotonic() + 30
    while is_running(pid) and time.monotonic() < deadline:  # it has let go of everything, and is about to end
        time.sleep(0.01)
    assert not is_running(pid)
    assert list(place.parent.iterdir()) == []


HOLD = """
import sys
from pathlib import Path
from airflow_provider_netconn.lab.state import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
print("left", flush=True)
sys.stdin.readline()
"""


def test_who_waits_for_a_lab_waits_for_its_process(place):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with holding(place) as is_alive:
            assert is_alive()
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "left\n"
            assert not is_held(place)  # another lab may be started there
            assert is_alive()
            process.kill()
            process.wait()
            assert not is_alive()


def test_detached_lab_that_cannot_start_says_why(place):
    (place.parent.parent / "bad.yaml").write_text("tenants: 3")
    failed = lab(place, "up", "--detach", "--seed", str(place.parent.parent / "bad.yaml"), check=False)
    assert failed.returncode == 2
    assert failed.stderr == "netconn lab: bad.yaml:1: tenants: 3 is no list; write one item a line, each behind '- '\n"


def test_commands_reach_the_running_lab(place):
    process = up(place, "--speed", "100")
    state = json.loads(place.read_text())
    lab(place, "fault", "throttled:4", "--path", "resourceGroups/*", "--times", "1")
    with client_of(state) as client:
        throttled = client.get(f"{state['arm_url']}{GROUP}?api-version=2021-04-01")
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "4")
    assert json.loads(lab(place, "fault").stdout)["applied"] == 1
    assert f"429 GET    arm {GROUP}  [throttled:4]" in lab(place, "journal").stdout
    (entry,) = json.loads(lab(place, "journal", "--json", "--status", "4xx").stdout)
    assert entry["principal"] == OWNER_ID
    assert json.loads(lab(place, "status", "--json").stdout)["settings"]["time_scale"] == 0.01
    assert "role_delay_s=30" in lab(place, "set", "role_delay_s=30").stdout
    lab(place, "advance", "60")
    lab(place, "fault", "--remove", "1")
    assert lab(place, "fault").stdout == ""
    lab(place, "reset")
    assert lab(place, "journal").stdout == ""
    assert "role_delay_s=0" in lab(place, "set").stdout
    process.terminate()
    assert ended(process) == 0


def test_env_lets_a_shell_in(place):
    process = up(place)
    shown = subprocess.run(
        ["sh", "-c", f'eval "$({" ".join(NETCONN)} env --state {place})"; env'],
        capture_output=True,
        text=True,
        check=True,
    )
    state = json.loads(place.read_text())
    variables = dict(line.partition("=")[::2] for line in shown.stdout.splitlines())
    assert variables["AZURE_AUTHORITY_HOST"] == f"{state['authority_url']}/"
    assert variables["AZURE_CLIENT_SECRET"] in {one["client_secret"] for one in state["principals"]}
    assert variables["REQUESTS_CA_BUNDLE"] == state["ca_file"]
    assert json.loads(variables["AIRFLOW_CONN_AZURE_DEFAULT"])["extra"]["tenantId"] == TENANT
    assert variables["ASTRO_API_TOKEN"]
    as_json = json.loads(lab(place, "env", "--format", "json", "--principal", "reader").stdout)
    assert as_json["AZURE_CLIENT_ID"] != variables["AZURE_CLIENT_ID"]
    assert lab(place, "env", "--azure-cli").stdout.count("\naz ") == 3
    nobody = lab(place, "env", "--principal", "nobody", check=False)
    assert (nobody.returncode, "it has automation" in nobody.stderr) == (2, True)
    process.terminate()
    assert ended(process) == 0


def test_only_loopback_is_served_unless_told_otherwise(place):
    process = up(place)
    listening = {line.split()[1] for line in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]}
    state = json.loads(place.read_text())
    ports = {int(value.rpartition(":")[2]) for name, value in state.items() if name.endswith("_url")}
    ours = [address.split(":")[0] for address in listening if int(address.split(":")[1], 16) in ports]
    assert ours
    assert set(ours) == {"0100007F"}
    process.terminate()
    assert ended(process) == 0


def test_bind_and_port_are_where_it_listens(place):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = up(place, "--bind", "0.0.0.0", "--host", "localhost", "--port", f"arm={port}")
    state = json.loads(place.read_text())
    assert state["arm_url"] == f"https://localhost:{port}"
    with client_of(state) as client:
        assert client.get(f"{state['arm_url']}{GROUP}?api-version=2021-04-01").status_code == 200
    process.terminate()
    assert ended(process) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["up", "--speed", "slow"], "--speed: 'slow' is no speed"),
        (["up", "--speed", "nan"], "--speed: 'nan' is no speed"),
        (["up", "--port", "arm"], "--port: 'arm' is no port of a service"),
        (["up", "--port", "arn=8443"], "'arn' is no service of the lab"),
        (["up", "--bind", "nowhere"], "bind: 'nowhere' is no address"),
        (["up", "--seed", "/none.yaml"], "seed /none.yaml: cannot be read"),
    ],
)
def test_bad_option_is_told_in_a_line(place, words, says):
    refused = lab(place, *words, check=False)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "fault", "journal", "reset", "set", "env", "down"])
def test_without_a_lab_every_command_says_how_to_start_one(place, command):
    refused = lab(place, command, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"no lab: {place} does not exist; start one with 'netconn lab up'" in refused.stderr


def test_catalogue_of_faults_needs_no_lab(place):
    assert "reset-after" in lab(place, "fault", "--catalogue").stdout


def test_without_the_extra_it_says_what_to_install(place):
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from airflow_provider_netconn.cli import main\n"
        f"sys.exit(main(['lab', 'up', '--state', {str(place)!r}]))"
    )
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "uvicorn is not installed; the lab needs the package's extra: pip install" in refused.stderr


def test_other_commands_do_not_import_the_lab():
    code = (
        "import sys\n"
        "from airflow_provider_netconn.cli import main\n"
        "main(['zones', 'x.blob.core.windows.net'])\n"
        "sys.exit(any(name in sys.modules for name in ('uvicorn', 'starlette', 'trustme', 'cryptography')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
