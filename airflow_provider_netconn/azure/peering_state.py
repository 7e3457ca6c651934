"""Peerings of virtual networks as values: what is wanted, what is seen, what to do next, and whose move it is.

Nothing here asks Azure; :mod:`.peering` does. What one side says tells of both (recorded traffic, and Microsoft Learn,
"Create, change, or delete a virtual network peering"): ``Connected``, ``FullyInSync`` is true of both or of neither.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from airflow_provider_netconn.azure.resource_ids import ResourceId, same_id
from airflow_provider_netconn.errors import InvalidOptionError

API_VERSION: Final = "2024-05-01"
NETWORK: Final = "Microsoft.Network/virtualNetworks"
OPTIONS: Final[Mapping[str, str]] = {
    "allow_virtual_network_access": "allowVirtualNetworkAccess",
    "allow_forwarded_traffic": "allowForwardedTraffic",
    "allow_gateway_transit": "allowGatewayTransit",
    "use_remote_gateways": "useRemoteGateways",
    "do_not_verify_remote_gateways": "doNotVerifyRemoteGateways",
}
"""The options that each side has for itself, and Azure's names for them."""
WRITABLE: Final = (
    "remoteVirtualNetwork",
    *OPTIONS.values(),
    "peerCompleteVnets",
    "enableOnlyIPv6Peering",
    "localSubnetNames",
    "remoteSubnetNames",
)
"""The properties of a peering that a PUT carries; a PUT without one of them takes it back to its default."""

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?")
_LONGEST_NAME: Final = 80
_BUSY: Final = frozenset({"updating", "deleting", "creating"})


class Sides(StrEnum):
    """Which sides of a peering are ours to write."""

    BOTH = "both"
    LOCAL = "local"
    NEITHER = "neither"


class Goal(StrEnum):
    """What a peering is wanted to be."""

    CONNECTED = "connected"
    """Both sides Connected and in sync."""
    INITIATED = "initiated"
    """Our side is there; the other one may follow later."""
    ABSENT = "absent"
    """The sides that are ours are gone."""


class PeeringStatus(StrEnum):
    """How one side of a peering stands."""

    ABSENT = "absent"
    INITIATED = "initiated"
    CONNECTED = "connected"
    """And in sync."""
    OUT_OF_SYNC = "out_of_sync"
    """Connected, with an address space that one of the sides has yet to take over."""
    DISCONNECTED = "disconnected"
    """The other side, or its network, was deleted."""
    NOT_VISIBLE = "not_visible"
    OTHER = "other"
    """A state that Azure did not have when this was written."""


class Move(StrEnum):
    """Whose move it is."""

    NOBODY = "nobody"
    OURS = "ours"
    AZURE = "azure"
    LOCAL = "local"
    """That of the local network's owner."""
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeeringSide:
    """What is wanted of one side. An option that is None stays as it is, or is Azure's default in a new peering.

    :param network_id: id of the virtual network that this side belongs to
    :param name: of the peering, where there is none to this remote network yet; by default ``to-`` and the other
        network's name
    :raises InvalidOptionError: naming the field
    """

    network_id: str
    name: str = ""
    allow_virtual_network_access: bool | None = None
    allow_forwarded_traffic: bool | None = None
    allow_gateway_transit: bool | None = None
    use_remote_gateways: bool | None = None
    do_not_verify_remote_gateways: bool | None = None

    def __post_init__(self) -> None:
        network = ResourceId.parse(self.network_id, "virtual network")
        if network.type.casefold() != NETWORK.casefold():
            raise InvalidOptionError(
                "virtual network", f"{self.network_id!r} is no virtual network",
                "write /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/virtualNetworks/NAME",
            )  # fmt: skip
        if self.name and not _NAME.fullmatch(self.name):
            raise InvalidOptionError(
                "peering name", f"{self.name!r} is no name for a peering",
                "write up to 80 letters, digits, '.', '_' and '-', a letter or digit first",
            )  # fmt: skip

    @property
    def network(self) -> ResourceId:
        """The network, taken apart."""
        return ResourceId.parse(self.network_id)

    def name_towards(self, other: PeeringSide) -> str:
        """The name that a new peering to the other side's network gets."""
        return self.name or f"to-{other.network.name}"[:_LONGEST_NAME].rstrip(".-")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPeering:
    """A peering as it is wanted.

    :param sides: which of the two are ours to write
    :param local_subnet_names: peer only these subnets of the local network; needs the other one too. Empty leaves it
        as it is, which in a new peering is the whole network
    :param remote_subnet_names: of the remote network
    :param only_ipv6: of these subnets only the IPv6 prefixes
    :raises InvalidOptionError: naming the field
    """

    local: PeeringSide
    remote: PeeringSide
    sides: Sides = Sides.BOTH
    goal: Goal = Goal.CONNECTED
    local_subnet_names: tuple[str, ...] = ()
    remote_subnet_names: tuple[str, ...] = ()
    only_ipv6: bool | None = None

    def __post_init__(self) -> None:
        if same_id(self.local.network_id, self.remote.network_id):
            raise InvalidOptionError("remote virtual network", "is the local one", "name the network to peer with")
        if bool(self.local_subnet_names) != bool(self.remote_subnet_names):
            raise InvalidOptionError(
                "subnet names", "are given for one network only", "name the subnets of both networks, or of neither"
            )
        if self.only_ipv6 and not self.local_subnet_names:
            raise InvalidOptionError("only_ipv6", "needs subnets", "name the subnets of both networks")
        for using, giving in ((self.local, self.remote), (self.remote, self.local)):
            if using.use_remote_gateways and (giving.use_remote_gateways or giving.allow_gateway_transit is False):
                raise InvalidOptionError(
                    "use_remote_gateways", f"cannot be, since {giving.network.name} does not let its gateways be used",
                    "set allow_gateway_transit on the other side, and use_remote_gateways on one side only",
                )  # fmt: skip

    @property
    def ours(self) -> tuple[str, ...]:
        """The sides that are ours: ``local``, ``remote``."""
        return {Sides.BOTH: ("local", "remote"), Sides.LOCAL: ("local",), Sides.NEITHER: ()}[self.sides]

    def side(self, which: str) -> PeeringSide:
        """One side: ``local`` or ``remote``."""
        return self.local if which == "local" else self.remote

    def properties(self, which: str) -> dict[str, Any]:
        """What is wanted of one side, in Azure's words; nothing of what may stay as it is."""
        side, other = self.side(which), self.side(other_of(which))
        options = {name: getattr(side, field_name) for field_name, name in OPTIONS.items()}
        found = {name: value for name, value in options.items() if value is not None}
        if self.local_subnet_names:
            names = [list(self.local_subnet_names), list(self.remote_subnet_names)]
            ours, theirs = names if which == "local" else reversed(names)
            found |= {"peerCompleteVnets": False, "localSubnetNames": ours, "remoteSubnetNames": theirs}
        if self.only_ipv6 is not None and self.local_subnet_names:
            found["enableOnlyIPv6Peering"] = self.only_ipv6
        return {"remoteVirtualNetwork": {"id": other.network_id}, **found}

    def needed_actions(self, only: str = "") -> dict[str, list[str]]:
        """What has to be allowed, by scope: to write a side also the peering of the network that it leads to.

        Reading is not among it: without it the writes are done unseen, and their answers say how the peering stands.

        :param only: for this side alone
        """
        needed: dict[str, list[str]] = {}
        verb = "delete" if self.goal is Goal.ABSENT else "write"
        for which in (side for side in self.ours if only in {side, ""}):
            scope, other = self.side(which).network_id, self.side(other_of(which)).network_id
            needed.setdefault(scope, []).append(f"{NETWORK}/virtualNetworkPeerings/{verb}")
            if self.goal is not Goal.ABSENT:
                needed.setdefault(other, []).append(f"{NETWORK}/peer/action")
        return needed

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> WantedPeering:
        """From :meth:`to_json`'s."""
        return cls(
            **{
                **data,
                "local": PeeringSide(**data["local"]),
                "remote": PeeringSide(**data["remote"]),
                "sides": Sides(data["sides"]),
                "goal": Goal(data["goal"]),
                "local_subnet_names": tuple(data["local_subnet_names"]),
                "remote_subnet_names": tuple(data["remote_subnet_names"]),
            }
        )


def other_of(which: str) -> str:
    """The other one of ``local`` and ``remote``."""
    return "remote" if which == "local" else "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideState:
    """One side of a peering as it was seen.

    :param network_id: the network that it belongs to
    :param peering_id: empty where there is none, or none in sight
    :param peering_state: Azure's ``peeringState``
    :param sync_level: Azure's ``peeringSyncLevel``
    :param provisioning_state: Azure's ``provisioningState``, which lags behind both
    :param not_visible: why nothing is known of it; empty where it was looked at
    :param name_taken_by: where there is none: the network that a peering of the wanted name leads to instead
    :param unseen: what it says comes from the answer to a write, since it may not be read
    :param properties: Azure's, for comparison; they do not travel
    """

    network_id: str
    peering_id: str = ""
    peering_state: str = ""
    sync_level: str = ""
    provisioning_state: str = ""
    not_visible: str = ""
    name_taken_by: str = ""
    unseen: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, peering: Mapping[str, Any], network_id: str, *, unseen: bool = False) -> SideState:
        """From a peering's JSON."""
        properties = peering.get("properties") or {}
        return cls(
            network_id=network_id,
            peering_id=str(peering.get("id", "")),
            peering_state=str(properties.get("peeringState", "")),
            sync_level=str(properties.get("peeringSyncLevel", "")),
            provisioning_state=str(properties.get("provisioningState", "")),
            unseen=unseen,
            properties=properties,
        )

    @property
    def status(self) -> PeeringStatus:
        """How it stands."""
        if self.not_visible:
            return PeeringStatus.NOT_VISIBLE
        if not self.peering_id:
            return PeeringStatus.ABSENT
        if self.peering_state == "Connected":
            in_sync = self.sync_level in {"FullyInSync", ""}
            return PeeringStatus.CONNECTED if in_sync else PeeringStatus.OUT_OF_SYNC
        known = {"Initiated": PeeringStatus.INITIATED, "Disconnected": PeeringStatus.DISCONNECTED}
        return known.get(self.peering_state, PeeringStatus.OTHER)

    @property
    def is_busy(self) -> bool:
        """Whether an operation on it is under way."""
        return self.provisioning_state.casefold() in _BUSY

    @property
    def has_failed(self) -> bool:
        """Whether the last operation on it failed."""
        return self.provisioning_state.casefold() == "failed"

    @property
    def needs_sync(self) -> bool:
        """Whether it has yet to take over the other network's address space."""
        return self.sync_level in {"LocalNotInSync", "LocalAndRemoteNotInSync"}

    @property
    def other_needs_sync(self) -> bool:
        """Whether, as it says, the other side is there and has yet to take over this network's address space."""
        is_paired = self.peering_state == "Connected"
        return is_paired and self.sync_level in {"RemoteNotInSync", "LocalAndRemoteNotInSync"}

    def __str__(self) -> str:
        network = ResourceId.parse(self.network_id).name
        if self.not_visible:
            return f"{network}: not visible"
        if not self.peering_id:
            return f"{network}: no peering"
        words = [self.peering_state or "in no known state", self.sync_level]
        words += [] if self.provisioning_state in {"Succeeded", ""} else [self.provisioning_state]
        return f"{network}/{ResourceId.parse(self.peering_id).name}: {', '.join(word for word in words if word)}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, without the properties."""
        found = {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name != "properties"}
        return {**found, "status": str(self.status)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SideState:
        """From :meth:`to_json`'s."""
        return cls(**{name: value for name, value in data.items() if name != "status"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PeeringState:
    """How a peering stands, and whose move it is.

    :param move: ``OURS`` is never the last word of :func:`.peering.ensure_peering`: it has made that move
    :param words: what is awaited of whom, and why
    :param hopeless: why waiting is no use; empty else
    """

    local: SideState
    remote: SideState
    move: Move
    words: str
    hopeless: str = ""

    @property
    def settled(self) -> bool:
        """Whether there is nothing to wait for: it is as wanted, or we have something to do."""
        return not self.hopeless and self.move in {Move.NOBODY, Move.OURS}

    @property
    def line(self) -> str:
        """What is seen, and whose move it is."""
        return f"{self.local}; {self.remote}. {self.hopeless or self.words}."

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "local": self.local.to_json(),
            "remote": self.remote.to_json(),
            "move": str(self.move),
            "words": self.words,
            "hopeless": self.hopeless,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PeeringState:
        """From :meth:`to_json`'s."""
        return cls(
            local=SideState.from_json(data["local"]),
            remote=SideState.from_json(data["remote"]),
            move=Move(data["move"]),
            words=data["words"],
            hopeless=data["hopeless"],
        )


def found_in(peerings: Sequence[Mapping[str, Any]], wanted: WantedPeering, which: str) -> SideState:
    """A side, out of all peerings of its network: the one that leads to the other network, whatever its name."""
    side, other = wanted.side(which), wanted.side(other_of(which))
    name, taken_by = side.name_towards(other).casefold(), ""
    for peering in peerings:
        leads_to = ((peering.get("properties") or {}).get("remoteVirtualNetwork") or {}).get("id")
        if same_id(leads_to, other.network_id):
            return SideState.of(peering, side.network_id)
        if str(peering.get("name", "")).casefold() == name:
            taken_by = str(leads_to)
    return SideState(network_id=side.network_id, name_taken_by=taken_by)
