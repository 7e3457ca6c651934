"""The firewall of a service's public endpoint: what all of them share, and the question who gets in.

A service whose endpoint has a firewall is a :class:`Firewalled` kind: it tells its :class:`Firewall` as its settings
make it, and how a caller that is kept out sees it on the wire. A changed setting does not hold at once; :func:`admits`
goes by what holds at the lab's time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.identifiers import same
from airflow_provider_netconn.lab.arm.kinds import ResourceKind, Write
from airflow_provider_netconn.lab.arm.schema import Shape, ShapeError
from airflow_provider_netconn.lab.arm.store import Resource

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

RFC_1918 = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
SHARED_ADDRESSES = IPv4Network("100.64.0.0/10")
"""Carrier-grade NAT (RFC 6598)."""
AZURE = "0.0.0.0"  # noqa: S104 -- nothing binds to it
"""In several firewalls this address stands for whatever comes from within Azure."""

PublicAddress = IPv4Address | IPv6Address


class Wire(StrEnum):
    """In what a refusal is told."""

    HTTP = "http"
    TDS = "tds"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    AMQP = "amqp"
    CLOSED = "closed"
    """Not at all: the connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a caller that is kept out gets.

    :param wire: the protocol it is told in
    :param status: HTTP status
    :param code: the service's error code; a number where the protocol numbers its errors
    :param message: its message
    :param body: the whole HTTP body
    :param content_type: of that body
    """

    wire: Wire
    status: int | None = None
    code: str = ""
    message: str = ""
    body: str = ""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a firewall.

    :param name: as an admission names it
    :param first: the lowest address
    :param last: the highest address
    :param allow: whether callers within get in
    :param azure: whether it stands for callers from within Azure instead
    """

    name: str
    first: PublicAddress
    last: PublicAddress
    allow: bool = True
    azure: bool = False

    def covers(self, address: PublicAddress, *, from_azure: bool) -> bool:
        """:return: whether the rule is about a caller"""
        if self.azure:
            return from_azure
        if address.version != self.first.version:
            return False
        return int(self.first) <= int(address) <= int(self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """A firewall as it stands at one moment.

    :param public: whether there is a public endpoint at all
    :param restricted: whether a caller that no rule is about is kept out
    :param rules: the first that is about a caller decides
    :param subnets: ids of the subnets whose service endpoint gets in
    :param blind_region: callers from this region come with addresses that rules do not see
    """

    public: bool = True
    restricted: bool = False
    rules: tuple[Rule, ...] = ()
    subnets: tuple[str, ...] = ()
    blind_region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a caller gets in, and why.

    :param allowed: whether it does
    :param rule: what decided: a rule's name, a subnet's id, ``defaultAction`` or ``publicNetworkAccess``
    :param refusal: what the caller gets instead; None if it gets in
    """

    allowed: bool
    rule: str
    refusal: Refusal | None = None


class Firewalled(ResourceKind, ABC):
    """A resource type whose public endpoint has a firewall."""

    firewall_delay_s: ClassVar[float] = 0.0
    """How long a changed rule takes until it holds, in seconds at time scale 1."""

    @abstractmethod
    def firewall(self, plane: ControlPlane, resource: Resource) -> Firewall:
        """:return: the firewall as the resource's settings make it now"""

    @abstractmethod
    def refusal(self, resource: Resource, address: str, firewall: Firewall) -> Refusal:
        """:return: what a caller of this address gets that the firewall keeps out"""

    def stored(self, write: Write, resource: Resource) -> None:
        note_change(write.plane, resource)


class FirewallRuleKind(ResourceKind):
    """A rule that is a resource of its own, below what it guards."""

    etag_in_body = False

    def stored(self, write: Write, resource: Resource) -> None:
        self._note(write.plane, resource)

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        self._note(plane, resource)

    @staticmethod
    def _note(plane: ControlPlane, resource: Resource) -> None:
        guarded = plane.store.find(resource.path.parent) if resource.path.parent is not None else None
        if guarded is not None:
            note_change(plane, guarded)


def note_change(plane: ControlPlane, resource: Resource) -> None:
    """Take note that a firewall may have changed: the change holds after the service's delay, a new one at once."""
    kind = resource.kind
    assert isinstance(kind, Firewalled), kind.type
    firewall = kind.firewall(plane, resource)
    now = plane.clock.now()
    if not resource.effective:
        resource.effective = ((now, firewall),)
        return
    if resource.effective[-1][1] == firewall:
        return
    delay = kind.firewall_delay_s * plane.time_scale if plane.firewall_delay_s is None else plane.firewall_delay_s
    past = [at for at, entry in enumerate(resource.effective) if entry[0] <= now]
    resource.effective = (*resource.effective[past[-1] if past else 0 :], (now + delay, firewall))


def effective_firewall(plane: ControlPlane, resource: Resource) -> Firewall:
    """:return: the firewall that holds at the lab's time"""
    kind = resource.kind
    assert isinstance(kind, Firewalled), kind.type
    now = plane.clock.now()
    for since, firewall in reversed(resource.effective):
        if since <= now:
            assert isinstance(firewall, Firewall)
            return firewall
    return kind.firewall(plane, resource)


def admits(plane: ControlPlane, resource: Resource, address: str, *, region: str = "", subnet: str = "") -> Admission:
    """Tell whether a caller gets in by a service's public endpoint.

    What comes by a private endpoint is not asked about: no firewall is on that way.

    :param resource: the service, such as a storage account
    :param address: of the caller, as the service sees it
    :param region: the Azure region that the caller is in; empty: it is outside Azure
    :param subnet: id of the caller's subnet, if that has a service endpoint for the service
    """
    firewall = effective_firewall(plane, resource)
    kind = resource.kind
    assert isinstance(kind, Firewalled)
    allowed, rule = decide(firewall, address, region=region, subnet=subnet)
    return Admission(allowed=allowed, rule=rule, refusal=None if allowed else kind.refusal(resource, address, firewall))


def decide(firewall: Firewall, address: str, *, region: str = "", subnet: str = "") -> tuple[bool, str]:
    """:return: whether a firewall lets a caller in, and what decided; parameters as of :func:`admits`"""
    caller = ip_address(address)
    if not firewall.public:
        return False, "publicNetworkAccess"
    seen = not region or region != firewall.blind_region
    for rule in firewall.rules:
        if seen and rule.covers(caller, from_azure=bool(region)):
            return rule.allow, rule.name
    for admitted in firewall.subnets:
        if subnet and same(admitted, subnet):
            return True, admitted
    return not firewall.restricted, "defaultAction"


# -- reading rules ---------------------------------------------------------------------------------


def range_rule(text: str, *, name: str = "", allow: bool = True, azure: bool = False) -> Rule:
    """:return: the rule that an address or a prefix makes; bits behind the prefix do not matter

    :param text: ``203.0.113.7`` or ``203.0.113.0/24``
    :param name: how an admission names it; the text itself without one
    :param azure: whether ``0.0.0.0`` stands for callers from within Azure
    """
    network = ip_network(text, strict=False)
    within_azure = azure and text == AZURE
    return Rule(name=name or text, first=network[0], last=network[-1], allow=allow, azure=within_azure)


def span_rules(
    plane: ControlPlane, resource: Resource, segment: str = "firewallRules", *, first: str, last: str
) -> tuple[Rule, ...]:
    """Read rules that are resources below the one they guard.

    :param segment: type of the rules
    :param first: property of the lowest address
    :param last: property of the highest address
    """
    rules = []
    for child in plane.store.children(resource.path, f"{resource.kind.type}/{segment}"):
        low, high = ip_address(child.properties[first]), ip_address(child.properties[last])
        azure = str(low) == str(high) == AZURE
        rules.append(Rule(name=f"{segment}/{child.path.name}", first=low, last=high, azure=azure))
    return tuple(rules)


@dataclass(frozen=True, kw_only=True)
class AddressRange(Shape):
    """An address or a prefix in an allowlist.

    :param refused: networks that it must not lie in
    :param longest_prefix: longest prefix that may be written; Storage wants bare addresses instead of ``/31``, ``/32``
    :param versions: which IP versions it may be of
    :param code: the service's error code
    :param wording: makes its message of the place and the value
    """

    refused: tuple[IPv4Network, ...] = ()
    longest_prefix: int = 128
    versions: tuple[int, ...] = (4,)
    code: str = "BadRequest"
    wording: Callable[[str, str], str] = lambda path, value: f"Invalid value found at {path}: {value}"

    def read(self, value: Any, path: str) -> str:
        try:
            network = ip_network(value if isinstance(value, str) else "", strict=False)
        except ValueError:
            raise self._refuse(value, path) from None
        too_narrow = "/" in value and network.prefixlen > self.longest_prefix
        inside = any(network.version == 4 and network.subnet_of(reserved) for reserved in self.refused)
        if too_narrow or inside or network.version not in self.versions:
            raise self._refuse(value, path)
        return str(value)

    def _refuse(self, value: Any, path: str) -> ShapeError:
        return ShapeError(path, self.wording(path, str(value)), code=self.code)


@dataclass(frozen=True, kw_only=True)
class PlainAddress(Shape):
    """One end of a span of addresses.

    :param version: 4 or 6
    :param code: the service's error code
    :param wording: makes its message of the property's name and the value
    """

    version: int = 4
    code: str = "InvalidParameterValue"
    wording: Callable[[str, str], str] = lambda name, value: (
        f"Invalid value given for parameter {name}. Specify a valid parameter value."
    )

    def read(self, value: Any, path: str) -> str:
        try:
            good = ip_address(value if isinstance(value, str) else "").version == self.version
        except ValueError:
            good = False
        if not good:
            raise ShapeError(path, self.wording(path.rpartition(".")[2], str(value)), code=self.code)
        return str(value)


def span(first: str, last: str, code: str = "InvalidParameterValue") -> Callable[[Mapping[str, Any], str], None]:
    """:return: a check that a span does not end before it begins

    :param first: property of the lowest address
    :param last: property of the highest address
    :param code: the service's error code
    """

    def check(properties: Mapping[str, Any], path: str) -> None:
        if int(ip_address(properties[first])) > int(ip_address(properties[last])):
            raise ShapeError(
                f"{path}.{first}",
                f"The start IP address '{properties[first]}' is greater than the end IP address '{properties[last]}'.",
                code=code,
            )

    return check


def unique(items: Iterable[Mapping[str, Any]], key: str) -> list[dict[str, Any]]:
    """:return: a list of rules without those that say again what an earlier one says

    :param key: the member that says it
    """
    kept: dict[str, dict[str, Any]] = {}
    for item in items:
        kept.setdefault(str(item[key]).casefold(), dict(item))
    return list(kept.values())
