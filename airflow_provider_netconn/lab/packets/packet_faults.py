"""Faults of packets: which machines' packets to what they keep from getting through, or hold up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.effects import BlockPackets, DelayPackets
from airflow_provider_netconn.lab.packets.ruleset import Block, Harm
from airflow_provider_netconn.lab.patterns import matches

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.faults import Fault, FaultRule
    from airflow_provider_netconn.lab.packets.listeners import Listener
    from airflow_provider_netconn.lab.packets.machines import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Packets that are held up.

    :param seconds: each, on its way to the destination
    """

    block: Block
    seconds: float


def blocks_of(
    faults: Iterable[Fault], machines: Iterable[Machine], listening: Iterable[Listener], names: Mapping[str, str]
) -> tuple[Block | Delay, ...]:
    """What the faults that stand do to packets, in their order.

    :param listening: who can be dialled besides machines
    :param names: of places, for people, by their ids in lower case
    """
    every, served = tuple(machines), tuple(listening)
    found: list[Block | Delay] = []
    for fault in faults:
        effect = fault.effect
        if not isinstance(effect, BlockPackets | DelayPackets):
            continue
        devices = tuple(one.device for one in every if _is_from(fault.rule, one, names))
        for prefix, protocol, port in _destinations(fault.rule, every, served):
            harm = Harm(effect.how) if isinstance(effect, BlockPackets) else Harm.DELAY
            block = Block(harm=harm, devices=devices, prefix=prefix, protocol=protocol, port=port)
            found.append(block if isinstance(effect, BlockPackets) else Delay(block=block, seconds=effect.seconds))
    return tuple(found)


def _is_from(rule: FaultRule, machine: Machine, names: Mapping[str, str]) -> bool:
    place = machine.place.casefold()
    return rule.query is None or any(matches(rule.query, one) for one in (place, names.get(place, "")))


def _destinations(
    rule: FaultRule, machines: Iterable[Machine], served: Iterable[Listener]
) -> Iterator[tuple[str, str, int]]:
    """Address, protocol and port of what a rule is about; nothing where it is about all."""
    if rule.path is None and rule.host is None:
        yield "", "", 0
        return
    seen = set()
    for one in served:
        if rule.host is not None and not any(matches(rule.host, host) for host in one.hosts):
            continue
        words = (one.resource_id, one.endpoint_id, one.address, f"{one.address}:{one.port}")
        if rule.path is None or any(matches(rule.path, word) for word in words if word):
            seen.add((one.address, "", one.port))
    for machine in machines:
        if rule.host is None and rule.path is not None and matches(rule.path, machine.address):
            seen.add((machine.address, "", 0))
    yield from sorted(seen)
