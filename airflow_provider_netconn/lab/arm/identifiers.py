"""Resource Manager's paths, read: which resource, which collection, which action; and compared without case."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

RESOURCES = "Microsoft.Resources"

_SPELLING = {part.casefold(): part for part in ("subscriptions", "resourceGroups", "providers", "tenants", "resources")}
_ROOTS = frozenset({"subscriptions", "tenants", "providers"})


class MalformedPathError(ValueError):
    """The path is none that Resource Manager knows."""


@dataclass(frozen=True)
class ArmPath:
    """A path below the endpoint, cut up.

    Types and names alternate behind the provider: as many names as types is a resource; one name fewer is a collection,
    or an action on the resource before it.

    :param scope: what the provider part hangs on: empty for the tenant, else a subscription, a group, or a resource
    :param namespace: resource provider, such as ``Microsoft.Network``
    :param types: segments of the type, such as ``("virtualNetworks", "subnets")``
    :param names: segments of the name, such as ``("hub", "default")``
    """

    scope: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """The path as it was spelled."""
        if self.namespace == RESOURCES and self.types[0] in _ROOTS:
            return "/" + "/".join(self._pairs(self.types, self.names))
        return "/".join((self.scope, "providers", self.namespace, *self._pairs(self.types, self.names)))

    @staticmethod
    def _pairs(types: tuple[str, ...], names: tuple[str, ...]) -> list[str]:
        parts: list[str] = []
        for position, type_segment in enumerate(types):
            parts.append(type_segment)
            parts.extend(names[position : position + 1])
        return parts

    @cached_property
    def key(self) -> str:
        """The path without case: ids that differ only in case are the same resource."""
        return self.text.casefold()

    @property
    def is_resource(self) -> bool:
        """Whether the path names one resource."""
        return len(self.types) == len(self.names)

    @cached_property
    def type(self) -> str:
        """Full type, such as ``Microsoft.Network/virtualNetworks/subnets``."""
        return "/".join((self.namespace, *self.types))

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1]

    @cached_property
    def parent(self) -> ArmPath | None:
        """The resource that this one is a child of: ``subnets/a`` of its network. None for a top-level resource."""
        if len(self.types) == 1:
            return None
        return ArmPath(self.scope, self.namespace, self.types[:-1], self.names[: len(self.types) - 1])

    @cached_property
    def collection(self) -> ArmPath:
        """The list that this resource is in."""
        return ArmPath(self.scope, self.namespace, self.types, self.names[: len(self.types) - 1])

    @cached_property
    def subscription(self) -> str | None:
        """The subscription's id, or None for a path of the tenant."""
        parts = self.text.split("/")
        return parts[2] if len(parts) > 2 and parts[1].casefold() == "subscriptions" else None

    @cached_property
    def group(self) -> str | None:
        """The resource group's name, or None."""
        parts = self.text.split("/")
        return parts[4] if len(parts) > 4 and parts[3].casefold() == "resourcegroups" else None

    def child(self, type_segment: str, name: str) -> ArmPath:
        """:return: the path of a resource below this one"""
        return ArmPath(self.scope, self.namespace, (*self.types, type_segment), (*self.names, name))

    def child_of_list(self, name: str) -> ArmPath:
        """:return: the path of a resource in this list"""
        return ArmPath(self.scope, self.namespace, self.types, (*self.names, name))

    def children(self, type_segment: str) -> ArmPath:
        """:return: the path of a list below this resource"""
        return ArmPath(self.scope, self.namespace, (*self.types, type_segment), self.names)


@lru_cache(maxsize=16384)
def parse_path(path: str) -> ArmPath:
    """Read a path.

    :param path: without query; a slash at the end and case of the fixed words do not matter
    :raises MalformedPathError: it has neither a provider nor a subscription, or an empty segment
    """
    parts = path.strip("/").split("/")
    if not all(parts):
        raise MalformedPathError(path)
    providers = [at for at, part in enumerate(parts) if part.casefold() == "providers"]
    # The last provider counts: an extension, such as a role assignment, hangs on a resource of another one.
    for at in reversed(providers):
        rest = parts[at + 2 :]
        if rest:
            scope = "/".join(("", *_spelled(parts[:at]))) if at else ""
            return ArmPath(scope, parts[at + 1], tuple(rest[0::2]), tuple(rest[1::2]))
    if parts[0].casefold() not in _ROOTS:
        raise MalformedPathError(path)
    parts = _spelled(parts)
    return ArmPath("", RESOURCES, tuple(parts[0::2]), tuple(parts[1::2]))


def _spelled(parts: list[str]) -> list[str]:
    """The parts of a path with the words before names as Azure writes them: azure-cli sends ``resourcegroups``."""
    return [part if at % 2 else _SPELLING.get(part.casefold(), part) for at, part in enumerate(parts)]


def same(one: str, other: str) -> bool:
    """:return: whether two ids name the same resource: case and a slash at the end do not matter"""
    return one.rstrip("/").casefold() == other.rstrip("/").casefold()
