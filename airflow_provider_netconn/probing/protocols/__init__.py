"""One file a protocol; importing this package registers them all."""

from airflow_provider_netconn.probing.protocols import http, plain

__all__ = ["http", "plain"]
