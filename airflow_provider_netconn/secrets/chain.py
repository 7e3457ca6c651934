"""The secrets backends that Airflow has loaded in this process besides ours: its own list, not one of ours.

Environments add links of their own to it, and what it ends in depends on where we are: the metadata database on
servers, the Execution API in tasks and triggers, neither in a supervisor. Airflow 2.11 and 3.x build it differently.
"""

from __future__ import annotations

import importlib.util
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Backend = Any
"""A secrets backend: Airflow 3 has two base classes of them, and people write what merely resembles one."""

_CORE = "airflow.configuration"
_SDK = "airflow.sdk.configuration"
_TASK_RUNNER = "airflow.sdk.execution_time.task_runner"

log = logging.getLogger(__name__)

_as_kept: ContextVar[bool] = ContextVar("as_kept", default=False)


@contextmanager
def as_kept() -> Iterator[None]:
    """Connections that this process looks up inside come as they are kept: whoever looks for pins needs their names."""
    token = _as_kept.set(True)
    try:
        yield
    finally:
        _as_kept.reset(token)


def is_as_kept() -> bool:
    """Whether connections are to be given as they are kept."""
    return _as_kept.get()


def is_client() -> bool:
    """Whether this process asks a supervisor for its connections: a task, a trigger or a DAG file of Airflow 3."""
    return getattr(sys.modules.get(_TASK_RUNNER), "SUPERVISOR_COMMS", None) is not None


def others(own: Backend) -> tuple[Backend, ...]:
    """The backends that Airflow asks after this one, in its order, without any of our kind."""
    return tuple(backend for backend in _chain(own) if not isinstance(backend, type(own)))


class AccessDeniedError(BaseException):
    """A connection is refused, by a version of Airflow that has no exception of its own for it.

    Such a version passes by any ``Exception`` of a backend and gives the connection as it is kept. What it does not
    pass by is this, as its own ``AirflowTaskTimeout``: the task fails, and its log has the reason.
    """


def denial() -> type[BaseException] | None:
    """The exception that ends Airflow's search through its backends here; None in servers that have none.

    Airflow's own came with version 1.2.2 of the Task SDK (Airflow 3.2.2; github.com/apache/airflow/pull/66575). In the
    servers of earlier versions of Airflow 3 nothing is raised: a task that asks them refuses by itself what they give,
    and says why.
    """
    try:
        from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied
    except ImportError:
        is_airflow_2 = importlib.util.find_spec("airflow.sdk") is None
        return AccessDeniedError if is_airflow_2 or is_client() else None
    return AirflowSecretsBackendAccessDenied


def first_found(conn_id: str, backends: Iterable[Backend], team_name: str | None) -> Any:
    """The connection that the first of these backends has; None where none has it.

    As in Airflow, a backend that fails is passed by, unless it denies access.
    """
    for backend in backends:
        try:
            found = backend.get_connection(conn_id, **team(backend.get_connection, team_name))
        except Exception as error:  # noqa: BLE001 - any that Airflow itself would pass by
            _pass_by(backend, error)
        else:
            if found:
                return found
    return None


async def afirst_found(conn_id: str, backends: Iterable[Backend]) -> Any:
    """Likewise on a loop: backends that cannot wait there are asked in a thread."""
    import asyncio

    for backend in backends:
        ask: Any = getattr(backend, "aget_connection", None)
        try:
            found = await (ask(conn_id) if ask is not None else asyncio.to_thread(backend.get_connection, conn_id))
        except Exception as error:  # noqa: BLE001 - any that Airflow itself would pass by
            _pass_by(backend, error)
        else:
            if found:
                return found
    return None


def team(method: Callable[..., Any], team_name: str | None) -> dict[str, str]:
    """The argument of the team, for a backend that knows teams (Airflow 3.2 and later)."""
    if team_name is None:
        return {}
    parameters = inspect.signature(method).parameters.values()
    knows = any(one.name == "team_name" or one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    return {"team_name": team_name} if knows else {}


def _chain(own: Backend) -> Iterable[Backend]:
    if is_client():
        return _sdk_chain()
    kept = next((chain for chain in _kept_chains() if any(one is own for one in chain)), None)
    if kept is not None:
        return kept
    connection_class = getattr(own, "_connection_class", None)
    if connection_class is not None and connection_class.__module__.startswith("airflow.models"):
        return _core_chain()
    return _sdk_chain()


def _kept_chains() -> Iterator[Iterable[Backend]]:
    """The chains that Airflow has built and kept: the one that holds a backend is the one that asks it."""
    yield getattr(sys.modules.get(_CORE), "secrets_backend_list", ())
    yield from getattr(sys.modules.get(_SDK), "_secrets_backend_cache", {}).values()


def _sdk_chain() -> list[Backend]:
    """Of a supervisor, and of all that builds its chain anew for each look-up."""
    try:
        from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded
    except ImportError:  # Airflow 2
        return _core_chain()
    return list(ensure_secrets_backend_loaded())


def _core_chain() -> list[Backend]:
    from airflow.configuration import ensure_secrets_loaded

    return list(ensure_secrets_loaded())


def _pass_by(backend: Backend, error: Exception) -> None:
    denied = denial()
    if denied is not None and isinstance(error, denied):
        raise error
    # Its message may quote a connection.
    log.debug("%s failed with %s; asking the next backend", type(backend).__name__, type(error).__name__)
