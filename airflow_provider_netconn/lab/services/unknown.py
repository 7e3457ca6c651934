"""Protocols that the lab does not speak: a connection is taken, under TLS where the service has it, and then closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_netconn.lab.services.values import Call, Stream


async def serve_nothing(call: Call, stream: Stream) -> None:
    """Wait for what the client has to say, and close; at once to who is kept out."""
    if call.admission().allowed:
        await stream.reader.read(1)
