"""How the clients of MongoDB, Kafka and ODBC have their addresses written: lists of hosts and connection strings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from airflow_provider_netconn.connections.fields import Address, ConnectionFields, Reading, Transport
from airflow_provider_netconn.connections.names import HOST_REMEDY, host_name, port_number
from airflow_provider_netconn.connections.transports import postgres_sslmode
from airflow_provider_netconn.evidence import TlsUse, is_address

KAFKA_PORT: Final = 9092
MONGO_PORT: Final = 27017


def file_on_this_machine(reading: Reading) -> tuple[Address, ...]:
    """None: what such a connection names is a file."""
    raise reading.fields.refusal(
        "no address", "its hook opens a file on this machine, which no network leads to", "leave it out"
    )


def mongo_hosts(reading: Reading) -> tuple[Address, ...]:
    """Hosts of a replica set with commas, each perhaps with a port; the connection's port is the last one's.

    As the hook writes them into the URI: the port is put after whatever stands in ``host``.
    """
    fields = reading.fields
    if fields.extra.get("srv"):
        raise reading.refusal(
            "is the name of SRV records (extra.srv), which name other hosts", "check these hosts as targets"
        )
    last = f":{fields.port}" if fields.port else ""
    seeds = [_seed(reading, part) for part in f"{reading.text}{last}".split(",")]
    return tuple(Address(host=seed.host, port=seed.port or MONGO_PORT) for seed in seeds)


def kafka_brokers(reading: Reading) -> tuple[Address, ...]:
    """``bootstrap.servers`` of librdkafka: ``host``, ``host:port`` or ``PROTOCOL://host:port``, with commas.

    These are where a client starts; the brokers then name the addresses on which it goes on.
    """
    parts = [part.strip() for part in reading.text.split(",")]
    seeds = [_seed(reading, part.partition("://")[2] if "://" in part else part) for part in parts if part]
    return tuple(Address(host=seed.host, port=seed.port or KAFKA_PORT) for seed in seeds)


def _seed(reading: Reading, text: str) -> Address:
    """``host``, ``host:port``, ``[IPv6]`` or ``[IPv6]:port``."""
    if any(mark in text for mark in "/@?"):
        raise reading.refusal("holds more than hosts and ports", "write host:port, several with commas")
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    host, port = (bracketed[1], bracketed[2]) if bracketed else _split(text)
    return Address(host=host_name(reading, host), port=port_number(reading, port) if port is not None else None)


def _split(text: str) -> tuple[str, str | None]:
    if is_address(text):
        return text, None
    host, colon, port = text.rpartition(":")
    return (host, port) if colon else (text, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Driver:
    """What an ODBC driver makes of the keywords of a connection string.

    :param called: what its name holds
    :param reads_port: it knows the keyword ``PORT``
    :param takes_comma: ``SERVER`` may be ``tcp:host,port``
    """

    called: re.Pattern[str]
    protocol: str
    port: int | None
    reads_port: bool = True
    takes_comma: bool = False


_UNKNOWN_DRIVER: Final = _Driver(called=re.compile(""), protocol="plain", port=None, takes_comma=True)
_SQL_SERVER: Final = _Driver(
    called=re.compile("SQL Server|msodbcsql", re.IGNORECASE),
    protocol="tds",
    port=1433,
    # learn.microsoft.com/en-us/sql/connect/odbc/dsn-connection-string-attribute: there is no such keyword.
    reads_port=False,
    takes_comma=True,
)
_DRIVERS: Final = (
    _SQL_SERVER,
    _Driver(called=re.compile("FreeTDS|tdsodbc", re.IGNORECASE), protocol="tds", port=1433, takes_comma=True),
    _Driver(called=re.compile("psqlodbc|Postgre", re.IGNORECASE), protocol="postgres", port=5432),
    _Driver(called=re.compile("MySQL|MariaDB|myodbc|maodbc", re.IGNORECASE), protocol="mysql", port=3306),
    _Driver(called=re.compile("Databricks|Simba ?Spark|Snowflake", re.IGNORECASE), protocol="https", port=443),
)


def odbc_server(reading: Reading) -> tuple[Address, ...]:
    """The server of an ODBC connection string, as the driver named in ``extra`` reads it."""
    fields = reading.fields
    driver = _driver(fields)
    text = reading.text.strip()
    port: str | int | None = None
    if driver.takes_comma:
        text = re.sub(r"^tcp:", "", text, flags=re.IGNORECASE)
        text, comma, after = text.partition(",")
        port = after if comma else None
        if "\\" in text:
            if not port:
                raise reading.refusal(
                    "names an instance, whose port only the server's browser service knows", "write host,port instead"
                )
            text = text.partition("\\")[0]
        if ":" in text and not is_address(text):
            raise reading.refusal("holds a protocol or a ':'", f"{HOST_REMEDY}; a port stands after a ','")
    if port is None and driver.reads_port:
        port = fields.port or _keyword(fields, "port") or None
    number = port_number(reading, port) if port is not None else driver.port
    if number is None:
        raise reading.refusal(
            "names no port, and extra.driver no driver whose usual one is known", "write the port, or the driver"
        )
    return (Address(host=host_name(reading, text.strip() or "localhost"), port=number, protocol=_protocol(fields)),)


def odbc_data_source(reading: Reading) -> tuple[Address, ...]:
    """None: the address stands in odbc.ini."""
    raise reading.refusal(
        "names a data source, whose address stands in odbc.ini on the worker", "write the server into host"
    )


def odbc_transport(fields: ConnectionFields) -> Transport:
    """What a connection string says of encryption: ``Encrypt`` and ``TrustServerCertificate``, or ``sslmode``."""
    driver = _driver(fields)
    if driver.protocol == "postgres":
        lower = {key.lower(): value for key, value in fields.extra.items()}
        return postgres_sslmode(ConnectionFields(conn_id=fields.conn_id, conn_type=fields.conn_type, extra=lower))
    encrypt = _keyword(fields, "encrypt").lower()
    trusting = _keyword(fields, "trustservercertificate").lower() in _YES
    by_default = driver is _SQL_SERVER and re.search(r"driver 1[89]", _keyword(fields, "driver"), re.IGNORECASE)
    if encrypt in _ENCRYPTED or (by_default and not encrypt):
        return Transport(tls=TlsUse.NO_VERIFY if trusting and encrypt != "strict" else TlsUse.VERIFY)
    return Transport()


_YES: Final = frozenset({"yes", "true", "1"})
_ENCRYPTED: Final = _YES | {"mandatory", "strict", "require"}


def _protocol(fields: ConnectionFields) -> str:
    # TDS 8.0: TLS comes before all else.
    return "tls" if _keyword(fields, "encrypt").lower() == "strict" else _driver(fields).protocol


def _driver(fields: ConnectionFields) -> _Driver:
    name = _keyword(fields, "driver")
    if not name and (_keyword(fields, "encrypt") or _keyword(fields, "trustservercertificate")):
        return _SQL_SERVER  # no other driver has these keywords
    return next((driver for driver in _DRIVERS if name and driver.called.search(name)), _UNKNOWN_DRIVER)


def _keyword(fields: ConnectionFields, name: str) -> str:
    """A keyword of ``extra``, in whatever case it is written; of several the first counts (``SQLDriverConnect``)."""
    return next((str(value).strip() for key, value in fields.extra.items() if key.lower() == name), "")
