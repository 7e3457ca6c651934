"""End the peering of two networks, on both sides or on ours.

Copy this file into your DAGs folder and put the ids of the two networks into the params.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.virtual_network_peering import VirtualNetworkPeeringDeleteOperator

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network"

with DAG(
    dag_id="vnet_peering_delete",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "network": Param(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/data", type="string"),
        "remote_network": Param(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub", type="string"),
        "sides": Param("both", enum=["both", "local"], title="Which sides are ours to delete"),
    },
):
    # [START howto_operator_virtual_network_peering_delete]
    VirtualNetworkPeeringDeleteOperator(
        task_id="unpeer",
        virtual_network_id="{{ params.network }}",
        remote_virtual_network_id="{{ params.remote_network }}",
        sides="{{ params.sides }}",
        deferrable=True,
    )
    # [END howto_operator_virtual_network_peering_delete]
