"""Which action a request to a storage account needs from a caller with a token.

Microsoft Learn, "Permissions for calling data operations" of the blob, queue and table services.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ACCOUNTS: Final = "Microsoft.Storage/storageAccounts"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Need:
    """What a request needs.

    :param action: such as ``Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read``
    :param is_data: whether it is looked for among the data actions of roles
    :param scope: id of what it is needed on, below the account's
    """

    action: str
    is_data: bool
    scope: str = ""


def need_of(service: str, method: str, path: str, query: Mapping[str, str]) -> Need | None:
    """:return: what a request needs; None: no token is good for that

    :param service: ``blob``, ``queue`` or ``table``
    :param path: decoded
    :param query: its parameters, names in lower case
    """
    parts = path.strip("/").split("/", 1)
    return {"blob": _blob, "queue": _queue, "table": _table}[service](method, parts, query)


def _blob(method: str, parts: list[str], query: Mapping[str, str]) -> Need | None:
    component = query.get("comp", "")
    if not parts[0]:
        return _blob_service(method, component)
    verb = _verb(method)
    containers = f"{ACCOUNTS}/blobServices/containers"
    scope = f"/blobServices/default/containers/{parts[0]}"
    if len(parts) > 1 or query.get("restype") != "container":
        return Need(f"{containers}/blobs/{'tags/' if component == 'tags' else ''}{verb}", True, scope)
    if component == "acl":
        return None  # access policies are for keys alone
    if component == "list":
        return Need(f"{containers}/blobs/read", True, scope)
    return Need(f"{containers}/{verb}", False, scope)


def _blob_service(method: str, component: str) -> Need:
    services = f"{ACCOUNTS}/blobServices"
    if component == "blobs":
        return Need(f"{services}/containers/blobs/filter/action", is_data=True)
    action = {"userdelegationkey": "generateUserDelegationKey/action", "list": "containers/read"}
    return Need(f"{services}/{action.get(component) or _verb(method)}", is_data=False)


def _queue(method: str, parts: list[str], query: Mapping[str, str]) -> Need | None:
    services = f"{ACCOUNTS}/queueServices"
    verb = _verb(method)
    if not parts[0]:
        listing = query.get("comp") == "list"
        return Need(f"{services}/queues/read" if listing else f"{services}/{verb}", is_data=False)
    scope = f"/queueServices/default/queues/{parts[0]}"
    if len(parts) == 1:
        return None if query.get("comp") == "acl" else Need(f"{services}/queues/{verb}", False, scope)
    action = {
        "GET": "read" if query.get("peekonly", "").casefold() == "true" else "process/action",
        "POST": "add/action",
        "PUT": "write",
        "DELETE": "delete" if "popreceipt" not in query else "process/action",
    }.get(method, "read")
    return Need(f"{services}/queues/messages/{action}", True, scope)


def _table(method: str, parts: list[str], query: Mapping[str, str]) -> Need | None:
    services = f"{ACCOUNTS}/tableServices"
    verb = {"MERGE": "write"}.get(method) or _verb(method)
    name = parts[0].partition("(")[0]
    if not name:
        return Need(f"{services}/{verb}", is_data=False)
    if name == "Tables":
        return Need(f"{services}/tables/{verb}", True)
    if query.get("comp") == "acl":
        return None
    scope = f"/tableServices/default/tables/{name}"
    return Need(f"{services}/tables/entities/{verb}", True, scope)


def _verb(method: str) -> str:
    if method in _READS:
        return "read"
    return "delete" if method == "DELETE" else "write"
