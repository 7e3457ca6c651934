"""Scenes that only the control plane can tell apart: a local Azure in which one thing is wrong.

Where the name is the matter, the local Azure's own DNS answers, as in the worker's network. Where the way is, a port
that drops stands for the endpoint: what is dropped looks the same everywhere.
"""

from __future__ import annotations

import contextlib

from airflow_provider_netconn.checks import FactsRequest, with_facts
from airflow_provider_netconn.evidence import Expectation, Outcome, Path, Stage
from testbed.endpoints import ClosingServer, DroppingPort, GreetingServer
from tests.azure.conftest import settings_of
from tests.azure.facts_landscape import ACCOUNT, HOST, ZONE_NAME, Landscape, network
from tests.e2e.causes.ground import SHORT_S
from tests.e2e.causes.scenes.scene import induces

PRIVATELINK = f"{ACCOUNT}.{ZONE_NAME}"


def landscape(ground, **options):
    """The landscape, in a clean lab."""
    return Landscape(ground.fixture("azure_lab"), **options)


def seen_from_azure(ground, made, target, *, worker=None, principal=None, of_all=False, **options):
    """What a check says that asks the control plane too."""
    settings = settings_of(made.lab, principal)
    request = FactsRequest(settings=settings, worker_network=made.worker if worker is None else worker, of_all=of_all)
    return with_facts(ground.report(target, **options), request).verdicts[0]


def by_name(ground, made, **options):
    """The verdict on how the account's name resolves in the worker's network."""
    host, port = made.lab.name_server(made.worker_network)
    given = {"nameserver": f"{host}:{port}", "last_stage": Stage.ADDRESS, "networks": ()}
    return seen_from_azure(ground, made, f"https://{HOST}", **{**given, **options})


def by_way(ground, made, **options):
    """The verdict on the way to an endpoint whose packets are dropped."""
    with DroppingPort() as port:
        answer(ground, port.host)
        return seen_from_azure(ground, made, f"https://{HOST}:{port.port}", timeout_s=SHORT_S, **options)


def answer(ground, address):
    """Have the account's name lead to an address."""
    ground.dns.set(HOST, alias=PRIVATELINK)
    ground.dns.set(PRIVATELINK, address, ttl=10)


# -- the endpoint -------------------------------------------------------------------------------------


@induces("ENDPOINT_PENDING", Path.PUBLIC, Outcome.OK)
def an_endpoint_that_its_owner_has_not_approved(ground):
    return by_name(ground, landscape(ground, approve=False))


@induces("ENDPOINT_PENDING", Path.PRIVATE, Outcome.UNREACHABLE)
def a_record_written_by_hand_before_the_approval(ground):
    return by_way(ground, landscape(ground, approve=False))


@induces("ENDPOINT_REJECTED", Path.PRIVATE, Outcome.UNREACHABLE)
def an_endpoint_that_its_owner_rejected(ground):
    made = landscape(ground)
    made.decide("Rejected", "not in this quarter")
    verdict = by_way(ground, made)
    assert "not in this quarter" in verdict.explanation
    return verdict


@induces("ENDPOINT_DISCONNECTED", Path.PRIVATE, Outcome.UNREACHABLE)
def an_endpoint_whose_connection_its_owner_removed(ground):
    made = landscape(ground)
    made.remove_connection()
    return by_way(ground, made)


@induces("ENDPOINT_MISSING", Path.PUBLIC, Outcome.OK)
def an_account_without_an_endpoint(ground):
    made = landscape(ground)
    made.lab.delete(made.endpoint)
    return by_name(ground, made)


# -- its name -----------------------------------------------------------------------------------------


@induces("ZONE_MISSING", Path.PUBLIC, Outcome.OK)
def no_zone(ground):
    made = landscape(ground)
    for one in (made.zone_group, made.link, made.zone):
        made.lab.delete(one)
    return by_name(ground, made)


@induces("ZONE_NOT_LINKED", Path.PUBLIC, Outcome.OK)
def a_zone_that_is_linked_to_nobody(ground):
    made = landscape(ground)
    made.lab.delete(made.link)
    return by_name(ground, made, worker="")


@induces("ZONE_NOT_LINKED", Path.PUBLIC, Outcome.OK)
def a_zone_that_is_linked_to_the_endpoints_network_alone(ground):
    made = landscape(ground)
    made.lab.delete(made.link)
    link = {"virtualNetwork": {"id": made.network}, "registrationEnabled": False}
    made.lab.put(f"{made.zone}/virtualNetworkLinks/data", {"location": "global", "properties": link})
    verdict = by_name(ground, made)
    assert "is linked to data (resource group facts), and not to workers" in verdict.explanation
    return verdict


@induces("ZONE_GROUP_MISSING", Path.UNKNOWN, Outcome.MISCONFIGURED)
def an_endpoint_that_nobody_wrote_a_record_for(ground):
    made = landscape(ground)
    made.lab.delete(made.zone_group)
    return by_name(ground, made)


@induces("RECORD_MISSING", Path.UNKNOWN, Outcome.MISCONFIGURED)
def a_record_that_was_deleted(ground):
    made = landscape(ground)
    made.lab.delete(made.record)
    return by_name(ground, made)


@induces("RECORD_WRONG", Path.PUBLIC, Outcome.OK)
def a_record_that_leads_to_the_public_side(ground):
    made = landscape(ground)
    made.write_record("20.60.1.4")
    return by_name(ground, made)


@induces("RECORD_WRONG", Path.PRIVATE, Outcome.UNREACHABLE)
def a_record_that_leads_to_an_endpoint_of_yesterday(ground):
    made = landscape(ground)
    made.write_record("10.61.1.77")
    return by_way(ground, made)


# -- the way to it ------------------------------------------------------------------------------------


@induces("PEERING_MISSING", Path.PRIVATE, Outcome.UNREACHABLE)
def networks_that_are_not_peered(ground):
    made = landscape(ground)
    made.unpeer("workers", "data")
    made.unpeer("data", "workers")
    return by_way(ground, made)


@induces("PEERING_ONE_SIDED", Path.PRIVATE, Outcome.UNREACHABLE)
def a_peering_that_the_other_side_has_not_answered(ground):
    made = landscape(ground)
    made.unpeer("workers", "data")
    made.unpeer("data", "workers")
    made.peer("workers", "data")
    return by_way(ground, made)


@induces("PEERING_DISCONNECTED", Path.PRIVATE, Outcome.UNREACHABLE)
def a_peering_of_which_one_side_was_deleted(ground):
    made = landscape(ground)
    made.unpeer("data", "workers")
    return by_way(ground, made)


@induces("PEERING_DENIES_ACCESS", Path.PRIVATE, Outcome.UNREACHABLE)
def a_peering_that_lets_nothing_pass(ground):
    made = landscape(ground)
    made.peer("data", "workers", allowVirtualNetworkAccess=False)
    return by_way(ground, made)


@induces("PEERING_OUT_OF_SYNC", Path.PRIVATE, Outcome.UNREACHABLE)
def a_network_that_has_grown_since_it_was_peered(ground):
    made = landscape(ground)
    body = made.lab.get(made.network)
    grown = network("10.61.0.0/16")["properties"]["addressSpace"]
    grown["addressPrefixes"].append("10.62.0.0/16")
    made.lab.put(made.network, {**body, "properties": {**body["properties"], "addressSpace": grown}})
    return by_way(ground, made)


@contextlib.contextmanager
def _guarded(ground, subnet, direction):
    made = landscape(ground)
    made.guard(getattr(made, subnet), direction=direction, port="1-65535")
    yield made


@induces("SECURITY_GROUP_DENIES", Path.PRIVATE, Outcome.UNREACHABLE)
def a_security_group_at_the_endpoint(ground):
    with _guarded(ground, "subnet", "Inbound") as made:
        verdict = by_way(ground, made)
    assert "denies inbound TCP" in verdict.explanation
    return verdict


@induces("SECURITY_GROUP_DENIES", Path.PRIVATE, Outcome.UNREACHABLE)
def a_security_group_at_the_worker(ground):
    with _guarded(ground, "worker", "Outbound") as made:
        verdict = by_way(ground, made)
    assert "Rule the-rule (priority 100) of the security group guard" in verdict.explanation
    return verdict


# -- its door -----------------------------------------------------------------------------------------


def _shut(ground, made):
    with ClosingServer(host="127.200.0.9") as server:
        answer(ground, server.host)
        return seen_from_azure(ground, made, f"https://{HOST}:{server.port}", expect=Expectation.ANY)


@induces("PUBLIC_NETWORK_ACCESS_OFF", Path.PUBLIC, Outcome.BLOCKED)
def an_account_without_a_public_side(ground):
    made = landscape(ground)
    made.change_account(publicNetworkAccess="Disabled")
    return _shut(ground, made)


@induces("SERVICE_FIREWALL_DENIES", Path.PUBLIC, Outcome.BLOCKED)
def an_account_that_admits_others(ground):
    made = landscape(ground)
    made.change_account(networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]})
    verdict = _shut(ground, made)
    assert "1 ipRules" in verdict.explanation
    return verdict


@induces("FACTS_NOT_VISIBLE", Path.PRIVATE, Outcome.OK)
def an_identity_that_sees_little(ground):
    made = landscape(ground)
    with GreetingServer() as server:
        answer(ground, server.host)
        return seen_from_azure(ground, made, f"{HOST}:{server.port}", principal="airflow", of_all=True)
