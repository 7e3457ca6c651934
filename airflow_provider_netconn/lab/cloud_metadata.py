"""What a cloud tells of itself at ``/metadata/endpoints``: ``az cloud register`` and Terraform read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def cloud_metadata(url: Callable[[str], str]) -> list[dict[str, Any]]:
    """The clouds that there are: one, the lab (Resource Manager, "Metadata Endpoints", api-version 2022-09-01).

    :param url: gives the URL of a service of the lab
    """
    arm, authority, graph = f"{url('arm')}/", f"{url('authority')}/", f"{url('graph')}/"
    return [
        {
            "name": "NetconnLab",
            "portal": "https://portal.azure.com",
            "authentication": {
                "loginEndpoint": authority,
                "audiences": ["https://management.core.windows.net/", "https://management.azure.com/", arm],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "resourceManager": arm,
            "microsoftGraphResourceId": graph,
            "graph": graph,
            "graphAudience": graph,
            "activeDirectoryDataLake": "https://datalake.azure.net/",
            "batch": "https://batch.core.windows.net/",
            "media": "https://rest.media.azure.net",
            "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/aliases.json",
            "sqlManagement": "https://management.core.windows.net:8443/",
            "suffixes": {
                "acrLoginServer": "azurecr.io",
                "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
                "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
                "keyVaultDns": "vault.azure.net",
                "mariadbServerEndpoint": "mariadb.database.azure.com",
                "mysqlServerEndpoint": "mysql.database.azure.com",
                "postgresqlServerEndpoint": "postgres.database.azure.com",
                "sqlServerHostname": "database.windows.net",
                "storage": "core.windows.net",
                "storageSyncEndpointSuffix": "afs.azure.net",
                "synapseAnalytics": "dev.azuresynapse.net",
            },
        }
    ]
