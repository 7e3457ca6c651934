"""Connect a virtual network to the hub of a virtual WAN, and wait until the hub routes to it and packets get through.

Copy this file into your DAGs folder, and name hub and network in the params. The connection `azure_default` has to be
one of the type `azure_network` or `azure`. A `probe` says what to reach through the hub: who may not read the hub's
connections, as with Astronomer's role, sees by nothing else that this network's is right. A run with
`{"remove": true}` takes the connection away again.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_netconn.operators.virtual_hub import (
    VirtualHubConnectionDeleteOperator,
    VirtualHubConnectionOperator,
)
from airflow_provider_netconn.sensors.reachability import ReachabilitySensor
from airflow_provider_netconn.sensors.virtual_hub import VirtualHubConnectionSensor

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/connectivity"
SPOKE = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/network"

with DAG(
    dag_id="virtual_hub_peering",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "hub": Param(f"{SUBSCRIPTION}/providers/Microsoft.Network/virtualHubs/hub", type="string"),
        "network": Param(f"{SPOKE}/providers/Microsoft.Network/virtualNetworks/data", type="string"),
        "firewall": Param(None, type=["null", "string"], title="Address of a firewall in the network, as next hop"),
        "probe": Param(None, type=["null", "string"], title="Something behind the hub, such as 10.40.0.4:5432"),
        "remove": Param(False, type="boolean", title="Delete the connection instead"),
    },
):
    # [START howto_operator_virtual_hub_connection]
    connect = VirtualHubConnectionOperator(
        task_id="connect",
        virtual_hub_id="{{ params.hub }}",
        virtual_network_id="{{ params.network }}",
        firewall_next_hop="{{ params.firewall }}",
        enable_internet_security=True,
        deferrable=True,
    )
    # [END howto_operator_virtual_hub_connection]

    # [START howto_sensor_virtual_hub_connection]
    routed = VirtualHubConnectionSensor(
        task_id="routed",
        virtual_hub_id="{{ params.hub }}",
        virtual_network_id="{{ params.network }}",
        deferrable=True,
        poke_interval=30,
        timeout=3600,
    )
    # [END howto_sensor_virtual_hub_connection]

    # [START howto_virtual_hub_probe]
    @task.short_circuit
    def is_probe_named(params: dict[str, object] | None = None) -> bool:
        return bool((params or {}).get("probe"))

    reached = ReachabilitySensor(
        task_id="reached", target="{{ params.probe }}", deferrable=True, poke_interval=30, timeout=3600
    )
    # [END howto_virtual_hub_probe]

    # [START howto_operator_virtual_hub_connection_delete]
    disconnect = VirtualHubConnectionDeleteOperator(
        task_id="disconnect",
        virtual_hub_id="{{ params.hub }}",
        virtual_network_id="{{ params.network }}",
        deferrable=True,
    )
    # [END howto_operator_virtual_hub_connection_delete]

    @task.branch
    def what_to_do(params: dict[str, object] | None = None) -> str:
        return "disconnect" if (params or {}).get("remove") else "connect"

    what_to_do() >> [connect, disconnect]
    connect >> routed >> is_probe_named() >> reached
