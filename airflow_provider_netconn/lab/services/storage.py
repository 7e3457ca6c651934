"""Storage accounts on the wire: who gets in, and by what right; the rest is Azurite's.

Microsoft Learn: "Common REST API error codes", "Blob service error codes", "Authorize with Microsoft Entra ID" (the
challenge, 403 AuthorizationPermissionMismatch), "Remediate anonymous read access to blob data" (409
PublicAccessNotPermitted), "Prevent Shared Key authorization" (403 KeyBasedAuthenticationNotPermitted).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from airflow_provider_netconn.lab.arm.operations import timestamp
from airflow_provider_netconn.lab.asgi import read_body
from airflow_provider_netconn.lab.services import shared_key
from airflow_provider_netconn.lab.services.azurite import SERVICES
from airflow_provider_netconn.lab.services.http_answers import request_id
from airflow_provider_netconn.lab.services.http_client import Request, ask, hand_back
from airflow_provider_netconn.lab.services.storage_actions import need_of
from airflow_provider_netconn.lab.services.storage_contents import Contents
from airflow_provider_netconn.lab.services.web import answer_web

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.services.azurite import Azurite
    from airflow_provider_netconn.lab.services.bearers import Bearers
    from airflow_provider_netconn.lab.services.http_answers import Exchange

AUDIENCE: Final = "https://storage.azure.com"
CHALLENGED_SINCE: Final = "2019-12-12"
"""Version of the API from which on a request without authorization is challenged."""
NOT_AUTHORIZED: Final = "This request is not authorized to perform this operation."
NOT_PERMITTED: Final = "This request is not authorized to perform this operation using this permission."
NO_PUBLIC_ACCESS: Final = "Public access is not permitted on this storage account."
NO_KEYS: Final = "Key based authentication is not permitted on this storage account."
NOT_AUTHENTICATED: Final = (
    "Server failed to authenticate the request. Please refer to the information in the www-authenticate header."
)
_ANONYMOUS: Final = (
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
    "including the signature."
)
_SERVER: Final = {
    "blob": "Windows-Azure-Blob/1.0",
    "queue": "Windows-Azure-Queue/1.0",
    "table": "Windows-Azure-Table/1.0",
}


class Storage:
    """The API of all accounts.

    :param azurite: what keeps their blobs, queues and tables
    """

    def __init__(self, bearers: Bearers, azurite: Azurite) -> None:
        self._bearers = bearers
        self._azurite = azurite
        self._contents = Contents(azurite)

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        account = exchange.call.resource
        assert account is not None
        service = service_of(exchange.host, account)
        if not service:
            await answer_web(exchange)  # which knows how a host is answered that is not there
            return
        if exchange.call.admission().refusal is not None:
            await refuse(exchange, service, 403, "AuthorizationFailure", NOT_AUTHORIZED)
            return
        if service == "web":
            await refuse(exchange, service, 404, "WebContentNotFound", "The requested content does not exist.")
            return
        request = await _read(exchange)
        if not await self._may(exchange, service, account, request):
            return
        if service not in SERVICES:
            await refuse(exchange, service, 501, "NotImplemented", f"The lab keeps no {service} endpoint's content.")
            return
        if await self._contents.ready(exchange.call.plane, account):
            answered = await ask(self._azurite.ports[service], request)
            if ("x-ms-error-code", "AuthorizationFailure") in answered.headers:
                # What Azurite says to a wrong signature; in Azure it is the firewall's word.
                await refuse(exchange, service, 403, "AuthenticationFailed", _ANONYMOUS)
                return
            await hand_back(exchange, answered, [("server", _SERVER[service])])
        else:
            await self._answer_without(exchange, service, account, request)

    async def _may(self, exchange: Exchange, service: str, account: Resource, request: Request) -> bool:
        """See by what right a request comes, and answer it if that is none; a token's is made a key's for Azurite."""
        authorization = exchange.header("authorization")
        if authorization.lower().startswith("bearer "):
            return await self._may_by_role(exchange, service, account, request)
        if authorization or "sig" in request.parameters:
            if account.properties.get("allowSharedKeyAccess") is False:
                await refuse(exchange, service, 403, "KeyBasedAuthenticationNotPermitted", NO_KEYS)
                return False
            return True
        if service != "blob":
            await refuse(exchange, service, 403, "AuthenticationFailed", _ANONYMOUS)
            return False
        if account.properties["allowBlobPublicAccess"] and exchange.method in {"GET", "HEAD"}:
            return True
        if exchange.header("x-ms-version") >= CHALLENGED_SINCE:
            await self._challenge(exchange, service, account, "NoAuthenticationInformation")
        else:
            await refuse(exchange, service, 409, "PublicAccessNotPermitted", NO_PUBLIC_ACCESS)
        return False

    async def _may_by_role(self, exchange: Exchange, service: str, account: Resource, request: Request) -> bool:
        audiences = (AUDIENCE, f"https://{exchange.host}", f"https://{account.path.name}.{service}.core.windows.net")
        tenant = exchange.call.plane.tenant_of(account.id)
        caller = self._bearers.caller(exchange.header("authorization"), audiences, tenant)
        if caller is None:
            await self._challenge(exchange, service, account, "InvalidAuthenticationInfo")
            return False
        if service not in SERVICES:
            return True
        need = need_of(service, exchange.method, exchange.path, request.parameters)
        may = self._bearers.may_with_data if need is not None and need.is_data else self._bearers.may
        if need is None or not may(caller, need.action, f"{account.id}{need.scope}"):
            await refuse(exchange, service, 403, "AuthorizationPermissionMismatch", NOT_PERMITTED)
            return False
        key = str(account.properties["keys"][0]["value"])
        request.headers = shared_key.signed(
            service, account.path.name, key, request.method, request.path, request.query, request.headers
        )
        return True

    async def _challenge(self, exchange: Exchange, service: str, account: Resource, code: str) -> None:
        authority = self._bearers.authority(exchange.call.plane.tenant_of(account.id) or "common")
        challenge = f"Bearer authorization_uri={authority}/oauth2/authorize resource_id={AUDIENCE}"
        await refuse(exchange, service, 401, code, NOT_AUTHENTICATED, [("WWW-Authenticate", challenge)])

    async def _answer_without(self, exchange: Exchange, service: str, account: Resource, request: Request) -> None:
        """Answer without Azurite: the containers that Resource Manager made are there, and nothing is in them."""
        if not exchange.header("authorization"):
            await refuse(exchange, service, 403, "AuthenticationFailed", _ANONYMOUS)
            return
        names = self._contents.containers(exchange.call.plane, account) if service == "blob" else []
        is_read = exchange.method in {"GET", "HEAD"}
        container = exchange.path.strip("/").partition("/")[0]
        if is_read and not container and request.parameters.get("comp") == "list":
            await exchange.answer(200, _listed(exchange.host, service, names), "application/xml", _headers(exchange))
        elif is_read and container and container not in names:
            known = {"blob": "Container", "queue": "Queue", "table": "Table"}[service]
            await refuse(exchange, service, 404, f"{known}NotFound", f"The specified {known.lower()} does not exist.")
        elif is_read and container and exchange.path.strip("/") != container:
            await refuse(exchange, service, 404, "BlobNotFound", "The specified blob does not exist.")
        else:
            message = f"The lab stores nothing here, because it runs without Azurite: {self._azurite.missing}."
            await refuse(exchange, service, 501, "NotImplemented", message)


async def _read(exchange: Exchange) -> Request:
    scope = exchange.scope
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True)
    return Request(
        method=exchange.method,
        path=(scope.get("raw_path") or exchange.path.encode()).decode("latin-1"),
        query=query,
        parameters={name.lower(): value for name, value in pairs},
        headers=headers,
        body=await read_body(exchange.receive) or b"",
    )


def service_of(host: str, account: Resource) -> str:
    """:return: the service of an account that a host names, such as ``blob``; empty: no host of the account's"""
    name, _, rest = host.partition(".")
    if name not in {account.path.name.lower(), f"{account.path.name.lower()}-secondary"}:
        return ""
    labels = rest.split(".")
    if labels[0].startswith("z") and labels[0][1:].isdecimal():
        labels = labels[1:]
    if labels[0] == "privatelink":
        labels = labels[1:]  # the certificate has no such name, the service takes the account's from the first label
    return labels[0] if labels[1:] == ["core", "windows", "net"] else ""


def _headers(exchange: Exchange, code: str = "") -> list[tuple[str, str]]:
    headers = [("x-ms-request-id", request_id()), ("Server", "Microsoft-HTTPAPI/2.0")]
    told = ("x-ms-version", "x-ms-client-request-id")
    headers += [(name, exchange.header(name)) for name in told if exchange.header(name)]
    return [*headers, ("x-ms-error-code", code)] if code else headers


async def refuse(
    exchange: Exchange, service: str, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Answer with an error as storage words it: XML with id and time of the request; JSON of the table service."""
    own = _headers(exchange, code)
    now = timestamp(exchange.call.plane.clock.now())
    text = f"{message}\nRequestId:{own[0][1]}\nTime:{now}"
    if service == "table" and "json" in exchange.header("accept"):
        body = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": text}}}
        await exchange.answer_json(status, body, [*own, *headers])
        return
    xml = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{text}</Message></Error>'
    body_bytes = b"" if exchange.method == "HEAD" else b"\xef\xbb\xbf" + xml.encode()
    await exchange.answer(status, body_bytes, "application/xml", [*own, *headers])


def _listed(host: str, service: str, names: list[str]) -> bytes:
    plural, single = ("Containers", "Container") if service == "blob" else ("Queues", "Queue")
    inner = "".join(f"<{single}><Name>{name}</Name></{single}>" for name in names)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://{host}/">'
        f"<{plural}>{inner}</{plural}><NextMarker /></EnumerationResults>"
    ).encode()
