"""The scheduled check in one line: the factory makes the DAG, with the same params as `connectivity_check.py`."""

# [START howto_connectivity_check_dag]
from airflow_provider_netconn.dag_factory import connectivity_check_dag

connectivity_check_dag("connectivity_check_in_one_line", conn_ids=[], schedule="@daily")
# [END howto_connectivity_check_dag]
