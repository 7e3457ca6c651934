"""The catalogue of causes, as data: what went wrong, what mends it, and which evidence proves it.

``seen`` and ``remedy`` are templates over the facts of :class:`~airflow_provider_netconn.diagnosis.view.EvidenceView`.
Codes are stable: users filter and route on them. ``docs/causes.md`` is rendered from here.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_netconn.diagnosis.auth_causes import AUTH_CAUSES
from airflow_provider_netconn.diagnosis.cause import Cause
from airflow_provider_netconn.evidence import Stage

__all__ = ["CAUSES", "Cause"]

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

ADDRESS_CAUSES: Final = (
    Cause(
        code="ADDRESSES_MIXED",
        stage=Stage.ADDRESS,
        meaning="Some of the name's addresses are private and some are not: a client takes either.",
        proof="Addresses inside and outside the expected networks in one answer.",
        seen="{resolution}; of these {outside} lie outside the expected networks.",
        remedy="Remove the stray records; one name should lead either to the private endpoint or to the public "
        "address.",
    ),
    Cause(
        code="ADDRESS_OUTSIDE_EXPECTED_NETWORKS",
        stage=Stage.ADDRESS,
        meaning="The address is of a private range, but of none of the networks that were given.",
        proof="An address of RFC 1918, RFC 6598 or RFC 4193 outside the expected networks.",
        seen="{resolution} ({ranges}), outside the expected networks {networks}.",
        remedy="Check whether the record is stale or points at an endpoint in another network; else add that network "
        "to the expected ones.",
    ),
    Cause(
        code="PRIVATE_ZONE_NOT_USED",
        stage=Stage.ADDRESS,
        meaning="A private endpoint exists, but DNS here answers the public address: the private zone is not "
        "consulted.",
        proof="The CNAME chain passes a privatelink name and still ends at a public address.",
        seen="{name} passes {privatelink_name} but resolves to {addresses}: this resolver does not see the private "
        "zone.",
        remedy="Link the private zone {zones} to the network whose resolver is {dns_server}, or forward "
        "{public_zones} from there to a resolver in a network that has the link.",
    ),
    Cause(
        code="NO_PRIVATE_ENDPOINT",
        stage=Stage.ADDRESS,
        meaning="An Azure service without a private endpoint (of this sub-resource): its name is public only.",
        proof="A name of a service with Private Link, a public address, and no privatelink name in the CNAME chain.",
        seen="{name} ({service}) resolves to {addresses} without passing a privatelink name.",
        remedy="Create a private endpoint for the resource and its record in {zones}; while the resource has none, its "
        "public name does not lead through privatelink.",
    ),
    Cause(
        code="ADDRESS_LOOPBACK",
        stage=Stage.ADDRESS,
        meaning="The name leads to this host itself; what a forwarder here does with it cannot be seen.",
        proof="A loopback address outside the expected networks.",
        seen="{resolution}, which is this host.",
        remedy="Check /etc/hosts and any local forwarder; where loopback is meant, name it as an expected network.",
    ),
    Cause(
        code="ADDRESS_PUBLIC",
        stage=Stage.ADDRESS,
        meaning="The name resolves to a public address where a private one is expected.",
        proof="An address outside every expected network and every private range.",
        seen="{resolution}, outside the expected networks {networks}.",
        remedy="Give the name a private record where this resolver ({dns_server}) looks it up, or expect a public "
        "path.",
    ),
    Cause(
        code="ADDRESS_NOT_PUBLIC",
        stage=Stage.ADDRESS,
        meaning="The name resolves to a private address where a public one is expected.",
        proof="An address inside the networks that count as private, with a public path expected.",
        seen="{resolution}, which counts as private here.",
        remedy="Expect a private path, or look up which zone or hosts file overrides the public answer.",
    ),
    Cause(
        code="ADDRESS_NOT_THE_EXPECTED_ONE",
        stage=Stage.ADDRESS,
        meaning="The addresses are private, but not exactly the ones that were expected.",
        proof="The set of addresses differs from the expected set.",
        seen="{resolution}; expected were exactly {expected_addresses}.",
        remedy="Check the record: it may be stale after the endpoint was made again with another address.",
    ),
)

PROXY_CAUSES: Final = (
    Cause(
        code="PROXY_UNREACHABLE",
        stage=Stage.PROXY,
        meaning="Clients would use the environment's proxy, and it cannot be reached.",
        proof="HTTP_PROXY or HTTPS_PROXY applies to the target; connecting to it failed.",
        seen="A client would go through {proxy}, which cannot be reached: {proxy_problem}.",
        remedy="Mend or remove the proxy setting, or add {host} to NO_PROXY for a direct connection.",
    ),
    Cause(
        code="PROXY_AUTHENTICATION_REQUIRED",
        stage=Stage.PROXY,
        meaning="The proxy demands credentials that the environment does not give.",
        proof="Status 407 from the proxy.",
        seen="A client would go through {proxy}, which demands authentication (407).",
        remedy="Put the credentials into the proxy URL of the environment, or add {host} to NO_PROXY.",
    ),
    Cause(
        code="PROXY_REFUSED",
        stage=Stage.PROXY,
        meaning="The proxy does not open the tunnel to this target.",
        proof="Another status than 2xx to CONNECT, or a closed connection.",
        seen="A client would go through {proxy}, which refuses {host}:{port} ({proxy_status}).",
        remedy="Allow {host}:{port} on the proxy, or add {host} to NO_PROXY for a direct connection.",
    ),
    Cause(
        code="NOT_A_PROXY",
        stage=Stage.PROXY,
        meaning="What answers at the proxy's address is no HTTP proxy.",
        proof="The answer to CONNECT is no HTTP.",
        seen="A client would go through {proxy}, which does not speak HTTP: {proxy_problem}.",
        remedy="Correct HTTP_PROXY and HTTPS_PROXY, or add {host} to NO_PROXY.",
    ),
    Cause(
        code="FAILED_THROUGH_PROXY",
        stage=Stage.PROXY,
        meaning="The proxy opens the tunnel, but TLS or the protocol fails in it.",
        proof="A failed handshake or answer within the tunnel; a certificate of unknown issuer is the proxy's own.",
        seen="Through {proxy} the {proxy_stage} stage fails: {proxy_finding}; issuer {proxy_issuer}.",
        remedy="Where the proxy intercepts TLS, trust its authority (--ca, ca_files) in every client or exempt "
        "{host} from interception; else add {host} to NO_PROXY.",
    ),
    Cause(
        code="PROXY_IN_USE",
        stage=Stage.PROXY,
        meaning="Clients go through the environment's proxy: it resolves the name, and the private path is not used.",
        proof="HTTP_PROXY or HTTPS_PROXY applies to the target, NO_PROXY does not, and the way through the proxy "
        "works.",
        seen="A client of {host} would go through {proxy}: where the packets go from there cannot be seen from here.",
        remedy="Add {host} to NO_PROXY, so that clients connect directly.",
    ),
)

CONNECT_CAUSES: Final = (
    Cause(
        code="PRIVATE_PATH_DROPPED",
        stage=Stage.CONNECT,
        meaning="Packets to the private address are dropped: no answer at all.",
        proof="Time-out of TCP connect to an address inside the expected networks.",
        seen="TCP to port {port}: {attempts}; no answer within {timeout} s.",
        remedy="Check in this order: the peering (Connected on both sides) or hub connection between this network and "
        "{addresses}; security groups and firewalls on the way for port {port}; routes back; that the private "
        "endpoint is "
        "Approved.",
    ),
    Cause(
        code="PUBLIC_PATH_DROPPED",
        stage=Stage.CONNECT,
        meaning="Packets to the public address are dropped: no answer at all.",
        proof="Time-out of TCP connect to an address outside the expected networks.",
        seen="TCP to port {port}: {attempts}; no answer within {timeout} s.",
        remedy="Check whether this network may reach the internet on port {port} (firewall, egress rules), and "
        "whether the "
        "service admits this network's outbound addresses.",
    ),
    Cause(
        code="CONNECTION_REFUSED",
        stage=Stage.CONNECT,
        meaning="The host answers that nothing listens on that port, or a firewall answers so.",
        proof="ECONNREFUSED: a TCP reset in answer to SYN.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Check the port {port} and that the service runs there; a firewall that rejects with a reset looks "
        "the same.",
    ),
    Cause(
        code="ADMINISTRATIVELY_PROHIBITED",
        stage=Stage.CONNECT,
        meaning="A firewall or router on the way says that this traffic is forbidden.",
        proof="ICMP 'administratively prohibited' (type 3 code 9, 10, 13; ICMPv6 type 1 code 1, 5, 6), or EACCES or "
        "EPERM "
        "of this host's own rules.",
        seen="TCP to port {port}: {attempts}{icmp}.",
        remedy="Allow {addresses} port {port} in the firewall that answered, or in this host's own rules and routes.",
    ),
    Cause(
        code="HOST_UNREACHABLE",
        stage=Stage.CONNECT,
        meaning="The last router finds no such host.",
        proof="EHOSTUNREACH: ICMP host unreachable, or no answer to neighbour discovery.",
        seen="TCP to port {port}: {attempts}{icmp}.",
        remedy="Check that the address {addresses} is still in use: a deleted endpoint leaves its record behind.",
    ),
    Cause(
        code="NETWORK_UNREACHABLE",
        stage=Stage.CONNECT,
        meaning="There is no route to that network.",
        proof="ENETUNREACH: no route here, or ICMP network unreachable.",
        seen="TCP to port {port}: {attempts}{icmp}.",
        remedy="Add the route, peering or hub connection that leads to {addresses}.",
    ),
    Cause(
        code="CONNECTION_RESET",
        stage=Stage.CONNECT,
        meaning="The connection was reset while it was being made.",
        proof="ECONNRESET during TCP connect.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Look for a firewall or load balancer on the way whose backend is away.",
    ),
    Cause(
        code="CONNECT_FAILED",
        stage=Stage.CONNECT,
        meaning="This host could not even try: a limit or setting of its own.",
        proof="Another errno of connect, such as EADDRNOTAVAIL or EMFILE.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Look the errno up: file limits, address family, source addresses of this host.",
    ),
)

TLS_CAUSES: Final = (
    Cause(
        code="CERTIFICATE_EXPIRED",
        stage=Stage.TLS,
        meaning="The server's certificate, or one of its chain, has expired.",
        proof="Verification fails with 'certificate has expired'.",
        seen="The certificate of {server_name} expired on {not_after}.",
        remedy="Renew the certificate; where an appliance on the way presents it ({issuer}), renew it there.",
    ),
    Cause(
        code="CERTIFICATE_NOT_YET_VALID",
        stage=Stage.TLS,
        meaning="The server's certificate is not valid yet: it is too new, or this host's clock is behind.",
        proof="Verification fails with 'certificate is not yet valid'.",
        seen="The certificate of {server_name} is valid from {not_before} on.",
        remedy="Check this host's clock, then the certificate.",
    ),
    Cause(
        code="PRIVATELINK_NAME_NOT_IN_CERTIFICATE",
        stage=Stage.TLS,
        meaning="The connection uses the privatelink name, which the service's certificate does not carry.",
        proof="A host name mismatch for a privatelink name.",
        seen="The certificate carries {names}, not {server_name}.",
        remedy="Use the service's public name, which leads to the private address through the private zone.",
    ),
    Cause(
        code="CERTIFICATE_WRONG_NAME",
        stage=Stage.TLS,
        meaning="The certificate is for other names: the packets reached another service, or the host is not its name.",
        proof="Verification fails with 'Hostname mismatch' or 'IP address mismatch'.",
        seen="The certificate carries {names}, not {server_name}.",
        remedy="Use a name that the certificate carries; where it is the right name, check what answers at "
        "{addresses}.",
    ),
    Cause(
        code="TLS_INTERCEPTED",
        stage=Stage.TLS,
        meaning="Something on the way presents a certificate of its own: an intercepting proxy or firewall.",
        proof="A certificate for an Azure name whose issuer no public authority vouches for.",
        seen="The certificate for {server_name} is issued by {issuer}, which is not trusted here; Azure's own are.",
        remedy="Exempt {server_name} from TLS inspection, or trust that authority (--ca, ca_files) in every client.",
    ),
    Cause(
        code="CERTIFICATE_SELF_SIGNED",
        stage=Stage.TLS,
        meaning="The server signed its certificate itself.",
        proof="Verification fails with 'self-signed certificate'.",
        seen="The certificate of {server_name} is signed by itself ({subject}).",
        remedy="Install a certificate of an authority that clients trust, or trust this one (--ca, ca_files).",
    ),
    Cause(
        code="CERTIFICATE_ISSUER_UNKNOWN",
        stage=Stage.TLS,
        meaning="The certificate's issuer is not trusted here: a private authority, or an incomplete chain.",
        proof="Verification fails with 'unable to get local issuer certificate' or 'self-signed certificate in chain'.",
        seen="The certificate of {server_name} is issued by {issuer}, which is not trusted here.",
        remedy="Trust the issuing authority (--ca, ca_files), or have the server send its whole chain.",
    ),
    Cause(
        code="CERTIFICATE_INVALID",
        stage=Stage.TLS,
        meaning="The certificate fails verification for another reason.",
        proof="Any other verification error of OpenSSL.",
        seen="The certificate of {server_name} does not verify: {tls_problem}.",
        remedy="Read the problem above with the chain in the evidence at hand; the certificate must be issued anew.",
    ),
    Cause(
        code="TLS_NOT_SPOKEN",
        stage=Stage.TLS,
        meaning="The port answers, but not in TLS.",
        proof="The answer to ClientHello is no TLS record.",
        seen="{host}:{port} does not speak TLS ({tls_problem}).",
        remedy="Check the port, or use the protocol without TLS.",
    ),
    Cause(
        code="TLS_NOT_OFFERED",
        stage=Stage.TLS,
        meaning="The client demands TLS, and the server offers none within the protocol.",
        proof="The protocol's own word that TLS is not available, and a connection that asks for it.",
        seen="{host}:{port} speaks {protocol} and offers no TLS.",
        remedy="Turn TLS on at the server, or, where the path itself is trusted, let the connection go without.",
    ),
    Cause(
        code="TLS_CLOSED",
        stage=Stage.TLS,
        meaning="The peer accepted the connection and hung up at the first TLS message.",
        proof="End of stream or reset in answer to ClientHello.",
        seen="{host}:{port} closed the connection during the TLS handshake.",
        remedy="A service firewall, a proxy by server name, or an endpoint that is not approved does this: check "
        "that the "
        "service admits this network and name.",
    ),
    Cause(
        code="TLS_NO_ANSWER",
        stage=Stage.TLS,
        meaning="The peer accepted the connection and then stayed silent.",
        proof="No answer to ClientHello within the stage's limit.",
        seen="{host}:{port} did not answer the TLS handshake within {timeout} s.",
        remedy="Large packets may be lost on the way (MTU on VPN or hub), or the service hangs: try from another "
        "network.",
    ),
    Cause(
        code="TLS_HANDSHAKE_FAILED",
        stage=Stage.TLS,
        meaning="The peer speaks TLS but would not agree: version, cipher, server name or client certificate.",
        proof="A TLS alert, or another error of OpenSSL before the certificate was judged.",
        seen="{host}:{port} ended the TLS handshake: {tls_problem}.",
        remedy="Compare TLS versions and ciphers of both sides, the server name, and whether a client certificate "
        "is asked.",
    ),
)

PROTOCOL_CAUSES: Final = (
    Cause(
        code="GATEWAY_ERROR",
        stage=Stage.PROTOCOL,
        meaning="A gateway or load balancer answered that the service behind it is away.",
        proof="HTTP status 502, 503 or 504.",
        seen="{host} answers HTTP {status}.",
        remedy="Look at the backends of the gateway or load balancer in front of the service.",
    ),
    Cause(
        code="SERVICE_REFUSES_CLIENT",
        stage=Stage.PROTOCOL,
        meaning="The service itself turns this client away before any login: its own access rules or limits.",
        proof="The protocol's own refusal, such as SMTP 554 instead of a greeting, Redis's protected mode, or MySQL's "
        "errors 1129 (host blocked) and 1130 (host not allowed).",
        seen="{host}:{port} says: {said}.",
        remedy="Admit this client's address in the service's own access rules, or raise the limit that its answer "
        "names; a host that MySQL has blocked for its many connection errors is freed by FLUSH HOSTS. The way through "
        "the network is open.",
    ),
    Cause(
        code="SERVICE_UNAVAILABLE",
        stage=Stage.PROTOCOL,
        meaning="The service answers that it cannot serve now: it starts, recovers, or has too much to do.",
        proof="The protocol's own word, such as SMTP 421, Redis's LOADING and MASTERDOWN, MySQL's error 1040, or "
        "PostgreSQL's SQLSTATE 53300 and 57P03.",
        seen="{host}:{port} says: {said}.",
        remedy="Wait and try again; where it lasts, look at the service itself. The way through the network is open.",
    ),
    Cause(
        code="AMQP_VERSION_MISMATCH",
        stage=Stage.PROTOCOL,
        meaning="The broker speaks AMQP in another version than the client: 0-9-1 and 1.0 are two protocols.",
        proof="A protocol header of another version in answer to the client's.",
        seen="{host}:{port} speaks {protocol_seen}, not {protocol_expected}.",
        remedy="Use a client and a target protocol of that version: amqp for 0-9-1 (RabbitMQ), amqp10 for 1.0 (Azure "
        "Service Bus and Event Hubs); RabbitMQ before 4.0 speaks 1.0 once rabbitmq_amqp1_0 is enabled.",
    ),
    Cause(
        code="PROTOCOL_VERSION_MISMATCH",
        stage=Stage.PROTOCOL,
        meaning="The service speaks the protocol in a version that clients no longer, or not yet, speak.",
        proof="The version that the service itself names.",
        seen="{host}:{port} speaks {protocol_seen}; clients need {protocol_expected}.",
        remedy="Bring the service up to date, or use a client of that version.",
    ),
    Cause(
        code="TLS_REQUIRED",
        stage=Stage.PROTOCOL,
        meaning="The port wants TLS, and the client begins without.",
        proof="A TLS alert, or the protocol's own demand for TLS, in answer to the client's first bytes.",
        seen="{host}:{port} wants TLS: {said}.",
        remedy="Turn TLS on in the connection and use the protocol with TLS (https, amqps, rediss, smtps), or the "
        "service's port without TLS.",
    ),
    Cause(
        code="NOT_THIS_PROTOCOL",
        stage=Stage.PROTOCOL,
        meaning="Something answers, but not in the expected protocol.",
        proof="The answer does not parse as the protocol.",
        seen="{host}:{port} does not speak {protocol}: {protocol_seen}.",
        remedy="Check host, port and protocol of the target.",
    ),
    Cause(
        code="ANSWER_NOT_FINISHED",
        stage=Stage.PROTOCOL,
        meaning="The peer began to speak and came to no end: it is too slow, hung up halfway, or speaks another "
        "protocol in which it now waits for the client.",
        proof="Bytes of the peer, and then its silence up to the stage's limit, or the end of the stream.",
        seen="{host}:{port} did not finish an answer in {protocol} within {timeout} s ({began}).",
        remedy="Check the protocol of the target by the first bytes; where they are of the right one, check the "
        "service, and the way to it for what slows or cuts connections (inspection, MTU).",
    ),
    Cause(
        code="CLOSED_WITHOUT_ANSWER",
        stage=Stage.PROTOCOL,
        meaning="The peer closed the connection without an answer.",
        proof="End of stream or reset before an answer.",
        seen="{host}:{port} closed the connection without an answer.",
        remedy="A service firewall or an unapproved endpoint does this; also a server that wants TLS on this port.",
    ),
    Cause(
        code="NO_ANSWER",
        stage=Stage.PROTOCOL,
        meaning="The connection stands, but the service stays silent.",
        proof="No answer within the stage's limit.",
        seen="{host}:{port} did not answer within {timeout} s.",
        remedy="Check the service itself: it accepts connections and does not serve them; or it waits for the "
        "client to begin with TLS.",
    ),
)

ENGINE_CAUSES: Final = (
    Cause(
        code="DEADLINE_EXCEEDED",
        stage=Stage.PROTOCOL,
        meaning="The target's deadline passed before the stages were through.",
        proof="The stage that was running when the deadline passed.",
        seen="The deadline passed in stage {failed_stage}.",
        remedy="Raise the deadline, or look at why stage {failed_stage} is slow.",
    ),
    Cause(
        code="PROBE_ERROR",
        stage=Stage.PROTOCOL,
        meaning="The probe itself failed: a fault of this package, not of the target.",
        proof="An exception in the probe; the log has its traceback.",
        seen="The probe failed in stage {failed_stage}: {probe_error}.",
        remedy="Report it with the log's traceback; nothing can be said of the target.",
    ),
)

WARNINGS: Final = (
    Cause(
        code="RESOLVERS_DISAGREE",
        stage=Stage.RESOLVE,
        meaning="This system's resolver and its nameserver disagree on whether the name is private.",
        proof="getaddrinfo and the nameserver give addresses of which one set is private and the other is not.",
        seen="getaddrinfo gives {addresses} for {name}, while {dns_server} answers {dns_addresses}.",
        remedy="Look for the name in /etc/hosts or a local cache: what it says there outlives any change of the zone.",
        warning=True,
    ),
    Cause(
        code="SOME_ADDRESSES_FAIL",
        stage=Stage.CONNECT,
        meaning="Some of the name's addresses answer and others do not: clients fail now and then.",
        proof="At least one connected address and at least one that failed.",
        seen="TCP to port {port}: {attempts}.",
        remedy="Remove the dead addresses from the record, or mend the way to them.",
        warning=True,
    ),
    Cause(
        code="STRANGERS_REFUSED",
        stage=Stage.PROTOCOL,
        meaning="The service has no access rule for a stranger from here; whether it admits the connection's own user, "
        "only a login shows.",
        proof="PostgreSQL refuses an unknown user before it asks for a password (pg_hba.conf).",
        seen="{host}:{port} speaks {protocol} and says to an unknown user: {said}.",
        remedy="Where logins fail in the same words, admit this host's address in pg_hba.conf, or turn TLS on in the "
        "connection: a rule may be for connections with TLS alone.",
        warning=True,
    ),
    Cause(
        code="CONNECTION_NOT_ENCRYPTED",
        stage=Stage.TLS,
        meaning="The server offers no TLS within its protocol: passwords and data cross the network in the clear.",
        proof="The protocol's own word that TLS is not available.",
        seen="{host}:{port} speaks {protocol} and offers no TLS.",
        remedy="Turn TLS on at the server, and demand it in the connection.",
        warning=True,
    ),
    Cause(
        code="CERTIFICATE_EXPIRES_SOON",
        stage=Stage.TLS,
        meaning="The certificate expires within 14 days.",
        proof="The end of the leaf certificate's validity.",
        seen="The certificate of {server_name} expires on {not_after}, in {days_left} days.",
        remedy="Renew the certificate before then.",
        warning=True,
    ),
)

CAUSES: Final[dict[str, Cause]] = {
    cause.code: cause
    for group in (
        RESOLVE_CAUSES,
        ADDRESS_CAUSES,
        PROXY_CAUSES,
        CONNECT_CAUSES,
        TLS_CAUSES,
        PROTOCOL_CAUSES,
        AUTH_CAUSES,
        ENGINE_CAUSES,
        WARNINGS,
    )
    for cause in group
}
"""All causes by code, in the order of the stages."""
