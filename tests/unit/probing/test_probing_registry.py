"""The registry of protocols: a name is taken once, and an unknown one is answered with the known ones."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.connections.table import connection_type
from airflow_provider_netconn.errors import InvalidTargetError
from airflow_provider_netconn.probing import protocols, registry  # noqa: F401  registers the protocols
from airflow_provider_netconn.probing.registry import Protocol, add, protocol_named, protocol_names, register


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_PROTOCOLS", dict(registry._PROTOCOLS))


def test_a_name_is_taken_once():
    with pytest.raises(RuntimeError, match="protocol 'https' is registered twice"):
        add(Protocol(name="https", default_port=1))


def test_a_second_registration_leaves_the_first():
    before = protocol_named("https")
    with pytest.raises(RuntimeError):
        add(Protocol(name="https", default_port=1))
    assert protocol_named("https") is before


def test_an_unknown_protocol_is_answered_with_the_known_ones():
    with pytest.raises(InvalidTargetError) as caught:
        protocol_named("gopher", "targets[1].protocol")
    known = ", ".join(protocol_names())
    assert str(caught.value) == f"targets[1].protocol: unknown protocol 'gopher'; write one of {known}"


def test_one_probe_may_have_several_names():
    async def probe(stream, target):
        raise AssertionError

    register("one", default_port=1)(register("two", default_port=2, tls=True)(probe))
    assert [(protocol_named(n).probe, protocol_named(n).tls) for n in ("one", "two")] == [(probe, False), (probe, True)]


@pytest.mark.parametrize(
    "conn_type",
    ["wasb", "adls", "azure_data_lake", "postgres", "mysql", "mssql", "redis", "http", "sftp", "ssh", "snowflake",
     "databricks", "generic", "never heard of"],
)  # fmt: skip
def test_the_protocol_of_every_connection_type_is_registered(conn_type):
    assert {connection_type(conn_type).protocol, "tls"} <= set(protocol_names())
