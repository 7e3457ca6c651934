"""How network resources name each other: by ``{"id": ...}``, checked for type, existence and region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import (
    ArmError,
    another_operation_in_progress,
    referenced_resource_not_provisioned,
)
from airflow_provider_netconn.lab.arm.identifiers import ArmPath, MalformedPathError, parse_path
from airflow_provider_netconn.lab.arm.operations import Follow
from airflow_provider_netconn.lab.arm.schema import Shape, ShapeError

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.operations import Operation
    from airflow_provider_netconn.lab.arm.store import Resource

VIRTUAL_NETWORKS = "Microsoft.Network/virtualNetworks"
SUBNETS = f"{VIRTUAL_NETWORKS}/subnets"
PEERINGS = f"{VIRTUAL_NETWORKS}/virtualNetworkPeerings"
SECURITY_GROUPS = "Microsoft.Network/networkSecurityGroups"
ROUTE_TABLES = "Microsoft.Network/routeTables"
INTERFACES = "Microsoft.Network/networkInterfaces"
PUBLIC_ADDRESSES = "Microsoft.Network/publicIPAddresses"
NAT_GATEWAYS = "Microsoft.Network/natGateways"
APPLICATION_SECURITY_GROUPS = "Microsoft.Network/applicationSecurityGroups"
VNET_GATEWAYS = "Microsoft.Network/virtualNetworkGateways"
NETWORK_WATCHERS = "Microsoft.Network/networkWatchers"
FLOW_LOGS = f"{NETWORK_WATCHERS}/flowLogs"


@dataclass(frozen=True, kw_only=True)
class Link(Shape):
    """A resource referred to as ``{"id": ...}``. The rest of it, which clients send back as they read it, is dropped.

    :param type: which type it must be of, matched without case; None for any
    """

    type: str | None = None

    def read(self, value: Any, path: str) -> dict[str, str]:
        target = value.get("id") if isinstance(value, dict) else None
        if not isinstance(target, str):
            raise ShapeError(path, f"'{path}' has to be an object with the id of a resource")
        try:
            parsed = parse_path(target)
        except MalformedPathError:
            parsed = None
        if parsed is None or not target.startswith("/") or not parsed.is_resource:
            raise ShapeError(
                f"{path}.id",
                f"Property id '{target}' at path '{path}.id' is invalid. Expect fully qualified resource Id that start "
                "with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.",
                code="LinkedInvalidPropertyId",
            )
        if self.type is not None and parsed.type.casefold() != self.type.casefold():
            raise ShapeError(
                f"{path}.id",
                f"Value for reference id is invalid: '{target}' is not an id of a {self.type}. Path {path}.id.",
                code="InvalidResourceReference",
            )
        return {"id": target}


def id_of(reference: Any) -> str:
    """:return: the id in a ``{"id": ...}``, or nothing where there is none"""
    return str(reference.get("id") or "") if isinstance(reference, dict) else ""


def referenced(plane: ControlPlane, referring: ArmPath, target: str, region: str = "") -> Resource:
    """Find a resource that another one refers to.

    :param referring: what refers to it
    :param target: its id
    :param region: where it has to be; empty for anywhere
    :raises ArmError: 400 InvalidResourceReference, it is not there, or elsewhere
    """
    found = plane.find(target)
    if found is None or found.is_being_deleted or (region and found.region and found.region != region):
        raise ArmError(
            400,
            "InvalidResourceReference",
            f"Resource {target} referenced by resource {referring.text} was not found. Please make sure that the "
            "referenced resource exists, and that both resources are in the same region.",
            details=(),
        )
    return found


def operation_of_network(
    plane: ControlPlane, network: Resource, besides: ArmPath | None = None
) -> tuple[Resource, Operation] | None:
    """What works on a network now: on itself, its subnets or its peerings.

    :param besides: a child that does not count
    :return: the resource worked on, and the operation; None: nothing does
    """
    for resource in (network, *plane.store.children(network.path)):
        operation = resource.operation
        if operation is not None and operation.is_running and (besides is None or resource.path.key != besides.key):
            return resource, operation
    return None


def refuse_while_network_changes(plane: ControlPlane, network: Resource, besides: ArmPath | None = None) -> None:
    """Refuse a change of a network or of what is in it while another one runs: Azure makes one at a time.

    :raises ArmError: 409 AnotherOperationInProgress
    """
    running = operation_of_network(plane, network, besides)
    if running is not None:
        resource, operation = running
        raise another_operation_in_progress(resource.id, plane.operations.url(operation, Follow.ASYNC_OPERATION))


def require_provisioned(plane: ControlPlane, referring: ArmPath, network: Resource) -> None:
    """Refuse to build on a network that is still being provisioned, or has failed to be.

    :raises ArmError: 400 ReferencedResourceNotProvisioned
    """
    if network.provisioning_state != "Succeeded" or operation_of_network(plane, network, referring) is not None:
        raise referenced_resource_not_provisioned(referring.text, network.id)
