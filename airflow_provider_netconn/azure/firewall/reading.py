"""Reads a service's firewall from Resource Manager, and Databricks' from the workspace itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.azure.firewall.interpret import firewall_of
from airflow_provider_netconn.azure.firewall.table import FirewallService, firewall_service
from airflow_provider_netconn.errors import AzureMalformedAnswerError, AzureNotFoundError

if TYPE_CHECKING:
    from airflow_provider_netconn.azure.firewall.values import Firewall
    from airflow_provider_netconn.azure.session import AzureSession

Json = dict[str, Any]


async def read_firewall(azure: AzureSession, resource_id: str) -> Firewall:
    """Read the firewall of a service.

    :raises InvalidOptionError: no id, or of a type whose firewall cannot be read
    :raises AzureNotFoundError: there is no such resource
    :raises AzureError: it could not be read; AzureForbiddenError names the action that is missing
    """
    service = firewall_service(resource_id)
    resource = await azure.arm.get(resource_id, api_version=service.api_version)
    if resource is None:
        raise AzureNotFoundError(
            resource_id, "there is no such resource, as far as we see", remedy="check the id, and the rights to read it"
        )
    if service.data_plane:
        from airflow_provider_netconn.azure.firewall.databricks import read_workspace_firewall

        return await read_workspace_firewall(azure, service, resource)
    child = await _child(azure, service, resource_id)
    lists = await asyncio.gather(*(_list(azure, service, resource_id, one) for one in service.children))
    try:
        return firewall_of(service, resource, child=child, children=dict(zip(service.children, lists, strict=True)))
    except (TypeError, ValueError, AttributeError) as error:
        seen = f"its firewall has a form that is not known ({type(error).__name__}: {error})"
        raise AzureMalformedAnswerError(resource_id, seen) from error


async def _child(azure: AzureSession, service: FirewallService, resource_id: str) -> Json | None:
    if not service.child:
        return None
    return await azure.arm.get(f"{resource_id}/{service.child}", api_version=service.api_version)


async def _list(azure: AzureSession, service: FirewallService, resource_id: str, segment: str) -> list[Json]:
    path = f"{resource_id}/{segment}"
    return [one async for one in azure.arm.list(path, api_version=service.api_version)]
