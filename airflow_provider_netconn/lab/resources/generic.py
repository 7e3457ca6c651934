"""Resources of any other type: kept as they are put, so that what a landscape also holds can be there.

Nothing is known of such a type: any well-formed api-version is taken, and the body is kept as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.kinds import ENVELOPE, Look, Patch, ResourceKind
from airflow_provider_netconn.lab.arm.operations import Answer
from airflow_provider_netconn.lab.arm.schema import Anything, Object, Text
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.inventory import REGISTRATIONS, Registration
from airflow_provider_netconn.lab.resources.private_endpoint_connections import shown_on
from airflow_provider_netconn.lab.resources.private_link import CONNECTIONS, link_type

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

NAMESPACE = r"(?i)microsoft\.[a-z0-9]+(\.[a-z0-9]+)*"
TYPE = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


class GenericKind(ResourceKind):
    """A type of which only the name is known."""

    api_versions = ()
    name_pattern = r"[^<>%&\\?/#]{1,260}"
    etag_in_body = False
    patch = Patch.MERGE
    created = Answer(status=201)
    deleted = Answer(status=200)

    def takes(self, api_version: str) -> bool:
        return True

    def shape(self) -> Object:
        # Everything is kept but what Resource Manager itself says of a resource.
        state = {"provisioningState": Anything(read_only=True)}
        return Object(
            properties={**ENVELOPE, "location": Text(), "properties": Object(properties=state, open=True)}, open=True
        )

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        shown = super().render_properties(plane, resource, look)
        if link_type(self.type) is not None:
            shown[CONNECTIONS] = shown_on(plane, resource, look)
        return shown


def generic_kind(type_name: str) -> ResourceKind | None:
    """:return: what resources of a type are like that the lab knows nothing else of; None: there can be no such type

    :param type_name: full type, such as ``Microsoft.Contoso/widgets/parts``
    """
    namespace, *types = type_name.split("/")
    if not re.fullmatch(NAMESPACE, namespace) or not types or not all(re.fullmatch(TYPE, part) for part in types):
        return None
    base = Registration if types[0].casefold() in REGISTRATIONS else GenericKind
    kind = type(base.__name__, (base,), {"type": type_name, "__doc__": f"Resources of type {type_name}."})()
    assert isinstance(kind, ResourceKind)
    return kind
