"""What the pipeline survives besides single faults: lost answers, conditions, tokens, polls."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureMalformedAnswerError,
    AzureNoAnswerError,
    AzureTenantError,
)
from tests.azure.conftest import API_VERSION, CLIENTS

DNS = "2024-06-01"
POLLS = "locations/*/operations/*"


@pytest.fixture
def records(azure_lab):
    """The id under which a private DNS zone's A records are made."""
    azure_lab.networks("any")
    zone = f"/subscriptions/{azure_lab.subscription_id}/resourceGroups/test-networks/providers/Microsoft.Network"
    zone += "/privateDnsZones/privatelink.blob.core.windows.net"
    azure_lab.put(zone, {"location": "global"})
    return f"{zone}/A"


def record(address):
    return {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": address}]}}


class TestLostAnswers:
    async def test_a_create_whose_answer_was_lost_is_done_where_its_own_condition_refuses_the_second(
        self, azure_lab, open_session, records
    ):
        azure_lab.fault("reset-after", method="PUT", path="privateDnsZones/*")
        async with open_session() as azure:
            with deadline(30):
                made = await azure.arm.put(f"{records}/a", record("10.0.0.4"), api_version=DNS, if_none_match="*")
        assert made["properties"]["aRecords"] == [{"ipv4Address": "10.0.0.4"}]
        assert [entry.status for entry in azure_lab.journal(path=f"{records}/a")] == [None, 412, 200]

    async def test_what_others_made_meanwhile_is_not_taken_for_ours(self, azure_lab, open_session, records):
        azure_lab.put(f"{records}/a", record("10.9.9.9"))
        azure_lab.fault("reset-before", method="PUT", path="privateDnsZones/*")
        async with open_session() as azure:
            with deadline(30), pytest.raises(AzureConflictError) as raised:
                await azure.arm.put(f"{records}/a", record("10.0.0.4"), api_version=DNS, if_none_match="*")
        assert raised.value.status == 412
        assert azure_lab.get(f"{records}/a")["properties"]["aRecords"] == [{"ipv4Address": "10.9.9.9"}]

    async def test_a_condition_that_never_held_is_refused_without_a_look(self, azure_lab, open_session, records):
        azure_lab.put(f"{records}/a", record("10.0.0.4"))
        async with open_session() as azure:
            with pytest.raises(AzureConflictError):
                await azure.arm.put(f"{records}/a", record("10.0.0.4"), api_version=DNS, if_none_match="*")
        assert [entry.method for entry in azure_lab.journal(path=f"{records}/a")] == ["PUT"]

    @pytest.mark.parametrize("client", CLIENTS)
    async def test_a_delete_whose_answer_was_lost_is_done(self, azure_lab, open_session, client):
        hub, data = azure_lab.networks("hub", "data")
        azure_lab.put(hub.to(data).id, hub.to(data).body)
        azure_lab.fault("reset-after", method="DELETE")
        async with open_session() as azure:
            with deadline(30):
                await CLIENTS[client](azure).delete(hub.to(data))
        assert azure_lab.peering(hub.to(data)) is None

    async def test_deleting_says_whether_there_was_anything(self, azure_lab, open_session):
        hub, data = azure_lab.networks("hub", "data")
        azure_lab.put(hub.to(data).id, hub.to(data).body)
        async with open_session() as azure:
            told = [await azure.arm.delete(hub.to(data).id, api_version=API_VERSION) for _ in range(2)]
        assert told == [True, False]

    async def test_a_post_whose_answer_was_lost_is_not_sent_again(self, azure_lab, open_session):
        fault = azure_lab.fault("reset-after", method="POST", service="arm")
        async with open_session() as azure:
            path, body = graph_query(azure_lab)
            with deadline(30), pytest.raises(AzureNoAnswerError, match="may have been carried out"):
                await azure.arm.action(path, body, api_version="2024-04-01")
        assert fault.applied == len(azure_lab.journal(method="POST", service="arm")) == 1

    async def test_a_post_that_does_no_harm_is(self, azure_lab, open_session):
        azure_lab.fault("reset-after", method="POST", service="arm")
        async with open_session() as azure:
            with deadline(30):
                path, body = graph_query(azure_lab)
                await azure.arm.action(path, body, api_version="2024-04-01", repeatable=True)
        assert [entry.status for entry in azure_lab.journal(method="POST", service="arm")] == [None, 200]

    async def test_a_post_that_was_throttled_was_not_carried_out_and_is_sent_again(self, azure_lab, open_session):
        azure_lab.fault("throttled-without-retry-after", method="POST", service="arm")
        async with open_session() as azure:
            with deadline(30):
                path, body = graph_query(azure_lab)
                await azure.arm.action(path, body, api_version="2024-04-01")
        assert [entry.status for entry in azure_lab.journal(method="POST", service="arm")] == [429, 200]


def graph_query(lab):
    query = {"subscriptions": [lab.subscription_id], "query": "Resources | project id"}
    return "/providers/Microsoft.ResourceGraph/resources", query


async def test_a_change_that_another_one_overtook_begins_anew(azure_lab, open_session, records):
    azure_lab.put(f"{records}/a", record("10.0.0.4"))
    overtaken = []

    def add(found):
        if not overtaken:
            overtaken.append(True)
            azure_lab.put(f"{records}/a", record("10.0.0.5"))
        found["properties"]["aRecords"].append({"ipv4Address": "10.0.0.6"})
        return found

    async with open_session() as azure:
        made = await azure.arm.change(f"{records}/a", add, api_version=DNS)
    assert [one["ipv4Address"] for one in made["properties"]["aRecords"]] == ["10.0.0.5", "10.0.0.6"]


class TestPolls:
    @pytest.mark.parametrize("client", CLIENTS)
    @pytest.mark.parametrize(
        "fault", ["server-error:503", "reset-before", "malformed", "expired-token", "throttled:1", "hang"]
    )
    async def test_polls_survive_what_writes_survive(self, azure_lab, open_session, client, fault):
        hub, data = azure_lab.networks("hub", "data")
        hit = azure_lab.fault(fault, method="GET", path=POLLS)
        async with open_session(request_timeout_s=1) as azure:
            with deadline(30):
                assert await CLIENTS[client](azure).put(hub.to(data)) == "Succeeded"
        assert hit.applied == 1
        assert len(azure_lab.journal(method="PUT")) == 1

    @pytest.mark.parametrize("client", CLIENTS)
    async def test_an_operation_is_followed_as_long_as_it_takes(self, azure_lab, open_session, client):
        hub, data = azure_lab.networks("hub", "data")
        azure_lab.change_settings(time_scale=0.5)
        async with open_session() as azure:
            with deadline(60):
                assert await CLIENTS[client](azure).put(hub.to(data)) == "Succeeded"
        polls = azure_lab.journal(method="GET", path=POLLS)
        assert 1 < len(polls) < 30

    async def test_each_repetition_of_an_operation_is_polled_where_it_says(self, azure_lab, open_session):
        hub, data = azure_lab.networks("hub", "data")
        azure_lab.fault("operation-fails:RetryableError", method="PUT", times=2)
        async with open_session() as azure:
            with deadline(30):
                await CLIENTS["typed"](azure).put(hub.to(data))
        assert len({entry.path for entry in azure_lab.journal(method="GET", path=POLLS)}) == 3
        assert [entry.status for entry in azure_lab.journal(method="PUT")] == [201, 200, 200]


class TestTokens:
    async def test_after_an_expired_token_the_authority_is_asked_for_another_one(self, azure_lab, open_session):
        hub, data = azure_lab.networks("hub", "data")
        async with open_session() as azure:
            await azure.arm.get(hub.id, api_version=API_VERSION)
            azure_lab.fault("expired-token", path="virtualNetworks/*")
            assert await azure.arm.get(hub.id, api_version=API_VERSION)
            await azure.arm.get(data.id, api_version=API_VERSION)
        assert len(azure_lab.journal(service="authority", method="POST")) == 2

    async def test_many_requests_that_meet_one_expired_token_renew_it_once(self, azure_lab, open_session):
        (hub,) = azure_lab.networks("hub")
        async with open_session() as azure:
            await azure.arm.get(hub.id, api_version=API_VERSION)
            azure_lab.fault("expired-token", path="virtualNetworks/*", times=10)
            found = await asyncio.gather(*(azure.arm.get(hub.id, api_version=API_VERSION) for _ in range(10)))
        assert all(found)
        assert len(azure_lab.journal(service="authority", method="POST")) == 2

    @pytest.mark.parametrize("fault", ["server-error:503", "reset-before", "throttled:1", "malformed"])
    async def test_signing_in_survives_too(self, azure_lab, open_session, fault, caplog):
        (hub,) = azure_lab.networks("hub")
        azure_lab.fault(fault, service="authority", path="*/token")
        async with open_session() as azure:
            with deadline(60):
                assert await azure.arm.get(hub.id, api_version=API_VERSION)
        assert "eyJ" not in caplog.text  # as tokens begin, half ones too

    async def test_a_write_that_refers_to_another_tenant_carries_that_tenants_token(self, azure_lab, open_session):
        peering, body = across_tenants(azure_lab)
        other = azure_lab.local.seed.tenant("astronomer").id
        async with open_session("astronomer", tenant_id=azure_lab.tenant_id, auxiliary_tenants=(other,)) as azure:
            with deadline(30):
                made = await azure.arm.put(peering, body, api_version=API_VERSION)
        assert made["properties"]["peeringState"] == "Initiated"

    async def test_without_it_the_error_says_which_tenant_to_add(self, azure_lab, open_session):
        peering, body = across_tenants(azure_lab)
        async with open_session("astronomer", tenant_id=azure_lab.tenant_id) as azure:
            with deadline(30), pytest.raises(AzureTenantError, match="auxiliary tenants"):
                await azure.arm.put(peering, body, api_version=API_VERSION)


def across_tenants(lab):
    """A peering from the customer's network to the vendor's, which Astronomer's application may make."""
    scope = f"/subscriptions/{lab.subscription_id}"
    contributor = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
    lab.put(
        f"{scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000aa01",
        {
            "properties": {
                "roleDefinitionId": contributor,
                "principalId": lab.principal("astronomer").also_in["customer"],
                "principalType": "ServicePrincipal",
            }
        },
    )
    network = f"{scope}/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/data"
    remote = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/astro-cluster"
    remote += "/providers/Microsoft.Network/virtualNetworks/astro-cluster"
    return f"{network}/virtualNetworkPeerings/to-astro", {"properties": {"remoteVirtualNetwork": {"id": remote}}}


class TestDeadlines:
    async def test_nothing_is_sent_when_it_is_over(self, azure_lab, open_session):
        (hub,) = azure_lab.networks("hub")
        async with open_session() as azure:
            with deadline(0.05):
                await asyncio.sleep(0.1)
                with pytest.raises(AzureDeadlineExceededError, match="before the request was sent"):
                    await azure.arm.get(hub.id, api_version=API_VERSION)
        assert azure_lab.journal(path="virtualNetworks/hub") == []

    async def test_it_outweighs_what_the_answer_asks_to_wait(self, azure_lab, open_session):
        (hub,) = azure_lab.networks("hub")
        azure_lab.fault("throttled:3600", path="virtualNetworks/*", times=1000)
        async with open_session() as azure:
            begun = time.monotonic()
            with deadline(2), pytest.raises(Exception, match="until the deadline"):
                await azure.arm.get(hub.id, api_version=API_VERSION)
        assert time.monotonic() - begun < 5

    async def test_without_one_the_sessions_own_limit_holds(self, azure_lab, open_session):
        hub, data = azure_lab.networks("hub", "data")
        azure_lab.fault("operation-never-ends", method="PUT")
        begun = time.monotonic()
        async with open_session(timeout_s=2) as azure:
            with pytest.raises(AzureDeadlineExceededError, match="InProgress"):
                await CLIENTS["typed"](azure).put(hub.to(data))
        assert time.monotonic() - begun < 7

    async def test_what_ends_at_the_last_moment_still_counts(self, azure_lab, open_session):
        hub, data = azure_lab.networks("hub", "data")
        azure_lab.fault("throttled:3600", path="virtualNetworkPeerings/*", times=1)
        async with open_session() as azure:
            with deadline(4):
                assert await CLIENTS["generic"](azure).put(hub.to(data)) == "Succeeded"


async def test_an_answer_that_leads_elsewhere_gets_no_token(azure_lab, open_session):
    async with open_session() as azure:
        with pytest.raises(AzureMalformedAnswerError, match="another host") as raised:
            await azure.arm._read_page("https://evil.example/subscriptions?page=2")
    assert "page=2" not in str(raised.value)


async def test_the_typed_clients_of_all_services_share_the_pipeline(azure_lab, open_session):
    azure_lab.networks("any")
    fault = azure_lab.fault("server-error:503", method="GET", share=0.5, service="arm")
    async with open_session() as azure:
        with deadline(60):
            network, dns = await azure.network(), await azure.private_dns()
            resolver, roles = await azure.dns_resolver(), await azure.authorization()
            assert [one.name async for one in network.virtual_networks.list("test-networks")] == ["any"]
            assert [one async for one in dns.private_zones.list()] == []
            assert [one async for one in resolver.dns_resolvers.list()] == []
            assert [one async for one in roles.role_assignments.list_for_subscription()]
    assert fault.applied
    assert len(azure_lab.journal(service="authority", method="POST")) == 1
