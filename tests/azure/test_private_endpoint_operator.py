"""The operators for private endpoints on the lab, waiting on the worker and in the triggerer."""

from __future__ import annotations

import json
import logging

import pytest

from airflow_provider_netconn.azure.private_link_cost import monthly_cost, prices
from airflow_provider_netconn.errors import (
    AzureConflictError,
    AzureDeadlineExceededError,
    AzureForbiddenError,
    InvalidInputError,
)
from airflow_provider_netconn.operators.private_endpoint import PrivateEndpointDeleteOperator, PrivateEndpointOperator
from tests.azure.endpoints import (
    BLOB_ZONE,
    DATA_GROUP,
    ENDPOINT,
    LAKE,
    NETWORK,
    NETWORK_GROUP,
    SUBNET,
    assign,
    decide,
    grant,
    take_roles,
    written,
)
from tests.azure.tasks import CONN_ID, context, run_to_the_end, signed_in  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("signed_in")
BOTH_MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
HOST = "contosolake.blob.core.windows.net"


def operator(**arguments):
    defaults = {
        "task_id": "private_endpoint",
        "azure_conn_id": CONN_ID,
        "endpoint_id": ENDPOINT,
        "target_id": LAKE,
        "subnet_id": SUBNET,
        "group_id": "blob",
        "create_dns_zones": True,
        "deferrable": False,
        "poll_interval_s": 0.05,
        "timeout_s": 60,
    }
    return PrivateEndpointOperator(**{**defaults, **arguments})


def delete(**arguments):
    defaults = {"task_id": "delete", "azure_conn_id": CONN_ID, "endpoint_id": ENDPOINT, "poll_interval_s": 0.05}
    return PrivateEndpointDeleteOperator(**{**defaults, "timeout_s": 60, "deferrable": False, **arguments})


@BOTH_MODES
def test_it_ends_approved_with_addresses_names_and_records(azure_lab, deferrable):
    azure_lab.change_settings(time_scale=0.01)
    told = run_to_the_end(operator(deferrable=deferrable))
    assert told["status"] == "Approved"
    assert told["names"] == {HOST: told["addresses"]}
    assert told["zone_ids"] == [BLOB_ZONE]
    record = azure_lab.get(f"{BLOB_ZONE}/A/contosolake")["properties"]["aRecords"]
    assert [one["ipv4Address"] for one in record] == told["addresses"]
    assert len(json.dumps(told)) < 2000
    paths = [path for _, path in written(azure_lab)]
    assert len(paths) == len(set(paths)) == 4


@BOTH_MODES
def test_an_approval_that_comes_while_it_waits_ends_it(azure_lab, deferrable):
    asked = operator(manual=True, request_message="Airflow of Contoso", deferrable=deferrable, timeout_s=60)
    if deferrable:
        told = run_to_the_end(asked, meanwhile=waits_for_owner(azure_lab, lambda: decide(azure_lab, "Approved")))
    else:
        run_to_the_end(operator(manual=True, wait_for_approval=False))
        decide(azure_lab, "Approved")
        told = run_to_the_end(asked)
    assert told["status"] == "Approved"
    assert told["names"] == {HOST: told["addresses"]}
    assert azure_lab.get(f"{BLOB_ZONE}/A/contosolake") is not None


def waits_for_owner(lab, decide_now):
    """To be done in the waits one after another: nothing while Azure is at work, then the owner's word."""
    lab.change_settings(time_scale=0.05)
    return [lambda: None, lambda: None, lambda: None, decide_now]


def test_a_wait_for_approval_that_is_too_short_says_whose_move_it_is():
    with pytest.raises(AzureDeadlineExceededError, match="the owner of storageAccounts/contosolake has to approve"):
        run_to_the_end(operator(manual=True, timeout_s=2))


def test_what_is_rejected_while_it_waits_fails_it_and_is_not_made_again(azure_lab):
    def reject():
        decide(azure_lab, "Rejected", description="not you")

    asked = operator(manual=True, deferrable=True, replace=True)
    with pytest.raises(AzureConflictError, match=r"Rejected: .*'not you'.*replace=True"):
        run_to_the_end(asked, meanwhile=waits_for_owner(azure_lab, reject))
    assert len(written(azure_lab, kind="privateEndpoints/pe-lake", methods=("DELETE",))) == 0


@BOTH_MODES
def test_what_was_rejected_before_is_made_again_where_that_is_asked_for(azure_lab, deferrable):
    run_to_the_end(operator(manual=True, wait_for_approval=False))
    decide(azure_lab, "Rejected")
    with pytest.raises(AzureConflictError, match="Rejected"):
        run_to_the_end(operator(manual=True, deferrable=deferrable))
    azure_lab.change_settings(time_scale=0.01)
    again = operator(manual=True, wait_for_approval=False, replace="true", deferrable=deferrable)
    assert run_to_the_end(again)["status"] == "Pending"


def test_a_retry_writes_nothing_more(azure_lab):
    first = run_to_the_end(operator())
    before = written(azure_lab)
    assert run_to_the_end(operator()) == first
    assert written(azure_lab) == before


@BOTH_MODES
def test_it_is_deleted(azure_lab, deferrable):
    run_to_the_end(operator())
    azure_lab.change_settings(time_scale=0.05)
    for _ in range(2):
        assert run_to_the_end(delete(deferrable=deferrable)) == {"endpoint_id": ENDPOINT}
    assert azure_lab.get(ENDPOINT) is None
    assert azure_lab.get(f"{BLOB_ZONE}/A/contosolake") is None
    assert azure_lab.get(BLOB_ZONE) is not None


@BOTH_MODES
def test_rights_on_the_groups_alone_are_enough(azure_lab, signed_in, deferrable):  # noqa: F811
    """The endpoints of the whole subscription cannot be listed then: the poller reads the one."""
    assign(azure_lab, "airflow", "Network Contributor", NETWORK_GROUP)
    signed_in("airflow")
    azure_lab.change_settings(time_scale=0.05)
    asked = operator(manual=True, wait_for_approval=False, create_dns_zones=False, dns_zone_group=False)
    asked.deferrable = deferrable
    assert run_to_the_end(asked)["status"] == "Pending"
    listed = [one.path for one in azure_lab.journal(method="GET") if one.path.endswith("/privateEndpoints")]
    assert listed == []


def test_missing_rights_are_named_before_anything_is_written(azure_lab, signed_in):  # noqa: F811
    signed_in("reader")
    with pytest.raises(AzureForbiddenError, match="nothing was written") as caught:
        run_to_the_end(operator(dns_resource_group_id=DATA_GROUP, link_networks=[NETWORK]))
    for action in (
        "Microsoft.Network/privateEndpoints/write",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Storage/storageAccounts/PrivateEndpointConnectionsApproval/action",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/write",
        "Microsoft.Network/privateDnsZones/write",
        "Microsoft.Network/privateDnsZones/join/action",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks/write",
        "Microsoft.Network/virtualNetworks/join/action",
    ):
        assert action in str(caught.value)
    assert "manual=True" in str(caught.value)
    assert written(azure_lab) == []


@pytest.mark.parametrize("left_out", range(14))
def test_with_exactly_the_needed_actions_it_works_and_with_one_less_it_says_which(azure_lab, signed_in, left_out):  # noqa: F811
    needed = operator().needed_actions()
    pairs = [(scope, action) for scope, actions in needed.items() for action in actions]
    assert len(pairs) == 13
    take_roles(azure_lab, "airflow")
    grant(azure_lab, "sees rights", f"/subscriptions/{azure_lab.subscription_id}", ["Microsoft.Authorization/*/read"])
    for number, scope in enumerate(needed):
        actions = [action for place, action in pairs if place == scope and pairs.index((place, action)) != left_out]
        grant(azure_lab, f"part {number}", scope, actions)
    signed_in("airflow")
    if left_out == len(pairs):
        assert run_to_the_end(operator())["status"] == "Approved"
        return
    with pytest.raises(AzureForbiddenError) as caught:
        run_to_the_end(operator())
    assert pairs[left_out][1] in str(caught.value)
    assert written(azure_lab) == []


def test_the_cost_is_told_before_anything_is_made(azure_lab, caplog, capsys):
    caplog.set_level(logging.INFO)
    with pytest.raises(InvalidInputError):
        run_to_the_end(operator(group_id="blobs"))
    told = caplog.text + capsys.readouterr().out  # Airflow 2 logs to the one, Airflow 3 to the other
    assert "USD 7.30 to 19.80 a month" in told
    assert prices().as_of in told
    assert written(azure_lab) == []


def test_the_range_spans_no_traffic_and_much_with_all_zones_new():
    assert (monthly_cost().low, monthly_cost().high) == (pytest.approx(7.3), pytest.approx(17.3))
    assert monthly_cost(new_zones=2).high == pytest.approx(18.3)
    assert "new private DNS zones" not in str(monthly_cost())


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"endpoint_id": "pe-lake"}, "endpoint_id"),
        ({"endpoint_id": None}, "endpoint_id"),
        ({"target_id": ""}, "target_id"),
        ({"subnet_id": None}, "subnet_id"),
        ({"manual": "perhaps"}, "manual"),
        ({"static_address": "10.20.1.300"}, "static_address"),
        ({"static_address": "{not json"}, "static_address"),
        ({"tags": {"a": 1}}, "tags"),
        ({"tags": "x"}, "tags"),
        ({"link_networks": [NETWORK], "create_dns_zones": False}, "link_networks"),
        ({"dns_resource_group_id": "network"}, "dns_resource_group_id"),
        ({"group_id": "vault"}, "group_id"),
    ],
)
def test_what_is_not_usable_is_named_before_anything_is_written(azure_lab, arguments, field):
    with pytest.raises(InvalidInputError, match=f"^{field}"):
        run_to_the_end(operator(**arguments))
    assert written(azure_lab) == []


def test_arguments_may_be_templates(azure_lab):
    task = operator(
        endpoint_id="{{ params.endpoint }}", tags="{{ params.tags | tojson }}",
        static_address="{{ params.address | tojson }}",
        manual="{{ params.manual }}", link_networks="{{ params.networks | tojson }}", group_id="{{ params.group }}",
        request_message="{{ params.message }}",
    )  # fmt: skip
    params = {"endpoint": ENDPOINT, "address": {"blob": "10.20.1.80"}, "tags": {"team": "data"}, "manual": False}
    params |= {"networks": [NETWORK], "group": "blob", "message": None}
    task.render_template_fields({**context(), "params": params})
    assert run_to_the_end(task)["addresses"] == ["10.20.1.80"]
    assert azure_lab.get(ENDPOINT)["tags"] == {"team": "data"}
