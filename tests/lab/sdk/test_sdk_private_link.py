"""Private endpoints by azure-mgmt-network; their owners' side by the SDKs of storage and key vaults."""

from __future__ import annotations

import pytest

from tests.lab.sdk.clients import GROUP, REGION, refused, wait

NET = "Microsoft.Network"
STORE = "Microsoft.Storage/storageAccounts/sdklake"
VAULT = "Microsoft.KeyVault/vaults/sdk-vault"
ZONE = "privatelink.blob.core.windows.net"


def endpoint(sdk, target, group_id, how="privateLinkServiceConnections"):
    connection = {"privateLinkServiceId": sdk.id(target), "groupIds": [group_id]}
    subnet = sdk.ref(f"{NET}/virtualNetworks/net/subnets/endpoints")
    properties = {"subnet": subnet, how: [{"name": "one", "properties": connection}]}
    return {"location": REGION, "properties": properties}


@pytest.fixture
async def targets(sdk):
    """A network, a storage account and a vault."""
    await sdk.network("net", 1)
    account = {"location": REGION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}
    sdk.lab.put(sdk.id(STORE), account)
    properties = {"tenantId": sdk.lab.tenant_id, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}
    sdk.lab.put(sdk.id(VAULT), {"location": REGION, "properties": properties})


async def test_endpoints_and_zone_groups(sdk, targets):
    client, names = await sdk.client("network"), await sdk.client("names")
    endpoints, groups = client.private_endpoints, client.private_dns_zone_groups
    made = await wait(endpoints.begin_create_or_update(GROUP, "pe", endpoint(sdk, STORE, "blob")))
    assert made.private_link_service_connections[0].private_link_service_connection_state.status == "Approved"
    assert made.network_interfaces[0].id
    shown = await wait(endpoints.get(GROUP, "pe"))
    assert shown.custom_dns_configs[0].ip_addresses == ["10.1.1.4"]
    assert [one.name for one in await wait(endpoints.list(GROUP))] == ["pe"]
    assert "pe" in {one.name for one in await wait(endpoints.list_by_subscription())}
    await wait(names.private_zones.begin_create_or_update(GROUP, ZONE, {"location": "global"}))
    zone = {"privateDnsZoneId": sdk.id(f"{NET}/privateDnsZones/{ZONE}")}
    body = {"properties": {"privateDnsZoneConfigs": [{"name": "blob", "properties": zone}]}}
    group = await wait(groups.begin_create_or_update(GROUP, "pe", "default", body))
    assert group.private_dns_zone_configs[0].record_sets[0].ip_addresses == ["10.1.1.4"]
    assert (await wait(groups.get(GROUP, "pe", "default"))).provisioning_state == "Succeeded"
    assert len(await wait(groups.list("pe", GROUP))) == 1
    record = await wait(names.record_sets.get(GROUP, ZONE, "A", "sdklake"))
    assert record.properties.a_records[0].ipv4_address == "10.1.1.4"
    await wait(groups.begin_delete(GROUP, "pe", "default"))
    assert (await refused(names.record_sets.get, GROUP, ZONE, "A", "sdklake"))[0] == 404
    await wait(endpoints.begin_delete(GROUP, "pe"))
    assert await refused(endpoints.get, GROUP, "pe") == (404, "ResourceNotFound")


async def test_the_owner_of_a_storage_account_decides(sdk, targets):
    endpoints = (await sdk.client("network")).private_endpoints
    storage = await sdk.client("storage")
    owned, place = storage.private_endpoint_connections, (GROUP, "sdklake")
    manual = endpoint(sdk, STORE, "blob", "manualPrivateLinkServiceConnections")
    await wait(endpoints.begin_create_or_update(GROUP, "pe", manual))
    (connection,) = await wait(owned.list(*place))
    assert connection.private_link_service_connection_state.status == "Pending"
    for status in ("Approved", "Rejected"):
        state = {"properties": {"privateLinkServiceConnectionState": {"status": status, "description": "so"}}}
        put = await wait(owned.put(*place, connection.name, state))
        assert put.private_link_service_connection_state.status == status
        seen = (await wait(endpoints.get(GROUP, "pe"))).manual_private_link_service_connections[0]
        assert seen.private_link_service_connection_state.status == status
    assert (await wait(owned.get(*place, connection.name))).private_endpoint.id == sdk.id(f"{NET}/privateEndpoints/pe")
    groups = await wait(storage.private_link_resources.list_by_storage_account(*place))
    assert "blob" in {one.group_id for one in groups.value}
    await wait(owned.delete(*place, connection.name))
    seen = (await wait(endpoints.get(GROUP, "pe"))).manual_private_link_service_connections[0]
    assert seen.private_link_service_connection_state.status == "Disconnected"


async def test_the_owner_of_a_vault_decides(sdk, targets):
    endpoints = (await sdk.client("network")).private_endpoints
    vaults = await sdk.client("vaults")
    owned, place = vaults.private_endpoint_connections, (GROUP, "sdk-vault")
    manual = endpoint(sdk, VAULT, "vault", "manualPrivateLinkServiceConnections")
    await wait(endpoints.begin_create_or_update(GROUP, "pe", manual))
    (connection,) = await wait(owned.list_by_resource(*place))
    assert connection.private_link_service_connection_state.status == "Pending"
    state = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved", "description": "so"}}}
    put = await wait(owned.put(*place, connection.name, state))
    assert put.private_link_service_connection_state.status == "Approved"
    assert (await wait(owned.get(*place, connection.name))).provisioning_state == "Succeeded"
    groups = await wait(vaults.private_link_resources.list_by_vault(*place))
    assert [one.group_id for one in groups.value] == ["vault"]
    await wait(owned.begin_delete(*place, connection.name))
    assert await wait(owned.list_by_resource(*place)) == []


async def test_private_link_services(sdk):
    client = await sdk.client("network")
    services, endpoints = client.private_link_services, client.private_endpoints
    await sdk.network("net", 1)
    off = {"properties": {"addressPrefix": "10.1.2.0/24", "privateLinkServiceNetworkPolicies": "Disabled"}}
    await wait(client.subnets.begin_create_or_update(GROUP, "net", "services", off))
    balancer = f"{NET}/loadBalancers/lb"
    subnet = sdk.ref(f"{NET}/virtualNetworks/net/subnets/services")
    front = {"name": "front", "properties": {"subnet": subnet}}
    balancing = {"location": REGION, "sku": {"name": "Standard"}, "properties": {"frontendIPConfigurations": [front]}}
    sdk.lab.put(sdk.id(balancer), balancing)
    properties = {
        "loadBalancerFrontendIpConfigurations": [sdk.ref(f"{balancer}/frontendIPConfigurations/front")],
        "ipConfigurations": [{"name": "one", "properties": {"subnet": subnet, "primary": True}}],
        "visibility": {"subscriptions": ["*"]},
    }
    made = await wait(services.begin_create_or_update(GROUP, "pls", {"location": REGION, "properties": properties}))
    assert made.alias
    assert (await wait(services.get(GROUP, "pls"))).alias == made.alias
    assert len(await wait(services.list(GROUP))) == len(await wait(services.list_by_subscription())) == 1
    connection = {"name": "one", "properties": {"privateLinkServiceId": made.id}}
    body = {
        "location": REGION,
        "properties": {
            "subnet": sdk.ref(f"{NET}/virtualNetworks/net/subnets/endpoints"),
            "manualPrivateLinkServiceConnections": [connection],
        },
    }
    await wait(endpoints.begin_create_or_update(GROUP, "pe", body))
    (pending,) = await wait(services.list_private_endpoint_connections(GROUP, "pls"))
    state = {"privateLinkServiceConnectionState": {"status": "Approved", "description": "so"}}
    place = (GROUP, "pls", pending.name)
    approved = await wait(
        services.update_private_endpoint_connection(*place, {"name": pending.name, "properties": state})
    )
    assert approved.private_link_service_connection_state.status == "Approved"
    assert (await wait(services.get_private_endpoint_connection(*place))).private_endpoint.id
    question = {"privateLinkServiceAlias": made.alias}
    check = await wait(services.begin_check_private_link_service_visibility(REGION, question))
    assert check.visible
    in_group = services.begin_check_private_link_service_visibility_by_resource_group
    assert (await wait(in_group(REGION, GROUP, question))).visible
    assert await wait(services.list_auto_approved_private_link_services(REGION)) is not None
    assert await wait(services.list_auto_approved_private_link_services_by_resource_group(REGION, GROUP)) is not None
    await wait(services.begin_delete_private_endpoint_connection(*place))
    await wait(endpoints.begin_delete(GROUP, "pe"))
    await wait(services.begin_delete(GROUP, "pls"))
    assert await wait(services.list(GROUP)) == []


async def test_types_that_endpoints_can_point_to(sdk):
    types = (await sdk.client("network")).available_private_endpoint_types
    assert "Microsoft.Storage/storageAccounts" in {one.resource_name for one in await wait(types.list(REGION))}
    assert await wait(types.list_by_resource_group(REGION, GROUP))
