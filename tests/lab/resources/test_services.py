"""Services of the lab beyond their firewalls: names, keys, secrets, states, soft delete, versions, any other type."""

from __future__ import annotations

import base64

import pytest

from airflow_provider_netconn.lab.resources.generic import generic_kind
from tests.lab.arm.planes import GROUP, OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT, send
from tests.lab.resources.service_landscape import PLAIN, ask, make, make_subnet, services_plane

STORAGE = "Microsoft.Storage/storageAccounts"
VAULTS = "Microsoft.KeyVault/vaults"
REGISTRIES = "Microsoft.ContainerRegistry/registries"
SERVICE_BUS = "Microsoft.ServiceBus/namespaces"
GLOBAL = sorted(set(PLAIN) - {"Microsoft.Databricks/workspaces"})
V = "2023-05-01"


@pytest.fixture
def plane():
    return services_plane()


def put_again(plane, type_name, name, subscription, group="rg"):
    version, body = PLAIN[type_name]
    scope = f"/subscriptions/{subscription}/resourceGroups/{group}"
    send(plane, "PUT", scope, {"location": "eastus"}, version="2021-04-01")
    path = f"{scope}/providers/{type_name}/{name}"
    return send(plane, "PUT", path, {"location": "eastus", "properties": {}, **body}, version=version)


@pytest.mark.parametrize("type_name", GLOBAL)
def test_a_name_is_taken_in_all_of_azure(plane, type_name):
    make(plane, type_name)
    answer = put_again(plane, type_name, "theservice1", OTHER_SUBSCRIPTION)
    assert answer.status in {400, 409}
    assert "theservice1" in answer.body["error"]["message"]


def test_workspaces_of_databricks_may_share_a_name(plane):
    first = make(plane, "Microsoft.Databricks/workspaces")
    assert put_again(plane, "Microsoft.Databricks/workspaces", "theservice1", OTHER_SUBSCRIPTION).status == 201
    other = plane.store.of_type("Microsoft.Databricks/workspaces", OTHER_SUBSCRIPTION)[0]
    assert first.facts["workspaceUrl"] != other.facts["workspaceUrl"]


@pytest.mark.parametrize("type_name", PLAIN)
def test_no_read_shows_a_password_or_a_key(plane, type_name):
    service = make(plane, type_name)
    shown = str(ask(plane, "GET", service).body)
    assert "CANARY" not in shown
    keys = service.properties.get("keys") or service.properties.get("passwords")
    for key in keys.values() if isinstance(keys, dict) else keys or ():
        assert (key if isinstance(key, str) else key["value"]) not in shown


@pytest.mark.parametrize("type_name", PLAIN)
def test_each_service_is_listed_changed_and_deleted(plane, type_name):
    service = make(plane, type_name)
    assert ask(plane, "PATCH", service, {"tags": {"team": "data"}}).status < 300
    plane.operations.advance()
    assert ask(plane, "GET", service).body["tags"] == {"team": "data"}
    version = PLAIN[type_name][0]
    for scope in (GROUP, f"/subscriptions/{SUBSCRIPTION}"):
        listed = send(plane, "GET", f"{scope}/providers/{type_name}", version=version).body["value"]
        assert [item["name"] for item in listed] == ["theservice1"]
    assert ask(plane, "DELETE", service).status in {200, 202}
    plane.operations.advance()
    assert ask(plane, "GET", service).status == 404
    assert ask(plane, "DELETE", service).status == 204


@pytest.mark.parametrize(
    ("provider", "name", "available"),
    [
        ("Microsoft.Storage", "theservice1", False),
        ("Microsoft.Storage", "another1", True),
        ("Microsoft.Storage", "No-good", False),
        ("Microsoft.KeyVault", "the--service", False),
        ("Microsoft.ServiceBus", "free-name", True),
    ],
)
def test_a_name_can_be_asked_for(plane, provider, name, available):
    make(plane, STORAGE)
    path = f"/subscriptions/{SUBSCRIPTION}/providers/{provider}/checkNameAvailability"
    version = {"Microsoft.KeyVault": "2023-07-01", "Microsoft.ServiceBus": "2024-01-01"}.get(provider, V)
    answer = send(plane, "POST", path, {"name": name, "type": "x"}, version=version)
    assert (answer.status, answer.body["nameAvailable"]) == (200, available)
    assert available or answer.body["reason"]


# -- storage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ab", "a" * 25, "Upper", "with-hyphen"])
def test_a_storage_account_has_a_plain_name(plane, name):
    answer = send(plane, "PUT", f"{STORAGE}/{name}", {"location": "eastus", **PLAIN[STORAGE][1]}, version=V)
    assert (answer.status, answer.body["error"]["code"]) == (400, "AccountNameInvalid")


def test_a_storage_account_is_made_without_a_body_in_the_answer():
    plane = services_plane(time_scale=1.0)
    body = {"location": "eastus", **PLAIN[STORAGE][1]}
    answer = send(plane, "PUT", f"{STORAGE}/account1", body, version=V)
    assert (answer.status, answer.content) == (202, b"")
    assert "Azure-AsyncOperation" not in answer.headers
    again = send(plane, "PUT", f"{STORAGE}/account1", body, version=V)
    assert (again.status, again.body["error"]["code"]) == (409, "StorageAccountOperationInProgress")
    path = answer.headers["Location"].removeprefix("https://management.lab").partition("?")[0]
    assert send(plane, "GET", path, version=V).status == 202
    plane.clock.advance(60)
    done = send(plane, "GET", path, version=V)
    assert (done.status, done.body["properties"]["primaryEndpoints"]["blob"]) == (
        200,
        "https://account1.blob.core.windows.net/",
    )


def test_keys_of_an_account_are_64_bytes_and_can_be_made_anew(plane):
    account = make(plane, STORAGE)

    def keys():
        return {key["keyName"]: key["value"] for key in ask(plane, "POST", account, below="/listKeys").body["keys"]}

    before = keys()
    assert [len(base64.b64decode(value)) for value in before.values()] == [64, 64]
    ask(plane, "PATCH", account, {"properties": {"accessTier": "Cool"}})
    assert keys() == before
    ask(plane, "POST", account, {"keyName": "key2"}, "/regenerateKey")
    assert keys()["key1"] == before["key1"]
    assert keys()["key2"] != before["key2"]
    assert ask(plane, "POST", account, {"keyName": "key3"}, "/regenerateKey").status == 400


def test_a_patch_replaces_the_rules_as_a_whole_and_a_put_keeps_what_it_does_not_name(plane):
    account = make(plane, STORAGE)
    rules = {"defaultAction": "Deny", "bypass": "Logging, Metrics", "ipRules": [{"value": "25.1.2.3"}]}
    ask(plane, "PATCH", account, {"properties": {"networkAcls": rules}})
    ask(plane, "PUT", account, {"location": "eastus", **PLAIN[STORAGE][1], "properties": {"accessTier": "Cool"}})
    shown = ask(plane, "GET", account).body["properties"]
    assert (shown["accessTier"], shown["networkAcls"]["ipRules"]) == (
        "Cool",
        [{"value": "25.1.2.3", "action": "Allow"}],
    )
    shown = ask(plane, "PATCH", account, {"properties": {"networkAcls": {"defaultAction": "Deny"}}}).body["properties"]
    assert (shown["networkAcls"]["ipRules"], shown["networkAcls"]["bypass"]) == ([], "AzureServices")


@pytest.mark.parametrize(
    ("services", "subnet", "code"),
    [
        ((), "apps", "SubnetsHaveNoServiceEndpointsConfigured"),
        (("Microsoft.Storage",), "none", "SubnetsNotFound"),
    ],
)
def test_a_subnet_has_to_be_there_with_a_service_endpoint(plane, services, subnet, code):
    account = make(plane, STORAGE)
    there = make_subnet(plane, "apps", *services)
    wanted = there.replace("/apps", f"/{subnet}")
    answer = ask(plane, "PATCH", account, {"properties": {"networkAcls": {"virtualNetworkRules": [{"id": wanted}]}}})
    assert (answer.status, answer.body["error"]["code"]) == (400, "NetworkAclsValidationFailure")
    assert code in answer.body["error"]["message"]


def test_containers_of_an_account(plane):
    account = make(plane, STORAGE)
    container = "/blobServices/default/containers/reports"
    assert ask(plane, "PUT", account, {}, container).status == 201
    assert ask(plane, "PUT", account, {}, container).status == 200
    refused = ask(plane, "PUT", account, {"properties": {"publicAccess": "Blob"}}, container)
    assert (refused.status, refused.body["error"]["code"]) == (409, "PublicAccessNotPermitted")
    assert ask(plane, "PUT", account, {}, "/blobServices/default/containers/No").status == 400
    listed = ask(plane, "GET", account, below="/blobServices/default/containers").body["value"]
    assert [item["name"] for item in listed] == ["reports"]
    assert ask(plane, "DELETE", account, below=container).status == 200
    changed = ask(plane, "PUT", account, {"properties": {"isVersioningEnabled": True}}, "/blobServices/default")
    assert changed.status == 200
    assert ask(plane, "GET", account, below="/blobServices/default").body["properties"]["isVersioningEnabled"] is True


# -- key vault -------------------------------------------------------------------------------------


def deleted_vaults(plane):
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults"
    return [item["name"] for item in send(plane, "GET", path, version="2023-07-01").body["value"]]


def test_a_deleted_vault_keeps_its_name_until_it_is_recovered_or_purged(plane):
    vault = make(plane, VAULTS, publicNetworkAccess="Disabled")
    ask(plane, "DELETE", vault)
    assert deleted_vaults(plane) == ["theservice1"]
    body = {"location": "eastus", "properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}}}
    refused = ask(plane, "PUT", vault, body)
    assert (refused.status, refused.body["error"]["code"]) == (409, "ConflictError")
    body["properties"]["createMode"] = "recover"
    assert ask(plane, "PUT", vault, body).status == 200
    assert ask(plane, "GET", vault).body["properties"]["publicNetworkAccess"] == "Disabled"
    assert deleted_vaults(plane) == []
    ask(plane, "DELETE", vault)
    there = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/theservice1"
    assert send(plane, "GET", there, version="2023-07-01").body["properties"]["vaultId"] == vault.id
    assert send(plane, "POST", f"{there}/purge", version="2023-07-01").status == 202
    assert send(plane, "GET", there, version="2023-07-01").status == 404
    assert make(plane, VAULTS).properties["publicNetworkAccess"] == "Enabled"


def test_a_vault_that_was_not_deleted_cannot_be_purged(plane):
    there = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/none"
    answer = send(plane, "POST", f"{there}/purge", version="2023-07-01")
    assert (answer.status, answer.body["error"]["code"]) == (404, "DeletedVaultNotFound")


def test_policies_of_a_vault_are_added_replaced_and_removed(plane):
    vault = make(plane, VAULTS)

    def policies(verb, *secrets, who="someone"):
        policy = {"tenantId": TENANT, "objectId": who, "permissions": {"secrets": list(secrets)}}
        assert (
            ask(plane, "PUT", vault, {"properties": {"accessPolicies": [policy]}}, f"/accessPolicies/{verb}").status
            == 200
        )
        shown = ask(plane, "GET", vault).body["properties"]["accessPolicies"]
        return {policy["objectId"]: policy["permissions"]["secrets"] for policy in shown}

    assert policies("add", "get") == {"someone": ["get"]}
    assert policies("add", "get", "list") == {"someone": ["get", "list"]}
    assert policies("add", "set", who="other") == {"someone": ["get", "list"], "other": ["set"]}
    assert policies("remove") == {"other": ["set"]}
    assert policies("replace", "list") == {"someone": ["list"]}
    assert ask(plane, "PUT", vault, {"properties": {"accessPolicies": []}}, "/accessPolicies/turn").status == 400


def test_a_protected_vault_cannot_be_purged(plane):
    vault = make(plane, VAULTS, enablePurgeProtection=True)
    refused = ask(plane, "PATCH", vault, {"properties": {"enablePurgeProtection": False}})
    assert refused.status == 400
    ask(plane, "DELETE", vault)
    there = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/theservice1"
    assert send(plane, "POST", f"{there}/purge", version="2023-07-01").body["error"]["code"] == "DeletedVaultPurge"


def test_a_vault_writes_addresses_and_subnets_its_own_way(plane):
    subnet = make_subnet(plane, "apps", "Microsoft.KeyVault")
    rules = {"ipRules": [{"value": "1.2.3.4"}, {"value": "1.2.3.4/32"}], "virtualNetworkRules": [{"id": subnet}]}
    vault = make(plane, VAULTS, networkAcls=rules)
    shown = ask(plane, "GET", vault).body["properties"]["networkAcls"]
    assert shown["ipRules"] == [{"value": "1.2.3.4/32"}]
    assert shown["virtualNetworkRules"] == [{"id": subnet.lower()}]


# -- registries, namespaces, sites -----------------------------------------------------------------


def test_a_registry_keeps_its_lists_and_shows_subnets_to_versions_that_know_them(plane):
    registry = make(plane, REGISTRIES)
    subnet = make_subnet(plane)
    old, new = "2021-08-01-preview", "2023-11-01-preview"
    body = {"virtualNetworkRules": [{"id": subnet}], "ipRules": [{"value": "1.2.3.4"}]}
    ask(plane, "PATCH", registry, {"properties": {"networkRuleSet": body}}, version=old)
    ask(plane, "PATCH", registry, {"properties": {"networkRuleSet": {"defaultAction": "Deny"}}}, version=new)
    rules = {v: ask(plane, "GET", registry, version=v).body["properties"]["networkRuleSet"] for v in (old, new)}
    assert rules[new] == {"defaultAction": "Deny", "ipRules": [{"value": "1.2.3.4", "action": "Allow"}]}
    assert rules[old]["virtualNetworkRules"] == [{"id": subnet, "action": "Allow"}]


def test_only_a_premium_registry_has_network_rules(plane):
    answer = send(
        plane,
        "PUT",
        f"{REGISTRIES}/registry1",
        {"location": "eastus", "sku": {"name": "Basic"}, "properties": {"networkRuleSet": {"defaultAction": "Deny"}}},
        version="2023-07-01",
    )
    assert answer.status == 400


def test_a_namespace_in_transition_is_not_deleted():
    plane = services_plane(time_scale=1.0)
    body = {"location": "eastus", **PLAIN[SERVICE_BUS][1]}
    answer = send(plane, "PUT", f"{SERVICE_BUS}/the-namespace", body, version="2024-01-01")
    assert (answer.status, answer.body["properties"]["provisioningState"]) == (201, "Creating")
    busy = send(plane, "DELETE", f"{SERVICE_BUS}/the-namespace", version="2024-01-01")
    assert (busy.status, busy.body["error"]["code"]) == (429, "NamespaceInTransition")
    plane.clock.advance(60)
    assert send(plane, "DELETE", f"{SERVICE_BUS}/the-namespace", version="2024-01-01").status == 202


@pytest.mark.parametrize("sku", ["Basic", "Standard"])
def test_a_small_service_bus_namespace_has_no_network_rules(plane, sku):
    body = {"location": "eastus", "sku": {"name": sku}}
    send(plane, "PUT", f"{SERVICE_BUS}/the-namespace", body, version="2024-01-01")
    path = f"{SERVICE_BUS}/the-namespace/networkRuleSets/default"
    assert send(plane, "PUT", path, {"properties": {"defaultAction": "Deny"}}, version="2024-01-01").status == 400
    assert send(plane, "GET", path, version="2024-01-01").status == 200


def test_a_namespace_tells_its_keys(plane):
    namespace = make(plane, SERVICE_BUS)
    root = "/authorizationRules/RootManageSharedAccessKey"
    keys = ask(plane, "POST", namespace, below=f"{root}/listKeys").body
    assert keys["primaryConnectionString"].startswith("Endpoint=sb://theservice1.servicebus.windows.net/;")
    assert "primaryKey" not in str(ask(plane, "GET", namespace, below=root).body)
    assert (
        ask(plane, "PUT", namespace, {"properties": {"rights": ["Send"]}}, "/authorizationRules/sender").status == 200
    )
    assert len(ask(plane, "GET", namespace, below="/authorizationRules").body["value"]) == 2


def test_a_site_takes_its_configuration_with_it(plane):
    restriction = {"ipAddress": "1.2.3.4/32", "priority": 1, "name": "a"}
    site = make(plane, "Microsoft.Web/sites", siteConfig={"ipSecurityRestrictions": [restriction]})
    shown = ask(plane, "GET", site, below="/config/web").body["properties"]["ipSecurityRestrictions"]
    assert [rule["name"] for rule in shown] == ["a", "Deny all"]
    ask(plane, "PUT", site, {"properties": {"KEY": "value"}}, "/config/appsettings")
    assert ask(plane, "POST", site, below="/config/appsettings/list").body["properties"] == {"KEY": "value"}


def test_a_flexible_server_in_a_network_has_no_firewall_rules(plane):
    server = make(
        plane,
        "Microsoft.DBforPostgreSQL/flexibleServers",
        network={"delegatedSubnetResourceId": "/subscriptions/x/subnets/y"},
    )
    body = {"properties": {"startIpAddress": "1.1.1.1", "endIpAddress": "1.1.1.1"}}
    assert ask(plane, "PUT", server, body, "/firewallRules/r").status == 400
    assert ask(plane, "GET", server).body["properties"]["network"]["publicNetworkAccess"] == "Disabled"


def test_a_busy_flexible_server_takes_no_second_change():
    plane = services_plane(time_scale=1.0)
    server = make(plane, "Microsoft.DBforMySQL/flexibleServers")
    answer = ask(plane, "PATCH", server, {"tags": {}})
    assert (answer.status, answer.body["error"]["code"]) == (409, "ServerIsBusy")


# -- any other type --------------------------------------------------------------------------------


def test_any_other_type_is_kept_as_it_is_put(plane):
    path = "Microsoft.Contoso/widgets/w1"
    body = {"location": "West Europe", "kind": "big", "properties": {"colour": {"rgb": [1, 2]}, "count": 3}}
    answer = send(plane, "PUT", path, body, version="2099-12-31-preview")
    assert (answer.status, answer.body["properties"]["colour"]) == (201, {"rgb": [1, 2]})
    assert send(plane, "PATCH", path, {"properties": {"count": 4}}, version="1999-01-01").status == 200
    shown = send(plane, "GET", path, version="2001-01-01").body
    assert shown["location"] == "West Europe"
    assert (shown["kind"], shown["properties"]["count"], shown["properties"]["colour"]) == ("big", 4, {"rgb": [1, 2]})
    assert send(plane, "PUT", f"{path}/parts/p1", {"properties": {}}).status == 201
    assert send(plane, "PUT", "Microsoft.Contoso/widgets/none/parts/p1", {"properties": {}}).status == 404
    assert send(plane, "GET", path, version="soon").status == 400
    assert send(plane, "DELETE", path).status == 200
    assert send(plane, "GET", f"{path}/parts/p1").status == 404


@pytest.mark.parametrize("type_name", ["Contoso.Widgets/w", "Microsoft/w", "Microsoft.Contoso", "Microsoft.Con toso/w"])
def test_a_namespace_that_cannot_be_is_invalid(plane, type_name):
    assert generic_kind(type_name) is None
    if "/" in type_name:
        answer = send(plane, "PUT", f"{type_name}/one", {"properties": {}})
        assert (answer.status, answer.body["error"]["code"]) == (404, "InvalidResourceNamespace")
