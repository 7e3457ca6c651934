"""azure-mgmt-storage and azure-mgmt-keyvault: accounts and vaults, their firewalls, and what hangs on them."""

from __future__ import annotations

from tests.lab.sdk.clients import GROUP, REGION, refused, wait

NET = "Microsoft.Network"
ACCOUNT = {"location": REGION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}


async def test_storage_accounts(sdk, small_pages):
    accounts = (await sdk.client("storage")).storage_accounts
    question = {"name": "sdkone", "type": "Microsoft.Storage/storageAccounts"}
    free = await wait(accounts.check_name_availability(question))
    assert free.name_available
    for name in ("sdkone", "sdktwo", "sdkthree"):
        made = await wait(accounts.begin_create(GROUP, name, ACCOUNT))
        assert (made.name, made.provisioning_state) == (name, "Succeeded")
    taken = await wait(
        accounts.check_name_availability({"name": "sdkone", "type": "Microsoft.Storage/storageAccounts"})
    )
    assert not taken.name_available
    assert len(await wait(accounts.list_by_resource_group(GROUP))) == 3
    assert {"sdkone", "sdktwo", "sdkthree"} <= {one.name for one in await wait(accounts.list())}
    shown = await wait(accounts.get_properties(GROUP, "sdkone"))
    assert shown.primary_endpoints.blob == "https://sdkone.blob.core.windows.net/"
    keys = (await wait(accounts.list_keys(GROUP, "sdkone"))).keys_property
    regenerated = await wait(accounts.regenerate_key(GROUP, "sdkone", {"keyName": "key1"}))
    assert regenerated.keys_property[0].value != keys[0].value
    assert (await wait(accounts.update(GROUP, "sdkone", {"tags": {"a": "b"}}))).tags == {"a": "b"}
    await wait(accounts.delete(GROUP, "sdktwo"))
    assert await refused(accounts.get_properties, GROUP, "sdktwo") == (404, "ResourceNotFound")


async def test_the_firewall_of_a_storage_account(sdk):
    accounts = (await sdk.client("storage")).storage_accounts
    await wait(accounts.begin_create(GROUP, "sdkone", ACCOUNT))
    rules = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "203.0.113.7"}]}
    updated = await wait(accounts.update(GROUP, "sdkone", {"properties": {"networkAcls": rules}}))
    assert updated.network_rule_set.default_action == "Deny"
    shown = (await wait(accounts.get_properties(GROUP, "sdkone"))).network_rule_set
    assert [one.ip_address_or_range for one in shown.ip_rules] == ["203.0.113.7"]
    rules["ipRules"] = [{"value": "10.0.0.4"}]
    assert (await refused(accounts.update, GROUP, "sdkone", {"properties": {"networkAcls": rules}}))[0] == 400


async def test_blob_services_and_containers(sdk):
    client = await sdk.client("storage")
    await wait(client.storage_accounts.begin_create(GROUP, "sdkone", ACCOUNT))
    assert (await wait(client.blob_services.get_service_properties(GROUP, "sdkone"))).name == "default"
    assert len(await wait(client.blob_services.list(GROUP, "sdkone"))) == 1
    containers = client.blob_containers
    assert (await wait(containers.create(GROUP, "sdkone", "orders", {"properties": {}}))).name == "orders"
    assert (await wait(containers.get(GROUP, "sdkone", "orders"))).name == "orders"
    assert [one.name for one in await wait(containers.list(GROUP, "sdkone"))] == ["orders"]
    await wait(containers.delete(GROUP, "sdkone", "orders"))
    assert await wait(containers.list(GROUP, "sdkone")) == []


def vault(sdk, **more):
    properties = {"tenantId": sdk.lab.tenant_id, "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}
    return {"location": REGION, "properties": {**properties, **more}}


async def test_vaults(sdk):
    vaults = (await sdk.client("vaults")).vaults
    question = {"name": "sdk-one", "type": "Microsoft.KeyVault/vaults"}
    assert (await wait(vaults.check_name_availability(question))).name_available
    made = await wait(vaults.begin_create_or_update(GROUP, "sdk-one", vault(sdk)))
    assert made.properties.vault_uri == "https://sdk-one.vault.azure.net/"
    assert not (await wait(vaults.check_name_availability(question))).name_available
    assert (await wait(vaults.get(GROUP, "sdk-one"))).properties.enable_soft_delete
    assert len(await wait(vaults.list_by_resource_group(GROUP))) == 1
    assert "sdk-one" in {one.name for one in await wait(vaults.list_by_subscription())}
    assert "sdk-one" in {one.name for one in await wait(vaults.list())}
    rules = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "203.0.113.7/32"}]}
    updated = await wait(vaults.update(GROUP, "sdk-one", {"properties": {"networkAcls": rules}}))
    assert updated.properties.network_acls.default_action == "Deny"
    policy = {"tenantId": sdk.lab.tenant_id, "objectId": sdk.lab.principal().object_id}
    policies = {"properties": {"accessPolicies": [{**policy, "permissions": {"secrets": ["get"]}}]}}
    added = await wait(vaults.update_access_policy(GROUP, "sdk-one", "add", policies))
    assert added.properties.access_policies[0].permissions.secrets == ["get"]
    await wait(vaults.delete(GROUP, "sdk-one"))
    assert [one.name for one in await wait(vaults.list_deleted())] == ["sdk-one"]
    assert (await wait(vaults.get_deleted("sdk-one", REGION))).properties.vault_id.endswith("/sdk-one")
    assert (await refused(vaults.begin_create_or_update, GROUP, "sdk-one", vault(sdk)))[0] == 409
    await wait(vaults.begin_purge_deleted("sdk-one", REGION))
    assert await wait(vaults.list_deleted()) == []
