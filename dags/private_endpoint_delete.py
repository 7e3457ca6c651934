"""Delete a private endpoint; its records go with it, and the zones stay.

Copy this file into your DAGs folder and put the endpoint's id into the params.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.private_endpoint import PrivateEndpointDeleteOperator

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network"

with DAG(
    dag_id="private_endpoint_delete",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={"endpoint": Param(f"{GROUP}/providers/Microsoft.Network/privateEndpoints/orders", type="string")},
):
    # [START howto_operator_private_endpoint_delete]
    PrivateEndpointDeleteOperator(
        task_id="delete_endpoint",
        endpoint_id="{{ params.endpoint }}",
        deferrable=True,
    )
    # [END howto_operator_private_endpoint_delete]
