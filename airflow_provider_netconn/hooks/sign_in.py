"""What signing in does, by connection type: the call, and what it may wake or cost. ``docs/auth-stage.md`` tells of it.

Hooks of providers report a failure of ``test_connection`` as a text, which may quote secrets and says no more than
that; so here they are asked for the same by calls that raise. All of it runs in the process of
:mod:`airflow_provider_netconn.hooks.authentication_process`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final

CONN_ID: Final = "netconn_sign_in"
"""The id under which the process knows the connection."""
BORROWED_CONNECTIONS: Final = ("azure_conn_id", "aws_conn_id", "snowflake_conn_id")
"""Keys of ``extra`` that name another connection, from which hooks take credentials."""
_NOTHING: Final = "nothing"
_HTTP_ERRORS: Final = 400


class NotCheckedError(Exception):
    """There is nothing to run.

    :param why: in words, without anything of the connection
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class SignInError(Exception):
    """A hook said no without raising; ``status_code`` is that of its HTTP answer, ``code`` another service's."""

    def __init__(self, *, status_code: int | None = None, error_code: str | None = None) -> None:
        super().__init__("the service said no")
        self.status_code = status_code
        self.error_code = error_code


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How the connections of one type sign in.

    :param conn_type: the connection type; empty for the row of all others
    :param hook: the hook's class, ``module.Class`` below ``airflow.providers``; empty where none is needed
    :param call: does it; given the hook's class
    :param does: what is called, in words
    :param wakes: what it may wake or cost, in words
    """

    conn_type: str
    call: Callable[[Any], object]
    does: str
    hook: str = ""
    wakes: str = _NOTHING

    def run(self) -> None:
        """Sign in, or raise whatever the hook raises.

        :raises NotCheckedError: there is nothing to run
        """
        self.call(self._hook_class() if self.hook else None)

    def _hook_class(self) -> Any:
        module, _, name = self.hook.rpartition(".")
        try:
            return getattr(import_module(f"airflow.providers.{module}"), name)
        except ImportError:
            package = module.partition(".hooks")[0].replace(".", "-")
            raise NotCheckedError(f"apache-airflow-providers-{package} is not installed") from None


def _first(found: Any) -> None:
    next(iter(found), None)


def _blob(_: Any) -> None:
    from airflow.providers.common.compat.sdk import BaseHook

    from airflow_provider_netconn.hooks.blob_sign_in import is_service_sas, sign_in_to_blobs

    connection = BaseHook.get_connection(CONN_ID)
    if is_service_sas(connection):
        raise NotCheckedError("its SAS is for one container or blob, and the connection does not say for which")
    sign_in_to_blobs(connection)


def _database(argument: str, *, query: bool = True) -> Callable[[Any], None]:
    """Connect, and run ``SELECT 1`` unless told not to."""

    def call(hook_class: Any) -> None:
        hook = hook_class(**{argument: CONN_ID})
        connection = hook.get_conn()
        try:
            if query:
                cursor = connection.cursor()
                cursor.execute("SELECT 1")
                cursor.fetchall()
        finally:
            connection.close()

    return call


def _http(hook_class: Any) -> None:
    hook = hook_class(method="GET", http_conn_id=CONN_ID)
    answer = hook.run("", extra_options={"check_response": False, "allow_redirects": False, "timeout": 60})
    if answer.status_code in {401, 403, 407} or answer.status_code >= _HTTP_ERRORS + 100:
        raise SignInError(status_code=answer.status_code)


def _kafka(hook_class: Any) -> None:
    """librdkafka tells of a refused login by a callback only: the call itself just gets no answer."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    seen: list[str] = []
    config = {**hook_class(CONN_ID)._build_config(), "error_cb": lambda error: seen.append(error.name())}
    try:
        AdminClient(config).list_topics(timeout=10)
    except KafkaException:
        refused = next((name for name in seen if "AUTH" in name), None)
        if refused is not None:
            raise SignInError(error_code=refused) from None
        raise


def _mongo(hook_class: Any) -> None:
    with hook_class(CONN_ID) as hook:
        hook.get_conn().admin.command("ping")


def _smtp(hook_class: Any) -> None:
    with hook_class(smtp_conn_id=CONN_ID):
        pass


def _ssh(hook_class: Any) -> None:
    hook_class(ssh_conn_id=CONN_ID, conn_retry_attempts=1).get_conn().close()


def _sftp(hook_class: Any) -> None:
    with hook_class(ssh_conn_id=CONN_ID, conn_retry_attempts=1).get_managed_conn() as session:
        session.normalize(".")


def _databricks(hook_class: Any) -> None:
    endpoint = import_module(hook_class.__module__).SPARK_VERSIONS_ENDPOINT
    hook_class(CONN_ID, retry_limit=1)._do_api_call(endpoint)


def _resource_manager(hook_class: Any) -> None:
    """Get a token for Azure Resource Manager; no request, as the connection names no resource."""
    from airflow.providers.common.compat.sdk import BaseHook
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    connection = BaseHook.get_connection(CONN_ID)
    extra = connection.extra_dejson
    if extra.get("key_path") or extra.get("key_json"):
        raise NotCheckedError("it signs in by key_path or key_json, which Azure's SDKs have given up")
    clouds = import_module(hook_class.__module__)._AZURE_CLOUD_ENVIRONMENTS
    cloud = clouds.get(extra.get("cloud_environment"), clouds["AzurePublicCloud"])
    if connection.login and connection.password and extra.get("tenantId"):
        credential: Any = ClientSecretCredential(
            extra["tenantId"], connection.login, connection.password, authority=cloud["authority"]
        )
    else:
        credential = DefaultAzureCredential(managed_identity_client_id=extra.get("managed_identity_client_id"))
    credential.get_token(*cloud["credential_scopes"])


def _azure_network(_: Any) -> None:
    from airflow_provider_netconn.hooks.azure_network import AzureNetworkHook

    with AzureNetworkHook(CONN_ID).session() as azure:
        azure.identity()


def _graph(hook_class: Any) -> None:
    """Get a token as the hook does; the hook itself logs in with its first request alone."""
    import asyncio

    from airflow.providers.common.compat.sdk import BaseHook

    connection = BaseHook.get_connection(CONN_ID)
    config = connection.extra_dejson
    hook = hook_class(conn_id=CONN_ID)

    async def ask() -> None:
        credential = hook.get_credentials(
            login=connection.login,
            password=connection.password,
            config=config,
            authority=config.get("authority"),
            verify=config.get("verify", True),
            proxies=hook.get_proxies(config),
        )
        try:
            await credential.get_token(*hook.scopes)
        finally:
            await credential.close()

    asyncio.run(ask())


def _kusto(hook_class: Any) -> None:
    hook_class(CONN_ID).get_conn().execute_mgmt("", ".show version")


def _unknown(_: Any) -> None:
    """The hook's own ``test_connection``, whose failure is a text; of that nothing can be told but that it failed."""
    from airflow.providers.common.compat.sdk import BaseHook

    try:
        hook = BaseHook.get_hook(CONN_ID)
    except Exception:  # noqa: BLE001 - an unknown type, a provider that is not installed, a hook that does not load
        raise NotCheckedError("Airflow knows no hook for this type of connection") from None
    if not hasattr(hook, "test_connection"):
        raise NotCheckedError("its hook has no test_connection")
    good, message = hook.test_connection()
    if not good:
        raise RuntimeError(message)


_AZURE: Final = "microsoft.azure.hooks"
_ROWS: Final = (
    SignIn(
        conn_type="wasb",
        call=_blob,
        does="azure-storage-blob: get_account_information with a key or SAS, one page of list_containers with a token",
    ),
    SignIn(
        conn_type="adls",
        hook=f"{_AZURE}.data_lake.AzureDataLakeStorageV2Hook",
        call=lambda hook: _first(hook(CONN_ID).get_conn().list_file_systems(results_per_page=1)),
        does="one page of list_file_systems, at the account's blob endpoint",
    ),
    SignIn(
        conn_type="azure_fileshare",
        hook=f"{_AZURE}.fileshare.AzureFileShareHook",
        call=lambda hook: _first(hook(azure_fileshare_conn_id=CONN_ID).share_service_client.list_shares()),
        does="one page of list_shares",
    ),
    SignIn(
        conn_type="azure",
        hook=f"{_AZURE}.base_azure.AzureBaseHook",
        call=_resource_manager,
        does="a token for Azure Resource Manager; no request",
    ),
    SignIn(
        conn_type="azure_network",
        call=_azure_network,
        does="a token for Azure Resource Manager, in each of the hook's ways to sign in; no request",
    ),
    SignIn(
        conn_type="azure_compute",
        hook=f"{_AZURE}.compute.AzureComputeHook",
        call=lambda hook: _first(hook(CONN_ID).connection.virtual_machines.list_all()),
        does="one page of the subscription's virtual machines; starts none",
    ),
    SignIn(
        conn_type="azure_container_instance",
        hook=f"{_AZURE}.container_instance.AzureContainerInstanceHook",
        call=lambda hook: _first(hook(CONN_ID).connection.container_groups.list()),
        does="one page of the subscription's container groups; starts none",
    ),
    SignIn(
        conn_type="azure_data_factory",
        hook=f"{_AZURE}.data_factory.AzureDataFactoryHook",
        call=lambda hook: _first(hook(CONN_ID).get_conn().factories.list()),
        does="one page of the subscription's data factories; runs none",
    ),
    SignIn(
        conn_type="azure_batch",
        hook=f"{_AZURE}.batch.AzureBatchHook",
        call=lambda hook: _first(hook(CONN_ID).get_conn().list_jobs()),
        does="one page of list_jobs; starts none",
    ),
    SignIn(
        conn_type="azure_cosmos",
        hook=f"{_AZURE}.cosmos.AzureCosmosDBHook",
        call=lambda hook: _first(hook(CONN_ID).get_conn().list_databases()),
        does="the account's properties, and one page of list_databases",
        wakes="a few request units",
    ),
    SignIn(
        conn_type="azure_data_explorer",
        hook=f"{_AZURE}.adx.AzureDataExplorerHook",
        call=_kusto,
        does=".show version",
        wakes="a stopped cluster with auto-start, which costs from then on",
    ),
    SignIn(
        conn_type="msgraph",
        hook=f"{_AZURE}.msgraph.KiotaRequestAdapterHook",
        call=_graph,
        does="a token for Microsoft Graph; no request",
    ),
    SignIn(
        conn_type="powerbi",
        hook=f"{_AZURE}.powerbi.PowerBIHook",
        call=_graph,
        does="a token for Power BI; no request, so no capacity is woken",
    ),
    SignIn(
        conn_type="postgres",
        hook="postgres.hooks.postgres.PostgresHook",
        call=_database("postgres_conn_id"),
        does="log in, SELECT 1",
        wakes="a serverless PostgreSQL that is asleep, and one of its connections",
    ),
    SignIn(
        conn_type="mysql",
        hook="mysql.hooks.mysql.MySqlHook",
        call=_database("mysql_conn_id"),
        does="log in, SELECT 1",
        wakes="one of the server's connections",
    ),
    SignIn(
        conn_type="mssql",
        hook="microsoft.mssql.hooks.mssql.MsSqlHook",
        call=_database("mssql_conn_id"),
        does="log in, SELECT 1",
        wakes="a paused serverless Azure SQL database (about a minute; it costs for at least an hour), and Synapse's "
        "serverless pool",
    ),
    SignIn(
        conn_type="odbc",
        hook="odbc.hooks.odbc.OdbcHook",
        call=_database("odbc_conn_id"),
        does="log in, SELECT 1",
        wakes="what the server behind it wakes: a serverless Azure SQL database, a Databricks cluster, a warehouse",
    ),
    SignIn(
        conn_type="redis",
        hook="redis.hooks.redis.RedisHook",
        call=lambda hook: hook(CONN_ID).get_conn().ping(),
        does="AUTH where there is a password, PING",
    ),
    SignIn(conn_type="mongo", hook="mongo.hooks.mongo.MongoHook", call=_mongo, does="log in, ping"),
    SignIn(
        conn_type="kafka",
        hook="apache.kafka.hooks.base.KafkaBaseHook",
        call=_kafka,
        does="log in, ask for the list of topics",
    ),
    SignIn(
        conn_type="snowflake",
        hook="snowflake.hooks.snowflake.SnowflakeHook",
        call=_database("snowflake_conn_id", query=False),
        does="log in; no query",
        wakes="no warehouse; with MFA or a browser it asks a person, and fails here",
    ),
    SignIn(
        conn_type="databricks",
        hook="databricks.hooks.databricks.DatabricksHook",
        call=_databricks,
        does="GET of the Spark versions; starts no cluster and no warehouse",
    ),
    SignIn(
        conn_type="http",
        hook="http.hooks.http.HttpHook",
        call=_http,
        does="GET of the base URL, with the connection's credentials; 401, 403, 407 and 5xx are failures",
        wakes="whatever a GET of that URL does",
    ),
    SignIn(conn_type="ssh", hook="ssh.hooks.ssh.SSHHook", call=_ssh, does="log in; runs nothing"),
    SignIn(conn_type="sftp", hook="sftp.hooks.sftp.SFTPHook", call=_sftp, does="log in, ask for the own folder's path"),
    SignIn(conn_type="smtp", hook="smtp.hooks.smtp.SmtpHook", call=_smtp, does="log in; sends nothing"),
)
SIGN_INS: Final = {row.conn_type: row for row in _ROWS}
"""The rows by connection type."""
NOT_SIGNED_IN: Final = {
    "azure_service_bus": "its hooks only act on queues and topics that an operator names",
    "azure_synapse": "its hook needs the name of a Spark pool, and a session on it costs",
    "azure_container_registry": "its hook makes no request",
    "azure_container_volume": "its hook makes no request, or lists the account's keys",
    "azure_data_lake": "Azure retired the service",
    "azure_analysis_services": "its hook needs the names of a server and a database",
    "azure_ai_agents": "its hook's cheapest call is of a preview, and may be billed",
    "sqlite": "it is a file on this machine",
    "generic": "it has no hook",
}
"""Types whose hook has nothing that could be called at no risk, and why."""
_OTHERS: Final = SignIn(
    conn_type="", call=_unknown, does="the hook's own test_connection", wakes="whatever that does: see its provider"
)


def sign_in_of(conn_type: str) -> SignIn:
    """How the connections of that type sign in."""
    why = NOT_SIGNED_IN.get(conn_type)
    if why is not None:

        def refuse(_: Any) -> None:
            raise NotCheckedError(why)

        return SignIn(conn_type=conn_type, call=refuse, does=f"nothing: {why}")
    return SIGN_INS.get(conn_type) or replace(_OTHERS, conn_type=conn_type)
