"""Does each connection run over a private path? And if not, why, and what mends it?

Copy this file into your DAGs folder. Name what to check in one of three ways, or several together:

- Airflow connections: list their ids below, in the param `conn_ids`, or in the form of a triggered run;
- single addresses: in the param `targets`;
- a YAML file of targets and defaults: its path in the param `config`.

A triggered run takes the same params as its configuration:
`{"config": "/usr/local/airflow/include/netconn.yaml", "report_path": "/tmp/netconn.html"}`
"""

# [START howto_operator_connectivity_check]
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator

with DAG(
    dag_id="connectivity_check",
    schedule="@daily",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "conn_ids": Param([], type="array", items={"type": "string"}, title="Airflow connections"),
        "targets": Param([], type="array", title="Further targets: host:port, URLs, or objects"),
        "config": Param(None, type=["null", "string"], title="Path of a YAML file of targets"),
        "report_path": Param(None, type=["null", "string"], title="Where to write the report: .html, .json, .md, .xml"),
        "deferrable": Param(False, type="boolean", title="Probe in the triggerer instead of the worker"),
    },
):
    ConnectivityCheckOperator(
        task_id="check",
        conn_ids="{{ params.conn_ids | tojson }}",
        targets="{{ params.targets | tojson }}",
        config="{{ params.config }}",
        report_path="{{ params.report_path }}",
        deferrable="{{ params.deferrable }}",
        fail_on="unexpected",
    )
# [END howto_operator_connectivity_check]
