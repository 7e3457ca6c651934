"""DNS resolvers, forwarding rulesets and what a network sees of DNS, each answer held against Azure's OpenAPI."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.lab.resources import dns_forwarding, dns_resolver
from airflow_provider_netconn.lab.resources.name_resolution import (
    inbound_addresses,
    network_of_inbound_address,
    records_of,
    ruleset_of,
    zones_seen_from,
)
from tests.lab.arm.planes import send
from tests.lab.resources import dns_landscape
from tests.lab.resources.dns_landscape import (
    NETWORK_VERSION,
    NETWORKS,
    RESOLVER_VERSION,
    RESOLVERS,
    RULESETS,
    finish,
    landscape,
    link_body,
    network,
    refused,
    zone,
)

HUB = f"{NETWORKS}/hub"
RESOLVER = f"{RESOLVERS}/resolver"
INBOUND = f"{RESOLVER}/inboundEndpoints/in"
OUTBOUND = f"{RESOLVER}/outboundEndpoints/out"
RULES = f"{RULESETS}/rules"


def ask(plane, method, path, body=None, version=RESOLVER_VERSION, **options):
    return dns_landscape.ask(plane, method, path, body, version, **options)


def made(plane, path, body):
    return dns_landscape.made(plane, path, body, RESOLVER_VERSION)


def shown(plane, path):
    return dns_landscape.shown(plane, path, RESOLVER_VERSION)


def at(**properties):
    return {"location": "eastus", "properties": properties}


def resolver_body(network_id=HUB):
    return at(virtualNetwork={"id": network_id})


def inbound_body(subnet="in", **configuration):
    return at(ipConfigurations=[{"subnet": {"id": f"{HUB}/subnets/{subnet}"}, **configuration}])


def outbound_body(subnet="out"):
    return at(subnet={"id": f"{HUB}/subnets/{subnet}"})


def rules_body(*endpoints):
    return at(dnsResolverOutboundEndpoints=[{"id": endpoint} for endpoint in endpoints or (OUTBOUND,)])


def rule_body(domain="corp.example.", *addresses, **properties):
    targets = [{"ipAddress": address} for address in addresses or ("10.0.0.1",)]
    return {"properties": {"domainName": domain, "targetDnsServers": targets, **properties}}


@pytest.fixture
def plane():
    return landscape(time_scale=1.0)


@pytest.fixture
def resolved(plane):
    """With a resolver, an outbound endpoint and a ruleset."""
    made(plane, RESOLVER, resolver_body())
    made(plane, OUTBOUND, outbound_body())
    made(plane, RULES, rules_body())
    return plane


def test_a_resolver_is_accepted_with_an_empty_object_and_its_polls_are_detailed(plane):
    answer = ask(plane, "PUT", RESOLVER, resolver_body())
    assert (answer.status, answer.body) == (202, {})
    url = answer.headers["Azure-AsyncOperation"]
    assert "/providers/Microsoft.Network/locations/eastus/dnsResolverOperationStatuses/" in url
    assert "/dnsResolverOperationResults/" in answer.headers["Location"]
    path, _, query = url.removeprefix("https://management.lab").partition("?")
    poll = send(plane, "GET", path, query=dict(pair.split("=", 1) for pair in query.split("&")))
    assert (poll.status, poll.body["status"]) == (200, "InProgress")
    assert {"id", "name", "startTime"} <= set(poll.body)
    finish(plane)
    resolver = shown(plane, RESOLVER)
    assert resolver["properties"]["dnsResolverState"] == "Connected"
    assert resolver["properties"]["provisioningState"] == "Succeeded"
    assert resolver["systemData"]["createdByType"] == "User"
    assert resolver["etag"].startswith('"')


def test_one_resolver_in_a_network_of_its_region(plane):
    made(plane, RESOLVER, resolver_body())
    assert refused(ask(plane, "PUT", f"{RESOLVERS}/second", resolver_body())) == (409, "Conflict")
    spoke = network(plane, "spoke", "10.20.0.0/16")
    assert refused(ask(plane, "PUT", RESOLVER, resolver_body(spoke))) == (400, "BadRequest")
    elsewhere = {"location": "westus", "properties": {"virtualNetwork": {"id": spoke}}}
    assert refused(ask(plane, "PUT", f"{RESOLVERS}/second", elsewhere)) == (400, "InvalidResourceReference")
    assert refused(ask(plane, "PUT", f"{RESOLVERS}/second", at())) == (400, "MissingRequiredParameter")
    assert made(plane, f"{RESOLVERS}/second", resolver_body(spoke))["name"] == "second"


def test_an_inbound_endpoint_has_the_first_free_address_of_its_subnet(plane):
    made(plane, RESOLVER, resolver_body())
    inbound = made(plane, INBOUND, inbound_body())
    configuration = {
        "subnet": {"id": f"{HUB}/subnets/in"},
        "privateIpAddress": "10.10.0.4",
        "privateIpAllocationMethod": "Dynamic",
    }
    assert inbound["properties"]["ipConfigurations"] == [configuration]
    # It keeps the address, and the service delegates the subnet.
    assert made(plane, INBOUND, inbound_body())["properties"]["ipConfigurations"] == [configuration]
    subnet = dns_landscape.shown(plane, f"{HUB}/subnets/in", NETWORK_VERSION)["properties"]
    assert [one["properties"]["serviceName"] for one in subnet["delegations"]] == ["Microsoft.Network/dnsResolvers"]
    in_use = ask(plane, "DELETE", f"{HUB}/subnets/in", version=NETWORK_VERSION)
    assert refused(in_use) == (400, "InUseSubnetCannotBeDeleted")


def test_an_inbound_endpoint_can_have_an_address_of_its_own_choice(plane):
    made(plane, RESOLVER, resolver_body())
    static = {"privateIpAllocationMethod": "Static"}
    assert refused(ask(plane, "PUT", INBOUND, inbound_body(**static))) == (400, "BadRequest")
    taken = ask(plane, "PUT", INBOUND, inbound_body(privateIpAddress="10.10.0.3", **static))
    assert refused(taken) == (400, "PrivateIPAddressInReservedRange")
    body = inbound_body(privateIpAddress="10.10.0.9", **static)
    for _ in range(2):
        assert made(plane, INBOUND, body)["properties"]["ipConfigurations"][0]["privateIpAddress"] == "10.10.0.9"


@pytest.mark.parametrize(
    "subnet",
    [
        {"addressPrefix": "10.0.32.0/29"},
        {"addressPrefix": "10.0.32.0/23"},
        {"addressPrefix": "10.0.1.0/28"},
        {
            "addressPrefix": "10.0.32.0/28",
            "delegations": [{"name": "sql", "properties": {"serviceName": "Microsoft.Sql/managedInstances"}}],
        },
    ],
)
def test_a_subnet_that_no_endpoint_can_be_in(plane, subnet):
    other = network(plane, "other", "10.0.0.0/16")
    made(plane, RESOLVER, resolver_body(other))
    path = f"{other}/subnets/dns"
    assert send(plane, "PUT", path, {"properties": subnet}, version=NETWORK_VERSION).status == 201
    finish(plane)
    answer = ask(plane, "PUT", OUTBOUND, at(subnet={"id": path}))
    assert refused(answer) == (400, "BadRequest")
    assert "could not be used to provision the outbound endpoint" in answer.body["error"]["message"]


def test_a_subnet_has_one_endpoint_and_is_in_the_resolvers_network(plane):
    spoke = network(plane, "spoke", "10.20.0.0/16", subnets={"out": "10.20.0.0/28"})
    made(plane, RESOLVER, resolver_body())
    made(plane, OUTBOUND, outbound_body())
    assert refused(ask(plane, "PUT", f"{OUTBOUND}2", outbound_body())) == (400, "BadRequest")
    assert refused(ask(plane, "PUT", INBOUND, inbound_body("out"))) == (400, "BadRequest")
    assert refused(ask(plane, "PUT", f"{OUTBOUND}2", at(subnet={"id": f"{spoke}/subnets/out"})))[0] == 400
    assert refused(ask(plane, "PUT", OUTBOUND, outbound_body("in"))) == (400, "BadRequest")
    two = at(ipConfigurations=[{"subnet": {"id": f"{HUB}/subnets/{one}"}} for one in ("in", "work")])
    assert refused(ask(plane, "PUT", INBOUND, two)) == (400, "BadRequest")
    west = {**inbound_body(), "location": "westus"}
    assert refused(ask(plane, "PUT", INBOUND, west)) == (400, "BadRequest")
    assert refused(ask(plane, "PUT", INBOUND, at(ipConfigurations=[])))[0] == 400


def test_what_is_below_or_in_use_is_deleted_first(resolved):
    plane = resolved
    assert refused(ask(plane, "DELETE", RESOLVER)) == (409, "CannotDeleteResource")
    assert refused(ask(plane, "DELETE", OUTBOUND)) == (400, "BadRequest")
    made(plane, f"{RULES}/virtualNetworkLinks/hub", {"properties": {"virtualNetwork": {"id": HUB}}})
    assert refused(ask(plane, "DELETE", RULES)) == (409, "CannotDeleteResource")
    for path in (f"{RULES}/virtualNetworkLinks/hub", RULES, OUTBOUND, RESOLVER):
        answer = ask(plane, "DELETE", path)
        assert (answer.status, answer.body) == (202, None), path
        assert {"Azure-AsyncOperation", "Location"} <= set(answer.headers)
        finish(plane)
        assert ask(plane, "GET", path).status == 404
        assert ask(plane, "DELETE", path).status == 204


def test_a_patch_changes_tags_and_a_rulesets_endpoints(resolved):
    plane = resolved
    for path in (RESOLVER, OUTBOUND, RULES):
        assert ask(plane, "PATCH", path, {"tags": {"a": "b"}}).status == 202
        finish(plane)
        assert shown(plane, path)["tags"] == {"a": "b"}
    made(plane, f"{RESOLVER}/outboundEndpoints/second", outbound_body("in"))
    second = {"id": f"{RESOLVER}/outboundEndpoints/second"}
    ask(plane, "PATCH", RULES, {"dnsResolverOutboundEndpoints": [second]})
    finish(plane)
    assert shown(plane, RULES)["properties"]["dnsResolverOutboundEndpoints"] == [second]
    assert shown(plane, RULES)["tags"] == {"a": "b"}


def test_etags_are_asked_for_at_once(resolved):
    plane = resolved
    etag = shown(plane, RULES)["etag"]
    stale = ask(plane, "PUT", RULES, rules_body(), headers={"if-match": '"stale"'})
    assert refused(stale) == (412, "PreconditionFailed")
    assert refused(ask(plane, "PUT", RULES, rules_body(), headers={"if-none-match": "*"})) == (
        412,
        "PreconditionFailed",
    )
    assert ask(plane, "PUT", RULES, rules_body(), headers={"if-match": etag}).status == 202


def test_the_endpoints_that_a_ruleset_can_have(resolved):
    plane = resolved
    missing = ask(plane, "PUT", f"{RULESETS}/two", rules_body(f"{OUTBOUND}none"))
    assert refused(missing) == (400, "InvalidResourceReference")
    assert refused(ask(plane, "PUT", f"{RULESETS}/two", rules_body(HUB))) == (400, "InvalidResourceReference")
    assert refused(ask(plane, "PUT", f"{RULESETS}/two", rules_body(OUTBOUND, OUTBOUND))) == (400, "BadRequest")
    assert refused(ask(plane, "PUT", f"{RULESETS}/two", at(dnsResolverOutboundEndpoints=[])))[0] == 400
    made(plane, f"{RULESETS}/two", rules_body())
    assert refused(ask(plane, "PUT", f"{RULESETS}/three", rules_body())) == (400, "BadRequest")


def test_a_rule_is_written_at_once(resolved):
    plane, path = resolved, f"{RULES}/forwardingRules/corp"
    first = ask(plane, "PUT", path, rule_body(metadata={"a": "b"}))
    assert first.status == 201
    assert first.body["properties"] == {
        "domainName": "corp.example.",
        "targetDnsServers": [{"ipAddress": "10.0.0.1", "port": 53}],
        "metadata": {"a": "b"},
        "forwardingRuleState": "Enabled",
        "provisioningState": "Succeeded",
    }
    assert ask(plane, "PUT", path, rule_body()).status == 200
    patched = ask(plane, "PATCH", path, {"properties": {"forwardingRuleState": "Disabled"}})
    assert (patched.status, patched.body["properties"]["forwardingRuleState"]) == (200, "Disabled")
    gone = ask(plane, "DELETE", path)
    assert (gone.status, gone.body) == (200, None)
    assert ask(plane, "DELETE", path).status == 204
    missing = ask(plane, "PUT", f"{RULESETS}/none/forwardingRules/corp", rule_body())
    assert refused(missing) == (404, "ParentResourceNotFound")


@pytest.mark.parametrize(
    "body",
    [
        rule_body("corp.example"),
        rule_body("corp..example."),
        rule_body(""),
        rule_body("corp.example.", "10.0.0.256"),
        rule_body("corp.example.", "168.63.129.16"),
        rule_body("corp.example.", "10.0.0.1", "10.0.0.1"),
        rule_body("corp.example.", *(f"10.0.0.{last}" for last in range(1, 8))),
        rule_body(forwardingRuleState="Paused"),
        rule_body(targetDnsServers=[]),
        rule_body(targetDnsServers=[{"ipAddress": "10.0.0.1", "port": 0}]),
    ],
)
def test_what_no_rule_can_be(resolved, body):
    answer = ask(resolved, "PUT", f"{RULES}/forwardingRules/corp", body)
    assert answer.status == 400
    assert ask(resolved, "GET", f"{RULES}/forwardingRules").body == {"value": []}


def test_a_domain_has_one_rule_in_a_ruleset(resolved):
    made(resolved, f"{RULES}/forwardingRules/corp", rule_body())
    again = ask(resolved, "PUT", f"{RULES}/forwardingRules/again", rule_body("CORP.example."))
    assert refused(again) == (409, "Conflict")
    made(resolved, f"{RULES}/forwardingRules/all", rule_body("."))


def test_a_network_has_one_ruleset_of_its_region(resolved):
    plane = resolved
    made(plane, f"{RULESETS}/two", rules_body())
    link = made(plane, f"{RULES}/virtualNetworkLinks/hub", {"properties": {"virtualNetwork": {"id": HUB}}})
    assert "location" not in link
    other = ask(
        plane, "PUT", f"{RULESETS}/two/virtualNetworkLinks/hub", {"properties": {"virtualNetwork": {"id": HUB}}}
    )
    assert refused(other) == (409, "Conflict")
    west = network(plane, "west", "10.30.0.0/16", location="westus")
    answer = ask(plane, "PUT", f"{RULES}/virtualNetworkLinks/west", {"properties": {"virtualNetwork": {"id": west}}})
    assert refused(answer) == (400, "InvalidResourceReference")
    assert ask(plane, "PATCH", link["id"], {"properties": {"metadata": {"a": "b"}}}).status == 202
    finish(plane)
    assert shown(plane, link["id"])["properties"]["metadata"] == {"a": "b"}


def test_a_network_lists_its_resolver_and_its_ruleset(resolved):
    plane = resolved
    link = f"{RULES}/virtualNetworkLinks/hub"
    made(plane, link, {"properties": {"virtualNetwork": {"id": HUB}}})
    for version in (RESOLVER_VERSION, "2025-10-01-preview"):
        resolvers = ask(plane, "POST", f"{HUB}/listDnsResolvers", version=version)
        assert (resolvers.status, resolvers.body) == (200, {"value": [{"id": RESOLVER}]})
        rulesets = ask(plane, "POST", f"{HUB}/listDnsForwardingRulesets", version=version)
        assert rulesets.body == {"value": [{"id": RULES, "properties": {"virtualNetworkLink": {"id": link}}}]}
    assert ask(plane, "POST", f"{HUB}/listDnsResolvers", version="2024-03-01").status == 400
    assert ask(plane, "POST", f"{NETWORKS}/none/listDnsResolvers").status == 404


@pytest.mark.parametrize(
    ("denied", "path", "body"),
    [
        ("Microsoft.Network/virtualNetworks/join/action", RESOLVER, resolver_body()),
        ("Microsoft.Network/virtualNetworks/listDnsResolvers/action", None, None),
    ],
)
def test_what_a_caller_needs_the_right_for(denied, path, body):
    plane = landscape(denied=(denied,))
    answer = ask(plane, "PUT", path, body) if path else ask(plane, "POST", f"{HUB}/listDnsResolvers")
    assert answer.status == 403


def test_a_links_network_can_go_and_takes_the_link_along(resolved):
    plane = resolved
    spoke = network(plane, "spoke", "10.20.0.0/16")
    made(plane, f"{RULES}/virtualNetworkLinks/spoke", {"properties": {"virtualNetwork": {"id": spoke}}})
    ask(plane, "DELETE", spoke, version=NETWORK_VERSION)
    finish(plane)
    assert ask(plane, "GET", f"{RULES}/virtualNetworkLinks").body == {"value": []}


@pytest.mark.parametrize(
    ("module", "limit", "path", "body"),
    [
        (dns_resolver, "MOST_RESOLVERS", f"{RESOLVERS}/second", resolver_body(f"{NETWORKS}/spoke")),
        (dns_resolver, "MOST_ENDPOINTS", f"{OUTBOUND}2", outbound_body("in")),
        (dns_forwarding, "MOST_RULES", f"{RULES}/forwardingRules/second", rule_body("other.example.")),
        (
            dns_forwarding,
            "MOST_RULESET_LINKS",
            f"{RULES}/virtualNetworkLinks/second",
            {"properties": {"virtualNetwork": {"id": f"{NETWORKS}/spoke"}}},
        ),
    ],
)
def test_what_there_is_only_so_much_of(resolved, monkeypatch, module, limit, path, body):
    plane = resolved
    network(plane, "spoke", "10.20.0.0/16")
    made(plane, f"{RULES}/forwardingRules/corp", rule_body())
    made(plane, f"{RULES}/virtualNetworkLinks/hub", {"properties": {"virtualNetwork": {"id": HUB}}})
    monkeypatch.setattr(module, limit, 1)
    assert refused(ask(plane, "PUT", path, body)) == (400, "BadRequest")
    monkeypatch.setattr(module, limit, 2)
    assert ask(plane, "PUT", path, body).status in {201, 202}


# -- what a network sees ---------------------------------------------------------------------------


def test_a_network_sees_the_zones_linked_to_it_the_longest_first(plane):
    for name, policy in (
        ("example.com", {}),
        ("privatelink.blob.core.windows.net", {"resolutionPolicy": "NxDomainRedirect"}),
    ):
        link = f"{zone(plane, name)}/virtualNetworkLinks/hub"
        dns_landscape.made(plane, link, link_body(HUB, **policy))
    zone(plane, "unlinked.example.com")
    seen = [(one.name, one.falls_back) for one in zones_seen_from(plane, HUB.upper())]
    assert seen == [("privatelink.blob.core.windows.net", True), ("example.com", False)]
    dns_landscape.ask(plane, "PUT", f"{zone(plane, 'new.com')}/virtualNetworkLinks/hub", link_body(HUB))
    assert len(zones_seen_from(plane, HUB)) == 2  # not before it is provisioned
    finish(plane)
    assert len(zones_seen_from(plane, HUB)) == 3


def test_the_records_of_a_zone(plane):
    path = zone(plane, "example.com")
    put = dns_landscape.made
    put(plane, f"{path}/A/www", {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": "10.0.0.1"}]}})
    put(plane, f"{path}/CNAME/web", {"properties": {"ttl": 61, "cnameRecord": {"cname": "www.example.com"}}})
    put(plane, f"{path}/CNAME/empty", {"properties": {"ttl": 61}})
    found = {(one.name, one.type): (one.ttl_s, one.values) for one in records_of(plane, plane.store.find(path))}
    assert found.pop(("example.com.", "SOA"))[1][0]["host"] == "azureprivatedns.net"
    assert found == {
        ("www.example.com.", "A"): (60, ({"ipv4Address": "10.0.0.1"},)),
        ("web.example.com.", "CNAME"): (61, ({"cname": "www.example.com"},)),
        ("empty.example.com.", "CNAME"): (61, ()),
    }


def test_the_rules_that_apply_in_a_network(resolved):
    plane = resolved
    assert ruleset_of(plane, HUB) is None
    made(plane, f"{RULES}/virtualNetworkLinks/hub", {"properties": {"virtualNetwork": {"id": HUB}}})
    assert ruleset_of(plane, HUB) == []
    made(plane, f"{RULES}/forwardingRules/all", rule_body("."))
    made(plane, f"{RULES}/forwardingRules/corp", rule_body("corp.example.", "10.0.0.2"))
    made(plane, f"{RULES}/forwardingRules/off", rule_body("a.corp.example.", forwardingRuleState="Disabled"))
    rules = ruleset_of(plane, HUB)
    assert [(rule.domain, rule.targets) for rule in rules] == [
        ("corp.example.", (("10.0.0.2", 53),)),
        (".", (("10.0.0.1", 53),)),
    ]
    assert rules[0].matches("Host.CORP.example.")
    assert rules[0].matches("corp.example.")
    assert not rules[0].matches("notcorp.example.")
    assert rules[1].matches("any.where.")


def test_the_addresses_that_answer_for_a_network(resolved):
    made(resolved, INBOUND, inbound_body())
    assert inbound_addresses(resolved, HUB) == ["10.10.0.4"]
    assert network_of_inbound_address(resolved, "10.10.0.4") == HUB
    assert network_of_inbound_address(resolved, "10.10.0.5") is None
