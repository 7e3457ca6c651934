"""Scenes of the stage ``connect``; all that takes routes and filters in a network of its own."""

from __future__ import annotations

import json
import shlex
from functools import cache, partial

import pytest

from airflow_provider_netconn.evidence import Expectation, Outcome, Path, Report, Verdict, from_json
from testbed.endpoints import ClosedPort, DroppingPort
from tests.e2e.causes.ground import SHORT_S
from tests.e2e.causes.scenes.scene import induces
from tests.e2e.isolated import run_isolated, why_not

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
    # The SYN comes in and the answer goes out; what completes the handshake is reset.
    tcp dport 88 tcp flags & (syn | ack) == ack reject with tcp reset
  }
}
RULES
"""

ANY = {"host": "20.60.1.4", "port": 82, "expect": "any"}
IN_NETWORK = (
    ("10.9.5.4:81", "ADMINISTRATIVELY_PROHIBITED", Path.PRIVATE, Outcome.BLOCKED),
    ("[::1]:81", "ADMINISTRATIVELY_PROHIBITED", Path.PRIVATE, Outcome.BLOCKED),
    ("10.9.5.4:86", "ADMINISTRATIVELY_PROHIBITED", Path.PRIVATE, Outcome.BLOCKED),
    ("10.9.5.4:87", "ADMINISTRATIVELY_PROHIBITED", Path.PRIVATE, Outcome.BLOCKED),
    ("10.9.1.4:80", "ADMINISTRATIVELY_PROHIBITED", Path.PRIVATE, Outcome.BLOCKED),
    ("10.9.5.4:82", "PRIVATE_PATH_DROPPED", Path.PRIVATE, Outcome.UNREACHABLE),
    ("20.60.1.4:82", "ADDRESS_PUBLIC", Path.PUBLIC, Outcome.UNREACHABLE),
    (ANY, "PUBLIC_PATH_DROPPED", Path.PUBLIC, Outcome.UNREACHABLE),
    ("10.9.5.4:83", "CONNECTION_REFUSED", Path.PRIVATE, Outcome.UNREACHABLE),
    ("10.9.5.4:84", "HOST_UNREACHABLE", Path.PRIVATE, Outcome.UNREACHABLE),
    ("10.9.2.4:80", "HOST_UNREACHABLE", Path.PRIVATE, Outcome.UNREACHABLE),
    ("10.9.5.4:85", "NETWORK_UNREACHABLE", Path.PRIVATE, Outcome.UNREACHABLE),
    ("10.99.0.4:80", "NETWORK_UNREACHABLE", Path.PRIVATE, Outcome.UNREACHABLE),
    ("127.0.0.1:88", "CONNECTION_RESET", Path.PRIVATE, Outcome.BLOCKED),
)


@cache
def report_in_network() -> Report:
    """One check of all these targets, in the order of the table."""
    targets = shlex.quote(json.dumps([target for target, *_ in IN_NETWORK]))
    ran = run_isolated(f"{NETWORK}\n$PYTHON -m tests.e2e.causes.in_network {targets}")
    assert ran.returncode == 0, ran.stderr
    return from_json(Report, json.loads(ran.stdout))


def verdict_in_network(position: int, _ground=None) -> Verdict:
    """The verdict on the target of that line of the table."""
    if why_not():
        pytest.skip(why_not())
    return report_in_network().verdicts[position]


for _position, (_target, _cause, _path, _outcome) in enumerate(IN_NETWORK):
    _name = _target if isinstance(_target, str) else "where any path will do"
    induces(_cause, _path, _outcome, _name)(partial(verdict_in_network, _position))


@induces("PRIVATE_PATH_DROPPED", Path.PRIVATE, Outcome.UNREACHABLE)
def a_port_that_drops_on_the_private_side(ground):
    with DroppingPort() as port:
        return ground.verdict(f"127.0.0.1:{port.port}", timeout_s=SHORT_S)


def _dropped_in_public(ground, **options):
    with DroppingPort(host="127.200.0.8") as port:
        ground.dns.set("dropped.example.net", port.host)
        return ground.verdict(f"dropped.example.net:{port.port}", timeout_s=SHORT_S, **options)


@induces("PUBLIC_PATH_DROPPED", Path.PUBLIC, Outcome.UNREACHABLE)
def a_port_that_drops_on_the_public_side(ground):
    return _dropped_in_public(ground, expect=Expectation.ANY)


@induces("ADDRESS_LOOPBACK", Path.PUBLIC, Outcome.UNREACHABLE)
def a_port_that_drops_on_the_public_side_where_the_private_one_is_expected(ground):
    """The address comes first in the cause, and takes nothing from how far it got."""
    return _dropped_in_public(ground)


@induces("CONNECTION_REFUSED", Path.PRIVATE, Outcome.UNREACHABLE)
def a_closed_port(ground):
    with ClosedPort() as port:
        verdict = ground.verdict(f"127.0.0.1:{port.port}")
    assert verdict.headline == "UNREACHABLE"
    return verdict


@induces("CONNECT_FAILED", Path.PRIVATE, Outcome.UNREACHABLE)
def a_link_local_address_without_its_interface(ground):
    verdict = ground.verdict("[fe80::1]:80", networks=("fe80::/10",))
    assert verdict.stages[-1].detail["addresses"][0]["errno"] == "EINVAL"
    return verdict
