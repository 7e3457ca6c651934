"""Apache Kafka's protocol: ApiVersions, which a broker answers before any login."""

from __future__ import annotations

import struct
from typing import Final

from airflow_provider_netconn.evidence import Finding, StageResult, Target
from airflow_provider_netconn.probing.protocols.results import seen, unexpected
from airflow_provider_netconn.probing.registry import register
from airflow_provider_netconn.probing.streams import Stream

EXPECTED: Final = "an ApiVersions response"
API_VERSIONS: Final = 18
# Version 0 is what every broker since 0.10 takes, Azure Event Hubs among them, and it tells as much.
VERSION: Final = 0
CORRELATION_ID: Final = 0x6E65_7463
CLIENT_ID: Final = b"netconn"
UNSUPPORTED_VERSION: Final = 35
MAX_RESPONSE_BYTES = 64 * 1024
_REQUEST: Final = struct.pack(
    f">hhih{len(CLIENT_ID)}s", API_VERSIONS, VERSION, CORRELATION_ID, len(CLIENT_ID), CLIENT_ID
)
_HEAD: Final = struct.Struct(">ihi")
"""Correlation id, error code, number of the keys that follow."""
_KEY: Final = struct.Struct(">hhh")
"""An API's key, and the least and the greatest of its versions."""


@register("kafka", default_port=9092)
@register("kafka+ssl", default_port=9093, tls=True)
async def probe_kafka(stream: Stream, _target: Target) -> StageResult:
    """Ask which APIs the broker has (Kafka protocol guide, "ApiVersions API"; KIP-35).

    With SASL too, as it comes before the login there (KIP-43). A broker that does not know the version of the request
    says so in the form of version 0, and is a broker all the same.
    """
    await stream.send(len(_REQUEST).to_bytes(4) + _REQUEST)
    size_field = await stream.exactly(4)
    size = int.from_bytes(size_field)
    if not _HEAD.size <= size <= MAX_RESPONSE_BYTES:
        return unexpected(EXPECTED, size_field + await stream.receive())
    response = await stream.exactly(size)
    correlation_id, error, keys = _HEAD.unpack_from(response)
    if correlation_id != CORRELATION_ID or not 0 <= keys * _KEY.size <= size - _HEAD.size:
        return unexpected(EXPECTED, size_field + response)
    if error == UNSUPPORTED_VERSION:
        return seen(Finding.GREETED, error="UNSUPPORTED_VERSION")
    if error:
        return seen(Finding.GREETED, error=error)
    return seen(Finding.GREETED, apis=keys)
