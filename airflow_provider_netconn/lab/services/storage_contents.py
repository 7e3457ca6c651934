"""What is in the accounts: Azurite kept in step with the accounts, keys and containers that Resource Manager has."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.resources.storage_accounts import ACCOUNTS
from airflow_provider_netconn.lab.services import shared_key
from airflow_provider_netconn.lab.services.http_client import Answered, Request, ask

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.services.azurite import Azurite

_CONTAINERS: Final = f"{ACCOUNTS}/blobServices/containers"
_LISTS: Final = {
    "blob": (
        "/?comp=list&include=deleted,metadata",
        re.compile(r"<Container><Name>([^<]+)</Name>"),
        "/{}?restype=container",
    ),
    "queue": ("/?comp=list", re.compile(r"<Queue><Name>([^<]+)</Name>"), "/{}"),
    "table": ("/Tables", re.compile(r'"TableName":"([^"]+)"'), "/Tables('{}')"),
}


class Contents:
    """Keeps Azurite in step, at each request.

    An account that was made anew under a name that was there before begins empty, as in Azure.
    """

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite
        self._known: dict[str, float] = {}
        self._made: dict[str, set[str]] = {}
        self._lock = asyncio.Lock()

    async def ready(self, plane: ControlPlane, account: Resource) -> bool:
        """See an account served as Resource Manager has it.

        :return: whether there is an Azurite to serve it
        """
        accounts = {
            one.path.name.lower(): tuple(key["value"] for key in one.properties["keys"])
            for one in plane.store.of_type(ACCOUNTS)
        }
        if not await self._azurite.serve(accounts):
            return False
        async with self._lock:
            await self._keep_in_step(plane, account)
        return True

    async def _keep_in_step(self, plane: ControlPlane, account: Resource) -> None:
        name = account.path.name.lower()
        if self._known.get(name) != account.created_at:
            if name in self._known:
                await self._empty(account)
            self._known[name], self._made[name] = account.created_at, set()
        for container in self.containers(plane, account):
            if container not in self._made[name]:
                await self._ask("blob", "PUT", f"/{container}?restype=container", account)
                self._made[name].add(container)
        self._made[name] &= set(self.containers(plane, account))

    @staticmethod
    def containers(plane: ControlPlane, account: Resource) -> list[str]:
        """:return: the containers that Resource Manager made in an account"""
        service = account.path.child("blobServices", "default")
        return sorted(one.path.name for one in plane.store.children(service, _CONTAINERS))

    async def _empty(self, account: Resource) -> None:
        """Take out what an account of the same name left."""
        for service, (listing, pattern, place) in _LISTS.items():
            found = await self._ask(service, "GET", listing, account)
            for name in pattern.findall(found.body.decode("utf-8", "replace")):
                await self._ask(service, "DELETE", place.format(name), account)

    async def _ask(self, service: str, method: str, target: str, account: Resource) -> Answered:
        name = account.path.name.lower()
        path, _, query = target.partition("?")
        headers = {"host": f"{name}.{service}.core.windows.net", "accept": "application/json;odata=nometadata"}
        if method == "PUT":
            headers["content-length"] = "0"
        key = str(account.properties["keys"][0]["value"])
        headers = shared_key.signed(service, name, key, method, path, query, headers)
        request = Request(method=method, path=path, query=query, parameters={}, headers=headers)
        return await ask(self._azurite.ports[service], request)
