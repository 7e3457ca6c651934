"""Evidence in lines for a person: one line for each stage, saying what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from airflow_provider_netconn.diagnosis.listed import listed, short_id
from airflow_provider_netconn.evidence import Fact, Finding, JsonObject, ProbeResult, Stage, StageResult


def evidence_lines(probe: ProbeResult) -> tuple[str, ...]:
    """What each stage saw, in a line each."""
    return tuple([f"{result.stage}: {_line(result)}" for result in probe.stages])


def fact_lines(facts: Iterable[Fact]) -> tuple[str, ...]:
    """What the control plane says, in a line for each fact."""
    return tuple(f"azure {fact.kind.value.replace('_', ' ')}: {_fact(fact)}" for fact in facts)


def _fact(fact: Fact) -> str:
    said = fact.reason or fact.state or ""
    words = fact.presence.value.replace("_", " ")
    return f"{words}{f' ({said})' if said else ''}, {short_id(fact.subject)}"


def _line(result: StageResult) -> str:
    # Of a stage that was cut short or broke, the detail says why, and nothing of what the stage saw.
    describe = _protocol if result.finding in _OF_THE_ENGINE else _DESCRIBE[result.stage]
    words = result.finding.replace("_", " ")
    more = describe(result.detail) if result.detail else ""
    return f"{words}, {more}" if more else words


def _resolve(detail: JsonObject) -> str:
    dns = detail.get("dns")
    if dns is None:
        return listed(detail.get("addresses", ()))
    path = " -> ".join([detail["name"], *dns["chain"]])
    answers = listed(f"{answer['address']} (TTL {answer['ttl']} s)" for answer in dns["answers"])
    asked = f"{path} -> {answers or dns['rcode'] or dns['finding']} from {dns['server'] or 'the nameserver'}"
    system = detail["system"]
    if not detail["disagree"]:
        return f"{asked}; getaddrinfo agrees"
    return f"{asked}; getaddrinfo gives {listed(system['addresses']) or system['error']}"


def _address(detail: JsonObject) -> str:
    entries = listed(
        f"{entry['address']} ({entry['range']}, {'inside' if entry['private'] else 'outside'} the expected networks)"
        for entry in detail.get("addresses", ())
    )
    return f"{entries}; networks {listed(detail.get('expected_networks', ()))}"


def _connect(detail: JsonObject) -> str:
    attempts = [
        f"{entry['address']} {entry['finding'].replace('_', ' ')}" + (f" ({entry['errno']})" if entry["errno"] else "")
        for entry in detail.get("addresses", ())
    ]
    return f"port {detail.get('port')}: {listed(attempts)}"


def _proxy(detail: JsonObject) -> str:
    via = detail.get("via", {})
    status = f", status {via['status']}" if "status" in via else ""
    return f"{detail.get('proxy')}{status}" + (f", {detail['problem']}" if "problem" in detail else "")


def _tls(detail: JsonObject) -> str:
    parts = [f"for {detail.get('server_name')}"]
    if "names" in detail:
        parts.append(f"certificate for {listed(detail['names']) or 'no names'}")
        parts.append(f"issued by {detail['issuer']}")
        parts.append(f"valid until {detail['not_after']}")
    parts += [str(detail[key]) for key in ("protocol", "problem") if detail.get(key)]
    return "; ".join(parts)


def _protocol(detail: JsonObject) -> str:
    return "; ".join(f"{key} {value}" for key, value in detail.items())


_OF_THE_ENGINE: Final = frozenset({Finding.DEADLINE_EXCEEDED, Finding.PROBE_ERROR})
_DESCRIBE: Final[dict[Stage, Callable[[JsonObject], str]]] = {
    Stage.RESOLVE: _resolve,
    Stage.ADDRESS: _address,
    Stage.CONNECT: _connect,
    Stage.PROXY: _proxy,
    Stage.TLS: _tls,
    Stage.PROTOCOL: _protocol,
    Stage.AUTH: _protocol,
}
