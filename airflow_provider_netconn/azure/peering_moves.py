"""What to do next about a peering, and whose move it is: decided from what is seen of its two sides, and nothing else.

The order of writes is Azure's (Microsoft Learn, "Create, change, or delete a virtual network peering"; recordings):

- the survivor of a deleted side goes first: until it is back to Initiated, the other one cannot be made again;
- the side that stops using gateways goes before the one that stops giving them, and the one that begins to, last;
- an address space is taken over by the side that says ``LocalNotInSync``: a sync of the other one would do nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_netconn.azure.peering_state import (
    NETWORK,
    WRITABLE,
    Goal,
    Move,
    PeeringState,
    PeeringStatus,
    SideState,
    WantedPeering,
    other_of,
)
from airflow_provider_netconn.azure.resource_ids import ResourceId

_READ: Final = f"{NETWORK}/virtualNetworkPeerings/read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write of one side.

    :param which: ``local`` or ``remote``
    :param kind: one word for why: ``create``, ``repair``, ``failed``, ``change``, ``sync``, ``unseen``, ``delete``
    :param name: of the peering
    :param body: for the PUT; None deletes it
    :param sync: take over the other network's address space
    :param words: what it is for
    """

    which: str
    kind: str
    name: str
    body: Mapping[str, Any] | None
    words: str
    sync: bool = False
    rank: int = field(default=1, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What a further write for the same reason shares with it."""
        return self.which, self.kind


def next_write(
    wanted: WantedPeering, local: SideState, remote: SideState, done: Collection[tuple[str, str]] = ()
) -> Write | None:
    """The write that is next; None where there is none, or an operation has to end first.

    :param done: the keys of writes that were done already: none is done twice for one reason
    """
    seen = {"local": local, "remote": remote}
    if local.is_busy or remote.is_busy:
        return None
    due = [_due(wanted, which, seen[which], seen[other_of(which)], done) for which in wanted.ours]
    return min((write for write in due if write is not None and write.key not in done), key=_rank, default=None)


def _rank(write: Write) -> int:
    return write.rank


def _due(
    wanted: WantedPeering, which: str, side: SideState, other: SideState, done: Collection[tuple[str, str]]
) -> Write | None:
    if wanted.goal is Goal.ABSENT:
        return _due_to_delete(wanted, which, side)
    if side.status is PeeringStatus.NOT_VISIBLE or side.unseen:
        return _due_unseen(wanted, which, other)
    if side.status is PeeringStatus.ABSENT:
        can_be_made = other.status is not PeeringStatus.DISCONNECTED or (other_of(which), "repair") in done
        words = f"{_name(side)} has no peering to {_name(other)} yet"
        return _put(wanted, which, side, "create", words) if can_be_made else None
    for kind, words in _faults(wanted, which, side):
        return _put(wanted, which, side, kind, words)
    return None


def _faults(wanted: WantedPeering, which: str, side: SideState) -> Iterator[tuple[str, str]]:
    """What is not as wanted of a side that is there, the gravest first; one write mends all of it."""
    if side.status is PeeringStatus.DISCONNECTED:
        yield "repair", f"{side.peering_id} is Disconnected: its other side was deleted"
    if side.has_failed:
        yield "failed", f"the last change of {side.peering_id} failed"
    changes = differences(wanted.properties(which), side.properties)
    if changes:
        yield "change", f"{side.peering_id} differs in {', '.join(changes)}"
    if side.needs_sync:
        yield "sync", f"{side.peering_id} has yet to take over an address space"


def _due_to_delete(wanted: WantedPeering, which: str, side: SideState) -> Write | None:
    if side.status is PeeringStatus.ABSENT:
        return None
    name = _name_of(wanted, which, side)
    return Write(which=which, kind="delete", name=name, body=None, words=f"peering {name} is still there")


def _due_unseen(wanted: WantedPeering, which: str, other: SideState) -> Write | None:
    """A side that may not be read is written unseen, where the other one does not say that all is well."""
    if other.status is PeeringStatus.CONNECTED:
        return None
    side = SideState(network_id=wanted.side(which).network_id)
    words = f"the peering of {_name(side)} may not be read, so it is written unseen"
    return _put(wanted, which, side, "unseen", words, sync=other.other_needs_sync)


def _put(
    wanted: WantedPeering, which: str, side: SideState, kind: str, words: str, *, sync: bool | None = None
) -> Write:
    properties = wanted.properties(which)
    kept = {name: side.properties[name] for name in WRITABLE if side.properties.get(name) is not None}
    return Write(
        which=which,
        kind=kind,
        name=_name_of(wanted, which, side),
        body={"properties": {**kept, **properties}},
        words=words,
        sync=side.needs_sync if sync is None else sync,
        rank=_rank_of(side.properties, properties),
    )


def _rank_of(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> int:
    """Which of the writes of two sides goes first, where gateways change hands."""
    uses, used = wanted.get("useRemoteGateways"), before.get("useRemoteGateways")
    if used and uses is False:
        return 0
    return 2 if uses and not used else 1


def _name_of(wanted: WantedPeering, which: str, side: SideState) -> str:
    if side.peering_id:
        return ResourceId.parse(side.peering_id).name
    return wanted.side(which).name_towards(wanted.side(other_of(which)))


def differences(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the properties that are not as wanted; which network it leads to is not among them."""
    return tuple(
        name
        for name, value in wanted.items()
        if name != "remoteVirtualNetwork" and _plain(value) != _plain(seen.get(name, name == "peerCompleteVnets"))
    )


def _plain(value: Any) -> Any:
    """For comparison: names of subnets in any case and order; what Azure leaves out is false."""
    if isinstance(value, list | tuple):
        return sorted(str(one).casefold() for one in value)
    return bool(value)


# -- whose move it is --------------------------------------------------------------------------------


def judge(
    wanted: WantedPeering,
    local: SideState,
    remote: SideState,
    *,
    done: Collection[tuple[str, str]] = (),
    fail_on: Collection[PeeringStatus] = (),
) -> PeeringState:
    """How a peering stands, by what is seen of its two sides.

    :param done: the keys of writes that were done already
    :param fail_on: where the local side is in one of these, waiting counts as hopeless
    """

    move, words, hopeless = _judgement(wanted, local, remote, done, fail_on)
    return PeeringState(local=local, remote=remote, move=move, words=words, hopeless=hopeless)


def _judgement(
    wanted: WantedPeering,
    local: SideState,
    remote: SideState,
    done: Collection[tuple[str, str]],
    fail_on: Collection[PeeringStatus],
) -> tuple[Move, str, str]:
    taken = _name_taken(wanted, local, remote)
    write = next_write(wanted, local, remote, done)
    is_busy = local.is_busy or remote.is_busy
    hopeless = ""
    if taken:
        move, words, hopeless = Move.LOCAL, taken, taken
    elif write is not None:
        move, words = Move.OURS, write.words
    elif wanted.goal is Goal.ABSENT:
        move, words = _move_to_absence(wanted, local, remote, done)
        hopeless = _hopeless(local, move, words, ())
    elif is_busy:
        move, words = Move.AZURE, "Azure is still at work on it"
    else:
        move, words = _whose_move(wanted, local, remote)
        hopeless = _hopeless(local, move, words, fail_on)
    return move, words, hopeless


def _hopeless(local: SideState, move: Move, words: str, fail_on: Collection[PeeringStatus]) -> str:
    """Why waiting is no use; empty where it may be some."""
    if local.status in fail_on:
        return f"it is {local.status}, and waiting does not change that: {words}"
    if move is not Move.NOBODY and (local.unseen or local.status is PeeringStatus.NOT_VISIBLE):
        return f"{words}; nobody could see when that is done, since {_READ} is missing at {local.network_id}"
    return ""


def _name_taken(wanted: WantedPeering, local: SideState, remote: SideState) -> str:
    """Why a side cannot be made; looked at for both before anything is written."""
    if wanted.goal is Goal.ABSENT:
        return ""
    for which, side in (("local", local), ("remote", remote)):
        if which in wanted.ours and side.name_taken_by:
            name = _name_of(wanted, which, side)
            return (
                f"{_name(side)} has a peering {name} already, and it leads to {side.name_taken_by}: give another name"
            )
    return ""


def _move_to_absence(
    wanted: WantedPeering, local: SideState, remote: SideState, done: Collection[tuple[str, str]]
) -> tuple[Move, str]:
    seen = {"local": local, "remote": remote}
    watched = wanted.ours or ("local",)
    for which in watched:
        side = seen[which]
        was_deleted = side.status is PeeringStatus.NOT_VISIBLE and (which, "delete") in done
        if side.status is PeeringStatus.NOT_VISIBLE and not was_deleted:
            return Move.LOCAL, f"nothing is known of the side of {_name(side)}: {side.not_visible}"
        if side.status is not PeeringStatus.ABSENT and not was_deleted:
            return (Move.AZURE if which in wanted.ours else Move.LOCAL), f"the peering of {_name(side)} is still there"
    return Move.NOBODY, "there is no peering (any more)"


def _whose_move(wanted: WantedPeering, local: SideState, remote: SideState) -> tuple[Move, str]:
    move, words = _by_status(wanted, local, remote)
    if {Move.LOCAL: "local", Move.REMOTE: "remote"}.get(move) in wanted.ours:
        return Move.AZURE, f"it was written, and Azure does not show that yet: {words}"
    return move, words


def _by_status(wanted: WantedPeering, local: SideState, remote: SideState) -> tuple[Move, str]:
    here, there = _name(local), _name(remote)
    match local.status:
        case PeeringStatus.CONNECTED:
            found = _of_connected(local, remote)
        case PeeringStatus.INITIATED:
            found = _of_initiated(wanted, local, remote)
        case PeeringStatus.OUT_OF_SYNC:
            found = _of_out_of_sync(local, remote)
        case PeeringStatus.DISCONNECTED:
            found = (
                Move.LOCAL,
                (
                    f"the other side was deleted: the owner of {here} has to update or delete this side, and then "
                    f"{there} make its own again"
                ),
            )
        case PeeringStatus.ABSENT if remote.status is PeeringStatus.DISCONNECTED:
            found = Move.REMOTE, f"the owner of {there} has to update or delete its Disconnected side first"
        case PeeringStatus.ABSENT:
            found = Move.LOCAL, f"the owner of {here} has to make a peering to {there}"
        case PeeringStatus.NOT_VISIBLE:
            found = _of_not_visible(local, remote)
        case _:
            found = Move.AZURE, f"{here} says {local.peering_state}, and {there} {remote.status}"
    return found


def _of_initiated(wanted: WantedPeering, local: SideState, remote: SideState) -> tuple[Move, str]:
    here, there = _name(local), _name(remote)
    if wanted.goal is Goal.INITIATED:
        return Move.NOBODY, f"the side of {here} is there; {there} has yet to make the other one"
    if remote.status in {PeeringStatus.ABSENT, PeeringStatus.NOT_VISIBLE}:
        return Move.REMOTE, f"the owner of {there} has to make the other side, a peering from there to {here}"
    return Move.AZURE, f"{there} says {remote.status}, and Azure has yet to bring the side of {here} in line"


def _of_out_of_sync(local: SideState, remote: SideState) -> tuple[Move, str]:
    here, there = _name(local), _name(remote)
    if local.needs_sync:
        return Move.LOCAL, f"the owner of {here} has to sync its side: the address space of {there} has changed"
    return Move.REMOTE, f"the owner of {there} has to sync its side: the address space of {here} has changed"


def _of_not_visible(local: SideState, remote: SideState) -> tuple[Move, str]:
    if remote.status is PeeringStatus.CONNECTED:
        return Move.NOBODY, f"Connected and in sync, as the side of {_name(remote)} says of both; ours may not be read"
    return Move.LOCAL, f"nothing is known of the side of {_name(local)}: {local.not_visible}"


def _of_connected(local: SideState, remote: SideState) -> tuple[Move, str]:
    if remote.status is PeeringStatus.CONNECTED:
        return Move.NOBODY, "Connected and in sync on both sides"
    if remote.status in {PeeringStatus.NOT_VISIBLE, PeeringStatus.ABSENT}:
        # A connected side has another one: where that seems not to be there, we do not see its subscription.
        return Move.NOBODY, (
            f"Connected and in sync, as the side of {_name(local)} says of both; the other one is not visible to us: "
            f"{remote.not_visible or 'nothing is found there'}"
        )
    return Move.AZURE, f"Azure has yet to bring the side of {_name(remote)} in line"


def _name(side: SideState) -> str:
    return ResourceId.parse(side.network_id).name
