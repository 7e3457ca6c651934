"""``netconn connections``: which names connections use, and which they would use by a policy; and the pins for that."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.errors import InvalidConnectionError

if TYPE_CHECKING:
    from airflow_provider_netconn.connections.private_names import NamesPolicy, Pins
    from airflow_provider_netconn.target import Target

EXIT_OK, EXIT_FAILED = 0, 1
_KEYS = (
    "conn_id", "name", "use", "reason", "warning", "private_names", "addresses", "private_addresses", "pinned_at",
    "certificate_covers",
)  # fmt: skip
_WORDS = {None: "", True: "yes", False: "no"}


def add_command(commands: Any) -> None:
    """Add the command to those of ``netconn``."""
    parser = commands.add_parser("connections", help="show and pin the private names of Airflow connections")
    parts = parser.add_subparsers(required=True, metavar="COMMAND")
    show = parts.add_parser("show", help="the names, and what the policy would do with them")
    pin = parts.add_parser("pin", help="look at the live services, and keep what was seen")
    for one in (show, pin):
        one.add_argument("conn_ids", nargs="+", metavar="CONN_ID", help="ids of Airflow connections")
        one.add_argument(
            "--pins", metavar="FILE", default="netconn-pins.json", help="file of pins (default: netconn-pins.json)"
        )
        one.add_argument("--json", action="store_true", help="print JSON")
        one.add_argument("--nameserver", metavar="IP[:PORT]", help="resolve through this nameserver")
        one.add_argument(
            "--expect-network", action="append", default=[], metavar="CIDR", help="counts as private; may be repeated"
        )
    show.add_argument("--names", default="verified", metavar="POLICY", help="verified (default), privatelink or public")
    show.add_argument("--no-look-up", action="store_true", help="do not resolve the names")
    pin.add_argument(
        "--ca",
        action="append",
        default=[],
        metavar="FILE",
        help="trust these authorities as well (PEM); may be repeated",
    )
    show.set_defaults(run=_show)
    pin.set_defaults(run=_pin)


def _pin(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.checks import CheckOptions
    from airflow_provider_netconn.checks.pinning import look_for_pins
    from airflow_provider_netconn.connections.private_names import Pins

    before = Pins.read(options.pins)
    check = CheckOptions(nameserver=options.nameserver, ca_files=tuple(options.ca))
    targets, unread = _targets(options)
    seen = look_for_pins(targets, check)
    before.with_pins(seen).write(options.pins)
    for reason in unread.values():
        sys.stderr.write(f"netconn: not pinned: {reason}\n")
    if options.json:
        sys.stdout.write(json.dumps([one._asdict() for one in seen], indent=2) + "\n")
    else:
        for one in seen:
            where = ", ".join(one.addresses) or "nowhere"
            covered = {None: "no certificate was shown", True: "covered by the certificate", False: "not covered"}
            kind = "private" if one.private else "not private"
            sys.stdout.write(f"{one.name}\n  {one.private_name}: {where} ({kind}); {covered[one.covered]}\n")
        sys.stdout.write(f"{len(seen)} pinned in {options.pins}\n")
    return EXIT_FAILED if unread else EXIT_OK


def _show(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.connections.private_names import Pins
    from airflow_provider_netconn.hooks.private_link import policy_named

    policy, pins = policy_named(options.names), Pins.read(options.pins)
    targets, unread = _targets(options)
    rows = [_row(target, policy, pins, options) for target in targets]
    rows += [{**dict.fromkeys(_KEYS), "conn_id": conn_id, "reason": reason} for conn_id, reason in unread.items()]
    rows.sort(key=lambda row: options.conn_ids.index(row["conn_id"]))
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return EXIT_OK
    for row in rows:
        sys.stdout.write(f"{row['conn_id']}\n")
        for label, key in (
            ("public name", "name"), ("leads to", "addresses"), ("private names", "private_names"),
            ("lead to", "private_addresses"), ("certificate covers", "certificate_covers"), ("pinned", "pinned_at"),
            (f"{policy} would use", "use"), ("because", "reason"), ("warning", "warning"),
        ):  # fmt: skip
            value = row[key]
            text = ", ".join(value) if isinstance(value, list) else _WORDS.get(value, value)
            if text:
                sys.stdout.write(f"  {label:22} {text}\n")
    return EXIT_OK


def _row(target: Target, policy: NamesPolicy, pins: Pins, options: argparse.Namespace) -> dict[str, Any]:
    from airflow_provider_netconn.connections.private_names import decide

    decision, pin = decide(target, policy, pins), pins.get(target.host)
    return {
        "conn_id": target.conn_id,
        "name": target.host,
        "use": decision.use,
        "reason": decision.reason,
        "warning": decision.warning,
        **_names(target, options),
        "pinned_at": pin.seen_at if pin else None,
        "certificate_covers": pin.covered if pin else None,
    }


def _names(target: Target, options: argparse.Namespace) -> dict[str, Any]:
    from airflow_provider_netconn.privatelink.names import privatelink_names

    private = list(privatelink_names(target.host).candidates)
    found: dict[str, Any] = {"private_names": private, "addresses": [], "private_addresses": []}
    if not options.no_look_up:
        found["addresses"] = _addresses(target.host, options)
        found["private_addresses"] = sorted({one for name in private for one in _addresses(name, options)})
    return found


def _addresses(name: str, options: argparse.Namespace) -> list[str]:
    import asyncio

    from airflow_provider_netconn.checks import CheckOptions
    from airflow_provider_netconn.probing.engine import Prober

    async def look_up() -> list[str]:
        async with Prober(CheckOptions(nameserver=options.nameserver)) as prober:
            return list((await prober.addresses_of(name)).detail.get("addresses", ()))

    return asyncio.run(look_up())


def _targets(options: argparse.Namespace) -> tuple[list[Target], dict[str, str]]:
    """The addresses of the connections as they are kept, and by conn id why one could not be read.

    :raises InvalidConnectionError: there is no connection of one of the ids
    """
    from dataclasses import replace

    from airflow_provider_netconn.connections import read_targets
    from airflow_provider_netconn.hooks.connection_fields import get_connection
    from airflow_provider_netconn.hooks.private_link import fields_of
    from airflow_provider_netconn.secrets.chain import as_kept

    networks = tuple(options.expect_network)
    targets: list[Target] = []
    unread: dict[str, str] = {}
    # Where the secrets backend is configured, it would give the very names that are to be looked at anew.
    with as_kept():
        connections = {conn_id: get_connection(conn_id) for conn_id in options.conn_ids}
    for conn_id, connection in connections.items():
        try:
            found = read_targets(fields_of(connection))
        except InvalidConnectionError as error:
            unread[conn_id] = str(error)
        else:
            targets += [replace(target, expect_networks=networks) for target in found]
    return targets, unread
