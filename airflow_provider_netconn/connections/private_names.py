"""Which name a connection is to use: a decision of the policy, the client and what was pinned; nothing is looked up.

A privatelink name is not a promise. For most services the certificate does not carry it, and in public DNS it may not
exist, or lead to the public address. So the default policy takes it only where a look at the live service, kept as a
*pin*, has shown that it leads to a private address and that the client will accept what answers there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.privatelink.names import plain, privatelink_names
from airflow_provider_netconn.target import Target, TlsUse

PINS_VERSION: Final = 1

_VERIFIES_BY_DEFAULT: Final = frozenset(
    {"https", "tls", "amqps", "amqps10", "rediss", "mongodb+tls", "kafka+ssl", "smtps"}
)


_ROUTED_BY_NAME: Final = frozenset({"http", "https", "tds"})
"""Protocols in which the client says the name that it dials, and services answer by it: Azure SQL's gateway refuses a
login by the privatelink name, and App Service knows no such site (Microsoft Learn, "Azure Private Link for Azure SQL
Database")."""


class NamesPolicy(StrEnum):
    """Which name a connection is to use."""

    PRIVATELINK = "privatelink"
    """The privatelink name, whatever comes of it."""
    VERIFIED = "verified"
    """The privatelink name where a pin shows that the client will accept it; else the public one."""
    PUBLIC = "public"
    """The public name."""


class Pin(NamedTuple):
    """What a look at the live service has shown; good until the next look.

    :param name: the public name
    :param private_name: its privatelink name
    :param addresses: where that led
    :param private: whether all of these were private
    :param covered: whether the certificate that was shown there carries the privatelink name; None where none was shown
    :param seen_at: when, as an aware time in ISO 8601
    """

    name: str
    private_name: str
    addresses: tuple[str, ...] = ()
    private: bool = False
    covered: bool | None = None
    seen_at: str = ""


class Pins(NamedTuple):
    """The pins, by public name."""

    by_name: Mapping[str, Pin] = MappingProxyType({})

    def get(self, name: str) -> Pin | None:
        """The pin of a public name."""
        return self.by_name.get(plain(name))

    def with_pins(self, pins: Iterable[Pin]) -> Self:
        """These, and others in place of their predecessors."""
        return type(self)({**self.by_name, **{plain(pin.name): pin for pin in pins}})

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file of pins; where there is none, there are no pins.

        :raises InvalidOptionError: it cannot be read, or is no file of pins
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            if data["version"] != PINS_VERSION:
                raise InvalidOptionError("pins", f"{path} is of version {data['version']}", "delete it, and pin anew")
            pins = [Pin(**{**one, "addresses": tuple(one["addresses"])}) for one in data["pins"]]
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, InvalidOptionError):
                raise
            seen = f"{path} cannot be read as a file of pins ({type(error).__name__})"
            raise InvalidOptionError(
                "pins", seen, "delete it, and write it anew with `netconn connections pin`"
            ) from None
        return cls().with_pins(pins)

    def write(self, path: str | Path) -> None:
        """Write a file of pins; one that is there is replaced whole, or not at all.

        :raises InvalidOptionError: it cannot be written
        """
        file = Path(path)
        data = {"version": PINS_VERSION, "pins": [self.by_name[name]._asdict() for name in sorted(self.by_name)]}
        try:
            draft = file.with_name(f"{file.name}.new")
            draft.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
            draft.replace(file)
        except OSError as error:
            raise InvalidOptionError("pins", f"{path} cannot be written ({error.strerror})", "name another") from None


class Decision(NamedTuple):
    """Which name one address of a connection is to use.

    :param name: the name as it stands in the connection
    :param use: the name to use
    :param reason: why, in words
    :param warning: what will go wrong with it, and what to use instead; empty where nothing is known to
    """

    name: str
    use: str
    reason: str
    warning: str = ""

    @property
    def changes(self) -> bool:
        """Whether it is to be another name."""
        return plain(self.name) != plain(self.use)


def verifies(target: Target) -> bool:
    """Whether the client of a target checks the server's certificate by the name that it dials."""
    if target.tls is not None:
        return target.tls is TlsUse.VERIFY
    return target.protocol in _VERIFIES_BY_DEFAULT


def decide(target: Target, policy: NamesPolicy, pins: Pins) -> Decision:
    """Which name a target is to use. Costs no look-up, so that the same connection gives the same name.

    :param target: an address of a connection, as its hook would dial it
    """
    there = privatelink_names(target.host)
    pin = pins.get(target.host)

    def keep(reason: str) -> Decision:
        return Decision(name=target.host, use=target.host, reason=reason)

    if policy is NamesPolicy.PUBLIC:
        return keep("the policy is public")
    if not there.candidates:
        return keep(f"it has no privatelink name: it {there.reason}")
    if there.only is None:
        return keep(f"it has several privatelink names: {', '.join(there.candidates)}")
    if there.only == plain(target.host):
        return keep("it is a privatelink name")
    if policy is NamesPolicy.PRIVATELINK:
        return Decision(
            name=target.host, use=there.only, reason="the policy is privatelink", warning=_warning(target, pin)
        )
    return _verified(target, there.only, pin)


def _verified(target: Target, private_name: str, pin: Pin | None) -> Decision:
    def decision(use: str, reason: str) -> Decision:
        return Decision(name=target.host, use=use, reason=reason)

    if pin is None:
        return decision(target.host, "it is not pinned: run `netconn connections pin`, or use private_resolution")
    if not pin.private:
        where = ", ".join(pin.addresses) or "nowhere"
        return decision(target.host, f"its privatelink name led to {where} when it was pinned ({pin.seen_at})")
    if not verifies(target) and target.protocol not in _ROUTED_BY_NAME:
        return decision(
            private_name, "its privatelink name leads to a private address, and the client verifies no name"
        )
    if pin.covered:
        return decision(
            private_name, f"the certificate carried the privatelink name when it was pinned ({pin.seen_at})"
        )
    return decision(
        target.host,
        "the certificate does not carry the privatelink name, so the public one stays; where it does not resolve to "
        "the private address, use private_resolution",
    )


def _warning(target: Target, pin: Pin | None) -> str:
    if pin is not None and pin.covered:
        return ""
    fails = _failing(target, pin)
    instead = "use names=verified, or private_resolution, which dials the private address under the public name"
    return f"{fails}; {instead}" if fails else ""


def _failing(target: Target, pin: Pin | None) -> str:
    """What will go wrong under the privatelink name: what a look has shown, else what is known of the service."""
    fact = None
    if pin is None:
        from airflow_provider_netconn.privatelink.certificates import certificate_fact  # read for a warning alone

        fact = certificate_fact(target.host)
    if fact is not None and fact.carries:
        return ""
    told = f": {fact.why} ({fact.confidence}: {fact.source})" if fact is not None else ""
    if verifies(target):
        if pin is not None and pin.covered is False:
            told = f": the certificate of {target.host} did not carry the privatelink name when it was pinned"
        return f"TLS will fail{told or f' unless the certificate of {target.host} carries the privatelink name'}"
    if fact is not None and fact.routes_by_name:
        return f"{target.host} does not answer to its privatelink name{told}"
    if target.protocol in _ROUTED_BY_NAME:
        return f"{target.host} may not answer to its privatelink name"
    return ""
