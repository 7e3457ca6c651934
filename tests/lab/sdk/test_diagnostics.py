"""What hubs, gateways and Network Watcher have besides, by azure-mgmt-network."""

from __future__ import annotations

import json

import pytest

from tests.lab.sdk.clients import GROUP, REGION, wait

PREFIX = {"addressPrefix": "10.200.0.0/24"}
MACHINE = "Microsoft.Compute/virtualMachines/machine"


@pytest.fixture
async def client(sdk):
    return await sdk.client("network")


async def hub(sdk, client):
    await wait(client.virtual_wans.begin_create_or_update(GROUP, "wan", {"location": REGION}))
    body = {"location": REGION, "properties": {**PREFIX, "virtualWan": sdk.ref("Microsoft.Network/virtualWans/wan")}}
    await wait(client.virtual_hubs.begin_create_or_update(GROUP, "hub", body))


async def test_a_hub_has_peers_route_maps_and_a_gateway_with_nat_rules(sdk, client):
    await hub(sdk, client)
    peer = {"properties": {"peerAsn": 65000, "peerIp": "10.0.0.10"}}
    made = await wait(client.virtual_hub_bgp_connection.begin_create_or_update(GROUP, "hub", "peer", peer))
    assert (made.provisioning_state, made.connection_state) == ("Succeeded", "Unknown")
    assert [one.name for one in await wait(client.virtual_hub_bgp_connections.list(GROUP, "hub"))] == ["peer"]
    await wait(client.virtual_hub_bgp_connections.begin_list_advertised_routes(GROUP, "hub", "peer"))
    rule = {"name": "r", "matchCriteria": [], "actions": [{"type": "Drop", "parameters": []}]}
    made = await wait(client.route_maps.begin_create_or_update(GROUP, "hub", "map", {"properties": {"rules": [rule]}}))
    assert made.rules[0].actions[0].type == "Drop"
    gateway = {"location": REGION, "properties": {"virtualHub": sdk.ref("Microsoft.Network/virtualHubs/hub")}}
    await wait(client.vpn_gateways.begin_create_or_update(GROUP, "gateway", gateway))
    sides = {f"{side}Mappings": [{"addressSpace": "10.4.0.0/24"}] for side in ("internal", "external")}
    made = await wait(client.nat_rules.begin_create_or_update(GROUP, "gateway", "rule", {"properties": sides}))
    assert made.mode == "EgressSnat"
    assert json.loads(await wait(client.vpn_gateways.begin_start_packet_capture(GROUP, "gateway"))) == {
        "Status": "Successful",
        "Data": None,
    }
    await wait(client.nat_rules.begin_delete(GROUP, "gateway", "rule"))
    await wait(client.route_maps.begin_delete(GROUP, "hub", "map"))
    await wait(client.virtual_hub_bgp_connection.begin_delete(GROUP, "hub", "peer"))


async def test_a_connected_network_lists_the_hubs_peering(sdk, client):
    await hub(sdk, client)
    network = await sdk.network("net", 20)
    body = {"properties": {"remoteVirtualNetwork": {"id": network.id}}}
    await wait(client.hub_virtual_network_connections.begin_create_or_update(GROUP, "hub", "to-net", body))
    [peering] = await wait(client.virtual_network_peerings.list(GROUP, "net"))
    assert peering.name.startswith("RemoteVnetToHubPeering_")
    assert (peering.peering_state, peering.use_remote_gateways) == ("Connected", True)
    await wait(client.hub_virtual_network_connections.begin_delete(GROUP, "hub", "to-net"))
    assert await wait(client.virtual_network_peerings.list(GROUP, "net")) == []


async def test_a_watcher_logs_captures_and_tells(sdk, client):
    network = await sdk.network("net", 20)
    nic = {"name": "one", "properties": {"subnet": {"id": network.subnets[0].id}}}
    body = {"location": REGION, "properties": {"ipConfigurations": [nic]}}
    card = await wait(client.network_interfaces.begin_create_or_update(GROUP, "card", body))
    machine = {"networkProfile": {"networkInterfaces": [{"id": card.id}]}}
    sdk.lab.put(sdk.id(MACHINE), {"location": REGION, "properties": machine})
    group = await wait(client.network_security_groups.begin_create_or_update(GROUP, "group", {"location": REGION}))
    account = {"location": REGION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    storage = sdk.id("Microsoft.Storage/storageAccounts/sdkcaptures1")
    sdk.lab.put(storage, account)
    await wait(client.network_watchers.create_or_update(GROUP, "watcher", {"location": REGION}))
    log = {"location": REGION, "properties": {"targetResourceId": group.id, "storageId": storage, "enabled": True}}
    made = await wait(client.flow_logs.begin_create_or_update(GROUP, "watcher", "log", log))
    assert made.enabled is True
    capture = {"properties": {"target": sdk.id(MACHINE), "storageLocation": {"storageId": storage}}}
    await wait(client.packet_captures.begin_create(GROUP, "watcher", "capture", capture))
    status = await wait(client.packet_captures.begin_get_status(GROUP, "watcher", "capture"))
    assert status.packet_capture_status == "Running"
    await wait(client.packet_captures.begin_stop(GROUP, "watcher", "capture"))
    topology = await wait(client.network_watchers.get_topology(GROUP, "watcher", {"targetResourceGroupName": GROUP}))
    assert {"net", "endpoints", "card"} <= {one.name for one in topology.resources}
    question = {"targetResourceId": sdk.id(MACHINE)}
    view = await wait(client.network_watchers.begin_get_vm_security_rules(GROUP, "watcher", question))
    assert [one.id for one in view.network_interfaces] == [card.id]
    question = {"targetResourceId": group.id}
    told = await wait(client.network_watchers.begin_get_flow_log_status(GROUP, "watcher", question))
    assert (told.enabled, told.storage_id) == (True, storage)


async def test_locks_and_identities_by_the_generic_client(sdk):
    resources = await sdk.client("resources")
    network = await sdk.network("net", 20)
    lock = f"{network.id}/providers/Microsoft.Authorization/locks/keep"
    body = {"properties": {"level": "CanNotDelete"}}
    await wait(resources.resources.begin_create_or_update_by_id(lock, body, api_version="2020-05-01"))
    client = await sdk.client("network")
    with pytest.raises(Exception, match="ScopeLocked"):
        await wait(client.virtual_networks.begin_delete(GROUP, "net"))
    await wait(resources.resources.begin_delete_by_id(lock, api_version="2020-05-01"))
    await wait(client.virtual_networks.begin_delete(GROUP, "net"))
    identity = sdk.id("Microsoft.ManagedIdentity/userAssignedIdentities/worker")
    body = {"location": REGION}
    made = await wait(resources.resources.begin_create_or_update_by_id(identity, body, api_version="2023-01-31"))
    assert made.properties["tenantId"] == sdk.lab.tenant_id
