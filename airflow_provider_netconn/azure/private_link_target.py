"""What a private endpoint can lead to: the groups of a resource, and the private DNS zones that each of them needs.

The resource itself tells (``privateLinkResources``); the table of zones answers where it does not. Which zones must not
be made of their own, and which services need all of theirs, is written under Microsoft Learn, "Azure Private Endpoint
private DNS zone values".
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.azure.clouds import CHINA, GOVERNMENT
from airflow_provider_netconn.azure.private_endpoint_connection_types import connection_type, connection_types
from airflow_provider_netconn.azure.resource_ids import ResourceId
from airflow_provider_netconn.errors import (
    AzureForbiddenError,
    AzureInvalidRequestError,
    InvalidInputError,
    InvalidOptionError,
)
from airflow_provider_netconn.privatelink.table import PARAMETER, Cloud, ZoneRow, zone_table
from airflow_provider_netconn.privatelink.zones import records_zone, zones_for_resource_type

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

log = logging.getLogger("airflow_provider_netconn.azure")

ALIAS_SUFFIX: Final = ".azure.privatelinkservice"
"""How the alias of a private link service ends; such a target has no id that we know."""
PRIVATE_LINK_SERVICE: Final = "Microsoft.Network/privateLinkServices"
APPROVAL: Final = "PrivateEndpointConnectionsApproval/action"

_ALL_ZONES: Final = frozenset(
    {
        "microsoft.cognitiveservices/accounts",
        "microsoft.kusto/clusters",
        "microsoft.insights/privatelinkscopes",
        "microsoft.machinelearningservices/workspaces",
    }
)
_CLOUDS: Final = {GOVERNMENT.name: Cloud.GOVERNMENT, CHINA.name: Cloud.CHINA}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkGroup:
    """A sub-resource that an endpoint can ask for.

    :param id: such as ``blob``; empty for a private link service
    :param members: what the endpoint gets an address for, each; empty where that is not known
    :param zones: names of the private DNS zones that it needs, as the resource tells; empty where it does not
    """

    id: str
    members: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()


def is_alias(target: str) -> bool:
    """Whether a target is the alias of a private link service."""
    return target.casefold().endswith(ALIAS_SUFFIX)


def has_groups(target: str) -> bool:
    """Whether an endpoint to this target has to name a group: all have, but private link services."""
    return not is_alias(target) and ResourceId.parse(target).type.casefold() != PRIVATE_LINK_SERVICE.casefold()


def approval_action(target: str) -> str:
    """The action on a target that makes connections to it approved from the start.

    Empty where there is none: a private link service has a list of subscriptions for that.
    """
    return f"{ResourceId.parse(target).type}/{APPROVAL}" if has_groups(target) else ""


def check_target(target: str, group_id: str) -> None:
    """Refuse what can be told to be wrong without asking Azure.

    :raises InvalidOptionError: an id of a type that takes no endpoints; a group where none belongs
    """
    if not has_groups(target):
        if group_id:
            raise InvalidOptionError("group_id", f"{group_id!r}: a private link service has no groups", "leave it out")
        return
    kind = ResourceId.parse(target, "target_id").type
    if kind.casefold() in connection_types():
        return
    try:
        zones_for_resource_type(kind)
    except InvalidInputError as error:
        raise InvalidOptionError(
            "target_id",
            f"no private endpoint to resources of the type {kind or 'group or subscription'} is known",
            error.remedy or "give the id of a resource such as a storage account",
        ) from error


async def link_group(azure: AzureSession, target: str, group_id: str) -> LinkGroup:
    """The group of a resource, as the resource spells it.

    :param group_id: in any case; it may be empty where the resource has one group only
    :raises InvalidOptionError: there is no such group; names those that there are
    :raises AzureNotFoundError: there is no such resource
    """
    check_target(target, group_id)
    if not has_groups(target):
        return LinkGroup(id="")
    offered = await _offered(azure, target)
    if offered:
        return _chosen(offered, target, group_id)
    kind = ResourceId.parse(target).type
    rows = _rows(kind, None, azure)
    known = tuple(LinkGroup(id=name) for row in rows for name in row.subresources)
    return _chosen(known, target, group_id) if known else LinkGroup(id=group_id)


async def _offered(azure: AzureSession, target: str) -> tuple[LinkGroup, ...]:
    """The groups that the resource tells of; nothing where we may not ask, or it has no such list."""
    if ResourceId.parse(target).type.casefold() not in connection_types():
        return ()
    version = connection_type(target).api_version
    try:
        found = [one async for one in azure.arm.list(f"{target}/privateLinkResources", api_version=version)]
    except (AzureForbiddenError, AzureInvalidRequestError) as error:
        log.info("The groups of %s are not visible, the zone table tells instead: %s", target, error)
        return ()
    return tuple(_group(one) for one in found)


def _group(seen: dict[str, Any]) -> LinkGroup:
    properties = seen.get("properties") or {}
    return LinkGroup(
        id=str(properties.get("groupId") or seen.get("name") or ""),
        members=tuple(str(one) for one in properties.get("requiredMembers") or ()),
        zones=tuple(str(one) for one in properties.get("requiredZoneNames") or ()),
    )


def _chosen(groups: Sequence[LinkGroup], target: str, group_id: str) -> LinkGroup:
    by_name = {one.id.casefold(): one for one in groups}
    if not group_id and len(by_name) == 1:
        return groups[0]
    found = by_name.get(group_id.casefold())
    if found is not None:
        return found
    name = "/".join(ResourceId.parse(target).type.split("/")[1:])
    near = difflib.get_close_matches(group_id.casefold(), by_name, n=1)
    meant = f"; did you mean {by_name[near[0]].id}?" if near else ""
    seen = f"{group_id!r} is no group" if group_id else "is missing, and there is more than one group"
    raise InvalidOptionError(
        "group_id", f"{seen} of {name}/{ResourceId.parse(target).name}",
        f"valid group ids are {', '.join(sorted(one.id for one in by_name.values()))}{meant}",
    )  # fmt: skip


def zone_names(azure: AzureSession, target: str, group: LinkGroup) -> tuple[str, ...]:
    """Names of all private DNS zones that an endpoint needs, those in which its records are kept.

    :raises InvalidOptionError: neither the resource nor the table tells them
    """
    if not has_groups(target):
        return ()
    kind = ResourceId.parse(target).type
    rows = _rows(kind, group.id, azure)
    listed = [zone for row in rows for zone in row.private_dns_zones]
    if group.zones:
        more = [zone for zone in listed if kind.casefold() in _ALL_ZONES and not PARAMETER.search(zone)]
        return _kept([*group.zones, *more])
    if (
        len(rows) != 1
        or any(PARAMETER.search(records_zone(zone)) for zone in listed)
        or "ALTERNATIVES" in rows[0].notes
    ):
        raise InvalidOptionError(
            "dns_zone_names",
            f"which private DNS zones {group.id or 'this target'} of {kind} needs cannot be told from here",
            f"name them; the table has {', '.join(listed) or 'none'}",
        )
    return _kept(listed)


def _kept(zones: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kept_in(zone.casefold()) for zone in zones))


def kept_in(zone: str) -> str:
    """The zone that keeps the records of this one: itself, but for those that must not be made of their own."""
    for template, parent in zone_table().records_in_parent.items():
        pattern = "".join(
            "[^.]+" if index % 2 else re.escape(part) for index, part in enumerate(PARAMETER.split(template))
        )
        if re.fullmatch(pattern, zone):
            return parent
    return zone


def _rows(kind: str, group_id: str | None, azure: AzureSession) -> tuple[ZoneRow, ...]:
    """The table's rows; none where it has none."""
    cloud = _CLOUDS.get(azure.settings.cloud.name, Cloud.COMMERCIAL)
    try:
        return zones_for_resource_type(kind, group_id or None, cloud)
    except InvalidInputError:
        return ()
