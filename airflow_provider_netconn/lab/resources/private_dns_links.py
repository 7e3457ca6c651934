"""Links of private DNS zones to virtual networks, and what they register.

Recorded: after registration is turned on, ``provisioningState`` is Succeeded while ``virtualNetworkLinkState`` is
still InProgress; ``resolutionPolicy`` shows from api-version 2024-06-01 on, and for privatelink zones alone. Learn,
"What is a virtual network link?" and "Fallback to internet for Azure Private DNS zones": which links are refused, and
that links go with their network. Messages of refusals are as users report them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError, precondition_failed, resource_not_found
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.schema import Anything, Choice, Flag, Object
from airflow_provider_netconn.lab.resources.network_references import VIRTUAL_NETWORKS, Link, id_of, referenced
from airflow_provider_netconn.lab.resources.private_dns import require_global
from airflow_provider_netconn.lab.resources.private_dns_names import (
    JOIN_NETWORK,
    MOST_LINKS,
    MOST_REGISTERING_LINKS,
    PRIVATE_DNS_POLLING,
    PRIVATE_DNS_VERSIONS,
    ZONE_LINKS,
    accepted,
    accepted_delete,
    bad_request,
    conflict,
    is_privatelink,
    links_of,
)
from airflow_provider_netconn.lab.resources.private_dns_registration import REGISTERED_SINCE, link_state

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.identifiers import ArmPath
    from airflow_provider_netconn.lab.arm.store import Resource

POLICY_SINCE = "2024-06-01"
"""First api-version with ``resolutionPolicy``."""


class PrivateDnsZoneLinks(ResourceKind):
    """Links of private DNS zones to virtual networks."""

    type = ZONE_LINKS
    api_versions = PRIVATE_DNS_VERSIONS
    polling = PRIVATE_DNS_POLLING
    created = accepted(20, "Creating")
    updated = accepted(10)
    patched = accepted(10)
    deleted = accepted_delete(10)
    patch = Patch.MERGE
    tracked = True
    etag_quoted = '"{}"'
    conditions_fail_late = True
    properties = Object(
        properties={
            "virtualNetwork": Link(type=VIRTUAL_NETWORKS, required=True),
            "registrationEnabled": Flag(default=False),
            "resolutionPolicy": Choice(values=("Default", "NxDomainRedirect")),
            "virtualNetworkLinkState": Anything(read_only=True),
            "provisioningState": Anything(read_only=True),
        }
    )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        yield JOIN_NETWORK, id_of(write.properties["virtualNetwork"])

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        error = super().not_found(plane, path)
        if error.code != "NotFound":
            return error
        return resource_not_found("/".join((path.namespace, *_spelled(path))), path.name, path.group or "")

    def precondition_failed(self, path: ArmPath, *, exists: bool) -> ArmError:
        if exists:
            return precondition_failed(
                f"The Virtual network link {path.name} exists already and hence cannot be created again."
            )
        return precondition_failed(f"The Virtual network link {path.name} has been modified (etag mismatch).")

    def prepare(self, write: Write) -> None:
        require_global(write)
        properties, zone = write.properties, write.parent
        assert zone is not None
        network = referenced(write.plane, write.path, id_of(properties["virtualNetwork"]))
        properties["virtualNetwork"] = {"id": network.id}
        old = write.existing.properties if write.existing is not None else {}
        if old and id_of(old["virtualNetwork"]).casefold() != network.path.key:
            raise bad_request(f"The virtual network of the virtual network link '{write.path.name}' cannot be changed.")
        self._keep_policy(write, zone, old)
        _check_others(write, zone, network)
        if not properties["registrationEnabled"]:
            write.facts.pop(REGISTERED_SINCE, None)
        elif not old.get("registrationEnabled"):
            duration_s = (self.updated if old else self.created).duration_s * write.plane.time_scale
            write.facts[REGISTERED_SINCE] = write.plane.clock.now() + duration_s

    @staticmethod
    def _keep_policy(write: Write, zone: Resource, old: dict[str, Any]) -> None:
        """Only privatelink zones have a policy; an api-version that does not know of it leaves it as it is."""
        properties = write.properties
        if write.request.api_version < POLICY_SINCE:
            properties.pop("resolutionPolicy", None)
            properties.update({name: old[name] for name in ("resolutionPolicy",) if name in old})
        if is_privatelink(zone.path.name):
            properties.setdefault("resolutionPolicy", "Default")
        elif "resolutionPolicy" in properties:
            raise bad_request(
                f"ResolutionPolicy is not supported for the private DNS zone '{zone.path.name}': it is supported for "
                "privatelink zones only."
            )

    def reference_removed(self, plane: ControlPlane, resource: Resource, removed: Resource) -> None:
        if removed.kind.type == VIRTUAL_NETWORKS and plane.store.find(resource.path) is resource:
            plane.store.remove(resource)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        shown.pop(REGISTERED_SINCE, None)
        if look.api_version < POLICY_SINCE:
            shown.pop("resolutionPolicy", None)
        shown["virtualNetworkLinkState"] = link_state(plane, resource)
        return shown


def _spelled(path: ArmPath) -> list[str]:
    """:return: ``privateDnsZones/{zone}/virtualNetworkLinks``, as the message of a link that is not there names it"""
    return [path.types[0], path.names[0], path.types[1]]


def _check_others(write: Write, zone: Resource, network: Resource) -> None:
    """Refuse what the links that there are do not leave room for."""
    plane, key = write.plane, write.path.key
    siblings = [link for link in links_of(plane, zone) if link.path.key != key]
    registering = write.properties["registrationEnabled"]
    if len(siblings) >= MOST_LINKS:
        raise bad_request(f"The private DNS zone '{zone.path.name}' has {MOST_LINKS} virtual network links already.")
    if registering and sum(link.properties["registrationEnabled"] for link in siblings) >= MOST_REGISTERING_LINKS:
        raise bad_request(
            f"The private DNS zone '{zone.path.name}' has {MOST_REGISTERING_LINKS} virtual network links with "
            "registration enabled already."
        )
    for other in plane.store.referrers(network.path, ZONE_LINKS):
        other_zone = other.path.parent
        assert other_zone is not None
        if other.path.key == key:
            continue
        if other_zone.key == zone.path.key:
            raise conflict(
                f"The virtual network '{network.path.name}' is already linked to the private DNS zone "
                f"'{zone.path.name}' by the virtual network link '{other.path.name}'."
            )
        if other_zone.name.casefold() == zone.path.name.casefold():
            raise bad_request(
                "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link "
                f"virtual network with '{zone.path.name}' and '{other_zone.name}' zones."
            )
        if registering and other.properties["registrationEnabled"]:
            raise conflict(
                "A virtual network can only be linked to 1 Private DNS zone(s) with auto-registration enabled; "
                f'conflicting Private DNS zone is "{other_zone.name}".'
            )


KINDS = (PrivateDnsZoneLinks(),)
