"""What only a network of one's own can show: ICMP errors, missing routes, public addresses, the system's resolver."""

from __future__ import annotations

import json

import pytest

from tests.e2e.isolated import run_isolated, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")

NETWORK = """
ip link set lo up
ip link add here type veth peer name there
ip link set here up; ip link set there up
ip addr add 10.9.0.1/24 dev here
ip route add prohibit 10.9.1.0/24
ip route add unreachable 10.9.2.0/24
ip addr add 10.9.5.4/32 dev lo
ip addr add 20.60.1.4/32 dev lo
nft -f - <<RULES
table inet firewall {
  chain input {
    type filter hook input priority 0;
    tcp dport 81 reject with icmpx type admin-prohibited
    tcp dport 82 drop
    tcp dport 83 reject with tcp reset
    tcp dport 84 reject with icmpx type host-unreachable
    tcp dport 85 reject with icmpx type no-route
    tcp dport 86 reject with icmp type net-prohibited
    tcp dport 87 reject with icmp type host-prohibited
  }
}
RULES
"""

CAUSES = {
    "10.9.5.4:81": ("BLOCKED", "PRIVATE", "ADMINISTRATIVELY_PROHIBITED"),
    "[::1]:81": ("BLOCKED", "PRIVATE", "ADMINISTRATIVELY_PROHIBITED"),
    "10.9.5.4:86": ("BLOCKED", "PRIVATE", "ADMINISTRATIVELY_PROHIBITED"),
    "10.9.5.4:87": ("BLOCKED", "PRIVATE", "ADMINISTRATIVELY_PROHIBITED"),
    "10.9.1.4:80": ("BLOCKED", "PRIVATE", "ADMINISTRATIVELY_PROHIBITED"),
    "10.9.5.4:82": ("UNREACHABLE", "PRIVATE", "PRIVATE_PATH_DROPPED"),
    "20.60.1.4:82": ("UNREACHABLE", "PUBLIC", "ADDRESS_PUBLIC"),
    "10.9.5.4:83": ("UNREACHABLE", "PRIVATE", "CONNECTION_REFUSED"),
    "10.9.5.4:84": ("UNREACHABLE", "PRIVATE", "HOST_UNREACHABLE"),
    "10.9.2.4:80": ("UNREACHABLE", "PRIVATE", "HOST_UNREACHABLE"),
    "10.9.5.4:85": ("UNREACHABLE", "PRIVATE", "NETWORK_UNREACHABLE"),
    "10.99.0.4:80": ("UNREACHABLE", "PRIVATE", "NETWORK_UNREACHABLE"),
}


@pytest.fixture(scope="module")
def verdicts():
    targets = " ".join(f"'{target}'" for target in CAUSES)
    ran = run_isolated(
        f"{NETWORK}\n$PYTHON -m airflow_provider_netconn.cli check {targets} --json --timeout 1.5 --retries 0"
        " --expect-network 10.9.0.0/16 --expect-network 10.99.0.0/16 --expect-network ::1/128 || test $? = 1"
    )
    assert ran.returncode == 0, ran.stderr
    return {verdict["target"]: verdict for verdict in json.loads(ran.stdout)}


@pytest.mark.parametrize("target", CAUSES)
def test_how_a_connection_fails_is_told_apart(verdicts, target):
    verdict = verdicts[target]
    assert (verdict["outcome"], verdict["path"], verdict["cause"]) == CAUSES[target], verdict["evidence"]


def test_the_icmp_message_stands_in_the_evidence(verdicts):
    attempts = verdicts["10.9.5.4:81"]["stages"][-1]["detail"]["addresses"]
    assert [(attempt["errno"], attempt["icmp"]) for attempt in attempts] == [("EHOSTUNREACH", "type 3 code 13")]


def check_with_system_resolver(hosts: str, resolv_conf: str, zone: str, target: str, databases: str = "files dns"):
    """The verdict on a target where /etc/hosts, /etc/resolv.conf and the nameserver on port 53 are as given."""
    ran = run_isolated(f"""
ip link set lo up
directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
printf '%b' '{hosts}' > "$directory/hosts"
printf '%b' '{resolv_conf}' > "$directory/resolv.conf"
printf 'hosts: {databases}\\n' > "$directory/nsswitch.conf"
for file in hosts resolv.conf nsswitch.conf; do
  mount --bind "$directory/$file" "$(readlink -f /etc/$file)"
done
$PYTHON - <<'SCRIPT'
import json
from airflow_provider_netconn.checks import CheckOptions, check, parse_target
from airflow_provider_netconn.evidence import Stage, to_json
from testbed.endpoints import DnsServer
with DnsServer(port=53) as dns:
    {zone}
    target = parse_target("{target}")
    report = check([target], CheckOptions(timeout_s=2, retries=0, last_stage=Stage.ADDRESS))
print(json.dumps(to_json(report.verdicts[0])))
SCRIPT
""")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_hosts_file_that_overrides_the_zone_is_seen():
    verdict = check_with_system_resolver(
        hosts="10.1.0.4 orders.example.net\\n",
        resolv_conf="nameserver 127.0.0.1\\n",
        zone='dns.set("orders.example.net", "20.60.1.4")',
        target="orders.example.net:443",
    )
    assert (verdict["path"], verdict["cause"], verdict["as_expected"]) == ("PRIVATE", "RESOLVERS_DISAGREE", True)


def test_a_name_that_only_the_nameserver_knows_does_not_resolve_for_a_task():
    # The system is told to look into files alone.
    verdict = check_with_system_resolver(
        hosts="127.0.0.1 localhost\\n",
        resolv_conf="nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n",
        zone='dns.set("orders.example.net", "10.1.0.4")',
        databases="files",
        target="orders.example.net:443",
    )
    assert (verdict["cause"], verdict["outcome"]) == ("NAME_NOT_RESOLVED", "MISCONFIGURED")


def test_search_domains_and_ndots_count_as_in_a_pod():
    verdict = check_with_system_resolver(
        hosts="127.0.0.1 localhost\\n",
        resolv_conf="nameserver 127.0.0.1\\nsearch data.example.net\\noptions ndots:5\\n",
        zone='dns.set("orders.apps.data.example.net", "10.1.0.4")',
        target="orders.apps:443",
    )
    assert (verdict["path"], verdict["cause"]) == ("PRIVATE", None)
    dns = verdict["stages"][0]["detail"]["dns"]
    assert dns["question"] == "orders.apps.data.example.net"
    assert verdict["stages"][0]["detail"]["system"]["addresses"] == ["10.1.0.4"]
