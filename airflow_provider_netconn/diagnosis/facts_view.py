"""Facts of the control plane as rules and templates read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow_provider_netconn.diagnosis.listed import listed, short_id
from airflow_provider_netconn.evidence import Fact, FactKind, Presence


@dataclass(frozen=True)
class FactsView:
    """What the control plane says of one target; every property is derived from it."""

    facts: tuple[Fact, ...]

    def of(self, kind: FactKind, presence: Presence | None = None) -> tuple[Fact, ...]:
        """The facts of a kind, and of a presence where one is given."""
        return tuple(
            fact for fact in self.facts if fact.kind is kind and (presence is None or fact.presence is presence)
        )

    def is_absent(self, kind: FactKind) -> bool:
        """Whether something of that kind is known not to be there."""
        return bool(self.of(kind, Presence.ABSENT))

    def has_state(self, kind: FactKind, *states: str) -> bool:
        """Whether something of that kind is there, in one of these states."""
        return any(fact.state in states for fact in self.of(kind, Presence.PRESENT))

    @property
    def hidden(self) -> tuple[Fact, ...]:
        """What could not be looked at."""
        return tuple(fact for fact in self.facts if fact.presence is Presence.NOT_VISIBLE)

    # -- peerings -------------------------------------------------------------------------------------

    @property
    def peering_is_missing(self) -> bool:
        """A side is known not to be there, and none is known to be."""
        return self.is_absent(FactKind.PEERING) and not self._peerings

    @property
    def peering_is_one_sided(self) -> bool:
        """A side is there, and waits for the other one, or the other one is known not to be there."""
        return self.has_state(FactKind.PEERING, "Initiated") or bool(
            self._peerings and self.is_absent(FactKind.PEERING)
        )

    @property
    def peering_is_out_of_sync(self) -> bool:
        """A side has not taken over a change of an address space."""
        return any("NotInSync" in str(fact.detail.get("sync_level")) for fact in self._peerings)

    @property
    def peering_denies_access(self) -> bool:
        """A side is told not to let the networks reach each other."""
        return any(fact.detail.get("allows_access") is False for fact in self._peerings)

    @cached_property
    def _peerings(self) -> tuple[Fact, ...]:
        return self.of(FactKind.PEERING, Presence.PRESENT)

    # -- words ----------------------------------------------------------------------------------------

    def words(self) -> dict[str, str]:
        """The words that the templates of the control plane's causes may use."""
        connection = self._first(FactKind.CONNECTION)
        return {
            "azure_resource": short_id(self._subject(FactKind.RESOURCE)),
            "endpoint": short_id(connection.subject if connection else self._subject(FactKind.ENDPOINT)),
            "owner_words": str(connection.detail.get("description") or "none") if connection else "none",
            "not_visible": listed(f"{_called(fact)} ({fact.reason})" for fact in self.hidden),
            **self._name_words(),
            **self._peering_words(),
            **self._rule_words(),
            **self._door_words(),
        }

    def _name_words(self) -> dict[str, str]:
        zone, link = self._first(FactKind.ZONE), self._first(FactKind.ZONE_LINK)
        record = self._first(FactKind.RECORD)
        linked, servers = self._detail(link, "linked_networks"), self._detail(link, "dns_servers")
        return {
            "zone": short_id(zone.subject) if zone else "the private DNS zone",
            "looked_in": str(len(list(self._detail(zone, "looked_in")))),
            "worker_network": short_id(self._text(link, "network")) or "the worker's network",
            "linked_networks": listed(map(short_id, linked)) or "no network",
            "own_dns_servers": f"its own servers {listed(servers)}" if servers else "Azure, as far as is in sight",
            "record": record.subject if record else "the record",
            "record_addresses": listed(self._detail(record, "addresses")) or "no address",
            "endpoint_addresses": listed(self._detail(record, "expected")) or "not in sight",
        }

    def _peering_words(self) -> dict[str, str]:
        sides = self.of(FactKind.PEERING)
        network = next((self._text(side, "network") for side in sides if self._text(side, "side") == "worker"), "")
        remote = next((self._text(side, "network") for side in sides if self._text(side, "side") == "target"), "")
        return {
            "near_network": short_id(network),
            "far_network": short_id(remote),
            "peering_sides": listed(map(_side, sides)),
        }

    def _rule_words(self) -> dict[str, str]:
        rule = next((one for one in self.of(FactKind.SECURITY_RULE) if one.state == "Deny"), None)
        return {
            "rule": self._text(rule, "rule"),
            "rule_priority": self._text(rule, "priority"),
            "direction": self._text(rule, "direction").lower(),
            "security_group": short_id(self._text(rule, "security_group")),
            "guarded_subnet": short_id(self._text(rule, "subnet")),
        }

    def _door_words(self) -> dict[str, str]:
        access, firewall = self._first(FactKind.PUBLIC_ACCESS), self._first(FactKind.FIREWALL)
        rules = firewall.detail.get("rules", {}) if firewall else {}
        return {
            "public_access": access.state if access else "not in sight",
            "firewall_rules": listed(f"{count} {kind}" for kind, count in rules.items()) or "no rules",
        }

    def _first(self, kind: FactKind) -> Fact | None:
        # What is missing is what a cause is about; what is there only where nothing is.
        return min(self.of(kind), key=lambda fact: fact.presence is not Presence.ABSENT, default=None)

    def _subject(self, kind: FactKind) -> str:
        fact = self._first(kind)
        return fact.subject if fact else ""

    def _text(self, fact: Fact | None, key: str) -> str:
        value = fact.detail.get(key) if fact else None
        return "" if value is None else str(value)

    def _detail(self, fact: Fact | None, key: str) -> Iterable[Any]:
        return (fact.detail.get(key) or ()) if fact else ()


def _side(side: Fact) -> str:
    where = short_id(str(side.detail.get("network") or side.subject))
    if side.presence is Presence.PRESENT:
        return f"{where}: {side.state}, {side.detail.get('sync_level', '')}".rstrip(", ")
    return f"{where}: {side.presence.value.replace('_', ' ')}"


def _called(fact: Fact) -> str:
    return f"{fact.kind.value.replace('_', ' ')} of {short_id(fact.subject)}"
