"""Each cause follows from the evidence that it claims, and from nothing else; the two axes are never mixed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.diagnosis import CAUSES, diagnose
from airflow_provider_netconn.diagnosis.diagnose import headline, is_as_expected
from airflow_provider_netconn.diagnosis.fact_rules import FACT_RULES
from airflow_provider_netconn.diagnosis.rules import ENGINE_RULES, RULES, WARNING_RULES
from airflow_provider_netconn.diagnosis.view import EvidenceView
from airflow_provider_netconn.evidence import (
    Evidence,
    Expectation,
    Finding,
    NameFacts,
    Outcome,
    Path,
    ProbeResult,
    Stage,
    StageResult,
    Target,
)
from airflow_provider_netconn.probing.address import judge_addresses
from tests.unit.diagnosis import control_plane as azure

F = Finding
OTHER = NameFacts()
AZURE = NameFacts(services=("Storage account",), zones=("privatelink.blob.core.windows.net",))
ORDERS = "orders.blob.core.windows.net"
PRIVATELINK = "orders.privatelink.blob.core.windows.net"
PRIVATE, OTHER_PRIVATE, PUBLIC, LOOPBACK = "10.20.0.4", "192.168.1.4", "20.60.1.2", "127.0.0.1"


# Of a stage that was cut short or broke, the engine keeps nothing else.
DETAIL_OF_THE_ENGINE = {F.DEADLINE_EXCEEDED: {"deadline_s": 30}, F.PROBE_ERROR: {"error": "KeyError: 'x'"}}


def result(kind, finding, ok=False, /, **detail):
    return StageResult(
        stage=kind, ok=ok, finding=finding, duration_s=0.25, detail=DETAIL_OF_THE_ENGINE.get(finding, detail)
    )


def dns(finding=F.RESOLVED, *, addresses=(), chain=(), **more):
    answers = [{"address": address, "ttl": 60, "type": "A"} for address in addresses]
    said = {"finding": finding.value, "question": "h", "server": "10.0.0.10", "rcode": "NOERROR", "errors": ["oops"]}
    return said | {"chain": list(chain), "answers": answers} | more


def resolved(*addresses, chain=(), source="nameserver", system=(), disagree=False):
    return result(
        Stage.RESOLVE, F.RESOLVED, True, name="h", addresses=list(addresses), source=source,
        system={"addresses": list(system), "error": None}, disagree=disagree,
        dns=dns(addresses=addresses, chain=chain),
    )  # fmt: skip


def unresolved(finding, chain=()):
    return result(
        Stage.RESOLVE, finding, name="h", addresses=[], source="nameserver",
        system={"addresses": [], "error": "Name or service not known"}, disagree=False,
        dns=dns(F.RESOLVED if finding is F.NOT_RESOLVED else finding, chain=chain),
    )  # fmt: skip


def connected(finding=F.CONNECTED, *findings):
    findings = findings or (finding,)
    attempts = [
        {"address": f"10.20.0.{number}", "finding": each.value, "errno": None, "icmp": None, "duration_s": 0.1}
        for number, each in enumerate(findings, 4)
    ]
    ok = finding in (F.CONNECTED, F.PARTLY_CONNECTED)
    return result(Stage.CONNECT, finding, ok, port=443, used="10.20.0.4" if ok else None, addresses=attempts)


def tls(finding=F.VERIFIED, **detail):
    seen = {
        "server_name": "h", "protocol": "TLSv1.3", "names": ["h"], "name_covered": True, "subject": "CN=h",
        "issuer": "CN=ca", "not_before": "2024-01-01", "not_after": "2027-01-01", "days_left": 90,
        "problem": "a problem",
    }  # fmt: skip
    return result(Stage.TLS, finding, finding in (F.VERIFIED, F.UNVERIFIED), **(seen | detail))


def spoken(finding=F.GREETED, **detail):
    seen = {"status": 200, "expected": "an HTTP response", "seen": "garbage", "said": "go away"}
    return result(Stage.PROTOCOL, finding, finding is F.GREETED, **(seen | detail))


def proxied(finding=F.THROUGH_PROXY, **detail):
    seen = {
        "proxy": "http://proxy:3128", "problem": "refused", "stage": "tls", "finding": finding.value,
        "via": {"status": 200, "seen": "garbage", "issuer": "CN=ca"},
    }  # fmt: skip
    return result(Stage.PROXY, finding, finding is F.THROUGH_PROXY, **(seen | detail))


def signed_in(finding=F.SIGNED_IN, **detail):
    seen = {"does": "WasbHook.get_account_information", "code": "X", "error": "HttpResponseError", "timeout_s": 30}
    return result(Stage.AUTH, finding, finding in (F.SIGNED_IN, F.NOT_CHECKED), **(seen | detail))


def evidence(*stages, name=OTHER, facts=(), **target):
    """Evidence of these stages; the address stage is judged from the resolve stage, as probing does."""
    fields = {"host": ORDERS if name.services else "db.example.net", "port": 443, "protocol": "https"} | target
    made = Target(**fields)
    given = list(stages)
    addresses = given[0].detail.get("addresses") if given and given[0].stage is Stage.RESOLVE else None
    if addresses and not any(stage.stage is Stage.ADDRESS for stage in given):
        given.insert(1, judge_addresses(made, addresses))
    probe = ProbeResult(target=made, stages=tuple(given), started_at=pendulum.datetime(2026, 1, 1), duration_s=1.0)
    return Evidence(probe=probe, name=name, facts=facts)


GOOD = (resolved(PRIVATE), connected(), tls(), spoken())
ASTRAY = (resolved(PUBLIC, chain=[PRIVATELINK]), *GOOD[1:])
NOWHERE = (unresolved(F.NXDOMAIN, chain=[PRIVATELINK]),)
STUCK = (resolved(PRIVATE, chain=[PRIVATELINK]), connected(F.TIMED_OUT))
SHUT = (resolved(PUBLIC), *GOOD[1:], signed_in(F.FIREWALL_REFUSED))

CASES = {
    "PRIVATE_ZONE_RECORD_MISSING": evidence(unresolved(F.NXDOMAIN, chain=[PRIVATELINK]), name=AZURE),
    "NAME_NOT_FOUND": evidence(unresolved(F.NXDOMAIN)),
    "NAME_HAS_NO_ADDRESS": evidence(unresolved(F.NODATA)),
    "DNS_SERVER_FAILED": evidence(unresolved(F.SERVFAIL)),
    "DNS_REFUSED": evidence(unresolved(F.DNS_REFUSED)),
    "DNS_TIMED_OUT": evidence(unresolved(F.DNS_TIMED_OUT)),
    "DNS_UNREACHABLE": evidence(unresolved(F.DNS_UNREACHABLE)),
    "DNS_ANSWER_MALFORMED": evidence(unresolved(F.DNS_MALFORMED)),
    "NAME_NOT_RESOLVED": evidence(unresolved(F.NOT_RESOLVED)),
    "ADDRESSES_MIXED": evidence(resolved(PRIVATE, PUBLIC), *GOOD[1:]),
    "ADDRESS_OUTSIDE_EXPECTED_NETWORKS": evidence(
        resolved(OTHER_PRIVATE), *GOOD[1:], expect_networks=("10.20.0.0/16",)
    ),
    "PRIVATE_ZONE_NOT_USED": evidence(resolved(PUBLIC, chain=[PRIVATELINK]), *GOOD[1:], name=AZURE),
    "NO_PRIVATE_ENDPOINT": evidence(resolved(PUBLIC), *GOOD[1:], name=AZURE),
    "ADDRESS_LOOPBACK": evidence(resolved(LOOPBACK), *GOOD[1:]),
    "ADDRESS_PUBLIC": evidence(resolved(PUBLIC), *GOOD[1:]),
    "ADDRESS_NOT_PUBLIC": evidence(*GOOD, expect=Expectation.PUBLIC),
    "ADDRESS_NOT_THE_EXPECTED_ONE": evidence(*GOOD, expect_addresses=("10.20.0.5",)),
    "PROXY_UNREACHABLE": evidence(resolved(PRIVATE), proxied(F.PROXY_UNREACHABLE), connected()),
    "PROXY_AUTHENTICATION_REQUIRED": evidence(resolved(PRIVATE), proxied(F.PROXY_AUTHENTICATION_REQUIRED), connected()),
    "PROXY_REFUSED": evidence(resolved(PRIVATE), proxied(F.PROXY_REFUSED), connected()),
    "NOT_A_PROXY": evidence(resolved(PRIVATE), proxied(F.NOT_A_PROXY), connected()),
    "PROXY_NOT_CHECKED": evidence(resolved(PRIVATE), proxied(F.NOT_CHECKED), connected()),
    "FAILED_THROUGH_PROXY": evidence(resolved(PRIVATE), proxied(F.UNKNOWN_ISSUER), connected()),
    "PROXY_IN_USE": evidence(resolved(PRIVATE), proxied(), connected()),
    "PRIVATE_PATH_DROPPED": evidence(resolved(PRIVATE), connected(F.TIMED_OUT)),
    "PUBLIC_PATH_DROPPED": evidence(resolved(PUBLIC), connected(F.TIMED_OUT), expect=Expectation.PUBLIC),
    "CONNECTION_REFUSED": evidence(resolved(PRIVATE), connected(F.REFUSED)),
    "ADMINISTRATIVELY_PROHIBITED": evidence(resolved(PRIVATE), connected(F.PROHIBITED)),
    "HOST_UNREACHABLE": evidence(resolved(PRIVATE), connected(F.HOST_UNREACHABLE)),
    "NETWORK_UNREACHABLE": evidence(resolved(PRIVATE), connected(F.NETWORK_UNREACHABLE)),
    "CONNECTION_RESET": evidence(resolved(PRIVATE), connected(F.RESET)),
    "CONNECT_FAILED": evidence(resolved(PRIVATE), connected(F.CONNECT_FAILED)),
    "CERTIFICATE_EXPIRED": evidence(*GOOD[:2], tls(F.EXPIRED)),
    "CERTIFICATE_NOT_YET_VALID": evidence(*GOOD[:2], tls(F.NOT_YET_VALID)),
    "PRIVATELINK_NAME_NOT_IN_CERTIFICATE": evidence(*GOOD[:2], tls(F.WRONG_NAME), host=PRIVATELINK),
    "CERTIFICATE_WRONG_NAME": evidence(*GOOD[:2], tls(F.WRONG_NAME)),
    "TLS_INTERCEPTED": evidence(*GOOD[:2], tls(F.UNKNOWN_ISSUER), name=AZURE),
    "CERTIFICATE_SELF_SIGNED": evidence(*GOOD[:2], tls(F.SELF_SIGNED)),
    "CERTIFICATE_ISSUER_UNKNOWN": evidence(*GOOD[:2], tls(F.UNKNOWN_ISSUER)),
    "CERTIFICATE_INVALID": evidence(*GOOD[:2], tls(F.CERTIFICATE_INVALID)),
    "TLS_NOT_SPOKEN": evidence(*GOOD[:2], tls(F.NOT_TLS)),
    "TLS_NOT_OFFERED": evidence(*GOOD[:2], spoken(), tls(F.TLS_NOT_OFFERED)),
    "TLS_CLOSED": evidence(*GOOD[:2], tls(F.CLOSED)),
    "TLS_NO_ANSWER": evidence(*GOOD[:2], tls(F.NO_ANSWER)),
    "TLS_HANDSHAKE_FAILED": evidence(*GOOD[:2], tls(F.TLS_REFUSED)),
    "GATEWAY_ERROR": evidence(*GOOD[:3], spoken(F.GATEWAY_ERROR, status=503)),
    "SERVICE_REFUSES_CLIENT": evidence(*GOOD[:2], spoken(F.CLIENT_REFUSED)),
    "SERVICE_UNAVAILABLE": evidence(*GOOD[:2], spoken(F.SERVICE_UNAVAILABLE)),
    "AMQP_VERSION_MISMATCH": evidence(*GOOD[:2], spoken(F.OTHER_VERSION), protocol="amqp"),
    "PROTOCOL_VERSION_MISMATCH": evidence(*GOOD[:2], spoken(F.OTHER_VERSION)),
    "TLS_REQUIRED": evidence(*GOOD[:2], spoken(F.TLS_REQUIRED)),
    "NOT_THIS_PROTOCOL": evidence(*GOOD[:3], spoken(F.NOT_THIS_PROTOCOL)),
    "ANSWER_NOT_FINISHED": evidence(*GOOD[:3], spoken(F.NO_ANSWER, began="HTTP/1.1 2")),
    "CLOSED_WITHOUT_ANSWER": evidence(*GOOD[:3], spoken(F.CLOSED)),
    "NO_ANSWER": evidence(*GOOD[:3], spoken(F.NO_ANSWER)),
    "ACCOUNT_FIREWALL": evidence(*GOOD, signed_in(F.FIREWALL_REFUSED)),
    "PUBLIC_ACCESS_OFF": evidence(*GOOD, signed_in(F.PUBLIC_ACCESS_OFF)),
    "PERMISSION_MISSING": evidence(*GOOD, signed_in(F.PERMISSION_MISSING)),
    "KEYS_NOT_ALLOWED": evidence(*GOOD, signed_in(F.KEYS_NOT_ALLOWED)),
    "NO_TOKEN": evidence(*GOOD, signed_in(F.NO_TOKEN)),
    "CREDENTIALS_REFUSED": evidence(*GOOD, signed_in(F.CREDENTIALS_REFUSED)),
    "SIGN_IN_UNREACHABLE": evidence(*GOOD, signed_in(F.CONNECT_FAILED)),
    "SIGN_IN_TIMED_OUT": evidence(*GOOD, signed_in(F.NO_ANSWER)),
    "SIGN_IN_FAILED": evidence(*GOOD, signed_in(F.SIGN_IN_FAILED)),
    "DEADLINE_EXCEEDED": evidence(*GOOD[:2], result(Stage.TLS, F.DEADLINE_EXCEEDED, deadline_s=30)),
    "PROBE_ERROR": evidence(*GOOD[:2], result(Stage.TLS, F.PROBE_ERROR, error="KeyError: 'x'")),
    "RESOLVERS_DISAGREE": evidence(
        replace(
            resolved(PRIVATE, source="system", system=[PRIVATE], disagree=True),
            detail=resolved(PRIVATE, source="system", system=[PRIVATE]).detail | {"dns": dns(addresses=[PUBLIC])},
        ),
        *GOOD[1:],
    ),
    "SOME_ADDRESSES_FAIL": evidence(
        resolved(PRIVATE), connected(F.PARTLY_CONNECTED, F.CONNECTED, F.TIMED_OUT), *GOOD[2:]
    ),
    "STRANGERS_REFUSED": evidence(*GOOD[:2], spoken(refuses_strangers=True)),
    "CONNECTION_NOT_ENCRYPTED": evidence(*GOOD[:2], spoken(), replace(tls(F.TLS_NOT_OFFERED), ok=True)),
    "SIGN_IN_NOT_CHECKED": evidence(*GOOD, replace(signed_in(F.NOT_CHECKED), ok=True)),
    "CERTIFICATE_EXPIRES_SOON": evidence(*GOOD[:2], tls(days_left=13), spoken()),
    "ENDPOINT_PENDING": evidence(*ASTRAY, name=AZURE, facts=azure.facts(connection="Pending")),
    "ENDPOINT_REJECTED": evidence(*STUCK, name=AZURE, facts=azure.facts(connection="Rejected")),
    "ENDPOINT_DISCONNECTED": evidence(*STUCK, name=AZURE, facts=azure.facts(connection="Disconnected")),
    "ENDPOINT_MISSING": evidence(*ASTRAY, name=AZURE, facts=azure.facts(endpoint=None, connection="")),
    "ZONE_MISSING": evidence(*ASTRAY, name=AZURE, facts=azure.facts(zone=None)),
    "ZONE_NOT_LINKED": evidence(*ASTRAY, name=AZURE, facts=azure.facts(zone_link=None)),
    "ZONE_GROUP_MISSING": evidence(*NOWHERE, name=AZURE, facts=azure.facts(zone_group=None, record=None)),
    "RECORD_MISSING": evidence(*NOWHERE, name=AZURE, facts=azure.facts(record=None)),
    "RECORD_WRONG": evidence(*ASTRAY, name=AZURE, facts=azure.facts(record="wrong")),
    "PEERING_MISSING": evidence(*STUCK, name=AZURE, facts=azure.facts(peerings=(None, None))),
    "PEERING_ONE_SIDED": evidence(*STUCK, name=AZURE, facts=azure.facts(peerings=("Initiated", None))),
    "PEERING_DISCONNECTED": evidence(*STUCK, name=AZURE, facts=azure.facts(peerings=("Disconnected", None))),
    "PEERING_DENIES_ACCESS": evidence(*STUCK, name=AZURE, facts=azure.facts(allows_access=False)),
    "PEERING_OUT_OF_SYNC": evidence(*STUCK, name=AZURE, facts=azure.facts(sync_level="RemoteNotInSync")),
    "SECURITY_GROUP_DENIES": evidence(*STUCK, name=AZURE, facts=azure.facts(security_rule="Deny")),
    "PUBLIC_NETWORK_ACCESS_OFF": evidence(
        *SHUT, name=AZURE, expect=Expectation.ANY, facts=azure.facts(access="Disabled")
    ),
    "SERVICE_FIREWALL_DENIES": evidence(*SHUT, name=AZURE, expect=Expectation.ANY, facts=azure.facts(firewall="Deny")),
    "FACTS_NOT_VISIBLE": evidence(*GOOD, name=AZURE, facts=azure.facts(zone_link=azure.HIDDEN)),
}


def test_every_cause_of_the_catalogue_has_evidence_here():
    assert set(CASES) == set(CAUSES)


@pytest.mark.parametrize("code", CASES)
def test_the_evidence_that_a_cause_claims_proves_it(code):
    assert diagnose(CASES[code]).cause == code


@pytest.mark.parametrize("code", CASES)
def test_what_is_said_of_a_cause_is_said_in_full(code):
    verdict = diagnose(CASES[code])
    said = verdict.explanation + verdict.remedy
    assert not {"{", "}", "None", "  "} & {said[at : at + size] for size in (1, 2, 4) for at in range(len(said))}, said


@pytest.mark.parametrize("code", [code for code, cause in CAUSES.items() if cause.warning])
def test_a_warning_leaves_the_target_as_expected(code):
    verdict = diagnose(CASES[code])
    assert (verdict.as_expected, verdict.outcome, verdict.failed_stage) == (True, Outcome.OK, None)


@pytest.mark.parametrize("code", [code for code, cause in CAUSES.items() if not cause.warning])
def test_any_other_cause_says_that_the_target_is_not_as_expected(code):
    assert not diagnose(CASES[code]).as_expected


@pytest.mark.parametrize("code", [c for c, cause in CAUSES.items() if c not in ("DEADLINE_EXCEEDED", "PROBE_ERROR")])
def test_the_stage_of_a_cause_is_the_stage_that_decided(code):
    verdict = diagnose(CASES[code])
    if verdict.failed_stage is not None:
        assert verdict.failed_stage is CAUSES[code].stage


def test_all_well_has_neither_cause_nor_remedy():
    verdict = diagnose(evidence(*GOOD))
    assert (verdict.cause, verdict.remedy, verdict.as_expected, verdict.headline) == (None, None, True, "PRIVATE")


# --- completeness --------------------------------------------------------------------------------------------------

TALK = (F.CLOSED, F.RESET, F.NO_ANSWER)
TLS_FAILURES = (
    F.EXPIRED, F.NOT_YET_VALID, F.WRONG_NAME, F.SELF_SIGNED, F.UNKNOWN_ISSUER, F.CERTIFICATE_INVALID, F.NOT_TLS,
    F.TLS_REFUSED, F.TLS_NOT_OFFERED, *TALK,
)  # fmt: skip
PROTOCOL_FAILURES = (
    F.GATEWAY_ERROR, F.NOT_THIS_PROTOCOL, F.OTHER_VERSION, F.CLIENT_REFUSED, F.SERVICE_UNAVAILABLE, F.TLS_REQUIRED,
    *TALK,
)  # fmt: skip
ENGINE_FAILURES = (F.DEADLINE_EXCEEDED, F.PROBE_ERROR)
FAILURES = {
    Stage.RESOLVE: (
        F.NXDOMAIN, F.NODATA, F.SERVFAIL, F.DNS_REFUSED, F.DNS_TIMED_OUT, F.DNS_UNREACHABLE, F.DNS_MALFORMED,
        F.NOT_RESOLVED,
    ),
    Stage.ADDRESS: (F.NOT_PRIVATE, F.NOT_PUBLIC, F.MIXED_ADDRESSES, F.OTHER_ADDRESSES),
    Stage.CONNECT: (
        F.TIMED_OUT, F.REFUSED, F.HOST_UNREACHABLE, F.NETWORK_UNREACHABLE, F.PROHIBITED, F.RESET, F.CONNECT_FAILED,
    ),
    Stage.PROXY: (
        F.PROXY_UNREACHABLE, F.PROXY_REFUSED, F.PROXY_AUTHENTICATION_REQUIRED, F.NOT_A_PROXY, F.NOT_CHECKED,
        *TLS_FAILURES, *PROTOCOL_FAILURES,
    ),
    Stage.TLS: TLS_FAILURES,
    Stage.PROTOCOL: PROTOCOL_FAILURES,
    Stage.AUTH: (
        F.FIREWALL_REFUSED, F.PUBLIC_ACCESS_OFF, F.PERMISSION_MISSING, F.KEYS_NOT_ALLOWED, F.NO_TOKEN,
        F.CREDENTIALS_REFUSED, F.CONNECT_FAILED, F.NO_ANSWER, F.SIGN_IN_FAILED,
    ),
}  # fmt: skip
"""What each stage can fail with; each may also be cut short or break."""
SUCCESSES = {
    F.RESOLVED, F.LITERAL, F.AS_EXPECTED, F.CONNECTED, F.PARTLY_CONNECTED, F.THROUGH_PROXY, F.VERIFIED, F.UNVERIFIED,
    F.GREETED, F.SIGNED_IN, F.NOT_CHECKED,
}  # fmt: skip
PAIRS = [(stage, finding) for stage, findings in FAILURES.items() for finding in (*findings, *ENGINE_FAILURES)]


def test_every_finding_is_a_success_or_a_failure_of_some_stage():
    assert SUCCESSES | {finding for _, finding in PAIRS} == set(Finding)


@pytest.mark.parametrize(("stage", "finding"), PAIRS)
def test_every_failure_of_a_stage_has_a_rule_of_its_own(stage, finding):
    unconditional = [rule for rule in (*ENGINE_RULES, *RULES[stage]) if finding in rule.findings and rule.when is None]
    assert unconditional, "a failure without a rule would be called a fault of this package"


@pytest.mark.parametrize(("stage", "finding"), PAIRS)
def test_every_failure_of_a_stage_says_how_far_it_got(stage, finding):
    unwelcome = finding in (F.NOT_PRIVATE, F.NOT_PUBLIC, F.MIXED_ADDRESSES)
    outcome = diagnose(evidence(resolved(PRIVATE), result(stage, finding))).outcome
    known = outcome not in (Outcome.UNKNOWN, Outcome.OK)
    assert known != (finding in (F.PROBE_ERROR, F.SIGN_IN_FAILED, F.NOT_CHECKED) or unwelcome)


def test_every_rule_names_a_cause_of_the_catalogue_and_every_cause_has_a_rule():
    tables = (*RULES.values(), ENGINE_RULES, FACT_RULES)
    named = {rule.cause for rules in tables for rule in rules} | {c for c, _ in WARNING_RULES}
    assert named | {"PROXY_IN_USE"} == set(CAUSES)


def test_no_rule_stands_behind_one_that_takes_all_its_findings():
    for stage, rules in RULES.items():
        taken = {F.DEADLINE_EXCEEDED, F.PROBE_ERROR}
        for rule in rules:
            assert set(rule.findings) - taken, f"{rule.cause} of {stage} is never reached"
            if rule.when is None:
                taken |= set(rule.findings)


# --- the stage that decides ----------------------------------------------------------------------------------------


def test_the_first_failing_stage_decides():
    made = evidence(*GOOD[:2], tls(F.EXPIRED), spoken(F.NO_ANSWER))
    assert (diagnose(made).cause, diagnose(made).failed_stage) == ("CERTIFICATE_EXPIRED", Stage.TLS)


def test_unwelcome_addresses_decide_the_cause_and_not_how_far_it_got():
    verdict = diagnose(evidence(resolved(PUBLIC), connected(F.REFUSED)))
    assert (verdict.cause, verdict.path, verdict.outcome) == ("ADDRESS_PUBLIC", Path.PUBLIC, Outcome.UNREACHABLE)


def test_the_wrong_private_address_does_stop_a_client():
    verdict = diagnose(evidence(*GOOD, expect_addresses=("10.20.0.9",)))
    assert (verdict.path, verdict.outcome) == (Path.PRIVATE, Outcome.MISCONFIGURED)


def test_where_a_client_uses_a_proxy_the_direct_way_does_not_decide():
    verdict = diagnose(evidence(unresolved(F.NXDOMAIN), proxied(), expect=Expectation.ANY))
    assert (verdict.cause, verdict.outcome, verdict.as_expected) == (None, Outcome.OK, True)


def test_a_proxy_hides_the_path():
    assert diagnose(evidence(resolved(PRIVATE), proxied(), connected())).path is Path.UNKNOWN


NETWORK_FAILURES = [
    pair
    for pair in PAIRS
    if pair[0] is not Stage.AUTH or pair[1] in (F.CONNECT_FAILED, F.NO_ANSWER, F.FIREWALL_REFUSED)
]


@pytest.mark.parametrize(("stage", "finding"), NETWORK_FAILURES)
def test_what_the_network_did_is_never_a_failed_login(stage, finding):
    assert diagnose(evidence(resolved(PRIVATE), result(stage, finding))).outcome is not Outcome.AUTH_FAILED


@pytest.mark.parametrize(
    "stages", [GOOD, (resolved(PRIVATE), proxied(), *GOOD[1:]), (unresolved(F.NXDOMAIN), proxied())]
)
def test_a_failed_login_is_one_on_whatever_way_it_came(stages):
    assert diagnose(evidence(*stages, signed_in(F.CREDENTIALS_REFUSED))).outcome is Outcome.AUTH_FAILED


def test_loopback_says_nothing_of_the_path_unless_it_was_named():
    unnamed = diagnose(evidence(resolved(LOOPBACK), *GOOD[1:]))
    named = diagnose(evidence(resolved(LOOPBACK), *GOOD[1:], expect_networks=("127.0.0.0/8",)))
    assert (unnamed.path, named.path) == (Path.UNKNOWN, Path.PRIVATE)


def test_ipv6_without_a_route_is_no_warning():
    made = connected(F.PARTLY_CONNECTED, F.CONNECTED, F.NETWORK_UNREACHABLE)
    made.detail["addresses"][1]["address"] = "fd00::4"
    assert diagnose(evidence(resolved(PRIVATE), made, *GOOD[2:])).cause is None


def test_a_resolver_that_was_given_may_differ_from_the_systems():
    given = resolved(PRIVATE, system=[PUBLIC], disagree=True)
    assert diagnose(evidence(given, *GOOD[1:])).cause is None


def test_of_two_results_of_a_stage_the_first_one_counts():
    cut_short = result(Stage.TLS, F.DEADLINE_EXCEEDED)
    view = EvidenceView(evidence(resolved(PRIVATE), connected(), tls(), cut_short))
    assert view.finding(Stage.TLS) is F.VERIFIED
    assert view.detail(Stage.TLS) == tls().detail
    assert view.deciding is cut_short


def test_a_mapped_address_is_no_disagreement():
    seen = resolved(PRIVATE, source="system", system=[f"::ffff:{PRIVATE}"], disagree=True)
    assert diagnose(evidence(seen, *GOOD[1:])).cause is None


# --- the headline --------------------------------------------------------------------------------------------------

# One line for each expectation and path; one word for each outcome in the order of this head.
OUTCOMES = (
    Outcome.OK,
    Outcome.BLOCKED,
    Outcome.UNREACHABLE,
    Outcome.MISCONFIGURED,
    Outcome.AUTH_FAILED,
    Outcome.UNKNOWN,
)
HEADLINES = """
    private PRIVATE   PRIVATE  BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
    private PUBLIC    PUBLIC   PUBLIC   PUBLIC       PUBLIC         PUBLIC       PUBLIC
    private MIXED     MIXED    MIXED    MIXED        MIXED          MIXED        MIXED
    private UNKNOWN   UNKNOWN  BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
    public  PRIVATE   PRIVATE  PRIVATE  PRIVATE      PRIVATE        PRIVATE      PRIVATE
    public  PUBLIC    PUBLIC   BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
    public  MIXED     MIXED    MIXED    MIXED        MIXED          MIXED        MIXED
    public  UNKNOWN   UNKNOWN  BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
    any     PRIVATE   OK       BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
    any     PUBLIC    OK       BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
    any     MIXED     OK       BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
    any     UNKNOWN   OK       BLOCKED  UNREACHABLE  MISCONFIGURED  AUTH_FAILED  UNKNOWN
"""
TABLE = [
    (Expectation(expect), Path(path), outcome, word)
    for expect, path, *words in map(str.split, HEADLINES.strip().splitlines())
    for outcome, word in zip(OUTCOMES, words, strict=True)
]


def test_the_table_of_headlines_is_complete():
    assert {line[:3] for line in TABLE} == set(itertools.product(Expectation, Path, Outcome))


@pytest.mark.parametrize(("expect", "path", "outcome", "word"), TABLE)
def test_the_headline_is_the_one_of_the_table(expect, path, outcome, word):
    assert headline(path, outcome, expect) == word


AS_EXPECTED = {
    (Expectation.PRIVATE, Path.PRIVATE),
    (Expectation.PUBLIC, Path.PUBLIC),
    *((Expectation.ANY, path) for path in Path),
}


@pytest.mark.parametrize(("expect", "path", "outcome"), [line[:3] for line in TABLE])
def test_as_expected_is_the_expected_path_where_all_went_well(expect, path, outcome):
    assert is_as_expected(path, outcome, expect) == (outcome is Outcome.OK and (expect, path) in AS_EXPECTED)


# --- whatever probing sees -----------------------------------------------------------------------------------------


@st.composite
def probings(draw):
    """What a probe can have seen, as the engine puts it together."""
    addresses = st.lists(
        st.sampled_from([PRIVATE, OTHER_PRIVATE, PUBLIC, LOOPBACK, "169.254.1.1", "::1", "fe80::1", "fd00::4"]),
        min_size=1, max_size=3, unique=True,
    )  # fmt: skip
    target = {
        "expect": draw(st.sampled_from(list(Expectation))),
        "expect_networks": draw(st.sampled_from([(), ("10.20.0.0/16",), ("127.0.0.0/8",)])),
        "expect_addresses": draw(st.sampled_from([(), (PRIVATE,)])),
    }
    chain = draw(st.sampled_from([(), (PRIVATELINK,)]))
    name = draw(st.sampled_from([NameFacts(), AZURE]))
    proxy = draw(st.sampled_from([None, F.THROUGH_PROXY, *FAILURES[Stage.PROXY], *ENGINE_FAILURES]))
    proxy_stages = [] if proxy is None else [proxied(proxy)]
    if draw(st.booleans()):
        failure = draw(st.sampled_from([*FAILURES[Stage.RESOLVE], *ENGINE_FAILURES]))
        return evidence(unresolved(failure, chain), *proxy_stages, name=name, **target)
    direct = [
        connected(draw(st.sampled_from([F.CONNECTED, F.PARTLY_CONNECTED, *FAILURES[Stage.CONNECT], *ENGINE_FAILURES]))),
        tls(draw(st.sampled_from([F.VERIFIED, F.UNVERIFIED, *TLS_FAILURES, *ENGINE_FAILURES]))),
        spoken(draw(st.sampled_from([F.GREETED, *PROTOCOL_FAILURES, *ENGINE_FAILURES]))),
    ]
    end = next((at for at, stage in enumerate(direct, 1) if not stage.ok), len(direct))
    if direct[end - 1].ok and draw(st.booleans()):
        auth = draw(st.sampled_from([F.SIGNED_IN, F.NOT_CHECKED, *FAILURES[Stage.AUTH], *ENGINE_FAILURES]))
        direct, end = [*direct, signed_in(auth)], end + 1
    return evidence(resolved(*draw(addresses), chain=chain), *proxy_stages, *direct[:end], name=name, **target)


@settings(max_examples=1500, deadline=None)
@given(probings())
def test_what_is_not_as_expected_has_a_cause_and_a_remedy_and_what_is_has_none_but_warnings(seen):
    verdict = diagnose(seen)
    cause = CAUSES.get(verdict.cause)
    assert verdict.as_expected == (cause is None or cause.warning)
    assert (verdict.remedy is None) == (cause is None)


@settings(max_examples=500, deadline=None)
@given(probings())
def test_the_path_does_not_depend_on_how_far_it_got(seen):
    probe = seen.probe
    until = tuple(s for s in probe.stages if s.stage in (Stage.RESOLVE, Stage.ADDRESS, Stage.PROXY))
    assert diagnose(seen).path is diagnose(replace(seen, probe=replace(probe, stages=until))).path


@settings(max_examples=500, deadline=None)
@given(probings(), st.sampled_from(list(Expectation)))
def test_how_far_it_got_does_not_depend_on_the_path_that_is_expected(seen, expect):
    target = replace(seen.probe.target, expect=expect, expect_addresses=())

    def outcome_for(target):
        stages = tuple(
            judge_addresses(target, [a["address"] for a in s.detail["addresses"]]) if s.stage is Stage.ADDRESS else s
            for s in seen.probe.stages
        )
        return diagnose(replace(seen, probe=replace(seen.probe, target=target, stages=stages))).outcome

    assert outcome_for(target) is outcome_for(replace(target, expect=Expectation.ANY))


@settings(max_examples=500, deadline=None)
@given(probings())
def test_private_is_claimed_only_where_every_address_is_expected_to_be(seen):
    verdict = diagnose(seen)
    entries = [e for s in verdict.stages if s.stage is Stage.ADDRESS for e in s.detail["addresses"]]
    if verdict.path is Path.PRIVATE:
        assert entries
        assert all(entry["private"] for entry in entries)


@settings(max_examples=500, deadline=None)
@given(probings())
def test_no_blank_is_left_open_whatever_was_seen(seen):
    verdict = diagnose(seen)
    said = verdict.explanation + (verdict.remedy or "") + "".join(verdict.evidence)
    assert "{" not in said
    assert "None" not in said, said
