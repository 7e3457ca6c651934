"""Wait for a peering of two virtual networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.sensors.azure_base import AzureStateSensor
from airflow_provider_netconn.templated import as_text, as_texts, as_word

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.peering_state import PeeringSide, PeeringStatus, WantedPeering
    from airflow_provider_netconn.azure.peering_watch import PeeringWatch


class VirtualNetworkPeeringSensor(AzureStateSensor):
    """Waits until two virtual networks are peered, and says at each look how it stands and whose move it is.

    It changes nothing, and needs no more than to read the local network's peerings; the remote side is looked at where
    that is allowed. Every argument below may be a template.

    :param virtual_network_id: the local network
    :param remote_virtual_network_id: the network that its peering leads to
    :param until: ``connected`` (default): Connected and in sync; ``initiated``: the local side is there; ``absent``: it
        is gone
    :param fail_on: states of the local side in which to fail at once: ``disconnected`` (default), ``absent``,
        ``out_of_sync``, ``initiated``; an empty list waits through all of them
    """

    template_fields: Sequence[str] = (
        *AzureStateSensor.template_fields,
        "virtual_network_id",
        "remote_virtual_network_id",
        "until",
        "fail_on",
    )

    def __init__(
        self,
        *,
        virtual_network_id: str,
        remote_virtual_network_id: str,
        until: str = "connected",
        fail_on: Sequence[str] | str = ("disconnected",),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.virtual_network_id = virtual_network_id
        self.remote_virtual_network_id = remote_virtual_network_id
        self.until = until
        self.fail_on = fail_on

    def resource_id(self) -> str:
        """The local network: the peering's name is not known beforehand."""
        return self._wanted().local.network.text

    def watch(self) -> PeeringWatch:
        """The peerings of both networks."""
        from airflow_provider_netconn.azure.peering_watch import PeeringWatch

        return PeeringWatch(wanted=self._wanted(), fail_on=self._fail_on())

    def _wanted(self) -> WantedPeering:
        from airflow_provider_netconn.azure.peering_state import Goal, Sides, WantedPeering

        return WantedPeering(
            local=self._side("virtual_network_id"),
            remote=self._side("remote_virtual_network_id"),
            sides=Sides.NEITHER,
            goal=as_word("until", self.until, tuple(Goal)),
        )

    def _side(self, field: str) -> PeeringSide:
        from airflow_provider_netconn.azure.peering_state import PeeringSide

        network_id = as_text(field, getattr(self, field))
        if network_id is None:
            raise InvalidOptionError(field, "is missing", "write the id of a virtual network")
        return PeeringSide(network_id=network_id)

    def _fail_on(self) -> tuple[PeeringStatus, ...]:
        from airflow_provider_netconn.azure.peering_state import PeeringStatus as Status

        known = (Status.DISCONNECTED, Status.ABSENT, Status.OUT_OF_SYNC, Status.INITIATED)
        return tuple(as_word("fail_on", status, known) for status in as_texts("fail_on", self.fail_on))
