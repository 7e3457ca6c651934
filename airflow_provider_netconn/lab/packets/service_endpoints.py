"""Service endpoints: a subnet that has one for a service comes to its public address as itself.

Its machines are seen with their private addresses there, and no more with that of their NAT gateway, so a rule for the
subnet admits them, and one for the public address does not (Microsoft Learn, "Virtual Network service endpoints").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.store import Resource

_SERVICES: Final = {
    "microsoft.storage/storageaccounts": {"microsoft.storage", "microsoft.storage.global"},
    "microsoft.sql/servers": {"microsoft.sql"},
    "microsoft.documentdb/databaseaccounts": {"microsoft.azurecosmosdb"},
    "microsoft.keyvault/vaults": {"microsoft.keyvault"},
    "microsoft.servicebus/namespaces": {"microsoft.servicebus"},
    "microsoft.eventhub/namespaces": {"microsoft.eventhub"},
    "microsoft.containerregistry/registries": {"microsoft.containerregistry"},
    "microsoft.cognitiveservices/accounts": {"microsoft.cognitiveservices"},
    "microsoft.web/sites": {"microsoft.web"},
}
"""Names of the services as subnets list them, by resource type (the same page, "Generally available")."""


def has_service_endpoint(subnet: Resource, resource: Resource) -> bool:
    """:return: whether machines of a subnet come to a resource by a service endpoint, whatever their regions"""
    listed = {str(one.get("service")).casefold() for one in subnet.properties.get("serviceEndpoints") or ()}
    return bool(listed & _SERVICES.get(resource.kind.type.casefold(), set()))
