"""The plan of who answers where: every (place, address, port) that somebody has to serve, with what is behind it.

Private addresses are those of private endpoints' interfaces: they are there, and served, whatever the state of the
connection; whether packets get to them is :mod:`.policy`'s business. The ports are those that the services document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from airflow_provider_netconn.lab.packets.places import (
    INTERNET,
    METADATA_ADDRESS,
    PLATFORM_HOSTS,
    RESOLVER_ADDRESS,
    places,
)
from airflow_provider_netconn.lab.packets.ports import ports_of
from airflow_provider_netconn.lab.resources.name_resolution import inbound_addresses
from airflow_provider_netconn.lab.resources.network_references import id_of
from airflow_provider_netconn.lab.resources.private_link import PRIVATE_ENDPOINTS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

DNS_PORT: Final = 53


class Role(StrEnum):
    """Whose task a listener is."""

    RESOLVER = "resolver"
    """DNS on UDP and TCP: the view of the listener's place (:mod:`airflow_provider_netconn.lab.names`)."""
    SERVICE = "service"
    """The data plane of a resource (:mod:`airflow_provider_netconn.lab.services`)."""
    PLATFORM = "platform"
    """One of the lab's own services, by a true name: Resource Manager, the authority and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Somebody answers here. Where several share an address and port, TLS's server name tells them apart.

    :param place: id of the place that the address is in: a network for a private one, else the internet
    :param address: the address that clients there dial
    :param port: the true port
    :param role: whose task it is
    :param resource_id: what is behind it; for the lab's own services their name, for a resolver the network's id
    :param group_id: of the resource's sub-resource, such as ``blob``; empty where there is none
    :param endpoint_id: of the private endpoint whose address it is; empty for a public address
    :param hosts: the public names that stand for the address
    """

    place: str
    address: str
    port: int
    role: Role
    resource_id: str
    group_id: str = ""
    endpoint_id: str = ""
    hosts: tuple[str, ...] = ()


class PublicHost(Protocol):
    """A public name of a resource, as :mod:`airflow_provider_netconn.lab.names` tells it."""

    @property
    def name(self) -> str:
        """The name, such as ``contosolake.blob.core.windows.net``."""

    @property
    def address(self) -> str:
        """The public address of the service there."""

    @property
    def resource_id(self) -> str:
        """Whose it is."""

    @property
    def group_id(self) -> str:
        """The sub-resource, such as ``blob``."""


def listeners(plane: ControlPlane, public: Iterable[PublicHost]) -> tuple[Listener, ...]:
    """:return: all that has to be served now

    :param public: the public names of all resources, each with its address
    """
    return (*_resolvers(plane), *_platform(plane), *_public(plane, public), *_private(plane))


def _resolvers(plane: ControlPlane) -> Iterator[Listener]:
    """One view a place at the platform's address, and the inbound endpoints of private resolvers."""
    for place in places(plane):
        for address in (RESOLVER_ADDRESS, *inbound_addresses(plane, place.id)):
            yield Listener(place=place.id, address=address, port=DNS_PORT, role=Role.RESOLVER, resource_id=place.id)


def _platform(plane: ControlPlane) -> Iterator[Listener]:
    for known in dict.fromkeys(PLATFORM_HOSTS.values()):
        hosts = tuple(host for host, other in PLATFORM_HOSTS.items() if other == known)
        yield Listener(
            place=INTERNET, address=known.address, port=443, role=Role.PLATFORM, resource_id=known.service, hosts=hosts
        )
    yield Listener(
        place=INTERNET, address=METADATA_ADDRESS, port=80, role=Role.PLATFORM, resource_id="managed_identity"
    )


def _public(plane: ControlPlane, public: Iterable[PublicHost]) -> Iterator[Listener]:
    """Hosts at the same address are one listener; the names of one sub-resource mostly are."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for host in public:
        found.setdefault((host.address, host.resource_id, host.group_id), []).append(host.name)
    for (address, resource_id, group_id), hosts in found.items():
        resource = plane.store.find(resource_id)
        for port in ports_of(resource.kind.type, group_id) if resource is not None else ():
            yield Listener(
                place=INTERNET,
                address=address,
                port=port,
                role=Role.SERVICE,
                resource_id=resource_id,
                group_id=group_id,
                hosts=tuple(hosts),
            )


def _private(plane: ControlPlane) -> Iterator[Listener]:
    for endpoint in plane.store.of_type(PRIVATE_ENDPOINTS):
        subnet = plane.find(id_of(endpoint.properties["subnet"]))
        target = plane.store.find(endpoint.facts["target"])
        if subnet is None or subnet.path.parent is None or target is None:
            continue
        for member in endpoint.facts["members"]:
            for port in ports_of(target.kind.type, member["group"]):
                yield Listener(
                    place=subnet.path.parent.text,
                    address=member["address"],
                    port=port,
                    role=Role.SERVICE,
                    resource_id=target.id,
                    group_id=member["group"],
                    endpoint_id=endpoint.id,
                    hosts=tuple(host[0] for host in member["hosts"]),
                )
