"""What else belongs to a virtual hub's routing: BGP peers, IP configurations (of a route server) and route maps.

Answers as recorded; shapes as in Azure's OpenAPI; rules from Microsoft Learn, "Create BGP peering with a virtual hub",
"What is Azure Route Server" and "About Route Maps".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Address, Anything, Choice, Items, Number, Object, Prefix, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.network_references import (
    PUBLIC_ADDRESSES,
    SUBNETS,
    Link,
    id_of,
    referenced,
)
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.virtual_wans import HUB_CONNECTIONS, VIRTUAL_HUBS, in_use

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

BGP_CONNECTIONS = f"{VIRTUAL_HUBS}/bgpConnections"
ROUTE_MAPS = f"{VIRTUAL_HUBS}/routeMaps"
IP_CONFIGURATIONS = f"{VIRTUAL_HUBS}/ipConfigurations"

SUBNET_OF_ROUTE_SERVERS = "RouteServerSubnet"

ANSWERED_LATER = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, duration_s=5)


def _learned(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """What a peer told: nothing, as no router runs behind it."""
    return act(plane, request, resource, ANSWERED_LATER, lambda: {"value": []})


def _advertised(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """What the hub tells a peer: its own space, and the networks connected to it."""

    def result() -> dict[str, Any]:
        assert resource.path.parent is not None
        hub = plane.store.find(resource.path.parent)
        if hub is None:
            return {"value": []}
        prefixes = [hub.properties["addressPrefix"]] if "addressPrefix" in hub.properties else []
        for connection in plane.store.children(hub.path, HUB_CONNECTIONS):
            network = plane.find(id_of(connection.properties["remoteVirtualNetwork"]))
            prefixes += network.properties["addressSpace"]["addressPrefixes"] if network is not None else []
        routers = hub.properties.get("virtualRouterIps") or []
        return {
            "value": [
                {
                    "localAddress": router,
                    "network": prefix,
                    "nextHop": router,
                    "sourcePeer": router,
                    "origin": "Igp",
                    "asPath": str(hub.properties["virtualRouterAsn"]),
                    "weight": 0,
                }
                for router in routers
                for prefix in prefixes
            ]
        }

    return act(plane, request, resource, ANSWERED_LATER, result)


class BgpConnections(ResourceKind):
    """BGP peers of a hub: routers in a connected network. Nobody runs them, so whether they answer is Unknown."""

    type = BGP_CONNECTIONS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(10)
    updated = updated(10)
    deleted = deleted(10)
    actions: ClassVar = {"learnedroutes": _learned, "advertisedroutes": _advertised}
    properties = Object(
        properties={
            "peerAsn": Number(lowest=0, highest=4294967295),
            "peerIp": Address(),
            "hubVirtualNetworkConnection": Link(type=HUB_CONNECTIONS),
            "provisioningState": Anything(read_only=True),
            "connectionState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        for name in ("peerAsn", "peerIp"):
            if name not in write.properties:
                raise ArmError(
                    400,
                    "MissingRequiredParameter",
                    f"BGP connection {write.path.text} has no {name}.",
                    details=(),
                )
        for key, sibling in write.siblings().items():
            if sibling["peerIp"] == write.properties["peerIp"]:
                raise ArmError(
                    400,
                    "BgpPeerIpAlreadyInUse",
                    f"Peer IP {sibling['peerIp']} of BGP connection {write.path.text} is that of {key} already.",
                    details=(),
                )
        connection = id_of(write.properties.get("hubVirtualNetworkConnection"))
        if connection:
            referenced(write.plane, write.path, connection)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {**super().render_properties(plane, resource, look), "connectionState": "Unknown"}


class HubIpConfigurations(ResourceKind):
    """Where a hub that is a route server stands: in a subnet called ``RouteServerSubnet``. One to a hub."""

    type = IP_CONFIGURATIONS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(40)
    updated = updated(20)
    deleted = deleted(20)
    properties = Object(
        properties={
            "privateIPAddress": Address(),
            "privateIPAllocationMethod": Choice(values=("Dynamic", "Static"), default="Dynamic"),
            "subnet": Link(type=SUBNETS, required=True),
            "publicIPAddress": Link(type=PUBLIC_ADDRESSES),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        subnet = referenced(write.plane, write.path, id_of(write.properties["subnet"]))
        if subnet.path.name.casefold() != SUBNET_OF_ROUTE_SERVERS.casefold():
            raise ArmError(
                400,
                "InvalidSubnetNameForVirtualHubIpConfiguration",
                f"Subnet {subnet.id} of {write.path.text} has to be called {SUBNET_OF_ROUTE_SERVERS}.",
                details=(),
            )
        address = id_of(write.properties.get("publicIPAddress"))
        if address:
            referenced(write.plane, write.path, address)
        if write.siblings():
            raise ArmError(
                400,
                "VirtualHubCanHaveOnlyOneIpConfiguration",
                f"The hub of {write.path.text} has an IP configuration already: {next(iter(write.siblings()))}.",
                details=(),
            )


ROUTE_PARTS = {"routePrefix": Items(of=Prefix()), "community": Items(of=Text()), "asPath": Items(of=Text())}


class RouteMaps(ResourceKind):
    """Route maps: what a hub changes in the routes that it gets from, or tells to, a connection."""

    type = ROUTE_MAPS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(10)
    updated = updated(10)
    deleted = deleted(10)
    properties = Object(
        properties={
            "associatedInboundConnections": Items(of=Text(), default=[]),
            "associatedOutboundConnections": Items(of=Text(), default=[]),
            "rules": Items(
                default=[],
                of=Object(
                    properties={
                        "name": Text(required=True, shortest=1),
                        "matchCriteria": Items(
                            default=[],
                            of=Object(
                                properties={
                                    **ROUTE_PARTS,
                                    "matchCondition": Choice(
                                        values=("Unknown", "Contains", "Equals", "NotContains", "NotEquals"),
                                        required=True,
                                    ),
                                }
                            ),
                        ),
                        "actions": Items(
                            default=[],
                            of=Object(
                                properties={
                                    "type": Choice(
                                        values=("Unknown", "Remove", "Add", "Replace", "Drop"), required=True
                                    ),
                                    "parameters": Items(of=Object(properties=ROUTE_PARTS), default=[]),
                                }
                            ),
                        ),
                        "nextStepIfMatched": Choice(values=("Unknown", "Continue", "Terminate"), default="Unknown"),
                    }
                ),
            ),
            "provisioningState": Anything(read_only=True),
        }
    )

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = [user for user in plane.store.referrers(resource.path) if user.path.key != resource.path.key]
        if users:
            raise in_use("RouteMap", resource, users)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        for direction in ("Inbound", "Outbound"):
            users = [
                user.id
                for user in plane.store.referrers(resource.path)
                if id_of(user.properties.get("routingConfiguration", {}).get(f"{direction.lower()}RouteMap")).casefold()
                == resource.path.key
            ]
            given = shown[f"associated{direction}Connections"]
            shown[f"associated{direction}Connections"] = [*given, *(user for user in users if user not in given)]
        return shown


KINDS = (BgpConnections(), HubIpConfigurations(), RouteMaps())
