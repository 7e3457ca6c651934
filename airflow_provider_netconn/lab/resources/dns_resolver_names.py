"""What DNS private resolvers and forwarding rulesets share: api-versions, polls, limits.

Sources: recorded traffic; Microsoft Learn, "What is Azure DNS Private Resolver?" and "Azure subscription and service
limits" (DNS private resolver).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.kinds import Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.operations import Polling, timestamp
from airflow_provider_netconn.lab.arm.schema import Anything, Dictionary, Text
from airflow_provider_netconn.lab.resources.private_dns_names import bad_request

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

RESOLVERS = "Microsoft.Network/dnsResolvers"
INBOUND_ENDPOINTS = f"{RESOLVERS}/inboundEndpoints"
OUTBOUND_ENDPOINTS = f"{RESOLVERS}/outboundEndpoints"
RULESETS = "Microsoft.Network/dnsForwardingRulesets"
FORWARDING_RULES = f"{RULESETS}/forwardingRules"
RULESET_LINKS = f"{RULESETS}/virtualNetworkLinks"

RESOLVER_VERSIONS = (
    "2020-04-01-preview",
    "2022-07-01",
    "2023-07-01-preview",
    "2025-05-01",
    "2025-10-01-preview",
)

_OPERATIONS = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/locations/{region}"
    "/dnsResolverOperation"
)

RESOLVER_POLLING = Polling(
    async_operation=f"{_OPERATIONS}Statuses/{{id}}", location=f"{_OPERATIONS}Results/{{id}}", detailed=True
)
"""Polls tell id, name and times (recorded)."""

MOST_RESOLVERS = 15
"""In a subscription."""
MOST_ENDPOINTS = 5
"""Of each direction, in a resolver."""
MOST_RULES = 1_000
MOST_RULESET_LINKS = 500
MOST_TARGETS = 6
"""In a forwarding rule."""
MOST_ENDPOINTS_OF_RULESET = 2
MOST_RULESETS_OF_ENDPOINT = 2

METADATA = Dictionary(of=Text(), most=50)

OWNED = {"provisioningState": Anything(read_only=True), "resourceGuid": Anything(read_only=True)}
"""Properties that all of them have and the service sets."""


class ResolverKind(ResourceKind):
    """What the resolver's types have in common: who changed them is shown, etags are strong."""

    api_versions = RESOLVER_VERSIONS
    polling = RESOLVER_POLLING
    etag_quoted = '"{}"'

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {
            **super().render(plane, resource, look),
            "systemData": {
                "createdAt": timestamp(resource.created_at),
                "createdByType": "User",
                "lastModifiedAt": timestamp(resource.changed_at),
                "lastModifiedByType": "User",
            },
        }


def give_guid(write: Write) -> None:
    """Give a resource its ``resourceGuid``, once."""
    write.facts.setdefault("resourceGuid", str(uuid.uuid4()))


def refuse_change(write: Write, name: str, old: str, new: str) -> None:
    """Refuse to let a resource refer to another one than before.

    :param name: of the property
    :param old: id before, empty for a new resource
    :param new: id now
    :raises ArmError: 400 BadRequest
    """
    if old and old.casefold() != new.casefold():
        raise bad_request(f"The property '{name}' of resource '{write.path.text}' cannot be changed after creation.")
