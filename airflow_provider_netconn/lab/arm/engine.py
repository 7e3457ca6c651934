"""The control plane: one generic engine for every resource type.

:class:`ControlPlane` holds the state and takes each request the same way: operations whose time has come end first,
then caller, path, api-version, right, and only then the verb, in :mod:`.reads` and :mod:`.writes`. A request is handled
without a pause, so that no two ever meet halfway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm import reads, writes
from airflow_provider_netconn.lab.arm.access import (
    AccessControl,
    authorization_failed,
    linked_authorization_failed,
    linked_tenant_unauthorized,
)
from airflow_provider_netconn.lab.arm.errors import (
    ArmError,
    group_not_found,
    method_not_allowed,
    missing_api_version,
    subscription_not_found,
)
from airflow_provider_netconn.lab.arm.identifiers import RESOURCES, ArmPath, MalformedPathError, parse_path
from airflow_provider_netconn.lab.arm.locks import refuse_locked
from airflow_provider_netconn.lab.arm.operations import Follow, Operation, OperationFault, Operations
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse, Caller
from airflow_provider_netconn.lab.arm.store import Resource, Store
from airflow_provider_netconn.lab.arm.throttling import Throttle
from airflow_provider_netconn.lab.clock import Clock

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.kinds import ResourceKind

SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"

API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-alpha|-beta|-privatepreview)?")

LONGEST_WAIT_S, SHORTEST_WAIT_MS = 10, 20
"""Between what limits a client is told to wait until its next poll."""

VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


def no_faults(method: str, path: str) -> OperationFault | None:
    """:return: None: no operation is told to fail"""
    return None


class ControlPlane:
    """Resource Manager and the resource providers behind it.

    :param clock: the lab's time
    :param access: authenticates and authorizes
    :param kinds: the resource types
    :param fallback: gives the kind of a type that ``kinds`` does not have
    :param base_url: gives the control plane's own URL, for links in answers
    :param operation_fault: tells for method and path whether the operation that begins now is to fail or never to end
    :param time_scale: what each operation's duration is multiplied by; with 0 an operation has ended by its first poll
    """

    def __init__(
        self,
        *,
        clock: Clock,
        access: AccessControl,
        kinds: Iterable[ResourceKind],
        fallback: Callable[[str], ResourceKind | None],
        base_url: Callable[[], str],
        operation_fault: Callable[[str, str], OperationFault | None] = no_faults,
        time_scale: float = 0.0,
    ) -> None:
        self.clock = clock
        self.access = access
        self.store = Store()
        self.operations = Operations(clock.now, base_url)
        self.throttle = Throttle(clock.now)
        self.base_url = base_url
        self.operation_fault = operation_fault
        self.time_scale = time_scale
        self.page_size = 1000
        self.firewall_delay_s: float | None = None
        """Seconds until a changed allowlist holds; None: as long as each service takes, times ``time_scale``."""
        self._kinds = {kind.type.casefold(): kind for kind in kinds}
        self._fallback = fallback

    # -- state -----------------------------------------------------------------------------------

    @property
    def kinds(self) -> Iterable[ResourceKind]:
        """The resource types, without those made up on demand."""
        return self._kinds.values()

    def kind(self, type_name: str) -> ResourceKind | None:
        """:return: what resources of a type are like; None: Azure knows no such type"""
        key = type_name.casefold()
        if key not in self._kinds:
            made = self._fallback(type_name)
            if made is None:
                return None
            self._kinds[key] = made
        return self._kinds[key]

    def clear(self) -> None:
        """Forget all resources and operations."""
        self.store.clear()
        self.operations.clear()
        self.throttle.clear()

    def find(self, resource_id: str) -> Resource | None:
        """:return: the resource of that id, also one derived from others; None: there is none, or it is no id"""
        try:
            path = parse_path(resource_id)
        except MalformedPathError:
            return None
        kind = self.kind(path.type)
        return kind.find(self, path) if kind is not None and path.is_resource else None

    def tenant_of(self, resource_id: str) -> str | None:
        """:return: the tenant of the subscription that an id lies in; None: there is no such subscription"""
        parts = resource_id.split("/")
        subscription = self.store.find("/".join(parts[:3]))
        return None if subscription is None else str(subscription.facts["tenantId"])

    # -- requests --------------------------------------------------------------------------------

    def handle(self, request: ArmRequest) -> ArmResponse:
        """Answer a request.

        :param request: its ``caller`` is filled in here, if it is not there yet
        :return: the answer; a refusal is one, too
        """
        self.operations.advance()
        try:
            if request.caller is None:
                request.caller = self.access.authenticate(request)
            left = self.throttle.take(request)
        except ArmError as error:
            return ArmResponse(error.status, error.body, dict(error.headers))
        response = self._answer(request)
        response.headers = {**left, **response.headers}
        return response

    def _answer(self, request: ArmRequest) -> ArmResponse:
        try:
            return self._route(request)
        except ArmError as error:
            return ArmResponse(error.status, error.body, dict(error.headers))

    def _route(self, request: ArmRequest) -> ArmResponse:
        polled = self.operations.find(request.path, request.query) if request.method == "GET" else None
        if polled is not None:
            return reads.poll(self, *polled)
        try:
            path = parse_path(request.path)
        except MalformedPathError:
            raise ArmError(
                404, "InvalidRequestUri", f"The request path '{request.path}' is not valid: it names no resource."
            ) from None
        if request.method == "POST":
            return self._act(request, path)
        kind = self._kind_for(path)
        self._admit(request, kind, path)
        self._authorize(request, f"{kind.type}/{VERBS.get(request.method, 'read')}", path)
        refuse_locked(self, request.method, path)
        if not path.is_resource:
            if request.method != "GET" or not kind.listed:
                return writes.write_collection(self, request, kind, path)
            return reads.list_resources(self, request, kind, path)
        if request.method not in kind.methods and request.method != "HEAD":
            raise method_not_allowed(request.method, kind.type)
        handlers = {
            "GET": reads.read,
            "HEAD": reads.exists,
            "PUT": writes.put,
            "PATCH": writes.patch,
            "DELETE": writes.delete,
        }
        return handlers[request.method](self, request, kind, path)

    def _act(self, request: ArmRequest, path: ArmPath) -> ArmResponse:
        """POST: the last segment of the path is an action on the resource, or on the list, before it."""
        if path.is_resource or len(path.types) == 1:
            kind = self.kind(path.type)
            on_collection = kind.collection_action(path) if kind is not None else None
            if kind is None or on_collection is None:
                raise method_not_allowed("POST", path.type)
            self._admit(request, kind, path)
            self._authorize(request, f"{path.type}/action", path)
            refuse_locked(self, request.method, path)
            return on_collection(self, request, path)
        owner = path.parent
        assert owner is not None
        kind = self._kind_for(owner)
        segment = path.types[-1]
        own = self._kinds.get(path.type.casefold())
        acting = own if own is not None and own.acts is not None else kind
        handler = acting.acts or kind.actions.get(segment.casefold())
        self._admit(request, acting, owner)
        if handler is None:
            raise ArmError(404, "InvalidResourceType", f"The resource type '{kind.type}' has no action '{segment}'.")
        self._authorize(request, f"{kind.type}/{segment}/action", owner)
        refuse_locked(self, request.method, owner)
        resource = kind.find(self, owner)
        if resource is None:
            raise kind.not_found(self, owner)
        return handler(self, request, resource)

    def _kind_for(self, path: ArmPath) -> ResourceKind:
        kind = self.kind(path.type)
        if kind is None and not any(key.startswith(f"{path.namespace.casefold()}/") for key in self._kinds):
            raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{path.namespace}' is invalid.")
        if kind is None:
            raise ArmError(
                404,
                "InvalidResourceType",
                f"The resource type '{'/'.join(path.types)}' could not be found in the namespace '{path.namespace}' "
                "for api version.",
            )
        return kind

    def _admit(self, request: ArmRequest, kind: ResourceKind, path: ArmPath) -> None:
        """Refuse what no provider gets to see: a wrong api-version, a subscription that is not there."""
        version = request.api_version
        if not version:
            raise missing_api_version()
        if not API_VERSION.fullmatch(version):
            raise ArmError(
                400,
                "InvalidApiVersionParameter",
                f"The api-version '{version}' is invalid. The supported versions are '{','.join(kind.api_versions)}'.",
            )
        if not kind.takes(version):
            raise ArmError(
                400,
                "NoRegisteredProviderFound" if kind.tracked else "InvalidResourceType",
                f"No registered resource provider found for location '{kind.default_location or ''}' and API version "
                f"'{version}' for type '{kind.type.partition('/')[2]}'. The supported api-versions are "
                f"'{', '.join(kind.api_versions)}'. The supported locations are ''.",
            )
        if path.subscription is not None and path.type != SUBSCRIPTIONS:
            self._check_subscription(request, path.subscription)

    def _check_subscription(self, request: ArmRequest, subscription: str) -> None:
        tenant = self.tenant_of(f"/subscriptions/{subscription}")
        if tenant is None:
            raise subscription_not_found(subscription)
        assert request.caller is not None
        if request.caller.tenant_id.casefold() != tenant.casefold():
            raise ArmError(
                401,
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer 'https://sts.windows.net/{request.caller.tenant_id}/'. It "
                f"must match the tenant 'https://sts.windows.net/{tenant}/' associated with this subscription. Please "
                "use the authority (URL) 'https://login.windows.net/" + tenant + "' to get the token. Note, if the "
                "subscription is transferred to another tenant there is no impact to the services, but information "
                "about new tenant could take time to propagate (up to an hour).",
                headers={
                    "WWW-Authenticate": f'Bearer authorization_uri="https://login.windows.net/{tenant}", '
                    'error="invalid_token", error_description="The access token is from the wrong issuer. It must '
                    'match the tenant associated with this subscription."'
                },
            )

    def _authorize(self, request: ArmRequest, action: str, path: ArmPath) -> None:
        caller = request.caller
        assert caller is not None
        scope = path.text if path.is_resource else (path.parent.text if path.parent is not None else path.scope)
        if path.subscription is None:
            return  # what belongs to no subscription shows each caller what it may see
        if not self.access.allows(caller, action, scope):
            raise authorization_failed(self.access.name_of(caller), caller, action, scope)

    def authorize_linked(self, request: ArmRequest, action: str, path: ArmPath, linked: str, linked_id: str) -> None:
        """Check a right on another resource that a write refers to, in its tenant.

        :param action: what the caller does, and may do, on ``path``
        :param linked: the action it needs on ``linked_id``
        :raises ArmError: 403 LinkedAuthorizationFailed
        """
        caller = request.caller
        assert caller is not None
        tenant = self.tenant_of(linked_id)
        there: Caller | None = caller if tenant is None else caller.for_tenant(tenant)
        if there is None:
            raise linked_tenant_unauthorized(caller, linked_id, str(tenant))
        if not self.access.allows(there, linked, linked_id):
            raise linked_authorization_failed(self.access.name_of(caller), caller, action, path.text, linked, linked_id)

    def check_group(self, path: ArmPath) -> None:
        """:raises ArmError: 404 ResourceGroupNotFound, 409 ResourceGroupBeingDeleted"""
        if path.group is None or path.type == GROUPS:
            return
        group = self.store.find(f"/subscriptions/{path.subscription}/resourceGroups/{path.group}")
        if group is None:
            raise group_not_found(path.group)
        if group.is_being_deleted and path.namespace != RESOURCES:
            raise ArmError(
                409,
                "ResourceGroupBeingDeleted",
                f"The resource group '{path.group}' is in deprovisioning state and cannot perform this operation.",
            )

    def start(self, operation: Operation) -> None:
        """Let an operation run, with the fate that a fault told for it."""
        fault = self.operation_fault(operation.method, operation.target.text)
        if fault is not None:
            operation.error = fault.error
            if fault.error is None:
                operation.ends_at = max(operation.ends_at, operation.starts_at + fault.late_s)
        self.operations.start(operation)

    def follow_headers(self, operation: Operation) -> dict[str, str]:
        """:return: the headers of an answer whose operation the client is to follow"""
        headers = self.operations.headers(operation)
        if operation.answer.follow is not Follow.NOTHING:
            wait_s = min(LONGEST_WAIT_S, operation.answer.duration_s * self.time_scale / 2)
            if wait_s >= 1:
                headers["Retry-After"] = str(round(wait_s))
            else:  # without either the SDKs wait for half a minute; this one tells them less than a second
                headers["x-ms-retry-after-ms"] = str(max(SHORTEST_WAIT_MS, round(wait_s * 1000)))
        return headers
