"""The IP access lists of a Databricks workspace, read from the workspace's own API.

Databricks REST API, "IP Access Lists" and "Workspace Conf": an address in a block list is kept out even where an allow
list has it; without an allow list everybody else gets in; nothing has effect until ``enableIpAccessLists`` is true.
The API itself is behind the lists: a caller that they keep out cannot read them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.azure.firewall.interpret import public_access
from airflow_provider_netconn.azure.firewall.values import AddressRange, Firewall, FirewallRule
from airflow_provider_netconn.azure.throttling import ThrottleBook
from airflow_provider_netconn.errors import (
    AzureError,
    AzureForbiddenError,
    AzureMalformedAnswerError,
    AzureNoAnswerError,
    AzureServerError,
    AzureSignInError,
    InvalidOptionError,
)

if TYPE_CHECKING:
    from azure.core.pipeline import AsyncPipeline

    from airflow_provider_netconn.azure.firewall.table import FirewallService
    from airflow_provider_netconn.azure.session import AzureSession
    from airflow_provider_netconn.azure.settings import AzureSettings

AUDIENCE: Final = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
"""The application of Azure Databricks in every tenant (Microsoft Learn, "Get Microsoft Entra ID tokens")."""
_LISTS: Final = "/api/2.0/ip-access-lists"
_ENABLED: Final = "enableIpAccessLists"
_CONF: Final = f"/api/2.0/workspace-conf?keys={_ENABLED}"
_REQUEST_TIMEOUT_S: Final = 60.0
_TIMEOUT_S: Final = 300.0
_BAD, _SERVER, _UNAUTHORIZED, _FORBIDDEN = 400, 500, 401, 403
_REMEDY: Final = (
    "reading access lists takes a workspace administrator, from an address that the lists admit or by private endpoint"
)

Json = Mapping[str, Any]


async def read_workspace_firewall(azure: AzureSession, service: FirewallService, resource: Json) -> Firewall:
    """Read a workspace's access lists.

    :param resource: the workspace, as Resource Manager gives it
    :raises AzureError: the workspace could not be asked; AzureForbiddenError: it refuses us
    """
    properties = resource.get("properties") or {}
    host = str(properties.get("workspaceUrl") or "")
    if not host:
        raise AzureMalformedAnswerError(str(resource.get("id")), "the workspace has no workspaceUrl")
    async with _pipeline(azure.settings, host) as pipeline:
        lists, conf = await _read(pipeline, host, _LISTS), await _read(pipeline, host, _CONF)
    found = lists.get("ip_access_lists") or []
    enabled = str(conf.get(_ENABLED)).casefold() == "true"
    access, setting = public_access(service, resource)
    active = [one for one in found if one.get("enabled", True)] if enabled else []
    rules, unread = _rules(active)
    return Firewall(
        resource_id=str(resource.get("id", "")),
        service=service.service,
        location=str(resource.get("location", "")),
        public_access=access,
        public_setting=setting,
        restricted=any(one.get("list_type") == "ALLOW" for one in active),
        rules=rules,
        limit=service.limit,
        used=sum(len(one.get("ip_addresses") or ()) for one in found),
        delay=service.delay,
        unread=unread,
        notes=tuple(_notes(found, enabled=enabled)),
    )


def _rules(lists: Sequence[Json]) -> tuple[tuple[FirewallRule, ...], tuple[str, ...]]:
    rules: list[FirewallRule] = []
    unread: list[str] = []
    for one in sorted(lists, key=lambda one: one.get("list_type") != "BLOCK"):
        for text in one.get("ip_addresses") or ():
            try:
                found = AddressRange.parse(str(text))
            except InvalidOptionError:
                unread.append(str(text))
                continue
            rules.append(
                FirewallRule(name=str(one.get("label", "")), range=found, allow=one.get("list_type") == "ALLOW")
            )
    return tuple(rules), tuple(unread)


def _notes(lists: Sequence[Json], *, enabled: bool) -> Iterator[str]:
    if lists and not enabled:
        yield f"there are {len(lists)} access lists without effect: {_ENABLED} is not true"
    idle = [str(one.get("label")) for one in lists if not one.get("enabled", True)]
    if enabled and idle:
        yield f"access lists that are not enabled: {', '.join(idle)}"


async def _read(pipeline: AsyncPipeline[Any, Any], host: str, path: str) -> Json:
    from azure.core.exceptions import AzureError as SdkError
    from azure.core.rest import HttpRequest

    request = HttpRequest("GET", f"https://{host}{path}", headers={"Accept": "application/json"})
    try:
        answer = await pipeline.run(request, stream=False)
    except SdkError as error:
        seen = f"no answer from the workspace: {type(error).__name__}: {str(error).splitlines()[0]}"
        remedy = "check that its name resolves here and port 443 is reached: netconn check tells"
        raise AzureNoAnswerError(f"https://{host}", seen, remedy=remedy) from error
    response = answer.http_response
    await response.read()
    if response.status_code >= _BAD:
        raise _refusal(host, int(response.status_code), response.text())
    try:
        found = json.loads(response.text())
    except ValueError as error:
        raise AzureMalformedAnswerError(f"https://{host}{path}", "the answer is no JSON") from error
    if not isinstance(found, dict):
        raise AzureMalformedAnswerError(f"https://{host}{path}", "the answer is no object")
    return found


def _refusal(host: str, status: int, text: str) -> AzureError:
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    found = body if isinstance(body, dict) else {}
    code, message = str(found.get("error_code", "")), str(found.get("message", "")) or f"HTTP status {status}"
    where = f"https://{host}"
    if status == _UNAUTHORIZED:
        return AzureSignInError(where, message, code=code, status=status, remedy=_REMEDY)
    if status == _FORBIDDEN:
        return AzureForbiddenError(where, message, code=code, status=status, remedy=_REMEDY)
    kind = AzureServerError if status >= _SERVER else AzureError
    return kind(where, message, code=code, status=status)


@asynccontextmanager
async def _pipeline(settings: AzureSettings, host: str) -> AsyncIterator[AsyncPipeline[Any, Any]]:
    """A pipeline whose tokens are for the workspace, and go to no other host."""
    from azure.core.pipeline import AsyncPipeline

    room = await asyncio.to_thread(_room)
    tokens = room.AsyncTokenSource(lambda: room.async_credential(settings), f"{AUDIENCE}/.default")
    limits = {"timeout_s": _TIMEOUT_S, "request_timeout_s": _REQUEST_TIMEOUT_S}
    policies = [
        room.UserAgentPolicy(base_user_agent=room.USER_AGENT),
        room.AsyncRulesPolicy(room.RetryRules(ThrottleBook(), **limits)),
        room.AsyncRulesPolicy(room.TokenRules(f"https://{host}"), tokens),
    ]
    pipeline: AsyncPipeline[Any, Any] = AsyncPipeline(room.async_transport(settings.ca_file), policies)
    async with pipeline:
        try:
            yield pipeline
        finally:
            await tokens.close()


def _room() -> Any:
    """What brings azure-identity and aiohttp; imported in a thread."""
    from airflow_provider_netconn.azure import pipeline

    return pipeline
