"""azure-mgmt-network: virtual WANs, hubs, their connections, route tables and intents, and VPN to sites."""

from __future__ import annotations

from tests.lab.sdk.clients import GROUP, REGION, refused, wait

NET = "Microsoft.Network"


async def hub(sdk):
    client = await sdk.client("network")
    await wait(client.virtual_wans.begin_create_or_update(GROUP, "wan", {"location": REGION, "properties": {}}))
    properties = {"virtualWan": sdk.ref(f"{NET}/virtualWans/wan"), "addressPrefix": "10.100.0.0/23"}
    return await wait(
        client.virtual_hubs.begin_create_or_update(GROUP, "hub", {"location": REGION, "properties": properties})
    )


async def test_wans_and_hubs(sdk):
    client = await sdk.client("network")
    made = await hub(sdk)
    assert made.provisioning_state == "Succeeded"
    wans, hubs = client.virtual_wans, client.virtual_hubs
    assert (await wait(wans.update_tags(GROUP, "wan", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(wans.get(GROUP, "wan"))).virtual_hubs[0].id == made.id
    assert [one.name for one in await wait(wans.list_by_resource_group(GROUP))] == ["wan"]
    assert "wan" in {one.name for one in await wait(wans.list())}
    assert (await wait(hubs.update_tags(GROUP, "hub", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(hubs.get(GROUP, "hub"))).routing_state in {"Provisioning", "Provisioned"}  # it lags behind
    assert [one.name for one in await wait(hubs.list_by_resource_group(GROUP))] == ["hub"]
    assert "hub" in {one.name for one in await wait(hubs.list())}
    assert (await refused(wans.begin_delete, GROUP, "wan"))[0] in {400, 409}
    await wait(hubs.begin_delete(GROUP, "hub"))
    await wait(wans.begin_delete(GROUP, "wan"))
    assert await wait(wans.list_by_resource_group(GROUP)) == []


async def test_hub_connections_and_routing(sdk):
    client = await sdk.client("network")
    await hub(sdk)
    await sdk.network("data", 1)
    connections, tables = client.hub_virtual_network_connections, client.hub_route_tables
    body = {"properties": {"remoteVirtualNetwork": sdk.ref(f"{NET}/virtualNetworks/data")}}
    made = await wait(connections.begin_create_or_update(GROUP, "hub", "data", body))
    assert (made.provisioning_state, made.enable_internet_security) == ("Succeeded", False)
    assert (await wait(connections.get(GROUP, "hub", "data"))).routing_configuration.associated_route_table.id.endswith(
        "/defaultRouteTable"
    )
    assert [one.name for one in await wait(connections.list(GROUP, "hub"))] == ["data"]
    table = {"properties": {"labels": ["spokes"], "routes": []}}
    assert (await wait(tables.begin_create_or_update(GROUP, "hub", "spokes", table))).labels == ["spokes"]
    default = await wait(tables.get(GROUP, "hub", "defaultRouteTable"))
    assert default.associated_connections == [made.id]
    assert {one.name for one in await wait(tables.list(GROUP, "hub"))} >= {"defaultRouteTable", "spokes"}
    question = {"resourceId": default.id, "virtualWanResourceType": "RouteTable"}
    routes = await wait(client.virtual_hubs.begin_get_effective_virtual_hub_routes(GROUP, "hub", question))
    assert routes.value[0].address_prefixes == ["10.1.0.0/16"]
    await wait(tables.begin_delete(GROUP, "hub", "spokes"))
    await wait(connections.begin_delete(GROUP, "hub", "data"))
    assert await wait(connections.list(GROUP, "hub")) == []


async def test_routing_intents(sdk):
    client = await sdk.client("network")
    await hub(sdk)
    intents = client.routing_intent
    firewall = sdk.id(f"{NET}/azureFirewalls/fw")
    policies = [{"name": "private", "destinations": ["PrivateTraffic"], "nextHop": firewall}]
    made = await wait(
        intents.begin_create_or_update(GROUP, "hub", "all", {"properties": {"routingPolicies": policies}})
    )
    assert made.routing_policies[0].next_hop == firewall
    assert (await wait(intents.get(GROUP, "hub", "all"))).provisioning_state == "Succeeded"
    assert len(await wait(intents.list(GROUP, "hub"))) == 1
    await wait(intents.begin_delete(GROUP, "hub", "all"))
    assert await wait(intents.list(GROUP, "hub")) == []


async def test_vpn_to_sites(sdk):
    client = await sdk.client("network")
    await hub(sdk)
    sites, gateways, connections = client.vpn_sites, client.vpn_gateways, client.vpn_connections
    link = {"name": "line", "properties": {"ipAddress": "203.0.113.9"}}
    properties = {
        "virtualWan": sdk.ref(f"{NET}/virtualWans/wan"),
        "addressSpace": {"addressPrefixes": ["192.168.0.0/24"]},
        "vpnSiteLinks": [link],
    }
    site = {"location": REGION, "properties": properties}
    assert (await wait(sites.begin_create_or_update(GROUP, "site", site))).provisioning_state == "Succeeded"
    assert (await wait(sites.update_tags(GROUP, "site", {"tags": {"lab-device": "up"}}))).tags == {"lab-device": "up"}
    assert (await wait(sites.get(GROUP, "site"))).vpn_site_links[0].ip_address == "203.0.113.9"
    assert len(await wait(sites.list_by_resource_group(GROUP))) == len(await wait(sites.list())) == 1
    assert len(await wait(client.vpn_site_links.list_by_vpn_site(GROUP, "site"))) == 1
    assert (await wait(client.vpn_site_links.get(GROUP, "site", "line"))).name == "line"
    gateway = {"location": REGION, "properties": {"virtualHub": sdk.ref(f"{NET}/virtualHubs/hub")}}
    assert (await wait(gateways.begin_create_or_update(GROUP, "gw", gateway))).vpn_gateway_scale_unit == 1
    assert (await wait(gateways.begin_update_tags(GROUP, "gw", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(gateways.get(GROUP, "gw"))).virtual_hub.id.endswith("/hub")
    assert len(await wait(gateways.list_by_resource_group(GROUP))) == len(await wait(gateways.list())) == 1
    assert (await wait(gateways.begin_reset(GROUP, "gw"))).name == "gw"
    over = {"vpnSiteLink": sdk.ref(f"{NET}/vpnSites/site/vpnSiteLinks/line"), "sharedKey": "c4n4ry"}
    links = [{"name": "line", "properties": over}]
    body = {"properties": {"remoteVpnSite": sdk.ref(f"{NET}/vpnSites/site"), "vpnLinkConnections": links}}
    made = await wait(connections.begin_create_or_update(GROUP, "gw", "to-site", body))
    assert made.provisioning_state == "Succeeded"
    assert (await wait(connections.get(GROUP, "gw", "to-site"))).connection_status in {"Connected", "Connecting"}
    assert len(await wait(connections.list_by_vpn_gateway(GROUP, "gw"))) == 1
    operations = client.vpn_link_connections
    assert len(await wait(operations.list_by_vpn_connection(GROUP, "gw", "to-site"))) == 1
    assert (await wait(client.vpn_site_link_connections.get(GROUP, "gw", "to-site", "line"))).name == "line"
    place = (GROUP, "gw", "to-site", "line")
    assert await wait(operations.list_default_shared_key(*place)) is not None
    key = {"properties": {"sharedKey": "an0ther"}}
    await wait(operations.begin_set_or_init_default_shared_key(*place, key))
    assert (await wait(operations.get_default_shared_key(*place))).properties is not None
    await wait(operations.begin_reset_connection(*place))
    await wait(connections.begin_delete(GROUP, "gw", "to-site"))
    await wait(gateways.begin_delete(GROUP, "gw"))
    await wait(sites.begin_delete(GROUP, "site"))
    assert await wait(sites.list()) == []
