"""Make a private endpoint to a resource, with the private DNS that it needs, and wait until it is approved.

Copy this file into your DAGs folder and put your ids into the params. The connection `azure_default` has to be one of
the type `azure_network` or `azure`.

- You may approve connections to the resource: leave `ask_owner` off.
- The resource belongs to somebody else: turn `ask_owner` on. The task waits for the owner in the triggerer, and its log
  says whose move it is. Where the owner has an Airflow too, `private_endpoint_approval` approves it there.
- Your network team keeps the zones: name their resource group in `dns_group`, and turn `create_zones` off where the
  zones are there and linked.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.operators.private_endpoint import PrivateEndpointOperator

GROUPS = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups"
NETWORK = f"{GROUPS}/network/providers/Microsoft.Network"

with DAG(
    dag_id="private_endpoint",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "endpoint": Param(f"{NETWORK}/privateEndpoints/orders", type="string", title="Id of the new endpoint"),
        "target": Param(f"{GROUPS}/data/providers/Microsoft.Storage/storageAccounts/orders", type="string"),
        "group_id": Param("blob", type="string", title="Which part of the resource: blob, sqlServer, vault, ..."),
        "subnet": Param(f"{NETWORK}/virtualNetworks/data/subnets/endpoints", type="string"),
        "ask_owner": Param(False, type="boolean", title="Approval is somebody else's"),
        "message": Param(None, type=["null", "string"], maxLength=140, title="What the owner is told"),
        "dns_group": Param(f"{GROUPS}/network", type="string", title="Resource group of the private DNS zones"),
        "create_zones": Param(True, type="boolean", title="Make and link zones that are not there"),
    },
):
    # [START howto_operator_private_endpoint]
    PrivateEndpointOperator(
        task_id="make_endpoint",
        endpoint_id="{{ params.endpoint }}",
        target_id="{{ params.target }}",
        group_id="{{ params.group_id }}",
        subnet_id="{{ params.subnet }}",
        manual="{{ params.ask_owner }}",
        request_message="{{ params.message }}",
        dns_resource_group_id="{{ params.dns_group }}",
        create_dns_zones="{{ params.create_zones }}",
        deferrable=True,
        poll_interval_s=30,
        timeout_s=7 * 24 * 60 * 60,
    )
    # [END howto_operator_private_endpoint]
