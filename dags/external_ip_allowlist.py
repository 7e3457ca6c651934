"""Do our Azure services still let our external addresses in?

For services that are reached over the public internet by their IP allowlist: a daily look that each of them admits the
addresses that tasks come from, before a run finds out. It reads, and changes nothing.

Copy this file into your DAGs folder, and name the services in the param `resource_ids`. On Astro, set `ASTRO_API_TOKEN`
in the Deployment and write `this` as the param `astro_deployment_id`: the addresses are then the external IPs of the
Deployment. Elsewhere list the addresses, or set `egress`: then an echo service tells the worker's own.
"""

# [START howto_operator_external_ip_allowlist]
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.external_ip_allowlist import ExternalIpAllowlistCheckOperator

with DAG(
    dag_id="external_ip_allowlist",
    schedule="@daily",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "azure_conn_id": Param("azure_default", type="string", title="Connection to Azure"),
        "resource_ids": Param([], type="array", items={"type": "string"}, title="Ids of the services"),
        "addresses": Param([], type="array", items={"type": "string"}, title="IP addresses or networks"),
        "astro_deployment_id": Param(None, type=["null", "string"], title="Astro Deployment, or: this"),
        "astro_conn_id": Param(None, type=["null", "string"], title="Connection with the Astro API token"),
        "egress": Param(False, type="boolean", title="Ask an echo service for the worker's own address"),
        "caller_region": Param(None, type=["null", "string"], title="Azure region of the callers, where known"),
        "report_path": Param(None, type=["null", "string"], title="Where to write the report: .html, .json, .md"),
    },
):
    ExternalIpAllowlistCheckOperator(
        task_id="check",
        azure_conn_id="{{ params.azure_conn_id }}",
        resource_ids="{{ params.resource_ids | tojson }}",
        addresses="{{ params.addresses | tojson }}",
        astro_deployment_id="{{ params.astro_deployment_id }}",
        astro_conn_id="{{ params.astro_conn_id }}",
        egress="{{ params.egress }}",
        caller_region="{{ params.caller_region }}",
        report_path="{{ params.report_path }}",
        fail_on="not_allowed",
    )
# [END howto_operator_external_ip_allowlist]
