"""The isolated lab with real packets: what programs inside see, as the control plane's state changes."""

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

import pytest

from tests.e2e.isolated import why_not
from tests.lab.packets.changes import (
    ENDPOINT_ADDRESS,
    LANDSCAPE,
    admit,
    connect,
    connect_site,
    deny,
    network,
    peering,
    put_on_subnet,
    route,
    set_connection,
)
from tests.lab.packets.isolated_lab import NETCONN, IsolatedLab

ENDPOINT = [ENDPOINT_ADDRESS, 443]
LONG = f"61.{os.getpid()}"
"""How long programs sleep that are to be ended; as nobody else's do."""

SERVE = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("listening", flush=True)
while True:
    connection, address = server.accept()
    connection.sendall(f"you are {address[0]}".encode())
    connection.close()
"""


def serving(lab, place, port, **options):
    """A server inside that tells callers who they are."""
    process = lab.start(place, sys.executable, "-c", SERVE, str(port), **options)
    assert process.stdout.readline() == "listening\n", process.communicate()
    return process


def end(process):
    process.terminate()
    process.communicate(timeout=10)


def network_of(process):
    """The network namespace that a process is in."""
    return str(Path(f"/proc/{process}/ns/net").readlink())


def is_in_use(network):
    """Whether any process is in a network namespace."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and network_of(entry.name) == network:
                return True
        except OSError:
            continue
    return False


def wait_until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def outside():
    """What of this computer's network a lab could have changed."""
    listed = [["ip", "-o", "link"], ["ip", "-o", "address"], ["ip", "route"], ["ip", "rule"]]
    rules = [["nft", "list", "ruleset"]] if os.geteuid() == 0 else []
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    told = [
        subprocess.run(one, env=environment, capture_output=True, text=True, check=True).stdout
        for one in listed + rules
    ]
    mounts = Path("/proc/self/mountinfo").read_text()
    resolver = Path("/etc/resolv.conf").read_text() if Path("/etc/resolv.conf").exists() else None
    return told, mounts, resolver, Path("/etc/hosts").read_text()


# -- what gets through -------------------------------------------------------------------------------


def test_a_peering_opens_the_way_to_an_endpoint_and_its_end_closes_it(lab):
    assert lab.dial("spoke", ENDPOINT) == ["silence"]
    connect(lab)
    assert lab.dial("spoke", ENDPOINT) == ["open"]
    lab.delete(peering("data", "spoke")[0])
    assert lab.dial("spoke", ENDPOINT) == ["silence"]


def test_a_rejected_endpoint_takes_nothing(lab):
    assert lab.dial("data", ENDPOINT) == ["open"]
    set_connection(lab, "Rejected")
    assert lab.dial("data", ENDPOINT) == ["silence"]
    assert lab.verdict("data", *ENDPOINT)[1].endswith("PrivateEndpointConnection Rejected")


def test_a_vpn_connection_carries_packets_both_ways_while_it_is_connected(lab):
    assert lab.dial("office", ENDPOINT) == ["silence"]
    connect_site(lab)
    assert lab.dial("office", ENDPOINT) == ["open"]
    server = serving(lab, "office", 8003)
    address = lab.admin("POST", "/machines", {"as": "office"})["address"]
    try:
        assert lab.dial("data", [address, 8003]) == ["open"]
        connect_site(lab, device="down")
        assert lab.dial("office", ENDPOINT) == ["silence"]
        assert lab.verdict("office", *ENDPOINT)[1] == "VPN connection office: connectionStatus is NotConnected"
        assert lab.dial("data", [address, 8003]) == ["silence"]
    finally:
        end(server)


def test_a_subnet_with_a_service_endpoint_is_known_to_the_service_though_another_has_its_addresses(lab):
    def statuses():
        """Of an anonymous request: 409 from a caller that is let in, 403 from one that is not."""
        url = "https://packetstore.blob.core.windows.net/?comp=list"
        told = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url]
        return [lab.run(place, *told).stdout for place in ("data/machines", "twin/machines", "spoke/machines")]

    for subnet in ("data/machines", "twin/machines"):
        put_on_subnet(lab, subnet, serviceEndpoints=[{"service": "Microsoft.Storage"}])
    assert statuses() == ["409", "409", "409"]
    admit(lab, "data/machines")
    assert statuses() == ["409", "403", "403"]
    admit(lab, "twin/machines")
    assert statuses() == ["403", "409", "403"]
    put_on_subnet(lab, "twin/machines", serviceEndpoints=[])
    assert statuses() == ["403", "403", "403"]


def test_a_security_group_decides_by_port(lab):
    connect(lab)
    deny(lab, direction="Inbound", port=8001, subnet="data/machines")
    servers = [serving(lab, "data", port) for port in (8001, 8002)]
    address = lab.admin("POST", "/machines", {"as": "data"})["address"]
    try:
        assert lab.dial("spoke", [address, 8001], [address, 8002]) == ["silence", "open"]
        assert "deny-8001" in lab.verdict("spoke", address, 8001)[1]
        deny(lab, direction="Outbound", port=443, subnet="spoke/machines")
        assert lab.dial("spoke", ENDPOINT, [address, 8002]) == ["silence", "open"]
    finally:
        for server in servers:
            end(server)


def test_a_route_to_nowhere_drops(lab):
    route(lab, f"{ENDPOINT_ADDRESS}/32", "None", "data/machines")  # a wider one is weaker than the endpoint's own
    assert lab.dial("data", ENDPOINT) == ["silence"]
    put_on_subnet(lab, "data/machines", routeTable=None)
    assert lab.dial("data", ENDPOINT) == ["open"]


def test_a_security_group_spares_connections_that_there_are(lab):
    dialled = f"""
import socket, sys
with socket.create_connection(({ENDPOINT_ADDRESS!r}, 443), timeout=5) as connection:
    print("open", flush=True)
    sys.stdin.readline()
    connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    connection.settimeout(2)
    try:
        print("alive" if connection.recv(1) is not None else "")
    except TimeoutError:
        print("cut")
"""
    with lab.start("data", sys.executable, "-c", dialled, stdin=subprocess.PIPE) as client:
        assert client.stdout.readline() == "open\n"
        deny(lab, direction="Outbound", port=443, subnet="data/machines")
        assert lab.dial("data", ENDPOINT) == ["silence"]
        assert client.communicate("\n", timeout=10)[0] == "alive\n"


def test_the_rules_follow_the_lab_without_being_asked(lab):
    connect(lab)
    waiting = f"""
import socket, sys, time
def dials():
    try:
        socket.create_connection(({ENDPOINT_ADDRESS!r}, 443), timeout=0.3).close()
        return True
    except OSError:
        return False
assert dials()
print("open", flush=True)
sys.stdin.readline()
began = time.monotonic()
while dials() and time.monotonic() - began < 10:
    time.sleep(0.02)
print(time.monotonic() - began)
"""
    client = lab.start("spoke", sys.executable, "-c", waiting, stdin=subprocess.PIPE)
    assert client.stdout.readline() == "open\n"
    lab.delete(peering("data", "spoke")[0])
    assert float(client.communicate("\n", timeout=20)[0]) < 2


def test_networks_that_overlap_do_not_hear_each_other(lab):
    assert lab.dial("twin", ENDPOINT) == ["silence"]
    assert lab.dial("data", ENDPOINT) == ["open"]


# -- what programs inside are ------------------------------------------------------------------------


def test_a_program_is_at_the_place_that_was_asked_for(lab):
    server = serving(lab, "internet", 8080)
    try:
        address = lab.admin("POST", "/machines", {"as": "internet"})["address"]
        ask = f"import socket; print(socket.create_connection(({address!r}, 8080), timeout=2).recv(99).decode())"
        assert lab.python("office", ask) == "you are 203.0.113.10\n"
        assert lab.python("internet", ask) == f"you are {address}\n"
    finally:
        end(server)
    shown = lab.python(
        "data/endpoints",
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        "s.connect(('10.1.1.4', 1)); print(s.getsockname()[0])",
    )
    assert shown == "10.1.1.254\n"


def test_names_are_answered_by_the_place_and_in_the_lab_alone(lab):
    ask = """
import socket
def find(name):
    try:
        return socket.gethostbyname(name)
    except OSError:
        return None
print(find("management.azure.com"), find("packetstore.blob.core.windows.net"), find("localhost"))
print(open("/etc/resolv.conf").readline().strip())
"""
    own, public, local, nameserver = lab.python("data", ask).split(maxsplit=3)
    assert own == "198.19.255.1"
    assert public.startswith("198.19.")
    assert local == "127.0.0.1"
    assert nameserver.strip() == "nameserver 168.63.129.16"


def test_what_the_state_tells_of_names_and_services_is_true_inside(lab):
    place = lab.state["dns"]["networks"][network("data")]
    assert place == {"address": "168.63.129.16", "port": 53}
    assert lab.admin("GET", f"/dns?network={network('spoke')}") == place
    (private,) = [one for one in lab.state["endpoints"] if one["private_endpoint"]]
    assert [private["local_address"], private["local_port"]] == ENDPOINT
    assert lab.dial("data", [private["local_address"], private["local_port"]]) == ["open"]
    told = lab.lab("status").stdout
    assert "packetstore.blob.core.windows.net (private)" in told
    assert ", here 127." not in told


def test_the_labs_own_services_answer_at_their_true_names_and_at_their_own_urls(lab):
    ask = """
import json, os, ssl, urllib.request
trusted = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
for url in ("https://management.azure.com", os.environ["NETCONN_LAB_ARM_URL"]):
    with urllib.request.urlopen(f"{url}/metadata/endpoints?api-version=2022-09-01", context=trusted) as answer:
        print(answer.status)
"""
    assert lab.python("spoke", ask).split() == ["200", "200"]


def test_packets_that_were_sent_are_counted_by_whom_they_were_for(lab):
    lab.dial("data", ENDPOINT, ["198.51.100.77", 9], patience_s=0.3)
    told = [one for one in lab.admin("GET", "/packets")["seen"] if one["from"] == "10.1.0.254"]
    seen = {(one["to"], one["port"]): one["packets"] for one in told}
    assert seen["10.1.1.4", 443] >= 2
    assert seen["198.51.100.77", 9] >= 1
    assert ("198.51.100.78", 9) not in seen


def test_the_exit_status_and_the_signal_are_the_programs(lab):
    assert lab.run("data", "sh", "-c", "exit 7", check=False).returncode == 7
    assert lab.run("data", "sh", "-c", "kill -TERM $$", check=False).returncode == 128 + signal.SIGTERM
    missing = lab.run("data", "no-such-program", check=False)
    assert missing.returncode == 127
    assert "no-such-program" in missing.stderr


def test_a_place_that_is_not_there_is_refused_with_those_that_are(lab):
    refused = lab.run("nowhere", "true", check=False)
    assert refused.returncode == 2
    assert "data" in refused.stderr


def test_a_program_is_told_to_end_when_exec_is(lab):
    script = "import time; print('up', flush=True); time.sleep(60)"
    with lab.start("data", sys.executable, "-c", script) as program:
        assert program.stdout.readline() == "up\n"
        program.terminate()
        assert program.wait(10) == 128 + signal.SIGTERM


# -- ports to the outside ----------------------------------------------------------------------------


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_exec_publishes_a_port_of_its_machine(lab):
    port = free_port()
    process = serving(lab, "data", 8090, publish=[f"{port}:8090"])
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            assert connection.recv(99).startswith(b"you are ")
    finally:
        end(process)


def test_up_publishes_a_service_and_a_machine_of_the_landscape(tmp_path, isolated_lab_session):
    endpoint, machine = free_port(), free_port()
    own = IsolatedLab(
        tmp_path, "--publish", f"{endpoint}:{ENDPOINT_ADDRESS}:443", "--publish", f"{machine}:10.1.0.254:8091"
    )
    try:
        process = serving(own, "data", 8091)
        with socket.create_connection(("127.0.0.1", machine), timeout=5) as connection:
            assert connection.recv(99).startswith(b"you are ")
        end(process)
        name = "packetstore.blob.core.windows.net"
        trusted = ssl.create_default_context(cafile=own.state["ca_file"])
        with (
            socket.create_connection(("127.0.0.1", endpoint), timeout=5) as connection,
            trusted.wrap_socket(connection, server_hostname=name) as secured,
        ):
            assert ("DNS", "*.blob.core.windows.net") in secured.getpeercert()["subjectAltName"]
    finally:
        own.stop()


# -- faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "seen"),
    [("packets-drop", "silence"), ("packets-refuse", "ECONNREFUSED"), ("packets-prohibit", "EHOSTUNREACH")],
)
def test_packets_fail_as_a_fault_says_until_it_is_removed(lab, fault, seen):
    told = lab.lab("fault", fault, "--path", f"{ENDPOINT_ADDRESS}:443", "--query", "data").stdout
    assert lab.dial("data", ENDPOINT) == [seen]
    assert lab.dial("data/endpoints", ENDPOINT) == [seen]
    lab.lab("fault", "--remove", str(json.loads(told)["id"]))
    assert lab.dial("data", ENDPOINT) == ["open"]


def test_a_fault_of_packets_hits_only_who_and_what_it_is_about(lab):
    connect(lab)
    lab.lab("fault", "packets-refuse", "--host", "packetstore.blob.*", "--query", "spoke")
    assert lab.dial("spoke", ENDPOINT) == ["ECONNREFUSED"]
    assert lab.dial("data", ENDPOINT) == ["open"]


def test_packets_are_as_late_as_a_fault_says_and_no_others_are(lab):
    connect(lab)
    server = serving(lab, "data", 8004)
    address = lab.admin("POST", "/machines", {"as": "data"})["address"]
    lab.lab("fault", "packets-delay:0.4", "--path", f"{ENDPOINT_ADDRESS}:443", "--query", "spoke")
    lab.lab("fault", "packets-delay:0.2", "--path", address, "--query", "spoke")
    try:
        late, less_late = lab.dial_timed("spoke", ENDPOINT, [address, 8004], patience_s=5)
        assert late == ["open", pytest.approx(0.4, abs=0.15)]
        assert less_late == ["open", pytest.approx(0.2, abs=0.15)]
        ((seen, took),) = lab.dial_timed("data", ENDPOINT)
        assert (seen, took < 0.1) == ("open", True)
        lab.delete(peering("data", "spoke")[0])
        assert lab.dial("spoke", ENDPOINT, patience_s=1.5) == ["silence"]
        connect(lab, "spoke", "data")  # the side that is still there first
        lab.lab("fault", "--remove", "all")
        ((seen, took),) = lab.dial_timed("spoke", ENDPOINT)
        assert (seen, took < 0.1) == ("open", True)
    finally:
        end(server)


# -- nothing is left, nothing outside is touched -------------------------------------------------------


def test_nothing_outside_changes_and_nothing_is_left_even_if_the_lab_is_killed(tmp_path, isolated_lab_session, request):
    before = outside()
    own = IsolatedLab(tmp_path)
    request.addfinalizer(own.stop)
    with own.start("data", "sh", "-c", f"sleep {LONG} & echo up; sleep {LONG}") as program:
        assert program.stdout.readline() == "up\n"
        assert outside() == before
        networks = {network_of(own.state["pid"]), network_of(program.pid)}
        assert len(networks - {network_of("self")}) == 2
        os.kill(own.state["pid"], signal.SIGKILL)
        assert program.wait(10) == 125
    wait_until(lambda: not any(map(is_in_use, networks)))
    assert sleepers(LONG) == []
    assert outside() == before


def test_programs_end_with_exec_even_if_that_is_killed(lab):
    script = f"sleep {LONG} & setsid sleep {LONG} & echo up; sleep {LONG}"
    with lab.start("twin", "sh", "-c", script, start_new_session=True) as program:
        assert program.stdout.readline() == "up\n"
        wait_until(lambda: len(sleepers(LONG)) == 3)
        program.kill()
    wait_until(lambda: sleepers(LONG) == [])


def sleepers(seconds):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (entry / "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                found.append(entry.name)
        except OSError:
            continue
    return found


# -- who may run it ------------------------------------------------------------------------------------


def test_a_user_who_is_not_root_runs_it_and_stays_who_he_is(tmp_path):
    if why_not():
        pytest.skip(why_not())
    script = f"""
export NETCONN_LAB_AZURITE=none
lab() {{ command=$1; shift
  "$PYTHON" -m airflow_provider_netconn.cli lab "$command" --state {tmp_path}/lab.json "$@"; }}
lab up --isolated --speed instant --detach --seed {LANDSCAPE} >&2
trap 'lab down' EXIT
lab exec --as data -- "$PYTHON" -c '
import os, socket
socket.create_connection(("{ENDPOINT_ADDRESS}", 443), timeout=3).close()
socket.create_server(("", 80)).close()
print(os.getuid(), os.path.exists("/etc/resolv.conf"))
'
"""
    user = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if os.geteuid() == 0 else []
    ran = subprocess.run(
        [*user, "sh", "-euc", script],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [str(os.geteuid() or 1000), "True"]
    assert not (tmp_path / "lab.json").exists()


def test_exec_is_for_isolated_labs_alone(tmp_path):
    path = str(tmp_path / "lab.json")
    subprocess.run([*NETCONN, "up", "--state", path, "--detach"], check=True, capture_output=True, timeout=40)
    try:
        refused = subprocess.run(
            [*NETCONN, "exec", "--state", path, "--", "true"], capture_output=True, text=True, check=False, timeout=40
        )
    finally:
        subprocess.run([*NETCONN, "down", "--state", path], check=True, timeout=40)
    assert refused.returncode == 2
    assert "--isolated" in refused.stderr
