"""Flow logs of Network Watcher: as resources, and by ``configureFlowLog`` as they were made before.

Answers as recorded; shapes as in Azure's OpenAPI; Microsoft Learn, "Flow logging for network security groups" and
"Virtual network flow logs". The lab writes no logs: what is here is their configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import same
from airflow_provider_netconn.lab.arm.kinds import Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Flag,
    Number,
    Object,
    Reference,
    Refusals,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.network_references import (
    FLOW_LOGS,
    INTERFACES,
    SECURITY_GROUPS,
    SUBNETS,
    VIRTUAL_NETWORKS,
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

TARGETS = tuple(name.casefold() for name in (SECURITY_GROUPS, VIRTUAL_NETWORKS, SUBNETS, INTERFACES))

ANSWERED_LATER = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, duration_s=5)

ANALYTICS = Object(
    properties={
        "networkWatcherFlowAnalyticsConfiguration": Object(
            default={},
            properties={
                "enabled": Flag(default=False),
                "workspaceId": Text(),
                "workspaceRegion": Text(),
                "workspaceResourceId": Text(),
                "trafficAnalyticsInterval": Number(lowest=10, highest=60, default=60),
            },
        )
    }
)

SETTINGS = {
    "enabledFilteringCriteria": Text(),
    "retentionPolicy": Object(
        default={}, properties={"days": Number(lowest=0, highest=365, default=0), "enabled": Flag(default=False)}
    ),
    "format": Object(
        default={},
        properties={
            "type": Choice(values=("JSON",), default="JSON"),
            "version": Number(lowest=1, highest=2, default=1),
        },
    ),
}

CONFIGURATION = Object(
    properties={
        "targetResourceId": Reference(required=True),
        "properties": Object(
            required=True,
            properties={"storageId": Reference(required=True), "enabled": Flag(required=True), **SETTINGS},
        ),
        "flowAnalyticsConfiguration": ANALYTICS,
        "identity": Anything(),
    }
)

QUESTION = Object(properties={"targetResourceId": Reference(required=True)})


def check_target(plane: ControlPlane, watcher: Resource, target_id: str) -> Resource:
    """Find what is to be logged.

    :raises ArmError: 400, it is not there, elsewhere, or nothing whose flows are logged
    """
    target = referenced(plane, watcher.path, target_id, watcher.region)
    if target.kind.type.casefold() not in TARGETS:
        raise ArmError(
            400,
            "InvalidFlowLogTarget",
            f"Flows of {target.id} cannot be logged: a target is a security group, a network, a subnet or an "
            "interface.",
            details=(),
        )
    return target


class FlowLogs(ResourceKind):
    """Flow logs. One to a target."""

    type = FLOW_LOGS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    updated = updated(5)
    deleted = deleted(5)
    patch = Patch.TAGS
    tracked = True
    envelope: ClassVar = {"identity": Anything()}
    properties = Object(
        properties={
            "targetResourceId": Reference(required=True),
            "storageId": Reference(required=True),
            "enabled": Flag(default=False),
            **SETTINGS,
            "flowAnalyticsConfiguration": ANALYTICS,
            "targetResourceGuid": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        watcher = write.parent
        assert watcher is not None
        target = check_target(write.plane, watcher, write.properties["targetResourceId"])
        referenced(write.plane, write.path, write.properties["storageId"])
        for key, other in write.siblings().items():
            if same(other["targetResourceId"], target.id):
                raise ArmError(
                    400,
                    "FlowLogAlreadyExistsForTarget",
                    f"Flows of {target.id} are logged already by {key}.",
                    details=(),
                )
        write.facts["targetResourceGuid"] = target.facts.get("resourceGuid", "")


def configure(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    """Answer ``configureFlowLog``: the target's flow log is changed, or made under a name of its own."""
    given = read_body(CONFIGURATION, request.json_object(), Refusals())
    target = check_target(plane, watcher, given["targetResourceId"])
    referenced(plane, watcher.path, given["properties"]["storageId"])
    properties = {"targetResourceId": target.id, **given["properties"]}
    if "flowAnalyticsConfiguration" in given:
        properties["flowAnalyticsConfiguration"] = given["flowAnalyticsConfiguration"]
    log = _log_of(plane, watcher, target.id)
    now = plane.clock.now()
    if log is None:
        kind = plane.kind(FLOW_LOGS)
        assert kind is not None
        log = Resource(
            path=watcher.path.child("flowLogs", f"Microsoft.Network{target.path.group}{target.path.name}"),
            kind=kind,
            body={"location": watcher.region, "properties": properties},
            facts={"targetResourceGuid": target.facts.get("resourceGuid", "")},
            created_at=now,
            changed_at=now,
        )
        plane.store.add(log)
    else:
        log.body = {**log.body, "properties": properties}
        plane.store.changed(log)
        log.touch(now)
    return act(plane, request, watcher, ANSWERED_LATER, lambda: _configuration(target.id, log))


def query(plane: ControlPlane, request: ArmRequest, watcher: Resource) -> ArmResponse:
    """Answer ``queryFlowLogStatus``; recorded: at once."""
    given = read_body(QUESTION, request.json_object(), Refusals())
    target = check_target(plane, watcher, given["targetResourceId"])
    return ArmResponse(200, _configuration(target.id, _log_of(plane, watcher, target.id)))


def _log_of(plane: ControlPlane, watcher: Resource, target_id: str) -> Resource | None:
    for log in plane.store.children(watcher.path, FLOW_LOGS):
        if same(log.properties["targetResourceId"], target_id):
            return log
    return None


def _configuration(target_id: str, log: Resource | None) -> dict[str, Any]:
    """A flow log as ``FlowLogInformation``; one that nobody configured is off."""
    if log is None:
        off = read_body(Object(properties=SETTINGS), {}, Refusals())
        return {"targetResourceId": target_id, "properties": {"storageId": "", "enabled": False, **off}}
    shown = {name: value for name, value in log.properties.items() if name in {"storageId", "enabled", *SETTINGS}}
    answer: dict[str, Any] = {"targetResourceId": target_id, "properties": shown}
    if "flowAnalyticsConfiguration" in log.properties:
        answer["flowAnalyticsConfiguration"] = log.properties["flowAnalyticsConfiguration"]
    return answer


ACTIONS = {"configureflowlog": configure, "queryflowlogstatus": query}

KINDS = (FlowLogs(),)
