"""A control plane with all services, and a plain resource of each to begin with."""

from __future__ import annotations

from airflow_provider_netconn.lab.resources import (
    cosmos_accounts,
    databricks,
    flexible_servers,
    key_vaults,
    kusto,
    messaging,
    redis,
    registries,
    search,
    sql_servers,
    storage_accounts,
    subscriptions,
    synapse,
    web_sites,
)
from airflow_provider_netconn.lab.resources.generic import generic_kind
from tests.lab.arm.planes import GROUP, SUBSCRIPTION, TENANT, make_plane, put, send

MODULES = (
    cosmos_accounts, databricks, flexible_servers, key_vaults, kusto, messaging, redis, registries, search,
    sql_servers, storage_accounts, synapse, web_sites,
)  # fmt: skip

PLAIN = {
    "Microsoft.Storage/storageAccounts": ("2023-05-01", {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}),
    "Microsoft.KeyVault/vaults": (
        "2023-07-01",
        {"properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}},
    ),
    "Microsoft.Sql/servers": (
        "2023-05-01-preview",
        {"properties": {"administratorLogin": "admin123", "administratorLoginPassword": "CANARY-word-1"}},
    ),
    "Microsoft.DBforPostgreSQL/flexibleServers": (
        "2024-08-01",
        {"properties": {"administratorLogin": "someone", "administratorLoginPassword": "CANARY-word-1"}},
    ),
    "Microsoft.DBforMySQL/flexibleServers": (
        "2023-12-30",
        {"properties": {"administratorLogin": "someone", "administratorLoginPassword": "CANARY-word-1"}},
    ),
    "Microsoft.ContainerRegistry/registries": ("2023-07-01", {"sku": {"name": "Premium"}}),
    "Microsoft.DocumentDB/databaseAccounts": (
        "2024-08-15",
        {"properties": {"databaseAccountOfferType": "Standard", "locations": [{"locationName": "eastus"}]}},
    ),
    "Microsoft.ServiceBus/namespaces": ("2024-01-01", {"sku": {"name": "Premium"}}),
    "Microsoft.EventHub/namespaces": ("2024-01-01", {"sku": {"name": "Standard"}}),
    "Microsoft.Synapse/workspaces": ("2021-06-01", {"properties": {"sqlAdministratorLoginPassword": "CANARY-word-1"}}),
    "Microsoft.Cache/Redis": ("2024-11-01", {"properties": {"sku": {"name": "Premium", "family": "P", "capacity": 1}}}),
    "Microsoft.Web/sites": ("2024-04-01", {"properties": {}}),
    "Microsoft.Kusto/clusters": ("2023-08-15", {"sku": {"name": "Standard_E2a_v4", "tier": "Standard"}}),
    "Microsoft.Search/searchServices": ("2023-11-01", {"sku": {"name": "standard"}}),
    "Microsoft.Databricks/workspaces": ("2024-05-01", {"properties": {}}),
}
"""Type -> an api-version and the body of a PUT, without its location."""


def services_plane(**options):
    """A control plane with the services; other types are taken as they are."""
    kinds = [*subscriptions.KINDS, *(kind for module in MODULES for kind in module.KINDS)]
    return make_plane(kinds, fallback=generic_kind, **options)


def make(plane, type_name, name="theservice1", **properties):
    """PUT a plain resource of a type; gives it as the control plane keeps it."""
    version, body = PLAIN[type_name]
    body = {"location": "eastus", **body, "properties": {**body.get("properties", {}), **properties}}
    put(plane, f"{type_name}/{name}", body, version=version)
    found = plane.find(f"{GROUP}/providers/{type_name}/{name}")
    assert found is not None
    return found


def ask(plane, method, resource, body=None, below="", **options):
    """Send a request to a resource, or to what is below it, with a version that its provider has."""
    options.setdefault("version", PLAIN[resource.kind.type][0])
    return send(plane, method, f"{resource.id}{below}", body, **options)


def make_subnet(plane, name="apps", *services):
    """A subnet with service endpoints; gives its id."""
    network = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
    send(plane, "PUT", network, {"location": "eastus", "properties": {}})
    subnet = f"{network}/subnets/{name}"
    endpoints = [{"service": service} for service in services]
    assert send(plane, "PUT", subnet, {"properties": {"serviceEndpoints": endpoints}}).status < 300
    return subnet


__all__ = ["PLAIN", "SUBSCRIPTION", "ask", "make", "make_subnet", "services_plane"]
