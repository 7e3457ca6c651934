"""Every request example that Azure publishes of the services the lab has is accepted."""

from __future__ import annotations

import re

import pytest

from tests.lab.arm.planes import SUBSCRIPTION, put, send
from tests.lab.oracles import EXAMPLES, example_body, needs_shared
from tests.lab.resources.service_landscape import PLAIN, services_plane

pytestmark = needs_shared

PLACES = {
    "storage": "Microsoft.Storage/storageAccounts/{accountName}",
    "keyvault": "Microsoft.KeyVault/vaults/{vaultName}",
    "sql": "Microsoft.Sql/servers/{serverName}",
    "postgresql": "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}",
    "mysql": "Microsoft.DBforMySQL/flexibleServers/{serverName}",
    "containerregistry": "Microsoft.ContainerRegistry/registries/{registryName}",
    "cosmos-db": "Microsoft.DocumentDB/databaseAccounts/{accountName}",
    "servicebus": "Microsoft.ServiceBus/namespaces/{namespaceName}",
    "eventhub": "Microsoft.EventHub/namespaces/{namespaceName}",
    "synapse": "Microsoft.Synapse/workspaces/{workspaceName}",
    "redis": "Microsoft.Cache/Redis/{cacheName}",
    "web": "Microsoft.Web/sites/{name}",
    "azure-kusto": "Microsoft.Kusto/clusters/{clusterName}",
    "search": "Microsoft.Search/searchServices/{searchServiceName}",
    "databricks": "Microsoft.Databricks/workspaces/{workspaceName}",
}
"""Folder -> the service that its examples are about."""

REQUESTS = (
    (
        r"StorageAccountCreate|createVault|RegistryCreate|CosmosDBDatabaseAccountCreate|KustoClustersCreateOrUpdate",
        "PUT",
        "",
    ),
    (r"SearchCreateOrUpdateService|databricks.*Workspace(ManagedDiskEncryption)?Create", "PUT", ""),
    (r"StorageAccountUpdate|updateVault|RegistryUpdate|CosmosDBDatabaseAccountPatch|KustoClustersUpdate", "PATCH", ""),
    (r"SearchUpdateService|databricks.*WorkspaceUpdate", "PATCH", ""),
    (r"WorkspaceManagedDiskEncryptionUpdate", "PUT", ""),
    (r"IPv6FirewallRule(Create|Update)", "PUT", "/ipv6FirewallRules/{firewallRuleName}"),
    (r"OutboundFirewallRuleCreate", "PUT", "/outboundFirewallRules/{outboundRuleFqdn}"),
    (r"VirtualNetworkRulesCreateOrUpdate", "PUT", "/virtualNetworkRules/{virtualNetworkRuleName}"),
    (r"FirewallRuleReplace", "PUT", "/firewallRules"),
    (r"RedisCacheFirewallRuleCreate", "PUT", "/firewallRules/{ruleName}"),
    (r"CreateIpFirewallRule", "PUT", "/firewallRules/{ruleName}"),
    (r"ReplaceAllIpFirewallRules", "POST", "/replaceAllIpFirewallRules"),
    (r"/FirewallRule(Create|Update)", "PUT", "/firewallRules/{firewallRuleName}"),
    (r"NetworkRuleSetCreate", "PUT", "/networkRuleSets/default"),
    (r"UpdateSiteConfig", "PATCH", "/config/web"),
)
"""Pattern of the example's file -> method, and what the path has behind the service's own."""


def covered():
    for folder in PLACES:
        for file in sorted((EXAMPLES / folder).rglob("*.json")):
            name = str(file.relative_to(EXAMPLES))
            if "/2017-" in name or "/2018-" in name:
                continue  # single servers
            reads = any(word in name for word in ("Private", "Get", "List", "Delete", "NetworkSecurityPerimeter"))
            if reads and "WithNetworkAcls" not in name and "AllowedCopyScope" not in name:
                continue
            found = next(((method, below) for pattern, method, below in REQUESTS if re.search(pattern, name)), None)
            if found is not None:
                yield pytest.param(folder, file, *found, id=name)


@pytest.mark.parametrize(("folder", "file", "method", "below"), list(covered()) or [pytest.param("", None, "", "")])
def test_an_example_is_accepted(folder, file, method, below):
    plane = services_plane()
    parameters, body = example_body(file)
    if file.name == "KustoClustersUpdate.json":
        body = {name: parameters[name] for name in ("identity", "properties")}
    place = PLACES[folder].format(**parameters)
    version = parameters["api-version"]
    type_name = place.rpartition("/")[0]
    if below or method == "PATCH":
        plain_version, plain = PLAIN[type_name]
        put(plane, place, {"location": "eastus", **plain}, version=plain_version)
    if isinstance(body, dict) and "location" in body and method == "PATCH":
        body = {**body, "location": "eastus"}
    answer = send(plane, method, place + below.format(**parameters), body, version=version)
    assert answer.status < 300, answer.body
    plane.operations.advance()
    if method != "POST" and below != "/firewallRules":
        assert send(plane, "GET", place + below.format(**parameters), version=version).status == 200
    listed = send(plane, "GET", f"/subscriptions/{SUBSCRIPTION}/providers/{type_name}", version=version)
    assert len(listed.body["value"]) == 1
