"""Connections as Airflow holds them, for the hooks of the providers that are installed."""

from __future__ import annotations

import json
import time

import pytest

from airflow_provider_netconn.connections import ConnectionFields, read_targets

CANARY = "canary-1b9d-never-show-this"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Clients that are cut off in the middle leave sockets and sessions behind, which is theirs to mend."""
    for item in items:
        if "tests/providers/" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture
def connection(monkeypatch):
    """Make the Airflow connection ``orders``; gives its id. Its password and extra may hold anything."""

    def make(conn_type: str, **fields):
        monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps({"conn_type": conn_type} | fields))
        return "orders"

    return make


@pytest.fixture
def signed_in(monkeypatch):
    """Sign in to Microsoft Entra ID without asking it: what is tested begins after that."""
    identity = pytest.importorskip("azure.identity", reason="azure-identity is not installed")
    aio = pytest.importorskip("azure.identity.aio", reason="aiohttp is not installed")
    from azure.core.credentials import AccessToken, AccessTokenInfo

    expiry = int(time.time()) + 3600

    async def later(value):
        return value

    for name in ("ClientSecretCredential", "DefaultAzureCredential"):
        for module, wrap in ((identity, lambda value: value), (aio, later)):
            credential = getattr(module, name)
            token = lambda *_, _wrap=wrap, **__: _wrap(AccessToken("token", expiry))  # noqa: E731
            info = lambda *_, _wrap=wrap, **__: _wrap(AccessTokenInfo("token", expiry))  # noqa: E731
            monkeypatch.setattr(credential, "get_token", token)
            monkeypatch.setattr(credential, "get_token_info", info, raising=False)


def places(conn_type: str, **fields) -> list[tuple[str, int]]:
    """The hosts and ports that the table reads from a connection."""
    fields.pop("password", None)
    connection = ConnectionFields(conn_id="orders", conn_type=conn_type, **fields)
    return [(target.dialled, target.port) for target in read_targets(connection)]
