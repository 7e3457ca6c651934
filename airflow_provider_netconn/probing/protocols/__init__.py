"""One file a protocol; importing this package registers them all."""

from airflow_provider_netconn.probing.protocols import (
    amqp,
    http,
    kafka,
    mongodb,
    mysql,
    plain,
    postgres,
    redis,
    smtp,
    ssh,
    tds,
)

__all__ = ["amqp", "http", "kafka", "mongodb", "mysql", "plain", "postgres", "redis", "smtp", "ssh", "tds"]
