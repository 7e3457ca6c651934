"""``POST /providers/Microsoft.ResourceGraph/resources``: what the caller may read, queried and cut into pages."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import CollectionHandler, Look, ResourceKind
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse
from airflow_provider_netconn.lab.arm.schema import (
    Anything,
    Choice,
    Flag,
    Items,
    Number,
    Object,
    Refusals,
    Text,
    read_body,
)
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.resources.inventory import summary, top_level
from airflow_provider_netconn.lab.resources.resource_graph.expressions import QueryError, Row
from airflow_provider_netconn.lab.resources.resource_graph.language import parse

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
COLUMNS = ("kind", "location", "managedBy", "sku", "plan", "tags", "identity", "zones", "extendedLocation")
LARGEST_PAGE = 1000

REQUEST = Object(
    properties={
        "query": Text(required=True, shortest=1),
        "subscriptions": Items(of=Text()),
        "managementGroups": Items(of=Text()),
        "options": Object(
            default={},
            properties={
                "$top": Number(lowest=1, highest=LARGEST_PAGE),
                "$skip": Number(lowest=0),
                "$skipToken": Text(),
                "resultFormat": Choice(values=("objectArray", "table"), default="objectArray"),
                "allowPartialScopes": Flag(),
                "authorizationScopeFilter": Text(),
            },
        ),
        "facets": Items(of=Anything()),
    }
)


class ResourceGraph(ResourceKind):
    """The query itself, which is an action on no resource."""

    type = "Microsoft.ResourceGraph/resources"
    api_versions = (
        "2018-09-01-preview",
        "2019-04-01",
        "2020-04-01-preview",
        "2021-03-01",
        "2021-06-01-preview",
        "2022-10-01",
        "2024-04-01",
    )
    methods = frozenset()
    listed = False

    def collection_action(self, path: ArmPath) -> CollectionHandler | None:
        return answer


KINDS = (ResourceGraph(),)


def answer(plane: ControlPlane, request: ArmRequest, path: ArmPath) -> ArmResponse:
    """Answer a query.

    :raises ArmError: 400, the query or what is around it cannot be read
    """
    body = read_body(REQUEST, request.json_object(), Refusals(malformed="BadRequest", missing="BadRequest"))
    try:
        table, steps = parse(body["query"])
        rows = list(_table(plane, request, table, body.get("subscriptions")))
    except QueryError as error:
        raise _invalid(error) from None
    for step in steps:
        rows = step(rows)
    options = body["options"]
    start = _skipped(options.get("$skipToken")) if "$skipToken" in options else int(options.get("$skip", 0))
    shown = rows[start : start + int(options.get("$top", LARGEST_PAGE))]
    result: dict[str, Any] = {
        "totalRecords": len(rows),
        "count": len(shown),
        "resultTruncated": "false",
        "facets": [],
        "data": _as_table(shown) if options["resultFormat"] == "table" else shown,
    }
    if start + len(shown) < len(rows):
        result["$skipToken"] = base64.b64encode(f"skip:{start + len(shown)}".encode()).decode("ascii")
    return ArmResponse(200, result)


def _skipped(token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True).decode("ascii").removeprefix("skip:"))
    except ValueError:
        raise ArmError(400, "BadRequest", f"The $skipToken '{token}' was not given by this service.") from None


def _table(plane: ControlPlane, request: ArmRequest, table: str, subscriptions: list[str] | None) -> Iterator[Row]:
    assert request.caller is not None
    caller = request.caller
    if table not in {"resources", "resourcecontainers"}:
        raise QueryError(f"unknown table '{table}'", 0, table)
    wanted = None if subscriptions is None else {subscription.casefold() for subscription in subscriptions}
    for subscription in plane.store.of_type(SUBSCRIPTIONS):
        tenant = str(subscription.facts["tenantId"])
        if tenant.casefold() != caller.tenant_id.casefold():
            continue
        if wanted is not None and subscription.path.name.casefold() not in wanted:
            continue
        if table == "resources":
            found = top_level(plane, subscription.id)
        else:
            found = [subscription, *plane.store.children(subscription.path, GROUPS)]
        for resource in found:
            if plane.access.allows(caller, f"{resource.kind.type}/read", resource.id):
                yield _row(plane, resource, tenant)


def _row(plane: ControlPlane, resource: Resource, tenant: str) -> Row:
    look = Look(api_version=max(resource.kind.api_versions, default=""), query={})
    shown = {**resource.kind.render(plane, resource, look), **summary(resource)}
    row: Row = {
        "id": resource.id,
        "name": shown.get("displayName", resource.path.name),
        "type": resource.kind.type.lower(),
        "tenantId": tenant,
        "resourceGroup": resource.path.group or "",
        "subscriptionId": resource.path.subscription or "",
    }
    return {**row, **{name: shown.get(name) for name in COLUMNS}, "properties": shown.get("properties", {})}


def _as_table(rows: list[Row]) -> dict[str, Any]:
    names = list(rows[0]) if rows else []
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    columns = [{"name": name, "type": kinds.get(type(rows[0][name]), "object")} for name in names]
    return {"columns": columns, "rows": [[row.get(name) for name in names] for row in rows]}


def _invalid(error: QueryError) -> ArmError:
    return ArmError(
        400,
        "BadRequest",
        f"Query is invalid: {error}.",
        details=(
            {
                "code": "InvalidQuery",
                "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service "
                "and fix the error before retrying.",
            },
            {
                "code": "ParserFailure",
                "message": "ParserFailure",
                "line": 1,
                "characterPositionInLine": error.position,
                "token": error.token,
            },
        ),
    )
