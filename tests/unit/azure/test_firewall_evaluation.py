"""Firewalls from JSON, and judged: what the lab cannot be brought to, and the properties that hold for any rules."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_netconn.azure.firewall.evaluation import (
    Admission,
    Caller,
    FindingCode,
    evaluate,
    is_same_region,
    together,
)
from airflow_provider_netconn.azure.firewall.interpret import firewall_of
from airflow_provider_netconn.azure.firewall.table import firewall_service
from airflow_provider_netconn.azure.firewall.values import AddressRange, Firewall, FirewallRule, PublicAccess
from airflow_provider_netconn.errors import InvalidOptionError

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/data/providers"
A, P, B, U = Admission.ALLOWED, Admission.PARTLY, Admission.BLOCKED, Admission.UNKNOWN


def firewall(type_name, properties, *, child=None, children=None):
    resource = {"id": f"{SUBSCRIPTION}/{type_name}/it", "location": "westeurope", "properties": properties}
    return firewall_of(firewall_service(resource["id"]), resource, child=child, children=children or {})


def judged(wall, *addresses, **caller):
    return evaluate(wall, [AddressRange.parse(one) for one in addresses], Caller(**caller))


def site(*restrictions, **properties):
    child = {"properties": {"ipSecurityRestrictions": list(restrictions), **properties}}
    return firewall("Microsoft.Web/sites", {}, child=child)


def entry(address, action="Allow", priority=100, **more):
    return {"ipAddress": address, "action": action, "priority": priority, "name": f"rule{priority}", **more}


class TestAppService:
    def test_a_rule_with_a_header_leaves_it_open(self):
        found = judged(site(entry("203.0.113.0/24", headers={"x-azure-fdid": ["id"]})), "203.0.113.7")
        assert found.admission is U
        assert "the rule rule100 admits and header x-azure-fdid" in found.addresses[0].why

    def test_unless_what_follows_says_the_same(self):
        both = site(entry("203.0.113.0/24", headers={"x": ["y"]}), entry("203.0.113.7", priority=200))
        assert judged(both, "203.0.113.7").admission is A

    def test_a_service_tag_is_not_guessed_at(self):
        tagged = site(entry("AzureFrontDoor.Backend", tag="ServiceTag"))
        assert judged(tagged, "203.0.113.7").admission is U
        denied = site(entry("Internet", "Deny", tag="ServiceTag"), ipSecurityRestrictionsDefaultAction="Deny")
        assert judged(denied, "203.0.113.7").admission is B

    def test_the_implicit_last_rule_is_none(self):
        last = entry("Any", "Deny", 2147483647)
        assert site(entry("203.0.113.7"), last).used == 1
        assert judged(site(last), "203.0.113.7").admission is A

    def test_several_addresses_and_a_mask(self):
        wall = site(entry("203.0.113.7/32, 198.51.100.0/24"), entry("192.0.2.0", subnetMask="255.255.255.0"))
        assert [one.admission for one in judged(wall, "198.51.100.9", "192.0.2.200", "192.0.3.1").addresses] == [
            A,
            A,
            B,
        ]


@pytest.mark.parametrize(
    ("setting", "admission", "code"),
    [
        ("SecuredByPerimeter", U, FindingCode.SECURED_BY_PERIMETER),
        ("OnSundays", U, FindingCode.UNKNOWN_SETTING),
        ("disabled", B, FindingCode.PUBLIC_ACCESS_OFF),
    ],
)
def test_settings_of_the_public_endpoint(setting, admission, code):
    rules = {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.7"}]}
    wall = firewall("Microsoft.Storage/storageAccounts", {"publicNetworkAccess": setting, "networkAcls": rules})
    found = judged(wall, "203.0.113.7")
    assert (found.admission, [one.code for one in found.findings]) == (admission, [code])
    assert setting in wall.public_setting


def test_a_rule_that_cannot_be_read_leaves_open_who_is_kept_out():
    rules = {"defaultAction": "Deny", "ipRules": [{"value": "everybody"}, {"value": "203.0.113.7"}]}
    found = judged(firewall("Microsoft.Storage/storageAccounts", {"networkAcls": rules}), "203.0.113.7", "192.0.2.1")
    assert [one.admission for one in found.addresses] == [A, U]
    assert [one.text for one in found.findings] == ["the rule 'everybody' cannot be read"]


def test_a_server_in_a_subnet_says_so():
    network = {"publicNetworkAccess": "Disabled", "delegatedSubnetResourceId": "/subscriptions/x/subnets/db"}
    wall = firewall("Microsoft.DBforPostgreSQL/flexibleServers", {"network": network})
    assert [one.code.value for one in judged(wall, "203.0.113.7").findings] == ["PUBLIC_ACCESS_OFF", "NOTE"]


def test_messaging_that_denies_without_rules_keeps_nobody_out():
    child = {"properties": {"publicNetworkAccess": "Enabled", "defaultAction": "Deny", "ipRules": []}}
    found = judged(firewall("Microsoft.ServiceBus/namespaces", {}, child=child), "203.0.113.7")
    assert found.admission is A
    assert {one.code for one in found.findings} == {FindingCode.NOT_RESTRICTED, FindingCode.NOTE}


def test_ipv6_rules_are_about_ipv6_only():
    rules = {"defaultAction": "Deny", "ipRules": [], "ipv6Rules": [{"value": "2001:db8::/32"}]}
    wall = firewall("Microsoft.Storage/storageAccounts", {"networkAcls": rules})
    assert [one.admission for one in judged(wall, "2001:db8::7", "203.0.113.7").addresses] == [A, B]


def test_regions_are_the_same_however_they_are_written():
    assert is_same_region("West Europe", "westeurope")
    assert not is_same_region("", "")


@pytest.mark.parametrize(
    ("admissions", "expected"),
    [([], U), ([A, A], A), ([B, B], B), ([A, B], P), ([A, U], U), ([B, U], P), ([A, P], P), ([P, U], P)],
)
def test_admissions_together(admissions, expected):
    assert together(admissions) is expected


@pytest.mark.parametrize("text", ["", "203.0.113", "203.0.113.0/33", "host.example.com", "10.0.0.1-10.0.0.9"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidOptionError, match="is no IP address or network"):
        AddressRange.parse(text)


ADDRESS = st.integers(0, 255)
RULES = st.lists(
    st.tuples(ADDRESS, ADDRESS, st.booleans()).map(
        lambda span: FirewallRule(
            name="r", range=AddressRange.between(*(f"192.0.2.{end}" for end in sorted(span[:2]))), allow=span[2]
        )
    ),
    max_size=6,
)


@given(rules=RULES, restricted=st.booleans(), prefix=st.integers(24, 32), low=ADDRESS)
def test_a_network_is_judged_as_all_its_addresses_are(rules, restricted, prefix, low):
    wall = Firewall(
        resource_id="x",
        service="Storage",
        public_access=PublicAccess.ON,
        restricted=restricted,
        rules=tuple(rules),
    )
    network = AddressRange.parse(f"192.0.2.{low}/{prefix}")

    def one_by_one(number):
        for rule in rules:
            if int(rule.range.first) <= number <= int(rule.range.last):
                return A if rule.allow else B
        return B if restricted else A

    numbers = range(int(network.first), int(network.last) + 1)
    each = [evaluate(wall, [AddressRange.parse(str(ip_address(number)))]).admission for number in numbers]
    assert each == [one_by_one(number) for number in numbers]
    assert evaluate(wall, [network]).admission is together(each)
