"""What VPN gateways and their connections tell for a diagnosis: packet captures, IKE security associations, scripts.

Recorded: captures are accepted with both headers, ``getikesas`` with ``Location`` alone, the script comes at once. The
lab's tunnels carry no packets that a capture could hold: it is started and stopped, and writes nothing anywhere.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.operations import Answer, Follow, Shown
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Items, Object, Refusals, Text, read_body
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.network_versions import accepted

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

START = Object(properties={"filterData": Text(), "linkConnectionNames": Items(of=Text())})
STOP = Object(properties={"sasUrl": Text(secret=True), "linkConnectionNames": Items(of=Text())})
SCRIPT = Object(properties={name: Text(required=True) for name in ("vendor", "deviceFamily", "firmwareVersion")})

ANSWERED_LATER = Answer(status=202, follow=Follow.LOCATION, shown=Shown.NOTHING, duration_s=5)

SUCCESSFUL = json.dumps({"Status": "Successful", "Data": None}, separators=(",", ":"))
"""The text that these operations end with (Azure's examples): JSON in a string."""


def start_packet_capture(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """Answer ``startPacketCapture``."""
    read_body(START, request.json_object(), Refusals())
    return act(plane, request, resource, accepted(5), lambda: SUCCESSFUL)


def stop_packet_capture(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """Answer ``stopPacketCapture``."""
    read_body(STOP, request.json_object(), Refusals())
    return act(plane, request, resource, accepted(5), lambda: SUCCESSFUL)


PACKET_CAPTURES = {"startpacketcapture": start_packet_capture, "stoppacketcapture": stop_packet_capture}


def security_associations(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """Answer ``getikesas``: there are none, as no IKE runs."""
    return act(plane, request, resource, ANSWERED_LATER, lambda: SUCCESSFUL)


def device_script(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    """Answer ``vpndeviceconfigurationscript``: what a device outside Azure would be told, without the shared key."""
    given = read_body(SCRIPT, request.json_object(), Refusals())
    lines: list[Any] = [
        f"! {given['vendor']} {given['deviceFamily']} {given['firmwareVersion']}",
        f"! connection: {resource.path.name}",
        f"! type: {resource.properties['connectionType']}",
        f"! protocol: {resource.properties.get('connectionProtocol', '')}",
    ]
    return ArmResponse(200, "\n".join(lines))
