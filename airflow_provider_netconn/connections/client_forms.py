"""How the clients of MongoDB and Kafka have their addresses written: lists of hosts."""

from __future__ import annotations

import re
from typing import Final

from airflow_provider_netconn.connections.fields import Address, Reading
from airflow_provider_netconn.connections.names import host_name, port_number
from airflow_provider_netconn.target import is_address

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
