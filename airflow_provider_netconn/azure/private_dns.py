"""Private DNS of endpoints: zones, their links to networks, and the zone group in which an endpoint keeps its records.

Each write looks first and writes what is missing. What other people have made or added stays.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.azure.private_endpoint_state import (
    FAILED,
    NETWORK_API_VERSION,
    PRIVATE_DNS_API_VERSION,
    SUCCEEDED,
)
from airflow_provider_netconn.azure.resource_ids import ResourceId, same_id
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureError,
    AzureForbiddenError,
    AzureNotFoundError,
    AzureOperationFailedError,
    InvalidOptionError,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

log = logging.getLogger("airflow_provider_netconn.azure")

ZONE: Final = "Microsoft.Network/privateDnsZones"
NETWORK: Final = "Microsoft.Network/virtualNetworks"
MOST_ZONES: Final = 5
"""Zones in one zone group (Microsoft Learn, "Azure Private Endpoint private DNS zone values")."""
_GROUP_NAME: Final = "default"
_EXISTS: Final = "PreconditionFailed"
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateDns:
    """Where an endpoint's records are to be.

    :param resource_group_id: the group in which the zones lie
    :param zone_names: of the zones; empty: all that the endpoint's target needs
    :param create: make zones and links that are not there; else all zones have to be there
    :param networks: ids of the virtual networks to which the zones are to be linked; only with ``create``
    :raises InvalidOptionError: naming what is wrong
    """

    resource_group_id: str
    zone_names: tuple[str, ...] = ()
    create: bool = False
    networks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        group = ResourceId.parse(self.resource_group_id, "dns_resource_group_id")
        if group.namespace or not group.resource_group:
            raise InvalidOptionError(
                "dns_resource_group_id",
                f"{self.resource_group_id!r} is no resource group's id",
                "write /subscriptions/ID/resourceGroups/NAME",
            )
        for network in self.networks:
            if ResourceId.parse(network, "link_networks").type.casefold() != NETWORK.casefold():
                raise InvalidOptionError("link_networks", f"{network!r} is no virtual network's id", "write such ids")
        if self.networks and not self.create:
            raise InvalidOptionError(
                "link_networks",
                "is given, but zones are not to be linked",
                "set create_dns_zones=True, or leave it out",
            )
        check_zone_names(self.zone_names)

    def zone_id(self, name: str) -> str:
        """The id of a zone of that name there."""
        return f"{ResourceId.parse(self.resource_group_id)}/providers/{ZONE}/{name}"


def check_zone_names(names: Sequence[str]) -> None:
    """Refuse more zones than a zone group takes.

    :raises InvalidOptionError: there are more
    """
    if len(names) > MOST_ZONES:
        raise InvalidOptionError(
            "dns_zone_names",
            f"{len(names)} zones, and an endpoint's one zone group takes {MOST_ZONES}: {', '.join(names)}",
            "leave out those that are not asked for",
        )


# -- zones ------------------------------------------------------------------------------------------


async def ensure_zone(azure: AzureSession, zone_id: str, *, create: bool, wait: bool = True) -> str:
    """See that a private DNS zone is there.

    :param create: make it where it is not
    :param wait: until it is made; else begin that and return
    :return: its id where it is not there yet; empty where it is
    :raises AzureNotFoundError: there is none, and it is not to be made
    """
    try:
        found = await azure.arm.get(zone_id, api_version=PRIVATE_DNS_API_VERSION)
    except AzureForbiddenError as error:
        log.info("%s is not visible, going on: %s", zone_id, error)
        if create:
            await _create_unseen(azure, zone_id, {"location": "global"})
        return ""
    if found is None and not create:
        raise AzureNotFoundError(
            zone_id, "there is no such private DNS zone, and it is not to be made",
            remedy="have its owner make and link it, name another dns_resource_group_id, or set create_dns_zones=True",
        )  # fmt: skip
    body = {"location": "global", **({"tags": found["tags"]} if found and found.get("tags") else {})}
    return await _made(azure, zone_id, found, body, version=PRIVATE_DNS_API_VERSION, wait=wait)


async def delete_zone(azure: AzureSession, zone_id: str, *, wait: bool = True) -> bool:
    """Delete a private DNS zone with its links: Azure refuses that while links are there.

    :return: whether there was one
    """
    for link in await _links(azure, zone_id):
        await azure.arm.delete(link["id"], api_version=PRIVATE_DNS_API_VERSION)
    return await azure.arm.delete(zone_id, api_version=PRIVATE_DNS_API_VERSION, wait=wait)


# -- links ------------------------------------------------------------------------------------------


def link_id(zone_id: str, network_id: str) -> str:
    """The id of the link that we make of a zone to a network: the same each time."""
    network = ResourceId.parse(network_id)
    mark = hashlib.sha256(network.key.encode()).hexdigest()[:8]
    return f"{zone_id}/virtualNetworkLinks/{network.name[:_LONGEST_NAME].rstrip('.-_')}-{mark}"


async def ensure_link(azure: AzureSession, zone_id: str, network_id: str, *, wait: bool = True) -> str:
    """See that a zone is linked to a network; a link of any name will do.

    :param wait: until it is made; else begin that and return
    :return: its id where it is not there yet; empty where it is
    """
    body = {"location": "global", "properties": {"virtualNetwork": {"id": network_id}, "registrationEnabled": False}}
    ours = link_id(zone_id, network_id)
    try:
        links = await _links(azure, zone_id)
    except AzureForbiddenError as error:
        log.info("The links of %s are not visible, going on: %s", zone_id, error)
        await _create_unseen(azure, ours, body)
        return ""
    found = next((one for one in links if same_id(_network_of(one), network_id)), None)
    target = found["id"] if found else ours
    return await _made(azure, target, found, found or body, version=PRIVATE_DNS_API_VERSION, wait=wait)


async def delete_link(azure: AzureSession, zone_id: str, network_id: str, *, wait: bool = True) -> bool:
    """Remove the link of a zone to a network, whatever its name.

    :return: whether there was one
    """
    found = [one["id"] for one in await _links(azure, zone_id) if same_id(_network_of(one), network_id)]
    for link in found:
        await azure.arm.delete(link, api_version=PRIVATE_DNS_API_VERSION, wait=wait)
    return bool(found)


async def _links(azure: AzureSession, zone_id: str) -> list[dict[str, Any]]:
    path = f"{zone_id}/virtualNetworkLinks"
    try:
        return [one async for one in azure.arm.list(path, api_version=PRIVATE_DNS_API_VERSION)]
    except AzureNotFoundError:
        return []


def _network_of(link: Mapping[str, Any]) -> str:
    return str(((link.get("properties") or {}).get("virtualNetwork") or {}).get("id") or "")


# -- zone groups ------------------------------------------------------------------------------------


async def find_zone_group(azure: AzureSession, endpoint_id: str) -> dict[str, Any] | None:
    """An endpoint's one zone group; None where it has none.

    :raises AzureForbiddenError: we may not look
    """
    path = f"{endpoint_id}/privateDnsZoneGroups"
    try:
        return await anext(azure.arm.list(path, api_version=NETWORK_API_VERSION), None)
    except AzureNotFoundError:
        return None


def zones_of(group: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Ids of the zones in a zone group."""
    configs = ((group or {}).get("properties") or {}).get("privateDnsZoneConfigs") or ()
    return tuple(str((one.get("properties") or {}).get("privateDnsZoneId") or "") for one in configs)


async def ensure_zone_group(
    azure: AzureSession, endpoint_id: str, zone_ids: Sequence[str], *, wait: bool = True
) -> str:
    """See that an endpoint keeps its records in these zones; further zones of its group stay in it.

    :param zone_ids: all of them are there
    :param wait: until it is made; else begin that and return
    :return: its id where it is not there yet; empty where it is
    :raises InvalidOptionError: with those that are in the group, there are more zones than it takes
    """
    try:
        found = await find_zone_group(azure, endpoint_id)
    except AzureForbiddenError as error:
        log.info("The zone group of %s is not visible, going on: %s", endpoint_id, error)
        body = {"properties": {"privateDnsZoneConfigs": [_config_of(one) for one in zone_ids]}}
        unseen = f"{endpoint_id}/privateDnsZoneGroups/{_GROUP_NAME}"
        await azure.arm.put(unseen, body, api_version=NETWORK_API_VERSION, unseen=True)
        return ""
    group_id = str(found["id"]) if found else f"{endpoint_id}/privateDnsZoneGroups/{_GROUP_NAME}"
    there = zones_of(found)
    missing = [one for one in zone_ids if not any(same_id(one, other) for other in there)]
    configs = [_config(one) for one in (found or {}).get("properties", {}).get("privateDnsZoneConfigs") or ()]
    configs += [_config_of(one) for one in missing]
    check_zone_names([one["properties"]["privateDnsZoneId"] for one in configs])
    body = {"properties": {"privateDnsZoneConfigs": configs}}
    if missing:
        log.info("Putting the endpoint's records into %s", ", ".join(missing))
    seen = None if missing else found
    return await _made(azure, group_id, seen, body, version=NETWORK_API_VERSION, wait=wait)


def _config(seen: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as a PUT takes it."""
    return {"name": seen["name"], "properties": {"privateDnsZoneId": seen["properties"]["privateDnsZoneId"]}}


def _config_of(zone_id: str) -> dict[str, Any]:
    return {"name": zone_id.rpartition("/")[2].replace(".", "-"), "properties": {"privateDnsZoneId": zone_id}}


# -- how --------------------------------------------------------------------------------------------


async def _made(
    azure: AzureSession,
    resource_id: str,
    found: Mapping[str, Any] | None,
    body: Mapping[str, Any],
    *,
    version: str,
    wait: bool,
) -> str:
    """Write what is missing or failed; wait for what is being made. Gives the id where it is not there yet."""
    from airflow_provider_netconn.azure.waiting import provisioned, provisioning_state

    state = provisioning_state(dict(found)) if found is not None else ""
    if state == SUCCEEDED:
        return ""
    if state and state.casefold() not in FAILED:  # a killed try's, or somebody else's
        if not wait:
            return resource_id
        state = provisioning_state(await provisioned(azure.arm, resource_id, api_version=version))
        if state == SUCCEEDED:
            return ""
    # What failed before is waited for, so that its error is seen.
    waits = wait or bool(state)
    log.info("Making %s", resource_id)
    answer = await azure.arm.put(resource_id, body, api_version=version, wait=waits)
    return "" if waits or provisioning_state(answer) == SUCCEEDED else resource_id


async def _create_unseen(azure: AzureSession, resource_id: str, body: Mapping[str, Any]) -> None:
    """Make what we may not look at, and leave it as it is where it is there."""
    try:
        await azure.arm.put(resource_id, body, api_version=PRIVATE_DNS_API_VERSION, if_none_match="*", unseen=True)
    except (AzureConflictError, AzureOperationFailedError) as error:
        if not _says_it_exists(error):
            raise


def _says_it_exists(error: AzureError) -> bool:
    return error.code == _EXISTS or error.status == 412  # noqa: PLR2004
