"""What tests of packets change in the landscape: bodies and paths, for whoever sends them."""

from __future__ import annotations

from pathlib import Path

LANDSCAPE = Path(__file__).with_name("landscape.yaml")
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/packetstore"
ENDPOINT_ADDRESS = "10.1.1.4"


def network(name):
    return f"{NETWORK}/virtualNetworks/{name}"


def peering(one, other, **more):
    """One side of a peering: its path and body."""
    properties = {"remoteVirtualNetwork": {"id": network(other)}, "allowVirtualNetworkAccess": True, **more}
    return f"{network(one)}/virtualNetworkPeerings/to-{other}", {"properties": properties}


def connect(lab, one="data", other="spoke", **more):
    """Peer two networks, both sides."""
    lab.put(*peering(one, other, **more))
    lab.put(*peering(other, one))


def set_connection(lab, status):
    """Approve or reject the endpoint's connection, as the storage account's owner."""
    (found,) = lab.get(f"{STORAGE}/privateEndpointConnections")["value"]
    state = {"status": status, "description": "a test"}
    found["properties"] = {**found["properties"], "privateLinkServiceConnectionState": state}
    lab.put(found["id"], found)


def deny(lab, *, direction, port, subnet, priority=100):
    """A security group on a subnet that denies one TCP port."""
    rule = {
        "protocol": "Tcp",
        "access": "Deny",
        "direction": direction,
        "priority": priority,
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": str(port),
    }
    group = f"{NETWORK}/networkSecurityGroups/guard"
    rules = [{"name": f"deny-{port}", "properties": rule}]
    lab.put(group, {"location": "westeurope", "properties": {"securityRules": rules}})
    put_on_subnet(lab, subnet, networkSecurityGroup={"id": group})


def route(lab, prefix, hop, subnet):
    """A route table on a subnet, with one route."""
    table = f"{NETWORK}/routeTables/table"
    routes = [{"name": "one", "properties": {"addressPrefix": prefix, "nextHopType": hop}}]
    lab.put(table, {"location": "westeurope", "properties": {"routes": routes}})
    put_on_subnet(lab, subnet, routeTable={"id": table})


def put_on_subnet(lab, subnet, **properties):
    """Change properties of ``network/subnet``."""
    name, _, own = subnet.partition("/")
    path = f"{network(name)}/subnets/{own}"
    body = lab.get(path)
    lab.put(path, {"properties": {**body["properties"], **properties}})


def admit(lab, subnet):
    """Have the storage account admit one subnet, ``network/subnet``, and nobody else by its public address."""
    name, _, own = subnet.partition("/")
    account = lab.get(STORAGE)
    rules = {"defaultAction": "Deny", "virtualNetworkRules": [{"id": f"{network(name)}/subnets/{own}"}]}
    lab.put(STORAGE, {**account, "properties": {"networkAcls": rules}})


def connect_to_hub(lab, name):
    """Connect a network to the hub."""
    path = f"{NETWORK}/virtualHubs/hub/hubVirtualNetworkConnections/{name}"
    lab.put(path, {"properties": {"remoteVirtualNetwork": {"id": network(name)}}})


def connect_site(lab, device="up"):
    """A VPN gateway in the data's network, connected to the office; a tag says what the device there does."""
    here = {"location": "westeurope"}
    office = f"{NETWORK}/localNetworkGateways/office"
    site = {"localNetworkAddressSpace": {"addressPrefixes": ["192.168.100.0/24"]}, "gatewayIpAddress": "203.0.113.10"}
    lab.put(office, {**here, "tags": {"lab-device": device}, "properties": site})
    address, gateway = f"{NETWORK}/publicIPAddresses/gateway", f"{NETWORK}/virtualNetworkGateways/gateway"
    lab.put(address, {**here, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}})
    subnet = {"id": f"{network('data')}/subnets/GatewaySubnet"}
    placed = {"name": "default", "properties": {"subnet": subnet, "publicIPAddress": {"id": address}}}
    properties = {"gatewayType": "Vpn", "sku": {"name": "VpnGw1"}, "ipConfigurations": [placed]}
    lab.put(gateway, {**here, "properties": properties})
    ends = {"virtualNetworkGateway1": {"id": gateway}, "localNetworkGateway2": {"id": office}}
    lab.put(
        f"{NETWORK}/connections/office",
        {**here, "properties": {"connectionType": "IPsec", "sharedKey": "Lab-only-key", **ends}},
    )


def connect_branch(lab, device="up"):
    """A VPN site whose device the hub's gateway connects."""
    here, wan, hub = {"location": "westeurope"}, f"{NETWORK}/virtualWans/wan", f"{NETWORK}/virtualHubs/hub"
    branch, gateway = f"{NETWORK}/vpnSites/branch", f"{NETWORK}/vpnGateways/gateway"
    links = [{"name": "fibre", "properties": {"ipAddress": "203.0.113.77"}}]
    space = {"addressPrefixes": ["192.168.200.0/24"]}
    properties = {"virtualWan": {"id": wan}, "vpnSiteLinks": links, "addressSpace": space}
    lab.put(branch, {**here, "tags": {"lab-device": device}, "properties": properties})
    lab.put(gateway, {**here, "properties": {"virtualHub": {"id": hub}}})
    link = {"vpnSiteLink": {"id": f"{branch}/vpnSiteLinks/fibre"}, "sharedKey": "Lab-only-key"}
    connection = {"remoteVpnSite": {"id": branch}, "vpnLinkConnections": [{"name": "first", "properties": link}]}
    lab.put(f"{gateway}/vpnConnections/branch", {"properties": connection})
