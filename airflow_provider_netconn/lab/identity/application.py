"""The authority as an ASGI application: discovery, keys and tokens, at the paths of ``login.microsoftonline.com``.

Its documents name the address that the client itself asked, so that it can be served under any host and port. Paths:
Microsoft Learn, "OpenID Connect on the Microsoft identity platform" and "Token endpoint".
"""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Directory
from airflow_provider_netconn.lab.identity import errors
from airflow_provider_netconn.lab.identity.errors import SignInError
from airflow_provider_netconn.lab.identity.federation import DISCOVERY, KEYS, Federation
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.sign_in import Authority, Grant, SignIn
from airflow_provider_netconn.lab.identity.tokens import DATED_BACK_S, V1_ISSUER, Tokens

MAX_FORM_BYTES: Final = 64_000
_COMMON: Final = ("common", "organizations", "consumers")
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_NOT_STORED: Final = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "X-Content-Type-Options": "nosniff",
}


def application(
    directory: Directory, tokens: Tokens, resources: Resources, clock: Clock, *, federation: Federation | None = None
) -> Starlette:
    """The authority. Serve it over TLS: clients refuse another.

    :param federation: where the keys of federated issuers come from; those of the lab itself are served below their
        paths here
    """
    federation = federation or Federation()
    endpoints = _Endpoints(Authority(directory, tokens, resources, federation, clock), tokens, federation, clock)
    # Starlette hands an unforeseen exception to the server besides answering 500; a refusal is none.
    app = Starlette(routes=endpoints.routes(), exception_handlers={SignInError: endpoints.refuse})
    app.state.federation = federation
    return app


class _Endpoints:
    def __init__(self, authority: Authority, tokens: Tokens, federation: Federation, clock: Clock) -> None:
        self._authority = authority
        self._tokens = tokens
        self._federation = federation
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/common/discovery/instance", self.instance),
            Route(f"/{{tenant}}/v2.0/{DISCOVERY}", self.discovery),
            Route(f"/{{tenant}}/{DISCOVERY}", self.discovery_v1),
            Route("/{tenant}/discovery/v2.0/keys", self.keys),
            Route("/{tenant}/discovery/keys", self.keys),
            Route("/{tenant}/oauth2/v2.0/token", self.token, methods=_METHODS),
            Route("/{tenant}/oauth2/token", self.token_v1, methods=_METHODS),
            # The lab's own federated issuers, whose paths have more than one part.
            Route(f"/{{path:path}}/{DISCOVERY}", self.federated_discovery),
            Route(f"/{{path:path}}/{KEYS}", self.federated_keys),
        ]

    async def refuse(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, SignInError):
            raise error
        correlation_id, trace_id = _correlation_id(request), str(uuid.uuid4())
        body = error.body(
            authority=_base(request), now=self._clock.now(), trace_id=trace_id, correlation_id=correlation_id
        )
        headers = {**_NOT_STORED, "x-ms-request-id": trace_id, "client-request-id": correlation_id}
        return JSONResponse(body, status_code=error.status, headers=headers)

    async def instance(self, request: Request) -> Response:
        """What MSAL asks of an authority that it doesn't know by heart: is it one?"""
        asked = urlsplit(request.query_params.get("authorization_endpoint", ""))
        tenant = asked.path.strip("/").partition("/")[0] or "common"
        host = urlsplit(_base(request)).netloc
        if asked.netloc.lower() != host.lower():
            raise SignInError(50049, "invalid_instance", "Unknown or invalid instance.")
        return JSONResponse(
            {
                "tenant_discovery_endpoint": f"{_base(request)}/{tenant}/v2.0/{DISCOVERY}",
                "api-version": request.query_params.get("api-version", "1.1"),
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    async def discovery(self, request: Request) -> Response:
        name = self._tenant_in_urls(request)
        base = _base(request)
        return JSONResponse(
            {
                **_discovery(base, name, version="/v2.0"),
                "issuer": f"{base}/{'{tenantid}' if name in _COMMON else name}/v2.0",
                "token_endpoint": f"{base}/{name}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/{name}/oauth2/v2.0/authorize",
            }
        )

    async def discovery_v1(self, request: Request) -> Response:
        issuer = self._federation.by_path(request.path_params["tenant"])
        if issuer is not None:
            return JSONResponse(issuer.discovery())
        name = self._tenant_in_urls(request)
        base = _base(request)
        return JSONResponse(
            {
                **_discovery(base, name, version=""),
                "issuer": V1_ISSUER.format(tenant_id="{tenantid}" if name in _COMMON else name),
                "token_endpoint": f"{base}/{name}/oauth2/token",
                "authorization_endpoint": f"{base}/{name}/oauth2/authorize",
            }
        )

    async def keys(self, request: Request) -> Response:
        self._tenant_in_urls(request)
        return JSONResponse({"keys": self._tokens.public_keys()})

    async def token(self, request: Request) -> Response:
        grant = await self._grant(request)
        return _granted(
            request,
            {
                "token_type": "Bearer",
                "expires_in": grant.expires_in_s,
                "ext_expires_in": grant.expires_in_s,
                "access_token": grant.access_token,
            },
        )

    async def token_v1(self, request: Request) -> Response:
        grant = await self._grant(request)
        now = int(self._clock.now())
        return _granted(
            request,
            {
                "token_type": "Bearer",
                "expires_in": str(grant.expires_in_s),
                "ext_expires_in": str(grant.expires_in_s),
                "expires_on": str(now + grant.expires_in_s),
                "not_before": str(now - DATED_BACK_S),
                "resource": grant.resource,
                "access_token": grant.access_token,
            },
        )

    async def federated_discovery(self, request: Request) -> Response:
        issuer = self._federation.by_path(request.path_params["path"])
        return JSONResponse(issuer.discovery()) if issuer else Response(status_code=404)

    async def federated_keys(self, request: Request) -> Response:
        issuer = self._federation.by_path(request.path_params["path"])
        return JSONResponse({"keys": issuer.public_keys()}) if issuer else Response(status_code=404)

    async def _grant(self, request: Request) -> Grant:
        if request.method != "POST":
            raise errors.only_post(request.method)
        form = await _form(request)
        tenant = request.path_params["tenant"]
        base = _base(request)
        known = self._authority.tenant(tenant) if tenant.lower() not in _COMMON else None
        names = {tenant, known.tenant_id, known.domain} if known else {tenant}
        ends = ("oauth2/v2.0/token", "oauth2/token", "v2.0", "")
        audiences = frozenset(f"{base}/{name}/{end}" for name in names for end in ends)
        return await self._authority.sign_in(SignIn(tenant=tenant, form=form, audiences=audiences))

    def _tenant_in_urls(self, request: Request) -> str:
        """The tenant's id, whichever name the client used; ``common`` and its like as they are."""
        name: str = request.path_params["tenant"]
        if name.lower() in _COMMON:
            return name.lower()
        return self._authority.tenant(name, "invalid_tenant").tenant_id


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _correlation_id(request: Request) -> str:
    given = request.headers.get("client-request-id", "")
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return str(uuid.uuid4())


async def _form(request: Request) -> dict[str, str]:
    # Starlette's own form parser wants another package; this is all that clients send.
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise SignInError(90100, "invalid_request", "The request body is too large.")
    form = dict(parse_qsl(body.decode("utf-8", "replace")))
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        form |= _basic(credentials)
    return form


def _basic(credentials: str) -> dict[str, str]:
    """A client that authenticates by HTTP Basic (RFC 6749, 2.3.1)."""
    try:
        client_id, _, secret = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise errors.no_client_credential() from None
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


def _granted(request: Request, body: dict[str, Any]) -> Response:
    headers = {**_NOT_STORED, "x-ms-request-id": str(uuid.uuid4()), "client-request-id": _correlation_id(request)}
    return JSONResponse(body, headers=headers)


def _discovery(base: str, name: str, *, version: str) -> dict[str, Any]:
    return {
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/{name}/discovery{version}/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "request_uri_parameter_supported": False,
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver", "at_hash", "c_hash", "email"],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }
