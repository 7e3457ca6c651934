"""The owner's side of private endpoints on the local Azure: every type of the table, every service's refusals."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from airflow_provider_netconn.azure.deadlines import deadline
from airflow_provider_netconn.azure.private_endpoint_connection import (
    ConnectionDecision,
    PrivateEndpointConnectionState,
    PrivateEndpointConnectionWatch,
    RequestFilter,
    delete_private_endpoint_connection,
    ensure_private_endpoint_connection,
    needed_actions,
)
from airflow_provider_netconn.azure.private_endpoint_connection_types import connection_types
from airflow_provider_netconn.errors import (
    AzureDeadlineExceededError,
    AzureInvalidRequestError,
    AzureNotFoundError,
    AzureOperationFailedError,
    InvalidOptionError,
)
from tests.azure.private_endpoint_requests import Landscape

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "facts"
MESSAGE = "please, for the orders pipeline"
STORAGE, SEARCH = "Microsoft.Storage/storageAccounts", "Microsoft.Search/searchServices"
VAULT, REGISTRY = "Microsoft.KeyVault/vaults", "Microsoft.ContainerRegistry/registries"
COSMOS, POSTGRES = "Microsoft.DocumentDB/databaseAccounts", "Microsoft.DBforPostgreSQL/flexibleServers"
SINGLE, SQL = "Microsoft.DBforMySQL/servers", "Microsoft.Sql/servers"
HUBS, CHAOS = "Microsoft.Synapse/privateLinkHubs", "Microsoft.Chaos/privateAccesses"
UNUSUAL = {HUBS, CHAOS, "Microsoft.Network/privateLinkServices"}
TYPES = [one.type for one in connection_types().values() if one.type not in UNUSUAL]


@pytest.fixture
def landscape(azure_lab):
    return Landscape.of(azure_lab)


@pytest.fixture
def act(open_session):
    """Run functions of the room on a session of their own, one after the other, within a minute."""

    def run(*calls, principal=None, seconds=60):
        async def main():
            async with open_session(principal) as azure:
                with deadline(seconds):
                    for function, arguments, options in calls:
                        result = await function(azure, *arguments, **options)
                return result

        return asyncio.run(main())

    return run


def decide(target, status, *, wait=True, description="", **requests):
    requests = requests or {"request_message": MESSAGE}
    wanted = ConnectionDecision(
        target_id=target, requests=RequestFilter(**requests), status=status, description=description
    )
    return ensure_private_endpoint_connection, (wanted,), {"wait": wait}


def remove(target, *, wait=True, **requests):
    requests = requests or {"request_message": MESSAGE}
    return delete_private_endpoint_connection, (target, RequestFilter(**requests)), {"wait": wait}


def writes(lab):
    return [one for method in ("PUT", "PATCH", "DELETE") for one in lab.journal(method=method, service="arm")]


# -- every type -------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource_type", TYPES)
def test_on_every_type_a_request_is_approved_once_and_then_removed(landscape, act, resource_type):
    target = landscape.target(resource_type)
    endpoint = landscape.request(target, message=MESSAGE)
    state = act(decide(target, "Approved"), decide(target, "Approved"))
    assert (state.settled, [one.status for one in state.connections]) == (True, ["Approved"])
    assert landscape.seen_by(endpoint) == ("Approved", MESSAGE)
    assert len(writes(landscape.lab)) == 1
    gone = act(remove(target, endpoint_id=endpoint), remove(target, endpoint_id=endpoint))
    assert (gone.settled, gone.connections) == (True, ())
    assert landscape.seen_by(endpoint)[0] == "Disconnected"
    assert len(writes(landscape.lab)) == 2


def test_what_has_no_api_is_refused_before_anything_is_asked(landscape, act):
    hub, chaos = landscape.target(HUBS, "hub1"), landscape.target(CHAOS)
    for call, words in (
        (decide(hub, "Approved"), "do it in the portal"),
        (remove(hub), "have the endpoints deleted"),
        (decide(chaos, "Rejected"), "removing them is possible"),
    ):
        with pytest.raises(InvalidOptionError, match=words):
            act(call)
    assert not landscape.lab.journal(service="arm")


def test_where_no_change_is_possible_removal_is(landscape, act):
    target = landscape.target(CHAOS)
    endpoint = landscape.request(target, message=MESSAGE)
    assert act(remove(target)).settled
    assert landscape.seen_by(endpoint)[0] == "Disconnected"


def test_on_a_private_link_service_too(landscape, act):
    """Requests of its own subscription are approved at once."""
    [network] = landscape.lab.networks("services")
    subnet = f"{network.id}/subnets/nat"
    disabled = {"addressPrefix": network.address_prefix, "privateLinkServiceNetworkPolicies": "Disabled"}
    landscape.lab.put(subnet, {"properties": disabled})
    balancer = f"{landscape.group_id}/providers/Microsoft.Network/loadBalancers/lb"
    service = f"{landscape.group_id}/providers/Microsoft.Network/privateLinkServices/ours"
    properties = {
        "loadBalancerFrontendIpConfigurations": [{"id": f"{balancer}/frontendIPConfigurations/front"}],
        "ipConfigurations": [{"name": "nat", "properties": {"subnet": {"id": subnet}}}],
    }
    landscape.lab.put(service, {"location": "westeurope", "properties": properties})
    endpoint = landscape.request(service, groups=())
    for status in ("Approved", "Rejected"):
        assert act(decide(service, status, endpoint_id=endpoint)).settled
        assert landscape.seen_by(endpoint)[0] == status
    assert act(remove(service, endpoint_id=endpoint)).settled
    assert landscape.seen_by(endpoint)[0] == "Disconnected"


# -- the table --------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.exists(), reason="the tables that it was made from are not here")
def test_the_table_says_what_its_sources_say():
    specs = json.loads((SHARED / "pec_verbs_from_specs.json").read_text())
    cli = json.loads((SHARED / "pec_api_versions.json").read_text())["providers"]
    versions = {one["resource_type"].casefold(): one["api_version"] for one in specs}
    # Some lists are in newer api-versions than the second source's.
    unlisted = {
        one["resource_type"].casefold()
        for one in cli
        if not one["supports_list_subresource"] and one["api_version"] >= versions[one["resource_type"].casefold()]
    }
    unlisted |= {one["resource_type"].casefold() for one in specs if not one["has_list"]}
    assert {kind for kind, one in connection_types().items() if not one.is_listed} == unlisted
    for spec in specs:
        if spec["resource_type"] == "Microsoft.EventGrid/":
            continue  # its path is parametrised
        kind = connection_types()[spec["resource_type"].casefold()]
        verbs = set(spec["verbs"])
        assert kind.change == ("PUT" if "put" in verbs else "PATCH" if "patch" in verbs else "")
        assert kind.remove == ("delete" in verbs)
        assert kind.if_match == (kind.change.lower() in spec["if_match"])
        assert kind.api_version == spec["api_version"]
    named = {one["resource_type"].casefold() for one in (*specs, *cli)} - {"microsoft.eventgrid/"}
    assert set(connection_types()) == named


# -- whose request is meant -------------------------------------------------------------------------


def test_a_decision_needs_to_know_whose_request_is_meant():
    with pytest.raises(InvalidOptionError, match="requester_subscription_ids, request_message: none of them is given"):
        RequestFilter()


def test_only_the_request_that_is_meant_is_approved(landscape, act):
    target = landscape.target(STORAGE)
    ours = landscape.request(target, "ours", MESSAGE)
    alike = landscape.request(target, "alike", f"{MESSAGE} too")
    blank = landscape.request(target, "blank")
    state = act(decide(target, "Approved"))
    assert (len(state.connections), state.others_count) == (1, 2)
    assert [landscape.seen_by(one)[0] for one in (ours, alike, blank)] == ["Approved", "Pending", "Pending"]


def test_all_that_is_given_must_hold(landscape, act):
    target = landscape.target(VAULT)
    endpoint = landscape.request(target, message=MESSAGE)
    other = "00000000-0000-0000-0000-00000000abcd"
    with pytest.raises(AzureNotFoundError, match=f"from the subscription {other}") as caught:
        act(decide(target, "Approved", subscription_ids=(other,), request_message=MESSAGE))
    assert f'{endpoint} is Pending, "{MESSAGE}"' in str(caught.value)
    assert landscape.seen_by(endpoint)[0] == "Pending"


def test_endpoints_and_subscriptions_are_compared_without_case(landscape, act):
    target = landscape.target(VAULT)
    endpoint = landscape.request(target)
    subscription = landscape.lab.subscription_id.upper()
    state = act(
        decide(target, "Approved", endpoint_id=endpoint.upper(), subscription_ids=(subscription,)),
    )
    assert state.settled


def test_a_requester_cannot_pass_for_another_by_how_a_message_ends(landscape, act):
    target = landscape.target(STORAGE)
    landscape.request(target, "sly", f"let me in [{MESSAGE}]")
    with pytest.raises(AzureNotFoundError, match="nothing was changed"):
        act(decide(target, "Approved"))


def test_words_of_ones_own_keep_the_message_by_which_a_later_run_knows_the_request(landscape, act):
    target = landscape.target(STORAGE)
    endpoint = landscape.request(target, message=MESSAGE)
    act(decide(target, "Approved", description="granted"), decide(target, "Approved", description="granted"))
    assert landscape.seen_by(endpoint) == ("Approved", f"granted [{MESSAGE}]")
    assert len(writes(landscape.lab)) == 1


def test_an_old_rejection_does_not_stand_in_the_way_of_a_new_request(landscape, act):
    target = landscape.target(STORAGE)
    old = landscape.request(target, "old", MESSAGE)
    act(decide(target, "Rejected"))
    new = landscape.request(target, "new", MESSAGE)
    assert act(decide(target, "Approved")).settled
    assert [landscape.seen_by(one)[0] for one in (old, new)] == ["Rejected", "Approved"]


def test_a_resource_that_is_not_there_is_said_to_be_missing(landscape, act):
    for kind in (STORAGE, VAULT):
        missing = f"{landscape.group_id}/providers/{kind}/nothere0"
        with pytest.raises(AzureNotFoundError, match="nothere0"):
            act(decide(missing, "Approved"))


# -- what each service refuses ----------------------------------------------------------------------


def test_search_approves_a_rejected_request_by_way_of_pending(landscape, act):
    target = landscape.target(SEARCH)
    endpoint = landscape.request(target, message=MESSAGE)
    assert act(decide(target, "Rejected"), decide(target, "Approved")).settled
    assert landscape.seen_by(endpoint) == ("Approved", MESSAGE)


def test_a_vault_takes_a_rejection_back(landscape, act):
    target = landscape.target(VAULT)
    assert act(
        decide(target, "Approved", endpoint_id=landscape.request(target)),
        decide(target, "Rejected", subscription_ids=(landscape.lab.subscription_id,)),
        decide(target, "Approved", subscription_ids=(landscape.lab.subscription_id,)),
    ).settled


@pytest.mark.parametrize(
    ("resource_type", "error", "code"),
    [
        (STORAGE, AzureInvalidRequestError, "InvalidValuesForRequestParameters"),
        (COSMOS, AzureInvalidRequestError, "BadRequest"),
        (SINGLE, AzureInvalidRequestError, "PrivateEndpointConnectionStatusNotPending"),
        (POSTGRES, AzureOperationFailedError, "InternalServerError"),
    ],
)
def test_who_approves_no_rejected_request_says_what_to_do(landscape, act, resource_type, error, code):
    target = landscape.target(resource_type)
    landscape.request(target, message=MESSAGE)
    act(decide(target, "Rejected"))
    with pytest.raises(error, match="delete the private endpoint and make it again") as caught:
        act(decide(target, "Approved"), seconds=20)
    assert caught.value.code == code
    assert "does not approve a request that was rejected" in caught.value.seen


def test_who_rejects_nothing_that_was_approved_says_to_remove_it(landscape, act):
    target = landscape.target(SINGLE)
    landscape.request(target, message=MESSAGE)
    with pytest.raises(AzureInvalidRequestError, match="remove the connection instead"):
        act(decide(target, "Approved"), decide(target, "Rejected"))


def test_an_approval_by_somebody_else_at_the_same_moment_is_no_failure(landscape, act):
    """Storage refuses to approve what is approved."""
    target = landscape.target(STORAGE)
    landscape.request(target, message=MESSAGE)

    async def together(azure):
        decisions = (decide(target, "Approved") for _ in range(4))
        return await asyncio.gather(*(function(azure, *given, **options) for function, given, options in decisions))

    assert all(state.settled for state in act((together, (), {})))


# -- going on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource_type", [REGISTRY, VAULT, SQL, COSMOS, STORAGE])
def test_without_waiting_it_begins_and_a_later_run_goes_on(landscape, act, resource_type):
    target = landscape.target(resource_type)
    endpoint = landscape.request(target, message=MESSAGE)
    landscape.lab.change_settings(time_scale=1.0)
    begun = act(decide(target, "Approved", wait=False), decide(target, "Approved", wait=False))
    assert begun.settled == (resource_type == STORAGE)
    assert not begun.hopeless
    landscape.lab.advance(600)
    assert act(decide(target, "Approved", wait=False)).settled
    assert landscape.seen_by(endpoint)[0] == "Approved"
    assert len(writes(landscape.lab)) == 1


def test_what_shows_the_status_and_failed_is_written_again(landscape, act):
    """A vault shows the new status at once, whatever comes of the operation."""
    target = landscape.target(VAULT)
    endpoint = landscape.request(target, message=MESSAGE)
    landscape.lab.fault("operation-fails:Broken", method="PUT", path="*/privateEndpointConnections/*", service="arm")
    with pytest.raises(AzureOperationFailedError, match="Broken"):
        act(decide(target, "Approved"))
    assert landscape.seen_by(endpoint)[0] == "Approved"
    assert act(decide(target, "Approved")).settled
    assert len(writes(landscape.lab)) == 2


def test_a_removal_that_is_begun_is_not_begun_again(landscape, act):
    target = landscape.target(SQL)
    landscape.request(target, message=MESSAGE)
    landscape.lab.change_settings(time_scale=1.0)
    assert not act(remove(target, wait=False), remove(target, wait=False)).settled
    landscape.lab.advance(600)
    assert act(remove(target)).settled
    assert len(writes(landscape.lab)) == 1


def test_what_does_not_end_by_the_deadline_says_how_it_stands(landscape, act):
    target = landscape.target(REGISTRY)
    landscape.request(target, message=MESSAGE)
    landscape.lab.change_settings(time_scale=1000.0)
    act(decide(target, "Approved", wait=False))
    with pytest.raises(AzureDeadlineExceededError, match="the service is at work; a retry goes on"):
        act(decide(target, "Approved"), seconds=2)


def test_its_needed_actions_suffice_and_are_all_needed(landscape, act):
    for kind in (STORAGE, SINGLE):
        [(scope, actions)] = needed_actions(landscape.target(kind)).items()
        assert actions[-1] == f"{kind}/privateEndpointConnections/write"
        assert (f"{kind}/read" in actions) == (kind == SINGLE)
        assert scope.endswith("orders0")


# -- what the poller is given -----------------------------------------------------------------------

ENDPOINT = "/subscriptions/S1/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/pe"
RESOURCE = "/subscriptions/S2/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acct"


def seen(status, provisioning="Succeeded", endpoint=ENDPOINT, name="one", description=""):
    state = {"status": status, "description": description}
    return {
        "id": f"{RESOURCE}/privateEndpointConnections/{name}",
        "properties": {
            "privateEndpoint": {"id": endpoint},
            "provisioningState": provisioning,
            "privateLinkServiceConnectionState": state,
        },
    }


def judged(target_status, *connections, **requests):
    requests = requests or {"subscription_ids": ("s1",)}
    watch = PrivateEndpointConnectionWatch(
        target_id=RESOURCE, requests=RequestFilter(**requests), target_status=target_status
    )
    assert PrivateEndpointConnectionWatch.from_json(json.loads(json.dumps(watch.to_json()))) == watch
    state = watch.judge(connections)
    assert PrivateEndpointConnectionState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert state.line
    return state


@pytest.mark.parametrize(
    ("awaited", "found", "settled", "hopeless"),
    [
        ("Approved", [], False, False),
        ("Approved", [seen("Pending")], False, False),
        ("Approved", [seen("Approved", "Updating")], False, False),
        ("Approved", [seen("Approved", "Ready")], True, False),
        ("Approved", [seen("Approved", "")], True, False),
        ("Approved", [seen("Rejected")], False, True),
        ("Approved", [seen("Rejected", "Updating")], False, False),
        ("Approved", [seen("Disconnected")], False, True),
        ("Approved", [seen("Pending", "Failed")], False, True),
        ("Approved", [seen("Rejected"), seen("Pending", name="two")], False, False),
        ("Approved", [seen("Rejected"), seen("Approved", name="two")], True, False),
        ("Approved", [seen("Approved"), seen("Pending", name="two")], False, False),
        ("Rejected", [seen("Pending")], False, False),
        ("Rejected", [seen("Rejected")], True, False),
        ("Rejected", [seen("Disconnected")], False, True),
        ("Pending", [seen("Pending", "Pending")], True, False),
        ("Pending", [seen("Approved")], False, False),
        ("Pending", [seen("Rejected")], False, True),
        ("Disconnected", [], True, False),
        ("Disconnected", [seen("Approved")], False, False),
        ("Disconnected", [seen("Disconnected")], True, False),
        ("Removed", [seen("Disconnected")], False, False),
        ("Removed", [], True, False),
    ],
)
def test_states_are_told_apart(awaited, found, settled, hopeless):
    state = judged(awaited, *found)
    assert (state.settled, bool(state.hopeless)) == (settled, hopeless)


def test_one_endpoint_that_is_approved_never_becomes_pending():
    assert judged("Pending", seen("Approved"), endpoint_id=ENDPOINT).hopeless


def test_a_line_says_whose_move_it_is():
    state = judged("Approved", seen("Pending", description=MESSAGE))
    assert state.line == (
        f'storageAccounts/acct: {ENDPOINT} is Pending, "{MESSAGE}"; the resource\'s owner must decide.'
    )
    assert judged("Approved", seen("Approved", "Updating")).line.endswith("Updating; the service is at work.")
    other = seen("Pending", endpoint=ENDPOINT.replace("S1", "S3"))
    assert judged("Approved", other).line == (
        "storageAccounts/acct: no connection from the subscription s1: "
        f"there are {ENDPOINT.replace('S1', 'S3')} is Pending."
    )


def test_what_is_not_visible_is_neither_settled_nor_hopeless():
    watch = PrivateEndpointConnectionWatch(
        target_id=RESOURCE, requests=RequestFilter(subscription_ids=("s1",)), target_status="Disconnected"
    )
    state = watch.judge((), not_visible="403 AuthorizationFailed")
    assert (state.settled, state.hopeless) == (False, "")
    assert "403 AuthorizationFailed" in state.line
