"""``netconn connections`` shows the names of connections as they are kept, and what a policy would make of them."""

from __future__ import annotations

import json

import pytest

from airflow_provider_netconn import cli
from airflow_provider_netconn.connections.private_names import Pin, Pins
from testbed.endpoints import CertificateAuthority, DnsServer, HttpServer

CANARY = "canary-3b9e-never-show-this"
LAKE, PRIVATE_LAKE = "lake.blob.core.windows.net", "lake.privatelink.blob.core.windows.net"
ORDERS, PRIVATE_ORDERS = "orders.postgres.database.azure.com", "orders.privatelink.postgres.database.azure.com"


@pytest.fixture
def connect(monkeypatch):
    def make(conn_id, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"password": CANARY, **fields}))

    return make


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in a folder of its own; gives its status, output and errors, none with a secret."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        status = cli.main(["connections", *arguments])
        said = capsys.readouterr()
        assert CANARY not in said.out + said.err
        return status, said.out, said.err

    return command


@pytest.fixture
def lake(connect):
    """A storage account behind a private endpoint: its zone's nameserver, and a server with the public name alone."""
    authority = CertificateAuthority()
    with (
        DnsServer() as zone,
        HttpServer(body=b"", tls=authority.issue(LAKE).server_context()) as server,
    ):
        zone.set(PRIVATE_LAKE, "127.0.0.1")
        zone.set(LAKE, "127.0.0.1", alias=None)
        connect("lake", conn_type="wasb", host=f"https://{LAKE}:{server.port}")
        yield zone, authority


def test_what_a_look_has_shown_is_pinned_and_shown(run, lake, tmp_path):
    zone, authority = lake
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.pem)
    looked = ("--nameserver", zone.nameserver, "--expect-network", "127.0.0.0/8")
    status, said, _ = run("pin", "lake", "--json", "--ca", str(trusted), *looked)
    (pin,) = json.loads(said)
    assert (status, pin["name"], pin["private_name"]) == (0, LAKE, PRIVATE_LAKE)
    assert (pin["addresses"], pin["private"], pin["covered"]) == (["127.0.0.1"], True, False)
    status, said, _ = run("show", "lake", "--json", *looked)
    (row,) = json.loads(said)
    assert (row["conn_id"], row["name"], row["use"]) == ("lake", LAKE, LAKE)
    assert (row["private_names"], row["addresses"]) == ([PRIVATE_LAKE], ["127.0.0.1"])
    assert (row["private_addresses"], row["certificate_covers"]) == (["127.0.0.1"], False)
    assert row["pinned_at"] == pin["seen_at"]
    assert "certificate does not carry" in row["reason"]


@pytest.mark.parametrize("order", [("one", "other"), ("other", "one")])
def test_of_several_looks_at_one_name_the_worst_counts(run, connect, tmp_path, order):
    authority = CertificateAuthority()
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.pem)
    with (
        DnsServer() as zone,
        HttpServer(body=b"", tls=authority.issue(LAKE, PRIVATE_LAKE).server_context()) as covered,
        HttpServer(body=b"", tls=authority.issue(LAKE).server_context()) as uncovered,
        HttpServer(body=b"") as without_tls,
    ):
        zone.set(PRIVATE_LAKE, "127.0.0.1")
        connect("one", conn_type="wasb", host=f"https://{LAKE}:{covered.port}")
        connect("other", conn_type="wasb", host=f"https://{LAKE}:{uncovered.port}")
        connect("plain", conn_type="http", host=LAKE, port=without_tls.port)
        look = ("--json", "--ca", str(trusted), "--nameserver", zone.nameserver, "--expect-network", "127.0.0.0/8")
        (pin,) = json.loads(run("pin", "one", "plain", *look)[1])
        assert pin["covered"] is True
        (pin,) = json.loads(run("pin", *order, "plain", *look)[1])
        assert pin["covered"] is False


def test_the_policy_privatelink_is_warned_of_before_the_first_use(run, connect):
    connect("lake", conn_type="wasb", host=f"https://{LAKE}")
    status, said, _ = run("show", "lake", "--names", "privatelink", "--no-look-up")
    assert status == 0
    assert f"privatelink would use {PRIVATE_LAKE}" in " ".join(said.split())
    assert "TLS will fail" in said
    assert "private_resolution" in said


def test_pins_of_other_names_stay(run, connect, tmp_path):
    Pins().with_pins([Pin(name=LAKE, private_name=PRIVATE_LAKE)]).write(tmp_path / "netconn-pins.json")
    connect("plain", conn_type="postgres", host="db.example.net")
    assert run("pin", "plain")[0] == 0
    assert Pins.read(tmp_path / "netconn-pins.json").get(LAKE) is not None


def test_a_connection_that_cannot_be_read_is_told_of_and_does_not_hide_the_others(run, connect):
    connect("bad", conn_type="http", host=f"https://me:{CANARY}@[::1")
    connect("orders", conn_type="postgres", host=ORDERS)
    status, said, _ = run("show", "bad", "orders", "--json", "--no-look-up")
    bad, orders = json.loads(said)
    assert (status, bad["conn_id"], bad["name"], orders["name"]) == (0, "bad", None, ORDERS)
    assert "connection bad" in bad["reason"]
    status, _, errors = run("pin", "bad")
    assert status == 1
    assert "not pinned: connection bad" in errors


def test_a_connection_that_is_not_there_is_bad_input(run):
    assert run("show", "nobody")[0] == 2


def test_connections_are_shown_as_they_are_kept_where_the_backend_is_configured_and_cannot_read_its_pins(
    run, connect, tmp_path, monkeypatch
):
    from airflow.secrets.environment_variables import EnvironmentVariablesBackend

    from airflow_provider_netconn.secrets import chain
    from airflow_provider_netconn.secrets.private_link import PrivateLinkSecretsBackend

    connect("orders", conn_type="postgres", host=ORDERS)
    monkeypatch.setattr(chain, "others", lambda own: (EnvironmentVariablesBackend(),))
    backend = PrivateLinkSecretsBackend(names="privatelink", on_failure="closed")
    monkeypatch.setattr(
        "airflow.providers.common.compat.sdk.BaseHook.get_connection",
        classmethod(lambda cls, conn_id: backend.get_connection(conn_id)),
    )
    (row,) = json.loads(run("show", "orders", "--json", "--no-look-up")[1])
    assert row["name"] == ORDERS
    assert backend.get_connection("orders").host == PRIVATE_ORDERS
