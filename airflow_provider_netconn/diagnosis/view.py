"""Evidence as rules and templates read it: one place that knows what a stage's detail is called."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from airflow_provider_netconn.diagnosis.facts_view import FactsView
from airflow_provider_netconn.diagnosis.listed import listed
from airflow_provider_netconn.evidence import Evidence, Finding, Path, Stage, StageResult

PRIVATE_RANGES = ("RFC 1918", "RFC 6598", "ULA (RFC 4193)")
_LOCAL_RANGES = frozenset({"loopback", "link-local"})


class EvidenceView:
    """The evidence of one target; every property is derived from it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        # Of two results of a stage the first one counts.
        self._stages = {result.stage: result for result in reversed(evidence.probe.stages)}
        self.control_plane = FactsView(evidence.facts)
        """What the control plane says."""
        self.deciding = self._deciding()
        """The first failing stage on the way that a client goes; None where none failed."""
        self.path = self._path()
        """Where the packets of a client go; through a proxy they go on to where nobody here can see."""

    def detail(self, stage: Stage) -> Mapping[str, Any]:
        """The detail of a stage; empty where it did not run."""
        result = self._stages.get(stage)
        return result.detail if result else {}

    def finding(self, stage: Stage) -> Finding | None:
        """The finding of a stage; None where it did not run."""
        result = self._stages.get(stage)
        return result.finding if result else None

    @property
    def uses_proxy(self) -> bool:
        """A real client of this target goes through a proxy, so that what it meets is what the proxy stage met."""
        return Stage.PROXY in self._stages

    def _deciding(self) -> StageResult | None:
        stages = self.evidence.probe.stages
        if self.uses_proxy:
            stages = tuple(result for result in stages if result.stage in (Stage.PROXY, Stage.AUTH))
        return next((result for result in stages if not result.ok), None)

    @property
    def stopping(self) -> StageResult | None:
        """The first stage that kept a client from going on; unwelcome addresses alone do not."""
        if self.deciding is None or self.deciding.finding not in _UNWELCOME:
            return self.deciding
        return next((result for result in self.evidence.probe.stages if _stops(result)), None)

    def _path(self) -> Path:
        entries = self.detail(Stage.ADDRESS).get("addresses", ())
        if not entries or self.uses_proxy:
            return Path.UNKNOWN
        if not self.evidence.probe.target.expect_networks and {*self.ranges} & _LOCAL_RANGES:
            return Path.UNKNOWN  # a forwarder on this host may take it anywhere; only a list of networks can say more
        private = [bool(entry["private"]) for entry in entries]
        if all(private):
            return Path.PRIVATE
        return Path.MIXED if any(private) else Path.PUBLIC

    @property
    def chain(self) -> tuple[str, ...]:
        """The names that the CNAME records lead through, after the name itself."""
        return tuple(self.dns.get("chain", ()))

    @property
    def dns(self) -> Mapping[str, Any]:
        """What the nameserver said."""
        seen: Mapping[str, Any] = self.detail(Stage.RESOLVE).get("dns", {})
        return seen

    @property
    def privatelink_name(self) -> str | None:
        """The privatelink name that the name leads through, or is."""
        names = (self.evidence.probe.target.dialled.lower(), *self.chain)
        return next((name for name in names if "privatelink" in name.split(".")), None)

    @property
    def ranges(self) -> tuple[str, ...]:
        """The ranges of the addresses that are not private here."""
        return tuple(
            entry["range"] for entry in self.detail(Stage.ADDRESS).get("addresses", ()) if not entry["private"]
        )

    @property
    def resolvers_disagree(self) -> bool:
        """The system and its own nameserver differ on whether the name is private.

        Not so where a nameserver was given: then a difference is what one looks for.
        """
        if self.detail(Stage.RESOLVE).get("source") != "system":
            return False
        networks_of = self.evidence.probe.target.private_networks
        answers = (self._system_addresses(), [answer["address"] for answer in self.dns.get("answers", ())])
        kinds = [{_private(address, networks_of) for address in addresses} for addresses in answers if addresses]
        return len(kinds) == len(answers) and kinds[0] != kinds[1]

    @property
    def some_addresses_fail(self) -> bool:
        """Some addresses connect and others do not, apart from IPv6 where this host has no route for it."""
        attempts = self.detail(Stage.CONNECT).get("addresses", ())
        failed = [
            attempt
            for attempt in attempts
            if attempt["finding"] != Finding.CONNECTED
            and not (":" in attempt["address"] and attempt["finding"] == Finding.NETWORK_UNREACHABLE)
        ]
        return bool(failed) and self.finding(Stage.CONNECT) is Finding.PARTLY_CONNECTED

    def facts(self) -> dict[str, str]:
        """The words that the catalogue's templates may use."""
        target, name = self.evidence.probe.target, self.evidence.name
        resolve, connect = self.detail(Stage.RESOLVE), self.detail(Stage.CONNECT)
        attempts = connect.get("addresses", ())
        deciding = self.deciding
        return {
            "name": target.dialled,
            "host": target.host,
            "port": str(target.port),
            "protocol": target.protocol,
            "last_name": self.chain[-1] if self.chain else target.dialled,
            "addresses": listed(resolve.get("addresses", ())),
            "resolution": self._resolution(),
            "outside": listed(entry["address"] for entry in self._entries() if not entry["private"]),
            "ranges": listed(dict.fromkeys(self.ranges)),
            "networks": listed(target.private_networks),
            "expected_addresses": listed(target.expect_addresses),
            "zones": listed(name.zones) or "of the service",
            "public_zones": listed(zone.replace("privatelink.", "") for zone in name.zones) or "the public zone",
            "service": " or ".join(name.services),
            "privatelink_name": self.privatelink_name or "",
            "dns_server": str(self.dns.get("server") or "the system's nameserver"),
            "dns_errors": listed(self.dns.get("errors", ())),
            "dns_addresses": listed(answer["address"] for answer in self.dns.get("answers", ())),
            "rcode": str(self.dns.get("rcode") or "no rcode"),
            "system_error": str(resolve.get("system", {}).get("error")),
            "attempts": listed(f"{entry['address']} {entry['finding'].replace('_', ' ')}" for entry in attempts),
            "icmp": next((f" (ICMP {entry['icmp']})" for entry in attempts if entry.get("icmp")), ""),
            "timeout": f"{deciding.detail.get('timeout_s', deciding.duration_s):g}" if deciding else "",
            "failed_stage": deciding.stage.value if deciding else "",
            "probe_error": str(deciding.detail.get("error")) if deciding else "",
            **self._proxy_facts(),
            **self._tls_facts(),
            "status": str(self.detail(Stage.PROTOCOL).get("status")),
            "protocol_seen": str(self.detail(Stage.PROTOCOL).get("seen")),
            "protocol_expected": str(self.detail(Stage.PROTOCOL).get("expected")),
            "began": str(self.detail(Stage.PROTOCOL).get("began")),
            "said": str(self.detail(Stage.PROTOCOL).get("said")),
            "sign_in": str(self.detail(Stage.AUTH).get("does")),
            "sign_in_error": self._sign_in_error(),
            **self.control_plane.words(),
        }

    def _sign_in_error(self) -> str:
        seen = self.detail(Stage.AUTH)
        return " ".join(str(seen[key]) for key in ("code", "error") if seen.get(key)) or "no error of its own"

    def _resolution(self) -> str:
        name, addresses = self.evidence.probe.target.dialled, self.detail(Stage.RESOLVE).get("addresses", ())
        if self.finding(Stage.RESOLVE) is Finding.LITERAL:
            return f"The target is the address {name} itself"
        return f"{name} resolves to {listed(addresses)}"

    def _entries(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.detail(Stage.ADDRESS).get("addresses", ()))

    def _system_addresses(self) -> list[str]:
        return list(self.detail(Stage.RESOLVE).get("system", {}).get("addresses", ()))

    def _proxy_facts(self) -> dict[str, str]:
        proxy = self.detail(Stage.PROXY)
        via = proxy.get("via", {})
        return {
            "proxy": str(proxy.get("proxy")),
            "proxy_problem": str(proxy.get("problem") or via.get("seen") or via.get("problem")),
            "proxy_status": f"status {via['status']}" if "status" in via else str(via.get("seen")),
            "proxy_stage": str(proxy.get("stage")),
            "proxy_finding": str(proxy.get("finding", "")).replace("_", " "),
            "proxy_issuer": str(via.get("issuer", "not seen")),
        }

    def _tls_facts(self) -> dict[str, str]:
        tls = self.detail(Stage.TLS)
        return {
            "server_name": str(tls.get("server_name")),
            "names": listed(tls.get("names", ())) or "no names",
            "subject": str(tls.get("subject", "unknown")),
            "issuer": str(tls.get("issuer", "an unknown issuer")),
            "not_before": str(tls.get("not_before", "an unknown date")),
            "not_after": str(tls.get("not_after", "an unknown date")),
            "days_left": str(tls.get("days_left")),
            "tls_problem": str(tls.get("problem")),
        }


_UNWELCOME = frozenset({Finding.NOT_PRIVATE, Finding.NOT_PUBLIC, Finding.MIXED_ADDRESSES})
"""Findings that say where the packets go, not how far they get."""


def _stops(result: StageResult) -> bool:
    return not result.ok and result.finding not in _UNWELCOME


@lru_cache(maxsize=4096)
def _private(text: str, networks: tuple[str, ...]) -> bool:
    parsed = ipaddress.ip_address(text)
    address = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(address in ipaddress.ip_network(network) for network in networks)
