"""The resources for which tokens are issued: Azure's own, by their published names, and the lab's by its addresses."""

from __future__ import annotations

from typing import Final

# Microsoft Learn: "Azure AD authentication endpoints" and "Access token: resource identifiers" of the three clouds; the
# GUIDs are the application ids of "Verify first-party Microsoft applications in sign-in reports".
_MANAGEMENT: Final = (
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net",
    "https://management.chinacloudapi.cn",
    "https://management.core.chinacloudapi.cn",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
)
_GRAPH: Final = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
    "00000003-0000-0000-c000-000000000000",
)
_SERVICES: Final = (
    "https://storage.azure.com",
    "https://vault.azure.net",
    "https://database.windows.net",
    "https://ossrdbms-aad.database.windows.net",
    "https://servicebus.azure.net",
    "https://eventhubs.azure.net",
    "https://redis.azure.com",
    "https://cosmos.azure.com",
    "https://cognitiveservices.azure.com",
    "https://search.azure.com",
    "https://dev.azuresynapse.net",
    "https://api.kusto.windows.net",
    "https://kusto.kusto.windows.net",
    "https://datalake.azure.net",
    "https://monitor.azure.com",
    "https://containerregistry.azure.net",
    "api://AzureADTokenExchange",
    "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",  # Azure Databricks
)
# A resource of one's own has its host as a name too.
_SUFFIXES: Final = (
    ".blob.core.windows.net",
    ".dfs.core.windows.net",
    ".file.core.windows.net",
    ".queue.core.windows.net",
    ".table.core.windows.net",
    ".vault.azure.net",
    ".servicebus.windows.net",
    ".documents.azure.com",
    ".kusto.windows.net",
)


class Resources:
    """The names under which tokens are issued. A slash at the end makes no difference.

    The lab adds its own addresses once it knows its ports; a client such as azure-cli asks for tokens by these.
    """

    def __init__(self) -> None:
        self.management: set[str] = set(_MANAGEMENT)
        self.graph: set[str] = set(_GRAPH)
        self.others: set[str] = set(_SERVICES)

    def add_management(self, url: str) -> None:
        """Let tokens for Resource Manager be asked by this address too."""
        self.management.add(url.rstrip("/"))

    def add_graph(self, url: str) -> None:
        """Let tokens for Microsoft Graph be asked by this address too."""
        self.graph.add(url.rstrip("/"))

    def is_graph(self, name: str) -> bool:
        """Whether it names Microsoft Graph."""
        return name.rstrip("/") in self.graph

    def is_known(self, name: str) -> bool:
        """Whether every tenant has a resource of that name."""
        bare = name.rstrip("/")
        return (
            bare in self.management
            or bare in self.graph
            or bare in self.others
            or (bare.startswith("https://") and bare.endswith(_SUFFIXES))
        )
