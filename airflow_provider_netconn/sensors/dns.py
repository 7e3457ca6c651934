"""Wait until a name resolves to a private address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.evidence import Expectation, Stage, Target
from airflow_provider_netconn.sensors.base import VerdictSensor
from airflow_provider_netconn.templated import as_text, as_texts

if TYPE_CHECKING:
    from airflow_provider_netconn.checks import CheckOptions

_ANY_PORT: Final = 443
"""A target has a port; this sensor dials none."""


class PrivateDnsResolutionSensor(VerdictSensor):
    """Waits until every address that a name resolves to is private, or is exactly what is expected.

    Nothing is dialled: it ends as soon as DNS says so. XCom gets the addresses and where they were seen from.

    :param host: the name, such as ``orders.blob.core.windows.net``
    :param expect_networks: networks in CIDR form that count as private; by default RFC 1918, RFC 6598 and ULA
    :param addresses: exactly these addresses are expected, no other and none missing
    :param nameserver: ask this server, ``IP``, ``IP:PORT`` or ``[IPV6]:PORT``; by default resolve as a task does
    """

    template_fields: Sequence[str] = (*VerdictSensor.template_fields, "host", "expect_networks", "addresses")

    def __init__(
        self,
        *,
        host: str,
        expect_networks: Sequence[str] | str | None = None,
        addresses: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.host = host
        self.expect_networks = expect_networks
        self.addresses = addresses

    def targets(self) -> tuple[Target, ...]:
        """The name, as a target that is expected to be private."""
        host = as_text("host", self.host)
        if host is None:
            raise InvalidTargetError("host", "no name is given", "write one such as orders.blob.core.windows.net")
        try:
            target = Target(
                host=host,
                port=_ANY_PORT,
                name=host,
                expect=Expectation.PRIVATE,
                expect_networks=as_texts("expect_networks", self.expect_networks),
                expect_addresses=as_texts("addresses", self.addresses),
            )
        except ValueError as error:
            field, _, seen = str(error).partition(": ")
            raise InvalidTargetError("addresses" if field == "expect_addresses" else field, seen) from None
        return (target,)

    def options(self) -> CheckOptions:
        """As given, and no further than the addresses."""
        return replace(super().options(), last_stage=Stage.ADDRESS, use_proxy=False)

    def awaited(self, targets: Sequence[Target]) -> str:
        """Which addresses the name is to resolve to."""
        (target,) = targets
        if target.expect_addresses:
            return f"{target.host} resolving to exactly {', '.join(target.expect_addresses)}"
        return f"{target.host} resolving to addresses in {', '.join(target.private_networks)} only"
