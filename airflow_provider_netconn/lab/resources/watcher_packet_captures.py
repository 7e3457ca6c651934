"""Packet captures of Network Watcher, on a virtual machine.

Answers as recorded; Microsoft Learn, "Packet capture" (limits: five hours, 1 GB by default). The lab's machines send
no packets: a capture runs, ends by its time limit or by ``stop``, and writes nothing anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
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
    Text,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.network_references import NETWORK_WATCHERS, referenced
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

LONGEST_CAPTURE_S = 18_000
LARGEST_CAPTURE = 1_073_741_824
"""Bytes of a session, by default."""

STOPPED_AT = "_stoppedAt"


def _stop(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    resource.facts.setdefault(STOPPED_AT, plane.clock.now())
    return act(plane, request, resource, accepted(5), lambda: None)


def _status(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """Recorded: at once."""
    status, reason = "Running", None
    if STOPPED_AT in resource.facts:
        status, reason = "Stopped", "Manual"
    elif plane.clock.now() >= resource.created_at + resource.properties["timeLimitInSeconds"]:
        status, reason = "Stopped", "TimeExceeded"
    shown: dict[str, Any] = {
        "name": resource.path.name,
        "id": resource.id,
        "captureStartTime": timestamp(resource.created_at),
        "packetCaptureStatus": "NotStarted" if resource.is_busy else status,
        "packetCaptureError": [],
    }
    return ArmResponse(200, shown if reason is None else {**shown, "stopReason": reason})


class WatcherPacketCaptures(ResourceKind):
    """Packet captures. What one is told cannot be changed: a new one is made."""

    type = f"{NETWORK_WATCHERS}/packetCaptures"
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    deleted = deleted(5)
    actions: ClassVar = {"stop": _stop, "querystatus": _status}
    properties = Object(
        properties={
            "target": Reference(required=True),
            "targetType": Choice(values=("AzureVM", "AzureVMSS")),
            "scope": Object(properties={"include": Items(of=Text()), "exclude": Items(of=Text())}),
            "bytesToCapturePerPacket": Number(lowest=0, highest=4294967295, default=0),
            "totalBytesPerSession": Number(lowest=0, highest=4294967295, default=LARGEST_CAPTURE),
            "timeLimitInSeconds": Number(lowest=0, highest=LONGEST_CAPTURE_S, default=LONGEST_CAPTURE_S),
            "storageLocation": Object(
                required=True,
                properties={"storageId": Reference(), "storagePath": Text(), "filePath": Text(), "localPath": Text()},
            ),
            "filters": Items(
                default=[],
                of=Object(
                    properties={
                        "protocol": Choice(values=("TCP", "UDP", "Any"), default="Any"),
                        **{name: Text() for name in ("localIPAddress", "remoteIPAddress", "localPort", "remotePort")},
                    }
                ),
            ),
            "continuousCapture": Flag(),
            "captureSettings": Object(
                properties={
                    "fileCount": Number(lowest=0, highest=10_000),
                    "fileSizeInBytes": Number(lowest=0, highest=4294967295),
                    "sessionTimeLimitInSeconds": Number(lowest=0, highest=604_800),
                }
            ),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        if write.existing is not None:
            raise ArmError(
                400,
                "PacketCaptureAlreadyExists",
                f"Packet capture {write.path.text} exists already and cannot be changed.",
                details=(),
            )
        referenced(write.plane, write.path, write.properties["target"])
        place = write.properties["storageLocation"]
        if not place:
            raise ArmError(
                400,
                "PacketCaptureStorageLocationMissing",
                f"Packet capture {write.path.text} needs a storageId, a filePath, or both.",
                details=(),
            )
        if "storageId" in place:
            storage = referenced(write.plane, write.path, place["storageId"])
            host = f"https://{storage.path.name}.blob.core.windows.net"
            folder = f"/subscriptions/{write.path.subscription}/{write.path.name}".lower()
            place.setdefault("storagePath", f"{host}/network-watcher-logs{folder}.cap")

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown.pop(STOPPED_AT, None)
        return shown


KINDS = (WatcherPacketCaptures(),)
