"""One file a protocol; importing this package registers them all."""

from airflow_provider_netconn.probing.protocols import amqp, http, plain, redis, smtp, ssh

__all__ = ["amqp", "http", "plain", "redis", "smtp", "ssh"]
