"""``Microsoft.Network/locations/{region}``: no resource, but lists and actions of the network provider hang on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import ResourceKind
from airflow_provider_netconn.lab.arm.regions import read_region
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources import private_link_services
from airflow_provider_netconn.lab.resources.network_versions import NETWORK_POLLING, NETWORK_VERSIONS

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane


class Locations(ResourceKind):
    """The regions, as far as the network provider does something in them."""

    type = "Microsoft.Network/locations"
    api_versions = NETWORK_VERSIONS
    methods = frozenset()
    listed = False
    actions = {**private_link_services.LOCATION_ACTIONS}  # noqa: RUF012
    polling = NETWORK_POLLING

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        now = plane.clock.now()
        region = read_region(path.name, self.type)
        return Resource(path=path, kind=self, body={"location": region}, created_at=now, changed_at=now)


KINDS = (Locations(),)
