"""Waiting for private endpoints, from the endpoint's side and from the owner's, in the worker and in the triggerer."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_netconn.azure.private_endpoint_state import PrivateEndpointState
from airflow_provider_netconn.azure.private_endpoint_status import PrivateEndpointStatus, PrivateEndpointStatusWatch
from airflow_provider_netconn.errors import AzureConflictError, InvalidOptionError
from airflow_provider_netconn.operators.private_endpoint_connection import PrivateEndpointConnectionOperator
from airflow_provider_netconn.sensors.private_endpoint import PrivateEndpointSensor
from tests.azure.private_endpoint_requests import Landscape
from tests.azure.tasks import CONN_ID, context, run_to_the_end, signed_in  # noqa: F401 - a fixture

MESSAGE = "orders"
STORAGE, SINGLE = "Microsoft.Storage/storageAccounts", "Microsoft.DBforMySQL/servers"
ENDPOINT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/pe"


@pytest.fixture
def landscape(azure_lab, signed_in):  # noqa: F811
    return Landscape.of(azure_lab)


@pytest.fixture(params=[STORAGE, SINGLE], ids=["listed", "read off the resource"])
def target(landscape, request):
    return landscape.target(request.param)


def sensor(**arguments):
    given = {"poke_interval": 0.05, "timeout": 20, **arguments}
    return PrivateEndpointSensor(task_id="wait", azure_conn_id=CONN_ID, **given)


def decide(target_id, action):
    task = PrivateEndpointConnectionOperator(
        task_id="decide", azure_conn_id=CONN_ID, target_id=target_id, action=action, request_message=MESSAGE
    )
    return lambda: run_to_the_end(task)


@pytest.fixture(params=["by endpoint", "alone", "by requester", "by message"])
def whose(request, landscape, target):
    """The arguments that say whose request is meant, for each side."""
    endpoint = landscape.request(target, message=MESSAGE)
    return {
        "by endpoint": {"endpoint_id": endpoint},
        "alone": {"endpoint_id": endpoint, "read_alone": True},
        "by requester": {"target_id": target, "requester_subscription_ids": [landscape.lab.subscription_id]},
        "by message": {"target_id": target, "request_message": MESSAGE},
    }[request.param]


def test_it_waits_in_the_triggerer_for_the_owners_decision(target, whose):
    facts = run_to_the_end(sensor(deferrable=True, **whose), meanwhile=[decide(target, "approve")])
    assert (facts["connections"][0] if "connections" in facts else facts)["status"] == "Approved"


def test_it_fails_at_once_where_the_owner_has_rejected(target, whose):
    decide(target, "reject")()
    for deferrable in (False, True):
        with pytest.raises(AzureConflictError, match=r"delete the .*endpoint and make it again"):
            run_to_the_end(sensor(deferrable=deferrable, **whose))


@pytest.mark.parametrize("deferrable", [False, True])
def test_each_status_can_be_waited_for(landscape, deferrable):
    target = landscape.target(STORAGE)
    endpoint = landscape.request(target, message=MESSAGE)

    def wait(status):
        for whose in ({"endpoint_id": endpoint}, {"target_id": target, "endpoint_id": endpoint}):
            run_to_the_end(sensor(deferrable=deferrable, target_status=status, **whose))

    wait("Pending")
    decide(target, "approve")()
    wait("approved")
    for whose in ({"endpoint_id": endpoint}, {"target_id": target, "endpoint_id": endpoint}):
        with pytest.raises(AzureConflictError, match="wait for Approved instead"):
            run_to_the_end(sensor(deferrable=deferrable, target_status="Pending", **whose))
    decide(target, "reject")()
    wait("Rejected")
    decide(target, "remove")()
    wait("Disconnected")
    with pytest.raises(AzureConflictError, match="Disconnected never becomes Rejected"):
        run_to_the_end(sensor(deferrable=deferrable, target_status="Rejected", endpoint_id=endpoint))
    landscape.lab.delete(endpoint)
    wait("Disconnected")


def test_at_its_timeout_it_says_what_it_saw(landscape):
    target = landscape.target(STORAGE)
    endpoint = landscape.request(target, message="not ours")
    for deferrable in (False, True):
        waiting = sensor(deferrable=deferrable, target_id=target, request_message=MESSAGE, timeout=0.3)
        with pytest.raises(AirflowSensorTimeout) as caught:
            run_to_the_end(waiting)
        assert f'no connection with the message "{MESSAGE}": there are {endpoint} is Pending' in str(caught.value)


def test_an_endpoint_that_may_not_be_seen_is_an_error_that_names_the_other_ways(landscape, signed_in):  # noqa: F811
    [platform] = [one.id for one in landscape.lab.local.seed.subscriptions if one.name == "platform"]
    foreign = ENDPOINT.replace("/s/", f"/{platform}/")
    signed_in("reader")
    with pytest.raises(AzureConflictError) as caught:
        run_to_the_end(sensor(endpoint_id=foreign))
    assert "read_alone=True" in str(caught.value)
    assert "wait by target_id" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "endpoint_id, target_id: none of them is given"),
        ({"request_message": MESSAGE}, "target_id: it is needed to look for requests by requester or message"),
        ({"endpoint_id": "/subscriptions/s/resourceGroups/g"}, "is no private endpoint's id"),
        ({"endpoint_id": ENDPOINT, "target_status": "done"}, "target_status: 'Done' is none; write Pending, Approved"),
        ({"target_id": f"/subscriptions/s/resourceGroups/g/providers/{STORAGE}/a"}, "none of them is given"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_asked(landscape, arguments, words):
    with pytest.raises(InvalidOptionError) as caught:
        sensor(**arguments).execute(context())
    assert words in str(caught.value)
    assert not landscape.lab.journal(service="arm")


# -- the status of an endpoint, without a lab --------------------------------------------------------


def status(target_status, seen="", provisioning="Succeeded", **more):
    state = PrivateEndpointState(endpoint_id=ENDPOINT, status=seen, provisioning_state=provisioning, **more)
    judged = PrivateEndpointStatus(seen=state, target_status=target_status)
    assert PrivateEndpointStatus.from_json(json.loads(json.dumps(judged.to_json()))) == judged
    return judged


@pytest.mark.parametrize(
    ("judged", "settled", "hopeless"),
    [
        (status("Approved", "Approved", "Updating"), False, False),
        (status("Approved", "Approved"), True, False),
        (status("Approved", "", ""), False, False),
        (status("Approved", "Pending", "Failed"), False, True),
        (status("Disconnected", "", ""), True, False),
        (status("Disconnected", "Rejected"), False, False),
        (status("Rejected", "Approved"), False, False),
        (status("Disconnected", "", "", not_visible="403"), False, True),
    ],
)
def test_the_statuses_of_an_endpoint_are_told_apart(judged, settled, hopeless):
    assert (judged.settled, bool(judged.hopeless)) == (settled, hopeless)


def test_its_watch_goes_through_json():
    watch = PrivateEndpointStatusWatch(endpoint_id=ENDPOINT, target_status="Pending", read_alone=True)
    assert PrivateEndpointStatusWatch.from_json(json.loads(json.dumps(watch.to_json()))) == watch
    assert [scope.path for scope in watch.scopes] == [ENDPOINT]
