"""Virtual WANs and virtual hubs.

Recorded: a hub's ``provisioningState`` is Succeeded while its ``routingState`` is still Provisioning; the first answer
says None. The rest from Microsoft Learn, "Virtual WAN FAQ" and "About virtual hub settings".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
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
    Reference,
    Refusals,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.network_references import Link, id_of, referenced
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

VIRTUAL_WANS = "Microsoft.Network/virtualWans"
VIRTUAL_HUBS = "Microsoft.Network/virtualHubs"
HUB_CONNECTIONS = f"{VIRTUAL_HUBS}/hubVirtualNetworkConnections"
HUB_ROUTE_TABLES = f"{VIRTUAL_HUBS}/hubRouteTables"
VPN_SITES = "Microsoft.Network/vpnSites"

ROUTING_TIME_S = 40.0
"""How long a new hub's router takes after the hub itself, in seconds at time scale 1."""
SHORTEST_ROUTING_TIME_S = 0.5
"""And at any time scale: that the hub is there before its routing is, is what clients have to cope with."""

ROUTING_READY_AT = "_routingReadyAt"

SMALLEST_HUB = 24
"""Longest prefix of a hub's address space (Microsoft Learn, "About virtual hub settings")."""

GATEWAYS = {
    "vpnGateway": "Microsoft.Network/vpnGateways",
    "expressRouteGateway": "Microsoft.Network/expressRouteGateways",
    "p2SVpnGateway": "Microsoft.Network/p2svpnGateways",
}

PARTS = ("bgpConnections", "ipConfigurations", "routeMaps")
"""What of a hub is a resource of its own, and shows in the hub by its id."""


def in_use(what: str, resource: Resource, users: Iterable[Resource]) -> ArmError:
    """:return: the refusal to delete what others need; recorded for network resources is a 400"""
    return ArmError(
        400,
        f"InUse{what}CannotBeDeleted",
        f"{what} {resource.path.name} is in use by {', '.join(user.id for user in users)} and cannot be deleted.",
        details=(),
    )


CONFIGURATION_DOWNLOAD = Object(
    properties={"vpnSites": Items(of=Reference()), "outputBlobSasUrl": Text(required=True, secret=True)}
)


def _download_configuration(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """What VPN devices have to be told would be written to a blob; the lab writes nothing there."""
    given = read_body(CONFIGURATION_DOWNLOAD, request.json_object(), Refusals())
    for site in given.get("vpnSites", ()):
        referenced(plane, resource.path, site)
    return act(plane, request, resource, accepted(5), lambda: None)


class VirtualWans(ResourceKind):
    """Virtual WANs: what hubs and VPN sites belong to."""

    type = VIRTUAL_WANS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    updated = updated(5)
    rests_unchanged = True
    deleted = deleted(5)
    patch = Patch.TAGS
    tracked = True
    actions: ClassVar = {"vpnconfiguration": _download_configuration}
    properties = Object(
        properties={
            "type": Choice(values=("Standard", "Basic"), default="Standard"),
            "disableVpnEncryption": Flag(default=False),
            "allowBranchToBranchTraffic": Flag(default=True),
            "allowVnetToVnetTraffic": Flag(),
            **{
                name: Anything(read_only=True)
                for name in ("virtualHubs", "vpnSites", "office365LocalBreakoutCategory", "provisioningState")
            },
        }
    )

    def prepare(self, write: Write) -> None:
        existing = write.existing
        if existing is not None and existing.properties["type"] == "Standard" and write.properties["type"] == "Basic":
            raise ArmError(
                400,
                "VirtualWanCannotBeDowngraded",
                f"Virtual WAN {write.path.name} is of type Standard and cannot be changed to Basic.",
                details=(),
            )

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = [*_of_wan(plane, resource, VIRTUAL_HUBS), *_of_wan(plane, resource, VPN_SITES)]
        if users:
            raise in_use("VirtualWan", resource, users)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        for name, type_name in (("virtualHubs", VIRTUAL_HUBS), ("vpnSites", VPN_SITES)):
            members = _of_wan(plane, resource, type_name)
            if members:
                shown[name] = [{"id": member.id} for member in members]
        shown["office365LocalBreakoutCategory"] = "None"
        return shown


def _of_wan(plane: ControlPlane, wan: Resource, type_name: str) -> list[Resource]:
    return [
        resource
        for resource in plane.store.of_type(type_name)
        if id_of(resource.properties.get("virtualWan")).casefold() == wan.path.key
    ]


def _effective_routes(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """What the hub's router would know: its own space, the networks connected to it, and static routes to them."""

    def result() -> dict[str, Any]:
        routes: list[dict[str, Any]] = []
        for connection in plane.store.children(resource.path, HUB_CONNECTIONS):
            network = plane.find(id_of(connection.properties["remoteVirtualNetwork"]))
            if network is None:
                continue
            static = connection.properties["routingConfiguration"]["vnetRoutes"]["staticRoutes"]
            spaces = [
                network.properties["addressSpace"]["addressPrefixes"],
                *(route["addressPrefixes"] for route in static),
            ]
            routes += [
                {
                    "addressPrefixes": prefixes,
                    "asPath": "",
                    "nextHopType": "Virtual Network Connection",
                    "nextHops": [connection.id],
                    "routeOrigin": connection.id,
                }
                for prefixes in spaces
            ]
        return {"value": routes}

    return act(plane, request, resource, accepted(5), result)


class VirtualHubs(ResourceKind):
    """Virtual hubs, with a default and a ``none`` route table from the start."""

    type = VIRTUAL_HUBS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(60)
    updated = updated(20)
    deleted = deleted(60)
    patch = Patch.TAGS
    tracked = True
    envelope: ClassVar = {"kind": Text()}
    actions: ClassVar = {"effectiveroutes": _effective_routes}
    properties = Object(
        properties={
            "virtualWan": Link(type=VIRTUAL_WANS),
            "addressPrefix": Prefix(),
            "sku": Choice(values=("Standard", "Basic"), default="Standard", open=True),
            "routeTable": Anything(),
            "virtualHubRouteTableV2s": Items(of=Anything(), default=[]),
            "virtualRouterAsn": Number(default=65515),
            "virtualRouterIps": Items(of=Address()),
            "allowBranchToBranchTraffic": Flag(default=False),
            "preferredRoutingGateway": Choice(values=("ExpressRoute", "VpnGateway", "None")),
            "hubRoutingPreference": Choice(values=("ExpressRoute", "VpnGateway", "ASPath"), default="ExpressRoute"),
            "virtualRouterAutoScaleConfiguration": Object(
                properties={"minCapacity": Number(lowest=2, highest=50, default=2)}, default={}
            ),
            **{
                name: Link()
                for name in (
                    "vpnGateway",
                    "p2SVpnGateway",
                    "expressRouteGateway",
                    "azureFirewall",
                    "securityPartnerProvider",
                )
            },
            "securityProviderName": Text(),
            **{name: Anything(read_only=True) for name in ("routingState", *PARTS, "provisioningState")},
        }
    )

    def prepare(self, write: Write) -> None:
        properties = write.properties
        if "virtualWan" in properties:
            wan = referenced(write.plane, write.path, id_of(properties["virtualWan"]))
            self._check_prefix(write)
            self._check_overlap(write, wan)
        kept = write.existing.properties if write.existing is not None else {}
        for name in ("addressPrefix", "virtualWan"):
            if name in kept and name in properties and str(kept[name]).casefold() != str(properties[name]).casefold():
                raise ArmError(
                    400,
                    "VirtualHubPropertyCannotBeChanged",
                    f"Property {name} of virtual hub {write.path.name} cannot be changed.",
                    details=(),
                )

    @staticmethod
    def _check_prefix(write: Write) -> None:
        prefix = write.properties.get("addressPrefix")
        if prefix is None:
            raise ArmError(
                400,
                "MissingRequiredParameter",
                "Property 'addressPrefix' of a hub in a virtual WAN is required.",
                details=(),
            )
        if ipaddress.ip_network(prefix).prefixlen > SMALLEST_HUB:
            raise ArmError(
                400,
                "VirtualHubAddressPrefixTooSmall",
                f"Address prefix {prefix} of virtual hub {write.path.name} is smaller than /{SMALLEST_HUB}.",
                details=(),
            )

    @staticmethod
    def _check_overlap(write: Write, wan: Resource) -> None:
        mine = ipaddress.ip_network(write.properties["addressPrefix"])
        for hub in _of_wan(write.plane, wan, VIRTUAL_HUBS):
            other = hub.properties.get("addressPrefix")
            if hub.path.key != write.path.key and other and mine.overlaps(ipaddress.ip_network(other)):
                raise ArmError(
                    400,
                    "VirtualHubAddressPrefixOverlaps",
                    f"Address prefix {mine} of virtual hub {write.path.name} overlaps with {other} of {hub.id}.",
                    details=(),
                )

    def stored(self, write: Write, resource: Resource) -> None:
        if write.existing is None:
            for name, label in (("defaultRouteTable", "default"), ("noneRouteTable", "none")):
                write.plane.store.add(_route_table(write, resource, name, label))

    def settled(self, plane: ControlPlane, resource: Resource) -> None:
        lag = max(SHORTEST_ROUTING_TIME_S, ROUTING_TIME_S * plane.time_scale)
        resource.facts.setdefault(ROUTING_READY_AT, plane.clock.now() + lag)
        first = ipaddress.ip_network(resource.properties.get("addressPrefix", "10.0.0.0/24"))[0]
        resource.properties.setdefault("virtualRouterIps", [str(first + 68), str(first + 69)])

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = plane.store.children(resource.path, HUB_CONNECTIONS)
        for type_name in GATEWAYS.values():
            users += _of_hub(plane, resource, type_name)
        if users:
            raise in_use("VirtualHub", resource, users)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown.pop(ROUTING_READY_AT, None)
        shown["routingState"] = routing_state(plane, resource)
        for name, type_name in GATEWAYS.items():
            found = _of_hub(plane, resource, type_name)
            if found:
                shown[name] = {"id": found[0].id}
        for name in PARTS:
            parts = plane.store.children(resource.path, f"{VIRTUAL_HUBS}/{name}")
            if parts:
                shown[name] = [{"id": part.id} for part in parts]
        return shown


def routing_state(plane: ControlPlane, hub: Resource) -> str:
    """:return: ``routingState`` of a hub now: None, Provisioning, Provisioned or Failed"""
    if hub.state == "Failed" and not hub.is_busy:
        return "Failed"
    ready_at = hub.facts.get(ROUTING_READY_AT)
    if ready_at is None:
        return "None"
    return "Provisioned" if plane.clock.now() >= ready_at else "Provisioning"


def _of_hub(plane: ControlPlane, hub: Resource, type_name: str) -> list[Resource]:
    return [
        resource
        for resource in plane.store.of_type(type_name)
        if id_of(resource.properties.get("virtualHub")).casefold() == hub.path.key
    ]


def _route_table(write: Write, hub: Resource, name: str, label: str) -> Resource:
    kind = write.plane.kind(HUB_ROUTE_TABLES)
    assert kind is not None
    now = write.plane.clock.now()
    return Resource(
        path=hub.path.child("hubRouteTables", name),
        kind=kind,
        body={"properties": {"routes": [], "labels": [label]}},
        created_at=now,
        changed_at=now,
    )


class SecurityProviders(ResourceKind):
    """``GET {wan}/supportedSecurityProviders``: no list of resources, but of names."""

    type = f"{VIRTUAL_WANS}/supportedSecurityProviders"
    api_versions = NETWORK_VERSIONS
    methods = frozenset()

    def read_all(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
        """:return: Azure Firewall alone, as in Azure's own example"""
        return ArmResponse(200, {"supportedProviders": [{"name": "AzureFirewall", "url": "", "type": "Native"}]})


KINDS = (VirtualWans(), VirtualHubs(), SecurityProviders())
