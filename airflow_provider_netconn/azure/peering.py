"""Bringing a peering of virtual networks about, on one side or on both, and taking it away again."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.azure.deadlines import Deadline, current_deadline
from airflow_provider_netconn.azure.peering_moves import Write, judge, next_write
from airflow_provider_netconn.azure.peering_state import (
    API_VERSION,
    Goal,
    PeeringState,
    Sides,
    SideState,
    WantedPeering,
    found_in,
)
from airflow_provider_netconn.errors import (
    AzureDeadlineExceededError,
    AzureForbiddenError,
    AzureNotFoundError,
    AzureTenantError,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

log = logging.getLogger("airflow_provider_netconn.azure")

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 2.0
_LOCK_POLL_S: Final = 0.05
_LIMIT_S: Final = 600.0
_LOCKS: Final[dict[str, threading.Lock]] = {}
"""By network: Azure changes the peerings of a network one at a time, and refuses what comes in between."""


async def ensure_peering(
    azure: AzureSession, wanted: WantedPeering, *, wait: bool = True, remote: AzureSession | None = None
) -> PeeringState:
    """Look at both sides, and write what is not as wanted of those that are ours; nothing where all is well.

    It adopts a peering between the two networks whatever its name, updates it, syncs the side that is out of sync, and
    repairs a Disconnected one. Whatever a run before it left undone it carries on: all it goes by is in Azure.

    :param azure: as whom the local side is read and written
    :param wait: until it is settled, within the deadline that is set, or else ten minutes; False: begin what is next,
        and return
    :param remote: as whom the remote side is; by default as the local one
    :raises AzureDeadlineExceededError: with ``wait``: it is not settled by the deadline; says whose move it is
    :raises AzureError: a look or a write ended with it
    """
    work = _Work(
        wanted=wanted,
        sessions={"local": azure, "remote": remote or azure},
        has_own_remote=remote is not None,
        limit=current_deadline() or Deadline.after(_LIMIT_S),
    )
    pause_s = _FIRST_PAUSE_S
    while True:
        state, wrote = await work.step(wait=wait)
        if wrote:
            continue
        if state.settled or state.hopeless or not wait:
            return state
        resource = state.local.peering_id or state.local.network_id
        await asyncio.sleep(_room_s(work.limit, pause_s, resource, state.line))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def delete_peering(
    azure: AzureSession, wanted: WantedPeering, *, wait: bool = True, remote: AzureSession | None = None
) -> PeeringState:
    """Delete the sides that are ours; done where there are none. See :func:`ensure_peering`."""
    return await ensure_peering(azure, replace(wanted, goal=Goal.ABSENT), wait=wait, remote=remote)


@dataclass(slots=True, kw_only=True)
class _Work:
    """One run: what was seen last, and what was done.

    :param sessions: by side
    :param has_own_remote: the remote side is reached with an identity of its own
    :param limit: when to wait no longer
    """

    wanted: WantedPeering
    sessions: Mapping[str, AzureSession]
    has_own_remote: bool
    limit: Deadline
    seen: dict[str, SideState] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)
    answers: dict[str, SideState] = field(default_factory=dict)
    """Of the last write, where its side may not be read."""

    async def step(self, *, wait: bool) -> tuple[PeeringState, bool]:
        """Look, and do the write that is next, alone in this process; gives how it stood, and whether there was one."""
        networks = [side.network_id for side in (self.wanted.local, self.wanted.remote) if self.wanted.ours]
        async with _alone(networks, self.limit):
            await self._look_at_both()
            local, remote = self.seen["local"], self.seen["remote"]
            state = judge(self.wanted, local, remote, done=self.done)
            write = next_write(self.wanted, local, remote, self.done)
            if state.hopeless or write is None:
                return state, False
            log.info("Peering %s of %s: %s", write.name, self.wanted.side(write.which).network_id, write.words)
            await self._send(write, wait=wait or self._must_be_waited_for(write))
            self.done.add(write.key)
            return state, True

    async def _look_at_both(self) -> None:
        sides = ("local", "remote")
        found = await asyncio.gather(*(self._look(which) for which in sides))
        self.seen = dict(zip(sides, found, strict=True))

    async def _look(self, which: str) -> SideState:
        side = self.wanted.side(which)
        before = self.seen.get(which)
        try:
            if before is not None and before.peering_id and not before.unseen:
                return await self._read(which, before.peering_id)
            return found_in(await self._list(which), self.wanted, which)
        except (AzureForbiddenError, AzureTenantError) as error:
            return self.answers.get(which) or SideState(network_id=side.network_id, not_visible=str(error))
        except AzureNotFoundError as error:
            return self._of_missing_network(which, error)

    async def _read(self, which: str, peering_id: str) -> SideState:
        """By its id: what was written just now may be missing from lists, and the pipeline waits for it."""
        peering = await self.sessions[which].arm.get(peering_id, api_version=API_VERSION)
        network_id = self.wanted.side(which).network_id
        return SideState(network_id=network_id) if peering is None else SideState.of(peering, network_id)

    async def _list(self, which: str) -> list[dict[str, Any]]:
        peerings = f"{self.wanted.side(which).network}/virtualNetworkPeerings"
        return [one async for one in self.sessions[which].arm.list(peerings, api_version=API_VERSION)]

    def _of_missing_network(self, which: str, error: AzureNotFoundError) -> SideState:
        network_id = self.wanted.side(which).network_id
        if self.wanted.goal is Goal.ABSENT or (which == "local" and self.wanted.sides is Sides.NEITHER):
            return SideState(network_id=network_id)
        if which in self.wanted.ours:
            raise error
        return SideState(network_id=network_id, not_visible=str(error))

    def _must_be_waited_for(self, write: Write) -> bool:
        """Whether nobody could tell later what came of it.

        Who waits for us sees with the local identity, and sees of an operation that failed again no reason.
        """
        side = self.seen[write.which]
        return bool(side.not_visible) or side.has_failed or (write.which == "remote" and self.has_own_remote)

    async def _send(self, write: Write, *, wait: bool) -> None:
        network = self.wanted.side(write.which).network
        peering, arm = f"{network}/virtualNetworkPeerings/{write.name}", self.sessions[write.which].arm
        self.answers = {}
        if write.body is None:
            await arm.delete(peering, api_version=API_VERSION, wait=wait)
            return
        query = {"syncRemoteAddressSpace": "true"} if write.sync else None
        unseen = bool(self.seen[write.which].not_visible)
        made = await arm.put(peering, write.body, api_version=API_VERSION, query=query, wait=wait, unseen=unseen)
        answer = SideState.of(made, network.text, unseen=unseen)
        if unseen:
            self.answers = {write.which: replace(answer, provisioning_state="Succeeded")}  # its operation has ended
        elif not self.seen[write.which].peering_id:
            self.seen[write.which] = answer


@asynccontextmanager
async def _alone(network_ids: list[str], limit: Deadline) -> AsyncIterator[None]:
    """Hold the locks of networks, whatever thread or event loop others are on."""
    held: list[threading.Lock] = []
    try:
        for key in sorted({network_id.casefold() for network_id in network_ids}):  # all in one order: no deadlock
            lock = _LOCKS.setdefault(key, threading.Lock())
            while not lock.acquire(blocking=False):
                busy = "another task of this process is changing its peerings"
                await asyncio.sleep(_room_s(limit, _LOCK_POLL_S, key, busy))
            held.append(lock)
        yield
    finally:
        for lock in held:
            lock.release()


def _room_s(limit: Deadline, wanted_s: float, resource: str, seen: str) -> float:
    """How long to pause of what is wanted, so that there is time for a look behind it."""
    pause_s = limit.pause_s(wanted_s)
    if pause_s is None:
        raise AzureDeadlineExceededError(
            resource, f"not settled after {limit.total_s:g} s: {seen}",
            remedy="a retry goes on where this ended; allow more time where that is too short",
        )  # fmt: skip
    return pause_s
