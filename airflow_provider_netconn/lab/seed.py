"""What a lab begins with: a landscape in a YAML file, read into values. What Azure says of it is heard later.

The sections of resources hold Resource Manager's own bodies, so whatever can be made by a request can be seeded; see
``docs/lab.md`` for the format and ``seeds/`` for the landscapes that come with the lab.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from airflow_provider_netconn.lab.astro.state import AstroState
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.errors import LabError
from airflow_provider_netconn.lab.names.own_servers import KEYS, SECTION, OwnServer, read_servers
from airflow_provider_netconn.lab.seed_sections import SECTIONS, Section
from airflow_provider_netconn.lab.yaml_document import Document

DEFAULT: Final = "astro"
"""The landscape that a lab has unless told otherwise."""

_REFERENCE: Final = "ref:"
_TOP_KEYS: Final = ("tenants", "subscriptions", "principals", "owner", "machine", "groups", "roles", "astro", SECTION)
_KINDS: Final = ("User", "Group", "ServicePrincipal", "ManagedIdentity")
_PRINCIPAL_KEYS: Final = (
    "name",
    "kind",
    "tenant",
    "object_id",
    "app_id",
    "user_principal_name",
    "client_secret",
    "federated",
    "also_in",
    "graph_permissions",
    "members",
    "resource_id",
)
_OWN_KEYS: Final = ("name", "group", "api_version", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSeed:
    """A tenant of Entra ID.

    :param name: how the file calls it
    """

    name: str
    id: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSeed:
    """A subscription.

    :param tenant: name of its tenant
    """

    name: str
    id: str
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedSeed:
    """Another issuer's tokens that an application may sign in with."""

    issuer: str
    subject: str
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalSeed:
    """A user, a group, an application with its service principals, or a managed identity.

    :param place: where it stands in the file
    :param kind: ``User``, ``Group``, ``ServicePrincipal`` or ``ManagedIdentity``
    :param tenant: name of its home tenant
    :param app_id: application (client) id; None for users and groups
    :param client_secret: what the application signs in with; made up when the file has none
    :param also_in: names of further tenants that consented to the application, and its object ids there
    :param members: of a group, by name
    """

    place: str
    name: str
    kind: str
    tenant: str
    object_id: str
    app_id: str | None = None
    user_principal_name: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    federated: tuple[FederatedSeed, ...] = ()
    also_in: Mapping[str, str] = field(default_factory=dict)
    graph_permissions: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    resource_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSeed:
    """A role that a principal has.

    :param principal: its name
    :param role: name of a built-in role
    :param scope: id of a resource, a group or a subscription
    """

    place: str
    principal: str
    role: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSeed:
    """A resource, group or child that is made by a PUT.

    :param place: where it stands in the file
    """

    place: str
    id: str
    api_version: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A landscape.

    :param owner: name of the principal whose token the state file carries
    :param system_assigned: name of the managed identity of the machine that the lab plays
    :param user_assigned: names of those assigned to it besides
    :param resources: groups first, then what refers to others behind what it refers to
    :param astro: organizations with what they have, as :meth:`.AstroState.load` takes them
    :param dns_servers: DNS servers that are none of Azure's
    """

    tenants: tuple[TenantSeed, ...]
    subscriptions: tuple[SubscriptionSeed, ...]
    principals: tuple[PrincipalSeed, ...]
    owner: str
    system_assigned: str | None
    user_assigned: tuple[str, ...]
    roles: tuple[RoleSeed, ...]
    resources: tuple[ResourceSeed, ...]
    astro: tuple[Mapping[str, Any], ...]
    dns_servers: tuple[OwnServer, ...] = ()

    def tenant(self, name: str) -> TenantSeed:
        """The tenant of that name, which the file has."""
        return next(tenant for tenant in self.tenants if tenant.name == name)

    def principal(self, name: str) -> PrincipalSeed:
        """The principal of that name, which the file has."""
        return next(principal for principal in self.principals if principal.name == name)


def shipped_seeds() -> tuple[str, ...]:
    """Names of the landscapes that come with the lab."""
    folder = resources.files("airflow_provider_netconn.lab") / "seeds"
    return tuple(sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")))


def load_seed(source: str | Path = DEFAULT) -> Seed:
    """Read a landscape.

    :param source: the path of a YAML file, or the name of one that comes with the lab
    :raises SeedError: naming file, line, key and mend
    :raises LabError: the file cannot be read
    """
    if str(source) in shipped_seeds():
        file = resources.files("airflow_provider_netconn.lab") / "seeds" / f"{source}.yaml"
        return read_seed(file.name, file.read_text(encoding="utf-8"))
    path = Path(source)
    try:
        return read_seed(path.name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        shipped = ", ".join(shipped_seeds())
        raise LabError(f"seed {path}: cannot be read: {reason}; give a YAML file, or one of {shipped}") from None


def read_seed(file: str, text: str) -> Seed:
    """Read a landscape from a text.

    :param file: how errors call it
    :raises SeedError: naming file, line, key and mend
    """
    return _Reader(Document(file, text)).seed()


class _Reader:
    """Reads one document; names that later sections refer to are noted on the way."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._data = document.data
        document.check_keys(self._data, "", (*_TOP_KEYS, *SECTIONS))
        self._tenants: dict[str, TenantSeed] = {}
        self._subscriptions: dict[str, SubscriptionSeed] = {}
        self._groups: dict[str, tuple[str, str]] = {}
        self._principals: dict[str, PrincipalSeed] = {}
        self._ids: dict[str, str] = {}

    def seed(self) -> Seed:
        self._read_tenants()
        self._read_subscriptions()
        self._read_principals()
        groups = list(self._read_groups())
        self._note_ids()
        owner, machine = self._owner(), self._machine()
        return Seed(
            tenants=tuple(self._tenants.values()),
            subscriptions=tuple(self._subscriptions.values()),
            principals=tuple(self._principals.values()),
            owner=owner,
            system_assigned=machine[0],
            user_assigned=machine[1],
            roles=tuple(self._read_roles()),
            resources=(*groups, *self._read_resources()),
            astro=tuple(self._read_astro()),
            dns_servers=read_servers(self._document, self._entries(SECTION, KEYS), self._resolved),
        )

    def _entries(self, section: str, known: tuple[str, ...] | None) -> Iterator[tuple[str, dict[str, Any]]]:
        """The items of a list, each with its path; every one is a mapping with a name of its own."""
        names: set[str] = set()
        for index, item in enumerate(self._document.sequence(self._data.get(section), section)):
            path = f"{section}[{index}]"
            entry = self._document.mapping(item, path)
            if known is not None:
                self._document.check_keys(entry, path, known)
            name = self._required(entry, path, "name")
            if name in names:
                raise self._document.error(f"{path}.name", f"{name!r} stands twice", "give each its own name")
            names.add(name)
            yield path, entry

    def _required(self, entry: Mapping[str, Any], path: str, key: str) -> str:
        if key not in entry:
            raise self._document.error(path, f"{key} is missing", f"write {key}: ...")
        return self._document.text(entry[key], f"{path}.{key}")

    def _guid(self, entry: Mapping[str, Any], path: str, key: str) -> str:
        text = self._required(entry, path, key)
        try:
            return str(uuid.UUID(text))
        except ValueError:
            raise self._document.error(f"{path}.{key}", f"{text!r} is no GUID", "write 8-4-4-4-12 hex digits") from None

    def _read_tenants(self) -> None:
        for path, entry in self._entries("tenants", ("name", "id", "domain")):
            name = entry["name"]
            domain = entry.get("domain", f"{name}.onmicrosoft.com")
            self._tenants[name] = TenantSeed(
                name=name, id=self._guid(entry, path, "id"), domain=self._document.text(domain, f"{path}.domain")
            )
        if not self._tenants:
            raise self._document.error("", "tenants is missing", "write tenants: [{name: ..., id: ...}]")

    def _tenant_of(self, entry: Mapping[str, Any], path: str) -> str:
        given = entry.get("tenant", next(iter(self._tenants)))
        return self._document.choice(given, f"{path}.tenant", self._tenants, "a tenant")

    def _read_subscriptions(self) -> None:
        for path, entry in self._entries("subscriptions", ("name", "id", "tenant")):
            self._subscriptions[entry["name"]] = SubscriptionSeed(
                name=entry["name"], id=self._guid(entry, path, "id"), tenant=self._tenant_of(entry, path)
            )
        if not self._subscriptions:
            raise self._document.error("", "subscriptions is missing", "write subscriptions: [{name: ..., id: ...}]")

    def _read_principals(self) -> None:
        for path, entry in self._entries("principals", _PRINCIPAL_KEYS):
            self._principals[entry["name"]] = self._principal(path, entry)
        for index, principal in enumerate(self._principals.values()):
            for member in principal.members:
                self._document.choice(member, f"principals[{index}].members", self._principals, "a principal")
        if not self._principals:
            raise self._document.error("", "principals is missing", "write one at least, to be the owner")

    def _principal(self, path: str, entry: dict[str, Any]) -> PrincipalSeed:
        document = self._document
        kind = document.choice(entry.get("kind", "ServicePrincipal"), f"{path}.kind", _KINDS, "a kind of principal")
        has_app = kind in {"ServicePrincipal", "ManagedIdentity"}
        secret = entry.get("client_secret", f"lab{secrets.token_urlsafe(24)}" if kind == "ServicePrincipal" else None)
        texts = {key: entry.get(key) for key in ("user_principal_name", "resource_id")}
        if kind == "User":
            domain = self._tenants[self._tenant_of(entry, path)].domain
            texts["user_principal_name"] = texts["user_principal_name"] or f"{entry['name']}@{domain}"
        also_in = document.mapping(entry.get("also_in"), f"{path}.also_in")
        for tenant in also_in:
            document.choice(tenant, f"{path}.also_in.{tenant}", self._tenants, "a tenant")
        return PrincipalSeed(
            place=document.place(path),
            name=entry["name"],
            kind=kind,
            tenant=self._tenant_of(entry, path),
            object_id=self._guid(entry, path, "object_id"),
            app_id=self._guid(entry, path, "app_id") if has_app else None,
            client_secret=None if secret is None else document.text(secret, f"{path}.client_secret"),
            federated=tuple(self._federated(entry, path)),
            also_in={tenant: self._guid(also_in, f"{path}.also_in", tenant) for tenant in also_in},
            graph_permissions=self._texts(entry, path, "graph_permissions"),
            members=self._texts(entry, path, "members"),
            **{key: None if value is None else document.text(value, f"{path}.{key}") for key, value in texts.items()},
        )

    def _texts(self, entry: Mapping[str, Any], path: str, key: str) -> tuple[str, ...]:
        items = self._document.sequence(entry.get(key), f"{path}.{key}")
        return tuple(self._document.text(item, f"{path}.{key}[{index}]") for index, item in enumerate(items))

    def _federated(self, entry: Mapping[str, Any], path: str) -> Iterator[FederatedSeed]:
        for index, item in enumerate(self._document.sequence(entry.get("federated"), f"{path}.federated")):
            place = f"{path}.federated[{index}]"
            given = self._document.mapping(item, place)
            self._document.check_keys(given, place, ("issuer", "subject", "audience"))
            audience = {"audience": self._required(given, place, "audience")} if "audience" in given else {}
            issuer, subject = (self._required(given, place, key) for key in ("issuer", "subject"))
            yield FederatedSeed(issuer=issuer, subject=subject, **audience)

    def _owner(self) -> str:
        given = self._data.get("owner", next(iter(self._principals)))
        return self._document.choice(given, "owner", self._principals, "a principal")

    def _machine(self) -> tuple[str | None, tuple[str, ...]]:
        machine = self._document.mapping(self._data.get("machine"), "machine")
        self._document.check_keys(machine, "machine", ("system_assigned", "user_assigned"))
        identities = [name for name, principal in self._principals.items() if principal.kind == "ManagedIdentity"]
        user_assigned = self._texts(machine, "machine", "user_assigned")
        for name in user_assigned:
            self._document.choice(name, "machine.user_assigned", identities, "a managed identity")
        own = machine.get("system_assigned")
        if own is not None:
            self._document.choice(own, "machine.system_assigned", identities, "a managed identity")
        return own, user_assigned

    def _read_groups(self) -> Iterator[ResourceSeed]:
        for path, entry in self._entries("groups", ("name", "subscription", "location", "tags")):
            given = entry.get("subscription", next(iter(self._subscriptions)))
            choice = self._document.choice(given, f"{path}.subscription", self._subscriptions, "a subscription")
            location = self._document.text(entry.get("location", "westeurope"), f"{path}.location")
            group_id = f"/subscriptions/{self._subscriptions[choice].id}/resourceGroups/{entry['name']}"
            self._groups[entry["name"]] = (group_id, location)
            body = {"location": location, "tags": self._document.mapping(entry.get("tags"), f"{path}.tags")}
            yield ResourceSeed(place=self._document.place(path), id=group_id, api_version="2021-04-01", body=body)

    def _note_ids(self) -> None:
        """Note the id of every named resource, so that others can refer to it wherever it stands."""
        for name, group in self._groups.items():
            self._ids[f"groups/{name}"] = group[0]
        for name, subscription in self._subscriptions.items():
            self._ids[f"subscriptions/{name}"] = f"/subscriptions/{subscription.id}"
        for section_name, section in SECTIONS.items():
            for path, entry in self._entries(section_name, None):
                self._ids[f"{section_name}/{entry['name']}"] = self._id(section, path, entry)

    def _id(self, section: Section, path: str, entry: Mapping[str, Any]) -> str:
        group = self._document.choice(
            self._required(entry, path, "group"), f"{path}.group", self._groups, "a resource group"
        )
        resource_type = section.type or self._required(entry, path, "type")
        namespace, _, types = resource_type.partition("/")
        if not types or "/" in types:
            raise self._document.error(f"{path}.type", f"{resource_type!r} is no type", "write Microsoft.Storage/x")
        return f"{self._groups[group][0]}/providers/{namespace}/{types}/{entry['name']}"

    def _read_resources(self) -> Iterator[ResourceSeed]:
        """Every top-level resource in the order of the sections, and then what is below them."""
        children: list[ResourceSeed] = []
        for section_name, section in SECTIONS.items():
            for path, entry in self._entries(section_name, None):
                own_id = self._ids[f"{section_name}/{entry['name']}"]
                version = self._document.text(entry.get("api_version") or section.api_version, f"{path}.api_version")
                known = {*_OWN_KEYS, *section.children}
                body = {key: self._resolved(value, f"{path}.{key}") for key, value in entry.items() if key not in known}
                if section.has_location:
                    body.setdefault("location", section.location or self._groups[entry["group"]][1])
                yield ResourceSeed(place=self._document.place(path), id=own_id, api_version=version, body=body)
                children += self._children(section, path, entry, own_id, version)
        yield from children

    def _children(
        self, section: Section, path: str, entry: Mapping[str, Any], parent: str, version: str
    ) -> Iterator[ResourceSeed]:
        for key, types in section.children.items():
            for index, item in enumerate(self._document.sequence(entry.get(key), f"{path}.{key}")):
                place = f"{path}.{key}[{index}]"
                child = self._document.mapping(item, place)
                name = self._required(child, place, "name")
                given = {part: value for part, value in child.items() if part not in _OWN_KEYS}
                body = {part: self._resolved(value, f"{place}.{part}") for part, value in given.items()}
                if types.location is not None:
                    body.setdefault("location", types.location)
                child_id = f"{parent}/{types.segment}/{name}"
                yield ResourceSeed(
                    place=self._document.place(place), id=child_id, api_version=types.api_version or version, body=body
                )

    def _read_roles(self) -> Iterator[RoleSeed]:
        for index, item in enumerate(self._document.sequence(self._data.get("roles"), "roles")):
            path = f"roles[{index}]"
            entry = self._document.mapping(item, path)
            self._document.check_keys(entry, path, ("principal", "role", "scope"))
            principal = self._document.choice(
                self._required(entry, path, "principal"), f"{path}.principal", self._principals, "a principal"
            )
            scope = self._resolved(self._required(entry, path, "scope"), f"{path}.scope")
            yield RoleSeed(
                place=self._document.place(path),
                principal=principal,
                role=self._required(entry, path, "role"),
                scope=scope,
            )

    def _read_astro(self) -> Iterator[Mapping[str, Any]]:
        """Each organization; its tokens get their values here, so that they outlive a reset."""
        checked = AstroState(Clock())
        for index, item in enumerate(self._document.sequence(self._data.get("astro"), "astro")):
            path = f"astro[{index}]"
            organization = self._document.mapping(item, path)
            for token in organization.get("tokens") or ():
                if isinstance(token, dict) and not token.get("value"):
                    token["value"] = secrets.token_urlsafe(32)
            try:
                checked.load(organization)
            except ValueError as error:
                place, _, seen = str(error).partition(": ")
                raise self._document.error(f"{path}.{place}", seen) from None
            yield organization

    def _resolved(self, value: Any, path: str) -> Any:
        """A value in which each ``ref:section/name`` is the id of what it names."""
        if isinstance(value, dict):
            return {key: self._resolved(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item, f"{path}[{index}]") for index, item in enumerate(value)]
        if not isinstance(value, str) or not value.startswith(_REFERENCE):
            return value
        section, name, *below = value.removeprefix(_REFERENCE).split("/")
        found = self._document.choice(f"{section}/{name}", path, self._ids, "a name in this file")
        return "/".join((self._ids[found], *below))
