"""azure-mgmt-network: networks, subnets, peerings, security groups, routes, addresses and interfaces."""

from __future__ import annotations

from tests.lab.sdk.clients import GROUP, REGION, refused, wait

NET = "Microsoft.Network"


async def test_networks_and_subnets(sdk, small_pages):
    client = await sdk.client("network")
    networks, subnets = client.virtual_networks, client.subnets
    for number in range(1, 6):
        made = await sdk.network(f"net-{number}", number)
        assert made.provisioning_state == "Succeeded"
    assert [one.name for one in await wait(networks.list(GROUP))] == [f"net-{number}" for number in range(1, 6)]
    assert {f"net-{number}" for number in range(1, 6)} <= {one.name for one in await wait(networks.list_all())}
    assert (await wait(networks.update_tags(GROUP, "net-1", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    shown = await wait(networks.get(GROUP, "net-1"))
    assert (shown.address_space.address_prefixes, shown.subnets[0].name) == (["10.1.0.0/16"], "endpoints")
    free = await wait(networks.check_ip_address_availability(GROUP, "net-1", ip_address="10.1.1.4"))
    assert free.available
    assert (await wait(networks.list_usage(GROUP, "net-1")))[0].current_value == 0
    for name, prefix in (("a", "10.1.2.0/24"), ("b", "10.1.3.0/24")):
        made = await wait(
            subnets.begin_create_or_update(GROUP, "net-1", name, {"properties": {"addressPrefix": prefix}})
        )
        assert made.address_prefix == prefix
    assert [one.name for one in await wait(subnets.list(GROUP, "net-1"))] == ["endpoints", "a", "b"]
    overlapping = {"properties": {"addressPrefix": "10.1.2.0/25"}}
    assert (await refused(subnets.begin_create_or_update, GROUP, "net-1", "c", overlapping))[0] == 400
    await wait(subnets.begin_delete(GROUP, "net-1", "a"))
    assert await refused(subnets.get, GROUP, "net-1", "a") == (404, "NotFound")
    await wait(networks.begin_delete(GROUP, "net-5"))
    assert await refused(networks.get, GROUP, "net-5") == (404, "ResourceNotFound")


async def test_peerings(sdk):
    peerings = (await sdk.client("network")).virtual_network_peerings
    await sdk.network("hub", 1)
    await sdk.network("data", 2)

    def body(remote, **more):
        return {"properties": {"remoteVirtualNetwork": sdk.ref(f"{NET}/virtualNetworks/{remote}"), **more}}

    first = await wait(peerings.begin_create_or_update(GROUP, "hub", "to-data", body("data")))
    assert (first.peering_state, first.peering_sync_level) == ("Initiated", "RemoteNotInSync")
    second = await wait(peerings.begin_create_or_update(GROUP, "data", "to-hub", body("hub")))
    assert (second.peering_state, second.peering_sync_level) == ("Connected", "FullyInSync")
    assert (await wait(peerings.get(GROUP, "hub", "to-data"))).peering_state == "Connected"
    changed = body("data", allowForwardedTraffic=True)
    forwarding = await wait(
        peerings.begin_create_or_update(GROUP, "hub", "to-data", changed, sync_remote_address_space="true")
    )
    assert forwarding.allow_forwarded_traffic
    assert [one.name for one in await wait(peerings.list(GROUP, "hub"))] == ["to-data"]
    await wait(peerings.begin_delete(GROUP, "data", "to-hub"))
    assert (await wait(peerings.get(GROUP, "hub", "to-data"))).peering_state == "Disconnected"


async def test_security_groups_and_rules(sdk):
    client = await sdk.client("network")
    groups, rules = client.network_security_groups, client.security_rules
    await wait(groups.begin_create_or_update(GROUP, "nsg", {"location": REGION}))
    rule = {
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "443",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "VirtualNetwork",
        "access": "Allow",
        "priority": 100,
        "direction": "Inbound",
    }
    made = await wait(rules.begin_create_or_update(GROUP, "nsg", "https", {"properties": rule}))
    assert (made.access, made.priority) == ("Allow", 100)
    assert (await wait(rules.get(GROUP, "nsg", "https"))).destination_port_range == "443"
    assert len(await wait(rules.list(GROUP, "nsg"))) == 1
    defaults = await wait(client.default_security_rules.list(GROUP, "nsg"))
    assert "DenyAllInBound" in {one.name for one in defaults}
    assert (await wait(client.default_security_rules.get(GROUP, "nsg", "DenyAllInBound"))).priority == 65500
    assert (await wait(groups.update_tags(GROUP, "nsg", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert len((await wait(groups.get(GROUP, "nsg"))).security_rules) == 1
    assert len(await wait(groups.list(GROUP))) == len(await wait(groups.list_all())) == 1
    named = client.application_security_groups
    await wait(named.begin_create_or_update(GROUP, "asg", {"location": REGION}))
    assert (await wait(named.update_tags(GROUP, "asg", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(named.get(GROUP, "asg"))).provisioning_state == "Succeeded"
    assert len(await wait(named.list(GROUP))) == len(await wait(named.list_all())) == 1
    for operation, name in ((named.begin_delete, "asg"), (groups.begin_delete, "nsg")):
        await wait(operation(GROUP, name))
    assert await wait(groups.list_all()) == []


async def test_route_tables(sdk):
    client = await sdk.client("network")
    tables, routes = client.route_tables, client.routes
    await wait(tables.begin_create_or_update(GROUP, "rt", {"location": REGION}))
    route = {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.4"}
    made = await wait(routes.begin_create_or_update(GROUP, "rt", "out", {"properties": route}))
    assert made.next_hop_ip_address == "10.1.0.4"
    assert (await wait(routes.get(GROUP, "rt", "out"))).next_hop_type == "VirtualAppliance"
    assert len(await wait(routes.list(GROUP, "rt"))) == 1
    assert (await wait(tables.update_tags(GROUP, "rt", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(tables.get(GROUP, "rt"))).routes[0].name == "out"
    assert len(await wait(tables.list(GROUP))) == len(await wait(tables.list_all())) == 1
    await wait(routes.begin_delete(GROUP, "rt", "out"))
    await wait(tables.begin_delete(GROUP, "rt"))
    assert await wait(tables.list(GROUP)) == []


async def test_public_addresses_and_nat_gateways(sdk):
    client = await sdk.client("network")
    addresses, gateways = client.public_ip_addresses, client.nat_gateways
    body = {"location": REGION, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    made = await wait(addresses.begin_create_or_update(GROUP, "ip", body))
    assert made.ip_address
    assert (await wait(addresses.update_tags(GROUP, "ip", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(addresses.get(GROUP, "ip"))).ip_address == made.ip_address
    assert len(await wait(addresses.list(GROUP))) == len(await wait(addresses.list_all())) == 1
    own = {"publicIpAddresses": [sdk.ref(f"{NET}/publicIPAddresses/ip")]}
    nat = await wait(
        gateways.begin_create_or_update(
            GROUP, "nat", {"location": REGION, "sku": {"name": "Standard"}, "properties": own}
        )
    )
    assert nat.public_ip_addresses[0].id.endswith("/ip")
    assert (await wait(gateways.update_tags(GROUP, "nat", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(gateways.get(GROUP, "nat"))).provisioning_state == "Succeeded"
    assert len(await wait(gateways.list(GROUP))) == len(await wait(gateways.list_all())) == 1
    assert (await refused(addresses.begin_delete, GROUP, "ip"))[0] == 400
    await wait(gateways.begin_delete(GROUP, "nat"))
    await wait(addresses.begin_delete(GROUP, "ip"))
    assert await wait(addresses.list(GROUP)) == []


async def interface(sdk, name="nic", network="net", number=1):
    client = await sdk.client("network")
    await sdk.network(network, number)
    subnet = sdk.ref(f"{NET}/virtualNetworks/{network}/subnets/endpoints")
    configuration = {"name": "one", "properties": {"subnet": subnet}}
    body = {"location": REGION, "properties": {"ipConfigurations": [configuration]}}
    return await wait(client.network_interfaces.begin_create_or_update(GROUP, name, body))


async def test_interfaces(sdk):
    client = await sdk.client("network")
    interfaces, configurations = client.network_interfaces, client.network_interface_ip_configurations
    made = await interface(sdk)
    assert made.ip_configurations[0].private_ip_address == "10.1.1.4"
    assert (await wait(interfaces.update_tags(GROUP, "nic", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(interfaces.get(GROUP, "nic"))).tags == {"a": "b"}
    assert len(await wait(interfaces.list(GROUP))) == len(await wait(interfaces.list_all())) == 1
    assert (await wait(configurations.get(GROUP, "nic", "one"))).private_ip_address == "10.1.1.4"
    assert len(await wait(configurations.list(GROUP, "nic"))) == 1
    routes = (await wait(interfaces.begin_get_effective_route_table(GROUP, "nic"))).value
    assert ["10.1.0.0/16"] in [one.address_prefix for one in routes if one.next_hop_type == "VnetLocal"]
    assert (await wait(interfaces.begin_list_effective_network_security_groups(GROUP, "nic"))).value == []
    await wait(interfaces.begin_delete(GROUP, "nic"))
    assert await wait(interfaces.list(GROUP)) == []


async def test_network_watchers(sdk):
    client = await sdk.client("network")
    watchers = client.network_watchers
    await interface(sdk)
    await interface(sdk, "there", "data", 2)
    machine = sdk.id("Microsoft.Compute/virtualMachines/vm")
    profile = {"networkProfile": {"networkInterfaces": [sdk.ref(f"{NET}/networkInterfaces/nic")]}}
    sdk.lab.put(machine, {"location": REGION, "properties": profile})
    made = await wait(watchers.create_or_update(GROUP, "watcher", {"location": REGION}))
    assert made.provisioning_state == "Succeeded"
    assert (await wait(watchers.update_tags(GROUP, "watcher", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(watchers.get(GROUP, "watcher"))).location == REGION
    assert len(await wait(watchers.list(GROUP))) == len(await wait(watchers.list_all())) == 1
    place = (GROUP, "watcher")
    question = {"source": {"resourceId": machine}, "destination": {"address": "10.2.1.4", "port": 443}}
    found = await wait(watchers.begin_check_connectivity(*place, question))
    assert (found.connection_status, found.probes_failed) == ("Unreachable", 66)
    flow = {
        "targetResourceId": machine,
        "direction": "Outbound",
        "protocol": "TCP",
        "localPort": "*",
        "remotePort": "443",
        "localIPAddress": "10.1.1.4",
        "remoteIPAddress": "203.0.113.1",
    }
    assert (await wait(watchers.begin_verify_ip_flow(*place, flow))).access == "Allow"
    hop = {"targetResourceId": machine, "sourceIPAddress": "10.1.1.4", "destinationIPAddress": "203.0.113.1"}
    assert (await wait(watchers.begin_get_next_hop(*place, hop))).next_hop_type == "Internet"
    storage = {"storageId": sdk.id("Microsoft.Storage/storageAccounts/s"), "storagePath": "https://s"}
    health = await wait(
        watchers.begin_get_troubleshooting(*place, {"targetResourceId": machine, "properties": storage})
    )
    assert health.code == "Healthy"
    assert (
        await wait(watchers.begin_get_troubleshooting_result(*place, {"targetResourceId": machine}))
    ).code == "Healthy"
    await wait(watchers.begin_delete(*place))
    assert await wait(watchers.list_all()) == []
