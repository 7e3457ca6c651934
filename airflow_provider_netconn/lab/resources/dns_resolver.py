"""DNS private resolvers with their inbound and outbound endpoints.

Recorded: 202 with an empty body for every write; an inbound endpoint's first address is the subnet's ``.4``; a subnet
without delegation is taken. Microsoft Learn, "What is Azure DNS Private Resolver?", for the restrictions of networks
and subnets; the message of an unfit subnet is as users report it.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Items, Object
from airflow_provider_netconn.lab.resources.dns_resolver_names import (
    INBOUND_ENDPOINTS,
    MOST_ENDPOINTS,
    MOST_RESOLVERS,
    OUTBOUND_ENDPOINTS,
    OWNED,
    RESOLVERS,
    RULESETS,
    ResolverKind,
    give_guid,
    refuse_change,
)
from airflow_provider_netconn.lab.resources.network_references import (
    SUBNETS,
    VIRTUAL_NETWORKS,
    Link,
    id_of,
    referenced,
)
from airflow_provider_netconn.lab.resources.private_dns_names import (
    JOIN_NETWORK,
    AddressOf,
    accepted,
    accepted_delete,
    bad_request,
    conflict,
    nested_resources,
)
from airflow_provider_netconn.lab.resources.subnet_addresses import allocate, configurations_in, prefixes_of

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.store import Resource

JOIN_SUBNET = f"{SUBNETS}/join/action"

LARGEST_SUBNET, SMALLEST_SUBNET = 24, 28
"""Prefix lengths that an endpoint's subnet may have."""

RESERVED_SPACE = [ipaddress.ip_network(f"10.0.{third}.0/24") for third in range(1, 17)]
"""The resolver service's own: no endpoint's subnet may lie there."""

DELEGATION = "Microsoft.Network.dnsResolvers"


class DnsResolvers(ResolverKind):
    """DNS private resolvers: one in a network."""

    type = RESOLVERS
    created = accepted(10, "Creating")
    updated = accepted(5)
    patched = accepted(5)
    deleted = accepted_delete(10)
    patch = Patch.TAGS
    tracked = True
    properties = Object(
        properties={
            "virtualNetwork": Link(type=VIRTUAL_NETWORKS, required=True),
            "dnsResolverState": Anything(read_only=True),
            **OWNED,
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        yield JOIN_NETWORK, id_of(write.properties["virtualNetwork"])

    def prepare(self, write: Write) -> None:
        plane, properties = write.plane, write.properties
        network = referenced(plane, write.path, id_of(properties["virtualNetwork"]), write.body["location"])
        properties["virtualNetwork"] = {"id": network.id}
        if write.existing is not None:
            refuse_change(write, "virtualNetwork", id_of(write.existing.properties["virtualNetwork"]), network.id)
        elif len(plane.store.of_type(RESOLVERS, write.path.subscription)) >= MOST_RESOLVERS:
            raise bad_request(f"A subscription has at most {MOST_RESOLVERS} DNS resolvers.")
        for other in plane.store.referrers(network.path, RESOLVERS):
            if other.path.key != write.path.key:
                raise conflict(
                    f"The virtual network '{network.id}' is already used by the DNS resolver '{other.id}'. A virtual "
                    "network can be used by one DNS resolver only."
                )
        give_guid(write)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        endpoints = plane.store.children(resource.path)
        if endpoints:
            raise nested_resources(endpoints)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        network = plane.store.find(id_of(resource.properties["virtualNetwork"]))
        state = "Disconnected" if network is None else "Connected"
        return {**super().render_properties(plane, resource, look), "dnsResolverState": state}


class Endpoints(ResolverKind, ABC):
    """What both directions of endpoints have in common: a subnet of their own in the resolver's network."""

    updated = accepted(10)
    patched = accepted(5)
    deleted = accepted_delete(30)
    patch = Patch.TAGS
    tracked = True

    @abstractmethod
    def subnet_ids(self, properties: dict[str, Any]) -> list[str]:
        """:return: the ids of the subnets that an endpoint's ``properties`` name"""

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        return [(JOIN_SUBNET, subnet_id) for subnet_id in self.subnet_ids(write.properties)]

    def prepare_subnet(self, write: Write) -> Resource:
        """Check an endpoint and its subnet.

        :return: the subnet
        :raises ArmError: 400, the subnet is not fit, or the resolver has no room
        """
        resolver, ids = write.parent, self.subnet_ids(write.properties)
        assert resolver is not None
        if write.body["location"] != resolver.region:
            raise bad_request(f"The endpoint '{write.path.name}' has to be in the location of its DNS resolver.")
        if len({one.casefold() for one in ids}) != 1:
            raise bad_request("All IP configurations of an inbound endpoint have to reference the same subnet.")
        subnet = referenced(write.plane, write.path, ids[0])
        network = id_of(resolver.properties["virtualNetwork"])
        if subnet.path.parent is None or subnet.path.parent.key != network.casefold():
            raise bad_request(
                f"The subnet '{subnet.id}' is not in the virtual network of the DNS resolver, '{network}'."
            )
        if write.existing is not None:
            refuse_change(write, "subnet", self.subnet_ids(write.existing.properties)[0], subnet.id)
        elif len(write.siblings()) >= MOST_ENDPOINTS:
            raise bad_request(f"A DNS resolver has at most {MOST_ENDPOINTS} endpoints of this type.")
        _check_fit(write, subnet)
        give_guid(write)
        return subnet

    def stored(self, write: Write, resource: Resource) -> None:
        # The service delegates the subnet to itself where its owner has not.
        subnet = write.plane.store.find(self.subnet_ids(resource.properties)[0])
        if subnet is not None and not subnet.properties.get("delegations"):
            subnet.properties["delegations"] = [{"name": DELEGATION, "properties": {"serviceName": RESOLVERS}}]
            subnet.touch(write.plane.clock.now())


class InboundEndpoints(Endpoints):
    """Inbound endpoints: addresses that on-premises forwarders ask."""

    type = INBOUND_ENDPOINTS
    created = accepted(150, "Creating")
    properties = Object(
        properties={
            "ipConfigurations": Items(
                required=True,
                fewest=1,
                of=Object(
                    properties={
                        "subnet": Link(type=SUBNETS, required=True),
                        "privateIpAddress": AddressOf(version=4),
                        "privateIpAllocationMethod": Choice(values=("Dynamic", "Static"), default="Dynamic"),
                    }
                ),
            ),
            **OWNED,
        }
    )

    def subnet_ids(self, properties: dict[str, Any]) -> list[str]:
        return [id_of(configuration["subnet"]) for configuration in properties["ipConfigurations"]]

    def prepare(self, write: Write) -> None:
        subnet = self.prepare_subnet(write)
        held = [one["privateIpAddress"] for one in write.facts.get("ipConfigurations", ())]
        taken: list[str] = []
        shown = []
        for at, configuration in enumerate(write.properties["ipConfigurations"]):
            method, wanted = configuration["privateIpAllocationMethod"], configuration.get("privateIpAddress")
            if method == "Static" and wanted is None:
                raise bad_request("An IP configuration with static allocation has to have a privateIpAddress.")
            if method == "Dynamic":
                wanted = held[at] if at < len(held) else None
            address = allocate(write.plane, subnet, wanted, taken=taken, held=held)
            taken.append(address)
            shown.append(
                {"subnet": {"id": subnet.id}, "privateIpAddress": address, "privateIpAllocationMethod": method}
            )
        write.facts["ipConfigurations"] = shown


class OutboundEndpoints(Endpoints):
    """Outbound endpoints: where forwarded queries leave a network."""

    type = OUTBOUND_ENDPOINTS
    created = accepted(100, "Creating")
    properties = Object(properties={"subnet": Link(type=SUBNETS, required=True), **OWNED})

    def subnet_ids(self, properties: dict[str, Any]) -> list[str]:
        return [id_of(properties["subnet"])]

    def prepare(self, write: Write) -> None:
        write.properties["subnet"] = {"id": self.prepare_subnet(write).id}

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        rulesets = plane.store.referrers(resource.path, RULESETS)
        if rulesets:
            raise bad_request(
                f"The outbound endpoint '{resource.id}' cannot be deleted while the DNS forwarding ruleset "
                f"'{rulesets[0].id}' uses it."
            )


class ResolversOfNetwork(ResolverKind):
    """``POST {network}/listDnsResolvers``: the resolvers in a network."""

    type = f"{VIRTUAL_NETWORKS}/listDnsResolvers"
    methods = frozenset()

    def acts(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> ArmResponse:
        """:return: the ids of the resolvers in a network"""
        found = plane.store.referrers(resource.path, RESOLVERS)
        return ArmResponse(200, {"value": [{"id": resolver.id} for resolver in found]})


def _check_fit(write: Write, subnet: Resource) -> None:
    """Refuse a subnet that is too large or small, reserved, somebody else's, or not of IPv4.

    :raises ArmError: 400 BadRequest
    """
    prefixes = [ipaddress.ip_network(prefix) for prefix in prefixes_of(subnet.properties)]
    services = [one["properties"].get("serviceName", "") for one in subnet.properties.get("delegations", ())]
    users = {owner.path.key for owner, _, _ in configurations_in(write.plane, subnet)} | {
        user.path.key
        for type_name in (INBOUND_ENDPOINTS, OUTBOUND_ENDPOINTS)
        for user in write.plane.store.referrers(subnet.path, type_name)
    }
    fits = (
        len(prefixes) == 1
        and prefixes[0].version == 4
        and LARGEST_SUBNET <= prefixes[0].prefixlen <= SMALLEST_SUBNET
        and not any(prefixes[0].overlaps(reserved) for reserved in RESERVED_SPACE)
        and all(service.casefold() == RESOLVERS.casefold() for service in services)
        and users <= {write.path.key}
    )
    if not fits:
        raise _unfit(subnet, "inbound" if write.path.type.casefold() == INBOUND_ENDPOINTS.casefold() else "outbound")


def _unfit(subnet: Resource, direction: str) -> ArmError:
    reserved = ";".join(str(network) for network in RESERVED_SPACE)
    return bad_request(
        f"The specified subnet {subnet.id} could not be used to provision the {direction} endpoint. Please make sure "
        "you use a subnet of at least /28 and at most /24 size, which is not currently in use by any other DNS "
        "resolver endpoint or any other Azure service workloads, and does not collide with the reserved subnet spaces "
        f"of '{reserved}'."
    )


KINDS = (DnsResolvers(), InboundEndpoints(), OutboundEndpoints(), ResolversOfNetwork())
