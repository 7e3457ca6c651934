"""A key vault's own API, as far as secrets go: the challenge, who gets in, and secrets with their versions.

Microsoft Learn: "Authentication, requests and responses" (the challenge), "Azure Key Vault REST API error codes" (401
AKV10000, 403 ForbiddenByFirewall, ForbiddenByConnection, ForbiddenByRbac, AccessDenied), "Diagnose private links
configuration issues on Azure Key Vault" (``/healthstatus``), and the Secrets API. Who the caller is comes before where
it calls from: a request without a token is challenged from anywhere.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_netconn.lab.asgi import read_body
from airflow_provider_netconn.lab.services.http_answers import Exchange, request_id

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.requests import Caller
    from airflow_provider_netconn.lab.arm.store import Resource
    from airflow_provider_netconn.lab.services.bearers import Bearers

AUDIENCES: Final = ("https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093")
_SECRET: Final = re.compile(r"/secrets/([0-9A-Za-z-]{1,127})(?:/([0-9a-f]{32}|versions|))?/?")
_ACTIONS: Final = {
    "get": "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    "set": "Microsoft.KeyVault/vaults/secrets/setSecret/action",
    "list": "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    "delete": "Microsoft.KeyVault/vaults/secrets/delete",
}
RECOVERY_LEVEL: Final = "Recoverable+Purgeable"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """One version of a secret."""

    number: str
    value: str
    content_type: str | None
    tags: Mapping[str, str]
    enabled: bool
    made_at: int


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner = status, code, message, inner


class KeyVault:
    """The API of all vaults. Their secrets are kept in memory, as long as the vault is there."""

    def __init__(self, bearers: Bearers) -> None:
        self._bearers = bearers
        self._secrets: dict[tuple[str, float], dict[str, list[_Version]]] = {}

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        vault = exchange.call.resource
        assert vault is not None
        region = vault.region
        headers = [
            ("x-ms-keyvault-region", region),
            ("x-ms-request-id", request_id()),
            ("x-ms-keyvault-service-version", "1.9.2000.1"),
            ("x-ms-keyvault-network-info", _network_info(exchange.call.caller)),
        ]
        if exchange.path == "/healthstatus":
            await exchange.answer(200, b"", headers=headers)
            return
        if exchange.host not in (host.lower() for host in exchange.call.listener.hosts):
            await exchange.answer_json(400, _error("BadParameter", "The request URI contains an invalid host name."))
            return
        caller = self._bearers.caller(exchange.header("authorization"), AUDIENCES, vault.properties["tenantId"])
        if caller is None:
            await self._challenge(exchange, vault, headers)
            return
        refusal = exchange.call.admission().refusal
        if refusal is not None:
            await exchange.refuse(refusal)
            return
        try:
            status, found = await self._carry_out(exchange, vault, caller)
        except _RefusedError as refused:
            error = _error(refused.code, refused.message, refused.inner)
            await exchange.answer_json(refused.status, error, headers)
            return
        await exchange.answer_json(status, found, headers)

    async def _challenge(self, exchange: Exchange, vault: Resource, headers: list[tuple[str, str]]) -> None:
        given = exchange.header("authorization")
        message = (
            "AKV10001: Error validating token." if given else "AKV10000: Request is missing a Bearer or PoP token."
        )
        authority = self._bearers.authority(vault.properties["tenantId"])
        challenge = f'Bearer authorization="{authority}", resource="{AUDIENCES[0]}"'
        await exchange.answer_json(401, _error("Unauthorized", message), [("WWW-Authenticate", challenge), *headers])

    async def _carry_out(self, exchange: Exchange, vault: Resource, caller: Caller) -> tuple[int, Any]:
        if b"api-version=" not in exchange.scope["query_string"]:
            raise _RefusedError(400, "BadParameter", "The request is missing the required api-version parameter.")
        if exchange.path.rstrip("/") == "/secrets" and exchange.method == "GET":
            self._require(vault, caller, "list")
            found = {name: versions[-1] for name, versions in sorted(self._of(vault).items())}
            return 200, {"value": [self._shown(exchange, name, one, listed=1) for name, one in found.items()]}
        match = _SECRET.fullmatch(exchange.path)
        if match is None:
            raise _RefusedError(404, "NotFound", "The lab has of key vaults only their secrets.")
        name, version = match[1], match[2] or ""
        if exchange.method == "PUT" and not version:
            self._require(vault, caller, "set")
            return 200, self._shown(exchange, name, await self._set(exchange, vault, name))
        if exchange.method == "DELETE" and not version:
            self._require(vault, caller, "delete")
            gone = self._find(vault, name, "")
            del self._of(vault)[name]
            return 200, self._shown(exchange, name, gone, listed=2)
        if exchange.method != "GET":
            raise _RefusedError(405, "MethodNotAllowed", f"{exchange.method} is not allowed here.")
        if version == "versions":
            self._require(vault, caller, "list")
            every = self._of(vault).get(name, [])
            return 200, {"value": [self._shown(exchange, name, one, listed=2) for one in every]}
        self._require(vault, caller, "get")
        return 200, self._shown(exchange, name, self._find(vault, name, version))

    def _of(self, vault: Resource) -> dict[str, list[_Version]]:
        """The secrets of a vault: a vault that was made anew has none of the old one's."""
        return self._secrets.setdefault((vault.path.key, vault.created_at), {})

    def _find(self, vault: Resource, name: str, version: str) -> _Version:
        versions = [one for one in self._of(vault).get(name, ()) if version in {"", one.number}]
        if not versions:
            shown = f"{name}/{version}" if version else name
            raise _RefusedError(
                404,
                "SecretNotFound",
                f"A secret with (name/id) {shown} was not found in this key vault. If you recently deleted this secret "
                "you may be able to recover it using the correct recovery command. For help resolving this issue, "
                "please see https://go.microsoft.com/fwlink/?linkid=2125182",
            )
        if not versions[-1].enabled:
            raise _RefusedError(
                403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled"
            )
        return versions[-1]

    async def _set(self, exchange: Exchange, vault: Resource, name: str) -> _Version:
        try:
            body = json.loads(await read_body(exchange.receive) or b"")
            value = body["value"]
        except (ValueError, LookupError, TypeError):
            value = None
        if not isinstance(value, str):
            raise _RefusedError(400, "BadParameter", "The parameter value is missing, or no string.")
        made = _Version(
            number=uuid.uuid4().hex,
            value=value,
            content_type=body.get("contentType"),
            tags=body.get("tags") or {},
            enabled=(body.get("attributes") or {}).get("enabled", True),
            made_at=int(exchange.call.plane.clock.now()),
        )
        self._of(vault).setdefault(name, []).append(made)
        return made

    @staticmethod
    def _shown(exchange: Exchange, name: str, version: _Version, listed: int = 0) -> dict[str, Any]:
        """A secret; in a list it is shown without its value, and with its version in lists of versions (2) alone."""
        shown: dict[str, Any] = {} if listed else {"value": version.value}
        number = "" if listed == 1 else f"/{version.number}"
        shown["id"] = f"https://{exchange.host}/secrets/{name}{number}"
        shown["attributes"] = {
            "enabled": version.enabled,
            "created": version.made_at,
            "updated": version.made_at,
            "recoveryLevel": RECOVERY_LEVEL,
            "recoverableDays": 90,
        }
        if version.content_type is not None:
            shown["contentType"] = version.content_type
        if version.tags:
            shown["tags"] = dict(version.tags)
        return shown

    def _require(self, vault: Resource, caller: Caller, permission: str) -> None:
        """See that a caller may do something with secrets, by its roles or by the vault's access policies.

        :raises _RefusedError: 403, it may not
        """
        action = _ACTIONS[permission]
        place = f"{vault.path.name};location={vault.region}"
        who = f"appid={caller.app_id};oid={caller.object_id};iss=https://sts.windows.net/{caller.tenant_id}/"
        if vault.properties.get("enableRbacAuthorization"):
            if self._bearers.may_with_data(caller, action, vault.id):
                return
            raise _RefusedError(
                403,
                "Forbidden",
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or "
                "role definitions were changed recently, please observe propagation time.\r\n"
                f"Caller: {who}\r\nAction: '{action}'\r\nResource: '{vault.id.lower()}'\r\nAssignment: (not found)\r\n"
                f"DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {place}\r\n",
                "ForbiddenByRbac",
            )
        for policy in vault.properties["accessPolicies"]:
            granted = {str(one).casefold() for one in policy["permissions"].get("secrets") or ()}
            if policy["objectId"] == caller.object_id and granted & {permission, "all"}:
                return
        raise _RefusedError(
            403,
            "Forbidden",
            f"The user, group or application '{who}' does not have secrets {permission} permission on key vault "
            f"'{place}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
            "AccessDenied",
        )


def _error(code: str, message: str, inner: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return {"error": error}


def _network_info(address: str) -> str:
    family = "InterNetworkV6" if ":" in address else "InterNetwork"
    return f"conn_type=Ipv{'6' if ':' in address else '4'};addr={address};act_addr_fam={family};"
