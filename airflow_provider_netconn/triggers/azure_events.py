"""Events of Azure for Airflow's asset watchers: a private endpoint is approved, or is approved no more.

Nothing heavy is imported here: Airflow imports a trigger's module on the event loop that all triggers share, and a DAG
that watches imports it too.
"""

from __future__ import annotations

import asyncio
import importlib
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.triggers import BaseEventTrigger  # on Airflow 2 a plain BaseTrigger
from airflow.triggers.base import TriggerEvent

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointState

_POLLING: Final = "airflow_provider_netconn.azure.polling"
_APPROVED: Final = "Approved"


class PrivateEndpointEventTrigger(BaseEventTrigger):
    """Watches a private endpoint, and yields an event each time that it is approved or is approved no more.

    It is for an ``AssetWatcher`` (Airflow 3). It never ends by itself: a look that fails is tried again at the next
    one, and an endpoint that is not there yet, or may not be read, is looked for again. Changes from one status to
    another that are neither into nor out of ``Approved`` are no events. All that watch or wait in one triggerer, in one
    subscription and by one connection share one list.

    From Airflow 3.3 on the last status is kept with the asset, so that what changed while no triggerer was looking is
    an event too. Before, or where the same watcher is given to several assets, such a change is missed.

    An event is ``{"endpoint_id": ..., "status": ..., "previous_status": ..., "description": ..., "target_id": ...,
    "addresses": [...]}``. A status is empty where there is no such endpoint; the previous one is null in an event of
    what was seen first.

    :param endpoint_id: of the private endpoint
    :param azure_conn_id: connection of the type ``azure_network`` or ``azure``
    :param poll_interval_s: pause between two looks, in seconds
    :param report_first: what is seen first is an event too, whichever status it is; where the last status is not kept,
        so it is again after each restart of the triggerer
    :param read_alone: read the endpoint itself, where the list of its subscription may not be read
    :raises InvalidOptionError: it is no private endpoint's id, or no pause
    """

    def __init__(
        self,
        *,
        endpoint_id: str,
        azure_conn_id: str = AzureNetworkHook.default_conn_name,
        poll_interval_s: float = 60.0,
        report_first: bool = False,
        read_alone: bool = False,
    ) -> None:
        # Told to the author of the DAG; else the triggerer's log alone would tell. The module is small and pure.
        from airflow_provider_netconn.azure.private_endpoint_state import endpoint_id_of

        super().__init__()  # type: ignore[no-untyped-call] # Airflow's own has no annotations
        self.endpoint_id = endpoint_id_of(endpoint_id).text
        if not poll_interval_s > 0:
            raise InvalidOptionError("poll_interval_s", f"{poll_interval_s!r} is no pause", "give seconds, such as 60")
        self.azure_conn_id = azure_conn_id
        self.poll_interval_s = poll_interval_s
        self.report_first = report_first
        self.read_alone = read_alone

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the keyword arguments: plain JSON without secrets."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "endpoint_id": self.endpoint_id,
            "azure_conn_id": self.azure_conn_id,
            "poll_interval_s": self.poll_interval_s,
            "report_first": self.report_first,
            "read_alone": self.read_alone,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events, for as long as the triggerer keeps it."""
        before = await self._remembered()
        async with aclosing(self._states()) as states:
            async for state in states:
                if self._is_event(before, state.status):
                    self.log.info("%s", state.line)
                    yield TriggerEvent(_payload(before, state))  # type: ignore[no-untyped-call]
                if before != state.status:  # behind the event: rather told twice than never
                    await self._remember(state.status)
                before = state.status

    def _is_event(self, before: str | None, now: str) -> bool:
        if before is None:
            return self.report_first
        return (before == _APPROVED) != (now == _APPROVED)

    # -- what outlives the triggerer ----------------------------------------------------------------

    async def _remembered(self) -> str | None:
        """The last status that was seen, by whichever triggerer; None where none was, or it is not kept."""
        store = getattr(self, "asset_state_store", None)  # injected by the triggerers of Airflow 3.3 and later
        if store is None:
            return None
        try:
            status = await store.aget(self._key)
        except Exception:
            self.log.exception("What was last seen of %s is not known; changes since then are missed", self.endpoint_id)
            return None
        return None if status is None else str(status)

    async def _remember(self, status: str) -> None:
        store = getattr(self, "asset_state_store", None)
        if store is None:
            return
        try:
            await store.aset(self._key, status)
        except Exception:
            self.log.exception("The status of %s is not kept for the next triggerer", self.endpoint_id)

    @property
    def _key(self) -> str:
        """For the status, among what is kept with the asset: several watchers may be the asset's."""
        return f"netconn_{uuid.uuid5(uuid.NAMESPACE_URL, self.endpoint_id.casefold()).hex}"

    # -- what is seen -------------------------------------------------------------------------------

    async def _states(self) -> AsyncGenerator[PrivateEndpointState, None]:
        """How it stands, each time that it was seen. What ends the watching, such as a missing connection, may pass."""
        while True:
            try:
                async with aclosing(self._seen()) as seen:
                    async for state in seen:
                        yield state
            except Exception:
                self.log.exception("Not watching %s; once more in %g s", self.endpoint_id, self.poll_interval_s)
            await asyncio.sleep(self.poll_interval_s)

    async def _seen(self) -> AsyncGenerator[PrivateEndpointState, None]:
        from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointWatch

        polling = await asyncio.to_thread(importlib.import_module, _POLLING)
        watch = PrivateEndpointWatch(endpoint_id=self.endpoint_id, by_id=self.read_alone)
        hook = AzureNetworkHook(self.azure_conn_id)
        not_visible = ""
        async with polling.shared_polls(await hook.async_session(), watch.scopes, self.poll_interval_s) as polls:
            async for snapshots in polls:
                state = watch.look(snapshots)
                # A right that was taken from us says nothing of the endpoint: it has not fallen out of Approved.
                if not state.not_visible:
                    yield state
                elif state.not_visible != not_visible:
                    self.log.warning("%s", state.line)
                not_visible = state.not_visible


def _payload(before: str | None, now: PrivateEndpointState) -> dict[str, Any]:
    return {
        "endpoint_id": now.endpoint_id,
        "status": now.status,
        "previous_status": before,
        "description": now.description,
        "target_id": now.target_id,
        "addresses": list(now.addresses),
    }
