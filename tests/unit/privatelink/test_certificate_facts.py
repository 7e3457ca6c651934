"""What is known of certificates: each row has a source, and is of services that the table of zones has."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.privatelink import zone_rows
from airflow_provider_netconn.privatelink.certificates import certificate_fact, certificate_facts


def test_each_row_is_of_services_of_the_table_and_has_a_reason_and_a_source():
    named = [service for fact in certificate_facts() for service in fact.services]
    assert len(named) == len(set(named))
    assert set(named) <= {row.service for row in zone_rows()}
    for fact in certificate_facts():
        assert fact.why
        assert fact.source
        assert fact.confidence in {"documented", "reported", "inferred"}


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("lake.blob.core.windows.net", "Storage account"),
        ("lake.dfs.core.chinacloudapi.cn", "Azure Data Lake File System Gen2"),
        ("lake.privatelink.blob.core.windows.net", "Storage account"),
        ("bus.servicebus.usgovcloudapi.net", "Azure Service Bus"),
        ("books.openai.azure.com", "Foundry Tools"),
        ("orders.mongo.cosmos.azure.com", "Azure Cosmos DB"),
    ],
)
def test_a_name_is_known_by_the_service_that_owns_it(host, service):
    fact = certificate_fact(host)
    assert fact is not None
    assert service in fact.services


@pytest.mark.parametrize("host", ["db.example.net", "10.1.2.3", "one.grafana.azure.com", ""])
def test_of_others_nothing_is_known(host):
    assert certificate_fact(host) is None
