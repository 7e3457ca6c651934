"""Private endpoints, as the one who makes them: looked at first, made or adopted, given their DNS, and waited for.

An endpoint is made at once with its zones; its zone group follows when both are there, whether its connection is
approved or not: Azure writes the records when it is. Which parts of an endpoint never change is said by Azure's own
refusals (``CannotChangePrivateLinkConnectionOnPrivateEndpoint`` and its like).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.azure.private_dns import (
    PrivateDns,
    check_zone_names,
    ensure_link,
    ensure_zone,
    ensure_zone_group,
)
from airflow_provider_netconn.azure.private_endpoint_state import (
    CONNECTIONS,
    DELETING,
    NETWORK_API_VERSION,
    SUCCEEDED,
    PrivateEndpointState,
    PrivateEndpointWatch,
    Until,
    endpoint_id_of,
)
from airflow_provider_netconn.azure.private_link_target import (
    LinkGroup,
    check_target,
    has_groups,
    is_alias,
    kept_in,
    link_group,
    zone_names,
)
from airflow_provider_netconn.azure.resource_ids import ResourceId, same_id
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureForbiddenError,
    AzureLinkedAuthorizationError,
    AzureNotFoundError,
    InvalidOptionError,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

__all__ = [
    "PrivateEndpoint",
    "PrivateEndpointState",
    "PrivateEndpointWatch",
    "Until",
    "delete_private_endpoint",
    "ensure_private_endpoint",
]

log = logging.getLogger("airflow_provider_netconn.azure")

SUBNET: Final = "Microsoft.Network/virtualNetworks/subnets"
LONGEST_MESSAGE: Final = 140
"""Characters of a request message (Azure's OpenAPI, ``privateEndpoint.json``)."""
_ANY_MEMBER: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpoint:
    """A private endpoint, as it is wanted.

    :param id: its id
    :param target_id: id of the resource that it leads to, or the alias of a private link service
    :param group_id: the resource's sub-resource, such as ``blob``; empty where it has one only, or none
    :param subnet_id: where its addresses lie
    :param location: region of the subnet's network; empty: it is read
    :param manual: ask the owner of the target, instead of approving by our own right
    :param request_message: what the owner is told
    :param static_addresses: address for each member of the group; under an empty name that of the only one
    :param interface_name: of its network interface, instead of one that Azure makes up
    :param tags: of the endpoint
    :param dns: where its records are to be; None: nowhere
    :param approved: it is to be approved; else it is enough that it is made
    :raises InvalidOptionError: naming what is wrong, as far as that can be told without asking Azure
    """

    id: str
    target_id: str
    subnet_id: str
    group_id: str = ""
    location: str = ""
    manual: bool = False
    request_message: str = ""
    static_addresses: Mapping[str, str] = field(default_factory=dict)
    interface_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    dns: PrivateDns | None = None
    approved: bool = True

    def __post_init__(self) -> None:
        endpoint_id_of(self.id)
        if ResourceId.parse(self.subnet_id, "subnet_id").type.casefold() != SUBNET.casefold():
            raise InvalidOptionError("subnet_id", f"{self.subnet_id!r} is no subnet's id", "write NETWORK/subnets/NAME")
        check_target(self.target_id, self.group_id)
        if is_alias(self.target_id) and not self.manual:
            raise InvalidOptionError(
                "manual", "is False, and behind an alias only its owner can approve", "set manual=True"
            )
        if len(self.request_message) > LONGEST_MESSAGE:
            raise InvalidOptionError(
                "request_message",
                f"has {len(self.request_message)} characters, and Azure takes {LONGEST_MESSAGE}",
                "shorten it",
            )
        for address in self.static_addresses.values():
            _check_address(address)

    @property
    def until(self) -> Until:
        """What it is to be."""
        return Until.APPROVED if self.approved else Until.PROVISIONED

    @property
    def network_id(self) -> str:
        """The virtual network in which its addresses lie."""
        return ResourceId.parse(self.subnet_id).parent


async def ensure_private_endpoint(
    azure: AzureSession, wanted: PrivateEndpoint, *, wait: bool = True, replace_it: bool = False, pause_s: float = 5.0
) -> PrivateEndpointState:
    """See that there is such an endpoint with its DNS; carries on with what an earlier run has begun.

    :param wait: until it is made, and approved if it is to be; else begin what is next and return
    :param replace_it: delete and make again an endpoint that is dead (rejected, disconnected), or that differs where it
        cannot be changed
    :param pause_s: between two looks for the owner's approval
    :return: how it stands; look at ``hopeless`` too
    :raises InvalidOptionError: the target has no such group, or its zones cannot be told
    :raises AzureConflictError: the endpoint that is there differs where it cannot be changed
    :raises AzureDeadlineExceededError: the caller's deadline came first
    :raises AzureError: of other kinds
    """
    found, refusal = await _look(azure, wanted.id)
    if found is not None:
        found = await _kept_or_deleted(azure, wanted, found, wait=wait, replace_it=replace_it)
        state = PrivateEndpointState.of(wanted.id, found, until=wanted.until)
        if state.provisioning_state == DELETING:
            return state
        if state.is_dead:
            return await _with_addresses(azure, state)
    zones, unfinished = await _ensure_zones(azure, wanted, found, wait=wait)
    if refusal:
        state = await _write_unseen(azure, wanted, refusal)
    else:
        state = await _ensure_made(azure, wanted, found, wait=wait)
    if state.is_provisioned and not unfinished and zones:
        unfinished = [await ensure_zone_group(azure, wanted.id, zones, wait=wait)]
    state = replace(state, zone_ids=tuple(zones), unfinished=tuple(one for one in unfinished if one))
    if wait and not state.settled and not state.hopeless:
        state = await _wait_for_owner(azure, state, pause_s=pause_s)
    return await _with_addresses(azure, state)


async def delete_private_endpoint(azure: AzureSession, endpoint_id: str, *, wait: bool = True) -> PrivateEndpointState:
    """See that there is no such endpoint; its zone group and its records go with it.

    :param wait: until it is gone; else begin that and return
    """
    found, refusal = await _look(azure, endpoint_id)
    state = PrivateEndpointState.of(endpoint_id, found, until=Until.GONE)
    if refusal or (state.exists and state.provisioning_state != DELETING):
        log.info("Deleting %s", endpoint_id)
        # What failed before is waited for, so that its error is seen; and what may not be read.
        wait = wait or state.has_failed or bool(refusal)
        await azure.arm.delete(endpoint_id, api_version=NETWORK_API_VERSION, wait=wait)
    elif state.exists and wait:
        await _wait_until_gone(azure, endpoint_id)
    if wait:
        return PrivateEndpointState(endpoint_id=endpoint_id, until=Until.GONE)
    left, _ = await _look(azure, endpoint_id)
    state = PrivateEndpointState.of(endpoint_id, left, until=Until.GONE)
    return await delete_private_endpoint(azure, endpoint_id) if state.has_failed else state


# -- what is there ----------------------------------------------------------------------------------


async def _look(azure: AzureSession, endpoint_id: str) -> tuple[dict[str, Any] | None, str]:
    """The endpoint, None where there is none; and why we may not look, which is no reason to stop."""
    try:
        return await azure.arm.get(endpoint_id, api_version=NETWORK_API_VERSION), ""
    except AzureForbiddenError as error:
        log.info("%s is not visible, going on: %s", endpoint_id, error)
        return None, str(error)


async def _kept_or_deleted(
    azure: AzureSession, wanted: PrivateEndpoint, found: dict[str, Any], *, wait: bool, replace_it: bool
) -> dict[str, Any] | None:
    """What of the endpoint that is there can stay; None where it was in the way, and is gone."""
    state = PrivateEndpointState.of(wanted.id, found, until=wanted.until)
    if state.provisioning_state == DELETING:
        if not wait:
            return found
        await _wait_until_gone(azure, wanted.id)
        return None
    differs = differences(wanted, state)
    if not differs and not state.is_dead:
        return found
    if not replace_it:
        if differs:
            raise AzureConflictError(
                wanted.id, f"is there and cannot be changed: {'; '.join(differs)}",
                remedy="give it another name, delete it, or set replace=True: then it is deleted and made again",
            )  # fmt: skip
        return found
    log.warning("Deleting it to make it again: %s", "; ".join(differs) or state.line)
    await azure.arm.delete(wanted.id, api_version=NETWORK_API_VERSION, wait=wait)
    left = None if wait else (await _look(azure, wanted.id))[0]
    return None if left is None else {**left, "properties": {**left["properties"], "provisioningState": DELETING}}


def differences(wanted: PrivateEndpoint, state: PrivateEndpointState) -> list[str]:
    """Where the endpoint that is there differs from the wanted one, and cannot be changed."""
    told = []
    if not (same_id(state.target_id, wanted.target_id) or state.target_id.casefold() == wanted.target_id.casefold()):
        told.append(f"it leads to {state.target_id}")
    if wanted.group_id and wanted.group_id.casefold() not in {one.casefold() for one in state.group_ids}:
        told.append(f"its group is {', '.join(state.group_ids) or 'none'}, not {wanted.group_id}")
    if not same_id(state.subnet_id, wanted.subnet_id):
        told.append(f"it lies in {state.subnet_id}")
    fixed = set(wanted.static_addresses.values())
    if fixed and state.addresses and not fixed <= set(state.addresses):
        told.append(f"its addresses are {', '.join(state.addresses)}, not {', '.join(sorted(fixed))}")
    return told


async def _with_addresses(azure: AzureSession, state: PrivateEndpointState) -> PrivateEndpointState:
    """The state with its addresses, which until it is approved only its network interface tells."""
    if state.addresses or not state.interface_id:
        return state
    try:
        found = await azure.arm.get(state.interface_id, api_version=NETWORK_API_VERSION)
    except AzureForbiddenError as error:
        log.info("Its addresses are not visible: %s", error)
        return state
    configurations = ((found or {}).get("properties") or {}).get("ipConfigurations") or ()
    seen = [str((one.get("properties") or {}).get("privateIPAddress") or "") for one in configurations]
    return replace(state, addresses=tuple(one for one in seen if one))


# -- making it --------------------------------------------------------------------------------------


async def _ensure_made(
    azure: AzureSession, wanted: PrivateEndpoint, found: dict[str, Any] | None, *, wait: bool
) -> PrivateEndpointState:
    """Make the endpoint, or mend one whose making failed; one that is being made is waited for."""
    from airflow_provider_netconn.azure.waiting import provisioned

    state = PrivateEndpointState.of(wanted.id, found, until=wanted.until)
    if state.exists and not state.is_provisioned and not state.has_failed and wait:
        found = await provisioned(azure.arm, wanted.id, api_version=NETWORK_API_VERSION)
        state = PrivateEndpointState.of(wanted.id, found, until=wanted.until)
    tags = {**((found or {}).get("tags") or {}), **wanted.tags}
    is_right = state.exists and not state.has_failed and tags == ((found or {}).get("tags") or {})
    if is_right or (state.exists and not state.is_provisioned and not state.has_failed):
        return state
    body = {**found, "tags": tags} if found is not None else await _body(azure, wanted)
    # What failed before is waited for, so that its error is seen; new tags take a moment only.
    answer = await _put(azure, wanted, body, wait=wait or found is not None)
    return PrivateEndpointState.of(wanted.id, answer or body, until=wanted.until)


async def _write_unseen(azure: AzureSession, wanted: PrivateEndpoint, refusal: str) -> PrivateEndpointState:
    """Write an endpoint that may not be read. What the write is answered is all that is known of it."""
    answer = await _put(azure, wanted, await _body(azure, wanted), wait=True, unseen=True)
    state = PrivateEndpointState.of(wanted.id, answer, until=wanted.until)
    state = replace(state, provisioning_state=SUCCEEDED)
    return state if state.settled or state.is_dead else replace(state, not_visible=refusal)


async def _body(azure: AzureSession, wanted: PrivateEndpoint) -> dict[str, Any]:
    group = await link_group(azure, wanted.target_id, wanted.group_id)
    connection: dict[str, Any] = {
        "privateLinkServiceId": wanted.target_id,
        "groupIds": [group.id] if group.id else [],
    }
    if wanted.request_message:
        connection["requestMessage"] = wanted.request_message
    properties: dict[str, Any] = {
        "subnet": {"id": wanted.subnet_id},
        CONNECTIONS[wanted.manual]: [{"name": endpoint_id_of(wanted.id).name, "properties": connection}],
    }
    if wanted.static_addresses:
        properties["ipConfigurations"] = _static(wanted, group)
    if wanted.interface_name:
        properties["customNetworkInterfaceName"] = wanted.interface_name
    body = {"location": wanted.location or await _location(azure, wanted), "properties": properties}
    return {**body, "tags": dict(wanted.tags)} if wanted.tags else body


def _static(wanted: PrivateEndpoint, group: LinkGroup) -> list[dict[str, Any]]:
    """An IP configuration for each member.

    :raises InvalidOptionError: not each member has its address
    """
    given = {name.casefold(): address for name, address in wanted.static_addresses.items()}
    members = group.members or ((group.id,) if has_groups(wanted.target_id) else ("",))
    if _ANY_MEMBER in given and len(members) == 1:
        given = {members[0].casefold(): given[_ANY_MEMBER]}
    if set(given) != {one.casefold() for one in members}:
        raise InvalidOptionError(
            "static_address",
            f"{len(wanted.static_addresses)} given, and {group.id or 'the target'} takes one for each of its members",
            f"write {{member: address}} for {', '.join(members)}",
        )
    return [
        {
            "name": f"static-{member or 'address'}",
            "properties": {
                "groupId": group.id,
                "memberName": member,
                "privateIPAddress": given[member.casefold()],
            },
        }
        for member in members
    ]


async def _location(azure: AzureSession, wanted: PrivateEndpoint) -> str:
    """The region of the subnet's network: an endpoint lies in no other.

    :raises AzureNotFoundError: there is no such network
    :raises InvalidOptionError: we may not look, and have to be told
    """
    try:
        network = await azure.arm.get(wanted.network_id, api_version=NETWORK_API_VERSION)
    except AzureForbiddenError as error:
        raise InvalidOptionError(
            "location", f"is missing, and the network may not be read: {error}", "set it to the network's region"
        ) from error
    if network is None:
        raise AzureNotFoundError(
            wanted.network_id, "there is no such virtual network", remedy="see subnet_id, and the rights to see it"
        )
    return str(network["location"])


async def _put(
    azure: AzureSession, wanted: PrivateEndpoint, body: Mapping[str, Any], *, wait: bool, unseen: bool = False
) -> dict[str, Any]:
    log.info("Making %s", wanted.id)
    try:
        return await azure.arm.put(wanted.id, body, api_version=NETWORK_API_VERSION, wait=wait, unseen=unseen)
    except AzureLinkedAuthorizationError as error:
        if wanted.manual or "privateendpointconnection" not in error.action.casefold():
            raise
        raise AzureLinkedAuthorizationError(
            wanted.id, f"we may not approve connections to {wanted.target_id}: {error.seen}",
            action=error.action, scope=error.scope, code=error.code, status=error.status,
            correlation_id=error.correlation_id,
            remedy="set manual=True to ask its owner, or have the action granted there",
        ) from error  # fmt: skip


# -- its DNS ----------------------------------------------------------------------------------------


async def _ensure_zones(
    azure: AzureSession, wanted: PrivateEndpoint, found: Mapping[str, Any] | None, *, wait: bool
) -> tuple[list[str], list[str]]:
    """The zones that it needs, with their links.

    :return: ids of the zones, and ids of what is not there yet
    """
    dns = wanted.dns
    if dns is None:
        return [], []
    names = tuple(dict.fromkeys(kept_in(name.casefold()) for name in dns.zone_names))
    if not names:
        state = PrivateEndpointState.of(wanted.id, found)
        group_id = wanted.group_id or next(iter(state.group_ids), "")
        names = zone_names(azure, wanted.target_id, await link_group(azure, wanted.target_id, group_id))
    check_zone_names(names)
    zones = [dns.zone_id(name) for name in names]
    networks = dns.networks or ((wanted.network_id,) if dns.create else ())
    left = await asyncio.gather(*(_ensure_zone(azure, zone, dns.create, networks, wait=wait) for zone in zones))
    return zones, [one for one in left if one]


async def _ensure_zone(
    azure: AzureSession, zone_id: str, create: bool, networks: tuple[str, ...], *, wait: bool
) -> str:
    unfinished = await ensure_zone(azure, zone_id, create=create, wait=wait)
    for network in () if unfinished else networks:
        unfinished = await ensure_link(azure, zone_id, network, wait=wait) or unfinished
    return unfinished


# -- waiting ----------------------------------------------------------------------------------------


async def _wait_for_owner(azure: AzureSession, state: PrivateEndpointState, *, pause_s: float) -> PrivateEndpointState:
    from airflow_provider_netconn.azure.waiting import look_until

    told = [""]

    async def look() -> PrivateEndpointState:
        found = await azure.arm.get(state.endpoint_id, api_version=NETWORK_API_VERSION)
        seen = replace(
            PrivateEndpointState.of(state.endpoint_id, found, until=state.until),
            zone_ids=state.zone_ids, unfinished=state.unfinished,
        )  # fmt: skip
        if seen.line != told[0]:
            log.info("%s", seen.line)
            told[0] = seen.line
        return seen

    return await look_until(
        look,
        lambda seen: bool(seen.settled or seen.hopeless or not seen.exists),
        resource=state.endpoint_id, line=lambda seen: seen.line, pause_s=pause_s,
    )  # fmt: skip


async def _wait_until_gone(azure: AzureSession, endpoint_id: str) -> None:
    from airflow_provider_netconn.azure.waiting import provisioned

    await provisioned(azure.arm, endpoint_id, api_version=NETWORK_API_VERSION)


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise InvalidOptionError("static_address", f"{text!r} is no address", "write one such as 10.0.1.9") from error


def awaits(wanted: PrivateEndpoint, state: PrivateEndpointState, *, by_id: bool = False) -> PrivateEndpointWatch:
    """What to wait for, seen how it stands: what Azure is at work on now, else the owner's word."""
    if state.provisioning_state == DELETING:
        return PrivateEndpointWatch(endpoint_id=wanted.id, until=Until.GONE, by_id=by_id)
    if state.is_provisioned and not state.unfinished:
        return PrivateEndpointWatch(endpoint_id=wanted.id, until=wanted.until, by_id=by_id)
    return PrivateEndpointWatch(endpoint_id=wanted.id, until=Until.PROVISIONED, also=state.unfinished, by_id=by_id)
