"""Microsoft Graph v1.0 as an ASGI application: who is in a tenant, and which applications it has.

Paths, permissions and shapes: Microsoft Learn, "List servicePrincipals", "Create servicePrincipal",
"directoryObject: getByIds", "application: addPassword" and their like. Made for what azure-cli asks when it
assigns roles and registers applications; no other resource of Graph is there.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import wraps
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Application, ClientSecret, Directory, Principal, PrincipalKind
from airflow_provider_netconn.lab.graph import errors, queries
from airflow_provider_netconn.lab.graph.errors import GraphError
from airflow_provider_netconn.lab.graph.objects import (
    ODATA_TYPES,
    application_object,
    password_object,
    principal_object,
    time_text,
)
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import Claims, TokenError, Tokens

MAX_IDS: Final = 1000
SECRET_LIFETIME_S: Final = 2 * 365 * 86_400
_DIRECTORY: Final = {"Directory.Read.All", "Directory.ReadWrite.All"}
_OWN_APPLICATIONS: Final = "Application.ReadWrite.OwnedBy"
_ALL_APPLICATIONS: Final = "Application.ReadWrite.All"
_READ: Final = {
    PrincipalKind.SERVICE_PRINCIPAL: {"Application.Read.All", _ALL_APPLICATIONS, _OWN_APPLICATIONS, *_DIRECTORY},
    PrincipalKind.USER: {"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All", *_DIRECTORY},
    PrincipalKind.GROUP: {"Group.Read.All", "GroupMember.Read.All", "Group.ReadWrite.All", *_DIRECTORY},
}
_WRITE: Final = {_ALL_APPLICATIONS, _OWN_APPLICATIONS}
_COLLECTIONS: Final = {
    "servicePrincipals": PrincipalKind.SERVICE_PRINCIPAL,
    "users": PrincipalKind.USER,
    "groups": PrincipalKind.GROUP,
}
_CHALLENGE: Final = 'Bearer realm="", client_id="00000003-0000-0000-c000-000000000000"'

Endpoint = Callable[[Request, Claims], Coroutine[Any, Any, Response]]


def application(directory: Directory, tokens: Tokens, resources: Resources, clock: Clock) -> Starlette:
    """Graph for all tenants: a token's tenant is the one that its bearer sees."""
    return Starlette(
        routes=_Graph(directory, tokens, resources, clock).routes(),
        exception_handlers={GraphError: _Refusals(clock).graph, HTTPException: _Refusals(clock).http},
    )


class _Refusals:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def graph(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, GraphError)
        request_id = str(uuid.uuid4())
        client_request_id = request.headers.get("client-request-id", request_id)
        headers = {"request-id": request_id, "client-request-id": client_request_id}
        if error.status == 401:
            headers["WWW-Authenticate"] = _CHALLENGE
        body = error.body(now=self._clock.now(), request_id=request_id, client_request_id=client_request_id)
        return JSONResponse(body, status_code=error.status, headers=headers)

    async def http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            message = "Specified HTTP method is not allowed for the request target."
            return await self.graph(request, GraphError(405, "Request_BadRequest", message))
        segment = request.url.path.strip("/").split("/")[-1]
        message = f"Resource not found for the segment '{segment}'."
        return await self.graph(request, GraphError(400, "BadRequest", message))


class _Graph:
    def __init__(self, directory: Directory, tokens: Tokens, resources: Resources, clock: Clock) -> None:
        self._directory = directory
        self._tokens = tokens
        self._resources = resources
        self._clock = clock

    def routes(self) -> list[Route]:
        def route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
            return Route(f"/v1.0{path}", self._with_claims(endpoint), methods=[method])

        collections = [
            found
            for name, kind in _COLLECTIONS.items()
            for found in (
                route(f"/{name}", self._lists(name, kind)),
                route(f"/{name}/{{id}}", self._gets(name, kind)),
            )
        ]
        by_app_id = "/servicePrincipals(appId='{app_id}')"
        return [
            *collections,
            route(by_app_id, self.service_principal_by_app_id),
            route("/servicePrincipals", self.create_service_principal, "POST"),
            route("/servicePrincipals/{id}", self.delete_service_principal, "DELETE"),
            route("/applications", self.list_applications),
            route("/applications", self.create_application, "POST"),
            route("/applications/{id}", self.get_application),
            route("/applications/{id}", self.delete_application, "DELETE"),
            route("/applications/{id}/addPassword", self.add_password, "POST"),
            route("/applications/{id}/removePassword", self.remove_password, "POST"),
            route("/directoryObjects/getByIds", self.get_by_ids, "POST"),
            route("/directoryObjects/{id}", self.get_directory_object),
            route("/me", self.me),
        ]

    # Reading

    def _lists(self, name: str, kind: PrincipalKind) -> Endpoint:
        async def lists(request: Request, claims: Claims) -> Response:
            _require(claims, _READ[kind], or_user=True)
            found = self._directory.principals(claims.tenant_id, kind)
            return queries.page(request, name, (principal_object(self._directory, one) for one in found))

        return lists

    def _gets(self, name: str, kind: PrincipalKind) -> Endpoint:
        async def gets(request: Request, claims: Claims) -> Response:
            _require(claims, _READ[kind], or_user=True)
            return self._shown(request, name, self._principal(claims, request.path_params["id"], kind))

        return gets

    async def service_principal_by_app_id(self, request: Request, claims: Claims) -> Response:
        _require(claims, _READ[PrincipalKind.SERVICE_PRINCIPAL], or_user=True)
        app_id = request.path_params["app_id"]
        principal = self._directory.service_principal(claims.tenant_id, app_id)
        if principal is None:
            raise errors.not_found(app_id)
        return self._shown(request, "servicePrincipals", principal)

    async def get_directory_object(self, request: Request, claims: Claims) -> Response:
        principal = self._principal(claims, request.path_params["id"])
        _require(claims, _READ[principal.kind], or_user=True)
        return self._shown(request, "directoryObjects", principal, {"@odata.type": ODATA_TYPES[principal.kind]})

    async def get_by_ids(self, request: Request, claims: Claims) -> Response:
        body = await queries.read_body(request)
        ids, types = body.get("ids"), body.get("types") or ["directoryObject"]
        if not isinstance(types, list):
            raise errors.bad_request("Invalid value specified for property 'types'.")
        if not isinstance(ids, list) or not 0 < len(ids) <= MAX_IDS:
            raise errors.bad_request(f"Invalid value specified for property 'ids': 1 to {MAX_IDS} of them.")
        _require(claims, set().union(*_READ.values()), or_user=True)
        found = [self._directory.principal(str(one)) for one in ids]
        shown = [
            self._as_far_as_allowed(claims, one)
            for one in found
            if one is not None
            and one.tenant_id.lower() == claims.tenant_id.lower()
            and {"directoryObject", ODATA_TYPES[one.kind].removeprefix("#microsoft.graph.")} & set(map(str, types))
        ]
        return JSONResponse({"@odata.context": queries.context(request, "directoryObjects"), "value": shown})

    def _as_far_as_allowed(self, claims: Claims, principal: Principal) -> dict[str, Any]:
        shown = principal_object(self._directory, principal)
        if not (claims.is_user or claims.permissions & _READ[principal.kind]):
            # "Limited information returned for inaccessible member objects"
            shown = {name: value if name == "id" else None for name, value in shown.items()}
        return {"@odata.type": ODATA_TYPES[principal.kind], **shown}

    async def me(self, request: Request, claims: Claims) -> Response:
        if not claims.is_user:
            raise GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        return self._shown(request, "users", self._principal(claims, claims.object_id))

    async def list_applications(self, request: Request, claims: Claims) -> Response:
        _require(claims, _READ[PrincipalKind.SERVICE_PRINCIPAL], or_user=True)
        own = (one for one in self._directory.applications() if one.tenant_id.lower() == claims.tenant_id.lower())
        return queries.page(request, "applications", (application_object(self._directory, one) for one in own))

    async def get_application(self, request: Request, claims: Claims) -> Response:
        _require(claims, _READ[PrincipalKind.SERVICE_PRINCIPAL], or_user=True)
        return self._shown_application(request, self._application(claims, request.path_params["id"]))

    # Changing

    async def create_service_principal(self, request: Request, claims: Claims) -> Response:
        _require(claims, _WRITE)
        app_id = queries.required_text(await queries.read_body(request), "appId")
        registered = self._directory.application(app_id)
        is_local = registered is not None and registered.tenant_id.lower() == claims.tenant_id.lower()
        if not is_local and _ALL_APPLICATIONS not in claims.permissions:
            raise errors.foreign_application()
        if registered is None or not (is_local or registered.multi_tenant):
            raise errors.no_backing_application(app_id)
        if self._directory.service_principal(claims.tenant_id, app_id) is not None:
            raise errors.name_in_use(app_id)
        principal = self._directory.consent(app_id, claims.tenant_id)
        return self._shown(request, "servicePrincipals", principal, status=201)

    async def delete_service_principal(self, request: Request, claims: Claims) -> Response:
        _require(claims, _WRITE)
        principal = self._principal(claims, request.path_params["id"], PrincipalKind.SERVICE_PRINCIPAL)
        self._directory.remove(principal.object_id)
        return Response(status_code=204)

    async def create_application(self, request: Request, claims: Claims) -> Response:
        _require(claims, _WRITE)
        body = await queries.read_body(request)
        uris = body.get("identifierUris") or []
        if not isinstance(uris, list):
            raise errors.bad_request("Invalid value specified for property 'identifierUris'.")
        made = Application(
            app_id=str(uuid.uuid4()),
            object_id=str(uuid.uuid4()),
            tenant_id=claims.tenant_id,
            display_name=queries.required_text(body, "displayName"),
            identifier_uris=tuple(str(uri) for uri in uris),
            multi_tenant=body.get("signInAudience", "AzureADMyOrg") != "AzureADMyOrg",
        )
        self._directory.add_application(made)
        return self._shown_application(request, made, status=201)

    async def delete_application(self, request: Request, claims: Claims) -> Response:
        _require(claims, _WRITE)
        self._directory.remove_application(self._application(claims, request.path_params["id"]).app_id)
        return Response(status_code=204)

    async def add_password(self, request: Request, claims: Claims) -> Response:
        _require(claims, _WRITE)
        registered = self._application(claims, request.path_params["id"])
        asked = (await queries.read_body(request)).get("passwordCredential") or {}
        if not isinstance(asked, dict):
            raise errors.bad_request("Invalid value specified for property 'passwordCredential'.")
        now = self._clock.now()
        secret = ClientSecret(
            value=f"lab{secrets.token_urlsafe(30)}",  # a leading dash would be an option to a shell command
            expires_at=queries.time_of(asked.get("endDateTime"), now + SECRET_LIFETIME_S),
            display_name=str(asked.get("displayName") or ""),
        )
        self._directory.add_credential(registered.app_id, secret)
        # The one answer that tells it.
        shown = {**password_object(secret), "secretText": secret.value, "startDateTime": time_text(now)}
        return JSONResponse({"@odata.context": queries.context(request, "microsoft.graph.passwordCredential"), **shown})

    async def remove_password(self, request: Request, claims: Claims) -> Response:
        _require(claims, _WRITE)
        registered = self._application(claims, request.path_params["id"])
        key_id = queries.required_text(await queries.read_body(request), "keyId")
        for one in self._directory.credentials(registered.app_id):
            if isinstance(one, ClientSecret) and one.key_id == key_id:
                self._directory.remove_credential(registered.app_id, one)
                return Response(status_code=204)
        raise errors.bad_request(f"No password credential found with keyId '{key_id}'.")

    # What all share

    def _with_claims(self, endpoint: Endpoint) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        @wraps(endpoint)
        async def checked(request: Request) -> Response:
            return await endpoint(request, self._claims(request))

        return checked

    def _claims(self, request: Request) -> Claims:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            claims = self._tokens.verify(token if scheme.lower() == "bearer" else None, self._resources.graph)
        except TokenError as error:
            raise errors.bad_token(error.reason) from None
        if self._directory.principal(claims.object_id) is None:
            raise errors.caller_gone()
        return claims

    def _principal(self, claims: Claims, object_id: str, kind: PrincipalKind | None = None) -> Principal:
        found = self._directory.principal(object_id)
        if found is None and kind is PrincipalKind.USER:
            users = self._directory.principals(claims.tenant_id, kind)
            by_name = {str(one.user_principal_name).lower(): one for one in users}
            found = by_name.get(object_id.lower())
        is_theirs = found is not None and found.tenant_id.lower() == claims.tenant_id.lower()
        if found is None or not is_theirs or (kind is not None and found.kind is not kind):
            raise errors.not_found(object_id)
        return found

    def _application(self, claims: Claims, object_id: str) -> Application:
        for one in self._directory.applications():
            if one.object_id.lower() == object_id.lower() and one.tenant_id.lower() == claims.tenant_id.lower():
                return one
        raise errors.not_found(object_id)

    def _shown(
        self,
        request: Request,
        name: str,
        principal: Principal,
        more: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> Response:
        shown = {**(more or {}), **queries.selected(request, principal_object(self._directory, principal))}
        return JSONResponse(
            {"@odata.context": f"{queries.context(request, name)}/$entity", **shown}, status_code=status
        )

    def _shown_application(self, request: Request, registered: Application, *, status: int = 200) -> Response:
        shown = queries.selected(request, application_object(self._directory, registered))
        body = {"@odata.context": f"{queries.context(request, 'applications')}/$entity", **shown}
        return JSONResponse(body, status_code=status)


def _require(claims: Claims, one_of: Iterable[str], *, or_user: bool = False) -> None:
    # Members of a tenant read its directory by default; applications need a permission for everything.
    if not (claims.permissions & set(one_of) or (or_user and claims.is_user)):
        raise errors.not_allowed()
