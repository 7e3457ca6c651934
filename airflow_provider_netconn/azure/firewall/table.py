"""Where each of fifteen services keeps its IP firewall; read from ``services.json``, whose rows carry their sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from airflow_provider_netconn.azure.resource_ids import ResourceId
from airflow_provider_netconn.errors import InvalidOptionError


class Restricts(StrEnum):
    """When an address that no rule is about is kept out."""

    ALWAYS = "always"
    DEFAULT = "default"
    """Where the default action is Deny."""
    ANY_RULE = "any_rule"
    """As soon as there is a rule that allows."""
    DEFAULT_WITH_RULES = "default_with_rules"
    """Where the default action is Deny and there is a rule: without one, Deny restricts nothing."""
    DEFAULT_OR_ANY_RULE = "default_or_any_rule"
    """Where the default action is Deny; where none is set, as soon as there is a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallService:
    """One service, and where its firewall lies. Paths lead through the resource's JSON, ``child.`` through the child's.

    :param service: its name
    :param resource_type: its type in Resource Manager
    :param api_version: to read it with
    :param restricts: when an unnamed address is kept out
    :param public_access: path of the setting of the public endpoint
    :param child: a single child resource with the firewall, such as ``networkRuleSets/default``
    :param children: types of child resources that are rules, and their members: ``first`` and ``last``, or ``subnet``
    :param lists: paths of lists of rules, and the member that has the address (empty: the item itself)
    :param restrictions: path of App Service's list by priority
    :param default: path of the default action
    :param subnets: path of the list of subnets
    :param subnets_if: path of the switch without which that list has no effect
    :param subnet_id: member of its items that has the id
    :param network: path of the subnet that the service lies in, where it has no public endpoint
    :param azure_address: ``0.0.0.0`` stands for whatever comes from within Azure
    :param same_region_blind: rules have no effect on callers in the service's own region
    :param data_plane: the firewall is behind the service's own API
    :param also: a second list of the same form, for another site of the service: what differs from this row
    :param also_unless: path of the switch by which that site goes by the first list
    :param note: what to tell of each of them
    :param limit: most rules; None where no page tells
    :param delay: how long a change takes, in words
    :param caveats: from the pages
    :param sources: where all this was read
    """

    service: str
    resource_type: str
    api_version: str
    restricts: Restricts
    public_access: str = "properties.publicNetworkAccess"
    child: str = ""
    children: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    restrictions: str = ""
    default: str = ""
    subnets: str = ""
    subnets_if: str = ""
    subnet_id: str = "id"
    network: str = ""
    azure_address: bool = False
    same_region_blind: bool = False
    data_plane: bool = False
    also: Mapping[str, str] = field(default_factory=dict)
    also_unless: str = ""
    note: str = ""
    limit: int | None = None
    delay: str = ""
    caveats: str = ""
    sources: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that reading the firewall takes, on the resource."""
        below = [*([self.child.partition("/")[0]] if self.child else []), *self.children]
        return (f"{self.resource_type}/read", *(f"{self.resource_type}/{segment}/read" for segment in below))


@cache
def firewall_services() -> Mapping[str, FirewallService]:
    """All services, by their type without case."""
    text = resources.files(__package__).joinpath("services.json").read_text(encoding="utf-8")
    rows = [_service(row) for row in json.loads(text)]
    return {row.resource_type.casefold(): row for row in rows}


def firewall_service(resource_id: str, field_name: str = "resource_ids") -> FirewallService:
    """The service that an id is of.

    :param field_name: what the author of a wrong one calls it
    :raises InvalidOptionError: it is no id, or of a type whose firewall we cannot read
    """
    identifier = ResourceId.parse(resource_id, field_name)
    found = firewall_services().get(identifier.type.casefold())
    if found is None:
        known = ", ".join(sorted(one.resource_type for one in firewall_services().values()))
        seen = f"{identifier.type or resource_id!r} is no type whose firewall can be read"
        raise InvalidOptionError(field_name, seen, f"the types are {known}")
    return found


def _service(row: Mapping[str, Any]) -> FirewallService:
    given = {**row, "restricts": Restricts(row["restricts"]), "sources": tuple(row["sources"])}
    return FirewallService(**given)
