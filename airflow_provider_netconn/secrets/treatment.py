"""What is done to a connection that passes through the secrets backend; loaded with the first one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.hooks.private_link import policy_named, read_pins, rewritten
from airflow_provider_netconn.privatelink.names import privatelink_names

if TYPE_CHECKING:
    from airflow_provider_netconn.connections.private_names import Decision
    from airflow_provider_netconn.resolution.private import PrivateResolution

log = logging.getLogger("airflow_provider_netconn.secrets")


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
        self._told: set[str] = set()
        self._chooses = resolution is not None and not resolution.get("names") and not resolution.get("addresses")
        self._resolution = None if resolution is None else _installed(resolution)

    def of(self, conn_id: str, connection: Any) -> Any:
        """The connection with the names that the policy chooses."""
        done, decisions = rewritten(connection, self._policy, self._pins)
        if self._resolution is not None and self._chooses:
            self._choose(decisions)
        if conn_id not in self._told:
            self._told.add(conn_id)
            for decision in decisions:
                _tell(conn_id, decision)
        return done

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
