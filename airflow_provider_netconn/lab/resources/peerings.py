"""Virtual network peerings: two sides, each a resource of its own, that make one connection.

A side keeps three things of its own: its state, the address space of the other network as it took it over last
(``remoteAddressSpace``), and that network's space as it was last seen. All else is derived when it is read:

- a side is out of sync locally where what it took over is not the other network's space any more, and remotely where
  the same is true of the other side, or there is none;
- a new side meets an Initiated one and both are Connected at once; the untouched one flips by itself (recorded);
- a side whose other side, or other network, goes away is Disconnected. The other side can only be made again after a
  PUT of the survivor has taken it back to Initiated.

Recorded traffic shows the states, the answers and the gateways; Microsoft Learn ("Create, change, or delete a virtual
network peering", "Update the address space for a peered virtual network", "How to configure subnet peering") the rest.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError, another_operation_in_progress
from airflow_provider_netconn.lab.arm.identifiers import ArmPath, parse_path, same
from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Follow
from airflow_provider_netconn.lab.arm.requests import ArmRequest
from airflow_provider_netconn.lab.arm.schema import Anything, Flag, Items, Object, Text
from airflow_provider_netconn.lab.resources.hub_peerings import hub_peering, is_hub_peering
from airflow_provider_netconn.lab.resources.network_references import (
    PEERINGS,
    VIRTUAL_NETWORKS,
    VNET_GATEWAYS,
    Link,
    id_of,
    referenced,
    refuse_while_network_changes,
    require_provisioned,
)
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.subnet_addresses import overlapping, prefixes_of, subnet_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

INITIATED, CONNECTED, DISCONNECTED = "Initiated", "Connected", "Disconnected"

SHOWN_SINCE = {
    "doNotVerifyRemoteGateways": "2020-08-01",
    "remoteBgpCommunities": "2020-06-01",
    "resourceGuid": "2020-07-01",
    "peeringSyncLevel": "2021-02-01",
    "remoteVirtualNetworkAddressSpace": "2021-02-01",
    "remoteVirtualNetworkEncryption": "2021-08-01",
    "peerCompleteVnets": "2023-09-01",
    "localAddressSpace": "2023-09-01",
    "localVirtualNetworkAddressSpace": "2023-09-01",
    "localSubnetNames": "2023-09-01",
    "remoteSubnetNames": "2023-09-01",
    "enableOnlyIPv6Peering": "2023-09-01",
}
"""Properties that older api-versions do not show, and the first that does, as azure-mgmt-network 20.0 has them up to
2021; 2018-08-01 was recorded without them, 2023-11-01 with ``peerCompleteVnets``."""

PAIR = uuid.UUID("6d1c5c3e-6a1f-5a3f-9a5b-6f3f0c6b8a10")
"""Namespace of the guids that the two sides of a peering share."""


class Peerings(ResourceKind):
    """One side of a peering."""

    type = PEERINGS
    api_versions = NETWORK_VERSIONS
    polling = NETWORK_POLLING
    created = created(5)
    updated = updated(5)
    deleted = deleted(5)
    properties = Object(
        properties={
            "allowVirtualNetworkAccess": Flag(default=True),
            "allowForwardedTraffic": Flag(default=False),
            "allowGatewayTransit": Flag(default=False),
            "useRemoteGateways": Flag(default=False),
            "doNotVerifyRemoteGateways": Flag(default=False),
            "remoteVirtualNetwork": Link(required=True, type=VIRTUAL_NETWORKS),
            "peerCompleteVnets": Flag(default=True),
            "enableOnlyIPv6Peering": Flag(),
            "localSubnetNames": Items(of=Text()),
            "remoteSubnetNames": Items(of=Text()),
            "localAddressSpace": Anything(read_only=True),
            "localVirtualNetworkAddressSpace": Anything(read_only=True),
            "remoteAddressSpace": Anything(read_only=True),
            "remoteVirtualNetworkAddressSpace": Anything(read_only=True),
            "remoteBgpCommunities": Anything(read_only=True),
            "remoteVirtualNetworkEncryption": Anything(read_only=True),
            "remoteGateways": Anything(read_only=True),
            "peeringState": Anything(read_only=True),
            "peeringSyncLevel": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
            "resourceGuid": Anything(read_only=True),
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        if not _is_carried_along(write):
            yield f"{VIRTUAL_NETWORKS}/peer/action", id_of(write.properties["remoteVirtualNetwork"])

    def refuse_while_busy(self, plane: ControlPlane, existing: Resource) -> None:
        assert existing.operation is not None
        url = plane.operations.url(existing.operation, Follow.ASYNC_OPERATION)
        raise another_operation_in_progress(existing.id, url)

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        if self.is_derived(plane, path) and path.parent is not None:
            return hub_peering(plane, path.parent)
        return super().find(plane, path)

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        derived = hub_peering(plane, path.parent) if path.parent is not None else None
        return [*super().members(plane, path), *([] if derived is None else [derived])]

    def is_derived(self, plane: ControlPlane, path: ArmPath) -> bool:
        return is_hub_peering(plane, path)

    def prepare(self, write: Write) -> None:
        plane, path = write.plane, write.path
        self._refuse_derived(plane, path)
        local_path = path.parent
        assert local_path is not None
        if _is_carried_along(write):
            return
        remote_id = id_of(write.properties["remoteVirtualNetwork"])
        if same(remote_id, local_path.text):
            raise _refusal(
                "CannotPeerVirtualNetworkWithItself",
                f"Cannot create or update peering {path.text}. A virtual network cannot be peered with itself.",
            )
        _refuse_other_remote(write, remote_id)
        remote = referenced(plane, path, remote_id)
        if write.parent_write is None:
            local = write.parent
            assert local is not None
            _refuse_while_unsettled(plane, path, local)
            require_provisioned(plane, path, local)
        require_provisioned(plane, path, remote)
        _take_subnet_names(write, remote)
        other = other_side(plane, local_path, remote.path)
        _refuse_unready_other_side(write, other)
        refuse_overlaps(write, local_prefixes(plane, write), remote, complete=write.properties["peerCompleteVnets"])
        _check_gateways(write, remote, other)
        _advance(write, remote, other)

    def stored(self, write: Write, resource: Resource) -> None:
        other = counterpart(write.plane, resource)
        if other is not None and other.facts["peeringState"] != CONNECTED:
            other.facts = {**other.facts, "peeringState": CONNECTED}
            other.touch(write.plane.clock.now())

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        self._refuse_derived(plane, resource.path)
        network = plane.store.find(_network_of(resource))
        if network is not None:
            refuse_while_network_changes(plane, network)

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        other = counterpart(plane, resource)
        if other is not None:
            disconnect(plane, other, plane.store.find(_network_of(resource)))

    def _refuse_derived(self, plane: ControlPlane, path: ArmPath) -> None:
        """What leads to a hub is changed by the hub's connection alone; the code is in the manner of others."""
        if self.is_derived(plane, path):
            raise _refusal(
                "VirtualHubPeeringCannotBeModified",
                f"Peering {path.text} belongs to a connection of a virtual hub and cannot be changed or deleted. "
                "Change or delete the connection of the hub instead.",
            )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        derived = resource.facts if self.is_derived(plane, resource.path) else _derived(plane, resource)
        shown = {**resource.properties, **derived}
        shown["provisioningState"] = resource.provisioning_state
        return {name: value for name, value in shown.items() if look.api_version >= SHOWN_SINCE.get(name, "")}


def _is_carried_along(write: Write) -> bool:
    """A network's body carries its peerings as they were read: nothing happens to them, and the network itself checks
    its changed address space."""
    existing = write.existing
    return write.parent_write is not None and existing is not None and write.properties == existing.properties


# -- the two sides ---------------------------------------------------------------------------------


def other_side(plane: ControlPlane, local: ArmPath, remote: ArmPath) -> Resource | None:
    """:return: the peering of the remote network that refers to the local one"""
    for peering in plane.store.referrers(local, PEERINGS):
        if _network_of(peering).key == remote.key and same(remote_of(peering), local.text):
            return peering
    return None


def counterpart(plane: ControlPlane, peering: Resource) -> Resource | None:
    """:return: the other side of a peering"""
    return other_side(plane, _network_of(peering), parse_path(remote_of(peering)))


def remote_of(peering: Resource) -> str:
    """:return: the id of the network that a peering leads to"""
    return id_of(peering.properties["remoteVirtualNetwork"])


def disconnect(plane: ControlPlane, peering: Resource, remote: Resource | None) -> None:
    """The other side, or its whole network, has gone.

    :param remote: the network as it was last; None: it went away before
    """
    facts = {**peering.facts, "peeringState": DISCONNECTED}
    if remote is not None:
        facts["lastRemoteSpace"] = remote_prefixes(plane, peering, remote)
    peering.facts = facts
    peering.touch(plane.clock.now())


def disconnect_from(plane: ControlPlane, network: Resource) -> None:
    """All peerings that lead to a network that has gone are Disconnected; its own sides went before it."""
    for peering in plane.store.referrers(network.path, PEERINGS):
        if same(remote_of(peering), network.id) and peering.facts["peeringState"] != DISCONNECTED:
            disconnect(plane, peering, network)


def _advance(write: Write, remote: Resource, other: Resource | None) -> None:
    """The state that a write of one side leads to, and the address space that it takes over."""
    facts, before = write.facts, write.facts.get("peeringState")
    facts["peeringState"] = CONNECTED if other is not None else INITIATED
    if before in {None, DISCONNECTED} or _asks_for_sync(write) or _names_changed(write):
        facts["remoteAddressSpace"] = _prefixes(write.plane, remote, write.properties, "remoteSubnetNames")
        facts.pop("lastRemoteSpace", None)
        guids = sorted(_guid(network) for network in (write.parent_write or write.parent, remote))
        facts["resourceGuid"] = str(uuid.uuid5(PAIR, "/".join(guids)))


def _guid(network: Any) -> str:
    return str(network.facts["resourceGuid"])


def _asks_for_sync(write: Write) -> bool:
    return any(
        name.casefold() == "syncremoteaddressspace" and value.casefold() == "true"
        for name, value in write.request.query.items()
    )


def _names_changed(write: Write) -> bool:
    before = write.existing.properties if write.existing is not None else {}
    return any(before.get(name) != write.properties.get(name) for name in ("peerCompleteVnets", "remoteSubnetNames"))


# -- refusals --------------------------------------------------------------------------------------


def _refusal(code: str, message: str) -> ArmError:
    return ArmError(400, code, message, details=())


def _refuse_other_remote(write: Write, remote_id: str) -> None:
    """One peering leads to one network for good, and only one to each network."""
    path = write.path
    if write.existing is not None and not same(remote_of(write.existing), remote_id):
        raise _refusal(
            "RemoteVirtualNetworkCannotBeChanged",
            f"Cannot update peering {path.text}: its remote virtual network {remote_of(write.existing)} cannot be "
            f"changed to {remote_id}.",
        )
    for key, properties in write.siblings().items():
        if same(id_of(properties["remoteVirtualNetwork"]), remote_id):
            sibling = write.plane.store.find(key)
            name = sibling.id if sibling is not None else key
            raise _refusal(
                "AnotherPeeringAlreadyReferencesRemoteVnet",
                f"Peering {name} already references remote virtual network {remote_id}. Cannot add another peering "
                f"{path.text} referencing the same remote virtual network.",
            )


def _refuse_while_unsettled(plane: ControlPlane, path: ArmPath, local: Resource) -> None:
    """One change of a network's peerings at a time."""
    for sibling in plane.store.children(local.path, PEERINGS):
        if sibling.is_busy and sibling.path.key != path.key:
            assert sibling.operation is not None
            url = plane.operations.url(sibling.operation, Follow.ASYNC_OPERATION)
            raise another_operation_in_progress(sibling.id, url)


def _refuse_unready_other_side(write: Write, other: Resource | None) -> None:
    """A new side joins an Initiated one only."""
    if other is None or write.existing is not None or other.facts["peeringState"] == INITIATED:
        return
    local = write.path.parent
    assert local is not None
    raise _refusal(
        "RemotePeeringIsDisconnected",
        f"Cannot create or update peering {write.path.text} because remote peering {other.id} referencing parent "
        f"virtual network {local.text} is in Disconnected state. Update or re-create the remote peering to get it back "
        "to Initiated state. Peering gets Disconnected when remote vnet or remote peering is deleted and re-created.",
    )


def refuse_overlaps(write: Write, prefixes: list[str], remote: Resource, *, complete: bool = True) -> None:
    """Refuse a peering whose networks overlap, or overlap with what either is peered with already.

    :param write: of the peering, or of its network
    :param prefixes: what the local network brings into the peering
    :param complete: whether the whole remote network is peered
    :raises ArmError: 400 VnetAddressSpacesOverlap or VnetAddressSpaceOverlapsWithAlreadyPeeredVnet
    """
    plane, is_peering = write.plane, write.path.types[-1].casefold() == PEERINGS.rpartition("/")[2].casefold()
    local = write.path.parent if is_peering else write.path
    assert local is not None
    start = f"Cannot create or update peering {write.path.text}. Virtual networks {local.text} and {remote.id} cannot "
    theirs = (
        _prefixes(plane, remote, write.properties, "remoteSubnetNames") if is_peering else space_of(remote.properties)
    )
    both = overlapping(prefixes, theirs)
    if both:
        raise _refusal(
            "VnetAddressSpacesOverlap",
            f"{start}be peered because their address spaces overlap. Overlapping address prefixes: "
            f"{', '.join([*both, *(prefix for prefix in overlapping(theirs, prefixes) if complete)])}",
        )
    for ours, space, network, order in (
        (prefixes, remote.path, local, ("first", "second")),
        (theirs, local, remote.path, ("second", "first")),
    ):
        for peering in plane.store.children(space, PEERINGS):
            if same(remote_of(peering), network.text):
                continue
            found = overlapping(ours, peering.facts["remoteAddressSpace"])
            if found:
                raise _refusal(
                    "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
                    f"{start}be peered because address space of the {order[0]} virtual network overlaps with address "
                    f"space of virtual network {remote_of(peering)} already peered with the {order[1]} virtual "
                    f"network. Overlapping address prefixes: {', '.join(found)}.",
                )


def _take_subnet_names(write: Write, remote: Resource) -> None:
    """A peering of subnets names those of both networks; an update that leaves them out keeps them."""
    properties = write.properties
    names = ("localSubnetNames", "remoteSubnetNames")
    if properties["peerCompleteVnets"]:
        for name in (*names, "enableOnlyIPv6Peering"):
            properties.pop(name, None)
        return
    local = write.path.parent
    assert local is not None
    properties.setdefault("enableOnlyIPv6Peering", False)
    for name, network in zip(names, (local, remote.path), strict=True):
        if name not in properties and write.existing is not None:
            properties[name] = write.existing.properties.get(name, [])
        if not properties.get(name):
            raise _refusal(
                "SubnetNamesMissing",
                f"Peering {write.path.text} has peerCompleteVnets set to false and therefore has to have {name}.",
            )
        if write.parent_write is None or network is not local:
            for subnet in properties[name]:
                referenced(write.plane, write.path, network.child("subnets", subnet).text)


# -- gateways --------------------------------------------------------------------------------------


def gateways_of(plane: ControlPlane, network: ArmPath) -> list[Resource]:
    """:return: the VPN and ExpressRoute gateways in a network"""
    return [
        gateway
        for gateway in plane.store.referrers(network.child("subnets", "GatewaySubnet"), VNET_GATEWAYS)
        if any(
            same(subnet_of(configuration), network.child("subnets", "GatewaySubnet").text)
            for configuration in gateway.properties.get("ipConfigurations", ())
        )
    ]


def _check_gateways(write: Write, remote: Resource, other: Resource | None) -> None:
    """Who may use whose gateways (Microsoft Learn, "Configure VPN gateway transit for virtual network peering")."""
    properties, path = write.properties, write.path
    start = f"Peering {path.text} cannot have "
    if not properties["allowGatewayTransit"] and other is not None and other.properties["useRemoteGateways"]:
        raise _refusal(
            "AllowGatewayTransitCannotBeDisabled",
            f"{start}AllowGatewayTransit flag set to false, because corresponding remote peering {other.id} has "
            "UseRemoteGateways flag set to true.",
        )
    if not properties["useRemoteGateways"]:
        return
    local = path.parent
    assert local is not None
    start += "UseRemoteGateways flag set to true, because "
    for key, sibling in write.siblings().items():
        if sibling["useRemoteGateways"]:
            found = write.plane.store.find(key)
            raise _refusal(
                "AnotherPeeringAlreadyUsesRemoteGateways",
                f"{start}another peering {found.id if found is not None else key} already has UseRemoteGateways flag "
                "set to true.",
            )
    if gateways_of(write.plane, local):
        raise _refusal(
            "VnetWithGatewaysCannotUseRemoteGateways", f"{start}virtual network {local.text} has gateways of its own."
        )
    if other is not None and not other.properties["allowGatewayTransit"]:
        raise _refusal(
            "RemotePeeringDoesNotAllowGatewayTransit",
            f"{start}corresponding remote peering {other.id} has AllowGatewayTransit flag set to false.",
        )
    gateways = gateways_of(write.plane, remote.path)
    if not gateways:
        raise _refusal(
            "RemoteVnetHasNoGateways",
            f"Peering {path.text} cannot have UseRemoteGateway flag set to true because remote virtual network "
            f"{remote.id} referenced by the peering does not have any gateways.",
        )
    if not properties["doNotVerifyRemoteGateways"]:
        for gateway in gateways:
            require_provisioned(write.plane, path, gateway)


# -- address spaces --------------------------------------------------------------------------------


def space_of(network: dict[str, Any]) -> list[str]:
    """:return: the prefixes of a network's ``properties``"""
    return list(network.get("addressSpace", {}).get("addressPrefixes") or ())


def _prefixes(plane: ControlPlane, network: Resource, peering: dict[str, Any], names: str) -> list[str]:
    """What of a network a peering concerns: all of it, or the subnets that it names."""
    if peering["peerCompleteVnets"]:
        return space_of(network.properties)
    wanted = [name.casefold() for name in peering.get(names, ())]
    subnets = plane.store.children(network.path, f"{VIRTUAL_NETWORKS}/subnets")
    found = [
        prefix
        for subnet in sorted(subnets, key=lambda subnet: subnet.path.name.casefold())
        if subnet.path.name.casefold() in wanted
        for prefix in prefixes_of(subnet.properties)
    ]
    if peering.get("enableOnlyIPv6Peering"):
        return [prefix for prefix in found if ipaddress.ip_network(prefix).version == 6]
    return found


def remote_prefixes(plane: ControlPlane, peering: Resource, remote: Resource) -> list[str]:
    """:return: the remote network's space as it is now, as far as a peering concerns it"""
    return _prefixes(plane, remote, peering.properties, "remoteSubnetNames")


def local_prefixes(plane: ControlPlane, write: Write) -> list[str]:
    """:return: what the local network brings into a peering that is being written"""
    if write.properties["peerCompleteVnets"]:
        return space_of(write.parent_properties)
    assert write.parent is not None
    return _prefixes(plane, write.parent, write.properties, "localSubnetNames")


def is_local_in_sync(plane: ControlPlane, peering: Resource) -> bool:
    """:return: whether a side has taken over the other network's space as it is now"""
    remote = plane.store.find(remote_of(peering))
    now = remote_prefixes(plane, peering, remote) if remote is not None else peering.facts.get("lastRemoteSpace")
    return now is None or sorted(now) == sorted(peering.facts["remoteAddressSpace"])


def sync_level(plane: ControlPlane, peering: Resource) -> str:
    """:return: ``peeringSyncLevel``: which of the two sides has to take over an address space"""
    other = counterpart(plane, peering)
    local = is_local_in_sync(plane, peering)
    remote = other is not None and is_local_in_sync(plane, other)
    return {
        (True, True): "FullyInSync",
        (True, False): "RemoteNotInSync",
        (False, True): "LocalNotInSync",
        (False, False): "LocalAndRemoteNotInSync",
    }[local, remote]


def _derived(plane: ControlPlane, peering: Resource) -> dict[str, Any]:
    remote = plane.store.find(remote_of(peering))
    local = plane.store.find(_network_of(peering))
    facts = peering.facts
    now = facts.get("lastRemoteSpace", facts["remoteAddressSpace"])
    derived: dict[str, Any] = {
        "peeringState": facts["peeringState"],
        "peeringSyncLevel": sync_level(plane, peering),
        "resourceGuid": facts["resourceGuid"],
        "remoteAddressSpace": {"addressPrefixes": facts["remoteAddressSpace"]},
    }
    if remote is not None:
        now = remote_prefixes(plane, peering, remote)
        encryption = remote.properties.get("encryption")
        derived["remoteVirtualNetworkEncryption"] = encryption or {"enabled": False, "enforcement": "AllowUnencrypted"}
        if "bgpCommunities" in remote.properties:
            derived["remoteBgpCommunities"] = remote.properties["bgpCommunities"]
        if peering.properties["useRemoteGateways"]:
            derived["remoteGateways"] = [{"id": gateway.id} for gateway in gateways_of(plane, remote.path)]
    derived["remoteVirtualNetworkAddressSpace"] = {"addressPrefixes": now}
    if local is not None:
        ours = {"addressPrefixes": _prefixes(plane, local, peering.properties, "localSubnetNames")}
        derived["localAddressSpace"] = derived["localVirtualNetworkAddressSpace"] = ours
    return derived


def _network_of(peering: Resource) -> ArmPath:
    parent = peering.path.parent
    assert parent is not None
    return parent


KINDS = (Peerings(),)
