"""The secrets backend in front of the Key Vault backend of the Azure provider, with Azure's own client."""

from __future__ import annotations

from typing import ClassVar

import pytest

from airflow_provider_netconn.secrets import chain
from airflow_provider_netconn.secrets.private_link import PrivateLinkSecretsBackend
from tests.lab.services.test_key_vault import ADMINISTRATOR, URL, client, grant

key_vault = pytest.importorskip("airflow.providers.microsoft.azure.secrets.key_vault")

CANARY = "canary-90bb-never-show-this"
ORDERS = f"postgres://me:{CANARY}@orders.postgres.database.azure.com:5432/sales?sslmode=require"


class LabVault(key_vault.AzureKeyVaultBackend):
    """It signs in at the lab."""

    lab: ClassVar = None

    @property
    def client(self):
        return client(self.lab)


@pytest.mark.usefixtures("names")
def test_a_connection_of_a_key_vault_gets_its_private_name(azure_lab, monkeypatch, caplog):
    grant(azure_lab, "automation", ADMINISTRATOR)
    with client(azure_lab) as vault:
        vault.set_secret("airflow-connections-orders", ORDERS)
        vault.set_secret("airflow-variables-colour", "blue")
    monkeypatch.setattr(LabVault, "lab", azure_lab)
    monkeypatch.setattr(chain, "others", lambda own: ())
    backend = PrivateLinkSecretsBackend(
        backend=f"{__name__}.LabVault", backend_kwargs={"vault_url": URL}, names="privatelink"
    )
    found = backend.get_connection("orders")
    assert (found.host, found.port) == ("orders.privatelink.postgres.database.azure.com", 5432)
    assert (found.password, found.schema, found.extra_dejson) == (CANARY, "sales", {"sslmode": "require"})
    assert backend.get_connection("none") is None
    assert backend.get_variable("colour") == "blue"
    assert CANARY not in caplog.text
