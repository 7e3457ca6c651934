"""The operator of an endpoint's owner: its arguments, its rights, its waits, what it tells."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.errors import (
    AzureForbiddenError,
    AzureNotFoundError,
    AzureOperationFailedError,
    InvalidOptionError,
)
from airflow_provider_netconn.operators.private_endpoint_connection import PrivateEndpointConnectionOperator
from tests.azure.private_endpoint_requests import Landscape
from tests.azure.tasks import CONN_ID, context, run_to_the_end, signed_in  # noqa: F401 - a fixture

MESSAGE = "orders"
STORAGE, REGISTRY = "Microsoft.Storage/storageAccounts", "Microsoft.ContainerRegistry/registries"
POSTGRES = "Microsoft.DBforPostgreSQL/flexibleServers"


@pytest.fixture
def landscape(azure_lab, signed_in):  # noqa: F811
    return Landscape.of(azure_lab)


def task(target_id, action="approve", **arguments):
    given = {"request_message": MESSAGE, "poll_interval_s": 0.05, "timeout_s": 30, **arguments}
    return PrivateEndpointConnectionOperator(
        task_id="decide", azure_conn_id=CONN_ID, target_id=target_id, action=action, **given
    )


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("resource_type", [STORAGE, REGISTRY])
def test_it_approves_rejects_and_removes(landscape, resource_type, deferrable):
    target = landscape.target(resource_type)
    endpoint = landscape.request(target, message=MESSAGE)
    for action, status in (("approve", "Approved"), ("reject", "Rejected"), ("remove", "Disconnected")):
        facts = run_to_the_end(task(target, action, deferrable=deferrable))
        assert landscape.seen_by(endpoint)[0] == status
        assert facts["target_id"] == target
        assert [one["status"] for one in facts["connections"]] == ([] if action == "remove" else [status])


def test_while_a_service_is_at_work_it_waits_in_the_triggerer(landscape):
    target = landscape.target(REGISTRY)
    endpoint = landscape.request(target, message=MESSAGE)
    landscape.lab.change_settings(time_scale=100.0)
    facts = run_to_the_end(task(target, deferrable=True), meanwhile=[lambda: landscape.lab.advance(600)])
    assert facts["connections"][0]["status"] == "Approved"
    assert facts["connections"][0]["endpoint_id"] == endpoint
    assert len(landscape.lab.journal(method="PUT", service="arm")) == 1


def test_a_change_that_fails_while_it_waits_is_done_once_more_and_then_told(landscape):
    target = landscape.target(REGISTRY)
    landscape.request(target, message=MESSAGE)
    landscape.lab.change_settings(time_scale=100.0)
    landscape.lab.fault(
        "operation-fails:Broken", method="PUT", path="*/privateEndpointConnections/*", service="arm", times=2
    )

    def let_it_fail():
        landscape.lab.advance(600)
        landscape.lab.change_settings(time_scale=0.0)

    with pytest.raises(AzureOperationFailedError, match="Broken"):
        run_to_the_end(task(target, deferrable=True), meanwhile=[let_it_fail])
    assert len(landscape.lab.journal(method="PUT", service="arm")) == 2
    assert run_to_the_end(task(target))["connections"][0]["status"] == "Approved"


def test_a_rejection_that_cannot_be_taken_back_is_told_by_the_task_that_tries(landscape):
    target = landscape.target(POSTGRES)
    landscape.request(target, message=MESSAGE)
    run_to_the_end(task(target, "reject"))
    with pytest.raises(AzureOperationFailedError, match="make it again"):
        run_to_the_end(task(target, deferrable=True, timeout_s=15))


def test_without_a_guard_there_is_no_such_task():
    with pytest.raises(InvalidOptionError, match="whatever happens to be pending is never taken"):
        task("/subscriptions/s/x", request_message=None)


def test_templates_that_render_no_guard_approve_nothing(landscape):
    target = landscape.target(STORAGE)
    endpoint = landscape.request(target)
    decide = task(target, request_message="{{ params.message }}")
    decide.request_message = "None"
    with pytest.raises(InvalidOptionError, match="none of them is given"):
        decide.execute(context())
    assert landscape.seen_by(endpoint)[0] == "Pending"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"action": "accept"}, "action: 'accept' is none; write approve, reject, remove"),
        ({"target_id": "orders"}, "target_id: 'orders' is no resource id"),
        ({"target_id": "/subscriptions/s/resourceGroups/g"}, "target_id: resources of the type group"),
        ({"endpoint_id": "/subscriptions/s/resourceGroups/g"}, "is not the id of a private endpoint"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_asked(landscape, arguments, words):
    target = landscape.target(STORAGE)
    with pytest.raises(InvalidOptionError) as caught:
        task(**{"target_id": target, **arguments}).execute(context())
    assert words in str(caught.value)
    assert not landscape.lab.journal(service="arm")


def test_a_missing_right_is_named_before_anything_is_written(landscape, signed_in):  # noqa: F811
    target = landscape.target(STORAGE)
    endpoint = landscape.request(target, message=MESSAGE)
    signed_in("reader")
    with pytest.raises(AzureForbiddenError, match=f"{STORAGE}/privateEndpointConnections/write"):
        task(target).execute(context())
    with pytest.raises(AzureForbiddenError, match=f"{STORAGE}/privateEndpointConnections/delete"):
        task(target, "remove").execute(context())
    assert landscape.seen_by(endpoint)[0] == "Pending"


def test_whose_request_is_not_there_it_says_what_is(landscape):
    target = landscape.target(STORAGE)
    endpoint = landscape.request(target, message="somebody else's")
    with pytest.raises(AzureNotFoundError, match=f'no request to it is with the message "{MESSAGE}"') as caught:
        task(target).execute(context())
    assert f'{endpoint} is Pending, "somebody else\'s"' in str(caught.value)


def test_it_keeps_the_portals_page_of_the_resource(landscape):
    target = landscape.target(STORAGE)
    landscape.request(target, message=MESSAGE)
    given = context()
    task(target).execute(given)
    assert given["ti"].xcoms["azure_portal"].endswith(f"/resource{target}")
