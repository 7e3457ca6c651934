"""VPN in a virtual WAN: sites, gateways in hubs, and the connections between them, each of one or more links.

Shapes as in Azure's OpenAPI; answers as recorded for ``vpnSites``, ``vpnGateways`` and ``vpnConnections``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow
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
    Refusals,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.gateway_diagnostics import PACKET_CAPTURES, security_associations
from airflow_provider_netconn.lab.resources.hub_connections import ROUTING
from airflow_provider_netconn.lab.resources.network_references import Link, id_of, referenced
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.virtual_wans import GATEWAYS, VIRTUAL_HUBS, VIRTUAL_WANS, VPN_SITES, in_use
from airflow_provider_netconn.lab.resources.vpn_connections import IPSEC_POLICY, KEY, SELECTORS, device_status
from airflow_provider_netconn.lab.resources.vpn_gateways import AZURE_ASN, BGP, named

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

VPN_GATEWAYS = GATEWAYS["vpnGateway"]
VPN_CONNECTIONS = f"{VPN_GATEWAYS}/vpnConnections"

LINK_BGP = Object(properties={"asn": Number(lowest=0, highest=4294967295), "bgpPeeringAddress": Text()})


class VpnSites(ResourceKind):
    """A VPN device outside Azure and its links. The tag ``lab-device``, ``up`` or ``down``, says whether it answers."""

    type = VPN_SITES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    updated = updated(5)
    deleted = deleted(5)
    patch = Patch.TAGS
    tracked = True
    properties = Object(
        properties={
            "virtualWan": Link(type=VIRTUAL_WANS, required=True),
            "addressSpace": Object(properties={"addressPrefixes": Items(of=Prefix(), default=[])}),
            "deviceProperties": Object(
                properties={"deviceVendor": Text(), "deviceModel": Text(), "linkSpeedInMbps": Number(default=0)},
                default={},
            ),
            "ipAddress": Address(),
            "siteKey": Text(secret=True),
            "bgpProperties": BGP,
            "isSecuritySite": Flag(default=False),
            "o365Policy": Anything(),
            "vpnSiteLinks": Items(
                default=[],
                most=4,
                of=named(
                    {
                        "ipAddress": Address(),
                        "fqdn": Text(),
                        "linkProperties": Object(
                            properties={"linkProviderName": Text(), "linkSpeedInMbps": Number(default=0)}
                        ),
                        "bgpProperties": LINK_BGP,
                        "provisioningState": Anything(read_only=True),
                    }
                ),
            ),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        referenced(write.plane, write.path, id_of(write.properties["virtualWan"]))
        for link in write.properties["vpnSiteLinks"]:
            if "ipAddress" not in link["properties"] and "fqdn" not in link["properties"]:
                raise ArmError(
                    400,
                    "VpnSiteLinkMustHaveIpAddressOrFqdn",
                    f"Link {link['name']} of VPN site {write.path.name} needs either ipAddress or fqdn.",
                    details=(),
                )

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = [
            connection
            for connection in plane.store.of_type(VPN_CONNECTIONS)
            if id_of(connection.properties["remoteVpnSite"]).casefold() == resource.path.key
        ]
        if users:
            raise in_use("VpnSite", resource, users)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        links = _parts(plane, resource, "vpnSiteLinks")
        shown["vpnSiteLinks"] = [link.kind.render(plane, link, look) for link in links]
        return shown


class _Part(ResourceKind):
    """A part of its parent's body that can be read as a resource of its own: one only reads these."""

    api_versions = NETWORK_VERSIONS
    methods = frozenset({"GET"})
    shows_state = False
    holder: ClassVar[str]
    """The parent's property that lists the parts."""

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        return next((part for part in self.members(plane, path) if part.path.key == path.key), None)

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        assert path.parent is not None
        parent = plane.store.find(path.parent)
        return [] if parent is None else _parts(plane, parent, self.holder)


def _parts(plane: ControlPlane, parent: Resource, holder: str) -> list[Resource]:
    kind = plane.kind(f"{parent.kind.type}/{holder}")
    assert kind is not None
    return [
        Resource(
            path=parent.path.child(holder, item["name"]),
            kind=kind,
            body={"properties": {**item["properties"], "provisioningState": parent.provisioning_state}},
            etag=parent.etag,
            created_at=parent.created_at,
            changed_at=parent.changed_at,
        )
        for item in parent.properties[holder]
    ]


class VpnSiteLinks(_Part):
    """The links of a site."""

    type = f"{VPN_SITES}/vpnSiteLinks"
    holder = "vpnSiteLinks"


def _reset_gateway(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    look = Look(api_version=request.api_version, query=request.query)
    return act(plane, request, resource, accepted(30), lambda: resource.kind.render(plane, resource, look))


class VpnGateways(ResourceKind):
    """The VPN gateway of a hub; one to a hub."""

    type = VPN_GATEWAYS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(90)
    updated = updated(30)
    deleted = deleted(60)
    patch = Patch.TAGS
    tracked = True
    embeds: ClassVar = {"connections": "vpnConnections", "natRules": "natRules"}
    actions: ClassVar = {"reset": _reset_gateway, **PACKET_CAPTURES}
    properties = Object(
        properties={
            "virtualHub": Link(type=VIRTUAL_HUBS, required=True),
            "bgpSettings": BGP,
            "vpnGatewayScaleUnit": Number(lowest=1, highest=20, default=1),
            "isRoutingPreferenceInternet": Flag(default=False),
            "enableBgpRouteTranslationForNat": Flag(default=False),
            "ipConfigurations": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        hub = referenced(write.plane, write.path, id_of(write.properties["virtualHub"]))
        for other in write.plane.store.of_type(self.type):
            if id_of(other.properties["virtualHub"]).casefold() == hub.path.key and other.path.key != write.path.key:
                raise ArmError(
                    400,
                    "VirtualHubHasVpnGatewayAlready",
                    f"Virtual hub {hub.id} has the VPN gateway {other.id} already.",
                    details=(),
                )
        write.properties.setdefault("bgpSettings", {"peerWeight": 0}).setdefault("asn", AZURE_ASN)


class VpnConnections(ResourceKind):
    """A gateway's connection to a site, by one or more links."""

    type = VPN_CONNECTIONS
    actions: ClassVar = PACKET_CAPTURES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(10)
    updated = updated(10)
    deleted = deleted(10)
    properties = Object(
        properties={
            "remoteVpnSite": Link(type=VPN_SITES, required=True),
            "routingWeight": Number(lowest=0, default=0),
            "dpdTimeoutSeconds": Number(lowest=0, highest=3600, default=0),
            "vpnConnectionProtocolType": Choice(values=("IKEv2", "IKEv1"), default="IKEv2"),
            "connectionBandwidth": Number(lowest=0, default=10),
            "sharedKey": Text(secret=True, longest=128, pattern=KEY.pattern),
            "enableInternetSecurity": Flag(default=False),
            "enableRateLimiting": Flag(default=False),
            "routingConfiguration": ROUTING,
            "ipsecPolicies": Items(of=IPSEC_POLICY, most=1),
            "trafficSelectorPolicies": Items(of=SELECTORS),
            **{name: Flag() for name in ("enableBgp", "usePolicyBasedTrafficSelectors", "useLocalAzureIpAddress")},
            "vpnLinkConnections": Items(
                default=[],
                of=named(
                    {
                        "vpnSiteLink": Link(type=f"{VPN_SITES}/vpnSiteLinks", required=True),
                        "routingWeight": Number(lowest=0, default=0),
                        "dpdTimeoutSeconds": Number(lowest=0, highest=3600, default=0),
                        "vpnLinkConnectionMode": Choice(
                            values=("Default", "ResponderOnly", "InitiatorOnly"), default="Default"
                        ),
                        "vpnConnectionProtocolType": Choice(values=("IKEv2", "IKEv1"), default="IKEv2"),
                        "connectionBandwidth": Number(lowest=0, default=10),
                        "sharedKey": Text(secret=True, longest=128, pattern=KEY.pattern),
                        "ipsecPolicies": Items(of=IPSEC_POLICY, most=1),
                        "ingressNatRules": Items(of=Link()),
                        "egressNatRules": Items(of=Link()),
                        "vpnGatewayCustomBgpAddresses": Items(of=Anything()),
                        **{
                            name: Flag(default=False)
                            for name in (
                                "enableBgp",
                                "usePolicyBasedTrafficSelectors",
                                "enableRateLimiting",
                                "useLocalAzureIpAddress",
                            )
                        },
                        **{
                            name: Anything(read_only=True)
                            for name in (
                                "connectionStatus",
                                "ingressBytesTransferred",
                                "egressBytesTransferred",
                                "provisioningState",
                            )
                        },
                    }
                ),
            ),
            **{
                name: Anything(read_only=True)
                for name in (
                    "connectionStatus",
                    "ingressBytesTransferred",
                    "egressBytesTransferred",
                    "provisioningState",
                )
            },
        }
    )

    def prepare(self, write: Write) -> None:
        site = referenced(write.plane, write.path, id_of(write.properties["remoteVpnSite"]))
        routing = write.properties["routingConfiguration"]
        default = {"id": f"{id_of(write.parent_properties['virtualHub'])}/hubRouteTables/defaultRouteTable"}
        routing.setdefault("associatedRouteTable", default)
        routing["propagatedRouteTables"].setdefault("ids", [default])
        links = {f"{site.id}/vpnSiteLinks/{link['name']}".casefold() for link in site.properties["vpnSiteLinks"]}
        for connection in write.properties["vpnLinkConnections"]:
            wanted = id_of(connection["properties"]["vpnSiteLink"])
            if wanted.casefold() not in links:
                raise ArmError(
                    400,
                    "InvalidResourceReference",
                    f"Resource {wanted} referenced by resource {write.path.text} is no link of VPN site {site.id}.",
                    details=(),
                )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown |= _traffic(plane, resource)
        links = _parts(plane, resource, "vpnLinkConnections")
        shown["vpnLinkConnections"] = [link.kind.render(plane, link, look) for link in links]
        return shown


def _traffic(plane: ControlPlane, connection: Resource) -> dict[str, Any]:
    settled = not connection.is_busy and connection.state == "Succeeded"
    site = plane.find(id_of(connection.properties["remoteVpnSite"]))
    status = device_status(plane, site, connection.changed_at) if settled else "Unknown"
    return {"connectionStatus": status, "ingressBytesTransferred": 0, "egressBytesTransferred": 0}


def _connection_of(plane: ControlPlane, link: Resource) -> Resource:
    assert link.path.parent is not None
    connection = plane.store.find(link.path.parent)
    assert connection is not None
    return connection


def _reset_connection(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    return act(plane, request, _connection_of(plane, resource), accepted(10), lambda: None)


def _link_associations(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    return security_associations(plane, request, _connection_of(plane, resource))


class VpnLinkConnections(_Part):
    """The links of a connection, with their shared keys below them."""

    type = f"{VPN_CONNECTIONS}/vpnLinkConnections"
    shown_type = f"{VPN_CONNECTIONS}/VpnSiteLinkConnections"
    holder = "vpnLinkConnections"
    actions: ClassVar = {"resetconnection": _reset_connection, "getikesas": _link_associations}

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown.pop("sharedKey", None)
        return shown | _traffic(plane, _connection_of(plane, resource))


def _link_of(plane: ControlPlane, path: ArmPath) -> dict[str, Any]:
    """The kept part of a connection that ``.../vpnLinkConnections/{link}/sharedKeys...`` is about."""
    connection = plane.store.find(ArmPath(path.scope, path.namespace, path.types[:2], path.names[:2]))
    for link in connection.properties["vpnLinkConnections"] if connection is not None else ():
        if link["name"].casefold() == path.names[2].casefold():
            properties: dict[str, Any] = link["properties"]
            return properties
    kind = plane.kind(f"{VPN_CONNECTIONS}/vpnLinkConnections")
    assert kind is not None
    raise kind.not_found(plane, ArmPath(path.scope, path.namespace, path.types[:3], path.names[:3]))


def _list_shared_key(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    read_body(Object(properties={}), request.json_object(), Refusals())
    key = _link_of(plane, resource.path)["sharedKey"]
    return ArmResponse(
        200,
        {
            "name": "default",
            "id": resource.id,
            "type": resource.kind.type,
            "properties": {"sharedKey": key, "sharedKeyLength": len(key)},
        },
    )


class LinkSharedKeys(ResourceKind):
    """The shared key of a link: reads tell its length, ``listSharedKey`` the key itself."""

    type = f"{VPN_CONNECTIONS}/vpnLinkConnections/sharedKeys"
    api_versions = NETWORK_VERSIONS
    methods = frozenset({"GET", "PUT"})
    actions: ClassVar = {"listsharedkey": _list_shared_key}
    etag_in_body = False
    polling = NETWORK_POLLING
    created = updated = Answer(status=200, follow=Follow.ASYNC_OPERATION, duration_s=5)
    properties = Object(
        properties={
            "sharedKey": Text(secret=True, required=True, shortest=1, longest=128, pattern=KEY.pattern),
            "sharedKeyLength": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def check_name(self, path: ArmPath) -> None:
        if path.name.casefold() != "default":
            raise ArmError(
                400,
                "InvalidResourceName",
                f"Resource name {path.name} is invalid. The name has to be default.",
                details=(),
            )

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        key = _link_of(plane, path).get("sharedKey")
        return [] if key is None else [self._of(plane, path.child_of_list("default"), key)]

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        key = _link_of(plane, path).get("sharedKey")
        return None if key is None else self._of(plane, path, key)

    def _of(self, plane: ControlPlane, path: ArmPath, key: str) -> Resource:
        body = {"properties": {"sharedKey": key, "sharedKeyLength": len(key)}}
        return Resource(path=path, kind=self, body=body, created_at=0, changed_at=0)

    def stored(self, write: Write, resource: Resource) -> None:
        # The connection keeps the key; what is in the store besides would be a copy.
        _link_of(write.plane, write.path)["sharedKey"] = write.properties["sharedKey"]
        resource.facts["sharedKeyLength"] = len(write.properties["sharedKey"])
        write.plane.store.remove(resource)


KINDS = (VpnSites(), VpnSiteLinks(), VpnGateways(), VpnConnections(), VpnLinkConnections(), LinkSharedKeys())
