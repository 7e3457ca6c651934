"""What is read of Azure for facts: each list and each resource once, however many targets ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from airflow_provider_netconn.azure.resource_ids import ResourceId
from airflow_provider_netconn.errors import AzureMalformedAnswerError, NetconnError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

Json = dict[str, Any]
T = TypeVar("T")

NETWORK_VERSION: Final = "2024-05-01"
PRIVATE_DNS_VERSION: Final = "2020-06-01"
_GRAPH_VERSION: Final = "2021-03-01"
_AT_A_TIME: Final = 8
_IN_A_QUERY: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[T]):
    """What a look gave.

    :param value: what was read; of several lists, what of it could be read
    :param hidden: why it could not be read, or not in full; empty where it could
    """

    value: T
    hidden: str = ""


class Inventory:
    """Reads of one session, each made once, several at a time. None of them raises an error of Azure's.

    :param azure: an open session
    """

    def __init__(self, azure: AzureSession) -> None:
        self._azure = azure
        self._reads: dict[tuple[str, ...], asyncio.Task[Any]] = {}
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    async def resource(self, resource_id: str, api_version: str = NETWORK_VERSION) -> Seen[Json | None]:
        """A resource by its id; None, with nothing hidden, where there is none."""

        async def read() -> Seen[Json | None]:
            return Seen(value=await self._azure.arm.get(resource_id, api_version=api_version))

        return await self._once(("resource", resource_id.casefold()), read, None)

    async def listed(self, path: str, api_version: str = NETWORK_VERSION) -> Seen[list[Json]]:
        """A list by its path."""

        async def read() -> Seen[list[Json]]:
            return Seen(value=[one async for one in self._azure.arm.list(path, api_version=api_version)])

        return await self._once(("list", path.casefold()), read, [])

    async def everywhere(self, resource_type: str, api_version: str = NETWORK_VERSION) -> Seen[list[Json]]:
        """All resources of a type in the subscriptions in sight: one list for each."""
        subscriptions = await self.subscriptions()
        paths = [f"/subscriptions/{one}/providers/{resource_type}" for one in subscriptions.value]
        lists = await asyncio.gather(*(self.listed(path, api_version) for path in paths))
        hidden = _joined(subscriptions.hidden, *(one.hidden for one in lists))
        return Seen(value=[item for one in lists for item in one.value], hidden=hidden)

    async def subscriptions(self) -> Seen[list[str]]:
        """The ids of the subscriptions in sight."""

        async def read() -> Seen[list[str]]:
            found = [str(one["subscriptionId"]) async for one in self._azure.subscriptions()]
            return Seen(value=found, hidden="" if found else "no subscription is in sight: the identity has no role")

        return await self._once(("subscriptions",), read, [])

    async def is_foreign(self, resource_id: str) -> bool:
        """Whether a resource lies in a subscription that is not in sight."""
        subscriptions = await self.subscriptions()
        return ResourceId.parse(resource_id).subscription_id.casefold() not in map(str.casefold, subscriptions.value)

    async def named(self, names: Iterable[str]) -> Seen[list[Json]]:
        """All resources of these names in sight, whatever their type: from Resource Graph, which needs one question
        for all, and lags behind by up to some minutes (Microsoft Learn, "Resource Graph overview")."""
        asked = sorted({name.casefold() for name in names if name.isprintable() and "'" not in name})
        parts = [asked[start : start + _IN_A_QUERY] for start in range(0, len(asked), _IN_A_QUERY)]
        seen = await asyncio.gather(*(self._query(f"resources | where name in~ ({_quoted(part)})") for part in parts))
        hidden = _joined(*(one.hidden for one in seen))
        return Seen(value=[row for one in seen for row in one.value], hidden=hidden)

    async def _query(self, query: str) -> Seen[list[Json]]:
        async def read() -> Seen[list[Json]]:
            rows: list[Json] = []
            options: Json = {"resultFormat": "objectArray"}
            while True:
                answer = await self._azure.arm.action(
                    "/providers/Microsoft.ResourceGraph/resources",
                    {"query": query, "options": options},
                    api_version=_GRAPH_VERSION,
                    repeatable=True,
                )
                if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
                    raise AzureMalformedAnswerError("Resource Graph", "its answer has no list of rows")
                rows += answer["data"]
                if not answer.get("$skipToken"):
                    return Seen(value=rows)
                options = {**options, "$skipToken": answer["$skipToken"]}

        return await self._once(("query", query), read, [])

    async def _once(self, key: tuple[str, ...], read: Callable[[], Awaitable[Seen[T]]], nothing: T) -> Seen[T]:
        if key not in self._reads:
            self._reads[key] = asyncio.ensure_future(self._guarded(read, nothing))
        found: Seen[T] = await asyncio.shield(self._reads[key])
        return found

    async def _guarded(self, read: Callable[[], Awaitable[Seen[T]]], nothing: T) -> Seen[T]:
        async with self._turns:
            try:
                return await read()
            except NetconnError as error:
                return Seen(value=nothing, hidden=str(error))


def properties_of(resource: Json | None) -> Json:
    """The properties of a resource; empty where it has none."""
    found = (resource or {}).get("properties")
    return found if isinstance(found, dict) else {}


def id_in(value: Any, key: str) -> str:
    """The id that an object refers to under a key, as in ``{"subnet": {"id": ...}}``; empty where it has none."""
    found = value.get(key) if isinstance(value, dict) else None
    return str(found.get("id") or "") if isinstance(found, dict) else ""


def network_of(subnet_id: str) -> str:
    """The id of the network that a subnet lies in; the id itself where it is that of a network."""
    at = subnet_id.casefold().find("/subnets/")
    return subnet_id[:at] if at >= 0 else subnet_id


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _joined(*reasons: str) -> str:
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))
