"""Which evidence proves which cause: an ordered table; among the rules of the deciding stage the first match wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airflow_provider_netconn.diagnosis.view import PRIVATE_RANGES, EvidenceView
from airflow_provider_netconn.evidence import Finding, Path, Stage

CERTIFICATE_WARNING_DAYS = 14

When = Callable[[EvidenceView], bool]
"""What the evidence must say."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    :param cause: code of the catalogue
    :param findings: the findings of the deciding stage that this rule is about
    :param when: what the rest of the evidence must say; None asks nothing more
    """

    cause: str
    findings: tuple[Finding, ...]
    when: When | None = None

    def matches(self, finding: Finding, view: EvidenceView) -> bool:
        """Whether this rule is about that finding and holds for the evidence."""
        return finding in self.findings and (self.when is None or self.when(view))


def not_private_here(view: EvidenceView) -> bool:
    """None of the addresses lies in a private range either: DNS answers the public side."""
    return not any(name in PRIVATE_RANGES for name in view.ranges)


ENGINE_RULES: Final = (
    Rule("DEADLINE_EXCEEDED", (Finding.DEADLINE_EXCEEDED,)),
    Rule("PROBE_ERROR", (Finding.PROBE_ERROR,)),
)

RULES: Final[dict[Stage, tuple[Rule, ...]]] = {
    Stage.RESOLVE: (
        Rule("PRIVATE_ZONE_RECORD_MISSING", (Finding.NXDOMAIN,), lambda view: view.privatelink_name is not None),
        Rule("NAME_NOT_FOUND", (Finding.NXDOMAIN,)),
        Rule("NAME_HAS_NO_ADDRESS", (Finding.NODATA,)),
        Rule("DNS_SERVER_FAILED", (Finding.SERVFAIL,)),
        Rule("DNS_REFUSED", (Finding.DNS_REFUSED,)),
        Rule("DNS_TIMED_OUT", (Finding.DNS_TIMED_OUT,)),
        Rule("DNS_UNREACHABLE", (Finding.DNS_UNREACHABLE,)),
        Rule("DNS_ANSWER_MALFORMED", (Finding.DNS_MALFORMED,)),
        Rule("NAME_NOT_RESOLVED", (Finding.NOT_RESOLVED,)),
    ),
    Stage.ADDRESS: (
        Rule("ADDRESSES_MIXED", (Finding.MIXED_ADDRESSES,)),
        Rule("ADDRESS_OUTSIDE_EXPECTED_NETWORKS", (Finding.NOT_PRIVATE,), lambda view: not not_private_here(view)),
        Rule("PRIVATE_ZONE_NOT_USED", (Finding.NOT_PRIVATE,), lambda view: view.privatelink_name is not None),
        Rule("NO_PRIVATE_ENDPOINT", (Finding.NOT_PRIVATE,), lambda view: bool(view.evidence.name.services)),
        Rule("ADDRESS_LOOPBACK", (Finding.NOT_PRIVATE,), lambda view: set(view.ranges) == {"loopback"}),
        Rule("ADDRESS_PUBLIC", (Finding.NOT_PRIVATE,)),
        Rule("ADDRESS_LOOPBACK", (Finding.NOT_PUBLIC,), lambda view: set(view.ranges) == {"loopback"}),
        Rule("ADDRESS_NOT_PUBLIC", (Finding.NOT_PUBLIC,)),
        Rule("ADDRESS_NOT_THE_EXPECTED_ONE", (Finding.OTHER_ADDRESSES,)),
    ),
    Stage.PROXY: (
        Rule("PROXY_UNREACHABLE", (Finding.PROXY_UNREACHABLE,)),
        Rule("PROXY_AUTHENTICATION_REQUIRED", (Finding.PROXY_AUTHENTICATION_REQUIRED,)),
        Rule("PROXY_REFUSED", (Finding.PROXY_REFUSED,)),
        Rule("NOT_A_PROXY", (Finding.NOT_A_PROXY,)),
        Rule("PROXY_NOT_CHECKED", (Finding.NOT_CHECKED,)),
        Rule("FAILED_THROUGH_PROXY", tuple(Finding)),
    ),
    Stage.CONNECT: (
        Rule("PRIVATE_PATH_DROPPED", (Finding.TIMED_OUT,), lambda view: view.path is Path.PRIVATE),
        Rule("PUBLIC_PATH_DROPPED", (Finding.TIMED_OUT,)),
        Rule("CONNECTION_REFUSED", (Finding.REFUSED,)),
        Rule("ADMINISTRATIVELY_PROHIBITED", (Finding.PROHIBITED,)),
        Rule("HOST_UNREACHABLE", (Finding.HOST_UNREACHABLE,)),
        Rule("NETWORK_UNREACHABLE", (Finding.NETWORK_UNREACHABLE,)),
        Rule("CONNECTION_RESET", (Finding.RESET,)),
        Rule("CONNECT_FAILED", (Finding.CONNECT_FAILED,)),
    ),
    Stage.TLS: (
        Rule("CERTIFICATE_EXPIRED", (Finding.EXPIRED,)),
        Rule("CERTIFICATE_NOT_YET_VALID", (Finding.NOT_YET_VALID,)),
        Rule(
            "PRIVATELINK_NAME_NOT_IN_CERTIFICATE",
            (Finding.WRONG_NAME,),
            lambda view: "privatelink" in view.evidence.probe.target.host.lower().split("."),
        ),
        Rule("CERTIFICATE_WRONG_NAME", (Finding.WRONG_NAME,)),
        Rule(
            "TLS_INTERCEPTED",
            (Finding.UNKNOWN_ISSUER, Finding.SELF_SIGNED),
            lambda view: bool(view.evidence.name.services),
        ),
        Rule("CERTIFICATE_SELF_SIGNED", (Finding.SELF_SIGNED,)),
        Rule("CERTIFICATE_ISSUER_UNKNOWN", (Finding.UNKNOWN_ISSUER,)),
        Rule("CERTIFICATE_INVALID", (Finding.CERTIFICATE_INVALID,)),
        Rule("TLS_NOT_SPOKEN", (Finding.NOT_TLS,)),
        Rule("TLS_NOT_OFFERED", (Finding.TLS_NOT_OFFERED,)),
        Rule("TLS_CLOSED", (Finding.CLOSED, Finding.RESET)),
        Rule("TLS_NO_ANSWER", (Finding.NO_ANSWER,)),
        Rule("TLS_HANDSHAKE_FAILED", (Finding.TLS_REFUSED,)),
    ),
    Stage.PROTOCOL: (
        Rule("GATEWAY_ERROR", (Finding.GATEWAY_ERROR,)),
        Rule("SERVICE_REFUSES_CLIENT", (Finding.CLIENT_REFUSED,)),
        Rule("SERVICE_UNAVAILABLE", (Finding.SERVICE_UNAVAILABLE,)),
        Rule(
            "AMQP_VERSION_MISMATCH",
            (Finding.OTHER_VERSION,),
            lambda view: view.evidence.probe.target.protocol.startswith("amqp"),
        ),
        Rule("PROTOCOL_VERSION_MISMATCH", (Finding.OTHER_VERSION,)),
        Rule("TLS_REQUIRED", (Finding.TLS_REQUIRED,)),
        Rule("NOT_THIS_PROTOCOL", (Finding.NOT_THIS_PROTOCOL,)),
        Rule(
            "ANSWER_NOT_FINISHED",
            (Finding.CLOSED, Finding.RESET, Finding.NO_ANSWER),
            lambda view: "began" in view.detail(Stage.PROTOCOL),
        ),
        Rule("CLOSED_WITHOUT_ANSWER", (Finding.CLOSED, Finding.RESET)),
        Rule("NO_ANSWER", (Finding.NO_ANSWER,)),
    ),
    Stage.AUTH: (
        Rule("ACCOUNT_FIREWALL", (Finding.FIREWALL_REFUSED,)),
        Rule("PUBLIC_ACCESS_OFF", (Finding.PUBLIC_ACCESS_OFF,)),
        Rule("PERMISSION_MISSING", (Finding.PERMISSION_MISSING,)),
        Rule("KEYS_NOT_ALLOWED", (Finding.KEYS_NOT_ALLOWED,)),
        Rule("NO_TOKEN", (Finding.NO_TOKEN,)),
        Rule("CREDENTIALS_REFUSED", (Finding.CREDENTIALS_REFUSED,)),
        Rule("SIGN_IN_UNREACHABLE", (Finding.CONNECT_FAILED,)),
        Rule("SIGN_IN_TIMED_OUT", (Finding.NO_ANSWER,)),
        Rule("SIGN_IN_FAILED", (Finding.SIGN_IN_FAILED,)),
    ),
}
"""The rules of each deciding stage."""

WARNING_RULES: Final[tuple[tuple[str, When], ...]] = (
    ("RESOLVERS_DISAGREE", lambda view: view.resolvers_disagree),
    ("SOME_ADDRESSES_FAIL", lambda view: view.some_addresses_fail),
    ("STRANGERS_REFUSED", lambda view: bool(view.detail(Stage.PROTOCOL).get("refuses_strangers"))),
    ("SIGN_IN_NOT_CHECKED", lambda view: view.finding(Stage.AUTH) is Finding.NOT_CHECKED),
    ("CONNECTION_NOT_ENCRYPTED", lambda view: view.finding(Stage.TLS) is Finding.TLS_NOT_OFFERED),
    (
        "CERTIFICATE_EXPIRES_SOON",
        lambda view: view.detail(Stage.TLS).get("days_left", CERTIFICATE_WARNING_DAYS) < CERTIFICATE_WARNING_DAYS,
    ),
    ("FACTS_NOT_VISIBLE", lambda view: bool(view.control_plane.hidden)),
)
"""What wants attention where no stage failed."""
