"""Servers behind single resources: started when first needed, ended with their resource and with the lab."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from airflow_provider_netconn.lab.services.processes import ProgramError

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

_LOG: Final = logging.getLogger("netconn.lab")


class Backend(Protocol):
    """A server behind one resource."""

    @classmethod
    def start(cls, resource: Resource) -> Awaitable[Self]:
        """Start one.

        :raises ProgramError: it cannot be had on this machine
        """

    async def stop(self) -> None:
        """End it."""


B = TypeVar("B", bound=Backend)
_Key = tuple[str, float]


class Backends:
    """All such servers of a lab."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._running: dict[_Key, Any] = {}
        self._locks: dict[_Key, asyncio.Lock] = {}
        self._missing: set[type] = set()

    async def of(self, resource: Resource, kind: type[B]) -> B | None:
        """:return: a resource's server, started where it was not; None: this machine has no such program"""
        if kind in self._missing:
            return None
        key = (resource.path.key, resource.created_at)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self._running:
                try:
                    self._running[key] = await kind.start(resource)
                except (ProgramError, TimeoutError) as error:
                    _LOG.warning("%s goes without a server: %s", resource.id, error)
                    self._missing.add(kind)
                    return None
            found: B = self._running[key]
            return found

    async def end_orphans(self) -> None:
        """End the servers of resources that have gone, or were made anew."""
        for key in list(self._running):
            resource = self._plane.store.find(key[0])
            if resource is None or resource.created_at != key[1]:
                await self._running.pop(key).stop()
                self._locks.pop(key, None)

    async def stop(self) -> None:
        """End all."""
        running, self._running = self._running, {}
        for one in running.values():
            await one.stop()
