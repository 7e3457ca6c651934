"""Where the lab's resources are kept: by id without case, below what they hang on, and by type."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_netconn.lab.arm.identifiers import ArmPath

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.kinds import ResourceKind
    from airflow_provider_netconn.lab.arm.operations import Operation

Place = TypeVar("Place")


@dataclass(slots=True, kw_only=True)
class Resource:
    """One resource.

    :param path: its id, spelled as when it was made
    :param kind: what resources of its type are like
    :param body: what its owner asked for: ``location``, ``tags``, ``sku``, ``properties`` and so on
    :param facts: the properties that belong to the service, such as ``resourceGuid``; shown over the owner's
    :param etag: changes with each change, and when provisioning ends; without quotes
    :param created_at: lab time, seconds
    :param changed_at: lab time, seconds
    :param state: ``provisioningState`` while no operation runs
    :param operation: the last one that worked on it
    :param effective: what the service goes by where changes take effect later: pairs of the lab time from which
        something holds, and what, the oldest first
    """

    path: ArmPath
    kind: ResourceKind
    body: dict[str, Any]
    created_at: float
    changed_at: float
    facts: dict[str, Any] = field(default_factory=dict)
    etag: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "Succeeded"
    operation: Operation | None = None
    effective: tuple[tuple[float, Any], ...] = ()

    @property
    def id(self) -> str:
        """Its id, in the spelling that it was made with."""
        return self.path.text

    @property
    def properties(self) -> dict[str, Any]:
        """The owner's ``properties``."""
        properties: dict[str, Any] = self.body["properties"]
        return properties

    @property
    def region(self) -> str:
        """Where it is; empty for a resource without location."""
        return str(self.body.get("location") or "")

    @property
    def is_busy(self) -> bool:
        """Whether an operation works on it."""
        return self.operation is not None and self.operation.is_running

    @property
    def is_being_deleted(self) -> bool:
        """Whether it will be gone when its operation ends."""
        return self.is_busy and self.operation is not None and self.operation.method == "DELETE"

    @property
    def provisioning_state(self) -> str:
        """``provisioningState`` as a read shows it now."""
        if self.operation is not None and self.operation.is_running:
            return self.operation.answer.state
        return self.state

    def touch(self, now: float) -> None:
        """Take note of a change: another etag, another time."""
        self.etag = str(uuid.uuid4())
        self.changed_at = now


class Store:
    """All resources of a lab. Every look-up is by id without case."""

    def __init__(self) -> None:
        self._by_key: dict[str, Resource] = {}
        self._by_owner: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
        self._by_owner_and_type: defaultdict[tuple[str, str], dict[str, Resource]] = defaultdict(dict)
        self._by_type: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
        self._referrers: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
        self._references: dict[str, frozenset[str]] = {}
        self._versions: defaultdict[str, int] = defaultdict(int)
        self._changes: defaultdict[str, int] = defaultdict(int)
        self._cleared = 0
        self.version = 0
        """Grows with each resource that comes or goes: what is derived from the store can be kept until then."""
        self.changes = 0
        """Grows with each change of a body or facts too; a change of an operation's state is none."""

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_key.values())

    def version_of(self, type_name: str) -> tuple[int, int]:
        """:return: another value after each resource of a type that comes or goes, and after each :meth:`clear`"""
        return self._cleared, self._versions[type_name.casefold()]

    def changes_of(self, type_name: str) -> tuple[int, int]:
        """:return: another value after each change of a resource of a type, its coming and going included"""
        return self._cleared, self._changes[type_name.casefold()]

    def clear(self) -> None:
        """Forget everything."""
        self._cleared += 1
        self._by_key.clear()
        self._by_owner.clear()
        self._by_owner_and_type.clear()
        self._by_type.clear()
        self._referrers.clear()
        self._references.clear()
        self.version += 1
        self.changes += 1

    def find(self, path: ArmPath | str) -> Resource | None:
        """:return: the resource of that id, or None"""
        return self._by_key.get(path.key if isinstance(path, ArmPath) else path.rstrip("/").casefold())

    def add(self, resource: Resource) -> None:
        """Keep a resource; one of the same id is replaced."""
        key = resource.path.key
        self._by_key[key] = resource
        owner, type_key = owner_key(resource.path), resource.kind.type.casefold()
        self._by_owner[owner][key] = resource
        self._by_owner_and_type[owner, type_key][key] = resource
        self._by_type[type_key][key] = resource
        self._versions[type_key] += 1
        self.version += 1
        self.changed(resource)

    def changed(self, resource: Resource) -> None:
        """Take note of the ids in a resource's body and facts; to be called when either was replaced."""
        key = resource.path.key
        self._changes[resource.kind.type.casefold()] += 1
        self.changes += 1
        self._forget_references(key)
        references = frozenset(_ids_in((resource.body, resource.facts)))
        self._references[key] = references
        for reference in references:
            self._referrers[reference][key] = resource

    def referrers(self, path: ArmPath | str, type_name: str | None = None) -> list[Resource]:
        """Which resources carry an id in their body or facts: the interfaces in a subnet, the peerings of a network.

        :param path: the id
        :param type_name: only resources of this type
        """
        key = path.key if isinstance(path, ArmPath) else path.rstrip("/").casefold()
        wanted = type_name.casefold() if type_name else None
        found = self._referrers[key].values() if key in self._referrers else ()
        return [resource for resource in found if wanted is None or resource.kind.type.casefold() == wanted]

    def remove(self, resource: Resource) -> None:
        """Forget a resource; what hangs on it stays."""
        key = resource.path.key
        self._by_key.pop(key, None)
        owner, type_key = owner_key(resource.path), resource.kind.type.casefold()
        _drop(self._by_owner, owner, key)
        _drop(self._by_owner_and_type, (owner, type_key), key)
        self._by_type[type_key].pop(key, None)
        self._versions[type_key] += 1
        self._changes[type_key] += 1
        self.version += 1
        self.changes += 1
        self._forget_references(key)

    def _forget_references(self, key: str) -> None:
        for reference in self._references.pop(key, ()):
            referrers = self._referrers[reference]
            referrers.pop(key, None)
            if not referrers:
                del self._referrers[reference]

    def children(self, owner: ArmPath | str, type_name: str | None = None) -> list[Resource]:
        """What hangs on a resource, a group, a subscription or the tenant (the empty string) directly.

        :param owner: the id
        :param type_name: only resources of this type
        """
        key = owner.key if isinstance(owner, ArmPath) else owner.rstrip("/").casefold()
        if type_name is None:
            return list(self._by_owner.get(key, {}).values())
        return list(self._by_owner_and_type.get((key, type_name.casefold()), {}).values())

    def descendants(self, owner: ArmPath | str) -> Iterator[Resource]:
        """All that hangs on something, the deepest first."""
        for resource in self.children(owner):
            yield from self.descendants(resource.path)
            yield resource

    def of_type(self, type_name: str, subscription: str | None = None) -> list[Resource]:
        """All resources of a type, of one subscription or of all."""
        resources = self._by_type.get(type_name.casefold(), {}).values()
        if subscription is None:
            return list(resources)
        wanted = subscription.casefold()
        return [resource for resource in resources if (resource.path.subscription or "").casefold() == wanted]


def _drop(index: dict[Place, dict[str, Resource]], place: Place, key: str) -> None:
    """Take a resource out of an index, and its place too when nothing else is there."""
    index.get(place, {}).pop(key, None)
    if not index.get(place):
        index.pop(place, None)


def owner_key(path: ArmPath) -> str:
    """:return: the key of what a resource hangs on: its parent, else its scope"""
    parent = path.parent
    return parent.key if parent is not None else path.scope.casefold()


def _ids_in(value: Any) -> Iterator[str]:
    """All ids of resources in a JSON value, without case."""
    if isinstance(value, str):
        if value.startswith("/") and "/providers/" in (key := value.rstrip("/").casefold()):
            yield key
    elif isinstance(value, dict):
        yield from _ids_in_all(value.values())
    elif isinstance(value, list | tuple):
        yield from _ids_in_all(value)


def _ids_in_all(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from _ids_in(value)
