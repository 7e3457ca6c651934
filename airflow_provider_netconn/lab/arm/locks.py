"""Locks: what nobody may delete, or not even change, whatever their roles.

A lock holds at its scope and below it; a delete is refused as well where a lock is on something that would go along.
Microsoft Learn, "Lock your Azure resources to protect your infrastructure": locks are for the control plane alone,
``ReadOnly`` refuses POST too (``listKeys``), and a locked scope's locks themselves can still be made and removed. Code
and wording as in messages that users have published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.identifiers import ArmPath

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.arm.engine import ControlPlane

LOCKS = "Microsoft.Authorization/locks"
READ_ONLY = "ReadOnly"


def refuse_locked(plane: ControlPlane, method: str, path: ArmPath) -> None:
    """Refuse a request that a lock forbids.

    :param method: PUT, PATCH and POST change, DELETE removes; others pass
    :param path: what the request is for; of an action, what the action is on
    :raises ArmError: 409 ScopeLocked, naming the locked scopes
    """
    refusal = lock_refusal(plane, method, path)
    if refusal is not None:
        raise refusal


def lock_refusal(plane: ControlPlane, method: str, path: ArmPath) -> ArmError | None:
    """:return: the 409 that a request would be refused with for a lock; None: no lock forbids it"""
    locked = _locked_scopes(plane, method, path)
    if not locked:
        return None
    doing, scopes = "delete" if method == "DELETE" else "write", ",".join(locked)
    return ArmError(
        409,
        "ScopeLocked",
        f"The scope '{path.text}' cannot perform {doing} operation because following scope(s) are locked: '{scopes}'. "
        "Please remove the lock and try again.",
    )


def _locked_scopes(plane: ControlPlane, method: str, path: ArmPath) -> list[str]:
    """The scopes whose locks forbid a method on ``path``, each once."""
    locks = plane.store.of_type(LOCKS)
    if not locks or method not in {"PUT", "PATCH", "POST", "DELETE"} or path.type.casefold() == LOCKS.casefold():
        return []
    found = []
    for lock in locks:
        scope = lock.path.scope.casefold()
        level = lock.properties["level"]
        around = path.key == scope or path.key.startswith(f"{scope}/")
        within = method == "DELETE" and scope.startswith(f"{path.key}/")
        if level != "NotSpecified" and (around or within) and (method == "DELETE" or level == READ_ONLY):
            found.append(lock.path.scope)
    return list(dict.fromkeys(found))
