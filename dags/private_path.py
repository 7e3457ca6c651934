"""From a public path to a private one: peer networks, ask for a private endpoint, have its owner approve it, add DNS.

This is the DAG of `make demo`. Copy it into your DAGs folder, and name your own networks and resource in the params.
Three connections sign in to Azure, of the type `azure_network` or `azure`; where one principal may do all, make them
alike:

- `azure_workers` writes the peering in the network in which tasks run;
- `azure_data` writes in the network in which the endpoint lies: its peering, the endpoint, the private DNS;
- `azure_owner` owns the resource, and approves the endpoint, by the message with which it was asked for.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.connectivity_check import ConnectivityCheckOperator
from airflow_provider_netconn.operators.private_endpoint import PrivateEndpointOperator
from airflow_provider_netconn.operators.private_endpoint_connection import PrivateEndpointConnectionOperator
from airflow_provider_netconn.operators.virtual_network_peering import VirtualNetworkPeeringOperator
from airflow_provider_netconn.sensors.private_endpoint import PrivateEndpointSensor

MESSAGE = "Airflow reads the lake; run {{ run_id }}"
CUSTOMER = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups"
WORKERS = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/astro-cluster"

with DAG(
    dag_id="private_path",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    render_template_as_native_obj=True,
    params={
        "workers_network": Param(f"{WORKERS}/providers/Microsoft.Network/virtualNetworks/astro-cluster", type="string"),
        "data_network": Param(f"{CUSTOMER}/network/providers/Microsoft.Network/virtualNetworks/data", type="string"),
        "endpoint": Param(f"{CUSTOMER}/network/providers/Microsoft.Network/privateEndpoints/lake", type="string"),
        "subnet": Param("endpoints", type="string", title="Subnet of the data network for the endpoint"),
        "resource": Param(f"{CUSTOMER}/data/providers/Microsoft.Storage/storageAccounts/contosolake", type="string"),
        "group_id": Param("blob", type="string", title="Which part of the resource"),
        "conn_id": Param("wasb_lake", type="string", title="Connection whose path is to become private"),
        "reports": Param("/tmp", type="string", title="Folder for the reports"),  # noqa: S108
        "nameserver": Param(None, type=["null", "string"], title="Instead of the system's resolver"),
    },
):
    # [START howto_private_path]
    check_before, check_after = (
        ConnectivityCheckOperator(
            task_id=f"check_{when}",
            conn_ids=["{{ params.conn_id }}"],
            azure_conn_id="azure_data",
            worker_network="{{ params.workers_network }}",
            nameserver="{{ params.nameserver }}",
            report_path=[f"{{{{ params.reports }}}}/{when}.json", f"{{{{ params.reports }}}}/{when}.html"],
            fail_on="never",
        )
        for when in ("before", "after")
    )

    peer_networks = VirtualNetworkPeeringOperator(
        task_id="peer_networks",
        azure_conn_id="azure_workers",
        virtual_network_id="{{ params.workers_network }}",
        remote_virtual_network_id="{{ params.data_network }}",
        remote_azure_conn_id="azure_data",
        deferrable=True,
    )

    endpoint = {
        "azure_conn_id": "azure_data",
        "endpoint_id": "{{ params.endpoint }}",
        "target_id": "{{ params.resource }}",
        "group_id": "{{ params.group_id }}",
        "subnet_id": "{{ params.data_network }}/subnets/{{ params.subnet }}",
        "manual": True,
        "request_message": MESSAGE,
        "deferrable": True,
        "poll_interval_s": 5,
    }
    request_endpoint = PrivateEndpointOperator(
        task_id="request_endpoint", dns_zone_group=False, wait_for_approval=False, **endpoint
    )

    wait_for_approval = PrivateEndpointSensor(
        task_id="wait_for_approval",
        azure_conn_id="azure_data",
        endpoint_id="{{ params.endpoint }}",
        deferrable=True,
        poke_interval=5,
        timeout=24 * 3600,
    )

    approve_endpoint = PrivateEndpointConnectionOperator(
        task_id="approve_endpoint",
        azure_conn_id="azure_owner",
        target_id="{{ params.resource }}",
        action="approve",
        request_message=MESSAGE,
        description="welcome",
    )

    add_names = PrivateEndpointOperator(
        task_id="add_names",
        create_dns_zones=True,
        link_networks=["{{ params.workers_network }}"],
        **endpoint,
    )

    check_before >> peer_networks >> request_endpoint >> [wait_for_approval, approve_endpoint]
    wait_for_approval >> add_names >> check_after
    # [END howto_private_path]
