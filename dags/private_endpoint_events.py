"""Check connections each time that a private endpoint is approved, or falls out of Approved.

Copy this file into your DAGs folder, put your endpoint's id here, and the ids of the connections that run over it into
the param `conn_ids`. The connection `azure_default` has to be one of the type `azure_network` or `azure`. The endpoint
is watched in the triggerer, for as long as this DAG is there and not paused.

It needs Airflow 3: Airflow 2 has no asset watchers, so that there nothing starts this DAG but you.
"""

# [START howto_trigger_private_endpoint_event]
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
from airflow_provider_netconn.triggers.azure_events import PrivateEndpointEventTrigger

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network"
ENDPOINT = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/orders"

try:
    from airflow.sdk import Asset, AssetWatcher
except ImportError:  # Airflow 2 has no asset watchers; this DAG parses there, and is started by hand
    SCHEDULE = None
else:
    watcher = AssetWatcher(name="approval", trigger=PrivateEndpointEventTrigger(endpoint_id=ENDPOINT))
    SCHEDULE = [Asset("private_endpoint_orders", watchers=[watcher])]

with DAG(
    dag_id="private_endpoint_events",
    schedule=SCHEDULE,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={"conn_ids": Param([], type="array", items={"type": "string"}, title="Airflow connections over it")},
):

    @task
    def what_happened(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        """The changes that started this run; none where it was started by hand."""
        events = [event for of_asset in (triggering_asset_events or {}).values() for event in of_asset]
        return [event.extra["payload"] for event in events if "payload" in event.extra]

    check = ConnectivityCheckOperator(task_id="check", conn_ids="{{ params.conn_ids | tojson }}", fail_on="unexpected")

    what_happened() >> check
# [END howto_trigger_private_endpoint_event]
