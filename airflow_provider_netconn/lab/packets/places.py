"""Where packets come from and go to: virtual networks, sites behind VPN devices, and the internet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from airflow_provider_netconn.lab.resources.network_references import VIRTUAL_NETWORKS
from airflow_provider_netconn.lab.resources.network_security_groups import PLATFORM_ADDRESS
from airflow_provider_netconn.lab.resources.peerings import space_of
from airflow_provider_netconn.lab.resources.virtual_wans import VPN_SITES
from airflow_provider_netconn.lab.resources.vpn_gateways import LOCAL_GATEWAYS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

INTERNET: Final = "internet"
"""The id of the place that public addresses are in, and callers from nowhere in particular."""

RESOLVER_ADDRESS: Final = PLATFORM_ADDRESS
"""168.63.129.16: in every virtual network the resolver of that network answers at this address, on UDP and TCP port 53
(Microsoft Learn, "What is IP address 168.63.129.16?"); in the other places the lab's public view does."""

METADATA_ADDRESS: Final = "169.254.169.254"
"""Where a machine finds its managed identities, on port 80 (Microsoft Learn, "Azure Instance Metadata Service")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformHost:
    """A service of the lab itself that clients know by a public name of Azure's or Astronomer's.

    :param service: its name among the lab's services: ``arm``, ``authority``, ``graph`` or ``astro``
    :param address: the public address that the name stands for in the lab
    """

    service: str
    address: str


PLATFORM_HOSTS: Final = {
    "management.azure.com": PlatformHost(service="arm", address="198.19.255.1"),
    "login.microsoftonline.com": PlatformHost(service="authority", address="198.19.255.2"),
    "login.windows.net": PlatformHost(service="authority", address="198.19.255.2"),
    "login.microsoft.com": PlatformHost(service="authority", address="198.19.255.2"),
    "sts.windows.net": PlatformHost(service="authority", address="198.19.255.2"),
    "graph.microsoft.com": PlatformHost(service="graph", address="198.19.255.3"),
    "api.astronomer.io": PlatformHost(service="astro", address="198.19.255.4"),
}
"""What public DNS of the lab answers besides the resources' own names; on port 443, out of the end of the range that
:mod:`.resources.public_addresses` takes addresses from."""


class PlaceKind(StrEnum):
    """What a place is."""

    NETWORK = "network"
    SITE = "site"
    INTERNET = "internet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere that packets come from.

    :param id: of the virtual network, local network gateway or VPN site, as its resource spells it; :data:`INTERNET`
    :param kind: what it is
    :param name: for people: the resource's name
    :param prefixes: the addresses in it; none for the internet
    """

    id: str
    kind: PlaceKind
    name: str
    prefixes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The id without case, to compare."""
        return self.id.casefold()


def places(plane: ControlPlane) -> tuple[Place, ...]:
    """:return: the places that there are now, the internet first"""
    return (Place(id=INTERNET, kind=PlaceKind.INTERNET, name=INTERNET), *_networks(plane), *_sites(plane))


def find_place(plane: ControlPlane, name: str) -> Place | None:
    """:return: the place of an id, or of a name that only one place has, both without case; None: there is none"""
    wanted = name.casefold().rstrip("/")
    every = places(plane)
    by_id = next((place for place in every if place.key == wanted), None)
    by_name = [place for place in every if place.name.casefold() == wanted]
    return by_id or (by_name[0] if len(by_name) == 1 else None)


def _networks(plane: ControlPlane) -> Iterator[Place]:
    for network in plane.store.of_type(VIRTUAL_NETWORKS):
        yield _place(network, PlaceKind.NETWORK, tuple(space_of(network.properties)))


def _sites(plane: ControlPlane) -> Iterator[Place]:
    for site_type, space in ((LOCAL_GATEWAYS, "localNetworkAddressSpace"), (VPN_SITES, "addressSpace")):
        for site in plane.store.of_type(site_type):
            prefixes = (site.properties.get(space) or {}).get("addressPrefixes", ())
            yield _place(site, PlaceKind.SITE, tuple(prefixes))


def _place(resource: Resource, kind: PlaceKind, prefixes: tuple[str, ...]) -> Place:
    return Place(id=resource.id, kind=kind, name=resource.path.name, prefixes=prefixes)
