"""Private link services: what a consumer's private endpoint reaches in another network, by id or by alias."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm import writes
from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import ActionHandler, Look, ResourceKind, Write
from airflow_provider_netconn.lab.arm.regions import read_region
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Address, Anything, Choice, Flag, Items, Object, Shape, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.network_references import SUBNETS, Link, id_of, referenced
from airflow_provider_netconn.lab.resources.network_versions import (
    NETWORK_POLLING,
    NETWORK_VERSIONS,
    accepted,
    created,
    deleted,
    updated,
)
from airflow_provider_netconn.lab.resources.private_endpoint_connections import shown_on
from airflow_provider_netconn.lab.resources.private_endpoint_interfaces import add_interface, remove_interface
from airflow_provider_netconn.lab.resources.private_link import (
    CONNECTIONS,
    PRIVATE_LINK_SERVICES,
    link_types,
)
from airflow_provider_netconn.lab.resources.subnet_addresses import allocate

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

ALIAS_SUFFIX = ".azure.privatelinkservice"
DURATION_S = 10.0
MOST_ADDRESSES = 8
"""NAT addresses of a service (Microsoft Learn, "Azure subscription and service limits")."""

SUBSCRIPTION_SET = Object(properties={"subscriptions": Items(of=Text(), default=[])})

IP_CONFIGURATION = Object(
    properties={
        "id": Anything(read_only=True),
        "name": Text(required=True),
        "etag": Anything(read_only=True),
        "type": Anything(read_only=True),
        "properties": Object(
            properties={
                "privateIPAddress": Address(),
                "privateIPAllocationMethod": Choice(values=("Static", "Dynamic"), default="Dynamic"),
                "privateIPAddressVersion": Choice(values=("IPv4", "IPv6"), default="IPv4"),
                "subnet": Link(type=SUBNETS, required=True),
                "primary": Flag(),
                "provisioningState": Anything(read_only=True),
            },
            required=True,
        ),
    }
)

EXTENDED_LOCATION = Object(properties={"name": Text(), "type": Text()})


class PrivateLinkServices(ResourceKind):
    """A private link service: its alias, who sees it, whose connections it approves by itself, its NAT addresses."""

    type = PRIVATE_LINK_SERVICES
    api_versions = tuple(version for version in NETWORK_VERSIONS if version >= "2019-04-01")
    tracked = True
    envelope: ClassVar[dict[str, Shape]] = {"extendedLocation": EXTENDED_LOCATION}
    properties = Object(
        properties={
            "loadBalancerFrontendIpConfigurations": Items(
                of=Object(properties={"id": Text(required=True)}, open=True), default=[]
            ),
            "ipConfigurations": Items(of=IP_CONFIGURATION, fewest=1, most=MOST_ADDRESSES, required=True),
            "destinationIPAddress": Address(),
            "accessMode": Choice(values=("Default", "Restricted")),
            "visibility": SUBSCRIPTION_SET,
            "autoApproval": SUBSCRIPTION_SET,
            "fqdns": Items(of=Text(), default=[]),
            "enableProxyProtocol": Flag(default=False),
            **{
                name: Anything(read_only=True)
                for name in ("alias", "networkInterfaces", CONNECTIONS, "provisioningState", "resourceGuid")
            },
        }
    )
    created = created(DURATION_S)
    updated = updated(DURATION_S)
    deleted = deleted(DURATION_S)
    polling = NETWORK_POLLING

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        for config in write.properties["ipConfigurations"]:
            yield f"{SUBNETS}/join/action", id_of(config["properties"]["subnet"])

    def prepare(self, write: Write) -> None:
        if not write.properties["loadBalancerFrontendIpConfigurations"] and not write.properties.get(
            "destinationIPAddress"
        ):
            raise ArmError(
                400,
                "PrivateLinkServiceMustReferenceLoadBalancerFrontendIpConfiguration",
                f"Private link service {write.path.text} must reference a load balancer's frontend IP configuration.",
                details=(),
            )
        _place(write)
        if write.existing is None:
            guid = str(uuid.uuid4())
            write.facts["alias"] = f"{write.path.name}.{guid}.{write.body['location']}{ALIAS_SUFFIX}"
            write.facts["resourceGuid"] = str(uuid.uuid4())

    def stored(self, write: Write, resource: Resource) -> None:
        remove_interface(write.plane, resource)
        configurations = [
            {name: value for name, value in config["properties"].items() if name != "provisioningState"}
            for config in resource.properties["ipConfigurations"]
        ]
        name = f"{resource.path.name}.nic.{resource.facts['resourceGuid']}"
        add_interface(write.plane, resource, name, configurations)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        if plane.store.children(resource.path, f"{self.type}/{CONNECTIONS}"):
            raise ArmError(
                400,
                "PrivateLinkServiceWithPrivateEndpointConnectionsCannotBeDeleted",
                f"Private link service {resource.id} with private endpoint connections cannot be deleted. Please "
                "delete all private endpoint connections before deleting the private link service.",
                details=(),
            )

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        remove_interface(plane, resource)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        kept = resource.properties
        interface = resource.facts.get("interface")
        shown = {
            "provisioningState": resource.provisioning_state,
            "resourceGuid": resource.facts["resourceGuid"],
            "alias": resource.facts["alias"],
            **{name: value for name, value in kept.items() if name not in {"visibility", "autoApproval"}},
            "visibility": kept.get("visibility") or {"subscriptions": []},
            "autoApproval": kept.get("autoApproval") or {"subscriptions": []},
            "networkInterfaces": [{"id": interface}] if interface else [],
            CONNECTIONS: shown_on(plane, resource, look),
        }
        shown["ipConfigurations"] = [
            {
                "name": config["name"],
                "id": f"{resource.id}/ipConfigurations/{config['name']}",
                "etag": self.etag_quoted.format(resource.etag),
                "type": f"{self.type}/ipConfigurations",
                "properties": {"provisioningState": resource.provisioning_state, **config["properties"]},
            }
            for config in kept["ipConfigurations"]
        ]
        return shown


def find_by_alias(plane: ControlPlane, alias: str) -> Resource | None:
    """:return: the private link service of an alias; None: there is none"""
    services = plane.store.of_type(PRIVATE_LINK_SERVICES)
    return next((service for service in services if service.facts["alias"].casefold() == alias.casefold()), None)


def is_in(service: Resource, which: str, subscription: str | None) -> bool:
    """:return: whether a subscription is in a service's ``visibility`` or ``autoApproval``; ``*`` is everyone"""
    listed = (service.properties.get(which) or {}).get("subscriptions", [])
    return "*" in listed or (subscription or "").casefold() in (entry.casefold() for entry in listed)


def is_visible(service: Resource, subscription: str | None) -> bool:
    """:return: whether endpoints of a subscription may ask for a service: its own may, and those it is visible to"""
    own = (service.path.subscription or "").casefold() == (subscription or "").casefold()
    return own or is_in(service, "visibility", subscription) or is_in(service, "autoApproval", subscription)


def _place(write: Write) -> None:
    """Check the subnets, and give each configuration without an address one."""
    region = write.body["location"]
    held = _addresses(write.existing) if write.existing is not None else []
    taken: list[str] = []
    configs = write.properties["ipConfigurations"]
    for position, config in enumerate(configs):
        properties = config["properties"]
        subnet = referenced(write.plane, write.path, id_of(properties["subnet"]))
        assert subnet.path.parent is not None
        referenced(write.plane, write.path, subnet.path.parent.text, region)
        if subnet.properties.get("privateLinkServiceNetworkPolicies", "Enabled") != "Disabled":
            raise ArmError(
                400,
                "PrivateLinkServiceCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled",
                f"Private link service {write.path.text} cannot be created in a subnet {subnet.id} since it has "
                "private link service network policies enabled.",
                details=(),
            )
        properties.setdefault("primary", position == 0)
        wanted = properties.get("privateIPAddress")
        before = _address_before(write, config["name"])
        if wanted is None and before is not None and before not in taken:
            wanted = before
        version = 6 if properties["privateIPAddressVersion"] == "IPv6" else 4
        properties["privateIPAddress"] = allocate(
            write.plane, subnet, wanted, taken=taken, version=version, held=[] if wanted in taken else held
        )
        taken.append(properties["privateIPAddress"])


def _address_before(write: Write, name: str) -> str | None:
    if write.existing is None:
        return None
    configs = write.existing.properties["ipConfigurations"]
    return next((config["properties"]["privateIPAddress"] for config in configs if config["name"] == name), None)


def _addresses(service: Resource) -> list[str]:
    return [config["properties"]["privateIPAddress"] for config in service.properties["ipConfigurations"]]


# -- what there is in a region ----------------------------------------------------------------------


def check_visibility(plane: ControlPlane, request: ArmRequest, location: Resource) -> ArmResponse:
    """``checkPrivateLinkServiceVisibility``: whether the subscription may ask for the service of an alias."""
    alias = request.json_object().get("privateLinkServiceAlias")
    if not isinstance(alias, str):
        raise ArmError(400, "InvalidRequestFormat", "Cannot parse the request.", details=())
    service = find_by_alias(plane, alias)
    visible = service is not None and is_visible(service, location.path.subscription)
    return writes.act(plane, request, location, accepted(1.0), lambda: {"visible": visible})


class AvailablePrivateEndpointTypes(ResourceKind):
    """``availablePrivateEndpointTypes`` of a region: the resource types that endpoints can point to."""

    type = "Microsoft.Network/locations/availablePrivateEndpointTypes"
    api_versions = PrivateLinkServices.api_versions
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        read_region(path.names[0], self.type)
        return [_derived(plane, self, path, link.type) for link in link_types().values()]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        name = resource.path.name
        base = f"/subscriptions/{resource.path.subscription}/providers/Microsoft.Network/AvailablePrivateEndpointTypes"
        return {
            "name": name,
            "id": f"{base}/{name}",
            "type": "Microsoft.Network/AvailablePrivateEndpointTypes",
            "resourceName": resource.facts["type"],
            "displayName": resource.facts["type"],
        }


class AutoApprovedPrivateLinkServices(ResourceKind):
    """``autoApprovedPrivateLinkServices`` of a region: those that approve this subscription's connections at once."""

    type = "Microsoft.Network/locations/autoApprovedPrivateLinkServices"
    api_versions = PrivateLinkServices.api_versions
    methods = frozenset()

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        region = read_region(path.names[0], self.type)
        return [
            service
            for service in plane.store.of_type(PRIVATE_LINK_SERVICES)
            if service.region == region and is_in(service, "autoApproval", path.subscription)
        ]

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        return {"privateLinkService": resource.id}


def _derived(plane: ControlPlane, kind: ResourceKind, collection: ArmPath, type_name: str) -> Resource:
    now = plane.clock.now()
    names = (*collection.names, type_name.replace("/", "."))
    path = ArmPath(collection.scope, collection.namespace, collection.types, names)
    return Resource(path=path, kind=kind, body={}, facts={"type": type_name}, created_at=now, changed_at=now)


LOCATION_ACTIONS: dict[str, ActionHandler] = {"checkprivatelinkservicevisibility": check_visibility}
"""POST actions below ``Microsoft.Network/locations/{region}``."""

KINDS = (PrivateLinkServices(), AvailablePrivateEndpointTypes(), AutoApprovedPrivateLinkServices())
