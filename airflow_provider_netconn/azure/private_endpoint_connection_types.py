"""How the private endpoint connections of each resource type are read, changed and removed by their owner.

The table is ``private_endpoint_connection_types.json``, which names its sources.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from airflow_provider_netconn.azure.resource_ids import ResourceId
from airflow_provider_netconn.errors import InvalidOptionError

CONNECTIONS: Final = "privateEndpointConnections"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionType:
    """What a resource type allows its owner to do with the connections on it.

    :param type: of the resource, such as ``Microsoft.Storage/storageAccounts``
    :param api_version: of its connections
    :param change: the verb that changes a connection's status: ``PUT`` of the whole, ``PATCH`` of the status, or empty
        where there is none
    :param if_match: whether the change takes the connection's etag
    :param remove: whether the owner can remove a connection
    :param resource_api_version: of the resource itself, where connections have no list and are read off it; else empty
    :param approve_rejected: ``through Pending`` where a rejected request must be Pending again before it is approved
    """

    type: str
    api_version: str
    change: str = "PUT"
    if_match: bool = False
    remove: bool = True
    resource_api_version: str = ""
    approve_rejected: str = ""

    @property
    def is_listed(self) -> bool:
        """Whether the connections have a list of their own."""
        return not self.resource_api_version

    def check(self, *, remove: bool) -> None:
        """Refuse what has no API.

        :param remove: whether connections are to be removed; else to be approved or rejected
        :raises InvalidOptionError: resources of this type have no API for it
        """
        if remove and not self.remove:
            seen = f"{self.type} has no API to remove private endpoint connections"
            raise InvalidOptionError("target_id", seen, "have the endpoints deleted")
        if not remove and not self.change:
            seen = f"{self.type} has no API to approve or reject private endpoint connections"
            also = "; removing them is possible" if self.remove else ""
            raise InvalidOptionError("target_id", seen, f"do it in the portal{also}")


@cache
def connection_types() -> Mapping[str, ConnectionType]:
    """All types of the table, by type without case."""
    text = resources.files(__package__).joinpath("private_endpoint_connection_types.json").read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = json.loads(text)["types"]
    return {name.casefold(): ConnectionType(type=name, **row) for name, row in rows.items()}


def connection_type(target_id: str, field: str = "target_id") -> ConnectionType:
    """The type of a resource that private endpoints lead to.

    :param field: what the author of a wrong id calls it
    :raises InvalidOptionError: it is no id, or one of a type whose connections are not known to have an API
    """
    kind = ResourceId.parse(target_id, field).type
    found = connection_types().get(kind.casefold())
    if found is None:
        raise InvalidOptionError(
            field,
            f"resources of the type {kind or 'group'} have no private endpoint connections that are known",
            "give the id of the resource that the endpoint leads to, such as a storage account's",
        )
    return found
