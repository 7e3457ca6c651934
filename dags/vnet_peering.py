"""Peer your network with another one, such as that of an Astro dedicated cluster, and wait until both sides agree.

Copy this file into your DAGs folder and put the ids of the two networks into the params. The connection `azure_default`
has to be one of the type `azure_network` or `azure`.

- Both networks are yours: leave `sides` at `both`.
- The other side is made by its owner, as Astronomer's support does for a dedicated cluster: choose `local`. The first
  task makes your side, and the second one waits for the owner's, in the triggerer.
- The other network lies in another tenant: name a connection that signs in there in `remote_conn_id`, and in each of
  the two connections the other's tenant under `auxiliary_tenants`.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.virtual_network_peering import VirtualNetworkPeeringOperator
from airflow_provider_netconn.sensors.virtual_network_peering import VirtualNetworkPeeringSensor

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network"

with DAG(
    dag_id="vnet_peering",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "network": Param(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/data", type="string"),
        "remote_network": Param(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub", type="string"),
        "sides": Param("both", enum=["both", "local"], title="Which sides are ours to make"),
        "remote_conn_id": Param(None, type=["null", "string"], title="Connection for the remote side"),
    },
):
    # [START howto_operator_virtual_network_peering]
    peer = VirtualNetworkPeeringOperator(
        task_id="peer",
        virtual_network_id="{{ params.network }}",
        remote_virtual_network_id="{{ params.remote_network }}",
        sides="{{ params.sides }}",
        until="{{ 'connected' if params.sides == 'both' else 'initiated' }}",
        remote_azure_conn_id="{{ params.remote_conn_id }}",
        allow_forwarded_traffic=True,
        deferrable=True,
        timeout_s=30 * 60,
    )
    # [END howto_operator_virtual_network_peering]

    # [START howto_sensor_virtual_network_peering]
    connected = VirtualNetworkPeeringSensor(
        task_id="connected",
        virtual_network_id="{{ params.network }}",
        remote_virtual_network_id="{{ params.remote_network }}",
        deferrable=True,
        poke_interval=30,
        timeout=7 * 24 * 60 * 60,
    )
    # [END howto_sensor_virtual_network_peering]

    peer >> connected
