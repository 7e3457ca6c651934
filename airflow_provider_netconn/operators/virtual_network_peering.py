"""Peer two virtual networks, and end their peering."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook
from airflow_provider_netconn.operators.azure_base import AzureOperator
from airflow_provider_netconn.templated import NOT_GIVEN, as_bool, as_text, as_texts, as_word

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.peering_state import PeeringSide, PeeringState, WantedPeering
    from airflow_provider_netconn.azure.peering_watch import PeeringWatch
    from airflow_provider_netconn.azure.session import AzureSession

_OPTIONS: Final = (
    "allow_virtual_network_access",
    "allow_forwarded_traffic",
    "allow_gateway_transit",
    "use_remote_gateways",
    "do_not_verify_remote_gateways",
)


class _PeeringOperator(AzureOperator):
    """What is said of the two networks, whether they are to be peered or not.

    :param virtual_network_id: the local network
    :param remote_virtual_network_id: the other one, which may lie in another subscription or tenant
    :param peering_name: of a new peering on the local side; by default ``to-`` and the remote network's name
    :param remote_peering_name: likewise on the remote side
    :param sides: ``both``, or ``local``: the other side is its owner's business
    :param remote_azure_conn_id: read and write the remote side by this connection; by default by ``azure_conn_id``
    """

    template_fields: Sequence[str] = (
        *AzureOperator.template_fields,
        "virtual_network_id",
        "remote_virtual_network_id",
        "peering_name",
        "remote_peering_name",
        "sides",
        "remote_azure_conn_id",
    )

    def __init__(
        self,
        *,
        virtual_network_id: str,
        remote_virtual_network_id: str,
        peering_name: str | None = None,
        remote_peering_name: str | None = None,
        sides: str = "both",
        remote_azure_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.virtual_network_id = virtual_network_id
        self.remote_virtual_network_id = remote_virtual_network_id
        self.peering_name = peering_name
        self.remote_peering_name = remote_peering_name
        self.sides = sides
        self.remote_azure_conn_id = remote_azure_conn_id

    def wanted(self) -> WantedPeering:
        """The peering, from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """
        from airflow_provider_netconn.azure.peering_state import Sides, WantedPeering

        return WantedPeering(
            local=self._side(""), remote=self._side("remote_"),
            sides=as_word("sides", self.sides, (Sides.BOTH, Sides.LOCAL)),
        )  # fmt: skip

    def _side(self, prefix: str, **options: Any) -> PeeringSide:
        from airflow_provider_netconn.azure.peering_state import PeeringSide

        field = f"{prefix}virtual_network_id"
        network_id = as_text(field, getattr(self, field))
        if network_id is None:
            raise InvalidOptionError(field, "is missing", "write the id of a virtual network")
        name = as_text(f"{prefix}peering_name", getattr(self, f"{prefix}peering_name"))
        return PeeringSide(network_id=network_id, name=name or "", **options)

    def resource_id(self) -> str:
        """The local side's peering, by the name that a new one gets."""
        wanted = self.wanted()
        name = wanted.local.name_towards(wanted.remote)
        return f"{wanted.local.network.text}/virtualNetworkPeerings/{name}"

    def needed_actions(self) -> Mapping[str, Sequence[str]]:
        """To write a side, and of the network that it leads to to peer with it."""
        return self.wanted().needed_actions("local" if self._remote_hook else "")

    async def check_permissions(self, azure: AzureSession) -> None:
        """Look for missing rights on both sides, each as who writes it.

        :raises AzureForbiddenError: naming all that are missing on a side
        """
        from airflow_provider_netconn.azure.preflight import require

        await super().check_permissions(azure)
        async with AsyncExitStack() as stack:
            remote = await self._remote_session(stack)
            if remote is not None:
                await require(remote, self.wanted().needed_actions("remote"))

    async def ensure(self, azure: AzureSession, *, wait: bool) -> PeeringState:
        """Write what is not as wanted: see :func:`airflow_provider_netconn.azure.peering.ensure_peering`."""
        from airflow_provider_netconn.azure.peering import ensure_peering

        async with AsyncExitStack() as stack:
            remote = await self._remote_session(stack)
            return await ensure_peering(azure, self.wanted(), wait=wait, remote=remote)

    def watch(self, state: PeeringState) -> PeeringWatch:  # type: ignore[override]  # noqa: ARG002
        """Both networks' peerings; only ours where the other takes a connection of its own."""
        from airflow_provider_netconn.azure.peering_watch import PeeringWatch

        return PeeringWatch(wanted=self.wanted(), sees_remote=self._remote_hook is None)

    @property
    def _remote_hook(self) -> AzureNetworkHook | None:
        conn_id = as_text("remote_azure_conn_id", self.remote_azure_conn_id)
        return AzureNetworkHook(conn_id) if conn_id else None

    async def _remote_session(self, stack: AsyncExitStack) -> AzureSession | None:
        from airflow_provider_netconn.azure.session import AzureSession

        hook = self._remote_hook
        if hook is None:
            return None
        return await stack.enter_async_context(AzureSession(await asyncio.to_thread(hook.settings)))


class VirtualNetworkPeeringOperator(_PeeringOperator):
    """Peers two virtual networks, and ends when they are connected and in sync, as both sides say.

    It takes what is there: a peering of the two networks is adopted whatever its name, changed where it differs, synced
    on the side that has not taken over a new address space, and repaired where it is Disconnected. An option that is
    not given stays as it is, and is Azure's default in a new peering. Every argument below may be a template.

    :param until: ``connected`` (default), or ``initiated``: with ``sides="local"`` do not wait for the other owner
    :param allow_virtual_network_access: the remote network's machines reach ours; Azure's default is True
    :param allow_forwarded_traffic: also what a firewall or gateway there forwards; Azure's default is False, as below
    :param allow_gateway_transit: the remote network may use our gateways
    :param use_remote_gateways: use the remote network's gateways
    :param do_not_verify_remote_gateways: not even look whether those are provisioned
    :param remote_allow_virtual_network_access: likewise on the remote side, and so below
    :param remote_allow_forwarded_traffic: likewise
    :param remote_allow_gateway_transit: likewise
    :param remote_use_remote_gateways: likewise
    :param remote_do_not_verify_remote_gateways: likewise
    :param local_subnet_names: peer only these subnets of the local network; needs those of the remote one too
    :param remote_subnet_names: of the remote network
    :param only_ipv6: of these subnets only the IPv6 prefixes
    """

    template_fields: Sequence[str] = (
        *_PeeringOperator.template_fields,
        "until",
        "allow_virtual_network_access",
        "allow_forwarded_traffic",
        "allow_gateway_transit",
        "use_remote_gateways",
        "do_not_verify_remote_gateways",
        "remote_allow_virtual_network_access",
        "remote_allow_forwarded_traffic",
        "remote_allow_gateway_transit",
        "remote_use_remote_gateways",
        "remote_do_not_verify_remote_gateways",
        "local_subnet_names",
        "remote_subnet_names",
        "only_ipv6",
    )

    def __init__(
        self,
        *,
        until: str = "connected",
        allow_virtual_network_access: bool | str | None = None,
        allow_forwarded_traffic: bool | str | None = None,
        allow_gateway_transit: bool | str | None = None,
        use_remote_gateways: bool | str | None = None,
        do_not_verify_remote_gateways: bool | str | None = None,
        remote_allow_virtual_network_access: bool | str | None = None,
        remote_allow_forwarded_traffic: bool | str | None = None,
        remote_allow_gateway_transit: bool | str | None = None,
        remote_use_remote_gateways: bool | str | None = None,
        remote_do_not_verify_remote_gateways: bool | str | None = None,
        local_subnet_names: Sequence[str] | str | None = None,
        remote_subnet_names: Sequence[str] | str | None = None,
        only_ipv6: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.until = until
        self.allow_virtual_network_access = allow_virtual_network_access
        self.allow_forwarded_traffic = allow_forwarded_traffic
        self.allow_gateway_transit = allow_gateway_transit
        self.use_remote_gateways = use_remote_gateways
        self.do_not_verify_remote_gateways = do_not_verify_remote_gateways
        self.remote_allow_virtual_network_access = remote_allow_virtual_network_access
        self.remote_allow_forwarded_traffic = remote_allow_forwarded_traffic
        self.remote_allow_gateway_transit = remote_allow_gateway_transit
        self.remote_use_remote_gateways = remote_use_remote_gateways
        self.remote_do_not_verify_remote_gateways = remote_do_not_verify_remote_gateways
        self.local_subnet_names = local_subnet_names
        self.remote_subnet_names = remote_subnet_names
        self.only_ipv6 = only_ipv6

    def wanted(self) -> WantedPeering:
        """The peering with its options."""
        from airflow_provider_netconn.azure.peering_state import Goal, Sides, WantedPeering

        return WantedPeering(
            local=self._side("", **self._options("")),
            remote=self._side("remote_", **self._options("remote_")),
            sides=as_word("sides", self.sides, (Sides.BOTH, Sides.LOCAL)),
            goal=as_word("until", self.until, (Goal.CONNECTED, Goal.INITIATED)),
            local_subnet_names=as_texts("local_subnet_names", self.local_subnet_names),
            remote_subnet_names=as_texts("remote_subnet_names", self.remote_subnet_names),
            only_ipv6=_as_choice("only_ipv6", self.only_ipv6),
        )

    def _options(self, prefix: str) -> dict[str, bool | None]:
        return {name: _as_choice(f"{prefix}{name}", getattr(self, f"{prefix}{name}")) for name in _OPTIONS}


class VirtualNetworkPeeringDeleteOperator(_PeeringOperator):
    """Deletes the peering of two virtual networks; done where there is none. Every argument below may be a template.

    What is left of a peering when only one side is deleted is Disconnected, and is the other owner's to delete or to
    update. The peering is found by the network that it leads to; names matter only where it may not be read.
    """

    def wanted(self) -> WantedPeering:
        """No peering."""
        from dataclasses import replace

        from airflow_provider_netconn.azure.peering_state import Goal

        return replace(super().wanted(), goal=Goal.ABSENT)


def _as_choice(name: str, value: object) -> bool | None:
    """True, False, or None where nothing was said."""
    return None if value in NOT_GIVEN else as_bool(name, value)
