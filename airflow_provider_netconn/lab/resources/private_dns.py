"""Private DNS zones.

Recorded: 202 with an empty body for every write, conditions that fail only when the operation ends, the SOA that a new
zone has, the limits it shows. Learn, "What is an Azure Private DNS zone?", for names; a zone with links is not deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError, precondition_failed
from airflow_provider_netconn.lab.arm.kinds import Look, Patch, ResourceKind, Write
from airflow_provider_netconn.lab.arm.schema import Anything, Object
from airflow_provider_netconn.lab.resources.private_dns_names import (
    FEWEST_LABELS,
    MOST_LABELS,
    MOST_LINKS,
    MOST_RECORD_SETS,
    MOST_REGISTERING_LINKS,
    PRIVATE_DNS_POLLING,
    PRIVATE_DNS_VERSIONS,
    ZONES,
    accepted,
    accepted_delete,
    bad_request,
    is_domain_name,
    links_of,
    nested_resources,
)
from airflow_provider_netconn.lab.resources.private_dns_records import count_record_sets, make_start_of_authority

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.identifiers import ArmPath
    from airflow_provider_netconn.lab.arm.requests import ArmRequest
    from airflow_provider_netconn.lab.arm.store import Resource

RESERVED = frozenset(
    """
    azclient.ms azure.com cloudapp.net core.windows.net microsoft.com msidentity.com trafficmanager.net windows.net
    """.split()
)
"""Names that nobody gets a zone of (Learn, "What is an Azure Private DNS zone?"); names below them are free."""


def require_global(write: Write) -> None:
    """Refuse a private DNS resource in a region: they are ``global``.

    :raises ArmError: 400 LocationNotAvailableForResourceType
    """
    location = write.body["location"]
    if location != "global":
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{write.path.type}'. List of "
            "available regions for the resource type is 'global'.",
        )


class PrivateDnsZones(ResourceKind):
    """Private DNS zones."""

    type = ZONES
    api_versions = PRIVATE_DNS_VERSIONS
    polling = PRIVATE_DNS_POLLING
    created = accepted(15, "Creating")
    updated = accepted(5)
    patched = accepted(5)
    deleted = accepted_delete(10)
    patch = Patch.MERGE
    tracked = True
    etag_quoted = "{}"
    conditions_fail_late = True
    properties = Object(
        properties={
            name: Anything(read_only=True)
            for name in (
                "maxNumberOfRecordSets",
                "numberOfRecordSets",
                "maxNumberOfVirtualNetworkLinks",
                "numberOfVirtualNetworkLinks",
                "maxNumberOfVirtualNetworkLinksWithRegistration",
                "numberOfVirtualNetworkLinksWithRegistration",
                "provisioningState",
                "internalId",
            )
        }
    )

    def check_name(self, path: ArmPath) -> None:
        name = path.name
        if not is_domain_name(name) or not FEWEST_LABELS <= len(name.split(".")) <= MOST_LABELS:
            raise bad_request(
                f"The zone name '{name}' is invalid: it has to have {FEWEST_LABELS} to {MOST_LABELS} labels."
            )
        if name.casefold() in RESERVED:
            raise bad_request(f"The zone name '{name}' is reserved.")

    def precondition_failed(self, path: ArmPath, *, exists: bool) -> ArmError:
        if exists:
            return precondition_failed(f"The Zone {path.name} exists already and hence cannot be created again.")
        return precondition_failed(f"The Zone {path.name} has been modified (etag mismatch).")

    def prepare(self, write: Write) -> None:
        require_global(write)

    def stored(self, write: Write, resource: Resource) -> None:
        if write.existing is None:
            make_start_of_authority(write.plane, resource)

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        links = links_of(plane, resource)
        if links:
            raise nested_resources(links)

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        links = links_of(plane, resource)
        return {
            "maxNumberOfRecordSets": MOST_RECORD_SETS,
            "maxNumberOfVirtualNetworkLinks": MOST_LINKS,
            "maxNumberOfVirtualNetworkLinksWithRegistration": MOST_REGISTERING_LINKS,
            "numberOfRecordSets": count_record_sets(plane, resource),
            "numberOfVirtualNetworkLinks": len(links),
            "numberOfVirtualNetworkLinksWithRegistration": sum(
                link.properties["registrationEnabled"] for link in links
            ),
            "provisioningState": resource.provisioning_state,
        }


KINDS = (PrivateDnsZones(),)
