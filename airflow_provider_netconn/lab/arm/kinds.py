"""What resources of one type are like: a subject subclasses :class:`ResourceKind` and says what is special about it.

A kind is stateless: all state is in the store. Its attributes say how the type's requests look and are answered, its
methods what else happens. They are called by the engine in this order: ``prepare`` (refuse, complete), ``stored`` (what
shows at once elsewhere), and, when the operation ends, ``settled``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_netconn.lab.arm.errors import ArmError, precondition_failed
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.operations import Answer, Operation, Polling, provider_polling
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import Anything, Dictionary, Items, Object, Refusals, Shape, Text
from airflow_provider_netconn.lab.arm.store import Resource

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane


class Patch(StrEnum):
    """What PATCH does on a type."""

    NONE = "none"
    """There is no PATCH."""
    TAGS = "tags"
    """Only tags can be changed, as with the network provider's resources."""
    MERGE = "merge"
    """Top-level values and each of ``properties`` are replaced by those that the request carries."""


@dataclass(slots=True, kw_only=True)
class Write:
    """A PUT or PATCH on its way through the engine.

    :param plane: the control plane
    :param request: as it came in
    :param path: the id
    :param existing: what is there already; None: it is to be created
    :param body: the whole body as it will be kept, validated; ``prepare`` may change it
    :param facts: the service's own properties as they will be kept, those of ``existing`` to begin with
    :param given: the request's body as sent
    :param error: with this the accepted operation will fail at its end
    :param answer: how the write is answered; None: as the kind's attributes say
    :param parent_write: the write of the parent, where its body carried this resource
    :param embedded: the writes of children that the body carries
    :param dropped: children that it leaves out, and that go with it
    """

    plane: ControlPlane
    request: ArmRequest
    path: ArmPath
    existing: Resource | None
    body: dict[str, Any]
    facts: dict[str, Any]
    given: Mapping[str, Any]
    error: ArmError | None = None
    answer: Answer | None = None
    parent_write: Write | None = None
    embedded: tuple[Write, ...] = ()
    dropped: tuple[Resource, ...] = ()

    @property
    def properties(self) -> dict[str, Any]:
        """``properties`` of the body as it will be kept."""
        properties: dict[str, Any] = self.body["properties"]
        return properties

    @property
    def parent(self) -> Resource | None:
        """What the resource is a child of."""
        return self.plane.store.find(self.path.parent) if self.path.parent is not None else None

    @property
    def parent_properties(self) -> dict[str, Any]:
        """The parent's ``properties``, as they will be after this request."""
        if self.parent_write is not None:
            return self.parent_write.properties
        return self.parent.properties if self.parent is not None else {}

    def siblings(self) -> dict[str, dict[str, Any]]:
        """Other resources of this type below the same parent, as they will be after this request.

        :return: key of the id -> ``properties``
        """
        parent = self.path.parent
        found: dict[str, dict[str, Any]] = {}
        if parent is not None:
            for resource in self.plane.store.children(parent):
                if resource.path.types == self.path.types and not resource.is_being_deleted:
                    found[resource.path.key] = resource.properties
        if self.parent_write is not None:
            for dropped in self.parent_write.dropped:
                found.pop(dropped.path.key, None)
            for sibling in self.parent_write.embedded:
                if sibling.path.types == self.path.types:
                    found[sibling.path.key] = sibling.properties
        found.pop(self.path.key, None)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a resource is looked at.

    :param api_version: of the request: it decides what is visible
    :param query: of the request, such as ``$expand``
    """

    api_version: str
    query: Mapping[str, str]


ActionHandler = Callable[["ControlPlane", ArmRequest, Resource], ArmResponse]

CollectionHandler = Callable[["ControlPlane", ArmRequest, ArmPath], ArmResponse]

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?"
"""Names of most network resources: 1 to 80 characters; begins with a letter or digit, ends with one or ``_``."""

ENVELOPE: Mapping[str, Shape] = {
    "id": Anything(read_only=True),
    "name": Anything(read_only=True),
    "type": Anything(read_only=True),
    "etag": Anything(read_only=True),
    "systemData": Anything(read_only=True),
}


class ResourceKind:
    """A resource type. Subclasses set the attributes and override the methods that are special about it."""

    type: ClassVar[str]
    """Full type in Azure's spelling, such as ``Microsoft.Network/virtualNetworks/subnets``."""
    shown_type: ClassVar[str | None] = None
    """``type`` as answers spell it, where that differs."""
    api_versions: ClassVar[tuple[str, ...]]
    """What the provider accepts, ``2024-03-01`` and so on."""
    properties: ClassVar[Object] = Object(properties={}, open=True)
    """Shape of ``properties``."""
    envelope: ClassVar[Mapping[str, Shape]] = {}
    """Shapes of further members beside ``properties``, such as ``sku``."""
    name_pattern: ClassVar[str] = NAME
    tracked: ClassVar[bool] = False
    """Whether resources have a location and tags."""
    tags: ClassVar[bool] = False
    """Whether resources without a location have tags; tracked ones have."""
    default_location: ClassVar[str | None] = None
    """Where the request names none; None: it has to, if the type is tracked."""
    etag_in_body: ClassVar[bool] = True
    etag_quoted: ClassVar[str] = 'W/"{}"'
    """How the etag is written; the network provider's are weak."""
    shows_state: ClassVar[bool] = True
    """Whether ``properties`` carries ``provisioningState``."""
    settled_state: ClassVar[str] = "Succeeded"
    """``provisioningState`` at the end; SQL's connections say ``Ready``."""
    created: ClassVar[Answer] = Answer(status=201)
    updated: ClassVar[Answer] = Answer(status=200)
    patched: ClassVar[Answer] = Answer(status=200)
    deleted: ClassVar[Answer] = Answer(status=200)
    rests_unchanged: ClassVar[bool] = False
    """Whether a PUT that changes nothing shows ``settled_state`` from the start, though it is followed like any other
    (recorded for networks, subnets, security groups, virtual WANs, local gateways and Cosmos accounts)."""
    missing_delete_status: ClassVar[int] = 204
    patch: ClassVar[Patch] = Patch.NONE
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "PUT", "PATCH", "DELETE"})
    """Verbs on one resource; PATCH also needs ``patch``."""
    listed: ClassVar[bool] = True
    """Whether GET on the collection lists them."""
    polling: ClassVar[Polling] = provider_polling("Microsoft.Resources", signed=False)
    refusals: ClassVar[Refusals] = Refusals()
    embeds: ClassVar[Mapping[str, str]] = {}
    """Property that holds child resources -> the children's type segment: ``subnets`` of a network. A PUT that carries
    the property makes, changes and removes children so that it comes out; a read shows them."""
    actions: ClassVar[Mapping[str, ActionHandler]] = {}
    """POST actions below a resource: segment in lower case -> handler."""
    replace_all: CollectionHandler | None = None
    """PUT on the whole collection, where the type has it."""
    read_all: CollectionHandler | None = None
    """GET on the whole collection, where its answer is no list of resources (``CheckIPAddressAvailability``)."""
    conditions_fail_late: ClassVar[bool] = False
    """Whether a write whose ``If-Match`` or ``If-None-Match`` does not hold is accepted, and its operation fails
    (private DNS)."""
    acts: ActionHandler | None = None
    """Handles POST on a type that is an action on its parent with api-versions of its own (``listDnsResolvers``)."""

    # -- what a request must be like -------------------------------------------------------------

    def takes(self, api_version: str) -> bool:
        """:return: whether the provider accepts an api-version that is well-formed"""
        return api_version in self.api_versions

    def shape(self) -> Object:
        """:return: the shape of a whole body"""
        # Resources without a location are sent with one, too: by templates of peerings, by "az resource create" always.
        location = {"location": Anything(read_only=True)}
        members: dict[str, Shape] = {**ENVELOPE, **location, **self.envelope, "properties": self.properties}
        if self.embeds:
            children = {name: Items(of=Anything()) for name in self.embeds}
            members["properties"] = replace(self.properties, properties={**self.properties.properties, **children})
        if self.tracked:
            members["location"] = Text()
        if self.tracked or self.tags:
            members["tags"] = Dictionary(of=Text(longest=256), most=50)
        return Object(properties=members)

    @cached_property
    def whole_shape(self) -> Object:
        """What :meth:`shape` says, kept: a kind is stateless, and its shape is asked for with each request."""
        return self.shape()

    def check_name(self, path: ArmPath) -> None:
        """Refuse a name that the type does not allow.

        :raises ArmError: 400 InvalidResourceName
        """
        if not re.fullmatch(self.name_pattern, path.name):
            raise ArmError(
                400,
                "InvalidResourceName",
                f"Resource name {path.name} is invalid. The name can be up to 80 characters long. It must begin with a "
                "word character, and it must end with a word character or with '_'. The name may contain word "
                "characters or '.', '-', '_'.",
                details=(),
            )

    def linked_permissions(self, write: Write) -> Iterable[tuple[str, str]]:
        """Actions that the caller needs on other resources besides the write itself.

        :return: pairs of action and resource id, such as ``(".../virtualNetworks/peer/action", remote_id)``
        """
        return ()

    def refuse_while_busy(self, plane: ControlPlane, existing: Resource) -> None:
        """Refuse a write while another operation works on the resource; by default the newer one takes over.

        :raises ArmError: 409, the type does not allow it
        """

    # -- what happens ----------------------------------------------------------------------------

    def prepare(self, write: Write) -> None:
        """Refuse what the service refuses, and complete the body and the service's own properties.

        Nothing may be changed yet but ``write`` itself.

        :raises ArmError: the refusal
        """

    def stored(self, write: Write, resource: Resource) -> None:
        """Change what else changes at once; the resource is in the store."""

    def settled(self, plane: ControlPlane, resource: Resource) -> None:
        """Change what changes when provisioning has ended well."""

    def check_delete(self, plane: ControlPlane, request: ArmRequest, resource: Resource) -> None:
        """Refuse a delete, such as of what is in use.

        :raises ArmError: the refusal
        """

    def delete_failure(self, plane: ControlPlane, resource: Resource) -> ArmError | None:
        """:return: with what an accepted DELETE will fail at its end; None: it will not"""
        return None

    def removed(self, plane: ControlPlane, resource: Resource) -> None:
        """Change what changes when the resource has gone; it and all below it are no longer in the store."""

    def reference_removed(self, plane: ControlPlane, resource: Resource, removed: Resource) -> None:
        """Change what changes on ``resource`` when another one, whose id it carries, has gone."""

    def merge(self, existing: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
        """:return: the body that a PATCH makes of an existing one"""
        merged = {name: value for name, value in existing.body.items() if name != "properties"}
        merged.update({name: value for name, value in given.items() if name != "properties" and value is not None})
        changes = {} if self.patch is Patch.TAGS else given.get("properties") or {}
        # What is no object is left to the shape to refuse.
        merged["properties"] = {**existing.properties, **changes} if isinstance(changes, dict) else changes
        return merged

    def delete_missing(self, plane: ControlPlane, path: ArmPath) -> ArmResponse:
        """:return: the answer to a DELETE of what is not there

        :raises ArmError: where that is an error
        """
        return ArmResponse(self.missing_delete_status)

    def deleted_body(self, shown: dict[str, Any] | None) -> Any:
        """:return: the body of a synchronous DELETE's answer, given the resource as it was shown last"""
        return None

    def not_found(self, plane: ControlPlane, path: ArmPath) -> ArmError:
        """:return: the 404 for a resource of this type"""
        from airflow_provider_netconn.lab.arm.reads import not_found

        return not_found(plane, path)

    def precondition_failed(self, path: ArmPath, *, exists: bool) -> ArmError:
        """:return: the 412 for ``If-None-Match: *`` where something ``exists``, else for an etag that does not fit"""
        return precondition_failed()

    # -- how it shows ----------------------------------------------------------------------------

    def answer_get(self, plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse | None:
        """:return: what GET answers where that is no resource, such as an operation's result; None: a resource"""
        return None

    def find(self, plane: ControlPlane, path: ArmPath) -> Resource | None:
        """:return: one resource, or None. Overridden by types whose resources are derived from others."""
        return plane.store.find(path)

    def members(self, plane: ControlPlane, path: ArmPath) -> Iterable[Resource]:
        """:return: the resources of a collection: below a parent, a group or a whole subscription"""
        if len(path.types) > 1 and path.parent is not None:
            return plane.store.children(path.parent, self.type)
        if path.group is None and path.subscription is not None and path.scope.count("/") == 2:
            return plane.store.of_type(self.type, path.subscription)
        return plane.store.children(path.scope, self.type)

    def select(self, plane: ControlPlane, request: ArmRequest, resources: list[Resource]) -> list[Resource]:
        """:return: those of a list that the request's query asks for, such as by ``$filter``"""
        return resources

    def collection_action(self, path: ArmPath) -> CollectionHandler | None:
        """:return: what handles a POST to ``path``, which names no resource of this type; None: nothing does"""
        return None

    def render(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        """:return: the resource as a read shows it"""
        shown: dict[str, Any] = {"id": resource.id, "name": resource.path.name, "type": self.shown_type or self.type}
        if self.etag_in_body:
            shown["etag"] = self.etag_quoted.format(resource.etag)
        shown.update(
            self.whole_shape.secrets({name: value for name, value in resource.body.items() if name != "properties"})
        )
        shown["properties"] = self.render_properties(plane, resource, look)
        return shown

    def render_properties(self, plane: ControlPlane, resource: Resource, look: Look) -> dict[str, Any]:
        """:return: ``properties`` as a read shows them"""
        shown = {**self.properties.secrets(resource.properties), **resource.facts}
        if self.shows_state:
            shown["provisioningState"] = resource.provisioning_state
        for name, segment in self.embeds.items():
            kind = plane.kind(f"{self.type}/{segment}")
            children = kind.members(plane, resource.path.children(segment)) if kind is not None else ()
            shown[name] = [child.kind.render(plane, child, look) for child in children]
        return shown

    def is_derived(self, plane: ControlPlane, path: ArmPath) -> bool:
        """:return: whether a resource of that id is derived from others, so that a parent's body that carries it along
        changes nothing"""
        return False

    def operation_body(self, plane: ControlPlane, operation: Operation) -> Any:
        """:return: the body of an answer that shows the operation instead of the resource"""
        return plane.operations.status_body(operation)
