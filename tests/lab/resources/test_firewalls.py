"""Who gets in: the firewalls of fifteen services, by what decides, what a stranger is told, and when a change holds."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.resources.firewall_rules import Wire, admits
from tests.lab.resources.service_landscape import PLAIN, ask, make, make_subnet, services_plane

FRIEND, STRANGER = "203.0.113.7", "198.51.100.7"
RANGE = "203.0.113.0/24"
SPAN = {"startIpAddress": "203.0.113.0", "endIpAddress": "203.0.113.255"}


def acls(**members):
    return {"properties": {"networkAcls": {"defaultAction": "Deny", **members}}}


SETTINGS = {
    "Microsoft.Storage/storageAccounts": ("PATCH", "", acls(ipRules=[{"value": RANGE}])),
    "Microsoft.KeyVault/vaults": ("PATCH", "", acls(ipRules=[{"value": RANGE}])),
    "Microsoft.Sql/servers": ("PUT", "/firewallRules/office", {"properties": SPAN}),
    "Microsoft.DBforPostgreSQL/flexibleServers": ("PUT", "/firewallRules/office", {"properties": SPAN}),
    "Microsoft.DBforMySQL/flexibleServers": ("PUT", "/firewallRules/office", {"properties": SPAN}),
    "Microsoft.ContainerRegistry/registries": (
        "PATCH",
        "",
        {"properties": {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"value": RANGE}]}}},
    ),
    "Microsoft.DocumentDB/databaseAccounts": ("PATCH", "", {"properties": {"ipRules": [{"ipAddressOrRange": RANGE}]}}),
    "Microsoft.ServiceBus/namespaces": (
        "PUT",
        "/networkRuleSets/default",
        {"properties": {"defaultAction": "Deny", "ipRules": [{"ipMask": RANGE}]}},
    ),
    "Microsoft.EventHub/namespaces": (
        "PUT",
        "/networkRuleSets/default",
        {"properties": {"defaultAction": "Deny", "ipRules": [{"ipMask": RANGE}]}},
    ),
    "Microsoft.Synapse/workspaces": ("PUT", "/firewallRules/office", {"properties": SPAN}),
    "Microsoft.Cache/Redis": (
        "PUT",
        "/firewallRules/office",
        {"properties": {"startIP": "203.0.113.0", "endIP": "203.0.113.255"}},
    ),
    "Microsoft.Web/sites": (
        "PATCH",
        "/config/web",
        {"properties": {"ipSecurityRestrictions": [{"ipAddress": RANGE, "priority": 100, "name": "office"}]}},
    ),
    "Microsoft.Kusto/clusters": ("PATCH", "", {"properties": {"allowedIpRangeList": [RANGE]}}),
    "Microsoft.Search/searchServices": (
        "PATCH",
        "",
        {"properties": {"networkRuleSet": {"ipRules": [{"value": RANGE}]}}},
    ),
}
"""Type -> the request that lets 203.0.113.0/24 in, and nobody else. Databricks has a test module of its own."""

TOLD = {
    "Microsoft.Storage/storageAccounts": (Wire.HTTP, 403, "AuthorizationFailure"),
    "Microsoft.KeyVault/vaults": (Wire.HTTP, 403, "ForbiddenByFirewall"),
    "Microsoft.Sql/servers": (Wire.TDS, None, "40615"),
    "Microsoft.DBforPostgreSQL/flexibleServers": (Wire.POSTGRESQL, None, "28000"),
    "Microsoft.DBforMySQL/flexibleServers": (Wire.MYSQL, None, "9000"),
    "Microsoft.ContainerRegistry/registries": (Wire.HTTP, 403, "DENIED"),
    "Microsoft.DocumentDB/databaseAccounts": (Wire.HTTP, 403, "Forbidden"),
    "Microsoft.ServiceBus/namespaces": (Wire.AMQP, 401, "amqp:unauthorized-access"),
    "Microsoft.EventHub/namespaces": (Wire.AMQP, 401, "amqp:unauthorized-access"),
    "Microsoft.Synapse/workspaces": (Wire.HTTP, 403, "ClientIpAddressNotAuthorized"),
    "Microsoft.Cache/Redis": (Wire.CLOSED, None, ""),
    "Microsoft.Web/sites": (Wire.HTTP, 403, "Ip Forbidden"),
    "Microsoft.Kusto/clusters": (Wire.HTTP, 403, "Forbidden"),
    "Microsoft.Search/searchServices": (Wire.HTTP, 403, "Forbidden"),
}

CLOSED_FROM_THE_START = {
    "Microsoft.Sql/servers",
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "Microsoft.DBforMySQL/flexibleServers",
    "Microsoft.Synapse/workspaces",
}


def allow(plane, service):
    method, below, body = SETTINGS[service.kind.type]
    answer = ask(plane, method, service, body, below)
    assert answer.status < 300, answer.body
    plane.operations.advance()


@pytest.mark.parametrize("type_name", SETTINGS)
def test_who_is_in_the_list_gets_in_and_a_stranger_is_told_so(type_name):
    plane = services_plane()
    service = make(plane, type_name)
    assert admits(plane, service, STRANGER).allowed == (type_name not in CLOSED_FROM_THE_START)
    allow(plane, service)
    friend = admits(plane, service, FRIEND)
    assert (friend.allowed, friend.refusal) == (True, None)
    assert friend.rule in {RANGE, "office", "firewallRules/office"}
    stranger = admits(plane, service, STRANGER)
    assert (stranger.allowed, stranger.rule) == (False, "defaultAction")
    told = stranger.refusal
    assert (told.wire, told.status, told.code) == TOLD[type_name]
    if told.wire is Wire.HTTP:
        assert told.body


def public_access(type_name, value):
    if "flexibleServers" in type_name:
        return "PATCH", "", {"properties": {"network": {"publicNetworkAccess": value}}}
    if "namespaces" in type_name:
        return "PUT", "/networkRuleSets/default", {"properties": {"publicNetworkAccess": value}}
    if type_name == "Microsoft.Search/searchServices":
        value = value.lower()
    return "PATCH", "", {"properties": {"publicNetworkAccess": value}}


@pytest.mark.parametrize("type_name", SETTINGS)
def test_without_a_public_endpoint_the_list_does_not_help(type_name):
    plane = services_plane()
    service = make(plane, type_name)
    allow(plane, service)
    method, below, body = public_access(type_name, "Disabled")
    assert ask(plane, method, service, body, below).status < 300
    plane.operations.advance()
    friend = admits(plane, service, FRIEND)
    assert (friend.allowed, friend.rule) == (False, "publicNetworkAccess")
    assert ask(plane, "GET", service).status == 200


def test_each_service_words_that_it_has_no_public_endpoint():
    plane = services_plane()
    told = {}
    for type_name in ("Microsoft.KeyVault/vaults", "Microsoft.Sql/servers"):
        service = make(plane, type_name, name="closed1", publicNetworkAccess="Disabled")
        told[type_name] = admits(plane, service, FRIEND).refusal.code
    assert told == {"Microsoft.KeyVault/vaults": "ForbiddenByConnection", "Microsoft.Sql/servers": "47073"}


def test_a_change_holds_only_after_the_service_has_taken_it_up():
    plane = services_plane(time_scale=1.0)
    server = make(plane, "Microsoft.Sql/servers")
    plane.clock.advance(3600)
    allow(plane, server)
    assert not admits(plane, server, FRIEND).allowed
    plane.clock.advance(301)
    assert admits(plane, server, FRIEND).allowed
    assert ask(plane, "DELETE", server, below="/firewallRules/office").status == 200
    assert admits(plane, server, FRIEND).allowed
    plane.clock.advance(301)
    assert not admits(plane, server, FRIEND).allowed


def test_the_delay_can_be_set():
    plane = services_plane()
    plane.firewall_delay_s = 20.0
    vault = make(plane, "Microsoft.KeyVault/vaults")
    allow(plane, vault)
    assert admits(plane, vault, STRANGER).allowed
    plane.clock.advance(21)
    assert not admits(plane, vault, STRANGER).allowed


def test_two_changes_hold_one_after_the_other():
    plane = services_plane()
    plane.firewall_delay_s = 20.0
    vault = make(plane, "Microsoft.KeyVault/vaults")
    allow(plane, vault)
    plane.clock.advance(10)
    ask(plane, "PATCH", vault, acls(ipRules=[{"value": STRANGER}]))
    seen = []
    for _ in range(3):
        seen.append((admits(plane, vault, FRIEND).allowed, admits(plane, vault, STRANGER).allowed))
        plane.clock.advance(11)
    assert seen == [(True, True), (True, False), (False, True)]


def test_what_held_long_ago_is_forgotten():
    plane = services_plane()
    vault = make(plane, "Microsoft.KeyVault/vaults")
    for at in range(9):
        ask(plane, "PATCH", vault, acls(ipRules=[{"value": f"20.0.0.{at}"}]))
        plane.clock.advance(1)
    assert len(vault.effective) <= 2
    assert admits(plane, vault, "20.0.0.8").allowed


@pytest.mark.parametrize(
    "type_name", ["Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.DBforMySQL/flexibleServers"]
)
def test_a_flexible_servers_rule_changes_when_its_operation_has_ended(type_name):
    plane = services_plane(time_scale=1.0)
    server = make(plane, type_name)
    plane.clock.advance(3600)
    allow(plane, server)
    assert not admits(plane, server, FRIEND).allowed
    plane.clock.advance(60)
    plane.operations.advance()
    assert admits(plane, server, FRIEND).allowed
    body = {"properties": {"startIpAddress": STRANGER, "endIpAddress": STRANGER}}
    assert ask(plane, "PUT", server, body, "/firewallRules/office").status == 202
    assert ask(plane, "GET", server, below="/firewallRules/office").body["properties"] == SPAN
    assert not admits(plane, server, STRANGER).allowed


def test_cosmos_goes_by_the_old_list_until_its_operation_has_ended():
    plane = services_plane(time_scale=1.0)
    account = make(plane, "Microsoft.DocumentDB/databaseAccounts")
    plane.clock.advance(3600)
    plane.operations.advance()
    method, below, body = SETTINGS[account.kind.type]
    answer = ask(plane, method, account, body, below)
    assert (answer.body["properties"]["provisioningState"], answer.body["properties"]["ipRules"]) == ("Updating", [])
    assert admits(plane, account, STRANGER).allowed
    busy = ask(plane, method, account, body, below)
    assert (busy.status, busy.body["error"]["code"]) == (412, "PreconditionFailed")
    plane.clock.advance(600)
    plane.operations.advance()
    assert not admits(plane, account, STRANGER).allowed


@pytest.mark.parametrize(
    ("type_name", "method", "below", "body"),
    [
        (
            type_name,
            "PUT",
            "/firewallRules/azure",
            {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}},
        )
        for type_name in sorted(CLOSED_FROM_THE_START)
    ]
    + [
        (
            "Microsoft.DocumentDB/databaseAccounts",
            "PATCH",
            "",
            {"properties": {"ipRules": [{"ipAddressOrRange": "0.0.0.0"}]}},
        ),
        (
            "Microsoft.Web/sites",
            "PATCH",
            "/config/web",
            {"properties": {"ipSecurityRestrictions": [{"ipAddress": "AzureCloud", "tag": "ServiceTag"}]}},
        ),
    ],
)
def test_a_rule_may_stand_for_callers_within_azure(type_name, method, below, body):
    plane = services_plane()
    service = make(plane, type_name)
    assert ask(plane, method, service, body, below).status < 300
    plane.operations.advance()
    assert not admits(plane, service, STRANGER).allowed
    assert admits(plane, service, STRANGER, region="westeurope").allowed


def test_storage_does_not_see_the_address_of_a_caller_in_its_own_region():
    plane = services_plane()
    account = make(plane, "Microsoft.Storage/storageAccounts")
    allow(plane, account)
    assert admits(plane, account, FRIEND, region="westus").allowed
    assert not admits(plane, account, FRIEND, region="eastus").allowed


def test_a_subnet_gets_in_by_its_service_endpoint():
    plane = services_plane()
    subnet = make_subnet(plane, "apps", "Microsoft.Storage")
    account = make(plane, "Microsoft.Storage/storageAccounts")
    answer = ask(plane, "PATCH", account, acls(virtualNetworkRules=[{"id": subnet}]))
    assert answer.body["properties"]["networkAcls"]["virtualNetworkRules"][0]["state"] == "Succeeded"
    assert admits(plane, account, "10.0.0.4", subnet=subnet.upper()).allowed
    assert not admits(plane, account, "10.0.0.4", subnet=subnet + "2").allowed


def test_service_bus_restricts_nobody_without_a_rule():
    plane = services_plane()
    namespace = make(plane, "Microsoft.ServiceBus/namespaces")
    ask(plane, "PUT", namespace, {"properties": {"defaultAction": "Deny"}}, "/networkRuleSets/default")
    assert admits(plane, namespace, STRANGER).allowed


def test_access_restrictions_of_a_site_go_by_priority():
    plane = services_plane()
    site = make(plane, "Microsoft.Web/sites")
    rules = [
        {"ipAddress": "203.0.113.0/24", "action": "Allow", "priority": 200, "name": "office"},
        {"ipAddress": "203.0.113.7/32", "action": "Deny", "priority": 100, "name": "guest"},
    ]
    ask(plane, "PATCH", site, {"properties": {"ipSecurityRestrictions": rules}}, "/config/web")
    denied = admits(plane, site, "203.0.113.7")
    assert (denied.allowed, denied.rule) == (False, "guest")
    assert admits(plane, site, "203.0.113.8").rule == "office"
    body = {"properties": {"ipSecurityRestrictionsDefaultAction": "Allow"}}
    shown = ask(plane, "PATCH", site, body, "/config/web").body["properties"]["ipSecurityRestrictions"]
    assert [rule["name"] for rule in shown] == ["office", "guest", "Allow all"]
    assert admits(plane, site, STRANGER).allowed


STORAGE, VAULTS, COSMOS = (
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.DocumentDB/databaseAccounts",
)


@pytest.mark.parametrize(
    ("type_name", "address"),
    [
        *(
            (STORAGE, value)
            for value in ("203.0.113.7/32", "203.0.113.6/31", "10.0.0.0/8", "192.168.1.1", "here", "::1")
        ),
        *((VAULTS, value) for value in ("10.1.2.3", "172.16.0.0/12", "1.2.3", "2001:db8::1")),
        *((COSMOS, value) for value in ("100.64.0.1", "10.0.0.1", "192.168.0.0/16", "x")),
    ],
)
def test_an_address_that_cannot_be_listed_is_refused(type_name, address):
    plane = services_plane()
    service = make(plane, type_name)
    bodies = {
        STORAGE: acls(ipRules=[{"value": address}]),
        VAULTS: acls(ipRules=[{"value": address}]),
        COSMOS: {"properties": {"ipRules": [{"ipAddressOrRange": address}]}},
    }
    answer = ask(plane, "PATCH", service, bodies[type_name])
    code = "InvalidValuesForRequestParameters" if type_name == STORAGE else "BadRequest"
    assert (answer.status, answer.body["error"]["code"]) == (400, code)
    assert admits(plane, service, STRANGER).allowed


@pytest.mark.parametrize(
    ("type_name", "most"), [(STORAGE, 400), (VAULTS, 1000), ("Microsoft.ContainerRegistry/registries", 100)]
)
def test_a_list_has_a_limit(type_name, most):
    plane = services_plane()
    service = make(plane, type_name)

    def request(count):
        rules = [{"value": f"20.{at // 250}.{at % 250}.1"} for at in range(count)]
        name = "networkRuleSet" if "registries" in type_name else "networkAcls"
        return ask(plane, "PATCH", service, {"properties": {name: {"defaultAction": "Deny", "ipRules": rules}}})

    assert request(most).status == 200
    assert request(most + 1).status == 400


@pytest.mark.parametrize("type_name", sorted(CLOSED_FROM_THE_START))
@pytest.mark.parametrize(
    ("first", "last"), [("1.2.3.9", "1.2.3.4"), ("1.2.3", "1.2.3.4"), ("::1", "::2"), (None, "1.2.3.4")]
)
def test_a_span_that_is_none_is_refused(type_name, first, last):
    plane = services_plane()
    service = make(plane, type_name)
    body = {"properties": {"startIpAddress": first, "endIpAddress": last}}
    answer = ask(plane, "PUT", service, body, "/firewallRules/r")
    assert answer.status == 400
    assert ask(plane, "GET", service, below="/firewallRules").body["value"] == []


def test_a_sql_server_has_256_rules_at_most_and_none_while_closed():
    plane = services_plane()
    server = make(plane, "Microsoft.Sql/servers")
    rules = [
        {"name": f"r{at}", "properties": {"startIpAddress": "1.1.1.1", "endIpAddress": "1.1.1.1"}} for at in range(257)
    ]
    assert ask(plane, "PUT", server, {"values": rules}, "/firewallRules").status == 400
    assert ask(plane, "PUT", server, {"values": rules[:256]}, "/firewallRules").status == 200
    assert ask(plane, "PUT", server, {"properties": SPAN}, "/firewallRules/office").status == 400
    assert ask(plane, "PUT", server, {"values": rules[:1]}, "/firewallRules").status == 200
    assert [rule["name"] for rule in ask(plane, "GET", server, below="/firewallRules").body["value"]] == ["r0"]
    ask(plane, "PATCH", server, {"properties": {"publicNetworkAccess": "Disabled"}})
    plane.operations.advance()
    refused = ask(plane, "PUT", server, {"properties": SPAN}, "/firewallRules/office")
    assert (refused.status, refused.body["error"]["code"]) == (400, "DenyPublicEndpointEnabled")


def test_a_sql_server_lets_ipv6_in_by_rules_of_its_own():
    plane = services_plane()
    server = make(plane, "Microsoft.Sql/servers")
    body = {"properties": {"startIPv6Address": "2001:db8::1", "endIPv6Address": "2001:db8::ff"}}
    assert ask(plane, "PUT", server, body, "/ipv6FirewallRules/v6").status == 200
    assert admits(plane, server, "2001:db8::7").rule == "ipv6FirewallRules/v6"
    assert not admits(plane, server, "2001:db9::7").allowed


def test_synapse_replaces_all_rules_at_once():
    plane = services_plane()
    workspace = make(plane, "Microsoft.Synapse/workspaces")
    allow(plane, workspace)
    body = {"ipFirewallRules": {"home": {"startIpAddress": STRANGER, "endIpAddress": STRANGER}}}
    answer = ask(plane, "POST", workspace, body, "/replaceAllIpFirewallRules")
    assert (answer.status, list(answer.body)) == (202, ["operationId"])
    plane.operations.advance()
    assert [admits(plane, workspace, address).allowed for address in (FRIEND, STRANGER)] == [False, True]


def test_every_service_of_the_table_is_here():
    assert set(SETTINGS) | {"Microsoft.Databricks/workspaces"} == set(PLAIN)
