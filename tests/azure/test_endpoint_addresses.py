"""The names of a private endpoint and their addresses, as the local Azure tells them."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.azure.endpoint_addresses import endpoint_addresses
from airflow_provider_netconn.errors import AzureConflictError, AzureNotFoundError, InvalidOptionError
from tests.lab.services.reaching import GROUP, STORAGE, connect_privately


async def test_an_approved_endpoint_gives_its_public_names(azure_lab, open_session):
    endpoint = connect_privately(azure_lab, STORAGE, "blob")
    async with open_session() as azure:
        found = await endpoint_addresses(azure, endpoint)
    assert list(found) == ["contosolake.blob.core.windows.net"]
    ((address,),) = found.values()
    assert address.startswith("10.20.1.")


async def test_what_tells_no_names_is_said(azure_lab, open_session):
    endpoint = connect_privately(azure_lab, STORAGE, "blob")
    (connection,) = azure_lab.request("GET", f"{STORAGE}/privateEndpointConnections")["value"]
    state = {"status": "Rejected", "description": "a test"}
    azure_lab.put(connection["id"], {"properties": {"privateLinkServiceConnectionState": state}})
    async with open_session() as azure:
        with pytest.raises(AzureConflictError, match="approved first"):
            await endpoint_addresses(azure, endpoint)
        with pytest.raises(AzureNotFoundError, match="no such private endpoint"):
            await endpoint_addresses(azure, f"{GROUP}/providers/Microsoft.Network/privateEndpoints/none")
        for unfit in (STORAGE, "lake"):
            with pytest.raises(InvalidOptionError, match="endpoint_id"):
                await endpoint_addresses(azure, unfit)
