"""A control plane with networks, machines and DNS, whose every answer is held against Azure's OpenAPI."""

from __future__ import annotations

from typing import Any

from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.arm.kinds import ResourceKind
from airflow_provider_netconn.lab.arm.requests import ArmResponse
from airflow_provider_netconn.lab.resources import (
    dns_forwarding,
    dns_resolver,
    private_dns,
    private_dns_links,
    private_dns_records,
    subscriptions,
    virtual_networks,
)
from tests.lab import oracles
from tests.lab.arm.planes import GROUP, Owners, make_plane, send

NETWORKS = f"{GROUP}/providers/Microsoft.Network/virtualNetworks"
ZONES = f"{GROUP}/providers/Microsoft.Network/privateDnsZones"
RESOLVERS = f"{GROUP}/providers/Microsoft.Network/dnsResolvers"
RULESETS = f"{GROUP}/providers/Microsoft.Network/dnsForwardingRulesets"

NETWORK_VERSION = "2024-03-01"
ZONE_VERSION = "2024-06-01"
RESOLVER_VERSION = "2022-07-01"


class Interfaces(ResourceKind):
    """Network interfaces, as far as names are registered for them."""

    type = "Microsoft.Network/networkInterfaces"
    api_versions = (NETWORK_VERSION,)


class Machines(ResourceKind):
    """Virtual machines, likewise."""

    type = "Microsoft.Compute/virtualMachines"
    api_versions = (NETWORK_VERSION,)


KINDS = (
    *subscriptions.KINDS,
    *virtual_networks.KINDS,
    *private_dns.KINDS,
    *private_dns_links.KINDS,
    *private_dns_records.KINDS,
    *dns_resolver.KINDS,
    *dns_forwarding.KINDS,
    Interfaces(),
    Machines(),
)


def landscape(*, denied: tuple[str, ...] = (), time_scale: float = 0.0) -> ControlPlane:
    """:return: a control plane with the network ``hub`` in eastus"""
    plane = make_plane(KINDS, access=Owners(denied), time_scale=time_scale)
    network(
        plane, "hub", "10.10.0.0/16", subnets={"in": "10.10.0.0/28", "out": "10.10.0.16/28", "work": "10.10.1.0/24"}
    )
    return plane


def network(plane: ControlPlane, name: str, space: str, *, subnets: dict[str, str] | None = None, **body: Any) -> str:
    """Make a network and wait for it.

    :return: its id
    """
    inner = [{"name": one, "properties": {"addressPrefix": prefix}} for one, prefix in (subnets or {}).items()]
    properties = {"addressSpace": {"addressPrefixes": [space]}, "subnets": inner}
    path = f"{NETWORKS}/{name}"
    ask(plane, "PUT", path, {"location": "eastus", **body, "properties": properties}, NETWORK_VERSION)
    finish(plane)
    return path


def ask(
    plane: ControlPlane, method: str, path: str, body: Any = None, version: str = ZONE_VERSION, **options: Any
) -> ArmResponse:
    """Send a request and hold the answer against the OpenAPI."""
    answer = send(plane, method, path, body, version=version, **options)
    oracles.check_answer(method, path, answer.status, answer.body)
    return answer


def made(plane: ControlPlane, path: str, body: Any, version: str = ZONE_VERSION) -> dict[str, Any]:
    """PUT and wait for the end; the resource as it reads then."""
    answer = ask(plane, "PUT", path, body, version)
    assert answer.status < 300, answer.body
    finish(plane)
    return shown(plane, path, version)


def shown(plane: ControlPlane, path: str, version: str = ZONE_VERSION) -> dict[str, Any]:
    """:return: a resource as it reads"""
    answer = ask(plane, "GET", path, version=version)
    assert answer.status == 200, answer.body
    return dict(answer.body)


def refused(answer: ArmResponse) -> tuple[int, str]:
    """:return: status and code of a refusal"""
    body = answer.body or {}
    return answer.status, body.get("error", body).get("code", "")


def finish(plane: ControlPlane) -> None:
    """Let every operation end."""
    plane.clock.advance(600)
    plane.operations.advance()


def zone(plane: ControlPlane, name: str) -> str:
    """:return: the id of a new private DNS zone"""
    path = f"{ZONES}/{name}"
    made(plane, path, {"location": "global"})
    return path


def link_body(network_id: str, **properties: Any) -> dict[str, Any]:
    """:return: the body of a zone's link"""
    return {"location": "global", "properties": {"virtualNetwork": {"id": network_id}, **properties}}
