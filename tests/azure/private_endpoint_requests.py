"""Targets in the lab, and requests of private endpoints to them."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_netconn.lab.resources.private_link import groups_of
from airflow_provider_netconn.lab.testing import GROUP

BODIES = {
    "Microsoft.Storage/storageAccounts": {"location": "westus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    "Microsoft.Cache/redis": {
        "location": "westus",
        "properties": {"sku": {"name": "Standard", "family": "C", "capacity": 1}},
    },
    "Microsoft.DocumentDB/databaseAccounts": {
        "location": "westus",
        "properties": {
            "databaseAccountOfferType": "Standard",
            "locations": [{"locationName": "westus", "failoverPriority": 0}],
        },
    },
    "Microsoft.Kusto/clusters": {"location": "westus", "sku": {"name": "Standard_D11_v2", "tier": "Standard"}},
    "Microsoft.Search/searchServices": {"location": "westus", "sku": {"name": "standard"}, "properties": {}},
    "Microsoft.Sql/servers": {
        "location": "westus",
        "properties": {"administratorLogin": "netconn", "administratorLoginPassword": "Made-up-0-" + "word"},
    },
    "Microsoft.ContainerRegistry/registries": {"location": "westus", "sku": {"name": "Premium"}, "properties": {}},
}


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """A lab's network with a subnet for endpoints, and what requests lead to.

    :param lab: the lab
    :param subnet_id: where its endpoints lie
    """

    lab: object
    subnet_id: str

    @classmethod
    def of(cls, lab):
        """Make the network."""
        [network] = lab.networks("endpoints")
        subnet = f"{network.id}/subnets/all"
        lab.put(subnet, {"properties": {"addressPrefix": network.address_prefix}})
        return cls(lab=lab, subnet_id=subnet)

    @property
    def group_id(self):
        """Where all of it lies."""
        return f"/subscriptions/{self.lab.subscription_id}/resourceGroups/{GROUP}"

    def target(self, resource_type, name="orders0"):
        """Make a resource of a type, with what it lies in; returns its id."""
        namespace, *types = resource_type.split("/")
        resource_id = f"{self.group_id}/providers/{namespace}"
        kind = namespace
        for one in types:
            resource_id, kind = f"{resource_id}/{one}/{name}", f"{kind}/{one}"
            body = self._body(kind)
            self.lab.put(resource_id, body)
        return resource_id

    def _body(self, kind):
        if kind == "Microsoft.KeyVault/vaults":
            properties = {"tenantId": self.lab.tenant_id, "sku": {"family": "A", "name": "standard"}}
            return {"location": "westus", "properties": {**properties, "accessPolicies": []}}
        return BODIES.get(kind, {"location": "westus", "properties": {}})

    def request(self, target_id, name="pe", message="", *, manual=True, groups=None):
        """Make an endpoint that asks for a target; returns its id."""
        endpoint_id = f"{self.group_id}/providers/Microsoft.Network/privateEndpoints/{name}"
        if groups is None:
            known = groups_of(self.lab.local.plane.store.find(target_id))
            groups = [known[0].id] if known else ["any"]
        properties = {
            "privateLinkServiceId": target_id,
            "groupIds": list(groups),
            **({"requestMessage": message} if message else {}),
        }
        place = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
        body = {"subnet": {"id": self.subnet_id}, place: [{"name": f"to-{name}", "properties": properties}]}
        self.lab.put(endpoint_id, {"location": "westeurope", "properties": body})
        return endpoint_id

    def seen_by(self, endpoint_id):
        """Status and description that the requester sees."""
        properties = self.lab.get(endpoint_id)["properties"]
        for place in ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
            for one in properties.get(place, ()):
                state = one["properties"]["privateLinkServiceConnectionState"]
                return state["status"], state.get("description", "")
        return None
