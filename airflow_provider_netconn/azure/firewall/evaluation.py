"""Who gets in by a firewall, by which rule, and what else is wrong. Pure: asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from airflow_provider_netconn.azure.firewall.values import AddressRange, Firewall, FirewallRule, PublicAccess

NEAR_LIMIT_SHARE: Final = 0.9
"""From this share of the allowed number of rules on, the next ones may not fit."""


class Admission(StrEnum):
    """Whether addresses get in."""

    ALLOWED = "ALLOWED"
    PARTLY = "PARTLY"
    """Some of the addresses do not, and others do or may."""
    BLOCKED = "BLOCKED"
    UNKNOWN = "UNKNOWN"
    """What decides is not visible to us."""


class FindingCode(StrEnum):
    """What else is to be known of a firewall."""

    PUBLIC_ACCESS_OFF = "PUBLIC_ACCESS_OFF"
    SECURED_BY_PERIMETER = "SECURED_BY_PERIMETER"
    UNKNOWN_SETTING = "UNKNOWN_SETTING"
    SAME_REGION = "SAME_REGION"
    NOT_RESTRICTED = "NOT_RESTRICTED"
    ANY_ADDRESS_RULE = "ANY_ADDRESS_RULE"
    AZURE_SERVICES_RULE = "AZURE_SERVICES_RULE"
    NEAR_LIMIT = "NEAR_LIMIT"
    OTHER_SITE = "OTHER_SITE"
    """Another site of the service keeps addresses out, or may."""
    UNREADABLE_RULE = "UNREADABLE_RULE"
    NOTE = "NOTE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Where the addresses are used.

    :param region: the Azure region that the caller runs in; empty: unknown, or not in Azure
    :param in_azure: whether it runs in Azure; None: unknown
    """

    region: str = ""
    in_azure: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressAdmission:
    """Whether one address, or the addresses of one network, get in.

    :param address: as it was given
    :param rules: names of the rules that decided; empty where none did
    :param why: in words
    """

    address: str
    admission: Admission
    rules: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something else that is to be known.

    :param text: what was seen
    :param remedy: what to do; empty where nothing needs doing
    """

    code: FindingCode
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a firewall means for addresses.

    :param admission: of all addresses together
    :param addresses: of each
    :param findings: what else is to be known
    """

    admission: Admission
    addresses: tuple[AddressAdmission, ...]
    findings: tuple[Finding, ...]


def evaluate(firewall: Firewall, addresses: Sequence[AddressRange], caller: Caller | None = None) -> Evaluation:
    """Judge addresses by a firewall.

    :param addresses: from which callers come, as the service sees them
    :param caller: where they run
    """
    caller = caller or Caller()
    judged = tuple(_judge(firewall, address, caller) for address in addresses)
    return Evaluation(
        admission=together([one.admission for one in judged]),
        addresses=judged,
        findings=(*_findings(firewall, caller), *_of_other_sites(firewall, addresses, caller)),
    )


def together(admissions: Sequence[Admission]) -> Admission:
    """The admission of several as one; of none it is unknown."""
    found = set(admissions)
    if len(found) == 1:
        return admissions[0]
    # A known refusal is told though something else is unknown.
    return Admission.PARTLY if found & {Admission.BLOCKED, Admission.PARTLY} else Admission.UNKNOWN


def is_same_region(one: str, other: str) -> bool:
    """Whether two names are of one Azure region: ``West Europe`` is ``westeurope``."""
    return bool(one and other) and _region(one) == _region(other)


def _region(name: str) -> str:
    return name.replace(" ", "").casefold()


def _judge(firewall: Firewall, address: AddressRange, caller: Caller) -> AddressAdmission:
    if firewall.public_access is PublicAccess.OFF:
        why = "public network access is off, so no rule helps"
        return AddressAdmission(address=address.text, admission=Admission.BLOCKED, why=why)
    if firewall.public_access is not PublicAccess.ON:
        why = f"public network access is {firewall.public_setting!r}, and what that admits is not visible here"
        return AddressAdmission(address=address.text, admission=Admission.UNKNOWN, why=why)
    if _is_blind(firewall, caller) and firewall.restricted:
        why = f"the caller is in the service's own region {firewall.location}, where IP rules have no effect"
        return AddressAdmission(address=address.text, admission=Admission.BLOCKED, why=why)
    pieces = [_decide(firewall, piece, caller) for piece in _pieces(firewall.rules, address)]
    rules = tuple(dict.fromkeys(rule for _, rule, _ in pieces if rule))
    admission = together([piece for piece, _, _ in pieces])
    return AddressAdmission(address=address.text, admission=admission, rules=rules, why=_why(pieces, admission))


_Decision = tuple[Admission, str, str]


def _why(pieces: Sequence[_Decision], admission: Admission) -> str:
    # Of addresses that get in in part, what keeps the others out is what matters.
    wanted = {Admission.PARTLY: Admission.BLOCKED}.get(admission, admission)
    return "; ".join(dict.fromkeys(why for piece, _, why in pieces if piece is wanted))


def _pieces(rules: Sequence[FirewallRule], address: AddressRange) -> Iterator[AddressRange]:
    """The address range cut where rules begin and end: each piece is decided as a whole."""
    kind = type(address.first)
    low, high = int(address.first), int(address.last)
    cuts = {low}
    for rule in rules:
        if rule.range is not None and rule.range.overlaps(address):
            cuts |= {edge for edge in (int(rule.range.first), int(rule.range.last) + 1) if low < edge <= high}
    starts = sorted(cuts)
    for start, end in zip(starts, [*(cut - 1 for cut in starts[1:]), high], strict=True):
        first, last = kind(start), kind(end)
        yield AddressRange(first=first, last=last, text=str(first) if start == end else f"{first}-{last}")


def _decide(firewall: Firewall, piece: AddressRange, caller: Caller) -> _Decision:
    """The first rule that is about these addresses decides; one of which we cannot tell may have decided before it."""
    doubtful: list[FirewallRule] = []
    for rule in firewall.rules:
        covers = _covers(rule, piece, caller)
        if covers:
            word = "allows" if rule.allow else "denies"
            why = f"the rule {rule.name} {word} {piece if rule.range else rule.about}"
            return _unless(doubtful, rule.allow, rule.name, why)
        if covers is None:
            doubtful.append(rule)
    if not firewall.restricted:
        return _unless(doubtful, True, "", "the firewall keeps nobody out")
    if firewall.unread:
        return Admission.UNKNOWN, "", f"no rule that can be read admits {piece}, and some cannot be read"
    return _unless(doubtful, False, "", f"no rule admits {piece}")


def _unless(doubtful: Sequence[FirewallRule], allow: bool, name: str, why: str) -> _Decision:
    other = next((rule for rule in doubtful if rule.allow is not allow), None)
    if other is not None:
        word = "admits" if other.allow else "keeps out"
        doubt = f"{why}, but the rule {other.name} {word} {other.about}, and whether that fits is not known here"
        return Admission.UNKNOWN, other.name, doubt
    return Admission.ALLOWED if allow else Admission.BLOCKED, name, why


def _covers(rule: FirewallRule, piece: AddressRange, caller: Caller) -> bool | None:
    """Whether a rule is about these addresses; None where that depends on what we do not know."""
    if rule.azure:
        return caller.in_azure
    if rule.range is not None and not rule.range.overlaps(piece):
        return False
    return None if rule.about else True


def _is_blind(firewall: Firewall, caller: Caller) -> bool:
    return firewall.same_region_blind and is_same_region(firewall.location, caller.region)


# -- what else is wrong ----------------------------------------------------------------------------


def _findings(firewall: Firewall, caller: Caller) -> Iterator[Finding]:
    yield from _access_findings(firewall)
    if firewall.public_access is PublicAccess.ON:
        yield from _region_findings(firewall, caller)
        yield from _openness_findings(firewall)
    if firewall.limit is not None and firewall.used >= firewall.limit * NEAR_LIMIT_SHARE:
        yield Finding(
            code=FindingCode.NEAR_LIMIT,
            text=f"{firewall.used} of at most {firewall.limit} rules are used",
            remedy="join neighbouring addresses into networks, or delete rules that nobody needs",
        )
    for text in firewall.unread:
        yield Finding(code=FindingCode.UNREADABLE_RULE, text=f"the rule {text!r} cannot be read")
    for note in firewall.notes:
        yield Finding(code=FindingCode.NOTE, text=note)


def _of_other_sites(firewall: Firewall, addresses: Sequence[AddressRange], caller: Caller) -> Iterator[Finding]:
    if firewall.public_access is not PublicAccess.ON:
        return
    for other in firewall.also:
        found = evaluate(other, addresses, caller)
        kept_out = [f"{one.address}: {one.why}" for one in found.addresses if one.admission is not Admission.ALLOWED]
        if kept_out:
            text = f"its {other.service} has a list of its own, and by that is {found.admission}: {'; '.join(kept_out)}"
            remedy = "add the addresses there too where callers use that site"
            yield Finding(code=FindingCode.OTHER_SITE, text=text, remedy=remedy)


def _access_findings(firewall: Firewall) -> Iterator[Finding]:
    if firewall.public_access is PublicAccess.OFF:
        text = "public network access is off: there is no public endpoint, and IP rules have no effect"
        remedy = "reach it by a private endpoint, or have its owner allow access from selected networks"
        yield Finding(code=FindingCode.PUBLIC_ACCESS_OFF, text=text, remedy=remedy)
    elif firewall.public_access is PublicAccess.PERIMETER:
        text = "a network security perimeter decides who gets in, and not these rules"
        remedy = "add an inbound access rule with the addresses to the perimeter's profile"
        yield Finding(code=FindingCode.SECURED_BY_PERIMETER, text=text, remedy=remedy)
    elif firewall.public_access is PublicAccess.UNKNOWN:
        text = f"public network access is {firewall.public_setting!r}, which is not known here"
        yield Finding(code=FindingCode.UNKNOWN_SETTING, text=text, remedy="look it up in the portal")


def _region_findings(firewall: Firewall, caller: Caller) -> Iterator[Finding]:
    if _is_blind(firewall, caller):
        yield Finding(
            code=FindingCode.SAME_REGION,
            text=f"caller and service are both in {firewall.location}: such requests do not come from a public "
            "address, and IP rules are moot",
            remedy="use a private endpoint, or a service endpoint of the caller's subnet with a network rule",
        )


def _openness_findings(firewall: Firewall) -> Iterator[Finding]:
    if not firewall.restricted:
        text = "the firewall is not in effect: any address gets in"
        remedy = "restrict it to selected networks"
        yield Finding(code=FindingCode.NOT_RESTRICTED, text=text, remedy=remedy)
    for rule in firewall.rules:
        if rule.allow and rule.range is not None and rule.range.is_any:
            text = f"the rule {rule.name} admits {rule.range}: half the internet or more"
            remedy = "replace it by the addresses that need access"
            yield Finding(code=FindingCode.ANY_ADDRESS_RULE, text=text, remedy=remedy)
        if rule.allow and rule.azure:
            text = f"the rule {rule.name} admits whatever comes from within Azure, other customers' included"
            remedy = "delete it where nothing relies on it"
            yield Finding(code=FindingCode.AZURE_SERVICES_RULE, text=text, remedy=remedy)
