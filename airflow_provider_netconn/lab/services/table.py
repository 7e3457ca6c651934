"""What answers behind each resource type: the protocol on each port, and the names in its certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

FALLBACK: Final = ""
"""The type of the row that stands for all types without one."""
HTTPS, TLS = "https", "tls"
HTTPS_PORT: Final = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """One row of ``services.json``.

    :param groups: group ids it is about, without case; none: all of the type's that have no row of their own
    :param ports: TCP port -> protocol
    :param certificate: names that the certificate has in addition
    :param wildcard: whether it carries the wildcard in front of the public name, and not that name itself
    :param privatelink: whether it carries the name below ``privatelink`` as well
    :param source: who says so
    """

    groups: frozenset[str]
    ports: Mapping[int, str]
    certificate: tuple[str, ...]
    wildcard: bool
    privatelink: bool
    source: str

    def protocol(self, port: int) -> str:
        """:return: what is spoken on a port; ``tls`` where all that is known is that it begins with a handshake"""
        return self.ports.get(port) or (HTTPS if port == HTTPS_PORT else TLS)

    def names(self, host: str) -> tuple[str, ...]:
        """:return: the names in the certificate of a public name"""
        label, _, rest = host.partition(".")
        public = f"*.{rest}" if self.wildcard and "." in rest else host
        inside = f"{label}.privatelink.{rest}"
        has_own = self.privatelink and not rest.startswith("privatelink.")
        return (public, *([inside] if has_own else []), *self.certificate)


def service_row(resource_type: str, group: str = "") -> ServiceRow:
    """:return: what answers behind a group of a resource type; both are compared without case"""
    rows = _rows()
    own = rows.get(resource_type.casefold(), ())
    exact = [row for row in own if group.casefold() in row.groups]
    return next(iter(exact or [row for row in own if not row.groups] or rows[FALLBACK]))


@cache
def _rows() -> Mapping[str, tuple[ServiceRow, ...]]:
    text = resources.files(__package__).joinpath("services.json").read_text(encoding="utf-8")
    found: dict[str, tuple[ServiceRow, ...]] = {}
    for entry in json.loads(text)["services"]:
        row = ServiceRow(
            groups=frozenset(group.casefold() for group in entry.get("groups", ())),
            ports={int(port): protocol for port, protocol in entry["ports"].items()},
            certificate=tuple(entry.get("certificate", ())),
            wildcard=entry.get("wildcard", True),
            privatelink=entry.get("privatelink", False),
            source=entry["source"],
        )
        for name in entry["types"] or [FALLBACK]:
            found[name.casefold()] = (*found.get(name.casefold(), ()), row)
    return found
