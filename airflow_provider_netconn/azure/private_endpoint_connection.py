"""Private endpoint connections: what the owner of a resource sees of the endpoints to it, and decides about them.

An endpoint made in a foreign subscription is not visible to the owner of the resource; its connection is. All types of
:mod:`.private_endpoint_connection_types` are the same here. Which services refuse which change was recorded from live
traffic (azure-cli's tests): Storage and Cosmos DB approve no request that was rejected, PostgreSQL's flexible servers
accept that and fail later, the single servers change nothing but what is pending.
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow_provider_netconn.azure.deadlines import current_deadline
from airflow_provider_netconn.azure.private_endpoint_connection_state import (
    APPROVED,
    DISCONNECTED,
    PENDING,
    REJECTED,
    REMOVED,
    STATE,
    Connection,
    ConnectionDecision,
    PrivateEndpointConnectionState,
    PrivateEndpointConnectionWatch,
    RequestFilter,
    connections_of,
)
from airflow_provider_netconn.azure.private_endpoint_connection_types import (
    CONNECTIONS,
    ConnectionType,
    connection_type,
)
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureError,
    AzureInvalidRequestError,
    AzureNotFoundError,
    AzureOperationFailedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_netconn.azure.session import AzureSession

_PAUSE_S: Final = 2.0
_REFUSALS: Final = (AzureInvalidRequestError, AzureConflictError, AzureOperationFailedError)


async def ensure_private_endpoint_connection(
    azure: AzureSession, wanted: ConnectionDecision, *, wait: bool = True
) -> PrivateEndpointConnectionState:
    """Approve or reject the requests that are meant; those that are as wanted already are not written.

    :param wait: until the service is done with it, within the deadline that is set; else begin the changes and return
    :raises InvalidOptionError: resources of this type allow no change
    :raises AzureNotFoundError: there is no such resource, or none of the requests to it is meant
    :raises AzureConflictError: what is meant can no longer be approved or rejected
    :raises AzureError: the service refused the change, or did not end it in time
    """
    kind = connection_type(wanted.target_id)
    kind.check(remove=False)
    watch = wanted.watch
    done = _Done(follow=wait)
    state = await _look(azure, watch)
    if not state.connections:
        _refuse_nothing(state)
    while True:
        due = [one for one in state.relevant if _is_due(one, wanted.status) and done.may_be_changed(one)]
        for one in due:
            await _change(azure, kind, one, wanted, wait=done.note(one))
        state = await _look(azure, watch) if due else state
        if due and any(one.has_failed and done.may_be_changed(one) for one in state.relevant):
            continue
        if state.settled or (not wait and not state.hopeless):
            return state
        if state.hopeless:
            raise AzureConflictError(wanted.target_id, state.hopeless)
        state = await _look_later(azure, watch, state)


async def delete_private_endpoint_connection(
    azure: AzureSession, target_id: str, requests: RequestFilter, *, wait: bool = True
) -> PrivateEndpointConnectionState:
    """Remove the connections that are meant; where there are none, nothing is done.

    :param wait: until they are gone; else begin the removals and return
    :raises InvalidOptionError: the owner of a resource of this type cannot remove connections
    :raises AzureNotFoundError: there is no such resource
    """
    kind = connection_type(target_id)
    kind.check(remove=True)
    watch = PrivateEndpointConnectionWatch(target_id=target_id, requests=requests, target_status=REMOVED)
    done = _Done(follow=wait)
    state = await _look(azure, watch)
    while True:
        due = [one for one in state.connections if not one.is_going and done.may_be_changed(one)]
        for one in due:
            await azure.arm.delete(one.id, api_version=kind.api_version, wait=done.note(one))
        state = await _look(azure, watch) if due else state
        if due and any(one.has_failed and done.may_be_changed(one) for one in state.connections):
            continue
        if state.settled or not wait:
            return state
        state = await _look_later(azure, watch, state)


class _Done:
    """Which connections were changed: none is changed twice, but for one that failed unseen.

    :param follow: whether operations are waited for
    """

    def __init__(self, *, follow: bool) -> None:
        self._follow = follow
        self._followed: dict[str, bool] = {}

    def may_be_changed(self, one: Connection) -> bool:
        """Whether it was not changed yet, or failed while nobody followed that."""
        return one.key not in self._followed or (one.has_failed and not self._followed[one.key])

    def note(self, one: Connection) -> bool:
        """It is changed now; gives whether that is to be followed."""
        self._followed[one.key] = self._follow or one.has_failed
        return self._followed[one.key]


def needed_actions(target_id: str, *, remove: bool = False) -> Mapping[str, Sequence[str]]:
    """For each scope the actions that an owner needs to decide about connections."""
    kind = connection_type(target_id)
    look = f"{kind.type}/{CONNECTIONS}/read"
    off_resource = () if kind.is_listed else (f"{kind.type}/read",)
    return {target_id: (*off_resource, look, f"{kind.type}/{CONNECTIONS}/{'delete' if remove else 'write'}")}


# -- looking ----------------------------------------------------------------------------------------


async def _look(azure: AzureSession, watch: PrivateEndpointConnectionWatch) -> PrivateEndpointConnectionState:
    if connection_type(watch.target_id).is_listed:
        found: list[Mapping[str, Any]] = [
            one async for one in azure.arm.list(watch.path, api_version=watch.api_version)
        ]
    else:
        resource = await azure.arm.get(watch.path, api_version=watch.api_version)
        if resource is None:
            raise AzureNotFoundError(watch.target_id, "there is no such resource", remedy="see whether its id is right")
        found = connections_of(resource)
    return watch.judge(found)


async def _look_later(
    azure: AzureSession, watch: PrivateEndpointConnectionWatch, state: PrivateEndpointConnectionState
) -> PrivateEndpointConnectionState:
    limit = current_deadline()
    pause_s = _PAUSE_S if limit is None else limit.pause_s(_PAUSE_S)
    if pause_s is None:
        raise AzureDeadlineExceededError(
            watch.target_id, f"not done by the deadline: {state.line}",
            remedy="a retry goes on where this ended",
        )  # fmt: skip
    await asyncio.sleep(pause_s)
    return await _look(azure, watch)


def _is_due(one: Connection, status: str) -> bool:
    return (one.status != status or one.has_failed) and one.status != DISCONNECTED and not one.is_changing


def _refuse_nothing(state: PrivateEndpointConnectionState) -> NoReturn:
    raise AzureNotFoundError(
        state.target_id, f"nothing was changed, since no request to it is {state.requests}: {state.others_line}",
        remedy="compare with what is there; a PrivateEndpointSensor waits for requests that are still to come",
    )  # fmt: skip


# -- changing ---------------------------------------------------------------------------------------


async def _change(
    azure: AzureSession, kind: ConnectionType, one: Connection, wanted: ConnectionDecision, *, wait: bool
) -> None:
    # Who does not take a rejection back may say so only at the operation's end.
    wait = wait or one.status == REJECTED
    try:
        if wanted.status == APPROVED and one.status == REJECTED and kind.approve_rejected == "through Pending":
            await _write(azure, kind, one.id, PENDING, one.description, wait=True)
        await _write(azure, kind, one.id, wanted.status, wanted.description_for(one), wait=wait)
    except _REFUSALS as error:
        # Others may have decided the same meanwhile, which some services answer by a refusal.
        now = await azure.arm.get(one.id, api_version=kind.api_version)
        if now is None or Connection.read(now).status != wanted.status or Connection.read(now).has_failed:
            raise _explained(error, one, wanted) from error


async def _write(
    azure: AzureSession, kind: ConnectionType, connection_id: str, status: str, description: str, *, wait: bool
) -> None:
    """Change the status of a connection: all else of it goes back as it was read."""
    found = await azure.arm.get(connection_id, api_version=kind.api_version)
    if found is None:
        raise AzureNotFoundError(
            connection_id, "the connection is gone: its endpoint was deleted, or its owner removed it",
            remedy="have the endpoint made again",
        )  # fmt: skip
    body = copy.deepcopy(found)
    state = {**body["properties"].get(STATE, {}), "status": status, "description": description}
    etag = str(found.get("etag") or "") if kind.if_match else None
    if kind.change == "PATCH":
        part = {"properties": {STATE: {"status": status, "description": description}}}
        await azure.arm.patch(connection_id, part, api_version=kind.api_version, if_match=etag, wait=wait)
        return
    body["properties"][STATE] = state
    await azure.arm.put(connection_id, body, api_version=kind.api_version, if_match=etag, wait=wait)


def _explained(error: AzureError, one: Connection, wanted: ConnectionDecision) -> AzureError:
    """The refusal with the way out that the services' rules leave."""
    if one.status == REJECTED and wanted.status == APPROVED:
        seen = f"the service does not approve a request that was rejected: {error.seen}"
        remedy = "have the requester delete the private endpoint and make it again"
    elif one.status == APPROVED and wanted.status == REJECTED:
        seen = f"the service does not reject what it has approved: {error.seen}"
        remedy = "remove the connection instead"
    else:
        seen, remedy = f"from {one.status} to {wanted.status}: {error.seen}", error.remedy
    return type(error)(
        one.id, seen, code=error.code, remedy=remedy, status=error.status, correlation_id=error.correlation_id
    )


__all__ = [
    "APPROVED",
    "DISCONNECTED",
    "PENDING",
    "REJECTED",
    "REMOVED",
    "ConnectionDecision",
    "PrivateEndpointConnectionState",
    "PrivateEndpointConnectionWatch",
    "RequestFilter",
    "delete_private_endpoint_connection",
    "ensure_private_endpoint_connection",
    "needed_actions",
]
