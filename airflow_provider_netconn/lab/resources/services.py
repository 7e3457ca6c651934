"""What the services have in common whose resources the lab holds: names, identities, private endpoint connections."""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import CollectionHandler, Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Dictionary, Items, Object, Shape, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.firewall_rules import Firewalled
from airflow_provider_netconn.lab.resources.private_endpoint_connections import shown_on

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

IDENTITY = Object(
    properties={
        "type": Text(required=True),
        "userAssignedIdentities": Dictionary(of=Anything()),
        "principalId": Text(read_only=True),
        "tenantId": Text(read_only=True),
    }
)

HIDDEN = Anything(read_only=True, secret=True)
"""What a service keeps for itself: no request sets it, no read of Resource Manager shows it."""


class Service(Firewalled):
    """A service's top-level resource: in a region, with tags, most of them named once in all of Azure."""

    tracked = True
    etag_in_body = False
    patch = Patch.MERGE
    envelope: ClassVar[Mapping[str, Shape]] = {
        "sku": Object(properties={}, open=True),
        "kind": Text(),
        "identity": IDENTITY,
        "zones": Items(of=Text()),
    }
    globally_named: ClassVar[bool] = True
    """Whether no two in all of Azure have the same name, as what becomes a host name does."""
    hidden: ClassVar[tuple[str, ...]] = ()
    """Properties of :data:`HIDDEN` shape, which a PUT does not touch."""
    connections_shown: ClassVar[bool] = True
    """Whether ``properties`` carries ``privateEndpointConnections``."""

    def taken(self, name: str) -> ArmError:
        """:return: the refusal of a name that another resource has"""
        return ArmError(409, "NameAlreadyExists", f"The name '{name}' already exists. Choose a different name.")

    def prepare(self, write: Write) -> None:
        if write.existing is None and self.globally_named and is_taken(write.plane, self.type, write.path.name):
            raise self.taken(write.path.name)
        complete_identity(write)
        if write.existing is not None:
            kept = write.existing.properties
            write.properties.update({name: kept[name] for name in self.hidden if name in kept})

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        if self.connections_shown:
            shown["privateEndpointConnections"] = shown_on(plane, resource, look)
        return shown


class NameCheck(ResourceKind):
    """``checkNameAvailability`` of a provider: a POST that tells whether a name is free."""

    methods = frozenset()
    listed = False
    of: ClassVar[str]
    """The type whose names it knows."""
    good: ClassVar[str]
    """Pattern of a name that could be had."""
    bad_reason: ClassVar[str] = "Invalid"
    taken_reason: ClassVar[str] = "AlreadyExists"

    def collection_action(self, path: ArmPath) -> CollectionHandler | None:
        return self._check

    def _check(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
        name = request.json_object().get("name")
        if not isinstance(name, str):
            raise ArmError(400, "BadRequest", "The name to check is missing.")
        if not re.fullmatch(self.good, name):
            return self._answer(False, self.bad_reason, f"{name} is not a valid name for a {self.of}.")
        if is_taken(plane, self.of, name):
            return self._answer(False, self.taken_reason, f"The name {name} is already taken.")
        return self._answer(True)

    @staticmethod
    def _answer(available: bool, reason: str | None = None, message: str | None = None) -> ArmResponse:
        body: dict[str, Any] = {"nameAvailable": available}
        if reason is not None:
            body.update(reason=reason, message=message)
        return ArmResponse(200, body)


def is_taken(plane: ControlPlane, type_name: str, name: str) -> bool:
    """:return: whether a resource of a type has a name, in any subscription"""
    wanted = name.casefold()
    return any(resource.path.name.casefold() == wanted for resource in plane.store.of_type(type_name))


def complete_identity(write: Write) -> None:
    """Give a resource that asks for identities their principals; the same ones as long as it lives."""
    identity = write.body.get("identity")
    if not identity:
        return
    tenant = write.plane.tenant_of(write.path.text)
    if "systemassigned" in identity["type"].casefold():
        identity["principalId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, write.path.key))
        identity["tenantId"] = tenant
    assigned = identity.get("userAssignedIdentities") or {}
    for identity_id in assigned:
        found = write.plane.find(identity_id)
        facts = found.facts if found is not None else {}
        # Of an identity that the lab does not have, whoever it is: it is the same one each time.
        principal = uuid.uuid5(uuid.NAMESPACE_URL, identity_id.casefold())
        assigned[identity_id] = {
            "principalId": facts.get("principalId", str(principal)),
            "clientId": facts.get("clientId", str(uuid.uuid5(principal, "client"))),
        }


def check_subnet(plane: ControlPlane, subnet_id: str, service: str) -> str | None:
    """Look at a subnet that a rule is to admit.

    :param subnet_id: its id
    :param service: service that it needs an endpoint for, such as ``Microsoft.Storage``
    :return: what Azure's network provider says against it, or None; a subnet in a subscription that the lab does not
        have is taken as it is
    """
    subscription = "/".join(subnet_id.split("/")[:3])
    if plane.store.find(subscription) is None:
        return None
    network, _, name = subnet_id.rpartition("/subnets/")
    subnet = plane.find(subnet_id)
    if subnet is None:
        return f"SubnetsNotFound:Subnets {name} of virtual network {network} were not found."
    services = {str(endpoint.get("service")) for endpoint in subnet.properties.get("serviceEndpoints") or []}
    if not services & {service, f"{service}.Global"}:
        return (
            f"SubnetsHaveNoServiceEndpointsConfigured:Subnets {name} of virtual network {network} do not have "
            f"ServiceEndpoints for {service} resources configured. Add {service} to subnet's ServiceEndpoints "
            f"collection before trying to ACL {service} resources to these subnets.."
        )
    return None


def new_key(size: int = 64) -> str:
    """:return: an access key of its own

    :param size: in bytes, before base64
    """
    return base64.b64encode(secrets.token_bytes(size)).decode()
