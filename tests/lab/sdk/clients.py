"""Azure's own management clients, sync and async, against one lab: signed in by azure-identity, and not modified.

Each test runs twice, by the one kind and by the other; importing the clients takes seconds, and happens once.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import HttpResponseError

GROUP = "sdk"
REGION = "westeurope"

CLIENTS = {
    "network": ("azure.mgmt.network", "NetworkManagementClient"),
    "storage": ("azure.mgmt.storage", "StorageManagementClient"),
    "vaults": ("azure.mgmt.keyvault", "KeyVaultManagementClient"),
    "rights": ("azure.mgmt.authorization", "AuthorizationManagementClient"),
    "resources": ("azure.mgmt.resource.resources", "ResourceManagementClient"),
    "names": ("azure.mgmt.privatedns", "PrivateDnsManagementClient"),
}


async def wait(answer):
    """Whatever either kind of client gives: pollers are waited for, pages are read to their end."""
    answer = await answer if inspect.isawaitable(answer) else answer
    if isinstance(answer, AsyncIterator):
        return [item async for item in answer]
    if hasattr(answer, "result"):
        result = answer.result()
        return await wait(result)
    return list(answer) if hasattr(answer, "by_page") else answer


async def refused(operation, *arguments, **options):
    """Status and code of the refusal."""
    with pytest.raises(HttpResponseError) as error:
        await wait(operation(*arguments, **options))
    return error.value.status_code, error.value.error.code if error.value.error is not None else None


class Sdk:
    """The clients of one kind, made when they are asked for."""

    def __init__(self, lab, kind, stack):
        self.lab, self.kind, self.stack = lab, kind, stack
        self.base = f"/subscriptions/{lab.subscription_id}/resourceGroups/{GROUP}"
        self.made = {}

    async def client(self, name, principal=None):
        """A client of :data:`CLIENTS`, signed in as a principal of the seed; by default its owner."""
        if (name, principal) not in self.made:
            self.made[name, principal] = await self._make(*CLIENTS[name], principal)
        return self.made[name, principal]

    async def _make(self, module, kind, principal):
        if self.kind == "sync":
            client = self.lab.client(getattr(importlib.import_module(module), kind), principal=principal)
            return self.stack.enter_context(client)
        from azure.identity.aio import ClientSecretCredential

        who = self.lab.principal(principal)
        credential = ClientSecretCredential(
            self.lab.tenant_id,
            who.app_id,
            who.client_secret,
            authority=self.lab.authority_url,
            disable_instance_discovery=True,
            connection_verify=self.lab.ca_file,
        )
        client = getattr(importlib.import_module(f"{module}.aio"), kind)(
            await self.stack.enter_async_context(credential),
            self.lab.subscription_id,
            base_url=self.lab.arm_url,
            connection_verify=self.lab.ca_file,
            credential_scopes=["https://management.azure.com/.default"],
            polling_interval=0,
        )
        return await self.stack.enter_async_context(client)

    def id(self, path, group=GROUP):
        """The id of a resource of the test's group, from ``Microsoft.Network/virtualNetworks/hub`` and the like."""
        return f"/subscriptions/{self.lab.subscription_id}/resourceGroups/{group}/providers/{path}"

    def ref(self, path):
        """A reference to it."""
        return {"id": self.id(path)}

    async def network(self, name, number):
        """A network of the range 10.<number>.0.0/16 with a subnet for endpoints."""
        space = {"addressSpace": {"addressPrefixes": [f"10.{number}.0.0/16"]}}
        subnets = [{"name": "endpoints", "properties": {"addressPrefix": f"10.{number}.1.0/24"}}]
        client = await self.client("network")
        body = {"location": REGION, "properties": {**space, "subnets": subnets}}
        return await wait(client.virtual_networks.begin_create_or_update(GROUP, name, body))
