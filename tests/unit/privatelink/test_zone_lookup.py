"""Which zone a host name belongs to."""

import json
import time

import pytest

from airflow_provider_netconn.evidence import NameFacts
from airflow_provider_netconn.privatelink import (
    MatchedBy,
    describe,
    name_facts,
    records_zone,
    zone_rows,
    zones_for_host,
)
from airflow_provider_netconn.privatelink.table import PARAMETER

VALUES = {"partitionId": "3"}


def filled(template: str) -> str:
    return PARAMETER.sub(lambda found: VALUES.get(found[1], f"some{found[1].lower()}"), template)


@pytest.mark.parametrize(
    ("host", "service", "zone", "parameters"),
    [
        ("orders.blob.core.windows.net", "Storage account", "privatelink.blob.core.windows.net", {}),
        ("ORDERS.Blob.Core.Windows.NET.", "Storage account", "privatelink.blob.core.windows.net", {}),
        ("orders.z6.web.core.windows.net", "Storage account", "privatelink.web.core.windows.net", {}),
        ("orders.dfs.core.usgovcloudapi.net", "Azure Data Lake File System Gen2", None, {}),
        ("sales.database.windows.net", "Azure SQL Database", "privatelink.database.windows.net", {}),
        (
            "mi.a1b2c3.database.windows.net",
            "Azure SQL Managed Instance",
            "privatelink.a1b2c3.database.windows.net",
            {"dnsPrefix": "a1b2c3"},
        ),
        ("pg.postgres.database.azure.com", "Azure Database for PostgreSQL - Single server", None, {}),
        ("safe.vault.azure.net", "Azure Key Vault", "privatelink.vaultcore.azure.net", {}),
        ("safe.vaultcore.azure.cn", "Azure Key Vault", "privatelink.vaultcore.azure.cn", {}),
        (
            "adx.westeurope.kusto.windows.net",
            "Azure Data Explorer",
            "privatelink.westeurope.kusto.windows.net",
            {"regionName": "westeurope"},
        ),
        ("reg.azurecr.io", "Azure Container Registry", "privatelink.azurecr.io", {}),
        (
            "reg.westeurope.data.azurecr.io",
            "Azure Container Registry",
            "privatelink.azurecr.io",
            {"regionName": "westeurope"},
        ),
        ("app.scm.azurewebsites.net", "Azure Web Apps / Azure Function Apps", "privatelink.azurewebsites.net", {}),
        (
            "app.env.westeurope.azurecontainerapps.io",
            "Azure Container Apps",
            "privatelink.westeurope.azurecontainerapps.io",
            {"regionName": "westeurope"},
        ),
        (
            "web.3.azurestaticapps.net",
            "Azure Static Web Apps",
            "privatelink.3.azurestaticapps.net",
            {"partitionId": "3"},
        ),
        ("web.azurestaticapps.net", "Azure Static Web Apps", "privatelink.azurestaticapps.net", {}),
        ("web.three.azurestaticapps.net", "Azure Static Web Apps", "privatelink.azurestaticapps.net", {}),
        (
            "acct.westeurope.service.batch.azure.com",
            "Azure Batch",
            "privatelink.batch.azure.com",
            {"regionName": "westeurope"},
        ),
        (
            "cache.westeurope.redisenterprise.cache.azure.net",
            "Azure Cache for Redis Enterprise",
            "privatelink.redisenterprise.cache.azure.net",
            {"cachename": "cache", "region": "westeurope"},
        ),
        (
            "lake-ondemand.sql.azuresynapse.usgovcloudapi.net",
            "Azure Synapse Analytics",
            "privatelink.sql.azuresynapse.usgovcloudapi.net",
            {"workspaceName": "lake"},
        ),
        ("dps.agentsvc.azure-automation.net", "Azure Monitor", "privatelink.agentsvc.azure-automation.net", {}),
        ("hook.we.azure-automation.net", "Azure Automation", "privatelink.azure-automation.net", {"regionCode": "we"}),
        ("adb-1.2.azuredatabricks.net", "Azure Databricks", "privatelink.azuredatabricks.net", {}),
        ("management.azure.com", "Azure Resource Manager", "privatelink.azure.com", {}),
    ],
)
def test_public_name_belongs_to_its_service(host, service, zone, parameters):
    match = zones_for_host(host)[0]
    assert match.row.service == service
    assert match.zone == (zone or filled(match.row.private_dns_zones[0]))
    assert match.parameters == parameters
    assert match.by is MatchedBy.FORWARDER
    assert host.lower().removesuffix(".").endswith(match.suffix)


@pytest.mark.parametrize(
    ("host", "zone"),
    [
        ("orders.privatelink.blob.core.windows.net", "privatelink.blob.core.windows.net"),
        ("Orders.PrivateLink.blob.core.windows.net.", "privatelink.blob.core.windows.net"),
        ("sales.privatelink.database.windows.net", "privatelink.database.windows.net"),
        ("mi.privatelink.a1b2c3.database.windows.net", "privatelink.a1b2c3.database.windows.net"),
        ("reg.westeurope.data.privatelink.azurecr.io", "privatelink.azurecr.io"),
        ("app.scm.privatelink.azurewebsites.us", "privatelink.azurewebsites.us"),
        ("api.privatelink.westeurope.azmk8s.io", "privatelink.westeurope.azmk8s.io"),
        ("api.own.privatelink.westeurope.azmk8s.io", "own.privatelink.westeurope.azmk8s.io"),
        ("rdweb.privatelink-global.wvd.microsoft.com", "privatelink-global.wvd.microsoft.com"),
    ],
)
def test_private_name_is_known_as_one_and_never_as_a_public_one(host, zone):
    matches = zones_for_host(host)
    assert matches[0].zone == zone
    assert {match.by for match in matches} == {MatchedBy.ZONE}
    assert name_facts(host).is_privatelink_name


@pytest.mark.parametrize(
    "host",
    [
        "evilblob.core.windows.net",
        "orders.blob.core.windows.net.example.com",
        "blob.core.windows.net",
        "privatelink.blob.core.windows.net",
        "privatelink-global.wvd.microsoft.com",
        "sql.azuresynapse.net",
        "westeurope.kusto.windows.net",
        "adx.privatelink.kusto.windows.net",
        "vm.westeurope.cloudapp.azure.com",
        "portal.azure.com",
        "db.example.net",
        "localhost",
        "10.20.0.4",
        "fd00::4",
        "",
        ".",
        "orders..database.windows.net.",
    ],
)
def test_other_names_belong_to_none(host):
    assert zones_for_host(host) == ()
    assert name_facts(host) == NameFacts()


def test_every_public_suffix_and_every_zone_is_found():
    for row in zone_rows():
        stem = row.only_names[0] if row.only_names else "res"
        for pair in row.pairs:
            hits = zones_for_host(f"{stem}.{filled(pair.public)}")
            assert any(hit.row is row and hit.pair == pair for hit in hits), (row.service, pair)
        for zone in row.private_dns_zones:
            hits = [hit for hit in zones_for_host(f"{stem}.{filled(zone)}") if hit.row is row]
            assert any(hit.by is MatchedBy.ZONE and hit.zone == filled(records_zone(zone)) for hit in hits), zone


def test_most_specific_suffix_comes_first():
    zones = [match.zone for match in zones_for_host("mi.abc.database.windows.net")]
    assert zones == ["privatelink.abc.database.windows.net", "privatelink.database.windows.net"]
    depths = [match.suffix.count(".") for match in zones_for_host("a.b.westeurope.data.azurecr.io")]
    assert depths == sorted(depths, reverse=True)
    assert len(depths) == 2


def test_owner_of_a_zone_comes_before_those_who_also_need_it():
    services = [match.row.service for match in zones_for_host("orders.blob.core.windows.net")]
    assert services[0] == "Storage account"
    assert services.index("Azure Data Explorer") > services.index("Azure Managed Disks")


def test_facts_name_the_owners_only():
    assert name_facts("orders.blob.core.windows.net") == NameFacts(
        services=("Storage account", "Azure Managed Disks"), zones=("privatelink.blob.core.windows.net",)
    )
    assert name_facts("bus.servicebus.windows.net").services == ("Azure Event Hubs", "Azure Service Bus", "Azure Relay")


def test_facts_prefer_the_plain_pairing_to_a_misprinted_one():
    assert name_facts("bus.servicebus.usgovcloudapi.net").zones == ("privatelink.servicebus.usgovcloudapi.net",)
    assert name_facts("p.purview.azure.com").zones == ("privatelink.purview.azure.com",)


def test_facts_give_no_zone_where_the_table_gives_none():
    facts = name_facts("vm.westeurope.instances.azureml.ms")
    assert facts == NameFacts(services=("Azure Machine Learning workspace",))


def test_wide_forwarder_claims_only_what_its_zone_can_hold():
    assert name_facts("topic.westeurope-1.eventgrid.azure.net").zones == ("privatelink.eventgrid.azure.net",)
    assert name_facts("ns.westeurope-1.ts.eventgrid.azure.net").zones == ("privatelink.ts.eventgrid.azure.net",)
    assert zones_for_host("app.azurecontainerapps.io") == ()


def test_name_may_belong_to_two_zones_of_one_service():
    assert name_facts("rdweb.wvd.microsoft.com").zones == (
        "privatelink-global.wvd.microsoft.com",
        "privatelink.wvd.microsoft.com",
    )


def test_description_of_a_match_is_plain_json():
    described = describe(zones_for_host("reg.westeurope.data.azurecr.io")[0])
    assert json.loads(json.dumps(described)) == described
    assert described["zone"] == "privatelink.azurecr.io"
    assert described["matched_by"] == "forwarder"
    assert described["matched_suffix"] == "westeurope.data.azurecr.io"
    assert described["parameters"] == {"regionName": "westeurope"}
    assert described["service"] == "Azure Container Registry"


def test_ten_thousand_names_take_no_time_to_speak_of():
    name_facts("warm.blob.core.windows.net")
    started = time.perf_counter()
    for number in range(10_000):
        name_facts(f"a{number}.blob.core.windows.net")
    # About 0.5 s here; a scan of 184 expressions for each name takes more than ten times that.
    assert time.perf_counter() - started < 5
