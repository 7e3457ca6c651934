"""Network interfaces: their IP configurations, what guards them, and which way their packets go.

Fixed values and the default routes: Microsoft Learn, "Create, change, or delete a network interface" and "Virtual
network traffic routing". An interface of a private endpoint or of a private link service is made by that, and is nobody
else's to change.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable
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
    Text,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources import peerings
from airflow_provider_netconn.lab.resources.learned_routes import prefixes_behind_gateways
from airflow_provider_netconn.lab.resources.network_references import (
    APPLICATION_SECURITY_GROUPS,
    INTERFACES,
    PEERINGS,
    PUBLIC_ADDRESSES,
    SECURITY_GROUPS,
    SUBNETS,
    Link,
    id_of,
    referenced,
)
from airflow_provider_netconn.lab.resources.network_security_groups import LAST_PORT, Decision, Flow, decide, rules_of
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.public_addresses import configuration_of
from airflow_provider_netconn.lab.resources.route_tables import ROUTES
from airflow_provider_netconn.lab.resources.subnet_addresses import allocate

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

MACHINES = "Microsoft.Compute/virtualMachines"

UNROUTED = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
"""What goes nowhere by default, but for the longer prefixes of the network and its neighbours."""

CONFIGURATION = Object(
    properties={
        "id": Anything(read_only=True),
        "etag": Anything(read_only=True),
        "type": Anything(read_only=True),
        "name": Text(required=True, shortest=1, longest=80),
        "properties": Object(
            required=True,
            properties={
                "privateIPAddress": Address(code="InvalidIPAddressFormat"),
                "privateIPAddressPrefixLength": Number(lowest=1, highest=128),
                "privateIPAllocationMethod": Choice(values=("Static", "Dynamic"), default="Dynamic"),
                "privateIPAddressVersion": Choice(values=("IPv4", "IPv6"), default="IPv4"),
                "subnet": Link(type=SUBNETS),
                "primary": Flag(),
                "publicIPAddress": Link(type=PUBLIC_ADDRESSES),
                "applicationSecurityGroups": Items(of=Link(type=APPLICATION_SECURITY_GROUPS)),
                "loadBalancerBackendAddressPools": Items(of=Link()),
                "loadBalancerInboundNatRules": Items(of=Link()),
                "applicationGatewayBackendAddressPools": Items(of=Link()),
                "virtualNetworkTaps": Items(of=Link()),
                "gatewayLoadBalancer": Link(),
                "privateLinkConnectionProperties": Anything(read_only=True),
                "provisioningState": Anything(read_only=True),
            },
        ),
    }
)


class NetworkInterfaces(ResourceKind):
    """Network interfaces."""

    type = INTERFACES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(2)
    updated = updated(2)
    deleted = deleted(2)
    patch = Patch.TAGS
    tracked = True
    envelope: ClassVar = {"extendedLocation": Anything()}
    properties = Object(
        properties={
            "ipConfigurations": Items(of=CONFIGURATION, fewest=1, required=True),
            "networkSecurityGroup": Link(type=SECURITY_GROUPS),
            "dnsSettings": Object(
                properties={
                    "dnsServers": Items(of=Address(), default=[]),
                    "internalDnsNameLabel": Text(),
                    "appliedDnsServers": Anything(read_only=True),
                    "internalFqdn": Anything(read_only=True),
                    "internalDomainNameSuffix": Anything(read_only=True),
                },
                default={"dnsServers": []},
            ),
            "enableAcceleratedNetworking": Flag(default=False),
            "enableIPForwarding": Flag(default=False),
            "disableTcpStateTracking": Flag(default=False),
            "nicType": Choice(values=("Standard", "Elastic"), default="Standard"),
            "auxiliaryMode": Choice(
                values=("None", "MaxConnections", "Floating", "AcceleratedConnections"), default="None"
            ),
            "auxiliarySku": Choice(values=("None", "A1", "A2", "A4", "A8"), default="None"),
            "workloadType": Text(),
            "privateLinkService": Link(),
            "migrationPhase": Choice(values=("None", "Prepare", "Commit", "Abort", "Committed")),
            "virtualMachine": Anything(read_only=True),
            "privateEndpoint": Anything(read_only=True),
            "tapConfigurations": Anything(read_only=True),
            "macAddress": Anything(read_only=True),
            "primary": Anything(read_only=True),
            "vnetEncryptionSupported": Anything(read_only=True),
            "defaultOutboundConnectivityEnabled": Anything(read_only=True),
            "hostedWorkloads": Anything(read_only=True),
            "dscpConfiguration": Anything(read_only=True),
            "resourceGuid": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        if "networkSecurityGroup" in write.properties:
            yield f"{SECURITY_GROUPS}/join/action", id_of(write.properties["networkSecurityGroup"])
        for item in write.properties["ipConfigurations"]:
            for name, type_name in (("subnet", SUBNETS), ("publicIPAddress", PUBLIC_ADDRESSES)):
                if name in item["properties"]:
                    yield f"{type_name}/join/action", id_of(item["properties"][name])

    def prepare(self, write: Write) -> None:
        _refuse_owned(write.existing, "updated")
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))
        if "networkSecurityGroup" in write.properties:
            group = id_of(write.properties["networkSecurityGroup"])
            referenced(write.plane, write.path, group, write.body["location"])
        items = write.properties["ipConfigurations"]
        if not any(item["properties"].get("primary") for item in items):
            items[0]["properties"]["primary"] = True
        networks: set[str] = set()
        taken: list[str] = []
        for item in items:
            item["properties"].setdefault("primary", False)
            subnet = _check_configuration(write, item)
            assert subnet.path.parent is not None
            networks.add(subnet.path.parent.key)
            item["properties"]["privateIPAddress"] = _address(write, item, subnet, taken)
            taken.append(item["properties"]["privateIPAddress"])
        if len(networks) > 1:
            raise _refusal(
                "IpConfigurationsOnSameNicCannotUseDifferentVnets",
                f"IP configurations on network interface {write.path.text} belong to different virtual networks.",
            )

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        _refuse_owned(resource, "deleted")
        machine = _machine_of(plane, resource)
        if machine is not None:
            raise _refusal(
                "NicInUse",
                f"Network Interface {resource.id} is used by existing resource {machine.id}. In order to delete the "
                "network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.",
            )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown["ipConfigurations"] = [_configuration(resource, item) for item in shown["ipConfigurations"]]
        shown["dnsSettings"] = {**shown["dnsSettings"], "appliedDnsServers": []}
        machine = _machine_of(plane, resource)
        if machine is not None:
            shown["virtualMachine"] = {"id": machine.id}
            shown["primary"] = True
            digits = uuid.UUID(resource.facts["resourceGuid"]).hex[:6].upper()
            shown["macAddress"] = f"00-0D-3A-{digits[:2]}-{digits[2:4]}-{digits[4:]}"
        shown.setdefault("macAddress", "")
        return {"vnetEncryptionSupported": False, "hostedWorkloads": [], "tapConfigurations": [], **shown}

    @staticmethod
    def effective_groups(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
        """Answer ``effectiveNetworkSecurityGroups``."""
        return act(plane, request, resource, accepted(2), lambda: {"value": effective_groups(plane, resource)})

    @staticmethod
    def effective_routes(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
        """Answer ``effectiveRouteTable``."""
        return act(plane, request, resource, accepted(2), lambda: {"value": effective_routes(plane, resource)})


NetworkInterfaces.actions = {
    "effectivenetworksecuritygroups": NetworkInterfaces.effective_groups,
    "effectiveroutetable": NetworkInterfaces.effective_routes,
}


class InterfaceConfigurations(ResourceKind):
    """IP configurations of an interface, as resources that can only be read."""

    type = f"{INTERFACES}/ipConfigurations"
    api_versions = NETWORK_VERSIONS
    methods = frozenset({"GET"})

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        return next((item for item in self.members(plane, path.collection) if item.path.key == path.key), None)

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        interface = plane.store.find(path.parent) if path.parent is not None else None
        if interface is None:
            return []
        return [
            Resource(
                path=interface.path.child("ipConfigurations", item["name"]),
                kind=self,
                body={"properties": item["properties"]},
                created_at=interface.created_at,
                changed_at=interface.changed_at,
                etag=interface.etag,
                operation=interface.operation,
            )
            for item in interface.properties["ipConfigurations"]
        ]


# -- what guards an interface, and where its packets go --------------------------------------------


def virtual_network_tag(plane: ControlPlane, network: Resource) -> list[str]:
    """:return: the prefixes that ``VirtualNetwork`` stands for: the network's own, those of connected peers that may be
    accessed, and those behind its gateways"""
    prefixes = [*peerings.space_of(network.properties), *prefixes_behind_gateways(plane, network)]
    for peering in plane.store.children(network.path, PEERINGS):
        if peering.facts["peeringState"] == peerings.CONNECTED and peering.properties["allowVirtualNetworkAccess"]:
            prefixes += peering.facts["remoteAddressSpace"]
    return prefixes


def decide_flow(plane: ControlPlane, interface: Resource, flow: Flow) -> Decision:
    """What the groups of an interface and of its subnet do with a flow, in the order in which a packet meets them.

    :return: the decision of the first that denies, else of the last; without any group all passes
    """
    guards = [group for group, _, _ in _guards(plane, interface)]
    tags = {"virtualnetwork": virtual_network_tag(plane, network_of(plane, interface))}
    decision = Decision(allowed=True, rule="")
    for group in guards if flow.inbound else reversed(guards):
        decision = decide(plane, group, flow, tags)
        if not decision.allowed:
            return decision
    return decision


def effective_groups(plane: ControlPlane, interface: Resource) -> list[dict[str, Any]]:
    """:return: the groups of an interface's subnet and its own, with their rules spelled out"""
    tag = virtual_network_tag(plane, network_of(plane, interface))
    return [
        {
            "networkSecurityGroup": {"id": group.id},
            "association": {place: {"id": holder.id}},
            "effectiveSecurityRules": [
                _effective_rule(name, rule, tag)
                for direction in ("Inbound", "Outbound")
                for name, rule in rules_of(plane, group, direction)
            ],
        }
        for group, place, holder in _guards(plane, interface)
    ]


def effective_routes(plane: ControlPlane, interface: Resource) -> list[dict[str, Any]]:
    """:return: the routes of an interface: the defaults, those of peers and private endpoints, and its table's"""
    network, subnet = network_of(plane, interface), subnet_of_interface(plane, interface)
    space = peerings.space_of(network.properties)
    routes = [_route("Default", prefix, "VnetLocal") for prefix in space]
    connected = [
        peering
        for peering in plane.store.children(network.path, PEERINGS)
        if peering.facts["peeringState"] == peerings.CONNECTED
    ]
    for peering in connected:
        if peering.properties["allowVirtualNetworkAccess"]:
            routes += [_route("Default", prefix, "VNetPeering") for prefix in peering.facts["remoteAddressSpace"]]
    table = plane.store.find(id_of(subnet.properties.get("routeTable"))) if "routeTable" in subnet.properties else None
    propagates = table is None or not table.properties["disableBgpRoutePropagation"]
    if propagates:
        hop = "VirtualNetworkGateway"
        routes += [_route(hop, prefix, hop) for prefix in prefixes_behind_gateways(plane, network)]
    reachable = [network.path, *(parse_path(peerings.remote_of(peering)) for peering in connected)]
    routes += [_route("Default", f"{address}/32", "InterfaceEndpoint") for address in _endpoints(plane, reachable)]
    routes.append(_route("Default", "0.0.0.0/0", "Internet"))
    routes += [_route("Default", prefix, "None") for prefix in UNROUTED if prefix not in space]
    if table is None:
        return routes
    own = plane.store.children(table.path, ROUTES)
    overridden = {route.properties["addressPrefix"] for route in own}
    for route in routes:
        if route["addressPrefix"][0] in overridden:
            route["state"] = "Invalid"
    return [
        *({**route, "disableBgpRoutePropagation": not propagates} for route in routes),
        *(_user_route(route) for route in own),
    ]


def subnet_of_interface(plane: ControlPlane, interface: Resource) -> Resource:
    """:return: the subnet that an interface's primary configuration is in"""
    items = interface.properties["ipConfigurations"]
    primary = next((item for item in items if item["properties"].get("primary")), items[0])
    return referenced(plane, interface.path, id_of(primary["properties"]["subnet"]))


def network_of(plane: ControlPlane, interface: Resource) -> Resource:
    """:return: the network that an interface is in"""
    subnet = subnet_of_interface(plane, interface)
    assert subnet.path.parent is not None
    return referenced(plane, interface.path, subnet.path.parent.text)


def _guards(plane: ControlPlane, interface: Resource) -> list[tuple[Resource, str, Resource]]:
    """Groups in the order in which a packet from outside meets them, how each is associated, and with what."""
    guards = []
    for place, holder in (("subnet", subnet_of_interface(plane, interface)), ("networkInterface", interface)):
        group = plane.store.find(id_of(holder.properties.get("networkSecurityGroup")))
        if group is not None:
            guards.append((group, place, holder))
    return guards


def _effective_rule(name: str, rule: dict[str, Any], tag: list[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": name, "protocol": "All" if rule["protocol"] == "*" else rule["protocol"]}
    for end in ("source", "destination"):
        ports = [_port_range(text) for text in [rule.get(f"{end}PortRange"), *rule[f"{end}PortRanges"]] if text]
        prefixes = [rule.get(f"{end}AddressPrefix"), *rule[f"{end}AddressPrefixes"]]
        spelled = ["0.0.0.0/0" if prefix == "*" else prefix for prefix in prefixes if prefix]
        shown[f"{end}PortRange"], shown[f"{end}PortRanges"] = ports[0], ports
        if spelled:
            shown[f"{end}AddressPrefix"], shown[f"{end}AddressPrefixes"] = spelled[0], spelled
        if "VirtualNetwork" in spelled:
            shown[f"expanded{end.capitalize()}AddressPrefix"] = tag
    return {**shown, "access": rule["access"], "priority": rule["priority"], "direction": rule["direction"]}


def _port_range(text: str) -> str:
    if text == "*":
        return f"0-{LAST_PORT}"
    return text if "-" in text else f"{text}-{text}"


def _route(source: str, prefix: str, hop: str) -> dict[str, Any]:
    return {
        "source": source,
        "state": "Active",
        "addressPrefix": [prefix],
        "nextHopType": hop,
        "nextHopIpAddress": [],
    }


def _user_route(route: Resource) -> dict[str, Any]:
    properties = route.properties
    shown = _route("User", properties["addressPrefix"], properties["nextHopType"])
    if properties.get("nextHopIpAddress"):
        shown["nextHopIpAddress"] = [properties["nextHopIpAddress"]]
    return {"name": route.path.name, **shown}


def _endpoints(plane: ControlPlane, networks: Iterable[ArmPath]) -> list[str]:
    """Addresses of the private endpoints in some networks."""
    return [
        item["properties"]["privateIPAddress"]
        for network in networks
        for subnet in plane.store.children(network, SUBNETS)
        for interface in plane.store.referrers(subnet.path, INTERFACES)
        if "privateEndpoint" in interface.facts
        for item in interface.properties["ipConfigurations"]
        if item["properties"].get("privateIPAddress")
    ]


# -- rules -----------------------------------------------------------------------------------------


def _refusal(code: str, message: str) -> ArmError:
    return ArmError(400, code, message, details=())


def _refuse_owned(interface: Resource | None, doing: str) -> None:
    if interface is None:
        return
    owner = id_of(interface.facts.get("privateEndpoint")) or id_of(interface.facts.get("privateLinkService"))
    if owner:
        raise _refusal(
            "OwnedNetworkInterfaceCannotBeModified",
            f"Network interface {interface.id} cannot be {doing} because it belongs to {owner}.",
        )


def _check_configuration(write: Write, item: dict[str, Any]) -> Resource:
    """:return: the subnet that a configuration is in; what it refers to is there"""
    plane, region, properties = write.plane, write.body["location"], item["properties"]
    if "subnet" not in properties:
        raise _refusal(
            "SubnetReferenceMissing",
            f"IP configuration {item['name']} of network interface {write.path.text} has no reference to a subnet.",
        )
    subnet = referenced(plane, write.path, id_of(properties["subnet"]))
    assert subnet.path.parent is not None
    referenced(plane, write.path, subnet.path.parent.text, region)
    for group in properties.get("applicationSecurityGroups", ()):
        referenced(plane, write.path, id_of(group), region)
    if "publicIPAddress" in properties:
        address = referenced(plane, write.path, id_of(properties["publicIPAddress"]), region)
        user = configuration_of(plane, address)
        if user is not None and not user.casefold().startswith(f"{write.path.key}/"):
            raise _refusal(
                "PublicIPAddressInUse",
                f"Resource {write.path.text}/ipConfigurations/{item['name']} is referencing public IP address "
                f"{address.id} that is already allocated to resource {user}.",
            )
    return subnet


def _address(write: Write, item: dict[str, Any], subnet: Resource, taken: list[str]) -> str:
    """The address of a configuration: the one asked for, the one that it has already, or the next free one."""
    properties = item["properties"]
    before = {
        old["name"].casefold(): old["properties"]
        for old in (write.existing.properties["ipConfigurations"] if write.existing is not None else ())
    }
    held = [old["privateIPAddress"] for old in before.values()]
    version = 6 if properties["privateIPAddressVersion"] == "IPv6" else 4
    if properties["privateIPAllocationMethod"] == "Static":
        wanted = properties.get("privateIPAddress")
        if wanted is None:
            raise _refusal(
                "PrivateIPAddressMissing",
                f"IP configuration {item['name']} is static and therefore has to have a privateIPAddress.",
            )
        return allocate(write.plane, subnet, str(ipaddress.ip_address(wanted)), taken=taken, version=version, held=held)
    old = before.get(item["name"].casefold())
    if old is not None and id_of(old["subnet"]).casefold() == subnet.path.key:
        return str(old["privateIPAddress"])
    return allocate(write.plane, subnet, taken=taken, version=version)


def _machine_of(plane: ControlPlane, interface: Resource) -> Resource | None:
    return next(iter(plane.store.referrers(interface.path, MACHINES)), None)


def _configuration(interface: Resource, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": item["name"],
        "id": f"{interface.id}/ipConfigurations/{item['name']}",
        "etag": f'W/"{interface.etag}"',
        "type": f"{INTERFACES}/ipConfigurations",
        "properties": {**item["properties"], "provisioningState": interface.provisioning_state},
    }


KINDS = (NetworkInterfaces(), InterfaceConfigurations())
