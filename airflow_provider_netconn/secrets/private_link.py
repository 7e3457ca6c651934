"""A secrets backend that points connections at the private side of what they connect to; DAGs stay as they are.

It is for every process of Airflow that reads connections: tasks, triggerers, servers. What it does to a connection
depends on nothing but the connection, its options and the pins: no network is asked, and a connection that passes
twice comes out as it did the first time.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.secrets import BaseSecretsBackend

from airflow_provider_netconn.errors import InvalidOptionError, NetconnError
from airflow_provider_netconn.secrets import chain
from airflow_provider_netconn.secrets.options import FAILURES, POLICIES, Selection, one_of, resolution_arguments

log = logging.getLogger(__name__)


class PrivateLinkSecretsBackend(BaseSecretsBackend):
    """Finds connections where Airflow would, and gives them with private link names; see ``docs/secrets-backend.md``.

    All arguments come from ``[secrets] backend_kwargs``.

    :param backend: class of the backend that is asked first, such as
        ``airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend``; for variables and settings too
    :param backend_kwargs: its arguments
    :param include: ids of the connections that are treated, as patterns such as ``azure_*``; all by default
    :param exclude: ids of those that are not
    :param include_types: types of the connections that are treated, as patterns; all by default
    :param exclude_types: types of those that are not
    :param names: ``verified``, ``privatelink`` or ``public``, as for ``PrivateLinkHook``
    :param pins: file of pins, as ``netconn connections pin`` writes it
    :param on_failure: ``open``: a connection that cannot be treated is given as it is, with a warning; ``closed``: it
        is refused
    :param private_resolution: arguments of :func:`~airflow_provider_netconn.resolution.private_resolution`, which then
        holds in each process that makes this backend; without ``names`` and ``addresses`` for the public names that
        treated connections keep
    :raises InvalidOptionError: one of these is not valid
    """

    def __init__(
        self,
        *,
        backend: str | None = None,
        backend_kwargs: Mapping[str, Any] | None = None,
        include: Sequence[str] | str = ("*",),
        exclude: Sequence[str] | str = (),
        include_types: Sequence[str] | str = ("*",),
        exclude_types: Sequence[str] | str = (),
        names: str = "verified",
        pins: str | None = None,
        on_failure: str = "open",
        private_resolution: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._selection = Selection.read(
            include=include, exclude=exclude, include_types=include_types, exclude_types=exclude_types
        )
        self._wrapped = _made(backend, backend_kwargs)
        self._others: dict[bool, tuple[BaseSecretsBackend, ...]] = {}
        self._is_closed = one_of("on_failure", on_failure, FAILURES) == "closed"
        self._names = one_of("names", names, POLICIES)
        self._pins = pins
        self._resolution = resolution_arguments(private_resolution)
        # Airflow makes this for settings as well, long before any connection: what treats them is loaded later.
        self._treatment: Any = None

    def get_connection(self, conn_id: str, team_name: str | None = None) -> Any:
        """The connection that the wrapped backend or else Airflow's own chain has, treated; None where none has it.

        :raises AirflowSecretsBackendAccessDenied: it cannot be treated, and ``on_failure`` is ``closed``; before
            Airflow 3.2.2 :class:`~airflow_provider_netconn.secrets.chain.AccessDeniedError`
        """
        return self._treated(conn_id, chain.first_found(conn_id, self._asked(), team_name))

    async def aget_connection(self, conn_id: str) -> Any:
        """Likewise, on a loop."""
        return self._treated(conn_id, await chain.afirst_found(conn_id, self._asked()))

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        """Nothing: values of connections are read by the backends that have them."""
        del conn_id, team_name
        return None

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        """The wrapped backend's; the rest of Airflow's chain is asked by Airflow."""
        if self._wrapped is None:
            return None
        found: str | None = self._wrapped.get_variable(key, **chain.team(self._wrapped.get_variable, team_name))
        return found

    def get_config(self, key: str) -> str | None:
        """The wrapped backend's."""
        found: str | None = None if self._wrapped is None else self._wrapped.get_config(key)
        return found

    def _set_connection_class(self, conn_class: type) -> None:
        """Airflow 3 says which of its classes of connections this chain gives."""
        for one in (super(), self._wrapped):
            if (tell := getattr(one, "_set_connection_class", None)) is not None:
                tell(conn_class)
        self._connection_class = conn_class

    def _asked(self) -> tuple[BaseSecretsBackend, ...]:
        is_client = chain.is_client()
        if is_client not in self._others:
            wrapped = () if self._wrapped is None else (self._wrapped,)
            self._others[is_client] = (*wrapped, *chain.others(self))
        return self._others[is_client]

    def _treated(self, conn_id: str, connection: Any) -> Any:
        """The connection with the names that the policy chooses; as it is where it is not to be treated."""
        if connection is None or chain.is_as_kept() or not self._selection.has_id(conn_id):
            return connection
        if not self._selection.has_type(str(connection.conn_type or "")):
            return connection
        try:
            if self._treatment is None:
                from airflow_provider_netconn.secrets.treatment import Treatment

                self._treatment = Treatment(self._names, self._pins, self._resolution)
            return self._treatment.of(conn_id, connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, Airflow would pass by it and say nothing
            reason = str(error) if isinstance(error, NetconnError) else type(error).__name__
            return self._failed(conn_id, connection, reason)

    def _failed(self, conn_id: str, connection: Any, reason: str) -> Any:
        if not self._is_closed:
            log.warning("Connection %s is given as it is, it could not be treated: %s", conn_id, reason)
            return connection
        denied = chain.denial()
        if denied is None:
            log.error("Connection %s is given to those who ask this server, who are to refuse it: %s", conn_id, reason)
            return connection
        # A task that the server refuses a connection of the database is told no more than that there is none.
        log.error("Connection %s is refused: %s", conn_id, reason)
        raise denied(f"connection {conn_id} could not be given private names: {reason}")


def _made(backend: str | None, arguments: Mapping[str, Any] | None) -> Any:
    """The backend to ask first; None where none is named.

    :raises InvalidOptionError: there is no such class, or it does not take these arguments, which are not quoted
    """
    if not backend:
        return None
    module, _, name = backend.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)(**dict(arguments or {}))
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidOptionError(
            "backend", f"{backend!r} is not to be had ({type(error).__name__})", "write the class's whole path"
        ) from None
    except TypeError:
        raise InvalidOptionError("backend_kwargs", f"{backend!r} does not take them", "see its documentation") from None
