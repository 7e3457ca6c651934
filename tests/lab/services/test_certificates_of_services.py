"""Each kind of service shows the names that Azure's shows: by the privatelink name no client that verifies gets in."""

from __future__ import annotations

import ssl

import pytest

from tests.lab.services.reaching import GROUP, tls

LOCATION = {"location": "westeurope"}
COSMOS = {
    "databaseAccountOfferType": "Standard",
    "locations": [{"locationName": "westeurope", "failoverPriority": 0}],
}
NEW = {
    "Microsoft.Kusto/clusters/contosoadx": {"sku": {"name": "Standard_E2a_v4", "tier": "Standard"}},
    "Microsoft.Cache/Redis/contosocache": {"properties": {"sku": {"name": "Premium", "family": "P", "capacity": 1}}},
    "Microsoft.Search/searchServices/contososearch": {"sku": {"name": "standard"}},
    "Microsoft.CognitiveServices/accounts/contosoai": {"kind": "OpenAI", "sku": {"name": "S0"}},
    "Microsoft.Insights/privateLinkScopes/contosoampls": {
        "properties": {"accessModeSettings": {"queryAccessMode": "Open", "ingestionAccessMode": "Open"}}
    },
    "Microsoft.EventHub/namespaces/contosohub": {"sku": {"name": "Standard"}},
    "Microsoft.Relay/namespaces/contosorelay": {"sku": {"name": "Standard"}},
    "Microsoft.DocumentDB/databaseAccounts/contosocosmos": {"kind": "GlobalDocumentDB", "properties": COSMOS},
    "Microsoft.Web/sites/contososite": {},
    "Microsoft.Databricks/workspaces/contosodbx": {"sku": {"name": "premium"}},
    "Microsoft.ContainerService/managedClusters/contosoaks": {"identity": {"type": "SystemAssigned"}},
}
"""Besides what is in the seed."""

BY_THE_PUBLIC_NAME_ALONE = [
    *(
        (f"contosolake.{group}.core.windows.net", f"contosolake.privatelink.{group}.core.windows.net", 443)
        for group in ("blob", "file", "queue", "table", "web", "dfs")
    ),
    ("contosoimages.azurecr.io", "contosoimages.privatelink.azurecr.io", 443),
    ("contoso-vault.vault.azure.net", "contoso-vault.privatelink.vaultcore.azure.net", 443),
    ("contosoadx.westeurope.kusto.windows.net", "contosoadx.privatelink.westeurope.kusto.windows.net", 443),
    ("contosocache.redis.cache.windows.net", "contosocache.privatelink.redis.cache.windows.net", 6380),
    ("contososearch.search.windows.net", "contososearch.privatelink.search.windows.net", 443),
    ("contosoai.openai.azure.com", "contosoai.privatelink.openai.azure.com", 443),
    ("api.monitor.azure.com", "api.privatelink.monitor.azure.com", 443),
    ("contoso-events.servicebus.windows.net", "contoso-events.privatelink.servicebus.windows.net", 5671),
    ("contosohub.servicebus.windows.net", "contosohub.privatelink.servicebus.windows.net", 9093),
    ("contosorelay.servicebus.windows.net", "contosorelay.privatelink.servicebus.windows.net", 443),
    ("contosocosmos.documents.azure.com", "contosocosmos.privatelink.documents.azure.com", 443),
    ("contososite.azurewebsites.net", "contososite.privatelink.azurewebsites.net", 443),
    ("contosodbx.azuredatabricks.net", "contosodbx.privatelink.azuredatabricks.net", 443),
]
"""Public name, privatelink name and port. PostgreSQL, MySQL and SQL, where TLS begins inside the protocol, are in
``test_databases.py``."""


@pytest.fixture(scope="module")
def populated(azure_lab_session):
    azure_lab_session.reset()
    for path, body in NEW.items():
        azure_lab_session.put(f"{GROUP}/providers/{path}", {**LOCATION, "properties": {}, **body})
    return azure_lab_session


@pytest.mark.parametrize(("public", "privatelink", "port"), BY_THE_PUBLIC_NAME_ALONE)
def test_the_public_name_verifies_and_the_privatelink_name_does_not(populated, public, privatelink, port):
    with tls(populated, public, port) as connection:
        assert connection.getpeercert()
    with (
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
        tls(populated, public, port, name=privatelink),
    ):
        pass


def test_a_private_cluster_verifies_by_its_name_below_privatelink(populated):
    for name in ("contosoaks.westeurope.azmk8s.io", "contosoaks.privatelink.westeurope.azmk8s.io"):
        with tls(populated, "contosoaks.westeurope.azmk8s.io", name=name) as connection:
            assert connection.getpeercert()
