"""Read a blob and query a database over the private path, with the providers' own hooks and connections.

Nothing here knows of private links. The secrets backend `PrivateLinkSecretsBackend` does all of it: the database is
dialled by its privatelink name, the storage account by its public name at its private address.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param, task

with DAG(
    dag_id="private_link_names",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "wasb_conn_id": Param("wasb_lake", type="string", title="Connection of the storage account"),
        "container": Param("raw", type="string", title="Its container"),
        "blob": Param("orders.csv", type="string", title="What to read of it"),
        "postgres_conn_id": Param("postgres_orders", type="string", title="Connection of the database"),
    },
):
    # [START howto_private_link_names]
    @task
    def read_blob(params: dict[str, str]) -> str:
        from airflow.providers.microsoft.azure.hooks.wasb import WasbHook

        return WasbHook(params["wasb_conn_id"]).read_file(params["container"], params["blob"])

    @task
    def query_database(params: dict[str, str]) -> str:
        from airflow.providers.postgres.hooks.postgres import PostgresHook

        return PostgresHook(params["postgres_conn_id"]).get_first("SELECT current_user")[0]

    # [END howto_private_link_names]

    read_blob()
    query_database()
