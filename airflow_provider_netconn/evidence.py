"""What was seen: the values that travel between the rooms. It imports nothing of ours but the target.

Each value is frozen, keyword-only, validated when made (``ValueError`` naming field and mend), and goes through
JSON and back unchanged (:func:`to_json`, :func:`from_json`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import pendulum

from airflow_provider_netconn.target import (
    DEFAULT_PRIVATE_NETWORKS,
    MAX_NAME_LENGTH,
    MAX_PORT,
    Expectation,
    Target,
    TlsUse,
    bracketed,
    check_host,
    check_network,
    check_port,
    is_address,
)

__all__ = [
    "DEFAULT_PRIVATE_NETWORKS",
    "MAX_NAME_LENGTH",
    "MAX_PORT",
    "REPORT_SCHEMA_VERSION",
    "Evidence",
    "Expectation",
    "Fact",
    "FactKind",
    "Finding",
    "JsonObject",
    "NameFacts",
    "Outcome",
    "Path",
    "Presence",
    "ProbeResult",
    "Report",
    "Stage",
    "StageResult",
    "T",
    "Target",
    "TlsUse",
    "Vantage",
    "Verdict",
    "bracketed",
    "check_host",
    "check_network",
    "check_port",
    "from_bytes",
    "from_json",
    "is_address",
    "to_bytes",
    "to_json",
]

JsonObject = Mapping[str, Any]
"""A JSON object: text, numbers, booleans, null, and lists and objects of them."""

# Times as this module writes them.
_OWN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", re.ASCII)


class Stage(StrEnum):
    """The stages of a probe, in the order in which they run."""

    RESOLVE = "resolve"
    ADDRESS = "address"
    CONNECT = "connect"
    PROXY = "proxy"
    TLS = "tls"
    PROTOCOL = "protocol"
    AUTH = "auth"


class Path(StrEnum):
    """Where the packets go: the first axis of a verdict."""

    PRIVATE = "PRIVATE"
    PUBLIC = "PUBLIC"
    MIXED = "MIXED"
    UNKNOWN = "UNKNOWN"


class Outcome(StrEnum):
    """How far it got: the second axis of a verdict."""

    OK = "OK"
    BLOCKED = "BLOCKED"
    UNREACHABLE = "UNREACHABLE"
    MISCONFIGURED = "MISCONFIGURED"
    AUTH_FAILED = "AUTH_FAILED"
    UNKNOWN = "UNKNOWN"


class Finding(StrEnum):
    """What one stage saw, as one word of the catalogue's vocabulary."""

    # resolve
    RESOLVED = "resolved"
    LITERAL = "literal"
    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    SERVFAIL = "servfail"
    DNS_REFUSED = "dns_refused"
    DNS_TIMED_OUT = "dns_timed_out"
    DNS_UNREACHABLE = "dns_unreachable"
    DNS_MALFORMED = "dns_malformed"
    NOT_RESOLVED = "not_resolved"
    # address
    AS_EXPECTED = "as_expected"
    NOT_PRIVATE = "not_private"
    NOT_PUBLIC = "not_public"
    MIXED_ADDRESSES = "mixed_addresses"
    OTHER_ADDRESSES = "other_addresses"
    # connect
    CONNECTED = "connected"
    PARTLY_CONNECTED = "partly_connected"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"
    HOST_UNREACHABLE = "host_unreachable"
    NETWORK_UNREACHABLE = "network_unreachable"
    PROHIBITED = "prohibited"
    RESET = "reset"
    CONNECT_FAILED = "connect_failed"
    # proxy
    THROUGH_PROXY = "through_proxy"
    PROXY_UNREACHABLE = "proxy_unreachable"
    PROXY_REFUSED = "proxy_refused"
    PROXY_AUTHENTICATION_REQUIRED = "proxy_authentication_required"
    NOT_A_PROXY = "not_a_proxy"
    # tls
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_NAME = "wrong_name"
    SELF_SIGNED = "self_signed"
    UNKNOWN_ISSUER = "unknown_issuer"
    CERTIFICATE_INVALID = "certificate_invalid"
    NOT_TLS = "not_tls"
    TLS_REFUSED = "tls_refused"
    TLS_NOT_OFFERED = "tls_not_offered"
    # protocol
    GREETED = "greeted"
    GATEWAY_ERROR = "gateway_error"
    NOT_THIS_PROTOCOL = "not_this_protocol"
    OTHER_VERSION = "other_version"
    CLIENT_REFUSED = "client_refused"
    SERVICE_UNAVAILABLE = "service_unavailable"
    TLS_REQUIRED = "tls_required"
    # auth
    SIGNED_IN = "signed_in"
    NOT_CHECKED = "not_checked"
    CREDENTIALS_REFUSED = "credentials_refused"
    NO_TOKEN = "no_token"  # noqa: S105 - a word, and no secret
    KEYS_NOT_ALLOWED = "keys_not_allowed"
    PERMISSION_MISSING = "permission_missing"
    FIREWALL_REFUSED = "firewall_refused"
    PUBLIC_ACCESS_OFF = "public_access_off"
    SIGN_IN_FAILED = "sign_in_failed"
    # any stage that talks
    CLOSED = "closed"
    NO_ANSWER = "no_answer"
    # the engine
    DEADLINE_EXCEEDED = "deadline_exceeded"
    PROBE_ERROR = "probe_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What one stage saw. A failure the network caused is a result like any other.

    :param stage: which stage
    :param ok: whether a client could go on to the next stage as expected
    :param finding: what was seen, as one word
    :param duration_s: wall time of this stage alone, in seconds
    :param detail: what was seen in full: addresses, chain, certificate, status; free of secrets
    """

    stage: Stage
    ok: bool
    finding: Finding
    duration_s: float = 0.0
    detail: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """All that probing saw of one target, stage by stage, in order; stages that did not run are absent.

    :param started_at: aware time at which the first stage began
    :param duration_s: wall time of the whole probe, in seconds
    """

    target: Target
    stages: tuple[StageResult, ...]
    started_at: pendulum.DateTime
    duration_s: float

    def stage(self, stage: Stage) -> StageResult | None:
        """The result of that stage, or None where it did not run."""
        for result in self.stages:
            if result.stage is stage:
                return result
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameFacts:
    """What the Private Link zone table says of a host name.

    :param services: the Azure services that own such names, such as ``Storage account``; empty for other names
    :param zones: the private DNS zones in which the private record of that name belongs
    :param is_privatelink_name: the host itself lies in one of these zones
    """

    services: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    is_privatelink_name: bool = False


class Presence(StrEnum):
    """Whether something is there. What could not be looked at is ``NOT_VISIBLE``, and never ``ABSENT``."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_VISIBLE = "not_visible"


class FactKind(StrEnum):
    """What a fact of the control plane is about, in the order in which packets depend on it."""

    RESOURCE = "resource"
    ENDPOINT = "endpoint"
    CONNECTION = "connection"
    ZONE_GROUP = "zone_group"
    ZONE = "zone"
    ZONE_LINK = "zone_link"
    RECORD = "record"
    PEERING = "peering"
    SECURITY_RULE = "security_rule"
    PUBLIC_ACCESS = "public_access"
    FIREWALL = "firewall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that Azure's control plane says, or does not say.

    :param subject: the resource that the fact is about: its id, or a name where it has none in sight
    :param state: in Azure's own word where it has one, such as ``Pending``; only of what is present
    :param detail: what more is known; plain JSON, free of secrets
    :param reason: why it could not be looked at; only where it is not visible
    """

    kind: FactKind
    presence: Presence
    subject: str
    state: str = ""
    detail: JsonObject = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        if bool(self.reason) != (self.presence is Presence.NOT_VISIBLE):
            raise ValueError(f"reason: a {self.kind.value} that is {self.presence.value} has {self.reason!r}; mend it")
        if self.state and self.presence is not Presence.PRESENT:
            raise ValueError(f"state: only what is present has one, and not {self.state!r}; leave it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a diagnosis may look at.

    :param facts: what the control plane says; empty where it was not asked
    """

    probe: ProbeResult
    name: NameFacts = field(default_factory=NameFacts)
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What it means: one target's path and outcome, why, and what mends it.

    :param target: how a person calls the target: what was written on the command line, or the connection id
    :param path: where the packets go
    :param outcome: how far it got
    :param headline: one word derived from path, outcome and expectation
    :param as_expected: whether the path is the expected one and the outcome is OK
    :param cause: stable code of the catalogue; None where there is nothing to mend
    :param explanation: what was seen, in a sentence or two
    :param remedy: what mends it; None where there is nothing to mend
    :param failed_stage: the stage that decided; None where all went well
    :param evidence: the lines of evidence that prove the cause
    :param endpoint: the target in full
    :param stages: all stage results in order
    :param facts: what Azure's control plane said; empty where it was not asked
    """

    target: str
    path: Path
    outcome: Outcome
    headline: str
    as_expected: bool
    cause: str | None
    explanation: str
    remedy: str | None
    failed_stage: Stage | None
    evidence: tuple[str, ...]
    endpoint: Target
    stages: tuple[StageResult, ...]
    started_at: pendulum.DateTime
    duration_s: float
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vantage:
    """Where a check ran: what it saw holds for this place only.

    :param hostname: the machine's or container's host name
    :param resolvers: nameservers that the check used: the system's, or the one given
    :param proxies: proxies of the environment by scheme, without credentials
    :param no_proxy: the environment's exceptions from these proxies
    :param process: what kind of process ran the probes: ``worker``, ``triggerer`` or ``cli``
    :param queue: the Airflow queue of the task
    :param astro_deployment: id of the Astro Deployment, where it runs in one
    :param astro_namespace: that Deployment's namespace
    """

    hostname: str
    resolvers: tuple[str, ...] = ()
    proxies: JsonObject = field(default_factory=dict)
    no_proxy: str = ""
    process: str = "cli"
    queue: str | None = None
    astro_deployment: str | None = None
    astro_namespace: str | None = None


REPORT_SCHEMA_VERSION = "1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdicts of one check, and where and when it ran; its JSON form is the published report.

    :param schema_version: ``major.minor``; the major number changes when a reader would break
    :param netconn_version: version of this package
    :param started_at: aware time of the start
    :param duration_s: wall time of the check, in seconds
    :param verdicts: one for each target, in the order in which the targets were given
    """

    netconn_version: str
    started_at: pendulum.DateTime
    duration_s: float
    vantage: Vantage
    # Left out of repr(): asyncio.run() makes the text of what it gives back, and this one's would be megabytes.
    verdicts: tuple[Verdict, ...] = field(repr=False)
    schema_version: str = REPORT_SCHEMA_VERSION

    @property
    def unexpected(self) -> tuple[Verdict, ...]:
        """The verdicts that are not as expected."""
        return tuple(verdict for verdict in self.verdicts if not verdict.as_expected)

    def counts(self) -> dict[str, int]:
        """How many verdicts there are of each headline, most first."""
        headlines = [verdict.headline for verdict in self.verdicts]
        return {word: headlines.count(word) for word in sorted(set(headlines), key=lambda w: (-headlines.count(w), w))}


T = TypeVar("T")


def to_json(value: Any) -> Any:
    """The plain JSON form of any value of this module: an object of text, numbers, booleans, null and lists."""
    import msgspec  # not needed to import an operator

    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_time_to_text))


def from_json(kind: type[T], data: Any) -> T:
    """Read a value of this module from its plain JSON form; ``ValueError`` names the first field that does not fit."""
    import msgspec

    try:
        return msgspec.convert(data, kind, dec_hook=_time_from_text)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def to_bytes(value: Any) -> bytes:
    """Any value of this module, and a tuple or dataclass of them, in a compact form for another process of ours."""
    import msgspec

    return msgspec.msgpack.encode(value, enc_hook=_time_to_text)


def from_bytes(kind: type[T], data: bytes) -> T:
    """Read what :func:`to_bytes` wrote; ``ValueError`` where it is something else."""
    import msgspec

    try:
        return msgspec.msgpack.decode(data, type=kind, dec_hook=_time_from_text)
    except RecursionError as error:
        raise ValueError(str(error)) from None


def _time_to_text(value: Any) -> str:
    if isinstance(value, pendulum.DateTime):
        in_utc = value if value.tzinfo is pendulum.UTC else value.in_timezone("UTC")
        return in_utc.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _time_from_text(kind: type, value: Any) -> Any:
    if kind is not pendulum.DateTime:
        raise TypeError(f"{kind.__name__} is no type of this module")
    try:
        if isinstance(value, str) and _OWN_TIME.fullmatch(value):  # a tenth of what parsing any form takes
            return datetime.replace(pendulum.DateTime.fromisoformat(value.removesuffix("Z")), tzinfo=pendulum.UTC)
        # Not pendulum.parse(): it takes "now" and "12:00" as well, which are another time at every reading.
        return pendulum.instance(datetime.fromisoformat(value), tz="UTC").in_timezone("UTC")
    except (OverflowError, TypeError, ValueError) as error:  # OverflowError: no such year in UTC
        raise ValueError(f"{value!r} is no time: {error}") from None
