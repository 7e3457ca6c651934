"""Addresses in subnets: which prefixes, who has one, which is the next free one.

Azure keeps the first four addresses of a subnet and its last one (Microsoft Learn, "Virtual Network FAQ").
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.resources.network_references import id_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

RESERVED_AT_START = 4
RESERVED_AT_END = 1

OF_THEIR_INTERFACE = frozenset({"Microsoft.Network/privateLinkServices"})
"""Types whose IP configurations are those of an interface that they have."""

CONFIGURATIONS = ("ipConfigurations", "frontendIPConfigurations", "gatewayIPConfigurations")
"""Lists of what takes an address in a subnet, on interfaces, gateways, load balancers and resolver endpoints."""


def networks(prefixes: Iterable[str]) -> list[Network]:
    """:return: prefixes as networks"""
    return [ipaddress.ip_network(prefix) for prefix in prefixes]


def prefixes_of(properties: Mapping[str, Any]) -> list[str]:
    """:return: the prefixes of a subnet's ``properties``: of the list, else of the single one"""
    listed = properties.get("addressPrefixes")
    if listed:
        return list(listed)
    return [properties["addressPrefix"]] if properties.get("addressPrefix") else []


def overlapping(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """:return: those prefixes of ``some`` that overlap with one of ``others``"""
    right = networks(others)
    return [
        prefix
        for prefix, network in ((prefix, ipaddress.ip_network(prefix)) for prefix in some)
        if any(network.version == other.version and network.overlaps(other) for other in right)
    ]


def outside(some: Iterable[str], space: Iterable[str]) -> list[str]:
    """:return: those prefixes of ``some`` that lie in none of ``space``"""
    around = networks(space)
    return [prefix for prefix in some if not any(_contains(other, prefix) for other in around)]


def configurations_in(plane: ControlPlane, subnet: Resource) -> Iterator[tuple[Resource, dict[str, Any], str]]:
    """What takes addresses in a subnet.

    :return: owner, configuration and the list that it stands in
    """
    for owner in plane.store.referrers(subnet.path):
        if owner.kind.type in OF_THEIR_INTERFACE:
            continue
        for place in CONFIGURATIONS:
            for source in (owner.facts, owner.properties):
                items = source.get(place)
                if isinstance(items, list):
                    for item in items:
                        if subnet_of(item).rstrip("/").casefold() == subnet.path.key:
                            yield owner, item, place
                    break


def subnet_of(configuration: Any) -> str:
    """:return: the id of the subnet of an IP configuration: in its ``properties``, or in itself as resolvers have it"""
    if not isinstance(configuration, dict):
        return ""
    return id_of((configuration.get("properties") or configuration).get("subnet"))


def addresses_in_use(plane: ControlPlane, subnet: Resource) -> set[str]:
    """:return: the addresses that something in a subnet has"""
    found = set()
    for _, item, _ in configurations_in(plane, subnet):
        properties = item.get("properties") or item
        address = properties.get("privateIPAddress") or properties.get("privateIpAddress")
        if address:
            found.add(str(_parsed(str(address).partition("/")[0])))
    return found


@lru_cache(maxsize=65536)
def _parsed(address: str) -> IPAddress:
    """An address, read: each is asked for again with every new one in its subnet."""
    return ipaddress.ip_address(address)


def free_addresses(plane: ControlPlane, subnet: Resource, taken: Iterable[str] = (), version: int = 4) -> Iterator[str]:
    """The free addresses of a subnet, lowest first.

    :param taken: addresses that do not count as free besides those in use
    :param version: of the Internet Protocol, 4 or 6
    """
    used = {int(_parsed(address)) for address in (*addresses_in_use(plane, subnet), *taken)}
    for network in networks(prefixes_of(subnet.properties)):
        if network.version == version:
            first = int(network.network_address)
            for number in range(first + RESERVED_AT_START, first + network.num_addresses - RESERVED_AT_END):
                if number not in used:
                    yield str(network[number - first])


def allocate(
    plane: ControlPlane,
    subnet: Resource,
    wanted: str | None = None,
    *,
    taken: Iterable[str] = (),
    version: int = 4,
    held: Iterable[str] = (),
) -> str:
    """Choose an address in a subnet.

    :param wanted: the one that was asked for; None: the next free one
    :param taken: addresses already promised, by the same request
    :param version: of the Internet Protocol, 4 or 6
    :param held: addresses that the asker has already
    :return: the address
    :raises ArmError: 400, the wanted one is not in the subnet, reserved or taken, or none is free
    """
    if wanted is None:
        address = next(free_addresses(plane, subnet, taken, version), None)
        if address is None:
            raise ArmError(
                400,
                "SubnetIsFull",
                f"Subnet {subnet.path.name} with address prefix {', '.join(prefixes_of(subnet.properties))} does not "
                "have enough capacity for 1 IP addresses.",
                details=(),
            )
        return address
    address = str(ipaddress.ip_address(wanted))
    within = [network for network in networks(prefixes_of(subnet.properties)) if _holds(network, address)]
    if not within:
        raise ArmError(
            400,
            "PrivateIPAddressNotInSubnet",
            f"Private static IP address {address} does not belong to the range of subnet prefix "
            f"{', '.join(prefixes_of(subnet.properties))}.",
            details=(),
        )
    if is_reserved(within[0], address):
        raise ArmError(
            400,
            "PrivateIPAddressInReservedRange",
            f"Private static IP address {address} falls within reserved IP range of subnet prefix {within[0]}.",
            details=(),
        )
    if address in {*addresses_in_use(plane, subnet), *taken} - set(held):
        raise ArmError(
            400,
            "PrivateIPAddressIsAllocated",
            f"IP configuration is using the private IP address {address} which is already allocated to another "
            "resource.",
            details=(),
        )
    return address


def is_reserved(network: Network, address: str) -> bool:
    """:return: whether Azure keeps an address of a subnet for itself"""
    offset = int(ipaddress.ip_address(address)) - int(network.network_address)
    return not RESERVED_AT_START <= offset < network.num_addresses - RESERVED_AT_END


def _contains(around: Network, prefix: str) -> bool:
    inner = ipaddress.ip_network(prefix)
    if isinstance(around, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(around)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(around)


def _holds(network: Network, address: str) -> bool:
    parsed: IPAddress = ipaddress.ip_address(address)
    return parsed.version == network.version and parsed in network
