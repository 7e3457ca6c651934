"""From the JSON of a resource, and of what lies below it, to its firewall. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from airflow_provider_netconn.azure.firewall.table import FirewallService, Restricts
from airflow_provider_netconn.azure.firewall.values import (
    AZURE_SERVICES,
    AddressRange,
    Firewall,
    FirewallRule,
    PublicAccess,
)
from airflow_provider_netconn.errors import InvalidOptionError

Json = Mapping[str, Any]

_LAST_PRIORITY: Final = 2147483647
_ANY: Final = "any"
_ACCESS: Final = {
    "": PublicAccess.ON,  # absent is how older resources say it
    "enabled": PublicAccess.ON,
    "disabled": PublicAccess.OFF,
    "securedbyperimeter": PublicAccess.PERIMETER,
}


def firewall_of(
    service: FirewallService, resource: Json, *, child: Json | None = None, children: Mapping[str, Sequence[Json]]
) -> Firewall:
    """The firewall that a resource's settings make.

    :param resource: as Resource Manager gives it
    :param child: the single child resource that the service has its firewall in
    :param children: by type of child, the rules that are resources of their own
    """
    document = {**resource, "child": child or {}}
    reader = _Reader(service, document, children)
    reader.read_lists()
    reader.read_children()
    reader.read_restrictions()
    access, setting = public_access(service, document)
    subnets = (*reader.subnets, *_subnets(service, document))
    return Firewall(
        resource_id=str(resource.get("id", "")),
        service=service.service,
        location=str(resource.get("location", "")),
        public_access=access,
        public_setting=setting,
        restricted=_restricted(service, document, reader, subnets),
        rules=tuple(reader.rules),
        subnets=subnets,
        same_region_blind=service.same_region_blind,
        limit=service.limit,
        used=reader.used,
        delay=service.delay,
        unread=tuple(reader.unread),
        notes=tuple(_notes(service, document)),
        also=tuple(_others(service, resource, document)),
    )


def _others(service: FirewallService, resource: Json, document: Json) -> Iterator[Firewall]:
    if service.also and not at(document, service.also_unless):
        differing: dict[str, Any] = {"also": {}, **service.also}
        yield firewall_of(replace(service, **differing), resource, child=document["child"], children={})


def public_access(service: FirewallService, document: Json) -> tuple[PublicAccess, str]:
    """Whether there is a public endpoint, and how Azure words that."""
    found = at(document, service.public_access) or at(document, "properties.publicNetworkAccess") or ""
    return _ACCESS.get(str(found).casefold(), PublicAccess.UNKNOWN), str(found)


def at(document: Any, path: str) -> Any:
    """What lies at a path such as ``properties.networkAcls``; None where it ends before."""
    for step in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(step)
    return document


class _Reader:
    """Collects the rules, and those that it cannot read."""

    def __init__(self, service: FirewallService, document: Json, children: Mapping[str, Sequence[Json]]) -> None:
        self._service = service
        self._document = document
        self._children = children
        self.rules: list[FirewallRule] = []
        self.subnets: list[str] = []
        self.unread: list[str] = []
        self.used = 0

    def read_lists(self) -> None:
        for path, member in self._service.lists.items():
            for item in _items(at(self._document, path)):
                text = str(at(item, member) if member else item)
                self.used += 1
                self._add(text, text, allow=str(at(item, "action") or "Allow").casefold() == "allow")

    def read_children(self) -> None:
        for segment, members in self._service.children.items():
            for child in self._children.get(segment, ()):
                properties = at(child, "properties") or {}
                if "subnet" in members:
                    self.subnets.append(str(properties.get(members["subnet"], "")))
                    continue
                self.used += segment == "firewallRules"
                self._add_span(str(child.get("name", "")), properties, members)

    def read_restrictions(self) -> None:
        """App Service's list: in the order of priority, with other conditions than addresses."""
        entries = _items(at(self._document, self._service.restrictions)) if self._service.restrictions else []
        for entry in sorted(entries, key=lambda entry: int(entry.get("priority") or _LAST_PRIORITY)):
            address = str(entry.get("ipAddress") or "")
            if address.casefold() == _ANY and int(entry.get("priority") or 0) == _LAST_PRIORITY:
                continue  # the default action, shown as if it were a rule
            self.used += 1
            self._add_restriction(entry, address)

    def _add_restriction(self, entry: Json, address: str) -> None:
        allow = str(entry.get("action") or "Allow").casefold() == "allow"
        name = str(entry.get("name") or address)
        if not address:
            self.subnets += [str(entry.get("vnetSubnetResourceId") or "")] if allow else []
        elif str(entry.get("tag", "")).casefold() == "servicetag":
            azure = address.casefold().startswith("azurecloud")
            self.rules.append(FirewallRule(name=name, allow=allow, azure=azure, about=f"service tag {address}"))
        elif address.casefold() == _ANY:
            self._add(name, "0.0.0.0/0", allow=allow, about=_headers(entry))
        else:
            for part in address.split(","):
                mask = entry.get("subnetMask")
                whole = f"{part.strip()}/{mask}" if mask and "/" not in part else part.strip()
                self._add(name, whole, allow=allow, about=_headers(entry))

    def _add(self, name: str, text: str, *, allow: bool, about: str = "") -> None:
        if self._service.azure_address and text == AZURE_SERVICES:
            self.rules.append(FirewallRule(name=name, azure=True, about="whatever comes from within Azure"))
            return
        try:
            found = AddressRange.parse(text)
        except InvalidOptionError:
            self.unread.append(text)
            return
        self.rules.append(FirewallRule(name=name, range=found, allow=allow, about=about))

    def _add_span(self, name: str, properties: Json, members: Mapping[str, str]) -> None:
        first, last = str(properties.get(members["first"], "")), str(properties.get(members["last"], ""))
        name = name.rpartition("/")[2]  # Redis calls its rules CACHE/RULE
        if self._service.azure_address and first == last == AZURE_SERVICES:
            self.rules.append(FirewallRule(name=name, azure=True, about="whatever comes from within Azure"))
            return
        try:
            found = AddressRange.between(first, last)
        except (ValueError, InvalidOptionError):
            self.unread.append(f"{name}: {first}-{last}")
            return
        self.rules.append(FirewallRule(name=name, range=found))


def _headers(entry: Json) -> str:
    headers = entry.get("headers")
    return f"and header {', '.join(sorted(headers))}" if isinstance(headers, Mapping) and headers else ""


def _subnets(service: FirewallService, document: Json) -> tuple[str, ...]:
    if not service.subnets or (service.subnets_if and not at(document, service.subnets_if)):
        return ()
    return tuple(str(at(item, service.subnet_id)) for item in _items(at(document, service.subnets)))


def _restricted(service: FirewallService, document: Json, reader: _Reader, subnets: Sequence[str]) -> bool:
    has_rules = bool(reader.rules or reader.unread or subnets)
    default = str((service.default and at(document, service.default)) or "").casefold()
    match service.restricts:
        case Restricts.ALWAYS:
            return True
        case Restricts.DEFAULT:
            return default == "deny"
        case Restricts.DEFAULT_WITH_RULES:
            return default == "deny" and has_rules
        case Restricts.DEFAULT_OR_ANY_RULE:
            return default == "deny" or (not default and has_rules)
        case Restricts.ANY_RULE:
            # Cosmos DB's filter for subnets keeps others out by being on.
            return has_rules or bool(service.subnets_if and at(document, service.subnets_if))


def _notes(service: FirewallService, document: Json) -> Iterator[str]:
    if service.note:
        yield service.note
    network = at(document, service.network) if service.network else None
    if network:
        yield f"it lies in the subnet {network}, and is reached in that network only"
    if service.restricts is Restricts.DEFAULT_WITH_RULES:
        default = str(at(document, service.default) or "").casefold()
        if (
            default == "deny"
            and not _items(at(document, next(iter(service.lists))))
            and not _subnets(service, document)
        ):
            yield "the default action is Deny, and without any rule it keeps nobody out"


def _items(found: Any) -> list[Any]:
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []
