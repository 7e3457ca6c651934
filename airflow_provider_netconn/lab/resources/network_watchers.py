"""Network Watcher: one a region, and what it tells of connections, packets, next hops and VPN gateways.

Recorded: the questions are answered 202 with ``Location`` alone; ``Reachable``, 66 probes and ``VirtualNetwork`` are
words and figures of recorded traffic, though the OpenAPI has others. Microsoft Learn, "Network Watcher" (next hop,
connection troubleshoot, VPN troubleshoot) for the rest.
"""

from __future__ import annotations

import ipaddress
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown, timestamp
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Address,
    Anything,
    Choice,
    Items,
    Number,
    Object,
    Reference,
    Refusals,
    Shape,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources import flow_logs, network_diagnostics
from airflow_provider_netconn.lab.resources import network_paths as paths
from airflow_provider_netconn.lab.resources.name_resolution import look_up
from airflow_provider_netconn.lab.resources.network_interfaces import network_of
from airflow_provider_netconn.lab.resources.network_references import NETWORK_WATCHERS, VNET_GATEWAYS, referenced
from airflow_provider_netconn.lab.resources.network_security_groups import LAST_PORT, Flow
from airflow_provider_netconn.lab.resources.network_versions import NETWORK_POLLING, NETWORK_VERSIONS, deleted
from airflow_provider_netconn.lab.resources.vpn_connections import connection_status
from airflow_provider_netconn.lab.resources.vpn_gateways import CONNECTIONS, connections_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

ANSWERED_LATER = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, duration_s=5)

PROBES = 66
"""Sent by a connectivity check, as recorded."""

FIRST_EPHEMERAL_PORT = 49152
"""From which a connection comes unless the request says another."""

SOME_ADDRESS = "10.0.0.4"
"""Of a machine without an interface: such as the first one in a network has."""

PORTS = {"Http": 80, "Https": 443}

HOP_TYPES = {"VnetLocal": "VirtualNetwork", "VNetPeering": "VirtualNetworkPeering"}
"""What ``nextHop`` calls a route's type, where the effective routes call it otherwise."""

TARGET: dict[str, Shape] = {"targetResourceId": Reference(required=True), "targetNicResourceId": Reference()}


class Port(Text):
    """A port as ``ipFlowVerify`` has it: a number in a string, or ``*``."""

    def read(self, value: Any, path: str) -> str:
        text = super().read(str(value) if isinstance(value, int) else value, path)
        if text != "*":
            Number(lowest=0, highest=LAST_PORT).read(text, path)
        return text


FLOW = Object(
    properties={
        **TARGET,
        "direction": Choice(values=("Inbound", "Outbound"), required=True),
        "protocol": Choice(values=("TCP", "UDP"), required=True),
        "localPort": Port(required=True),
        "remotePort": Port(required=True),
        "localIPAddress": Address(required=True),
        "remoteIPAddress": Address(required=True),
    }
)

HOP = Object(
    properties={
        **TARGET,
        "sourceIPAddress": Address(required=True),
        "destinationIPAddress": Address(required=True),
    }
)

CONNECTIVITY = Object(
    properties={
        "source": Object(
            required=True,
            properties={
                "resourceId": Reference(required=True),
                "port": Number(lowest=0, highest=LAST_PORT, default=FIRST_EPHEMERAL_PORT),
            },
        ),
        "destination": Object(
            required=True,
            properties={
                "resourceId": Reference(),
                "address": Text(shortest=1),
                "port": Number(lowest=0, highest=LAST_PORT),
            },
        ),
        "protocol": Choice(values=("Tcp", "Http", "Https", "Icmp"), default="Tcp"),
        "protocolConfiguration": Object(
            properties={
                "HTTPConfiguration": Object(
                    properties={
                        "method": Choice(values=("Get",)),
                        "headers": Items(of=Object(properties={"name": Text(), "value": Text()})),
                        "validStatusCodes": Items(of=Number(lowest=100, highest=599)),
                    }
                )
            }
        ),
        "preferredIPVersion": Choice(values=("IPv4", "IPv6")),
    }
)

TROUBLESHOOTING = Object(
    properties={
        "targetResourceId": Reference(required=True),
        "properties": Object(
            required=True,
            properties={"storageId": Reference(required=True), "storagePath": Text(required=True, shortest=1)},
        ),
    }
)

TROUBLESHOOTING_RESULT = Object(properties={"targetResourceId": Reference(required=True)})


def _verify_flow(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(FLOW, request.json_object(), Refusals())
    interface = paths.interface_of(plane, watcher.path, given["targetResourceId"], given.get("targetNicResourceId", ""))
    inbound = given["direction"] == "Inbound"
    local, remote = ((given[f"{end}IPAddress"], _number(given[f"{end}Port"])) for end in ("local", "remote"))
    source, destination = (remote, local) if inbound else (local, remote)
    flow = Flow(
        inbound=inbound,
        protocol=given["protocol"].capitalize(),
        source=source[0],
        source_port=source[1],
        destination=destination[0],
        destination_port=destination[1],
    )

    def result() -> dict[str, Any]:
        decision = paths.verdict(plane, interface, flow)
        access = {"access": "Allow" if decision.allowed else "Deny"}
        return {**access, "ruleName": decision.rule} if decision.rule else access

    return act(plane, request, watcher, ANSWERED_LATER, result)


def _number(port: str) -> int:
    return FIRST_EPHEMERAL_PORT if port == "*" else int(port)


def _next_hop(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(HOP, request.json_object(), Refusals())
    interface = paths.interface_of(plane, watcher.path, given["targetResourceId"], given.get("targetNicResourceId", ""))

    def result() -> dict[str, Any]:
        hop = paths.next_hop(plane, interface, given["destinationIPAddress"])
        shown = {"nextHopType": HOP_TYPES.get(hop.type, hop.type), "routeTableId": hop.route_table or "System Route"}
        return {**shown, "nextHopIpAddress": hop.address} if hop.address else shown

    return act(plane, request, watcher, ANSWERED_LATER, result)


def _check_connectivity(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(CONNECTIVITY, request.json_object(), Refusals())
    destination = given["destination"]
    if "resourceId" not in destination and "address" not in destination:
        raise ArmError(
            400,
            "ConnectivityCheckDestinationMissing",
            "The destination of a connectivity check has to have a resourceId or an address.",
            details=(),
        )
    start = referenced(plane, watcher.path, given["source"]["resourceId"])
    interface = paths.interface_of(plane, watcher.path, start.id)
    if "resourceId" in destination:
        referenced(plane, watcher.path, destination["resourceId"])

    def result() -> dict[str, Any]:
        return connectivity(way(plane, watcher, start, interface, given))

    return act(plane, request, watcher, ANSWERED_LATER, result)


def way(
    plane: ControlPlane, watcher: Resource, start: Resource, interface: Resource | None, given: dict[str, Any]
) -> paths.Path:
    """Follow the probes of a connectivity check.

    :param watcher: whose check it is
    :param start: what sends them, such as a virtual machine
    :param interface: by which it does; None: it has none
    :param given: the check, of the shape of :data:`CONNECTIVITY`
    """
    destination, protocol = given["destination"], given["protocol"]
    own = paths.address_of(interface) if interface is not None else ""
    source = paths.Hop(type="Source", address=own, resource_id=(interface or start).id, latency_ms=0)
    if "resourceId" in destination:
        target = paths.interface_of(plane, watcher.path, destination["resourceId"])
        address = paths.address_of(target) if target is not None else ""
        if not address:
            nobody = paths.Hop(type="VirtualNetwork", address="", resource_id=destination["resourceId"])
            return paths.Path(hops=(source, nobody), status=paths.UNKNOWN)
    else:
        host = _host_of(destination["address"])
        found = _addresses(plane, interface, host)
        if found is None:
            return paths.to_the_internet(paths.Path(hops=(source,), status=paths.REACHABLE), host)
        if not found:
            return paths.stopped((source,), paths.Issue(origin="Local", type="DnsResolution"))
        address = found[0]
    flow = Flow(
        inbound=False,
        protocol="Icmp" if protocol == "Icmp" else "Tcp",
        source=own or SOME_ADDRESS,
        source_port=given["source"]["port"],
        destination=address,
        destination_port=0 if protocol == "Icmp" else destination.get("port", PORTS.get(protocol, PORTS["Http"])),
    )
    return paths.trace(plane, start, interface, flow)


def _host_of(address: str) -> str:
    """The host of an address or URI."""
    return address.partition("://")[2].partition("/")[0].partition(":")[0] if "://" in address else address


def _addresses(plane: ControlPlane, interface: Resource | None, host: str) -> list[str] | None:
    """The addresses of a host as a machine sees it; None: public DNS has to tell."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return look_up(plane, network_of(plane, interface).id, host) if interface is not None else None


def connectivity(path: paths.Path) -> dict[str, Any]:
    """:return: a way as ``ConnectivityInformation``"""
    names = [str(uuid.uuid4()) for _ in path.hops]
    hops = [
        {
            "type": hop.type,
            "id": name,
            "address": hop.address,
            "resourceId": hop.resource_id,
            "nextHopIds": names[position + 1 : position + 2],
            "previousHopIds": names[max(0, position - 1) : position],
            "issues": [
                {
                    "origin": issue.origin,
                    "severity": "Error",
                    "type": issue.type,
                    "context": [{"key": key, "value": value} for key, value in issue.context.items()],
                }
                for issue in hop.issues
            ],
        }
        for position, (name, hop) in enumerate(zip(names, path.hops, strict=True))
    ]
    shown = {
        "hops": hops,
        "connectionStatus": path.status,
        "probesSent": PROBES,
        "probesFailed": 0 if path.status == paths.REACHABLE else PROBES,
    }
    if path.status == paths.REACHABLE:
        latency = sum(hop.latency_ms for hop in path.hops)
        shown |= {"avgLatencyInMs": latency, "minLatencyInMs": latency, "maxLatencyInMs": latency + 3}
    return shown


# -- VPN -------------------------------------------------------------------------------------------


def _troubleshoot(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(TROUBLESHOOTING, request.json_object(), Refusals())
    target = referenced(plane, watcher.path, given["targetResourceId"])
    return act(plane, request, watcher, ANSWERED_LATER, lambda: _health(plane, target))


def _troubleshooting_result(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    given = read_body(TROUBLESHOOTING_RESULT, request.json_object(), Refusals())
    return ArmResponse(200, _health(plane, referenced(plane, watcher.path, given["targetResourceId"])))


FAULTS = {
    "NoFault": "No fault was found.",
    "UserDrivenUpdate": "A user's update of the resource is in progress.",
    "NoConnectionsFoundForGateway": "The gateway has no connections.",
    "ConnectionsNotConnected": "None of the gateway's connections is connected.",
    "Authentication": "The shared keys of the two sides differ.",
    "PeerReachability": "The gateway on the other side does not answer.",
}
"""Fault types of VPN troubleshoot that the lab can have, and what it says of them."""


def _health(plane: ControlPlane, target: Resource) -> dict[str, Any]:
    fault = _fault_of(plane, target)
    now = timestamp(plane.clock.now())
    return {
        "startTime": now,
        "endTime": now,
        "code": "Healthy" if fault == "NoFault" else "UnHealthy",
        "results": [{"id": fault, "reasonType": fault, "summary": FAULTS[fault], "detail": FAULTS[fault]}],
    }


def _fault_of(plane: ControlPlane, target: Resource) -> str:
    if target.is_busy:
        return "UserDrivenUpdate"
    if target.kind.type == CONNECTIONS and connection_status(plane, target) == "NotConnected":
        return "Authentication" if target.properties["connectionType"] == "Vnet2Vnet" else "PeerReachability"
    if target.kind.type == VNET_GATEWAYS:
        connections = connections_of(plane, target)
        if not connections:
            return "NoConnectionsFoundForGateway"
        if all(connection_status(plane, one) == "NotConnected" for one in connections):
            return "ConnectionsNotConnected"
    return "NoFault"


class NetworkWatchers(ResourceKind):
    """Network watchers: one to a subscription and region. Azure makes them by itself, here whoever needs one does."""

    type = NETWORK_WATCHERS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = Answer(status=201, follow=Follow.ASYNC_OPERATION, state="Succeeded", duration_s=1)
    updated = Answer(status=200, follow=Follow.ASYNC_OPERATION, state="Succeeded", duration_s=1)
    deleted = deleted(2)
    patch = Patch.TAGS
    tracked = True
    properties = Object(properties={"provisioningState": Anything(read_only=True)})
    actions: ClassVar = {
        "connectivitycheck": _check_connectivity,
        "ipflowverify": _verify_flow,
        "nexthop": _next_hop,
        "troubleshoot": _troubleshoot,
        "querytroubleshootresult": _troubleshooting_result,
        **flow_logs.ACTIONS,
        **network_diagnostics.ACTIONS,
    }

    def prepare(self, write: Write) -> None:
        for other in write.plane.store.of_type(self.type, write.path.subscription):
            if other.region == write.body["location"] and other.path.key != write.path.key:
                raise ArmError(
                    400,
                    "NetworkWatcherCountLimitReached",
                    f"Reached limit of 1 Network Watchers per subscription in region {other.region}. Existing: "
                    f"{other.id}.",
                    details=(),
                )


KINDS = (NetworkWatchers(),)
