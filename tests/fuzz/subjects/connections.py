"""Airflow connections of every type: targets, or an error that names the connection on one printable line."""

from __future__ import annotations

import json

from airflow_provider_netconn.connections import CONNECTION_TYPES, ConnectionFields, read_targets
from airflow_provider_netconn.errors import InvalidConnectionError

TYPES = (*sorted(CONNECTION_TYPES), "our_own_type")


def _seed(conn_type: str, *parts: str) -> bytes:
    return bytes([TYPES.index(conn_type)]) + "\0".join(parts).encode()


# host, login, schema, port, then keys of `extra` and their values.
SEEDS = (
    _seed("postgres", "a.example.net,b.example.net", "me", "db", "5432", "sslmode", "require", "hostaddr", "10.0.0.4"),
    _seed("wasb", "https://orders.blob.core.windows.net", "", "", "", "connection_string", "AccountName=a"),
    _seed("wasb", "", "", "", "", "connection_string", "BlobEndpoint=https://a.example/?sig=b"),
    _seed("mssql", "db.example.net:1433", "", "", "", "encryption", "require"),
    _seed("odbc", "", "", "", "", "dsn", "x", "Server", "tcp:db.example.net,1433", "Encrypt", "yes"),
    _seed("redis", "cache.example.net", "", "", "6380", "ssl", "true", "startup_nodes", "a:1,b:2"),
    _seed("kafka", "", "", "", "", "bootstrap.servers", "SSL://a:9093,[fd00::4]:9092", "security.protocol", "ssl"),
    _seed("mongo", "a,b:27018", "", "", "27017", "srv", "false", "tls", "true"),
    _seed("http", "https://web.example.net/x", "", "https", "8443", "verify", "false"),
    _seed("azure", "", "", "", "", "key_json", '{"resourceManagerEndpointUrl": "https://management.azure.com"}'),
    _seed("snowflake", "", "", "", "", "account", "xy12345.west-europe.azure", "region", "cn-north", "port", "443"),
    _seed("our_own_type", "sftp://files.example.net:22/x"),
)  # fmt: skip


def holds(data: bytes) -> None:
    """Read a connection of fields that NULs part: texts, and in ``extra`` any JSON."""
    conn_type = TYPES[data[0] % len(TYPES)] if data else ""
    host, login, schema, port, *extra = [*data[1:].decode("utf-8", "replace").split("\0"), "", "", ""][: 4 + 20]
    try:
        fields = ConnectionFields(
            conn_id="orders",
            conn_type=conn_type,
            host=host or None,
            login=login or None,
            schema=schema or None,
            port=int(port) if port.isascii() and port.isdigit() and len(port) < 9 else None,
            extra={key: _value(text) for key, text in zip(extra[::2], extra[1::2], strict=False)},
        )
        targets = read_targets(fields)
    except InvalidConnectionError as error:
        refusal = str(error)
    else:
        assert targets
        assert len(set(targets)) == len(targets), targets
        assert all(target.name.startswith("orders") and target.name.isprintable() for target in targets), targets
        return
    assert refusal.startswith("connection orders: "), refusal
    assert refusal.isprintable(), repr(refusal)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
