"""Sessions with the local Azure, and what a test says to both of its clients."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest

from airflow_provider_netconn.azure.session import AzureSession
from airflow_provider_netconn.azure.settings import AzureSettings, SignIn
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook

API_VERSION = "2024-05-01"
GROUP = "test-networks"


def settings_of(lab, principal=None, **changes):
    """Settings to sign in at the lab with a principal's secret."""
    chosen = lab.principal(principal)
    given = {
        "sign_in": SignIn.CLIENT_SECRET,
        "tenant_id": lab.local.seed.tenant(chosen.tenant).id,
        "client_id": chosen.app_id,
        "client_secret": chosen.client_secret,
        "authority_url": lab.authority_url,
        "arm_url": lab.arm_url,
        "ca_file": lab.ca_file,
        "subscription_id": lab.subscription_id,
    }
    return AzureSettings(**{**given, **changes})


@pytest.fixture
def open_session(azure_lab):
    """Opens sessions: ``async with open_session("reader") as azure``."""

    @asynccontextmanager
    async def make(principal=None, *, request_timeout_s=60.0, timeout_s=600.0, **changes):
        settings = settings_of(azure_lab, principal, **changes)
        async with AzureSession(settings, timeout_s=timeout_s, request_timeout_s=request_timeout_s) as session:
            yield session

    return make


@pytest.fixture
def connect(azure_lab, monkeypatch):
    """Make a connection that signs in at the lab; returns a hook for it."""

    def make(principal=None, conn_type="azure_network", extra=(), **fields):
        chosen = azure_lab.principal(principal)
        kept = {
            "tenantId": azure_lab.local.seed.tenant(chosen.tenant).id,
            "subscriptionId": azure_lab.subscription_id,
            "arm_url": azure_lab.arm_url,
            "authority_url": azure_lab.authority_url,
            "ca_file": azure_lab.ca_file,
            **dict(extra),
        }
        connection = {"conn_type": conn_type, "login": chosen.app_id, "password": chosen.client_secret, "extra": kept}
        monkeypatch.setenv("AIRFLOW_CONN_AZURE_TEST", json.dumps({**connection, **fields}))
        return AzureNetworkHook("azure_test")

    return make


class Generic:
    """Writes and reads a peering through the generic client."""

    def __init__(self, session):
        self._arm = session.arm

    async def put(self, peering):
        found = await self._arm.put(peering.id, peering.body, api_version=API_VERSION)
        return found["properties"]["provisioningState"]

    async def delete(self, peering):
        await self._arm.delete(peering.id, api_version=API_VERSION)

    async def get(self, peering):
        found = await self._arm.get(peering.id, api_version=API_VERSION)
        return found["properties"]["provisioningState"]


class Typed:
    """Writes and reads a peering through ``azure.mgmt.network``, as anybody would."""

    def __init__(self, session):
        self._session = session

    async def put(self, peering):
        operations = (await self._session.network()).virtual_network_peerings
        poller = await operations.begin_create_or_update(GROUP, peering.local.name, peering.name, peering.body)
        return (await poller.result()).provisioning_state

    async def delete(self, peering):
        operations = (await self._session.network()).virtual_network_peerings
        await (await operations.begin_delete(GROUP, peering.local.name, peering.name)).result()

    async def get(self, peering):
        operations = (await self._session.network()).virtual_network_peerings
        return (await operations.get(GROUP, peering.local.name, peering.name)).provisioning_state


CLIENTS = {"typed": Typed, "generic": Generic}
