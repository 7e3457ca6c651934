"""From an Airflow connection to the fields in which its address lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_netconn.errors import InvalidConnectionError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_netconn.evidence import Target


def get_connection(conn_id: str) -> Connection:
    """The Airflow connection of that name; its extra fields are readable, and the secrets among them masked in logs.

    :raises InvalidConnectionError: there is none of that name, or it cannot be read
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        connection = BaseHook.get_connection(conn_id)
        # Reading the extra fields this way also makes Airflow mask the secrets among them in logs.
        _ = connection.extra_dejson
    except AirflowNotFoundException:
        raise InvalidConnectionError(
            f"connection {conn_id}", "there is none of that name", "create it, or correct the id"
        ) from None
    except Exception as error:  # noqa: BLE001 - a parser's message can quote a piece of the password: keep its kind only
        raise InvalidConnectionError(
            f"connection {conn_id}",
            f"it cannot be read ({type(error).__name__})",
            f"try `airflow connections get {conn_id}`",
        ) from None
    return connection


def connection_targets(conn_id: str) -> tuple[Target, ...]:
    """The targets of one Airflow connection. Nothing but addresses leaves this function; secrets stay in Airflow.

    :raises InvalidConnectionError: naming the connection, where there is none of that name, where it cannot be
        read, and where it holds no usable address
    """
    from airflow_provider_netconn.connections import ConnectionFields, read_targets

    connection = get_connection(conn_id)
    return read_targets(
        ConnectionFields(
            conn_id=conn_id,
            conn_type=connection.conn_type or "",
            host=connection.host,
            port=connection.port,
            schema=connection.schema,
            login=connection.login,
            extra=connection.extra_dejson,
        )
    )
