"""The network interfaces of private endpoints and private link services: the service makes and removes them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.network_interfaces import NetworkInterfaces
from airflow_provider_netconn.lab.resources.network_references import INTERFACES
from airflow_provider_netconn.lab.resources.private_link import PRIVATE_ENDPOINTS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane


def add_interface(plane: ControlPlane, owner: Resource, name: str, configurations: Sequence[Mapping[str, Any]]) -> None:
    """Make the interface of an endpoint or a service, in its group and region; the owner's facts name it from then on.

    :param owner: the endpoint or service
    :param name: the interface's
    :param configurations: ``properties`` of each IP configuration: ``subnet`` and ``privateIPAddress`` at least
    """
    kind = plane.kind(INTERFACES)
    assert kind is not None
    is_endpoint = owner.kind.type == PRIVATE_ENDPOINTS
    prefix = "privateEndpointIpConfig" if is_endpoint else "privateLinkServiceIpConfig"
    given = [{"name": f"{prefix}.{uuid.uuid4()}", "properties": {}} for _ in configurations]
    properties = NetworkInterfaces.properties.read({"ipConfigurations": given}, "properties")
    for position, wanted in enumerate(configurations):
        # The service's own values are not what a request may carry, so they do not pass through the shape.
        properties["ipConfigurations"][position]["properties"] |= {"primary": position == 0, **wanted}
    now = plane.clock.now()
    interface = Resource(
        path=ArmPath(owner.path.scope, "Microsoft.Network", ("networkInterfaces",), (name,)),
        kind=kind,
        body={"location": owner.region, "properties": properties},
        facts={
            "resourceGuid": str(uuid.uuid4()),
            "privateEndpoint" if is_endpoint else "privateLinkService": {"id": owner.id},
        },
        created_at=now,
        changed_at=now,
    )
    plane.store.add(interface)
    owner.facts["interface"] = interface.id
    plane.store.changed(owner)


def remove_interface(plane: ControlPlane, owner: Resource) -> None:
    """Remove the interface of an endpoint or a service."""
    interface = plane.store.find(owner.facts.get("interface", ""))
    if interface is not None:
        plane.store.remove(interface)
        interface.kind.removed(plane, interface)
