"""Public IP addresses and NAT gateways.

Addresses come from 198.18.0.0/15 (RFC 2544): they are nobody's, so that nothing that dials them reaches a real service
by mistake.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Items, Number, Object, Text
from airflow_provider_netconn.lab.resources.network_references import (
    NAT_GATEWAYS,
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
from airflow_provider_netconn.lab.resources.subnet_addresses import CONFIGURATIONS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

POOLS: dict[str, IPv4Network | IPv6Network] = {
    "IPv4": IPv4Network("198.18.0.0/15"),
    "IPv6": IPv6Network("2001:db8:a::/48"),
}


class PublicAddresses(ResourceKind):
    """Public IP addresses."""

    type = PUBLIC_ADDRESSES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(2)
    updated = updated(2)
    deleted = deleted(3)
    patch = Patch.TAGS
    tracked = True
    envelope: ClassVar = {
        "sku": Object(
            default={"name": "Basic", "tier": "Regional"},
            properties={
                "name": Choice(values=("Basic", "Standard", "StandardV2"), default="Basic"),
                "tier": Choice(values=("Regional", "Global"), default="Regional"),
            },
        ),
        "zones": Items(of=Text(pattern="[1-3]")),
        "extendedLocation": Anything(),
    }
    properties = Object(
        properties={
            "publicIPAllocationMethod": Choice(values=("Static", "Dynamic")),
            "publicIPAddressVersion": Choice(values=("IPv4", "IPv6"), default="IPv4"),
            "idleTimeoutInMinutes": Number(lowest=4, highest=30, default=4),
            "dnsSettings": Object(
                properties={
                    "domainNameLabel": Text(pattern=r"[a-z][a-z0-9-]{1,61}[a-z0-9]"),
                    "domainNameLabelScope": Choice(
                        values=("TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "NoReuse")
                    ),
                    "fqdn": Anything(read_only=True),
                    "reverseFqdn": Text(),
                }
            ),
            "ddosSettings": Object(
                properties={
                    "protectionMode": Choice(values=("VirtualNetworkInherited", "Enabled", "Disabled")),
                    "ddosProtectionPlan": Link(),
                }
            ),
            "ipTags": Items(of=Object(properties={"ipTagType": Text(), "tag": Text()}), default=[]),
            "publicIPPrefix": Link(),
            "deleteOption": Choice(values=("Delete", "Detach")),
            "migrationPhase": Choice(values=("None", "Prepare", "Commit", "Abort", "Committed")),
            "servicePublicIPAddress": Link(),
            "linkedPublicIPAddress": Link(),
            "natGateway": Anything(read_only=True),
            "ipAddress": Anything(read_only=True),
            "ipConfiguration": Anything(read_only=True),
            "resourceGuid": Anything(read_only=True),
            "upgradedToV2": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        properties, facts = write.properties, write.facts
        is_basic = write.body["sku"]["name"] == "Basic"
        method = properties.setdefault("publicIPAllocationMethod", "Dynamic" if is_basic else "Static")
        if not is_basic and method != "Static":
            raise ArmError(
                400,
                "StandardSkuPublicIPAddressMustBeStatic",
                f"Standard sku publicIp {write.path.text} must have AllocationMethod set to Static.",
                details=(),
            )
        facts.setdefault("resourceGuid", str(uuid.uuid4()))
        if "ipAddress" not in facts:
            facts["ipAddress"] = self._next_address(write.plane, properties["publicIPAddressVersion"])

    def _next_address(self, plane: ControlPlane, version: str) -> str:
        used = {resource.facts.get("ipAddress") for resource in plane.store.of_type(self.type)}
        return next(str(address) for address in POOLS[version].hosts() if str(address) not in used)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        user = configuration_of(plane, resource) or _nat_gateway_of(plane, resource)
        if user is not None:
            raise ArmError(
                400,
                "PublicIPAddressCannotBeDeleted",
                f"Public IP address {resource.id} can not be deleted since it is still allocated to resource {user}. "
                "In order to delete the public IP, disassociate/detach the Public IP address from the resource.  To "
                "learn how to do this, see aka.ms/deletepublicip.",
                details=(),
            )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        configuration, gateway = configuration_of(plane, resource), _nat_gateway_of(plane, resource)
        if configuration is not None:
            shown["ipConfiguration"] = {"id": configuration}
        elif gateway is not None:
            shown["natGateway"] = {"id": gateway}
        elif shown["publicIPAllocationMethod"] == "Dynamic":
            del shown["ipAddress"]  # A dynamic address is given when it is used.
        label = shown.get("dnsSettings", {}).get("domainNameLabel")
        if label:
            shown["dnsSettings"] = {**shown["dnsSettings"], "fqdn": f"{label}.{resource.region}.cloudapp.azure.com"}
        return shown


def configuration_of(plane: ControlPlane, address: Resource) -> str | None:
    """:return: the id of the IP configuration that a public address is tied to; None: it is free"""
    for owner in plane.store.referrers(address.path):
        for place in CONFIGURATIONS:
            for item in owner.properties.get(place) or ():
                reference = id_of((item.get("properties") or item).get("publicIPAddress"))
                if reference.rstrip("/").casefold() == address.path.key:
                    return f"{owner.id}/{place}/{item.get('name', '')}"
    return None


def _nat_gateway_of(plane: ControlPlane, address: Resource) -> str | None:
    return next((gateway.id for gateway in plane.store.referrers(address.path, NAT_GATEWAYS)), None)


class NatGateways(ResourceKind):
    """NAT gateways, as far as subnets and public addresses need them."""

    type = NAT_GATEWAYS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    updated = updated(5)
    deleted = deleted(5)
    patch = Patch.TAGS
    tracked = True
    envelope: ClassVar = {
        "sku": Object(
            default={"name": "Standard"},
            properties={"name": Choice(values=("Standard", "StandardV2"), default="Standard")},
        ),
        "zones": Items(of=Text(pattern="[1-3]")),
    }
    properties = Object(
        properties={
            "idleTimeoutInMinutes": Number(lowest=4, highest=120, default=4),
            "publicIpAddresses": Items(of=Link(type=PUBLIC_ADDRESSES)),
            "publicIpAddressesV6": Items(of=Link(type=PUBLIC_ADDRESSES)),
            "publicIpPrefixes": Items(of=Link()),
            "publicIpPrefixesV6": Items(of=Link()),
            "sourceVirtualNetwork": Link(),
            "serviceGateway": Link(),
            "nat64": Choice(values=("None", "Enabled", "Disabled")),
            "subnets": Anything(read_only=True),
            "resourceGuid": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        for address in self._addresses(write):
            yield f"{PUBLIC_ADDRESSES}/join/action", address

    def prepare(self, write: Write) -> None:
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))
        for address in self._addresses(write):
            referenced(write.plane, write.path, address, write.body["location"])

    @staticmethod
    def _addresses(write: Write) -> list[str]:
        names = ("publicIpAddresses", "publicIpAddressesV6")
        return [id_of(address) for name in names for address in write.properties.get(name, ())]

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = plane.store.referrers(resource.path, SUBNETS)
        if users:
            raise ArmError(
                400,
                "InUseNatGatewayCannotBeDeleted",
                f"Nat gateway {resource.id} cannot be deleted because it is in use by the following resources: "
                f"{', '.join(user.id for user in users)}.",
                details=(),
            )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        users = plane.store.referrers(resource.path, SUBNETS)
        if users:
            shown["subnets"] = [{"id": user.id} for user in users]
        return shown


KINDS = (PublicAddresses(), NatGateways())
