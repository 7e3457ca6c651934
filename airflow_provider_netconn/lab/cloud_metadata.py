"""What a cloud tells of itself at ``/metadata/endpoints``: ``az cloud register`` and Terraform read it.

Its shape goes by the api-version. The first, 2015-01-01, tells little of one cloud, and is what msrestazure and the
tools of Azure Stack ask for; those of 2019 and 2020 list clouds; since 2022-09-01 it is one cloud again, as azure-cli
(``az cloud register``) and go-azure-sdk (``metadata/client.go``) read it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

CLOUD: Final = "NetconnLab"
_FIRST_VERSION: Final = "2015-01-01"
_SINGLE_SINCE: Final = "2022-09-01"


def cloud_metadata(url: Callable[[str], str], api_version: str) -> dict[str, Any] | list[dict[str, Any]]:
    """The cloud that there is, the lab, as a version of the API describes it.

    :param url: gives the URL of a service of the lab
    :param api_version: of the request, such as ``2022-09-01``
    """
    if api_version <= _FIRST_VERSION:
        return _first_description(url)
    cloud = _description(url)
    return cloud if api_version >= _SINGLE_SINCE else [cloud]


def _audiences(url: Callable[[str], str]) -> list[str]:
    return ["https://management.core.windows.net/", "https://management.azure.com/", f"{url('arm')}/"]


def _first_description(url: Callable[[str], str]) -> dict[str, Any]:
    return {
        "galleryEndpoint": "https://gallery.azure.com/",
        "graphEndpoint": f"{url('graph')}/",
        "portalEndpoint": "https://portal.azure.com/",
        "authentication": {"loginEndpoint": f"{url('authority')}/", "audiences": _audiences(url)},
    }


def _description(url: Callable[[str], str]) -> dict[str, Any]:
    graph = f"{url('graph')}/"
    return {
        "name": CLOUD,
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": url("authority"),  # azure-cli puts a slash and the tenant behind it
            "audiences": _audiences(url),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": f"{url('arm')}/",
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
