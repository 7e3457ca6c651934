"""What one lab's Astro has: records, and the API tokens that see them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from airflow_provider_netconn.lab.astro.records import Kind, Record, made_id, make_record
from airflow_provider_netconn.lab.clock import Clock

_KEYS: Final = ("organization", "workspaces", "clusters", "deployments", "allowed_ip_address_ranges", "tokens")


class Scope(StrEnum):
    """What an API token is for (Astronomer, "Organization, Workspace and Deployment API tokens")."""

    ORGANIZATION = "organization"
    WORKSPACE = "workspace"
    DEPLOYMENT = "deployment"


_KIND_OF: Final = {
    Scope.ORGANIZATION: Kind.ORGANIZATION,
    Scope.WORKSPACE: Kind.WORKSPACE,
    Scope.DEPLOYMENT: Kind.DEPLOYMENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """An API token.

    :param value: what a client sends as the bearer token
    :param of: id of the organization, workspace or deployment that it is for
    :param expires_at: seconds since the epoch; None for one that does not expire
    """

    name: str
    scope: Scope
    of: str
    organization_id: str
    value: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))
    expires_at: float | None = None


class AstroState:
    """All records and tokens. May be read and changed while it is served, also from another thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[tuple[Kind, str], Record] = {}
        self._tokens: dict[str, ApiToken] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._tokens.clear()

    # Records

    def put(self, record: Record) -> Record:
        """Add a record, or replace the one of this kind and id."""
        self._records[record.kind, record.id] = record
        return record

    def remove(self, kind: Kind, identifier: str) -> None:
        """Remove a record, if it is there."""
        self._records.pop((kind, identifier), None)

    def change(self, record: Record, **changes: Any) -> Record:
        """Set properties of a record.

        :param changes: by the API's names
        :raises ValueError: a property is none of the kind's
        """
        return self.put(make_record(record.kind, {**record.document, **changes}, now=self._clock.now()))

    def record(self, kind: Kind, identifier: str) -> Record | None:
        """The record of that kind and id."""
        return self._records.get((kind, identifier))

    def records(self, kind: Kind, organization_id: str | None = None) -> tuple[Record, ...]:
        """The records of that kind, and of that organization where one is given, oldest first."""
        return tuple(
            record
            for record in tuple(self._records.values())
            if record.kind is kind and organization_id in {None, record.organization_id}
        )

    def named(self, kind: Kind, name: str) -> Record | None:
        """The record of that kind and id, or else the first of that name."""
        by_id = self.record(kind, name)
        return by_id or next((one for one in self.records(kind) if one.name == name), None)

    # Tokens

    def add_token(self, token: ApiToken) -> ApiToken:
        """Let a client with that token in."""
        self._tokens[token.value] = token
        return token

    def tokens(self) -> tuple[ApiToken, ...]:
        """All API tokens, oldest first."""
        return tuple(self._tokens.values())

    def token(self, value: str) -> ApiToken | None:
        """The token of that value, if it is in force."""
        found = self._tokens.get(value)
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock.now()):
            return None
        return found

    def revoke(self, value: str) -> None:
        """Let a client with that token in no more."""
        self._tokens.pop(value, None)

    # Loading

    def load(self, document: Mapping[str, Any]) -> Record:
        """Add one organization with all that it has.

        ``organization`` is a mapping, the others are lists of mappings. ``workspaces``, ``clusters``, ``deployments``
        and ``allowed_ip_address_ranges`` have the API's own properties, in which ``clusterId``, ``workspaceId``,
        ``workspaceIds`` and ``defaultClusterId`` may also be names. ``tokens`` have ``name``, ``scope`` (organization,
        workspace or deployment), ``of`` (id or name; not needed for the organization), ``value`` (made up where absent)
        and ``expires_at`` (seconds since the epoch; never by default).

        :return: the organization
        :raises ValueError: something is unknown or lacks; names path and mend
        """
        unknown = [key for key in document if key not in _KEYS]
        if unknown:
            raise ValueError(f"{unknown[0]}: unknown key; the keys are {', '.join(_KEYS)}")
        organization = self._loaded(Kind.ORGANIZATION, document.get("organization"), "organization")
        for kind, key in (
            (Kind.WORKSPACE, "workspaces"),
            (Kind.CLUSTER, "clusters"),
            (Kind.DEPLOYMENT, "deployments"),
            (Kind.ALLOWED_RANGE, "allowed_ip_address_ranges"),
        ):
            for path, given in _entries(document, key):
                self._loaded(kind, given, path, organization)
        # A workspace stands before the cluster that it may name.
        for workspace in self.records(Kind.WORKSPACE, organization.id):
            if cluster := workspace.get("defaultClusterId"):
                self.change(workspace, defaultClusterId=self._id_of(Kind.CLUSTER, cluster, "workspaces"))
        for path, given in _entries(document, "tokens"):
            self.add_token(self._loaded_token(given, path, organization))
        return organization

    def _loaded(self, kind: Kind, given: Any, path: str, organization: Record | None = None) -> Record:
        given = dict(_mapping(given, path))
        filled_in: dict[str, Any] = {}
        if organization is not None:
            filled_in["organizationId"] = organization.id
        try:
            if kind is Kind.ORGANIZATION and "productPlans" in given:
                given["productPlans"] = _plans(given)
            if kind is Kind.WORKSPACE and organization is not None:
                filled_in["organizationName"] = organization.name
            if kind is Kind.CLUSTER and "workspaceIds" in given:
                ids = [self._id_of(Kind.WORKSPACE, str(one), "workspaceIds") for one in given["workspaceIds"]]
                given["workspaceIds"] = ids
            if kind is Kind.DEPLOYMENT:
                filled_in |= self._of_deployment(given)
            return self.put(make_record(kind, given, now=self._clock.now(), **filled_in))
        except ValueError as error:
            raise ValueError(f"{path}.{error}") from None

    def _of_deployment(self, given: dict[str, Any]) -> dict[str, Any]:
        """What follows from the deployment's workspace and cluster; ids take the place of names in ``given``."""
        if "workspaceId" not in given:
            raise ValueError("workspaceId: a Deployment needs one")
        given["workspaceId"] = self._id_of(Kind.WORKSPACE, str(given["workspaceId"]), "workspaceId")
        workspace = self.record(Kind.WORKSPACE, given["workspaceId"])
        host = f"{given.get('namespace', given.get('name'))}.astronomer.run"
        follows: dict[str, Any] = {
            "workspaceName": workspace.name if workspace else None,
            "namespace": given.get("name"),
            "apiUrl": f"https://{host}/api/v2",
            "uiUrl": f"https://{host}",
            "webServerAirflowApiUrl": f"{host}/api/v2",
            "webServerIngressHostname": host,
            "webServerUrl": host,
        }
        if "clusterId" in given:
            given["clusterId"] = self._id_of(Kind.CLUSTER, str(given["clusterId"]), "clusterId")
            cluster = self.record(Kind.CLUSTER, given["clusterId"])
            assert cluster is not None, "an id was found for it"
            metadata = cluster.get("metadata") or {}
            follows |= {
                "clusterName": cluster.name,
                "type": cluster.get("type"),
                "region": cluster.get("region"),
                "cloudProvider": cluster.get("cloudProvider"),
                "externalIPs": metadata.get("externalIPs"),
                "oidcIssuerUrl": metadata.get("oidcIssuerUrl"),
            }
        return follows

    def _loaded_token(self, given: Mapping[str, Any], path: str, organization: Record) -> ApiToken:
        given = _mapping(given, path)
        unknown = [key for key in given if key not in {"name", "scope", "of", "value", "expires_at"}]
        if unknown:
            raise ValueError(f"{path}.{unknown[0]}: unknown key; a token has name, scope, of, value, expires_at")
        try:
            scope = Scope(given.get("scope", "organization"))
        except ValueError:
            raise ValueError(f"{path}.scope: no scope; write {', '.join(Scope)}") from None
        if scope is Scope.ORGANIZATION:
            of = organization.id
        else:
            of = self._id_of(_KIND_OF[scope], str(given.get("of", "")), f"{path}.of")
        more = {"value": str(given["value"])} if given.get("value") else {}
        return ApiToken(
            name=str(given.get("name") or path),
            scope=scope,
            of=of,
            organization_id=organization.id,
            expires_at=given.get("expires_at"),
            **more,
        )

    def _id_of(self, kind: Kind, name: str, path: str) -> str:
        found = self.named(kind, name)
        if found is None:
            known = ", ".join(one.name for one in self.records(kind)) or "none"
            raise ValueError(f"{path}: no {kind} {name!r}; there is {known}")
        return found.id


def _plans(organization: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    owner = organization.get("id") or made_id(Kind.ORGANIZATION, "", str(organization.get("name")))
    return [
        {
            "astronomerProduct": "ASTRO",
            "organizationId": owner,
            "productPlanId": made_id(Kind.ORGANIZATION, owner, str(plan.get("productPlanName"))),
            **plan,
        }
        for plan in organization["productPlans"]
    ]


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{path}: is no mapping; write its properties")  # noqa: TRY004 - one error for all of a document
    return value


def _entries(document: Mapping[str, Any], key: str) -> Iterable[tuple[str, Any]]:
    entries = document.get(key) or []
    if not isinstance(entries, list | tuple):
        raise ValueError(f"{key}: is no list")  # noqa: TRY004 - as above
    return [(f"{key}[{index}]", entry) for index, entry in enumerate(entries)]
