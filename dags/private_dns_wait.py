"""Wait until the private endpoint's DNS and its port are there, and only then load data.

Both sensors wait in the triggerer here, which holds no worker slot; `mode="reschedule"` and `mode="poke"` work as well.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_netconn.sensors.dns import PrivateDnsResolutionSensor
from airflow_provider_netconn.sensors.reachability import ReachabilitySensor

with DAG(
    dag_id="private_dns_wait",
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["netconn"],
    doc_md=__doc__,
    params={
        "host": Param("orders.blob.core.windows.net", type="string", title="Name of the service"),
        "port": Param(443, type="integer", title="Its TCP port"),
        "expect_networks": Param([], type="array", items={"type": "string"}, title="Where its endpoint lies (CIDR)"),
        "nameserver": Param(None, type=["null", "string"], title="Ask this DNS server, not the system's"),
    },
):
    # [START howto_sensor_private_dns_resolution]
    wait_for_private_dns = PrivateDnsResolutionSensor(
        task_id="wait_for_private_dns",
        host="{{ params.host }}",
        expect_networks="{{ params.expect_networks | tojson }}",
        nameserver="{{ params.nameserver }}",
        poke_interval=30,
        timeout=60 * 60,
        deferrable=True,
    )
    # [END howto_sensor_private_dns_resolution]

    # [START howto_sensor_reachability]
    wait_for_port = ReachabilitySensor(
        task_id="wait_for_port",
        host="{{ params.host }}",
        port="{{ params.port }}",
        expect="any",
        nameserver="{{ params.nameserver }}",
        poke_interval=30,
        timeout=60 * 60,
        deferrable=True,
    )
    # [END howto_sensor_reachability]

    wait_for_private_dns >> wait_for_port
