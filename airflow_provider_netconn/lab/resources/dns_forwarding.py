"""DNS forwarding rulesets, their rules and their links to networks.

Recorded: rulesets and links are accepted with 202 and an empty body, rules are written at once; a rule's domain keeps
the dot at its end. Microsoft Learn, "Azure DNS Private Resolver endpoints and rulesets" and "Azure subscription and
service limits": what is refused, but not in which words.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.kinds import Patch, Write
from airflow_provider_netconn.lab.arm.operations import Answer, Shown
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Address, Anything, Choice, Items, Number, Object, Text
from airflow_provider_netconn.lab.resources.dns_resolver_names import (
    FORWARDING_RULES,
    METADATA,
    MOST_ENDPOINTS_OF_RULESET,
    MOST_RULES,
    MOST_RULESET_LINKS,
    MOST_RULESETS_OF_ENDPOINT,
    MOST_TARGETS,
    OUTBOUND_ENDPOINTS,
    OWNED,
    RULESET_LINKS,
    RULESETS,
    ResolverKind,
    give_guid,
    refuse_change,
)
from airflow_provider_netconn.lab.resources.network_references import VIRTUAL_NETWORKS, Link, id_of, referenced
from airflow_provider_netconn.lab.resources.private_dns_names import (
    JOIN_NETWORK,
    MOST_LABELS,
    accepted,
    accepted_delete,
    bad_request,
    conflict,
    is_domain_name,
    nested_resources,
)

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

JOIN_ENDPOINT = f"{OUTBOUND_ENDPOINTS}/join/action"

AZURE_DNS = ipaddress.ip_address("168.63.129.16")
"""Azure's own resolver, which is no target of a rule (Learn, "Azure DNS Private Resolver endpoints and rulesets")."""

ENDPOINTS = "dnsResolverOutboundEndpoints"


class DnsForwardingRulesets(ResolverKind):
    """DNS forwarding rulesets."""

    type = RULESETS
    created = accepted(10, "Creating")
    updated = accepted(5)
    patched = accepted(5)
    deleted = accepted_delete(10)
    patch = Patch.MERGE
    tracked = True
    properties = Object(
        properties={
            ENDPOINTS: Items(of=Link(type=OUTBOUND_ENDPOINTS), required=True, fewest=1, most=MOST_ENDPOINTS_OF_RULESET),
            **OWNED,
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        return [(JOIN_ENDPOINT, id_of(endpoint)) for endpoint in write.properties[ENDPOINTS]]

    def merge(self, existing: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
        # A PATCH names the endpoints beside the tags, not in ``properties``.
        rest = {name: value for name, value in given.items() if name != ENDPOINTS}
        if given.get(ENDPOINTS) is not None:
            rest["properties"] = {**(given.get("properties") or {}), ENDPOINTS: given[ENDPOINTS]}
        return super().merge(existing, rest)

    def prepare(self, write: Write) -> None:
        plane, region = write.plane, write.body["location"]
        endpoints = [referenced(plane, write.path, id_of(one), region) for one in write.properties[ENDPOINTS]]
        if len({endpoint.path.key for endpoint in endpoints}) < len(endpoints):
            raise bad_request("An outbound endpoint is named twice.")
        for endpoint in endpoints:
            others = [one for one in plane.store.referrers(endpoint.path, RULESETS) if one.path.key != write.path.key]
            if len(others) >= MOST_RULESETS_OF_ENDPOINT:
                raise bad_request(
                    f"The outbound endpoint '{endpoint.id}' has {MOST_RULESETS_OF_ENDPOINT} DNS forwarding rulesets "
                    "already."
                )
        write.properties[ENDPOINTS] = [{"id": endpoint.id} for endpoint in endpoints]
        give_guid(write)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        links = plane.store.children(resource.path, RULESET_LINKS)
        if links:
            raise nested_resources(links)


class ForwardingRules(ResolverKind):
    """Forwarding rules: which servers are asked for a domain."""

    type = FORWARDING_RULES
    created = Answer(status=201)
    updated = Answer(status=200)
    patched = Answer(status=200)
    deleted = Answer(status=200, shown=Shown.NOTHING)
    patch = Patch.MERGE
    properties = Object(
        properties={
            "domainName": Text(required=True, shortest=1),
            "targetDnsServers": Items(
                of=Object(
                    properties={
                        "ipAddress": Address(required=True, code="BadRequest"),
                        "port": Number(default=53, lowest=1, highest=65535),
                    }
                ),
                required=True,
                fewest=1,
                most=MOST_TARGETS,
            ),
            "metadata": METADATA,
            "forwardingRuleState": Choice(values=("Enabled", "Disabled"), default="Enabled"),
            "provisioningState": Anything(read_only=True),
        }
    )

    def prepare(self, write: Write) -> None:
        domain, others = write.properties["domainName"], write.siblings()
        bare = domain.removesuffix(".")
        labels = bare.split(".") if bare else []
        if not domain.endswith(".") or (bare and not is_domain_name(bare)) or len(labels) > MOST_LABELS:
            raise bad_request(f"The domain name '{domain}' is invalid: it has to be a name that ends with a dot.")
        for other in others.values():
            if "domainName" in other and other["domainName"].casefold() == domain.casefold():
                raise conflict(f"The DNS forwarding ruleset has a forwarding rule for the domain '{domain}' already.")
        if len(others) >= MOST_RULES:
            raise bad_request(f"A DNS forwarding ruleset has at most {MOST_RULES} forwarding rules.")
        targets = [
            (ipaddress.ip_address(one["ipAddress"]), one["port"]) for one in write.properties["targetDnsServers"]
        ]
        if len(set(targets)) < len(targets):
            raise bad_request("A target DNS server is named twice.")
        if any(address == AZURE_DNS for address, _ in targets):
            raise bad_request(f"The IP address {AZURE_DNS} cannot be a target DNS server.")


class RulesetLinks(ResolverKind):
    """Links of forwarding rulesets to networks: one ruleset applies in a network."""

    type = RULESET_LINKS
    created = accepted(10, "Creating")
    updated = accepted(5)
    patched = accepted(5)
    deleted = accepted_delete(10)
    patch = Patch.MERGE
    properties = Object(
        properties={
            "virtualNetwork": Link(type=VIRTUAL_NETWORKS, required=True),
            "metadata": METADATA,
            "provisioningState": Anything(read_only=True),
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        yield JOIN_NETWORK, id_of(write.properties["virtualNetwork"])

    def prepare(self, write: Write) -> None:
        plane, ruleset = write.plane, write.parent
        assert ruleset is not None
        network = referenced(plane, write.path, id_of(write.properties["virtualNetwork"]), ruleset.region)
        write.properties["virtualNetwork"] = {"id": network.id}
        if write.existing is not None:
            refuse_change(write, "virtualNetwork", id_of(write.existing.properties["virtualNetwork"]), network.id)
        elif len(plane.store.children(ruleset.path, RULESET_LINKS)) >= MOST_RULESET_LINKS:
            raise bad_request(f"A DNS forwarding ruleset has at most {MOST_RULESET_LINKS} virtual network links.")
        for other in plane.store.referrers(network.path, RULESET_LINKS):
            if other.path.key != write.path.key:
                raise conflict(
                    f"The virtual network '{network.id}' is already linked to a DNS forwarding ruleset by '{other.id}'."
                )

    def reference_removed(self, plane: ControlPlane, resource: Resource, removed: Resource) -> None:
        if removed.kind.type == VIRTUAL_NETWORKS and plane.store.find(resource.path) is resource:
            plane.store.remove(resource)


class RulesetsOfNetwork(ResolverKind):
    """``POST {network}/listDnsForwardingRulesets``: the ruleset of a network, with its link."""

    type = f"{VIRTUAL_NETWORKS}/listDnsForwardingRulesets"
    methods = frozenset()

    def acts(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
        """:return: the ids of the rulesets of a network and of the links"""
        value = []
        for link in plane.store.referrers(resource.path, RULESET_LINKS):
            assert link.path.parent is not None
            ruleset_id = link.path.parent.text
            value.append({"id": ruleset_id, "properties": {"virtualNetworkLink": {"id": link.id}}})
        return ArmResponse(200, {"value": value})


KINDS = (DnsForwardingRulesets(), ForwardingRules(), RulesetLinks(), RulesetsOfNetwork())
