"""A storage account behind a private endpoint, a worker in a network that is peered with the endpoint's: all is well.

Tests break one thing of it, and ask for the facts.
"""

from __future__ import annotations

ACCOUNT = "factsorders"
HOST = f"{ACCOUNT}.blob.core.windows.net"
ZONE_NAME = "privatelink.blob.core.windows.net"
ENDPOINT_ADDRESS = "10.61.1.4"


class Landscape:
    """The landscape, made in a lab.

    :param lab: a clean lab
    :param approve: whether the endpoint is approved at once; otherwise its owner is asked
    """

    def __init__(self, lab, *, approve=True):
        self.lab = lab
        self.group = f"/subscriptions/{lab.subscription_id}/resourceGroups/facts"
        lab.put(self.group, {"location": "westeurope"})
        provider = f"{self.group}/providers/Microsoft.Network"
        self.worker_network = f"{provider}/virtualNetworks/workers"
        self.worker = f"{self.worker_network}/subnets/tasks"
        self.network = f"{provider}/virtualNetworks/data"
        self.subnet = f"{self.network}/subnets/endpoints"
        self.account = f"{self.group}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
        self.endpoint = f"{provider}/privateEndpoints/orders"
        self.zone = f"{provider}/privateDnsZones/{ZONE_NAME}"
        self.link = f"{self.zone}/virtualNetworkLinks/workers"
        self.zone_group = f"{self.endpoint}/privateDnsZoneGroups/default"
        self.record = f"{self.zone}/A/{ACCOUNT}"
        self._networks()
        self._account()
        self._endpoint(approve)
        self._names()

    def _networks(self):
        self.lab.put(self.worker_network, network("10.60.0.0/16", tasks="10.60.1.0/24"))
        self.lab.put(self.network, network("10.61.0.0/16", endpoints="10.61.1.0/24"))
        self.peer("workers", "data")
        self.peer("data", "workers")

    def _account(self):
        body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}
        self.lab.put(self.account, body)

    def _endpoint(self, approve):
        key = "privateLinkServiceConnections" if approve else "manualPrivateLinkServiceConnections"
        connection = {"privateLinkServiceId": self.account, "groupIds": ["blob"], "requestMessage": "please"}
        properties = {"subnet": {"id": self.subnet}, key: [{"name": "orders", "properties": connection}]}
        self.lab.put(self.endpoint, {"location": "westeurope", "properties": properties})

    def _names(self):
        self.lab.put(self.zone, {"location": "global"})
        link = {"virtualNetwork": {"id": self.worker_network}, "registrationEnabled": False}
        self.lab.put(self.link, {"location": "global", "properties": link})
        configs = [{"name": "blob", "properties": {"privateDnsZoneId": self.zone}}]
        self.lab.put(self.zone_group, {"properties": {"privateDnsZoneConfigs": configs}})

    # -- what tests change ---------------------------------------------------------------------------

    def peering(self, one, other):
        """Id of one side."""
        return f"{self.group}/providers/Microsoft.Network/virtualNetworks/{one}/virtualNetworkPeerings/to-{other}"

    def peer(self, one, other, **more):
        """Write one side."""
        remote = f"{self.group}/providers/Microsoft.Network/virtualNetworks/{other}"
        properties = {"remoteVirtualNetwork": {"id": remote}, "allowVirtualNetworkAccess": True, **more}
        self.lab.put(self.peering(one, other), {"properties": properties})

    def unpeer(self, one, other):
        """Delete one side."""
        self.lab.delete(self.peering(one, other))

    def decide(self, status, description="not yours"):
        """Approve or reject the connection, as the account's owner."""
        (found,) = self.connections()
        state = {"status": status, "description": description}
        found["properties"] = {**found["properties"], "privateLinkServiceConnectionState": state}
        self.lab.put(found["id"], found)

    def connections(self):
        """The connections as the account's owner sees them."""
        return self.lab.request("GET", f"{self.account}/privateEndpointConnections")["value"]

    def remove_connection(self):
        """Remove the connection, as the account's owner."""
        (found,) = self.connections()
        self.lab.delete(found["id"])

    def write_record(self, address):
        """Write the record by hand."""
        self.lab.put(self.record, {"properties": {"ttl": 10, "aRecords": [{"ipv4Address": address}]}})

    def guard(self, subnet, *, direction, access="Deny", port="443", priority=100, **more):
        """Put a security group with one rule on a subnet; on the endpoint's it holds for endpoints too."""
        rule = {
            "protocol": "Tcp",
            "access": access,
            "direction": direction,
            "priority": priority,
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": port,
            **more,
        }
        group = f"{self.group}/providers/Microsoft.Network/networkSecurityGroups/guard"
        rules = [{"name": "the-rule", "properties": rule}]
        self.lab.put(group, {"location": "westeurope", "properties": {"securityRules": rules}})
        body = self.lab.get(subnet)
        properties = {**body["properties"], "networkSecurityGroup": {"id": group}}
        properties["privateEndpointNetworkPolicies"] = "NetworkSecurityGroupEnabled"
        self.lab.put(subnet, {"properties": properties})
        return group

    def change_account(self, **properties):
        """Change properties of the account."""
        self.lab.request("PATCH", self.account, {"properties": properties})


def network(prefix, **subnets):
    """A body that makes a network with subnets."""
    return {
        "location": "westeurope",
        "properties": {
            "addressSpace": {"addressPrefixes": [prefix]},
            "subnets": [{"name": name, "properties": {"addressPrefix": one}} for name, one in subnets.items()],
        },
    }
