"""A private endpoint of the lab's landscape, and what its target's owner says to it."""

from __future__ import annotations

import uuid

ROLES = "providers/Microsoft.Authorization"

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
NETWORK_GROUP = f"{SUBSCRIPTION}/resourceGroups/network"
DATA_GROUP = f"{SUBSCRIPTION}/resourceGroups/data"
NETWORK = f"{NETWORK_GROUP}/providers/Microsoft.Network/virtualNetworks/data"
SUBNET = f"{NETWORK}/subnets/endpoints"
LAKE = f"{DATA_GROUP}/providers/Microsoft.Storage/storageAccounts/contosolake"
IMAGES = f"{DATA_GROUP}/providers/Microsoft.ContainerRegistry/registries/contosoimages"
ENDPOINT = f"{NETWORK_GROUP}/providers/Microsoft.Network/privateEndpoints/pe-lake"
BLOB_ZONE = f"{NETWORK_GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"


def decide(lab, status, *, target=LAKE, description="seen by the owner"):
    """Say as the target's owner what becomes of the one request for it."""
    (connection,) = lab.get(f"{target}/privateEndpointConnections")["value"]
    body = {"properties": {"privateLinkServiceConnectionState": {"status": status, "description": description}}}
    lab.request("PUT", connection["id"], body)


def written(lab, *, kind="", methods=("PUT", "PATCH", "DELETE")):
    """The writes that clients made: method, and the path from the last provider on."""
    found = [
        (entry.method, entry.path.rpartition("/providers/Microsoft.Network/")[2])
        for entry in lab.journal()
        if entry.method in methods
    ]
    return [one for one in found if one[1].startswith(kind)]


def assign(lab, principal, role, scope):
    """Give a principal a role, by its name, at a scope."""
    definitions = lab.get(f"/subscriptions/{lab.subscription_id}/{ROLES}/roleDefinitions")["value"]
    (definition,) = (one["id"] for one in definitions if one["properties"]["roleName"] == role)
    name = uuid.uuid5(uuid.NAMESPACE_DNS, f"{principal} {role} {scope}")
    properties = {"roleDefinitionId": definition, "principalId": lab.principal(principal).object_id}
    lab.request("PUT", f"{scope}/{ROLES}/roleAssignments/{name}", {"properties": properties})


def take_roles(lab, principal):
    """Take away all roles that the landscape gives a principal."""
    listed = lab.get(f"/subscriptions/{lab.subscription_id}/{ROLES}/roleAssignments")["value"]
    for one in listed:
        if one["properties"]["principalId"] == lab.principal(principal).object_id:
            lab.delete(one["id"])


def grant(lab, name, scope, actions):
    """Give the principal ``airflow`` these actions at a scope."""
    subscription = f"/subscriptions/{lab.subscription_id}"
    definition = (
        f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid5(uuid.NAMESPACE_DNS, name)}"
    )
    properties = {
        "roleName": name,
        "type": "CustomRole",
        "permissions": [{"actions": actions, "notActions": []}],
        "assignableScopes": [subscription],
    }
    if actions:
        lab.request("PUT", definition, {"properties": properties})
        assign(lab, "airflow", name, scope)
