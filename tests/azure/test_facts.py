"""Facts on the lab: each is present, absent or not visible, and what is not visible is never said to be absent."""

from __future__ import annotations

import pendulum
import pytest

from airflow_provider_netconn.azure.facts import FactFinder, Question
from airflow_provider_netconn.checks import FactsRequest, with_facts
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.evidence import (
    FactKind,
    Finding,
    Presence,
    ProbeResult,
    Report,
    Stage,
    StageResult,
    Target,
    Vantage,
)
from tests.azure.conftest import settings_of
from tests.azure.facts_landscape import ENDPOINT_ADDRESS, HOST, ZONE_NAME, Landscape
from tests.unit.report.sample_report import good_verdicts

K, P = FactKind, Presence
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def made(azure_lab):
    return Landscape(azure_lab)


def question(made, *, host=HOST, addresses=(ENDPOINT_ADDRESS,), worker=None, port=443, names=None):
    return Question(
        host=host,
        port=port,
        names=names or (host,),
        addresses=addresses,
        worker_network=made.worker if worker is None else worker,
    )


@pytest.fixture
def find(made, open_session):
    """The facts of a target, as a principal sees them: a list of facts for each kind."""

    async def ask(principal=None, **given):
        async with open_session(principal) as azure:
            (facts,) = await FactFinder(azure).find([question(made, **given)])
        return {kind: [fact for fact in facts if fact.kind is kind] for kind in FactKind}

    return ask


def presence(found):
    """Presence and state of what there is one of, by kind."""
    return {kind.value: (facts[0].presence.value, facts[0].state) for kind, facts in found.items() if facts}


async def test_where_all_is_well_everything_is_present_and_nothing_hidden(find, made):
    found = await find()
    assert presence(found) == {
        "resource": ("present", ""),
        "endpoint": ("present", "Succeeded"),
        "connection": ("present", "Approved"),
        "zone_group": ("present", ""),
        "zone": ("present", ""),
        "zone_link": ("present", "Completed"),
        "record": ("present", "right"),
        "peering": ("present", "Connected"),
        "security_rule": ("absent", ""),
        "public_access": ("present", "Enabled"),
        "firewall": ("present", "Allow"),
    }
    assert found[K.RESOURCE][0].subject == made.account
    assert found[K.ENDPOINT][0].detail["addresses"] == [ENDPOINT_ADDRESS]
    assert found[K.RECORD][0].detail["addresses"] == [ENDPOINT_ADDRESS]
    assert {fact.detail["side"] for fact in found[K.PEERING]} == {"worker", "target"}
    assert {fact.detail["direction"] for fact in found[K.SECURITY_RULE]} == {"Inbound", "Outbound"}


async def test_who_sees_nothing_says_nothing_is_absent(find, made, azure_lab):
    """Astronomer's application has no role in the customer's subscription."""
    found = await find("vendor-operations")
    assert {fact.presence for facts in found.values() for fact in facts} == {P.NOT_VISIBLE}
    assert all(fact.reason for facts in found.values() for fact in facts)
    assert {K.RESOURCE, K.ENDPOINT} <= {kind for kind, facts in found.items() if facts}


async def test_who_sees_one_group_says_that_the_rest_is_hidden(find, made):
    """``airflow`` is a reader of another group of the subscription alone."""
    found = await find("airflow")
    hidden = {kind for kind, facts in found.items() if facts and facts[0].presence is P.NOT_VISIBLE}
    assert hidden >= {K.RESOURCE, K.ENDPOINT, K.ZONE}
    assert not [fact for facts in found.values() for fact in facts if fact.presence is P.ABSENT]


async def test_a_network_of_somebody_else_is_seen_from_our_side(find, made, azure_lab):
    vendor = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/astro-cluster/providers"
    worker = f"{vendor}/Microsoft.Network/virtualNetworks/astro-cluster/subnets/nodes"
    found = await find(worker=worker)
    sides = {fact.detail["side"]: fact for fact in found[K.PEERING]}
    assert sides["worker"].presence is P.NOT_VISIBLE
    assert "InvalidAuthenticationTokenTenant" in sides["worker"].reason
    # Our network has another peer, and whether that one leads there is not ours to see.
    assert sides["target"].presence is P.NOT_VISIBLE
    assert "other peers" in sides["target"].reason
    made.unpeer("data", "workers")
    found = await find(worker=worker)
    assert {fact.detail["side"]: fact.presence for fact in found[K.PEERING]}["target"] is P.ABSENT


async def test_a_zone_may_lie_where_the_workers_network_does(find, made):
    for one in (made.zone_group, made.link, made.zone):
        made.lab.delete(one)
    assert presence(await find())["zone"] == ("absent", "")
    foreign = f"/subscriptions/{'9' * 8}-0000-4000-8000-000000000009/resourceGroups/g/providers/Microsoft.Network"
    found = await find(worker=f"{foreign}/virtualNetworks/theirs")
    assert found[K.ZONE][0].presence is P.NOT_VISIBLE
    assert "out of sight" in found[K.ZONE][0].reason


async def test_without_the_workers_network_what_depends_on_it_is_not_visible(find):
    found = await find(worker="")
    assert {found[kind][0].presence for kind in (K.ZONE_LINK, K.PEERING)} == {P.NOT_VISIBLE}
    assert all("was not named" in found[kind][0].reason for kind in (K.ZONE_LINK, K.PEERING))


async def test_with_the_network_alone_the_workers_group_is_not_visible(find, made):
    found = await find(worker=made.worker_network)
    assert [fact.presence for fact in found[K.SECURITY_RULE]] == [P.ABSENT, P.NOT_VISIBLE]
    assert found[K.ZONE_LINK][0].presence is P.PRESENT


async def test_no_peering_is_needed_within_one_network(find, made):
    assert (await find(worker=made.subnet))[K.PEERING] == []


async def test_networks_that_have_a_peer_in_common_may_be_routed_through_it(find, made):
    made.unpeer("workers", "data")
    made.unpeer("data", "workers")
    (hub,) = made.lab.networks("hub")
    for name, address in (("workers", made.worker_network), ("data", made.network)):
        body = {"properties": {"remoteVirtualNetwork": {"id": hub.id}, "allowVirtualNetworkAccess": True}}
        made.lab.put(f"{address}/virtualNetworkPeerings/to-hub", body)
        back = {"properties": {"remoteVirtualNetwork": {"id": address}, "allowVirtualNetworkAccess": True}}
        made.lab.put(f"{hub.id}/virtualNetworkPeerings/to-{name}", back)
    (fact,) = (await find())[K.PEERING]
    assert (fact.presence, fact.detail["side"], fact.subject.casefold()) == (P.PRESENT, "transit", hub.id.casefold())


async def test_the_endpoint_that_the_name_leads_to_is_chosen_among_many(find, made):
    connection = {"privateLinkServiceId": made.account, "groupIds": ["blob"]}
    other = f"{made.group}/providers/Microsoft.Network/privateEndpoints/another"
    links = [{"name": "x", "properties": connection}]
    properties = {"subnet": {"id": made.subnet}, "manualPrivateLinkServiceConnections": links}
    made.lab.put(other, {"location": "westeurope", "properties": properties})
    assert presence(await find())["connection"] == ("present", "Approved")
    found = await find(addresses=("10.61.1.5",))
    assert found[K.CONNECTION][0].subject == other
    assert found[K.CONNECTION][0].state == "Pending"
    assert found[K.ENDPOINT][0].detail["endpoints_in_sight"] == 2


async def test_an_endpoint_for_another_sub_resource_is_none_for_this_name(find, made):
    found = await find(host=HOST.replace(".blob.", ".dfs."), addresses=())
    assert found[K.ENDPOINT][0].presence is P.ABSENT


async def test_an_endpoint_in_sight_of_its_owner_alone_is_hidden_and_its_state_known(find, made):
    """Who may read the account, and not the network, still learns that its owner has not approved."""
    made.decide("Rejected")
    scope = made.account
    role = "acdd72a7-3385-48ef-bd42-f606fba81ae7"  # Reader
    assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/11111111-0000-4000-8000-000000000001"
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    principal = made.lab.principal("airflow").object_id
    body = {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}
    made.lab.request("PUT", assignment, {"properties": body}, api_version="2022-04-01")
    made.lab.advance(600)
    found = await find("airflow")
    assert presence(found)["resource"] == ("present", "")
    assert found[K.ENDPOINT][0].presence is P.NOT_VISIBLE
    assert presence(found)["connection"] == ("present", "Rejected")


async def test_an_alias_of_ones_own_leads_to_the_account_too(find):
    found = await find(host="orders.example.net", names=("orders.example.net", HOST))
    assert presence(found)["record"] == ("present", "right")


async def test_a_name_that_is_none_of_azures_has_no_resource_and_no_zone(find):
    found = await find(host="db.example.net", addresses=("192.0.2.4",))
    assert not any(found.values())


async def test_an_address_in_a_network_in_sight_is_held_against_the_peerings(find, made):
    found = await find(host="db.example.net", addresses=("10.61.1.200",))
    assert {kind for kind, facts in found.items() if facts} == {K.PEERING}
    assert presence(found)["peering"] == ("present", "Connected")


# -- security groups ----------------------------------------------------------------------------------


async def rule_of(find, made, **rule):
    made.guard(made.subnet, direction="Inbound", **rule)
    inbound = (await find())[K.SECURITY_RULE][0]
    return inbound.state or inbound.presence.value


@pytest.mark.parametrize(
    ("rule", "decided"),
    [
        ({}, "Deny"),
        ({"access": "Allow"}, "Allow"),
        ({"port": "80"}, "Allow"),  # by the default rule for the virtual network
        ({"port": "400-500"}, "Deny"),
        ({"protocol": "Udp"}, "Allow"),
        ({"sourceAddressPrefix": "10.60.1.0/24"}, "Deny"),
        ({"sourceAddressPrefix": "10.60.1.7"}, "not_visible"),  # some of the workers
        ({"sourceAddressPrefix": "10.77.0.0/16"}, "Allow"),
        ({"sourceAddressPrefix": "VirtualNetwork"}, "Deny"),
        ({"sourceAddressPrefix": "Internet"}, "Allow"),
        ({"sourceAddressPrefix": "Storage"}, "not_visible"),
        ({"destinationAddressPrefix": "10.61.1.4/32"}, "Deny"),
        ({"destinationAddressPrefix": "10.61.1.5/32"}, "Allow"),
        ({"sourcePortRange": "1000-2000"}, "not_visible"),
    ],
)
async def test_a_group_is_read_rule_by_rule(find, made, rule, decided):
    assert await rule_of(find, made, **rule) == decided


async def test_a_subnets_group_does_not_hold_for_endpoints_unless_it_is_told_to(find, made):
    made.guard(made.subnet, direction="Inbound")
    subnet = made.lab.get(made.subnet)
    properties = {**subnet["properties"], "privateEndpointNetworkPolicies": "Disabled"}
    made.lab.put(made.subnet, {"properties": properties})
    assert (await find())[K.SECURITY_RULE][0].presence is P.ABSENT


# -- many targets, and a control plane in trouble -------------------------------------------------------


def report_on(*hosts, address="20.60.1.4"):
    """A report in which each name leads to a public address."""

    def seen(host):
        detail = {"addresses": [address]}
        judged = {"addresses": [{"address": address, "private": False, "range": "public"}]}
        stages = (
            StageResult(stage=Stage.RESOLVE, ok=True, finding=Finding.RESOLVED, detail=detail),
            StageResult(stage=Stage.ADDRESS, ok=False, finding=Finding.NOT_PRIVATE, detail=judged),
        )
        return ProbeResult(
            target=Target(host=host, port=443), stages=stages, started_at=pendulum.now("UTC"), duration_s=0.1
        )

    from airflow_provider_netconn.checks.run import judge

    verdicts = tuple(judge(seen(host)) for host in hosts)
    return Report(
        netconn_version="1",
        started_at=pendulum.now("UTC"),
        duration_s=1.0,
        vantage=Vantage(hostname="h"),
        verdicts=verdicts,
    )


def test_each_list_is_read_once_however_many_targets_there_are(made, azure_lab):
    hosts = [f"{HOST[0]}{number}.blob.core.windows.net" for number in range(40)] + [HOST] * 40
    request = FactsRequest(settings=settings_of(azure_lab), worker_network=made.worker)
    report = with_facts(report_on(*hosts), request)
    assert all(verdict.facts for verdict in report.verdicts)
    paths = [entry.path for entry in azure_lab.journal(service="arm") if entry.method in ("GET", "POST")]
    assert len(paths) == len(set(paths))
    of_one_target = [path for path in paths if "/A/" in path]  # a zone may hold far more records than there are targets
    assert len(of_one_target) == 41
    assert len(paths) - len(of_one_target) < 20


def test_only_what_is_not_as_expected_is_asked_about(made, azure_lab):
    report = report_on(HOST)
    fine = good_verdicts()[0]
    report = Report(**{**_fields(report), "verdicts": (*report.verdicts, fine)})
    seen = []
    request = FactsRequest(settings=settings_of(azure_lab), worker_network=made.worker)
    after = with_facts(report, request, lambda verdict, done, total: seen.append((verdict.target, done, total)))
    assert after.verdicts[1] is fine
    assert seen == [(after.verdicts[0].target, 1, 1)]


def _fields(report):
    return {name: getattr(report, name) for name in ("netconn_version", "started_at", "duration_s", "vantage")}


@pytest.mark.parametrize("fault", ["server-error:500", "malformed", "reset-before"])
def test_a_control_plane_in_trouble_costs_no_verdict(made, azure_lab, monkeypatch, fault):
    monkeypatch.setattr("airflow_provider_netconn.checks.facts.LIMIT_S", 2.0)
    azure_lab.fault(fault, service="arm", times=10_000)
    before = report_on(HOST)
    (after,) = with_facts(before, FactsRequest(settings=settings_of(azure_lab))).verdicts
    assert {fact.presence for fact in after.facts} == {P.NOT_VISIBLE}
    assert (after.cause, after.path, after.outcome) == (
        before.verdicts[0].cause,
        before.verdicts[0].path,
        before.verdicts[0].outcome,
    )
    assert any("not visible" in line for line in after.evidence)


def test_a_wrong_secret_costs_no_verdict_and_is_shown_to_nobody(made, azure_lab):
    canary = "canary-71-never-show-this"
    request = FactsRequest(settings=settings_of(azure_lab, client_secret=canary))
    (after,) = with_facts(report_on(HOST), request).verdicts
    assert {fact.presence for fact in after.facts} == {P.NOT_VISIBLE}
    assert "AADSTS7000215" in after.facts[0].reason
    assert canary not in repr(after)
    assert canary not in repr(request)


@pytest.mark.parametrize(
    "wrong",
    ["data", "/subscriptions/x/resourceGroups/g", f"/subscriptions/x/resourceGroups/g/providers/{ZONE_NAME}/a/b"],
)
def test_a_workers_network_that_is_none_is_refused_at_once(azure_lab, wrong):
    with pytest.raises(InvalidOptionError, match="worker_network"):
        FactsRequest(settings=settings_of(azure_lab), worker_network=wrong)
