"""From a public path to a private one and back, as this package's own check sees it inside the lab."""

from __future__ import annotations

import json
import sys

import pytest

from tests.lab.packets.changes import (
    ENDPOINT_ADDRESS,
    NETWORK,
    connect,
    deny,
    network,
    peering,
    set_connection,
)

TARGET = "https://packetstore.blob.core.windows.net"
ZONE = f"{NETWORK}/privateDnsZones/privatelink.blob.core.windows.net"
LINK = f"{ZONE}/virtualNetworkLinks/spoke"


def check(lab):
    """Path and cause, by ``netconn check`` on a machine of the spoke."""
    command = [sys.executable, "-m", "airflow_provider_netconn.cli", "check", TARGET, "--timeout", "2", "--json"]
    (verdict,) = json.loads(lab.run("spoke", *command, check=False).stdout)
    return verdict["path"], verdict["cause"]


def make_private(lab):
    connect(lab)
    lab.put(ZONE, {"location": "global"})
    link = {"virtualNetwork": {"id": network("spoke")}, "registrationEnabled": False}
    lab.put(LINK, {"location": "global", "properties": link})
    configuration = {"name": "blob", "properties": {"privateDnsZoneId": ZONE}}
    group = f"{NETWORK}/privateEndpoints/store/privateDnsZoneGroups/default"
    lab.put(group, {"properties": {"privateDnsZoneConfigs": [configuration]}})


@pytest.fixture
def private(lab):
    make_private(lab)
    assert check(lab)[0] == "PRIVATE"
    return lab


def public_packets(lab):
    """How many packets the spoke's machine has sent to public addresses of services."""
    machine = lab.admin("POST", "/machines", {"as": "spoke"})["address"]
    seen = lab.admin("GET", "/packets")["seen"]
    return sum(one["packets"] for one in seen if one["from"] == machine and one["to"].startswith("198.19."))


def test_the_path_is_public_until_all_is_there_and_then_private_without_a_packet_to_the_public_address(lab):
    assert check(lab)[0] == "PUBLIC"
    make_private(lab)
    before = public_packets(lab)
    assert check(lab) == ("PRIVATE", None)
    assert public_packets(lab) == before


@pytest.mark.parametrize(
    ("taken_away", "seen"),
    [
        (lambda lab: lab.delete(peering("data", "spoke")[0]), ("PRIVATE", "PRIVATE_PATH_DROPPED")),
        (lambda lab: set_connection(lab, "Rejected"), ("PUBLIC", "NO_PRIVATE_ENDPOINT")),
        (lambda lab: lab.delete(LINK), ("PUBLIC", "PRIVATE_ZONE_NOT_USED")),
        # On the wire, and so to a check that asks the wire alone, a rule's silence is that of a missing peering.
        (
            lambda lab: deny(lab, direction="Outbound", port=443, subnet="spoke/machines"),
            ("PRIVATE", "PRIVATE_PATH_DROPPED"),
        ),
        (lambda lab: lab.lab("fault", "packets-refuse", "--query", "spoke"), ("UNKNOWN", "DNS_UNREACHABLE")),
    ],
    ids=["peering", "endpoint", "link", "security-group", "all-packets"],
)
def test_what_is_taken_away_shows_in_the_cause(private, taken_away, seen):
    taken_away(private)
    assert check(private) == seen


def test_the_endpoint_is_where_the_name_leads(private):
    ask = f"import socket; print(socket.gethostbyname({TARGET.removeprefix('https://')!r}))"
    assert private.python("spoke", ask) == f"{ENDPOINT_ADDRESS}\n"
    assert private.python("data", ask).startswith("198.19.")
