"""In the isolated lab four situations that look alike from inside are told apart, once the control plane is asked too.

Probing and asking are both done by ``netconn check`` inside, as a task on a worker in the network would.
"""

from __future__ import annotations

import json
import sys

import pytest

from tests.lab.packets.changes import GROUP, NETWORK, connect, deny, network, peering, put_on_subnet, set_connection
from tests.lab.packets.isolated_lab import WITHOUT_AZURITE

URL = "https://packetstore.blob.core.windows.net"
ZONE = f"{NETWORK}/privateDnsZones/privatelink.blob.core.windows.net"
LINK = f"{ZONE}/virtualNetworkLinks/spoke"
WORKER = f"{network('spoke')}/subnets/machines"


def check(lab):
    """Cause and path that ``netconn check`` gives, run in the spoke."""
    owner = next(one for one in lab.state["principals"] if one["name"] == lab.state["owner"])
    extra = {
        "tenantId": owner["tenant_id"],
        "subscriptionId": lab.state["subscription_id"],
        "arm_url": lab.state["arm_url"],
        "authority_url": lab.state["authority_url"],
        "ca_file": lab.state["ca_file"],
    }
    connection = {
        "conn_type": "azure_network",
        "login": owner["app_id"],
        "password": owner["client_secret"],
        "extra": extra,
    }
    words = ["check", URL, "--json", "--timeout", "1", "--retries", "0", "--ca", lab.state["ca_file"]]
    words += ["--azure-conn-id", "azure_lab", "--worker-network", WORKER]
    ran = lab.run(
        "spoke",
        *(sys.executable, "-m", "airflow_provider_netconn.cli", *words),
        check=False,
        env={**WITHOUT_AZURITE, "AIRFLOW_CONN_AZURE_LAB": json.dumps(connection)},
    )
    assert ran.stdout, ran.stderr
    (verdict,) = json.loads(ran.stdout)
    return verdict


@pytest.fixture
def private(lab):
    """The lab with a private path from the spoke to the account."""
    connect(lab)
    lab.put(ZONE, {"location": "global"})
    link = {"virtualNetwork": {"id": network("spoke")}, "registrationEnabled": False}
    lab.put(LINK, {"location": "global", "properties": link})
    zone_group = f"{NETWORK}/privateEndpoints/store/privateDnsZoneGroups/default"
    configs = [{"name": "blob", "properties": {"privateDnsZoneId": ZONE}}]
    lab.put(zone_group, {"properties": {"privateDnsZoneConfigs": configs}})
    return lab


def test_four_situations_have_four_causes(private):
    assert check(private)["path"] == "PRIVATE"
    seen = {}
    private.delete(LINK)
    seen["zone unlinked"] = check(private)
    link = {"virtualNetwork": {"id": network("spoke")}, "registrationEnabled": False}
    private.put(LINK, {"location": "global", "properties": link})
    deny(private, direction="Inbound", port=443, subnet="data/endpoints")
    put_on_subnet(private, "data/endpoints", privateEndpointNetworkPolicies="NetworkSecurityGroupEnabled")
    seen["denied by a security group"] = check(private)
    put_on_subnet(private, "data/endpoints", privateEndpointNetworkPolicies="Disabled")
    for one, other in (("data", "spoke"), ("spoke", "data")):
        private.delete(peering(one, other)[0])
    seen["peering removed"] = check(private)
    connect(private)
    set_connection(private, "Rejected")
    seen["endpoint rejected"] = check(private)
    assert {name: (verdict["cause"], verdict["path"]) for name, verdict in seen.items()} == {
        "zone unlinked": ("ZONE_NOT_LINKED", "PUBLIC"),
        "denied by a security group": ("SECURITY_GROUP_DENIES", "PRIVATE"),
        "peering removed": ("PEERING_MISSING", "PRIVATE"),
        "endpoint rejected": ("ENDPOINT_REJECTED", seen["endpoint rejected"]["path"]),
    }
    assert all(GROUP.rpartition("/")[2] in verdict["explanation"] for verdict in seen.values())
