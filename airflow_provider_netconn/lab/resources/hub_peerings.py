"""How a connection to a virtual hub shows in the connected network: as a peering that only the hub can change.

Behind a hub there is a network of Azure's own, in a subscription of its own; the connection is a peering with it
(Microsoft Learn, "Virtual WAN FAQ"). Names and flags as in peerings of this kind that users have published:
``RemoteVnetToHubPeering_{guid}`` leads to ``HV_{hub}_{guid}`` in the group ``RG_{hub}_{guid}``, uses its gateways
without having been asked, and lets forwarded traffic not in.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.hub_connections import connection_of
from airflow_provider_netconn.lab.resources.network_references import PEERINGS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

PREFIX = "RemoteVnetToHubPeering_"

LONGEST_HUB = 20
"""Characters of a hub's name that its network's has."""

HUBS = uuid.UUID("0f2b1c52-7c86-5d1b-9a0e-6f5d3c1c7b11")
"""Namespace of the guids that stand for a hub's own network and group."""

SUBSCRIPTION_OF_HUBS = str(uuid.uuid5(HUBS, "subscription"))


def hub_peering(plane: ControlPlane, network: ArmPath) -> Resource | None:
    """:return: the peering by which a network hangs on a hub; None: it does not"""
    connection, kind = connection_of(plane, network), plane.kind(PEERINGS)
    hub = plane.store.find(connection.path.parent) if connection is not None and connection.path.parent else None
    if connection is None or hub is None or kind is None:
        return None
    space = {"addressPrefixes": [hub.properties["addressPrefix"]] if "addressPrefix" in hub.properties else []}
    local = plane.store.find(network)
    own = {} if local is None else local.properties.get("addressSpace") or {}
    ours = {"addressPrefixes": list(own.get("addressPrefixes") or ())}
    flags = {"allowVirtualNetworkAccess": True, "allowForwardedTraffic": False, "allowGatewayTransit": False}
    return Resource(
        path=network.child("virtualNetworkPeerings", PREFIX + _guid(connection.path)),
        kind=kind,
        body={
            "properties": {
                **flags,
                "useRemoteGateways": True,
                "doNotVerifyRemoteGateways": True,
                "peerCompleteVnets": True,
                "remoteVirtualNetwork": {"id": _network_of(hub.path)},
            }
        },
        facts={
            "peeringState": "Connected",
            "peeringSyncLevel": "FullyInSync",
            "resourceGuid": _guid(connection.path),
            "remoteAddressSpace": space,
            "remoteVirtualNetworkAddressSpace": space,
            "localAddressSpace": ours,
            "localVirtualNetworkAddressSpace": ours,
        },
        etag=connection.etag,
        created_at=connection.created_at,
        changed_at=connection.changed_at,
        state=connection.state,
        operation=connection.operation,
    )


def is_hub_peering(plane: ControlPlane, path: ArmPath) -> bool:
    """:return: whether a peering's id is that of a network's peering with a hub"""
    found = hub_peering(plane, path.parent) if path.parent is not None and path.name.startswith(PREFIX) else None
    return found is not None and found.path.key == path.key


def _guid(path: ArmPath) -> str:
    return str(uuid.uuid5(HUBS, path.key))


def _network_of(hub: ArmPath) -> str:
    group = f"/subscriptions/{SUBSCRIPTION_OF_HUBS}/resourceGroups/RG_{hub.name}_{uuid.uuid5(HUBS, f'{hub.key}/group')}"
    return f"{group}/providers/Microsoft.Network/virtualNetworks/HV_{hub.name[:LONGEST_HUB]}_{_guid(hub)}"
