"""Connection monitors of Network Watcher, of one pair of ends (version 1) or of many (version 2).

Answers as recorded; shapes as in Azure's OpenAPI; Microsoft Learn, "Connection monitor". What a query tells is the way
from source to destination as the lab's routes and rules have it now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import timestamp
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Object,
    Reference,
    Refusals,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.network_paths import interface_of
from airflow_provider_netconn.lab.resources.network_references import NETWORK_WATCHERS, referenced
from airflow_provider_netconn.lab.resources.network_security_groups import LAST_PORT
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.network_watchers import CONNECTIVITY, connectivity, way

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

PORT = Number(lowest=0, highest=LAST_PORT)

ENDPOINT = Object(
    properties={
        "name": Text(required=True, shortest=1),
        "type": Choice(
            values=(
                "AzureVM",
                "AzureVNet",
                "AzureSubnet",
                "ExternalAddress",
                "MMAWorkspaceMachine",
                "MMAWorkspaceNetwork",
                "AzureArcVM",
                "AzureVMSS",
                "AzureArcNetwork",
            )
        ),
        "resourceId": Reference(),
        "address": Text(),
        "filter": Object(
            properties={
                "type": Choice(values=("Include",), default="Include"),
                "items": Items(of=Object(properties={"type": Choice(values=("AgentAddress",)), "address": Text()})),
            }
        ),
        "scope": Object(
            properties={name: Items(of=Object(properties={"address": Text()})) for name in ("include", "exclude")}
        ),
        "coverageLevel": Choice(values=("Default", "Low", "BelowAverage", "Average", "AboveAverage", "Full")),
        "locationDetails": Object(properties={"region": Text()}),
        "subscriptionId": Text(),
    }
)

TEST = Object(
    properties={
        "name": Text(required=True, shortest=1),
        "testFrequencySec": Number(lowest=30, highest=1800, default=60),
        "protocol": Choice(values=("Tcp", "Http", "Icmp"), required=True),
        "preferredIPVersion": Choice(values=("IPv4", "IPv6")),
        "httpConfiguration": Object(
            properties={
                "port": PORT,
                "method": Choice(values=("Get", "Post"), default="Get"),
                "path": Text(),
                "requestHeaders": Items(of=Object(properties={"name": Text(), "value": Text()})),
                "validStatusCodeRanges": Items(of=Text()),
                "preferHTTPS": Flag(),
            }
        ),
        "tcpConfiguration": Object(
            properties={
                "port": PORT,
                "disableTraceRoute": Flag(default=False),
                "destinationPortBehavior": Choice(values=("None", "ListenIfAvailable")),
            }
        ),
        "icmpConfiguration": Object(properties={"disableTraceRoute": Flag(default=False)}),
        "successThreshold": Object(
            properties={"checksFailedPercent": Number(lowest=0, highest=100), "roundTripTimeMs": Number(whole=False)}
        ),
    }
)

NAMES = Items(of=Text(), required=True, fewest=1)

GROUP = Object(
    properties={
        "name": Text(required=True, shortest=1),
        "disable": Flag(default=False),
        "testConfigurations": NAMES,
        "sources": NAMES,
        "destinations": NAMES,
    }
)

STOPPED_AT, STARTED_AT = "_stoppedAt", "startTime"


def _start(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    resource.facts.pop(STOPPED_AT, None)
    resource.facts[STARTED_AT] = timestamp(plane.clock.now())
    return act(plane, request, resource, accepted(5), lambda: None)


def _stop(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    resource.facts[STOPPED_AT] = plane.clock.now()
    return act(plane, request, resource, accepted(5), lambda: None)


def _query(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """The state of a monitor of one pair of ends; those of more are told by Azure Monitor, which the lab has not."""
    if "source" not in resource.properties:
        raise ArmError(
            400,
            "ConnectionMonitorQueryNotSupported",
            f"Connection monitor {resource.id} has several endpoints: only one of version 1 can be queried.",
            details=(),
        )
    return act(plane, request, resource, accepted(5), lambda: _states(plane, resource))


def _states(plane: ControlPlane, monitor: Resource) -> dict[str, Any]:
    assert monitor.path.parent is not None
    watcher = plane.store.find(monitor.path.parent)
    assert watcher is not None
    ends = {name: monitor.properties[name] for name in ("source", "destination")}
    given = read_body(CONNECTIVITY, ends, Refusals())
    start = referenced(plane, monitor.path, given["source"]["resourceId"])
    seen = connectivity(way(plane, watcher, start, interface_of(plane, monitor.path, start.id), given))
    state = {name: value for name, value in seen.items() if name != "connectionStatus"}
    running = STOPPED_AT not in monitor.facts
    return {
        "sourceStatus": "Active" if running else "Inactive",
        "states": [
            {
                "connectionState": seen["connectionStatus"],
                "startTime": monitor.facts[STARTED_AT],
                "endTime": timestamp(monitor.facts.get(STOPPED_AT, plane.clock.now())),
                "evaluationState": "InProgress" if running else "Completed",
                **state,
            }
        ],
    }


class ConnectionMonitors(ResourceKind):
    """Connection monitors. They run from the start unless told otherwise."""

    type = f"{NETWORK_WATCHERS}/connectionMonitors"
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    updated = updated(5)
    deleted = deleted(5)
    patch = Patch.TAGS
    tracked = True
    actions: ClassVar = {"start": _start, "stop": _stop, "query": _query}
    properties = Object(
        properties={
            "source": Object(properties={"resourceId": Reference(required=True), "port": PORT}),
            "destination": Object(properties={"resourceId": Reference(), "address": Text(), "port": PORT}),
            "autoStart": Flag(default=True),
            "monitoringIntervalInSeconds": Number(lowest=30, highest=1800, default=60),
            "endpoints": Items(of=ENDPOINT),
            "testConfigurations": Items(of=TEST),
            "testGroups": Items(of=GROUP),
            "outputs": Items(
                of=Object(
                    properties={
                        "type": Choice(values=("Workspace",), default="Workspace"),
                        "workspaceSettings": Object(properties={"workspaceResourceId": Text()}),
                    }
                )
            ),
            "notes": Text(),
            **{
                name: Anything(read_only=True)
                for name in ("provisioningState", "startTime", "monitoringStatus", "connectionMonitorType")
            },
        }
    )

    def prepare(self, write: Write) -> None:
        properties = write.properties
        if "source" in properties:
            if not {"resourceId", "address"} & set(properties.get("destination") or ()):
                raise _refusal(write, "needs a destination with a resourceId or an address")
            referenced(write.plane, write.path, properties["source"]["resourceId"])
        elif not properties.get("testGroups"):
            raise _refusal(write, "needs a source, or test groups")
        for group in properties.get("testGroups", ()):
            for names, holder in (
                ("testConfigurations", "testConfigurations"),
                ("sources", "endpoints"),
                ("destinations", "endpoints"),
            ):
                known = {one["name"] for one in properties.get(holder, ())}
                for name in group[names]:
                    if name not in known:
                        raise _refusal(write, f"has no {name} among its {holder}, which group {group['name']} names")
        write.facts.setdefault(STARTED_AT, timestamp(write.plane.clock.now()))
        if not properties["autoStart"]:
            write.facts.setdefault(STOPPED_AT, write.plane.clock.now())

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        stopped = shown.pop(STOPPED_AT, None) is not None
        shown["monitoringStatus"] = "Stopped" if stopped else "Running"
        shown["connectionMonitorType"] = "SingleSourceDestination" if "source" in shown else "MultiEndpoint"
        return shown


def _refusal(write: Write, what: str) -> ArmError:
    return ArmError(400, "InvalidConnectionMonitor", f"Connection monitor {write.path.text} {what}.", details=())


KINDS = (ConnectionMonitors(),)
