"""Firewalls of all services read from the local Azure, and judged: the lab's own doors must agree."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from airflow_provider_netconn.azure.firewall.evaluation import Admission, Caller, FindingCode, evaluate
from airflow_provider_netconn.azure.firewall.reading import read_firewall
from airflow_provider_netconn.azure.firewall.table import firewall_service, firewall_services
from airflow_provider_netconn.azure.firewall.values import AddressRange
from airflow_provider_netconn.errors import (
    AzureForbiddenError,
    AzureNotFoundError,
    InvalidOptionError,
)
from tests.azure.firewall_landscape import (
    DATABRICKS,
    FRIEND,
    STRANGER,
    TYPES,
    admit_friends,
    change,
    lab_admits,
    make_service,
)
from tests.azure.tasks import signed_in  # noqa: F401 - a fixture
from tests.azure.test_peering_permissions import as_role  # noqa: F401 - a fixture
from tests.lab.resources.test_firewalls import public_access

ROOT = Path(__file__).parents[2]

OUTSIDE = Caller(in_azure=False)


@pytest.fixture
def read(open_session):
    """Reads a firewall: ``read(resource_id, principal)``."""

    async def ask(resource_id, principal):
        async with open_session(principal) as azure:
            return await read_firewall(azure, resource_id)

    return lambda resource_id, principal=None: asyncio.run(ask(resource_id, principal))


def judged(firewall, *addresses, caller=OUTSIDE):
    return evaluate(firewall, [AddressRange.parse(one) for one in addresses], caller)


def codes(evaluation):
    return {finding.code for finding in evaluation.findings}


def test_the_table_has_all_services_of_the_lab_and_their_sources():
    assert {row.resource_type for row in firewall_services().values()} == {*TYPES, DATABRICKS}
    assert all(row.sources for row in firewall_services().values())


@pytest.mark.parametrize("type_name", TYPES)
def test_who_is_in_the_list_is_allowed_and_a_stranger_is_not(azure_lab, read, type_name):
    service = make_service(azure_lab, type_name)
    for address in (FRIEND, STRANGER):
        allowed = judged(read(service), address).admission is Admission.ALLOWED
        assert allowed == lab_admits(azure_lab, service, address)
    admit_friends(azure_lab, service, type_name)
    firewall = read(service)
    friend, stranger = judged(firewall, FRIEND, STRANGER).addresses
    assert (friend.admission, stranger.admission) == (Admission.ALLOWED, Admission.BLOCKED)
    assert (lab_admits(azure_lab, service, FRIEND), lab_admits(azure_lab, service, STRANGER)) == (True, False)
    assert friend.rules in {("office",), ("203.0.113.0/24",)}
    assert FRIEND in friend.why
    assert stranger.why == f"no rule admits {STRANGER}"
    assert (firewall.service, firewall.location, firewall.used) == (firewall_service(service).service, "eastus", 1)
    assert FindingCode.NOT_RESTRICTED not in codes(judged(firewall, FRIEND))
    assert judged(firewall, "203.0.113.0/25").admission is Admission.ALLOWED
    assert judged(firewall, "203.0.112.0/23").admission is Admission.PARTLY


@pytest.mark.parametrize("type_name", TYPES)
def test_without_a_public_endpoint_no_rule_helps(azure_lab, read, type_name):
    service = make_service(azure_lab, type_name)
    admit_friends(azure_lab, service, type_name)
    method, below, body = public_access(type_name, "Disabled")
    change(azure_lab, service, type_name, method, below, body)
    found = judged(read(service), FRIEND)
    assert (found.admission, lab_admits(azure_lab, service, FRIEND)) == (Admission.BLOCKED, False)
    assert FindingCode.PUBLIC_ACCESS_OFF in codes(found)


OPEN = {
    "Microsoft.Sql/servers": "startIpAddress endIpAddress",
    "Microsoft.DBforPostgreSQL/flexibleServers": "startIpAddress endIpAddress",
    "Microsoft.Synapse/workspaces": "startIpAddress endIpAddress",
    "Microsoft.Cache/Redis": "startIP endIP",
}


@pytest.mark.parametrize("type_name", OPEN)
def test_rules_for_all_addresses_and_for_azure_are_told(azure_lab, read, type_name):
    service = make_service(azure_lab, type_name)
    first, last = OPEN[type_name].split()
    spans = {"azure": ("0.0.0.0", "0.0.0.0"), "world": ("0.0.0.0", "255.255.255.255")}
    rule = {name: {"properties": {first: low, last: high}} for name, (low, high) in spans.items()}
    change(azure_lab, service, type_name, "PUT", "/firewallRules/azure", rule["azure"])
    firewall = read(service)
    assert FindingCode.AZURE_SERVICES_RULE in codes(judged(firewall, FRIEND))
    assert judged(firewall, FRIEND).admission is Admission.BLOCKED
    assert judged(firewall, FRIEND, caller=Caller()).admission is Admission.UNKNOWN
    assert judged(firewall, FRIEND, caller=Caller(region="westus", in_azure=True)).admission is Admission.ALLOWED
    assert lab_admits(azure_lab, service, FRIEND, region="westus")
    change(azure_lab, service, type_name, "PUT", "/firewallRules/world", rule["world"])
    found = judged(read(service), FRIEND, STRANGER)
    assert FindingCode.ANY_ADDRESS_RULE in codes(found)
    assert found.admission is Admission.ALLOWED


def test_storage_rules_are_moot_for_callers_in_the_same_region(azure_lab, read):
    service = make_service(azure_lab, "Microsoft.Storage/storageAccounts")
    admit_friends(azure_lab, service, "Microsoft.Storage/storageAccounts")
    firewall = read(service)
    near = judged(firewall, FRIEND, caller=Caller(region="East US", in_azure=True))
    assert (near.admission, codes(near)) == (Admission.BLOCKED, {FindingCode.SAME_REGION})
    assert not lab_admits(azure_lab, service, FRIEND, region="eastus")
    far = judged(firewall, FRIEND, caller=Caller(region="westeurope", in_azure=True))
    assert (far.admission, codes(far)) == (Admission.ALLOWED, set())
    assert lab_admits(azure_lab, service, FRIEND, region="westeurope")


def test_a_list_that_is_nearly_full_is_told(azure_lab, read):
    type_name = "Microsoft.ContainerRegistry/registries"
    service = make_service(azure_lab, type_name)
    rules = [{"value": f"203.0.113.{number}"} for number in range(90)]
    body = {"properties": {"networkRuleSet": {"defaultAction": "Deny", "ipRules": rules}}}
    change(azure_lab, service, type_name, "PATCH", "", body)
    found = judged(read(service), FRIEND)
    (finding,) = found.findings
    assert (finding.code, finding.text) == (FindingCode.NEAR_LIMIT, "90 of at most 100 rules are used")


def test_app_service_goes_by_priority(azure_lab, read):
    type_name = "Microsoft.Web/sites"
    service = make_service(azure_lab, type_name)
    rules = [
        {"ipAddress": "203.0.113.0/24", "action": "Allow", "priority": 200, "name": "office"},
        {"ipAddress": "203.0.113.7/32", "action": "Deny", "priority": 100, "name": "guest"},
    ]
    change(azure_lab, service, type_name, "PATCH", "/config/web", {"properties": {"ipSecurityRestrictions": rules}})
    guest, other = judged(read(service), FRIEND, "203.0.113.8").addresses
    assert (guest.admission, guest.rules) == (Admission.BLOCKED, ("guest",))
    assert (other.admission, other.rules) == (Admission.ALLOWED, ("office",))
    assert [lab_admits(azure_lab, service, one) for one in (FRIEND, "203.0.113.8")] == [False, True]


def test_the_deployment_site_of_app_service_may_have_a_list_of_its_own(azure_lab, read):
    type_name = "Microsoft.Web/sites"
    service = make_service(azure_lab, type_name)
    admit_friends(azure_lab, service, type_name)

    def found_with(**properties):
        change(azure_lab, service, type_name, "PATCH", "/config/web", {"properties": properties})
        found = judged(read(service), FRIEND)
        assert found.admission is Admission.ALLOWED
        return [one.text for one in found.findings]

    assert found_with() == []
    guest = {"ipAddress": "198.51.100.0/24", "action": "Allow", "priority": 100, "name": "builder"}
    (told,) = found_with(scmIpSecurityRestrictions=[guest])
    assert told == (
        f"its deployment site (scm) has a list of its own, and by that is BLOCKED: {FRIEND}: no rule admits {FRIEND}"
    )
    assert found_with(scmIpSecurityRestrictionsUseMain=True) == []


def test_that_a_database_may_admit_more_than_its_server_is_told(azure_lab, read):
    service = make_service(azure_lab, "Microsoft.Sql/servers")
    assert "sys.database_firewall_rules" in judged(read(service), FRIEND).findings[-1].text


@pytest.mark.parametrize("type_name", TYPES)
def test_with_exactly_the_actions_of_the_table_it_is_read(azure_lab, read, as_role, type_name):  # noqa: F811
    service = make_service(azure_lab, type_name)
    actions = firewall_service(service).actions
    as_role(*actions)
    assert read(service, "airflow").service == firewall_service(service).service
    page = (ROOT / "docs" / "external-ip-allowlist.md").read_text(encoding="utf-8")
    segments = {action.split("/")[-2] for action in actions[1:]}
    assert all(f"{segment}/read" in page for segment in segments)
    as_role(*actions[1:])
    with pytest.raises(AzureForbiddenError) as raised:
        read(service, "airflow")
    assert raised.value.action.casefold() == actions[0].casefold()


def test_what_is_not_there_and_what_is_not_ours_to_see(azure_lab, read):
    service = make_service(azure_lab, "Microsoft.Sql/servers")
    with pytest.raises(AzureNotFoundError, match="no such resource"):
        read(f"{service}x")
    with pytest.raises(AzureForbiddenError, match=r"Microsoft\.Sql/servers/read"):
        read(service, "airflow")
    network = service.replace("Microsoft.Sql/servers", "Microsoft.Network/virtualNetworks")
    with pytest.raises(InvalidOptionError, match=r"resource_ids: 'Microsoft\.Network/virtualNetworks' is no type"):
        read(network)
