"""Plain TCP, and TLS without a protocol in it: a connection (and a handshake) is all that is asked for."""

from __future__ import annotations

from airflow_provider_netconn.probing.registry import Protocol, add

add(Protocol(name="plain", default_port=None))
add(Protocol(name="tls", default_port=443, tls=True))
