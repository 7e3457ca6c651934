"""Causes of the stage ``connect``: TCP does not come about."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

CONNECT_CAUSES: Final = (
    Cause(
        code="PRIVATE_PATH_DROPPED",
        stage=Stage.CONNECT,
        meaning="Packets to the private address are dropped: no answer at all.",
        proof="Time-out of TCP connect to an address inside the expected networks.",
        seen="TCP to port {port}: {attempts}; no answer within {timeout} s.",
        remedy="Check in this order: the peering (Connected on both sides) or hub connection between this network and "
        "{addresses}; security groups and firewalls on the way for port {port}; routes back; that the private "
        "endpoint is "
        "Approved.",
    ),
    Cause(
        code="PUBLIC_PATH_DROPPED",
        stage=Stage.CONNECT,
        meaning="Packets to the public address are dropped: no answer at all.",
        proof="Time-out of TCP connect to an address outside the expected networks.",
        seen="TCP to port {port}: {attempts}; no answer within {timeout} s.",
        remedy="Check whether this network may reach the internet on port {port} (firewall, egress rules), and "
        "whether the "
        "service admits this network's outbound addresses.",
    ),
    Cause(
        code="CONNECTION_REFUSED",
        stage=Stage.CONNECT,
        meaning="The host answers that nothing listens on that port, or a firewall answers so.",
        proof="ECONNREFUSED: a TCP reset in answer to SYN.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Check the port {port} and that the service runs there; a firewall that rejects with a reset looks "
        "the same.",
    ),
    Cause(
        code="ADMINISTRATIVELY_PROHIBITED",
        stage=Stage.CONNECT,
        meaning="A firewall or router on the way says that this traffic is forbidden.",
        proof="ICMP 'administratively prohibited' (type 3 code 9, 10, 13; ICMPv6 type 1 code 1, 5, 6), or EACCES or "
        "EPERM "
        "of this host's own rules.",
        seen="TCP to port {port}: {attempts}{icmp}.",
        remedy="Allow {addresses} port {port} in the firewall that answered, or in this host's own rules and routes.",
    ),
    Cause(
        code="HOST_UNREACHABLE",
        stage=Stage.CONNECT,
        meaning="The last router finds no such host.",
        proof="EHOSTUNREACH: ICMP host unreachable, or no answer to neighbour discovery.",
        seen="TCP to port {port}: {attempts}{icmp}.",
        remedy="Check that the address {addresses} is still in use: a deleted endpoint leaves its record behind.",
    ),
    Cause(
        code="NETWORK_UNREACHABLE",
        stage=Stage.CONNECT,
        meaning="There is no route to that network.",
        proof="ENETUNREACH: no route here, or ICMP network unreachable.",
        seen="TCP to port {port}: {attempts}{icmp}.",
        remedy="Add the route, peering or hub connection that leads to {addresses}.",
    ),
    Cause(
        code="CONNECTION_RESET",
        stage=Stage.CONNECT,
        meaning="The connection was reset while it was being made.",
        proof="ECONNRESET during TCP connect.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Look for a firewall or load balancer on the way whose backend is away.",
    ),
    Cause(
        code="CONNECT_FAILED",
        stage=Stage.CONNECT,
        meaning="This host could not even try: a limit or setting of its own.",
        proof="Another errno of connect, such as EADDRNOTAVAIL or EMFILE.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Look the errno up: file limits, address family, source addresses of this host.",
    ),
)
