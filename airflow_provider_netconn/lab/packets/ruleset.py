"""The policy as nftables rules: what gets through, what becomes of the rest, and where what is dialled really is.

One table, replaced as a whole in one transaction. All is decided where packets come in, by the addresses that the
sender knows; only then they are translated to where the lab listens, in 127/8. Answers of connections pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.packets.machines import FIRST_MARK
from airflow_provider_netconn.lab.packets.policy import ICMP, TCP, UDP, Action, Verdict

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.packets.addresses import Endpoint
    from airflow_provider_netconn.lab.packets.machines import Machine

TABLE: Final = "inet netconn_lab"
SEEN_TABLE: Final = "inet netconn_lab_seen"
_REFUSED, _PROHIBITED = 1, 2
_MOST_SEEN: Final = 65_535

BASE: Final = f"""table {SEEN_TABLE} {{
  set packets {{
    type ifname . ipv4_addr . inet_proto . inet_service
    size {_MOST_SEEN}
    flags dynamic
    counter
  }}
  chain count {{
    type filter hook prerouting priority -160
    iifname "netconn*" ct direction original meta l4proto {{ tcp, udp }} update @packets {{ iifname . ip daddr . \
meta l4proto . th dport }}
  }}
}}
"""
"""What machines sent to whom, counted before anything is decided; kept when the rules change."""


class Harm(StrEnum):
    """How a fault has packets fail."""

    DROP = "drop"
    REFUSE = "refuse"
    """TCP's RST; ICMP's port unreachable for the rest."""
    PROHIBIT = "prohibit"
    """ICMP's "communication administratively prohibited" (RFC 1812, section 5.2.7.1)."""
    DELAY = "delay"
    """On its way later than it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fault of packets, for some machines.

    :param devices: of the machines that it hits
    :param prefix: where they send to; empty: anywhere
    :param protocol: ``tcp``, ``udp`` or ``icmp``; empty: all
    :param port: 0: all
    """

    harm: Harm
    devices: tuple[str, ...]
    prefix: str = ""
    protocol: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What a machine dials, and where that is.

    :param machine: whose packets are translated
    :param address: what it dials
    :param port: likewise; for UDP and TCP alike
    :param local: where the lab listens
    :param seen_as: the address that who listens sees; empty: the machine's own
    """

    machine: Machine
    address: str
    port: int
    local: Endpoint
    seen_as: str = ""


def ruleset(
    machines: Iterable[Machine],
    verdicts: Iterable[Verdict],
    translations: Iterable[Translation],
    blocks: Iterable[Block] = (),
    *,
    outside: Iterable[str] = (),
) -> str:
    """The rules as ``nft -f`` takes them.

    :param verdicts: on one target for each address: see :func:`reached`
    :param outside: devices of machines on the internet
    """
    every, told, where, blocked = tuple(machines), tuple(verdicts), tuple(translations), tuple(blocks)
    hidden = {(one.machine.device, one.local.address): one.seen_as for one in where if one.seen_as}
    lines = [
        f"table {TABLE}",  # so that there is one to delete
        f"delete table {TABLE}",
        f"table {TABLE} {{",
        *_map("locals", "ifname . ipv4_addr . inet_service : ipv4_addr . inet_service", _locals(where), ""),
        *_map("hidden", "ifname . ipv4_addr : ipv4_addr", _hidden(hidden), ""),
        *_map("addresses", "ifname : ipv4_addr", (f'"{one.device}" : {one.public_address}' for one in every), ""),
        *_chain("refuse", f"meta mark set {_REFUSED} accept"),
        *_chain("prohibit", f"meta mark set {_PROHIBITED} accept"),
        *_chain("drop_new", "ct state established,related accept", "drop"),
    ]
    for protocol, name in ((TCP, "over_tcp"), (UDP, "over_udp")):
        lines += _map(name, "ifname . ipv4_addr . inet_service : verdict", _spans(told, protocol), "flags interval")
    lines += _map("over_icmp", "ifname . ipv4_addr : verdict", _pairs(told), "")
    lines += _guards(every, blocked)
    rejects = (
        f"meta mark {_REFUSED} meta l4proto tcp reject with tcp reset",
        f"meta mark {_REFUSED} reject with icmpx type port-unreachable",
        f"meta mark {_PROHIBITED} reject with icmpx type admin-prohibited",
    )
    for hook in ("input", "forward"):
        lines += _chain(f"reject_{hook}", f"type filter hook {hook} priority 0;", *rejects)
    lines += _chain(
        "translate",
        "type nat hook prerouting priority -100;",
        "meta l4proto { tcp, udp } dnat ip to iifname . ip daddr . th dport map @locals",
    )
    lines += _chain("hide", "type nat hook input priority 100;", "snat ip to iifname . ip daddr map @hidden")
    away = ", ".join(f'"{device}"' for device in outside)
    lines += _chain(
        "leave",
        "type nat hook postrouting priority 100;",
        *((f'oifname {{ {away} }} iifname "netconn*" snat ip to iifname map @addresses',) if away else ()),
    )
    return "\n".join([*lines, "}"]) + "\n"


def _guards(machines: Iterable[Machine], blocked: tuple[Block, ...]) -> list[str]:
    """What is looked at when a packet comes in: whether it is to be late, and whether it passes."""
    marks = {one.device: one.mark for one in machines if one.is_late}
    late = [line for one in blocked if one.harm is Harm.DELAY for line in _late_lines(one, marks)]
    held = _chain("hold_up", "type filter hook prerouting priority -300;", *late)
    return held + _chain(
        "decide",
        "type filter hook prerouting priority -150; policy drop;",
        'iifname != "netconn*" accept',
        f"meta mark >= {FIRST_MARK} accept",  # on its way to be held up; when it is back, it has no mark
        *(_block_line(one) for one in blocked if one.harm is not Harm.DELAY),
        "ct direction reply accept",
        "meta l4proto tcp iifname . ip daddr . tcp dport vmap @over_tcp",
        "meta l4proto udp iifname . ip daddr . udp dport vmap @over_udp",
        "meta l4proto icmp iifname . ip daddr vmap @over_icmp",
    )


def _chain(name: str, *rules: str) -> list[str]:
    return [f"  chain {name} {{", *(f"    {rule}" for rule in rules), "  }"]


def _map(name: str, types: str, elements: Iterable[str], flags: str) -> list[str]:
    found = ", ".join(elements)
    body = [f"type {types}", *([flags] if flags else []), *([f"elements = {{ {found} }}"] if found else [])]
    return [f"  map {name} {{", *(f"    {line}" for line in body), "  }"]


def _hidden(seen_as: Mapping[tuple[str, str], str]) -> Iterator[str]:
    return (f'"{device}" . {local} : {seen}' for (device, local), seen in seen_as.items())


def _locals(translations: Iterable[Translation]) -> Iterator[str]:
    seen = set()
    for one in translations:
        key = f'"{one.machine.device}" . {one.address} . {one.port}'
        if key not in seen:
            seen.add(key)
            yield f"{key} : {one.local.address} . {one.local.port}"


_TO: Final = {Action.PASS: "accept", Action.DROP: "drop", Action.DROP_NEW: "goto drop_new"}


def reached(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """:return: the verdicts on one target for each address that a machine dials: where networks overlap several have
    it, and the one that is in reach is meant"""
    by_address: dict[tuple[str, str], dict[str, list[Verdict]]] = {}
    for one in verdicts:
        places = by_address.setdefault((one.machine.device, one.target.address), {})
        places.setdefault(one.target.place, []).append(one)
    found = []
    for places in by_address.values():
        every = list(places.values())
        meant = next((some for some in every if any(one.decision.action is Action.PASS for one in some)), every[0])
        found += meant
    return found


def _spans(verdicts: Iterable[Verdict], protocol: str) -> Iterator[str]:
    for one in verdicts:
        if one.protocol == protocol:
            ports = str(one.first_port) if one.first_port == one.last_port else f"{one.first_port}-{one.last_port}"
            yield f'"{one.machine.device}" . {one.target.address} . {ports} : {_TO[one.decision.action]}'


def _pairs(verdicts: Iterable[Verdict]) -> Iterator[str]:
    for one in verdicts:
        if one.protocol == ICMP:
            yield f'"{one.machine.device}" . {one.target.address} : {_TO[one.decision.action]}'


def _late_lines(block: Block, marks: Mapping[str, int]) -> Iterator[str]:
    """What goes to be held up is not tracked: its connection begins when it is back."""
    for device in block.devices:
        if f"{device}late" in marks:
            words = [f'iifname "{device}"', *_about(block)]
            yield " ".join([*words, f"notrack meta mark set {marks[f'{device}late']}"])


def _block_line(block: Block) -> str:
    # Late packets were let through once; they meet a fault again when they are back.
    devices = ", ".join(f'"{device}", "{device}late"' for device in block.devices)
    parts = [f"iifname {{ {devices} }}"] if devices else ['iifname "none"']
    return " ".join([*parts, *_about(block), "drop" if block.harm is Harm.DROP else f"goto {block.harm}"])


def _about(block: Block) -> list[str]:
    parts = [f"ip daddr {block.prefix}"] if block.prefix else []
    parts += [f"meta l4proto {block.protocol}"] if block.protocol else []
    parts += [f"meta l4proto {{ tcp, udp }} th dport {block.port}"] if block.port else []
    return parts
