"""Which of the actions that are needed the caller lacks, read from Azure's own list of its permissions.

``GET {scope}/providers/Microsoft.Authorization/permissions`` lists what each role gives at a scope; an action is
allowed where one entry has it among ``actions`` and not among its ``notActions`` (Microsoft Learn, "Understand Azure
role definitions"). It does not show deny assignments, nor conditions: the write itself has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.errors import AzureError, AzureForbiddenError, AzureNotFoundError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.arm import ArmClient

API_VERSION: Final = "2022-04-01"

_NETWORK: Final = "Microsoft.Network"
NEEDED_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "peerings": (
        f"{_NETWORK}/virtualNetworks/read",
        f"{_NETWORK}/virtualNetworks/peer/action",
        f"{_NETWORK}/virtualNetworks/virtualNetworkPeerings/read",
        f"{_NETWORK}/virtualNetworks/virtualNetworkPeerings/write",
        f"{_NETWORK}/virtualNetworks/virtualNetworkPeerings/delete",
    ),
    "hub connections": (
        f"{_NETWORK}/virtualHubs/read",
        f"{_NETWORK}/virtualHubs/hubVirtualNetworkConnections/read",
        f"{_NETWORK}/virtualHubs/hubVirtualNetworkConnections/write",
        f"{_NETWORK}/virtualHubs/hubVirtualNetworkConnections/delete",
        f"{_NETWORK}/virtualNetworks/peer/action",
    ),
    "private endpoints": (
        f"{_NETWORK}/privateEndpoints/read",
        f"{_NETWORK}/privateEndpoints/write",
        f"{_NETWORK}/privateEndpoints/delete",
        f"{_NETWORK}/virtualNetworks/subnets/join/action",
        f"{_NETWORK}/virtualNetworks/read",
        f"{_NETWORK}/networkInterfaces/read",
        f"{_NETWORK}/privateEndpoints/privateDnsZoneGroups/read",
        f"{_NETWORK}/privateEndpoints/privateDnsZoneGroups/write",
    ),
    "private DNS": (
        f"{_NETWORK}/privateDnsZones/read",
        f"{_NETWORK}/privateDnsZones/write",
        f"{_NETWORK}/privateDnsZones/join/action",
        f"{_NETWORK}/privateDnsZones/virtualNetworkLinks/read",
        f"{_NETWORK}/privateDnsZones/virtualNetworkLinks/write",
        f"{_NETWORK}/virtualNetworks/join/action",
    ),
}
"""What the package's operators need, by what they do. Which service's connections are approved is not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPermissions:
    """Which actions are missing at a scope.

    :param scope: id of a resource, group or subscription
    :param asked: the actions that were asked for
    :param missing: those that no role of the caller allows
    :param unknown: why nothing is known, where the permissions cannot be listed; empty where they were
    """

    scope: str
    asked: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unknown: str = ""

    def __str__(self) -> str:
        if self.unknown:
            return f"unknown at {self.scope}: {self.unknown}"
        if self.missing:
            return f"missing at {self.scope}: {', '.join(self.missing)}"
        return f"nothing is missing at {self.scope}"

    def check(self) -> None:
        """Refuse to go on where something is known to be missing; what is unknown, the write itself will tell.

        :raises AzureForbiddenError: naming the actions
        """
        if self.missing:
            raise AzureForbiddenError(
                self.scope,
                f"nothing was written, since these actions are missing: {', '.join(self.missing)}",
                action=self.missing[0],
                scope=self.scope,
                remedy=f"give the principal a role with them at {self.scope} or above it",
            )


async def missing_permissions(arm: ArmClient, scope: str, actions: Sequence[str]) -> MissingPermissions:
    """Which of these actions the caller lacks at a scope; it never fails because it cannot know.

    :param scope: id of a resource, group or subscription; of a resource that is yet to be made the group, or what it
        lies in, decides
    :param actions: such as ``Microsoft.Network/virtualNetworks/peer/action``; those of the data plane with ``data:`` in
        front
    """
    asked = tuple(dict.fromkeys(actions))
    try:
        entries = await _list(arm, scope)
    except AzureError as error:
        return MissingPermissions(scope=scope, asked=asked, unknown=str(error))
    return MissingPermissions(
        scope=scope, asked=asked, missing=tuple(action for action in asked if not is_allowed(entries, action))
    )


async def _list(arm: ArmClient, scope: str) -> list[Mapping[str, Any]]:
    from airflow_provider_netconn.azure.resource_ids import ResourceId

    at = ResourceId.parse(scope, "scope")
    while True:
        path = f"{at}/providers/Microsoft.Authorization/permissions"
        try:
            return [entry async for entry in arm.list(path, api_version=API_VERSION)]
        except AzureNotFoundError:
            # A child whose type or parent is not there has no list; what is above it rules there too.
            if not at.parent:
                raise
            at = ResourceId.parse(at.parent)


def is_allowed(entries: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether one of the entries allows an action.

    :param action: of the data plane with ``data:`` in front
    """
    allowed, excepted = ("actions", "notActions")
    if action.startswith("data:"):
        action, allowed, excepted = action.removeprefix("data:"), "dataActions", "notDataActions"
    return any(_has(entry.get(allowed), action) and not _has(entry.get(excepted), action) for entry in entries)


def _has(patterns: object, action: str) -> bool:
    return isinstance(patterns, list) and any(_matches(str(pattern), action) for pattern in patterns)


@lru_cache(maxsize=4096)
def _matches(pattern: str, action: str) -> bool:
    """Whether an action is one of a pattern such as ``Microsoft.Network/*/read``; case does not matter."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None
