"""Network security groups, their rules, application security groups; and which traffic a group lets pass.

Defaults, order and service tags: Microsoft Learn, "Network security groups" and "Virtual network service tags".
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Flag, Items, Number, Object, ShapeError, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.network_references import (
    APPLICATION_SECURITY_GROUPS,
    FLOW_LOGS,
    INTERFACES,
    SECURITY_GROUPS,
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

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

RULES = f"{SECURITY_GROUPS}/securityRules"
DEFAULT_RULES = f"{SECURITY_GROUPS}/defaultSecurityRules"

LAST_PORT = 65535
PLATFORM_ADDRESS = "168.63.129.16"
"""Where Azure's load balancer probes from, and what ``AzureLoadBalancer`` stands for."""

NOT_INTERNET = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""Never part of ``Internet``: what the public internet can't reach (RFC 1918, 6598, 4193)."""

ADDRESSES = ("sourceAddressPrefix", "destinationAddressPrefix")
PORTS = ("sourcePortRange", "destinationPortRange")
GROUPS = ("sourceApplicationSecurityGroups", "destinationApplicationSecurityGroups")

SERVICE_TAG = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)?")


def _check_rule(rule: Mapping[str, Any], path: str) -> None:
    """What a rule says of ports and addresses has to be readable, and there."""
    for name in PORTS:
        values = [*rule.get(f"{name}s", ()), *([rule[name]] if name in rule else [])]
        for value in values:
            if read_ports(value) is None:
                raise ShapeError(
                    f"{path}.{name}",
                    f"Security rule has invalid Port range. Value provided: {value}. Value should be an integer OR "
                    f"integer range with '-' delimiter. Valid range 0-{LAST_PORT}.",
                    code="SecurityRuleInvalidPortRange",
                )
        if not values:
            raise ShapeError(f"{path}.{name}", f"Required security rule parameter {name} is missing.", missing=True)
    for name, groups in zip(ADDRESSES, GROUPS, strict=True):
        values = [*rule.get(f"{name}es", ()), *([rule[name]] if name in rule else [])]
        for value in values:
            if not _is_address(value):
                raise ShapeError(
                    f"{path}.{name}",
                    f"Security rule has invalid Address prefix. Value provided: {value}",
                    code="SecurityRuleInvalidAddressPrefix",
                )
        if not values and not rule.get(groups):
            raise ShapeError(f"{path}.{name}", f"Required security rule parameter {name} is missing.", missing=True)


class SecurityGroups(ResourceKind):
    """Network security groups."""

    type = SECURITY_GROUPS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(3)
    updated = updated(3)
    rests_unchanged = True
    deleted = deleted(3)
    patch = Patch.TAGS
    tracked = True
    embeds: ClassVar = {"securityRules": "securityRules"}
    properties = Object(
        properties={
            "flushConnection": Flag(),
            "defaultSecurityRules": Anything(read_only=True),
            "networkInterfaces": Anything(read_only=True),
            "subnets": Anything(read_only=True),
            "flowLogs": Anything(read_only=True),
            "resourceGuid": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = [user.id for user in _users(plane, resource, SUBNETS, INTERFACES)]
        if users:
            raise ArmError(
                400,
                "InUseNetworkSecurityGroupCannotBeDeleted",
                f"Network security group {resource.id} cannot be deleted because it is in use by the following "
                f"resources: {', '.join(users)}. In order to delete the Network security group, remove the association "
                "with the resource(s). To learn how to do this, see aka.ms/deletensg.",
                details=(),
            )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        kind = plane.kind(DEFAULT_RULES)
        assert kind is not None
        shown["defaultSecurityRules"] = [
            kind.render(plane, rule, look)
            for rule in kind.members(plane, resource.path.children("defaultSecurityRules"))
        ]
        for name, type_name in (("subnets", SUBNETS), ("networkInterfaces", INTERFACES), ("flowLogs", FLOW_LOGS)):
            users = _users(plane, resource, type_name)
            if users:
                shown[name] = [{"id": user.id} for user in users]
        return shown


class SecurityRules(ResourceKind):
    """Rules of a group: resources of their own, and part of the group's body."""

    type = RULES
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(2)
    updated = updated(2)
    deleted = deleted(2)
    properties = Object(
        check=_check_rule,
        properties={
            "description": Text(longest=140),
            "protocol": Choice(required=True, values=("Tcp", "Udp", "Icmp", "Esp", "Ah", "*")),
            "sourcePortRange": Text(),
            "destinationPortRange": Text(),
            "sourcePortRanges": Items(of=Text(), default=[]),
            "destinationPortRanges": Items(of=Text(), default=[]),
            "sourceAddressPrefix": Text(),
            "destinationAddressPrefix": Text(),
            "sourceAddressPrefixes": Items(of=Text(), default=[]),
            "destinationAddressPrefixes": Items(of=Text(), default=[]),
            "sourceApplicationSecurityGroups": Items(of=Link(type=APPLICATION_SECURITY_GROUPS)),
            "destinationApplicationSecurityGroups": Items(of=Link(type=APPLICATION_SECURITY_GROUPS)),
            "access": Choice(required=True, values=("Allow", "Deny")),
            "priority": Number(required=True),
            "direction": Choice(required=True, values=("Inbound", "Outbound")),
            "provisioningState": Anything(read_only=True),
        },
    )

    def prepare(self, write: Write) -> None:
        rule, name = write.properties, write.path.name
        if not 100 <= rule["priority"] <= 4096:
            raise ArmError(
                400,
                "SecurityRuleInvalidPriority",
                f"Security rule {name} has invalid Priority. Value provided: {rule['priority']}. Value should be "
                "between 100 and 4096.",
                details=(),
            )
        for key, other in write.siblings().items():
            if (other["priority"], other["direction"]) == (rule["priority"], rule["direction"]):
                raise ArmError(
                    400,
                    "SecurityRuleConflict",
                    f"Security rule {name} conflicts with rule {key.rpartition('/')[2]}. Rules cannot have the same "
                    "Priority and Direction.",
                    details=(),
                )
        for groups in GROUPS:
            for group in rule.get(groups, ()):
                referenced(write.plane, write.path, id_of(group))


class DefaultSecurityRules(ResourceKind):
    """The six rules that every group has, at its end."""

    type = DEFAULT_RULES
    api_versions = NETWORK_VERSIONS
    methods = frozenset({"GET"})
    properties = SecurityRules.properties

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        for rule in self.members(plane, path.collection):
            if rule.path.key == path.key:
                return rule
        return None

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        group = plane.store.find(path.parent) if path.parent is not None else None
        if group is None:
            return []
        return [
            Resource(
                path=group.path.child("defaultSecurityRules", name),
                kind=self,
                body={"properties": properties},
                created_at=group.created_at,
                changed_at=group.changed_at,
                etag=group.etag,
                operation=group.operation,
            )
            for name, properties in _DEFAULTS.items()
        ]


class ApplicationSecurityGroups(ResourceKind):
    """Application security groups: names for sets of interfaces."""

    type = APPLICATION_SECURITY_GROUPS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(2)
    updated = updated(2)
    deleted = deleted(2)
    patch = Patch.TAGS
    tracked = True
    properties = Object(
        properties={"resourceGuid": Anything(read_only=True), "provisioningState": Anything(read_only=True)}
    )

    def prepare(self, write: Write) -> None:
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        users = _users(plane, resource, INTERFACES, RULES)
        if users:
            raise ArmError(
                400,
                "InUseApplicationSecurityGroupCannotBeDeleted",
                f"Application security group {resource.id} cannot be deleted because it is in use by the following "
                f"resources: {', '.join(user.id for user in users)}.",
                details=(),
            )


def _users(plane: ControlPlane, resource: Resource, *types: str) -> list[Resource]:
    return [user for type_name in types for user in plane.store.referrers(resource.path, type_name)]


def _default(description: str, priority: int, direction: str, access: str, source: str, target: str) -> dict[str, Any]:
    return {
        "description": description,
        "protocol": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "*",
        "sourceAddressPrefix": source,
        "destinationAddressPrefix": target,
        "access": access,
        "priority": priority,
        "direction": direction,
        "sourcePortRanges": [],
        "destinationPortRanges": [],
        "sourceAddressPrefixes": [],
        "destinationAddressPrefixes": [],
    }


_DEFAULTS = {
    "AllowVnetInBound": _default(
        "Allow inbound traffic from all VMs in VNET", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"
    ),
    "AllowAzureLoadBalancerInBound": _default(
        "Allow inbound traffic from azure load balancer", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*"
    ),
    "DenyAllInBound": _default("Deny all inbound traffic", 65500, "Inbound", "Deny", "*", "*"),
    "AllowVnetOutBound": _default(
        "Allow outbound traffic from all VMs to all VMs in VNET", 65000, "Outbound", "Allow", "VirtualNetwork",
        "VirtualNetwork",
    ),
    "AllowInternetOutBound": _default(
        "Allow outbound traffic from all VMs to Internet", 65001, "Outbound", "Allow", "*", "Internet"
    ),
    "DenyAllOutBound": _default("Deny all outbound traffic", 65500, "Outbound", "Deny", "*", "*"),
}  # fmt: skip


# -- which traffic a group lets pass ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The first packet of a connection; its answers need no rule of their own.

    :param inbound: towards the interface or subnet that the group guards, or away from it
    :param protocol: ``Tcp``, ``Udp``, ``Icmp``, ``Esp`` or ``Ah``
    :param source: address
    :param destination: address
    :param source_port: 0 where the protocol has none
    :param destination_port: 0 where the protocol has none
    """

    inbound: bool
    protocol: str
    source: str
    destination: str
    source_port: int = 0
    destination_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a group does with a flow.

    :param allowed: whether it passes
    :param rule: the rule that decided, such as ``securityRules/ssh`` or ``defaultSecurityRules/DenyAllInBound``
    """

    allowed: bool
    rule: str


def rules_of(plane: ControlPlane, group: Resource | None, direction: str) -> list[tuple[str, dict[str, Any]]]:
    """:return: name and properties of a group's rules for a direction, the default ones too, in the order they count;
    without a group the default ones alone"""
    rules = plane.store.children(group.path, RULES) if group is not None else []
    own = [(f"securityRules/{rule.path.name}", rule.properties) for rule in rules]
    every = [*own, *((f"defaultSecurityRules/{name}", rule) for name, rule in _DEFAULTS.items())]
    return sorted((rule for rule in every if rule[1]["direction"] == direction), key=lambda rule: rule[1]["priority"])


def decide(plane: ControlPlane, group: Resource | None, flow: Flow, tags: Mapping[str, Iterable[str]]) -> Decision:
    """Find the rule that decides on a flow: the first that matches.

    :param group: the security group; None: one without rules of its own
    :param tags: prefixes that service tags stand for, by name in lower case: ``virtualnetwork`` is the space of the
        guarded network and its peers; ``azureloadbalancer`` and ``internet`` need not be told
    """
    for name, rule in rules_of(plane, group, "Inbound" if flow.inbound else "Outbound"):
        if _matches(plane, rule, flow, tags):
            return Decision(allowed=rule["access"] == "Allow", rule=name)
    raise AssertionError("the default rules match everything")


def read_ports(text: str) -> tuple[int, int] | None:
    """:return: first and last port of a range, such as ``80``, ``1024-65535`` or ``*``; None: it is none"""
    if text == "*":
        return 0, LAST_PORT
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return (first, last) if first <= last <= LAST_PORT else None


def _is_address(value: str) -> bool:
    if value == "*" or SERVICE_TAG.fullmatch(value):
        return True
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _matches(plane: ControlPlane, rule: Mapping[str, Any], flow: Flow, tags: Mapping[str, Iterable[str]]) -> bool:
    if rule["protocol"] not in {"*", flow.protocol}:
        return False
    addresses, ports = (flow.source, flow.destination), (flow.source_port, flow.destination_port)
    if flow.protocol in {"Tcp", "Udp"}:
        for name, port in zip(PORTS, ports, strict=True):
            if not any(_in_range(text, port) for text in [rule.get(name), *rule.get(f"{name}s", ())]):
                return False
    for name, groups, address in zip(ADDRESSES, GROUPS, addresses, strict=True):
        values = [rule.get(name), *rule.get(f"{name}es", ())]
        inside = any(_in_prefix(value, address, tags) for value in values if value)
        if not inside and not any(_in_group(plane, id_of(group), address) for group in rule.get(groups, ())):
            return False
    return True


def _in_range(text: str | None, port: int) -> bool:
    ports = read_ports(text) if text else None
    return ports is not None and ports[0] <= port <= ports[1]


def _in_prefix(value: str, address: str, tags: Mapping[str, Iterable[str]]) -> bool:
    if value == "*":
        return True
    tag = value.casefold()
    if tag == "azureloadbalancer":
        return address == PLATFORM_ADDRESS
    if tag == "internet":
        return not any(_within(prefix, address) for prefix in (*NOT_INTERNET, *tags.get("virtualnetwork", ())))
    if SERVICE_TAG.fullmatch(value):
        return any(_within(prefix, address) for prefix in tags.get(tag, ()))
    return _within(value, address)


def _within(prefix: str, address: str) -> bool:
    network, parsed = ipaddress.ip_network(prefix, strict=False), ipaddress.ip_address(address)
    return network.version == parsed.version and parsed in network


def _in_group(plane: ControlPlane, group: str, address: str) -> bool:
    """Whether an address belongs to an interface in an application security group."""
    for interface in plane.store.referrers(group, INTERFACES):
        for configuration in interface.properties.get("ipConfigurations", ()):
            properties = configuration["properties"]
            members = [id_of(member).casefold() for member in properties.get("applicationSecurityGroups", ())]
            if group.casefold() in members and properties.get("privateIPAddress") == address:
                return True
    return False


KINDS = (SecurityGroups(), SecurityRules(), DefaultSecurityRules(), ApplicationSecurityGroups())
