"""Causes of the stage ``resolve``: the name gives no address."""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

RESOLVE_CAUSES: Final = (
    Cause(
        code="PRIVATE_ZONE_RECORD_MISSING",
        stage=Stage.RESOLVE,
        meaning="The private DNS zone is linked to this network, but has no record for the resource.",
        proof="NXDOMAIN for a name that lies in a privatelink zone, or behind a CNAME into one.",
        seen="{name} leads to {last_name}, which does not exist: the nameserver answers from a private zone without "
        "that record.",
        remedy="Add the resource's A record to the private zone {zones} (best by a DNS zone group on its private "
        "endpoint), or let the zone link fall back to public DNS (resolution policy NxDomainRedirect).",
    ),
    Cause(
        code="NAME_NOT_FOUND",
        stage=Stage.RESOLVE,
        meaning="The name does not exist, as the nameserver sees it.",
        proof="NXDOMAIN for the name, without a CNAME into a privatelink zone.",
        seen="{name} does not exist (NXDOMAIN from {dns_server}).",
        remedy="Check the spelling of {name}; where it is an internal name, check that this resolver forwards its zone "
        "to the server that knows it.",
    ),
    Cause(
        code="NAME_HAS_NO_ADDRESS",
        stage=Stage.RESOLVE,
        meaning="The name exists but has neither an A nor an AAAA record.",
        proof="NOERROR with an empty answer to both questions.",
        seen="{name} exists but has no address (NODATA from {dns_server}).",
        remedy="Add an A record for {last_name}; an empty record set in a private zone answers just so.",
    ),
    Cause(
        code="DNS_SERVER_FAILED",
        stage=Stage.RESOLVE,
        meaning="The nameserver could not answer: often a forwarder behind it is away.",
        proof="SERVFAIL.",
        seen="{dns_server} answers SERVFAIL for {name}.",
        remedy="Look at the nameserver's forwarders: the target of a forwarding rule is away or refuses this zone, or "
        "DNSSEC validation fails.",
    ),
    Cause(
        code="DNS_REFUSED",
        stage=Stage.RESOLVE,
        meaning="The nameserver refuses to answer this client or this zone.",
        proof="REFUSED or NOTAUTH.",
        seen="{dns_server} refuses to answer for {name} ({rcode}).",
        remedy="Allow this network in the nameserver's access list, or use a nameserver that serves it.",
    ),
    Cause(
        code="DNS_TIMED_OUT",
        stage=Stage.RESOLVE,
        meaning="No nameserver answered in time.",
        proof="No answer by UDP or TCP within the stage's limit.",
        seen="No answer for {name} from {dns_server} in time.",
        remedy="Check that {dns_server} runs and that UDP and TCP to it are open from here: peering, routes, "
        "security groups; where it is a forwarder, that the servers behind it answer.",
    ),
    Cause(
        code="DNS_UNREACHABLE",
        stage=Stage.RESOLVE,
        meaning="The nameserver cannot be reached at all.",
        proof="The network refused the question (connection refused, no route), or no nameserver is configured.",
        seen="The nameserver {dns_server} cannot be reached: {dns_errors}.",
        remedy="Check the nameserver's address and that something listens there.",
    ),
    Cause(
        code="DNS_ANSWER_MALFORMED",
        stage=Stage.RESOLVE,
        meaning="What came back is no valid DNS answer.",
        proof="The answer could not be parsed, or has an unusual response code.",
        seen="{dns_server} gave no valid DNS answer for {name}: {dns_errors}.",
        remedy="Check that a DNS server listens at {dns_server}, and not something in between.",
    ),
    Cause(
        code="NAME_NOT_RESOLVED",
        stage=Stage.RESOLVE,
        meaning="The nameserver knows the name, but this system's resolver does not give it.",
        proof="getaddrinfo fails where the nameserver, asked directly, gives addresses.",
        seen="getaddrinfo fails for {name} ({system_error}), although {dns_server} answers {dns_addresses}.",
        remedy="Check /etc/nsswitch.conf, /etc/hosts, search domains and ndots of this system.",
    ),
)
