"""What is done to a connection that passes through the secrets backend; loaded with the first one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.hooks.private_link import REWRITABLE, policy_named, read_pins, rewritten, with_columns
from airflow_provider_netconn.privatelink.names import privatelink_names

if TYPE_CHECKING:
    from airflow_provider_netconn.connections.private_names import Decision
    from airflow_provider_netconn.resolution.private import PrivateResolution

log = logging.getLogger("airflow_provider_netconn.secrets")

_COLUMNS: Final = ("conn_type", "host", "port", "schema", "login", "extra")
"""All that a decision depends on."""
_MOST_KNOWN: Final = 1000


class Treatment:
    """Gives connections the names that a policy chooses, and has this process dial private addresses if asked to.

    :param names: the policy
    :param pins: file of pins
    :param resolution: arguments of ``private_resolution``; None: this process resolves as ever
    :raises InvalidOptionError: one of these is not valid
    """

    def __init__(self, names: str, pins: str | None, resolution: Mapping[str, Any] | None) -> None:
        self._policy = policy_named(names)
        self._pins = read_pins(pins)
        self._known: dict[tuple[Any, ...], Mapping[str, Any] | None] = {}
        self._chooses = resolution is not None and not resolution.get("names") and not resolution.get("addresses")
        self._resolution = None if resolution is None else _installed(resolution)

    def of(self, conn_id: str, connection: Any) -> Any:
        """The connection with the names that the policy chooses."""
        key = (conn_id, *(getattr(connection, name) for name in _COLUMNS))
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._decided(conn_id, connection)
        columns = self._known[key]
        return connection if columns is None else with_columns(connection, columns)

    def _decided(self, conn_id: str, connection: Any) -> Mapping[str, Any] | None:
        """The columns that are to be others; None where none is."""
        done, decisions = rewritten(connection, self._policy, self._pins)
        if self._resolution is not None and self._chooses:
            self._choose(decisions)
        for decision in decisions:
            _tell(conn_id, decision)
        return None if done is connection else {name: getattr(done, name) for name in REWRITABLE}

    def _choose(self, decisions: Sequence[Decision]) -> None:
        """Have the public names that stay resolve to their private addresses."""
        assert self._resolution is not None
        for decision in decisions:
            candidates = privatelink_names(decision.name).candidates
            if candidates and decision.name not in candidates and not decision.changes:
                self._resolution.choose(decision.name)


def _installed(arguments: Mapping[str, Any]) -> PrivateResolution:
    from airflow_provider_netconn.resolution import private_resolution

    further = {name: value for name, value in arguments.items() if name != "names"}
    return private_resolution(*arguments.get("names", ()), **further).install()


def _tell(conn_id: str, decision: Decision) -> None:
    if decision.changes:
        log.info("Connection %s uses %s in place of %s: %s", conn_id, decision.use, decision.name, decision.reason)
    else:
        log.info("Connection %s keeps %s: %s", conn_id, decision.name, decision.reason)
    if decision.warning:
        log.warning("Connection %s: %s", conn_id, decision.warning)
