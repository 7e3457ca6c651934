"""What facts are asked for: a target as probing saw it, and from where."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_netconn.evidence import ProbeResult, Stage
from airflow_provider_netconn.privatelink import ZoneMatch, zones_for_host


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What facts are asked for.

    :param host: the name that a client dials
    :param port: TCP port
    :param names: that name and what it is an alias of; last the name that is verified, where another one is dialled
    :param addresses: what it resolved to; empty where it did not
    :param worker_network: id of the network, or better of the subnet, that the worker is in; empty where not known
    """

    host: str
    port: int
    names: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    worker_network: str = ""

    @classmethod
    def of(cls, probe: ProbeResult, worker_network: str) -> Question:
        """The question that a probe leaves open."""
        resolved = probe.stage(Stage.RESOLVE)
        detail = resolved.detail if resolved else {}
        dialled = probe.target.dialled
        return cls(
            host=dialled,
            port=probe.target.port,
            names=(dialled, *(detail.get("dns") or {}).get("chain", ()), probe.target.host),
            addresses=tuple(str(one).partition("%")[0] for one in detail.get("addresses", ())),
            worker_network=worker_network,
        )

    @property
    def matches(self) -> tuple[ZoneMatch, ...]:
        """What the zone table says of the first of the names that it knows."""
        return next((found for name in self.names if (found := zones_for_host(name))), ())

    @property
    def resource_name(self) -> str:
        """What the resource behind the name is called; empty where the name is none of Private Link's."""
        return next((name.lower().partition(".")[0] for name in self.names if zones_for_host(name)), "")

    @property
    def resource_types(self) -> frozenset[str]:
        """Types of the resource, in lower case."""
        return frozenset(kind.casefold() for match in self.matches for kind in match.row.resource_types)

    @property
    def group_ids(self) -> frozenset[str]:
        """Sub-resources that such a name stands for, in lower case."""
        return frozenset(group.casefold() for match in self.matches for group in match.row.subresources)

    @property
    def zones(self) -> tuple[str, ...]:
        """The private DNS zones in which the name's record belongs."""
        owned = [match for match in self.matches if match.zone_position == 0] or list(self.matches)
        return tuple(dict.fromkeys(match.zone for match in owned if match.zone))

    def record_names(self, zone: str) -> Iterator[str]:
        """What the record may be called in a zone, as the alias or, by the zone table, the public name has it."""
        for match in self.matches:
            for name in self.names:
                lowered = name.lower()
                for suffix in (zone.lower(), match.suffix):
                    if lowered.endswith(f".{suffix}"):
                        yield lowered.removesuffix(f".{suffix}")

    @property
    def has_private_address(self) -> bool:
        """Whether it resolved to an address that is nobody's on the internet."""
        return any(ipaddress.ip_address(one).is_private for one in self.addresses)
