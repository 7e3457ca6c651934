"""Gateways of virtual networks, and what stands for a VPN device elsewhere: local network gateways.

Answers as recorded; shapes as in Azure's OpenAPI; rules from Microsoft Learn, "VPN Gateway FAQ" and "About VPN Gateway
configuration settings".
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Address,
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Object,
    Prefix,
    Shape,
    Text,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.gateway_diagnostics import PACKET_CAPTURES
from airflow_provider_netconn.lab.resources.network_references import (
    PUBLIC_ADDRESSES,
    SUBNETS,
    VNET_GATEWAYS,
    Link,
    id_of,
    referenced,
)
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.virtual_wans import in_use

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

LOCAL_GATEWAYS = "Microsoft.Network/localNetworkGateways"
CONNECTIONS = "Microsoft.Network/connections"

AZURE_ASN = 65515
"""The gateways' own autonomous system unless told otherwise (Microsoft Learn, "About BGP with VPN Gateway")."""

BGP = Object(
    properties={
        "asn": Number(lowest=0, highest=4294967295),
        "bgpPeeringAddress": Text(),
        "peerWeight": Number(lowest=0, highest=100, default=0),
        "bgpPeeringAddresses": Items(of=Anything()),
    }
)

SUBNET_OF_GATEWAYS = "GatewaySubnet"


def named(properties: dict[str, Shape]) -> Object:
    """:return: the shape of a part of a resource that has a name, an id and ``properties`` of its own"""
    own = {name: Anything(read_only=True) for name in ("id", "etag", "type")}
    return Object(
        properties={**own, "name": Text(required=True), "properties": Object(properties=properties, default={})}
    )


class LocalNetworkGateways(ResourceKind):
    """A VPN device outside Azure: where it is and what lies behind it.

    Whether the device answers, no API tells: in the lab the tag ``lab-device`` does, ``up`` or ``down``.
    """

    type = LOCAL_GATEWAYS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(3)
    updated = updated(3)
    rests_unchanged = True
    deleted = deleted(3)
    patch = Patch.TAGS
    tracked = True
    properties = Object(
        properties={
            "localNetworkAddressSpace": Object(
                properties={"addressPrefixes": Items(of=Prefix(), default=[])}, default={}
            ),
            "gatewayIpAddress": Address(),
            "fqdn": Text(longest=255),
            "bgpSettings": BGP,
            "resourceGuid": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        if "gatewayIpAddress" not in write.properties and "fqdn" not in write.properties:
            raise ArmError(
                400,
                "LocalNetworkGatewayMustHaveIpAddressOrFqdn",
                f"Local network gateway {write.path.name} needs either gatewayIpAddress or fqdn.",
                details=(),
            )
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = connections_of(plane, resource)
        if users:
            raise in_use("LocalNetworkGateway", resource, users)


def connections_of(plane: ControlPlane, gateway: Resource) -> list[Resource]:
    """:return: the VPN connections at a gateway, a network's or a local one"""
    ends = ("virtualNetworkGateway1", "virtualNetworkGateway2", "localNetworkGateway2")
    return [
        connection
        for connection in plane.store.of_type(CONNECTIONS)
        if any(id_of(connection.properties.get(end)).casefold() == gateway.path.key for end in ends)
    ]


def _reset(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    look = Look(api_version=request.api_version, query=request.query)
    return act(plane, request, resource, accepted(30), lambda: resource.kind.render(plane, resource, look))


def _bgp_peers(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    def peers() -> dict[str, Any]:
        from airflow_provider_netconn.lab.resources.vpn_connections import connection_status

        found = []
        for connection in connections_of(plane, resource):
            other = plane.find(id_of(connection.properties.get("localNetworkGateway2")))
            settings = (other.properties.get("bgpSettings") or {}) if other is not None else {}
            if connection.properties.get("enableBgp") and settings:
                status = connection_status(plane, connection)
                found.append(
                    {
                        "localAddress": (resource.properties.get("bgpSettings") or {}).get("bgpPeeringAddress", ""),
                        "neighbor": settings.get("bgpPeeringAddress", ""),
                        "asn": settings.get("asn", 0),
                        "state": "Connected" if status == "Connected" else "Connecting",
                        "routesReceived": 0,
                        "messagesSent": 0,
                        "messagesReceived": 0,
                    }
                )
        return {"value": found}

    return act(plane, request, resource, accepted(5), peers)


class VirtualNetworkGateways(ResourceKind):
    """VPN and ExpressRoute gateways in a network's ``GatewaySubnet``."""

    type = VNET_GATEWAYS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(120)
    updated = updated(60)
    deleted = deleted(60)
    patch = Patch.TAGS
    tracked = True
    envelope: ClassVar = {"extendedLocation": Anything(), "identity": Anything()}
    embeds: ClassVar = {"natRules": "natRules"}
    actions: ClassVar = {"reset": _reset, "getbgppeerstatus": _bgp_peers, **PACKET_CAPTURES}
    properties = Object(
        properties={
            "ipConfigurations": Items(
                required=True,
                fewest=1,
                most=3,
                of=named(
                    {
                        "privateIPAllocationMethod": Choice(values=("Dynamic", "Static"), default="Dynamic"),
                        "subnet": Link(type=SUBNETS, required=True),
                        "publicIPAddress": Link(type=PUBLIC_ADDRESSES),
                        "privateIPAddress": Anything(read_only=True),
                        "provisioningState": Anything(read_only=True),
                    }
                ),
            ),
            "gatewayType": Choice(values=("Vpn", "ExpressRoute", "LocalGateway"), required=True),
            "vpnType": Choice(values=("RouteBased", "PolicyBased"), default="RouteBased"),
            "vpnGatewayGeneration": Choice(values=("None", "Generation1", "Generation2")),
            "enableBgp": Flag(default=False),
            "activeActive": Flag(default=False),
            "sku": Object(
                properties={"name": Text(required=True), "tier": Text(), "capacity": Number(read_only=True)},
                required=True,
            ),
            "bgpSettings": BGP,
            "customRoutes": Object(properties={"addressPrefixes": Items(of=Prefix())}),
            "gatewayDefaultSite": Link(),
            **{
                name: Flag()
                for name in (
                    "enablePrivateIpAddress",
                    "disableIPSecReplayProtection",
                    "enableDnsForwarding",
                    "enableBgpRouteTranslationForNat",
                    "allowVirtualWanTraffic",
                    "allowRemoteVnetTraffic",
                )
            },
            **{
                name: Anything()
                for name in (
                    "vpnClientConfiguration",
                    "virtualNetworkGatewayPolicyGroups",
                    "autoScaleConfiguration",
                    "vNetExtendedLocationResourceId",
                    "adminState",
                    "resiliencyModel",
                )
            },
            **{
                name: Anything(read_only=True)
                for name in ("resourceGuid", "provisioningState", "inboundDnsForwardingEndpoint")
            },
        }
    )

    def prepare(self, write: Write) -> None:
        configurations = write.properties["ipConfigurations"]
        for configuration in configurations:
            self._check_configuration(write, configuration)
        if write.properties["activeActive"] and len(configurations) < 2:
            raise ArmError(
                400,
                "ActiveActiveGatewayMustHaveTwoIpConfigurations",
                f"Active-active gateway {write.path.name} needs two IP configurations.",
                details=(),
            )
        bgp = write.properties.setdefault("bgpSettings", {"peerWeight": 0})
        bgp.setdefault("asn", AZURE_ASN)
        write.properties["sku"].setdefault("tier", write.properties["sku"]["name"])
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))

    @staticmethod
    def _check_configuration(write: Write, configuration: dict[str, Any]) -> None:
        subnet = referenced(write.plane, write.path, id_of(configuration["properties"]["subnet"]))
        if subnet.path.name.casefold() != SUBNET_OF_GATEWAYS.casefold():
            raise ArmError(
                400,
                "InvalidSubnetNameForGateway",
                f"Subnet {subnet.id} of gateway {write.path.name} has to be called {SUBNET_OF_GATEWAYS}.",
                details=(),
            )
        address = id_of(configuration["properties"].get("publicIPAddress"))
        if address:
            referenced(write.plane, write.path, address)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = connections_of(plane, resource)
        if users:
            raise in_use("VirtualNetworkGateway", resource, users)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown["sku"] = {**shown["sku"], "capacity": 2}
        shown["ipConfigurations"] = [
            {
                "name": one["name"],
                "id": f"{resource.id}/ipConfigurations/{one['name']}",
                "etag": self.etag_quoted.format(resource.etag),
                "properties": {**one["properties"], "provisioningState": resource.provisioning_state},
            }
            for one in resource.properties["ipConfigurations"]
        ]
        # A client secret of point-to-site: of no use here, and not to be shown.
        client = shown.get("vpnClientConfiguration")
        if isinstance(client, dict):
            shown["vpnClientConfiguration"] = {
                name: value for name, value in client.items() if name not in {"radiusServerSecret", "radiusServers"}
            }
        return shown


class GatewayConnections(ResourceKind):
    """``GET {gateway}/connections``: the same resources as under the group, listed for one gateway."""

    type = f"{VNET_GATEWAYS}/connections"
    api_versions = NETWORK_VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: Any) -> list[Resource]:
        gateway = plane.store.find(path.parent)
        return [] if gateway is None else connections_of(plane, gateway)

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return resource.kind.render(plane, resource, look)


KINDS = (LocalNetworkGateways(), VirtualNetworkGateways(), GatewayConnections())
