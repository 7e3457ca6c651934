"""Each type of the other providers: the addresses in the table are those that its real hook dials."""

import contextlib
import sys
import types

import pytest

from airflow_provider_netconn.errors import InvalidConnectionError
from tests.providers.conftest import CANARY, places
from tests.providers.dialling import Listeners, first_look_up

SIGNED_IN = {"login": "airflow", "password": CANARY}


def hook_class(path: str):
    """A hook of a provider; skips where that is not installed."""
    module, _, name = path.rpartition(".")
    return getattr(pytest.importorskip(f"airflow.providers.{module}"), name)


LOOKED_UP = {
    "redis": lambda c: hook_class("redis.hooks.redis.RedisHook")(c).get_conn().ping(),
    "http": lambda c: hook_class("http.hooks.http.HttpHook")(http_conn_id=c).run("path"),
    "ssh": lambda c: hook_class("ssh.hooks.ssh.SSHHook")(c).get_conn(),
    "sftp": lambda c: hook_class("sftp.hooks.sftp.SFTPHook")(c).test_connection(),
    "smtp": lambda c: hook_class("smtp.hooks.smtp.SmtpHook")(c).get_conn(),
    "databricks": lambda c: hook_class("databricks.hooks.databricks.DatabricksHook")(c).test_connection(),
    "snowflake": lambda c: hook_class("snowflake.hooks.snowflake.SnowflakeHook")(snowflake_conn_id=c).get_conn(),
}
"""What makes the hooks dial whose clients are written in Python."""

CASES = {
    "redis": [
        {"host": "r.example", "port": 6380},
        {"host": "fd00::4", "port": 6379},
        SIGNED_IN | {"host": "r.example", "port": 6380, "extra": {"ssl": True, "db": 1}},
        {"host": "r.example", "port": 7000, "extra": {"cluster": True}},
    ],
    "http": [
        {"host": "api.example"},
        {"host": "api.example", "schema": "https"},
        {"host": "api.example:8080/v1"},
        {"host": "api.example", "port": 8443, "schema": "https"},
        {"host": "https://api.example"},
        {"host": "https://api.example/", "port": 8443},  # the port lands behind the path
        {"host": "https://api.example:9443/v1?key=x"},
        {"host": "https://bücher.example"},
        {"host": "http://me:secret@api.example:8080"},
        {"host": "api.example", "schema": "https", "extra": {"verify": False, "trust_env": False}},
    ],
    "ssh": [SIGNED_IN | {"host": "s.example"}, SIGNED_IN | {"host": "s.example", "port": 2222}, {"host": "fd00::4"}],
    "sftp": [SIGNED_IN | {"host": "s.example"}, SIGNED_IN | {"host": "s.example", "port": 2222, "schema": "x"}],
    "smtp": [
        {"host": "m.example"},
        {"host": "m.example", "port": 587, "extra": {"disable_ssl": True}},
        {"host": "m.example", "extra": {"disable_ssl": True}},
        {"host": "m.example", "extra": {"disable_ssl": "false", "disable_tls": True}},
        {"host": "m.example", "extra": {"disable_ssl": False, "disable_tls": True, "ssl_context": "none"}},
        {"host": "m.example", "port": 0, "extra": {"disable_tls": True}},
    ],
    "databricks": [
        {"host": host, "password": CANARY} | more
        for host, more in (
            ("adb-1.2.azuredatabricks.net", {}),
            ("https://adb-1.2.azuredatabricks.net/", {}),
            ("http://adb-1.2.azuredatabricks.net:8443", {}),
            ("adb-1.2.azuredatabricks.net:8443", {}),
            ("adb-1.2.azuredatabricks.net", {"port": 8443}),
            ("adb-1.2.azuredatabricks.net", {"schema": "http"}),
            ("not.read", {"extra": {"host": "adb-1.2.azuredatabricks.net"}}),
        )
    ],
    "snowflake": [
        SIGNED_IN | {"host": "not.read", "port": 1, "extra": {"account": account} | more}
        for account, more in (
            ("xy12345", {}),
            ("xy12345.west-europe.azure", {}),
            ("xy12345.west-europe.azure.privatelink", {}),
            ("org-name", {"port": 8443}),
            ("xy12345", {"region": "west-europe.azure"}),
            ("xy12345", {"region": "us-west-2"}),
            ("xy12345", {"region": "cn-northwest-1"}),
            ("xy12345", {"host": "snow.corp.example", "port": "8443"}),
        )
    ]
    + [SIGNED_IN | {"extra": {"extra__snowflake__account": "xy12345", "extra__snowflake__region": "eu-west-1"}}],
}


@pytest.mark.parametrize(
    ("conn_type", "fields"),
    [pytest.param(kind, fields, id=f"{kind}-{number}") for kind in CASES for number, fields in enumerate(CASES[kind])],
)
def test_hook_asks_for_the_address_of_the_table(conn_type, fields, connection, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # no SSH settings and no caches of whoever runs this
    conn_id = connection(conn_type, **fields)
    assert [first_look_up(lambda: LOOKED_UP[conn_type](conn_id))] == places(conn_type, **fields)


def query(path: str, name: str):
    """Have a database's hook connect."""
    return lambda conn_id: hook_class(path)(**{name: conn_id}).get_conn()


def kafka(conn_id: str):
    hook_class("apache.kafka.hooks.base.KafkaBaseHook")(conn_id).get_conn.list_topics(timeout=3)


def mongo(conn_id: str):
    with hook_class("mongo.hooks.mongo.MongoHook")(conn_id) as hook:
        hook.get_conn().admin.command("ping")


DIALLED = {
    "postgres": query("postgres.hooks.postgres.PostgresHook", "postgres_conn_id"),
    "mssql": query("microsoft.mssql.hooks.mssql.MsSqlHook", "mssql_conn_id"),
    "mysql": query("mysql.hooks.mysql.MySqlHook", "mysql_conn_id"),
    "odbc": query("odbc.hooks.odbc.OdbcHook", "odbc_conn_id"),
    "redis": LOOKED_UP["redis"],
    "kafka": kafka,
    "mongo": mongo,
}
"""What makes the hooks dial whose clients resolve names by themselves, or dial several places."""

A, B, C = ("127.0.0.21", 17001), ("127.0.0.22", 17002), ("127.0.0.23", 17003)
CONNECTOR = {"client": "mysql-connector-python"}
SERVERS = {
    "postgres": [
        ({"host": A[0], "port": A[1]}, {A}),
        ({"host": f"{A[0]},{B[0]}", "extra": {"port": f"{A[1]},{B[1]}"}}, {A, B}),
        ({"host": "not.read", "extra": {"host": B[0], "port": B[1]}}, {B}),
        ({"host": "db.invalid", "port": A[1], "extra": {"hostaddr": A[0]}}, {A}),
        ({"port": A[1], "extra": {"hostaddr": A[0]}}, {A}),
        ({"host": A[0], "port": A[1], "extra": {"sslmode": "disable"}}, {A}),
        ({"host": "127.0.0.21"}, {("127.0.0.21", 5432)}),
    ],
    "mssql": [
        ({"host": A[0], "port": A[1]}, {A}),
        ({"host": f"{B[0]}:{B[1]}", "port": 1433}, {B}),
        ({"host": f"{B[0]}:{B[1]}"}, {B}),
        ({"host": "not.read", "port": C[1], "extra": {"host": C[0]}}, {C}),
    ],
    "mysql": [
        ({"host": A[0], "port": A[1], "extra": CONNECTOR}, {A}),
        ({"host": B[0], "extra": CONNECTOR}, {(B[0], 3306)}),
    ],
    "odbc": [
        ({"host": A[0], "port": A[1], "extra": {"driver": "FreeTDS"}}, {A}),
        ({"extra": {"Driver": "FreeTDS", "Server": B[0], "PORT": B[1]}}, {B}),
        ({"host": A[0], "port": 1, "extra": {"driver": "FreeTDS", "SERVER": "not.read", "Port": A[1]}}, {A}),
        ({"host": f"{B[0]},{B[1]}", "extra": {"driver": "FreeTDS"}}, {B}),
        ({"host": f"{B[0]},1", "port": B[1], "extra": {"driver": "FreeTDS"}}, {B}),
        ({"port": 1, "extra": {"driver": "FreeTDS", "Server": f"{B[0]},{B[1]}"}}, {B}),
        ({"host": C[0], "port": C[1], "extra": {"driver": "PostgreSQL Unicode"}}, {C}),
        ({"host": C[0], "extra": {"driver": "{PostgreSQL Unicode}"}}, {(C[0], 5432)}),
        ({"port": C[1], "extra": {"driver": "PostgreSQL Unicode", "Servername": C[0]}}, {C}),
        ({"host": "not.read", "port": C[1], "extra": {"driver": "PostgreSQL Unicode", "Server": C[0]}}, {C}),
        ({"host": A[0], "extra": {"driver": "MariaDB Unicode"}}, {(A[0], 3306)}),
        ({"host": "not.read", "port": 1, "extra": {"driver": "MariaDB Unicode", "server": A[0], "port": A[1]}}, {A}),
    ],
    "redis": [
        ({"host": A[0], "port": A[1], "extra": {"cluster": True, "startup_nodes": f"{B[0]}:{B[1]}, {C[0]}"}}, {A, B}),
        ({"host": "not.read", "extra": {"cluster": True, "startup_nodes": f"{B[0]}:{B[1]}"}}, {B}),
    ],
    "kafka": [
        ({"extra": {"bootstrap.servers": f"{A[0]}:{A[1]}"}}, {A}),
        ({"extra": {"bootstrap.servers": f"{A[0]}:{A[1]}, {B[0]}:{B[1]} ,,{C[0]}:{C[1]}"}}, {A, B, C}),
        ({"extra": {"bootstrap.servers": C[0]}}, {(C[0], 9092)}),
        ({"extra": {"bootstrap.servers": f"PLAINTEXT://{A[0]}:{A[1]}"}}, {A}),
        ({"extra": {"bootstrap.servers": f"{A[0]}:{A[1]}", "security.protocol": "SSL"}}, {A}),
    ],
    "mongo": [
        ({"host": A[0], "port": A[1], "extra": {"serverSelectionTimeoutMS": 2000}}, {A}),
        ({"host": f"{A[0]}:{A[1]},{B[0]}:{B[1]}", "extra": {"serverSelectionTimeoutMS": 2000}}, {A, B}),
        ({"host": f"{A[0]}:{A[1]},{B[0]}", "port": B[1], "extra": {"serverSelectionTimeoutMS": 2000}}, {A, B}),
        ({"host": C[0], "extra": {"serverSelectionTimeoutMS": 2000}, "schema": "db"}, {(C[0], 27017)}),
    ],
}


def drivers() -> list[str]:
    """The names of the ODBC drivers of this machine."""
    return list(pytest.importorskip("pyodbc", reason="pyodbc is not installed").drivers())


@pytest.mark.parametrize(
    ("conn_type", "fields", "expected"),
    [pytest.param(kind, *case, id=f"{kind}-{number}") for kind in SERVERS for number, case in enumerate(SERVERS[kind])],
)
def test_hook_dials_the_addresses_of_the_table(conn_type, fields, expected, connection, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PROVIDERS_ODBC__ALLOW_DRIVER_IN_EXTRA", "True")
    if conn_type == "odbc":
        driver = next(str(value) for key, value in fields["extra"].items() if key.lower() == "driver").strip("{}")
        if driver not in drivers():
            pytest.skip(f"the ODBC driver {driver} is not installed (Debian: tdsodbc, odbc-postgresql, odbc-mariadb)")
    fields = SIGNED_IN | fields if conn_type not in {"mongo", "redis"} else fields
    conn_id = connection(conn_type, **fields)
    assert set(places(conn_type, **fields)) >= expected
    with Listeners(*set(places(conn_type, **fields))) as listeners:
        with contextlib.suppress(Exception):  # each client has errors of its own
            DIALLED[conn_type](conn_id)
        listeners.wait_for(expected)
        assert listeners.dialled >= expected


@pytest.mark.parametrize(
    "fields",
    [{"host": "db.example"}, {"host": "db.example", "port": 3307, "extra": {"ssl": {"ca": "/ca.pem"}}}],
)
def test_mysqlclient_is_told_the_address_of_the_table(fields, connection, monkeypatch):
    told = {}
    # The default client needs a compiler to install; what the hook hands to it needs none.
    library = types.SimpleNamespace(connect=lambda **kwargs: told.update(kwargs))
    monkeypatch.setitem(sys.modules, "MySQLdb", library)
    hook_class("mysql.hooks.mysql.MySqlHook")(mysql_conn_id=connection("mysql", **SIGNED_IN, **fields)).get_conn()
    assert [(told["host"], told["port"])] == places("mysql", **fields)


@pytest.mark.parametrize(
    ("conn_type", "port", "fields"),
    [
        ("mssql", 1433, {"host": A[0]}),
        ("redis", 6379, {"host": A[0]}),
        ("redis", 6379, {"host": A[0], "extra": {"cluster": True}}),
        ("odbc", 1433, {"host": A[0], "extra": {"driver": "FreeTDS"}}),
        ("odbc", 1433, {"host": f"tcp:{A[0]},1433", "extra": {"driver": "FreeTDS"}}),
        ("kafka", 9092, {"extra": {"metadata.broker.list": A[0]}}),
    ],
)
def test_what_the_hook_does_not_dial_is_refused(conn_type, port, fields, connection, monkeypatch):
    monkeypatch.setenv("AIRFLOW__PROVIDERS_ODBC__ALLOW_DRIVER_IN_EXTRA", "True")
    conn_id = connection(conn_type, **fields)
    with Listeners((A[0], port)) as listeners:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each client has errors of its own
            DIALLED[conn_type](conn_id)
        assert not listeners.dialled
    with pytest.raises(InvalidConnectionError):
        places(conn_type, **fields)


@pytest.mark.parametrize(
    ("conn_type", "fields"),
    [
        ("mongo", {"host": "cluster.example", "extra": {"srv": True}}),
        ("http", {"host": "_http._tcp.example", "extra": {"srv_lookup": True}}),
        ("odbc", {"extra": {"dsn": "orders", "driver": "FreeTDS"}}),
        ("sqlite", {"host": "/tmp/orders.db"}),
    ],
)
def test_what_names_no_address_is_refused(conn_type, fields):
    with pytest.raises(InvalidConnectionError):
        places(conn_type, **fields)
