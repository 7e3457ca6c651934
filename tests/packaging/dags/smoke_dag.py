"""The operator and both sensors against a web server on loopback, in the worker and in the trigger."""

import os
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
from airflow_provider_netconn.sensors.dns import PrivateDnsResolutionSensor
from airflow_provider_netconn.sensors.reachability import ReachabilitySensor

LOOPBACK = ["127.0.0.0/8", "::1/128"]

with DAG("smoke", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
    for where, deferrable in (("worker", False), ("trigger", True)):
        ConnectivityCheckOperator(
            task_id=f"check_in_{where}", conn_ids=["web"], expect_networks=LOOPBACK, deferrable=deferrable
        )
        PrivateDnsResolutionSensor(
            task_id=f"dns_in_{where}", host="localhost", expect_networks=LOOPBACK, deferrable=deferrable
        )
        ReachabilitySensor(
            task_id=f"reach_in_{where}",
            target=os.environ.get("AIRFLOW_CONN_WEB", "tcp://localhost:1"),
            deferrable=deferrable,
        )
