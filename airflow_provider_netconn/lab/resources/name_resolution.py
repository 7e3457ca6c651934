"""What a DNS server of the lab needs to know: zones and rulesets as a network sees them, read from the store.

The order in which a network's names are resolved is Azure's (Microsoft Learn, "What is Azure DNS Private Resolver?"): a
linked private zone first, then the ruleset's rule with the longest matching domain, then public DNS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.resources.dns_resolver_names import (
    FORWARDING_RULES,
    INBOUND_ENDPOINTS,
    RESOLVERS,
    RULESET_LINKS,
)
from airflow_provider_netconn.lab.resources.network_references import id_of
from airflow_provider_netconn.lab.resources.private_dns_names import ZONE_LINKS
from airflow_provider_netconn.lab.resources.private_dns_records import CONTENTS, fqdn_of, record_sets_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenZone:
    """A private zone as one network sees it.

    :param name: without a dot at the end, in lower case
    :param zone: the zone
    :param falls_back: whether a name that the zone does not have is asked for in public DNS (``NxDomainRedirect``)
    """

    name: str
    zone: Resource
    falls_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A record set.

    :param name: fully qualified, with a dot at the end
    :param type: ``A`` and so on
    :param ttl_s: seconds
    :param values: the records as the API has them, such as ``{"ipv4Address": "10.0.0.4"}``; none in an empty set
    """

    name: str
    type: str
    ttl_s: int
    values: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An enabled forwarding rule.

    :param domain: with a dot at the end; ``.`` for every name
    :param targets: addresses and ports to ask, in this order
    """

    domain: str
    targets: tuple[tuple[str, int], ...]

    def matches(self, name: str) -> bool:
        """:return: whether a name, with a dot at its end, is the domain or lies below it"""
        domain = self.domain.casefold()
        return domain == "." or f".{name.casefold()}".endswith(f".{domain}")


def zones_seen_from(plane: ControlPlane, network_id: str) -> list[SeenZone]:
    """:return: the private zones linked to a network, those of the longest names first"""
    zones = []
    for link in plane.store.referrers(network_id, ZONE_LINKS):
        zone = plane.store.find(link.path.parent) if link.path.parent is not None else None
        if zone is not None and _takes_effect(link):
            falls_back = link.properties.get("resolutionPolicy") == "NxDomainRedirect"
            zones.append(SeenZone(name=zone.path.name.casefold(), zone=zone, falls_back=falls_back))
    return sorted(zones, key=lambda seen: -seen.name.count("."))


def records_of(plane: ControlPlane, zone: Resource) -> Iterator[Records]:
    """:return: the record sets of a zone, autoregistered ones included"""
    for resource in record_sets_of(plane, zone):
        record_type = resource.path.types[-1]
        content = resource.properties.get(CONTENTS[record_type][0], [])
        values = tuple(content) if isinstance(content, list) else (content,)
        yield Records(
            name=fqdn_of(resource.path), type=record_type, ttl_s=int(resource.properties["ttl"]), values=values
        )


def ruleset_of(plane: ControlPlane, network_id: str) -> list[Rule] | None:
    """:return: the rules that apply in a network, longest domain first; None: no ruleset is linked to it"""
    for link in plane.store.referrers(network_id, RULESET_LINKS):
        if link.path.parent is not None and _takes_effect(link):
            rules = plane.store.children(link.path.parent, FORWARDING_RULES)
            enabled = [_rule(one) for one in rules if one.properties["forwardingRuleState"] == "Enabled"]
            return sorted(enabled, key=lambda rule: -len([label for label in rule.domain.split(".") if label]))
    return None


def inbound_addresses(plane: ControlPlane, network_id: str) -> list[str]:
    """:return: the addresses of the inbound endpoints in a network, which answer as the network itself resolves"""
    return [
        configuration["privateIpAddress"]
        for resolver in plane.store.referrers(network_id, RESOLVERS)
        for endpoint in plane.store.children(resolver.path, INBOUND_ENDPOINTS)
        if _takes_effect(endpoint)
        for configuration in endpoint.facts["ipConfigurations"]
    ]


def network_of_inbound_address(plane: ControlPlane, address: str) -> str | None:
    """:return: the id of the network whose resolver listens at an address; None: no endpoint has it"""
    for endpoint in plane.store.of_type(INBOUND_ENDPOINTS):
        if any(one["privateIpAddress"] == address for one in endpoint.facts["ipConfigurations"]):
            resolver = plane.store.find(endpoint.path.parent) if endpoint.path.parent is not None else None
            return id_of(resolver.properties["virtualNetwork"]) if resolver is not None else None
    return None


def _takes_effect(resource: Resource) -> bool:
    """Whether a link or endpoint has been provisioned; one that is being changed still does what it did."""
    return not (resource.is_busy and resource.operation is not None and resource.operation.answer.state == "Creating")


def _rule(resource: Resource) -> Rule:
    targets = tuple((one["ipAddress"], int(one["port"])) for one in resource.properties["targetDnsServers"])
    return Rule(domain=resource.properties["domainName"], targets=targets)
