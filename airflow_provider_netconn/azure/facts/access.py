"""Whom the resource itself admits: its public network access and its firewall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airflow_provider_netconn.azure.facts.inventory import Json, properties_of
from airflow_provider_netconn.evidence import Fact, FactKind, Presence

_ACLS: Final = ("networkAcls", "networkRuleSet")
"""Where a firewall lies in the resource itself: Storage, Key Vault, Cognitive Services; container registries."""
_RULES: Final = ("ipRules", "virtualNetworkRules", "resourceAccessRules")
_ENABLED: Final = "Enabled"


def look_at_door(resource: Json | None) -> tuple[Fact, ...]:
    """The facts about a resource's own door; none where the resource is not in sight or has none in itself.

    :param resource: from Resource Graph
    """
    if resource is None:
        return ()
    return (_public_access(resource), *_firewall(resource))


def _public_access(resource: Json) -> Fact:
    properties = properties_of(resource)
    nested = properties.get("network") if isinstance(properties.get("network"), dict) else {}
    # Where it was never set it is on (Microsoft Learn, of each service: "default Enabled").
    said = properties.get("publicNetworkAccess") or (nested or {}).get("publicNetworkAccess") or _ENABLED
    return Fact(
        kind=FactKind.PUBLIC_ACCESS, presence=Presence.PRESENT, subject=resource["id"], state=str(said).capitalize()
    )


def _firewall(resource: Json) -> Iterator[Fact]:
    for name in _ACLS:
        rules = properties_of(resource).get(name)
        if isinstance(rules, dict) and rules.get("defaultAction"):
            counts = {kind: len(rules[kind]) for kind in _RULES if isinstance(rules.get(kind), list)}
            yield Fact(
                kind=FactKind.FIREWALL,
                presence=Presence.PRESENT,
                subject=resource["id"],
                state=str(rules["defaultAction"]).capitalize(),
                detail={"rules": counts, "bypass": str(rules.get("bypass") or "")},
            )
