"""Which public names a private endpoint stands for, and at which addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_netconn.azure.resource_ids import ResourceId
from airflow_provider_netconn.errors import AzureConflictError, AzureNotFoundError, InvalidOptionError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.session import AzureSession

API_VERSION = "2024-05-01"
_TYPE = ("microsoft.network", ("privateendpoints",))


async def endpoint_addresses(azure: AzureSession, endpoint_id: str) -> dict[str, tuple[str, ...]]:
    """The addresses of each public name of a private endpoint, as Azure tells them (``customDnsConfigs``).

    It tells them once the owner has approved the endpoint's connection, and not before.

    :param endpoint_id: id of the private endpoint
    :raises InvalidOptionError: the id is none of a private endpoint
    :raises AzureNotFoundError: there is no such endpoint
    :raises AzureConflictError: it has no names yet, for it is not approved
    """
    wanted = ResourceId.parse(endpoint_id, "endpoint_id")
    if (wanted.namespace.lower(), tuple(kind.lower() for kind in wanted.types)) != _TYPE:
        raise InvalidOptionError(
            "endpoint_id",
            f"{endpoint_id!r} is no private endpoint's",
            "write /subscriptions/ID/resourceGroups/NAME/providers/Microsoft.Network/privateEndpoints/NAME",
        )
    found = await azure.arm.get(wanted.text, api_version=API_VERSION)
    if found is None:
        raise AzureNotFoundError(
            wanted.text, "there is no such private endpoint", remedy="correct the id, or create it"
        )
    configurations = found.get("properties", {}).get("customDnsConfigs") or []
    addresses = {one["fqdn"]: tuple(one["ipAddresses"]) for one in configurations if one.get("ipAddresses")}
    if not addresses:
        raise AzureConflictError(
            wanted.text,
            "Azure tells no names of this private endpoint yet",
            remedy="have its connection approved first",
        )
    return addresses
