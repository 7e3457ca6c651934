"""A look at live services, to be kept as pins: where privatelink names lead, and what certificates are shown there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_netconn.connections.private_names import Pin
from airflow_provider_netconn.evidence import ProbeResult, Stage, Target
from airflow_provider_netconn.privatelink.names import plain, privatelink_names
from airflow_provider_netconn.probing.address import judge_addresses
from airflow_provider_netconn.probing.engine import Prober
from airflow_provider_netconn.probing.options import CheckOptions
from airflow_provider_netconn.probing.tls import covers


def look_for_pins(targets: Sequence[Target], options: CheckOptions) -> tuple[Pin, ...]:
    """Dial each target by its privatelink name, under its public one, and say what was seen.

    :param targets: addresses of connections; those without one certain privatelink name are left out
    :raises InvalidOptionError: an option cannot be used
    """
    return asyncio.run(_look(targets, options))


async def _look(targets: Sequence[Target], options: CheckOptions) -> tuple[Pin, ...]:
    known = [(target, privatelink_names(target.host).only) for target in targets]
    wanted = [replace(target, dial=name) for target, name in known if name is not None]
    pins: list[Pin] = []
    async with Prober(options) as prober:
        await prober.probe_all(wanted, lambda _, probe: pins.append(_pin(probe)))
    # Of several looks at one name, such as at two ports, the one that saw most counts, and the worst of these.
    pins.sort(key=lambda pin: (pin.covered is not None, pin.covered is False))
    return tuple(sorted({pin.name: pin for pin in pins}.values(), key=lambda pin: pin.name))


def _pin(probe: ProbeResult) -> Pin:
    target = probe.target
    resolved, tls = probe.stage(Stage.RESOLVE), probe.stage(Stage.TLS)
    addresses = tuple(resolved.detail.get("addresses", ())) if resolved is not None else ()
    shown: dict[str, Any] = dict(tls.detail) if tls is not None else {}
    name = str(target.dial)
    return Pin(
        name=plain(target.host),
        private_name=name,
        addresses=addresses,
        private=bool(addresses) and judge_addresses(target, addresses).ok,
        covered=covers(shown["names"], name) if "names" in shown else None,
        seen_at=probe.started_at.isoformat(),
    )
