"""PostgreSQL, Redis, SQL and MySQL behind the lab's resources, with the clients that people use."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.services.reaching import CALLER, GROUP, SQL, caller_address, change, connect_privately, tls

redis = pytest.importorskip("redis")
pytest.importorskip("pymssql")

POSTGRES = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/contoso-orders"
POSTGRES_HOST = "contoso-orders.postgres.database.azure.com"
CACHE = f"{GROUP}/providers/Microsoft.Cache/Redis/contoso-cache"
CACHE_HOST = "contoso-cache.redis.cache.windows.net"
SQL_HOST = "contoso-warehouse.database.windows.net"
MYSQL = f"{GROUP}/providers/Microsoft.DBforMySQL/flexibleServers/contoso-shop"
MYSQL_HOST = "contoso-shop.mysql.database.azure.com"
PASSWORD = "Lab-only-passw0rd"
has_postgres = shutil.which("postgres") or list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
needs_postgres = pytest.mark.skipif(not has_postgres, reason="postgres is not installed")
needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


def flexible_server(lab, resource, version):
    body = {
        "location": "westeurope",
        "sku": {"name": "Standard_D2ds_v4", "tier": "GeneralPurpose"},
        "properties": {
            "administratorLogin": "keeper",
            "administratorLoginPassword": PASSWORD,
            "version": version,
            "network": {"publicNetworkAccess": "Enabled"},
        },
    }
    lab.put(resource, body)


def allow(lab, resource, address, name="mine"):
    lab.put(f"{resource}/firewallRules/{name}", {"properties": {"startIpAddress": address, "endIpAddress": address}})


def psql(lab, sql, *, mode="verify-full", password=PASSWORD, private_endpoint=None, host=POSTGRES_HOST):
    address, port = lab.endpoint(POSTGRES_HOST, 5432, private_endpoint=private_endpoint)
    place = f"host={host} hostaddr={address} port={port} user=keeper dbname=postgres connect_timeout=60"
    trust = f"sslmode={mode} sslrootcert={lab.ca_file}"
    environment = {**os.environ, "PGPASSWORD": password}
    command = ["psql", "-X", "-A", "-t", f"{place} {trust}", "-c", sql]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, env=environment, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()


class TestPostgreSql:
    @needs_postgres
    def test_its_administrator_works_in_a_real_server_by_its_verified_name(self, azure_lab):
        flexible_server(azure_lab, POSTGRES, "16")
        allow(azure_lab, POSTGRES, CALLER)
        assert psql(azure_lab, "CREATE TABLE t (n int); INSERT INTO t VALUES (42); SELECT n FROM t").endswith("42")
        assert psql(azure_lab, "SELECT n, rolsuper FROM t, pg_roles WHERE rolname = current_user") == "42|f"
        assert "password authentication failed" in psql(azure_lab, "SELECT 1", password="wrong")
        endpoint = connect_privately(azure_lab, POSTGRES, "postgresqlServer")
        change(azure_lab, POSTGRES, {"network": {"publicNetworkAccess": "Disabled"}})
        assert "server closed the connection unexpectedly" in psql(azure_lab, "SELECT 1")
        assert psql(azure_lab, "SELECT n FROM t", private_endpoint=endpoint) == "42"

    def test_who_has_no_rule_is_told_so(self, azure_lab):
        flexible_server(azure_lab, POSTGRES, "16")
        entry = f'no pg_hba.conf entry for host "{CALLER}", user "keeper", database "postgres"'
        assert f"FATAL:  {entry}, SSL encryption" in psql(azure_lab, "SELECT 1")

    def test_nothing_goes_in_the_clear(self, azure_lab):
        flexible_server(azure_lab, POSTGRES, "16")
        allow(azure_lab, POSTGRES, CALLER)
        assert "no encryption" in psql(azure_lab, "SELECT 1", mode="disable")

    def test_the_privatelink_name_does_not_verify(self, azure_lab):
        flexible_server(azure_lab, POSTGRES, "16")
        said = psql(azure_lab, "SELECT 1", host="contoso-orders.privatelink.postgres.database.azure.com")
        assert "does not match host name" in said
        assert '"*.postgres.database.azure.com"' in said


def cache(lab):
    lab.put(
        CACHE,
        {"location": "westeurope", "properties": {"sku": {"name": "Premium", "family": "P", "capacity": 1}}},
    )
    return lab.request("POST", f"{CACHE}/listKeys", api_version="2024-11-01")


def redis_client(lab, key):
    return redis.Redis(
        CACHE_HOST, 6380, password=key, ssl=True, ssl_ca_certs=lab.ca_file, ssl_check_hostname=True, socket_timeout=20
    )


@needs_redis
@pytest.mark.usefixtures("names")
class TestRedis:
    def test_either_key_is_its_password_also_after_one_was_replaced(self, azure_lab):
        keys = cache(azure_lab)
        with redis_client(azure_lab, keys["primaryKey"]) as one, redis_client(azure_lab, keys["secondaryKey"]) as other:
            assert one.set("a", "1")
            assert other.get("a") == b"1"
        new = azure_lab.request("POST", f"{CACHE}/regenerateKey", {"keyType": "Primary"}, api_version="2024-11-01")
        with redis_client(azure_lab, new["primaryKey"]) as again:
            assert again.get("a") == b"1"
        with redis_client(azure_lab, keys["primaryKey"]) as old, pytest.raises(redis.AuthenticationError):
            old.get("a")

    def test_who_is_kept_out_gets_a_closed_socket(self, azure_lab):
        cache(azure_lab)
        azure_lab.put(
            f"{CACHE}/firewallRules/office", {"properties": {"startIP": "203.0.113.1", "endIP": "203.0.113.9"}}
        )
        with tls(azure_lab, CACHE_HOST, 6380) as outside:
            outside.settimeout(5)
            assert outside.recv(1) == b""
        with tls(azure_lab, CACHE_HOST, 6380, source=caller_address(azure_lab, "203.0.113.5")) as inside:
            inside.sendall(b"PING\r\n")
            assert inside.recv(100).startswith(b"-NOAUTH")


LOGIN = """
import pymssql, sys
server, port, user, password = sys.argv[1:]
try:
    pymssql.connect(server, user, password, "orders", port=port, login_timeout=10, encryption="require")
except pymssql.OperationalError as error:
    print(error.args[0][0], error.args[0][1].decode())
"""


def sql_error(lab, user="warehouse", password=PASSWORD, *, private_endpoint=None):
    """Number and text of the error that FreeTDS reports for a login; in a process of its own, as it mixes errors up."""
    address, port = lab.endpoint(SQL_HOST, 1433, private_endpoint=private_endpoint)
    command = [sys.executable, "-c", LOGIN, address, str(port), user, password]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    number, _, text = done.stdout.partition(" ")
    return int(number), text


class TestSql:
    """FreeTDS dials an address, and so names it as the server: logins carry the server's name behind the user's."""

    ROUTED = "warehouse@contoso-warehouse"

    def test_it_routes_by_the_name(self, azure_lab):
        number, text = sql_error(azure_lab)
        assert number == 40532
        assert 'Cannot open server "127.' in text

    def test_who_has_no_rule_is_told_so_with_its_address(self, azure_lab):
        number, text = sql_error(azure_lab, self.ROUTED)
        assert number == 40615
        assert f"Client with IP address '{CALLER}' is not allowed to access the server" in text

    def test_a_rule_lets_the_login_be_looked_at(self, azure_lab):
        allow(azure_lab, SQL, CALLER)
        azure_lab.advance(600)
        assert sql_error(azure_lab, self.ROUTED, "wrong")[0] == 18456
        number, text = sql_error(azure_lab, self.ROUTED)
        assert number == 40613
        assert "Database 'orders' on server 'contoso-warehouse' is not currently available" in text

    def test_only_a_private_endpoint_leads_in_where_public_access_is_off(self, azure_lab):
        endpoint = connect_privately(azure_lab, SQL, "sqlServer")
        change(azure_lab, SQL, {"publicNetworkAccess": "Disabled"})
        azure_lab.advance(600)
        assert sql_error(azure_lab, self.ROUTED)[0] == 47073
        assert sql_error(azure_lab, self.ROUTED, private_endpoint=endpoint)[0] == 40613


def mysql_error(lab, password=PASSWORD, *, disabled=False):
    connector = pytest.importorskip("mysql.connector")
    address, port = lab.endpoint(MYSQL_HOST, 3306)
    with pytest.raises(connector.Error) as refused:
        connector.connect(
            host=address,
            port=port,
            user="keeper",
            password=password,
            ssl_disabled=disabled,
            ssl_ca=None if disabled else lab.ca_file,
            use_pure=True,
            connection_timeout=10,
        )
    return refused.value.errno


class TestMySql:
    def test_the_firewall_comes_first_then_tls_then_the_password(self, azure_lab):
        flexible_server(azure_lab, MYSQL, "8.0.21")
        assert mysql_error(azure_lab) == 9000
        allow(azure_lab, MYSQL, CALLER)
        azure_lab.advance(600)
        assert mysql_error(azure_lab, disabled=True) == 3159
        assert mysql_error(azure_lab, "wrong") == 1045
        assert mysql_error(azure_lab) == 1105


def test_a_client_that_speaks_another_protocol_does_no_harm(azure_lab):
    import socket

    address = azure_lab.endpoint(SQL_HOST, 1433)
    for junk in (b"GET / HTTP/1.1\r\n\r\n", struct.pack(">BBH4x", 0x12, 1, 8), b"\x12\x01\xff\xff" + b"\xff" * 70000):
        with socket.create_connection(address, timeout=5) as client:
            client.sendall(junk)
            client.shutdown(socket.SHUT_WR)
            client.recv(100)
    assert sql_error(azure_lab)[0] == 40532
