"""What is waited for in Azure: which paths are read, and what a look at what they hold means. Nothing here reads.

A :class:`Watch` is pure, and plain enough to go through JSON to the triggerer; :mod:`.polling` reads for many at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self, runtime_checkable

from airflow_provider_netconn.errors import InvalidOptionError

Json = dict[str, Any]

WATCHES: Final[Mapping[str, str]] = {
    "hub_connection": "airflow_provider_netconn.azure.virtual_hub_state:HubConnectionWatch",
    "peering": "airflow_provider_netconn.azure.peering_watch:PeeringWatch",
    "private_endpoint": "airflow_provider_netconn.azure.private_endpoint_state:PrivateEndpointWatch",
    "private_endpoint_connection": (
        "airflow_provider_netconn.azure.private_endpoint_connection_state:PrivateEndpointConnectionWatch"
    ),
    "private_endpoint_status": "airflow_provider_netconn.azure.private_endpoint_status:PrivateEndpointStatusWatch",
}
"""Where the watch of each kind is, for whoever has but its JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a poller reads at a time: a list, with all its pages, or one resource.

    :param path: of a list, or the id of a resource
    :param api_version: of its provider
    :param query: further parameters of the query, as pairs
    """

    path: str
    api_version: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether the path is one of a list: it ends with a type, and a resource's with a name."""
        _, provided, behind = self.path.strip("/").rpartition("/providers/")
        parts = behind.split("/")
        return len(parts) % 2 == 0 if provided else len(parts) % 2 == 1

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """The same for all spellings of one scope."""
        return self.path.casefold(), self.api_version, self.query


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a scope held at one moment.

    :param resources: by their ids in lower case; empty where there is nothing, or nothing to be seen
    :param not_visible: why we may not look; empty where we may
    """

    resources: Mapping[str, Json] = field(default_factory=dict)
    not_visible: str = ""

    def find(self, resource_id: str) -> Json | None:
        """The resource of that id, in whichever case; None where there is none in it."""
        return self.resources.get(resource_id.casefold())


@runtime_checkable
class ResourceState(Protocol):
    """How something stands."""

    @property
    def settled(self) -> bool:
        """It is as wanted; the wait is over."""

    @property
    def hopeless(self) -> str:
        """Why it will never be as wanted by waiting; empty where it may."""

    @property
    def line(self) -> str:
        """What was seen and whose move it is, for a log."""

    def to_json(self) -> Json:
        """As plain JSON, small and without secrets."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote."""


@runtime_checkable
class Watch(Protocol):
    """Something that is waited for."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What has to be read for a look."""

    @property
    def awaited(self) -> str:
        """What ends the wait, in words."""

    def look(self, seen: Mapping[Scope, Snapshot]) -> ResourceState:
        """How it stands, by what each scope held."""

    def to_json(self) -> Json:
        """As plain JSON, with its ``kind``."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote."""


def watch_of(data: Mapping[str, Any]) -> Watch:
    """The watch that its JSON stands for.

    :raises InvalidOptionError: its kind is not known
    """
    kind = str(data.get("kind", ""))
    if kind not in WATCHES:
        raise InvalidOptionError("watch", f"{kind!r} is nothing that can be waited for", f"one of {', '.join(WATCHES)}")
    module, _, name = WATCHES[kind].partition(":")
    watch: Watch = getattr(importlib.import_module(module), name).from_json(data)
    return watch
