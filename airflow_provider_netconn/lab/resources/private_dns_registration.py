"""Autoregistration: the A records that virtual machines have in a zone by a link with registration.

Nothing is stored: who is registered follows from the links, the networks and the machines: a machine's name with the
IPv4 addresses of its primary interface (Microsoft Learn, "What is the autoregistration feature in Azure DNS private
zones?").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.resources.network_references import INTERFACES, SUBNETS, id_of
from airflow_provider_netconn.lab.resources.private_dns_names import links_of
from airflow_provider_netconn.lab.resources.subnet_addresses import configurations_in

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

VIRTUAL_MACHINES = "Microsoft.Compute/virtualMachines"

REGISTERED_SINCE = "registeredSince"
"""Fact of a link: lab time, in seconds, at which registration was turned on. It is not shown."""

REGISTRATION_S = 60.0
"""How long the machines of a network take to be registered, at time scale 1, in seconds."""

SHORTEST_REGISTRATION_S = 1.0
"""And at least, in seconds: a client that looks when the write has ended still sees InProgress, as recorded."""

REGISTERED_TTL_S = 10
"""Of autoregistered records, in seconds."""


def link_state(plane: ControlPlane, link: Resource) -> str:
    """:return: ``virtualNetworkLinkState``: InProgress while the link is written or its machines are registered"""
    since = link.facts.get(REGISTERED_SINCE)
    duration_s = max(SHORTEST_REGISTRATION_S, REGISTRATION_S * plane.time_scale)
    if link.is_busy or (since is not None and plane.clock.now() < since + duration_s):
        return "InProgress"
    return "Completed"


def registered_addresses(plane: ControlPlane, zone: Resource) -> dict[str, list[str]]:
    """:return: name of each machine registered in a zone, relative to it -> its IPv4 addresses"""
    found: dict[str, list[str]] = {}
    for link in links_of(plane, zone):
        if link.properties["registrationEnabled"] and link_state(plane, link) == "Completed":
            for name, address in machines_in(plane, id_of(link.properties["virtualNetwork"])):
                found.setdefault(name, []).append(address)
    return found


def machines_in(plane: ControlPlane, network_id: str) -> Iterator[tuple[str, str]]:
    """:return: the machines in a network: name and IPv4 address, for each address of their primary interfaces"""
    for subnet in plane.store.children(network_id, SUBNETS):
        for owner, configuration, _ in configurations_in(plane, subnet):
            name = _machine_name(plane, owner) if owner.kind.type == INTERFACES else None
            address = (configuration.get("properties") or {}).get("privateIPAddress")
            if name and address and ":" not in address:
                yield name, address


def _machine_name(plane: ControlPlane, interface: Resource) -> str | None:
    """The name under which an interface's machine is registered; None: it is no machine's primary interface."""
    for machine in plane.store.referrers(interface.path, VIRTUAL_MACHINES):
        profile = machine.properties.get("networkProfile") or {}
        interfaces: list[Any] = profile.get("networkInterfaces") or []
        flagged = [item for item in interfaces if (item.get("properties") or {}).get("primary")]
        primary = next(iter(flagged or interfaces), None)
        if id_of(primary).rstrip("/").casefold() == interface.path.key:
            name = (machine.properties.get("osProfile") or {}).get("computerName") or machine.path.name
            return str(name).casefold()
    return None
