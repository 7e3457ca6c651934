"""What private DNS says of a name: the endpoint's zone group, the zone, its links, the record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from airflow_provider_netconn.azure.facts.endpoints import Endpoint
from airflow_provider_netconn.azure.facts.inventory import (
    PRIVATE_DNS_VERSION,
    Inventory,
    Json,
    Seen,
    id_in,
    network_of,
    properties_of,
)
from airflow_provider_netconn.azure.facts.question import Question
from airflow_provider_netconn.azure.resource_ids import ResourceId, same_id
from airflow_provider_netconn.evidence import Fact, FactKind, Presence

ZONES: Final = "Microsoft.Network/privateDnsZones"
_MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Zone:
    """A zone of the wanted name, and its links."""

    id: str
    links: Seen[list[Json]]

    def link_to(self, network: str) -> Json | None:
        return next((link for link in self.links.value if same_id(_linked(link), network)), None)


async def look_up(question: Question, endpoint: Endpoint | None, inventory: Inventory) -> tuple[Fact, ...]:
    """The facts about the name, for each zone in which its record belongs."""
    if not question.zones:
        return ()
    group, grouped = await _zone_group(endpoint, inventory)
    facts = [*group]
    for name in question.zones:
        facts += await _zone_facts(name, grouped, question, endpoint, inventory)
    return tuple(facts)


async def _zone_group(endpoint: Endpoint | None, inventory: Inventory) -> tuple[list[Fact], list[str]]:
    """The fact about the endpoint's zone group, and the ids of the zones in it."""
    if endpoint is None:
        return [], []
    kind = FactKind.ZONE_GROUP
    if endpoint.resource is None:
        return [Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=endpoint.id, reason=endpoint.hidden)], []
    read = await inventory.listed(f"{endpoint.id}/privateDnsZoneGroups")
    if read.hidden:
        return [Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=endpoint.id, reason=read.hidden)], []
    if not read.value:
        return [Fact(kind=kind, presence=Presence.ABSENT, subject=endpoint.id)], []
    found = read.value[0]  # an endpoint has one at most
    configs = properties_of(found).get("privateDnsZoneConfigs") or ()
    zones = [str(properties_of(config).get("privateDnsZoneId") or "") for config in configs]
    return [Fact(kind=kind, presence=Presence.PRESENT, subject=found["id"], detail={"zones": zones})], zones


async def _zone_facts(
    name: str, grouped: Iterable[str], question: Question, endpoint: Endpoint | None, inventory: Inventory
) -> list[Fact]:
    home = network_of(question.worker_network)
    listed = await inventory.everywhere(ZONES, PRIVATE_DNS_VERSION)
    ids = [str(one["id"]) for one in listed.value if str(one["name"]).casefold() == name.casefold()]
    elsewhere = [one for one in grouped if one.casefold().endswith(f"/{name.casefold()}")]
    ids += [one for one in elsewhere if not any(same_id(one, known) for known in ids)]
    if not ids:
        return [await _no_zone(name, home, listed.hidden, inventory)]
    links = await asyncio.gather(*(inventory.listed(f"{one}/virtualNetworkLinks", PRIVATE_DNS_VERSION) for one in ids))
    zones = [_Zone(id=zone, links=seen) for zone, seen in zip(ids, links, strict=True)]
    zone = max(zones, key=lambda one: (one.link_to(home) is not None, any(same_id(one.id, id_) for id_ in elsewhere)))
    return [
        Fact(kind=FactKind.ZONE, presence=Presence.PRESENT, subject=zone.id, detail={"of_this_name": len(zones)}),
        await _link_fact(zone, home, inventory),
        await _record_fact(zone.id, name, question, endpoint, inventory),
    ]


async def _no_zone(name: str, home: str, hidden: str, inventory: Inventory) -> Fact:
    reason = hidden
    if not reason and home and await inventory.is_foreign(home):
        reason = "the worker's network lies in a subscription out of sight, and its zones may lie there too"
    if reason:
        return Fact(kind=FactKind.ZONE, presence=Presence.NOT_VISIBLE, subject=name, reason=reason)
    looked_in = (await inventory.subscriptions()).value
    return Fact(kind=FactKind.ZONE, presence=Presence.ABSENT, subject=name, detail={"looked_in": looked_in})


def _linked(link: Json) -> str:
    return id_in(properties_of(link), "virtualNetwork")


async def _link_fact(zone: _Zone, home: str, inventory: Inventory) -> Fact:
    kind, linked = FactKind.ZONE_LINK, [_linked(link) for link in zone.links.value]
    if zone.links.hidden:
        return Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=zone.id, reason=zone.links.hidden)
    detail = {"network": home, "linked_networks": linked[:_MOST_SHOWN]}
    if not home and linked:
        reason = "the worker's network was not named, so that it is not known whether the zone is linked to it"
        return Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=zone.id, reason=reason, detail=detail)
    link = zone.link_to(home)
    if link is None:
        servers = await _dns_servers(home, inventory)
        return Fact(kind=kind, presence=Presence.ABSENT, subject=zone.id, detail={**detail, "dns_servers": servers})
    state = str(properties_of(link).get("virtualNetworkLinkState") or "")
    return Fact(kind=kind, presence=Presence.PRESENT, subject=link["id"], state=state, detail=detail)


async def _dns_servers(home: str, inventory: Inventory) -> list[str]:
    """Servers of its own that the network's machines ask; none where they ask Azure, or the network is not in sight."""
    network = await inventory.resource(home) if home else Seen(value=None)
    options = properties_of(network.value).get("dhcpOptions") or {}
    return [str(one) for one in options.get("dnsServers") or ()]


async def _record_fact(
    zone: str, name: str, question: Question, endpoint: Endpoint | None, inventory: Inventory
) -> Fact:
    names = list(dict.fromkeys(question.record_names(name)))
    reads = await asyncio.gather(*(inventory.resource(f"{zone}/A/{one}", PRIVATE_DNS_VERSION) for one in names))
    expected = list(endpoint.addresses) if endpoint else []
    found = next((read.value for read in reads if read.value is not None), None)
    detail = {"zone": zone, "expected": expected}
    if found is None:
        subject = f"{names[0]}.{name}" if names else question.host
        hidden = next((read.hidden for read in reads if read.hidden), "" if names else "its name is not known")
        presence = Presence.NOT_VISIBLE if hidden else Presence.ABSENT
        return Fact(kind=FactKind.RECORD, presence=presence, subject=subject, reason=hidden, detail=detail)
    addresses = [str(one.get("ipv4Address")) for one in properties_of(found).get("aRecords") or ()]
    state = ("right" if {*addresses} <= {*expected} else "wrong") if expected else "not compared"
    subject = f"{ResourceId.parse(found['id']).name}.{name}"
    return Fact(
        kind=FactKind.RECORD,
        presence=Presence.PRESENT,
        subject=subject,
        state=state,
        detail={**detail, "addresses": addresses},
    )
