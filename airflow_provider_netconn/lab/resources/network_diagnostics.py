"""What Network Watcher tells of a landscape: its topology, a machine's security rules, and what they let pass.

Recorded: the topology comes at once, yet with both headers of an operation; the others are answered 202 with
``Location`` alone. Shapes as in Azure's OpenAPI; Microsoft Learn, "Topology", "Effective security rules" and "NSG
diagnostics" (Network Watcher).
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown, timestamp
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Choice, Items, Object, Reference, Refusals, Text, read_body
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources import network_paths as paths
from airflow_provider_netconn.lab.resources.network_interfaces import (
    decide_flow,
    effective_groups,
    network_of,
    subnet_of_interface,
    virtual_network_tag,
)
from airflow_provider_netconn.lab.resources.network_references import (
    INTERFACES,
    PUBLIC_ADDRESSES,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VIRTUAL_NETWORKS,
    Link,
    id_of,
    referenced,
)
from airflow_provider_netconn.lab.resources.network_security_groups import Flow, decide, read_ports

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

AT_ONCE = Answer(status=200, follow=Follow.BOTH)
ANSWERED_LATER = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, duration_s=5)

TOPOLOGY = Object(
    properties={
        "targetResourceGroupName": Text(),
        "targetVirtualNetwork": Link(type=VIRTUAL_NETWORKS),
        "targetSubnet": Link(type=SUBNETS),
    }
)

MACHINE = Object(properties={"targetResourceId": Reference(required=True)})

PROFILES = Object(
    properties={
        "targetResourceId": Reference(required=True),
        "verbosityLevel": Choice(values=("Normal", "Minimum", "Full"), default="Normal"),
        "profiles": Items(
            required=True,
            fewest=1,
            of=Object(
                properties={
                    "direction": Choice(values=("Inbound", "Outbound"), required=True),
                    **{
                        name: Text(required=True, shortest=1)
                        for name in ("protocol", "source", "destination", "destinationPort")
                    },
                }
            ),
        ),
    }
)

ASSOCIATED = frozenset(name.casefold() for name in (SECURITY_GROUPS, ROUTE_TABLES, PUBLIC_ADDRESSES))


# -- topology --------------------------------------------------------------------------------------


def _topology(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(TOPOLOGY, request.json_object(), Refusals())
    members = list(_members(plane, watcher, given))
    now = timestamp(plane.clock.now())
    body = {
        "id": str(uuid.uuid4()),
        "createdDateTime": now,
        "lastModified": now,
        "resources": [_shown(plane, resource, members) for resource in members],
    }
    answer = act(plane, request, watcher, AT_ONCE, lambda: body)
    answer.body = body
    return answer


def _members(plane: ControlPlane, watcher: Resource, given: dict[str, Any]) -> Iterator[Resource]:
    """What a topology is of: the networks of a group, one network or one subnet, and what hangs on them."""
    networks: Iterable[Resource]
    if "targetSubnet" in given:
        subnet = referenced(plane, watcher.path, id_of(given["targetSubnet"]))
        yield from _of_subnet(plane, subnet)
        return
    if "targetVirtualNetwork" in given:
        networks = [referenced(plane, watcher.path, id_of(given["targetVirtualNetwork"]))]
    elif "targetResourceGroupName" in given:
        group = f"/subscriptions/{watcher.path.subscription}/resourceGroups/{given['targetResourceGroupName']}"
        networks = [
            network for network in plane.store.children(group, VIRTUAL_NETWORKS) if network.region == watcher.region
        ]
    else:
        raise ArmError(
            400,
            "TopologyTargetMissing",
            "A topology is of a targetResourceGroupName, a targetVirtualNetwork or a targetSubnet.",
            details=(),
        )
    seen: dict[str, Resource] = {}
    for network in networks:
        seen[network.path.key] = network
        for subnet in plane.store.children(network.path, SUBNETS):
            seen |= {one.path.key: one for one in _of_subnet(plane, subnet)}
    yield from seen.values()


def _of_subnet(plane: ControlPlane, subnet: Resource) -> Iterator[Resource]:
    yield subnet
    yield from _associated_with(plane, subnet)
    for interface in plane.store.referrers(subnet.path, INTERFACES):
        yield interface
        yield from _associated_with(plane, interface)


def _associated_with(plane: ControlPlane, resource: Resource) -> Iterator[Resource]:
    """Security group, route table and public addresses of a subnet or an interface."""
    items = resource.properties.get("ipConfigurations", ()) if resource.kind.type == INTERFACES else ()
    for one in (
        *(id_of(resource.properties.get(name)) for name in ("networkSecurityGroup", "routeTable")),
        *(id_of(item["properties"].get("publicIPAddress")) for item in items),
    ):
        other = plane.store.find(one) if one else None
        if other is not None and other.kind.type.casefold() in ASSOCIATED:
            yield other


def _shown(plane: ControlPlane, resource: Resource, members: list[Resource]) -> dict[str, Any]:
    inside = {member.path.key for member in members}
    contained: list[Resource] = []
    if resource.kind.type == VIRTUAL_NETWORKS:
        contained = plane.store.children(resource.path, SUBNETS)
    elif resource.kind.type == SUBNETS:
        contained = plane.store.referrers(resource.path, INTERFACES)
    pairs = [("Contains", one) for one in contained]
    pairs += [("Associated", one) for one in _associated_with(plane, resource)]
    above = plane.store.find(resource.path.parent) if resource.path.parent is not None else None
    return {
        "name": resource.path.name,
        "id": resource.id,
        "location": resource.region or (above.region if above is not None else ""),
        "associations": [
            {"name": one.path.name, "resourceId": one.id, "associationType": how}
            for how, one in pairs
            if one.path.key in inside
        ],
    }


# -- security rules --------------------------------------------------------------------------------


def _security_view(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(MACHINE, request.json_object(), Refusals())
    machine = referenced(plane, watcher.path, given["targetResourceId"])
    look = Look(api_version=request.api_version, query={})

    def result() -> dict[str, Any]:
        return {"networkInterfaces": [_rules_of(plane, one, look) for one in _interfaces_of(plane, machine)]}

    return act(plane, request, watcher, ANSWERED_LATER, result)


def _interfaces_of(plane: ControlPlane, machine: Resource) -> list[Resource]:
    profile = machine.properties.get("networkProfile")
    items = profile.get("networkInterfaces") or [] if isinstance(profile, dict) else []
    found = [plane.find(id_of(item)) for item in items if id_of(item)]
    return [one for one in found if one is not None and one.kind.type == INTERFACES]


def _rules_of(plane: ControlPlane, interface: Resource, look: Look) -> dict[str, Any]:
    subnet = subnet_of_interface(plane, interface)
    associations: dict[str, Any] = {}
    for name, holder in (("networkInterfaceAssociation", interface), ("subnetAssociation", subnet)):
        group = plane.store.find(id_of(holder.properties.get("networkSecurityGroup")))
        if group is not None:
            shown = group.kind.render(plane, group, look)["properties"]
            associations[name] = {"id": holder.id, "securityRules": shown["securityRules"]}
            associations["defaultSecurityRules"] = shown["defaultSecurityRules"]
    effective = [rule for group in effective_groups(plane, interface) for rule in group["effectiveSecurityRules"]]
    return {"id": interface.id, "securityRuleAssociations": {**associations, "effectiveSecurityRules": effective}}


def _diagnose(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(PROFILES, request.json_object(), Refusals())
    interface = paths.interface_of(plane, watcher.path, given["targetResourceId"])
    flows = [_flow_of(profile) for profile in given["profiles"]]

    def result() -> dict[str, Any]:
        return {
            "results": [
                {"profile": profile, "networkSecurityGroupResult": _judged(plane, interface, flow)}
                for profile, flow in zip(given["profiles"], flows, strict=True)
            ]
        }

    return act(plane, request, watcher, ANSWERED_LATER, result)


def _flow_of(profile: dict[str, str]) -> Flow:
    """The flow of a profile; of a prefix its first address, of a range its first port, for ``*`` any.

    :raises ArmError: 400, one of its addresses or its port is none
    """
    ports = read_ports(profile["destinationPort"])
    try:
        source, destination = (_address(profile[end]) for end in ("source", "destination"))
    except ValueError:
        ports = None
    if ports is None:
        raise ArmError(
            400, "InvalidDiagnosticProfile", f"The profile {profile} has no readable address or port.", details=()
        )
    protocol = {"any": "Tcp", "*": "Tcp"}.get(profile["protocol"].casefold(), profile["protocol"].capitalize())
    return Flow(
        inbound=profile["direction"] == "Inbound",
        protocol=protocol,
        source=source,
        destination=destination,
        source_port=0,
        destination_port=ports[0],
    )


def _address(text: str) -> str:
    return "8.8.8.8" if text == "*" else str(ipaddress.ip_network(text, strict=False)[0])


def _judged(plane: ControlPlane, interface: Resource | None, flow: Flow) -> dict[str, Any]:
    """What the security groups of an interface do with a flow, each of them by itself, too."""
    if interface is None:
        allowed = paths.verdict(plane, None, flow).allowed
        return {"securityRuleAccessResult": "Allow" if allowed else "Deny", "evaluatedNetworkSecurityGroups": []}
    tags = {"virtualnetwork": virtual_network_tag(plane, network_of(plane, interface))}
    evaluated = []
    for effective in effective_groups(plane, interface):
        group = plane.store.find(id_of(effective["networkSecurityGroup"]))
        decision = decide(plane, group, flow, tags)
        [holder] = effective["association"].values()
        matched = {"ruleName": decision.rule.rpartition("/")[2], "action": "Allow" if decision.allowed else "Deny"}
        evaluated.append(
            {
                "networkSecurityGroupId": effective["networkSecurityGroup"]["id"],
                "appliedTo": id_of(holder),
                "matchedRule": matched,
                "rulesEvaluationResult": [],
            }
        )
    access = "Allow" if decide_flow(plane, interface, flow).allowed else "Deny"
    return {"securityRuleAccessResult": access, "evaluatedNetworkSecurityGroups": evaluated}


ACTIONS = {
    "topology": _topology,
    "securitygroupview": _security_view,
    "networkconfigurationdiagnostic": _diagnose,
}
