"""What the control plane says refines a cause where it explains what packets met, and changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.diagnosis import CAUSES, diagnose
from airflow_provider_netconn.diagnosis.catalogue import CONTROL_PLANE_CAUSES
from airflow_provider_netconn.diagnosis.fact_rules import FACT_RULES
from airflow_provider_netconn.evidence import Expectation, Fact, FactKind, Finding, Presence
from tests.unit.diagnosis import control_plane as azure
from tests.unit.diagnosis.test_diagnosis_rules import (
    ASTRAY,
    AZURE,
    CASES,
    GOOD,
    NOWHERE,
    OTHER_PRIVATE,
    PRIVATE,
    PUBLIC,
    STUCK,
    connected,
    evidence,
    probings,
    resolved,
    signed_in,
    tls,
)

CONTROL_PLANE = {cause.code for cause in CONTROL_PLANE_CAUSES}
ALL_WELL = azure.facts()
STATES = ("", None, azure.HIDDEN, "Approved", "Pending", "Rejected", "Connected", "Initiated", "Deny", "wrong")


def cause(*stages, facts, **target):
    return diagnose(evidence(*stages, name=AZURE, facts=facts, **target)).cause


@st.composite
def any_facts(draw):
    """Facts of any kind in any state, as many as you like."""
    kinds = draw(st.lists(st.sampled_from(list(FactKind)), max_size=12))
    return tuple(azure.fact(kind, draw(st.sampled_from(STATES)), azure.ACCOUNT) for kind in kinds)


@settings(max_examples=800, deadline=None)
@given(probings(), any_facts())
def test_facts_change_neither_path_nor_outcome_nor_what_was_expected(seen, facts):
    before, after = diagnose(replace(seen, facts=())), diagnose(replace(seen, facts=facts))
    kept = ("path", "outcome", "headline", "as_expected", "failed_stage", "stages")
    assert [getattr(before, name) for name in kept] == [getattr(after, name) for name in kept]
    assert after.facts == facts
    assert (after.remedy is None) == (after.cause is None)


@settings(max_examples=800, deadline=None)
@given(probings(), st.lists(st.sampled_from(list(FactKind)), max_size=12))
def test_what_is_not_visible_names_no_cause_of_the_control_plane(seen, kinds):
    hidden = tuple(azure.fact(kind, azure.HIDDEN, azure.ACCOUNT) for kind in kinds)
    before, after = diagnose(replace(seen, facts=())).cause, diagnose(replace(seen, facts=hidden)).cause
    assert after in (before, "FACTS_NOT_VISIBLE")
    assert (after == before) or before is None


@settings(max_examples=800, deadline=None)
@given(probings(), any_facts())
def test_no_blank_is_left_open_whatever_the_control_plane_says(seen, facts):
    verdict = diagnose(replace(seen, facts=facts))
    said = verdict.explanation + (verdict.remedy or "") + "".join(verdict.evidence)
    assert "{" not in said
    assert "None" not in said, said


@pytest.mark.parametrize("code", [code for code in CASES if code not in CONTROL_PLANE | {"FACTS_NOT_VISIBLE"}])
def test_where_all_is_well_in_azure_the_cause_is_the_one_that_probing_names(code):
    assert diagnose(replace(CASES[code], facts=ALL_WELL)).cause == code


@pytest.mark.parametrize("code", sorted(CONTROL_PLANE))
def test_without_facts_the_cause_is_one_of_probing(code):
    assert diagnose(replace(CASES[code], facts=())).cause not in CONTROL_PLANE | {None}


def test_each_cause_of_the_control_plane_has_one_rule_of_its_own():
    assert sorted(rule.cause for rule in FACT_RULES) == sorted(CONTROL_PLANE)
    assert all(rule.when is not None for rule in FACT_RULES)


def test_an_address_in_another_private_network_is_no_matter_of_the_zone():
    stages = (resolved(OTHER_PRIVATE), connected())
    facts = azure.facts(zone_link=None)
    assert cause(*stages, facts=facts, expect_networks=("10.20.0.0/16",)) == "ADDRESS_OUTSIDE_EXPECTED_NETWORKS"


def test_a_peering_does_not_explain_why_the_public_side_drops():
    stages = (resolved(PUBLIC), connected(Finding.TIMED_OUT))
    facts = azure.facts(peerings=(None, None), security_rule="Deny")
    assert cause(*stages, facts=facts, expect=Expectation.PUBLIC) == "PUBLIC_PATH_DROPPED"


def test_what_drops_packets_does_not_explain_who_hangs_up_after_the_handshake():
    stages = (resolved(PRIVATE), connected(), tls(Finding.RESET))
    facts = azure.facts(peerings=("Disconnected", None), security_rule="Deny")
    assert cause(*stages, facts=facts) == "TLS_CLOSED"


def test_a_firewall_does_not_explain_why_packets_are_dropped_on_the_way():
    stages = (resolved(PUBLIC), connected(Finding.TIMED_OUT))
    facts = azure.facts(access="Disabled", firewall="Deny")
    assert cause(*stages, facts=facts, expect=Expectation.ANY) == "PUBLIC_PATH_DROPPED"


def test_a_public_door_that_is_shut_is_no_matter_on_the_private_path():
    stages = (*GOOD, signed_in(Finding.FIREWALL_REFUSED))
    assert cause(*stages, facts=azure.facts(access="Disabled", firewall="Deny")) == "ACCOUNT_FIREWALL"


def test_the_zone_does_not_explain_why_the_endpoint_does_not_answer():
    assert cause(*STUCK, facts=azure.facts(zone_link=None)) == "PRIVATE_PATH_DROPPED"


def test_an_endpoint_that_is_not_approved_comes_before_all_else():
    facts = azure.facts(connection="Pending", zone=None, record=None, peerings=(None, None), security_rule="Deny")
    assert {cause(*stages, facts=facts) for stages in (ASTRAY, NOWHERE, STUCK)} == {"ENDPOINT_PENDING"}


def test_a_side_that_is_hidden_is_not_a_side_that_is_missing():
    peerings = ("Connected", azure.HIDDEN)
    assert cause(*STUCK, facts=azure.facts(peerings=peerings)) == "PRIVATE_PATH_DROPPED"


def test_a_side_that_is_missing_tells_enough_where_the_other_one_is_hidden():
    assert cause(*STUCK, facts=azure.facts(peerings=(None, azure.HIDDEN))) == "PEERING_MISSING"


def test_the_facts_stand_in_the_evidence_line_by_line():
    verdict = diagnose(evidence(*STUCK, name=AZURE, facts=azure.facts(record=azure.HIDDEN)))
    assert "azure connection: present (Approved), pe (resource group data)" in verdict.evidence
    assert "azure record: not visible (403), orders.blob" in verdict.evidence


def test_the_remedy_names_the_resource_and_the_operator():
    verdict = diagnose(CASES["PEERING_MISSING"])
    assert "VirtualNetworkPeeringOperator, from workers (resource group data) to data" in verdict.remedy
    assert not CAUSES["PEERING_MISSING"].warning


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"presence": Presence.NOT_VISIBLE}, "reason: a peering that is not_visible has ''"),
        ({"presence": Presence.ABSENT, "reason": "403"}, "reason: a peering that is absent has '403'"),
        ({"presence": Presence.ABSENT, "state": "Connected"}, "state: only what is present has one"),
        ({"presence": Presence.NOT_VISIBLE, "reason": "403", "state": "x"}, "state: only what is present has one"),
    ],
)
def test_a_fact_that_contradicts_itself_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Fact(kind=FactKind.PEERING, subject="x", **wrong)
