"""Virtual networks and their subnets.

Rules and codes: Microsoft Learn, "Virtual Network FAQ", "Add, change, or delete a virtual network subnet"; recorded
traffic for answers, ``InUseSubnetCannotBeDeleted`` (400) and the upper-cased back-references.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath, parse_path
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
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources import peerings
from airflow_provider_netconn.lab.resources.hub_connections import connection_of
from airflow_provider_netconn.lab.resources.network_references import (
    FLOW_LOGS,
    INTERFACES,
    NAT_GATEWAYS,
    PEERINGS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VIRTUAL_NETWORKS,
    VNET_GATEWAYS,
    Link,
    id_of,
    referenced,
    refuse_while_network_changes,
)
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.subnet_addresses import (
    RESERVED_AT_END,
    RESERVED_AT_START,
    addresses_in_use,
    configurations_in,
    free_addresses,
    is_reserved,
    networks,
    outside,
    overlapping,
    prefixes_of,
)
from airflow_provider_netconn.lab.resources.virtual_wans import in_use

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

PRIVATE_ENDPOINTS = "Microsoft.Network/privateEndpoints"

USERS_OF_SUBNETS = frozenset(
    type_name.casefold()
    for type_name in (
        INTERFACES,
        VNET_GATEWAYS,
        PRIVATE_ENDPOINTS,
        "Microsoft.Network/privateLinkServices",
        "Microsoft.Network/dnsResolvers/inboundEndpoints",
        "Microsoft.Network/dnsResolvers/outboundEndpoints",
        "Microsoft.Network/loadBalancers",
        "Microsoft.Network/applicationGateways",
        "Microsoft.Network/azureFirewalls",
        "Microsoft.Network/bastionHosts",
        "Microsoft.Network/virtualHubs/ipConfigurations",
    )
)
"""What keeps a subnet in use while it is in it."""

JOINED = {
    "networkSecurityGroup": SECURITY_GROUPS,
    "routeTable": ROUTE_TABLES,
    "natGateway": NAT_GATEWAYS,
}
"""What a subnet can be tied to; the caller needs ``join/action`` on it."""

JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"

PREPARE = tuple(f"{SUBNETS}/{name}/action" for name in ("join", "prepareNetworkPolicies", "unprepareNetworkPolicies"))

DELEGATION_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "microsoft.sql/managedinstances": PREPARE,
    "microsoft.databricks/workspaces": PREPARE,
    "microsoft.web/serverfarms": (f"{SUBNETS}/action",),
    "microsoft.containerinstance/containergroups": (f"{SUBNETS}/action",),
}
"""What a delegation lets its service do; all others may join (``Available Delegations`` of the network provider)."""

SMALLEST_IPV4 = 29
"""Longest prefix of an IPv4 subnet (Microsoft Learn, "Virtual Network FAQ")."""

IPV6_LENGTH = 64
"""The only prefix length of an IPv6 subnet (Microsoft Learn, "IPv6 for Azure Virtual Network")."""


class VirtualNetworks(ResourceKind):
    """Virtual networks."""

    type = VIRTUAL_NETWORKS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(3)
    updated = updated(3)
    rests_unchanged = True
    deleted = deleted(5)
    patch = Patch.TAGS
    tracked = True
    name_pattern = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]"
    envelope: ClassVar = {"extendedLocation": Anything()}
    embeds: ClassVar = {"subnets": "subnets", "virtualNetworkPeerings": "virtualNetworkPeerings"}
    properties = Object(
        properties={
            "addressSpace": Object(
                required=True,
                properties={
                    "addressPrefixes": Items(of=Prefix(), default=[]),
                    "ipamPoolPrefixAllocations": Items(of=Anything()),
                },
            ),
            "summarizedGatewayPrefixes": Anything(),
            "dhcpOptions": Object(properties={"dnsServers": Items(of=Address(), default=[])}),
            "flowTimeoutInMinutes": Number(lowest=4, highest=30),
            "enableDdosProtection": Flag(default=False),
            "enableVmProtection": Flag(),
            "ddosProtectionPlan": Link(),
            "bgpCommunities": Object(
                properties={
                    "virtualNetworkCommunity": Text(required=True, pattern=r"12076:\d{1,5}"),
                    "regionalCommunity": Anything(read_only=True),
                }
            ),
            "encryption": Object(
                properties={
                    "enabled": Flag(required=True),
                    "enforcement": Choice(values=("AllowUnencrypted", "DropUnencrypted"), default="AllowUnencrypted"),
                }
            ),
            "ipAllocations": Items(of=Link()),
            "privateEndpointVNetPolicies": Choice(values=("Disabled", "Basic")),
            "flowLogs": Anything(read_only=True),
            "defaultPublicNatGateway": Anything(read_only=True),
            "resourceGuid": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        if write.existing is not None:
            _refuse_while_children_change(write)
        prefixes = peerings.space_of(write.properties)
        _check_space(write, prefixes)
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))
        if write.existing is None:
            return
        carried = {child.path.key for child in write.embedded} | {gone.path.key for gone in write.dropped}
        for subnet in write.plane.store.children(write.path, SUBNETS):
            if subnet.path.key not in carried:
                _refuse_outside(subnet.path.name, write.path.name, prefixes_of(subnet.properties), prefixes)
        if sorted(prefixes) != sorted(peerings.space_of(write.existing.properties)):
            _check_peered_space(write, prefixes)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        refuse_while_network_changes(plane, resource, resource.path)
        connection = connection_of(plane, resource.path)
        if connection is not None:
            raise in_use("VirtualNetwork", resource, [connection])
        for subnet in plane.store.children(resource.path, SUBNETS):
            _refuse_in_use(plane, subnet)

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        peerings.disconnect_from(plane, resource)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        if shown["provisioningState"] == "Succeeded" and _children_change(plane, resource):
            shown["provisioningState"] = "Updating"
        logs = plane.store.referrers(resource.path, FLOW_LOGS)
        return {**shown, "flowLogs": [{"id": log.id} for log in logs]} if logs else shown


class Subnets(ResourceKind):
    """Subnets: resources of their own, and part of their network's body."""

    type = SUBNETS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(3)
    updated = updated(3)
    rests_unchanged = True
    deleted = deleted(3)
    properties = Object(
        properties={
            "addressPrefix": Prefix(),
            "addressPrefixes": Items(of=Prefix(), fewest=0),
            "networkSecurityGroup": Link(type=SECURITY_GROUPS),
            "routeTable": Link(type=ROUTE_TABLES),
            "natGateway": Link(type=NAT_GATEWAYS),
            "serviceEndpoints": Items(
                of=Object(
                    properties={
                        "service": Text(required=True, shortest=1),
                        "locations": Items(of=Text()),
                        "networkIdentifier": Link(),
                        "provisioningState": Anything(read_only=True),
                    }
                )
            ),
            "serviceEndpointPolicies": Items(of=Link()),
            "delegations": Items(
                default=[],
                of=Object(
                    properties={
                        "id": Anything(read_only=True),
                        "etag": Anything(read_only=True),
                        "type": Anything(read_only=True),
                        "name": Text(required=True, shortest=1, longest=80),
                        "properties": Object(
                            default={},
                            properties={
                                "serviceName": Text(),
                                "actions": Anything(read_only=True),
                                "provisioningState": Anything(read_only=True),
                            },
                        ),
                    }
                ),
            ),
            "privateEndpointNetworkPolicies": Choice(
                values=("Enabled", "Disabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"), default="Disabled"
            ),
            "privateLinkServiceNetworkPolicies": Choice(values=("Enabled", "Disabled"), default="Enabled"),
            "applicationGatewayIPConfigurations": Items(of=Anything()),
            "sharingScope": Choice(values=("Tenant", "DelegatedServices")),
            "defaultOutboundAccess": Flag(),
            "ipAllocations": Items(of=Link()),
            "ipamPoolPrefixAllocations": Items(of=Anything()),
            "serviceGateway": Link(),
            "privateEndpoints": Anything(read_only=True),
            "ipConfigurations": Anything(read_only=True),
            "ipConfigurationProfiles": Anything(read_only=True),
            "resourceNavigationLinks": Anything(read_only=True),
            "serviceAssociationLinks": Anything(read_only=True),
            "purpose": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        for name, type_name in JOINED.items():
            if name in write.properties:
                yield f"{type_name}/join/action", id_of(write.properties[name])

    def prepare(self, write: Write) -> None:
        plane, properties = write.plane, write.properties
        network = write.path.parent
        assert network is not None
        if write.parent_write is None and write.parent is not None:
            refuse_while_network_changes(plane, write.parent, write.path)
        prefixes = prefixes_of(properties)
        _check_prefixes(write, prefixes)
        region = str((write.parent_write or write.parent).body["location"])  # type: ignore[union-attr]
        for name in JOINED:
            if name in properties:
                properties[name] = {"id": referenced(plane, write.path, id_of(properties[name]), region).id}
        if write.existing is not None and sorted(prefixes) != sorted(prefixes_of(write.existing.properties)):
            _refuse_in_use(plane, write.existing, "updated")
        for endpoint in properties.get("serviceEndpoints", ()):
            endpoint.setdefault("locations", ["*"])

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        network = plane.store.find(resource.path.parent) if resource.path.parent is not None else None
        if network is not None:
            refuse_while_network_changes(plane, network)
        _refuse_in_use(plane, resource)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        state = {"provisioningState": resource.provisioning_state}
        shown["delegations"] = [_delegation(resource, delegation) for delegation in shown["delegations"]]
        if "serviceEndpoints" in shown:
            shown["serviceEndpoints"] = [{**endpoint, **state} for endpoint in shown["serviceEndpoints"]]
        configurations = configuration_ids(plane, resource)
        if configurations:
            shown["ipConfigurations"] = [{"id": configuration} for configuration in configurations]
        endpoints = plane.store.referrers(resource.path, PRIVATE_ENDPOINTS)
        if endpoints:
            shown["privateEndpoints"] = [{"id": upper_names(endpoint.id)} for endpoint in endpoints]
            shown["purpose"] = "PrivateEndpoints"
        return shown

    @staticmethod
    def change_policies(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
        """Answer ``PrepareNetworkPolicies`` and its opposite: a service's own policies are not part of the lab."""
        read_body(POLICIES, request.json_object(), Subnets.refusals)
        return act(plane, request, resource, accepted(3), lambda: None)


POLICIES = Object(
    properties={"serviceName": Text(), "networkIntentPolicyConfigurations": Items(of=Anything())},
)

Subnets.actions = {
    "preparenetworkpolicies": Subnets.change_policies,
    "unpreparenetworkpolicies": Subnets.change_policies,
}


class Usages(ResourceKind):
    """``usages`` of a network: how many addresses of each subnet are taken."""

    type = f"{VIRTUAL_NETWORKS}/usages"
    api_versions = NETWORK_VERSIONS
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        assert path.parent is not None
        return plane.store.children(path.parent, SUBNETS)

    def read_all(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
        """:return: one row for each subnet; a gateway's subnet has no numbers"""
        return ArmResponse(200, {"value": [_usage(plane, subnet) for subnet in self.members(plane, path)]})


class AddressAvailability(ResourceKind):
    """``CheckIPAddressAvailability`` of a network."""

    type = f"{VIRTUAL_NETWORKS}/checkIpAddressAvailability"
    api_versions = NETWORK_VERSIONS
    methods = frozenset()

    def read_all(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
        """:return: whether ``ipAddress`` is free, and five that are if it is not

        :raises ArmError: 400, it is no address, or in no subnet
        """
        query = {name.casefold(): value for name, value in request.query.items()}
        try:
            address = ipaddress.ip_address(query.get("ipaddress", ""))
        except ValueError:
            raise ArmError(
                400, "InvalidIPAddressFormat", f"IP address '{query.get('ipaddress', '')}' is not valid.", details=()
            ) from None
        assert path.parent is not None
        for subnet in plane.store.children(path.parent, SUBNETS):
            for network in networks(prefixes_of(subnet.properties)):
                if network.version == address.version and address in network:
                    reserved = is_reserved(network, str(address))
                    free = not reserved and str(address) not in addresses_in_use(plane, subnet)
                    others = free_addresses(plane, subnet, version=network.version)
                    alternatives = [] if free else [next_one for _, next_one in zip(range(5), others, strict=False)]
                    return ArmResponse(
                        200,
                        {"available": free, "availableIPAddresses": alternatives, "isPlatformReserved": reserved},
                    )
        raise ArmError(
            400,
            "PrivateIPAddressNotInAnySubnet",
            f"Private static IP address {address} does not belong to the range of any subnet in virtual network "
            f"{path.parent.name}.",
            details=(),
        )


class Links(ResourceKind):
    """``ResourceNavigationLinks`` of a subnet: those of services that the lab does not have, so none."""

    type = f"{SUBNETS}/resourceNavigationLinks"
    api_versions = NETWORK_VERSIONS
    methods = frozenset()


class AssociationLinks(Links):
    """``ServiceAssociationLinks`` of a subnet."""

    type = f"{SUBNETS}/serviceAssociationLinks"


@lru_cache(maxsize=32768)
def upper_names(resource_id: str) -> str:
    """Spell an id as back-references of the network provider do (recorded): names and group upper-cased.

    :return: ``.../resourceGroups/RG/providers/Microsoft.Network/networkInterfaces/NIC/ipConfigurations/IPCONFIG1``
    """
    path = parse_path(resource_id)
    scope = re.sub(r"(?<=/resourcegroups/)[^/]+", lambda group: group.group().upper(), path.scope, flags=re.IGNORECASE)
    return ArmPath(scope, path.namespace, path.types, tuple(name.upper() for name in path.names)).text


def configuration_ids(plane: ControlPlane, subnet: Resource) -> list[str]:
    """:return: the ids of the IP configurations in a subnet, as its ``ipConfigurations`` spells them"""
    return [
        upper_names(f"{owner.id}/{place}/{item['name']}")
        for owner, item, place in configurations_in(plane, subnet)
        if "name" in item
    ]


# -- rules -----------------------------------------------------------------------------------------


def _refusal(code: str, message: str) -> ArmError:
    return ArmError(400, code, message, details=())


def _children_change(plane: ControlPlane, network: Resource) -> bool:
    """Whether an operation works on a subnet or a peering that is not the network's own."""
    children = plane.store.children(network.path)
    return any(child.is_busy and child.operation is not network.operation for child in children)


def _refuse_while_children_change(write: Write) -> None:
    """A write of the network takes over from an older one, but waits for those of its children."""
    assert write.existing is not None
    if _children_change(write.plane, write.existing):
        refuse_while_network_changes(write.plane, write.existing, write.existing.path)


def _check_space(write: Write, prefixes: list[str]) -> None:
    if not prefixes and "ipamPoolPrefixAllocations" not in write.properties["addressSpace"]:
        raise _refusal(
            "MissingAddressSpace", f"Virtual network {write.path.text} has to have at least one address prefix."
        )
    for at, prefix in enumerate(prefixes):
        others = overlapping([prefix], prefixes[:at])
        if others:
            raise _refusal(
                "NetcfgInvalidVirtualNetworkSite",
                f"Address prefixes of virtual network '{write.path.name}' overlap: {prefix} with another one of "
                f"{', '.join(prefixes)}.",
            )


def _check_peered_space(write: Write, prefixes: list[str]) -> None:
    """A peered network's space may change, but not into that of a peer (Learn, "Update the address space ...")."""
    dropped = {gone.path.key for gone in write.dropped}
    for peering in write.plane.store.children(write.path, PEERINGS):
        remote = write.plane.store.find(peerings.remote_of(peering))
        if remote is not None and peering.path.key not in dropped and peering.properties["peerCompleteVnets"]:
            peerings.refuse_overlaps(write, prefixes, remote)


def _check_prefixes(write: Write, prefixes: list[str]) -> None:
    """A subnet's prefixes: some, large enough, within the network, and nobody else's."""
    network, name = write.path.parent, write.path.name
    assert network is not None
    if not prefixes:
        if "ipamPoolPrefixAllocations" in write.properties:
            return
        raise _refusal(
            "MissingSubnetAddressPrefix", f"Subnet '{name}' of virtual network '{network.name}' has no address prefix."
        )
    for prefix in networks(prefixes):
        if prefix.prefixlen > SMALLEST_IPV4 if prefix.version == 4 else prefix.prefixlen != IPV6_LENGTH:
            raise _refusal("NetcfgInvalidSubnet", f"Subnet '{name}' is not valid in virtual network '{network.name}'.")
    _refuse_outside(name, network.name, prefixes, peerings.space_of(write.parent_properties))
    for other in write.siblings().values():
        if overlapping(prefixes, prefixes_of(other)):
            raise _refusal(
                "NetcfgSubnetRangesOverlap",
                f"Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet "
                f"in virtual network '{network.name}'.",
            )


def _refuse_outside(subnet: str, network: str, prefixes: list[str], space: list[str]) -> None:
    if outside(prefixes, space):
        raise _refusal(
            "NetcfgSubnetRangeOutsideVnet",
            f"Subnet '{subnet}' is not valid because its IP address range is outside the IP address range of virtual "
            f"network '{network}'.",
        )


def _refuse_in_use(plane: ControlPlane, subnet: Resource, doing: str = "deleted") -> None:
    """:raises ArmError: 400 InUseSubnetCannotBeDeleted or InUseSubnetCannotBeUpdated"""
    users = [user for user in plane.store.referrers(subnet.path) if user.kind.type.casefold() in USERS_OF_SUBNETS]
    if users:
        first = next((owner for owner in configurations_in(plane, subnet)), None)
        name = f"{first[0].id}/{first[2]}/{first[1].get('name', '')}" if first is not None else users[0].id
        network = subnet.path.parent
        assert network is not None
        raise _refusal(
            f"InUseSubnetCannotBe{doing.capitalize()}",
            f"Subnet {subnet.path.name} is in use by {name} and cannot be {doing}. In order to "
            f"{doing.removesuffix('d')} the subnet, delete all the resources within the subnet. See "
            "aka.ms/deletesubnet.",
        )


def _delegation(subnet: Resource, delegation: Mapping[str, Any]) -> dict[str, Any]:
    service = str(delegation["properties"].get("serviceName", ""))
    return {
        "name": delegation["name"],
        "id": f"{subnet.id}/delegations/{delegation['name']}",
        "etag": f'W/"{subnet.etag}"',
        "type": f"{SUBNETS}/delegations",
        "properties": {
            **delegation["properties"],
            "actions": list(DELEGATION_ACTIONS.get(service.casefold(), (JOIN,))),
            "provisioningState": subnet.provisioning_state,
        },
    }


def _usage(plane: ControlPlane, subnet: Resource) -> dict[str, Any]:
    counts = {"currentValue": -1.0, "limit": -1.0}
    if subnet.path.name.casefold() != "gatewaysubnet":
        room = sum(
            network.num_addresses - RESERVED_AT_START - RESERVED_AT_END
            for network in networks(prefixes_of(subnet.properties))
            if network.version == 4
        )
        counts = {"currentValue": float(len(addresses_in_use(plane, subnet))), "limit": float(room)}
    name = {"localizedValue": "Subnet size and usage", "value": "SubnetSpace"}
    return {"id": subnet.id, "name": name, "unit": "Count", **counts}


KINDS = (VirtualNetworks(), Subnets(), Usages(), AddressAvailability(), Links(), AssociationLinks())
