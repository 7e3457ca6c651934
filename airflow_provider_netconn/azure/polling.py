"""One read for all that wait: waiters of one principal on one scope share a poller.

A poller lives from the first waiter to the last one. It reads its scope once an interval,
however many wait, a little earlier each time by chance, so that many pollers do not ask in step; it goes slower where
Azure says that requests are running out. A poll that fails fails nobody: each waiter has its own patience, and is told
the last error when that ends.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import logging
import random
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from airflow_provider_netconn.azure.blocking import BlockingSession
from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.watching import Scope, Snapshot
from airflow_provider_netconn.errors import (
    AzureError,
    AzureForbiddenError,
    AzureNotFoundError,
    AzureTenantError,
    AzureThrottledError,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.settings import AzureSettings

log = logging.getLogger("airflow_provider_netconn.azure")

_JITTER: Final = (0.85, 1.0)
_READ_LIMIT_S: Final = 60.0
_SLOWEST: Final = 8
"""How many times as slow a poller gets at most where it is throttled."""
_READS_AT_ONCE: Final = 8
"""Of one principal: waiting for many single resources must not be a storm."""
_WOKEN_TOGETHER: Final = 32
"""How many waiters look at a snapshot before the loop turns to others."""
_SALT: Final = secrets.token_bytes(32)


async def read_scope(azure: AzureSession, scope: Scope) -> Snapshot:
    """Read a scope now. Where we may not look is an answer too; where nothing is, the snapshot is empty.

    :raises AzureError: it could not be read
    """
    query = dict(scope.query) or None
    try:
        if scope.is_list:
            found = [one async for one in azure.arm.list(scope.path, api_version=scope.api_version, query=query)]
        else:
            resource = await azure.arm.get(scope.path, api_version=scope.api_version, query=query)
            found = [] if resource is None else [resource]
    except AzureNotFoundError:
        return Snapshot()
    except (AzureForbiddenError, AzureTenantError) as error:
        return Snapshot(not_visible=str(error))
    return Snapshot(resources=_Packed(found))


class _Packed(Mapping[str, dict[str, Any]]):
    """Resources by id in lower case, each as text until somebody asks for it.

    A list of a thousand is some fifty thousand objects. Kept from poll to poll, they would have Python search all of
    the process for garbage every few polls, and hold its loop for up to a second meanwhile.
    """

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        self._texts = {str(one.get("id", "")).casefold(): json.dumps(one).encode() for one in resources}

    def __getitem__(self, resource_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._texts[resource_id])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class _GarbageSearch:
    """Puts off Python's search for garbage while lists are read: what a read makes is gone by itself when it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._was_on = False

    @contextmanager
    def put_off(self) -> Iterator[None]:
        with self._lock:
            if self._readers == 0:
                self._was_on = gc.isenabled()
                gc.disable()
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                if self._readers == 0 and self._was_on:
                    gc.enable()


_GARBAGE_SEARCH: Final = _GarbageSearch()


async def read_all(azure: AzureSession, scopes: Sequence[Scope]) -> Mapping[Scope, Snapshot]:
    """Read scopes now, at the same time.

    :raises AzureError: one of them could not be read
    """
    return dict(zip(scopes, await asyncio.gather(*(read_scope(azure, one) for one in scopes)), strict=True))


class Polls:
    """What a waiter holds: iterate over it for what its scopes hold, each time that one of them was read."""

    def __init__(self, pollers: Mapping[Scope, _Poller], interval_s: float) -> None:
        self._pollers = pollers
        self.interval_s = interval_s
        self._seen: dict[Scope, int] = {}
        self._logged: tuple[object, ...] = ()
        self._news = asyncio.Event()

    @property
    def error(self) -> AzureError | None:
        """What the last poll ended with; None where it went well."""
        return next((one.error for one in self._pollers.values() if one.error is not None), None)

    def tell(self) -> None:
        """One of the scopes was read."""
        self._news.set()

    async def afresh(self) -> Mapping[Scope, Snapshot]:
        """What all scopes hold from now on: each is read now, and not when its time comes.

        Scopes that were read one after the other may tell of a change in one and not yet in the other.
        """
        since = time.monotonic()
        for poller in self._pollers.values():
            poller.hurry()
        while True:
            self._news.clear()
            read = {scope: poller.read_since(since) for scope, poller in self._pollers.items()}
            known = {scope: one for scope, one in read.items() if one is not None}
            if len(known) == len(read):
                return known
            self._raise_failures()
            await self._news.wait()

    def _raise_failures(self) -> None:
        for poller in self._pollers.values():
            if poller.failed is not None:
                raise poller.failed

    def _log_error(self) -> None:
        """Log a poll that failed, once for each new reason; done by who waits, in whose log it is looked for."""
        error = self.error
        reason = () if error is None else (type(error), error.resource, error.code)
        if error is not None and reason != self._logged:
            log.warning("Looking again later: %s", error)
        self._logged = reason

    async def __aiter__(self) -> AsyncIterator[Mapping[Scope, Snapshot]]:
        while True:
            self._log_error()
            fresh = {scope: poller.fresh(self.interval_s) for scope, poller in self._pollers.items()}
            versions = {scope: poller.version for scope, poller in self._pollers.items()}
            known = {scope: one for scope, one in fresh.items() if one is not None}
            self._raise_failures()
            if len(known) == len(fresh) and versions != self._seen:
                self._seen = versions
                yield known
            await self._news.wait()
            self._news.clear()


class _Poller:
    """Reads one scope for all its waiters."""

    def __init__(self, shared: _SharedSession, scope: Scope) -> None:
        self._shared = shared
        self.scope = scope
        self._snapshot: Snapshot | None = None
        self._read_at = self._begun_at = float("-inf")
        self._slower = 1
        self._hurry = asyncio.Event()
        self.version = 0
        self.error: AzureError | None = None
        self.failed: Exception | None = None
        """What ended it, which was no answer of Azure's."""
        self.waiters: set[Polls] = set()
        self.task = asyncio.get_running_loop().create_task(self._live(), name=f"netconn poll {scope.path}")

    def hurry(self) -> None:
        self._hurry.set()

    def fresh(self, within_s: float) -> Snapshot | None:
        """The last snapshot; None where it is older than a waiter that was not there when it was read may take."""
        is_fresh = time.monotonic() - self._read_at <= max(within_s, self._interval_s) * self._slower + 1
        return self._snapshot if is_fresh else None

    def read_since(self, moment: float) -> Snapshot | None:
        """The last snapshot; None where its reading began before a moment of the monotonic clock."""
        return self._snapshot if self._begun_at >= moment else None

    @property
    def _interval_s(self) -> float:
        return min((waiter.interval_s for waiter in self.waiters), default=1.0)

    async def _live(self) -> None:
        try:
            await self._run()
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
            self.failed = error
            for waiter in self.waiters:
                waiter.tell()

    async def _run(self) -> None:
        azure = await self._shared.open()
        while True:
            self._hurry.clear()
            await self._read(azure)
            for number, waiter in enumerate(tuple(self.waiters), 1):
                waiter.tell()
                if number % _WOKEN_TOGETHER == 0:
                    await asyncio.sleep(0)
            pause_s = self._interval_s * self._slower * random.uniform(*_JITTER)  # noqa: S311 - spreads requests
            try:
                async with asyncio.timeout(pause_s):
                    await self._hurry.wait()
            except TimeoutError:
                continue

    async def _read(self, azure: BlockingSession) -> None:
        begun_at = time.monotonic()
        try:
            async with self._shared.room:
                with deadline(_READ_LIMIT_S), _GARBAGE_SEARCH.put_off():
                    self._snapshot = await asyncio.wrap_future(azure.submit(read_scope, self.scope))
        except AzureError as error:
            self.error = error
            self._slower = min(self._slower * 2, _SLOWEST) if isinstance(error, AzureThrottledError) else self._slower
        else:
            self.error, self._slower = None, 1
            self.version += 1
            self._read_at, self._begun_at = time.monotonic(), begun_at


class _SharedSession:
    """One open session for all pollers of one principal on one loop, and these pollers.

    It asks on a loop of its own, in a thread of its own: to read a list of a thousand would hold up all who share ours.
    """

    def __init__(self, session: AzureSession) -> None:
        self._session = session
        self._opened: asyncio.Task[BlockingSession] | None = None
        self.pollers: dict[Any, _Poller] = {}
        self.room = asyncio.Semaphore(_READS_AT_ONCE)

    async def open(self) -> BlockingSession:
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_task(asyncio.to_thread(self._open))
        return await asyncio.shield(self._opened)

    async def close(self) -> None:
        if self._opened is not None:
            await asyncio.wait([self._opened])
            if not self._opened.cancelled() and self._opened.exception() is None:
                await asyncio.to_thread(self._opened.result().__exit__, None, None, None)

    def _open(self) -> BlockingSession:
        return BlockingSession(self._session).__enter__()


class _Loop:
    """What is shared on one event loop."""

    def __init__(self) -> None:
        self.sessions: dict[str, _SharedSession] = {}
        self.ending: set[asyncio.Task[None]] = set()


_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()


@asynccontextmanager
async def shared_polls(session: AzureSession, scopes: Sequence[Scope], interval_s: float) -> AsyncIterator[Polls]:
    """Wait together with all others on this loop that wait on the same scopes as the same principal.

    :param session: as whom and where to ask; not yet open, and opened only where no other waiter has one like it
    :param interval_s: pause between two reads, in seconds; the shortest one of all waiters of a scope holds
    """
    here = _LOOPS.setdefault(asyncio.get_running_loop(), _Loop())
    key = principal_key(session.settings)
    shared = here.sessions.get(key)
    if shared is None:
        shared = here.sessions[key] = _SharedSession(session)
    pollers: dict[Scope, _Poller] = {}
    for scope in scopes:
        found = shared.pollers.get(scope.key)
        if found is None or found.task.done():
            found = shared.pollers[scope.key] = _Poller(shared, scope)
        pollers[scope] = found
    polls = Polls(pollers, interval_s)
    for poller in pollers.values():
        poller.waiters.add(polls)
    try:
        yield polls
    finally:
        _leave(here, key, polls)


def polled_here() -> tuple[Scope, ...]:
    """What is polled on this loop now: each scope once for each principal, however many wait on it."""
    here = _LOOPS.get(asyncio.get_running_loop(), _Loop())
    return tuple(poller.scope for shared in here.sessions.values() for poller in shared.pollers.values())


async def polls_closed() -> None:
    """Wait until what nobody on this loop waits for any more is closed, which goes on behind the last waiter."""
    here = _LOOPS.get(asyncio.get_running_loop(), _Loop())
    await asyncio.gather(*here.ending)


def _leave(here: _Loop, key: str, polls: Polls) -> None:
    """Go, and end what nobody waits for any more. Nothing is awaited: who goes may have been cancelled."""
    shared = here.sessions[key]
    ended = []
    for scope_key, poller in tuple(shared.pollers.items()):
        poller.waiters.discard(polls)
        if not poller.waiters:
            del shared.pollers[scope_key]
            poller.task.cancel()
            ended.append(poller.task)
    is_last = not shared.pollers
    if is_last:
        del here.sessions[key]

    async def end() -> None:
        await asyncio.gather(*ended, return_exceptions=True)
        if is_last:
            await shared.close()

    if ended:
        task = asyncio.get_running_loop().create_task(end(), name="netconn end of polls")
        here.ending.add(task)
        task.add_done_callback(here.ending.discard)


def principal_key(settings: AzureSettings) -> str:
    """The same for sessions that may share their answers: one credential, cloud and tenant, one way to Azure.

    It tells nothing of the secrets that are in it.
    """
    return hashlib.blake2b(repr(astuple(replace(settings, subscription_id=""))).encode(), key=_SALT).hexdigest()
