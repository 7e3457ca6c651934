"""The operators and the sensor for peerings on the lab, waiting on the worker and in the triggerer."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureTenantError,
    InvalidInputError,
)
from airflow_provider_netconn.lab.testing import Network
from airflow_provider_netconn.operators.virtual_network_peering import (
    VirtualNetworkPeeringDeleteOperator,
    VirtualNetworkPeeringOperator,
)
from airflow_provider_netconn.sensors.virtual_network_peering import VirtualNetworkPeeringSensor
from tests.azure.tasks import CONN_ID, connection_of, context, run_to_the_end, signed_in  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("signed_in")
BOTH_MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
CONNECTED = ("Connected", "FullyInSync")


def task(kind, local, remote, **arguments):
    defaults = {"azure_conn_id": CONN_ID, "deferrable": False, "task_id": "peer"}
    if kind is not VirtualNetworkPeeringSensor:
        defaults |= {"poll_interval_s": 0.05, "timeout_s": 60}
    networks = {"virtual_network_id": local.id, "remote_virtual_network_id": remote.id}
    return kind(**{**defaults, **networks, **arguments})


def peer(local, remote, **arguments):
    return task(VirtualNetworkPeeringOperator, local, remote, **arguments)


def unpeer(local, remote, **arguments):
    return task(VirtualNetworkPeeringDeleteOperator, local, remote, **arguments)


def wait_for(local, remote, **arguments):
    return task(
        VirtualNetworkPeeringSensor,
        local,
        remote,
        **{"poke_interval": 0.05, "timeout": 30, "mode": "poke", **arguments},
    )


@BOTH_MODES
def test_it_ends_when_both_sides_are_connected(azure_lab, deferrable):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.change_settings(time_scale=0.1)
    seen = run_to_the_end(peer(hub, data, deferrable=deferrable, allow_forwarded_traffic="true"))
    assert azure_lab.peering(hub.to(data)) == azure_lab.peering(data.to(hub)) == CONNECTED
    assert seen["local"]["peering_id"] == hub.to(data).id
    assert (seen["local"]["status"], seen["remote"]["status"]) == ("connected", "connected")
    assert len([one for one in azure_lab.journal(service="arm") if one.method == "PUT"]) == 2
    assert azure_lab.get(hub.to(data).id)["properties"]["allowForwardedTraffic"] is True
    assert len(json.dumps(seen)) < 2000


@BOTH_MODES
def test_the_other_owner_is_waited_for(azure_lab, deferrable):
    hub, data = azure_lab.networks("hub", "data")
    operator = peer(hub, data, deferrable=deferrable, sides="local", timeout_s=2 if not deferrable else 60)
    if not deferrable:
        with pytest.raises(AzureDeadlineExceededError, match="the owner of data has to make the other side"):
            run_to_the_end(operator)
        return
    seen = run_to_the_end(operator, meanwhile=[lambda: azure_lab.put(data.to(hub).id, data.to(hub).body)])
    assert seen["remote"]["status"] == "connected"


def test_the_other_owner_is_not_waited_for_where_initiated_is_enough(azure_lab):
    hub, data = azure_lab.networks("hub", "data")
    assert run_to_the_end(peer(hub, data, sides="local", until="initiated"))["local"]["status"] == "initiated"


@BOTH_MODES
def test_a_peering_is_deleted(azure_lab, deferrable):
    hub, data = azure_lab.networks("hub", "data")
    run_to_the_end(peer(hub, data))
    azure_lab.change_settings(time_scale=0.1)
    seen = run_to_the_end(unpeer(hub, data, deferrable=deferrable))
    assert (seen["local"]["status"], seen["remote"]["status"]) == ("absent", "absent")
    assert azure_lab.peering(hub.to(data)) is azure_lab.peering(data.to(hub)) is None


def test_networks_of_two_subscriptions_are_peered(azure_lab):
    (hub,) = azure_lab.networks("hub")
    group = "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/connectivity"
    far = network_in(azure_lab, group, "far")
    run_to_the_end(peer(hub, far))
    assert azure_lab.peering(hub.to(far)) == azure_lab.peering(far.to(hub)) == CONNECTED


def network_in(lab, group, name):
    network = Network(
        id=f"{group}/providers/Microsoft.Network/virtualNetworks/{name}", name=name, address_prefix="10.90.0.0/24"
    )
    space = {"addressSpace": {"addressPrefixes": [network.address_prefix]}}
    lab.put(network.id, {"location": "westeurope", "properties": space})
    return network


# -- another tenant -----------------------------------------------------------------------------------

ASTRO_GROUP = "/subscriptions/00000000-0000-4000-8000-000000000011/resourceGroups/astro-cluster"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"


@pytest.fixture
def tenants(azure_lab, monkeypatch):
    """A network in each tenant, and connections of Astronomer's application, which is known in both."""
    (data,) = azure_lab.networks("data")
    role = f"/subscriptions/{azure_lab.subscription_id}/providers/Microsoft.Authorization/roleDefinitions"
    azure_lab.put(
        f"{data.id}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000aa01",
        {
            "properties": {
                "roleDefinitionId": f"{role}/{NETWORK_CONTRIBUTOR}",
                "principalId": azure_lab.principal("astronomer").also_in["customer"],
                "principalType": "ServicePrincipal",
            }
        },
    )
    ids = {name: azure_lab.local.seed.tenant(name).id for name in ("customer", "astronomer")}

    def sign_in(conn_id, tenant, auxiliary=""):
        connection = json.loads(connection_of(azure_lab, "astronomer"))
        connection["extra"] |= {"tenantId": ids[tenant], "auxiliary_tenants": ids.get(auxiliary, "")}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))

    network_id = f"{ASTRO_GROUP}/providers/Microsoft.Network/virtualNetworks/astro-cluster"
    return data, Network(id=network_id, name="astro-cluster", address_prefix="172.20.0.0/19"), sign_in


def states_of(lab, local, remote):
    """Both sides as their owners see them."""
    theirs = lab.request("GET", remote.to(local).id, principal="vendor-operations")["properties"]
    return lab.peering(local.to(remote)), (theirs["peeringState"], theirs["peeringSyncLevel"])


@BOTH_MODES
def test_networks_of_two_tenants_are_peered_by_a_connection_each(azure_lab, tenants, deferrable):
    data, astro, sign_in = tenants
    sign_in(CONN_ID, "customer", auxiliary="astronomer")
    sign_in("azure_remote", "astronomer", auxiliary="customer")
    azure_lab.change_settings(time_scale=0.1)
    seen = run_to_the_end(peer(data, astro, remote_azure_conn_id="azure_remote", deferrable=deferrable))
    assert states_of(azure_lab, data, astro) == (CONNECTED, CONNECTED)
    assert (seen["local"]["status"], seen["remote"]["status"]) == ("connected", "connected")


def test_one_side_is_told_connected_where_the_other_tenants_is_not_visible(azure_lab, tenants):
    data, astro, sign_in = tenants
    sign_in(CONN_ID, "astronomer", auxiliary="customer")
    run_to_the_end(peer(astro, data, sides="local", until="initiated"))
    sign_in(CONN_ID, "customer", auxiliary="astronomer")
    seen = run_to_the_end(peer(data, astro, sides="local"))
    assert (seen["local"]["status"], seen["remote"]["status"]) == ("connected", "not_visible")
    assert "the other one is not visible to us" in seen["words"]
    assert states_of(azure_lab, data, astro) == (CONNECTED, CONNECTED)


def test_without_the_other_tenants_token_the_error_says_which_to_add(tenants):
    data, astro, sign_in = tenants
    sign_in(CONN_ID, "customer")
    with pytest.raises(AzureTenantError, match="auxiliary tenants"):
        run_to_the_end(peer(data, astro, sides="local"))


# -- the sensor ---------------------------------------------------------------------------------------


@BOTH_MODES
def test_the_sensor_ends_when_both_sides_are_there(azure_lab, deferrable):
    hub, data = azure_lab.networks("hub", "data")
    azure_lab.put(hub.to(data).id, hub.to(data).body)
    sensor = wait_for(hub, data, deferrable=deferrable)
    make_other = [lambda: azure_lab.put(data.to(hub).id, data.to(hub).body)]
    if not deferrable:
        assert sensor.poke(context()).is_done is False
        make_other.pop()()
    assert run_to_the_end(sensor, meanwhile=make_other)["remote"]["status"] == "connected"


def last_line(sensor):
    with pytest.raises(AirflowSensorTimeout) as raised:
        run_to_the_end(sensor)
    return str(raised.value)


def test_the_sensor_tells_the_states_apart_and_whose_move_it_is(azure_lab):
    hub, data = azure_lab.networks("hub", "data")
    sensor = wait_for(hub, data, timeout=0.1)
    assert "hub: no peering; data: no peering. the owner of hub has to make a peering to data" in last_line(sensor)
    azure_lab.put(hub.to(data).id, hub.to(data).body)
    assert "hub/to-data: Initiated" in last_line(sensor)
    assert "the owner of data has to make the other side, a peering from there to hub" in last_line(sensor)
    azure_lab.put(data.to(hub).id, data.to(hub).body)
    changed = {"addressSpace": {"addressPrefixes": [hub.address_prefix, "10.200.0.0/24"]}}
    changed["virtualNetworkPeerings"] = azure_lab.get(hub.id)["properties"]["virtualNetworkPeerings"]
    azure_lab.put(hub.id, {"location": "westeurope", "properties": changed})
    assert "hub/to-data: Connected, RemoteNotInSync" in last_line(sensor)
    assert "the owner of data has to sync its side: the address space of hub has changed" in last_line(sensor)


@BOTH_MODES
def test_the_sensor_fails_at_once_where_the_peering_is_disconnected(azure_lab, deferrable):
    hub, data = azure_lab.networks("hub", "data")
    run_to_the_end(peer(hub, data))
    azure_lab.delete(data.to(hub).id)
    with pytest.raises(
        AzureConflictError, match=r"it is disconnected, .* the other side was deleted: the owner of hub"
    ):
        run_to_the_end(wait_for(hub, data, deferrable=deferrable))


@BOTH_MODES
def test_the_sensor_waits_until_a_peering_is_gone(azure_lab, deferrable):
    hub, data = azure_lab.networks("hub", "data")
    run_to_the_end(peer(hub, data))
    sensor = wait_for(hub, data, until="absent", deferrable=deferrable)
    if not deferrable:
        assert sensor.poke(context()).is_done is False
        azure_lab.delete(hub.to(data).id)
    meanwhile = [lambda: azure_lab.delete(hub.to(data).id)] if deferrable else []
    assert run_to_the_end(sensor, meanwhile=meanwhile)["local"]["status"] == "absent"


def test_a_look_is_not_made_up_of_two_moments(azure_lab):
    hub, data = azure_lab.networks("hub", "data")
    run_to_the_end(peer(hub, data))

    def looks_at_hub():
        return len(azure_lab.journal(method="GET", path=f"{hub.id}/virtualNetworkPeerings"))

    before = looks_at_hub()
    held = azure_lab.fault("throttled:2", method="GET", path=f"{data.id}/virtualNetworkPeerings")
    with ThreadPoolExecutor(1) as pool:
        look = pool.submit(wait_for(hub, data).poke, context())
        while not (held.applied and looks_at_hub() > before):
            time.sleep(0.01)
        azure_lab.delete(data.to(hub).id)
        with pytest.raises(AzureConflictError, match="it is disconnected"):
            look.result()


def test_a_state_that_is_to_fail_the_sensor_may_be_chosen(azure_lab):
    hub, data = azure_lab.networks("hub", "data")
    with pytest.raises(AzureConflictError, match="it is absent"):
        run_to_the_end(wait_for(hub, data, fail_on="absent, disconnected"))


# -- arguments ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"virtual_network_id": ""}, "virtual_network_id: is missing"),
        ({"remote_virtual_network_id": "data"}, "'data' is no resource id"),
        ({"peering_name": "-x"}, "'-x' is no name for a peering"),
        ({"sides": "neither"}, "sides: 'neither' is not known; write both or local"),
        ({"until": "absent"}, "until: 'absent' is not known; write connected or initiated"),
        ({"use_remote_gateways": "perhaps"}, "use_remote_gateways: 'perhaps' is neither true nor false"),
        ({"use_remote_gateways": True, "remote_allow_gateway_transit": False}, "does not let its gateways be used"),
        ({"local_subnet_names": ["a"]}, "subnet names: are given for one network only"),
        ({"only_ipv6": True}, "only_ipv6: needs subnets"),
        ({"timeout_s": 0}, "timeout_s: 0 is no time"),
    ],
)
def test_a_wrong_argument_is_named_before_azure_is_asked(azure_lab, arguments, told):
    hub, data = azure_lab.networks("hub", "data")
    with pytest.raises(InvalidInputError, match=told):
        peer(hub, data, **arguments).execute(context())
    assert azure_lab.journal(service="arm") == []


def test_a_network_is_not_peered_with_itself(azure_lab):
    (hub,) = azure_lab.networks("hub")
    with pytest.raises(InvalidInputError, match="is the local one"):
        peer(hub, hub).execute(context())


def test_the_portals_page_is_that_of_the_peering(azure_lab):
    hub, data = azure_lab.networks("hub", "data")
    given = context()
    peer(hub, data).execute(given)
    page = given["ti"].xcoms["azure_portal"]
    assert page == f"https://portal.azure.com/#@{azure_lab.tenant_id}/resource{hub.to(data).id}"


def test_no_secret_of_the_connection_is_in_what_travels(azure_lab, caplog, capsys):
    hub, data = azure_lab.networks("hub", "data")
    given = context()
    operator = peer(hub, data)
    seen = operator.execute(given)
    told = json.dumps([seen, given["ti"].xcoms]) + caplog.text + "".join(capsys.readouterr()) + repr(vars(operator))
    assert azure_lab.principal().client_secret not in told
    assert "eyJ" not in told


@BOTH_MODES
def test_the_sensor_takes_our_sides_word_where_the_other_tenant_is_not_visible(azure_lab, tenants, deferrable):
    data, astro, sign_in = tenants
    sign_in(CONN_ID, "customer", auxiliary="astronomer")
    sign_in("azure_remote", "astronomer", auxiliary="customer")
    run_to_the_end(peer(data, astro, remote_azure_conn_id="azure_remote"))
    seen = run_to_the_end(wait_for(data, astro, deferrable=deferrable))
    assert (seen["local"]["status"], seen["remote"]["status"]) == ("connected", "not_visible")
