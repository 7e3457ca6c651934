"""The table: for each Airflow connection type, the fields in which its addresses live.

Each row was written after the hook of the provider package named as its source, and the client library beneath it;
a connection is read as they read it. A type that is not here is read by :data:`UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airflow_provider_netconn.connections import client_forms, forms, odbc, transports
from airflow_provider_netconn.connections.azure_types import AZURE_TYPES
from airflow_provider_netconn.connections.fields import (
    AddressField,
    ConnectionType,
    Locator,
    OwnAddress,
    TransportFields,
)

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

_STORAGE_VERIFY: Final = TransportFields(
    read=transports.azure_core_verify, form="`tls: no-verify` where `extra.connection_verify` is false"
)
_NO_NETWORK: Final = OwnAddress(read=client_forms.file_on_this_machine, form="none: a file on this machine")

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
        transport=_STORAGE_VERIFY,
        source="apache-airflow-providers-microsoft-azure 15.2.1: WasbHook.get_conn, utils.parse_blob_account_url; "
        "azure-storage-blob 12.31.1: parse_connection_str",
    ),
    ConnectionType(
        conn_type="adls",
        addresses=(
            AddressField(locator=_CONNECTION_STRING, read=forms.dfs_connection_string, form="a connection string"),
            AddressField(locator=_extra("account_url", shadows=True), read=forms.adls_url, form="the account's URL"),
            AddressField(locator=_HOST, read=forms.adls_account, form="the account's name"),
        ),
        default_port=443,
        protocol="https",
        transport=_STORAGE_VERIFY,
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
        protocol="postgres",
        transport=TransportFields(read=transports.postgres_sslmode, form="`tls` as `extra.sslmode` says"),
        source="apache-airflow-providers-postgres 7.1.1: PostgresHook.get_conn; libpq",
    ),
    ConnectionType(
        conn_type="mysql",
        addresses=(_BARE_HOST,),
        default_port=3306,
        protocol="mysql",
        transport=TransportFields(
            read=transports.mysql_ssl, form="`tls` as `extra.ssl_mode`, `extra.ssl` or `extra.ssl_...` say"
        ),
        source="apache-airflow-providers-mysql 6.7.1: MySqlHook._get_conn_config_mysql_client, "
        "_get_conn_config_mysql_connector_python",
    ),
    ConnectionType(
        conn_type="mssql",
        addresses=(
            AddressField(locator=_extra("host"), read=forms.pymssql_server, form="host or host:port"),
            AddressField(locator=_HOST, read=forms.pymssql_server, form="host or host:port"),
        ),
        # The hook hands on `str(port)`: without one that is "None", which FreeTDS does not dial.
        protocol="tds",
        transport=TransportFields(read=transports.freetds_encryption, form="`tls` as `extra.encryption` says"),
        source="apache-airflow-providers-microsoft-mssql 4.7.2: MsSqlHook.get_conn; pymssql 2.4.6: connect, "
        "MSSQLConnection",
    ),
    ConnectionType(
        conn_type="redis",
        addresses=(AddressField(locator=_HOST, read=forms.redis_host, form="a host name"),),
        further=(
            AddressField(
                locator=_extra("startup_nodes"),
                read=forms.redis_nodes,
                form="host:port with commas, in cluster mode",
                only_if=_extra("cluster"),
            ),
        ),
        protocol="redis",
        transport=TransportFields(
            read=transports.redis_ssl,
            form="`rediss` where `extra.ssl` is set; `tls` as `extra.ssl_cert_reqs` and `extra.ssl_check_hostname` say",
        ),
        source="apache-airflow-providers-redis 4.7.1: RedisHook.get_conn, _build_startup_nodes",
    ),
    ConnectionType(
        conn_type="http",
        addresses=(AddressField(locator=_HOST, read=forms.http_base_url, form="a URL, or a host name"),),
        protocol="http",
        transport=TransportFields(
            read=transports.requests_verify, form="`tls: no-verify` where `extra.verify` or `extra.verify_ssl` is false"
        ),
        source="apache-airflow-providers-http 6.3.0: HttpHook._set_base_url",
    ),
    ConnectionType(
        conn_type="ssh",
        addresses=(_BARE_HOST,),
        default_port=22,
        protocol="ssh",
        source="apache-airflow-providers-ssh 7.0.1: SSHHook.__init__, get_conn",
    ),
    ConnectionType(
        conn_type="sftp",
        addresses=(_BARE_HOST,),
        default_port=22,
        protocol="ssh",
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
    ConnectionType(
        conn_type="mongo",
        addresses=(AddressField(locator=_HOST, read=client_forms.mongo_hosts, form="host or host:port, with commas"),),
        default_port=27017,
        protocol="mongodb",
        transport=TransportFields(
            read=transports.mongo_tls,
            form="`mongodb+tls` where `extra.tls` or `extra.ssl` is true; `extra.allow_insecure` drops `extra.ssl`",
        ),
        source="apache-airflow-providers-mongo 5.5.1: MongoHook._create_uri, get_conn; pymongo 4.20.0: uri_parser, "
        "client_options",
    ),
    ConnectionType(
        conn_type="kafka",
        addresses=(
            AddressField(
                locator=_extra("bootstrap.servers"), read=client_forms.kafka_brokers, form="host:port, with commas"
            ),
        ),
        default_port=9092,
        protocol="kafka",
        transport=TransportFields(
            read=transports.kafka_security,
            form="`kafka+ssl` where `extra.security.protocol` is `ssl` or `sasl_ssl`; verified unless "
            "`extra.enable.ssl.certificate.verification` is false",
        ),
        source="apache-airflow-providers-apache-kafka 2.1.0: KafkaBaseHook._build_config; "
        "confluent-kafka 2.16.1 (librdkafka): CONFIGURATION.md",
    ),
    ConnectionType(
        conn_type="smtp",
        addresses=(_BARE_HOST,),
        protocol="smtps",
        transport=TransportFields(
            read=transports.smtp_modes,
            form="`smtp` with STARTTLS where `extra.disable_ssl` is set, in the clear with `extra.disable_tls`; "
            "not verified where `extra.ssl_context` is `none`",
        ),
        source="apache-airflow-providers-smtp 3.2.0: SmtpHook._build_client, _build_client_kwargs, smtp_starttls; "
        "smtplib of Python 3.11: SMTP.default_port",
    ),
    ConnectionType(
        conn_type="odbc",
        own=OwnAddress(read=odbc.odbc_server, form="`host`, or `extra.Server` and its like, as the driver reads them"),
        transport=TransportFields(
            read=odbc.odbc_transport,
            form="protocol and port of `extra.driver`; `tls` as `extra.Encrypt` and `extra.TrustServerCertificate` say",
        ),
        source="apache-airflow-providers-odbc 4.13.1: OdbcHook.odbc_connection_string; Microsoft: DSN and connection "
        "string keywords",
    ),
    ConnectionType(
        conn_type="sqlite",
        own=_NO_NETWORK,
        source="apache-airflow-providers-sqlite 4.3.4: SqliteHook.get_conn",
    ),
    *AZURE_TYPES,
    UNKNOWN._replace(conn_type="generic"),
)

CONNECTION_TYPES: Final[Mapping[str, ConnectionType]] = {row.conn_type: row for row in _ROWS}
"""The rows by connection type."""


def connection_type(conn_type: str) -> ConnectionType:
    """The row of a connection type; for one that the table does not have, a row that reads host and port."""
    return CONNECTION_TYPES.get(conn_type) or UNKNOWN._replace(conn_type=conn_type)
