"""The isolated lab with a storage account and a database behind private endpoints, and what tests ask of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.lab.packets.isolated_lab import IsolatedLab

LANDSCAPE = Path(__file__).with_name("landscape.yaml")
_PROVIDERS = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers"
_NETWORK = f"{_PROVIDERS}/Microsoft.Network"
_STORAGE = f"{_PROVIDERS}/Microsoft.Storage/storageAccounts/lakehouse"
_POSTGRES = f"{_PROVIDERS}/Microsoft.DBforPostgreSQL/flexibleServers/orders"
_ENDPOINT = f"{_NETWORK}/privateEndpoints/orders"

BLOB_HOST, BLOB_ADDRESS = "lakehouse.blob.core.windows.net", "10.1.1.4"
POSTGRES_HOST, POSTGRES_ADDRESS = "orders.postgres.database.azure.com", "10.1.1.5"
NAMESERVER = "10.1.2.4"
"""The inbound endpoint of the data's private resolver, which knows all private zones."""
PASSWORD = "Lab-only-passw0rd"


class PrivateLab(IsolatedLab):
    """With Azurite, and the endpoint of a server that the seed cannot have an endpoint for."""

    def __init__(self, folder):
        super().__init__(folder, seed=LANDSCAPE)
        link = {"privateLinkServiceId": _POSTGRES, "groupIds": ["postgresqlServer"]}
        properties = {
            "subnet": {"id": f"{_NETWORK}/virtualNetworks/data/subnets/endpoints"},
            "privateLinkServiceConnections": [{"name": "orders", "properties": link}],
        }
        self.put(_ENDPOINT, {"location": "westeurope", "properties": properties})
        zone = {"privateDnsZoneId": f"{_NETWORK}/privateDnsZones/privatelink.postgres.database.azure.com"}
        configurations = [{"name": "postgres", "properties": zone}]
        self.put(f"{_ENDPOINT}/privateDnsZoneGroups/default", {"properties": {"privateDnsZoneConfigs": configurations}})
        self.account_key = self._ask("POST", f"{_STORAGE}/listKeys").json()["keys"][0]["value"]

    def lab(self, command, *words, check=True, **options):
        options.setdefault("env", dict(os.environ))
        return super().lab(command, *words, check=check, **options)

    @property
    def connections(self):
        """The Airflow connections of both, as a user has them: the public names."""
        return {
            "AIRFLOW_CONN_WASB_LAKE": json.dumps(
                {
                    "conn_type": "wasb",
                    "login": "lakehouse",
                    "password": self.account_key,
                    "host": f"https://{BLOB_HOST}",
                }
            ),
            "AIRFLOW_CONN_POSTGRES_ORDERS": json.dumps(
                {
                    "conn_type": "postgres",
                    "host": POSTGRES_HOST,
                    "schema": "postgres",
                    "login": "keeper",
                    "password": PASSWORD,
                    "extra": {"sslmode": "require", "connect_timeout": 10},
                }
            ),
        }

    def packets(self, place):
        """How many packets a place's machine has sent, by address."""
        machine = self.admin("POST", "/machines", {"as": place})["address"]
        sent: dict[str, int] = {}
        for one in self.admin("GET", "/packets")["seen"]:
            if one["from"] == machine:
                sent[one["to"]] = sent.get(one["to"], 0) + one["packets"]
        return sent

    def public_packets(self, place):
        """Those to public addresses of services."""
        return sum(packets for address, packets in self.packets(place).items() if address.startswith("198.19."))

    def run_module(self, place, module, *arguments, timeout_s=150, **environment):
        """What a module of the tests prints as JSON, run inside."""
        command = ["env", *(f"{name}={value}" for name, value in environment.items()), sys.executable, "-m", module]
        with self.start(place, *command, *map(str, arguments), cwd=Path(__file__).parents[3]) as program:
            try:
                said, errors = program.communicate(timeout=timeout_s)
            finally:
                program.kill()
        assert program.returncode == 0, errors[-8000:]
        return json.loads(said.splitlines()[-1])
