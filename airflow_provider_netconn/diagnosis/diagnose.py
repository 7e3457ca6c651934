"""From evidence to a verdict. Pure: no clock, no network, no configuration."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.catalogue import CAUSES, Cause
from airflow_provider_netconn.diagnosis.fact_rules import FACT_RULES
from airflow_provider_netconn.diagnosis.lines import evidence_lines, fact_lines
from airflow_provider_netconn.diagnosis.listed import listed
from airflow_provider_netconn.diagnosis.rules import ENGINE_RULES, RULES, WARNING_RULES
from airflow_provider_netconn.diagnosis.view import EvidenceView
from airflow_provider_netconn.evidence import (
    Evidence,
    Expectation,
    Finding,
    Outcome,
    Path,
    Stage,
    StageResult,
    Target,
    Verdict,
)

# How far it got, by what stopped it. BLOCKED: somebody said no. UNREACHABLE: no answer, no route, nobody there.
# MISCONFIGURED: an answer that no client can go on with. Findings that are not listed are successes.
_OUTCOMES: Final = {
    Outcome.BLOCKED: (
        Finding.PROHIBITED,
        Finding.DNS_REFUSED,
        Finding.PROXY_REFUSED,
        Finding.PROXY_AUTHENTICATION_REQUIRED,
        Finding.TLS_REFUSED,
        Finding.FIREWALL_REFUSED,
        Finding.PUBLIC_ACCESS_OFF,
        Finding.CLOSED,
        Finding.RESET,
        Finding.CLIENT_REFUSED,
    ),
    Outcome.UNREACHABLE: (
        Finding.SERVFAIL,
        Finding.DNS_TIMED_OUT,
        Finding.DNS_UNREACHABLE,
        Finding.TIMED_OUT,
        Finding.REFUSED,
        Finding.HOST_UNREACHABLE,
        Finding.NETWORK_UNREACHABLE,
        Finding.CONNECT_FAILED,
        Finding.PROXY_UNREACHABLE,
        Finding.NO_ANSWER,
        Finding.GATEWAY_ERROR,
        Finding.SERVICE_UNAVAILABLE,
        Finding.DEADLINE_EXCEEDED,
    ),
    Outcome.MISCONFIGURED: (
        Finding.NXDOMAIN,
        Finding.NODATA,
        Finding.DNS_MALFORMED,
        Finding.NOT_RESOLVED,
        Finding.OTHER_ADDRESSES,
        Finding.NOT_A_PROXY,
        Finding.EXPIRED,
        Finding.NOT_YET_VALID,
        Finding.WRONG_NAME,
        Finding.SELF_SIGNED,
        Finding.UNKNOWN_ISSUER,
        Finding.CERTIFICATE_INVALID,
        Finding.NOT_TLS,
        Finding.TLS_NOT_OFFERED,
        Finding.NOT_THIS_PROTOCOL,
        Finding.OTHER_VERSION,
        Finding.TLS_REQUIRED,
    ),
    Outcome.AUTH_FAILED: (
        Finding.CREDENTIALS_REFUSED,
        Finding.NO_TOKEN,
        Finding.KEYS_NOT_ALLOWED,
        Finding.PERMISSION_MISSING,
    ),
    Outcome.UNKNOWN: (Finding.PROBE_ERROR, Finding.SIGN_IN_FAILED, Finding.NOT_CHECKED),
}
_OUTCOME_OF: Final = {finding: outcome for outcome, findings in _OUTCOMES.items() for finding in findings}


def diagnose(evidence: Evidence) -> Verdict:
    """The verdict on one target.

    The first failing stage decides the cause. Unwelcome addresses say where the packets go and not how far they get,
    so the outcome is that of the first stage that stopped a client. What the control plane says makes the cause a finer
    one where it explains what that stage saw; it changes neither path nor outcome, which are what packets met.
    """
    view = EvidenceView(evidence)
    probe = evidence.probe
    outcome = _outcome(view.stopping)
    cause = _cause(view)
    facts = view.facts() if cause else {}
    return Verdict(
        target=probe.target.name,
        path=view.path,
        outcome=outcome,
        headline=headline(view.path, outcome, probe.target.expect),
        as_expected=is_as_expected(view.path, outcome, probe.target.expect),
        cause=cause.code if cause else None,
        explanation=cause.seen.format_map(facts) if cause else _all_well(probe.target, view),
        remedy=cause.remedy.format_map(facts) if cause else None,
        failed_stage=view.deciding.stage if view.deciding else None,
        evidence=(*evidence_lines(probe), *fact_lines(evidence.facts)),
        endpoint=probe.target,
        stages=probe.stages,
        started_at=probe.started_at,
        duration_s=probe.duration_s,
        facts=evidence.facts,
    )


def headline(path: Path, outcome: Outcome, expect: Expectation) -> str:
    """One word: the path where it is known not to be the expected one, or all went well; else the outcome.

    With any path expected, ``OK`` or the outcome.
    """
    if expect is Expectation.ANY:
        return outcome.value
    astray = path is not Path.UNKNOWN and path.lower() != expect
    return path.value if astray or outcome is Outcome.OK else outcome.value


def is_as_expected(path: Path, outcome: Outcome, expect: Expectation) -> bool:
    """Whether all stages went well on the path that was expected."""
    return outcome is Outcome.OK and (expect is Expectation.ANY or path.lower() == expect)


def _outcome(stopping: StageResult | None) -> Outcome:
    return Outcome.OK if stopping is None else _OUTCOME_OF.get(stopping.finding, Outcome.UNKNOWN)


def _cause(view: EvidenceView) -> Cause | None:
    deciding = view.deciding
    if deciding is not None:
        refined = next((rule.cause for rule in FACT_RULES if rule.matches(deciding.finding, view)), None)
        if refined is not None:
            return CAUSES[refined]
        rules = (*ENGINE_RULES, *RULES.get(deciding.stage, ()))
        code = next((rule.cause for rule in rules if rule.matches(deciding.finding, view)), "PROBE_ERROR")
        return CAUSES[code]
    if view.uses_proxy and view.evidence.probe.target.expect is not Expectation.ANY:
        return CAUSES["PROXY_IN_USE"]
    return next((CAUSES[code] for code, holds in WARNING_RULES if holds(view)), None)


def _all_well(target: Target, view: EvidenceView) -> str:
    last = view.evidence.probe.stages[-1].stage
    reached = "resolves" if last in (Stage.RESOLVE, Stage.ADDRESS) else "answers"
    addresses = listed(view.detail(Stage.RESOLVE).get("addresses", ()))
    return f"{target.host} {reached} at {addresses}; path {view.path}, as expected."
