"""What network security groups say of the packets from the worker's subnet to the private address.

Order of rules and service tags: Microsoft Learn, "Network security groups". A rule that cannot be judged from here, as
one for an application security group, ends the look without an answer, rather than with a guess.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_netconn.azure.facts.endpoints import Endpoint
from airflow_provider_netconn.azure.facts.inventory import Inventory, Json, id_in, network_of, properties_of
from airflow_provider_netconn.azure.facts.question import Question
from airflow_provider_netconn.azure.facts.ways import peerings_of, remote_of
from airflow_provider_netconn.azure.resource_ids import same_id
from airflow_provider_netconn.evidence import Fact, FactKind, Presence

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

_GUARDED: Final = frozenset({"enabled", "networksecuritygroupenabled"})
"""``privateEndpointNetworkPolicies`` of a subnet under which its group holds for private endpoints."""
_ANY: Final = frozenset({"*", "any", "0.0.0.0/0", "::/0"})
_PRIVATE_ONLY: Final = frozenset({"internet", "azureloadbalancer"})
"""Service tags that no private address of a network is among."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """TCP packets that a group judges.

    :param inbound: whether it judges them on their way in
    :param sources: where they may come from; empty where that is not known
    :param destinations: where they go
    :param port: where they go
    :param own: address space of the group's network and of its peers: ``VirtualNetwork``
    """

    inbound: bool
    sources: Networks
    destinations: Networks
    port: int
    own: Networks


async def look_at_guards(question: Question, endpoint: Endpoint | None, inventory: Inventory) -> tuple[Fact, ...]:
    """What the groups at the endpoint's subnet and at the worker's say; none where no endpoint is in sight."""
    if endpoint is None or not endpoint.subnet:
        return ()
    destinations = _networks(endpoint.addresses)
    home = network_of(question.worker_network)
    worker_subnet = question.worker_network if question.worker_network != home else ""
    sources = await _prefixes(worker_subnet or home, endpoint.network, inventory)
    flow = Flow(inbound=True, sources=sources, destinations=destinations, port=question.port, own=())
    facts = await _guard(endpoint.subnet, flow, inventory, is_endpoints=True)
    if worker_subnet:
        facts += await _guard(worker_subnet, replace(flow, inbound=False), inventory)
    elif home:
        reason = "which of the network's subnets the worker is in was not said: name the subnet's id as its network"
        facts.append(Fact(kind=FactKind.SECURITY_RULE, presence=Presence.NOT_VISIBLE, subject=home, reason=reason))
    return tuple(facts)


async def _guard(subnet_id: str, flow: Flow, inventory: Inventory, *, is_endpoints: bool = False) -> list[Fact]:
    """What the group at a subnet says."""
    kind, direction = FactKind.SECURITY_RULE, "Inbound" if flow.inbound else "Outbound"
    detail = {"direction": direction, "subnet": subnet_id, "port": flow.port}
    subnet = await inventory.resource(subnet_id)
    if subnet.value is None:
        reason = subnet.hidden or "there is no such subnet"
        return [Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=subnet_id, reason=reason, detail=detail)]
    properties = properties_of(subnet.value)
    group_id = id_in(properties, "networkSecurityGroup")
    policies = str(properties.get("privateEndpointNetworkPolicies") or "").casefold()
    if not group_id or (is_endpoints and policies not in _GUARDED):
        return [Fact(kind=kind, presence=Presence.ABSENT, subject=subnet_id, detail=detail)]
    group, own = await asyncio.gather(inventory.resource(group_id), _own_prefixes(network_of(subnet_id), inventory))
    if group.value is None:
        reason = group.hidden or "there is no such security group"
        return [Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=group_id, reason=reason, detail=detail)]
    return [_decision(group.value, replace(flow, own=own), detail)]


def _decision(group: Json, flow: Flow, detail: Json) -> Fact:
    properties, kind = properties_of(group), FactKind.SECURITY_RULE
    detail = {**detail, "security_group": group["id"]}
    rules = [*(properties.get("securityRules") or ()), *(properties.get("defaultSecurityRules") or ())]
    for rule in sorted(rules, key=lambda one: int(properties_of(one).get("priority") or 0)):
        applies = rule_applies(properties_of(rule), flow)
        if applies is None:
            reason = f"whether its rule {rule.get('name')} is about these packets cannot be told from here"
            return Fact(kind=kind, presence=Presence.NOT_VISIBLE, subject=group["id"], reason=reason, detail=detail)
        if applies:
            said = properties_of(rule)
            return Fact(
                kind=kind,
                presence=Presence.PRESENT,
                subject=str(rule.get("id") or f"{group['id']}/securityRules/{rule.get('name')}"),
                state=str(said.get("access")),
                detail={**detail, "rule": str(rule.get("name")), "priority": said.get("priority")},
            )
    return Fact(kind=kind, presence=Presence.ABSENT, subject=group["id"], detail=detail)


def rule_applies(rule: Json, flow: Flow) -> bool | None:
    """Whether a rule, given its properties, is about a flow; None where that cannot be told."""
    if str(rule.get("direction")).casefold() != ("inbound" if flow.inbound else "outbound"):
        return False
    if str(rule.get("protocol")).casefold() not in {"*", "tcp"}:
        return False
    if not any(_has_port(span, flow.port) for span in _texts(rule, "destinationPortRange")):
        return False
    answers = [
        _has_addresses(rule, "source", flow.sources, flow.own),
        _has_addresses(rule, "destination", flow.destinations, flow.own),
    ]
    if "*" not in _texts(rule, "sourcePortRange") and "0-65535" not in _texts(rule, "sourcePortRange"):
        answers.append(None)  # a client's port is any
    if False in answers:
        return False
    return None if None in answers else True


def _has_addresses(rule: Json, end: str, addresses: Networks, own: Networks) -> bool | None:
    """Whether the rule's prefixes of one end hold all the addresses: False for none, None for some or unknown."""
    if rule.get(f"{end}ApplicationSecurityGroups"):
        return None
    answers = [_holds(text, addresses, own) for text in _texts(rule, f"{end}AddressPrefix")]
    if True in answers:
        return True
    return None if None in answers else False


def _holds(text: str, addresses: Networks, own: Networks) -> bool | None:
    if text.casefold() in _ANY:
        return True
    if text.casefold() in _PRIVATE_ONLY:
        return False
    if not addresses:
        return None
    if text.casefold() == "virtualnetwork":
        return _within(addresses, own) if own else None
    try:
        return _within(addresses, (ipaddress.ip_network(text, strict=False),))
    except ValueError:
        return None  # a service tag: what is in it is Azure's to say


def _within(addresses: Networks, prefixes: Networks) -> bool | None:
    inside = [any(_is_part(one, prefix) for prefix in prefixes) for one in addresses]
    touching = any(one.version == prefix.version and one.overlaps(prefix) for one in addresses for prefix in prefixes)
    if all(inside):
        return True
    return None if touching else False


def _is_part(one: Any, prefix: Any) -> bool:
    return bool(one.version == prefix.version and one.subnet_of(prefix))


def _has_port(span: str, port: int) -> bool:
    if span == "*":
        return True
    first, _, last = span.partition("-")
    return int(first) <= port <= int(last or first)


def _texts(rule: Json, name: str) -> list[str]:
    one, many = rule.get(name), rule.get(f"{name}es" if name.endswith("Prefix") else f"{name}s")
    return [str(text) for text in ([one] if one else []) + list(many or ())]


# -- prefixes -----------------------------------------------------------------------------------------


async def _prefixes(worker: str, far: str, inventory: Inventory) -> Networks:
    """The addresses that the worker may have; empty where that is not known."""
    if not worker:
        return ()
    read = await inventory.resource(worker)
    found = _subnet_prefixes(read.value) or _address_space(properties_of(read.value), "addressSpace")
    if found:
        return _networks(found)
    # The network is another's: the peering that leads to it tells its addresses.
    for peering in (await peerings_of(far, inventory)).value:
        properties = properties_of(peering)
        if same_id(remote_of(peering), network_of(worker)):
            return _networks(_address_space(properties, "remoteVirtualNetworkAddressSpace"))
    return ()


async def _own_prefixes(network: str, inventory: Inventory) -> Networks:
    """What ``VirtualNetwork`` stands for at a network; empty where it is not in sight."""
    read, peerings = await asyncio.gather(inventory.resource(network), peerings_of(network, inventory))
    found = list(_address_space(properties_of(read.value), "addressSpace"))
    if not found:
        return ()
    for peering in peerings.value:
        if properties_of(peering).get("peeringState") == "Connected":
            found += _address_space(properties_of(peering), "remoteAddressSpace")
    return _networks(found)


def _subnet_prefixes(subnet: Json | None) -> Sequence[str]:
    properties = properties_of(subnet)
    return properties.get("addressPrefixes") or ([properties["addressPrefix"]] if "addressPrefix" in properties else [])


def _address_space(properties: Json, name: str) -> Sequence[str]:
    space = properties.get(name)
    return list(space.get("addressPrefixes") or ()) if isinstance(space, dict) else []


def _networks(texts: Iterable[str]) -> Networks:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
