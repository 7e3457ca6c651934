"""Every request example that Azure publishes beside its OpenAPI is accepted, but for what the lab does not have."""

from __future__ import annotations

import fnmatch
import json
import re
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_netconn.lab.directory import Principal, PrincipalKind
from tests.lab import oracles
from tests.lab.arm.planes import SUBSCRIPTION, TENANT
from tests.lab.arm.planes import send as send_plain
from tests.lab.resources import test_private_endpoint_connections as connections
from tests.lab.resources import test_service_examples as services
from tests.lab.resources import test_virtual_networks as networks
from tests.lab.resources.service_landscape import PLAIN
from tests.lab.status_landscape import ask, at, connection_to_service, landscape, of, settle

N = "Microsoft.Network"
ACCEPTED = 235
"""Of the 249 examples whose request has a body."""

OTHER_REQUESTS = {
    "azure-kusto/*/KustoManagedPrivateEndpointsCreateOrUpdate": (
        "PUT",
        "Microsoft.Kusto/clusters/{clusterName}/managedPrivateEndpoints/{managedPrivateEndpointName}",
    ),
    "azure-kusto/*/KustoManagedPrivateEndpointsUpdate": (
        "PATCH",
        "Microsoft.Kusto/clusters/{clusterName}/managedPrivateEndpoints/{managedPrivateEndpointName}",
    ),
    "databricks/*/WorkspaceVirtualNetworkPeeringCreateOrUpdate": (
        "PUT",
        "Microsoft.Databricks/workspaces/{workspaceName}/virtualNetworkPeerings/{peeringName}",
    ),
    "datafactory/*/Factories_CreateOrUpdate": ("PUT", "Microsoft.DataFactory/factories/{factoryName}"),
    "datafactory/*/Factories_Update": ("PATCH", "Microsoft.DataFactory/factories/{factoryName}"),
    "datafactory/*/ManagedVirtualNetworks_Create": (
        "PUT",
        "Microsoft.DataFactory/factories/{factoryName}/managedVirtualNetworks/{managedVirtualNetworkName}",
    ),
    "datafactory/*/ManagedPrivateEndpoints_Create": (
        "PUT",
        "Microsoft.DataFactory/factories/{factoryName}/managedVirtualNetworks/{managedVirtualNetworkName}"
        "/managedPrivateEndpoints/{managedPrivateEndpointName}",
    ),
    "mysql/*/FirewallRuleCreate": ("PUT", "Microsoft.DBforMySQL/servers/{serverName}/firewallRules/{firewallRuleName}"),
    "postgresql/*/FirewallRuleCreate": (
        "PUT",
        "Microsoft.DBforPostgreSQL/servers/{serverName}/firewallRules/{firewallRuleName}",
    ),
    "postgresql/*/ServerCreate*": ("PUT", "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}"),
    "resourcegraph/*/GraphQueryAdd": ("PUT", "Microsoft.ResourceGraph/queries/{resourceName}"),
    "resourcegraph/*/GraphQueryUpdate": ("PATCH", "Microsoft.ResourceGraph/queries/{resourceName}"),
    "resourcegraph/*/Resources*": ("POST", "/providers/Microsoft.ResourceGraph/resources"),
    "resources/*/CreateResourceGroup": ("PUT", "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"),
    "resources/*/ExportResourceGroup*": (
        "POST",
        "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/exportTemplate",
    ),
    "resources/*/PutDeploymentResourceGroup*": ("PUT", "Microsoft.Resources/deployments/{deploymentName}"),
    "resources/*/PostDeploymentValidate*": ("POST", "Microsoft.Resources/deployments/{deploymentName}/validate"),
    "resources/*/PostDeploymentWhatIf*": ("POST", "Microsoft.Resources/deployments/{deploymentName}/whatIf"),
    "search/*/CreateOrUpdateSharedPrivateLinkResource": (
        "PUT",
        "Microsoft.Search/searchServices/{searchServiceName}/sharedPrivateLinkResources/{sharedPrivateLinkResourceName}",
    ),
    "search/*/SearchCreateOrUpdateService*": ("PUT", "Microsoft.Search/searchServices/{searchServiceName}"),
    "search/*/SearchUpdateService*": ("PATCH", "Microsoft.Search/searchServices/{searchServiceName}"),
    "sql/*/CreateOrUpdateJobPrivateEndpoint": (
        "PUT",
        "Microsoft.Sql/servers/{serverName}/jobAgents/{jobAgentName}/privateEndpoints/{privateEndpointName}",
    ),
    "synapse/*/CreateOrUpdatePrivateLinkHub": ("PUT", "Microsoft.Synapse/privateLinkHubs/{privateLinkHubName}"),
    "synapse/*/UpdatePrivateLinkHub": ("PATCH", "Microsoft.Synapse/privateLinkHubs/{privateLinkHubName}"),
}
"""Example -> method and path, where the OpenAPI that has it is not beside us."""


NOT_COVERED = {
    "authorization/*/PutRoleDefinition": "its body is nested in another one, and its id is no GUID",
    "azure-kusto/*/KustoManagedPrivateEndpointsCheckNameAvailability": "an action of a type that is kept as it is",
    "datafactory/*/Factories_Get*": "actions of a type that is kept as it is",
    "postgresql/*/Migrations_*": "migrations are not of the lab",
    "resources/*/ExportResourceGroup*": "groups are not exported as templates",
    "resources/*/PostDeployment*": "templates are not judged beforehand",
    "resources/*/PutDeploymentResourceGroup*": "the template lies elsewhere, and the lab asks nobody",
    "resourcegraph/*/ResourcesFacetQuery": "facets are not of the lab",
    "resourcegraph/*/ResourcesNextPageQuery": "its token is made up",
}
"""Examples that the lab does not accept, and why."""

OF_A_SERVICE = "network/*/PrivateLinkServiceUpdatePrivateEndpointConnection"

MINIMAL: dict[str, Any] = {
    "virtualwans": at("westus"),
    "virtualhubs": at("westus", addressPrefix="10.200.{number}.0/24", virtualWan="{base}/virtualWans/wan0"),
    "hubroutetables": of(),
    "hubvirtualnetworkconnections": of(remoteVirtualNetwork="{base}/virtualNetworks/spoke0"),
    "routemaps": of(),
    "natrules": of(**{f"{side}Mappings": [{"addressSpace": "10.10.0.0/24"}] for side in ("internal", "external")}),
    "vpnsites": at(
        "westus",
        virtualWan="{base}/virtualWans/wan0",
        vpnSiteLinks=[{"name": name, "properties": {"ipAddress": "192.0.2.1"}} for name in ("siteLink1", "link")],
    ),
    "vpngateways": at("westus", virtualHub="{base}/virtualHubs/hub0"),
    "vpnconnections": of(
        remoteVpnSite="{base}/vpnSites/site0",
        vpnLinkConnections=[
            {
                "name": "Connection-Link1",
                "properties": {"vpnSiteLink": "{base}/vpnSites/site0/vpnSiteLinks/link"},
            }
        ],
    ),
    "virtualnetworks": at("westus", addressSpace={"addressPrefixes": ["10.100.0.0/16"]}),
    "subnets": of(addressPrefix="10.100.1.0/24", privateLinkServiceNetworkPolicies="Disabled"),
    "publicipaddresses": at("westus"),
    "localnetworkgateways": at("westus", gatewayIpAddress="192.0.2.1"),
    "virtualnetworkgateways": at(
        "westus",
        gatewayType="Vpn",
        sku={"name": "VpnGw1"},
        ipConfigurations=[
            {
                "name": "default",
                "properties": {"subnet": "{base}/virtualNetworks/net0/subnets/GatewaySubnet"},
            }
        ],
    ),
    "connections": at(
        "westus",
        connectionType="IPsec",
        virtualNetworkGateway1="{base}/virtualNetworkGateways/gateway0",
        localNetworkGateway2="{base}/localNetworkGateways/local0",
    ),
    "privatelinkservices": at(
        "eastus",
        destinationIPAddress="10.100.1.10",
        ipConfigurations=[{"name": "one", "properties": {"subnet": "{base}/virtualNetworks/services0/subnets/open"}}],
    ),
    "privateendpoints": at(
        "eastus2",
        subnet="{base}/virtualNetworks/endpoints0/subnets/default",
        privateLinkServiceConnections=[
            {
                "name": "conn",
                "properties": {
                    "privateLinkServiceId": "{storage}",
                    "groupIds": ["blob"],
                },
            }
        ],
    ),
}
"""Bodies of resources that examples take for granted; ids in them are of resources that are made first."""


def example_name(file: Path) -> str:
    """An example as it is named here: folder, what is between, and file without its suffix."""
    return str(file.relative_to(oracles.EXAMPLES).with_suffix(""))


@cache
def all_with_body() -> frozenset[Path]:
    """Every example whose request has a body."""
    files = oracles.EXAMPLES.rglob("*.json") if oracles.EXAMPLES.is_dir() else ()
    return frozenset(file for file in files if oracles.example_body(file)[1] is not None)


@cache
def held_elsewhere() -> frozenset[Path]:
    """Those that tests of their subjects send."""
    found = {parameter.values[1] for parameter in services.covered()}
    for parameters in (connections.CHANGES.values(), networks.EXAMPLES):
        found |= {parameter.values[0] for parameter in parameters}
    for folder, name in (
        ("privatedns", "*"),
        ("dnsresolver", "*"),
        ("network", "PrivateEndpointDnsZoneGroupCreate"),
        ("network", "NetworkWatcher*"),
        ("network", "PrivateLinkServiceCreate"),
        ("network", "PrivateEndpointCreate*"),
    ):
        found |= {parameter.values[0] for parameter in oracles.examples(folder, name)}
    return frozenset(file for file in found if file is not None) & all_with_body()


def fits(file: Path, patterns: Any) -> str | None:
    """The pattern of an example's name, if it is one of these."""
    return next((one for one in patterns if fnmatch.fnmatch(example_name(file), one)), None)


@cache
def by_openapi() -> dict[Path, oracles.SwaggerOperation]:
    """Example -> its operation, where the OpenAPI is beside us."""
    found = {}
    for operation in oracles.operations():
        for one in operation.body.get("x-ms-examples", {}).values():
            folder = Path(operation.file.removeprefix("file://")).parent
            relative = (folder / one["$ref"]).resolve().relative_to(oracles.SWAGGER)
            found[oracles.EXAMPLES / relative] = operation
    return found


def request_of(file: Path) -> tuple[str, str]:
    """Method and path of an example, with names that the lab has in place of made-up ids."""
    given = json.loads(file.read_text(encoding="utf-8"))["parameters"]
    named = {"subscriptionId": SUBSCRIPTION, "resourceGroupName": "rg1", "location": "westus"}
    values = {**given, **{name: value for name, value in named.items() if name in given}}
    if file in by_openapi():
        operation = by_openapi()[file]
        method, place = operation.method, operation.template
    else:
        method, place = OTHER_REQUESTS[fits(file, OTHER_REQUESTS) or ""]
        if not place.startswith("/"):
            place = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{{resourceGroupName}}/providers/{place}"
    path = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), place)
    return method, ours("/" + path.lstrip("/"))


def ours(value: Any) -> Any:
    """A value of an example with our subscription, tenant and principal."""
    text = json.dumps(value)
    text = re.sub(r"(?i)(/?subscriptions/)(?!\{)[^/\"]+", rf"\g<1>{SUBSCRIPTION}", text)
    return json.loads(text.replace("ce2ce14e-85d7-4629-bdbc-454d0519d987", PRINCIPAL))


ROLE = "0b5fe924-9a61-425c-96af-cfe6e287ca2d"
PRINCIPAL = str(uuid.UUID(int=7))


class World:
    """A control plane in which whatever an example takes for granted is made."""

    def __init__(self) -> None:
        self.plane = landscape()
        self.made = 0
        subscription = f"/subscriptions/{SUBSCRIPTION}"
        role = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"
        permissions = [{"actions": ["Microsoft.Network/*/read"]}]
        body = of(roleName="of the examples", permissions=permissions, assignableScopes=[subscription])
        assert self.send("PUT", role, body, "2022-04-01").status == 201
        self.plane.access.directory.add(
            Principal(
                object_id=PRINCIPAL,
                tenant_id=TENANT,
                kind=PrincipalKind.USER,
                display_name="seven",
                user_principal_name="seven@example.test",
            )
        )

    def send(self, method: str, path: str, body: Any = None, version: str = "2024-03-01") -> Any:
        return send_plain(self.plane, method, path, body, version=version)

    def group(self, path: str) -> None:
        parts = path.split("/")
        if len(parts) > 4 and parts[3].casefold() == "resourcegroups":
            self.send("PUT", "/".join(parts[:5]), {"location": "westus"}, "2021-04-01")

    def make(self, resource_id: str, region: str = "") -> None:
        """Make a resource, what is above it and what it needs."""
        if self.plane.find(resource_id) is not None:
            return
        self.group(resource_id)
        base, _, rest = resource_id.partition("/providers/")
        parts = rest.split("/")
        if len(parts) > 3:
            self.make(f"{base}/providers/{'/'.join(parts[:-2])}", region)
            if self.plane.find(resource_id) is not None:
                return
        type_name = "/".join([parts[0], *parts[1::2]])
        known = {name.casefold(): plain for name, plain in PLAIN.items()}
        if type_name.casefold() in known:
            version, body = known[type_name.casefold()]
            body = {"location": "westus", **body}
        else:
            body, version = MINIMAL.get(parts[-2].casefold(), at(region or "westus")), "2024-03-01"
        self.made += 1
        body = json.loads(json.dumps(body).replace("{number}", str(self.made)))
        if region and "location" in body:
            body["location"] = region
        body = self.filled(body, f"{base}/providers/{N}", region)
        answer = self.send("PUT", resource_id, body, version)
        assert answer.status < 300, (resource_id, answer.body)
        settle(self.plane)

    def filled(self, value: Any, base: str, region: str) -> Any:
        """A minimal body with its ids written out, and what they name made."""
        if isinstance(value, dict):
            return {name: self.filled(item, base, region) for name, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item, base, region) for item in value]
        if isinstance(value, str) and value.startswith("{base}"):
            resource_id = value.replace("{base}", base)
            self.make(resource_id, region)
            return {"id": resource_id}
        if value == "{storage}":
            storage = f"{base.rpartition('/')[0]}/Microsoft.Storage/storageAccounts/examples1"
            self.make(storage)
            return storage
        return value

    def prepare(self, method: str, path: str, body: Any) -> None:
        """Bring about what an example's request takes for granted."""
        base, _, rest = path.rpartition("/providers/")
        parts = rest.split("/")
        if "/resourceGroups/" not in base:
            return
        self.group(path)
        region = str(body.get("location", "")).replace(" ", "").lower()
        if parts[0] == N:
            for reference in ids_in(body):
                if not reference.casefold().startswith(path.casefold()) and "ipConfigurations" not in reference:
                    self.make(reference, region if "/virtualNetworks/" not in reference else "")
        owner = self.owner_of(method, path, parts)
        if owner:
            self.make(owner, region if owner == path else "")

    @staticmethod
    def owner_of(method: str, path: str, parts: list[str]) -> str:
        """What a request is on, or below, that is no group."""
        above = path.rpartition("/")[0]
        if "/sharedkey" in path:
            return path.rpartition("/sharedkey")[0]
        if parts[1] == "roleAssignments":
            scope = path.rpartition("/providers/")[0]
            return scope if "/providers/" in scope else ""
        if method == "POST":
            return above if len(parts) % 2 == 0 and len(parts) > 2 else ""
        if method != "PUT":
            return path
        return above.rpartition("/")[0] if len(parts) > 3 else ""


def ids_in(value: Any) -> list[str]:
    """All ids of resources in an example's body."""
    if isinstance(value, dict):
        return [one for item in value.values() for one in ids_in(item)]
    if isinstance(value, list):
        return [one for item in value for one in ids_in(item)]
    is_id = isinstance(value, str) and value.startswith("/subscriptions/") and "/providers/" in value
    return [value] if is_id and "roleDefinitions" not in value else []


def without_nulls(value: Any) -> Any:
    """An answer without what is null: recorded role assignments have it where the OpenAPI says text."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def to_send() -> list[Any]:
    """The examples that are sent here."""
    rest = sorted(all_with_body() - held_elsewhere())
    left_out = [*NOT_COVERED, OF_A_SERVICE]
    return [pytest.param(file, id=example_name(file)) for file in rest if fits(file, left_out) is None] or [
        pytest.param(None, marks=oracles.needs_shared, id="examples")
    ]


@pytest.mark.parametrize("file", to_send())
def test_an_example_is_accepted(file):
    method, path = request_of(file)
    parameters, body = oracles.example_body(file)
    body = ours(body)
    world = World()
    world.prepare(method, path, body)
    answer = world.send(method, path, body, parameters["api-version"])
    assert answer.status < 300, (method, path, answer.body)
    if file in by_openapi():
        assert oracles.check_answer(method, path, answer.status, without_nulls(answer.body))


@oracles.needs_shared
def test_the_example_of_a_connection_to_a_private_link_service_is_accepted():
    """Its name is the service's own, so that of the example is not it."""
    [file] = [file for file in all_with_body() if fits(file, [OF_A_SERVICE])]
    plane = landscape()
    connection = connection_to_service(plane)
    body = {**ours(oracles.example_body(file)[1]), "name": connection.path.rpartition("/")[2]}
    body["properties"].pop("privateEndpoint")
    answer = ask(plane, "PUT", connection, body)
    assert answer.status == 200, answer.body


@oracles.needs_shared
def test_of_all_examples_only_these_are_left():
    """How many are accepted: that number is to rise."""
    left = {file for file in all_with_body() - held_elsewhere() if fits(file, NOT_COVERED)}
    assert {fits(file, NOT_COVERED) for file in left} == set(NOT_COVERED), "a reason for which there is no example"
    assert (len(all_with_body()), len(all_with_body()) - len(left)) == (249, ACCEPTED)
