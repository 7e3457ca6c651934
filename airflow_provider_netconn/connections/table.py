"""The table: for each Airflow connection type, the fields in which its addresses live.

Each row was written after the hook of the provider package named as its source, and the client library beneath it;
a connection is read as they read it. A type that is not here is read by :data:`UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from airflow_provider_netconn.connections import forms
from airflow_provider_netconn.connections.fields import AddressField, ConnectionType, Locator

_HOST: Final = Locator(column="host")
_LOGIN: Final = Locator(column="login")


def _extra(key: str, *, prefixed: bool = False, shadows: bool = False) -> Locator:
    return Locator(column="extra", key=key, prefixed=prefixed, shadows=shadows)


_BARE_HOST: Final = AddressField(locator=_HOST, read=forms.bare_host, form="a host name")
_CONNECTION_STRING: Final = _extra("connection_string", prefixed=True)
_TENANT: Final = _extra("tenant_id", prefixed=True)

UNKNOWN: Final = ConnectionType(
    conn_type="",
    addresses=(AddressField(locator=_HOST, read=forms.host_or_url, form="a host name or URL"),),
    source="no hook: the meaning of host and port in Airflow's own connection URI",
)

_ROWS: Final = (
    ConnectionType(
        conn_type="wasb",
        addresses=(
            AddressField(locator=_CONNECTION_STRING, read=forms.blob_connection_string, form="a connection string"),
            # A signature alone is no address; a whole URL with one is, unless another way to sign in comes first.
            AddressField(
                locator=_extra("sas_token", prefixed=True),
                read=forms.storage_url,
                form="a URL with its signature",
                starts_with="https",
                unless=(_TENANT, _extra("shared_access_key", prefixed=True)),
            ),
            AddressField(locator=_HOST, read=forms.blob_account_url, form="the account's URL"),
            AddressField(locator=_LOGIN, read=forms.blob_account_of_login, form="the account's name"),
        ),
        default_port=443,
        protocol="https",
        client_id_if=_TENANT,
        source="apache-airflow-providers-microsoft-azure 15.2.1: WasbHook.get_conn, utils.parse_blob_account_url; "
        "azure-storage-blob 12.31.1: parse_connection_str",
    ),
    ConnectionType(
        conn_type="adls",
        addresses=(
            AddressField(locator=_CONNECTION_STRING, read=forms.dfs_connection_string, form="a connection string"),
            AddressField(locator=_extra("account_url", shadows=True), read=forms.storage_url, form="the account's URL"),
            AddressField(locator=_HOST, read=forms.adls_account, form="the account's name"),
        ),
        default_port=443,
        protocol="https",
        source="apache-airflow-providers-microsoft-azure 15.2.1: AzureDataLakeStorageV2Hook.get_conn; "
        "azure-storage-file-datalake 12.26.1: parse_connection_str",
    ),
    ConnectionType(
        conn_type="azure_data_lake",
        addresses=(
            AddressField(
                locator=_extra("account_name", prefixed=True),
                read=forms.data_lake_store,
                form="the account's name",
            ),
        ),
        default_port=443,
        protocol="https",
        source="apache-airflow-providers-microsoft-azure 15.2.1: AzureDataLakeHook.get_conn; "
        "azure-datalake-store 1.0.1: DatalakeRESTInterface",
    ),
    ConnectionType(
        conn_type="postgres",
        addresses=(
            # Extras go to the client as they are, after and so over the connection's own columns.
            AddressField(locator=_extra("host", shadows=True), read=forms.libpq_hosts, form="host names with commas"),
            AddressField(locator=_HOST, read=forms.libpq_hosts, form="host names with commas"),
            AddressField(locator=_extra("hostaddr"), read=forms.libpq_hosts, form="addresses with commas"),
        ),
        default_port=5432,
        source="apache-airflow-providers-postgres 7.1.1: PostgresHook.get_conn; libpq",
    ),
    ConnectionType(
        conn_type="mysql",
        addresses=(_BARE_HOST,),
        default_port=3306,
        source="apache-airflow-providers-mysql 6.7.1: MySqlHook._get_conn_config_mysql_client, "
        "_get_conn_config_mysql_connector_python",
    ),
    ConnectionType(
        conn_type="mssql",
        addresses=(
            AddressField(locator=_extra("host"), read=forms.pymssql_server, form="host or host:port"),
            AddressField(locator=_HOST, read=forms.pymssql_server, form="host or host:port"),
        ),
        default_port=1433,
        source="apache-airflow-providers-microsoft-mssql 4.7.2: MsSqlHook.get_conn; pymssql 2.4.6: connect, "
        "MSSQLConnection",
    ),
    ConnectionType(
        conn_type="redis",
        addresses=(_BARE_HOST,),
        further=(
            AddressField(
                locator=_extra("startup_nodes"),
                read=forms.redis_nodes,
                form="host:port with commas, in cluster mode",
                only_if=_extra("cluster"),
            ),
        ),
        default_port=6379,
        secure_if=_extra("ssl"),
        source="apache-airflow-providers-redis 4.7.1: RedisHook.get_conn, _build_startup_nodes",
    ),
    ConnectionType(
        conn_type="http",
        addresses=(AddressField(locator=_HOST, read=forms.http_base_url, form="a URL, or a host name"),),
        protocol="http",
        source="apache-airflow-providers-http 6.3.0: HttpHook._set_base_url",
    ),
    ConnectionType(
        conn_type="ssh",
        addresses=(_BARE_HOST,),
        default_port=22,
        source="apache-airflow-providers-ssh 7.0.1: SSHHook.__init__, get_conn",
    ),
    ConnectionType(
        conn_type="sftp",
        addresses=(_BARE_HOST,),
        default_port=22,
        source="apache-airflow-providers-sftp 7.0.0: SFTPHook (an SSHHook), SFTPHookAsync._get_conn",
    ),
    ConnectionType(
        conn_type="snowflake",
        addresses=(
            AddressField(locator=_extra("host"), read=forms.snowflake_host, form="a host name"),
            AddressField(locator=_extra("account", prefixed=True), read=forms.snowflake_account, form="the account"),
        ),
        default_port=443,
        protocol="https",
        source="apache-airflow-providers-snowflake 6.20.0: SnowflakeHook._build_base_conn_config, "
        "_add_network_config; snowflake-connector-python 3.18.1: util_text.construct_hostname",
    ),
    ConnectionType(
        conn_type="databricks",
        addresses=(
            AddressField(locator=_extra("host", shadows=True), read=forms.databricks_host, form="a host name or URL"),
            AddressField(locator=_HOST, read=forms.databricks_host, form="a host name or URL"),
        ),
        default_port=443,
        protocol="https",
        source="apache-airflow-providers-databricks 7.23.0: BaseDatabricksHook.host, _parse_host, _endpoint_url",
    ),
    replace(UNKNOWN, conn_type="generic"),
)

CONNECTION_TYPES: Final[Mapping[str, ConnectionType]] = {row.conn_type: row for row in _ROWS}
"""The rows by connection type."""


def connection_type(conn_type: str) -> ConnectionType:
    """The row of a connection type; for one that the table does not have, a row that reads host and port."""
    return CONNECTION_TYPES.get(conn_type) or replace(UNKNOWN, conn_type=conn_type)
