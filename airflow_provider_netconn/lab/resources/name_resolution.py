"""What a DNS server of the lab needs to know: zones and rulesets as a network sees them, read from the store.

The order in which a network's names are resolved is Azure's (Microsoft Learn, "What is Azure DNS Private Resolver?"): a
linked private zone first, then the ruleset's rule with the longest matching domain, then public DNS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from airflow_provider_netconn.lab.resources.private_link import APPROVED, PRIVATE_ENDPOINTS, status_of

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


def look_up(plane: ControlPlane, network_id: str, name: str) -> list[str] | None:
    """Resolve a name as a machine in a network does; nothing is asked, all is read from the store.

    A custom DNS server, or a rule's target, that is an inbound endpoint resolves as the endpoint's network does. Of any
    other one, and of public DNS, only the aliases that private endpoints bring about are known.

    :return: its IPv4 addresses; none: there is no such name; None: public DNS, or a server outside, has to tell
    """
    network = plane.store.find(network_id)
    servers = ((network.properties.get("dhcpOptions") or {}).get("dnsServers") or []) if network is not None else []
    return _handed_on(plane, servers, name, ()) if servers else _resolve(plane, network_id, name, ())


def _resolve(plane: ControlPlane, network_id: str, name: str, asked: tuple[str, ...]) -> list[str] | None:
    """What Azure's own resolver answers in a network: by its zones, then by its ruleset."""
    for wanted in filter(None, (name, _alias_of(plane, name))):
        for seen in zones_seen_from(plane, network_id):
            if f".{wanted}".casefold().endswith(f".{seen.name}"):
                found = _addresses_in(plane, seen.zone, wanted)
                if found or not seen.falls_back:
                    return found
                break
        for rule in ruleset_of(plane, network_id) or ():
            if rule.matches(f"{wanted}."):
                return _handed_on(plane, [address for address, _ in rule.targets], name, (*asked, network_id))
    return None


def _handed_on(plane: ControlPlane, servers: Iterable[str], name: str, asked: tuple[str, ...]) -> list[str] | None:
    for server in servers:
        network_id = network_of_inbound_address(plane, server)
        if network_id is not None and network_id not in asked:
            return _resolve(plane, network_id, name, asked)
    return None


def _alias_of(plane: ControlPlane, name: str) -> str | None:
    """The privatelink name that public DNS gives for a public one, while a private endpoint is approved for it."""
    for endpoint in plane.store.of_type(PRIVATE_ENDPOINTS):
        for member in endpoint.facts.get("members", ()):
            for public_name, zone, record in member["hosts"]:
                if public_name.casefold() == name.casefold() and status_of(plane, endpoint) == APPROVED:
                    return f"{record}.{zone}"
    return None


def _addresses_in(plane: ControlPlane, zone: Resource, name: str) -> list[str]:
    wanted = f"{name}.".casefold()
    return [
        str(value["ipv4Address"])
        for records in records_of(plane, zone)
        if records.type == "A" and records.name.casefold() == wanted
        for value in records.values
    ]


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
