"""From an Airflow connection to targets: addresses come out, secrets do not."""

from __future__ import annotations

import traceback

import pytest

from airflow_provider_netconn.errors import InvalidConnectionError
from airflow_provider_netconn.hooks.connection_fields import connection_targets

CANARY = "canary-4f1c-secret"


def test_an_address_comes_out_and_no_secret(connection):
    connection("db", conn_type="postgres", host="db.example.net", port=6432, login="u", password=CANARY, schema="s")
    (target,) = connection_targets("db")
    assert (target.host, target.port, target.conn_id, target.conn_type) == ("db.example.net", 6432, "db", "postgres")
    assert CANARY not in repr(target)


def test_a_missing_connection_is_named():
    with pytest.raises(InvalidConnectionError, match="connection no_such_one: there is none of that name"):
        connection_targets("no_such_one")


@pytest.mark.parametrize(
    "uri",
    [
        f"postgres://user:{CANARY}/with#signs@db.example.net:5432/db",
        f"postgres://user:{CANARY}[@db.example.net:5432/db",
        f'{{"conn_type": "postgres", "password": "{CANARY}", }}',
        f'{{"conn_type": "wasb", "extra": {{"connection_string": "AccountName=;AccountKey={CANARY}"}}}}',
        f'{{"conn_type": "http", "host": "https://user:{CANARY}@"}}',
        f'{{"conn_type": "postgres", "host": "{CANARY}:{CANARY}@db.example.net", "port": 5432}}',
    ],
)
def test_what_cannot_be_read_is_named_without_its_secrets(monkeypatch, uri):
    monkeypatch.setenv("AIRFLOW_CONN_BROKEN", uri)
    with pytest.raises(InvalidConnectionError, match="connection broken") as caught:
        connection_targets("broken")
    assert CANARY not in "".join(traceback.format_exception(caught.value))
