"""DAGs of the tests with a real Airflow: a mapped check, and each sensor in each mode."""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
from airflow_provider_netconn.sensors.dns import PrivateDnsResolutionSensor
from airflow_provider_netconn.sensors.reachability import ReachabilitySensor

START = datetime(2024, 1, 1, tzinfo=UTC)
PARAMS = {"nameserver": "", "host": "", "port": 1, "ca_files": []}
# Rescheduled sooner than Airflow notices the end of the last look (5 s), a task may be failed by Airflow 3.3.
MODES = {
    "poke": {"mode": "poke", "poke_interval": 1},
    "reschedule": {"mode": "reschedule", "poke_interval": 8},
    "deferrable": {"deferrable": True, "poke_interval": 1},
}
NETWORK = "127.10.0.0/16"

for deferrable in (False, True):
    with DAG(
        f"mapped_{'deferrable' if deferrable else 'worker'}",
        schedule=None,
        start_date=START,
        params=PARAMS,
        catchup=False,
    ):
        ConnectivityCheckOperator.partial(
            task_id="check",
            nameserver="{{ params.nameserver }}",
            ca_files="{{ params.ca_files | tojson }}",
            expect_networks=[NETWORK],
            deferrable=deferrable,
        ).expand(conn_ids=["warehouse", ["reports_api", "sql_prod"]])

for name, mode in MODES.items():
    with DAG(f"wait_{name}", schedule=None, start_date=START, params=PARAMS, catchup=False):
        PrivateDnsResolutionSensor(
            task_id="dns",
            host="{{ params.host }}",
            nameserver="{{ params.nameserver }}",
            expect_networks=[NETWORK],
            timeout=120,
            **mode,
        )
        ReachabilitySensor(task_id="port", host="127.0.0.1", port="{{ params.port }}", timeout=120, **mode)

    with DAG(f"timeout_{name}", schedule=None, start_date=START, params=PARAMS, catchup=False):
        shared = {"host": "127.0.0.1", "port": "{{ params.port }}", "timeout": 2, **mode}
        ReachabilitySensor(task_id="fails", **shared)
        ReachabilitySensor(task_id="skips", soft_fail=True, **shared)
