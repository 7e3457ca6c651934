"""The API of Databricks workspaces, as far as access lists go: ``/api/2.0/ip-access-lists`` and ``workspace-conf``.

Databricks REST API reference, "IP Access Lists" and "Workspace Conf": 1,000 addresses over all lists of a workspace, a
list that would keep its own author out is refused, and nothing has effect until ``enableIpAccessLists`` is true.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from airflow_provider_netconn.lab.arm.requests import Caller
from airflow_provider_netconn.lab.arm.store import Resource
from airflow_provider_netconn.lab.asgi import Application, Receive, Scope, Send, answer, answer_json, header, read_body
from airflow_provider_netconn.lab.resources.databricks import ENABLED, Workspaces, access_firewall
from airflow_provider_netconn.lab.resources.firewall_rules import Firewall, admits, decide, note_change

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

AUDIENCE = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
"""The application of Azure Databricks, for which tokens are issued."""
ADMINISTRATION = "Microsoft.Databricks/workspaces/assignWorkspaceAdmin/action"
"""Who may do this on the workspace's resource is an administrator in it."""
MOST_ADDRESSES = 1000
LISTS = "/api/2.0/ip-access-lists"
CONF = "/api/2.0/workspace-conf"


class RefusedError(Exception):
    """What the API refuses.

    :param status: HTTP status
    :param code: ``error_code``
    :param message: its message
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Authenticate(Protocol):
    """Reads a bearer token for :data:`AUDIENCE`."""

    def __call__(self, token: str) -> Caller | None:
        """:return: who it is of; None: it is not valid"""


def peer_address(scope: Scope) -> str:
    """:return: the caller's address: as a proxy in front names it, else that of the socket's other end

    :raises RefusedError: what the proxy names is no address
    """
    forwarded = header(scope, "x-forwarded-for")
    client = scope.get("client")
    if not forwarded:
        return str(client[0]) if client else "127.0.0.1"
    address = forwarded.split(",")[0].strip()
    try:
        return str(ip_address(address))
    except ValueError:
        raise RefusedError(400, "MALFORMED_REQUEST", f"X-Forwarded-For names no address: {address}") from None


def databricks_application(
    plane: ControlPlane,
    authenticate: Authenticate,
    caller_address: Callable[[Scope], str] = peer_address,
    is_private: Callable[[Scope], bool] = lambda scope: False,
) -> Application:
    """:return: the API of all workspaces; a request says which by its host, or by that host as first part of its path

    :param plane: has the workspaces
    :param authenticate: reads tokens
    :param caller_address: tells what address a request comes from
    :param is_private: tells whether it came by a private endpoint, where no access list is asked
    """
    return _Api(plane, authenticate, caller_address, is_private)


class _Api:
    def __init__(
        self,
        plane: ControlPlane,
        authenticate: Authenticate,
        caller_address: Callable[[Scope], str],
        is_private: Callable[[Scope], bool],
    ) -> None:
        self._plane = plane
        self._is_private = is_private
        self._authenticate = authenticate
        self._caller_address = caller_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = await read_body(receive)
        try:
            body = json.loads(content) if content else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            await answer_json(send, 400, {"error_code": "MALFORMED_REQUEST", "message": "The body is no JSON object."})
            return
        try:
            status, found = self._answer(scope, body)
        except RefusedError as refused:
            await answer_json(send, refused.status, {"error_code": refused.code, "message": refused.message})
            return
        if found is None:
            await answer(send, status, [], b"")
        else:
            await answer_json(send, status, found)

    def _answer(self, scope: Scope, body: dict[str, Any]) -> tuple[int, Any]:
        self._plane.operations.advance()
        workspace, path = self._workspace(scope)
        address = self._caller_address(scope)
        refusal = None if self._is_private(scope) else admits(self._plane, workspace, address).refusal
        if refusal is not None:
            raise RefusedError(403, refusal.code, refusal.message)
        caller = self._caller(scope)
        if not self._plane.access.allows(caller, ADMINISTRATION, workspace.id):
            raise RefusedError(
                403, "PERMISSION_DENIED", "Only workspace admins can manage IP access lists and settings."
            )
        method = scope["method"]
        session = _Session(self._plane, workspace, address, caller)
        if path == CONF:
            query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
            return session.conf(method, query, body)
        if path == LISTS or path.startswith(f"{LISTS}/"):
            return session.lists(method, path[len(LISTS) :].strip("/"), body)
        raise RefusedError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path}'")

    def _workspace(self, scope: Scope) -> tuple[Resource, str]:
        path = str(scope["path"])
        first, _, rest = path.lstrip("/").partition("/")
        host = (header(scope, "host") or "").rpartition(":")[0] or (header(scope, "host") or "")
        for workspace in self._plane.store.of_type(Workspaces.type):
            url = workspace.facts["workspaceUrl"]
            if host.casefold() == url:
                return workspace, path.rstrip("/")
            if first.casefold() == url:
                return workspace, "/" + rest.rstrip("/")
        raise RefusedError(404, "NOT_FOUND", "Unable to find the workspace.")

    def _caller(self, scope: Scope) -> Caller:
        scheme, _, token = (header(scope, "authorization") or "").partition(" ")
        if scheme.casefold() != "bearer" or not token:
            raise RefusedError(401, "401", "Credential was not sent or was of an unsupported type for this API.")
        caller = self._authenticate(token)
        if caller is None:
            raise RefusedError(403, "403", "Invalid access token.")
        return caller


class _Session:
    """One request of an administrator to one workspace."""

    def __init__(self, plane: ControlPlane, workspace: Resource, address: str, caller: Caller) -> None:
        self._plane = plane
        self._workspace = workspace
        self._address = address
        self._caller = caller
        self._lists: dict[str, dict[str, Any]] = workspace.properties["ipAccessLists"]
        self._conf: dict[str, str] = workspace.properties["workspaceConf"]

    def conf(self, method: str, query: Mapping[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        """Read or change settings."""
        if method == "GET":
            return 200, {key: self._conf.get(key) for key in query.get("keys", "").split(",") if key}
        if method != "PATCH":
            raise RefusedError(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed here.")
        for key, value in body.items():
            if not isinstance(value, str) or (key == ENABLED and value not in {"true", "false"}):
                raise RefusedError(400, "BAD_REQUEST", f"Invalid value for the key {key}.")
        if body.get(ENABLED) == "true":
            if self._workspace.body["sku"]["name"] != "premium":
                raise RefusedError(
                    404, "FEATURE_DISABLED", "IP access list is not available in the pricing tier of this workspace"
                )
            self._refuse_lock_out(access_firewall(self._workspace, enabled=True))
        self._conf.update(body)
        note_change(self._plane, self._workspace)
        return 204, None

    def lists(self, method: str, list_id: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Read or change access lists."""
        if not list_id:
            if method == "GET":
                return 200, {"ip_access_lists": list(self._lists.values())}
            if method == "POST":
                return 200, {"ip_access_list": self._keep(str(uuid.uuid4()), {}, body, whole=True)}
        elif list_id not in self._lists:
            raise RefusedError(404, "RESOURCE_DOES_NOT_EXIST", f"IP access list with id {list_id} does not exist.")
        elif method == "GET":
            return 200, {"ip_access_list": self._lists[list_id]}
        elif method in {"PUT", "PATCH"}:
            entry = self._keep(list_id, self._lists[list_id], body, whole=method == "PUT")
            return 200, {"ip_access_list": entry}
        elif method == "DELETE":
            remaining = {key: entry for key, entry in self._lists.items() if key != list_id}
            self._change(remaining)
            return 200, {}
        raise RefusedError(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed here.")

    def _keep(self, list_id: str, before: dict[str, Any], body: dict[str, Any], *, whole: bool) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            name: body[name] for name in ("label", "list_type", "ip_addresses", "enabled") if name in body
        }
        entry: dict[str, Any] = wanted if whole else {**before, **wanted}
        self._check(entry)
        now = int(self._plane.clock.now() * 1000)
        entry.setdefault("enabled", True)
        entry.update(
            list_id=list_id,
            address_count=len(entry["ip_addresses"]),
            created_at=before.get("created_at", now),
            created_by=before.get("created_by", self._number()),
            updated_at=now,
            updated_by=self._number(),
        )
        lists = {**self._lists, list_id: entry}
        if sum(len(one["ip_addresses"]) for one in lists.values()) > MOST_ADDRESSES:
            raise RefusedError(
                400, "QUOTA_EXCEEDED", f"The maximum number of IP addresses in all access lists is {MOST_ADDRESSES}."
            )
        self._refuse_lock_out(access_firewall(self._workspace, lists, enabled=True))
        self._change(lists)
        return entry

    def _check(self, entry: dict[str, Any]) -> None:
        if not isinstance(entry.get("label"), str) or not entry["label"]:
            raise RefusedError(400, "INVALID_PARAMETER_VALUE", "label is required.")
        if entry.get("list_type") not in {"ALLOW", "BLOCK"}:
            raise RefusedError(400, "INVALID_PARAMETER_VALUE", "list_type must be ALLOW or BLOCK.")
        if not isinstance(entry.get("enabled", True), bool):
            raise RefusedError(400, "INVALID_PARAMETER_VALUE", "enabled must be true or false.")
        addresses = entry.setdefault("ip_addresses", [])
        if not isinstance(addresses, list):
            raise RefusedError(400, "INVALID_PARAMETER_VALUE", "ip_addresses must be a list.")
        for address in addresses:
            try:
                IPv4Network(address if isinstance(address, str) else "", strict=False)
            except ValueError:
                raise RefusedError(
                    400, "INVALID_PARAMETER_VALUE", f"{address} is not a valid IPv4 address or CIDR."
                ) from None

    def _change(self, lists: dict[str, dict[str, Any]]) -> None:
        self._workspace.properties["ipAccessLists"] = lists
        note_change(self._plane, self._workspace)

    def _refuse_lock_out(self, firewall: Firewall) -> None:
        allowed, _ = decide(firewall, self._address)
        if not allowed:
            raise RefusedError(
                400,
                "INVALID_STATE",
                f"Your current IP {self._address} will not be allowed to access the workspace under current "
                "configuration",
            )

    def _number(self) -> int:
        """Databricks numbers its users."""
        return uuid.UUID(self._caller.object_id).int % 10**16
