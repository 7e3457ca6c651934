"""Managed identities as a workload finds them: the instance metadata service of machines, and App Service's endpoint.

Plain HTTP, as in Azure: what protects them there is that they answer on the machine only, and a header that no
redirect or form can send. Microsoft Learn: "How to use managed identities for Azure resources on an Azure VM to acquire
an access token", "Azure Instance Metadata Service", and "How to use managed identities for App Service and Azure
Functions" (REST endpoint reference).
"""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.directory import Directory, Principal, Tenant
from airflow_provider_netconn.lab.identity import errors
from airflow_provider_netconn.lab.identity.resources import Resources
from airflow_provider_netconn.lab.identity.tokens import DATED_BACK_S, Proof, Tokens

DEFAULT_LIFETIME_S: Final = 86_399
_FIRST_TOKEN_VERSION: Final = "2018-02-01"
_VERSION: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_APP_SERVICE_VERSION: Final = "2019-08-01"
# Each endpoint has its own names for the same choice; an identity is chosen by one of them at most.
_CLIENT_ID: Final = ("client_id", "clientid")
_OBJECT_ID: Final = ("object_id", "principal_id")
_RESOURCE_ID: Final = ("msi_res_id", "mi_res_id")


class AssignedIdentities:
    """The managed identities of the machine or app that the lab plays.

    :param system_assigned: object id of its own identity; None where it has none
    :param user_assigned: object ids of those that were assigned to it
    """

    def __init__(self, system_assigned: str | None = None, user_assigned: Iterable[str] = ()) -> None:
        self.system_assigned = system_assigned
        self.user_assigned = tuple(user_assigned)


class _ChoiceError(Exception):
    """No identity, or more than one, fits what was asked."""


class _Machine:
    def __init__(self, directory: Directory, identities: AssignedIdentities) -> None:
        self._directory = directory
        self._identities = identities

    def choose(self, asked: Mapping[str, str]) -> Principal:
        """The identity that the parameters name, or the only one, the machine's own first."""
        own = self._identities.system_assigned
        principals = [self._directory.principal(one) for one in (own, *self._identities.user_assigned) if one]
        assigned = [one for one in principals if one is not None]
        named = {name.lower(): value.lower() for name, value in asked.items() if value}
        wanted = {name: named[name] for name in (*_CLIENT_ID, *_OBJECT_ID, *_RESOURCE_ID) if name in named}
        if not wanted:
            if own is not None or len(assigned) == 1:
                return self._first(assigned[:1])
            if assigned:
                raise _ChoiceError(
                    "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity "
                    "in the token request"
                )
        return self._first([one for one in assigned if all(_is_named(one, *pair) for pair in wanted.items())])

    def tenant(self, principal: Principal) -> Tenant:
        """The tenant of an identity."""
        tenant = self._directory.tenant(principal.tenant_id)
        assert tenant is not None, "a directory holds no principal without its tenant"
        return tenant

    @staticmethod
    def _first(found: list[Principal]) -> Principal:
        if not found:
            raise _ChoiceError("Identity not found")
        return found[0]


def _is_named(principal: Principal, by: str, value: str) -> bool:
    names = {_CLIENT_ID: principal.app_id, _OBJECT_ID: principal.object_id, _RESOURCE_ID: principal.resource_id}
    return next((name or "").lower() == value for kinds, name in names.items() if by in kinds)


def application(
    directory: Directory,
    tokens: Tokens,
    resources: Resources,
    clock: Clock,
    *,
    identities: AssignedIdentities,
    identity_header: str,
    lifetime_s: float = DEFAULT_LIFETIME_S,
    instance: Mapping[str, Any] | None = None,
) -> Starlette:
    """``/metadata/identity/oauth2/token`` and ``/metadata/instance`` of IMDS, ``/msi/token`` of App Service.

    A client finds IMDS by ``AZURE_POD_IDENTITY_AUTHORITY_HOST``, which is the address alone, and App Service by
    ``IDENTITY_ENDPOINT``, which is the address and ``/msi/token``, with ``IDENTITY_HEADER``.

    :param identities: may change while it is served
    :param identity_header: the secret that App Service's endpoint wants in ``X-IDENTITY-HEADER``
    :param lifetime_s: of the tokens, in seconds
    :param instance: what ``/metadata/instance`` tells under ``compute``, over the defaults
    """
    machine = _Machine(directory, identities)
    issuer = _Issuer(tokens, resources, clock, lifetime_s)
    metadata = _InstanceMetadata(machine, issuer, instance or {})
    app_service = _AppService(machine, issuer, identity_header)
    return Starlette(
        routes=[
            Route("/metadata/identity/oauth2/token", metadata.token),
            Route("/metadata/instance", metadata.instance),
            Route("/msi/token", app_service.token),
        ]
    )


class _Issuer:
    def __init__(self, tokens: Tokens, resources: Resources, clock: Clock, lifetime_s: float) -> None:
        self._tokens = tokens
        self._resources = resources
        self._clock = clock
        self._lifetime_s = lifetime_s

    def knows(self, resource: str) -> bool:
        return self._resources.is_known(resource)

    def issue(self, principal: Principal, resource: str) -> dict[str, str]:
        now = int(self._clock.now())
        token = self._tokens.issue(principal, audience=resource, lifetime_s=self._lifetime_s, proof=Proof.ASSERTION)
        return {
            "access_token": token,
            "client_id": str(principal.app_id),
            "expires_in": str(int(self._lifetime_s)),
            "expires_on": str(now + int(self._lifetime_s)),
            "ext_expires_in": str(int(self._lifetime_s)),
            "not_before": str(now - DATED_BACK_S),
            "resource": resource,
            "token_type": "Bearer",
        }


class _InstanceMetadata:
    def __init__(self, machine: _Machine, issuer: _Issuer, instance: Mapping[str, Any]) -> None:
        self._machine = machine
        self._issuer = issuer
        self._instance = instance

    async def token(self, request: Request) -> Response:
        if refusal := _header_refusal(request):
            return refusal
        version, resource = request.query_params.get("api-version", ""), request.query_params.get("resource")
        if not _VERSION.fullmatch(version) or version < _FIRST_TOKEN_VERSION:
            return _imds_error("invalid_request", "Required query variable 'api-version' is missing or not supported")
        if not resource:
            return _imds_error("invalid_request", "Required audience parameter not specified")
        try:
            principal = self._machine.choose(request.query_params)
        except _ChoiceError as error:
            return _imds_error("invalid_request", str(error))
        if not self._issuer.knows(resource):
            return _imds_error(
                "invalid_resource", str(errors.unknown_resource(resource, self._machine.tenant(principal)))
            )
        return JSONResponse(self._issuer.issue(principal, resource))

    async def instance(self, request: Request) -> Response:
        if refusal := _header_refusal(request):
            return refusal
        if not request.query_params.get("api-version"):
            return JSONResponse(
                {
                    "error": "Bad request. api-version is invalid or was not specified in the request.",
                    "newest-versions": ["2021-02-01"],
                },
                status_code=400,
            )
        compute = {
            "azEnvironment": "AzurePublicCloud",
            "location": "westeurope",
            "name": "lab",
            "osType": "Linux",
            "provider": "Microsoft.Compute",
            "resourceGroupName": "",
            "subscriptionId": "",
            "vmId": str(uuid.uuid5(uuid.NAMESPACE_DNS, "lab")),
            **self._instance,
        }
        return JSONResponse({"compute": compute, "network": {"interface": []}})


def _header_refusal(request: Request) -> Response | None:
    # A request that came by a proxy or out of a browser is not the machine's own.
    if request.headers.get("metadata", "").lower() != "true":
        return _imds_error("invalid_request", "Required metadata header not specified")
    if "x-forwarded-for" in request.headers:
        return _imds_error("invalid_request", "X-Forwarded-For header is not allowed")
    return None


def _imds_error(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=400)


class _AppService:
    def __init__(self, machine: _Machine, issuer: _Issuer, identity_header: str) -> None:
        self._machine = machine
        self._issuer = issuer
        self._identity_header = identity_header

    async def token(self, request: Request) -> Response:
        given = request.headers.get("x-identity-header", "")
        if not hmac.compare_digest(given.encode(), self._identity_header.encode()):
            return _app_service_error(401, "Invalid or missing X-IDENTITY-HEADER.")
        version, resource = request.query_params.get("api-version"), request.query_params.get("resource")
        if version != _APP_SERVICE_VERSION:
            return _app_service_error(400, f"api-version '{version}' is not supported; use {_APP_SERVICE_VERSION}.")
        if not resource:
            return _app_service_error(400, "The resource parameter is missing.")
        try:
            principal = self._machine.choose(request.query_params)
        except _ChoiceError:
            return _app_service_error(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        if not self._issuer.knows(resource):
            # As vague as the service's own (msal, managed_identity.py, on App Service and wrong resources).
            return _app_service_error(500, "An unexpected error occured while fetching the AAD Token.")
        issued = self._issuer.issue(principal, resource)
        return JSONResponse(
            {name: issued[name] for name in ("access_token", "client_id", "expires_on", "resource", "token_type")}
        )


def _app_service_error(status: int, message: str) -> Response:
    body = {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())}
    return JSONResponse(body, status_code=status)
