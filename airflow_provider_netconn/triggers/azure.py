"""Waiting in the triggerer until something in Azure is as wanted: one read for all that wait on the same list.

Nothing heavy is imported here: Airflow imports a trigger's module on the event loop that all triggers share.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_netconn.errors import AzureDeadlineExceededError
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.polling import Polls
    from airflow_provider_netconn.azure.watching import ResourceState, Watch

_POLLING: Final = "airflow_provider_netconn.azure.polling"
_WATCHING: Final = "airflow_provider_netconn.azure.watching"
_LAST_LOOK_S: Final = 5.0
"""How long the last look may take, which begins at the deadline."""


class AzureStateTrigger(BaseTrigger):
    """Waits until something is as wanted, until it never will be, or until the deadline; yields one event.

    The event is ``{"state": ..., "line": ..., "since": ..., "deadline": ...}``; with ``"hopeless"``, the reason, where
    it never will be; with ``"timed_out": true`` at the deadline; with ``"error"`` where nothing could be seen at all,
    or the wait broke off.

    :param azure_conn_id: the Airflow connection
    :param subscription_id: instead of the connection's
    :param watch: what is waited for, as its ``to_json()`` has it
    :param poll_interval_s: pause between two looks, in seconds
    :param deadline: aware time in ISO 8601; absolute, so that it holds when another triggerer takes over
    :param since: aware time in ISO 8601 at which the wait began
    :param not_before: aware time in ISO 8601 before which no event is sent: see
        :func:`airflow_provider_netconn.triggers.check.earliest_resume`
    """

    def __init__(
        self,
        *,
        azure_conn_id: str,
        watch: Mapping[str, Any],
        deadline: str,
        since: str,
        subscription_id: str = "",
        poll_interval_s: float = 15.0,
        not_before: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's own has no annotations
        self.azure_conn_id = azure_conn_id
        self.watch = dict(watch)
        self.deadline = deadline
        self.since = since
        self.subscription_id = subscription_id
        self.poll_interval_s = poll_interval_s
        self.not_before = not_before

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the keyword arguments: plain JSON without secrets."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "azure_conn_id": self.azure_conn_id,
            "watch": self.watch,
            "deadline": self.deadline,
            "since": self.since,
            "subscription_id": self.subscription_id,
            "poll_interval_s": self.poll_interval_s,
            "not_before": self.not_before,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the event."""
        try:
            event = await self._event()
        except Exception as error:
            # Raised, it would fail the task as "Trigger failure" and no more; so it goes to the task as a message.
            self.log.exception("The wait broke off")
            event = {"error": f"{type(error).__name__}: {error}"}
        if self.not_before is not None:
            await asyncio.sleep(max(_left_s(self.not_before), 0))
        yield TriggerEvent({**event, "since": self.since, "deadline": self.deadline})  # type: ignore[no-untyped-call]

    async def _event(self) -> dict[str, Any]:
        polling = await asyncio.to_thread(importlib.import_module, _POLLING)
        watching = await asyncio.to_thread(importlib.import_module, _WATCHING)
        # It imports where the watch is, too.
        watch: Watch = await asyncio.to_thread(watching.watch_of, self.watch)
        hook = AzureNetworkHook(self.azure_conn_id, subscription_id=self.subscription_id)
        async with polling.shared_polls(await hook.async_session(), watch.scopes, self.poll_interval_s) as polls:
            seen = _Seen()
            try:
                async with asyncio.timeout(max(_left_s(self.deadline), 0)):
                    await self._until_decided(watch, polls, seen)
            except TimeoutError:
                await self._last_look(watch, polls, seen)
            if seen.state is None:
                raise AzureDeadlineExceededError(
                    str(watch.scopes[0].path) if watch.scopes else "", f"nothing could be seen: {polls.error}"
                )
            return {
                "state": seen.state.to_json(),
                "line": seen.state.line,
                **({"hopeless": seen.state.hopeless} if seen.state.hopeless else {}),
                **({} if seen.is_decided else {"timed_out": True}),
            }

    async def _until_decided(self, watch: Watch, polls: Polls, seen: _Seen) -> None:
        async for snapshots in polls:
            before, seen.state = seen.state, watch.look(snapshots)
            if seen.is_decided and len(snapshots) > 1:
                # What was read apart may not be of one moment; what is decided is looked at once more as a whole.
                seen.state = watch.look(await polls.afresh())
            if seen.is_decided:
                return
            if before is None or before.line != seen.state.line:
                waited_s, left_s = -_left_s(self.since), _left_s(self.deadline)
                self.log.info(
                    "%s Waiting for: %s (%.0f s so far, %.0f s left)", seen.state.line, watch.awaited, waited_s, left_s
                )

    async def _last_look(self, watch: Watch, polls: Polls, seen: _Seen) -> None:
        """What came about just before the deadline still counts."""
        try:
            async with asyncio.timeout(_LAST_LOOK_S):
                seen.state = watch.look(await polls.afresh())
        except TimeoutError:
            self.log.warning("No answer to the last look, at the deadline; what was seen before counts")


class _Seen:
    """What was seen last."""

    state: ResourceState | None = None

    @property
    def is_decided(self) -> bool:
        """Waiting is over: it is as wanted, or never will be."""
        return self.state is not None and (self.state.settled or bool(self.state.hopeless))


def _left_s(moment: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()
