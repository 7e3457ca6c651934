"""azure-mgmt-network: gateways of networks, local gateways, connections and their keys."""

from __future__ import annotations

from tests.lab.sdk.clients import GROUP, REGION, refused, wait

NET = "Microsoft.Network"


async def gateway(sdk, client):
    await sdk.network("net", 1)
    subnet = {"properties": {"addressPrefix": "10.1.255.0/27"}}
    await wait(client.subnets.begin_create_or_update(GROUP, "net", "GatewaySubnet", subnet))
    address = {"location": REGION, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    await wait(client.public_ip_addresses.begin_create_or_update(GROUP, "ip", address))
    configuration = {
        "subnet": sdk.ref(f"{NET}/virtualNetworks/net/subnets/GatewaySubnet"),
        "publicIPAddress": sdk.ref(f"{NET}/publicIPAddresses/ip"),
    }
    properties = {
        "gatewayType": "Vpn",
        "vpnType": "RouteBased",
        "sku": {"name": "VpnGw1", "tier": "VpnGw1"},
        "ipConfigurations": [{"name": "one", "properties": configuration}],
    }
    body = {"location": REGION, "properties": properties}
    return await wait(client.virtual_network_gateways.begin_create_or_update(GROUP, "gw", body))


async def test_gateways_and_connections(sdk):
    client = await sdk.client("network")
    gateways, locals_ = client.virtual_network_gateways, client.local_network_gateways
    made = await gateway(sdk, client)
    assert (made.provisioning_state, made.gateway_type) == ("Succeeded", "Vpn")
    assert (await wait(gateways.begin_update_tags(GROUP, "gw", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(gateways.get(GROUP, "gw"))).sku.name == "VpnGw1"
    assert len(await wait(gateways.list(GROUP))) == 1
    assert (await wait(gateways.begin_reset(GROUP, "gw"))).name == "gw"
    assert (await wait(gateways.begin_get_bgp_peer_status(GROUP, "gw"))).value is not None
    site = {"localNetworkAddressSpace": {"addressPrefixes": ["192.168.0.0/24"]}, "gatewayIpAddress": "203.0.113.1"}
    local = await wait(locals_.begin_create_or_update(GROUP, "site", {"location": REGION, "properties": site}))
    assert local.gateway_ip_address == "203.0.113.1"
    assert (await wait(locals_.update_tags(GROUP, "site", {"tags": {"lab-device": "up"}}))).tags
    assert (await wait(locals_.get(GROUP, "site"))).local_network_address_space.address_prefixes == ["192.168.0.0/24"]
    assert len(await wait(locals_.list(GROUP))) == 1
    await connections(sdk, client.virtual_network_gateway_connections, gateways)
    await wait(gateways.begin_delete(GROUP, "gw"))
    await wait(locals_.begin_delete(GROUP, "site"))
    assert await wait(gateways.list(GROUP)) == []


async def connections(sdk, operations, gateways):
    properties = {
        "connectionType": "IPsec",
        "sharedKey": "c4n4ry",
        "virtualNetworkGateway1": {**sdk.ref(f"{NET}/virtualNetworkGateways/gw"), "properties": {}},
        "localNetworkGateway2": {**sdk.ref(f"{NET}/localNetworkGateways/site"), "properties": {}},
    }
    body = {"location": REGION, "properties": properties}
    made = await wait(operations.begin_create_or_update(GROUP, "tunnel", body))
    assert made.provisioning_state == "Succeeded"
    assert (await wait(operations.get(GROUP, "tunnel"))).connection_status in {"Connected", "Connecting"}
    assert (await wait(operations.begin_update_tags(GROUP, "tunnel", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert len(await wait(operations.list(GROUP))) == 1
    assert len(await wait(gateways.list_connections(GROUP, "gw"))) == 1
    assert (await wait(operations.get_shared_key(GROUP, "tunnel"))).value == "c4n4ry"
    assert (await wait(operations.begin_set_shared_key(GROUP, "tunnel", {"value": "an0ther"}))).value == "an0ther"
    reset = await wait(operations.begin_reset_shared_key(GROUP, "tunnel", {"keyLength": 20}))
    assert reset.key_length == 20
    assert len((await wait(operations.get_shared_key(GROUP, "tunnel"))).value) == 20
    await wait(operations.begin_reset_connection(GROUP, "tunnel"))
    assert (await refused(gateways.begin_delete, GROUP, "gw"))[0] in {400, 409}
    await wait(operations.begin_delete(GROUP, "tunnel"))
    assert await wait(operations.list(GROUP)) == []
