"""A run that ends behind any of its requests, as a killed worker's does, and the next one that carries on."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.private_dns import PrivateDns
from airflow_provider_netconn.azure.private_endpoint import (
    PrivateEndpoint,
    delete_private_endpoint,
    ensure_private_endpoint,
)
from tests.azure.endpoints import BLOB_ZONE, ENDPOINT, LAKE, NETWORK_GROUP, SUBNET, decide

WANTED = PrivateEndpoint(
    id=ENDPOINT,
    target_id=LAKE,
    subnet_id=SUBNET,
    group_id="blob",
    dns=PrivateDns(resource_group_id=NETWORK_GROUP, create=True),
)


class KilledError(BaseException):
    """Nothing of the run goes on; what it has sent is with Azure."""


def killed_behind(azure, number):
    """Have a session end its run behind its request of that number, counted from 1."""
    client, sent = azure.arm._client, 0
    send = client.send_request

    async def counting(*arguments, **options):
        nonlocal sent
        answer = await send(*arguments, **options)
        sent += 1
        if sent == number:
            raise KilledError
        return answer

    client.send_request = counting


@pytest.fixture
def killed_everywhere(azure_lab, open_session):
    """Runs it killed behind its first request, then behind its second, and so on until it ends; after each the check.

    :return: how often it was killed
    """

    async def attempt(run, number):
        async with open_session() as azure:
            killed_behind(azure, number)
            with deadline(30):
                return await run(azure)

    def go(run, prepare, check):
        for number in range(1, 100):
            azure_lab.reset()
            prepare()
            try:
                asyncio.run(attempt(run, number))
            except KilledError:
                assert asyncio.run(attempt(run, 0)).settled
                check(number)
            else:
                return number - 1
        raise AssertionError("it never came to its end")

    return go


def check_made(lab):
    def check(number):
        group = f"{NETWORK_GROUP}/providers/Microsoft.Network"
        assert [one["id"] for one in lab.get(f"{group}/privateEndpoints")["value"]] == [ENDPOINT], number
        (connection,) = lab.get(f"{LAKE}/privateEndpointConnections")["value"]
        assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved", number
        assert [one["id"] for one in lab.get(f"{group}/privateDnsZones")["value"]] == [BLOB_ZONE], number
        assert len(lab.get(f"{BLOB_ZONE}/virtualNetworkLinks")["value"]) == 1, number
        assert len(lab.get(f"{ENDPOINT}/privateDnsZoneGroups")["value"]) == 1, number
        assert lab.get(f"{BLOB_ZONE}/A/contosolake") is not None, number
        sent = [one.path for one in lab.journal(method="PUT")]
        assert len(sent) == len(set(sent)), number

    return check


def test_one_that_is_being_made(azure_lab, killed_everywhere):
    async def make(azure):
        return await ensure_private_endpoint(azure, WANTED)

    assert killed_everywhere(make, lambda: None, check_made(azure_lab)) > 12


def test_one_that_is_being_made_again(azure_lab, killed_everywhere):
    def rejected():
        connection = {"name": "x", "properties": {"privateLinkServiceId": LAKE, "groupIds": ["blob"]}}
        properties = {"subnet": {"id": SUBNET}, "manualPrivateLinkServiceConnections": [connection]}
        azure_lab.put(ENDPOINT, {"location": "westeurope", "properties": properties})
        decide(azure_lab, "Rejected")

    async def make_again(azure):
        return await ensure_private_endpoint(azure, WANTED, replace_it=True)

    assert killed_everywhere(make_again, rejected, check_made(azure_lab)) > 14


def test_one_that_is_being_deleted(azure_lab, killed_everywhere):
    def there():
        connection = {"name": "x", "properties": {"privateLinkServiceId": LAKE, "groupIds": ["blob"]}}
        properties = {"subnet": {"id": SUBNET}, "privateLinkServiceConnections": [connection]}
        azure_lab.put(ENDPOINT, {"location": "westeurope", "properties": properties})

    def check(number):
        assert azure_lab.get(ENDPOINT) is None, number
        assert azure_lab.get(f"{LAKE}/privateEndpointConnections")["value"] == [], number

    async def delete(azure):
        return await delete_private_endpoint(azure, ENDPOINT)

    assert killed_everywhere(delete, there, check) >= 2
