"""Make a private endpoint with the DNS that it needs, and delete one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import AzureForbiddenError, InvalidOptionError
from airflow_provider_netconn.operators.azure_base import AzureOperator
from airflow_provider_netconn.templated import NOT_GIVEN, as_bool, as_text, as_texts

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_netconn.azure.private_dns import PrivateDns
    from airflow_provider_netconn.azure.private_endpoint import PrivateEndpoint
    from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointState, PrivateEndpointWatch
    from airflow_provider_netconn.azure.session import AzureSession

_NETWORK: Final = "Microsoft.Network"
_ENDPOINTS: Final = f"{_NETWORK}/privateEndpoints"
_ZONES: Final = f"{_NETWORK}/privateDnsZones"


class _PrivateEndpointOperator(AzureOperator):
    """What is the same of an endpoint that is to be and of one that is not to be.

    :param endpoint_id: id of the private endpoint, there or not
    """

    template_fields: Sequence[str] = (*AzureOperator.template_fields, "endpoint_id")

    def __init__(self, *, endpoint_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.endpoint_id = endpoint_id
        self._reads_alone = False

    def resource_id(self) -> str:
        """The endpoint."""
        from airflow_provider_netconn.azure.private_endpoint_state import endpoint_id_of

        return endpoint_id_of(self._needed("endpoint_id", "a private endpoint")).text

    def _needed(self, name: str, what: str) -> str:
        text = as_text(name, getattr(self, name))
        if text is None:
            raise InvalidOptionError(name, "is missing", f"write the id of {what}")
        return text

    @property
    def _group_id(self) -> str:
        return self.resource_id().rpartition("/providers/")[0]

    async def _see_what_is_visible(self, azure: AzureSession) -> None:
        """Find out whether a poller may read the list that all who wait in the subscription share."""
        subscription = "/".join(self.resource_id().split("/")[:3])
        seen = await azure.missing_permissions(subscription, [f"{_ENDPOINTS}/read"])
        self._reads_alone = bool(seen.missing or seen.unknown)


class PrivateEndpointOperator(_PrivateEndpointOperator):
    """Makes a private endpoint and the DNS that it needs, and ends when its connection is approved.

    An endpoint that is there already is adopted; where it leads elsewhere the task fails and touches nothing. Without
    the right to approve connections to the target set ``manual``: its owner has to approve. A rejected or removed
    connection never comes back: the task fails at once, and says so. Every argument below may be a template.

    :param endpoint_id: id of the private endpoint, there or not
    :param target_id: id of the resource that it leads to, or the alias of a private link service
    :param subnet_id: id of the subnet in which it gets its addresses
    :param group_id: which part of the resource: ``blob``, ``sqlServer``, ...; may be left out where there is one only
    :param location: region of the subnet's network; it is looked up by default
    :param manual: ask the target's owner for approval, instead of approving by our own right
    :param request_message: what the owner is told, 140 characters at most
    :param static_address: the address that it gets; where the group has several members, one for each:
        ``{"registry": "10.0.1.9", ...}``
    :param interface_name: of its network interface, instead of one that Azure makes up
    :param tags: of the endpoint; further ones that it has stay
    :param dns_zone_group: keep its records in private DNS zones
    :param dns_resource_group_id: id of the resource group in which the zones lie; by default the endpoint's
    :param dns_zone_names: of the zones; by default all that the target's group needs
    :param create_dns_zones: make and link zones that are not there; else all have to be there
    :param link_networks: ids of the networks that the zones are to be linked to, with ``create_dns_zones``; by default
        the endpoint's own
    :param wait_for_approval: else it is enough that the endpoint is made, and asks
    :param replace: an endpoint that was rejected, is cut off or leads elsewhere when the task starts is deleted and
        made again
    """

    template_fields: Sequence[str] = (
        *_PrivateEndpointOperator.template_fields,
        "target_id",
        "subnet_id",
        "group_id",
        "location",
        "manual",
        "request_message",
        "static_address",
        "interface_name",
        "tags",
        "dns_zone_group",
        "dns_resource_group_id",
        "dns_zone_names",
        "create_dns_zones",
        "link_networks",
        "wait_for_approval",
        "replace",
    )

    def __init__(
        self,
        *,
        target_id: str,
        subnet_id: str,
        group_id: str | None = None,
        location: str | None = None,
        manual: bool | str = False,
        request_message: str | None = None,
        static_address: Mapping[str, str] | str | None = None,
        interface_name: str | None = None,
        tags: Mapping[str, str] | str | None = None,
        dns_zone_group: bool | str = True,
        dns_resource_group_id: str | None = None,
        dns_zone_names: Sequence[str] | str | None = None,
        create_dns_zones: bool | str = False,
        link_networks: Sequence[str] | str | None = None,
        wait_for_approval: bool | str = True,
        replace: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target_id = target_id
        self.subnet_id = subnet_id
        self.group_id = group_id
        self.location = location
        self.manual = manual
        self.request_message = request_message
        self.static_address = static_address
        self.interface_name = interface_name
        self.tags = tags
        self.dns_zone_group = dns_zone_group
        self.dns_resource_group_id = dns_resource_group_id
        self.dns_zone_names = dns_zone_names
        self.create_dns_zones = create_dns_zones
        self.link_networks = link_networks
        self.wait_for_approval = wait_for_approval
        self.replace = replace
        self._has_waited = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Tell what it costs, and bring it about."""
        from airflow_provider_netconn.azure.private_dns import MOST_ZONES
        from airflow_provider_netconn.azure.private_link_cost import monthly_cost

        dns = self.wanted().dns
        new_zones = (len(dns.zone_names) or MOST_ZONES) if dns is not None and dns.create else 0
        self.log.info("What this private endpoint costs: %s", monthly_cost(new_zones=new_zones))
        return super().execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Go on where the wait ended. What was rejected meanwhile is not made again by itself."""
        self._has_waited = True
        return super().execute_complete(context, event)

    def wanted(self) -> PrivateEndpoint:
        """The endpoint, from the rendered arguments.

        :raises InvalidInputError: naming the argument that is not usable
        """
        from airflow_provider_netconn.azure.private_endpoint import PrivateEndpoint

        return PrivateEndpoint(
            id=self.resource_id(),
            target_id=self._needed("target_id", "the resource that it leads to"),
            subnet_id=self._needed("subnet_id", "a subnet"),
            group_id=as_text("group_id", self.group_id) or "",
            location=as_text("location", self.location) or "",
            manual=as_bool("manual", self.manual),
            request_message=as_text("request_message", self.request_message) or "",
            static_addresses=_as_addresses(self.static_address),
            interface_name=as_text("interface_name", self.interface_name) or "",
            tags=_as_mapping("tags", self.tags),
            dns=self._dns() if as_bool("dns_zone_group", self.dns_zone_group) else None,
            approved=as_bool("wait_for_approval", self.wait_for_approval),
        )

    def _dns(self) -> PrivateDns:
        from airflow_provider_netconn.azure.private_dns import PrivateDns

        return PrivateDns(
            resource_group_id=as_text("dns_resource_group_id", self.dns_resource_group_id) or self._group_id,
            zone_names=as_texts("dns_zone_names", self.dns_zone_names),
            create=as_bool("create_dns_zones", self.create_dns_zones),
            networks=as_texts("link_networks", self.link_networks),
        )

    def needed_actions(self) -> Mapping[str, Sequence[str]]:
        """To make the endpoint in its subnet, to approve it where that is ours to do, and for its DNS."""
        from airflow_provider_netconn.azure.private_link_target import approval_action

        wanted = self.wanted()
        endpoint = [f"{_ENDPOINTS}/read", f"{_ENDPOINTS}/write"]
        needed = {wanted.subnet_id: [f"{_NETWORK}/virtualNetworks/subnets/join/action"]}
        if as_bool("replace", self.replace):
            endpoint.append(f"{_ENDPOINTS}/delete")
        if not wanted.location:
            needed[wanted.network_id] = [f"{_NETWORK}/virtualNetworks/read"]
        approval = "" if wanted.manual else approval_action(wanted.target_id)
        if approval:
            needed[wanted.target_id] = [approval]
        dns = wanted.dns
        if dns is not None:
            endpoint += [f"{_ENDPOINTS}/privateDnsZoneGroups/{verb}" for verb in ("read", "write")]
            zones = [f"{_ZONES}/read", f"{_ZONES}/join/action"]
            if dns.create:
                zones += [f"{_ZONES}/write", *(f"{_ZONES}/virtualNetworkLinks/{verb}" for verb in ("read", "write"))]
                for network in dns.networks or (wanted.network_id,):
                    needed[network] = [*needed.get(network, ()), f"{_NETWORK}/virtualNetworks/join/action"]
            needed[dns.resource_group_id] = zones
        return {**needed, self._group_id: [*endpoint, *needed.get(self._group_id, ())]}

    async def check_permissions(self, azure: AzureSession) -> None:
        """Look for missing rights before anything is written.

        :raises AzureForbiddenError: naming all that are missing
        """
        try:
            await super().check_permissions(azure)
        except AzureForbiddenError as error:
            if "PrivateEndpointConnectionsApproval" not in error.seen:
                raise
            raise AzureForbiddenError(
                error.resource, error.seen, action=error.action, scope=error.scope,
                remedy="set manual=True to ask the target's owner for approval, or have the actions granted",
            ) from error  # fmt: skip

    async def ensure(self, azure: AzureSession, *, wait: bool) -> PrivateEndpointState:
        """Do what is left: see :func:`airflow_provider_netconn.azure.private_endpoint.ensure_private_endpoint`."""
        from airflow_provider_netconn.azure.private_endpoint import ensure_private_endpoint

        state = await ensure_private_endpoint(
            azure, self.wanted(), wait=wait,
            replace_it=as_bool("replace", self.replace) and not self._has_waited,
            pause_s=self._positive("poll_interval_s", self.poll_interval_s),
        )  # fmt: skip
        if not wait and not state.settled:
            await self._see_what_is_visible(azure)
        return state

    def watch(self, state: PrivateEndpointState) -> PrivateEndpointWatch:  # type: ignore[override]
        """What Azure is at work on, else the owner's word."""
        from airflow_provider_netconn.azure.private_endpoint import awaits

        return awaits(self.wanted(), state, by_id=self._reads_alone)

    def facts(self, state: PrivateEndpointState) -> dict[str, Any]:  # type: ignore[override]
        """The endpoint's status, addresses and public names, and the zones that hold its records."""
        return state.facts()


class PrivateEndpointDeleteOperator(_PrivateEndpointOperator):
    """Deletes a private endpoint; done where there is none. Its zone group and its records go with it, zones stay.

    :param endpoint_id: id of the private endpoint
    """

    def needed_actions(self) -> Mapping[str, Sequence[str]]:
        """To see and to delete the endpoint."""
        return {self._group_id: [f"{_ENDPOINTS}/read", f"{_ENDPOINTS}/delete"]}

    async def ensure(self, azure: AzureSession, *, wait: bool) -> PrivateEndpointState:
        """Delete it: see :func:`airflow_provider_netconn.azure.private_endpoint.delete_private_endpoint`."""
        from airflow_provider_netconn.azure.private_endpoint import delete_private_endpoint

        state = await delete_private_endpoint(azure, self.resource_id(), wait=wait)
        if not state.settled:
            await self._see_what_is_visible(azure)
        return state

    def watch(self, state: PrivateEndpointState) -> PrivateEndpointWatch:  # type: ignore[override]
        """Until it is gone."""
        from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointWatch, Until

        return PrivateEndpointWatch(endpoint_id=state.endpoint_id, until=Until.GONE, by_id=self._reads_alone)

    def facts(self, state: PrivateEndpointState) -> dict[str, Any]:  # type: ignore[override]
        """Which endpoint is gone."""
        return {"endpoint_id": state.endpoint_id}


def _as_addresses(value: Mapping[str, str] | str | None) -> dict[str, str]:
    text = value.strip() if isinstance(value, str) else ""
    if text and text not in NOT_GIVEN and not text.startswith("{"):
        return {"": text}
    return _as_mapping("static_address", value)


def _as_mapping(name: str, value: Mapping[str, str] | str | None) -> dict[str, str]:
    if isinstance(value, str) and value.strip() not in NOT_GIVEN:
        try:
            value = json.loads(value)
        except ValueError as error:
            raise InvalidOptionError(
                name, f"{value!r} cannot be read", "write a JSON object; in a template, end with '| tojson'"
            ) from error
    if value is None or isinstance(value, str):
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
        raise InvalidOptionError(name, f"{value!r} is no mapping of text to text", 'write {"name": "value"}')
    return {str(key): one for key, one in value.items()}
