"""Which groups and zones an endpoint needs, by type: what it serves resolves privately."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import dns.exception
import pytest

from airflow_provider_netconn.azure.clouds import CHINA, GOVERNMENT, PUBLIC
from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.private_dns import PrivateDns, delete_link, delete_zone, ensure_link, ensure_zone
from airflow_provider_netconn.azure.private_endpoint import PrivateEndpoint, ensure_private_endpoint
from airflow_provider_netconn.azure.private_link_target import LinkGroup, check_target, kept_in, link_group, zone_names
from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.lab.resources.private_link import link_types
from airflow_provider_netconn.lab.testing import AzureLabNetwork
from airflow_provider_netconn.privatelink.zones import zone_rows
from tests.azure.endpoints import BLOB_ZONE, LAKE, NETWORK, NETWORK_GROUP, SUBNET, assign, grant, take_roles
from tests.azure.private_endpoint_requests import BODIES, Landscape

JOIN = "Microsoft.Network/virtualNetworks/join/action"
SOME = "/subscriptions/s/resourceGroups/g/providers"


def azure_of(cloud):
    return SimpleNamespace(settings=SimpleNamespace(cloud=cloud))


# -- by what the resource tells -------------------------------------------------------------------------


def test_for_every_type_of_the_table_all_that_an_endpoint_serves_resolves_to_it(azure_lab, open_session):
    landscape = Landscape.of(azure_lab)
    network = landscape.subnet_id.rpartition("/subnets/")[0]
    listed = {name.casefold() for row in zone_rows() for name in row.resource_types}
    spelled = {name.casefold(): name for name in BODIES}
    types = [spelled.get(name, one.type) for name, one in link_types().items() if name in listed]
    resolver = AzureLabNetwork(azure_lab).resolver(network)

    async def make(azure, number, kind):
        target = landscape.target(kind, f"service{number}x")
        offered = azure_lab.get(f"{target}/privateLinkResources")["value"]
        dns_wanted = PrivateDns(resource_group_id=landscape.group_id, create=True)
        states = []
        for group in offered:
            group_id = group["properties"]["groupId"]
            endpoint = f"{landscape.group_id}/providers/Microsoft.Network/privateEndpoints/pe-{number}-{group_id}"
            wanted = PrivateEndpoint(
                id=endpoint, target_id=target, subnet_id=landscape.subnet_id, group_id=group_id, dns=dns_wanted
            )
            states.append(await ensure_private_endpoint(azure, wanted))
        return states

    async def go():
        async with open_session() as azure:
            with deadline(120):
                return [(kind, await make(azure, number, kind)) for number, kind in enumerate(types)]

    wrong, served = [], 0
    for kind, states in asyncio.run(go()):
        # Two groups of a resource may serve one name; then the last one has it.
        own = {address for state in states for address in state.addresses}
        for state in states:
            assert state.settled, state.line
            for name, addresses in state.names.items():
                served += 1
                try:
                    seen = {one.address for one in resolver.resolve(name)}
                except dns.exception.DNSException as error:
                    seen = {type(error).__name__}
                if not seen <= own:
                    wrong.append((kind, state.group_ids, name, seen, addresses))
    assert wrong == []
    assert served > 100
    zones = {
        one["name"]
        for one in azure_lab.get(f"{landscape.group_id}/providers/Microsoft.Network/privateDnsZones")["value"]
    }
    assert not {zone for zone in zones if zone.endswith(".data.privatelink.azurecr.io") or zone.startswith("scm.")}


# -- by the table, where the resource may not be asked -----------------------------------------------------


def test_who_may_not_ask_the_resource_is_served_by_the_table(azure_lab, open_session):
    assign(azure_lab, "airflow", "Network Contributor", NETWORK_GROUP)
    wanted = PrivateEndpoint(
        id=f"{NETWORK_GROUP}/providers/Microsoft.Network/privateEndpoints/pe-lake", target_id=LAKE, subnet_id=SUBNET,
        group_id="BLOB", manual=True, approved=False, dns=PrivateDns(resource_group_id=NETWORK_GROUP, create=True),
    )  # fmt: skip

    async def go():
        async with open_session("airflow") as azure:
            with pytest.raises(
                InvalidOptionError, match=r"group_id: 'blobs' is no group.*valid group ids are blob, blob_sec"
            ):
                await link_group(azure, LAKE, "blobs")
            return await ensure_private_endpoint(azure, wanted)

    state = asyncio.run(go())
    assert state.settled
    assert state.group_ids == ("blob",)
    assert state.zone_ids == (BLOB_ZONE,)


@pytest.mark.parametrize(
    ("cloud", "zone"),
    [
        (PUBLIC, "privatelink.blob.core.windows.net"),
        (GOVERNMENT, "privatelink.blob.core.usgovcloudapi.net"),
        (CHINA, "privatelink.blob.core.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_its_own_zones(cloud, zone):
    target = f"{SOME}/Microsoft.Storage/storageAccounts/x"
    assert zone_names(azure_of(cloud), target, LinkGroup(id="blob")) == (zone,)


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("Microsoft.ContainerService/managedClusters", "management"),
        ("Microsoft.Web/staticSites", "staticSites"),
        ("Microsoft.Cache/RedisEnterprise", "redisEnterprise"),
        ("Microsoft.Kusto/Clusters", "cluster"),
    ],
)
def test_where_the_table_leaves_a_choice_the_zones_have_to_be_named(kind, group):
    with pytest.raises(InvalidOptionError, match=r"^dns_zone_names: .*the table has privatelink"):
        zone_names(azure_of(PUBLIC), f"{SOME}/{kind}/x", LinkGroup(id=group))


def test_services_that_need_all_their_zones_get_those_too_that_they_do_not_tell():
    told = LinkGroup(id="account", zones=("privatelink.cognitiveservices.azure.com",))
    names = zone_names(azure_of(PUBLIC), f"{SOME}/Microsoft.CognitiveServices/accounts/x", told)
    assert set(names) == {
        "privatelink.cognitiveservices.azure.com",
        "privatelink.openai.azure.com",
        "privatelink.services.ai.azure.com",
    }
    told = LinkGroup(id="azuremonitor", zones=("privatelink.monitor.azure.com",))
    assert len(zone_names(azure_of(PUBLIC), f"{SOME}/Microsoft.Insights/privateLinkScopes/x", told)) == 5


@pytest.mark.parametrize(
    ("zone", "kept"),
    [
        ("westeurope.data.privatelink.azurecr.io", "privatelink.azurecr.io"),
        ("scm.privatelink.azurewebsites.net", "privatelink.azurewebsites.net"),
        ("privatelink.azurecr.io", "privatelink.azurecr.io"),
        ("x.westeurope.data.privatelink.azurecr.io", "x.westeurope.data.privatelink.azurecr.io"),
    ],
)
def test_zones_that_must_not_be_made_keep_their_records_in_the_one_above(zone, kept):
    assert kept_in(zone) == kept


def test_a_private_link_service_has_neither_groups_nor_zones():
    service = f"{SOME}/Microsoft.Network/privateLinkServices/x"
    check_target(service, "")
    assert zone_names(azure_of(PUBLIC), service, LinkGroup(id="")) == ()
    with pytest.raises(InvalidOptionError, match="has no groups"):
        check_target(service, "blob")


def test_a_misspelt_type_is_refused_with_the_one_that_was_meant():
    with pytest.raises(InvalidOptionError, match=r"did you mean Microsoft\.Storage/storageAccounts"):
        check_target(f"{SOME}/Microsoft.Storage/storageAccount/x", "blob")


# -- zones and links by themselves -----------------------------------------------------------------------


def test_a_zone_is_deleted_with_its_links_and_a_link_alone(azure_lab, open_session):
    async def go():
        async with open_session() as azure:
            await ensure_zone(azure, BLOB_ZONE, create=True)
            await ensure_link(azure, BLOB_ZONE, NETWORK)
            await ensure_link(azure, BLOB_ZONE, NETWORK.upper())
            linked = len(azure_lab.get(f"{BLOB_ZONE}/virtualNetworkLinks")["value"])
            gone = [await delete_link(azure, BLOB_ZONE, NETWORK) for _ in range(2)]
            await ensure_link(azure, BLOB_ZONE, NETWORK)
            return linked, gone, [await delete_zone(azure, BLOB_ZONE) for _ in range(2)]

    assert asyncio.run(go()) == (1, [True, False], [True, False])
    assert azure_lab.get(BLOB_ZONE) is None


def test_what_may_be_written_and_not_seen_is_made_once_and_left_as_it_is(azure_lab, open_session):
    zones = "Microsoft.Network/privateDnsZones"
    take_roles(azure_lab, "airflow")
    grant(azure_lab, "blind", NETWORK_GROUP, [f"{zones}/write", f"{zones}/virtualNetworkLinks/write", JOIN])
    azure_lab.put(BLOB_ZONE, {"location": "global", "tags": {"owner": "network team"}})

    async def go():
        async with open_session("airflow") as azure:
            for _ in range(2):
                assert await ensure_zone(azure, BLOB_ZONE, create=True) == ""
                assert await ensure_link(azure, BLOB_ZONE, NETWORK) == ""

    asyncio.run(go())
    assert azure_lab.get(BLOB_ZONE)["tags"] == {"owner": "network team"}
    assert len(azure_lab.get(f"{BLOB_ZONE}/virtualNetworkLinks")["value"]) == 1
