"""Networks, addresses and nameservers as people write them: usable to the end, or refused where they are read."""

from __future__ import annotations

import socket

from airflow_provider_netconn.errors import InvalidOptionError, InvalidTargetError
from airflow_provider_netconn.probing.address import judge_addresses
from airflow_provider_netconn.probing.options import CheckOptions, parse_nameserver
from airflow_provider_netconn.probing.targets import parse_target

SEEDS = (
    b"10.0.0.0/8",
    b"fd00::/7",
    b"10.0.0.0/255.0.0.0",
    b"::ffff:10.0.0.0/104",
    b"10.0.0.4",
    b"fe80::1%eth0",
    b"10.0.0.10:53",
    b"[fd00::10]:5353",
)
ADDRESSES = ("10.0.0.4", "fd00::4", "::ffff:10.0.0.4", "203.0.113.9", "fe80::1%eth0")


def holds(data: bytes) -> None:
    """The same text as a network, as an address that is expected, and as a nameserver."""
    text = data.decode("utf-8", "surrogateescape")
    for key in ("expect_networks", "expect_addresses"):
        try:
            target = parse_target({"host": "h", "port": 1, key: [text]})
        except InvalidTargetError:
            continue
        judge_addresses(target, ADDRESSES)
    try:
        CheckOptions(nameserver=text)
    except InvalidOptionError:
        return
    address, port = parse_nameserver(text)
    assert address.isprintable(), repr(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((address, port))  # UDP: nothing is sent
        except OSError:
            return
