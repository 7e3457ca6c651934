"""Route tables and their routes (Microsoft Learn, "Virtual network traffic routing")."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Address, Anything, Choice, Flag, Object, ShapeError, Text
from airflow_provider_netconn.lab.resources.network_references import ROUTE_TABLES, SUBNETS
from airflow_provider_netconn.lab.resources.network_security_groups import SERVICE_TAG
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    created,
    deleted,
    updated,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

ROUTES = f"{ROUTE_TABLES}/routes"


def _check_route(route: Mapping[str, Any], path: str) -> None:
    """An appliance is named by its address, and nothing else is; the prefix is a network or a service tag."""
    prefix = route["addressPrefix"]
    if not SERVICE_TAG.fullmatch(prefix):
        try:
            ipaddress.ip_network(prefix)
        except ValueError:
            raise ShapeError(
                f"{path}.addressPrefix",
                f"Address prefix {prefix} of resource {path} is not formatted correctly. It should follow CIDR "
                "notation, for example 10.0.0.0/24.",
                code="InvalidAddressPrefixFormat",
            ) from None
    is_appliance = route["nextHopType"] == "VirtualAppliance"
    if is_appliance != bool(route.get("nextHopIpAddress")):
        raise ShapeError(
            f"{path}.nextHopIpAddress",
            "Next hop IP address is required for, and only allowed with, next hop type VirtualAppliance.",
            code="InvalidNextHopIpAddress",
        )


class RouteTables(ResourceKind):
    """Route tables."""

    type = ROUTE_TABLES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(2)
    updated = updated(2)
    deleted = deleted(2)
    patch = Patch.TAGS
    tracked = True
    embeds: ClassVar = {"routes": "routes"}
    properties = Object(
        properties={
            "disableBgpRoutePropagation": Flag(default=False),
            "disablePeeringRoute": Choice(values=("None", "All")),
            "subnets": Anything(read_only=True),
            "resourceGuid": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = plane.store.referrers(resource.path, SUBNETS)
        if users:
            raise ArmError(
                400,
                "InUseRouteTableCannotBeDeleted",
                f"Route table {resource.path.name} is in use by {', '.join(user.id for user in users)} and cannot be "
                "deleted.",
                details=(),
            )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        users = plane.store.referrers(resource.path, SUBNETS)
        if users:
            shown["subnets"] = [{"id": user.id} for user in users]
        return shown


class Routes(ResourceKind):
    """Routes of a table: resources of their own, and part of the table's body."""

    type = ROUTES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(2)
    updated = updated(2)
    deleted = deleted(2)
    properties = Object(
        check=_check_route,
        properties={
            "addressPrefix": Text(required=True),
            "nextHopType": Choice(
                required=True,
                values=("VirtualNetworkGateway", "VnetLocal", "Internet", "VirtualAppliance", "None"),
            ),
            "nextHopIpAddress": Address(),
            "hasBgpOverride": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        },
    )

    def prepare(self, write: Write) -> None:
        for key, other in write.siblings().items():
            if other["addressPrefix"] == write.properties["addressPrefix"]:
                raise ArmError(
                    400,
                    "RouteConflict",
                    f"Route {write.path.name} conflicts with route {key.rpartition('/')[2]}. Routes cannot have the "
                    "same AddressPrefix.",
                    details=(),
                )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {**super().render_properties(plane, resource, look), "hasBgpOverride": False}


KINDS = (RouteTables(), Routes())
