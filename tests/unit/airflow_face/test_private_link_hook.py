"""The hook gives connections with private names, and all else in them as it was."""

from __future__ import annotations

import json

import pytest

from airflow_provider_netconn.connections.private_names import Pin, Pins
from airflow_provider_netconn.errors import InvalidConnectionError, InvalidOptionError
from airflow_provider_netconn.hooks.private_link import PrivateLinkHook

CANARY = "canary-5d2c-never-show-this"
PRIVATE = "orders.privatelink.postgres.database.azure.com"


@pytest.fixture
def connect(monkeypatch):
    def make(**fields):
        monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps(fields))

    return make


def test_only_the_host_changes_and_the_extra_stays_letter_for_letter(connect):
    extra = '{"sslmode":   "require", "application_name": "canary"}'
    connect(
        conn_type="postgres", host="orders.postgres.database.azure.com", port=6432, login="me", password=CANARY,
        schema="sales", extra=extra,
    )  # fmt: skip
    done = PrivateLinkHook(names="privatelink").get_connection("orders")
    assert done.host == PRIVATE
    assert (done.port, done.login, done.password, done.schema) == (6432, "me", CANARY, "sales")
    assert done.extra == extra
    again = PrivateLinkHook(names="privatelink").rewrite(done)
    assert again is done


def test_a_host_in_the_extra_changes_there_alone(connect):
    extra = '{"account":"xy1.west-europe.azure",  "warehouse": "W"}'
    connect(conn_type="snowflake", login="me", password=CANARY, extra=extra)
    done = PrivateLinkHook(names="privatelink").get_connection("orders")
    assert done.extra == extra.replace("azure", "azure.privatelink")


def test_a_connection_whose_names_stay_is_given_as_it_is(connect):
    connect(conn_type="postgres", host="orders.postgres.database.azure.com", password=CANARY)
    hook = PrivateLinkHook()
    assert hook.get_connection("orders").host == "orders.postgres.database.azure.com"
    (told,) = hook.explain("orders")
    assert told["use"] == told["name"]
    assert "pin" in told["reason"]


def test_what_a_pin_has_shown_is_used(connect, tmp_path):
    connect(conn_type="postgres", host="orders.postgres.database.azure.com", password=CANARY)
    file = tmp_path / "pins.json"
    seen = Pin(name="orders.postgres.database.azure.com", private_name=PRIVATE, addresses=("10.1.1.5",), private=True)
    Pins().with_pins([seen]).write(file)
    assert PrivateLinkHook(pins=str(file)).get_connection("orders").host == PRIVATE


def test_that_tls_will_fail_is_said_before_the_first_use(connect, caplog, capsys):
    connect(conn_type="wasb", host="https://lake.blob.core.windows.net", password=CANARY)
    done = PrivateLinkHook(names="privatelink").get_connection("orders")
    assert done.host == "https://lake.privatelink.blob.core.windows.net"
    said = caplog.text + capsys.readouterr().out
    assert "TLS will fail" in said
    assert CANARY not in said


@pytest.mark.parametrize(
    "fields",
    [
        {"conn_type": "http", "host": f"https://me:{CANARY}@[::1"},
        {"conn_type": "wasb", "host": f"ht tp://{CANARY}"},
        {"conn_type": "postgres", "host": "bücher..example"},
        {"conn_type": "postgres", "host": "fd00::4"},
        {"conn_type": "postgres", "extra": f'["{CANARY}"]'},
        {"conn_type": "postgres", "host": "orders.postgres.database.azure.com", "extra": f"{{no JSON {CANARY}"},
        {"conn_type": "postgres", "host": "orders.postgres.database.azure.com", "extra": f'"{CANARY}"'},
        {"conn_type": "postgres", "host": "bücher.postgres.database.azure.com"},
        {"conn_type": "postgres", "host": "xn--bcher-kva.postgres.database.azure.com"},
        {"conn_type": "postgres", "host": "[fd00::4]"},
        {"conn_type": "postgres", "host": "orders\n.postgres.database.azure.com"},
        {"conn_type": "http", "host": f"https://me:{CANARY}@lake.blob.core.windows.net/"},
        {"conn_type": "wasb", "host": f"https://{CANARY}@lake.blob.core.windows.net/?sig={CANARY}"},
        {"conn_type": "nothing we know", "host": "x" * 300},
        {"conn_type": "sqlite", "host": "/tmp/x"},
    ],
)
def test_hostile_connections_come_back_unchanged_with_a_reason_and_without_a_secret(connect, fields, caplog):
    connect(**fields)
    for names in ("verified", "privatelink", "public"):
        hook = PrivateLinkHook(names=names)
        given = hook.get_connection("orders")
        assert (given.host, given.extra) == (fields.get("host"), fields.get("extra"))
        told = hook.explain("orders")
        assert all(one["use"] == one["name"] and one["reason"] for one in told)
        assert CANARY not in json.dumps(told) + caplog.text


def test_a_connection_that_leads_to_the_public_side_is_refused_where_private_is_required(connect):
    connect(conn_type="postgres", host="198.51.100.7")
    with pytest.raises(InvalidConnectionError, match="its path is not private"):
        PrivateLinkHook(require_private=True).get_connection("orders")
    connect(conn_type="postgres", host="10.1.2.3")
    assert PrivateLinkHook(require_private=True).get_connection("orders").host == "10.1.2.3"
    with pytest.raises(InvalidConnectionError):
        PrivateLinkHook(require_private=True, expect_networks=["10.9.0.0/16"]).get_connection("orders")


def test_a_policy_that_is_none_is_named():
    with pytest.raises(InvalidOptionError, match="names"):
        PrivateLinkHook(names="privat")
