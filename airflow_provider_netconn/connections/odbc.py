"""How ODBC drivers read the connection string that Airflow's hook makes of a connection.

What the drivers of Debian (FreeTDS 1.3, psqlODBC 13, MariaDB Connector/ODBC 3.1) do was tried with them. Microsoft's is
read by its documentation: learn.microsoft.com/en-us/sql/connect/odbc/dsn-connection-string-attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from airflow_provider_netconn.connections.fields import Address, ConnectionFields, Reading, Transport
from airflow_provider_netconn.connections.names import HOST_REMEDY, host_name, port_number
from airflow_provider_netconn.connections.transports import postgres_sslmode
from airflow_provider_netconn.target import TlsUse, is_address


class _Driver(NamedTuple):
    """What an ODBC driver makes of the keywords of a connection string.

    :param called: what its name holds
    :param port: the port where none is written; None means that one must be
    :param servers: the keywords that name the server
    :param last_server: of several servers the last counts, and not the first
    :param reads_port: it knows the keyword ``PORT``; of several the last counts
    :param comma: what stands after a ``,`` is the port
    """

    called: str
    protocol: str
    port: int | None = None
    servers: frozenset[str] = frozenset({"server"})
    last_server: bool = False
    reads_port: bool = True
    comma: bool = False


_SQL_SERVER: Final = _Driver(
    called="SQL Server|msodbcsql",
    protocol="tds",
    port=1433,
    servers=frozenset({"server", "address", "addr", "network address"}),
    reads_port=False,
    comma=True,
)
_UNKNOWN: Final = _Driver(called="", protocol="plain", comma=True)
_DRIVERS: Final = (
    _SQL_SERVER,
    _Driver(called="FreeTDS|tdsodbc", protocol="tds", comma=True),
    _Driver(
        called="psqlodbc|Postgre",
        protocol="postgres",
        port=5432,
        servers=frozenset({"server", "servername"}),
        last_server=True,
    ),
    _Driver(
        called="MySQL|MariaDB|myodbc|maodbc",
        protocol="mysql",
        port=3306,
        servers=frozenset({"server", "servername"}),
        last_server=True,
    ),
    _Driver(
        called="Databricks|Simba ?Spark|Snowflake", protocol="https", port=443, servers=frozenset({"server", "host"})
    ),
)
_YES: Final = frozenset({"yes", "true", "1"})
_ENCRYPTED: Final = _YES | {"mandatory", "strict"}
_VERIFIES: Final = re.compile(r"driver (1[89]|[2-9][0-9])", re.IGNORECASE)
"""Microsoft's driver encrypts and verifies by default since version 18."""


def odbc_server(reading: Reading) -> tuple[Address, ...]:
    """The server of the connection string, as the driver named in ``extra`` reads it."""
    fields = reading.fields
    driver = _driver(fields)
    reading = reading._replace(where="host or extra.Server")
    server, port = "", ""
    for key, value in _keywords(fields):
        if key in driver.servers and (driver.last_server or not server):
            server, comma, after = value.partition(",") if driver.comma else (value, "", "")
            port = after if comma else port
        elif key == "port" and driver.reads_port:
            port = value
    if not server:
        raise _no_server(reading)
    host = host_name(reading, _without_instance(reading, server, driver, port))
    if not port and driver.port is None:
        raise reading.refusal(
            "names no port, and extra.driver no driver that has a usual one", "write the port, or the driver"
        )
    protocol = "tls" if _keyword(fields, "encrypt").lower() == "strict" else driver.protocol  # TDS 8.0: TLS comes first
    return (Address(host=host, port=port_number(reading, port) if port else driver.port, protocol=protocol),)


def odbc_transport(fields: ConnectionFields) -> Transport:
    """What the connection string says of encryption: ``Encrypt`` and ``TrustServerCertificate``, or ``sslmode``."""
    driver = _driver(fields)
    if driver.protocol == "postgres":
        extra = {"sslmode": _keyword(fields, "sslmode")}
        return postgres_sslmode(ConnectionFields(conn_id=fields.conn_id, conn_type=fields.conn_type, extra=extra))
    encrypt = _keyword(fields, "encrypt").lower()
    by_default = driver is _SQL_SERVER and not encrypt and _VERIFIES.search(_keyword(fields, "driver"))
    if encrypt not in _ENCRYPTED and not by_default:
        return Transport()
    trusting = encrypt != "strict" and _keyword(fields, "trustservercertificate").lower() in _YES
    return Transport(tls=TlsUse.NO_VERIFY if trusting else TlsUse.VERIFY)


def _no_server(reading: Reading) -> Exception:
    fields = reading.fields
    if _keyword(fields, "dsn"):
        seen = "extra.dsn names a data source, whose address stands in odbc.ini on the worker"
        return fields.refusal("no address", seen, "write the server into host")
    return fields.refusal("no address", "a connection of type 'odbc' holds it in host or extra.Server", "fill in one")


def _without_instance(reading: Reading, server: str, driver: _Driver, port: str) -> str:
    """The host of ``tcp:host\\instance``, which Microsoft's driver takes."""
    host = re.sub(r"^tcp:", "", server.strip(), flags=re.IGNORECASE) if driver is _SQL_SERVER else server.strip()
    if ":" in host and not is_address(host):
        raise reading.refusal("holds a protocol or a ':'", f"{HOST_REMEDY}; a port goes into the field port")
    host, backslash, _ = host.partition("\\")
    if backslash and not port:
        raise reading.refusal(
            "names an instance, whose port only the server's browser service knows", "write host,port instead"
        )
    return host


def _driver(fields: ConnectionFields) -> _Driver:
    name = _keyword(fields, "driver")
    if not name and (_keyword(fields, "encrypt") or _keyword(fields, "trustservercertificate")):
        return _SQL_SERVER  # no other driver has these keywords
    known = (driver for driver in _DRIVERS if re.search(driver.called, name, re.IGNORECASE))
    return next(known, _UNKNOWN) if name else _UNKNOWN


def _keywords(fields: ConnectionFields) -> Iterator[tuple[str, str]]:
    """The keywords and values of the string, in the order in which the hook writes them."""
    if fields.host:
        yield "server", fields.host
    if fields.port:
        yield "port", str(fields.port)
    for key, value in fields.extra.items():
        yield key.lower().strip(), str(value).strip()


def _keyword(fields: ConnectionFields, name: str) -> str:
    return next((value for key, value in _keywords(fields) if key == name), "")
