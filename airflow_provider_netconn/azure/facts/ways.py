"""The peering between the worker's network and the one that the target's private address lies in."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final

from airflow_provider_netconn.azure.facts.endpoints import Endpoint
from airflow_provider_netconn.azure.facts.inventory import Inventory, Json, Seen, id_in, network_of, properties_of
from airflow_provider_netconn.azure.facts.question import Question
from airflow_provider_netconn.azure.resource_ids import same_id
from airflow_provider_netconn.evidence import Fact, FactKind, Presence

NETWORKS: Final = "Microsoft.Network/virtualNetworks"
_NO_WORKER: Final = "the worker's network was not named, so that it is not known what is peered with it"


async def target_network(question: Question, endpoint: Endpoint | None, inventory: Inventory) -> str:
    """Id of the network that the target's private address lies in; empty where that is not known.

    The endpoint's own, or for an address without one the only network in sight that has it in its address space.
    """
    if endpoint is not None:
        return endpoint.network
    if not question.has_private_address:
        return ""
    networks = await inventory.everywhere(NETWORKS)
    homes = [one["id"] for one in networks.value if all(_holds(one, address) for address in question.addresses)]
    return str(homes[0]) if len(homes) == 1 and not networks.hidden else ""


async def look_along(question: Question, endpoint: Endpoint | None, far: str, inventory: Inventory) -> tuple[Fact, ...]:
    """A fact for each side of the peering; none where none is needed.

    :param far: id of the network that the target's private address lies in
    """
    home, kind = network_of(question.worker_network), FactKind.PEERING
    if not far:
        if endpoint is None:
            return ()
        reason = f"the endpoint's network is not known: {endpoint.hidden}"
        return (Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=endpoint.id, reason=reason),)
    if not home:
        return (Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=far, reason=_NO_WORKER),)
    if same_id(home, far):
        return ()
    near_side, far_side = await asyncio.gather(*(peerings_of(one, inventory) for one in (home, far)))
    transit = _transit(near_side, far_side)
    if transit and not any(_to(remote, side.value) for remote, side in ((far, near_side), (home, far_side))):
        detail = {"side": "transit", "network": home, "remote": far}
        return (Fact(kind=kind, presence=Presence.PRESENT, subject=transit, state="Connected", detail=detail),)
    return (
        _side("worker", home, far, near_side, is_other_hidden=bool(far_side.hidden)),
        _side("target", far, home, far_side, is_other_hidden=bool(near_side.hidden)),
    )


async def peerings_of(network: str, inventory: Inventory) -> Seen[list[Json]]:
    """The peerings of a network."""
    return await inventory.listed(f"{network}/virtualNetworkPeerings")


def remote_of(peering: Json) -> str:
    """Id of the network that a peering leads to."""
    return id_in(properties_of(peering), "remoteVirtualNetwork")


def _side(side: str, network: str, remote: str, peerings: Seen[list[Json]], *, is_other_hidden: bool) -> Fact:
    kind, detail = FactKind.PEERING, {"side": side, "network": network, "remote": remote}
    if peerings.hidden:
        return Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=network, reason=peerings.hidden, detail=detail)
    found = _to(remote, peerings.value)
    if found is None:
        if is_other_hidden and peerings.value:
            reason = "it is not peered directly, and whether one of its other peers leads there is not in sight"
            return Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=network, reason=reason, detail=detail)
        return Fact(kind=kind, presence=Presence.ABSENT, subject=network, detail=detail)
    properties = properties_of(found)
    return Fact(
        kind=kind,
        presence=Presence.PRESENT,
        subject=found["id"],
        state=str(properties.get("peeringState") or "Unknown"),
        detail={
            **detail,
            "sync_level": str(properties.get("peeringSyncLevel") or "Unknown"),
            "allows_access": properties.get("allowVirtualNetworkAccess") is not False,
        },
    )


def _to(remote: str, peerings: list[Json]) -> Json | None:
    return next((one for one in peerings if same_id(remote_of(one), remote)), None)


def _transit(near: Seen[list[Json]], far: Seen[list[Json]]) -> str:
    """A network that both are peered with, such as a hub's: whether it routes between them, the probe tells."""
    remotes = {remote_of(one).casefold() for one in near.value}
    return next((remote_of(one) for one in far.value if remote_of(one).casefold() in remotes), "")


def _holds(network: Json, address: str) -> bool:
    prefixes = (properties_of(network).get("addressSpace") or {}).get("addressPrefixes") or ()
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(prefix) for prefix in prefixes)
