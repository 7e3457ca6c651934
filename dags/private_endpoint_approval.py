"""As the owner of a resource: wait for a request of a private endpoint, approve it if it is the one that you expect.

Copy this file into your DAGs folder, and name in the params the resource and whose request you expect: endpoints that
Astronomer made lie in its subscription, which you do not see; your resource shows their requests. The connection
`azure_default` has to be one of the type `azure_network` or `azure`.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.private_endpoint_connection import PrivateEndpointConnectionOperator
from airflow_provider_netconn.sensors.private_endpoint import PrivateEndpointSensor

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/data"

with DAG(
    dag_id="private_endpoint_approval",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "target": Param(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/orders", type="string"),
        "requesters": Param(["00000000-0000-4000-8000-000000000011"], type="array", items={"type": "string"}),
        "message": Param(None, type=["null", "string"], title="The request's message, word for word"),
    },
):
    # [START howto_sensor_private_endpoint]
    wait_for_request = PrivateEndpointSensor(
        task_id="wait_for_request",
        target_id="{{ params.target }}",
        requester_subscription_ids="{{ params.requesters | tojson }}",
        request_message="{{ params.message }}",
        target_status="Pending",
        poke_interval=30,
        timeout=24 * 60 * 60,
        deferrable=True,
    )
    # [END howto_sensor_private_endpoint]

    # [START howto_operator_private_endpoint_connection]
    approve = PrivateEndpointConnectionOperator(
        task_id="approve",
        target_id="{{ params.target }}",
        action="approve",
        requester_subscription_ids="{{ params.requesters | tojson }}",
        request_message="{{ params.message }}",
        description="approved by {{ dag.dag_id }}",
        deferrable=True,
    )
    # [END howto_operator_private_endpoint_connection]

    wait_for_request >> approve
