"""azure-mgmt-resource: groups, resources of any type by their ids, providers."""

from __future__ import annotations

from tests.lab.sdk.clients import GROUP, REGION, refused, wait

VERSION = {"api_version": "2024-01-01"}
WIDGET = "Microsoft.Contoso/widgets/one"


async def test_groups(sdk, small_pages):
    groups = (await sdk.client("resources")).resource_groups
    for name in ("sdk-a", "sdk-b", "sdk-c"):
        assert (await wait(groups.create_or_update(name, {"location": REGION}))).name == name
    assert {"sdk-a", "sdk-b", "sdk-c"} <= {one.name for one in await wait(groups.list())}
    assert await wait(groups.check_existence("sdk-a"))
    assert not await wait(groups.check_existence("sdk-none"))
    assert (await wait(groups.update("sdk-a", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    assert (await wait(groups.get("sdk-a"))).tags == {"a": "b"}
    assert [one.name for one in await wait(groups.list(filter="tagName eq 'a' and tagValue eq 'b'"))] == ["sdk-a"]
    await wait(groups.begin_delete("sdk-a"))
    assert await refused(groups.get, "sdk-a") == (404, "ResourceGroupNotFound")


async def test_resources_of_any_type(sdk, small_pages):
    resources = (await sdk.client("resources")).resources
    body = {"location": REGION, "properties": {"size": 3}}
    made = await wait(resources.begin_create_or_update_by_id(sdk.id(WIDGET), body, **VERSION))
    assert made.properties["size"] == 3
    assert await wait(resources.check_existence_by_id(sdk.id(WIDGET), **VERSION))
    assert (await wait(resources.get_by_id(sdk.id(WIDGET), **VERSION))).location == REGION
    changed = await wait(resources.begin_update_by_id(sdk.id(WIDGET), {"tags": {"a": "b"}}, **VERSION))
    assert changed.tags == {"a": "b"}
    place = (GROUP, "Microsoft.Contoso", "", "widgets", "two")
    await wait(resources.begin_create_or_update(*place, body, **VERSION))
    assert (await wait(resources.begin_update(*place, {"tags": {"a": "c"}}, **VERSION))).tags == {"a": "c"}
    assert (await wait(resources.get(*place, **VERSION))).name == "two"
    assert await wait(resources.check_existence(*place, **VERSION))
    await sdk.network("net", 1)
    assert {one.name for one in await wait(resources.list_by_resource_group(GROUP))} == {"one", "two", "net"}
    assert {"one", "two", "net"} <= {one.name for one in await wait(resources.list())}
    typed = await wait(resources.list(filter="resourceType eq 'Microsoft.Contoso/widgets'"))
    assert {one.name for one in typed} == {"one", "two"}
    await wait(resources.begin_delete(*place, **VERSION))
    await wait(resources.begin_delete_by_id(sdk.id(WIDGET), **VERSION))
    assert not await wait(resources.check_existence_by_id(sdk.id(WIDGET), **VERSION))


async def test_known_types_by_their_ids_too(sdk):
    resources = (await sdk.client("resources")).resources
    body = {"location": REGION, "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}}
    network = sdk.id("Microsoft.Network/virtualNetworks/net")
    made = await wait(resources.begin_create_or_update_by_id(network, body, api_version="2024-05-01"))
    assert made.properties["addressSpace"] == {"addressPrefixes": ["10.9.0.0/16"]}
    assert (await refused(resources.get_by_id, network, api_version="1999-01-01"))[0] == 400
    await wait(resources.begin_delete_by_id(network, api_version="2024-05-01"))


async def test_providers(sdk):
    providers = (await sdk.client("resources")).providers
    assert (await wait(providers.get("Microsoft.Network"))).registration_state == "Registered"
    assert (await wait(providers.register("Microsoft.Network"))).namespace == "Microsoft.Network"
    assert "Microsoft.Storage" in {one.namespace for one in await wait(providers.list())}
    assert "Microsoft.Storage" in {one.namespace for one in await wait(providers.list_at_tenant_scope())}
    assert (await wait(providers.get_at_tenant_scope("Microsoft.Network"))).namespace == "Microsoft.Network"
