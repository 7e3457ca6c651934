"""Connections that point at the private side of what they connect to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_netconn.errors import InvalidConnectionError, InvalidOptionError
from airflow_provider_netconn.hooks.connection_fields import get_connection

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_netconn.connections import ConnectionFields
    from airflow_provider_netconn.connections.private_names import Decision, NamesPolicy, Pins
    from airflow_provider_netconn.target import Target

DEFAULT_POLICY = "verified"
REWRITABLE = ("host", "login", "schema", "extra")
"""The columns in which addresses may be written."""


class PrivateLinkHook(BaseHook):
    """Gives Airflow connections with privatelink names, where that is the policy; all else in them stays as it is.

    What it decides depends on nothing but the connection, the policy and the pins: no network is asked, but for
    ``require_private``.

    :param names: ``verified`` (default): the privatelink name where a pin shows that the client will accept it;
        ``privatelink``: always; ``public``: never
    :param pins: file of pins, as ``netconn connections pin`` writes it
    :param require_private: refuse a connection whose addresses are not all in the expected networks
    :param expect_networks: networks in CIDR form that count as private; by default RFC 1918, RFC 6598 and ULA
    :raises InvalidOptionError: naming the argument that is not usable
    """

    def __init__(
        self,
        *,
        names: str = DEFAULT_POLICY,
        pins: str | None = None,
        require_private: bool = False,
        expect_networks: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._policy = policy_named(names)
        self._pins = read_pins(pins)
        self.require_private = require_private
        self.expect_networks = tuple(expect_networks)

    def get_connection(self, conn_id: str) -> Connection:  # type: ignore[override] # Airflow's is a class method
        """The Airflow connection of that name, with the names that the policy chooses.

        :raises InvalidConnectionError: there is none, or with ``require_private`` an address is not private
        """
        return self.rewrite(get_connection(conn_id))

    def rewrite(self, connection: Connection) -> Connection:
        """A copy of a connection, with the names that the policy chooses; the connection itself where none changes.

        :raises InvalidConnectionError: with ``require_private`` an address is not private
        """
        done, decisions = rewritten(connection, self._policy, self._pins)
        for decision in decisions:
            if decision.warning:
                self.log.warning("Connection %s: %s", connection.conn_id, decision.warning)
        if self.require_private:
            self._refuse_public(done)
        return done

    def explain(self, conn_id: str) -> list[dict[str, Any]]:
        """For each address of a connection: ``name``, ``use``, ``reason``, ``warning``; plain, and without secrets."""
        _, decisions = rewritten(get_connection(conn_id), self._policy, self._pins)
        return [{"name": one.name, "use": one.use, "reason": one.reason, "warning": one.warning} for one in decisions]

    def _refuse_public(self, connection: Connection) -> None:
        from airflow_provider_netconn.checks import CheckOptions, check
        from airflow_provider_netconn.connections import read_targets
        from airflow_provider_netconn.evidence import Path, Stage

        targets = [_expecting(target, self.expect_networks) for target in read_targets(fields_of(connection))]
        report = check(targets, CheckOptions(last_stage=Stage.ADDRESS), process="worker")
        public = [verdict for verdict in report.verdicts if verdict.path is not Path.PRIVATE]
        if public:
            seen = "; ".join(f"{one.endpoint.host}: {one.explanation}" for one in public)
            raise InvalidConnectionError(
                f"connection {connection.conn_id}", f"its path is not private: {seen}",
                public[0].remedy or "see `netconn check`",
            )  # fmt: skip


def policy_named(names: str) -> NamesPolicy:
    """The policy of that name.

    :raises InvalidOptionError: there is none
    """
    from airflow_provider_netconn.connections.private_names import NamesPolicy

    try:
        return NamesPolicy(names)
    except ValueError:
        raise InvalidOptionError("names", f"{names!r} is no policy", f"write one of {', '.join(NamesPolicy)}") from None


def read_pins(path: str | None) -> Pins:
    """The pins of a file; none where none is named, or the file is not there.

    :raises InvalidOptionError: it cannot be read
    """
    from airflow_provider_netconn.connections.private_names import Pins

    return Pins.read(path) if path else Pins()


def rewritten(connection: Connection, policy: NamesPolicy, pins: Pins) -> tuple[Connection, tuple[Decision, ...]]:
    """A connection with the names that a policy chooses, and what was decided of each address.

    A connection that cannot be read comes back as it is, with the reason as its decision.

    :return: the connection itself where nothing changes, else a copy
    """
    from airflow_provider_netconn.connections.private_names import Decision, decide
    from airflow_provider_netconn.connections.rewriting import rewrite

    decisions: dict[str, Decision] = {}

    def choose(target: Target) -> str | None:
        decision = decisions.setdefault(target.host, decide(target, policy, pins))
        return decision.use if decision.changes else None

    try:
        fields = fields_of(connection)
    except InvalidConnectionError as error:
        unread = Decision(name=str(connection.conn_id), use=str(connection.conn_id), reason=str(error))
        return connection, (unread,)
    done = rewrite(fields, choose)
    for host, reason in done.unchanged.items():
        decisions[host] = Decision(name=host, use=host, reason=reason)
    if not done.changes:
        return connection, tuple(decisions.values())
    columns = {name: getattr(done.fields, name) for name in REWRITABLE if name != "extra"}
    columns["extra"] = _extra_text(connection.extra, connection.extra_dejson, done.fields.extra)
    return with_columns(connection, columns), tuple(decisions.values())


def fields_of(connection: Connection) -> ConnectionFields:
    """The fields of a connection in which addresses live.

    :raises InvalidConnectionError: its extra is no JSON object
    """
    from airflow_provider_netconn.connections import ConnectionFields

    if connection.extra:
        try:
            json.loads(connection.extra)
        except ValueError:
            # Airflow takes it for empty, and what is written back for that would be another extra.
            where = f"connection {connection.conn_id}: extra"
            raise InvalidConnectionError(where, "is no JSON", 'write an object such as {"key": 1}') from None
    return ConnectionFields(
        conn_id=str(connection.conn_id),
        conn_type=connection.conn_type or "",
        host=connection.host,
        port=connection.port,
        schema=connection.schema,
        login=connection.login,
        extra=connection.extra_dejson,
    )


def with_columns(connection: Connection, columns: Mapping[str, Any]) -> Connection:
    """A new connection of the same class: a server's is a row of its database, and stays as it is.

    :param columns: those of :data:`REWRITABLE`
    """
    return type(connection)(
        conn_id=connection.conn_id,
        conn_type=connection.conn_type,
        description=connection.description,
        password=connection.password,
        port=connection.port,
        **columns,
    )


def _extra_text(text: str | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """The extra's JSON, changed where a value has, and else letter for letter as it was."""
    changed = text or "{}"
    for key, value in after.items():
        if key in before and before[key] != value:
            changed = changed.replace(json.dumps(before[key]), json.dumps(value))
    if text is None and not after:
        return None
    try:
        if json.loads(changed) == after:
            return changed
    except ValueError:
        pass
    return json.dumps(after)


def _expecting(target: Target, networks: tuple[str, ...]) -> Target:
    from dataclasses import replace

    return replace(target, expect_networks=networks) if networks else target
