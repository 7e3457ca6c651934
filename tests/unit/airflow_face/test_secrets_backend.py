"""The secrets backend finds what Airflow would find, gives it private names, and says what it did, once."""

from __future__ import annotations

import json
import logging
import socket

import pytest
from airflow.providers.common.compat.sdk import Connection
from airflow.secrets.environment_variables import EnvironmentVariablesBackend

from airflow_provider_netconn.errors import InvalidOptionError
from airflow_provider_netconn.secrets import chain
from airflow_provider_netconn.secrets.private_link import PrivateLinkSecretsBackend

CANARY = "canary-8a1e-never-show-this"
PUBLIC, PRIVATE = "orders.postgres.database.azure.com", "orders.privatelink.postgres.database.azure.com"
SELF = f"{__name__}.Kept"


class Kept:
    """A backend of somebody's own, which merely resembles Airflow's."""

    def __init__(self, found=None):
        self.found = found or {}

    def get_connection(self, conn_id):
        return Connection(conn_id=conn_id, **self.found[conn_id]) if conn_id in self.found else None

    def get_variable(self, key):
        return f"variable {key}"

    def get_config(self, key):
        return f"setting {key}"


@pytest.fixture
def backend(monkeypatch):
    """Makes the backend in front of Airflow's variables of the environment."""
    monkeypatch.setattr(chain, "others", lambda own: (EnvironmentVariablesBackend(),))

    def make(**options):
        return PrivateLinkSecretsBackend(**{"names": "privatelink", **options})

    return make


@pytest.fixture
def orders(monkeypatch):
    fields = {"conn_type": "postgres", "host": PUBLIC, "login": "me", "password": CANARY}
    monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps(fields))


def test_a_connection_of_the_chain_gets_its_private_name_and_keeps_all_else(backend, orders):
    found = backend().get_connection("orders")
    assert (found.host, found.login, found.password) == (PRIVATE, "me", CANARY)


def test_what_passes_twice_comes_out_as_it_did_the_first_time(backend, orders, monkeypatch):
    first = backend()
    second = backend()
    monkeypatch.setattr(chain, "others", lambda own: (first,) if own is second else (EnvironmentVariablesBackend(),))
    assert second.get_connection("orders").host == PRIVATE


def test_none_is_none(backend):
    assert backend().get_connection("nobody") is None


@pytest.mark.parametrize(
    "options",
    [
        {"names": "public"},
        {"names": "verified"},
        {"exclude": "ord*"},
        {"include": ["lake_*"]},
        {"include_types": ["wasb"]},
        {"exclude_types": "POST*"},
    ],
)
def test_what_is_not_meant_is_given_as_it_is(backend, orders, options):
    assert backend(**options).get_connection("orders").host == PUBLIC


def test_the_wrapped_backend_is_asked_first_and_for_variables_and_settings_too(backend, orders):
    found = {"orders": {"conn_type": "postgres", "host": "kept.postgres.database.azure.com"}}
    wrapping = backend(backend=SELF, backend_kwargs={"found": found})
    assert wrapping.get_connection("orders").host == "kept.privatelink.postgres.database.azure.com"
    assert wrapping.get_variable("x") == "variable x"
    assert wrapping.get_config("x") == "setting x"
    assert backend().get_variable("x") is None


async def test_it_waits_on_a_loop_too(backend, orders):
    assert (await backend().aget_connection("orders")).host == PRIVATE


@pytest.mark.parametrize(
    "fields",
    [
        {"conn_type": "http", "host": f"https://me:{CANARY}@lake.blob.core.windows.net"},
        {"conn_type": "http", "host": f"https://me:{CANARY}@[::1"},
        {"conn_type": "postgres", "host": PUBLIC, "extra": f"{{no JSON {CANARY}"},
        {"conn_type": "postgres", "host": PUBLIC, "extra": f'["{CANARY}"]'},
        {"conn_type": "postgres", "host": "bücher.postgres.database.azure.com", "password": CANARY},
    ],
)
@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_hostile_connections_pass_unchanged_with_a_reason_and_without_a_secret(backend, caplog, fields, on_failure):
    kept = {"backend": SELF, "backend_kwargs": {"found": {"hostile": fields}}}
    with caplog.at_level(logging.INFO, logger="airflow_provider_netconn"):
        found = backend(on_failure=on_failure, **kept).get_connection("hostile")
    assert (found.host, found.extra) == (fields["host"], fields.get("extra"))
    assert "Connection hostile keeps" in caplog.text
    assert CANARY not in caplog.text


def test_no_network_is_asked_in_a_look_up(backend, orders, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a look-up asked the network")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    for names in ("verified", "privatelink"):
        backend(names=names).get_connection("orders")


def test_what_it_did_is_said_once_and_without_secrets(backend, orders, caplog):
    with caplog.at_level(logging.INFO, logger="airflow_provider_netconn"):
        asked = backend()
        for _ in range(3):
            asked.get_connection("orders")
    said = [record.getMessage() for record in caplog.records if "orders" in record.getMessage()]
    assert len(said) == 1
    assert PRIVATE in said[0]
    assert CANARY not in caplog.text


def test_what_cannot_be_treated_is_given_as_it_is_or_refused_with_the_reason(backend, orders, tmp_path, caplog):
    broken = tmp_path / "pins.json"
    broken.write_text(CANARY)
    assert backend(pins=str(broken)).get_connection("orders").host == PUBLIC
    assert "cannot be read" in caplog.text
    with pytest.raises(chain.denial(), match=r"orders could not be given private names: .*cannot be read"):
        backend(pins=str(broken), on_failure="closed").get_connection("orders")
    assert "Connection orders is refused: pins" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"names": "privat"}, "names"),
        ({"on_failure": "maybe"}, "on_failure"),
        ({"include": 3}, "include"),
        ({"backend": "no.such.Backend"}, "backend"),
        ({"private_resolution": CANARY}, "private_resolution"),
        ({"private_resolution": {"name_server": "10.1.2.4"}}, "private_resolution"),
        ({"private_resolution": {"nameserver": "10.1.2.4", "names": 3}}, "private_resolution.names"),
        ({"backend": SELF, "backend_kwargs": {"secret": CANARY}}, "backend_kwargs"),
    ],
)
def test_an_option_that_is_none_is_named_and_not_quoted(backend, options, field):
    with pytest.raises(InvalidOptionError) as refused:
        backend(**options)
    assert refused.value.field == field
    assert CANARY not in str(refused.value)


def test_names_for_the_switch_may_be_text_with_commas(backend, orders):
    switched = backend(private_resolution={"nameserver": "127.0.0.1:1", "names": "a.example.net, *.example.org"})
    try:
        assert switched.get_connection("orders").host == PRIVATE
        resolution = switched._treatment._resolution
        assert resolution.chooses("a.example.net")
        assert resolution.chooses("b.example.org")
        assert not resolution.chooses("a")
    finally:
        switched._treatment._resolution.uninstall()


def test_the_switch_has_the_process_dial_the_names_that_stay(backend, monkeypatch):
    from airflow_provider_netconn.resolution import process

    fields = {"conn_type": "wasb", "host": "https://lake.blob.core.windows.net", "password": CANARY}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(fields))
    switched = backend(names="verified", private_resolution={"addresses": {"lake.blob.core.windows.net": "10.1.1.4"}})
    try:
        assert switched.get_connection("lake").host == "https://lake.blob.core.windows.net"
        assert socket.getaddrinfo("lake.blob.core.windows.net", 443)[0][4] == ("10.1.1.4", 443)
    finally:
        switched._treatment._resolution.uninstall()
    assert process.private_addresses("lake.blob.core.windows.net") == ()
