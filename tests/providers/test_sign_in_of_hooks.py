"""Signing in by each type's real hook: what it calls exists, and a network failure under it is called one."""

import json
import socket
import time

import pytest

from airflow_provider_netconn.connections import CONNECTION_TYPES
from airflow_provider_netconn.evidence import Finding
from airflow_provider_netconn.hooks.authentication import authenticate
from airflow_provider_netconn.hooks.sign_in import CONN_ID, NOT_SIGNED_IN, SIGN_INS, NotCheckedError, sign_in_of
from airflow_provider_netconn.hooks.sign_in_errors import classify
from testbed.endpoints import ClosedPort
from tests.providers.conftest import CANARY

KEY = "a2V5"
TENANT = {"tenantId": "11111111-2222-3333-4444-555555555555", "subscriptionId": "2"}
APP = {"login": "app", "password": CANARY}
NAMED = {
    "wasb": {"login": "orders", "password": KEY},
    "adls": {"host": "orders", "password": KEY},
    "azure_fileshare": {"login": "orders", "password": KEY},
    "azure": APP | {"extra": TENANT},
    "azure_compute": APP | {"extra": TENANT},
    "azure_container_instance": APP | {"extra": TENANT},
    "azure_data_factory": APP | {"extra": TENANT},
    "azure_batch": {"login": "o", "password": KEY, "extra": {"account_url": "https://orders.batch.azure.com"}},
    "azure_cosmos": {"login": "https://orders.documents.azure.com", "password": KEY},
    "azure_data_explorer": APP
    | {"host": "https://orders.kusto.windows.net", "extra": {"auth_method": "AAD_APP", "tenant": TENANT["tenantId"]}},
    "msgraph": APP | {"extra": TENANT},
    "powerbi": APP | {"extra": TENANT},
    "snowflake": APP | {"extra": {"account": "xy12345", "login_timeout": 1}},
    "databricks": {"host": "adb-1.2.azuredatabricks.net", "password": CANARY},
    "http": {"host": "https://api.example"},
    "smtp": {"host": "m.example"},
    "ssh": APP | {"host": "s.example"},
    "sftp": APP | {"host": "s.example"},
    "redis": {"host": "r.example", "port": 6379},
}
"""Connections whose clients, written in Python, ask for a name that does not resolve."""
AT_PORT = {
    "azure_network": {"extra": {**TENANT, "authority_url": "https://127.0.0.1:{port}"}},
    "postgres": {},
    "mssql": {},
    "mysql": {"extra": {"client": "mysql-connector-python"}},
    "odbc": {"extra": {"driver": "FreeTDS"}},
    "mongo": {"login": None, "password": None, "extra": {"serverSelectionTimeoutMS": 1000}},
    "kafka": {"extra": {"bootstrap.servers": "127.0.0.1:{port}"}},
}
"""Connections to a port that refuses, for clients that dial by themselves."""


def failure(monkeypatch, conn_type, fields):
    """What signing in by that connection is found to meet."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps({"conn_type": conn_type} | fields))
    monkeypatch.setenv("AIRFLOW__PROVIDERS_ODBC__ALLOW_DRIVER_IN_EXTRA", "True")
    try:
        sign_in_of(conn_type).run()
    except NotCheckedError as error:
        pytest.skip(error.why)
    except Exception as error:  # noqa: BLE001 - each client has errors of its own
        found = classify(error)
        assert CANARY not in json.dumps(found)
        return found
    return None


@pytest.mark.parametrize("conn_type", NAMED)
def test_a_name_that_does_not_resolve_is_a_network_failure(conn_type, monkeypatch, tmp_path):
    asked = []

    def getaddrinfo(host, *_, **__):
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    found = failure(monkeypatch, conn_type, NAMED[conn_type])
    assert asked
    assert found is not None
    assert found["finding"] == Finding.CONNECT_FAILED, found


@pytest.mark.parametrize("conn_type", AT_PORT)
def test_a_port_that_refuses_is_a_network_failure(conn_type, monkeypatch):
    """In a process of its own, as always: a library in C, such as FreeTDS, keeps its last error for the next one."""
    monkeypatch.setenv("AIRFLOW__PROVIDERS_ODBC__ALLOW_DRIVER_IN_EXTRA", "True")
    with ClosedPort() as port:
        place = {"conn_type": conn_type, "host": "127.0.0.1", "port": port.port} | APP
        fields = json.loads(json.dumps(place | AT_PORT[conn_type]).replace("{port}", str(port.port)))
        given = {key: value for key, value in fields.items() if value is not None}
        monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps(given))
        result = authenticate("orders", conn_type, 60)
    if result.finding is Finding.NOT_CHECKED:
        pytest.skip(result.detail["why"])
    assert result.finding is Finding.CONNECT_FAILED, result
    assert CANARY not in repr(result)


def test_every_type_of_the_table_signs_in_or_says_why_not():
    assert set(CONNECTION_TYPES) == set(SIGN_INS) | set(NOT_SIGNED_IN)
    assert set(SIGN_INS) == {*NAMED, *AT_PORT}
