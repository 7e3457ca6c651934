"""Services over HTTPS of which the lab has no more than the door: each gives the first answer that it usually gives.

To a request without credentials, on any path: Microsoft Learn, "Access control in Azure Cosmos DB" (401 Unauthorized,
"Required Header authorization is missing"), "Azure App Service: default page" and "404 Web Site not found", "Azure AI
Search: HTTP status codes" (403 without a key), "App Configuration: authentication" (401). With credentials the lab says
that it has no such service: 501, in words of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from airflow_provider_netconn.lab.services.http_answers import Exchange, request_id

Answering = Callable[[Exchange], Awaitable[None]]

_RUNNING: Final = (
    b"<!DOCTYPE html><html><head><title>Microsoft Azure App Service - Welcome</title></head><body>"
    b"<h1>Your web app is running and waiting for your content</h1></body></html>"
)
_NOT_FOUND: Final = (
    b"<!DOCTYPE html><html><head><title>Microsoft Azure Web App - Error 404</title></head><body>"
    b"<h1>404 Web Site not found.</h1></body></html>"
)
_INVALID_HOST: Final = (
    b'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN""http://www.w3.org/TR/html4/strict.dtd">\r\n'
    b'<HTML><HEAD><TITLE>Bad Request</TITLE>\r\n<META HTTP-EQUIV="Content-Type" Content="text/html; charset=us-ascii">'
    b"</HEAD>\r\n<BODY><h2>Bad Request - Invalid Hostname</h2>\r\n<hr><p>HTTP Error 400. The request hostname is "
    b"invalid.</p>\r\n</BODY></HTML>\r\n"
)


async def answer_web(exchange: Exchange) -> None:
    """Answer a request to a service that has no application of its own here."""
    call = exchange.call
    resource = call.resource
    kind = "" if resource is None else resource.kind.type.casefold()
    if not _is_known_host(exchange):
        if kind.startswith("microsoft.web/"):
            await exchange.answer(404, _NOT_FOUND, "text/html")
        else:
            await exchange.answer(400, _INVALID_HOST, "text/html; charset=us-ascii", _SERVER)
        return
    refusal = call.admission().refusal
    if refusal is not None:
        await exchange.refuse(refusal)
        return
    if kind in _ANSWERS:
        await _ANSWERS[kind](exchange)
    elif _has_credentials(exchange):
        await _nothing_behind(exchange)
    else:
        await exchange.answer_json(
            401,
            {"error": {"code": "Unauthorized", "message": "Access denied due to missing credentials."}},
            [("WWW-Authenticate", "Bearer"), ("x-ms-request-id", request_id())],
        )


def _is_known_host(exchange: Exchange) -> bool:
    return exchange.host in (host.lower() for host in exchange.call.listener.hosts)


def _has_credentials(exchange: Exchange) -> bool:
    return any(exchange.header(name) for name in ("authorization", "api-key", "ocp-apim-subscription-key"))


async def _nothing_behind(exchange: Exchange) -> None:
    resource = exchange.call.resource
    kind = "?" if resource is None else resource.kind.type
    message = f"The lab has no more of {kind} than its endpoint: this request got through, and nobody carries it out."
    await exchange.answer_json(501, {"error": {"code": "NotImplemented", "message": message}})


async def _cosmos(exchange: Exchange) -> None:
    if exchange.header("authorization"):
        await _nothing_behind(exchange)
        return
    activity = request_id()
    message = (
        "Required Header authorization is missing. Ensure a valid Authorization token is passed.\r\n"
        f"ActivityId: {activity}, Microsoft.Azure.Documents.Common/2.14.0"
    )
    headers = [("x-ms-activity-id", activity), ("x-ms-gatewayversion", "2.0.0"), ("Server", "Compute")]
    await exchange.answer_json(401, {"code": "Unauthorized", "message": message}, headers)


async def _search(exchange: Exchange) -> None:
    if _has_credentials(exchange):
        await _nothing_behind(exchange)
        return
    await exchange.answer(403, headers=[("request-id", request_id())])


async def _web_site(exchange: Exchange) -> None:
    if exchange.host.endswith(".scm.azurewebsites.net"):
        await exchange.answer(401, headers=[("WWW-Authenticate", 'Basic realm="site"'), *_SERVER])
        return
    await exchange.answer(200, b"" if exchange.method == "HEAD" else _RUNNING, "text/html")


async def _messaging(exchange: Exchange) -> None:
    if exchange.header("authorization"):
        await _nothing_behind(exchange)
        return
    detail = f"MissingToken: The authorization header is missing. TrackingId:{request_id()}"
    body = f"<Error><Code>401</Code><Detail>{detail}</Detail></Error>"
    await exchange.answer(401, body.encode(), "application/xml; charset=utf-8", _SERVER)


_SERVER: Final = (("Server", "Microsoft-HTTPAPI/2.0"),)
_ANSWERS: Final[Mapping[str, Answering]] = {
    "microsoft.documentdb/databaseaccounts": _cosmos,
    "microsoft.search/searchservices": _search,
    "microsoft.web/sites": _web_site,
    "microsoft.web/sites/slots": _web_site,
    "microsoft.servicebus/namespaces": _messaging,
    "microsoft.eventhub/namespaces": _messaging,
    "microsoft.relay/namespaces": _messaging,
}
