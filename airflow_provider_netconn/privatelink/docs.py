"""The names of the table that have several counterparts, or none: a part of ``docs/private-names.md``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_provider_netconn.privatelink.names import Counterparts, privatelink_names, public_names
from airflow_provider_netconn.privatelink.table import PARAMETER, ZoneRow, is_within
from airflow_provider_netconn.privatelink.zones import zone_rows

_NAME = "name"
_VALUES = {"partitionId": "0"}
"""What the table's notes let a parameter be; any other may be any label."""


def render() -> str:
    """The part of the page, in Markdown."""
    found = list(_uncertain())
    several = [(side, one) for side, one in found if one.candidates]
    parts = []
    for side, title in (("private", "privatelink name"), ("public", "public name")):
        rows = [(_shown(one.name), _services(one), _listed(one)) for of, one in several if of == side]
        parts.append(_table((title, "of", "may be"), rows))
    none = [(_shown(one.name), _services(one)) for _, one in found if not one.candidates]
    parts.append("These have none: the table names them as public suffixes, and no zone for them.")
    parts.append(_table(("public name", "of"), none))
    return "\n\n".join(parts) + "\n"


def _uncertain() -> Iterator[tuple[str, Counterparts]]:
    """Each side of each row, and the counterparts of a name there where it is not one."""
    seen: set[str] = set()
    for row in zone_rows():
        private = [(_sample(row, zone), public_names, "private") for zone in row.private_dns_zones]
        public = [(_sample(row, pair.public), privatelink_names, "public") for pair in row.pairs]
        for name, counterparts, side in (*private, *public):
            if name not in seen and (found := counterparts(name)).only is None:
                yield side, found
            seen.add(name)


def _sample(row: ZoneRow, suffix: str) -> str:
    """A name as the row has it beneath a suffix."""
    first = row.only_names[0] if row.only_names else _NAME
    return f"{first}.{PARAMETER.sub(lambda found: _VALUES.get(found[1], found[1].lower()), suffix)}"


def _shown(name: str) -> str:
    return f"`{name.replace(f'{_NAME}.', '*.', 1)}`"


def _listed(found: Counterparts) -> str:
    return ", ".join(_shown(one) for one in found.candidates)


def _services(found: Counterparts) -> str:
    clouds = dict.fromkeys(
        row.cloud.value
        for row in zone_rows()
        if any(is_within(found.name, one) for one in (*row.private_dns_zones, *row.public_dns_forwarders))
    )
    return f"{', '.join(found.services)} ({', '.join(clouds)})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
