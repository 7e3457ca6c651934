"""NAT rules of VPN gateways, in virtual networks and in hubs: resources of their own, and part of their gateway's body.

Microsoft Learn, "About NAT on Azure VPN Gateway" and "Configure NAT rules for your Virtual WAN VPN gateway": a static
rule maps prefixes of one size onto each other; a rule that a connection uses stays.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Items, Object, Prefix, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.network_references import VNET_GATEWAYS, id_of
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.virtual_wans import GATEWAYS, in_use

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

MAPPINGS = Items(
    default=[], of=Object(properties={"addressSpace": Prefix(required=True), "portRange": Text(pattern=r"\d+(-\d+)?")})
)
BACK_REFERENCES = {"egress": "egressVpnSiteLinkConnections", "ingress": "ingressVpnSiteLinkConnections"}


class NatRules(ResourceKind):
    """What NAT rules of both kinds of gateways have in common."""

    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(10)
    updated = updated(10)
    deleted = deleted(10)
    properties = Object(
        properties={
            "type": Choice(values=("Static", "Dynamic"), default="Static"),
            "mode": Choice(values=("EgressSnat", "IngressSnat"), default="EgressSnat"),
            "internalMappings": MAPPINGS,
            "externalMappings": MAPPINGS,
            "ipConfigurationId": Text(),
            "provisioningState": Anything(read_only=True),
            **{name: Anything(read_only=True) for name in BACK_REFERENCES.values()},
        }
    )

    def prepare(self, write: Write) -> None:
        internal, external = (write.properties[f"{side}Mappings"] for side in ("internal", "external"))
        if not internal or not external:
            raise _refusal(
                "NatRuleMappingsMissing", f"NAT rule {write.path.text} needs internal and external mappings."
            )
        if write.properties["type"] == "Dynamic" or any("portRange" in one for one in (*internal, *external)):
            return
        if _sizes(internal) != _sizes(external):
            raise _refusal(
                "NatRuleMappingsDifferInSize",
                f"The internal and external mappings of static NAT rule {write.path.text} differ in size.",
            )

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = plane.store.referrers(resource.path)
        if users:
            raise in_use("NatRule", resource, users)


def _refusal(code: str, message: str) -> ArmError:
    return ArmError(400, code, message, details=())


def _sizes(mappings: list[dict[str, Any]]) -> list[int]:
    return [ipaddress.ip_network(mapping["addressSpace"]).prefixlen for mapping in mappings]


class HubGatewayNatRules(NatRules):
    """Those of a hub's VPN gateway tell which links use them."""

    type = f"{GATEWAYS['vpnGateway']}/natRules"

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        for direction, name in BACK_REFERENCES.items():
            shown[name] = [
                {"id": f"{connection.id}/vpnLinkConnections/{link['name']}"}
                for connection in plane.store.referrers(resource.path)
                for link in connection.properties.get("vpnLinkConnections", ())
                if resource.path.key
                in {id_of(one).casefold() for one in link["properties"].get(f"{direction}NatRules", ())}
            ]
        return shown


class NetworkGatewayNatRules(NatRules):
    """Those of a virtual network's VPN gateway."""

    type = f"{VNET_GATEWAYS}/natRules"


KINDS = (HubGatewayNatRules(), NetworkGatewayNatRules())
