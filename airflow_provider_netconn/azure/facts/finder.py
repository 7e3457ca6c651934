"""All facts about targets, one subject after another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.azure.facts.access import look_at_door
from airflow_provider_netconn.azure.facts.endpoints import look_behind
from airflow_provider_netconn.azure.facts.inventory import Inventory, Json, Seen
from airflow_provider_netconn.azure.facts.names import look_up
from airflow_provider_netconn.azure.facts.question import Question
from airflow_provider_netconn.azure.facts.security import look_at_guards
from airflow_provider_netconn.azure.facts.ways import look_along, target_network
from airflow_provider_netconn.evidence import Fact, FactKind, Presence

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

AT_A_TIME: Final = 32
"""Targets that are looked at at a time; requests are fewer, see :mod:`.inventory`."""


_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What an answer raises that has not the shape that Azure documents."""


class FactFinder:
    """Finds what the control plane says of targets.

    Each list is read once, however many targets there are. What cannot be read becomes a fact that is not visible.

    :param azure: an open session
    """

    def __init__(self, azure: AzureSession) -> None:
        self._inventory = Inventory(azure)

    async def find(self, questions: Sequence[Question]) -> list[tuple[Fact, ...]]:
        """The facts for each question, in their order."""
        names = {question.resource_name for question in questions} - {""}
        resources: Seen[list[Json]] = await self._inventory.named(names) if names else Seen(value=[])
        turns = asyncio.Semaphore(AT_A_TIME)

        async def one(question: Question) -> tuple[Fact, ...]:
            async with turns:
                try:
                    return await self._facts(question, resources)
                except _UNREADABLE as error:
                    return (_unreadable(question, error),)

        return list(await asyncio.gather(*map(one, questions)))

    async def _facts(self, question: Question, resources: Seen[list[Json]]) -> tuple[Fact, ...]:
        behind = await look_behind(question, self._inventory, resources)
        endpoint = behind.endpoint
        far = await target_network(question, endpoint, self._inventory)
        names, ways, guards = await asyncio.gather(
            look_up(question, endpoint, self._inventory),
            look_along(question, endpoint, far, self._inventory),
            look_at_guards(question, endpoint, self._inventory),
        )
        return (*behind.facts, *names, *ways, *guards, *look_at_door(behind.resource))


def _unreadable(question: Question, error: Exception) -> Fact:
    reason = f"Azure gave an answer that cannot be read: {type(error).__name__}: {error}"
    return Fact(kind=FactKind.RESOURCE, presence=Presence.NOT_VISIBLE, subject=question.host, reason=reason)
