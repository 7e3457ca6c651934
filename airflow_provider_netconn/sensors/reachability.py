"""Wait until an address answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.evidence import Target
from airflow_provider_netconn.sensors.base import VerdictSensor
from airflow_provider_netconn.templated import (
    as_bool,
    as_expectation,
    as_networks,
    as_target,
    as_text,
    as_texts,
    as_whole_number,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.checks import CheckOptions


class ReachabilitySensor(VerdictSensor):
    """Waits until a target answers by its protocol, on the expected path.

    Give one of ``target``, ``host`` (with ``port``, ``protocol``) and ``conn_id``. A connection may hold several
    addresses; the wait ends when all of them answer.

    :param target: ``db.example.net:5432``, a URL, or a mapping as in the YAML file
    :param host: name or address
    :param port: TCP port; by default the protocol's
    :param protocol: a protocol of the registry; by default ``plain``: a connection is enough
    :param conn_id: the Airflow connection whose addresses are meant; read anew at each look, except with ``deferrable``
    :param ca_files: PEM files of further certificate authorities to trust
    :param use_proxy: whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment count, as for a real client
    :param expect: the path that is expected: ``any`` (default), ``private`` or ``public``
    :param expect_networks: networks in CIDR form that count as private; by default RFC 1918, RFC 6598 and ULA
    """

    template_fields: Sequence[str] = (
        *VerdictSensor.template_fields,
        "target",
        "host",
        "port",
        "protocol",
        "conn_id",
        "expect",
        "expect_networks",
        "ca_files",
        "use_proxy",
    )

    def __init__(
        self,
        *,
        target: str | Mapping[str, Any] | None = None,
        host: str | None = None,
        port: int | str | None = None,
        protocol: str | None = None,
        conn_id: str | None = None,
        expect: str = "any",
        expect_networks: Sequence[str] | str | None = None,
        ca_files: Sequence[str] | str | None = None,
        use_proxy: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target = target
        self.host = host
        self.port = port
        self.protocol = protocol
        self.conn_id = conn_id
        self.expect = expect
        self.expect_networks = expect_networks
        self.ca_files = ca_files
        self.use_proxy = use_proxy

    def options(self) -> CheckOptions:
        """As given, with the authorities to trust and the proxies to follow."""
        ca_files, use_proxy = as_texts("ca_files", self.ca_files), as_bool("use_proxy", self.use_proxy)
        return replace(super().options(), ca_files=ca_files, use_proxy=use_proxy)

    def targets(self) -> tuple[Target, ...]:
        """What is to answer."""
        expect = as_expectation("expect", self.expect)
        networks = as_networks("expect_networks", self.expect_networks)
        target = self.target if isinstance(self.target, Mapping) else as_text("target", self.target)
        host, conn_id = as_text("host", self.host), as_text("conn_id", self.conn_id)
        if [bool(target), bool(host), bool(conn_id)].count(True) != 1:
            raise InvalidTargetError("target, host, conn_id", "not exactly one of them is given", "give one")
        if conn_id:
            from airflow_provider_netconn.hooks.connection_fields import connection_targets

            return tuple(
                replace(found, expect=expect, expect_networks=networks) for found in connection_targets(conn_id)
            )
        if host:
            fields = {
                "host": host,
                "port": as_whole_number("port", self.port),
                "protocol": as_text("protocol", self.protocol),
            }
            target = {name: value for name, value in fields.items() if value is not None}
        return (as_target("target", target, expect=expect, expect_networks=networks),)

    def awaited(self, targets: Sequence[Target]) -> str:
        """Who is to answer, and on which path."""
        expect = as_expectation("expect", self.expect)
        path = "" if expect.value == "any" else f" on a {expect.value} path"
        return f"{', '.join(target.name for target in targets)} answering{path}"
