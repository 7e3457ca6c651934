"""A network, targets and private endpoints for tests; answers are held against Azure's OpenAPI where it is there."""

from __future__ import annotations

from airflow_provider_netconn.lab.resources import (
    generic,
    key_vaults,
    network_interfaces,
    network_locations,
    private_dns,
    private_dns_links,
    private_dns_records,
    private_dns_zone_groups,
    private_endpoint_connections,
    private_endpoints,
    private_link_resources,
    private_link_services,
    registries,
    storage_accounts,
    subscriptions,
    virtual_networks,
)
from tests.lab import oracles
from tests.lab.arm import planes
from tests.lab.arm.planes import GROUP

MODULES = (
    subscriptions,
    virtual_networks,
    network_interfaces,
    network_locations,
    private_endpoints,
    private_dns_zone_groups,
    private_endpoint_connections,
    private_link_resources,
    private_link_services,
    private_dns,
    private_dns_links,
    private_dns_records,
    storage_accounts,
    key_vaults,
    registries,
)

NETWORK = "Microsoft.Network/virtualNetworks/net"
SUBNET = f"{GROUP}/providers/{NETWORK}/subnets/endpoints"
SERVICES_SUBNET = f"{GROUP}/providers/{NETWORK}/subnets/services"
STORAGE = "Microsoft.Storage/storageAccounts/orders"
VAULT = "Microsoft.KeyVault/vaults/orders-kv"
REGISTRY = "Microsoft.ContainerRegistry/registries/ordersacr"
ENDPOINT = "Microsoft.Network/privateEndpoints/pe"

NETWORK_BODY = {
    "location": "eastus",
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16", "192.168.0.0/16"]},
        "subnets": [
            {"name": "endpoints", "properties": {"addressPrefix": "10.0.0.0/24"}},
            {
                "name": "services",
                "properties": {"addressPrefix": "10.0.1.0/24", "privateLinkServiceNetworkPolicies": "Disabled"},
            },
        ],
    },
}
BODIES = {
    STORAGE: ({"location": "westus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}, "2023-05-01"),
    VAULT: (
        {
            "location": "westus",
            "properties": {
                "tenantId": planes.TENANT,
                "sku": {"family": "A", "name": "standard"},
                "accessPolicies": [],
            },
        },
        "2023-07-01",
    ),
    REGISTRY: ({"location": "westus", "sku": {"name": "Premium"}, "properties": {}}, "2023-07-01"),
}


def make_plane(*, access=None, time_scale=0.0):
    """:return: a control plane with the network; any other type is a generic one"""
    kinds = [kind for module in MODULES for kind in module.KINDS]
    plane = planes.make_plane(kinds, access=access, time_scale=time_scale, fallback=generic.generic_kind)
    put(plane, NETWORK, NETWORK_BODY)
    return plane


def full(path):
    return path if path.startswith("/") else f"{GROUP}/providers/{path}"


def send(plane, method, path, body=None, **options):
    """As :func:`planes.send`; the answer is also checked against the OpenAPI."""
    answer = planes.send(plane, method, path, body, **options)
    oracles.check_answer(method, full(path), answer.status, answer.body)
    return answer


def put(plane, path, body, **options):
    """PUT, wait, GET; both answers are checked."""
    answer = send(plane, "PUT", path, body, **options)
    assert answer.status < 300, answer.body
    settle(plane)
    options.pop("headers", None)
    shown = send(plane, "GET", path, **options)
    assert shown.status == 200, shown.body
    return shown.body


def settle(plane):
    plane.clock.advance(600)
    plane.operations.advance()


def make_target(plane, path, body=None, version=None):
    """A target resource; of the known ones, or a generic one."""
    known, known_version = BODIES.get(path, ({"location": "westus", "properties": {}}, "2024-03-01"))
    answer = planes.send(plane, "PUT", path, body or known, version=version or known_version)
    assert answer.status < 300, answer.body
    settle(plane)


def connection(target, groups=("blob",), **more):
    name = more.pop("name", "conn")
    return {"name": name, "properties": {"privateLinkServiceId": full(target), "groupIds": list(groups), **more}}


def endpoint(target, groups=("blob",), *, manual=False, subnet=SUBNET, location="eastus", message=None, **more):
    """Body of a private endpoint."""
    place = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    extra = {} if message is None else {"requestMessage": message}
    one = connection(target, groups, name=more.pop("name", "conn"), **extra)
    return {"location": location, "properties": {"subnet": {"id": subnet}, place: [one], **more}}


def state_of(plane, path=ENDPOINT):
    """Status and description on the endpoint's side."""
    properties = send(plane, "GET", path).body["properties"]
    both = properties["privateLinkServiceConnections"] + properties["manualPrivateLinkServiceConnections"]
    state = both[0]["properties"]["privateLinkServiceConnectionState"]
    return state["status"], state["description"]


def connections_on(plane, target, version):
    return send(plane, "GET", f"{target}/privateEndpointConnections", version=version).body["value"]


def change(plane, target, status, version, *, description=None, index=0):
    """What the target's owner does with a connection; the answer."""
    one = connections_on(plane, target, version)[index]
    state = {"status": status, **({"description": description} if description is not None else {})}
    body = {"properties": {"privateLinkServiceConnectionState": state}}
    return send(plane, "PUT", one["id"], body, version=version)


def code(answer):
    return answer.status, answer.body["error"]["code"]
