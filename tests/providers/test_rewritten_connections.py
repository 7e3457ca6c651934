"""A connection with other hosts leads its provider's real hook to these, and holds all else as before."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import asdict

import pytest

from airflow_provider_netconn.connections import ConnectionFields, read_targets
from airflow_provider_netconn.connections.rewriting import rewrite
from airflow_provider_netconn.errors import InvalidConnectionError
from tests.providers import test_dialled_by_azure_hooks as azure
from tests.providers import test_dialled_by_hooks as others
from tests.providers.dialling import Listeners, first_look_up

PASSWORDLESS = ("host", "port", "schema", "login", "extra")


def fields_of(conn_type, given):
    return ConnectionFields(conn_id="orders", conn_type=conn_type, **plain(given))


def plain(given):
    return {name: value for name, value in given.items() if name in PASSWORDLESS}


def as_given(fields, given):
    """The rewritten fields as Airflow holds a connection, with the password that no one has to read."""
    kept = {name: value for name, value in asdict(fields).items() if name in PASSWORDLESS and value is not None}
    return {**kept, **({"password": given["password"]} if "password" in given else {})}


def privatelink(target):
    first, dot, rest = target.host.partition(".")
    return None if "privatelink" in rest or not dot else f"{first}.privatelink.{rest}"


def cases(module_cases):
    return [
        pytest.param(kind, given, id=f"{kind}-{number}")
        for kind, all_of_it in module_cases.items()
        for number, given in enumerate(all_of_it)
    ]


# Hosts of their own that no field of a connection holds, addresses, and names that are no names.
OWN = {"azure", "azure_compute", "azure_container_instance", "azure_data_factory", "azure_container_volume"}
FIXED = {"msgraph", "powerbi", "azure_data_lake"}
DIAL = {**others.LOOKED_UP, **azure.DIAL}


@pytest.mark.parametrize(("conn_type", "given"), cases({**others.CASES, **azure.CASES}))
def test_hook_looks_up_the_host_that_was_chosen(conn_type, given, connection, signed_in, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    before = fields_of(conn_type, given)
    (target,) = read_targets(before)
    wanted = privatelink(target)
    done = rewrite(before, privatelink)
    if wanted is None:
        assert done.fields == before
        return
    if not done.changes:
        assert conn_type in OWN | FIXED or ("@" in given["host"] and "credentials" in done.unchanged[target.host])
        assert done.fields == before
        assert done.unchanged == {target.host: done.unchanged[target.host]}
        return
    conn_id = connection(conn_type, **as_given(done.fields, given))
    assert first_look_up(lambda: DIAL[conn_type](conn_id)) == (wanted, target.port)


def beside(target):
    return f"127.0.1.{target.host.rpartition('.')[2]}" if target.host.startswith("127.0.0.") else None


@pytest.mark.parametrize(("conn_type", "case"), cases(others.SERVERS))
def test_client_dials_the_addresses_that_were_chosen(conn_type, case, connection, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PROVIDERS_ODBC__ALLOW_DRIVER_IN_EXTRA", "True")
    given, expected = case
    if conn_type == "odbc":
        driver = next(str(value) for key, value in given["extra"].items() if key.lower() == "driver").strip("{}")
        if driver not in others.drivers():
            pytest.skip(f"the ODBC driver {driver} is not installed")
    given = others.SIGNED_IN | given if conn_type not in {"mongo", "redis"} else given
    before = fields_of(conn_type, given)
    done = rewrite(before, beside)
    if not done.changes:
        # `hostaddr` is where a client connects, and no name that could be another.
        assert "hostaddr" in before.extra or conn_type == "odbc"
        return
    places = {(target.dialled, target.port) for target in read_targets(done.fields)}
    wanted = {(f"127.0.1.{host.rpartition('.')[2]}", port) for host, port in expected}
    assert places >= wanted
    conn_id = connection(conn_type, **as_given(done.fields, given))
    with Listeners(*places) as listeners:
        with contextlib.suppress(Exception):  # each client has errors of its own
            others.DIALLED[conn_type](conn_id)
        listeners.wait_for(wanted)
        assert listeners.dialled >= wanted


@pytest.mark.parametrize("given", azure.LAKES)
def test_data_lake_follows_with_files_and_file_systems(given, connection, signed_in):
    before = fields_of("adls", given)
    done = rewrite(before, privatelink)
    conn_id = connection("adls", **as_given(done.fields, given))
    hook = azure.hook_class("data_lake.AzureDataLakeStorageV2Hook")(conn_id)
    assert first_look_up(lambda: hook.list_files_directory("fs", "folder"))[0].startswith("orders.privatelink.dfs.")
    hook = azure.hook_class("data_lake.AzureDataLakeStorageV2Hook")(conn_id)
    assert first_look_up(hook.test_connection)[0].startswith("orders.privatelink.blob.")


@pytest.mark.parametrize("given", [one for one in azure.BUSES if "localhost" not in one["schema"]])
def test_service_bus_follows_with_messages_and_administration(given, connection, signed_in):
    done = rewrite(fields_of("azure_service_bus", given), privatelink)
    conn_id = connection("azure_service_bus", **as_given(done.fields, given))
    bus = azure.hook_class("asb.MessageHook")(azure_service_bus_conn_id=conn_id)
    found = first_look_up(lambda: bus.send_message("q", "message"))
    assert found[0] == "orders.privatelink.servicebus.windows.net"


def test_container_registry_follows(connection):
    given = {"host": "orders.azurecr.io", "login": "orders", "password": azure.CANARY, "port": 1}
    done = rewrite(fields_of("azure_container_registry", given), privatelink)
    conn_id = connection("azure_container_registry", **as_given(done.fields, given))
    hook = azure.hook_class("container_registry.AzureContainerRegistryHook")(conn_id)
    assert hook.connection.server == "orders.privatelink.azurecr.io"


def test_at_least_25_types_can_be_rewritten():
    own = {
        "adls": azure.LAKES,
        "azure_service_bus": azure.BUSES,
        "azure_container_registry": [{"host": "o.azurecr.io"}],
    }
    servers = {kind: [given for given, _ in all_of_it] for kind, all_of_it in others.SERVERS.items()}
    rewritten = {
        kind
        for kind, given in itertools.chain.from_iterable(
            ((kind, one) for kind, all_of_it in table.items() for one in all_of_it)
            for table in (others.CASES, azure.CASES, own, servers)
        )
        if rewrite(fields_of(kind, given), lambda target: beside(target) or privatelink(target)).changes
    }
    assert len(rewritten) >= 25, " ".join(sorted(rewritten))


@pytest.mark.parametrize("conn_type", ["http", "wasb", "postgres", "generic", "mongo"])
@pytest.mark.parametrize(
    "host", ["https://user:CANARY@[::1", "ht tp://CANARY", "a..CANARY", "http://[fd00::CANARY]/", "x" * 300]
)
def test_what_cannot_be_read_comes_back_as_it_is_and_is_not_quoted(conn_type, host):
    before = ConnectionFields(conn_id="orders", conn_type=conn_type, host=host)
    done = rewrite(before, lambda target: f"private.{target.host}")
    if done.changes:  # some hooks take nearly anything for a name
        with contextlib.suppress(InvalidConnectionError):
            read_targets(done.fields)
        return
    assert done.fields == before
    assert all("CANARY" not in reason for reason in done.unchanged.values())
