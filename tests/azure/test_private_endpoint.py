"""Private endpoints on the local Azure: made, adopted, approved, refused, replaced, and deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.private_dns import PrivateDns
from airflow_provider_netconn.azure.private_endpoint import (
    PrivateEndpoint,
    PrivateEndpointState,
    Until,
    awaits,
    delete_private_endpoint,
    ensure_private_endpoint,
)
from airflow_provider_netconn.azure.watching import Snapshot, watch_of
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureLinkedAuthorizationError,
    AzureNotFoundError,
    InvalidOptionError,
)
from airflow_provider_netconn.lab.testing import AzureLabNetwork
from tests.azure.endpoints import (
    BLOB_ZONE,
    DATA_GROUP,
    ENDPOINT,
    IMAGES,
    LAKE,
    NETWORK,
    NETWORK_GROUP,
    SUBNET,
    assign,
    decide,
    grant,
    take_roles,
    written,
)

DNS = PrivateDns(resource_group_id=NETWORK_GROUP, create=True)
HOST = "contosolake.blob.core.windows.net"


def wanted(**changes):
    given = {"id": ENDPOINT, "target_id": LAKE, "subnet_id": SUBNET, "group_id": "blob"}
    return PrivateEndpoint(**{**given, **changes})


@pytest.fixture
def ensure(open_session):
    """Ensures an endpoint in a session of its own."""

    def run(endpoint, *, principal=None, limit_s=30, **options):
        async def go():
            async with open_session(principal) as azure:
                with deadline(limit_s):
                    return await ensure_private_endpoint(azure, endpoint, pause_s=0.1, **options)

        return asyncio.run(go())

    return run


def test_an_automatic_one_is_approved_with_its_addresses_its_names_and_its_records(azure_lab, ensure):
    state = ensure(wanted(dns=DNS, tags={"team": "data"}))
    assert state.settled
    assert not state.hopeless
    assert state.status == "Approved"
    assert state.names == {HOST: state.addresses}
    assert state.zone_ids == (BLOB_ZONE,)
    assert azure_lab.get(ENDPOINT)["tags"] == {"team": "data"}
    record = azure_lab.get(f"{BLOB_ZONE}/A/contosolake")
    assert [one["ipv4Address"] for one in record["properties"]["aRecords"]] == list(state.addresses)
    answer = AzureLabNetwork(azure_lab).resolver(NETWORK).resolve(HOST)
    assert [one.address for one in answer] == list(state.addresses)
    assert PrivateEndpointState.from_json(state.to_json()) == state


def test_a_second_time_writes_nothing(azure_lab, ensure):
    first = ensure(wanted(dns=DNS))
    before = len(written(azure_lab))
    assert ensure(wanted(dns=DNS)) == first
    assert len(written(azure_lab)) == before


def test_a_manual_one_tells_its_address_while_it_waits_and_whose_move_it_is(azure_lab, ensure):
    asked = wanted(manual=True, request_message="Airflow of Contoso, ticket 7", dns=DNS)
    state = ensure(asked, wait=False)
    while state.unfinished or not state.is_provisioned:
        state = ensure(asked, wait=False)
    assert (state.status, state.settled, state.hopeless) == ("Pending", False, "")
    assert len(state.addresses) == 1
    assert state.names == {}
    assert "the owner of storageAccounts/contosolake has to approve it" in state.line
    assert "ticket 7" in state.line
    decide(azure_lab, "Approved")
    state = ensure(asked)
    assert state.settled
    assert state.names == {HOST: state.addresses}
    assert azure_lab.get(f"{BLOB_ZONE}/A/contosolake") is not None


def test_who_waits_for_no_approval_is_done_while_it_is_pending(ensure):
    state = ensure(wanted(manual=True, approved=False, dns=DNS))
    assert (state.status, state.settled) == ("Pending", True)
    assert state.addresses


def test_a_wait_for_the_owner_ends_with_his_word(azure_lab, open_session):
    async def go():
        async with open_session() as azure:
            with deadline(30):
                waiting = asyncio.create_task(ensure_private_endpoint(azure, wanted(manual=True), pause_s=0.05))
                while not azure_lab.get(ENDPOINT):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                await asyncio.to_thread(decide, azure_lab, "Approved")
                return await waiting

    assert asyncio.run(go()).settled


def test_a_wait_for_the_owner_ends_at_the_deadline_and_says_whose_move_it_is(ensure):
    with pytest.raises(AzureDeadlineExceededError, match=r"pe-lake.*the owner of .*contosolake has to approve"):
        ensure(wanted(manual=True), limit_s=2)


@pytest.mark.parametrize("status", ["Rejected", "Disconnected"])
def test_a_dead_one_is_hopeless_and_is_made_again_where_that_is_asked_for(azure_lab, ensure, status):
    ensure(wanted(manual=True, approved=False))
    if status == "Rejected":
        decide(azure_lab, "Rejected", description="not you")
    else:
        (connection,) = azure_lab.get(f"{LAKE}/privateEndpointConnections")["value"]
        azure_lab.delete(connection["id"])
    state = ensure(wanted(manual=True))
    assert state.status == status
    assert not state.settled
    assert "delete the endpoint and make it again" in state.hopeless
    assert "replace=True" in state.hopeless
    again = ensure(wanted(manual=True, approved=False), replace_it=True)
    assert again.status == "Pending"
    assert len(azure_lab.get(f"{LAKE}/privateEndpointConnections")["value"]) == 1


def test_one_that_leads_elsewhere_is_refused_untouched_and_replaced_where_that_is_asked_for(azure_lab, ensure):
    ensure(wanted())
    before = written(azure_lab)
    with pytest.raises(AzureConflictError, match=r"its group is blob, not dfs.*replace=True"):
        ensure(wanted(group_id="dfs"))
    assert written(azure_lab) == before
    assert ensure(wanted(group_id="dfs"), replace_it=True).group_ids == ("dfs",)


def test_static_addresses_are_taken(ensure):
    assert ensure(wanted(static_addresses={"": "10.20.1.77"})).addresses == ("10.20.1.77",)
    with pytest.raises(AzureConflictError, match=r"its addresses are 10.20.1.77, not 10.20.1.78"):
        ensure(wanted(static_addresses={"": "10.20.1.78"}))


def test_a_member_without_its_address_is_named(azure_lab, ensure):
    with pytest.raises(InvalidOptionError, match=r"static_address: .*registry.*registry_data_westeurope"):
        ensure(wanted(target_id=IMAGES, group_id="registry", static_addresses={"": "10.20.1.77"}))
    assert written(azure_lab) == []


def test_a_registry_keeps_all_its_records_in_the_one_zone(azure_lab, ensure):
    state = ensure(wanted(target_id=IMAGES, group_id="registry", dns=DNS))
    assert [one.rpartition("/")[2] for one in state.zone_ids] == ["privatelink.azurecr.io"]
    assert azure_lab.get(f"{state.zone_ids[0]}/A/contosoimages.westeurope.data") is not None


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ("blobs", "'blobs' is no group of storageAccounts/contosolake; valid group ids are blob, .*did you mean blob"),
        ("vault", "'vault' is no group of storageAccounts/contosolake; valid group ids are blob, dfs, file"),
        ("", "is missing, and there is more than one group of storageAccounts/contosolake; valid .* are blob, dfs"),
    ],
)
def test_a_wrong_group_is_refused_with_the_valid_ones_before_anything_is_written(azure_lab, ensure, group, told):
    with pytest.raises(InvalidOptionError, match=f"group_id: {told}"):
        ensure(wanted(group_id=group, dns=DNS))
    assert written(azure_lab) == []


def test_zones_that_are_not_to_be_made_have_to_be_there(azure_lab, ensure):
    with pytest.raises(AzureNotFoundError, match=r"privatelink.blob.core.windows.net.*create_dns_zones=True"):
        ensure(wanted(dns=replace(DNS, create=False)))
    assert written(azure_lab) == []
    azure_lab.put(BLOB_ZONE, {"location": "global", "tags": {"owner": "network team"}})
    assert ensure(wanted(dns=replace(DNS, create=False))).settled
    assert azure_lab.get(f"{BLOB_ZONE}/virtualNetworkLinks")["value"] == []


def test_zones_links_and_zone_groups_that_are_there_are_adopted(azure_lab, ensure):
    azure_lab.put(BLOB_ZONE, {"location": "global", "tags": {"owner": "network team"}})
    link = f"{BLOB_ZONE}/virtualNetworkLinks/by-hand"
    azure_lab.put(link, {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK.upper()}}})
    ensure(wanted())
    other = BLOB_ZONE.replace(".blob.", ".dfs.")
    azure_lab.put(other, {"location": "global"})
    configs = [{"name": "mine", "properties": {"privateDnsZoneId": other}}]
    group = f"{ENDPOINT}/privateDnsZoneGroups/by-hand"
    azure_lab.put(group, {"properties": {"privateDnsZoneConfigs": configs}})
    assert ensure(wanted(dns=DNS)).settled
    assert azure_lab.get(BLOB_ZONE)["tags"] == {"owner": "network team"}
    assert [one["id"] for one in azure_lab.get(f"{BLOB_ZONE}/virtualNetworkLinks")["value"]] == [link]
    kept = azure_lab.get(group)["properties"]["privateDnsZoneConfigs"]
    assert [one["properties"]["privateDnsZoneId"] for one in kept] == [other, BLOB_ZONE]


def test_without_the_right_to_approve_the_error_says_to_ask_the_owner(azure_lab, ensure):
    assign(azure_lab, "airflow", "Network Contributor", NETWORK_GROUP)
    with pytest.raises(AzureLinkedAuthorizationError, match=r"may not approve.*contosolake.*manual=True"):
        ensure(wanted(location="westeurope"), principal="airflow")
    state = ensure(wanted(location="westeurope", manual=True, approved=False), principal="airflow")
    assert state.status == "Pending"


ENDPOINTS = "Microsoft.Network/privateEndpoints"
BLIND = [
    f"{ENDPOINTS}/write",
    f"{ENDPOINTS}/delete",
    f"{ENDPOINTS}/privateDnsZoneGroups/write",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/privateDnsZones/join/action",
    "Microsoft.Network/privateDnsZones/read",
]


def test_what_may_be_written_and_not_be_read_is_written_and_deleted_unseen(azure_lab, ensure, open_session):
    take_roles(azure_lab, "airflow")
    grant(azure_lab, "blind", NETWORK_GROUP, BLIND)
    azure_lab.put(BLOB_ZONE, {"location": "global"})
    dns = replace(DNS, create=False)
    asked = wanted(location="westeurope", manual=True, dns=dns)
    for _ in range(2):
        state = ensure(replace(asked, approved=False), principal="airflow")
        assert (state.status, state.settled) == ("Pending", True)
    assert "nothing is seen of it" in ensure(asked, principal="airflow").hopeless
    decide(azure_lab, "Approved")
    assert azure_lab.get(f"{BLOB_ZONE}/A/contosolake") is not None
    assert ensure(asked, principal="airflow").settled

    async def go():
        async with open_session("airflow") as azure:
            return await delete_private_endpoint(azure, ENDPOINT)

    assert asyncio.run(go()).settled
    assert azure_lab.get(ENDPOINT) is None


def test_deleting_takes_the_records_along_and_is_done_where_there_is_nothing(azure_lab, ensure, open_session):
    ensure(wanted(dns=DNS))

    async def go():
        async with open_session() as azure:
            return [await delete_private_endpoint(azure, ENDPOINT) for _ in range(2)]

    for state in asyncio.run(go()):
        assert state.settled
        assert state.until is Until.GONE
    assert azure_lab.get(ENDPOINT) is None
    assert azure_lab.get(f"{BLOB_ZONE}/A/contosolake") is None
    assert len(written(azure_lab, kind="privateEndpoints", methods=("DELETE",))) == 1


def test_step_by_step_each_watch_ends_and_nothing_is_written_twice(azure_lab, ensure):
    azure_lab.change_settings(time_scale=1.0)
    asked = wanted(dns=DNS)
    kinds = []
    for _ in range(10):
        state = ensure(asked, wait=False)
        if state.settled:
            break
        watch = awaits(asked, state)
        kinds.append((watch.until, len(watch.also)))
        assert not seen_by(azure_lab, watch).settled
        azure_lab.advance(60)
        assert seen_by(azure_lab, watch_of(watch.to_json())).settled
    assert state.settled
    assert kinds == [(Until.PROVISIONED, 1), (Until.PROVISIONED, 1), (Until.PROVISIONED, 1)]
    paths = [path for _, path in written(azure_lab)]
    assert len(paths) == len(set(paths)) == 4


def seen_by(lab, watch):
    """What a poller would see."""
    held = {}
    for scope in watch.scopes:
        found = lab.request("GET", scope.path, api_version=scope.api_version) if scope.is_list else lab.get(scope.path)
        listed = (found or {}).get("value", []) if scope.is_list else [found] if found else []
        held[scope] = Snapshot(resources={one["id"].casefold(): one for one in listed})
    return watch.look(held)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": LAKE}, "endpoint_id"),
        ({"subnet_id": NETWORK}, "subnet_id"),
        ({"target_id": NETWORK}, "target_id"),
        ({"request_message": "x" * 141}, "request_message"),
        ({"static_addresses": {"": "10.20.1"}}, "static_address"),
        ({"target_id": "svc.guid.westeurope.azure.privatelinkservice"}, "group_id"),
        ({"target_id": "svc.guid.westeurope.azure.privatelinkservice", "group_id": ""}, "manual"),
    ],
)
def test_what_can_be_told_without_asking_azure_is_refused_at_once(changes, field):
    with pytest.raises(InvalidOptionError, match=f"^{field}"):
        wanted(**changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"resource_group_id": LAKE}, "dns_resource_group_id"),
        ({"networks": (LAKE,)}, "link_networks"),
        ({"networks": (NETWORK,), "create": False}, "link_networks"),
        ({"zone_names": tuple(f"z{number}.example" for number in range(6))}, "dns_zone_names"),
    ],
)
def test_dns_that_cannot_be_is_refused_at_once(changes, field):
    with pytest.raises(InvalidOptionError, match=f"^{field}"):
        PrivateDns(**{"resource_group_id": DATA_GROUP, "create": True, **changes})


def test_what_was_written_is_what_the_typed_clients_read(azure_lab, ensure):
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.privatedns import PrivateDnsManagementClient

    asked = wanted(
        static_addresses={"": "10.20.1.77"}, request_message="ticket 7", interface_name="nic-lake",
        tags={"team": "data"}, dns=DNS,
    )  # fmt: skip
    state = ensure(asked)
    with azure_lab.client(NetworkManagementClient) as network, azure_lab.client(PrivateDnsManagementClient) as names:
        endpoint = network.private_endpoints.get("network", "pe-lake")
        (group,) = network.private_dns_zone_groups.list("pe-lake", "network")
        (link,) = names.virtual_network_links.list("network", "privatelink.blob.core.windows.net")
        record = names.record_sets.get("network", "privatelink.blob.core.windows.net", "A", "contosolake")
    (connection,) = endpoint.private_link_service_connections
    assert (endpoint.location, endpoint.subnet.id, endpoint.tags) == ("westeurope", SUBNET, {"team": "data"})
    assert (connection.private_link_service_id, connection.group_ids) == (LAKE, ["blob"])
    assert connection.request_message == "ticket 7"
    assert connection.private_link_service_connection_state.status == state.status
    assert endpoint.custom_network_interface_name == "nic-lake"
    (fixed,) = endpoint.ip_configurations
    assert (fixed.group_id, fixed.member_name, fixed.private_ip_address) == ("blob", "blob", "10.20.1.77")
    assert [one.private_dns_zone_id for one in group.private_dns_zone_configs] == list(state.zone_ids)
    assert (link.virtual_network.id, link.registration_enabled) == (NETWORK, False)
    assert [one.ipv4_address for one in record.a_records] == list(state.addresses)


def test_a_private_link_service_is_reached_by_its_id_and_by_its_alias(azure_lab, ensure):
    service = f"{NETWORK_GROUP}/providers/Microsoft.Network/privateLinkServices/broker"
    subnet = f"{NETWORK}/subnets/services"
    policies = {"privateLinkServiceNetworkPolicies": "Disabled"}
    azure_lab.put(subnet, {"properties": {"addressPrefix": "10.20.2.0/24", **policies}})
    front = f"{NETWORK_GROUP}/providers/Microsoft.Network/loadBalancers/lb/frontendIPConfigurations/front"
    properties = {
        "loadBalancerFrontendIpConfigurations": [{"id": front}],
        "ipConfigurations": [{"name": "nat", "properties": {"subnet": {"id": subnet}}}],
    }
    alias = azure_lab.put(service, {"location": "westeurope", "properties": properties})["properties"]["alias"]
    by_id = ensure(wanted(target_id=service, group_id="", dns=DNS, static_addresses={"": "10.20.1.90"}))
    assert (by_id.status, by_id.addresses, by_id.zone_ids) == ("Approved", ("10.20.1.90",), ())
    asked = wanted(id=f"{ENDPOINT}-alias", target_id=alias, group_id="", manual=True, approved=False)
    by_alias = ensure(asked)
    assert (by_alias.status, by_alias.target_id) == ("Pending", alias)
    before = written(azure_lab)
    assert ensure(asked).settled
    assert written(azure_lab) == before


def test_further_tags_are_added_and_those_of_others_stay(azure_lab, ensure):
    ensure(wanted(tags={"team": "data"}))
    ensure(wanted(tags={"cost": "42"}))
    assert azure_lab.get(ENDPOINT)["tags"] == {"team": "data", "cost": "42"}
    assert len(written(azure_lab)) == 2
    ensure(wanted())
    assert len(written(azure_lab)) == 2


def test_what_an_earlier_run_has_begun_is_waited_for_and_not_begun_again(azure_lab, ensure, open_session):
    azure_lab.change_settings(time_scale=1.0)
    for _ in range(2):
        assert ensure(wanted(dns=DNS), wait=False).unfinished == (BLOB_ZONE,)
        assert len(written(azure_lab)) == 2

    async def go():
        async with open_session() as azure:
            with deadline(60):
                waiting = asyncio.create_task(ensure_private_endpoint(azure, wanted(dns=DNS)))
                while not waiting.done():
                    await asyncio.sleep(0.2)
                    await asyncio.to_thread(azure_lab.advance, 5)
                return await waiting

    assert asyncio.run(go()).settled
    paths = [path for _, path in written(azure_lab)]
    assert len(paths) == len(set(paths)) == 4


def test_one_whose_making_failed_ends_the_wait_and_is_written_again(azure_lab, ensure):
    azure_lab.fault("operation-fails:InternalServerError", method="PUT", path=f"re:{ENDPOINT}$")
    state = ensure(wanted(), wait=False)
    assert not state.settled
    seen = seen_by(azure_lab, awaits(wanted(), state))
    assert "provisioningState Failed" in seen.hopeless
    assert ensure(wanted(), wait=False).settled
    assert [method for method, _ in written(azure_lab)] == ["PUT", "PUT"]
