"""Which server answers a question, from where: the order in which Azure resolves.

In a virtual network (Microsoft Learn, "What is Azure DNS Private Resolver?", the DNS query process): the network's own
DNS servers, if it names some; else a linked private zone, the one with the longest name; else the forwarding rule with
the longest domain of the ruleset that is linked; else Azure DNS, which is public DNS and the names of the network's
machines. Every alias is looked up anew from the same place, so that a private zone answers in the middle of a chain.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.names.network_names import answer_in_network
from airflow_provider_netconn.lab.names.own_servers import PORT, OwnServer, Target
from airflow_provider_netconn.lab.names.private_zones import PrivateZones
from airflow_provider_netconn.lab.names.public_names import PublicNames
from airflow_provider_netconn.lab.names.values import (
    NOBODY,
    NOERROR,
    NXDOMAIN,
    Answer,
    Question,
    Record,
    View,
    failure,
    is_within,
)
from airflow_provider_netconn.lab.resources.name_resolution import (
    network_of_inbound_address,
    ruleset_of,
    zones_seen_from,
)
from airflow_provider_netconn.lab.resources.network_references import VIRTUAL_NETWORKS
from airflow_provider_netconn.lab.resources.public_addresses import POOLS
from airflow_provider_netconn.privatelink.table import zone_table

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.names.addresses import Addresses

Exchange = Callable[[Target, Question], Awaitable[Answer]]
"""Asks a real DNS server; gives :data:`.NOBODY` where it does not answer in time."""

AZURE_DNS: Final = "168.63.129.16"
"""Azure's resolver, in every network (Learn, "What is IP address 168.63.129.16?")."""

MOST_STEPS: Final = 64
"""Look-ups for one question, aliases and forwarders together; Azure's own limit is not documented."""

MOST_FORWARDS: Final = 8
"""Servers that hand a question on, one behind the other."""

FALLING_BACK: Final = frozenset({"A", "AAAA", "CNAME"})
"""Types for which NxDomainRedirect holds (Azure's OpenAPI of virtual network links, ``resolutionPolicy``)."""

_SPACES: Final = {
    VIRTUAL_NETWORKS: "addressSpace",
    "Microsoft.Network/localNetworkGateways": "localNetworkAddressSpace",
    "Microsoft.Network/vpnSites": "addressSpace",
}


@dataclass(slots=True)
class _Walk:
    """What one question has cost so far.

    :param forwards: how many servers handed it on, up to here
    """

    steps: int = 0
    forwards: int = 0


class Resolver:
    """Answers questions from any place of the landscape, as it is at that moment.

    :param servers: the DNS servers that are none of Azure's
    :param addresses: shows the addresses in answers
    :param exchange: asks real servers, those whose address lies outside the landscape
    """

    def __init__(
        self,
        plane: ControlPlane,
        *,
        public: PublicNames,
        servers: Iterable[OwnServer],
        addresses: Addresses,
        exchange: Exchange,
    ) -> None:
        self._plane = plane
        self._public = public
        self._servers = {server.name: server for server in servers}
        self.addresses = addresses
        """Shows the addresses in answers; another may be set at any time."""
        self._zones = PrivateZones(plane)
        self._exchange = exchange

    async def resolve(self, view: View, question: Question) -> Answer:
        """The answer to a question.

        It waits for nothing but real servers. A view of what is not there, such as a deleted network, is answered by
        nobody.
        """
        self._plane.operations.advance()  # what has ended meanwhile takes effect now
        answer = await self._resolve(view, question, _Walk())
        return replace(answer, records=tuple(self._shown(record, view.network) for record in answer.records))

    def _shown(self, record: Record, network_id: str | None) -> Record:
        if record.is_foreign or record.type not in {"A", "AAAA"}:
            return record
        return replace(record, data=self.addresses.shown(record.data, network_id))

    async def _resolve(self, view: View, question: Question, walk: _Walk) -> Answer:
        network = None
        if view.network is not None:
            network = self._plane.store.find(view.network)
            if network is None:
                return NOBODY
            custom = (network.properties.get("dhcpOptions") or {}).get("dnsServers") or ()
            if custom and not view.at_azure:
                # Machines go to the next one where nobody answers (Learn, "Name resolution for resources in Azure
                # virtual networks"); where none does, neither do we.
                return await self._ask([(address, PORT) for address in custom], question, walk, view.network)
        records: list[Record] = []
        asked = question
        while walk.steps < MOST_STEPS:
            walk.steps += 1
            answer = await self._step(view, network, asked, walk)
            if answer.rcode is None:
                return answer
            records += answer.records
            alias = _open_alias(answer, asked)
            if alias is None:
                return Answer(answer.rcode, tuple(records), answer.authority, answer.note)
            asked = Question(alias, question.type)
        return failure("the aliases or forwarders lead round in a circle")

    async def _step(self, view: View, network: Resource | None, question: Question, walk: _Walk) -> Answer:
        if network is not None:
            return await self._in_network(network, question, walk)
        if view.server is not None:
            return await self._at_server(view.server, question, walk)
        return self._public.answer(question)

    async def _in_network(self, network: Resource, question: Question, walk: _Walk) -> Answer:
        """One step as Azure's resolver does it in a network."""
        name = question.key
        for seen in zones_seen_from(self._plane, network.id):
            if is_within(name, seen.name):
                answer = self._zones.answer(seen.zone, question)
                if answer.rcode == NXDOMAIN and seen.falls_back and question.type in FALLING_BACK:
                    return self._public.answer(question)
                return answer
        for rule in ruleset_of(self._plane, network.id) or ():
            if rule.matches(f"{name}.") and not (rule.domain == "." and is_reserved(name)):
                answer = await self._ask(rule.targets, question, walk, network.id)
                if answer.rcode is not None:
                    return answer
                servers = ", ".join(f"{address}:{port}" for address, port in rule.targets)
                return failure(f"no server of the forwarding rule for {rule.domain} answers: {servers}")
        return answer_in_network(self._plane, network, question) or self._public.answer(question)

    async def _at_server(self, name: str, question: Question, walk: _Walk) -> Answer:
        """One step as a DNS server that is none of Azure's does it."""
        server = self._servers.get(name)
        if server is None:
            return NOBODY
        answer = server.answer(question)
        if answer is not None:
            return answer
        targets = server.targets_for(question.key)
        if not targets:
            return self._public.answer(question)
        answer = await self._ask(targets, question, walk, server.network)
        return failure(f"no server that {name} forwards to answers") if answer.rcode is None else answer

    async def _ask(self, targets: Iterable[Target], question: Question, walk: _Walk, network_id: str | None) -> Answer:
        """Ask servers one after the other until one answers, whatever it answers.

        :param network_id: of the network that is asked from
        """
        if walk.forwards >= MOST_FORWARDS:
            return failure("forwarders lead round in a circle")
        for target in targets:
            place = self._place(target, network_id)
            if isinstance(place, View):
                walk.forwards += 1
                answer = await self._resolve(place, question, walk)
                walk.forwards -= 1
            else:
                answer = await self._exchange(target, question) if place else NOBODY
            if answer.rcode is not None:
                return answer
        return NOBODY

    def _place(self, target: Target, network_id: str | None) -> View | bool:
        """Who is behind an address: a place of the lab, somebody outside it (True), or nobody (False)."""
        address, port = target
        for server in self._servers.values():
            if (server.address, server.port) == (address, port):
                return View(server=server.name)
        if port == PORT and address == AZURE_DNS:
            return View(network=network_id, at_azure=True) if network_id is not None else False
        inbound = network_of_inbound_address(self._plane, address) if port == PORT else None
        if inbound is not None:
            return View(network=inbound, at_azure=True)
        return not self._is_ours(address)

    def _is_ours(self, address: str) -> bool:
        """Whether an address belongs to the landscape, so that whatever is there outside the lab is not meant."""
        wanted = ipaddress.ip_address(address)
        if any(wanted in pool for pool in POOLS.values()) or address == AZURE_DNS:
            return True
        return any(
            wanted in ipaddress.ip_network(prefix)
            for type_name, key in _SPACES.items()
            for resource in self._plane.store.of_type(type_name)
            for prefix in (resource.properties.get(key) or {}).get("addressPrefixes") or ()
        )


def _open_alias(answer: Answer, question: Question) -> str | None:
    """The name at the end of an answer's aliases of which it says nothing; None: the answer is whole."""
    aliases = {record.name.lower(): record.data for record in answer.records if record.type == "CNAME"}
    if answer.rcode != NOERROR or not aliases or question.type == "CNAME":
        return None
    name, seen = question.name, set()
    while name.lower() in aliases and name.lower() not in seen:
        seen.add(name.lower())
        name = aliases[name.lower()].removesuffix(".")
    answered = any(record.name.lower() == name.lower() and record.type == question.type for record in answer.records)
    return None if answered or not seen else name


@cache
def _reserved_domains() -> frozenset[str]:
    rows = zone_table().rows
    names = (name for row in rows for name in (*row.public_dns_forwarders, *row.private_dns_zones))
    return frozenset(".".join(name.split(".")[-2:]) for name in names)


def is_reserved(name: str) -> bool:
    """Whether a name is one of Azure's services, which a rule for every name leaves alone.

    Microsoft Learn, "Azure DNS Private Resolver endpoints and rulesets": the two-label names of the Private Link zones.
    """
    return ".".join(name.split(".")[-2:]) in _reserved_domains()
