"""A virtual hub's connections to networks, its route tables and its routing intent.

Defaults as recorded: transit to the network is allowed, use of the hub's gateways is not, and a connection is
associated with and propagates to the hub's default route table. Microsoft Learn, "About virtual hub routing", for the
rest. Where neither gives the code of a refusal, it is in the manner of those that are known.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import (
    Address,
    Anything,
    Choice,
    Flag,
    Items,
    Object,
    Prefix,
    Reference,
    Text,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.network_references import (
    VIRTUAL_NETWORKS,
    Link,
    id_of,
    referenced,
    require_provisioned,
)
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.virtual_wans import (
    HUB_CONNECTIONS,
    HUB_ROUTE_TABLES,
    VIRTUAL_HUBS,
    in_use,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

BUILT_IN_TABLES = frozenset({"defaultroutetable", "noneroutetable"})

ROUTING = Object(
    default={},
    properties={
        "associatedRouteTable": Link(type=HUB_ROUTE_TABLES),
        "propagatedRouteTables": Object(
            default={},
            properties={"labels": Items(of=Text(), default=[]), "ids": Items(of=Link(type=HUB_ROUTE_TABLES))},
        ),
        "vnetRoutes": Object(
            default={},
            properties={
                "staticRoutes": Items(
                    default=[],
                    of=Object(
                        properties={
                            "name": Text(required=True),
                            "addressPrefixes": Items(of=Prefix(), required=True, fewest=1),
                            "nextHopIpAddress": Address(required=True),
                        }
                    ),
                ),
                "staticRoutesConfig": Object(
                    default={},
                    properties={
                        "propagateStaticRoutes": Flag(read_only=True),
                        "vnetLocalRouteOverrideCriteria": Choice(values=("Contains", "Equal"), default="Contains"),
                    },
                ),
                "bgpConnections": Anything(read_only=True),
            },
        ),
        "inboundRouteMap": Link(),
        "outboundRouteMap": Link(),
    },
)
"""How a connection's routes are associated and propagated; ``staticRoutes`` is where a firewall's next hop goes."""


class HubConnections(ResourceKind):
    """Connections of a hub to networks: there is no status but ``provisioningState``."""

    type = HUB_CONNECTIONS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(15)
    updated = updated(15)
    deleted = deleted(15)
    properties = Object(
        properties={
            "remoteVirtualNetwork": Link(required=True, type=VIRTUAL_NETWORKS),
            "allowHubToRemoteVnetTransit": Flag(default=True),
            "allowRemoteVnetToUseHubVnetGateways": Flag(default=False),
            "enableInternetSecurity": Flag(default=False),
            "routingConfiguration": ROUTING,
            "provisioningState": Anything(read_only=True),
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        yield f"{VIRTUAL_NETWORKS}/peer/action", id_of(write.properties["remoteVirtualNetwork"])

    def prepare(self, write: Write) -> None:
        network = referenced(write.plane, write.path, id_of(write.properties["remoteVirtualNetwork"]))
        require_provisioned(write.plane, write.path, network)
        hub = write.parent
        assert hub is not None
        self._refuse_other_network(write, network)
        self._refuse_second_hub(write, network)
        _refuse_overlap(write, hub, network)
        routing = write.properties["routingConfiguration"]
        default = {"id": hub.path.child("hubRouteTables", "defaultRouteTable").text}
        routing.setdefault("associatedRouteTable", default)
        routing["propagatedRouteTables"].setdefault("ids", [default])
        routing["vnetRoutes"]["staticRoutesConfig"]["propagateStaticRoutes"] = True
        for table in (routing["associatedRouteTable"], *routing["propagatedRouteTables"]["ids"]):
            referenced(write.plane, write.path, id_of(table))

    @staticmethod
    def _refuse_other_network(write: Write, network: Resource) -> None:
        kept = id_of(write.existing.properties["remoteVirtualNetwork"]) if write.existing is not None else ""
        if kept and kept.casefold() != network.path.key:
            raise ArmError(
                400,
                "RemoteVirtualNetworkCannotBeChanged",
                f"The remote virtual network of connection {write.path.text} cannot be changed from {kept}.",
                details=(),
            )

    @staticmethod
    def _refuse_second_hub(write: Write, network: Resource) -> None:
        other = connection_of(write.plane, network.path)
        if other is not None and other.path.key != write.path.key:
            raise ArmError(
                400,
                "VirtualNetworkAlreadyConnectedToVirtualHub",
                f"Virtual network {network.id} is connected to a hub already by {other.id}: a virtual network can be "
                "connected to one virtual hub.",
                details=(),
            )


def connection_of(plane: ControlPlane, network: ArmPath) -> Resource | None:
    """:return: the connection by which a network hangs on a hub, or None"""
    for connection in plane.store.referrers(network, HUB_CONNECTIONS):
        if id_of(connection.properties["remoteVirtualNetwork"]).casefold() == network.key:
            return connection
    return None


def _refuse_overlap(write: Write, hub: Resource, network: Resource) -> None:
    """A network must overlap neither the hub's own space nor that of another network at the hub."""
    taken = [(hub.id, [hub.properties["addressPrefix"]])] if "addressPrefix" in hub.properties else []
    for connection in write.plane.store.children(hub.path, HUB_CONNECTIONS):
        other = write.plane.find(id_of(connection.properties["remoteVirtualNetwork"]))
        if other is not None and connection.path.key != write.path.key:
            taken.append((other.id, other.properties["addressSpace"]["addressPrefixes"]))
    for owner, prefixes in taken:
        for prefix in network.properties["addressSpace"]["addressPrefixes"]:
            if any(_overlap(prefix, other) for other in prefixes):
                raise ArmError(
                    400,
                    "VnetAddressSpaceOverlapsWithVirtualHub",
                    f"Address space {prefix} of virtual network {network.id} overlaps with that of {owner}, which "
                    f"is at hub {hub.id}.",
                    details=(),
                )


def _overlap(one: str, other: str) -> bool:
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return first.version == second.version and first.overlaps(second)


class HubRouteTables(ResourceKind):
    """A hub's route tables; ``defaultRouteTable`` and ``noneRouteTable`` are there with the hub."""

    type = HUB_ROUTE_TABLES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    updated = updated(5)
    deleted = deleted(5)
    properties = Object(
        properties={
            "routes": Items(
                default=[],
                of=Object(
                    properties={
                        "name": Text(required=True),
                        "destinationType": Choice(values=("CIDR", "ResourceId", "Service"), required=True),
                        "destinations": Items(of=Text(), required=True, fewest=1),
                        "nextHopType": Choice(values=("ResourceId",), required=True, open=True),
                        "nextHop": Reference(required=True),
                    }
                ),
            ),
            "labels": Items(of=Text(), default=[]),
            **{
                name: Anything(read_only=True)
                for name in ("associatedConnections", "propagatingConnections", "provisioningState")
            },
        }
    )

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        if resource.path.name.casefold() in BUILT_IN_TABLES:
            raise ArmError(
                400,
                "HubRouteTableCannotBeDeleted",
                f"Route table {resource.path.name} belongs to its hub and cannot be deleted.",
                details=(),
            )
        users = [*_connections(plane, resource, associated=True), *_connections(plane, resource, associated=False)]
        if users:
            raise in_use("HubRouteTable", resource, users)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown["associatedConnections"] = [one.id for one in _connections(plane, resource, associated=True)]
        shown["propagatingConnections"] = [one.id for one in _connections(plane, resource, associated=False)]
        return shown


def _connections(plane: ControlPlane, table: Resource, *, associated: bool) -> list[Resource]:
    """The connections that are associated with a route table, or propagate to it by its id or one of its labels."""
    hub = table.path.parent
    assert hub is not None
    connections = plane.store.children(hub, HUB_CONNECTIONS)
    if not associated:
        return propagating(table, connections)
    return [
        connection
        for connection in connections
        if id_of(connection.properties["routingConfiguration"]["associatedRouteTable"]).casefold() == table.path.key
    ]


def propagating(table: Resource, connections: Iterable[Resource]) -> list[Resource]:
    """:return: those of a hub's connections, to networks or sites, that propagate to a route table"""
    labels = set(table.properties["labels"])
    found = []
    for connection in connections:
        propagated = connection.properties["routingConfiguration"]["propagatedRouteTables"]
        ids = {id_of(one).casefold() for one in propagated["ids"]}
        if table.path.key in ids or labels & set(propagated["labels"]):
            found.append(connection)
    return found


class RoutingIntents(ResourceKind):
    """A hub's routing intent: private or internet traffic goes through a firewall. One to a hub."""

    type = f"{VIRTUAL_HUBS}/routingIntent"
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(20)
    updated = updated(20)
    deleted = deleted(20)
    properties = Object(
        properties={
            "routingPolicies": Items(
                default=[],
                most=2,
                of=Object(
                    properties={
                        "name": Text(required=True),
                        "destinations": Items(
                            of=Choice(values=("Internet", "PrivateTraffic")), required=True, fewest=1
                        ),
                        "nextHop": Reference(required=True),
                    }
                ),
            ),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        if write.siblings():
            raise ArmError(
                400,
                "RoutingIntentAlreadyExists",
                f"The hub of {write.path.text} has a routing intent already: {next(iter(write.siblings()))}.",
                details=(),
            )


KINDS = (HubConnections(), HubRouteTables(), RoutingIntents())
