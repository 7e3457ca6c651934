"""``netconn connections``: which names connections use, and which they would use by a policy; and the pins for that."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

EXIT_OK, EXIT_FAILED = 0, 1


def add_command(commands: Any) -> None:
    """Add the command to those of ``netconn``."""
    parser = commands.add_parser("connections", help="show and pin the private names of Airflow connections")
    parts = parser.add_subparsers(required=True, metavar="COMMAND")
    show = parts.add_parser("show", help="the names, and what the policy would do with them")
    pin = parts.add_parser("pin", help="look at the live services, and keep what was seen")
    for one in (show, pin):
        one.add_argument("conn_ids", nargs="+", metavar="CONN_ID")
        one.add_argument("--pins", metavar="FILE", default="netconn-pins.json", help="default: %(default)s")
        one.add_argument("--json", action="store_true", help="print JSON")
        one.add_argument("--nameserver", metavar="IP[:PORT]", help="resolve through this nameserver")
        one.add_argument("--expect-network", action="append", default=[], metavar="CIDR", help="counts as private")
    show.add_argument("--names", default="verified", metavar="POLICY", help="verified (default), privatelink, public")
    show.add_argument("--no-look-up", action="store_true", help="do not resolve the names")
    pin.add_argument("--ca", action="append", default=[], metavar="FILE", help="trust these authorities as well (PEM)")
    show.set_defaults(run=_show)
    pin.set_defaults(run=_pin)


def _pin(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.checks import CheckOptions
    from airflow_provider_netconn.checks.pinning import look_for_pins
    from airflow_provider_netconn.connections.private_names import Pins

    before = Pins.read(options.pins)
    check = CheckOptions(nameserver=options.nameserver, ca_files=tuple(options.ca))
    seen = look_for_pins(_targets(options), check)
    before.with_pins(seen).write(options.pins)
    if options.json:
        sys.stdout.write(json.dumps([one._asdict() for one in seen], indent=2) + "\n")
        return EXIT_OK
    for one in seen:
        where = ", ".join(one.addresses) or "nowhere"
        covered = {None: "no certificate was shown", True: "covered by the certificate", False: "not covered"}
        kind = "private" if one.private else "not private"
        sys.stdout.write(f"{one.name}\n  {one.private_name}: {where} ({kind}); {covered[one.covered]}\n")
    sys.stdout.write(f"{len(seen)} pinned in {options.pins}\n")
    return EXIT_OK


def _show(options: argparse.Namespace) -> int:
    from airflow_provider_netconn.connections.private_names import Pins, decide
    from airflow_provider_netconn.hooks.private_link import policy_named

    policy, pins = policy_named(options.names), Pins.read(options.pins)
    rows = []
    for target in _targets(options):
        decision, pin = decide(target, policy, pins), pins.get(target.host)
        rows.append(
            {
                "conn_id": target.conn_id,
                "name": target.host,
                "use": decision.use,
                "reason": decision.reason,
                "warning": decision.warning,
                **_names(target, options),
                "pinned_at": pin.seen_at if pin else None,
                "certificate_covers": pin.covered if pin else None,
            }
        )
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return EXIT_OK
    for row in rows:
        sys.stdout.write(f"{row['conn_id']}\n")
        for label, key in (
            ("public name", "name"), ("leads to", "addresses"), ("private names", "private_names"),
            ("lead to", "private_addresses"), ("certificate", "certificate_covers"), ("pinned", "pinned_at"),
            (f"{policy} would use", "use"), ("because", "reason"), ("warning", "warning"),
        ):  # fmt: skip
            value = row[key]
            text = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
            if text:
                sys.stdout.write(f"  {label:20} {text}\n")
    return EXIT_OK


def _names(target: Any, options: argparse.Namespace) -> dict[str, Any]:
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


def _targets(options: argparse.Namespace) -> list[Any]:
    from dataclasses import replace

    from airflow_provider_netconn.hooks.connection_fields import connection_targets

    networks = tuple(options.expect_network)
    return [
        replace(target, expect_networks=networks)
        for conn_id in options.conn_ids
        for target in connection_targets(conn_id)
    ]
