"""Bringing a virtual hub's connection to a network about, and taking it away again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.azure.polling import read_all
from airflow_provider_netconn.azure.virtual_hub_state import (
    API_VERSION,
    CONNECTIONS,
    HubConnection,
    HubConnectionState,
    HubConnectionWatch,
)
from airflow_provider_netconn.azure.waiting import look_until, provisioning_state
from airflow_provider_netconn.errors import AzureForbiddenError, AzureNotFoundError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

log = logging.getLogger("airflow_provider_netconn.azure")


async def ensure_hub_connection(azure: AzureSession, wanted: HubConnection, *, wait: bool = True) -> HubConnectionState:
    """Look at the connection, write it where it is not as wanted, and wait for the routing of the hub.

    It adopts a connection to the network whatever its name, since a hub takes but one of each network. Where
    connections may not be read, it is written as wanted each time, and the hub is looked at.

    :param wait: until it is settled, within the deadline that is set; else begin what is next, and return
    :raises AzureNotFoundError: there is no such hub
    :raises AzureDeadlineExceededError: with ``wait``: it is not settled by the deadline
    :raises AzureError: a look or a write ended with it
    """
    state, found = await _look(azure, HubConnectionWatch(wanted=wanted))
    if not state.hub_state and not state.hub_not_visible:
        raise AzureNotFoundError(wanted.hub_id, "there is no such hub, as far as we may see", remedy="see to its id")
    if found is None or not wanted.is_in(found) or state.hopeless:
        target = str((found or {}).get("id") or wanted.id)
        log.info("Writing %s", target)
        followed = wait or _must_be_followed(state)
        written = await _write(azure, target, wanted.body(found), wait=followed)
        state, _ = await _look(azure, HubConnectionWatch(wanted=wanted, written=True))
        if state.has_failed and not followed:
            return await ensure_hub_connection(azure, wanted, wait=wait)
        if not state.provisioning_state:  # what was written just now may be missing from lists
            state = replace(state, provisioning_state=provisioning_state(written))
    if state.settled or not wait:
        return state
    return await _until_settled(azure, HubConnectionWatch(wanted=wanted, written=True))


async def delete_hub_connection(azure: AzureSession, wanted: HubConnection, *, wait: bool = True) -> HubConnectionState:
    """Delete the connection to a network, or of a name; done where there is none. See :func:`ensure_hub_connection`."""
    watch = HubConnectionWatch(wanted=wanted, absent=True)
    state, found = await _look(azure, watch)
    if state.settled:
        return state
    target = str((found or {}).get("id") or wanted.id)
    log.info("Deleting %s", target)
    followed = wait or _must_be_followed(state)
    await azure.arm.delete(target, api_version=API_VERSION, wait=followed)
    after = HubConnectionWatch(wanted=wanted, absent=True, written=True)
    if not wait:
        state, _ = await _look(azure, after)
        if state.has_failed and not followed:
            return await delete_hub_connection(azure, wanted, wait=wait)
        return state
    return await _until_settled(azure, after)


def _must_be_followed(state: HubConnectionState) -> bool:
    """Whether a write's operation has to be waited for: of one that failed only the next one tells why."""
    return bool(state.not_visible) or state.has_failed


async def _write(azure: AzureSession, target: str, body: Mapping[str, Any], *, wait: bool) -> dict[str, Any]:
    """Write a connection; where it may not be read, only its operation tells how that went.

    :return: the connection; empty where it may not be read
    """
    try:
        return await azure.arm.put(target, body, api_version=API_VERSION, wait=wait)
    except AzureForbiddenError as error:
        # The connection itself is read when its operation has succeeded, and not before.
        if not error.action.casefold().endswith(f"/{CONNECTIONS}/read".casefold()):
            raise
        return {}


async def _look(azure: AzureSession, watch: HubConnectionWatch) -> tuple[HubConnectionState, Mapping[str, Any] | None]:
    seen = await read_all(azure, watch.scopes)
    found = watch.wanted.find(list(seen[watch.scopes[0]].resources.values()))
    return watch.look(seen), found


async def _until_settled(azure: AzureSession, watch: HubConnectionWatch) -> HubConnectionState:
    async def look() -> HubConnectionState:
        return (await _look(azure, watch))[0]

    return await look_until(
        look,
        lambda state: state.settled or bool(state.hopeless),
        resource=watch.wanted.id,
        line=lambda state: f"not settled: {state.line}",
    )
