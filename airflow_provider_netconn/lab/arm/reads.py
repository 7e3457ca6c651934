"""GET: one resource, a list in pages, and the polls of operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow_provider_netconn.lab.arm.errors import (
    ArmError,
    child_not_found,
    resource_not_found,
)
from airflow_provider_netconn.lab.arm.identifiers import ArmPath
from airflow_provider_netconn.lab.arm.kinds import Look
from airflow_provider_netconn.lab.arm.operations import Follow, Operation
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane
    from airflow_provider_netconn.lab.arm.kinds import ResourceKind
    from airflow_provider_netconn.lab.arm.store import Resource

SKIP_TOKEN = "$skiptoken"


def look_of(request: ArmRequest) -> Look:
    """:return: how a request looks at resources"""
    return Look(api_version=request.api_version, query=request.query)


def read(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> ArmResponse:
    """GET of one resource."""
    special = kind.answer_get(plane, request, path)
    if special is not None:
        return special
    resource = kind.find(plane, path)
    if resource is None:
        raise kind.not_found(plane, path)
    headers = {"ETag": kind.etag_quoted.format(resource.etag)} if kind.etag_in_body else {}
    return ArmResponse(200, kind.render(plane, resource, look_of(request)), headers)


def exists(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> ArmResponse:
    """HEAD of one resource: 204 or 404, without body."""
    return ArmResponse(404 if kind.find(plane, path) is None else 204)


def not_found(plane: ControlPlane, path: ArmPath) -> ArmError:
    """:return: the 404 for a resource that is not there: the group, the parent or the child is missing"""
    try:
        plane.check_group(path)
    except ArmError as error:
        return error
    parent = path.parent
    if parent is not None and parent.group is not None:
        kind = plane.kind(parent.type)
        if kind is not None and kind.find(plane, parent) is not None:
            return child_not_found(path.text)
    return resource_not_found("/".join((path.namespace, path.types[0])), "/".join(path.names[:1]), path.group or "")


def list_resources(plane: ControlPlane, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> ArmResponse:
    """GET of a collection, in pages."""
    special = kind.answer_get(plane, request, path)
    if special is not None:
        return special
    if path.group is not None and path.type != "Microsoft.Resources/subscriptions/resourceGroups":
        plane.check_group(path)
    parent = path.parent
    if parent is not None:
        parent_kind = plane.kind(parent.type)
        if parent_kind is not None and parent_kind.find(plane, parent) is None:
            raise not_found(plane, parent)
    if kind.read_all is not None:
        return kind.read_all(plane, request, path)
    look = look_of(request)
    resources = kind.select(plane, request, list(kind.members(plane, path)))
    return page(plane, request, resources, lambda resource: kind.render(plane, resource, look))


def page(plane: ControlPlane, request: ArmRequest, resources: list[Any], render: Any) -> ArmResponse:
    """Cut a list into a page, with a link to the next one.

    :param resources: the whole list
    :param render: gives the JSON of one item
    """
    start = int(request.query.get(SKIP_TOKEN, "0") or 0) if request.query.get(SKIP_TOKEN, "0").isdigit() else 0
    top = request.query.get("$top", "")
    size = min(plane.page_size, int(top)) if top.isdigit() and int(top) > 0 else plane.page_size
    body: dict[str, Any] = {"value": [render(resource) for resource in resources[start : start + size]]}
    if start + size < len(resources):
        query = {**request.query, SKIP_TOKEN: str(start + size)}
        body["nextLink"] = f"{plane.base_url()}{quote(request.path, safe='/')}?{urlencode(query)}"
    return ArmResponse(200, body)


def poll(plane: ControlPlane, operation: Operation, followed: Follow) -> ArmResponse:
    """The state of an operation, at the URL that the client follows."""
    polling = operation.polling
    headers = plane.follow_headers(operation) if operation.is_running else {}
    if not polling.fresh_headers:
        headers.pop("Azure-AsyncOperation", None)
        if followed is Follow.ASYNC_OPERATION:
            headers.pop("Location", None)
    if followed is Follow.ASYNC_OPERATION:
        status = polling.running_status if operation.is_running else 200
        return ArmResponse(status, plane.operations.status_body(operation), headers)
    if operation.is_running:
        return ArmResponse(202, None, headers)
    if operation.error is not None:
        return ArmResponse(operation.error.status, operation.error.body)
    return _result(plane, operation)


def _result(plane: ControlPlane, operation: Operation) -> ArmResponse:
    """What ``Location`` answers once the operation has ended well."""
    status = operation.answer.final_status or (204 if operation.method == "DELETE" else 200)
    headers = plane.operations.headers(operation, Follow.LOCATION) if operation.polling.location_at_end else {}
    if operation.result is not None:
        return ArmResponse(status, operation.result(), headers)
    resource: Resource | None = plane.find(operation.target.text)
    if operation.method == "DELETE" or resource is None:
        return ArmResponse(status, None, headers)
    look = Look(api_version=operation.api_version, query={})
    return ArmResponse(status, resource.kind.render(plane, resource, look), headers)
