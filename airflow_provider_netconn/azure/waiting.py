"""Looking at a resource until it is as somebody waits for it to be, and no longer than the caller's deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_provider_netconn.azure.deadlines import Deadline, current_deadline
from airflow_provider_netconn.errors import AzureDeadlineExceededError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.arm import ArmClient

T = TypeVar("T")

PAUSE_S: Final = 2.0
"""Between two looks at what Azure itself is at work on."""
ENDED: Final = frozenset({"succeeded", "failed", "canceled"})
_LIMIT_S: Final = 600.0


async def look_until(
    look: Callable[[], Awaitable[T]],
    done: Callable[[T], bool],
    *,
    resource: str,
    line: Callable[[T], str],
    pause_s: float = PAUSE_S,
) -> T:
    """Look until it is done.

    :param look: reads how it stands
    :param line: says so, for the error
    :param pause_s: between two looks
    :return: what was seen last
    :raises AzureDeadlineExceededError: the caller's deadline came first; without one, ten minutes are over
    """
    limit = current_deadline() or Deadline.after(_LIMIT_S)
    while True:
        seen = await look()
        if done(seen):
            return seen
        pause = limit.pause_s(pause_s)
        if pause is None:
            raise AzureDeadlineExceededError(
                resource, line(seen), remedy="a retry goes on where this ended; give more time where that is too short"
            )
        await asyncio.sleep(pause)


async def provisioned(arm: ArmClient, resource_id: str, *, api_version: str) -> dict[str, Any] | None:
    """Wait until a resource's provisioning has ended, well or badly.

    :return: the resource; None where it is gone
    """

    async def look() -> dict[str, Any] | None:
        return await arm.get(resource_id, api_version=api_version)

    return await look_until(
        look,
        lambda seen: seen is None or provisioning_state(seen).casefold() in ENDED,
        resource=resource_id,
        line=lambda seen: f"provisioningState is still {provisioning_state(seen)}",
    )


def provisioning_state(seen: dict[str, Any] | None) -> str:
    """``properties.provisioningState``; empty where there is none."""
    return str(((seen or {}).get("properties") or {}).get("provisioningState") or "")
