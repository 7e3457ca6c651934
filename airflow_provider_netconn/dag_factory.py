"""The scheduled check in one line.

A whole DAG file, which Airflow's DAG processor finds since it has the words "airflow" and "dag" in it::

    from airflow_provider_netconn.dag_factory import connectivity_check_dag

    connectivity_check_dag(conn_ids=["wasb_orders", "sql_dw"], report_path="/tmp/netconn.html")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from airflow.providers.common.compat.sdk import DAG, Param, conf

from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator

_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
TASK_ID: Final = "check"
"""The id of the one task."""


def connectivity_check_dag(
    dag_id: str = "connectivity_check",
    *,
    schedule: Any = "@daily",
    conn_ids: Sequence[str] | None = None,
    targets: Sequence[str | Mapping[str, Any]] | None = None,
    config: str | None = None,
    report_path: str | None = None,
    report_conn_id: str | None = None,
    expect: str | None = None,
    expect_networks: Sequence[str] | None = None,
    nameserver: str | None = None,
    azure_conn_id: str | None = None,
    worker_network: str | None = None,
    fail_on: Sequence[str] | str = "unexpected",
    deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
    task_kwargs: Mapping[str, Any] | None = None,
    **dag_kwargs: Any,
) -> DAG:
    """A DAG with one task that checks everything on a schedule; it registers itself.

    What is given here are the defaults of the DAG's params ``conn_ids``, ``targets``, ``config``, ``report_path`` and
    ``deferrable``, so that a run may be triggered with others.

    :param schedule: as for any DAG
    :param report_path: see :class:`~airflow_provider_netconn.operators.connectivity_check.ConnectivityCheckOperator`,
        as for the arguments around it
    :param task_kwargs: further arguments of the task, such as ``queue``, ``ca_files`` or ``timeout_s``
    :param dag_kwargs: further arguments of the DAG, such as ``start_date``, ``tags`` or ``default_args``
    """
    params = {
        "conn_ids": Param(list(conn_ids or ()), type="array", items={"type": "string"}, title="Airflow connections"),
        "targets": Param(list(targets or ()), type="array", title="Further targets: host:port, URLs, or objects"),
        "config": Param(config, type=["null", "string"], title="Path of a YAML file of targets"),
        "report_path": Param(report_path, type=["null", "string"], title="Where to write the report"),
        "deferrable": Param(deferrable, type="boolean", title="Probe in the triggerer"),
    }
    given: dict[str, Any] = {
        "start_date": _START,
        "catchup": False,
        "tags": ["netconn"],
        "doc_md": __doc__,
    } | dag_kwargs
    with DAG(dag_id, schedule=schedule, **given | {"params": params | dict(dag_kwargs.get("params") or {})}) as dag:
        ConnectivityCheckOperator(
            task_id=TASK_ID,
            conn_ids="{{ params.conn_ids | tojson }}",
            targets="{{ params.targets | tojson }}",
            config="{{ params.config }}",
            report_path="{{ params.report_path }}",
            deferrable="{{ params.deferrable }}",
            report_conn_id=report_conn_id,
            expect=expect,
            expect_networks=expect_networks,
            nameserver=nameserver,
            azure_conn_id=azure_conn_id,
            worker_network=worker_network,
            fail_on=fail_on,
            **dict(task_kwargs or {}),
        )
    return dag
