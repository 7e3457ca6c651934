"""A control plane in the test's own process, whose callers are owners unless said otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_netconn.lab.arm.engine import ControlPlane
from airflow_provider_netconn.lab.arm.errors import ArmError
from airflow_provider_netconn.lab.arm.kinds import ResourceKind
from airflow_provider_netconn.lab.arm.requests import ArmRequest, ArmResponse, Caller
from airflow_provider_netconn.lab.clock import Clock
from airflow_provider_netconn.lab.resources.subscriptions import make_subscription

TENANT = "00000000-0000-4000-8000-0000000000aa"
OTHER_TENANT = "00000000-0000-4000-8000-0000000000ab"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
OTHER_SUBSCRIPTION = "00000000-0000-4000-8000-000000000002"
OWNER = Caller(tenant_id=TENANT, object_id="00000000-0000-4000-8000-0000000000b1")
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"


class Owners:
    """Every caller owns everything but what is denied: for tests of what is not about rights.

    :param denied: actions that nobody has
    """

    def __init__(self, denied: Iterable[str] = ()) -> None:
        self.denied = {action.casefold() for action in denied}

    def authenticate(self, request: ArmRequest) -> Caller:
        if "authorization" not in request.headers:
            raise ArmError(401, "AuthenticationFailed", "Authentication failed.")
        return OWNER

    def allows(self, caller: Caller, action: str, scope: str) -> bool:
        return action.casefold() not in self.denied

    def reaches(self, caller: Caller, scope: str) -> bool:
        return True

    def name_of(self, caller: Caller) -> str:
        return "owner@example.com"


def make_plane(
    kinds: Iterable[ResourceKind],
    *,
    access: Owners | None = None,
    time_scale: float = 0.0,
    fallback: Callable[[str], ResourceKind | None] = lambda type_name: None,
) -> ControlPlane:
    """:return: a control plane with two subscriptions and one resource group, ``rg`` in ``eastus``"""
    plane = ControlPlane(
        clock=Clock(),
        access=access or Owners(),
        kinds=kinds,
        fallback=fallback,
        base_url=lambda: "https://management.lab",
        time_scale=time_scale,
    )
    make_subscription(plane, SUBSCRIPTION, TENANT, "first")
    make_subscription(plane, OTHER_SUBSCRIPTION, TENANT, "second")
    assert send(plane, "PUT", GROUP, {"location": "eastus"}, version="2021-04-01").status == 201
    return plane


def send(
    plane: ControlPlane,
    method: str,
    path: str,
    body: Any = None,
    *,
    version: str = "2024-03-01",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    caller: Caller | None = OWNER,
) -> ArmResponse:
    """Send one request; a path without leading slash is below the group's ``providers``."""
    if not path.startswith("/"):
        path = f"{GROUP}/providers/{path}"
    return plane.handle(
        ArmRequest(
            method=method,
            path=path,
            query={"api-version": version, **(query or {})},
            headers=dict(headers or {}),
            content=b"" if body is None else json.dumps(body).encode(),
            caller=caller,
        )
    )


def put(plane: ControlPlane, path: str, body: Any, **options: Any) -> dict[str, Any]:
    """PUT and wait for the operation's end; the resource as it reads then."""
    answer = send(plane, "PUT", path, body, **options)
    assert answer.status < 300, answer.body
    plane.operations.advance()
    options.pop("query", None)
    options.pop("headers", None)
    shown = send(plane, "GET", path, **options)
    assert shown.status == 200, shown.body
    return dict(shown.body)
