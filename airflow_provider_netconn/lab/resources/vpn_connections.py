"""VPN connections of virtual network gateways, and their shared keys.

Recorded: a GET shows ``sharedKey`` in clear; ``connectionStatus`` is Unknown without a live peer; a reset key of length
128 has 128 characters. Microsoft Learn, "About cryptographic requirements and Azure VPN gateways", for IPsec policies.
"""

from __future__ import annotations

import secrets
import string
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import CollectionHandler, Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Follow
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Object,
    Refusals,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.arm.writes import act
from airflow_provider_netconn.lab.resources.gateway_diagnostics import (
    PACKET_CAPTURES,
    device_script,
    security_associations,
)
from airflow_provider_netconn.lab.resources.network_references import VNET_GATEWAYS, Link, id_of, referenced
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.vpn_gateways import CONNECTIONS, LOCAL_GATEWAYS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

ENCRYPTION = ("None", "DES", "DES3", "AES128", "AES192", "AES256", "GCMAES128", "GCMAES192", "GCMAES256")
INTEGRITY = ("MD5", "SHA1", "SHA256", "SHA384", "GCMAES128", "GCMAES192", "GCMAES256")

IPSEC_POLICY = Object(
    properties={
        "saLifeTimeSeconds": Number(required=True, lowest=300, highest=172799),
        "saDataSizeKilobytes": Number(required=True, lowest=0),
        "ipsecEncryption": Choice(values=ENCRYPTION, required=True),
        "ipsecIntegrity": Choice(values=INTEGRITY, required=True),
        "ikeEncryption": Choice(values=ENCRYPTION, required=True),
        "ikeIntegrity": Choice(values=INTEGRITY, required=True),
        "dhGroup": Choice(
            values=("None", "DHGroup1", "DHGroup2", "DHGroup14", "DHGroup2048", "ECP256", "ECP384", "DHGroup24"),
            required=True,
        ),
        "pfsGroup": Choice(
            values=("None", "PFS1", "PFS2", "PFS2048", "ECP256", "ECP384", "PFS24", "PFS14", "PFSMM"), required=True
        ),
    }
)
"""All eight fields are required (Azure's OpenAPI)."""

SELECTORS = Object(
    properties={
        "localAddressRanges": Items(of=Text(), required=True),
        "remoteAddressRanges": Items(of=Text(), required=True),
    }
)

KEY = Text(shortest=1, longest=128, pattern=r"[\x21-\x7e]+")
"""Printable ASCII without blanks, at most 128 characters (Microsoft Learn, "VPN Gateway FAQ")."""

OTHER_END = {"IPsec": "localNetworkGateway2", "Vnet2Vnet": "virtualNetworkGateway2", "ExpressRoute": "peer"}

DEVICE_TAG = "lab-device"
"""On a local gateway or a VPN site: whether the device answers, ``up`` or ``down``; without it nobody knows."""

CONNECTING_TIME_S = 10.0
"""How long a tunnel takes once its connection is provisioned, in seconds at time scale 1."""


def device_status(plane: ControlPlane, device: Resource | None, since: float) -> str:
    """:return: ``connectionStatus`` towards a device outside Azure

    :param device: the local gateway or VPN site that stands for it
    :param since: when the connection was provisioned last, lab time in seconds
    """
    tag = str((device.body.get("tags") or {}).get(DEVICE_TAG, "")).casefold() if device is not None else ""
    if tag == "down":
        return "NotConnected"
    if tag != "up":
        return "Unknown"
    return "Connected" if plane.clock.now() >= since + CONNECTING_TIME_S * plane.time_scale else "Connecting"


def connection_status(plane: ControlPlane, connection: Resource) -> str:
    """:return: ``connectionStatus`` of a connection: Unknown, Connecting, Connected or NotConnected

    Between two networks both connections have to be there, with one shared key; towards a local gateway its device has
    to answer.
    """
    if connection.is_busy or connection.state != "Succeeded":
        return "Unknown"
    if connection.properties["connectionType"] != "Vnet2Vnet":
        device = plane.find(id_of(connection.properties.get("localNetworkGateway2")))
        return device_status(plane, device, connection.changed_at)
    here, there = (id_of(connection.properties.get(f"virtualNetworkGateway{end}")).casefold() for end in (1, 2))
    for other in plane.store.of_type(CONNECTIONS):
        ends = [id_of(other.properties.get(f"virtualNetworkGateway{end}")).casefold() for end in (1, 2)]
        if ends == [there, here]:
            return (
                "Connected"
                if other.properties.get("sharedKey") == connection.properties.get("sharedKey")
                else "NotConnected"
            )
    return "NotConnected"


def _reset(plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
    return act(plane, request, resource, accepted(10), lambda: None)


class Connections(ResourceKind):
    """Connections: IPsec to a local gateway, between two networks, or to an ExpressRoute circuit."""

    type = CONNECTIONS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(10)
    updated = updated(10)
    deleted = deleted(10)
    patch = Patch.TAGS
    tracked = True
    actions: ClassVar = {
        "resetconnection": _reset,
        "getikesas": security_associations,
        "vpndeviceconfigurationscript": device_script,
        **PACKET_CAPTURES,
    }
    properties = Object(
        properties={
            "virtualNetworkGateway1": Link(type=VNET_GATEWAYS, required=True),
            "virtualNetworkGateway2": Link(type=VNET_GATEWAYS),
            "localNetworkGateway2": Link(type=LOCAL_GATEWAYS),
            "peer": Link(),
            "connectionType": Choice(values=("IPsec", "Vnet2Vnet", "ExpressRoute", "VPNClient"), required=True),
            "connectionProtocol": Choice(values=("IKEv2", "IKEv1")),
            "connectionMode": Choice(values=("Default", "ResponderOnly", "InitiatorOnly"), default="Default"),
            "routingWeight": Number(lowest=0, highest=32000, default=0),
            "dpdTimeoutSeconds": Number(lowest=0, highest=3600, default=0),
            "sharedKey": KEY,
            "authorizationKey": Text(secret=True),
            "ipsecPolicies": Items(of=IPSEC_POLICY, most=1, default=[]),
            "trafficSelectorPolicies": Items(of=SELECTORS, default=[]),
            **{
                name: Flag(default=False)
                for name in (
                    "enableBgp",
                    "useLocalAzureIpAddress",
                    "usePolicyBasedTrafficSelectors",
                    "expressRouteGatewayBypass",
                    "enablePrivateLinkFastPath",
                )
            },
            **{
                name: Anything()
                for name in (
                    "ingressNatRules",
                    "egressNatRules",
                    "gatewayCustomBgpIpAddresses",
                    "authenticationType",
                    "certificateAuthentication",
                    "tunnelProperties",
                )
            },
            **{
                name: Anything(read_only=True)
                for name in (
                    "connectionStatus",
                    "tunnelConnectionStatus",
                    "egressBytesTransferred",
                    "ingressBytesTransferred",
                    "resourceGuid",
                    "provisioningState",
                    "packetCaptureDiagnosticState",
                )
            },
        }
    )

    def prepare(self, write: Write) -> None:
        properties = write.properties
        kind = properties["connectionType"]
        referenced(write.plane, write.path, id_of(properties["virtualNetworkGateway1"]))
        end = OTHER_END.get(kind)
        if end is not None and end not in properties:
            raise ArmError(
                400,
                "ConnectionPropertyRequired",
                f"Connection {write.path.name} of type {kind} needs the property {end}.",
                details=(),
            )
        if end is not None and end != "peer":
            referenced(write.plane, write.path, id_of(properties[end]))
        if write.existing is not None:
            properties.setdefault("sharedKey", write.existing.properties.get("sharedKey"))
            if properties["sharedKey"] is None:
                del properties["sharedKey"]
        if kind in {"IPsec", "Vnet2Vnet"}:
            properties.setdefault("connectionProtocol", "IKEv2")
        write.facts.setdefault("resourceGuid", str(uuid.uuid4()))

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        for end in ("virtualNetworkGateway1", "virtualNetworkGateway2", "localNetworkGateway2"):
            if end in shown:
                shown[end] = {**shown[end], "properties": {}}  # the OpenAPI has whole gateways here
        status = connection_status(plane, resource)
        shown |= {"connectionStatus": status, "egressBytesTransferred": 0, "ingressBytesTransferred": 0}
        if status == "Connected":
            shown["tunnelConnectionStatus"] = [
                {
                    "tunnel": f"{resource.path.name}_tunnel",
                    "connectionStatus": status,
                    "egressBytesTransferred": 0,
                    "ingressBytesTransferred": 0,
                }
            ]
        return shown


def _connection_of(plane: ControlPlane, path: ArmPath) -> Resource:
    assert path.parent is not None
    connection = plane.store.find(path.parent)
    if connection is None:
        kind = plane.kind(CONNECTIONS)
        assert kind is not None
        raise kind.not_found(plane, path.parent)
    return connection


def _put_key(plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
    connection = _connection_of(plane, path)
    shape = Object(
        properties={"value": Text(required=True, shortest=1, longest=128, pattern=KEY.pattern), "id": Text()}
    )
    key = read_body(shape, request.json_object(), Refusals())["value"]
    answer = Answer(status=200, follow=Follow.ASYNC_OPERATION, duration_s=5)
    connection.properties["sharedKey"] = key
    accepted_answer = act(plane, request, connection, answer, lambda: {"value": key})
    accepted_answer.body = {"value": key}
    return accepted_answer


def _reset_key(plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
    connection = _connection_of(plane, path)
    shape = Object(properties={"keyLength": Number(required=True, lowest=1, highest=128)})
    length = read_body(shape, request.json_object(), Refusals())["keyLength"]
    letters = string.ascii_letters + string.digits
    connection.properties["sharedKey"] = "".join(secrets.choice(letters) for _ in range(length))
    return act(plane, request, connection, accepted(5), lambda: {"keyLength": length})


class SharedKeys(ResourceKind):
    """The shared key as a resource without a name: ``{connection}/sharedkey``, and ``.../sharedkey/reset``."""

    type = f"{CONNECTIONS}/sharedkey"
    api_versions = NETWORK_VERSIONS
    methods = frozenset()
    replace_all = staticmethod(_put_key)

    def answer_get(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse | None:
        connection = _connection_of(plane, path)
        return ArmResponse(200, {"value": connection.properties.get("sharedKey", "")})

    def collection_action(self, path: ArmPath) -> CollectionHandler | None:
        return _reset_key if path.is_resource and path.name.casefold() == "reset" else None


KINDS = (Connections(), SharedKeys())
