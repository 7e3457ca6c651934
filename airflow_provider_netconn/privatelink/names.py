"""Public names and their privatelink names, for every row of the zone table.

A row is one suffix for another, so most names have one counterpart. Where several rows or forwarders share a zone, all
counterparts are given, and none is guessed to be the right one. Parameters of zones, such as a region, are read from
the name itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from airflow_provider_netconn.privatelink.table import PARAMETER, is_within, public_form
from airflow_provider_netconn.privatelink.zones import MatchedBy, ZoneMatch, zones_for_host
from airflow_provider_netconn.target import is_address

_KEPT = 4096
_SNOWFLAKE = ("snowflakecomputing.com", "snowflakecomputing.cn")
_PRIVATELINK = "privatelink"
_IDNA = "xn--"
_AROUND = frozenset(":/\\,?#@")


class Counterparts(NamedTuple):
    """What a name is called on the other side.

    :param name: in lower case, without a final dot
    :param candidates: the names there; one where it is certain, several where the table does not tell which, none where
        there is none
    :param services: whose names they are
    :param reason: why there are none, or several; empty where there is one
    """

    name: str
    candidates: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    reason: str = ""

    @property
    def only(self) -> str | None:
        """The one counterpart; None where there is none, or more than one."""
        return self.candidates[0] if len(self.candidates) == 1 else None


def plain(host: str) -> str:
    """A host as this module compares it: in lower case, without a final dot."""
    return host.lower().removesuffix(".")


def privatelink_names(host: str) -> Counterparts:
    """The privatelink names of a public name. A name that is one already is its own.

    Upper case and a final dot make no difference. What stands around the name, a scheme, port, path or instance of SQL
    Server, stays around each candidate. An address has none, and neither has a name that is none of Azure's,
    Snowflake's or Databricks'.
    """
    return _within(host, _privatelink_names)


def public_names(host: str) -> Counterparts:
    """The public names of a privatelink name, likewise. A name that is public already is its own."""
    return _within(host, _public_names)


def _within(text: str, counterparts: Callable[[str], Counterparts]) -> Counterparts:
    """The counterparts of the name in a text, each in its place there."""
    if is_address(text) or not _AROUND & set(text):
        return counterparts(plain(text))
    around = r"((?:[a-z][a-z0-9+.-]*://|tcp:)?)([^:/\\,?#@]+)((?:[:,][0-9]+)?(?:[\\/?#].*)?)"
    parts = re.fullmatch(around, text, re.IGNORECASE | re.DOTALL)
    if parts is None or is_address(parts[2]):
        return Counterparts("", reason="holds no name, or more than a scheme, port, instance and path around it")
    found = counterparts(plain(parts[2]))
    return found._replace(candidates=tuple(f"{parts[1]}{one}{parts[3]}" for one in found.candidates))


@lru_cache(maxsize=_KEPT)
def _privatelink_names(name: str) -> Counterparts:
    if is_address(name):
        return Counterparts(name, reason="is an address, and no name")
    if any(label.startswith(_IDNA) for label in name.split(".")):
        return Counterparts(name, reason="is an internationalised name, and no resource of Azure has one")
    snowflake = _snowflake(name)
    if snowflake is not None:
        return snowflake
    matches = _nearest(zones_for_host(name))
    if any(match.by is MatchedBy.ZONE for match in matches):
        own = [match for match in matches if match.by is MatchedBy.ZONE]
        return Counterparts(name, (name,), _services(own))
    found = [match for match in matches if match.zone is not None and match.pair.zone is not None]
    if not found:
        known = " in the zone table, which names no zone for it" if matches else " of the zone table"
        return Counterparts(name, services=_services(matches), reason=f"is no name{known}")
    candidates = _unique(_private_name(name, match) for match in found)
    return Counterparts(name, candidates, _services(found), _many(candidates))


@lru_cache(maxsize=_KEPT)
def _public_names(name: str) -> Counterparts:
    if is_address(name):
        return Counterparts(name, reason="is an address, and no name")
    labels = name.split(".")
    if _PRIVATELINK in labels and name.endswith(_SNOWFLAKE):
        return Counterparts(name, (".".join(one for one in labels if one != _PRIVATELINK),), ("Snowflake",))
    matches = _nearest(zones_for_host(name))
    inside = [match for match in matches if match.by is MatchedBy.ZONE]
    if not inside:
        known = Counterparts(name, (name,), _services(matches))
        return known if matches or name.endswith(_SNOWFLAKE) else Counterparts(name, reason="is no name of the table")
    candidates = _unique(public for match in inside for public in _public_forms(name, match))
    return Counterparts(name, candidates, _services(inside), _many(candidates))


def _nearest(matches: tuple[ZoneMatch, ...]) -> list[ZoneMatch]:
    """The matches of the longest suffix; of these the ones whose private name mirrors the public one, if any does."""
    if not matches:
        return []
    longest = max(match.suffix.count(".") for match in matches)
    nearest = [match for match in matches if match.suffix.count(".") == longest]
    return [match for match in nearest if match.mirrors_zone] or nearest


def _private_name(name: str, match: ZoneMatch) -> str:
    """The name with the zone in place of its public suffix; a region that the zone does not have stays before it."""
    zone = _filled(match.pair.zone or "", match)
    suffix = match.suffix if _tells_all(match) else public_form(zone)
    return name.removesuffix(suffix) + zone


def _tells_all(match: ZoneMatch) -> bool:
    """Whether the zone has all parameters of the public suffix, so that nothing is lost between them."""
    of_zone = set(PARAMETER.findall(match.pair.zone or ""))
    return set(PARAMETER.findall(match.pair.public)) <= of_zone or not match.mirrors_zone


def _public_forms(name: str, match: ZoneMatch) -> Iterator[str]:
    """The name under each public suffix that has this zone."""
    rest = name.removesuffix(match.suffix)
    zone = match.pair.zone or ""
    for suffix in _unique(pair.public for pair in match.row.pairs if pair.zone == zone) or (public_form(zone),):
        # What the zone does not have of it, a region, stands before the zone.
        known = set(PARAMETER.findall(suffix)) <= set(match.parameters)
        yield rest + (_filled(suffix, match) if known else public_form(match.suffix))


def _filled(template: str, match: ZoneMatch) -> str:
    return PARAMETER.sub(lambda found: match.parameters.get(found[1], found[0]), template)


def _snowflake(name: str) -> Counterparts | None:
    """Snowflake puts ``privatelink`` before its domain ("Azure Private Link and Snowflake", docs.snowflake.com)."""
    domain = next((one for one in _SNOWFLAKE if is_within(name, one) and name != one), None)
    if domain is None:
        return None
    account = name.removesuffix(f".{domain}")
    if account.rpartition(".")[2] == _PRIVATELINK:
        return Counterparts(name, (name,), ("Snowflake",))
    return Counterparts(name, (f"{account}.{_PRIVATELINK}.{domain}",), ("Snowflake",))


def _services(matches: Iterable[ZoneMatch]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.row.service for match in matches))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _many(candidates: tuple[str, ...]) -> str:
    return "the table does not tell which of them it is" if len(candidates) > 1 else ""
